#include "identity/cut.h"

#include <algorithm>
#include <limits>
#include <span>

namespace terreno::identity {

namespace {

bool is_live(const RegionEdge& edge) {
  return edge.edge->state == EdgeState::live && edge.a != kNowhere && edge.b != kNowhere;
}

/// Edges at each node, in one array.
struct Adjacency {
  std::vector<uint32_t> begin;
  std::vector<uint32_t> edges;

  explicit Adjacency(const Region& region) : begin(region.nodes.size() + 1) {
    for (const RegionEdge& edge : region.edges) {
      if (!is_live(edge)) continue;
      ++begin[edge.a + 1];
      ++begin[edge.b + 1];
    }
    for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
    edges.resize(begin.back());
    std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
    for (uint32_t i = 0; i < region.edges.size(); ++i) {
      const RegionEdge& edge = region.edges[i];
      if (!is_live(edge)) continue;
      edges[next[edge.a]++] = i;
      edges[next[edge.b]++] = i;
    }
  }
  [[nodiscard]] std::span<const uint32_t> at(uint32_t node) const {
    return std::span(edges).subspan(begin[node], begin[node + 1] - begin[node]);
  }
};

uint32_t other_end(const RegionEdge& edge, uint32_t node) { return edge.a == node ? edge.b : edge.a; }

/// Breadth first; `may_pass(edge index, from)` decides. Gives per node the edge it was reached by.
template <typename MayPass>
std::vector<uint32_t> search(const Region& region, const Adjacency& adjacency, uint32_t from, const MayPass& may_pass) {
  std::vector<uint32_t> by(region.nodes.size(), kNowhere);
  std::vector<bool> seen(region.nodes.size(), false);
  std::vector<uint32_t> queue{from};
  seen[from] = true;
  for (size_t next = 0; next < queue.size(); ++next) {
    for (const uint32_t index : adjacency.at(queue[next])) {
      const uint32_t other = other_end(region.edges[index], queue[next]);
      if (seen[other] || !may_pass(index, queue[next])) continue;
      seen[other] = true;
      by[other] = index;
      queue.push_back(other);
    }
  }
  return by;
}

std::vector<uint32_t> path_back(const Region& region, const std::vector<uint32_t>& by, uint32_t from, uint32_t to) {
  std::vector<uint32_t> path;
  for (uint32_t node = to; node != from; node = other_end(region.edges[path.back()], node)) {
    if (by[node] == kNowhere) return {};
    path.push_back(by[node]);
  }
  std::ranges::reverse(path);
  return path;
}

}  // namespace

// Edmonds and Karp on an undirected graph: `flow` is what passes from an edge's `a` to its `b`, negative for the other
// way. The cut is small in practice (one edge, mostly), so few searches are needed.
Cut minimum_cut(const Region& region, uint32_t a, uint32_t b) {
  const Adjacency adjacency(region);
  std::vector<int64_t> flow(region.edges.size(), 0);
  const auto room = [&](uint32_t index, uint32_t from) {
    const RegionEdge& edge = region.edges[index];
    const int64_t forward = edge.a == from ? flow[index] : -flow[index];
    return static_cast<int64_t>(edge.edge->weight()) - forward;
  };
  while (true) {
    const std::vector<uint32_t> by =
        search(region, adjacency, a, [&](uint32_t index, uint32_t from) { return room(index, from) > 0; });
    if (by[b] == kNowhere) {
      Cut cut;
      cut.inside.resize(region.nodes.size());
      for (uint32_t i = 0; i < by.size(); ++i) cut.inside[i] = i == a || by[i] != kNowhere;
      for (uint32_t i = 0; i < region.edges.size(); ++i) {
        const RegionEdge& edge = region.edges[i];
        if (is_live(edge) && cut.inside[edge.a] != cut.inside[edge.b]) cut.edges.push_back(i);
      }
      return cut;
    }
    const std::vector<uint32_t> path = path_back(region, by, a, b);
    int64_t most = std::numeric_limits<int64_t>::max();
    uint32_t node = a;
    for (const uint32_t index : path) {
      most = std::min(most, room(index, node));
      node = other_end(region.edges[index], node);
    }
    node = a;
    for (const uint32_t index : path) {
      flow[index] += region.edges[index].a == node ? most : -most;
      node = other_end(region.edges[index], node);
    }
  }
}

// Tarjan's low-links, without recursion: a chain of 150 identifiers must not cost stack.
std::vector<uint32_t> bridges(const Region& region, uint32_t from) {
  const Adjacency adjacency(region);
  struct Visit {
    uint32_t node;
    uint32_t by;  ///< the edge it was entered by
    size_t next;
  };
  std::vector<uint32_t> order(region.nodes.size(), kNowhere);
  std::vector<uint32_t> low(region.nodes.size(), kNowhere);
  std::vector<uint32_t> found;
  std::vector<Visit> stack{{from, kNowhere, 0}};
  uint32_t count = 0;
  order[from] = low[from] = count++;
  while (!stack.empty()) {
    Visit& visit = stack.back();
    const auto edges = adjacency.at(visit.node);
    if (visit.next < edges.size()) {
      const uint32_t index = edges[visit.next++];
      if (index == visit.by) continue;
      const uint32_t other = other_end(region.edges[index], visit.node);
      if (order[other] != kNowhere) {
        low[visit.node] = std::min(low[visit.node], order[other]);
      } else {
        order[other] = low[other] = count++;
        stack.push_back({other, index, 0});
      }
      continue;
    }
    const Visit done = visit;
    stack.pop_back();
    if (stack.empty()) break;
    low[stack.back().node] = std::min(low[stack.back().node], low[done.node]);
    if (low[done.node] > order[stack.back().node]) found.push_back(done.by);
  }
  return found;
}

std::vector<uint32_t> strongest_path(const Region& region, uint32_t a, uint32_t b) {
  const Adjacency adjacency(region);
  std::vector<uint32_t> weights;
  for (const RegionEdge& edge : region.edges) {
    if (is_live(edge)) weights.push_back(edge.edge->weight());
  }
  std::ranges::sort(weights, std::ranges::greater{});
  const auto repeats = std::ranges::unique(weights);
  weights.erase(repeats.begin(), repeats.end());
  // There are only a handful of distinct weights.
  for (const uint32_t least : weights) {
    const std::vector<uint32_t> by = search(
        region, adjacency, a, [&](uint32_t index, uint32_t) { return region.edges[index].edge->weight() >= least; });
    if (by[b] != kNowhere) return path_back(region, by, a, b);
  }
  return {};
}

}  // namespace terreno::identity
