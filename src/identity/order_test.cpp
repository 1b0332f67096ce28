// Groups are a function of the set of evidence: every order of small sets, random orders of larger ones; and whatever
// comes in, no component breaks a constraint.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "identity/entities.h"
#include "identity/identity_testing.h"
#include "identity/invariants_testing.h"
#include "identity/region.h"

namespace terreno::identity {
namespace {

using events::Identifier;
using events::IdentifierKind;
using events::Visibility;

constexpr Timestamp kStart{1'700'000'000'000};

/// One step of a history: evidence, or an address that answers.
struct Step {
  Proposal proposal;
  bool is_confirmation = false;
};

void take(TestingLane& lane, const Step& step) {
  if (step.is_confirmation) {
    static_cast<void>(lane.confirm(step.proposal.a));
  } else {
    static_cast<void>(lane.propose(step.proposal));
  }
}

using Groups = std::set<std::set<Identifier>>;
Groups groups_of(const TestingLane& lane) {
  Groups groups;
  for (const auto& [key, component] : lane.all<Component>()) {
    groups.insert({component->members.begin(), component->members.end()});
  }
  return groups;
}

/// The state of each edge by what it says. Not the reason: of two constraints that both forbid an edge, the one met
/// first when its region was last recomputed is named.
std::map<std::tuple<Identifier, Identifier, EdgeKind>, EdgeState> edges_of(const TestingLane& lane) {
  std::map<std::tuple<Identifier, Identifier, EdgeKind>, EdgeState> edges;
  for (const auto& [key, edge] : lane.all<Edge>()) edges[{edge->a, edge->b, edge->kind}] = edge->state;
  return edges;
}

// Few identifiers of all kinds, so that edges meet; times within two weeks, so that windows matter.
Identifier identifier_at(uint64_t number) {
  static const std::vector<Identifier> kAll = [] {
    std::vector<Identifier> all;
    const auto add = [&](IdentifierKind kind, int count) {
      for (int i = 0; i < count; ++i) {
        all.push_back({kind, std::string(events::name_of(kind)) + "-" + std::to_string(i) + "@example.org"});
      }
    };
    add(IdentifierKind::customer_number, 2);
    add(IdentifierKind::user_id, 3);
    add(IdentifierKind::email, 7);
    add(IdentifierKind::phone, 2);
    add(IdentifierKind::device, 2);
    add(IdentifierKind::anonymous_id, 8);
    return all;
  }();
  return kAll[number % kAll.size()];
}

Step random_step(std::mt19937_64& random) {
  Step step;
  step.proposal.a = identifier_at(random());
  step.proposal.b = identifier_at(random());
  step.proposal.kind = static_cast<EdgeKind>(random() % 4);
  step.proposal.visibility = random() % 3 == 0 ? Visibility::public_source : Visibility::secret_source;
  step.proposal.valid_from = kStart + hours(static_cast<int64_t>(random() % 336));
  step.proposal.record = {{1, random()}};
  return step;
}

TEST(Order, EveryPermutationOfASmallSetGivesTheSameGroups) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 30; ++round) {
    std::vector<Step> steps;
    for (int i = 0; i < 5; ++i) steps.push_back(random_step(random));
    // One address answers before all evidence: a confirmation vouches for what is live when it comes.
    const Identifier address = identifier_at(5 + random() % 9);
    std::vector<size_t> order(steps.size());
    std::iota(order.begin(), order.end(), size_t{0});
    Groups expected;
    bool is_first = true;
    do {
      TestingLane lane(false);
      if (round % 2 == 0) static_cast<void>(lane.confirm(address));
      for (const size_t index : order) take(lane, steps[index]);
      if (is_first) expected = groups_of(lane);
      is_first = false;
      ASSERT_EQ(groups_of(lane), expected) << "round " << round;
    } while (std::ranges::next_permutation(order).found);
  }
}

// Unlike the hand-picked case above, the few edges here all meet in one conflict.
TEST(Order, EveryPermutationOfAConflictGivesTheSameGroups) {
  const Identifier u1{IdentifierKind::user_id, "u1"};
  const Identifier u2{IdentifierKind::user_id, "u2"};
  const Identifier c1{IdentifierKind::customer_number, "c1"};
  const Identifier e1{IdentifierKind::email, "e1@example.org"};
  const Identifier v1{IdentifierKind::anonymous_id, "v1"};
  const auto edge = [](const Identifier& a, const Identifier& b, EdgeKind kind, Visibility visibility, int64_t minute) {
    return Proposal{a, b, {}, {}, kind, visibility, kStart + minutes(minute), {}};
  };
  const std::vector<Proposal> evidence{edge(u1, e1, EdgeKind::same_event, Visibility::public_source, 0),
                                       edge(u2, e1, EdgeKind::same_event, Visibility::secret_source, 5),
                                       edge(u1, v1, EdgeKind::login, Visibility::public_source, 1),
                                       edge(v1, e1, EdgeKind::same_event, Visibility::public_source, 2),
                                       edge(c1, u1, EdgeKind::staff, Visibility::secret_source, 9),
                                       edge(c1, v1, EdgeKind::alias, Visibility::secret_source, 3)};
  std::vector<size_t> order(evidence.size());
  std::iota(order.begin(), order.end(), size_t{0});
  do {
    TestingLane lane;
    for (const size_t index : order) static_cast<void>(lane.propose(evidence[index]));
    ASSERT_EQ(groups_of(lane), (Groups{{u1, c1, v1}, {u2, e1}}));
    expect_sound(lane);
  } while (std::ranges::next_permutation(order).found);
}

