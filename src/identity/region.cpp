#include "identity/region.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/check.h"

namespace terreno::identity {

using engine::KeyList;
using engine::Lookup;
using events::Identifier;
using events::IdentifierKind;

namespace {

/// Kinds of which a component may hold so many, ever. docs/concepts/identity.md, Groups.
struct EverCap {
  IdentifierKind kind;
  uint16_t most;
  Reason reason;
};
constexpr std::array<EverCap, 4> kEverCaps{{{IdentifierKind::customer_number, 1, Reason::two_customer_numbers},
                                            {IdentifierKind::user_id, 1, Reason::two_user_ids},
                                            {IdentifierKind::email, 5, Reason::too_many_emails},
                                            {IdentifierKind::phone, 5, Reason::too_many_phones}}};
constexpr std::array<WindowCap, 2> kWindowCaps{
    {{IdentifierKind::device, 5, days(7), Reason::too_many_devices},
     {IdentifierKind::anonymous_id, 5, days(7), Reason::too_many_anonymous_ids}}};

bool has_crowded_window(const WindowCap& cap, const std::vector<Timestamp>& sorted) {
  for (size_t i = cap.most; i < sorted.size(); ++i) {
    if (sorted[i] - sorted[i - cap.most] < cap.window) return true;
  }
  return false;
}

/// The same for one more time among sorted ones that are not crowded: only the windows around it need a look.
bool crowds_window(const WindowCap& cap, const std::vector<Timestamp>& sorted, Timestamp added) {
  const auto place = static_cast<size_t>(std::ranges::upper_bound(sorted, added) - sorted.begin());
  const auto at = [&](size_t i) { return i < place ? sorted[i] : i == place ? added : sorted[i - 1]; };
  const size_t last = std::min(sorted.size(), place + cap.most);
  for (size_t i = std::max<size_t>(cap.most, place); i <= last; ++i) {
    if (at(i) - at(i - cap.most) < cap.window) return true;
  }
  return false;
}

class Collector {
 public:
  Collector(const Lookup& state, Scope scope, KeyList* keys, bool is_bounded)
      : state_(state), scope_(scope), keys_(keys), is_bounded_(is_bounded) {}

  Region run(std::span<const Id128> seeds) {
    region_.scope = scope_;
    for (const Id128 seed : seeds) add_node(seed);
    for (size_t next = 0; next < region_.nodes.size() && !region_.too_large; ++next) expand(next);
    if (region_.too_large) return std::move(region_);
    for (RegionEdge& edge : region_.edges) resolve(edge);
    std::ranges::sort(cannot_links_);
    const auto repeats = std::ranges::unique(cannot_links_);
    cannot_links_.erase(repeats.begin(), repeats.end());
    for (const Id128 key : cannot_links_) resolve_cannot_link(key);
    return std::move(region_);
  }

 private:
  void name(uint8_t table, Id128 id) {
    if (keys_ != nullptr) keys_->push_back({table, id});
  }

  // A node enters the list when it is first met, and is expanded once.
  void add_node(Id128 key) {
    if (!region_.index.try_emplace(key, static_cast<uint32_t>(region_.nodes.size())).second) return;
    name(Node::kTable, key);
    region_.nodes.push_back({key, state_.find<Node>(key), kNowhere});
    if (is_bounded_ && region_.nodes.size() > kRegionSizeMax - 2) region_.too_large = true;
  }

  void expand(size_t index) {
    const Node* const node = region_.nodes[index].node;
    if (node == nullptr) {
      TERRENO_CHECK(keys_ != nullptr, "a node of the region is not loaded");
      return;
    }
    add_component(index, node->component);
    cannot_links_.insert(cannot_links_.end(), node->cannot_links.begin(), node->cannot_links.end());
    for (const Id128 link : node->cannot_links) name(CannotLink::kTable, link);
    if (scope_ == Scope::members) return;
    for (const Id128 key : node->edges) add_edge(key);
  }

