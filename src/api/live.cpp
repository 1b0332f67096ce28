// What comes in just now, what has changed, and how the installation is.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/customer_api.h"

namespace terreno::api {

namespace json = boost::json;

namespace {

constexpr size_t kBodyShown = 32 * 1024;
constexpr size_t kPageBodiesMax = 2 * 1024 * 1024;
/// A full disk of records that are not applied yet: the lag that is called a trouble.
constexpr Duration kLagTolerated = seconds(10);

json::object live_json(const LiveItem& item) {
  return {{"seq", item.seq},
          {"received_at", format_iso8601(item.at)},
          {"source", ""},
          {"type", ""},
          {"name", ""},
          {"message_id", ""},
          {"identifiers", json::array{}},
          {"person_id", item.person.is_zero() ? json::value(nullptr) : json::value(item.person.hex())},
          {"state", name_of(item.state)},
          {"reason", nullptr},
          {"body", ""}};
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// What can be told of an item that is no event.
void describe_raw(const LiveItem& item, json::object& line) {
  const std::string_view raw = item.raw ? std::string_view(*item.raw) : std::string_view();
  const json::value parsed = parsed_or_null(raw);
  if (parsed.is_object()) {
    line["type"] = cut(text_of(parsed.get_object(), "type"), 100);
    line["name"] = cut(text_of(parsed.get_object(), "event"), 512);
    line["message_id"] = cut(text_of(parsed.get_object(), "messageId"), 100);
  }
  json::object params;
  if (item.state == LiveState::rejected_key && !raw.empty()) params["key_hint"] = raw;
  line["reason"] = json::object{{"code", item.reason}, {"params", std::move(params)}};
  if (item.state == LiveState::quarantined) line["body"] = cut(raw, kBodyShown);
}

}  // namespace

void CustomerApi::list_live_events(const Call& call, const http::Responder& responder) {
  const auto limit = page_limit(call);
  if (!limit) return refuse(responder, bad_limit());
  uint64_t after = 0;
  if (const std::string text = call.query_value("after"); !text.empty()) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), after);
    if (failed != std::errc{} || end != text.data() + text.size()) {
      return refuse(
          responder,
          Refused{422, "not_a_number", "after: is no number; pass `next` of an answer", {{"field", "after"}}, {}, {}});
    }
  }
  const std::string source = call.query_value("source");
  const std::string type = call.query_value("type");
  const std::string state = call.query_value("state");
  later(responder, [this, call, responder, limit = *limit, after, source, type, state] {
    if (!note_view(call, "live_events_listed", "", "", responder)) return;
    LiveRing::Window window = parts_.news->live.read(after, now());
    json::array items;
    size_t bodies = 0;
    for (const LiveItem& item : window.items) {
      if (items.size() == limit || bodies > kPageBodiesMax) break;
      if (!state.empty() && state != name_of(item.state)) continue;
      json::object line = live_json(item);
      if (item.state == LiveState::applied || item.state == LiveState::repeat) {
        const auto event = event_at(item.partition, item.position);
        if (!event) continue;
        line["source"] = source_name(event->source);
        line["type"] = events::name_of(event->type);
        line["name"] = event->name;
        line["message_id"] = event->message_id;
        line["received_at"] = format_iso8601(event->received_at);
        json::array identifiers;
        for (const auto& identifier : event->identifiers) identifiers.push_back(to_json(identifier));
        line["identifiers"] = std::move(identifiers);
        line["body"] = cut(event->body, kBodyShown);
        if (!source.empty() && source != event->source && source != source_name(event->source)) continue;
      } else {
        describe_raw(item, line);
        line["source"] = source_name(item.source);
        if (!source.empty() && source != item.source && source != source_name(item.source)) continue;
      }
      if (!type.empty() && line["type"] != json::value(type)) continue;
      bodies += line["body"].as_string().size();
      items.push_back(std::move(line));
    }
    json::object counts;
    for (size_t i = 0; i < kLiveStateCount; ++i) counts[name_of(static_cast<LiveState>(i))] = window.counts[i];
    answer(responder, 200,
           {{"items", std::move(items)},
            {"next", window.last_seq == 0 ? json::value(nullptr) : json::value(window.last_seq)},
            {"per_second", window.per_second},
            {"counts", std::move(counts)}});
  });
}

void CustomerApi::stream_changes(const Call& call, const http::Responder& responder) {
  const bool may_see_people = call.caller.principal.scopes.allows(governance::Scope::people_read);
  if (!parts_.news->changes.subscribe(responder, may_see_people)) {
    refuse(responder, Refused{429, "too_many_requests", "too many readers of changes; ask again later", {}, {}, 10});
  }
}

