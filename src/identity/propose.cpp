// Decides about one pair. What needs a recomputation is settled before anything is changed, by the same function that
// names the entities, so that the decision never meets one that is not loaded.

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "identity/evidence.h"
#include "identity/region.h"

namespace terreno::identity {

using engine::KeyList;
using engine::Lookup;
using events::Identifier;

namespace {

/// The proposal with its ends in order, and the keys of what it concerns.
struct Pair {
  const Identifier& a;
  const Identifier& b;
  PersonId person_a;
  PersonId person_b;
  Id128 key_a;
  Id128 key_b;
  Id128 key_edge;
};

Pair pair_of(const Proposal& proposal) {
  const bool in_order = proposal.a <= proposal.b;
  const Identifier& a = in_order ? proposal.a : proposal.b;
  const Identifier& b = in_order ? proposal.b : proposal.a;
  return {a,
          b,
          in_order ? proposal.person_a : proposal.person_b,
          in_order ? proposal.person_b : proposal.person_a,
          events::key_of(a),
          events::key_of(b),
          edge_key(a, b, proposal.kind)};
}

bool is_too_long(const Identifier& identifier) { return identifier.value.size() > kIdentifierBytesMax; }

/// What is known before the evidence is taken in, and what the evidence will therefore ask for.
struct Situation {
  const Node* a = nullptr;
  const Node* b = nullptr;
  const Component* component_a = nullptr;
  const Component* component_b = nullptr;
  const Edge* edge = nullptr;
  bool collides = false;
  bool is_news = false;  ///< the edge is new, or its sort key changes
  bool flips_a = false;  ///< the evidence makes that end a hub
  bool flips_b = false;
  bool has_room_a = true;
  bool has_room_b = true;
  Reason conflict = Reason::none;
  uint64_t rank = 0;  ///< of the edge as it will be
  bool needs_region = false;

