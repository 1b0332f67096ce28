#pragma once

// What must hold in a lane after every record, checked over the whole state.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "identity/entities.h"
#include "identity/identity_testing.h"
#include "identity/region.h"

namespace terreno::identity {

inline void expect_sound(const TestingLane& lane) {
  const auto nodes = lane.all<Node>();
  const auto edges = lane.all<Edge>();
  const auto components = lane.all<Component>();
  const auto persons = lane.all<Person>();
  const auto group_of = [&](const events::Identifier& identifier) {
    const auto found = nodes.find(events::key_of(identifier));
    return found == nodes.end() ? Id128{} : found->second->component;
  };

  std::map<Id128, uint32_t> held_at;
  std::map<Id128, std::set<Id128>> live_neighbours;
  std::map<Id128, std::set<Id128>> strong_neighbours;
  for (const auto& [key, edge] : edges) {
    const Id128 a = group_of(edge->a);
    const Id128 b = group_of(edge->b);
    const Id128 key_a = events::key_of(edge->a);
    const Id128 key_b = events::key_of(edge->b);
    if (edge->state == EdgeState::live) {
      EXPECT_EQ(a, b) << "a live edge between two components";
      live_neighbours[key_a].insert(key_b);
      live_neighbours[key_b].insert(key_a);
      if (edge->is_trusted() && is_strong(*nodes.at(key_a)) && is_strong(*nodes.at(key_b))) {
        strong_neighbours[key_a].insert(key_b);
        strong_neighbours[key_b].insert(key_a);
      }
    }
    if (edge->state == EdgeState::held) {
      EXPECT_NE(edge->reason, Reason::none);
      if (!edge->takes_part()) continue;
      EXPECT_NE(a, b) << "a held edge within a component, reason " << name_of(edge->reason);
      ++held_at[a];
      ++held_at[b];
    }
  }
  const auto reached = [](const std::map<Id128, std::set<Id128>>& neighbours, Id128 from) {
    std::set<Id128> seen{from};
    std::vector<Id128> queue{from};
    while (!queue.empty()) {
      const Id128 key = queue.back();
      queue.pop_back();
      const auto found = neighbours.find(key);
      if (found == neighbours.end()) continue;
      for (const Id128 other : found->second) {
        if (seen.insert(other).second) queue.push_back(other);
      }
    }
    return seen;
  };

  std::set<PersonId> live_persons;
  size_t member_count = 0;
  for (const auto& [key, component] : components) {
    std::array<size_t, 6> counts{};
    std::vector<Id128> strong;
    std::vector<Timestamp> visitors;
    std::vector<Timestamp> devices;
    uint32_t cannot_links = 0;
    ASSERT_FALSE(component->members.empty());
    for (const auto& member : component->members) {
      ASSERT_TRUE(nodes.contains(events::key_of(member)));
      const Node& node = *nodes.at(events::key_of(member));
      EXPECT_EQ(node.component, key);
      EXPECT_TRUE(!node.quarantined || component->members.size() == 1) << "a hub in a component";
      ++counts[static_cast<size_t>(member.kind)];
      if (is_strong(node)) strong.push_back(events::key_of(member));
      if (member.kind == events::IdentifierKind::anonymous_id) visitors.push_back(node.first_event);
      if (member.kind == events::IdentifierKind::device) devices.push_back(node.first_event);
      cannot_links += static_cast<uint32_t>(node.cannot_links.size());
    }
    member_count += component->members.size();
    EXPECT_EQ(reached(live_neighbours, events::key_of(component->members[0])).size(), component->members.size());
    EXPECT_LE(component->members.size(), kComponentSizeMax);
    EXPECT_LE(counts[0], 1U);
    EXPECT_LE(counts[1], 1U);
    EXPECT_LE(counts[2], 5U);
    EXPECT_LE(counts[3], 5U);
    EXPECT_FALSE(breaks_window(window_caps()[0], devices));
    EXPECT_FALSE(breaks_window(window_caps()[1], visitors));
    // The weak-edge rule: the strong identifiers of a component hang together by strong edges alone.
    if (!strong.empty()) {
      const std::set<Id128> together = reached(strong_neighbours, strong.front());
      for (const Id128 other : strong) EXPECT_TRUE(together.contains(other)) << "joined by weak evidence";
    }
    EXPECT_EQ(component->identified, !strong.empty());
    EXPECT_EQ(component->held_edges, held_at[key]);
    EXPECT_EQ(component->cannot_links, cannot_links);
    EXPECT_EQ(group_of(component->anchor), key);
    EXPECT_EQ(group_of(component->strongest), key);
    EXPECT_EQ(component->strongest.kind, std::ranges::min(component->members).kind);
    if (component->person.is_zero()) {
      EXPECT_EQ(component->members.size(), 1U);
      continue;
    }
    EXPECT_TRUE(live_persons.insert(component->person).second) << "one id, two components";
    ASSERT_TRUE(persons.contains(component->person.value));
    EXPECT_EQ(persons.at(component->person.value)->component, key);
    for (const FormerPerson& former : component->absorbed) {
      EXPECT_EQ(group_of(former.anchor), key);
      ASSERT_TRUE(persons.contains(former.person.value));
      EXPECT_EQ(persons.at(former.person.value)->alias_of, component->person);
    }
  }
  EXPECT_EQ(member_count, nodes.size());
  for (const auto& [id, person] : persons) {
    EXPECT_NE(person->component.is_zero(), person->alias_of.is_zero());
    const PersonId named = person->component.is_zero() ? person->alias_of : PersonId{id};
    EXPECT_TRUE(live_persons.contains(named));
  }
  for (const auto& [id, link] : lane.all<CannotLink>()) EXPECT_NE(group_of(link->a), group_of(link->b));

  size_t held = 0;
  for (const auto& [key, edge] : edges) held += edge->state == EdgeState::held ? 1 : 0;
  const auto reviews = lane.all<Review>();
  const Review* const review = reviews.empty() ? nullptr : reviews.begin()->second;
  EXPECT_EQ(held, review == nullptr ? 0 : review->held.size() + review->not_listed);
}

}  // namespace terreno::identity
