// Why, one message from the decision to its end, and what the sandbox caught.

#include <fmt/format.h>

#include <algorithm>

#include "api/customer_api.h"

namespace terreno::api {

namespace json = boost::json;
using contact::Decision;
using contact::DecisionState;

namespace {

constexpr size_t kRawShown = 256 * 1024;

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }
json::value id_or_null(Id128 id) { return id.is_zero() ? json::value(nullptr) : json::value(id.hex()); }

/// `a…@example.org`; of other addresses the last two characters.
std::string masked(std::string_view address) {
  const size_t at = address.find('@');
  if (at != std::string_view::npos && at > 0) return fmt::format("{}…{}", cut(address, 1), address.substr(at));
  return fmt::format("…{}", address.size() > 4 ? address.substr(address.size() - 2) : "");
}

json::array headers_json(const OutboxReader::Letter& letter) {
  json::array headers;
  for (const auto& [name, value] : letter.headers) headers.push_back(json::object{{"name", name}, {"value", value}});
  return headers;
}

json::array history_json(const Decision& decision) {
  json::array history;
  const auto add = [&](std::string_view state, Timestamp at, std::string_view code, std::string_view detail) {
    json::object params;
    if (!code.empty()) params["code"] = code;
    if (!detail.empty()) params["detail"] = detail;
    history.push_back(json::object{{"state", state}, {"at", format_iso8601(at)}, {"params", std::move(params)}});
  };
  add("decided", decision.wanted_at, {}, {});
  bool has_claim = !decision.proof.has_value();
  const auto add_claim = [&] {
    add("claimed", decision.proof->decided_at, {}, {});
    history.back().as_object()["attempt"] = decision.proof->attempt;
    has_claim = true;
  };
  for (const contact::Step& step : decision.history) {
    for (int one = 0; one <= static_cast<int>(contact::kDecisionStateLast); ++one) {
      const auto state = static_cast<DecisionState>(one);
      if (contact::name_of(state) != step.state) continue;
      if (contact::is_final(state) && !has_claim) add_claim();
      add(message_state(decision, state), step.at, step.state, step.detail);
    }
  }
  if (!has_claim) add_claim();
  return history;
}

/// The last attempt; of earlier ones no more is kept than that there were some.
json::array attempts_json(const Decision& decision) {
  if (!decision.proof) return {};
  std::string_view outcome = "open";
  if (decision.state == DecisionState::sent) outcome = "sent";
  if (decision.state == DecisionState::unknown) outcome = "unknown";
  if (contact::gives_back(decision.state)) outcome = "not_sent";
  const bool is_over = contact::is_final(decision.state) && !decision.history.empty();
  json::value words = nullptr;
  for (const contact::Gate& gate : decision.gates) {
    if (gate.code == contact::GateCode::delivery && gate.value != contact::kCaughtBySandbox)
      words = text_or_null(gate.value);
  }
  return {json::object{{"number", decision.proof->attempt},
                       {"claimed_at", format_iso8601(decision.proof->decided_at)},
                       {"outcome", outcome},
                       {"ended_at", is_over ? json::value(format_iso8601(decision.history.back().at)) : nullptr},
                       {"answer", std::move(words)}}};
}

/// The entry that the claim rested on; of a message that needed none: null.
json::value proof_json(const Decision& decision, const consent::AddressLedger* ledger, bool is_masked) {
  if (!decision.proof || decision.proof->entry_ids.empty() || ledger == nullptr) return nullptr;
  const uint64_t id = decision.proof->entry_ids.front();
  const auto entry = std::ranges::find(ledger->entries(), id, &consent::ConsentEntry::entry_id);
  if (entry == ledger->entries().end()) return nullptr;
  Timestamp confirmed = entry->act.confirmation.confirmed_at;
  for (const consent::ConsentEntry& one : ledger->entries()) {
    const auto& used = decision.proof->entry_ids;
    const bool is_used = std::ranges::find(used, one.entry_id) != used.end();
    if (is_used && one.act.action == consent::Action::confirm) confirmed = one.act.effective_at();
  }
  const std::string& address = decision.address.value;
  return json::object{{"entry_id", entry_id_text(decision.proof->partition, id)},
                      {"channel", consent::name_of(decision.address.channel)},
                      {"address", is_masked ? masked(address) : address},
                      {"topic", entry->act.scope.topic},
                      {"purpose", entry->act.scope.purpose},
                      {"brand", entry->act.scope.brand},
                      {"recorded_at", format_iso8601(entry->recorded_at)},
                      {"confirmed_at", time_or_null(confirmed)},
                      {"method", consent::name_of(entry->act.method)},
                      {"text_version", text_or_null(entry->act.text_version)},
                      {"text", nullptr}};
}

/// Who may not see an address may not read a letter that can hold one.
bool must_mask(const Call& call) { return !call.caller.principal.scopes.allows(governance::Scope::people_read); }

/// Masked: the address shortened, without a name, and without the subject, which can hold one.
json::object letter_json(const OutboxReader::Letter& letter, const profiles::Person* person, bool is_masked) {
  return {{"id", letter.id},
          {"at", format_iso8601(letter.at)},
          {"to", is_masked ? masked(letter.to) : letter.to},
          {"masked", is_masked},
          {"subject", is_masked ? "" : letter.subject},
          {"decision_id", id_or_null(letter.decision.value)},
          {"person_id", id_or_null(letter.person.value)},
          {"person", person == nullptr || is_masked
                         ? json::value(nullptr)
                         : json::value(oversight::full_name_of(*person).value_or(oversight::short_name_of(*person)))},
          {"journey", text_or_null(letter.journey)},
          {"message", text_or_null(letter.message)},
          {"language", text_or_null(letter.language)}};
}

}  // namespace