  void add_component(size_t index, Id128 key) {
    const auto [found, is_new] = component_index_.try_emplace(key, static_cast<uint32_t>(region_.components.size()));
    region_.nodes[index].component = found->second;
    if (!is_new) return;
    name(Component::kTable, key);
    const auto* const component = state_.find<Component>(key);
    region_.components.push_back({key, component});
    if (component == nullptr) {
      TERRENO_CHECK(keys_ != nullptr, "a component of the region is not loaded");
      return;
    }
    if (!component->person.is_zero()) name(Person::kTable, component->person.value);
    for (const FormerPerson& former : component->absorbed) name(Person::kTable, former.person.value);
    region_.index.reserve(region_.index.size() + component->member_keys.size());
    region_.nodes.reserve(region_.nodes.size() + component->member_keys.size());
    for (const Id128 member : component->member_keys) add_node(member);
  }

  void add_edge(Id128 key) {
    if (!edges_met_.insert(key).second) return;
    name(Edge::kTable, key);
    const auto* const edge = state_.find<Edge>(key);
    if (edge == nullptr) {
      TERRENO_CHECK(keys_ != nullptr, "an edge of the region is not loaded");
      return;
    }
    if (!edge->takes_part()) return;
    const bool left_out =
        edge->state == EdgeState::held && (scope_ == Scope::live || (scope_ == Scope::trusted && !edge->is_trusted()));
    region_.edges.push_back({key, edge, kNowhere, kNowhere, false, left_out});
    if (is_bounded_ && region_.edges.size() > kRegionEdgesMax - 1) region_.too_large = true;
    if (left_out) return;
    add_node(edge->key_a);
    add_node(edge->key_b);
  }

  void resolve(RegionEdge& edge) {
    edge.a = region_.find(edge.edge->key_a);
    edge.b = region_.find(edge.edge->key_b);
    if (edge.a == kNowhere || edge.b == kNowhere) return;
    const Node* const a = region_.nodes[edge.a].node;
    const Node* const b = region_.nodes[edge.b].node;
    edge.strong = a != nullptr && b != nullptr && edge.edge->is_trusted() && is_strong(*a) && is_strong(*b);
  }

  void resolve_cannot_link(Id128 key) {
    const auto* const link = state_.find<CannotLink>(key);
    if (link == nullptr) return;
    const uint32_t a = region_.find(events::key_of(link->a));
    const uint32_t b = region_.find(events::key_of(link->b));
    if (a != kNowhere && b != kNowhere) region_.cannot_links.emplace_back(a, b);
  }

  const Lookup& state_;
  Scope scope_;
  KeyList* keys_;
  bool is_bounded_;
  Region region_;
  std::vector<Id128> cannot_links_;
  boost::unordered_flat_map<Id128, uint32_t, std::hash<Id128>> component_index_;
  boost::unordered_flat_set<Id128, std::hash<Id128>> edges_met_;
};

/// Strong before weak, weight downwards, the earlier first, then the bytes of (kind, a, b): a total order that knows
/// nothing of arrival. Taking strong edges first keeps the weak-edge rule, which is not hereditary, well defined.
struct SortKey {
  uint64_t rank;  ///< smaller is taken first
  Timestamp valid_from;
  uint32_t index;
};

std::vector<SortKey> sorted_edges(const Region& region) {
  std::vector<SortKey> keys;
  keys.reserve(region.edges.size());
  for (uint32_t i = 0; i < region.edges.size(); ++i) {
    const RegionEdge& edge = region.edges[i];
    if (edge.left_out) continue;
    keys.push_back({sort_rank(edge.strong, edge.edge->weight()), edge.edge->valid_from, i});
  }
  std::ranges::sort(keys, [&](const SortKey& x, const SortKey& y) {
    if (x.rank != y.rank) return x.rank < y.rank;
    if (x.valid_from != y.valid_from) return x.valid_from < y.valid_from;
    const Edge& x_edge = *region.edges[x.index].edge;
    const Edge& y_edge = *region.edges[y.index].edge;
    return std::tie(x_edge.kind, x_edge.a, x_edge.b) < std::tie(y_edge.kind, y_edge.a, y_edge.b);
  });
  return keys;
}

/// Union-find over the nodes of a region, by relabelling the smaller group: checks need the members of a group, which
/// form a ring, and groups are small.
class Groups {
 public:
  explicit Groups(const Region& region)
      : region_(region), group_of_(region.nodes.size()), next_(region.nodes.size()), sides_(region.nodes.size()) {
    for (auto& times : times_) times.resize(region.nodes.size());
    std::iota(group_of_.begin(), group_of_.end(), uint32_t{0});
    std::iota(next_.begin(), next_.end(), uint32_t{0});
    for (uint32_t i = 0; i < group_of_.size(); ++i) {
      const Node& node = *region.nodes[i].node;
      sides_[i].counts[static_cast<size_t>(node.identifier.kind)] = 1;
      sides_[i].size = 1;
      sides_[i].identified = is_strong(node);
      for (size_t which = 0; which < kWindowCaps.size(); ++which) {
        if (kWindowCaps[which].kind == node.identifier.kind) times_[which][i].push_back(node.first_event);
      }
    }
  }

