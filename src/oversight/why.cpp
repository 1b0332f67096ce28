#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "oversight/oversight.h"

namespace terreno::oversight {

using contact::Decision;
using contact::DecisionState;
using contact::GateCode;
using contact::GateState;

namespace {

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

Value value_of(std::string_view text) {
  if (text.empty()) return {};
  if (const auto number = number_of(text)) return *number;
  return std::string(text);
}

Value time_of(Timestamp time) { return format_iso8601(time); }
Value topic_of(const Decision& decision) {
  return decision.scope.topic.empty() ? Value{} : Value{decision.scope.topic};
}

int64_t window_days(std::string_view period) {
  if (period == name_of(contact::Period::day)) return 1;
  return period == name_of(contact::Period::week) ? 7 : 30;
}

/// A cap's gate keeps its limit as `3 per week`.
struct CapLimit {
  int64_t limit = 0;
  int64_t days = 0;
};
std::optional<CapLimit> cap_limit(std::string_view text) {
  const size_t per = text.find(" per ");
  if (per == std::string_view::npos) return std::nullopt;
  const auto limit = number_of(text.substr(0, per));
  if (!limit) return std::nullopt;
  return CapLimit{*limit, window_days(text.substr(per + 5))};
}

std::string minutes_text(int minutes) { return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60); }

std::string zone_of(const Case& given) {
  if (!given.person->time_zone.empty()) return given.person->time_zone;
  return given.policy != nullptr ? given.policy->default_time_zone : "UTC";
}

const contact::Gate* last_gate(const Decision& decision, GateCode code) {
  const contact::Gate* last = nullptr;
  for (const contact::Gate& gate : decision.gates) {
    if (gate.code == code) last = &gate;
  }
  return last;
}

/// Why a template could not be written, from `html: variable_missing city at line 3, column 5`. The rest of it is for
/// who writes templates; they read it where they try them.
struct NotWritten {
  std::string_view reason = "template_broken";
  Value missing;  ///< of `value_missing` the variable
};
NotWritten not_written(std::string_view detail) {
  const auto after = [&](std::string_view mark) -> std::optional<std::string_view> {
    const size_t at = detail.find(mark);
    return at == std::string_view::npos ? std::nullopt : std::optional(detail.substr(at + mark.size()));
  };
  if (after(": aborted")) return {"template_declined", {}};
  if (detail.starts_with("template: ") || detail.starts_with("configuration: ")) return {"template_gone", {}};
  if (const auto subject = after(": variable_missing ")) {
    return {"value_missing", std::string(subject->substr(0, subject->find(" at line ")))};
  }
  return {};
}

std::vector<Parameter> cap_params(const Decision& decision) {
  const contact::Gate* const gate = last_gate(decision, GateCode::cap_person);
  if (gate == nullptr) return {};
  std::vector<Parameter> params{{"count", value_of(gate->value)}};
  if (const auto cap = cap_limit(gate->limit)) {
    params.push_back({"limit", cap->limit});
    params.push_back({"window_days", cap->days});
  }
  return params;
}

/// What would have changed a decision that the cap stopped: as many fewer messages as were too many.
CodedText fewer_messages(const Decision& decision) {
  const contact::Gate* const gate = last_gate(decision, GateCode::cap_person);
  const auto cap = gate != nullptr ? cap_limit(gate->limit) : std::nullopt;
  if (!cap) return {"fewer_messages", {{"count", int64_t{1}}, {"window_days", int64_t{1}}}};
  const int64_t had = number_of(gate->value).value_or(cap->limit);
  return {"fewer_messages", {{"count", std::max<int64_t>(1, had - cap->limit + 1)}, {"window_days", cap->days}}};
}

CodedText other_hour(const Case& given, const Decision& decision) {
  CodedText text{"other_hour", {}};
  if (given.policy != nullptr) {
    text.params.push_back({"from", minutes_text(given.policy->quiet_hours.end_minute)});
    text.params.push_back({"to", minutes_text(given.policy->quiet_hours.start_minute)});
  } else if (const auto* const gate = last_gate(decision, GateCode::quiet_hours); gate != nullptr) {
    text.params.push_back({"from", value_of(gate->limit)});
  }
  return text;
}

/// The stations of the way that a decision has not come to yet, in their order.
void add_not_reached(std::vector<Gate>& gates, const Decision& decision) {
  const auto add = [&](GateCode code) { gates.push_back({code, GateState::not_reached, {}, {}, std::nullopt, {}}); };
  switch (decision.state) {
    case DecisionState::held_identity:
      if (decision.message_class == consent::MessageClass::commercial) {
        add(GateCode::cap_person);
        add(GateCode::quiet_hours);
      }
      break;
    case DecisionState::held_cap:
      add(GateCode::quiet_hours);
      break;
    case DecisionState::held_quiet_hours:
    case DecisionState::open:
      break;
    default:
      return;
  }
  add(GateCode::consent);
  add(GateCode::claim);
  add(GateCode::delivery);
}

Gate explain_gate(const Case& given, const Decision& decision, const contact::Gate& kept) {
  Gate gate{kept.code, kept.state, value_of(kept.value), value_of(kept.limit), kept.at, {}};
  const auto add = [&](std::string name, Value value) { gate.params.push_back({std::move(name), std::move(value)}); };
  switch (kept.code) {
    case GateCode::trigger: {
      const std::string event = given.definition != nullptr ? given.definition->trigger_event : kept.value;
      gate.value = event;
      add("event", event);
      break;
    }
    case GateCode::audience:
      // The arbiter asks for an address, the journey for a condition.
      if (kept.value == "no_address") {
        gate.value = gate.limit = {};
        add("reason", kept.value);
        break;
      }
      add("condition", value_of(kept.limit));
      add("value", value_of(kept.value));
      break;
    case GateCode::identity: {
      const auto count = static_cast<int64_t>(given.person->identifiers.size());
      gate.value = count;
      add("identifiers", count);
      if (!kept.value.empty()) add("reason", "identity_open");
      break;
    }
    case GateCode::consent:
      add("topic", topic_of(decision));
      add("reason", kept.value);
      break;
    case GateCode::cap_person: {
      add("count", value_of(kept.value));
      if (const auto cap = cap_limit(kept.limit)) {
        gate.limit = cap->limit;
        add("limit", cap->limit);
        add("window_days", cap->days);
      }
      break;
    }
    case GateCode::cap_address:
      add("count", value_of(kept.value));
      if (given.policy != nullptr) {
        gate.limit = static_cast<int64_t>(given.policy->per_address_and_hour);
        add("limit", gate.limit);
      }
      add("window_seconds", int64_t{3600});
      break;
    case GateCode::quiet_hours:
      add("local_time", value_of(kept.value));
      if (given.policy != nullptr && given.policy->quiet_hours.start_minute != given.policy->quiet_hours.end_minute) {
        add("from", minutes_text(given.policy->quiet_hours.start_minute));
        add("to", minutes_text(given.policy->quiet_hours.end_minute));
      }
      add("zone", zone_of(given));
      break;
    case GateCode::priority:
      add("ahead", value_of(kept.value));
      break;
    case GateCode::render: {
      if (kept.state == GateState::passed) break;
      const NotWritten why = not_written(kept.value);
      gate.value = why.missing;
      add("reason", std::string(why.reason));
      add("missing", why.missing);
      break;
    }
    case GateCode::claim:
      add("attempt", static_cast<int64_t>(decision.attempts));
      break;
    case GateCode::delivery:
      if (kept.value == contact::kCaughtBySandbox || kept.value == "no_receipt" || kept.value == "expired") {
        gate.value = gate.limit = {};
        add("reason", kept.value == "expired" ? "too_late" : kept.value);
      } else {
        add("answer", value_of(kept.value));
      }
      break;
  }
  return gate;
}

/// The claim is kept as its proof, which says what permission it rested on.
void add_proof(std::vector<Gate>& gates, const Decision& decision) {
  const consent::ProofRecord& proof = *decision.proof;
  Gate permission{GateCode::consent,
                  GateState::passed,
                  std::string(consent::name_of(proof.rule)),
                  {},
                  proof.decided_at,
                  {{"topic", topic_of(decision)}, {"reason", std::string(consent::name_of(proof.rule))}}};
  if (!proof.entry_ids.empty()) {
    permission.params.push_back({"entry_id", Id128{proof.partition.number, proof.entry_ids.front()}.hex()});
  }
  gates.push_back(std::move(permission));
  gates.push_back({GateCode::claim,
                   GateState::passed,
                   static_cast<int64_t>(proof.attempt),
                   {},
                   proof.decided_at,
                   {{"attempt", static_cast<int64_t>(proof.attempt)}}});
}

std::vector<Gate> gates_of(const Case& given, const Decision& decision) {
  std::vector<Gate> gates;
  bool has_proof = !decision.proof.has_value();
  for (const contact::Gate& kept : decision.gates) {
    const bool follows_claim = kept.code == GateCode::render || kept.code == GateCode::delivery;
    if (!has_proof && follows_claim) {
      add_proof(gates, decision);
      has_proof = true;
    }
    gates.push_back(explain_gate(given, decision, kept));
    if (kept.code == GateCode::cap_person && given.winner != nullptr && kept.state != GateState::passed) {
      gates.push_back({GateCode::priority,
                       kept.state,
                       given.winner->message,
                       {},
                       kept.at,
                       {{"ahead", given.winner->message},
                        {"journey", given.winner->journey},
                        {"ahead_decision_id", given.winner->id.hex()}}});
    }
  }
  if (!has_proof) add_proof(gates, decision);
  add_not_reached(gates, decision);
  return gates;
}

/// What consent/ said at the claim, and what would have opened that gate.
void explain_refusal(const Decision& decision, Why& why) {
  const Value topic = topic_of(decision);
  const auto is = [&](consent::Rule rule) { return decision.refusal == consent::name_of(rule); };
  if (is(consent::Rule::suppressed)) {
    why.sentence = {"withheld_suppressed", {{"reason", decision.refusal}}};
    why.would_have_changed = {"unsuppressed", {}};
  } else if (is(consent::Rule::objected) || is(consent::Rule::paused)) {
    why.sentence = {"withheld_objection", {}};
    why.would_have_changed = {"objection_lifted", {}};
  } else {
    const bool withdrawn = is(consent::Rule::topic_withdrawn) || is(consent::Rule::channel_withdrawn);
    why.sentence = {withdrawn ? "withheld_withdrawn" : "withheld_no_consent", {{"topic", topic}}};
    why.would_have_changed = {"consent_given", {{"topic", topic}}};
  }
}

/// An intent that waited too long: what it waited for last would have changed it.
CodedText sooner(const Case& given, const Decision& decision) {
  for (auto gate = decision.gates.rbegin(); gate != decision.gates.rend(); ++gate) {
    if (gate->state == GateState::passed) continue;
    if (gate->code == GateCode::quiet_hours) return other_hour(given, decision);
    if (gate->code == GateCode::identity) return {"identity_settled", {}};
    if (gate->code == GateCode::cap_person || gate->code == GateCode::cap_address) return fewer_messages(decision);
    if (gate->code == GateCode::delivery && decision.attempts > 0) return {"address_works", {}};
  }
  return {"nothing", {}};
}

void explain_decision(const Case& given, const Decision& decision, Why& why) {
  const CodedText nothing{"nothing", {}};
  const CodedText dropped{"dropped", {}};
  const Value wakes = decision.wakes_at ? time_of(*decision.wakes_at) : Value{};
  const contact::Gate* const delivery = last_gate(decision, GateCode::delivery);
  why.becomes = dropped;
  why.would_have_changed = nothing;
  switch (decision.state) {
    case DecisionState::held_identity:
      why.sentence = {"held_identity", {}};
      why.becomes = {"decided_after_identity", {}};
      why.would_have_changed = {"identity_settled", {}};
      break;
    case DecisionState::held_quiet_hours:
      why.sentence = {"held_quiet_hours", {{"until_at", wakes}}};
      why.becomes = {"asked_again", {{"send_at", wakes}}};
      why.would_have_changed = other_hour(given, decision);
      break;
    case DecisionState::held_cap:
      why.sentence = {"held_cap", cap_params(decision)};
      why.sentence.params.push_back({"until_at", wakes});
      why.becomes = {"asked_again", {{"send_at", wakes}}};
      why.would_have_changed = fewer_messages(decision);
      break;
    case DecisionState::held_address:
      why.sentence = {"held_address", {{"until_at", wakes}}};
      why.becomes = {"asked_again", {{"send_at", wakes}}};
      why.would_have_changed = {"address_works", {}};
      break;
    case DecisionState::held_clock:
      why.sentence = {"held_clock", {}};
      why.becomes = {"asked_when_clock_is_set", {}};
      break;
    case DecisionState::open: {
      const Value since = time_of(decision.history.empty() ? decision.wanted_at : decision.history.back().at);
      why.sentence = {"will_send", {{"send_at", since}}};
      why.becomes = {"awaits_receipt", {}};
      break;
    }
    case DecisionState::sent:
      why.sentence = {contact::was_caught(decision) ? "kept_in_sandbox" : "sent", {}};
      if (contact::was_caught(decision)) why.would_have_changed = {"live", {}};
      why.becomes = nothing;
      break;
    case DecisionState::refused_consent:
      explain_refusal(decision, why);
      break;
    case DecisionState::refused_cap:
      why.sentence = {"withheld_cap", cap_params(decision)};
      why.would_have_changed = fewer_messages(decision);
      break;
    case DecisionState::refused_address:
      why.sentence = {"withheld_no_address", {}};
      why.would_have_changed = {"address_works", {}};
      break;
    case DecisionState::superseded:
      why.sentence = {"withheld_superseded", {}};
      break;
    case DecisionState::not_rendered: {
      const contact::Gate* const render = last_gate(decision, GateCode::render);
      const NotWritten not_rendered = not_written(render != nullptr ? std::string_view(render->value) : "");
      why.sentence = {"withheld_not_rendered", {{"missing", not_rendered.missing}}};
      if (not_rendered.reason == "value_missing") {
        why.would_have_changed = {"template_fixed", {{"missing", not_rendered.missing}}};
      } else if (not_rendered.reason != "template_declined") {
        why.would_have_changed = {"template_mended", {}};
      }
      break;
    }
    case DecisionState::bounced:
      why.sentence = {"bounced", {{"answer", delivery != nullptr ? value_of(delivery->value) : Value{}}}};
      why.becomes = nothing;
      why.would_have_changed = {"address_works", {}};
      break;
    case DecisionState::expired:
      why.sentence = {"expired", {}};
      why.would_have_changed = sooner(given, decision);
      break;
    case DecisionState::unknown:
      why.sentence = {"unknown_delivery", {}};
      why.becomes = {"stays_unknown", {}};
      break;
  }
}

std::string step_of(const Case& given, const journeys::Instance& instance) {
  if (given.definition != nullptr && given.definition->version == instance.version &&
      instance.step < given.definition->steps.size()) {
    return given.definition->steps[instance.step].id;
  }
  return fmt::format("{}", instance.step + 1);
}

/// Why a trigger let nobody in. The word for a number would be read as a plural form where the sentences are.
std::string reason_of(const journeys::TriggerTrace& trace) {
  return trace.stopped_by == "too_many" ? "journeys_full" : trace.stopped_by;
}

Value trigger_event(const Case& given) {
  return given.definition != nullptr ? Value{given.definition->trigger_event} : Value{};
}

void explain_journey(const Case& given, Why& why) {
  const journeys::Instance* running = nullptr;
  const journeys::TriggerTrace* trace = nullptr;
  const journeys::Entered* entered = nullptr;
  if (given.journeys != nullptr) {
    for (const auto& one : given.journeys->instances) {
      if (one.journey == given.journey && (running == nullptr || one.step_since > running->step_since)) running = &one;
    }
    for (const auto& one : given.journeys->traces) {
      if (one.journey == given.journey) trace = &one;
    }
    for (const auto& one : given.journeys->entered) {
      if (one.journey == given.journey && (entered == nullptr || one.at > entered->at)) entered = &one;
    }
  }
  const Value event = trigger_event(given);
  const auto trigger_gate = [&](GateState state, std::optional<Timestamp> at) {
    why.gates.push_back({GateCode::trigger, state, event, {}, at, {{"event", event}}});
  };
  why.becomes = {"nothing", {}};
  why.would_have_changed = {"nothing", {}};
  if (running != nullptr) {
    const std::string step = step_of(given, *running);
    const Value until = running->wakes_at ? time_of(*running->wakes_at) : Value{};
    trigger_gate(GateState::passed, running->entered);
    why.gates.push_back({GateCode::audience, GateState::passed, {}, {}, running->entered, {}});
    why.sentence = {"waiting", {{"step", step}, {"until_at", until}}};
    why.becomes = {"continues", {{"step", step}}};
    why.subject.at = running->step_since;
    why.subject.journey_version = version_text(running->version);
    return;
  }
  if (trace != nullptr && trace->stopped_by == "condition") {
    const Value found = value_of(trace->value);
    trigger_gate(GateState::passed, trace->at);
    why.gates.push_back({GateCode::audience,
                         GateState::stopped,
                         found,
                         trace->clause,
                         trace->at,
                         {{"condition", trace->clause}, {"value", found}}});
    why.sentence = {"never_entered_condition", {{"condition", trace->clause}, {"value", found}, {"event", event}}};
    why.would_have_changed = {"condition_met", {{"condition", trace->clause}, {"value", found}}};
    why.subject.at = trace->at;
    return;
  }
  if (entered != nullptr || (trace != nullptr && trace->did_enter)) {
    const Timestamp at = entered != nullptr ? entered->at : trace->at;
    trigger_gate(GateState::passed, at);
    why.gates.push_back({GateCode::audience, GateState::passed, {}, {}, at, {}});
    const bool came_again = trace != nullptr && !trace->did_enter && trace->at > at;
    // Who came again stands at the gate once more, with what kept them out.
    why.sentence = {came_again ? "not_entered_again" : "exited", {}};
    if (came_again) {
      why.gates = {{GateCode::trigger,
                    GateState::stopped,
                    event,
                    {},
                    trace->at,
                    {{"event", event}, {"reason", reason_of(*trace)}}}};
    }
    why.subject.at = came_again ? trace->at : at;
    return;
  }
  // What came too late starts nothing, as if it had not come.
  why.sentence = {"never_triggered", {{"event", event}}};
  why.would_have_changed = {"event_received", {{"event", event}}};
  if (trace != nullptr && !trace->stopped_by.empty()) {
    why.sentence = {"never_entered_trigger", {{"event", event}}};
    why.would_have_changed = {"nothing", {}};
    why.gates.push_back({GateCode::trigger,
                         GateState::stopped,
                         event,
                         {},
                         trace->at,
                         {{"event", event}, {"reason", reason_of(*trace)}}});
    why.subject.at = trace->at;
  } else {
    why.gates.push_back({GateCode::trigger, GateState::not_reached, {}, event, std::nullopt, {{"event", event}}});
  }
}

std::optional<std::string> first_text(const profiles::Person& person, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (auto text = person.text(name); text && !text->empty()) return text;
  }
  return std::nullopt;
}

}  // namespace

