// People: the list, one of them whole, and what happened with them.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/customer_api.h"
#include "api/gather.h"

namespace terreno::api {

namespace json = boost::json;
using contact::Decision;
using events::Identifier;
using events::IdentifierKind;

namespace {

constexpr size_t kSearchBytesMax = 320;
/// Names have no index: of so many people, the newest, they are read one by one.
constexpr size_t kNamesSearched = 200;
constexpr size_t kNameBytesMin = 2;
constexpr size_t kSummaryIdentifiers = 5;
constexpr size_t kPastEntriesShown = 50;
constexpr size_t kBodyShown = 32 * 1024;
constexpr size_t kPageBodiesMax = 2 * 1024 * 1024;

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::optional<std::string> bytes_of(std::string_view hex, size_t size) {
  if (hex.size() != size * 2) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, failed] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (failed != std::errc{} || end != hex.data() + i + 2) return std::nullopt;
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

/// Every kind of identifier that a text can be, in its normal form: numbers may be a phone or a customer's.
std::vector<Identifier> readings_of(std::string_view text) {
  std::vector<Identifier> readings;
  for (int kind = 0; kind <= static_cast<int>(events::kIdentifierKindLast); ++kind) {
    if (auto identifier = events::normalise_identifier(static_cast<IdentifierKind>(kind), text)) {
      readings.push_back(std::move(*identifier));
    }
  }
  return readings;
}

/// Small letters without accents, as far as the languages of the console need it (Latin-1), so that `garcia` finds
/// `García`.
std::string folded_name(std::string_view text) {
  constexpr std::string_view kBase = "aaaaaaaceeeeiiiidnooooo*ouuuuyts";  // U+00C0 to U+00DF, and again to U+00FF
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool has_next = i + 1 < text.size();
    if (byte == 0xC3 && has_next) {
      out += kBase[static_cast<unsigned char>(text[++i]) & 0x1F];
    } else {
      out += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 0x20) : text[i];
    }
  }
  return out;
}

json::value name_json(const profiles::Person& person) {
  const auto name = oversight::full_name_of(person);
  return name ? json::value(*name) : json::value(nullptr);
}

const consent::ConsentEntry* find_entry(const consent::AddressLedger& ledger, uint64_t id) {
  const auto& entries = ledger.entries();
  const auto found = std::ranges::lower_bound(entries, id, {}, &consent::ConsentEntry::entry_id);
  return found == entries.end() || found->entry_id != id ? nullptr : &*found;
}

/// The entry behind what is so for a scope now; of a grant or request that ran out, that one.
uint64_t entry_of(const consent::Folded& folded, const consent::Scope& scope, consent::PermissionState state) {
  using consent::PermissionState;
  if (state == PermissionState::suppressed) {
    uint64_t newest = 0;
    for (const auto& one : folded.suppressions) {
      if (one.pattern.covers(scope)) newest = std::max(newest, one.entry_id);
    }
    return newest;
  }
  if (state == PermissionState::unsubscribed) {
    const consent::OptOut* const opt_out = folded.newest_opt_out(scope);
    return opt_out == nullptr ? 0 : opt_out->entry_id;
  }
  const auto* const found = folded.find(scope);
  if (found == nullptr) return 0;
  if (found->grant) return found->grant->entry_id;
  return found->request ? found->request->entry_id : 0;
}

/// The pause that holds a scope the longest; null: none does.
const consent::Pause* pause_of(const consent::Folded& folded, const consent::Scope& scope, Timestamp now) {
  const consent::Pause* longest = nullptr;
  for (const consent::Pause& pause : folded.pauses) {
    if (!pause.pattern.covers(scope) || (pause.until && *pause.until <= now)) continue;
    if (longest == nullptr || !pause.until || (longest->until && *longest->until < *pause.until)) longest = &pause;
  }
  return longest;
}