RC_GTEST_PROP(Order, AnyOrderOfALargerSetGivesTheSameGroupsAndEdges, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps;
  const size_t count = 5 + random() % 60;
  for (size_t i = 0; i < count; ++i) steps.push_back(random_step(random));
  TestingLane first(false);
  for (const Step& step : steps) take(first, step);
  std::shuffle(steps.begin(), steps.end(), random);
  TestingLane second(false);
  for (const Step& step : steps) take(second, step);
  RC_ASSERT(groups_of(first) == groups_of(second));
  RC_ASSERT(edges_of(first) == edges_of(second));
}

// Confirmations come at any moment here. They vouch for nothing, since every claim of a public source goes over a
// visitor; so the order is free too.
RC_GTEST_PROP(Order, AnyOrderOfEvidenceAndConfirmationsGivesTheSameGroups, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps;
  const size_t count = 5 + random() % 50;
  for (size_t i = 0; i < count; ++i) {
    Step step = random_step(random);
    if (step.proposal.a.kind != IdentifierKind::anonymous_id && step.proposal.b.kind != IdentifierKind::anonymous_id) {
      step.proposal.visibility = Visibility::secret_source;
    }
    step.is_confirmation = random() % 8 == 0;
    // The address must be known: the time of a first mention by its confirmation is the lane's own.
    if (step.is_confirmation) step.proposal.a = identifier_at(5 + random() % 9);
    steps.push_back(step);
  }
  const auto run = [&] {
    TestingLane lane(false);
    for (const Step& step : steps) take(lane, step);
    expect_sound(lane);
    return groups_of(lane);
  };
  const Groups expected = run();
  std::shuffle(steps.begin(), steps.end(), random);
  RC_ASSERT(run() == expected);
}

// The components are a cache of the evidence: rebuilt from it they are the same, whichever short way made them.
void expect_rebuilt_the_same(const TestingLane& lane) {
  std::vector<Id128> seeds;
  for (const auto& [key, node] : lane.all<Node>()) seeds.push_back(key);
  const Region region = collect(lane, seeds, Scope::full);
  const Grouping grouping = group_canonically(region);
  std::map<uint32_t, std::set<Identifier>> rebuilt;
  for (size_t i = 0; i < region.nodes.size(); ++i) {
    rebuilt[grouping.group_of[i]].insert(region.nodes[i].node->identifier);
  }
  Groups groups;
  for (const auto& [number, group] : rebuilt) groups.insert(group);
  EXPECT_EQ(groups, groups_of(lane));
}

RC_GTEST_PROP(Soundness, IsWhatTheEvidenceAloneWouldGiveAfterEveryRecord, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  TestingLane lane(false);
  const size_t count = 5 + random() % 40;
  for (size_t i = 0; i < count; ++i) {
    const Step step = random_step(random);
    const uint64_t what = random() % 8;
    if (what == 0) {
      static_cast<void>(lane.confirm(identifier_at(5 + random() % 9)));
    } else if (what == 1) {
      static_cast<void>(lane.separate({step.proposal.a, step.proposal.b, "eva", "", {}}));
    } else {
      static_cast<void>(lane.propose(step.proposal));
    }
    expect_rebuilt_the_same(lane);
    RC_ASSERT(!::testing::Test::HasFailure());
  }
}

// Chains and stars of one person, cut somewhere: the shapes in which a separation takes the short way.
RC_GTEST_PROP(Soundness, ASeparationOfOnePersonIsWhatTheEvidenceAloneWouldGive, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  TestingLane lane(false);
  std::vector<Identifier> members{{IdentifierKind::user_id, "u"}};
  const size_t count = 3 + random() % 20;
  for (size_t i = 1; i < count; ++i) {
    const Identifier next = i == 2 ? Identifier{IdentifierKind::customer_number, "c"}
                                   : Identifier{IdentifierKind::anonymous_id, "v" + std::to_string(i)};
    const Identifier& to = i == 2 ? members.front() : members[random() % members.size()];
    const Timestamp at = kStart + days(10 * static_cast<int64_t>(i));
    const auto kind = static_cast<EdgeKind>(random() % 4);
    static_cast<void>(lane.propose({to, next, {}, {}, kind, Visibility::secret_source, at, {}}));
    members.push_back(next);
  }
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(lane.separate({members[random() % count], members[random() % count], "eva", "", {}}));
    expect_rebuilt_the_same(lane);
    expect_sound(lane);
    RC_ASSERT(!::testing::Test::HasFailure());
  }
}