const Value* CodedText::find(std::string_view name) const {
  const auto found = std::ranges::find(params, name, &Parameter::name);
  return found == params.end() ? nullptr : &found->value;
}

Why explain(const Case& given) {
  Why why;
  why.subject.person_id = given.person->id;
  why.subject.person = full_name_of(*given.person).value_or(short_name_of(*given.person));
  if (given.decision != nullptr) {
    const Decision& decision = *given.decision;
    why.subject.journey = decision.journey;
    why.subject.journey_version = version_text(decision.journey_version);
    why.subject.message = decision.message;
    why.subject.channel = decision.address.channel;
    why.subject.decision_id = decision.id;
    why.subject.at = decision.history.empty() ? decision.wanted_at : decision.history.back().at;
    explain_decision(given, decision, why);
    why.gates = gates_of(given, decision);
  } else {
    why.subject.journey = given.journey;
    if (given.definition != nullptr) why.subject.journey_version = version_text(given.definition->version);
    explain_journey(given, why);
  }
  std::vector<Parameter> common{{"person", short_name_of(*given.person)}, {"journey", why.subject.journey}};
  if (!why.subject.message.empty()) common.push_back({"message", why.subject.message});
  if (why.subject.channel) common.push_back({"channel", std::string(consent::name_of(*why.subject.channel))});
  if (why.subject.at) common.push_back({"at", time_of(*why.subject.at)});
  why.sentence.params.insert(why.sentence.params.begin(), common.begin(), common.end());
  return why;
}

