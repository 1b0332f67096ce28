// why and consent: questions and statements about one customer, to a running server. The sentences are the console's.

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "server/cli/client.h"
#include "server/cli/commands.h"
#include "server/cli/texts.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

const json::value* find(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = &value;
  for (const std::string_view part : path) {
    const auto* const object = at->if_object();
    at = object != nullptr ? object->if_contains(part) : nullptr;
    if (at == nullptr) return nullptr;
  }
  return at;
}

/// Fills `{{name}}` from `params`, then from `more`; drops the tags that only a page shows.
std::string fill(std::string_view phrase, const json::value* params, const json::value* more) {
  std::string out;
  while (!phrase.empty()) {
    if (phrase.starts_with("<em>") || phrase.starts_with("</em>")) {
      out += '"';
      phrase.remove_prefix(phrase.find('>') + 1);
    } else if (phrase.starts_with("{{") && phrase.find("}}") != std::string_view::npos) {
      const std::string_view name = phrase.substr(2, phrase.find("}}") - 2);
      const json::value* found = params != nullptr ? find(*params, {name}) : nullptr;
      if (found == nullptr && more != nullptr) found = find(*more, {name});
      out += found != nullptr && !found->is_null() ? text_of(*found) : "–";
      phrase.remove_prefix(phrase.find("}}") + 2);
    } else {
      out += phrase.front();
      phrase.remove_prefix(1);
    }
  }
  return out;
}

std::string phrase(const json::value& texts, std::initializer_list<std::string_view> path) {
  const json::value* const found = find(texts, path);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

void print_why(const json::value& why, const json::value& texts) {
  const json::value* const subject = find(why, {"subject"});
  const json::value* const code = find(why, {"sentence", "code"});
  if (code == nullptr) return;
  std::string sentence = phrase(texts, {"sentence", std::string_view(code->as_string())});
  if (sentence.empty()) sentence = phrase(texts, {"sentence", "unknown"});
  fmt::print("{}\n", fill(sentence, find(why, {"sentence", "params"}), subject));
  const json::value* const gates = find(why, {"gates"});
  if (gates == nullptr || !gates->is_array()) return;
  for (const json::value& gate : gates->get_array()) {
    const std::string name = text_of(gate.at("code"));
    const std::string state = text_of(gate.at("state"));
    const json::value* const given = find(gate, {"params", "reason"});
    const std::string reason = given != nullptr && given->is_string() ? std::string(given->get_string()) : "";
    std::string line = phrase(texts, {"gate", reason == "sandbox" || reason == "transactional" ? reason : name, state});
    if (line.empty()) line = phrase(texts, {"gate", name, state});
    if (line.empty()) line = phrase(texts, {"gate", "other", state});
    // Codes are for programs: people read the sentence of one, or the value.
    std::string told = phrase(texts, {"reason", reason});
    const json::value* const value = find(gate, {"value"});
    if (told.empty() && value != nullptr && !value->is_null()) told = text_of(*value);
    if (line == phrase(texts, {"gate", reason, state})) told.clear();
    fmt::print("  {} {}{}\n",
               state == "passed"        ? "+"
               : state == "not_reached" ? " "
               : state == "waiting"     ? "~"
                                        : "x",
               fill(line, find(gate, {"params"}), &gate), told.empty() ? "" : fmt::format(" ({})", told));
  }
}

struct WhyFlags {
  std::string person;
  std::string message;
  std::string journey;
  std::string language = "en";
  bool as_json = false;
  ServerOption server;
};

/// The person's id: given, or found by an identifier.
std::expected<std::string, int> find_person(const WhyFlags& flags) {
  const auto people = flags.server.ask("GET", "/api/v1/people?q=" + percent_encoded(flags.person));
  if (!people) return std::unexpected(people.error());
  const json::value* const items = find(*people, {"items"});
  if (items == nullptr || !items->is_array() || items->get_array().empty())
    return std::unexpected(fail("nobody is known by this", "give an address, a userId or a person's id"));
  const json::array& found = items->get_array();
  if (found.size() > 1) {
    std::string list;
    for (const json::value& one : found) {
      const json::value* const name = find(one, {"name"});
      list += fmt::format("{}{}{}", list.empty() ? "" : ", ", text_of(one.at("person_id")),
                          name != nullptr && name->is_string() ? fmt::format(" ({})", text_of(*name)) : "");
    }
    return std::unexpected(fail(fmt::format("`{}` is {} people: {}", flags.person, found.size(), list),
                                "give the id of the one you mean"));
  }
  return text_of(found.front().at("person_id"));
}

int why(const WhyFlags& flags) {
  const auto person = find_person(flags);
  if (!person) return person.error();
  std::string target = "/api/v1/why?person=" + *person;
  if (!flags.message.empty()) target += "&decision=" + percent_encoded(flags.message);
  if (!flags.journey.empty()) target += "&journey=" + percent_encoded(flags.journey);
  if (flags.message.empty() && flags.journey.empty()) {
    // The latest message, when none is named.
    const auto known = flags.server.ask("GET", "/api/v1/people/" + *person);
    if (!known) return known.error();
    const json::value* const messages = find(*known, {"messages"});
    if (messages == nullptr || !messages->is_array() || messages->get_array().empty())
      return fail("there is no message to or for them", "name a journey with --journey");
    target += "&decision=" + text_of(messages->get_array().front().at("decision_id"));
  }
  const auto answer = flags.server.ask("GET", target);
  if (!answer) return answer.error();
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else {
    print_why(*answer, json::parse(why_texts(flags.language)));
  }
  return 0;
}

struct ConsentFlags {
  std::string address, topic, purpose = "marketing", brand, channel = "email", action = "grant", method = "api";
  std::string occurred_at, text_version, language, country, note;
  bool as_json = false;
  ServerOption server;
};

int consent(const ConsentFlags& flags) {
  json::object body{{"channel", flags.channel}, {"address", flags.address}, {"topic", flags.topic},
                    {"purpose", flags.purpose}, {"brand", flags.brand},     {"action", flags.action},
                    {"method", flags.method}};
  const std::array<std::pair<std::string_view, const std::string*>, 5> further{{{"occurred_at", &flags.occurred_at},
                                                                                {"text_version", &flags.text_version},
                                                                                {"language", &flags.language},
                                                                                {"country", &flags.country},
                                                                                {"note", &flags.note}}};
  for (const auto& [name, value] : further) {
    if (!value->empty()) body[name] = *value;
  }
  const auto answer = flags.server.ask("POST", "/api/v1/consents", body);
  if (!answer) return answer.error();
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else {
    fmt::print("entry {}: {}\n", text_of(answer->at("entry_id")), text_of(answer->at("state")));
  }
  return 0;
}

}  // namespace