  [[nodiscard]] bool is_quarantined() const {
    return flips_a || flips_b || (a != nullptr && a->quarantined) || (b != nullptr && b->quarantined);
  }
  [[nodiscard]] bool is_together() const { return a != nullptr && b != nullptr && a->component == b->component; }
};

bool is_trusted_after(const Edge* edge, const Proposal& proposal) {
  return proposal.visibility == events::Visibility::secret_source || (edge != nullptr && edge->is_trusted());
}

// Two components whose windows may be broken by being one.
Reason window_conflict(const Lookup& state, const Component& x, const Component& y, const Side& side_x,
                       const Side& side_y) {
  for (const WindowCap& cap : window_caps()) {
    const auto kind = static_cast<size_t>(cap.kind);
    if (side_x.counts[kind] + side_y.counts[kind] <= cap.most) continue;
    std::vector<Timestamp> times;
    for (const Component* const component : {&x, &y}) {
      for (size_t i = 0; i < component->members.size(); ++i) {
        if (component->members[i].kind != cap.kind) continue;
        const auto* const node = state.find<Node>(component->member_keys[i]);
        if (node != nullptr) times.push_back(node->first_event);
      }
    }
    if (breaks_window(cap, times)) return cap.reason;
  }
  return Reason::none;
}

bool is_windowed(const Node& node) {
  return std::ranges::any_of(window_caps(), [&](const WindowCap& cap) { return cap.kind == node.identifier.kind; });
}

Side side_alone(const Identifier& identifier) {
  Side side;
  side.counts[static_cast<size_t>(identifier.kind)] = 1;
  side.size = 1;
  side.identified = identifier.kind <= events::IdentifierKind::user_id;
  return side;
}

bool will_be_strong(const Pair& pair, const Situation& situation, const Proposal& proposal) {
  const auto is_strong_end = [](const Node* node, const Identifier& identifier) {
    return node != nullptr ? is_strong(*node) : identifier.kind <= events::IdentifierKind::user_id;
  };
  return is_trusted_after(situation.edge, proposal) && is_strong_end(situation.a, pair.a) &&
         is_strong_end(situation.b, pair.b);
}

Reason conflict_between(const Lookup& state, const Pair& pair, const Situation& situation, const Proposal& proposal) {
  const Side x = situation.component_a != nullptr ? side_of(*situation.component_a) : side_alone(pair.a);
  const Side y = situation.component_b != nullptr ? side_of(*situation.component_b) : side_alone(pair.b);
  const bool trusted = is_trusted_after(situation.edge, proposal);
  const bool strong = will_be_strong(pair, situation, proposal);
  if (const Reason reason = conflict(x, y, strong, trusted); reason != Reason::none) return reason;
  // Windows need the times of the members; with a newcomer at one side its time is the evidence's own.
  if (situation.component_a != nullptr && situation.component_b != nullptr) {
    return window_conflict(state, *situation.component_a, *situation.component_b, x, y);
  }
  const Component* const known = situation.component_a != nullptr ? situation.component_a : situation.component_b;
  if (known == nullptr) return Reason::none;
  const Identifier& added = situation.component_a != nullptr ? pair.b : pair.a;
  for (const WindowCap& cap : window_caps()) {
    const auto kind = static_cast<size_t>(cap.kind);
    if (cap.kind != added.kind || x.counts[kind] + y.counts[kind] <= cap.most) continue;
    std::vector<Timestamp> times{proposal.valid_from};
    for (size_t i = 0; i < known->members.size(); ++i) {
      if (known->members[i].kind != cap.kind) continue;
      const auto* const node = state.find<Node>(known->member_keys[i]);
      if (node != nullptr) times.push_back(node->first_event);
    }
    if (breaks_window(cap, times)) return cap.reason;
  }
  return Reason::none;
}

// An earlier time may move an identifier into another window of its component.
bool moves_window(const Node* node, const Component* component, Timestamp valid_from) {
  return node != nullptr && component != nullptr && valid_from < node->first_event && is_windowed(*node) &&
         component->members.size() > 1;
}

Situation assess(const Lookup& state, const Pair& pair, const Proposal& proposal) {
  Situation s;
  s.a = state.find<Node>(pair.key_a);
  s.b = state.find<Node>(pair.key_b);
  s.collides = (s.a != nullptr && s.a->identifier != pair.a) || (s.b != nullptr && s.b->identifier != pair.b);
  if (s.collides) return s;
  if (s.a != nullptr) s.component_a = state.find<Component>(s.a->component);
  if (s.b != nullptr) s.component_b = state.find<Component>(s.b->component);
  s.edge = state.find<Edge>(pair.key_edge);
  const bool is_new = s.edge == nullptr;
  const bool is_upgrade = !is_new && s.edge->visibility < proposal.visibility;
  s.is_news = is_new || is_upgrade || proposal.valid_from < s.edge->valid_from;
  if (!s.is_news || (!is_new && s.edge->state == EdgeState::tombstone)) return s;
  if (!is_new && s.edge->state == EdgeState::blocked) return s;

  const bool trusted = is_trusted_after(s.edge, proposal);
  Edge after;
  after.kind = proposal.kind;
  after.visibility = proposal.visibility;
  s.rank = sort_rank(will_be_strong(pair, s, proposal), after.weight());
  s.flips_a = s.a != nullptr && would_flip(*s.a, pair.b, s.b, trusted);
  s.flips_b = s.b != nullptr && would_flip(*s.b, pair.a, s.a, trusted);
  if (is_new) {
    s.has_room_a = s.a == nullptr || has_room(*s.a, trusted);
    s.has_room_b = s.b == nullptr || has_room(*s.b, trusted);
  }
  s.needs_region = s.flips_a || s.flips_b || moves_window(s.a, s.component_a, proposal.valid_from) ||
                   moves_window(s.b, s.component_b, proposal.valid_from);
  if (s.is_quarantined() || s.is_together() || !s.has_room_a || !s.has_room_b) return s;
  if (!is_new && !s.edge->takes_part()) return s;
  s.conflict = conflict_between(state, pair, s, proposal);
  const auto is_touched = [](const Component* component) { return component != nullptr && component->held_edges > 0; };
  const bool may_be_linked = s.component_a != nullptr && s.component_b != nullptr && s.component_a->cannot_links > 0 &&
                             s.component_b->cannot_links > 0;
  // Evidence that sorts after all that touches its two components meets them as they are, and when it has to be held it
  // changes nothing about the others: a public source, whose claims come last, cannot make the lane recompute at will.
  const auto sorts_last = [&](const Component* component) {
    return component == nullptr ||
           std::pair(component->last_rank, component->last_from) < std::pair(s.rank, proposal.valid_from);
  };
  const bool is_last = is_new && sorts_last(s.component_a) && sorts_last(s.component_b);
  if (may_be_linked) {
    s.needs_region = true;
  } else if (s.conflict != Reason::none) {
    s.needs_region |= !is_last;
  } else {
    s.needs_region |= is_touched(s.component_a) || is_touched(s.component_b);
  }
  return s;
}

Verdict told(const engine::Context& context, const Pair& pair, const Proposal& proposal, VerdictState state,
             Reason reason, std::vector<PersonChange> changes = {}) {
  Verdict verdict;
  verdict.state = state;
  verdict.reason = reason;
  verdict.person_a = person_at(context, pair.key_a);
  verdict.person_b = person_at(context, pair.key_b);
  // The pair was put in order; the proposer asked in its own.
  if (proposal.b < proposal.a) std::swap(verdict.person_a, verdict.person_b);
  verdict.changes = std::move(changes);
  return verdict;
}

Verdict verdict_of(const engine::Context& context, const Pair& pair, const Proposal& proposal, bool was_together,
                   bool were_two_persons, std::vector<PersonChange> changes) {
  const auto* const edge = context.find<Edge>(pair.key_edge);
  VerdictState state = VerdictState::held;
  switch (edge->state) {
    case EdgeState::live:
      if (was_together) {
        state = VerdictState::already;
      } else {
        state = were_two_persons ? VerdictState::merged : VerdictState::attached;
      }
      break;
    case EdgeState::held:
      state = edge->reason == Reason::hub ? VerdictState::quarantined : VerdictState::held;
      break;
    case EdgeState::blocked:
      state = VerdictState::blocked;
      break;
    case EdgeState::tombstone:
      state = VerdictState::held;
      break;
  }
  return told(context, pair, proposal, state, edge->reason, std::move(changes));
}

// An end that names nobody: the evidence is kept at the other end, for the explanation, and joins nothing.
Verdict keep_blocked(engine::Context& context, const Pair& pair, const Proposal& proposal) {
  const bool blocks_a = is_blocked(pair.a);
  const bool blocks_b = is_blocked(pair.b);
  if (blocks_a && blocks_b) {
    return told(context, pair, proposal, VerdictState::blocked, Reason::blocked_value);
  }
  const Id128 key = blocks_a ? pair.key_b : pair.key_a;
  // A known node keeps its time: such evidence must not move it into another window.
  const auto* const known = context.find<Node>(key);
  const Timestamp since = known != nullptr ? known->first_event : proposal.valid_from;
  const Id128 component = ensure_node(context, blocks_a ? pair.b : pair.a, key, since).component;
  learn_person(context, component, blocks_a ? pair.person_b : pair.person_a);
  if (context.find<Edge>(pair.key_edge) == nullptr) {
    const bool trusted = proposal.visibility == events::Visibility::secret_source;
    const bool has_space = has_room(*context.find<Node>(key), trusted);
    Edge& edge = context.create<Edge>(pair.key_edge, new_edge(pair.a, pair.b, proposal));
    edge.state = EdgeState::blocked;
    edge.reason = Reason::blocked_value;
    list_edge(*context.mutate<Node>(key), pair.key_edge, trusted, has_space);
  } else {
    add_source(*context.mutate<Edge>(pair.key_edge), proposal);
  }
  return told(context, pair, proposal, VerdictState::blocked, Reason::blocked_value);
}

// Writes the evidence down at the edge and at both ends, whatever becomes of it.
void take_in(engine::Context& context, const Pair& pair, const Proposal& proposal, const Situation& before) {
  const bool is_new = before.edge == nullptr;
  const bool trusted = is_trusted_after(before.edge, proposal);
  const Id128 component_a = ensure_node(context, pair.a, pair.key_a, proposal.valid_from).component;
  learn_person(context, component_a, pair.person_a);
  const Id128 component_b = ensure_node(context, pair.b, pair.key_b, proposal.valid_from).component;
  learn_person(context, component_b, pair.person_b);
  if (is_new) {
    context.create<Edge>(pair.key_edge, new_edge(pair.a, pair.b, proposal));
  } else {
    add_source(*context.mutate<Edge>(pair.key_edge), proposal);
  }
  const auto end = [&](Id128 own, Id128 other, bool has_space) {
    const bool is_other_strong = is_strong(*context.find<Node>(other));
    Node& node = *context.mutate<Node>(own);
    if (is_new) list_edge(node, pair.key_edge, trusted, has_space);
    if (is_other_strong && counts_towards_hub(node, trusted)) add_strong_neighbour(node, other);
  };
  end(pair.key_a, pair.key_b, before.has_room_a);
  end(pair.key_b, pair.key_a, before.has_room_b);
}

void set_edge(engine::Context& context, Id128 key, EdgeState state, Reason reason) {
  Edge& edge = *context.mutate<Edge>(key);
  const bool was_held = edge.state == EdgeState::held && edge.reason != Reason::none;
  edge.state = state;
  edge.reason = reason;
  if (state == EdgeState::held && !was_held) list_for_review(context, key);
}

// A hub's edges may lead out of a region that leaves out public ones: then only live edges are followed.
Scope scope_for(const Lookup& state, std::span<const Id128> seeds, const Situation& situation,
                KeyList* keys = nullptr) {
  if (!situation.needs_region) return Scope::members;
  const Scope scope = widest_region(state, seeds, keys).scope;
  if (scope != Scope::trusted || !(situation.flips_a || situation.flips_b)) return scope;
  if (keys != nullptr) static_cast<void>(collect(state, seeds, Scope::live, keys));
  return Scope::live;
}

std::vector<PersonChange> merge(engine::Context& context, const Pair& pair) {
  const std::array seeds{pair.key_a, pair.key_b};
  const Region region = collect(context, seeds, Scope::members);
  return carry_out(context, region, group_as_one(region), pair.key_a);
}

}  // namespace

void touches_propose(const Lookup& state, const Proposal& proposal, KeyList& keys) {
  if (proposal.a == proposal.b || is_too_long(proposal.a) || is_too_long(proposal.b)) return;
  const Pair pair = pair_of(proposal);
  keys.insert(keys.end(), {{Node::kTable, pair.key_a},
                           {Node::kTable, pair.key_b},
                           {Edge::kTable, pair.key_edge},
                           {Review::kTable, kReviewId}});
  for (const PersonId person : {pair.person_a, pair.person_b}) {
    if (!person.is_zero()) keys.push_back({Person::kTable, person.value});
  }
  const std::array seeds{pair.key_a, pair.key_b};
  const Situation situation = assess(state, pair, proposal);
  if (situation.collides) return;
  if (situation.edge != nullptr && !situation.is_news) {
    // A repeat is answered from the edge and the two components.
    for (const Node* const node : {situation.a, situation.b}) {
      if (node != nullptr) keys.push_back({Component::kTable, node->component});
    }
    return;
  }
  std::vector<Id128> known;
  for (const Id128 key : seeds) {
    if (state.find<Node>(key) != nullptr) known.push_back(key);
  }
  static_cast<void>(collect(state, known, Scope::members, &keys));
  static_cast<void>(scope_for(state, known, situation, &keys));
  if (situation.flips_a) name_neighbours(state, pair.key_a, keys);
  if (situation.flips_b) name_neighbours(state, pair.key_b, keys);
}

Verdict propose(engine::Context& context, const Proposal& proposal) {
  const Pair pair = pair_of(proposal);
  if (proposal.a == proposal.b) {
    Verdict verdict;
    verdict.reason = Reason::same_identifier;
    return verdict;
  }
  if (is_too_long(pair.a) || is_too_long(pair.b)) {
    Verdict verdict;
    verdict.state = VerdictState::blocked;
    verdict.reason = Reason::blocked_value;
    return verdict;
  }
  const Situation before = assess(context, pair, proposal);
  if (before.collides) {
    Verdict verdict;
    verdict.state = VerdictState::blocked;
    verdict.reason = Reason::key_collision;
    return verdict;
  }
  if (is_blocked(pair.a) || is_blocked(pair.b)) return keep_blocked(context, pair, proposal);

  const bool was_together = before.is_together();
  const bool is_new = before.edge == nullptr;
  const bool settled = !is_new && (before.edge->state == EdgeState::tombstone || !before.is_news);
  const bool takes_part = is_new || before.edge->takes_part();
  if (settled) {
    add_source(*context.mutate<Edge>(pair.key_edge), proposal);
    return verdict_of(context, pair, proposal, was_together, false, {});
  }
  std::vector<Id128> seeds;
  if (before.a != nullptr) seeds.push_back(pair.key_a);
  if (before.b != nullptr) seeds.push_back(pair.key_b);
  const Scope scope = scope_for(context, seeds, before);
  const bool is_hub = before.is_quarantined();
  const bool flips_a = before.flips_a;
  const bool flips_b = before.flips_b;
  const bool is_full = !before.has_room_a || !before.has_room_b;
  const bool needs_region = before.needs_region;
  const bool trusted = is_trusted_after(before.edge, proposal);
  const Reason conflict = before.conflict;
  const uint64_t rank = before.rank;
  take_in(context, pair, proposal, before);
  // `before` points into what has just been changed, and is not read any more.
  const bool were_two_persons = !person_at(context, pair.key_a).is_zero() && !person_at(context, pair.key_b).is_zero();

  for (const Id128 key : {pair.key_a, pair.key_b}) {
    if (!is_new) break;
    Component& component = *context.mutate<Component>(context.find<Node>(key)->component);
    std::tie(component.last_rank, component.last_from) =
        std::max(std::pair(component.last_rank, component.last_from), std::pair(rank, proposal.valid_from));
  }
  const bool is_held_at_once = is_new && !needs_region && conflict != Reason::none;
  seeds = {pair.key_a, pair.key_b};
  if (is_hub && takes_part) set_edge(context, pair.key_edge, EdgeState::held, Reason::hub);
  if (flips_a) quarantine(context, pair.key_a, seeds);
  if (flips_b) quarantine(context, pair.key_b, seeds);
  if (is_new && !is_hub) {
    if (is_full) {
      set_edge(context, pair.key_edge, EdgeState::held, Reason::node_full);
    } else if (is_held_at_once) {
      set_edge(context, pair.key_edge, EdgeState::held, conflict);
      for (const Id128 key : seeds) ++context.mutate<Component>(context.find<Node>(key)->component)->held_edges;
    } else if (was_together || !needs_region) {
      set_edge(context, pair.key_edge, EdgeState::live, Reason::none);
    } else if (scope == Scope::live || (scope == Scope::trusted && !trusted)) {
      set_edge(context, pair.key_edge, EdgeState::held, Reason::region_too_large);
    }
  }
  std::vector<PersonChange> changes;
  if (needs_region) {
    const Region region = collect(context, seeds, scope);
    changes = carry_out(context, region, group_canonically(region), pair.key_a);
  } else if (is_new && !was_together && !is_hub && !is_full && !is_held_at_once) {
    changes = merge(context, pair);
  }
  return verdict_of(context, pair, proposal, was_together, were_two_persons, std::move(changes));
}

}  // namespace terreno::identity
