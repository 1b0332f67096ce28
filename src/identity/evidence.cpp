#include "identity/evidence.h"

#include <algorithm>
#include <utility>

#include "identity/region.h"

namespace terreno::identity {

using events::Identifier;
using events::IdentifierKind;

const Node& ensure_node(engine::Context& context, const Identifier& identifier, Id128 key, Timestamp valid_from) {
  if (const auto* const node = context.find<Node>(key); node != nullptr) {
    if (valid_from >= node->first_event) return *node;
    const Id128 component = node->component;
    if (valid_from < context.find<Component>(component)->first_event) {
      context.mutate<Component>(component)->first_event = valid_from;
    }
    Node& earlier = *context.mutate<Node>(key);
    earlier.first_event = valid_from;
    return earlier;
  }
  Node node;
  node.identifier = identifier;
  node.component = context.new_id();
  node.first_event = valid_from;
  Component component;
  component.anchor = identifier;
  component.strongest = identifier;
  component.first_event = valid_from;
  component.members = {identifier};
  component.member_keys = {key};
  component.identified = is_strong(node);
  context.create<Component>(node.component, std::move(component));
  return context.create<Node>(key, std::move(node));
}

void learn_person(engine::Context& context, Id128 component, PersonId person) {
  if (person.is_zero() || !context.find<Component>(component)->person.is_zero()) return;
  if (context.find<Person>(person.value) != nullptr) return;
  context.mutate<Component>(component)->person = person;
  Person entry;
  entry.component = component;
  context.create<Person>(person.value, entry);
}

PersonId person_at(const engine::Lookup& state, Id128 node_key) {
  const auto* const node = state.find<Node>(node_key);
  if (node == nullptr) return {};
  const auto* const component = state.find<Component>(node->component);
  return component == nullptr ? PersonId{} : component->person;
}

Edge new_edge(const Identifier& a, const Identifier& b, const Proposal& proposal) {
  Edge edge;
  edge.a = a;
  edge.b = b;
  edge.key_a = events::key_of(a);
  edge.key_b = events::key_of(b);
  edge.kind = proposal.kind;
  edge.visibility = proposal.visibility;
  edge.valid_from = proposal.valid_from;
  edge.sources = {proposal.record};
  edge.source_count = 1;
  return edge;
}

void add_source(Edge& edge, const Proposal& proposal) {
  edge.valid_from = std::min(edge.valid_from, proposal.valid_from);
  edge.visibility = std::max(edge.visibility, proposal.visibility);
  ++edge.source_count;
  if (edge.sources.size() < Edge::kSourcesMax) edge.sources.push_back(proposal.record);
}

bool has_room(const Node& node, bool trusted) {
  return node.edges.size() < kEdgesPerNodeMax && (trusted || node.public_edges < kPublicEdgesPerNodeMax);
}

void list_edge(Node& node, Id128 edge, bool trusted, bool has_space) {
  if (!has_space) {
    ++node.unlisted_edges;
    return;
  }
  node.edges.push_back(edge);
  if (!trusted) ++node.public_edges;
}

bool counts_towards_hub(const Node& node, bool trusted) {
  return trusted || node.identifier.kind == IdentifierKind::device ||
         node.identifier.kind == IdentifierKind::anonymous_id;
}

void add_strong_neighbour(Node& node, Id128 neighbour) {
  if (node.strong_neighbours.size() > kHubStrongMax) return;
  if (std::ranges::find(node.strong_neighbours, neighbour) != node.strong_neighbours.end()) return;
  node.strong_neighbours.push_back(neighbour);
  // Sorted, so that equal evidence encodes to equal bytes.
  std::ranges::sort(node.strong_neighbours);
}

bool would_flip(const Node& node, const Identifier& other, const Node* other_node, bool trusted) {
  if (node.quarantined || node.strong_neighbours.size() < kHubStrongMax || !counts_towards_hub(node, trusted)) {
    return false;
  }
  const bool is_other_strong = other_node != nullptr ? is_strong(*other_node) : other.kind <= IdentifierKind::user_id;
  return is_other_strong &&
         std::ranges::find(node.strong_neighbours, events::key_of(other)) == node.strong_neighbours.end();
}

void quarantine(engine::Context& context, Id128 key, std::vector<Id128>& seeds) {
  Node& node = *context.mutate<Node>(key);
  node.quarantined = true;
  const std::vector<Id128> edges = node.edges;
  for (const Id128 edge_id : edges) {
    const auto* const edge = context.find<Edge>(edge_id);
    if (!edge->takes_part()) continue;
    for (const Id128 end : {edge->key_a, edge->key_b}) {
      if (std::ranges::find(seeds, end) == seeds.end()) seeds.push_back(end);
    }
    Edge& held = *context.mutate<Edge>(edge_id);
    const bool was_held = held.state == EdgeState::held && held.reason != Reason::none;
    held.state = EdgeState::held;
    held.reason = Reason::hub;
    if (!was_held) list_for_review(context, edge_id);
  }
}

void name_neighbours(const engine::Lookup& state, Id128 key, engine::KeyList& keys) {
  keys.push_back({Node::kTable, key});
  const auto* const node = state.find<Node>(key);
  if (node == nullptr) return;
  std::vector<Id128> ends;
  for (const Id128 edge_id : node->edges) {
    keys.push_back({Edge::kTable, edge_id});
    const auto* const edge = state.find<Edge>(edge_id);
    if (edge == nullptr) continue;
    ends.push_back(edge->key_a);
    ends.push_back(edge->key_b);
  }
  static_cast<void>(collect(state, ends, Scope::live, &keys));
}

}  // namespace terreno::identity
