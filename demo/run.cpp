#include "demo/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <thread>

#include "base/result.h"
#include "demo/documents.h"

namespace terreno::demo {

namespace {

namespace json = boost::json;

constexpr size_t kEventsPerBatch = 200;
constexpr int kSettlePollsMax = 60'000;

std::unexpected<RunFailure> failed(std::string_view doing, std::string detail) {
  return std::unexpected(RunFailure{std::string(doing), std::move(detail)});
}

json::value parsed(const std::string& text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value(nullptr) : value;
}

std::string text_at(const json::value& value, std::string_view name) {
  const auto* const object = value.if_object();
  const auto* const member = object == nullptr ? nullptr : object->if_contains(name);
  return member == nullptr || !member->is_string() ? std::string() : std::string(member->get_string());
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return out;
}

// The path of a link's address, `/u/TOKEN`: letters name the public address, which a demonstration does not have.
std::string link_path(const std::string& header) {
  const size_t start = header.find("/u/");
  if (start == std::string::npos) return {};
  return header.substr(start, header.find_first_of("> \r\n", start) - start);
}

}  // namespace

std::expected<std::string, RunFailure> Run::send(std::string_view doing, std::string_view method,
                                                 std::string_view target, const HttpHeaders& headers,
                                                 const std::string& body) {
  auto answer = http_.ask({std::string(method), std::string(target), body, headers});
  if (!answer) return failed(doing, answer.error());
  if (!answer->is_fine()) {
    const json::value problem = parsed(answer->body);
    return failed(
        doing, fmt::format("status {} {} {}", answer->status, text_at(problem, "code"), text_at(problem, "pointer")));
  }
  return std::move(answer->body);
}

std::expected<std::string, RunFailure> Run::ask(std::string_view doing, std::string_view method,
                                                std::string_view target, const std::string& body) {
  HttpHeaders headers{{"Authorization", "Bearer " + key_}};
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  return send(doing, method, target, headers, body);
}

std::expected<bool, RunFailure> Run::prepare(const std::string& token) {
  const bool association = organisation_ == Organisation::raices;
  const std::string language = association ? "es" : "fr";
  auto entered = http_.ask(
      {"POST", "/api/v1/first-run", json::serialize(json::object{{"token", token}, {"language", language}}), {}});
  if (!entered) return failed("signing in", entered.error());
  if (!entered->is_fine()) return failed("signing in", fmt::format("status {}", entered->status));
  const HttpHeaders session{{"Cookie", entered->cookie},
                            {"X-CSRF-Token", text_at(parsed(entered->body), "csrf")},
                            {"Content-Type", "application/json"}};

  TERRENO_TRY(const std::string known, send("reading the sources", "GET", "/api/v1/sources", session, {}));
  const bool is_new = !known.contains(association ? "Socios y donativos" : "Caisse et commandes");
  // A secret key is shown once, so a later demonstration on the same folder makes its own, under a name of its own.
  const std::string suffix =
      is_new ? "" : fmt::format(" {}", token.substr(token.size() - std::min<size_t>(token.size(), 4)));
  const auto source = [&](std::string_view name,
                          std::string_view visibility) -> std::expected<std::string, RunFailure> {
    TERRENO_TRY(const std::string made,
                send("making a source", "POST", "/api/v1/sources", session,
                     json::serialize(json::object{
                         {"name", name}, {"visibility", visibility}, {"default_region", association ? "ES" : "FR"}})));
    return text_at(parsed(made), "write_key");
  };
  TERRENO_TRY(browser_key_, source((association ? "web" : "boutique web") + suffix, "public"));
  TERRENO_TRY(server_key_, source((association ? "Socios y donativos" : "Caisse et commandes") + suffix, "secret"));
  TERRENO_TRY(const std::string key,
              send("making a key", "POST", "/api/v1/keys", session,
                   json::serialize(
                       json::object{{"name", (association ? "Centralita" : "Standard") + suffix},
                                    {"scopes",
                                     {"clock:write", "people:read", "people:correct", "consents:write", "messages:read",
                                      "configuration:read", "configuration:write", "health:read"}}})));
  key_ = text_at(parsed(key), "token");
  if (!is_new) return false;
  TERRENO_TRY_VOID(set_sender(session));

  TERRENO_TRY(const std::string before, ask("reading the configuration", "GET", "/api/v1/configuration"));
  const json::value in_force = parsed(before);
  json::array documents;
  for (DocumentFile& file : documents_of(organisation_))
    documents.push_back(json::object{{"path", std::move(file.path)}, {"text", std::move(file.text)}});
  const json::object request{{"base_version", in_force.is_object() ? in_force.at("version") : json::value(0)},
                             {"documents", std::move(documents)},
                             {"prune", true}};
  TERRENO_TRY_VOID(ask("applying the documents", "POST", "/api/v1/configuration", json::serialize(request)));
  return true;
}

std::expected<void, RunFailure> Run::set_sender(const HttpHeaders& session) {
  TERRENO_TRY(const std::string sender, send("reading the sender", "GET", "/api/v1/sender", session, {}));
  const json::value now = parsed(sender);
  const bool association = organisation_ == Organisation::raices;
  const std::string domain = association ? "raices.example" : "lisiere.example";
  const json::object change{
      {"version", now.is_object() ? now.at("version") : json::value(0)},
      {"brand", association ? "Asociación Raíces" : "Maison Lisière"},
      {"legal_entity", association ? "Asociación Raíces" : "Maison Lisière SARL"},
      {"postal_address", association ? "calle del Coso 100, 50001 Zaragoza" : "12 rue du Calvaire, 44000 Nantes"},
      {"from_name", association ? "Asociación Raíces" : "Maison Lisière"},
      {"from_address", (association ? "hola@" : "bonjour@") + domain},
      {"reply_to", (association ? "acogida@" : "colette@") + domain},
      {"envelope_domain", "rebotes." + domain},
      {"dkim_selector", "t1"},
      {"footer", association ? "Asociación Raíces, calle del Coso 100, 50001 Zaragoza"
                             : "Maison Lisière, 12 rue du Calvaire, 44000 Nantes"}};
  TERRENO_TRY_VOID(send("setting the sender", "PUT", "/api/v1/sender", session, json::serialize(change)));
  return {};
}

std::expected<void, RunFailure> Run::live(const Story& story, const std::function<bool()>& should_stop) {
  const std::vector<Action>& history = story.history();
  for (size_t first = 0; first < history.size() && !should_stop();) {
    size_t after = first + 1;
    while (after < history.size() && history[after].at - history[first].at < kStretch) ++after;
    const std::vector<Action> stretch(history.begin() + static_cast<ptrdiff_t>(first),
                                      history.begin() + static_cast<ptrdiff_t>(after));
    // The answer comes when all that went before has happened, letters included, and then what was due until this time,
    // such as a letter held until the morning: both come before what people do next.
    TERRENO_TRY_VOID(ask("setting the clock", "POST", "/api/v1/clock",
                         json::serialize(json::object{{"at", format_iso8601(stretch.back().at)}})));
    TERRENO_TRY_VOID(act(stretch));
    first = after;
  }
  return {};
}

std::expected<void, RunFailure> Run::let_time_run(Timestamp now) {
  TERRENO_TRY_VOID(
      ask("setting the clock", "POST", "/api/v1/clock", json::serialize(json::object{{"at", format_iso8601(now)}})));
  TERRENO_TRY_VOID(ask("letting time run", "POST", "/api/v1/clock", R"({"run":true})"));
  return {};
}

// Runs of events of one source go as one batch; the order between sources and commands is kept.
std::expected<void, RunFailure> Run::act(const std::vector<Action>& actions) {
  std::vector<const Action*> batch;
  const auto flush = [&]() -> std::expected<void, RunFailure> {
    if (batch.empty()) return {};
    const bool is_browser = batch.front()->kind == ActionKind::browser_event;
    const auto sent = send_events(is_browser ? browser_key_ : server_key_, batch);
    batch.clear();
    return sent;
  };
  for (const Action& action : actions) {
    if (!batch.empty() && (batch.front()->kind != action.kind || batch.size() == kEventsPerBatch)) {
      TERRENO_TRY_VOID(flush());
    }
    switch (action.kind) {
      case ActionKind::browser_event:
      case ActionKind::server_event:
        batch.push_back(&action);
        break;
      case ActionKind::consent:
        TERRENO_TRY_VOID(ask("recording a consent", "POST", "/api/v1/consents", action.body));
        break;
      case ActionKind::correction:
        TERRENO_TRY_VOID(correct(action));
        break;
      case ActionKind::unsubscribe:
        TERRENO_TRY_VOID(unsubscribe(action));
        break;
    }
  }
  return flush();
}

std::expected<void, RunFailure> Run::send_events(std::string_view write_key,
                                                 const std::vector<const Action*>& actions) {
  std::string body = R"({"batch":[)";
  for (const Action* action : actions) {
    if (action != actions.front()) body += ',';
    body += action->body;
  }
  body += "]}";
  TERRENO_TRY_VOID(
      send("sending events", "POST", "/v1/batch",
           {{"Authorization", "Basic " + base64(std::string(write_key) + ":")}, {"Content-Type", "application/json"}},
           body));
  return {};
}

// Nothing left to apply, and no letter between its decision and its receipt. Seen twice, since a receipt is a record
// too.
std::expected<void, RunFailure> Run::settle() {
  int quiet = 0;
  for (int polls = 0; polls < kSettlePollsMax; ++polls) {
    TERRENO_TRY(const std::string body, ask("waiting for what follows", "GET", "/api/v1/health"));
    const json::value health = parsed(body);
    int64_t open = 0;
    if (const auto* const object = health.if_object()) {
      if (const auto* const checks = object->if_contains("checks"); checks != nullptr && checks->is_array()) {
        for (const json::value& check : checks->get_array()) {
          if (!check.is_object() || !check.get_object().contains("params")) continue;
          const auto* const params = check.get_object().at("params").if_object();
          for (const std::string_view name : {"unapplied"}) {
            const auto* const count = params == nullptr ? nullptr : params->if_contains(name);
            if (count != nullptr && count->is_number()) open += count->to_number<int64_t>();
          }
        }
      }
    }
    quiet = open == 0 ? quiet + 1 : 0;
    if (quiet == 2) return {};
    // Not for luck: the question itself is the wait, this only leaves the processor to whoever answers.
    if (open != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return failed("waiting for what follows", "it does not come to rest");
}

std::expected<void, RunFailure> Run::correct(const Action& action) {
  TERRENO_TRY_VOID(settle());
  TERRENO_TRY(const std::string found,
              ask("finding a person", "GET", "/api/v1/people?q=" + server::cli::percent_encoded(action.address)));
  const json::value page = parsed(found);
  const auto* const items = page.is_object() ? page.at("items").if_array() : nullptr;
  // Somebody may have stayed unknown, for instance when their sign-up never came.
  if (items == nullptr || items->empty()) return {};
  const std::string id = text_at(items->front(), "person_id");
  TERRENO_TRY_VOID(ask("correcting a person", "POST", "/api/v1/people/" + id + "/corrections", action.body));
  return {};
}

// As their mail program would: the newest letter to them, and its one-click link (RFC 8058).
std::expected<void, RunFailure> Run::unsubscribe(const Action& action) {
  TERRENO_TRY(const std::string list, ask("reading the outbox", "GET", "/api/v1/outbox?limit=200"));
  const json::value page = parsed(list);
  const auto* const items = page.is_object() ? page.at("items").if_array() : nullptr;
  if (items == nullptr) return {};
  for (const json::value& item : *items) {
    if (text_at(item, "to").find(action.address) == std::string::npos) continue;
    TERRENO_TRY(const std::string letter, ask("reading a letter", "GET", "/api/v1/outbox/" + text_at(item, "id")));
    const json::value message = parsed(letter);
    const auto* const headers = message.is_object() ? message.at("headers").if_array() : nullptr;
    if (headers == nullptr) continue;
    for (const json::value& header : *headers) {
      if (text_at(header, "name") != "List-Unsubscribe") continue;
      const std::string path = link_path(text_at(header, "value"));
      if (path.empty()) continue;
      TERRENO_TRY_VOID(send("unsubscribing", "POST", path, {{"Content-Type", "application/x-www-form-urlencoded"}},
                            "List-Unsubscribe=One-Click"));
      return {};
    }
  }
  return {};
}

}  // namespace terreno::demo
