#pragma once

// The condition language: what a person must be, or an event must hold, for a step to be taken. A condition reads as a
// sentence, parses to a tree and prints back the same; `and` mixed with `or` needs parentheses.
//
//   event.plan = "pro" and (person.city = "Lyon" or person.visits >= 3) and not person.staff and allows(email,
//   "offers")
//
// Paths begin with `event.` (properties of the event that started the journey) or `person.` (attributes). A path that
// leads nowhere is unknown: every comparison with it is false, `is unknown` is true. Text compares case-sensitively,
// numbers by value; a text never equals a number.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace terreno::segments {

inline constexpr size_t kConditionBytesMax = 4096;
inline constexpr int kNestingMax = 32;

struct ConditionError {
  int column = 1;      ///< from 1
  std::string detail;  ///< the rule and the remedy, in English
};

/// What a condition reads. Called during apply: must be pure.
struct ConditionInput {
  /// JSON text at a path such as `person.city`; nullopt when unknown.
  std::function<std::optional<std::string>(std::string_view path)> value;
  /// Whether the person's home believes that a commercial message about the topic is allowed.
  std::function<bool(std::string_view channel, std::string_view topic)> allows;
};

/// The first part that was decisive, for *Why?*.
struct ConditionResult {
  bool holds = false;
  std::string failing_clause;  ///< as written; empty when it holds
  std::string failing_value;   ///< JSON text found there; `unknown` when nothing was
};

class Condition {
 public:
  struct Node;

  [[nodiscard]] static std::expected<Condition, ConditionError> parse(std::string_view text);
  [[nodiscard]] ConditionResult evaluate(const ConditionInput& input) const;
  /// Canonical text; parses to the same tree.
  [[nodiscard]] std::string print() const;

 private:
  explicit Condition(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace terreno::segments