void add_why(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<WhyFlags>();
  CLI::App* const command = app.add_subcommand("why", "Why did, or did not, this person get this?");
  command->add_option("PERSON", flags->person, "An address, a userId, or a person's id")->required();
  command->add_option("--message", flags->message, "A decision's id; the latest when neither is named");
  command->add_option("--journey", flags->journey, "A journey's name");
  command->add_option("--language", flags->language)->check(CLI::IsMember({"es", "fr", "en"}))->capture_default_str();
  command->add_flag("--json", flags->as_json);
  flags->server.add_to(*command);
  command->callback([flags, &exit_code] { exit_code = why(*flags); });
}

void add_consent(CLI::App& app, int& exit_code) {
  CLI::App* const parent = app.add_subcommand("consent", "Write down what somebody agreed to, or withdrew");
  parent->require_subcommand(1);
  for (const char* const action : {"grant", "request", "withdraw"}) {
    const auto flags = std::make_shared<ConsentFlags>();
    flags->action = action;
    CLI::App* const command = parent->add_subcommand(action);
    command->add_option("ADDRESS", flags->address)->required();
    command->add_option("--topic", flags->topic)->required();
    // What narrows closes every purpose unless one is named; what widens names exactly one.
    if (std::string_view(action) == "withdraw") flags->purpose.clear();
    command->add_option("--purpose", flags->purpose)->capture_default_str();
    command->add_option("--brand", flags->brand);
    command->add_option("--channel", flags->channel)->capture_default_str();
    command->add_option("--method", flags->method, "tick, button, spoken, paper, import …")->capture_default_str();
    command->add_option("--occurred-at", flags->occurred_at, "When they did so, ISO 8601");
    command->add_option("--text-version", flags->text_version, "Hash of the wording they saw");
    command->add_option("--text-language", flags->language, "Of that wording");
    command->add_option("--country", flags->country, "Two letters; unknown counts as the strictest");
    command->add_option("--note", flags->note);
    command->add_flag("--json", flags->as_json);
    flags->server.add_to(*command);
    command->callback([flags, &exit_code] { exit_code = consent(*flags); });
  }
}

}  // namespace terreno::server::cli