json::array consents_json(const std::vector<consent::Address>& addresses, const Reading::Ledgers& ledgers,
                          Timestamp now) {
  json::array list;
  for (size_t i = 0; i < ledgers.size(); ++i) {
    if (!ledgers[i]) continue;
    const consent::AddressLedger& ledger = *ledgers[i];
    const consent::PermissionCopy copy = ledger.copy();
    const consent::Scope* shown = nullptr;
    for (const consent::FoldedPermission& line : copy.lines) {
      // A scope may have a line for the no and one for the later yes; only one of them is so.
      if (shown != nullptr && *shown == line.scope) continue;
      shown = &line.scope;
      const consent::PermissionState state = copy.state_of(line.scope, now);
      const auto* const entry = find_entry(ledger, entry_of(ledger.folded(), line.scope, state));
      const auto* const pause = pause_of(ledger.folded(), line.scope, now);
      const auto text = [&](std::string_view value) {
        return entry == nullptr || value.empty() ? json::value(nullptr) : json::value(value);
      };
      list.push_back(json::object{
          {"channel", consent::name_of(addresses[i].channel)},
          {"address", addresses[i].value},
          {"topic", line.scope.topic},
          {"purpose", line.scope.purpose},
          {"brand", line.scope.brand},
          {"state", consent::name_of(state)},
          {"paused", pause != nullptr},
          {"paused_until", time_or_null(pause == nullptr ? Timestamp{} : pause->until.value_or(Timestamp{}))},
          {"entry_id", entry == nullptr ? json::value(nullptr)
                                        : json::value(entry_id_text(consent::home_of(addresses[i]), entry->entry_id))},
          {"since", time_or_null(entry == nullptr ? Timestamp{} : entry->act.effective_at())},
          {"text_version", entry == nullptr ? json::value(nullptr) : text(entry->act.text_version)},
          {"method", entry == nullptr ? json::value(nullptr) : text(consent::name_of(entry->act.method))}});
    }
  }
  return list;
}

/// `all`, or the channels that an objection closed at some address.
json::array objected_json(const profiles::Person& person, const std::vector<consent::Address>& addresses,
                          const Reading::Ledgers& ledgers) {
  if (!person.objections.empty()) return {"all"};
  json::array channels;
  for (size_t i = 0; i < ledgers.size(); ++i) {
    if (!ledgers[i]) continue;
    const auto is_objection = [](const consent::OptOut& one) { return one.action == consent::Action::object; };
    const json::value name(consent::name_of(addresses[i].channel));
    if (std::ranges::any_of(ledgers[i]->folded().opt_outs, is_objection) &&
        std::ranges::find(channels, name) == channels.end()) {
      channels.push_back(name);
    }
  }
  return channels;
}

/// An address that answered for itself; of other identifiers, that a server named it.
bool is_confirmed(const profiles::KnownIdentifier& known, const std::vector<consent::Address>& addresses,
                  const Reading::Ledgers& ledgers) {
  if (known.visibility == events::Visibility::secret_source) return true;
  for (size_t i = 0; i < ledgers.size(); ++i) {
    if (!ledgers[i] || addresses[i].value != known.identifier.value) continue;
    for (const auto& scope : ledgers[i]->folded().scopes) {
      if (scope.grant && scope.grant->confirm_entry_id != 0) return true;
    }
  }
  return false;
}

}  // namespace

json::object CustomerApi::summary_json(const PersonFile& file) const {
  const profiles::Person& person = file.person;
  json::array identifiers;
  for (const auto& known : person.identifiers) {
    if (identifiers.size() == kSummaryIdentifiers) break;
    identifiers.push_back(to_json(known.identifier));
  }
  bool is_subscribed = false;
  bool is_suppressed = false;
  for (const consent::PermissionCopy& copy : person.permissions) {
    for (const consent::FoldedPermission& line : copy.lines) {
      is_suppressed |= line.state == consent::PermissionState::suppressed;
      is_subscribed |= copy.state_of(line.scope, now()) == consent::PermissionState::subscribed;
    }
  }
  json::array journeys;
  for (const journeys::Instance& instance : file.journeys.instances) {
    if (std::ranges::find(journeys, json::value(instance.journey)) == journeys.end()) {
      journeys.emplace_back(instance.journey);
    }
  }
  const std::string language = person.text("language").value_or(person.locale);
  return {{"person_id", person.id.hex()},
          {"name", name_json(person)},
          {"identifiers", std::move(identifiers)},
          {"identifier_count", person.identifiers.size()},
          {"last_seen", time_or_null(person.last_seen)},
          {"subscribed", is_subscribed},
          {"suppressed", is_suppressed},
          {"language", language.empty() ? json::value(nullptr) : json::value(language)},
          {"journeys", std::move(journeys)}};
}

