// "These are two people": a minimum cut becomes tombstones, and cannot-links keep the two apart for good.

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "identity/cut.h"
#include "identity/evidence.h"
#include "identity/region.h"

namespace terreno::identity {

using engine::KeyList;
using engine::Lookup;
using events::Identifier;

namespace {

constexpr size_t kActorBytesMax = 200;
constexpr size_t kReasonBytesMax = 500;

struct Sides {
  std::vector<Id128> cut;    ///< keys of edges
  std::vector<bool> inside;  ///< per node of the region: on a's side
  /// The two sides are all there is, and what joined each of them still does: no recomputation could say otherwise.
  bool is_final = false;
  Identifier strongest_a;
  Identifier strongest_b;
};

Identifier strongest_of(const Region& region, const std::vector<uint32_t>& nodes) {
  const auto is_stronger = [&](uint32_t x, uint32_t y) {
    const Node& a = *region.nodes[x].node;
    const Node& b = *region.nodes[y].node;
    const uint8_t rank_a = joining_rank(a.identifier.kind, a.confirmed);
    const uint8_t rank_b = joining_rank(b.identifier.kind, b.confirmed);
    return std::tie(rank_a, a.first_event, a.identifier.value) < std::tie(rank_b, b.first_event, b.identifier.value);
  };
  return region.nodes[*std::ranges::min_element(nodes, is_stronger)].node->identifier;
}

Sides part(const Region& region, Id128 key_a, Id128 key_b) {
  const uint32_t a = region.find(key_a);
  const uint32_t b = region.find(key_b);
  const Cut cut = minimum_cut(region, a, b);
  Sides sides;
  for (const uint32_t index : cut.edges) sides.cut.push_back(region.edges[index].key);
  std::vector<uint32_t> side_a;
  std::vector<uint32_t> side_b;
  for (uint32_t i = 0; i < region.nodes.size(); ++i) {
    if (cut.inside[i]) {
      side_a.push_back(i);
    } else if (region.nodes[i].component == region.nodes[b].component) {
      side_b.push_back(i);
    }
  }
  // No held edge can come to life, and no strong identifiers of one side hung together by a strong edge of the cut.
  const auto strong_count = [&](const std::vector<uint32_t>& side) {
    return std::ranges::count_if(side, [&](uint32_t i) { return is_strong(*region.nodes[i].node); });
  };
  const bool cuts_strong = std::ranges::any_of(cut.edges, [&](uint32_t index) { return region.edges[index].strong; });
  sides.is_final = region.components.size() == 1 && !cut.edges.empty() &&
                   region.components.front().component->held_edges == 0 &&
                   (!cuts_strong || (strong_count(side_a) <= 1 && strong_count(side_b) <= 1));
  sides.inside = cut.inside;
  sides.strongest_a = strongest_of(region, side_a);
  sides.strongest_b = strongest_of(region, side_b);
  return sides;
}

Grouping group_by_side(const Region& region, const Sides& sides) {
  Grouping grouping;
  grouping.group_count = 2;
  grouping.decisions.resize(region.edges.size());
  for (const bool is_inside : sides.inside) grouping.group_of.push_back(is_inside ? 0 : 1);
  return grouping;
}

bool is_all_loaded(const Lookup& state, const KeyList& keys) {
  return std::ranges::all_of(keys, [&](engine::EntityKey key) { return state.is_loaded(key); });
}

bool are_linked(const Lookup& state, const Identifier& a, const Identifier& b) {
  return state.find<CannotLink>(cannot_link_key(a, b)) != nullptr;
}

bool has_link_room(const Lookup& state, const Identifier& identifier) {
  return state.find<Node>(events::key_of(identifier))->cannot_links.size() < kCannotLinksPerNodeMax;
}

void forbid(engine::Context& context, const Identifier& x, const Identifier& y, const Separation& separation) {
  if (x == y || are_linked(context, x, y) || !has_link_room(context, x) || !has_link_room(context, y)) return;
  CannotLink link;
  link.a = std::min(x, y);
  link.b = std::max(x, y);
  link.actor = shortened(separation.actor, kActorBytesMax);
  link.reason = shortened(separation.reason, kReasonBytesMax);
  link.record = separation.record;
  const Id128 key = cannot_link_key(x, y);
  context.create<CannotLink>(key, std::move(link));
  for (const Identifier* const end : {&x, &y}) {
    Node& node = *context.mutate<Node>(events::key_of(*end));
    node.cannot_links.push_back(key);
    ++context.mutate<Component>(node.component)->cannot_links;
  }
}

// What was changed since the region was read; reading it anew would double the cost of a separation.
void bring_up_to_date(const Lookup& state, Region& region, const Separation& separation, const Sides& sides) {
  std::erase_if(region.edges,
                [&](const RegionEdge& edge) { return std::ranges::find(sides.cut, edge.key) != sides.cut.end(); });
  for (const Identifier* const end : {&separation.a, &separation.b, &sides.strongest_a, &sides.strongest_b}) {
    RegionNode& node = region.nodes[region.find(events::key_of(*end))];
    node.node = state.find<Node>(node.key);
    RegionComponent& component = region.components[node.component];
    component.component = state.find<Component>(component.key);
  }
  for (const auto& [x, y] :
       {std::pair(&separation.a, &separation.b), std::pair(&sides.strongest_a, &sides.strongest_b)}) {
    region.cannot_links.emplace_back(region.find(events::key_of(*x)), region.find(events::key_of(*y)));
  }
}

const Node* find_node(const Lookup& state, const Identifier& identifier) {
  const auto* const node = state.find<Node>(events::key_of(identifier));
  return node != nullptr && node->identifier == identifier ? node : nullptr;
}

}  // namespace

void touches_separate(const Lookup& state, const Separation& separation, KeyList& keys) {
  if (separation.a == separation.b) return;
  const std::array seeds{events::key_of(separation.a), events::key_of(separation.b)};
  KeyList own{{Node::kTable, seeds[0]},
              {Node::kTable, seeds[1]},
              {Review::kTable, kReviewId},
              {CannotLink::kTable, cannot_link_key(separation.a, separation.b)}};
  if (find_node(state, separation.a) != nullptr && find_node(state, separation.b) != nullptr) {
    const Region region = widest_region(state, seeds, &own);
    if (is_all_loaded(state, own)) {
      // Only the cut tells which identifiers are the strongest of the two sides.
      const Sides sides = part(region, seeds[0], seeds[1]);
      own.push_back({CannotLink::kTable, cannot_link_key(sides.strongest_a, sides.strongest_b)});
    }
  }
  keys.insert(keys.end(), own.begin(), own.end());
}

std::expected<Verdict, Error> separate(engine::Context& context, const Separation& separation) {
  if (separation.a == separation.b) return std::unexpected(Error{Errc::same_identifier, "b"});
  const Id128 key_a = events::key_of(separation.a);
  const Id128 key_b = events::key_of(separation.b);
  for (const auto& [identifier, field] : {std::pair(&separation.a, "a"), std::pair(&separation.b, "b")}) {
    if (find_node(context, *identifier) == nullptr) return std::unexpected(Error{Errc::unknown_identifier, field});
    if (!are_linked(context, separation.a, separation.b) && !has_link_room(context, *identifier)) {
      return std::unexpected(Error{Errc::too_many_cannot_links, field});
    }
  }
  const std::array seeds{key_a, key_b};
  Region region = widest_region(context, seeds);
  const Sides sides = part(region, key_a, key_b);
  forbid(context, separation.a, separation.b, separation);
  forbid(context, sides.strongest_a, sides.strongest_b, separation);
  for (const Id128 key : sides.cut) {
    Edge& edge = *context.mutate<Edge>(key);
    edge.state = EdgeState::tombstone;
    edge.reason = Reason::separated;
    edge.actor = shortened(separation.actor, kActorBytesMax);
    edge.remark = shortened(separation.reason, kReasonBytesMax);
  }
  bring_up_to_date(context, region, separation, sides);
  Verdict verdict;
  verdict.state = VerdictState::held;
  verdict.reason = Reason::cannot_link;
  verdict.changes =
      carry_out(context, region, sides.is_final ? group_by_side(region, sides) : group_canonically(region), key_a);
  verdict.person_a = person_at(context, key_a);
  verdict.person_b = person_at(context, key_b);
  return verdict;
}

}  // namespace terreno::identity
