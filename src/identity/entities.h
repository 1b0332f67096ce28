#pragma once

// What the lane keeps, and how it is encoded. Private to identity/.
//
// 1. A component lists its members, and each member names it; every component has one anchor among its members.
// 2. A person entry is either live and names its component, or an alias and names a live person. An id in a component's
//    list of absorbed ids is an alias of that component's person.
// 3. A tombstone, a blocked edge and an edge held for a full node or a hub take no part in a recomputation.
// 4. `held_edges` of a component counts the held edges at its members that do take part.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/engine.h"
#include "events/record.h"
#include "identity/identity.h"

namespace terreno::identity {

/// An absorbed id, and the identifier that first made that person: whoever has that is whom the id names.
struct FormerPerson {
  PersonId person;
  events::Identifier anchor;
};
/// Ids beyond it stay aliases and are never taken back.
inline constexpr size_t kFormerPersonsMax = 256;

/// An identifier that evidence has named. Key: events::key_of.
struct Node final : engine::Entity {
  static constexpr uint8_t kTable = 100;
  events::Identifier identifier;
  Id128 component;
  bool confirmed = false;
  /// A hub. Never lifted by itself: evidence only grows.
  bool quarantined = false;
  Timestamp first_event;        ///< the earliest evidence; caps with a window count by it
  std::vector<Id128> edges;     ///< keys of Edge, as they came; at most kEdgesPerNodeMax
  uint32_t public_edges = 0;    ///< of the listed, those that rest on a public source's word when they were listed
  uint64_t unlisted_edges = 0;  ///< found no room here
  /// Keys of distinct strong identifiers linked to it; enough of them make a hub, so at most kHubStrongMax + 1.
  std::vector<Id128> strong_neighbours;
  std::vector<Id128> cannot_links;  ///< keys of CannotLink

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
};

/// One piece of evidence. Key: edge_key.
struct Edge final : engine::Entity {
  static constexpr uint8_t kTable = 101;
  static constexpr size_t kSourcesMax = 4;
  events::Identifier a;  ///< the smaller of the two
  events::Identifier b;
  /// Keys of the two nodes; not encoded, since hashing is what a recomputation would spend most of its time on.
  Id128 key_a;
  Id128 key_b;
  EdgeKind kind = EdgeKind::same_event;
  events::Visibility visibility = events::Visibility::public_source;
  bool vouched = false;  ///< the address answered to a public source's claim
  uint16_t rule_version = kRuleVersion;
  Timestamp valid_from;
  std::vector<RecordId> sources;
  uint64_t source_count = 0;
  EdgeState state = EdgeState::held;
  Reason reason = Reason::none;
  std::string actor;
  std::string remark;

  /// Does it rest on more than a public source's word?
  [[nodiscard]] bool is_trusted() const { return vouched || visibility == events::Visibility::secret_source; }
  /// Hundredths of a bit of log2 odds. All claims of public sources weigh the same: the kind is their own choice.
  [[nodiscard]] uint32_t weight() const;
  /// Evidence that a recomputation weighs.
  [[nodiscard]] bool takes_part() const {
    return state == EdgeState::live ||
           (state == EdgeState::held && reason != Reason::hub && reason != Reason::node_full);
  }

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
};

/// Identifiers joined by live edges. Key: the record that made it.
struct Component final : engine::Entity {
  static constexpr uint8_t kTable = 102;
  /// Zero when the lane knows no person for it: a single identifier, named by evidence that is held or blocked.
  PersonId person;
  events::Identifier anchor;
  /// The person's home is its home. Of the strongest kind; a later one of the same kind does not replace it.
  events::Identifier strongest;
  Timestamp first_event;
  std::vector<events::Identifier> members;  ///< at most kComponentSizeMax
  std::vector<Id128> member_keys;           ///< of the same; not encoded
  std::vector<FormerPerson> absorbed;
  bool identified = false;  ///< owns a strong identifier
  uint32_t held_edges = 0;
  uint32_t cannot_links = 0;
  /// No edge at its members sorts after this (an upper bound: it never falls). Evidence that does sort after it changes
  /// nothing about the others, so when it has to be held, it can be held without a recomputation.
  uint64_t last_rank = 0;
  Timestamp last_from;

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
};

/// An id, live or merged away. Key: the id.
struct Person final : engine::Entity {
  static constexpr uint8_t kTable = 103;
  Id128 component;  ///< zero: an alias
  PersonId alias_of;

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof *this; }
};

/// Two identifiers that must never share a component. Key: cannot_link_key.
struct CannotLink final : engine::Entity {
  static constexpr uint8_t kTable = 104;
  events::Identifier a;  ///< the smaller of the two
  events::Identifier b;
  std::string actor;
  std::string reason;
  RecordId record;

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
};

/// The one list of edges that wait for people. Key: kReviewId.
struct Review final : engine::Entity {
  static constexpr uint8_t kTable = 105;
  std::vector<Id128> held;  ///< oldest first
  uint64_t not_listed = 0;

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof *this + held.capacity() * sizeof(Id128); }
};
inline constexpr Id128 kReviewId{0, 1};

/// Names a human by itself: a customer number, a `user_id`, a confirmed e-mail or phone.
[[nodiscard]] bool is_strong(const Node& node);
/// Smaller is stronger. Other than the kind's own order it counts a confirmation: it decides which person survives.
[[nodiscard]] uint8_t joining_rank(events::IdentifierKind kind, bool confirmed);
[[nodiscard]] bool is_address(events::IdentifierKind kind);

/// Of the ordered pair and the kind, so that a repeat is recognised.
[[nodiscard]] Id128 edge_key(const events::Identifier& a, const events::Identifier& b, EdgeKind kind);
[[nodiscard]] Id128 cannot_link_key(const events::Identifier& a, const events::Identifier& b);

}  // namespace terreno::identity