json::object CustomerApi::person_json(const Whole& whole) const {
  const profiles::Person& person = whole.file->person;
  json::array identifiers;
  for (const auto& known : person.identifiers) {
    json::object one = to_json(known.identifier);
    one["since"] = format_iso8601(known.since);
    one["source"] = source_name(known.source);
    one["state"] = is_confirmed(known, whole.addresses, whole.ledgers) ? "confirmed" : "unconfirmed";
    identifiers.push_back(std::move(one));
  }
  const auto place_of = [&](const Identifier& identifier) -> std::optional<size_t> {
    for (size_t i = 0; i < person.identifiers.size(); ++i) {
      if (person.identifiers[i].identifier == identifier) return i;
    }
    return std::nullopt;
  };
  json::array edges;
  for (const identity::EdgeView& edge : whole.edges) {
    const auto a = place_of(edge.a);
    const auto b = place_of(edge.b);
    if (!a || !b) continue;
    constexpr std::array<std::string_view, 4> kStates{"live", "held", "blocked", "tombstone"};
    edges.push_back(
        json::object{{"a", *a},
                     {"b", *b},
                     {"kind", identity::name_of(edge.kind)},
                     {"since", format_iso8601(edge.valid_from)},
                     {"source", edge.actor.empty() ? source_name(person.identifiers[*b].source) : edge.actor},
                     {"state", kStates[static_cast<size_t>(edge.state)]}});
  }
  const auto candidate_json = [&](const profiles::Candidate& candidate) {
    json::object one{{"value", parsed_or_null(candidate.json)},
                     {"rank", profiles::name_of(candidate.rank)},
                     {"source", source_name(candidate.source)},
                     {"at", format_iso8601(candidate.at)}};
    if (!candidate.note.empty()) one["note"] = candidate.note;
    return one;
  };
  json::array attributes;
  for (const profiles::Attribute& attribute : person.attributes()) {
    json::object one = candidate_json(attribute.winner());
    one["name"] = attribute.name;
    json::array candidates;
    for (const auto& candidate : attribute.candidates) candidates.push_back(candidate_json(candidate));
    one["candidates"] = std::move(candidates);
    attributes.push_back(std::move(one));
  }
  json::array journeys;
  for (const journeys::Instance& instance : whole.file->journeys.instances) {
    const auto definition = parts_.library->find_journey(instance.version);
    const bool has_step = definition && instance.step < definition->steps.size();
    journeys.push_back(json::object{{"journey", instance.journey},
                                    {"version", oversight::version_text(instance.version)},
                                    {"entry_key", instance.entry_key},
                                    {"step", has_step ? definition->steps[instance.step].id : ""},
                                    {"state", instance.wakes_at ? "waiting" : "active"},
                                    {"since", format_iso8601(instance.step_since)},
                                    {"wakes_at", time_or_null(instance.wakes_at.value_or(Timestamp{}))}});
  }
  const auto& entered = whole.file->journeys.entered;
  for (size_t i = 0; i < std::min(entered.size(), kPastEntriesShown); ++i) {
    const journeys::Entered& one = entered[entered.size() - 1 - i];
    const bool is_running = std::ranges::any_of(whole.file->journeys.instances, [&](const auto& instance) {
      return instance.journey == one.journey && instance.entry_key == one.entry_key;
    });
    if (is_running) continue;
    journeys.push_back(json::object{{"journey", one.journey},
                                    {"version", ""},
                                    {"entry_key", one.entry_key},
                                    {"step", ""},
                                    {"state", "completed"},
                                    {"since", format_iso8601(one.at)},
                                    {"wakes_at", nullptr}});
  }
  json::array messages;
  for (const Decision& decision : whole.file->decisions) {
    if (messages.size() == kDecisionsShown) break;
    json::value reason = nullptr;
    if (decision.state != contact::DecisionState::sent) {
      reason = why_of(*whole.file, &decision, {}).sentence.code;
    }
    messages.push_back(
        json::object{{"decision_id", decision.id.hex()},
                     {"journey", decision.journey},
                     {"message", decision.message},
                     {"state", message_state(decision, decision.state)},
                     {"at", format_iso8601(decision.history.empty() ? decision.wanted_at : decision.history.back().at)},
                     {"channel", consent::name_of(decision.address.channel)},
                     {"reason", std::move(reason)}});
  }
  json::array in_force;
  if (const auto configuration = parts_.library->find(whole.file->configuration)) {
    for (const auto& definition : configuration->journeys) in_force.emplace_back(definition->name);
  }
  json::array merged;
  for (const PersonId id : person.absorbed) merged.emplace_back(id.hex());
  return {{"person_id", person.id.hex()},
          {"name", name_json(person)},
          {"first_seen", time_or_null(person.created)},
          {"last_seen", time_or_null(person.last_seen)},
          {"merged_ids", std::move(merged)},
          {"objected", objected_json(person, whole.addresses, whole.ledgers)},
          {"identifiers", std::move(identifiers)},
          {"edges", std::move(edges)},
          {"attributes", std::move(attributes)},
          {"consents", consents_json(whole.addresses, whole.ledgers, now())},
          {"journeys", std::move(journeys)},
          {"journeys_in_force", std::move(in_force)},
          {"messages", std::move(messages)}};
}

