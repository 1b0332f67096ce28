// Ids: who a group is after it was regrouped. Rules: docs/concepts/identity.md, Ids.

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "identity/region.h"

namespace terreno::identity {

using events::Identifier;

namespace {

/// A component as it will be, built wholly before anything is changed.
struct Planned {
  Id128 key;  ///< zero: a new entity
  Component component;
  std::vector<uint32_t> nodes;
  uint32_t survivor = kNowhere;  ///< the old component whose person this is
  bool is_new_person = false;    ///< the id was not live before: taken back or newly drawn
  bool unchanged = false;        ///< the members of one old component, all of them
  PersonChange change;
};

class Plan {
 public:
  Plan(engine::Context& context, const Region& region, const Grouping& grouping)
      : context_(context), region_(region), grouping_(grouping), planned_(grouping.group_count) {
    for (uint32_t i = 0; i < region.nodes.size(); ++i) {
      planned_[grouping.group_of[i]].nodes.push_back(i);
    }
  }

  std::vector<PersonChange> run(Id128 first) {
    find_anchors();
    choose_survivors();
    for (Planned& group : planned_) build(group);
    share_out_former_persons();
    count_edges();
    for (Planned& group : planned_) describe(group);
    // From here on everything was read, and pointers into the state are not used any more.
    write(first);
    return std::move(changes_);
  }

 private:
  [[nodiscard]] uint32_t group_of(const Identifier& identifier) const {
    const uint32_t index = region_.find(events::key_of(identifier));
    return index == kNowhere ? kNowhere : grouping_.group_of[index];
  }
  [[nodiscard]] bool is_in(const Planned& group, const Identifier& identifier) const {
    return group_of(identifier) == static_cast<uint32_t>(&group - planned_.data());
  }
  [[nodiscard]] const Component& old(uint32_t index) const { return *region_.components[index].component; }
  [[nodiscard]] const Node& node(uint32_t index) const { return *region_.nodes[index].node; }
  [[nodiscard]] uint8_t rank_of(uint32_t index) const {
    return joining_rank(node(index).identifier.kind, node(index).confirmed);
  }

  // Each old component lies, with its id, in the group that holds its anchor.
  void find_anchors() {
    anchored_in_.reserve(region_.components.size());
    for (uint32_t i = 0; i < region_.components.size(); ++i) {
      const uint32_t group = group_of(old(i).anchor);
      TERRENO_CHECK(group != kNowhere, "a component's anchor is none of its members");
      anchored_in_.push_back(group);
    }
    best_rank_.assign(region_.components.size(), 0xff);
    for (uint32_t i = 0; i < region_.nodes.size(); ++i) {
      const uint32_t component = region_.nodes[i].component;
      if (anchored_in_[component] != grouping_.group_of[i]) continue;
      best_rank_[component] = std::min(best_rank_[component], rank_of(i));
    }
  }

  // The person who holds the strongest identifier survives; ties by the earliest first event, then the smaller id. A
  // component without a person lends its entity only when there is nobody.
  void choose_survivors() {
    const auto precedence = [this](uint32_t i) {
      return std::tuple(old(i).person.is_zero(), best_rank_[i], old(i).first_event, old(i).person,
                        region_.components[i].key);
    };
    for (uint32_t i = 0; i < region_.components.size(); ++i) {
      uint32_t& survivor = planned_[anchored_in_[i]].survivor;
      if (survivor == kNowhere || precedence(i) < precedence(survivor)) survivor = i;
    }
  }

  void build(Planned& group) {
    Component& component = group.component;
    component.first_event = node(group.nodes.front()).first_event;
    component.members.reserve(group.nodes.size());
    component.member_keys.reserve(group.nodes.size());
    for (const uint32_t i : group.nodes) {
      component.members.push_back(node(i).identifier);
      component.member_keys.push_back(region_.nodes[i].key);
      component.first_event = std::min(component.first_event, node(i).first_event);
      component.identified |= is_strong(node(i));
      component.cannot_links += static_cast<uint32_t>(node(i).cannot_links.size());
    }
    for (const uint32_t i : group.nodes) {
      const Component& from = old(region_.nodes[i].component);
      const auto last =
          std::max(std::pair(component.last_rank, component.last_from), std::pair(from.last_rank, from.last_from));
      std::tie(component.last_rank, component.last_from) = last;
    }
    const uint32_t old_index = region_.nodes[group.nodes.front()].component;
    group.unchanged =
        old(old_index).members.size() == group.nodes.size() &&
        std::ranges::all_of(group.nodes, [&](uint32_t i) { return region_.nodes[i].component == old_index; });
    if (group.survivor != kNowhere) {
      group.key = region_.components[group.survivor].key;
      component.person = old(group.survivor).person;
      component.anchor = old(group.survivor).anchor;
    }
    choose_strongest(group);
    // One identifier that nobody has claimed needs no person: its home knows whose it is.
    if (component.person.is_zero() && !group.unchanged) give_person(group);
  }