  [[nodiscard]] uint32_t find(uint32_t node) const { return group_of_[node]; }

  [[nodiscard]] Reason refuses(uint32_t x, uint32_t y, const RegionEdge& edge) {
    for (const auto& [a, b] : region_.cannot_links) {
      if ((find(a) == x && find(b) == y) || (find(a) == y && find(b) == x)) return Reason::cannot_link;
    }
    if (const Reason reason = conflict(sides_[x], sides_[y], edge.strong, edge.edge->is_trusted());
        reason != Reason::none) {
      return reason;
    }
    for (size_t which = 0; which < kWindowCaps.size(); ++which) {
      const WindowCap& cap = kWindowCaps[which];
      const auto kind = static_cast<size_t>(cap.kind);
      // Each side was within the cap; a side without that kind changes nothing.
      if (sides_[x].counts[kind] == 0 || sides_[y].counts[kind] == 0) continue;
      if (sides_[x].counts[kind] + sides_[y].counts[kind] <= cap.most) continue;
      // Merged, not gathered and sorted: with 150 visitors that would be most of a recomputation.
      const auto& x_times = times_[which][x];
      const auto& y_times = times_[which][y];
      if (x_times.size() == 1 || y_times.size() == 1) {
        const bool is_x_alone = x_times.size() == 1;
        const auto& others = is_x_alone ? y_times : x_times;
        if (crowds_window(cap, others, is_x_alone ? x_times.front() : y_times.front())) return cap.reason;
        continue;
      }
      scratch_.resize(x_times.size() + y_times.size());
      std::ranges::merge(x_times, y_times, scratch_.begin());
      if (has_crowded_window(cap, scratch_)) return cap.reason;
    }
    return Reason::none;
  }

  void join(uint32_t x, uint32_t y) {
    if (sides_[x].size < sides_[y].size) std::swap(x, y);
    uint32_t member = y;
    do {
      group_of_[member] = x;
      member = next_[member];
    } while (member != y);
    std::swap(next_[x], next_[y]);
    for (auto& times : times_) {
      if (times[y].empty()) continue;
      if (times[y].size() == 1) {
        times[x].insert(std::ranges::upper_bound(times[x], times[y].front()), times[y].front());
        continue;
      }
      const auto middle = static_cast<std::ptrdiff_t>(times[x].size());
      times[x].insert(times[x].end(), times[y].begin(), times[y].end());
      std::inplace_merge(times[x].begin(), times[x].begin() + middle, times[x].end());
    }
    Side& side = sides_[x];
    const Side& other = sides_[y];
    for (size_t kind = 0; kind < side.counts.size(); ++kind) side.counts[kind] += other.counts[kind];
    side.size += other.size;
    side.identified |= other.identified;
  }

