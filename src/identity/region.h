#pragma once

// The canonical result: which identifiers of a region belong together, and who they then are. Private to identity/.
//
// 1. The grouping reads the region's evidence as a set: no part of an edge's sort key depends on arrival.
// 2. Everything is read before anything is changed: a pointer obtained by reading is not used after a change.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "identity/entities.h"
#include "identity/identity.h"

namespace terreno::identity {

/// How far a region reaches from its seeds.
enum class Scope : uint8_t {
  members = 0,  ///< the members of the seeds' components; no edges
  live = 1,     ///< the same, with all edges at them; held ones stay held
  trusted = 2,  ///< over live edges and those held ones that rest on more than a public source's word
  full = 3,     ///< over live and held edges
};

inline constexpr uint32_t kNowhere = ~uint32_t{0};

struct RegionNode {
  Id128 key;
  const Node* node = nullptr;
  uint32_t component = 0;  ///< in Region::components
};

struct RegionEdge {
  Id128 key;
  const Edge* edge = nullptr;
  uint32_t a = kNowhere;  ///< in Region::nodes; kNowhere: outside, for an edge that is left out
  uint32_t b = kNowhere;
  bool strong = false;
  bool left_out = false;  ///< beyond the scope: stays held, unless its ends come together without it
};

struct RegionComponent {
  Id128 key;
  const Component* component = nullptr;
};

struct Region {
  std::vector<RegionNode> nodes;
  std::vector<RegionEdge> edges;
  std::vector<RegionComponent> components;
  std::vector<std::pair<uint32_t, uint32_t>> cannot_links;             ///< pairs with both ends inside
  boost::unordered_flat_map<Id128, uint32_t, std::hash<Id128>> index;  ///< of nodes, by their keys
  Scope scope = Scope::full;
  bool too_large = false;

  /// kNowhere when it is outside.
  [[nodiscard]] uint32_t find(Id128 node_key) const {
    const auto found = index.find(node_key);
    return found == index.end() ? kNowhere : found->second;
  }
};

/// Everything reachable from the seeds, which are keys of nodes. When `keys` is given, every entity that reading or
/// changing the region may need is named there, and what is not loaded is passed over; otherwise it must be loaded.
/// Bounded: stops, with `too_large`, where two more identifiers and one more edge would exceed the region's bounds.
[[nodiscard]] Region collect(const engine::Lookup& state, std::span<const Id128> seeds, Scope scope,
                             engine::KeyList* keys = nullptr, bool is_bounded = false);
/// The region of the widest scope that stays within its bounds, new evidence about two identifiers included; `live`
/// always does.
[[nodiscard]] Region widest_region(const engine::Lookup& state, std::span<const Id128> seeds,
                                   engine::KeyList* keys = nullptr);

/// The first part of an edge's sort key: strong before weak, then weight downwards. Smaller is taken first.
[[nodiscard]] uint64_t sort_rank(bool strong, uint32_t weight);

struct Decision {
  EdgeState state = EdgeState::live;
  Reason reason = Reason::none;
};

struct Grouping {
  std::vector<uint32_t> group_of;  ///< per node of the region, dense, in the order of the nodes
  uint32_t group_count = 0;
  std::vector<Decision> decisions;  ///< per edge of the region
};

/// Greedy over the sorted edges, holding each that would break a constraint.
[[nodiscard]] Grouping group_canonically(const Region& region);
/// All nodes in one group, without edges: what the short way does once it knows that nothing is broken.
[[nodiscard]] Grouping group_as_one(const Region& region);

/// What a union would hold, as far as constraints count it.
struct Side {
  std::array<uint16_t, 6> counts{};  ///< per kind of identifier
  uint16_t size = 0;
  bool identified = false;
};
[[nodiscard]] Side side_of(const Component& component);
/// Why the two may not be joined by such an edge, cannot-links and windows aside; `none` when they may.
[[nodiscard]] Reason conflict(const Side& x, const Side& y, bool strong, bool trusted);
/// Kinds whose cap counts within a window, and the reason when it is broken.
struct WindowCap {
  events::IdentifierKind kind;
  uint16_t most;
  Duration window;
  Reason reason;
};
[[nodiscard]] std::span<const WindowCap> window_caps();
[[nodiscard]] bool breaks_window(const WindowCap& cap, std::vector<Timestamp>& times);

/// Carries a grouping out: components, persons, bindings of nodes, states of edges, the list for review. The first
/// change is that of the node `first`, if it has one.
[[nodiscard]] std::vector<PersonChange> carry_out(engine::Context& context, const Region& region,
                                                  const Grouping& grouping, Id128 first);

/// Keeps the list for review in step with an edge that is held from now on, or no longer.
void list_for_review(engine::Context& context, Id128 edge);
void unlist_for_review(engine::Context& context, Id128 edge);

}  // namespace terreno::identity