  // A second identifier of the same kind does not move the person; a stronger kind does, once.
  void choose_strongest(Planned& group) {
    Component& component = group.component;
    const auto is_stronger = [this](uint32_t x, uint32_t y) {
      const Node& a = node(x);
      const Node& b = node(y);
      return std::tie(a.identifier.kind, a.first_event, a.identifier.value) <
             std::tie(b.identifier.kind, b.first_event, b.identifier.value);
    };
    const uint32_t best = *std::ranges::min_element(group.nodes, is_stronger);
    component.strongest = node(best).identifier;
    if (group.survivor == kNowhere) return;
    const Identifier& incumbent = old(group.survivor).strongest;
    if (incumbent.kind == component.strongest.kind && is_in(group, incumbent)) {
      component.strongest = incumbent;
    }
  }

  // Never a former id: identifiers that stay with whoever absorbed it are still led along its alias, which would lead
  // them to somebody else once the id lived again.
  void give_person(Planned& group) {
    Component& component = group.component;
    group.is_new_person = true;
    component.person = {context_.new_id()};
    const uint32_t anchor = *std::ranges::min_element(group.nodes, {}, [this](uint32_t i) {
      return std::tuple(rank_of(i), node(i).first_event, node(i).identifier.value);
    });
    component.anchor = node(anchor).identifier;
  }

  // Absorbed ids follow their anchors: asked who that was, the lane names whoever has it now.
  void share_out_former_persons() {
    for (uint32_t i = 0; i < region_.components.size(); ++i) {
      const Component& from = old(i);
      if (!from.person.is_zero() && planned_[anchored_in_[i]].component.person != from.person) {
        add_former(anchored_in_[i], {from.person, from.anchor}, true);
      }
      for (const FormerPerson& former : from.absorbed) {
        const uint32_t group = group_of(former.anchor);
        if (planned_[group].component.person == former.person) continue;
        add_former(group, former, planned_[group].component.person != from.person);
      }
    }
  }

  void add_former(uint32_t group, const FormerPerson& former, bool is_changed) {
    Component& component = planned_[group].component;
    if (is_changed) aliases_.emplace_back(former.person, component.person);
    if (component.absorbed.size() < kFormerPersonsMax) component.absorbed.push_back(former);
  }

  void count_edges() {
    for (size_t i = 0; i < region_.edges.size(); ++i) {
      if (grouping_.decisions[i].state != EdgeState::held) continue;
      for (const uint32_t end : {region_.edges[i].a, region_.edges[i].b}) {
        if (end != kNowhere) ++planned_[grouping_.group_of[end]].component.held_edges;
      }
    }
  }

  void describe(Planned& group) {
    if (group.unchanged) return;
    const Component& component = group.component;
    PersonChange& change = group.change;
    change.person = component.person;
    change.strongest = component.strongest;
    change.home = events::home_of(component.strongest);
    bool has_moved = false;
    if (group.survivor != kNowhere && !group.is_new_person) {
      const engine::Partition home = events::home_of(old(group.survivor).strongest);
      has_moved = home != change.home;
      if (has_moved) change.absorbed.push_back({component.person, home});
    }
    const auto number = static_cast<uint32_t>(&group - planned_.data());
    for (uint32_t i = 0; i < region_.components.size(); ++i) {
      const Component& from = old(i);
      if (anchored_in_[i] != number || from.person.is_zero() || from.person == component.person) continue;
      change.absorbed.push_back({from.person, events::home_of(from.strongest)});
    }
    for (const uint32_t i : group.nodes) {
      const Component& from = old(region_.nodes[i].component);
      if (from.person == component.person && !has_moved) continue;
      const Identifier& identifier = node(i).identifier;
      const engine::Partition home = events::home_of(identifier);
      change.attach.push_back(
          {identifier, home, from.person, from.person.is_zero() ? home : events::home_of(from.strongest)});
    }
  }

