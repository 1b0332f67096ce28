#pragma once

// Journeys: versioned graphs that persons travel. A definition is parsed from its document once and is immutable; an
// instance is a person's place in it, kept at their home, and stays on the version that they entered.
//
// 1. An entry key enters once: the same key again is a no-op, different keys run side by side. Of a journey with keys
//    the latest kEntriesRememberedMax are remembered.
// 2. A step is taken at most once; a crash or a deploy neither loses nor repeats one.
// 3. What a step wants from the world is returned as a value (an intent to contact), never done here.
// 4. Late events start nothing.
// 5. The latest trigger per journey is remembered with the first condition that failed, for *Why?*.
//
// Pure; lives on the apply thread of the person's home.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/document.h"
#include "base/hash.h"
#include "base/time.h"
#include "consent/consent.h"
#include "engine/engine.h"
#include "segments/segments.h"

namespace terreno::journeys {

inline constexpr size_t kStepsMax = 200;
inline constexpr size_t kInstancesMax = 100;          ///< running, per person
inline constexpr size_t kEntriesRememberedMax = 500;  ///< entry keys, per person and journey
inline constexpr size_t kEntriesOfPersonMax = 2000;   ///< of all journeys: the longest list gives way
inline constexpr size_t kEntryKeyBytesMax = 128;      ///< of a longer one the hash is kept
/// Of an event's properties, in whatever is kept of it until later; see `keep_small`.
inline constexpr size_t kKeptPropertiesBytesMax = 16 << 10;
/// As deep as intake lets a body be.
inline constexpr size_t kPropertiesDepthMax = 64;
inline constexpr Duration kWaitMax = days(730);

// ---------------------------------------------------------------------------------------------------------------------
// Definition

enum class StepKind : uint8_t { wait = 0, wait_until = 1, branch = 2, send = 3, exit = 4 };
[[nodiscard]] std::string_view name_of(StepKind kind);

/// What a send step wants to say. The arbiter decides whether and when.
struct SendStep {
  std::string message;  ///< name of the template
  consent::Channel channel = consent::Channel::email;
  consent::Scope scope;
  consent::MessageClass message_class = consent::MessageClass::commercial;
  /// Of a transactional message: why it may be sent without asking, and where the event names what proves it, such as
  /// `event.order_id`.
  consent::LegalBasis basis = consent::LegalBasis::none;
  std::string evidence;
  int priority = 5;         ///< 1 to 9, 9 first
  Duration later_within{};  ///< how long it may be held when it cannot leave now; zero: not at all
};

struct Step {
  StepKind kind = StepKind::exit;
  std::string id;
  Duration wait{};                               ///< wait; wait_until: the limit
  std::string event;                             ///< wait_until
  std::optional<segments::Condition> condition;  ///< branch; wait_until: of the event
  SendStep send;
  size_t next = 0;       ///< index of the step that follows; branch: when it holds; wait_until: when the event came
  size_t otherwise = 0;  ///< branch: when not; wait_until: when the time is up
};

enum class Reentry : uint8_t { never = 0, always = 1, after = 2 };

struct Definition {
  std::string name;
  Id128 version;  ///< hash of the document's text
  std::string owner;
  std::string reply_to;
  std::string trigger_event;
  std::optional<segments::Condition> trigger_condition;
  std::string entry_key;  ///< path such as `event.order_id`; empty: one entry per person
  Reentry reentry = Reentry::never;
  Duration reentry_after{};
  std::vector<Step> steps;  ///< the first is where people enter; the last is an exit

  [[nodiscard]] const SendStep* find_send(std::string_view step_id) const;
};

/// Reads a document of kind `journey`. Findings have places; the definition is only to be used when none was added.
[[nodiscard]] Definition parse_definition(const DocumentNode& document, std::string_view text);

// ---------------------------------------------------------------------------------------------------------------------
// A person's journeys

struct Instance {
  std::string journey;
  Id128 version;
  std::string entry_key;
  uint32_t step = 0;
  Timestamp entered;
  Timestamp step_since;
  std::optional<Timestamp> wakes_at;
  bool waits_for_clock = false;  ///< its wait began while time was held: it counts from the first tick after that
  std::string event_properties;  ///< JSON object of the event that started it
  bool operator==(const Instance&) const = default;
};

/// An entry key that was used: what re-entry is judged by.
struct Entered {
  std::string journey;
  std::string entry_key;
  Timestamp at;
  bool operator==(const Entered&) const = default;
};

/// The latest trigger of a journey for this person, and why it did not enter.
struct TriggerTrace {
  std::string journey;
  Timestamp at;
  bool did_enter = false;
  std::string stopped_by;  ///< `condition`, `already_inside`, `entered_before`, `late`, `too_many`
  std::string clause;
  std::string value;
  bool operator==(const TriggerTrace&) const = default;
};

/// An event that waits until it is certain whose it is.
struct Waiting {
  std::string event;
  std::string properties;
  bool late = false;
  bool operator==(const Waiting&) const = default;
};

class JourneyStates final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 40;
  static constexpr size_t kWaitingMax = 100;
  std::vector<Instance> instances;
  std::vector<Entered> entered;
  std::vector<TriggerTrace> traces;  ///< one per journey
  std::vector<Waiting> waiting;      ///< oldest first
  /// Remembers that a key was used, within the bounds.
  void remember(Entered entry);
  /// Takes in another person's: of two instances of one journey and entry key the older stays.
  void absorb(const JourneyStates& other);
  [[nodiscard]] std::optional<Timestamp> next_wake() const;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<JourneyStates> decode(std::string_view bytes);
};

/// What a send step asks for, for the arbiter.
struct Intent {
  std::string journey;
  Id128 version;
  std::string step;
  std::string entry_key;
  SendStep send;
  std::string reply_to;
  std::string event_properties;
  Timestamp wanted_at;
};

/// What an event is to a journey.
struct Occurrence {
  std::string_view name;
  std::string_view properties;  ///< JSON object
  Timestamp now;                ///< partition time
  bool late = false;
  bool time_held = false;  ///< engine::Lookup::is_time_held
};

/// The value at a path such as `event.order_id` of an event's properties (a JSON object): a text as it is, anything
/// else as JSON; empty when there is none. More than kEntryKeyBytesMax become their hash.
[[nodiscard]] std::string value_at(std::string_view properties, std::string_view path);
/// The same object without its largest members where it is above kKeptPropertiesBytesMax: what is kept of an event for
/// later. Templates and conditions then find those members missing.
[[nodiscard]] std::string keep_small(std::string_view properties);

/// Finds the definition that an instance is pinned to; null: it is gone, and the instance ends.
using FindVersion = std::function<const Definition*(Id128 version)>;
/// `active`: the definitions in force for new entries.
/// Enters, advances and ends instances; appends what they want to say to `intents`.
void on_event(JourneyStates& states, const Occurrence& event, std::span<const Definition* const> active,
              const FindVersion& find, const segments::ConditionInput& person, std::vector<Intent>& intents);
/// More events wait for this person than may: notes so for each journey that this one would have started.
void pass_over(JourneyStates& states, const Occurrence& event, std::span<const Definition* const> active);
/// Advances whatever is due at `now`.
void on_wake(JourneyStates& states, Timestamp now, bool time_held, const FindVersion& find,
             const segments::ConditionInput& person, std::vector<Intent>& intents);

}  // namespace terreno::journeys
