#include "events/item.h"

#include <algorithm>
#include <array>

#include "events/event_time.h"

namespace terreno::events {

void read_context(JsonWalk& walk, ContextSlices& slices) {
  const auto inner = [](JsonWalk& at, std::string_view name, std::string_view& slot) {
    if (at.peek() != '{') {
      at.value();
      return;
    }
    at.members([&](std::string_view raw_key, JsonWalk& member) {
      const Key key(raw_key);
      const std::string_view raw = member.value();
      if (key == name) slot = raw;
    });
  };
  walk.members([&](std::string_view raw_key, JsonWalk& at) {
    const Key key(raw_key);
    if (key == "device") {
      slices.device_id = {};
      inner(at, "id", slices.device_id);
    } else if (key == "library") {
      slices.library_name = {};
      inner(at, "name", slices.library_name);
    } else {
      const std::string_view raw = at.value();
      if (key == "timezone")
        slices.time_zone = raw;
      else if (key == "locale")
        slices.locale = raw;
      else if (key == "traits")
        slices.traits = raw;
      else if (key == "externalIds")
        slices.external_ids = raw;
    }
  });
}

namespace {

struct NamedSlot {
  std::string_view name;
  std::string_view ItemSlices::* slot;
};
constexpr std::array kItemMembers{
    NamedSlot{"type", &ItemSlices::type},
    NamedSlot{"messageId", &ItemSlices::message_id},
    NamedSlot{"userId", &ItemSlices::user_id},
    NamedSlot{"anonymousId", &ItemSlices::anonymous_id},
    NamedSlot{"previousId", &ItemSlices::previous_id},
    NamedSlot{"event", &ItemSlices::event},
    NamedSlot{"name", &ItemSlices::name},
    NamedSlot{"properties", &ItemSlices::properties},
    NamedSlot{"traits", &ItemSlices::traits},
    NamedSlot{"groupId", &ItemSlices::group_id},
    NamedSlot{"context", &ItemSlices::context},
    NamedSlot{"timestamp", &ItemSlices::timestamp},
    NamedSlot{"originalTimestamp", &ItemSlices::original_timestamp},
    NamedSlot{"sentAt", &ItemSlices::sent_at},
};

}  // namespace

std::string_view read_item(JsonWalk& walk, ItemSlices& slices) {
  if (walk.peek() != '{') return walk.value();
  const char* const start = walk.start_of_value();
  walk.members([&](std::string_view raw_key, JsonWalk& at) {
    const Key key(raw_key);
    const std::string_view raw = at.value();
    if (key == "writeKey") slices.has_write_key = true;
    for (const NamedSlot& member : kItemMembers) {
      if (key != member.name) continue;
      slices.*member.slot = raw;
      break;
    }
  });
  return {start, static_cast<size_t>(walk.end_of_value() - start)};
}

namespace {

std::optional<EventType> event_type_from(std::string_view raw) {
  if (!is_string(raw)) return std::nullopt;
  const std::string_view name = raw.substr(1, raw.size() - 2);
  for (int i = 0; i <= static_cast<int>(kEventTypeLast); ++i) {
    const auto type = static_cast<EventType>(i);
    if (name_of(type) == name) return type;
  }
  return std::nullopt;
}

// Collects identifiers: normalised, unique, counted when they name nobody.
class IdentifierList {
 public:
  IdentifierList(const SourceDefaults& source, Event& event) : source_(&source), event_(&event) {}

  void add(IdentifierKind kind, std::string_view raw) {
    if (is_absent(raw)) return;
    const auto text = scalar_text(raw);
    if (!text) {
      count_blocked();
      return;
    }
    auto identifier = normalise_identifier(kind, *text, source_->phone_region);
    if (!identifier) {
      // An empty text is how SDKs say "none".
      if (identifier.error() != IdentifierErrc::empty) count_blocked();
      return;
    }
    if (std::ranges::find(event_->identifiers, *identifier) == event_->identifiers.end())
      event_->identifiers.push_back(std::move(*identifier));
  }

  void sort_and_bound() {
    std::ranges::sort(event_->identifiers);
    if (event_->identifiers.size() > kIdentifiersMax) event_->identifiers.resize(kIdentifiersMax);
  }

