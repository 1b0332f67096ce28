#include "api/customer_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace terreno::api {

namespace json = boost::json;
using contact::DecisionState;
using governance::Scope;

namespace {

constexpr size_t kSmall = 64 * 1024;
/// Documents as JSON texts: every byte of them may need an escape of up to six.
constexpr size_t kDocuments = 2 * flow::kBundleBytesMax;
constexpr size_t kPageMax = 200;
constexpr size_t kPageDefault = 50;
constexpr Duration kViewNotedFor = minutes(10);
constexpr size_t kViewsRemembered = 10'000;

}  // namespace

const std::vector<CustomerApi::Route>& CustomerApi::routes() {
  using Api = CustomerApi;
  using http::Method;
  constexpr Guard kOpen{Access::open};
  constexpr Guard kSignedIn{Access::signed_in};
  const auto scoped = [](Scope scope) { return Guard{Access::scoped, scope}; };
  static const std::vector<Route> kRoutes{
      {Method::get, "/api/v1/meta", "get_meta", kOpen, 0, &Api::get_meta},
      {Method::get, "/api/v1/health", "get_health", scoped(Scope::health_read), 0, &Api::get_health},
      {Method::get, "/api/v1/stream", "stream_changes", kSignedIn, 0, &Api::stream_changes},
      {Method::post, "/api/v1/clock", "set_clock", scoped(Scope::clock_write), kSmall, &Api::set_clock},
      {Method::get, "/api/v1/events/live", "list_live_events", scoped(Scope::events_read), 0, &Api::list_live_events},
      {Method::get, "/api/v1/people", "list_people", scoped(Scope::people_read), 0, &Api::list_people},
      {Method::get, "/api/v1/people/{id}", "get_person", scoped(Scope::people_read), 0, &Api::get_person},
      {Method::get, "/api/v1/people/{id}/timeline", "list_timeline", scoped(Scope::people_read), 0,
       &Api::list_timeline},
      {Method::post, "/api/v1/people/{id}/corrections", "correct_person", scoped(Scope::people_correct), kSmall,
       &Api::correct_person},
      {Method::post, "/api/v1/people/{id}/objections", "object_for_person", scoped(Scope::people_object), kSmall,
       &Api::object_for_person},
      {Method::get, "/api/v1/why", "explain", scoped(Scope::people_read), 0, &Api::explain},
      {Method::get, "/api/v1/messages/{decision_id}", "get_message", scoped(Scope::messages_read), 0,
       &Api::get_message},
      {Method::get, "/api/v1/outbox", "list_outbox", scoped(Scope::messages_read), 0, &Api::list_outbox},
      {Method::get, "/api/v1/outbox/{id}", "get_outbox_message", scoped(Scope::messages_read), 0,
       &Api::get_outbox_message},
      {Method::post, "/api/v1/consents", "record_consent", scoped(Scope::consents_write), kSmall, &Api::record_consent},
      {Method::get, "/api/v1/configuration", "get_configuration", scoped(Scope::configuration_read), 0,
       &Api::get_configuration},
      {Method::post, "/api/v1/configuration", "apply_configuration", scoped(Scope::configuration_write), kDocuments,
       &Api::apply_configuration},
  };
  return kRoutes;
}

size_t CustomerApi::body_bytes_max() { return std::ranges::max(routes(), {}, &Route::body_bytes_max).body_bytes_max; }

void CustomerApi::add_routes(Router& router) {
  for (const Route& route : routes()) {
    const size_t brace = route.path.find('{');
    const size_t end = route.path.find('}');
    const std::string parameter(brace == std::string_view::npos ? std::string_view()
                                                                : route.path.substr(brace + 1, end - brace - 1));
    // The guard is in `run`, which also hands on who was let in.
    router.add({route.method, std::string(route.path), std::string(route.operation),
                [this, &route, parameter](const http::Request& request, const PathParameters& parameters,
                                          const http::Responder& responder) {
                  run(route, request, std::string(parameters.get(parameter)), responder);
                },
                problem_form});
  }
}

void add_governance_routes(Router& router, GovernanceApi& api) {
  for (const GovernanceApi::Route& route : GovernanceApi::routes()) {
    router.add({route.method, std::string(route.path), "",
                [&api, &route](const http::Request& request, const PathParameters& parameters,
                               const http::Responder& responder) {
                  api.run(route, request, std::string(parameters.get("id")), responder);
                },
                problem_form});
  }
}