RC_GTEST_PROP(Soundness, HoldsAfterEveryRecordOfAnyHistory, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  TestingLane lane;
  std::vector<PersonId> met;
  const size_t count = 5 + random() % 40;
  for (size_t i = 0; i < count; ++i) {
    Step step = random_step(random);
    if (random() % 3 == 0) step.proposal.person_a = {{42, random() % 12}};
    if (random() % 3 == 0) step.proposal.person_b = {{42, random() % 12}};
    const uint64_t what = random() % 12;
    if (what == 0) {
      static_cast<void>(lane.confirm(identifier_at(5 + random() % 9)));
    } else if (what == 1) {
      static_cast<void>(lane.separate({step.proposal.a, step.proposal.b, "eva", "", {}}));
    } else if (what == 2) {
      lane.note_person(step.proposal.a, {{43, random() % 20}});
    } else {
      const Verdict verdict = lane.propose(step.proposal);
      for (const PersonChange& change : verdict.changes) met.push_back(change.person);
    }
    expect_sound(lane);
    RC_ASSERT(!::testing::Test::HasFailure());
  }
  // Ids resolve for ever.
  for (const PersonId person : met) RC_ASSERT(lane.find_person(person).has_value());
}

// What a partition does with verdicts: it follows each change. Its bindings must then be the lane's.
RC_GTEST_PROP(Verdicts, CarriedOutOneByOneLeaveEveryBindingAtItsPerson, (uint64_t seed)) {
  std::mt19937_64 random(seed);
  TestingLane lane(false);
  std::map<Identifier, std::pair<PersonId, engine::Partition>> bindings;
  const auto carry_out_changes = [&](const Verdict& verdict) {
    std::set<Identifier> attached;
    for (const PersonChange& change : verdict.changes) {
      for (const Attach& attach : change.attach) {
        RC_ASSERT(attached.insert(attach.identifier).second);
        RC_ASSERT(attach.home == events::home_of(attach.identifier));
        const auto bound = bindings.find(attach.identifier);
        RC_ASSERT((bound == bindings.end() ? PersonId{} : bound->second.first) == attach.former);
        if (bound != bindings.end()) RC_ASSERT(bound->second.second == attach.former_home);
        bindings[attach.identifier] = {change.person, change.home};
      }
    }
  };
  for (int i = 0; i < 40; ++i) {
    const Step step = random_step(random);
    const uint64_t what = random() % 10;
    if (what == 0) {
      carry_out_changes(lane.confirm(identifier_at(5 + random() % 9)));
    } else if (what == 1) {
      const auto verdict = lane.separate({step.proposal.a, step.proposal.b, "eva", "", {}});
      if (verdict.has_value()) carry_out_changes(*verdict);
    } else {
      carry_out_changes(lane.propose(step.proposal));
    }
  }
  for (const auto& [key, component] : lane.all<Component>()) {
    for (const Identifier& member : component->members) {
      const auto bound = bindings.find(member);
      RC_ASSERT((bound == bindings.end() ? PersonId{} : bound->second.first) == component->person);
      if (bound != bindings.end()) RC_ASSERT(bound->second.second == events::home_of(component->strongest));
    }
  }
}

TEST(Hostile, TenThousandIdentifiersOnOneUserStayWithinTheBounds) {
  TestingLane lane(false);
  const Identifier user{IdentifierKind::user_id, "u"};
  size_t held = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Identifier visitor{IdentifierKind::anonymous_id, "v" + std::to_string(i)};
    const Verdict verdict = lane.propose({user,
                                          visitor,
                                          {},
                                          {},
                                          EdgeKind::same_event,
                                          Visibility::public_source,
                                          kStart + days(2 * static_cast<int64_t>(i)),
                                          {}});
    held += verdict.state == VerdictState::held ? 1 : 0;
  }
  const auto person = lane.person_of(user);
  EXPECT_EQ(person->identifiers.size(), kComponentSizeMax);
  EXPECT_EQ(held, 10'000 - kComponentSizeMax + 1);
  const auto node = lane.all<Node>().at(events::key_of(user));
  EXPECT_EQ(node->edges.size(), kPublicEdgesPerNodeMax);
  EXPECT_EQ(lane.review().held.size(), kReviewMax);
  // There is still room for trusted evidence.
  const Verdict trusted = lane.propose(
      {user, {IdentifierKind::customer_number, "c"}, {}, {}, EdgeKind::login, Visibility::secret_source, kStart, {}});
  EXPECT_EQ(trusted.reason, Reason::none);
  expect_sound(lane);
}