void CustomerApi::load_whole(const PersonQuery& query, WholeCallback done) const {
  reading_.person(query, [reading = reading_, done = std::move(done)](const File& file) {
    if (!file) return done(nullptr);
    auto whole = std::make_shared<Whole>();
    whole->file = file;
    whole->addresses = addresses_of(file->person);
    std::vector<Identifier> identifiers;
    for (const auto& known : file->person.identifiers) identifiers.push_back(known.identifier);
    reading.ledgers(whole->addresses, [reading, whole, identifiers, done](Reading::Ledgers ledgers) {
      whole->ledgers = std::move(ledgers);
      reading.edges(identifiers, [whole, done](std::vector<identity::EdgeView> edges) {
        whole->edges = std::move(edges);
        done(whole);
      });
    });
  });
}

void CustomerApi::answer_person(const PersonQuery& query, const Call& call, const http::Responder& responder,
                                std::optional<governance::AuditNote> command) {
  load_whole(query, [this, call, responder, command = std::move(command)](const std::shared_ptr<const Whole>& whole) {
    later(responder, [this, call, responder, command, whole] {
      if (!whole) return refuse_not_found(responder);
      const std::string id = whole->file->person.id.hex();
      const bool is_noted =
          command ? note(call, *command, responder) : note_view(call, "person_read", "person", id, responder);
      if (is_noted) answer(responder, 200, person_json(*whole));
    });
  });
}

void CustomerApi::get_person(const Call& call, const http::Responder& responder) {
  const PersonId id = PersonId::from_hex(call.id);
  if (id.is_zero()) return refuse_not_found(responder);
  answer_person({.id = id, .hint = {}, .not_before = {}, .decision = {}}, call, responder, std::nullopt);
}

// ---------------------------------------------------------------------------------------------------------------------
// The list

void CustomerApi::answer_people(const std::vector<PersonQuery>& queries, std::optional<std::string> next,
                                bool with_total, const Call& call, const http::Responder& responder) {
  reading_.people(queries, [this, next = std::move(next), with_total, call, responder](const std::vector<File>& files) {
    const auto finish = [this, next, call, responder, files, with_total](uint64_t total) {
      later(responder, [this, next, call, responder, files, with_total, total] {
        if (!note_view(call, "people_listed", "", "", responder)) return;
        json::array items;
        for (const File& file : files) items.push_back(summary_json(*file));
        json::object body{{"items", std::move(items)}, {"next", next ? json::value(*next) : json::value(nullptr)}};
        if (with_total) body["total"] = total;
        answer(responder, 200, body);
      });
    };
    if (with_total) return reading_.total(finish);
    finish(0);
  });
}