void CustomerApi::run(const Route& route, const http::Request& request, std::string id,
                      const http::Responder& responder) {
  auto caller = parts_.authentication->admit(request, route.guard);
  if (!caller) return refuse(responder, caller.error());
  Call call;
  // The first question of a console, before anybody came in: only meta wants to know.
  if (route.guard.access == Access::open) {
    if (auto somebody = parts_.authentication->admit(request, {Access::signed_in})) caller = std::move(somebody);
  }
  if (request.body.size() > route.body_bytes_max) {
    return refuse(responder, Refused{413,
                                     "payload_too_large",
                                     fmt::format("body: is larger than {} bytes; send less", route.body_bytes_max),
                                     {{"bytes_max", std::to_string(route.body_bytes_max)}},
                                     {},
                                     {}});
  }
  const bool has_body = route.method == http::Method::post || route.method == http::Method::put;
  const auto type = request.header("Content-Type");
  if (has_body && (!type || !type->starts_with("application/json"))) {
    return refuse(responder, Refused{415, "unsupported_media_type", "send Content-Type: application/json", {}, {}, {}});
  }
  call.client = {caller->principal.address, std::string(request.header("User-Agent").value_or("").substr(0, 200))};
  call.caller = std::move(*caller);
  call.body = request.body;
  call.id = std::move(id);
  call.query = request.query_parameters();
  if (const auto key = request.header("Idempotency-Key")) {
    if (key->size() < 8 || key->size() > 64) {
      return refuse(responder, Refused{422,
                                       "out_of_range",
                                       "Idempotency-Key: is not between 8 and 64 bytes; send a random one",
                                       {{"field", "Idempotency-Key"}},
                                       {},
                                       {}});
    }
    call.idempotency_key = *key;
  }
  (this->*route.handle)(call, responder);
}

// ---------------------------------------------------------------------------------------------------------------------

void CustomerApi::answer(const http::Responder& responder, uint16_t status, const json::value& body) const {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = json::serialize(body);
  add_security_headers(response);
  responder.answer(std::move(response));
}

void CustomerApi::refuse(const http::Responder& responder, const Refused& refused) const {
  responder.answer(problem(refused));
}

void CustomerApi::refuse(const http::Responder& responder, const governance::Error& error) const {
  if (error.code == governance::Errc::storage_failed && parts_.stop) parts_.stop();
  refuse(responder, refused_by(error));
}

void CustomerApi::refuse_not_found(const http::Responder& responder) const {
  refuse(responder, Refused{404, "not_found", "there is no such thing", {}, {}, {}});
}

void CustomerApi::refuse_engine(const http::Responder& responder, const engine::Error& error) const {
  const bool is_busy = error.code == engine::Errc::overloaded;
  refuse(responder, Refused{static_cast<uint16_t>(is_busy ? 429 : 503),
                            is_busy ? "too_many_requests" : "unavailable",
                            "the change was not taken; send it again later",
                            {},
                            {},
                            1});
}

void CustomerApi::later(const http::Responder& responder, std::function<void()> work) const {
  if (!parts_.background(std::move(work))) {
    refuse(responder, Refused{429, "too_many_requests", "too much waits already; try again in 1 s", {}, {}, 1});
  }
}

bool CustomerApi::note(const Call& call, governance::AuditNote note, const http::Responder& responder) const {
  const auto noted = parts_.registry->note(call.caller.principal, std::move(note), now());
  if (!noted) refuse(responder, noted.error());
  return noted.has_value();
}

bool CustomerApi::note_view(const Call& call, std::string_view action, std::string_view kind, const std::string& id,
                            const http::Responder& responder) {
  const governance::Principal& who = call.caller.principal;
  const std::string key = fmt::format("{} {} {} {} {}", action, kind, id, static_cast<int>(who.kind), who.id);
  const Timestamp at = now();
  {
    const std::lock_guard lock(mutex_);
    const auto found = viewed_.find(key);
    if (found != viewed_.end() && found->second <= at && at < found->second + kViewNotedFor) return true;
  }
  if (!note(call, {std::string(action), std::string(kind), id, "", {}}, responder)) return false;
  const std::lock_guard lock(mutex_);
  // Forgetting makes a second entry, never a missing one.
  if (viewed_.size() >= kViewsRemembered) viewed_.clear();
  viewed_[key] = at;
  return true;
}

std::string CustomerApi::source_name(std::string_view id) const {
  const auto snapshot = parts_.registry->snapshot();
  const governance::Source* const source = snapshot->source(governance::SourceId::from_hex(id));
  return source == nullptr ? std::string(id) : source->name;
}

