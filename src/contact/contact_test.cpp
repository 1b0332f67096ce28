#include "contact/contact.h"

#include <gtest/gtest.h>

namespace terreno::contact {
namespace {

Timestamp at(std::string_view text) { return parse_iso8601(text).value().time; }

Policy policy(uint32_t per_day = 1) {
  Policy made;
  made.caps.push_back({consent::Channel::email, "", Period::day, per_day});
  made.quiet_hours = {21 * 60, 8 * 60};
  made.default_time_zone = "Europe/Madrid";
  return made;
}

Decision intent(std::string_view name, Timestamp now, int priority = 5, Duration later = days(2)) {
  Decision decision;
  decision.id = {hash128(name)};
  decision.journey = name;
  decision.priority = priority;
  decision.wanted_at = now;
  decision.later_until = now + later;
  return decision;
}

Circumstances circumstances(Timestamp now) {
  return {now, "Europe/Madrid", false, false, consent::Address{consent::Channel::email, "ana@example.org"}};
}

TEST(Arbiter, TheLoserOfASlotNamesTheWinnerAndGoesWhenItIsFreed) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision first = intent("first", noon), second = intent("second", noon);
  decide(contact, first, policy(), circumstances(noon));
  decide(contact, second, policy(), circumstances(noon));
  EXPECT_EQ(first.state, DecisionState::open);
  ASSERT_EQ(second.state, DecisionState::held_cap);
  EXPECT_EQ(second.winner, first.id);
  // Midnight in Madrid: the next calendar day.
  EXPECT_EQ(second.wakes_at, at("2026-06-01T22:00:00Z"));

  EXPECT_TRUE(close(contact, first, DecisionState::refused_consent, {}, noon));
  decide(contact, second, policy(), circumstances(noon));
  EXPECT_EQ(second.state, DecisionState::open);
  EXPECT_TRUE(contact.held.empty());
}

TEST(Arbiter, WhatWasSentOrMayHaveBeenSentKeepsItsSlot) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  for (const DecisionState outcome : {DecisionState::sent, DecisionState::unknown}) {
    ContactState contact;
    Decision decision = intent("one", noon);
    decide(contact, decision, policy(), circumstances(noon));
    EXPECT_FALSE(close(contact, decision, outcome, {}, noon));
    EXPECT_EQ(contact.reservations.size(), 1u);
  }
}

TEST(Arbiter, ASlotIsGivenBackOnce) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision decision = intent("one", noon);
  decide(contact, decision, policy(2), circumstances(noon));
  EXPECT_TRUE(close(contact, decision, DecisionState::bounced, {}, noon));
  EXPECT_FALSE(close(contact, decision, DecisionState::bounced, {}, noon));
}

TEST(Arbiter, AnIntentThatMayNotWaitIsRefused) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision first = intent("first", noon), second = intent("second", noon, 5, {});
  decide(contact, first, policy(), circumstances(noon));
  decide(contact, second, policy(), circumstances(noon));
  EXPECT_EQ(second.state, DecisionState::refused_cap);
  EXPECT_EQ(second.winner, first.id);
}

TEST(Arbiter, ACapOfNothingRefusesWhateverHasBeenSentBefore) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision before = intent("before", noon);
  decide(contact, before, policy(), circumstances(noon));
  Decision decision = intent("now", noon, 5, days(30));
  decide(contact, decision, policy(0), circumstances(noon));
  EXPECT_EQ(decision.state, DecisionState::refused_cap);
  EXPECT_EQ(decision.winner, before.id);
}

TEST(Arbiter, AHeldIntentThatIsDecidedAgainDoesNotCountAgainstItself) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision first = intent("first", noon);
  decide(contact, first, policy(), circumstances(noon));
  std::vector<Decision> held;
  for (size_t i = 0; i < ContactState::kHeldMax; ++i) {
    held.push_back(intent("held" + std::to_string(i), noon));
    decide(contact, held.back(), policy(), circumstances(noon));
    ASSERT_EQ(held.back().state, DecisionState::held_cap);
  }
  decide(contact, held.front(), policy(), circumstances(noon));
  EXPECT_EQ(held.front().state, DecisionState::held_cap);
  Decision beyond = intent("beyond", noon);
  decide(contact, beyond, policy(), circumstances(noon));
  EXPECT_EQ(beyond.state, DecisionState::refused_cap);
  Circumstances open = circumstances(noon);
  open.identity_open = true;
  Decision waiting = intent("waiting", noon);
  decide(contact, waiting, policy(), open);
  EXPECT_EQ(waiting.state, DecisionState::expired);
  EXPECT_EQ(contact.held.size(), ContactState::kHeldMax);
}