 private:
  void count_blocked() {
    if (event_->blocked_identifiers < 255) ++event_->blocked_identifiers;
  }
  const SourceDefaults* source_;
  Event* event_;
};

bool is_present_id(std::string_view raw) { return !is_absent(raw) && raw != "\"\""; }

// `previousId` names an anonymous visitor when it equals the body's own anonymous id or has the form that SDKs give to
// one (a UUID; Jitsu's 20 to 22 characters of base 36); otherwise it is an earlier user id. The body alone decides, so
// that a repeat decides the same.
IdentifierKind kind_of_previous(std::string_view raw_previous, std::string_view raw_anonymous) {
  if (raw_previous == raw_anonymous) return IdentifierKind::anonymous_id;
  const auto text = scalar_text(raw_previous);
  if (!text || is_number(raw_previous)) return IdentifierKind::user_id;
  const auto is_base36 = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (text->size() >= 20 && text->size() <= 22 && std::ranges::all_of(*text, is_base36))
    return IdentifierKind::anonymous_id;
  bool is_uuid = text->size() == 36;
  for (size_t i = 0; is_uuid && i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    is_uuid = dash ? (*text)[i] == '-' : is_hex((*text)[i]);
  }
  return is_uuid ? IdentifierKind::anonymous_id : IdentifierKind::user_id;
}

void add_external_ids(std::string_view raw, IdentifierList& list) {
  if (!is_array(raw)) return;
  // More than can be kept need not be read.
  size_t count = 0;
  JsonWalk(raw).elements([&](JsonWalk& at) {
    if (++count > 2 * kIdentifiersMax || at.peek() != '{') {
      at.value();
      return;
    }
    std::string_view id, type, encoding;
    at.members([&](std::string_view raw_key, JsonWalk& member) {
      const Key key(raw_key);
      const std::string_view value = member.value();
      if (key == "id")
        id = value;
      else if (key == "type")
        type = value;
      else if (key == "encoding")
        encoding = value;
    });
    // A hashed id names nobody whom another event could name.
    if (!is_absent(encoding) && encoding != "\"none\"") return;
    const auto name = scalar_text(type);
    if (!name) return;
    auto kind = identifier_kind_from(*name);
    if (*name == "customerNumber") kind = IdentifierKind::customer_number;
    if (kind) list.add(*kind, id);
  });
}

void add_trait_identifiers(std::string_view raw_traits, IdentifierList& list) {
  if (!is_object(raw_traits)) return;
  std::string_view email, phone;
  JsonWalk(raw_traits).members([&](std::string_view raw_key, JsonWalk& at) {
    const Key key(raw_key);
    const std::string_view value = at.value();
    if (key == "email") email = value;
    if (key == "phone") phone = value;
  });
  list.add(IdentifierKind::email, email);
  list.add(IdentifierKind::phone, phone);
}

void add_traits(std::string_view raw_traits, std::vector<TraitUpdate>& traits) {
  if (!is_object(raw_traits)) return;
  JsonWalk(raw_traits).members([&](std::string_view raw_key, JsonWalk& at) {
    const Key key(raw_key);
    traits.push_back({std::string(key.text()), std::string(at.value())});
  });
}

// The later of two equal names wins: in a body the last duplicate, and top-level traits after those of the context.
void keep_last_of_each(std::vector<TraitUpdate>& traits) {
  std::ranges::stable_sort(traits, {}, &TraitUpdate::name);
  auto out = traits.begin();
  for (auto it = traits.begin(); it != traits.end(); ++it) {
    const auto next = it + 1;
    if (next != traits.end() && next->name == it->name) continue;
    if (out != it) *out = std::move(*it);
    ++out;
  }
  traits.erase(out, traits.end());
}

// RudderStack's browser SDK sends `GMT+0200`, which is an offset and no zone.
std::string time_zone_of(std::string_view raw) {
  if (!is_string(raw) || raw.size() > 66) return {};
  const std::string_view text = raw.substr(1, raw.size() - 2);
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+';
  });
  if (!plain || (text != "UTC" && text.find('/') == std::string_view::npos)) return {};
  return std::string(text);
}

std::string locale_of(std::string_view raw) {
  if (!is_string(raw) || raw.size() > 37) return {};
  std::string text(raw.substr(1, raw.size() - 2));
  std::ranges::replace(text, '_', '-');
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  return plain ? text : std::string{};
}

bool renews_sent_at(std::string_view raw_library) {
  return raw_library == R"("analytics.js")" || raw_library == R"("RudderLabs JavaScript SDK")" ||
         raw_library == R"("@jitsu/js")";
}

std::string message_id_of(std::string_view raw, const Reading& reading) {
  auto text = scalar_text(raw);
  if (!text || text->empty()) return make_uuid_v7(reading.received_at, reading.random.next());
  constexpr size_t kAsSentBytesMax = 100;
  return text->size() <= kAsSentBytesMax ? std::move(*text) : hash128(*text).hex();
}