std::optional<events::Event> CustomerApi::event_at(engine::Partition partition, engine::Position position) const {
  std::optional<events::Event> event;
  parts_.engine->record_at(partition, position, [&](engine::Result<std::optional<engine::StoredRecord>> stored) {
    if (!stored || !*stored || (*stored)->type != static_cast<uint16_t>(events::RecordType::event)) return;
    Reader in((*stored)->payload);
    events::Event read = events::Event::decode(in);
    if (in.done()) event = std::move(read);
  });
  return event;
}

std::string CustomerApi::random_bits() const {
  std::string bits(32, '\0');
  parts_.entropy({reinterpret_cast<uint8_t*>(bits.data()), bits.size()});
  return bits;
}

// ---------------------------------------------------------------------------------------------------------------------

std::optional<size_t> page_limit(const Call& call) {
  const std::string text = call.query_value("limit");
  if (text.empty()) return kPageDefault;
  size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number == 0 || number > kPageMax)
    return std::nullopt;
  return number;
}

Refused bad_limit() {
  return {422, "out_of_range", "limit: is not between 1 and 200; leave it out for 50", {{"field", "limit"}}, {}, {}};
}

Refused bad_cursor() {
  return {422, "invalid_cursor", "cursor: is no cursor of this list; pass `next` of a page", {{"field", "cursor"}}, {},
          {}};
}

json::value to_json(const oversight::Value& value) {
  if (const auto* const number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* const text = std::get_if<std::string>(&value)) return json::value(*text);
  return nullptr;
}

namespace {

json::object params_json(const std::vector<oversight::Parameter>& params) {
  json::object object;
  for (const oversight::Parameter& one : params) object[one.name] = to_json(one.value);
  return object;
}

json::object coded_json(const oversight::CodedText& coded) {
  return {{"code", coded.code}, {"params", params_json(coded.params)}};
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

}  // namespace

json::object to_json(const oversight::Why& why) {
  const oversight::Subject& subject = why.subject;
  json::array gates;
  for (const oversight::Gate& gate : why.gates) {
    gates.push_back(json::object{{"code", contact::name_of(gate.code)},
                                 {"state", contact::name_of(gate.state)},
                                 {"value", to_json(gate.value)},
                                 {"limit", to_json(gate.limit)},
                                 {"at", time_or_null(gate.at.value_or(Timestamp{}))},
                                 {"params", params_json(gate.params)}});
  }
  json::object about{
      {"person_id", subject.person_id.hex()},
      {"person", subject.person},
      {"journey", text_or_null(subject.journey)},
      {"journey_version", text_or_null(subject.journey_version)},
      {"message", text_or_null(subject.message)},
      {"channel", subject.channel ? json::value(consent::name_of(*subject.channel)) : json::value(nullptr)},
      {"decision_id", subject.decision_id ? json::value(subject.decision_id->hex()) : json::value(nullptr)},
      {"at", time_or_null(subject.at.value_or(Timestamp{}))}};
  return {{"sentence", coded_json(why.sentence)},
          {"subject", std::move(about)},
          {"gates", std::move(gates)},
          {"becomes", coded_json(why.becomes)},
          {"would_have_changed", coded_json(why.would_have_changed)}};
}

json::object to_json(const events::Identifier& identifier) {
  return {{"kind", events::name_of(identifier.kind)}, {"value", identifier.value}};
}

std::string_view message_state(const contact::Decision& decision, DecisionState state) {
  switch (state) {
    case DecisionState::held_identity:
    case DecisionState::held_quiet_hours:
    case DecisionState::held_cap:
    case DecisionState::held_address:
    case DecisionState::held_clock:
      return "held";
    case DecisionState::open:
      return "decided";
    case DecisionState::sent:
      return contact::was_caught(decision) ? "caught" : "sent";
    case DecisionState::refused_consent:
    case DecisionState::refused_cap:
    case DecisionState::refused_address:
    case DecisionState::not_rendered:
    case DecisionState::superseded:
      return "withheld";
    case DecisionState::bounced:
      return "bounced";
    case DecisionState::expired:
      return "expired";
    case DecisionState::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string entry_id_text(engine::Partition partition, uint64_t entry_id) {
  return Id128{partition.number, entry_id}.hex();
}

json::value parsed_or_null(std::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  return error ? json::value(nullptr) : value;
}

std::string cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace terreno::api