 private:
  const Region& region_;
  std::vector<uint32_t> group_of_;  ///< a group is named by one of its members
  std::vector<uint32_t> next_;      ///< the ring of a group
  std::vector<Side> sides_;
  std::array<std::vector<std::vector<Timestamp>>, kWindowCaps.size()> times_;  ///< of windowed kinds, sorted
  std::vector<Timestamp> scratch_;
};

}  // namespace

Region collect(const Lookup& state, std::span<const Id128> seeds, Scope scope, KeyList* keys, bool is_bounded) {
  return Collector(state, scope, keys, is_bounded).run(seeds);
}

Region widest_region(const Lookup& state, std::span<const Id128> seeds, KeyList* keys) {
  for (const Scope scope : {Scope::full, Scope::trusted}) {
    Region region = collect(state, seeds, scope, keys, true);
    if (!region.too_large) return region;
  }
  return collect(state, seeds, Scope::live, keys);
}

uint64_t sort_rank(bool strong, uint32_t weight) {
  return (strong ? 0 : uint64_t{1} << 32) | (std::numeric_limits<uint32_t>::max() - weight);
}

Side side_of(const Component& component) {
  Side side;
  for (const Identifier& member : component.members) ++side.counts[static_cast<size_t>(member.kind)];
  side.size = static_cast<uint16_t>(component.members.size());
  side.identified = component.identified;
  return side;
}

Reason conflict(const Side& x, const Side& y, bool strong, bool trusted) {
  const bool joins_identified = !strong && x.identified && y.identified;
  if (joins_identified && !trusted) return Reason::public_source;
  for (const EverCap& cap : kEverCaps) {
    const auto kind = static_cast<size_t>(cap.kind);
    if (x.counts[kind] + y.counts[kind] > cap.most) return cap.reason;
  }
  if (joins_identified) return Reason::weak_edge;
  if (static_cast<size_t>(x.size) + y.size > kComponentSizeMax) return Reason::component_full;
  return Reason::none;
}

std::span<const WindowCap> window_caps() { return kWindowCaps; }

bool breaks_window(const WindowCap& cap, std::vector<Timestamp>& times) {
  std::ranges::sort(times);
  return has_crowded_window(cap, times);
}

Grouping group_canonically(const Region& region) {
  Groups groups(region);
  Grouping result;
  result.decisions.resize(region.edges.size());
  for (const SortKey& key : sorted_edges(region)) {
    const RegionEdge& edge = region.edges[key.index];
    const uint32_t x = groups.find(edge.a);
    const uint32_t y = groups.find(edge.b);
    if (x == y) continue;
    if (const Reason reason = groups.refuses(x, y, edge); reason != Reason::none) {
      result.decisions[key.index] = {EdgeState::held, reason};
    } else {
      groups.join(x, y);
    }
  }

  result.group_of.resize(region.nodes.size());
  std::vector<uint32_t> dense(region.nodes.size(), kNowhere);
  for (uint32_t i = 0; i < region.nodes.size(); ++i) {
    uint32_t& number = dense[groups.find(i)];
    if (number == kNowhere) number = result.group_count++;
    result.group_of[i] = number;
  }
  for (uint32_t i = 0; i < region.edges.size(); ++i) {
    const RegionEdge& edge = region.edges[i];
    if (!edge.left_out) continue;
    const bool together =
        edge.a != kNowhere && edge.b != kNowhere && result.group_of[edge.a] == result.group_of[edge.b];
    if (!together) result.decisions[i] = {EdgeState::held, edge.edge->reason};
  }
  return result;
}

Grouping group_as_one(const Region& region) {
  Grouping result;
  result.group_of.assign(region.nodes.size(), 0);
  result.group_count = 1;
  return result;
}

}  // namespace terreno::identity