Timestamp time_of(const ItemSlices& slices, std::string_view batch_sent_at, std::string_view library,
                  const Reading& reading) {
  ClientTimes times;
  times.timestamp = read_time(slices.timestamp);
  times.original = read_time(slices.original_timestamp);
  times.unreadable = !times.timestamp && !is_absent(slices.timestamp);
  times.unreadable |= !times.timestamp && !times.original && !is_absent(slices.original_timestamp);
  times.sent_at = read_time(is_absent(slices.sent_at) ? batch_sent_at : slices.sent_at);
  times.sent_at_is_fresh = renews_sent_at(library);
  return resolve_time(times, reading.received_at, reading.source.skew_tolerated);
}

// The reason why the members do not make an event of that type, or empty.
std::string_view objection_to(EventType type, const ItemSlices& slices) {
  if (!is_absent(slices.properties) && !is_object(slices.properties)) return "invalid_properties";
  if (!is_absent(slices.traits) && !is_object(slices.traits)) return "invalid_traits";
  if (!is_absent(slices.context) && !is_object(slices.context)) return "invalid_context";
  if (!is_present_id(slices.user_id) && !is_present_id(slices.anonymous_id)) return "no_user_anon_id";
  if (type == EventType::track && (!is_string(slices.event) || slices.event == "\"\"")) return "missing_event_name";
  if (type == EventType::group && !is_present_id(slices.group_id)) return "missing_group_id";
  if (type == EventType::alias && !is_present_id(slices.previous_id)) return "missing_previous_id";
  return {};
}

std::string name_for(EventType type, const ItemSlices& slices) {
  if (type == EventType::track) return scalar_text(slices.event).value_or("");
  if (type == EventType::page || type == EventType::screen) return scalar_text(slices.name).value_or("");
  return {};
}

void fill_identifiers(const ItemSlices& slices, const ContextSlices& context, const Reading& reading, Event& event) {
  IdentifierList list(reading.source, event);
  list.add(IdentifierKind::user_id, slices.user_id);
  // RudderStack's Go SDK draws a fresh anonymous id for each event beside the user id: as evidence it would tie a
  // person to thousands of visitors.
  const bool pair_is_noise = reading.source.kind == SourceKind::server && is_present_id(slices.user_id) &&
                             event.type != EventType::identify && event.type != EventType::alias;
  if (!pair_is_noise) list.add(IdentifierKind::anonymous_id, slices.anonymous_id);
  list.add(IdentifierKind::device, context.device_id);
  if (event.type == EventType::alias)
    list.add(kind_of_previous(slices.previous_id, slices.anonymous_id), slices.previous_id);
  if (event.type == EventType::identify) add_trait_identifiers(slices.traits, list);
  add_trait_identifiers(context.traits, list);
  add_external_ids(context.external_ids, list);
  list.sort_and_bound();
}

}  // namespace

std::expected<Event, std::string_view> make_event(std::optional<EventType> path_type, const ItemSlices& slices,
                                                  const ContextSlices& context, std::string_view batch_sent_at,
                                                  const Reading& reading) {
  const std::optional<EventType> type = path_type ? path_type : event_type_from(slices.type);
  if (!type) return std::unexpected(is_absent(slices.type) ? "missing_type" : "unknown_type");
  if (const std::string_view objection = objection_to(*type, slices); !objection.empty())
    return std::unexpected(objection);
  Event event;
  event.type = *type;
  event.source = reading.source.id;
  event.visibility = reading.source.visibility;
  event.name = name_for(*type, slices);
  if (event.name.size() > kNameBytesMax) return std::unexpected("name_too_long");
  if (*type == EventType::track && event.name.find_first_not_of(" \t\r\n") == std::string::npos)
    return std::unexpected("missing_event_name");
  fill_identifiers(slices, context, reading, event);
  if (event.identifiers.empty()) return std::unexpected("blocked_identifiers");
  event.message_id = message_id_of(slices.message_id, reading);
  event.timestamp = time_of(slices, batch_sent_at, context.library_name, reading);
  event.received_at = reading.received_at;
  event.late = reading.received_at - event.timestamp > reading.source.late_after;
  if (*type == EventType::identify) {
    add_traits(context.traits, event.traits);
    add_traits(slices.traits, event.traits);
    keep_last_of_each(event.traits);
  }
  event.time_zone = time_zone_of(context.time_zone);
  event.locale = locale_of(context.locale);
  return event;
}

}  // namespace terreno::events
