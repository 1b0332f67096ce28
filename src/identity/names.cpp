// The words of the facade, and the values that name nobody.

#include <algorithm>
#include <array>

#include "identity/identity.h"

namespace terreno::identity {

using events::Identifier;
using events::IdentifierKind;

namespace {

constexpr std::array<std::string_view, 4> kEdgeKinds{"same_event", "login", "alias", "staff"};
constexpr std::array<std::string_view, 18> kReasons{"none",
                                                    "same_identifier",
                                                    "blocked_value",
                                                    "key_collision",
                                                    "two_user_ids",
                                                    "two_customer_numbers",
                                                    "too_many_emails",
                                                    "too_many_phones",
                                                    "too_many_devices",
                                                    "too_many_anonymous_ids",
                                                    "component_full",
                                                    "weak_edge",
                                                    "public_source",
                                                    "cannot_link",
                                                    "hub",
                                                    "node_full",
                                                    "region_too_large",
                                                    "separated"};
constexpr std::array<std::string_view, 7> kVerdicts{"attached", "merged",      "already", "held",
                                                    "blocked",  "quarantined", "no_op"};

constexpr std::array<std::string_view, 10> kBlockedWords{"null",    "undefined", "none", "anonymous", "invalid",
                                                         "unknown", "nan",       "nil",  "-1",        "test@test.com"};

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_folded(std::string_view value, std::string_view lower) {
  return std::ranges::equal(value, lower, {}, ascii_lower);
}

}  // namespace

std::string_view name_of(EdgeKind kind) { return kEdgeKinds[static_cast<size_t>(kind)]; }
std::string_view name_of(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }
std::string_view name_of(VerdictState state) { return kVerdicts[static_cast<size_t>(state)]; }

bool is_blocked(const Identifier& identifier) {
  const std::string_view value = identifier.value;
  if (value.size() > kIdentifierBytesMax) return true;
  // Covers the empty value too.
  if (value.find_first_not_of("0- \t") == std::string_view::npos) return true;
  if (std::ranges::any_of(kBlockedWords, [&](std::string_view word) { return equals_folded(value, word); }))
    return true;
  if (identifier.kind != IdentifierKind::phone) return false;
  const std::string_view digits = value.front() == '+' ? value.substr(1) : value;
  return digits.empty() || digits.find_first_not_of(digits.front()) == std::string_view::npos;
}

}  // namespace terreno::identity
