// How persons travel: entering, waiting, branching, asking to send, ending.

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/check.h"
#include "base/text.h"
#include "journeys/journeys.h"

namespace terreno::journeys {

namespace {

namespace json = boost::json;

constexpr std::string_view kEventPrefix = "event.";

/// Null unless it is an object.
json::value parse_properties(std::string_view properties) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kPropertiesDepthMax;
  json::value parsed = json::parse(properties, error, {}, options);
  return error || !parsed.is_object() ? json::value() : std::move(parsed);
}

const json::value* find_property(const json::value& properties, std::string_view name) {
  const json::value* at = &properties;
  if (!at->is_object()) return nullptr;
  // `event.a.b` looks for the property `a.b` first, then for `b` inside `a`.
  if (const auto* whole = at->get_object().if_contains(name)) return whole;
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    if (!at->is_object()) return nullptr;
    const auto* inner = at->get_object().if_contains(part);
    if (inner == nullptr || dot == std::string_view::npos) return inner;
    at = inner;
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::string> property(std::string_view properties, std::string_view name) {
  const json::value parsed = parse_properties(properties);
  const json::value* const found = find_property(parsed, name);
  return found != nullptr ? std::optional(json::serialize(*found)) : std::nullopt;
}

/// Of a value in a trace.
constexpr size_t kTraceBytesMax = 256;

segments::ConditionInput with_event(const segments::ConditionInput& person, std::string_view properties) {
  segments::ConditionInput input;
  input.allows = person.allows;
  input.value = [&person, properties](std::string_view path) -> std::optional<std::string> {
    if (path.starts_with(kEventPrefix)) return property(properties, path.substr(kEventPrefix.size()));
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
bool travel(Instance& instance, const Definition& definition, Timestamp now, bool time_held,
            const segments::ConditionInput& person, std::vector<Intent>& intents) {
  const auto input = with_event(person, instance.event_properties);
  // Steps lead only forwards, so a way without waits is as long as the journey at most.
  for (size_t taken = 0; taken < definition.steps.size(); ++taken) {
    const Step& step = definition.steps[instance.step];
    const auto move_to = [&](size_t next) {
      instance.step = static_cast<uint32_t>(next);
      instance.step_since = now;
      instance.wakes_at.reset();
      instance.waits_for_clock = false;
    };
    switch (step.kind) {
      case StepKind::wait:
      case StepKind::wait_until:
        if (!instance.wakes_at || (instance.waits_for_clock && !time_held)) {
          instance.wakes_at = time_held ? now : now + step.wait;
          instance.waits_for_clock = time_held;
        }
        if (instance.waits_for_clock || *instance.wakes_at > now) return true;
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
      trace.value = shortened(result.failing_value, kTraceBytesMax);
      return stop("condition");
    }
  }
  std::string key;
  if (!definition.entry_key.empty()) key = value_at(event.properties, definition.entry_key);
  const auto is_entry = [&](const auto& one) { return one.journey == definition.name && one.entry_key == key; };
  if (std::ranges::any_of(states.instances, is_entry)) return stop("already_inside");
  const auto before = std::ranges::find_if(states.entered, is_entry);
  if (before != states.entered.end()) {
    const bool may = definition.reentry == Reentry::always ||
                     (definition.reentry == Reentry::after && event.now >= before->at + definition.reentry_after);
    if (!may) return stop("entered_before");
  }
  if (states.instances.size() >= kInstancesMax) return stop("too_many");
  states.remember({definition.name, key, event.now});
  trace.did_enter = true;
  stop("");
  Instance instance;
  instance.journey = definition.name;
  instance.version = definition.version;
  instance.entry_key = std::move(key);
  instance.entered = event.now;
  instance.step_since = event.now;
  instance.event_properties = keep_small(event.properties);
  if (travel(instance, definition, event.now, event.time_held, person, intents))
    states.instances.push_back(std::move(instance));
}

}  // namespace

std::string value_at(std::string_view properties, std::string_view path) {
  if (!path.starts_with(kEventPrefix)) return {};
  const json::value parsed = parse_properties(properties);
  const json::value* const found = find_property(parsed, path.substr(kEventPrefix.size()));
  if (found == nullptr || found->is_null()) return {};
  std::string value = found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
  return value.size() > kEntryKeyBytesMax ? hash128(value).hex() : value;
}

std::string keep_small(std::string_view properties) {
  if (properties.size() <= kKeptPropertiesBytesMax) return std::string(properties);
  json::value parsed = parse_properties(properties);
  if (!parsed.is_object()) return "{}";
  // By size, then by name, so that the outcome is a function of the event.
  std::vector<std::pair<size_t, std::string>> members;
  size_t bytes = 2;
  for (const auto& [name, value] : parsed.get_object()) {
    members.emplace_back(name.size() + 4 + json::serialize(value).size(), name);
    bytes += members.back().first;
  }
  std::ranges::sort(members);
  while (bytes > kKeptPropertiesBytesMax && !members.empty()) {
    bytes -= members.back().first;
    parsed.get_object().erase(members.back().second);
    members.pop_back();
  }
  return json::serialize(parsed);
}

void pass_over(JourneyStates& states, const Occurrence& event, std::span<const Definition* const> active) {
  for (const Definition* definition : active) {
    if (definition->trigger_event != event.name) continue;
    TriggerTrace& trace = trace_of(states, definition->name);
    trace = {definition->name, event.now, false, "too_many", "", ""};
  }
}

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
      instance.waits_for_clock = false;
      return !travel(instance, *definition, event.now, event.time_held, person, intents);
    });
  }
  for (const Definition* definition : active) {
    if (definition->trigger_event == event.name) try_to_enter(states, event, *definition, person, intents);
  }
}

