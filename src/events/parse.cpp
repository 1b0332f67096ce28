// From the bytes of a request to events.
//
// 1. `begin` accepts a body only after a validating parse of all of it; the walk afterwards relies on that.
// 2. Invalid UTF-8 and NUL bytes are replaced one for one before that parse, and the items that held them are
//    quarantined with their original bytes: one bad item does not cost the batch.
// 3. Offsets in `text` and in `original` are the same.

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <boost/json.hpp>

#include "base/result.h"
#include "events/events.h"
#include "events/inflate.h"
#include "events/item.h"
#include "events/json_text.h"

namespace terreno::events {

namespace {

// What is kept of a large body's buffers for the next one.
constexpr size_t kBufferBytesKept = 2 * 1024 * 1024;

TrackingError error(uint16_t status, std::string_view code, std::string message) {
  return {status, code, std::move(message)};
}

// The length of the well-formed UTF-8 sequence at `at`, or 0. RFC 3629, section 4.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

// Replaces what is no UTF-8, and NUL, by `?`; gives the offsets.
std::vector<size_t> replace_damage(std::string& text) {
  std::vector<size_t> damaged;
  for (size_t at = 0; at < text.size();) {
    const size_t length = text[at] == '\0' ? 0 : utf8_length(text, at);
    if (length == 0) {
      text[at] = '?';
      damaged.push_back(at);
    }
    at += std::max<size_t>(length, 1);
  }
  return damaged;
}

// Appends the members of object `raw` for which `keep(key)`; a comma before each but the first.
template <typename Keep>
void append_members(std::string_view raw, std::string& out, bool& first, Keep keep) {
  JsonWalk(raw).members([&](std::string_view raw_key, JsonWalk& at) {
    const std::string_view value = at.value();
    if (!keep(Key(raw_key))) return;
    if (!first) out.push_back(',');
    first = false;
    out.append("\"").append(raw_key).append("\":").append(value);
  });
}

// The members of `under` that `over` lacks, then those of `over`: the item wins.
std::string merge_objects(std::string_view over, std::string_view under) {
  std::vector<std::string> taken;
  JsonWalk(over).members([&](std::string_view raw_key, JsonWalk& at) {
    at.value();
    taken.emplace_back(Key(raw_key).text());
  });
  std::ranges::sort(taken);
  std::string out = "{";
  bool first = true;
  append_members(under, out, first, [&](const Key& key) { return !std::ranges::binary_search(taken, key.text()); });
  append_members(over, out, first, [](const Key&) { return true; });
  out.push_back('}');
  return out;
}

}  // namespace

struct TrackingParser::State {
  simdjson::dom::parser validator;
  size_t validator_capacity = 0;
  TrackingPath path = TrackingPath::batch;
  std::string text;      ///< the body, decompressed, without byte-order mark; followed by simdjson's padding
  size_t size = 0;       ///< of the body in `text`
  std::string original;  ///< before the repair of damaged bytes; empty when there were none
  std::vector<size_t> damaged;
  std::string write_key;
  std::string_view batch_context, batch_integrations, batch_sent_at;
  struct Item {
    std::string_view raw;
    ItemSlices slices;
  };
  std::vector<Item> items;  ///< of a batch

  [[nodiscard]] std::string_view body() const { return std::string_view(text).substr(0, size); }
  [[nodiscard]] bool is_damaged(std::string_view slice) const;
  [[nodiscard]] std::string_view as_sent(std::string_view slice) const;

  std::expected<void, TrackingError> load(std::string_view sent, std::string_view content_encoding);
  std::expected<void, TrackingError> validate();
  simdjson::error_code try_validate();
  std::expected<void, TrackingError> find_members();

