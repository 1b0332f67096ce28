// How persons travel: entering, waiting, branching, asking to send, ending.

#include <algorithm>
#include <boost/json.hpp>

#include "base/check.h"
#include "journeys/journeys.h"

namespace terreno::journeys {

namespace {

namespace json = boost::json;

std::optional<std::string> property(std::string_view properties, std::string_view name) {
  json::error_code error;
  const json::value parsed = json::parse(properties, error);
  if (error || !parsed.is_object()) return std::nullopt;
  const json::value* at = &parsed;
  // `event.a.b` looks for the property `a.b` first, then for `b` inside `a`.
  if (const auto* whole = parsed.get_object().if_contains(name)) return json::serialize(*whole);
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (!at->is_object()) return std::nullopt;
    const auto* inner = at->get_object().if_contains(part);
    if (inner == nullptr) return std::nullopt;
    if (dot == std::string_view::npos) return json::serialize(*inner);
    at = inner;
    name.remove_prefix(dot + 1);
  }
}

segments::ConditionInput with_event(const segments::ConditionInput& person, std::string_view properties) {
  segments::ConditionInput input;
  input.allows = person.allows;
  input.value = [&person, properties](std::string_view path) -> std::optional<std::string> {
    if (path.starts_with("event.")) return property(properties, path.substr(6));
    return person.value(path);
  };
  return input;
}

TriggerTrace& trace_of(JourneyStates& states, const std::string& journey) {
  const auto found = std::ranges::find(states.traces, journey, &TriggerTrace::journey);
  if (found != states.traces.end()) return *found;
  states.traces.push_back({});
  states.traces.back().journey = journey;
  return states.traces.back();
}

// Takes steps until the instance waits or ends. False: it has ended.
bool travel(Instance& instance, const Definition& definition, Timestamp now, const segments::ConditionInput& person,
            std::vector<Intent>& intents) {
  const auto input = with_event(person, instance.event_properties);
  // Steps lead only forwards, so a way without waits is as long as the journey at most.
  for (size_t taken = 0; taken < definition.steps.size(); ++taken) {
    const Step& step = definition.steps[instance.step];
    const auto move_to = [&](size_t next) {
      instance.step = static_cast<uint32_t>(next);
      instance.step_since = now;
      instance.wakes_at.reset();
    };
    switch (step.kind) {
      case StepKind::wait:
      case StepKind::wait_until:
        if (!instance.wakes_at) instance.wakes_at = now + step.wait;
        if (*instance.wakes_at > now) return true;
        move_to(step.kind == StepKind::wait ? step.next : step.otherwise);
        break;
      case StepKind::branch:
        move_to(step.condition && step.condition->evaluate(input).holds ? step.next : step.otherwise);
        break;
      case StepKind::send: {
        Intent intent;
        intent.journey = definition.name;
        intent.version = definition.version;
        intent.step = step.id;
        intent.entry_key = instance.entry_key;
        intent.send = step.send;
        intent.reply_to = definition.reply_to;
        intent.event_properties = instance.event_properties;
        intent.wanted_at = now;
        intents.push_back(std::move(intent));
        move_to(step.next);
        break;
      }
      case StepKind::exit:
        return false;
    }
  }
  TERRENO_CHECK(false, "a journey leads back to a step that it has passed");
  return false;
}

void try_to_enter(JourneyStates& states, const Occurrence& event, const Definition& definition,
                  const segments::ConditionInput& person, std::vector<Intent>& intents) {
  TriggerTrace trace;
  trace.journey = definition.name;
  trace.at = event.now;
  const auto stop = [&](std::string_view by) {
    trace.stopped_by = by;
    trace_of(states, definition.name) = trace;
  };
  if (event.late) return stop("late");
  if (definition.trigger_condition) {
    const auto result = definition.trigger_condition->evaluate(with_event(person, event.properties));
    if (!result.holds) {
      trace.clause = result.failing_clause;
      trace.value = result.failing_value;
      return stop("condition");
    }
  }
  std::string key;
  if (!definition.entry_key.empty())
    key = property(event.properties, std::string_view(definition.entry_key).substr(6)).value_or("");
  const auto is_entry = [&](const auto& one) { return one.journey == definition.name && one.entry_key == key; };
  if (std::ranges::any_of(states.instances, is_entry)) return stop("already_inside");
  const auto before = std::ranges::find_if(states.entered, is_entry);
  if (before != states.entered.end()) {
    const bool may = definition.reentry == Reentry::always ||
                     (definition.reentry == Reentry::after && event.now >= before->at + definition.reentry_after);
    if (!may) return stop("entered_before");
  }
  if (states.instances.size() >= kInstancesMax) return stop("too_many");
  if (before != states.entered.end()) states.entered.erase(before);
  if (states.entered.size() >= kEntriesRememberedMax) states.entered.erase(states.entered.begin());
  states.entered.push_back({definition.name, key, event.now});
  trace.did_enter = true;
  stop("");
  Instance instance;
  instance.journey = definition.name;
  instance.version = definition.version;
  instance.entry_key = std::move(key);
  instance.entered = event.now;
  instance.step_since = event.now;
  instance.event_properties = event.properties;
  if (travel(instance, definition, event.now, person, intents)) states.instances.push_back(std::move(instance));
}

}  // namespace

