// The words of the facade, and the values that name nobody.

#include <algorithm>
#include <array>

#include "events/events.h"
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

}  // namespace

std::string_view name_of(EdgeKind kind) { return kEdgeKinds[static_cast<size_t>(kind)]; }
std::string_view name_of(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }
std::string_view name_of(VerdictState state) { return kVerdicts[static_cast<size_t>(state)]; }

bool is_blocked(const Identifier& identifier) {
  return identifier.value.size() > kIdentifierBytesMax || events::is_blocked(identifier);
}

}  // namespace terreno::identity