oversight::Why CustomerApi::why_of(const PersonFile& file, const Decision* decision, std::string_view journey) const {
  const auto configuration = parts_.library->find(file.configuration);
  std::shared_ptr<const journeys::Definition> definition;
  if (decision != nullptr) {
    definition = parts_.library->find_journey(decision->journey_version);
  } else {
    for (const auto& instance : file.journeys.instances) {
      if (instance.journey == journey) definition = parts_.library->find_journey(instance.version);
    }
    if (!definition && configuration) {
      for (const auto& one : configuration->journeys) {
        if (one->name == journey) definition = one;
      }
    }
  }
  oversight::Case given;
  given.person = &file.person;
  given.journeys = &file.journeys;
  given.decision = decision;
  given.winner = decision != nullptr && !decision->winner.is_zero() ? file.find(decision->winner) : nullptr;
  given.journey = journey;
  given.definition = definition.get();
  given.policy = configuration ? &configuration->policy : nullptr;
  given.now = file.now;
  return oversight::explain(given);
}

void CustomerApi::explain(const Call& call, const http::Responder& responder) {
  const PersonId id = PersonId::from_hex(call.query_value("person"));
  const std::string decision_text = call.query_value("decision");
  const std::string journey = call.query_value("journey");
  const DecisionId decision = DecisionId::from_hex(decision_text);
  if (id.is_zero()) {
    return refuse(
        responder,
        Refused{
            422, "required", "person: is absent or no id; give 32 hexadecimal digits", {{"field", "person"}}, {}, {}});
  }
  if (decision_text.empty() == journey.empty() || journey.size() > 100) {
    return refuse(
        responder,
        Refused{422, "required", "decision, journey: give exactly one of them", {{"field", "decision"}}, {}, {}});
  }
  if (!decision_text.empty() && decision.is_zero()) return refuse_not_found(responder);
  reading_.person({.id = id, .hint = {}, .not_before = {}, .decision = decision}, [this, call, responder, decision,
                                                                                   journey](const File& file) {
    later(responder, [this, call, responder, decision, journey, file] {
      if (!file) return refuse_not_found(responder);
      const Decision* answering = nullptr;
      if (!decision.is_zero()) {
        answering = file->find(decision);
        if (answering == nullptr) return refuse_not_found(responder);
      } else {
        const auto configuration = parts_.library->find(file->configuration);
        const bool is_known = configuration && std::ranges::any_of(configuration->journeys, [&](const auto& one) {
                                return one->name == journey;
                              });
        std::vector<const Decision*> decisions;
        for (const Decision& one : file->decisions) decisions.push_back(&one);
        answering = oversight::answering_decision(&file->journeys, decisions, journey);
        const bool was_there =
            std::ranges::any_of(file->journeys.traces, [&](const auto& trace) { return trace.journey == journey; });
        if (!is_known && !was_there && answering == nullptr) return refuse_not_found(responder);
      }
      if (!note_view(call, "person_read", "person", file->person.id.hex(), responder)) return;
      answer(responder, 200, to_json(why_of(*file, answering, journey)));
    });
  });
}