void CustomerApi::search_names(const std::string& search, size_t limit, const Call& call,
                               const http::Responder& responder) {
  const auto query_of = [](PersonId id, engine::Partition home) {
    return PersonQuery{.id = id, .hint = home, .not_before = {}, .with_decisions = false, .decision = {}};
  };
  const auto look = [this, call, responder, query_of, limit,
                     wanted = folded_name(search)](const std::vector<File>& files) {
    std::vector<PersonQuery> queries;
    for (const File& file : files) {
      if (!file || queries.size() == limit) continue;
      const auto name = oversight::full_name_of(file->person);
      if (name && folded_name(*name).find(wanted) != std::string::npos)
        queries.push_back(query_of(file->person.id, file->home));
    }
    answer_people(queries, std::nullopt, false, call, responder);
  };
  reading_.newest_people(std::nullopt, kNamesSearched, [this, look, query_of](const std::vector<ListedPerson>& listed) {
    std::vector<PersonQuery> queries;
    for (const ListedPerson& one : listed) queries.push_back(query_of(one.id, one.partition));
    reading_.people(queries, look);
  });
}

void CustomerApi::list_people(const Call& call, const http::Responder& responder) {
  const auto limit = page_limit(call);
  if (!limit) return refuse(responder, bad_limit());
  const std::string search = call.query_value("q");
  const auto query_of = [](PersonId id, std::optional<engine::Partition> hint) {
    return PersonQuery{.id = id, .hint = hint, .not_before = {}, .with_decisions = false, .decision = {}};
  };
  if (!search.empty()) {
    if (search.size() > kSearchBytesMax) {
      return refuse(
          responder,
          Refused{422, "too_long", "q: is longer than 320 bytes; search for one identifier", {{"field", "q"}}, {}, {}});
    }
    const std::vector<Identifier> readings = readings_of(search);
    const PersonId id = PersonId::from_hex(search);
    // One place for each reading, and one for the text as a person id.
    const Gather<File> gather(
        readings.size() + 1, [this, call, responder, query_of, search, limit = *limit](const std::vector<File>& files) {
          std::vector<PersonQuery> queries;
          for (const File& file : files) {
            if (file) queries.push_back(query_of(file->person.id, file->home));
          }
          if (queries.empty() && search.size() >= kNameBytesMin) return search_names(search, limit, call, responder);
          answer_people(queries, std::nullopt, false, call, responder);
        });
    for (size_t i = 0; i < readings.size(); ++i) {
      reading_.person_of(readings[i], [gather, i](File file) { gather.put(i, std::move(file)); });
    }
    reading_.person(query_of(id, std::nullopt),
                    [gather, place = readings.size()](File file) { gather.put(place, std::move(file)); });
    return;
  }
  // First whom the newest events were about, then everybody by creation. Who comes twice on one page is shown once.
  const std::string cursor = call.query_value("cursor");
  std::vector<PersonQuery> queries;
  std::optional<ListedPerson> before;
  if (cursor.empty()) {
    for (const PersonId id : parts_.news->live.recent_people(*limit)) queries.push_back(query_of(id, std::nullopt));
  } else if (cursor != "all") {
    const size_t dash = cursor.find('-');
    const auto key = bytes_of(std::string_view(cursor).substr(0, dash), 16);
    unsigned number = engine::kPartitionCount;
    if (key && dash != std::string::npos) {
      std::from_chars(cursor.data() + dash + 1, cursor.data() + cursor.size(), number);
    }
    if (!key || number >= engine::kPartitionCount) return refuse(responder, bad_cursor());
    before = ListedPerson{{static_cast<uint16_t>(number)}, *key, {}};
  }
  const size_t room = *limit - queries.size();
  if (room == 0) return answer_people(queries, "all", cursor.empty(), call, responder);
  reading_.newest_people(before, room,
                         [this, queries, query_of, room, call, responder,
                          is_first = cursor.empty()](const std::vector<ListedPerson>& listed) {
                           std::vector<PersonQuery> all = queries;
                           for (const ListedPerson& one : listed) all.push_back(query_of(one.id, one.partition));
                           std::optional<std::string> next;
                           if (listed.size() == room) {
                             next =
                                 fmt::format("{}-{}", hex_of(listed.back().order_key), listed.back().partition.number);
                           }
                           answer_people(all, std::move(next), is_first, call, responder);
                         });
}

// ---------------------------------------------------------------------------------------------------------------------
// The timeline

