// Answers from the evidence: who, why, why not, and what would part them. Reads only.

#include <algorithm>
#include <array>
#include <utility>

#include "identity/cut.h"
#include "identity/region.h"

namespace terreno::identity {

using engine::KeyList;
using engine::Lookup;
using events::Identifier;

namespace {

constexpr size_t kHeldShownMax = 100;
/// An alias names a live person; only ids that found no room among the absorbed ones may lead over further aliases.
constexpr size_t kAliasHopsMax = 1'000;

EdgeView view_of(const Edge& edge) {
  return {edge.a,        edge.b,          edge.kind,    edge.visibility,   edge.rule_version,
          edge.weight(), edge.valid_from, edge.sources, edge.source_count, edge.state,
          edge.reason,   edge.actor,      edge.remark};
}

std::vector<EdgeView> views_of(const Region& region, const std::vector<uint32_t>& indices) {
  std::vector<EdgeView> views;
  views.reserve(indices.size());
  for (const uint32_t index : indices) views.push_back(view_of(*region.edges[index].edge));
  return views;
}

PersonView view_of(const Component& component) {
  PersonView view;
  view.person = component.person;
  view.home = events::home_of(component.strongest);
  view.strongest = component.strongest;
  view.anchor = component.anchor;
  view.first_event = component.first_event;
  view.identifiers = component.members;
  std::ranges::sort(view.identifiers);
  for (const FormerPerson& former : component.absorbed) view.absorbed.push_back(former.person);
  return view;
}

const Node* find_node(const Lookup& state, const Identifier& identifier) {
  const auto* const node = state.find<Node>(events::key_of(identifier));
  return node != nullptr && node->identifier == identifier ? node : nullptr;
}

// Held, blocked and removed edges at either person; those that touch both first.
std::vector<EdgeView> obstacles(const Lookup& state, const Region& region, Id128 component_a, Id128 component_b) {
  std::vector<Id128> keys;
  for (const RegionNode& node : region.nodes) {
    keys.insert(keys.end(), node.node->edges.begin(), node.node->edges.end());
  }
  std::ranges::sort(keys);
  const auto repeats = std::ranges::unique(keys);
  keys.erase(repeats.begin(), repeats.end());
  const auto component_of = [&](const Identifier& identifier) {
    const uint32_t index = region.find(events::key_of(identifier));
    return index == kNowhere ? Id128{} : region.nodes[index].node->component;
  };
  std::vector<const Edge*> between;
  std::vector<const Edge*> others;
  for (const Id128 key : keys) {
    const auto* const edge = state.find<Edge>(key);
    if (edge->state == EdgeState::live) continue;
    const Id128 x = component_of(edge->a);
    const Id128 y = component_of(edge->b);
    const bool is_between = (x == component_a && y == component_b) || (x == component_b && y == component_a);
    (is_between ? between : others).push_back(edge);
  }
  between.insert(between.end(), others.begin(), others.end());
  if (between.size() > kHeldShownMax) between.resize(kHeldShownMax);
  std::vector<EdgeView> views;
  views.reserve(between.size());
  for (const Edge* const edge : between) views.push_back(view_of(*edge));
  return views;
}

}  // namespace

void touches_person_of(const Lookup& state, const Identifier& identifier, KeyList& keys) {
  const Id128 key = events::key_of(identifier);
  keys.push_back({Node::kTable, key});
  if (const auto* const node = find_node(state, identifier)) keys.push_back({Component::kTable, node->component});
}

std::optional<PersonView> person_of(const Lookup& state, const Identifier& identifier) {
  const auto* const node = find_node(state, identifier);
  if (node == nullptr) return std::nullopt;
  return view_of(*state.find<Component>(node->component));
}

void touches_find_person(const Lookup& state, PersonId person, KeyList& keys) {
  for (size_t hop = 0; hop < kAliasHopsMax && !person.is_zero(); ++hop) {
    keys.push_back({Person::kTable, person.value});
    const auto* const entry = state.find<Person>(person.value);
    if (entry == nullptr) return;
    if (!entry->component.is_zero()) keys.push_back({Component::kTable, entry->component});
    person = entry->alias_of;
  }
}

std::optional<PersonView> find_person(const Lookup& state, PersonId person) {
  for (size_t hop = 0; hop < kAliasHopsMax && !person.is_zero(); ++hop) {
    const auto* const entry = state.find<Person>(person.value);
    if (entry == nullptr) return std::nullopt;
    if (!entry->component.is_zero()) return view_of(*state.find<Component>(entry->component));
    person = entry->alias_of;
  }
  return std::nullopt;
}

void touches_explain(const Lookup& state, const Identifier& a, const Identifier& b, KeyList& keys) {
  std::vector<Id128> seeds;
  for (const Identifier* const identifier : {&a, &b}) {
    keys.push_back({Node::kTable, events::key_of(*identifier)});
    if (find_node(state, *identifier) != nullptr) seeds.push_back(events::key_of(*identifier));
  }
  static_cast<void>(collect(state, seeds, Scope::live, &keys));
}

Explanation explain(const Lookup& state, const Identifier& a, const Identifier& b) {
  Explanation explanation;
  const auto* const node_a = find_node(state, a);
  const auto* const node_b = find_node(state, b);
  std::vector<Id128> seeds;
  if (node_a != nullptr) seeds.push_back(events::key_of(a));
  if (node_b != nullptr) seeds.push_back(events::key_of(b));
  if (seeds.empty()) return explanation;
  const Region region = collect(state, seeds, Scope::live);
  const Id128 component_a = node_a != nullptr ? node_a->component : Id128{};
  const Id128 component_b = node_b != nullptr ? node_b->component : Id128{};
  explanation.together = component_a == component_b;
  explanation.held = obstacles(state, region, component_a, component_b);
  if (!explanation.together) return explanation;

  const uint32_t from = region.find(events::key_of(a));
  const uint32_t to = region.find(events::key_of(b));
  std::vector<uint32_t> weakest_first = bridges(region, from);
  std::ranges::stable_sort(weakest_first, {}, [&](uint32_t i) { return region.edges[i].edge->weight(); });
  explanation.bridges = views_of(region, weakest_first);
  if (from == to) return explanation;
  explanation.path = views_of(region, strongest_path(region, from, to));
  explanation.cut = views_of(region, minimum_cut(region, from, to).edges);
  return explanation;
}

void touches_review(const Lookup& state, KeyList& keys) {
  keys.push_back({Review::kTable, kReviewId});
  const auto* const review = state.find<Review>(kReviewId);
  if (review == nullptr) return;
  for (const Id128 edge : review->held) keys.push_back({Edge::kTable, edge});
}

ReviewList review(const Lookup& state, size_t limit) {
  ReviewList list;
  const auto* const review = state.find<Review>(kReviewId);
  if (review == nullptr) return list;
  list.not_listed = review->not_listed;
  const size_t count = std::min(limit, review->held.size());
  for (size_t i = 0; i < count; ++i) {
    list.held.push_back(view_of(*state.find<Edge>(review->held[review->held.size() - 1 - i])));
  }
  return list;
}

}  // namespace terreno::identity
