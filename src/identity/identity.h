#pragma once

// Who is who, reversibly: evidence that two identifiers name one human, the groups that follow from it, and the ids of
// the persons. The state lies in the identity lane only; the exchanges with the partitions are flow/'s.
//
// 1. The evidence is the truth; groups are a function of the *set* of evidence, never of the order of its arrival.
// 2. No component breaks a constraint, even between two records: the check precedes the union. A conflict never merges
//    silently and never drops data: it leaves a held edge, its reason and an entry for review.
// 3. A held edge joins two different components, a live one lies within one.
// 4. A person id is derived from no identifier, and a group that lacks the id's anchor never gets it. An id that was
//    merged away stays resolvable for ever; aliases form no cycle.
// 5. A public source's word is weak: it never joins two identified persons, takes an address from another, or confirms.
//
// Every function is pure: state and record in, changed state and a value out. Thread: the lane's apply thread; nothing
// here locks. A `touches_…` function names the entities that its sibling reads or changes, as far as what is loaded
// tells; it is asked again until it names nothing new. Rules: docs/concepts/identity.md.

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "engine/engine.h"
#include "events/record.h"

namespace terreno::identity {

// ---------------------------------------------------------------------------------------------------------------------
// Bounds and rules, version 1. A change of any of them is a new rule version.

inline constexpr uint16_t kRuleVersion = 1;
/// Identifiers of one component; above it new edges are held.
inline constexpr size_t kComponentSizeMax = 150;
/// Identifiers that one recomputation looks at; beyond it the new edge is held and people are asked.
inline constexpr size_t kRegionSizeMax = 1'000;
inline constexpr size_t kRegionEdgesMax = 4'000;
/// Edges listed at one identifier, and how many of them may rest on nothing but a public source's word, so that nobody
/// with a public key can use up the room of trusted evidence.
inline constexpr size_t kEdgesPerNodeMax = 256;
inline constexpr size_t kPublicEdgesPerNodeMax = 160;
/// An identifier linked to more strong identifiers than this is a hub: quarantined, its edges held.
inline constexpr size_t kHubStrongMax = 8;
/// Held edges listed for review; further ones are counted, and found at their identifiers.
inline constexpr size_t kReviewMax = 500;
/// Longer values make no edge.
inline constexpr size_t kIdentifierBytesMax = 512;
inline constexpr size_t kCannotLinksPerNodeMax = 64;

// ---------------------------------------------------------------------------------------------------------------------
// Evidence

/// What made an edge. The numbers are on disk.
enum class EdgeKind : uint8_t {
  same_event = 0,  ///< the two stood in one event
  login = 1,
  alias = 2,
  staff = 3,  ///< a person of the organisation said so
};
inline constexpr EdgeKind kEdgeKindLast = EdgeKind::staff;
[[nodiscard]] std::string_view name_of(EdgeKind kind);

enum class EdgeState : uint8_t {
  live = 0,
  held = 1,       ///< living would break a constraint; takes part in each recomputation of its region
  blocked = 2,    ///< an end is a value that names nobody
  tombstone = 3,  ///< removed by a person; evidence no longer
};
inline constexpr EdgeState kEdgeStateLast = EdgeState::tombstone;

/// Why an edge is not live, or why nothing changed. The numbers are on disk, the names on the wire.
enum class Reason : uint8_t {
  none = 0,
  same_identifier = 1,  ///< a self-alias, common in real traffic
  blocked_value = 2,    ///< empty, `null`, `test@test.com`, zeros …
  key_collision = 3,    ///< the identifier's key is another identifier's: only a forged value does that
  two_user_ids = 4,     ///< a component holds one `user_id`
  two_customer_numbers = 5,
  too_many_emails = 6,
  too_many_phones = 7,
  too_many_devices = 8,        ///< within a week
  too_many_anonymous_ids = 9,  ///< within a week
  component_full = 10,
  weak_edge = 11,      ///< weak evidence never joins two identified persons
  public_source = 12,  ///< nor does a public source's word, whatever it claims
  cannot_link = 13,    ///< a person said that these are two people
  hub = 14,            ///< an end is shared by too many people
  node_full = 15,      ///< an end has no room for further edges; they are counted there
  region_too_large = 16,
  separated = 17,  ///< this very edge was removed by a person
};
inline constexpr Reason kReasonLast = Reason::separated;
[[nodiscard]] std::string_view name_of(Reason reason);

/// A value that names nobody: empty, too long, `null`, `undefined`, `none`, `anonymous`, `invalid`, `unknown`, `-1`,
/// only zeros and dashes, `test@test.com`, a phone of one repeated digit.
[[nodiscard]] bool is_blocked(const events::Identifier& identifier);

/// A pair that is not yet known to belong together.
struct Proposal {
  events::Identifier a;
  events::Identifier b;
  /// The person each belongs to, as far as the proposer knows; zero when it does not. Believed only for an identifier
  /// whose person the lane does not know either, and only when the id is new to the lane.
  PersonId person_a;
  PersonId person_b;
  EdgeKind kind = EdgeKind::same_event;
  events::Visibility visibility = events::Visibility::public_source;
  /// When the evidence came to be. For a public source pass the time of *receipt*: it writes the event's time itself,
  /// and between two of its claims to one address the earlier wins.
  Timestamp valid_from;
  /// The event that said so, for the explanation.
  RecordId record;
};

// ---------------------------------------------------------------------------------------------------------------------
// Verdict

enum class VerdictState : uint8_t {
  attached = 0,     ///< now one person; at most one of the two sides was a person before
  merged = 1,       ///< two persons have become one
  already = 2,      ///< were one person before
  held = 3,         ///< not joined, see the reason; cached like any other verdict
  blocked = 4,      ///< never will be: an end names nobody
  quarantined = 5,  ///< an end is a hub
  no_op = 6,
};
inline constexpr VerdictState kVerdictStateLast = VerdictState::no_op;
[[nodiscard]] std::string_view name_of(VerdictState state);

/// State of a person that has to be folded into the survivor's. It may carry the survivor's own id: then the person
/// moves, having gained a stronger kind.
struct Absorbed {
  PersonId person;
  engine::Partition home;
  auto operator<=>(const Absorbed&) const = default;
};

/// An identifier whose binding must now name the survivor.
struct Attach {
  events::Identifier identifier;
  engine::Partition home;  ///< of the identifier
  PersonId former;         ///< whom it belonged to as far as the lane knows; zero when it does not
  engine::Partition former_home;
  auto operator<=>(const Attach&) const = default;
};

/// What has become of one person. `absorbed` and `attach` may be empty: then nothing is to be done.
struct PersonChange {
  PersonId person;
  engine::Partition home;  ///< of `strongest`
  events::Identifier strongest;
  std::vector<Absorbed> absorbed;
  std::vector<Attach> attach;
};

struct Verdict {
  VerdictState state = VerdictState::no_op;
  Reason reason = Reason::none;
  /// Whom the two belong to now; zero when the lane knows no person for that end (held, blocked).
  PersonId person_a;
  PersonId person_b;
  /// Persons that this evidence changed, to be carried out in this order. Attached and merged: the first is the
  /// survivor. New evidence may also free an edge that was held, or hold one that was live and so *split*: then further
  /// persons follow, also with `held` and `quarantined`. An identifier is in one `attach` at most.
  std::vector<PersonChange> changes;
};

void touches_propose(const engine::Lookup& state, const Proposal& proposal, engine::KeyList& keys);
/// Decides about one pair, and remembers the evidence whatever the decision. Cost: within a component of at most 150
/// identifiers tens of microseconds; bounded by the region.
[[nodiscard]] Verdict propose(engine::Context& context, const Proposal& proposal);

void touches_confirm(const engine::Lookup& state, const events::Identifier& identifier, engine::KeyList& keys);
/// The address answered for itself (a confirmed opt-in): it is strong from now on, so weak evidence joins it to no
/// other identified person, and a person whom only weak evidence had bound to it is split off. One weak claim is
/// vouched for by the answer: a direct edge from the `user_id` or customer number that it was bound to by a public
/// source, provided that this person had no established address (confirmed, or named by a secret source) yet: a sign-up
/// on the web stays one person, and nobody can confirm an address of their own into somebody else. Only e-mail and
/// phone can be confirmed; anything else, and a repeat, is a no-op.
[[nodiscard]] Verdict confirm(engine::Context& context, const events::Identifier& identifier);

void touches_note_person(const engine::Lookup& state, const events::Identifier& identifier, PersonId person,
                         engine::KeyList& keys);
/// An identifier's home answers to an attach that it had bound the identifier to a person of its own whom the lane did
/// not know: from now on that id is an alias of the identifier's person. An id that the lane knows already is left as
/// it is.
void note_person(engine::Context& context, const events::Identifier& identifier, PersonId person);

// ---------------------------------------------------------------------------------------------------------------------
// Two people

enum class Errc : uint8_t {
  unknown_identifier,     ///< context: `a` or `b`
  same_identifier,        ///< nothing to separate
  too_many_cannot_links,  ///< at `a` or `b`: kCannotLinksPerNodeMax
};
struct Error {
  Errc code;
  std::string context;
};

struct Separation {
  events::Identifier a;
  events::Identifier b;
  std::string actor;   ///< who said so; at most 200 bytes are kept
  std::string reason;  ///< at most 500 bytes are kept
  RecordId record;
};
void touches_separate(const engine::Lookup& state, const Separation& separation, engine::KeyList& keys);
/// "These are two people". Removes the weakest set of edges that parts the two (a minimum cut by weight), and leaves a
/// cannot-link between the two and between the strongest identifiers of their sides, so that no replay and no later
/// evidence joins them again. The side that holds the anchor keeps the id; the other gets a new one. For two that are
/// not together only the cannot-link is left. State of the verdict: held, by cannot_link.
[[nodiscard]] std::expected<Verdict, Error> separate(engine::Context& context, const Separation& separation);

// ---------------------------------------------------------------------------------------------------------------------
// Reading

/// One piece of evidence, as an explanation shows it.
struct EdgeView {
  events::Identifier a;
  events::Identifier b;
  EdgeKind kind = EdgeKind::same_event;
  events::Visibility visibility = events::Visibility::public_source;
  uint16_t rule_version = 0;
  uint32_t weight = 0;
  Timestamp valid_from;
  std::vector<RecordId> sources;  ///< the first four
  uint64_t source_count = 0;
  EdgeState state = EdgeState::live;
  Reason reason = Reason::none;
  std::string actor;   ///< of a tombstone
  std::string remark;  ///< of a tombstone: the reason given
};

struct PersonView {
  PersonId person;
  engine::Partition home;
  events::Identifier strongest;
  events::Identifier anchor;
  Timestamp first_event;
  std::vector<events::Identifier> identifiers;  ///< strongest kind first
  std::vector<PersonId> absorbed;
};

void touches_person_of(const engine::Lookup& state, const events::Identifier& identifier, engine::KeyList& keys);
/// Empty when the lane has seen no evidence about the identifier: then it is a person of its own, at its home.
[[nodiscard]] std::optional<PersonView> person_of(const engine::Lookup& state, const events::Identifier& identifier);

void touches_find_person(const engine::Lookup& state, PersonId person, engine::KeyList& keys);
/// Follows aliases: an id that was merged away finds the survivor.
[[nodiscard]] std::optional<PersonView> find_person(const engine::Lookup& state, PersonId person);

struct Explanation {
  bool together = false;
  /// Why they are one person: of all paths from a to b the one whose weakest edge is strongest.
  std::vector<EdgeView> path;
  /// What would split the component: the edges without which it falls apart, weakest first.
  std::vector<EdgeView> bridges;
  /// Why they were not merged: held, blocked and removed edges at either person, those between the two first; at most
  /// 100.
  std::vector<EdgeView> held;
  /// What `separate` would remove; empty unless together.
  std::vector<EdgeView> cut;
};
void touches_explain(const engine::Lookup& state, const events::Identifier& a, const events::Identifier& b,
                     engine::KeyList& keys);
[[nodiscard]] Explanation explain(const engine::Lookup& state, const events::Identifier& a,
                                  const events::Identifier& b);

struct ReviewList {
  std::vector<EdgeView> held;  ///< newest first
  uint64_t not_listed = 0;     ///< held while the list was full
};
void touches_review(const engine::Lookup& state, engine::KeyList& keys);
/// Edges that wait for a person's decision.
[[nodiscard]] ReviewList review(const engine::Lookup& state, size_t limit);

/// For flow/: the tables 100 to 119 are identity's. Null: malformed.
[[nodiscard]] bool owns_table(uint8_t table);
[[nodiscard]] std::unique_ptr<engine::Entity> decode_entity(engine::EntityKey key, std::string_view bytes);

}  // namespace terreno::identity