const Decision* answering_decision(const journeys::JourneyStates* states, const std::vector<const Decision*>& decisions,
                                   std::string_view journey) {
  const Decision* latest = nullptr;
  for (const Decision* const one : decisions) {
    if (one->journey != journey) continue;
    if (latest == nullptr || one->wanted_at > latest->wanted_at) latest = one;
  }
  if (latest == nullptr || states == nullptr) return latest;
  const auto trace = std::ranges::find(states->traces, journey, &journeys::TriggerTrace::journey);
  if (trace != states->traces.end() && trace->stopped_by == "condition" && trace->at > latest->wanted_at) {
    return nullptr;
  }
  const bool waits_since = std::ranges::any_of(states->instances, [&](const journeys::Instance& one) {
    return one.journey == journey && one.entered > latest->wanted_at;
  });
  return waits_since ? nullptr : latest;
}

std::optional<std::string> full_name_of(const profiles::Person& person) {
  if (auto whole = first_text(person, {"name", "full_name", "fullName"})) return whole;
  const auto first = first_text(person, {"first_name", "firstName"});
  const auto last = first_text(person, {"last_name", "lastName"});
  if (first && last) return *first + " " + *last;
  return first ? first : last;
}

std::string short_name_of(const profiles::Person& person) {
  if (auto first = first_text(person, {"first_name", "firstName"})) return *first;
  if (auto whole = full_name_of(person)) return *whole;
  return person.identifiers.empty() ? person.id.hex() : person.identifiers.front().identifier.value;
}

std::string version_text(Id128 version) { return version.hex().substr(0, 8); }

}  // namespace terreno::oversight