void CustomerApi::get_meta(const Call& call, const http::Responder& responder) {
  const auto snapshot = parts_.registry->snapshot();
  const governance::Installation& installation = snapshot->installation;
  // Who has not said where they are lives where their quiet hours are.
  std::string time_zone = installation.time_zone;
  if (time_zone == "UTC" && parts_.configuration_in_force) {
    if (const auto configuration = parts_.configuration_in_force()) time_zone = configuration->policy.default_time_zone;
  }
  json::array languages{governance::name_of(installation.language)};
  for (int i = 0; i <= static_cast<int>(governance::kLanguageLast); ++i) {
    const auto language = static_cast<governance::Language>(i);
    if (language != installation.language) languages.emplace_back(governance::name_of(language));
  }
  answer(responder, 200,
         {{"build", parts_.build},
          {"version", parts_.version},
          {"organisation", installation.organisation.empty() ? installation.sender.brand : installation.organisation},
          {"mode", governance::name_of(installation.mode)},
          {"languages", std::move(languages)},
          {"time_zone", time_zone},
          {"first_run", snapshot->users.empty()},
          {"signed_in", !call.caller.principal.id.empty()},
          {"sample_data", installation.demo},
          {"time_held", parts_.engine->health().time_held}});
}

void CustomerApi::get_health(const Call& /*call*/, const http::Responder& responder) {
  later(responder, [this, responder] {
    const engine::Health health = parts_.engine->health();
    const auto check = [](std::string_view code, std::string_view state, json::object params) {
      return json::object{{"code", code}, {"state", state}, {"params", std::move(params)}};
    };
    json::array checks;
    checks.push_back(check("journal", health.stopped.empty() ? "fine" : "stopped",
                           {{"bytes", health.journal_bytes}, {"commits", health.commits}}));
    checks.push_back(check("apply_lag", health.lag > kLagTolerated ? "held" : "fine",
                           {{"unapplied", health.unapplied}, {"lag_seconds", health.lag.ms / 1000}}));
    checks.push_back(check("memory", "fine", {{"bytes", health.memory_bytes}, {"evicted", health.evicted}}));
    checks.push_back(check("clock", health.time_held ? "held" : "fine", {}));
    checks.push_back(check("registry", parts_.registry->failed() ? "stopped" : "fine", {}));
    const bool is_draining = parts_.is_draining && parts_.is_draining();
    answer(responder, 200,
           {{"state", is_draining    ? "draining"
                      : health.ready ? "ready"
                                     : "starting"},
            {"at", format_iso8601(now())},
            {"checks", std::move(checks)}});
  });
}

void CustomerApi::accept_time(const http::Responder& responder) {
  const Timestamp at = now();
  parts_.engine->clock_reset(at, [this, responder, at](const engine::Result<std::vector<engine::Placed>>& placed) {
    if (!placed) return refuse_engine(responder, placed.error());
    answer(responder, 200, {{"at", format_iso8601(at)}});
  });
}

void CustomerApi::set_clock(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  if (fields.boolean("accept").value_or(false)) {
    if (const auto refused = fields.refused()) return refuse(responder, *refused);
    return later(responder, [this, call, responder] {
      if (note(call, {"clock_accepted", "clock", "", "", {{"at", format_iso8601(now())}}}, responder))
        accept_time(responder);
    });
  }
  if (!parts_.set_clock) {
    return refuse(responder, Refused{404,
                                     "clock_not_manual",
                                     "this installation goes by the machine's clock; start it with `--clock manual`",
                                     {},
                                     {},
                                     {}});
  }
  if (fields.boolean("run").value_or(false)) {
    if (const auto refused = fields.refused()) return refuse(responder, *refused);
    return later(responder, [this, call, responder] {
      if (!note(call, {"clock_run", "clock", "", "", {{"at", format_iso8601(now())}}}, responder)) return;
      parts_.run_clock();
      answer(responder, 200, {{"at", format_iso8601(now())}});
    });
  }
  const std::string text = fields.required_text("at", 40);
  const auto time = parse_iso8601(text);
  if (!text.empty() && !time) {
    fields.refuse("at", "not_a_time", "is no ISO 8601 time; write it as 2030-01-31T00:00:00Z");
  }
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  parts_.set_clock(time->time, [this, call, responder, at = time->time](bool was_set) {
    later(responder, [this, call, responder, at, was_set] {
      if (!was_set) {
        return refuse(
            responder,
            Refused{
                409, "clock_not_set", "at: the clock was not set; it never goes back", {{"field", "at"}}, "/at", {}});
      }
      if (note_clock_set(call, at, responder)) answer(responder, 200, {{"at", format_iso8601(at)}});
    });
  });
}

// Whoever plays four months moves the clock some thousand times: what one caller does within a minute, by a clock that
// nobody moves, is one entry.
bool CustomerApi::note_clock_set(const Call& call, Timestamp at, const http::Responder& responder) {
  constexpr Duration kOneAct = minutes(1);
  const governance::Principal& who = call.caller.principal;
  const std::string mover = fmt::format("{} {}", static_cast<int>(who.kind), who.id);
  const Duration since_boot = parts_.clock->boot();
  {
    const std::lock_guard lock(mutex_);
    if (clock_mover_ == mover && since_boot.ms < clock_moved_.ms + kOneAct.ms) return true;
    clock_mover_ = mover;
    clock_moved_ = since_boot;
  }
  return note(call, {"clock_set", "clock", "", "", {{"at", format_iso8601(at)}}}, responder);
}

}  // namespace terreno::api
