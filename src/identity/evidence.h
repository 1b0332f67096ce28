#pragma once

// Small steps by which evidence is written down at nodes and edges. Private to identity/.

#include "engine/engine.h"
#include "identity/entities.h"
#include "identity/identity.h"

namespace terreno::identity {

/// The node, made with a component of its own when it is new; the earliest time is kept.
[[nodiscard]] const Node& ensure_node(engine::Context& context, const events::Identifier& identifier, Id128 key,
                                      Timestamp valid_from);
/// A component without a person gets the proposer's, if the lane has never met that id.
void learn_person(engine::Context& context, Id128 component, PersonId person);
[[nodiscard]] PersonId person_at(const engine::Lookup& state, Id128 node_key);

[[nodiscard]] Edge new_edge(const events::Identifier& a, const events::Identifier& b, const Proposal& proposal);
/// A repeat folds: the earliest time, the most trusted source, the first few records; no fold depends on the order.
void add_source(Edge& edge, const Proposal& proposal);

[[nodiscard]] bool has_room(const Node& node, bool trusted);
void list_edge(Node& node, Id128 edge, bool trusted, bool has_space);

/// Does such evidence speak for the node being shared? Of an identifier that belongs to a human only trusted evidence
/// does: otherwise anyone could have an address quarantined by claiming it for a handful of invented users.
[[nodiscard]] bool counts_towards_hub(const Node& node, bool trusted);
void add_strong_neighbour(Node& node, Id128 neighbour);
/// Would one more link make the node a hub? `other_node` is null while the other end is new.
[[nodiscard]] bool would_flip(const Node& node, const events::Identifier& other, const Node* other_node, bool trusted);
/// Marks a hub and holds its edges; adds whatever they led to, so that the recomputation counts there too.
void quarantine(engine::Context& context, Id128 key, std::vector<Id128>& seeds);
/// Names what `quarantine` and the recomputation after it read around that node.
void name_neighbours(const engine::Lookup& state, Id128 key, engine::KeyList& keys);

}  // namespace terreno::identity