void on_wake(JourneyStates& states, Timestamp now, bool time_held, const FindVersion& find,
             const segments::ConditionInput& person, std::vector<Intent>& intents) {
  std::erase_if(states.instances, [&](Instance& instance) {
    if (!instance.wakes_at || *instance.wakes_at > now) return false;
    const Definition* definition = find(instance.version);
    if (definition == nullptr || instance.step >= definition->steps.size()) return true;
    return !travel(instance, *definition, now, time_held, person, intents);
  });
}

std::optional<Timestamp> JourneyStates::next_wake() const {
  std::optional<Timestamp> next;
  for (const Instance& instance : instances) {
    if (instance.wakes_at && (!next || *instance.wakes_at < *next)) next = instance.wakes_at;
  }
  return next;
}

void JourneyStates::remember(Entered entry) {
  std::erase_if(entered,
                [&](const Entered& one) { return one.journey == entry.journey && one.entry_key == entry.entry_key; });
  std::map<std::string_view, size_t> counts;
  for (const Entered& one : entered) ++counts[one.journey];
  std::string crowded;
  if (const auto own = counts.find(entry.journey); own != counts.end() && own->second >= kEntriesRememberedMax) {
    crowded = entry.journey;
  } else if (entered.size() >= kEntriesOfPersonMax) {
    // A journey that is entered once has one entry: it never gives way to those with many.
    crowded = std::ranges::max_element(counts, {}, [](const auto& one) { return one.second; })->first;
  }
  if (!crowded.empty()) {
    const auto oldest = std::ranges::min_element(
        entered, {}, [&](const Entered& one) { return std::pair(one.journey != crowded, one.at); });
    entered.erase(oldest);
  }
  entered.push_back(std::move(entry));
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
    if (ours != entered.end()) {
      ours->at = std::max(ours->at, theirs.at);
    } else {
      remember(theirs);
    }
  }
  for (const TriggerTrace& theirs : other.traces) {
    TriggerTrace& ours = trace_of(*this, theirs.journey);
    if (theirs.at > ours.at) ours = theirs;
  }
  waiting.insert(waiting.end(), other.waiting.begin(), other.waiting.end());
}

void JourneyStates::encode(Writer& out) const {
  out.u8(2);
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
    out.boolean(instance.waits_for_clock);
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
  const uint8_t version = in.u8();
  if (version != 1 && version != 2) in.fail();
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
    if (version > 1) instance.waits_for_clock = in.boolean();
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
  size_t bytes = sizeof(JourneyStates);
  for (const Instance& instance : instances)
    bytes += sizeof instance + instance.event_properties.size() + instance.entry_key.size();
  for (const Entered& one : entered) bytes += sizeof one + one.entry_key.size();
  for (const TriggerTrace& trace : traces) bytes += sizeof trace + trace.value.size() + trace.clause.size();
  for (const Waiting& one : waiting) bytes += sizeof one + one.properties.size() + one.event.size();
  return bytes;
}

}  // namespace terreno::journeys