TEST(Hostile, OneIdentifierOnEverybodyJoinsNobody) {
  TestingLane lane(false);
  const Identifier shared{IdentifierKind::device, "kiosk"};
  for (int i = 0; i < 2'000; ++i) {
    const Identifier user{IdentifierKind::user_id, "u" + std::to_string(i)};
    static_cast<void>(
        lane.propose({user, shared, {}, {}, EdgeKind::login, Visibility::secret_source, kStart + minutes(i), {}}));
  }
  for (const auto& [key, component] : lane.all<Component>()) EXPECT_EQ(component->members.size(), 1U);
  EXPECT_LE(lane.all<Node>().at(events::key_of(shared))->edges.size(), kEdgesPerNodeMax);
  expect_sound(lane);
}

// 1 … count, odd numbers first, then odd multiples of two, of four …: links of a chain in this order join pieces of
// about equal length, so that building a long chain does not recompute a long one at every step.
std::vector<int> links_halving(int count) {
  std::vector<int> links(static_cast<size_t>(count));
  std::iota(links.begin(), links.end(), 1);
  std::ranges::stable_sort(links, {}, [](int link) { return link & -link; });
  return links;
}

Proposal login(const Identifier& a, const Identifier& b, Visibility visibility, int64_t minute) {
  return {a, b, {}, {}, EdgeKind::login, visibility, kStart + minutes(minute), {}};
}

/// Persons with an address each, chained by claims to the next one's address, which are held.
void chain_persons(TestingLane& lane, int count, Visibility visibility) {
  const auto user = [](int i) { return Identifier{IdentifierKind::user_id, "u" + std::to_string(i)}; };
  const auto email = [](int i) { return Identifier{IdentifierKind::email, "e" + std::to_string(i) + "@example.org"}; };
  for (int i = 0; i <= count; ++i) static_cast<void>(lane.propose(login(user(i), email(i), visibility, 0)));
  for (const int i : links_halving(count)) {
    EXPECT_EQ(lane.propose(login(user(i), email(i - 1), visibility, 1)).state, VerdictState::held);
  }
}

TEST(Hostile, ARegionOfHeldEdgesBeyondItsBoundHoldsWhatIsNewAndBreaksNothing) {
  TestingLane lane(false);
  chain_persons(lane, 600, Visibility::secret_source);
  const Identifier visitor{IdentifierKind::anonymous_id, "v"};
  const Verdict verdict = lane.propose(login({IdentifierKind::user_id, "u300"}, visitor, Visibility::secret_source, 2));
  EXPECT_EQ(verdict.state, VerdictState::held);
  EXPECT_EQ(verdict.reason, Reason::region_too_large);
  // What a person decides, and what an address answers, still happens.
  static_cast<void>(lane.confirm({IdentifierKind::email, "e300@example.org"}));
  const auto separated =
      lane.separate({{IdentifierKind::user_id, "u300"}, {IdentifierKind::email, "e300@example.org"}, "eva", "", {}});
  ASSERT_TRUE(separated.has_value());
  EXPECT_EQ(lane.person_of({IdentifierKind::user_id, "u300"})->identifiers.size(), 1U);
  expect_sound(lane);
}

TEST(Hostile, PublicHeldEdgesDoNotKeepTrustedEvidenceOut) {
  TestingLane lane(false);
  chain_persons(lane, 600, Visibility::public_source);
  const Identifier visitor{IdentifierKind::anonymous_id, "v"};
  const Verdict verdict = lane.propose(login({IdentifierKind::user_id, "u300"}, visitor, Visibility::secret_source, 2));
  EXPECT_EQ(verdict.state, VerdictState::attached);
  expect_sound(lane);
}

TEST(Hostile, AHubThatFlipsInARegionBeyondItsBoundFallsApartSoundly) {
  for (const Visibility visibility : {Visibility::public_source, Visibility::secret_source}) {
    TestingLane lane(false);
    chain_persons(lane, 520, visibility);
    lane.be_strict();
    const Identifier kiosk{IdentifierKind::device, "kiosk"};
    Verdict verdict;
    for (int i = 0; i < 9; ++i) {
      const Identifier user{IdentifierKind::user_id, "u" + std::to_string(300 + i)};
      verdict = lane.propose(login(user, kiosk, visibility, 3));
    }
    EXPECT_EQ(verdict.state, VerdictState::quarantined);
    expect_sound(lane);
  }
}

}  // namespace
}  // namespace terreno::identity
