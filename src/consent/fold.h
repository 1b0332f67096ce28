#pragma once

// What the entries of one address amount to, kept beside them so that a permission costs no walk.
//
// 1. It is a function of the entries in their order and of nothing else: `fold_entry` over them from empty gives it
// again.
// 2. No clock enters: what expires is kept with its time and compared when it is asked.
// 3. A grant is kept for exactly one scope; what narrows is kept as a pattern, and both with the entry that said so.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "consent/act.h"
#include "consent/rule_pack.h"

namespace terreno::consent {

/// A grant or a request that no later opt-out covers.
struct Standing {
  uint64_t entry_id = 0;
  uint64_t request_entry_id = 0;  ///< of a confirmed request
  uint64_t confirm_entry_id = 0;  ///< 0: not confirmed
  LegalBasis basis = LegalBasis::none;
  bool proven = true;
  Timestamp effective_at;
  std::optional<Timestamp> expires_at;
  Jurisdiction jurisdiction;
  uint16_t evidence_kinds = 0;  ///< bit per EvidenceKind
  std::string token_hash;       ///< of a request
  bool operator==(const Standing&) const = default;
};

struct ScopeState {
  Scope scope;
  std::optional<Standing> grant;  ///< present: later than every opt-out that covers it
  std::optional<Standing> request;
  bool operator==(const ScopeState&) const = default;
};

/// An opt-out, the newest of its pattern and kind.
struct OptOut {
  Scope pattern;
  Action action = Action::withdraw;
  uint64_t entry_id = 0;
  Timestamp effective_at;
  bool operator==(const OptOut&) const = default;
  /// Objections, and withdrawals that name no topic, close the channel; others one topic.
  [[nodiscard]] bool closes_channel() const { return action == Action::object || pattern.topic.empty(); }
};

struct Pause {
  Scope pattern;
  uint64_t entry_id = 0;
  std::optional<Timestamp> until;
  bool by_person = false;
  bool operator==(const Pause&) const = default;
};

struct Suppression {
  Scope pattern;
  uint64_t entry_id = 0;
  SuppressionScope covers = SuppressionScope::everything;
  Method reason = Method::unknown;
  bool operator==(const Suppression&) const = default;
};

struct Folded {
  std::vector<ScopeState> scopes;  ///< sorted by scope
  std::vector<OptOut> opt_outs;    ///< by pattern and action
  std::vector<Pause> pauses;
  std::vector<Suppression> suppressions;
  std::vector<Id128> origins;  ///< of person-level acts already entered
  bool operator==(const Folded&) const = default;

  [[nodiscard]] const ScopeState* find(const Scope& scope) const;
  /// The opt-out with the greatest entry id that covers `scope`; with `channel_only`, of those that close the channel.
  [[nodiscard]] const OptOut* newest_opt_out(const Scope& scope, bool channel_only = false) const;
};

/// Whether `entry_id` is the grant, or the request or confirmation behind it.
[[nodiscard]] bool is_part_of(const Standing& standing, uint64_t entry_id);
/// A person's own pause is theirs to end; a suppression asks for their own confirmed act besides.
[[nodiscard]] bool may_lift(const ConsentAct& act, const Pause& pause);
[[nodiscard]] bool may_lift(const ConsentAct& act, const Suppression& suppression);

/// What keeps a grant from opening the gate, time aside; in the order of docs/concepts/consent.md, Precedence.
enum class StandingFault : uint8_t { confirmation_missing, unproven, basis_not_allowed, exception_incomplete };
[[nodiscard]] std::optional<StandingFault> examine(const Standing& grant, const ChannelRule& rule);
/// One pointer per condition of the soft opt-in: Directive 2002/58/EC Art. 13(2).
inline constexpr uint16_t kSoftOptInEvidence = 1U << static_cast<unsigned>(EvidenceKind::sale) |
                                               1U << static_cast<unsigned>(EvidenceKind::legal_entity) |
                                               1U << static_cast<unsigned>(EvidenceKind::similar_products) |
                                               1U << static_cast<unsigned>(EvidenceKind::objection_offered);

/// Adds one entry's meaning. `act` has been accepted: this decides nothing.
void fold_entry(Folded& folded, uint64_t entry_id, const ConsentAct& act);

// ---------------------------------------------------------------------------------------------------------------------
// The copy at the person's home

enum class PermissionState : uint8_t { none = 0, pending = 1, subscribed = 2, unsubscribed = 3, suppressed = 4 };
inline constexpr PermissionState kPermissionStateLast = PermissionState::suppressed;
[[nodiscard]] std::string_view name_of(PermissionState state);

/// One line of the copy. An empty field of an `unsubscribed` or `suppressed` line means *any*.
struct FoldedPermission {
  Scope scope;
  PermissionState state = PermissionState::none;
  std::optional<Timestamp> until;  ///< of a grant or request: when it expires
  bool operator==(const FoldedPermission&) const = default;
};

/// What the home of an address tells the home of its person, for segments, counts and planning. It may be late, so only
/// the claim decides.
struct PermissionCopy {
  Address address;
  uint64_t version = 0;  ///< entries so far: a copy with a smaller one is older
  std::vector<FoldedPermission> lines;
  bool paused = false;
  std::optional<Timestamp> paused_until;  ///< absent while paused: until lifted
  bool operator==(const PermissionCopy&) const = default;

  void encode(Writer& out) const;
  static PermissionCopy decode(Reader& in);
  /// State for a commercial message about `scope`. `subscribed` is a forecast of `permit`, never a permission.
  [[nodiscard]] PermissionState state_of(const Scope& scope, Timestamp now) const;
};

/// A grant that the rules of its own country do not open yet counts as `pending` (unconfirmed) or not at all.
[[nodiscard]] std::vector<FoldedPermission> lines_of(const Folded& folded, Channel channel);

}  // namespace terreno::consent