namespace {

/// Where a line stands: newest first; of one moment first what the program did, then the events that came.
struct Place {
  int64_t at = 0;
  bool is_event = false;
  uint64_t position = 0;  ///< of an event
  std::string tie;        ///< of an event its identifier's key, otherwise what tells lines of one moment apart
  [[nodiscard]] std::string text() const { return fmt::format("{}.{}.{}.{}", at, is_event ? 1 : 0, position, tie); }
};

bool comes_before(const Place& a, const Place& b) {
  if (a.at != b.at) return a.at > b.at;
  if (a.is_event != b.is_event) return b.is_event;
  if (a.position != b.position) return a.position > b.position;
  return a.tie < b.tie;
}

std::optional<Place> place_from(std::string_view text) {
  Place place;
  int is_event = 0;
  const auto number = [&](auto& value) {
    const size_t dot = text.find('.');
    if (dot == std::string_view::npos) return false;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + dot, value);
    if (failed != std::errc{} || end != text.data() + dot) return false;
    text.remove_prefix(dot + 1);
    return true;
  };
  if (!number(place.at) || !number(is_event) || !number(place.position) || text.size() > 200) return std::nullopt;
  place.is_event = is_event != 0;
  place.tie = text;
  return place;
}

struct Line {
  Place place;
  json::object item;
  engine::Partition partition;  ///< of an event: where its body is
  engine::Position position;
};

void add_lines_of_decisions(const PersonFile& file, std::vector<Line>& lines) {
  for (const Decision& decision : file.decisions) {
    for (size_t i = 0; i < decision.history.size(); ++i) {
      const contact::Step& step = decision.history[i];
      // History names the arbiter's states; the wire has fewer words for them.
      std::string_view state = "unknown";
      for (int one = 0; one <= static_cast<int>(contact::kDecisionStateLast); ++one) {
        const auto known = static_cast<contact::DecisionState>(one);
        if (contact::name_of(known) == step.state) state = message_state(decision, known);
      }
      const std::string id = fmt::format("{}-{}", decision.id.hex(), i);
      lines.push_back({{step.at.ms, false, 0, id},
                       {{"id", id},
                        {"at", format_iso8601(step.at)},
                        {"kind", "message"},
                        {"name", decision.message},
                        {"state", state},
                        {"decision_id", decision.id.hex()},
                        {"journey", decision.journey}},
                       {},
                       {}});
    }
  }
}

void add_lines_of_ledgers(const std::vector<consent::Address>& addresses, const Reading::Ledgers& ledgers,
                          std::vector<Line>& lines) {
  for (size_t i = 0; i < ledgers.size(); ++i) {
    if (!ledgers[i]) continue;
    for (const consent::ConsentEntry& entry : ledgers[i]->entries()) {
      const bool is_objection = entry.act.action == consent::Action::object;
      const std::string id = entry_id_text(consent::home_of(addresses[i]), entry.entry_id);
      lines.push_back({{entry.recorded_at.ms, false, 0, id},
                       {{"id", id},
                        {"at", format_iso8601(entry.recorded_at)},
                        {"kind", is_objection ? "objection" : "consent"},
                        {"name", entry.act.scope.topic},
                        {"state", consent::name_of(entry.act.action)},
                        {"params", json::object{{"channel", consent::name_of(addresses[i].channel)},
                                                {"method", consent::name_of(entry.act.method)}}}},
                       {},
                       {}});
    }
  }
}

void add_lines_of_person(const PersonFile& file, std::vector<Line>& lines) {
  for (const profiles::Attribute& attribute : file.person.attributes()) {
    for (const profiles::Candidate& candidate : attribute.candidates) {
      if (candidate.rank != profiles::Rank::stated && candidate.rank != profiles::Rank::corrected) continue;
      const std::string id = fmt::format("{}-{}", candidate.record.hex(), candidate.at.ms);
      lines.push_back({{candidate.at.ms, false, 0, id},
                       {{"id", id},
                        {"at", format_iso8601(candidate.at)},
                        {"kind", "correction"},
                        {"name", attribute.name},
                        {"source", candidate.source},
                        {"params", json::object{{"rank", profiles::name_of(candidate.rank)}}}},
                       {},
                       {}});
    }
  }
  for (const journeys::Entered& entered : file.journeys.entered) {
    const std::string id = hash128(entered.journey + '\0' + entered.entry_key).hex();
    lines.push_back({{entered.at.ms, false, 0, id},
                     {{"id", id},
                      {"at", format_iso8601(entered.at)},
                      {"kind", "journey"},
                      {"name", entered.journey},
                      {"state", "entered"}},
                     {},
                     {}});
  }
}

}  // namespace

