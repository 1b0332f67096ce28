// An address answers for itself; an identifier's home names the person it had.

#include <algorithm>
#include <array>
#include <utility>

#include "identity/evidence.h"
#include "identity/region.h"

namespace terreno::identity {

using engine::KeyList;
using engine::Lookup;
using events::Identifier;
using events::IdentifierKind;

namespace {

bool can_be_confirmed(const Identifier& identifier) { return is_address(identifier.kind) && !is_blocked(identifier); }

// Neighbours to whom one more strong identifier makes them hubs.
std::vector<Id128> flipping_neighbours(const Lookup& state, Id128 key, const Node& node) {
  Node confirmed = node;
  confirmed.confirmed = true;
  std::vector<Id128> flips;
  for (const Id128 edge_id : node.edges) {
    const auto* const edge = state.find<Edge>(edge_id);
    if (edge == nullptr || edge->state == EdgeState::tombstone || edge->state == EdgeState::blocked) continue;
    const Id128 other = edge->key_a == key ? edge->key_b : edge->key_a;
    const auto* const neighbour = state.find<Node>(other);
    if (neighbour != nullptr && would_flip(*neighbour, node.identifier, &confirmed, edge->is_trusted())) {
      flips.push_back(other);
    }
  }
  std::ranges::sort(flips);
  const auto repeats = std::ranges::unique(flips);
  flips.erase(repeats.begin(), repeats.end());
  return flips;
}

Scope scope_for(const Lookup& state, Id128 key, bool has_flips, KeyList* keys = nullptr) {
  const std::array seeds{key};
  const Scope scope = widest_region(state, seeds, keys).scope;
  return scope == Scope::trusted && has_flips ? Scope::live : scope;
}

// Does the component know an address that more than a public source's word has given it?
bool has_established_address(const Lookup& state, const Component& component, const Identifier& except) {
  return std::ranges::any_of(component.members, [&](const Identifier& member) {
    if (!is_address(member.kind) || member == except) return false;
    const auto* const node = state.find<Node>(events::key_of(member));
    if (node->confirmed) return true;
    return std::ranges::any_of(node->edges, [&](Id128 key) {
      const auto* const edge = state.find<Edge>(key);
      return edge->state == EdgeState::live && edge->is_trusted();
    });
  });
}

void vouch(engine::Context& context, const Node& node) {
  const auto* const component = context.find<Component>(node.component);
  if (has_established_address(context, *component, node.identifier)) return;
  std::vector<Id128> claims;
  for (const Id128 key : node.edges) {
    const auto* const edge = context.find<Edge>(key);
    if (edge->state != EdgeState::live || edge->is_trusted()) continue;
    const Identifier& other = edge->a == node.identifier ? edge->b : edge->a;
    if (other.kind <= IdentifierKind::user_id) claims.push_back(key);
  }
  for (const Id128 claim : claims) context.mutate<Edge>(claim)->vouched = true;
}

}  // namespace

void touches_confirm(const Lookup& state, const Identifier& identifier, KeyList& keys) {
  if (!can_be_confirmed(identifier)) return;
  const Id128 key = events::key_of(identifier);
  keys.insert(keys.end(), {{Node::kTable, key}, {Review::kTable, kReviewId}});
  const auto* const node = state.find<Node>(key);
  if (node == nullptr || node->identifier != identifier || node->confirmed) return;
  name_neighbours(state, key, keys);
  const std::vector<Id128> flips = flipping_neighbours(state, key, *node);
  static_cast<void>(scope_for(state, key, !flips.empty(), &keys));
  // The component's edges tell whether an address is established there.
  const std::array seeds{key};
  static_cast<void>(collect(state, seeds, Scope::live, &keys));
  for (const Id128 flip : flips) name_neighbours(state, flip, keys);
}

Verdict confirm(engine::Context& context, const Identifier& identifier) {
  Verdict verdict;
  if (!can_be_confirmed(identifier)) return verdict;
  const Id128 key = events::key_of(identifier);
  const auto* const known = context.find<Node>(key);
  if (known != nullptr && (known->confirmed || known->identifier != identifier)) return verdict;
  if (known == nullptr) {
    static_cast<void>(ensure_node(context, identifier, key, context.now()));
    Node& node = *context.mutate<Node>(key);
    node.confirmed = true;
    context.mutate<Component>(node.component)->identified = true;
    verdict.state = VerdictState::already;
    return verdict;
  }
  const std::vector<Id128> flips = flipping_neighbours(context, key, *known);
  const Scope scope = scope_for(context, key, !flips.empty());
  struct Link {
    Id128 neighbour;
    bool trusted;
  };
  std::vector<Link> links;
  for (const Id128 edge_id : known->edges) {
    const auto* const edge = context.find<Edge>(edge_id);
    if (edge->state == EdgeState::tombstone || edge->state == EdgeState::blocked) continue;
    links.push_back({edge->key_a == key ? edge->key_b : edge->key_a, edge->is_trusted()});
  }
  vouch(context, *known);
  context.mutate<Node>(key)->confirmed = true;
  for (const Link& link : links) {
    if (!counts_towards_hub(*context.find<Node>(link.neighbour), link.trusted)) continue;
    add_strong_neighbour(*context.mutate<Node>(link.neighbour), key);
  }
  std::vector<Id128> seeds{key};
  for (const Id128 flip : flips) quarantine(context, flip, seeds);
  const Region region = collect(context, seeds, scope);
  verdict.changes = carry_out(context, region, group_canonically(region), key);
  verdict.state = VerdictState::already;
  verdict.person_a = person_at(context, key);
  verdict.person_b = verdict.person_a;
  return verdict;
}

void touches_note_person(const Lookup& state, const Identifier& identifier, PersonId person, KeyList& keys) {
  const Id128 key = events::key_of(identifier);
  keys.insert(keys.end(), {{Node::kTable, key}, {Person::kTable, person.value}});
  if (const auto* const node = state.find<Node>(key)) keys.push_back({Component::kTable, node->component});
}

void note_person(engine::Context& context, const Identifier& identifier, PersonId person) {
  const auto* const node = context.find<Node>(events::key_of(identifier));
  if (person.is_zero() || node == nullptr || node->identifier != identifier) return;
  if (context.find<Person>(person.value) != nullptr) return;
  const Id128 component_id = node->component;
  if (context.find<Component>(component_id)->person.is_zero()) {
    learn_person(context, component_id, person);
    return;
  }
  Component& component = *context.mutate<Component>(component_id);
  Person entry;
  entry.alias_of = component.person;
  context.create<Person>(person.value, entry);
  if (component.absorbed.size() < kFormerPersonsMax) component.absorbed.push_back({person, identifier});
}

}  // namespace terreno::identity