TEST(Arbiter, TransactionalMessagesAreNeitherCappedNorQuiet) {
  const Timestamp night = at("2026-06-01T23:00:00Z");
  ContactState contact;
  for (int i = 0; i < 5; ++i) {
    Decision decision = intent("receipt" + std::to_string(i), night);
    decision.message_class = consent::MessageClass::transactional;
    decide(contact, decision, policy(), circumstances(night));
    EXPECT_EQ(decision.state, DecisionState::open);
  }
  EXPECT_TRUE(contact.reservations.empty());
}

TEST(Arbiter, AnOpenIdentityHoldsTheDecision) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision decision = intent("welcome", noon);
  Circumstances open = circumstances(noon);
  open.identity_open = true;
  decide(contact, decision, policy(), open);
  EXPECT_EQ(decision.state, DecisionState::held_identity);
  EXPECT_TRUE(contact.reservations.empty());
  decide(contact, decision, policy(), circumstances(noon));
  EXPECT_EQ(decision.state, DecisionState::open);
}

TEST(Arbiter, HeldIntentsGoByPriorityThenAge) {
  const Decision low = intent("low", {1}, 3), high = intent("high", {2}, 8), older = intent("older", {0}, 3);
  EXPECT_EQ(release_order({&low, &high, &older}), (std::vector<DecisionId>{high.id, older.id, low.id}));
}

TEST(QuietHours, CrossMidnightInThePersonsZone) {
  const QuietHours quiet{21 * 60, 8 * 60};
  EXPECT_EQ(quiet_until(quiet, "Europe/Madrid", at("2026-06-01T20:30:00Z")), at("2026-06-02T06:00:00Z"));
  EXPECT_EQ(quiet_until(quiet, "Europe/Madrid", at("2026-06-02T01:00:00Z")), at("2026-06-02T06:00:00Z"));
  EXPECT_EQ(quiet_until(quiet, "Europe/Madrid", at("2026-06-02T06:00:00Z")), at("2026-06-02T06:00:00Z"));
}

TEST(QuietHours, ALocalTimeThatDoesNotExistMovesForwardAndOneThatOccursTwiceCountsOnce) {
  // On 2026-03-29 02:30 does not exist in Madrid; on 2026-10-25 it occurs twice.
  const QuietHours quiet{21 * 60, 2 * 60 + 30};
  EXPECT_EQ(quiet_until(quiet, "Europe/Madrid", at("2026-03-28T22:00:00Z")), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(quiet_until(quiet, "Europe/Madrid", at("2026-10-24T22:00:00Z")), at("2026-10-25T00:30:00Z"));
}

TEST(QuietHours, AZoneNameCannotReadAFileElsewhere) {
  EXPECT_FALSE(is_time_zone("/etc/passwd"));
  EXPECT_FALSE(is_time_zone("../../etc/passwd"));
  EXPECT_TRUE(is_time_zone("Europe/Paris"));
}

TEST(AddressCounter, CountsTheLastHour) {
  AddressCounter counter;
  EXPECT_TRUE(counter.take({0}, 2));
  EXPECT_TRUE(counter.take({1}, 2));
  EXPECT_FALSE(counter.take({2}, 2));
  EXPECT_TRUE(counter.take(Timestamp{2} + hours(1), 2));
}

TEST(Decision, ReadsBackAsItWasWritten) {
  const Timestamp noon = at("2026-06-01T12:00:00Z");
  ContactState contact;
  Decision decision = intent("one", noon);
  decide(contact, decision, policy(), circumstances(noon));
  for (const engine::Entity* entity :
       {static_cast<const engine::Entity*>(&decision), static_cast<const engine::Entity*>(&contact)}) {
    std::string bytes, again;
    Writer writer(bytes);
    entity->encode(writer);
    Writer second(again);
    if (entity == &decision) {
      Decision::decode(bytes)->encode(second);
    } else {
      ContactState::decode(bytes)->encode(second);
    }
    EXPECT_EQ(again, bytes);
  }
}

}  // namespace
}  // namespace terreno::contact
