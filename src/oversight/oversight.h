#pragma once

// Why somebody did, or did not, get a message: read off what was kept when it was decided, as codes and parameters.
//
// 1. Codes and names of parameters are those of `Why` in docs/openapi.yaml; whoever shows them has the sentences.
// 2. Every state of a decision has a sentence, what becomes of it, and the one thing that would have changed it.
// 3. Also somebody who never entered a journey gets an answer: from the latest trigger that they met.
//
// Pure: what it needs is handed in. Any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "contact/contact.h"
#include "journeys/journeys.h"
#include "profiles/profiles.h"

namespace terreno::oversight {

/// `monostate` is JSON's null. Times are ISO 8601 texts under names that end in `_at`.
using Value = std::variant<std::monostate, int64_t, std::string>;
struct Parameter {
  std::string name;
  Value value;
  bool operator==(const Parameter&) const = default;
};
struct CodedText {
  std::string code;
  std::vector<Parameter> params;
  /// Null when there is none of that name.
  [[nodiscard]] const Value* find(std::string_view name) const;
};

struct Subject {
  PersonId person_id;
  std::string person;   ///< name, or strongest identifier
  std::string journey;  ///< empty: none
  std::string journey_version;
  std::string message;
  std::optional<consent::Channel> channel;
  std::optional<DecisionId> decision_id;
  std::optional<Timestamp> at;
};

struct Gate {
  contact::GateCode code = contact::GateCode::trigger;
  contact::GateState state = contact::GateState::passed;
  Value value;
  Value limit;
  std::optional<Timestamp> at;  ///< nullopt: not reached
  std::vector<Parameter> params;
};

struct Why {
  CodedText sentence;
  Subject subject;
  std::vector<Gate> gates;  ///< in the order in which they were passed
  CodedText becomes;
  CodedText would_have_changed;
};

/// What is known of the case. Pointers live as long as the call; null: there is no such thing.
struct Case {
  const profiles::Person* person = nullptr;  ///< never null
  const journeys::JourneyStates* journeys = nullptr;
  const contact::Decision* decision = nullptr;
  const contact::Decision* winner = nullptr;         ///< who holds the slot that `decision` did not get
  std::string_view journey;                          ///< asked about; the decision's own counts first
  const journeys::Definition* definition = nullptr;  ///< of the decision or instance; otherwise the one in force
  const contact::Policy* policy = nullptr;           ///< in force
  Timestamp now;
};
[[nodiscard]] Why explain(const Case& given);

/// The decision that answers for a journey: the latest, unless a later trigger was refused, or the person waits in it
/// at a step since then. Null: the journey itself answers. `decisions` in any order.
[[nodiscard]] const contact::Decision* answering_decision(const journeys::JourneyStates* states,
                                                          const std::vector<const contact::Decision*>& decisions,
                                                          std::string_view journey);

/// What a sentence calls the person: first name, name, or strongest identifier; never empty.
[[nodiscard]] std::string short_name_of(const profiles::Person& person);
/// The whole name from the attributes; nullopt: none is known.
[[nodiscard]] std::optional<std::string> full_name_of(const profiles::Person& person);
/// First eight digits of a definition's hash: what people compare.
[[nodiscard]] std::string version_text(Id128 version);

}  // namespace terreno::oversight