void CustomerApi::list_timeline(const Call& call, const http::Responder& responder) {
  const auto limit = page_limit(call);
  if (!limit) return refuse(responder, bad_limit());
  std::optional<Place> before;
  if (const std::string cursor = call.query_value("cursor"); !cursor.empty()) {
    before = place_from(cursor);
    if (!before) return refuse(responder, bad_cursor());
  }
  const PersonId id = PersonId::from_hex(call.id);
  if (id.is_zero()) return refuse_not_found(responder);

  const auto finish = [this, call, responder, before, limit = *limit](const std::shared_ptr<const Whole>& whole,
                                                                      std::vector<std::vector<Line>> events) {
    std::vector<Line> lines;
    for (auto& part : events) std::ranges::move(part, std::back_inserter(lines));
    add_lines_of_decisions(*whole->file, lines);
    add_lines_of_ledgers(whole->addresses, whole->ledgers, lines);
    add_lines_of_person(*whole->file, lines);
    if (before) std::erase_if(lines, [&](const Line& line) { return !comes_before(*before, line.place); });
    std::ranges::sort(lines, [](const Line& a, const Line& b) { return comes_before(a.place, b.place); });
    json::value next = nullptr;
    if (lines.size() > limit) {
      lines.resize(limit);
      next = lines.back().place.text();
    }
    if (!note_view(call, "person_read", "person", whole->file->person.id.hex(), responder)) return;
    json::array items;
    size_t bodies = 0;
    for (Line& line : lines) {
      if (auto* const source = line.item.if_contains("source")) *source = source_name(std::string(source->as_string()));
      if (line.place.is_event && bodies < kPageBodiesMax) {
        if (const auto event = event_at(line.partition, line.position)) {
          line.item["body"] = cut(event->body, kBodyShown);
          bodies += std::min(event->body.size(), kBodyShown);
        }
      }
      items.push_back(std::move(line.item));
    }
    answer(responder, 200, {{"items", std::move(items)}, {"next", std::move(next)}});
  };

  load_whole(
      {.id = id, .hint = {}, .not_before = {}, .decision = {}},
      [this, before, limit = *limit, responder, finish](const std::shared_ptr<const Whole>& whole) {
        if (!whole) return refuse_not_found(responder);
        const auto& identifiers = whole->file->person.identifiers;
        const Gather<std::vector<Line>> gather(
            identifiers.size(), [this, responder, finish, whole](const std::vector<std::vector<Line>>& events) {
              later(responder, [finish, whole, events] { finish(whole, events); });
            });
        for (size_t i = 0; i < identifiers.size(); ++i) {
          const Id128 key = events::key_of(identifiers[i].identifier);
          const engine::Partition home = events::home_of(identifiers[i].identifier);
          engine::RowScan scan;
          scan.table = profiles::kTimelineRows;
          scan.key = key;
          scan.limit = limit + 1;
          if (before) {
            profiles::TimelineLine from;
            from.at = Timestamp{before->at};
            from.position = engine::Position{before->position};
            if (!before->is_event) {
              // All events of that moment come after what the program did in it.
              from.at.ms += 1;
              from.position = {};
            }
            scan.before = from.order_key();
            if (before->is_event && before->tie < key.hex()) scan.before.push_back('\0');
          }
          reading_.engine().scan_rows(
              home, scan, [gather, i, key, home](engine::Result<std::vector<engine::Row>> rows) {
                std::vector<Line> lines;
                for (const engine::Row& row : rows.value_or(std::vector<engine::Row>{})) {
                  Reader in(row.value);
                  const auto line = profiles::TimelineLine::decode(in);
                  lines.push_back({{line.at.ms, true, line.position.value, key.hex()},
                                   {{"id", Id128{home.number, line.position.value}.hex()},
                                    {"at", format_iso8601(line.at)},
                                    {"kind", "event"},
                                    {"name", line.name.empty() ? std::string(events::name_of(line.type)) : line.name},
                                    {"type", events::name_of(line.type)},
                                    {"source", line.source}},
                                   home,
                                   line.position});
                }
                gather.put(i, std::move(lines));
              });
        }
      });
}

}  // namespace terreno::api