void CustomerApi::get_message(const Call& call, const http::Responder& responder) {
  const DecisionId id = DecisionId::from_hex(call.id);
  if (id.is_zero()) return refuse_not_found(responder);
  reading_.decision(id, [this, call, responder, id](const File& file) {
    const Decision* const decision = file ? file->find(id) : nullptr;
    if (decision == nullptr) return refuse_not_found(responder);
    reading_.ledgers({decision->address}, [this, call, responder, file, decision](const Reading::Ledgers& ledgers) {
      later(responder, [this, call, responder, file, decision, ledger = ledgers.front()] {
        if (!note_view(call, "message_read", "message", decision->id.hex(), responder)) return;
        const bool is_masked = must_mask(call);
        const auto letter = parts_.outbox != nullptr ? parts_.outbox->find_by_decision(decision->id) : std::nullopt;
        const auto snapshot = parts_.registry->snapshot();
        const profiles::Person& person = file->person;
        json::object body{
            {"decision_id", decision->id.hex()},
            {"person_id", person.id.hex()},
            {"person", is_masked ? "" : oversight::full_name_of(person).value_or(oversight::short_name_of(person))},
            {"journey", decision->journey},
            {"journey_version", oversight::version_text(decision->journey_version)},
            {"message", decision->message},
            {"channel", consent::name_of(decision->address.channel)},
            {"language", letter ? text_or_null(letter->language) : json::value(nullptr)},
            {"state", message_state(*decision, decision->state)},
            {"history", history_json(*decision)},
            {"from", letter && !letter->from.empty() ? letter->from : snapshot->installation.sender.from_address},
            {"to", is_masked ? masked(decision->address.value) : decision->address.value},
            {"masked", is_masked},
            {"subject", nullptr},
            {"html", nullptr},
            {"text", nullptr},
            {"headers", json::array{}},
            {"size_bytes", nullptr},
            {"consent", proof_json(*decision, ledger.get(), is_masked)},
            {"attempts", attempts_json(*decision)}};
        if (letter && !is_masked) {
          body["subject"] = letter->subject;
          body["html"] = text_or_null(letter->html);
          body["text"] = text_or_null(letter->text);
          body["headers"] = headers_json(*letter);
          body["size_bytes"] = letter->size_bytes;
        }
        answer(responder, 200, body);
      });
    });
  });
}

void CustomerApi::answer_letters(OutboxReader::Page page, const Call& call, const http::Responder& responder) {
  std::vector<PersonQuery> queries;
  for (const OutboxReader::Letter& letter : page.letters) {
    if (letter.person.is_zero()) continue;
    queries.push_back({.id = letter.person, .hint = {}, .not_before = {}, .with_decisions = false, .decision = {}});
  }
  reading_.people(queries, [this, page = std::move(page), call, responder](const std::vector<File>& files) {
    later(responder, [this, page, call, responder, files] {
      if (!note_view(call, "outbox_listed", "", "", responder)) return;
      const bool is_masked = must_mask(call);
      json::array items;
      for (const OutboxReader::Letter& letter : page.letters) {
        const auto file = std::ranges::find_if(files, [&](const File& one) {
          return one->person.id == letter.person ||
                 std::ranges::find(one->person.absorbed, letter.person) != one->person.absorbed.end();
        });
        items.push_back(letter_json(letter, file == files.end() ? nullptr : &(*file)->person, is_masked));
      }
      answer(responder, 200, {{"items", std::move(items)}, {"next", text_or_null(page.next)}, {"total", page.total}});
    });
  });
}

void CustomerApi::list_outbox(const Call& call, const http::Responder& responder) {
  const auto limit = page_limit(call);
  if (!limit) return refuse(responder, bad_limit());
  later(responder, [this, call, responder, limit = *limit] {
    if (parts_.outbox == nullptr) return answer_letters({}, call, responder);
    auto page = parts_.outbox->list(call.query_value("cursor"), limit);
    if (!page) return refuse(responder, bad_cursor());
    answer_letters(std::move(*page), call, responder);
  });
}

void CustomerApi::get_outbox_message(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    const auto letter = parts_.outbox != nullptr ? parts_.outbox->find(call.id) : std::nullopt;
    // What left is no business of the sandbox's: `get_message` shows it, masked where that is due.
    if (!letter || !letter->is_sandbox) return refuse_not_found(responder);
    if (!note_view(call, "message_read", "message", letter->decision.is_zero() ? call.id : letter->decision.hex(),
                   responder)) {
      return;
    }
    reading_.person({.id = letter->person, .hint = {}, .not_before = {}, .with_decisions = false, .decision = {}},
                    [this, responder, letter, is_masked = must_mask(call)](const File& file) {
                      later(responder, [this, responder, letter, file, is_masked] {
                        json::object body = letter_json(*letter, file ? &file->person : nullptr, is_masked);
                        body["from"] = letter->from;
                        body["headers"] = is_masked ? json::array{} : headers_json(*letter);
                        body["html"] = is_masked ? json::value(nullptr) : text_or_null(letter->html);
                        body["text"] = is_masked ? json::value(nullptr) : text_or_null(letter->text);
                        body["raw"] = is_masked ? std::string() : cut(letter->raw, kRawShown);
                        body["size_bytes"] = letter->size_bytes;
                        answer(responder, 200, body);
                      });
                    });
  });
}

}  // namespace terreno::api