  [[nodiscard]] std::string stored_body(std::string_view item, const ItemSlices& slices) const;
};

bool TrackingParser::State::is_damaged(std::string_view slice) const {
  const auto from = static_cast<size_t>(slice.data() - text.data());
  const auto found = std::ranges::lower_bound(damaged, from);
  return found != damaged.end() && *found < from + slice.size();
}

std::string_view TrackingParser::State::as_sent(std::string_view slice) const {
  if (original.empty()) return slice;
  return std::string_view(original).substr(static_cast<size_t>(slice.data() - text.data()), slice.size());
}

std::expected<void, TrackingError> TrackingParser::State::load(std::string_view sent,
                                                               std::string_view content_encoding) {
  constexpr std::string_view kTooLarge =
      "body: holds more than 10 MiB after decompression; send smaller batches, such as 100 events each";
  const bool is_gzip = sent.starts_with("\x1f\x8b");
  const bool is_deflate = content_encoding == "deflate";
  const bool is_known = content_encoding.empty() || content_encoding == "identity" || content_encoding == "gzip" ||
                        content_encoding == "x-gzip" || is_deflate;
  if (!is_known && !is_gzip) {
    return std::unexpected(error(415, "unsupported_encoding",
                                 "Content-Encoding: only gzip and deflate are understood; send one of them or none"));
  }
  if (is_gzip || is_deflate) {
    switch (inflate_bounded(sent, kBodyBytesMax, text)) {
      case Inflated::complete:
        break;
      case Inflated::too_large:
        return std::unexpected(error(413, "payload_too_large", std::string(kTooLarge)));
      case Inflated::malformed:
        return std::unexpected(
            error(400, "invalid_encoding",
                  "body: is not complete gzip or deflate data; compress the whole body in one piece"));
    }
  } else {
    if (sent.size() > kBodyBytesMax) return std::unexpected(error(413, "payload_too_large", std::string(kTooLarge)));
    text.assign(sent);
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  size = text.size();
  text.append(simdjson::SIMDJSON_PADDING, '\0');
  return {};
}

simdjson::error_code TrackingParser::State::try_validate() {
  // Allocated here and not by parse(), which would fall back to the library's own depth limit.
  if (size > validator_capacity) {
    const size_t capacity = std::bit_ceil(std::max<size_t>(size, 16 * 1024));
    if (const auto failed = validator.allocate(capacity, kNestingMax)) return failed;
    validator_capacity = capacity;
  }
  return validator.parse(text.data(), size, false).error();
}

std::expected<void, TrackingError> TrackingParser::State::validate() {
  simdjson::error_code code = try_validate();
  if (code != simdjson::SUCCESS && (code == simdjson::UTF8_ERROR || body().find('\0') != std::string_view::npos)) {
    original.assign(body());
    std::string repaired(body());
    damaged = replace_damage(repaired);
    text.replace(0, size, repaired);
    code = try_validate();
  }
  if (code == simdjson::NUMBER_ERROR) {
    // simdjson refuses integers beyond 64 bits, which JSON allows; the slower parser decides.
    boost::json::parse_options options;
    options.max_depth = kNestingMax;
    boost::json::error_code failed;
    boost::json::monotonic_resource memory;
    static_cast<void>(boost::json::parse(boost::json::string_view(text.data(), size), failed, &memory, options));
    if (!failed) code = simdjson::SUCCESS;
  }
  if (code == simdjson::SUCCESS) return {};
  std::string message = "body: is not valid JSON; send one JSON object in UTF-8";
  if (code == simdjson::DEPTH_ERROR) message = "body: is nested deeper than 64 levels; flatten it";
  if (code == simdjson::EMPTY) message = "body: is empty; send one JSON object";
  return std::unexpected(error(400, "invalid_json", std::move(message)));
}

std::expected<void, TrackingError> TrackingParser::State::find_members() {
  JsonWalk walk(body());
  if (walk.peek() != '{')
    return std::unexpected(error(400, "invalid_json", "body: is not a JSON object; send {\"batch\":[…]} or one event"));
  bool has_batch = false;
  walk.members([&](std::string_view raw_key, JsonWalk& at) {
    const Key key(raw_key);
    if (path == TrackingPath::batch && key == "batch" && at.peek() == '[') {
      has_batch = true;
      items.clear();
      at.elements([&](JsonWalk& element) {
        if (items.size() > kBatchItemsMax) {
          element.value();
          return;
        }
        Item& item = items.emplace_back();
        item.raw = read_item(element, item.slices);
      });
      return;
    }
    const std::string_view raw = at.value();
    if (key == "writeKey") write_key = is_string(raw) ? scalar_text(raw).value_or("") : "";
    if (path != TrackingPath::batch) return;
    if (key == "batch") {
      has_batch = false;
    } else if (key == "context") {
      batch_context = raw;
    } else if (key == "integrations") {
      batch_integrations = raw;
    } else if (key == "sentAt") {
      batch_sent_at = raw;
    }
  });
  if (path == TrackingPath::batch && !has_batch)
    return std::unexpected(error(400, "invalid_batch", "batch: is missing or is no array; send {\"batch\":[…]}"));
  if (!is_object(batch_context)) batch_context = {};
  if (!is_object(batch_integrations)) batch_integrations = {};
  if (items.size() > kBatchItemsMax)
    return std::unexpected(
        error(413, "payload_too_large", "batch: holds more than 10,000 items; send smaller batches"));
  // The shared members are stored with each item: unbounded, a 10 MiB body would become 100 GB.
  constexpr size_t kSharedBytesMax = 64UL * 1024 * 1024;
  if (items.size() * (batch_context.size() + batch_integrations.size()) > kSharedBytesMax) {
    return std::unexpected(error(413, "payload_too_large",
                                 "context: repeated for each item of the batch it takes more than 64 MiB; send smaller "
                                 "batches or a smaller context"));
  }
  return {};
}

std::string TrackingParser::State::stored_body(std::string_view item, const ItemSlices& slices) const {
  const bool merges = !batch_context.empty() || !batch_integrations.empty();
  if (!slices.has_write_key && !merges) return std::string(item);
  std::string out = "{";
  bool first = true;
  std::string_view integrations;
  append_members(item, out, first, [&](const Key& key) {
    if (key == "writeKey") return false;
    return !merges || !(key == "context" || key == "integrations");
  });
  if (merges) {
    JsonWalk(item).members([&](std::string_view raw_key, JsonWalk& at) {
      const Key key(raw_key);
      const std::string_view raw = at.value();
      if (key == "integrations") integrations = raw;
    });
    const auto add = [&](std::string_view name, std::string_view over, std::string_view under) {
      if (is_absent(over) && under.empty()) return;
      if (!first) out.push_back(',');
      first = false;
      out.append("\"").append(name).append("\":");
      if (is_absent(over))
        out.append(under);
      else if (under.empty() || !is_object(over))
        out.append(over);
      else
        out.append(merge_objects(over, under));
    };
    add("context", slices.context, batch_context);
    add("integrations", integrations, batch_integrations);
  }
  out.push_back('}');
  return out;
}

TrackingParser::TrackingParser() : state_(std::make_unique<State>()) {}
TrackingParser::~TrackingParser() = default;

std::string_view TrackingParser::write_key() const { return state_->write_key; }

std::expected<void, TrackingError> TrackingParser::begin(TrackingPath path, std::string_view body,
                                                         std::string_view content_encoding) {
  State& state = *state_;
  if (state.text.capacity() > kBufferBytesKept) {
    state_ = std::make_unique<State>();
    return begin(path, body, content_encoding);
  }
  state.path = path;
  state.original.clear();
  state.damaged.clear();
  state.write_key.clear();
  state.items.clear();
  state.batch_context = state.batch_integrations = state.batch_sent_at = {};
  TERRENO_TRY_VOID(state.load(body, content_encoding));
  TERRENO_TRY_VOID(state.validate());
  return state.find_members();
}

std::expected<void, TrackingError> TrackingParser::read(const SourceDefaults& source, Timestamp received_at,
                                                        engine::Random& random, std::vector<Event>& events,
                                                        std::vector<Quarantined>& quarantined) {
  const State& state = *state_;
  const Reading reading{source, received_at, random};
  ContextSlices shared_context;
  if (!state.batch_context.empty()) {
    JsonWalk walk(state.batch_context);
    read_context(walk, shared_context);
  }
  // Few bodies hold any escape: one look at the whole spares a search in each item.
  const bool has_escapes = state.body().find('\\') != std::string_view::npos;
  const auto read_one = [&](const State::Item& one, size_t index, std::optional<EventType> path_type) {
    const auto& [item, slices] = one;
    const auto refuse = [&](std::string_view reason) {
      std::string raw = slices.has_write_key && !state.is_damaged(item)
                            ? state.stored_body(item, slices)
                            : std::string(state.as_sent(item).substr(0, kEventBytesMax));
      quarantined.push_back({index, reason, std::move(raw)});
    };
    if (!is_object(item)) return refuse("not_an_object");
    if (item.size() > kEventBytesMax) return refuse("event_too_large");
    ContextSlices context = shared_context;
    if (is_object(slices.context)) {
      JsonWalk walk(slices.context);
      read_context(walk, context);
    }
    if (state.is_damaged(item)) return refuse("invalid_utf8_or_nul");
    if (has_escapes && has_escaped_nul(item)) return refuse("invalid_utf8_or_nul");
    auto event = make_event(path_type, slices, context, state.batch_sent_at, reading);
    if (!event) return refuse(event.error());
    event->body = state.stored_body(item, slices);
    if (event->body.size() > kEventBytesMax) return refuse("event_too_large");
    events.push_back(std::move(*event));
  };

  if (state.path != TrackingPath::batch) {
    JsonWalk walk(state.body());
    State::Item item;
    item.raw = read_item(walk, item.slices);
    if (item.raw.size() > kEventBytesMax) {
      return std::unexpected(error(400, "event_too_large",
                                   "body: is an event of more than 256 KiB; send less, or a reference to the data"));
    }
    read_one(item, 0, static_cast<EventType>(state.path));
    return {};
  }
  events.reserve(events.size() + state.items.size());
  for (size_t index = 0; index < state.items.size(); ++index) read_one(state.items[index], index, std::nullopt);
  return {};
}

std::expected<void, TrackingError> parse_tracking(TrackingPath path, std::string_view body,
                                                  std::string_view content_encoding, const SourceDefaults& source,
                                                  Timestamp received_at, engine::Random& random,
                                                  std::vector<Event>& events, std::vector<Quarantined>& quarantined) {
  TrackingParser parser;
  TERRENO_TRY_VOID(parser.begin(path, body, content_encoding));
  return parser.read(source, received_at, random, events, quarantined);
}

std::string make_uuid_v7(Timestamp time, Id128 random) {
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(time.ms, 0));
  const Id128 bits{(ms << 16) | 0x7000 | (random.high & 0x0fff),
                   (random.low & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000};
  std::string text = bits.hex();
  for (const size_t at : {8, 13, 18, 23}) text.insert(at, 1, '-');
  return text;
}

}  // namespace terreno::events