void on_event(JourneyStates& states, const Occurrence& event, std::span<const Definition* const> active,
              const FindVersion& find, const segments::ConditionInput& person, std::vector<Intent>& intents) {
  if (!event.late) {
    std::erase_if(states.instances, [&](Instance& instance) {
      const Definition* definition = find(instance.version);
      if (definition == nullptr || instance.step >= definition->steps.size()) return true;
      const Step& step = definition->steps[instance.step];
      if (step.kind != StepKind::wait_until || step.event != event.name) return false;
      if (step.condition && !step.condition->evaluate(with_event(person, event.properties)).holds) return false;
      instance.step = static_cast<uint32_t>(step.next);
      instance.step_since = event.now;
      instance.wakes_at.reset();
      return !travel(instance, *definition, event.now, person, intents);
    });
  }
  for (const Definition* definition : active) {
    if (definition->trigger_event == event.name) try_to_enter(states, event, *definition, person, intents);
  }
}

void on_wake(JourneyStates& states, Timestamp now, const FindVersion& find, const segments::ConditionInput& person,
             std::vector<Intent>& intents) {
  std::erase_if(states.instances, [&](Instance& instance) {
    if (!instance.wakes_at || *instance.wakes_at > now) return false;
    const Definition* definition = find(instance.version);
    if (definition == nullptr || instance.step >= definition->steps.size()) return true;
    return !travel(instance, *definition, now, person, intents);
  });
}

std::optional<Timestamp> JourneyStates::next_wake() const {
  std::optional<Timestamp> next;
  for (const Instance& instance : instances) {
    if (instance.wakes_at && (!next || *instance.wakes_at < *next)) next = instance.wakes_at;
  }
  return next;
}

void JourneyStates::absorb(const JourneyStates& other) {
  for (const Instance& theirs : other.instances) {
    const auto ours = std::ranges::find_if(instances, [&](const Instance& one) {
      return one.journey == theirs.journey && one.entry_key == theirs.entry_key;
    });
    if (ours == instances.end()) {
      instances.push_back(theirs);
    } else if (theirs.entered < ours->entered) {
      *ours = theirs;
    }
  }
  for (const Entered& theirs : other.entered) {
    const auto ours = std::ranges::find_if(entered, [&](const Entered& one) {
      return one.journey == theirs.journey && one.entry_key == theirs.entry_key;
    });
    if (ours == entered.end()) {
      entered.push_back(theirs);
    } else {
      ours->at = std::max(ours->at, theirs.at);
    }
  }
  for (const TriggerTrace& theirs : other.traces) {
    TriggerTrace& ours = trace_of(*this, theirs.journey);
    if (theirs.at > ours.at) ours = theirs;
  }
  waiting.insert(waiting.end(), other.waiting.begin(), other.waiting.end());
}

void JourneyStates::encode(Writer& out) const {
  out.u8(1);
  out.varint(instances.size());
  for (const Instance& instance : instances) {
    out.bytes(instance.journey);
    out.id(instance.version);
    out.bytes(instance.entry_key);
    out.varint(instance.step);
    out.time(instance.entered);
    out.time(instance.step_since);
    out.boolean(instance.wakes_at.has_value());
    out.time(instance.wakes_at.value_or(Timestamp{}));
    out.bytes(instance.event_properties);
  }
  out.varint(entered.size());
  for (const Entered& one : entered) {
    out.bytes(one.journey);
    out.bytes(one.entry_key);
    out.time(one.at);
  }
  out.varint(traces.size());
  for (const TriggerTrace& trace : traces) {
    out.bytes(trace.journey);
    out.time(trace.at);
    out.boolean(trace.did_enter);
    out.bytes(trace.stopped_by);
    out.bytes(trace.clause);
    out.bytes(trace.value);
  }
  out.varint(waiting.size());
  for (const Waiting& one : waiting) {
    out.bytes(one.event);
    out.bytes(one.properties);
    out.boolean(one.late);
  }
}

std::unique_ptr<JourneyStates> JourneyStates::decode(std::string_view bytes) {
  Reader in(bytes);
  auto states = std::make_unique<JourneyStates>();
  if (in.u8() != 1) in.fail();
  for (size_t n = in.count(); n > 0; --n) {
    Instance instance;
    instance.journey = in.text();
    instance.version = in.id();
    instance.entry_key = in.text();
    instance.step = static_cast<uint32_t>(in.varint());
    instance.entered = in.time();
    instance.step_since = in.time();
    const bool waits = in.boolean();
    const Timestamp wakes_at = in.time();
    if (waits) instance.wakes_at = wakes_at;
    instance.event_properties = in.text();
    states->instances.push_back(std::move(instance));
  }
  for (size_t n = in.count(); n > 0; --n) {
    Entered one;
    one.journey = in.text();
    one.entry_key = in.text();
    one.at = in.time();
    states->entered.push_back(std::move(one));
  }
  for (size_t n = in.count(); n > 0; --n) {
    TriggerTrace trace;
    trace.journey = in.text();
    trace.at = in.time();
    trace.did_enter = in.boolean();
    trace.stopped_by = in.text();
    trace.clause = in.text();
    trace.value = in.text();
    states->traces.push_back(std::move(trace));
  }
  for (size_t n = in.count(); n > 0; --n) {
    Waiting one;
    one.event = in.text();
    one.properties = in.text();
    one.late = in.boolean();
    states->waiting.push_back(std::move(one));
  }
  return in.done() ? std::move(states) : nullptr;
}

size_t JourneyStates::footprint() const {
  size_t bytes = sizeof(JourneyStates) + entered.size() * 100 + traces.size() * 200;
  for (const Instance& instance : instances) bytes += sizeof instance + instance.event_properties.size();
  for (const Waiting& one : waiting) bytes += sizeof one + one.properties.size();
  return bytes;
}

}  // namespace terreno::journeys