  void write(Id128 first) {
    write_components();
    for (const auto& [person, survivor] : aliases_) {
      auto& entry = context_.mutate_or_create<Person>(person.value);
      entry.component = {};
      entry.alias_of = survivor;
    }
    write_edges();
    const uint32_t first_node = region_.find(first);
    const uint32_t first_group = first_node == kNowhere ? kNowhere : grouping_.group_of[first_node];
    for (Planned& group : planned_) {
      if (group.unchanged) continue;
      const bool leads = first_group != kNowhere && &group == &planned_[first_group];
      changes_.insert(leads ? changes_.begin() : changes_.end(), std::move(group.change));
    }
  }

  void write_components() {
    std::vector<bool> kept(region_.components.size(), false);
    for (Planned& group : planned_) {
      if (group.survivor != kNowhere) kept[group.survivor] = true;
      const bool is_new_entity = group.key.is_zero();
      if (is_new_entity) group.key = context_.new_id();
      for (const uint32_t i : group.nodes) {
        if (region_.components[region_.nodes[i].component].key == group.key) continue;
        context_.mutate<Node>(region_.nodes[i].key)->component = group.key;
      }
      if (group.is_new_person) {
        Person entry;
        entry.component = group.key;
        context_.create<Person>(group.component.person.value, entry);
      }
      if (is_new_entity) {
        context_.create<Component>(group.key, std::move(group.component));
      } else if (!group.unchanged || has_other_counts(group)) {
        *context_.mutate<Component>(group.key) = std::move(group.component);
      }
    }
    for (uint32_t i = 0; i < kept.size(); ++i) {
      if (!kept[i]) context_.erase({Component::kTable, region_.components[i].key});
    }
  }

  // An unchanged component is written only when what it sums up has changed: a commit writes it whole.
  [[nodiscard]] bool has_other_counts(const Planned& group) const {
    const auto* const now = context_.find<Component>(group.key);
    const Component& then = group.component;
    return now->identified != then.identified || now->held_edges != then.held_edges ||
           now->cannot_links != then.cannot_links || now->first_event != then.first_event;
  }

  void write_edges() {
    struct Write {
      Id128 key;
      Decision decision;
      bool was_held;
    };
    std::vector<Write> writes;
    for (size_t i = 0; i < region_.edges.size(); ++i) {
      const Edge& edge = *region_.edges[i].edge;
      const Decision decision = grouping_.decisions[i];
      // Held without a reason: evidence just taken in, which is on no list yet.
      if (edge.state == decision.state && edge.reason == decision.reason) continue;
      writes.push_back({region_.edges[i].key, decision, edge.state == EdgeState::held && edge.reason != Reason::none});
    }
    for (const Write& write : writes) {
      auto* const edge = context_.mutate<Edge>(write.key);
      edge->state = write.decision.state;
      edge->reason = write.decision.reason;
      const bool is_held = write.decision.state == EdgeState::held;
      if (is_held && !write.was_held) list_for_review(context_, write.key);
      if (!is_held && write.was_held) unlist_for_review(context_, write.key);
    }
  }

  engine::Context& context_;
  const Region& region_;
  const Grouping& grouping_;
  std::vector<Planned> planned_;
  std::vector<uint32_t> anchored_in_;  ///< per old component, the group of its anchor
  std::vector<uint8_t> best_rank_;     ///< per old component, the strongest that it brings to that group
  std::vector<std::pair<PersonId, PersonId>> aliases_;
  std::vector<PersonChange> changes_;
};

}  // namespace

std::vector<PersonChange> carry_out(engine::Context& context, const Region& region, const Grouping& grouping,
                                    Id128 first) {
  TERRENO_CHECK(!region.too_large, "a region is carried out only when it is complete");
  return Plan(context, region, grouping).run(first);
}

void list_for_review(engine::Context& context, Id128 edge) {
  auto& review = context.mutate_or_create<Review>(kReviewId);
  if (review.held.size() >= kReviewMax) {
    ++review.not_listed;
  } else {
    review.held.push_back(edge);
  }
}

void unlist_for_review(engine::Context& context, Id128 edge) {
  auto& review = context.mutate_or_create<Review>(kReviewId);
  const auto found = std::ranges::find(review.held, edge);
  if (found != review.held.end()) {
    review.held.erase(found);
  } else if (review.not_listed > 0) {
    --review.not_listed;
  }
}

}  // namespace terreno::identity
