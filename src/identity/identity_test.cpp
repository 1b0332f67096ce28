#include "identity/identity.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "identity/entities.h"
#include "identity/identity_testing.h"
#include "identity/invariants_testing.h"

namespace terreno::identity {
namespace {

using events::Identifier;
using events::IdentifierKind;
using events::Visibility;

constexpr Timestamp kStart{1'700'000'000'000};

Identifier user(std::string value) { return {IdentifierKind::user_id, std::move(value)}; }
Identifier customer(std::string value) { return {IdentifierKind::customer_number, std::move(value)}; }
Identifier email(std::string value) { return {IdentifierKind::email, std::move(value) + "@example.org"}; }
Identifier visitor(std::string value) { return {IdentifierKind::anonymous_id, std::move(value)}; }
PersonId person(uint64_t number) { return {{42, number}}; }

Proposal secret(const Identifier& a, const Identifier& b, int64_t minute = 0, EdgeKind kind = EdgeKind::same_event) {
  return {
      a, b, {}, {}, kind, Visibility::secret_source, kStart + minutes(minute), {{1, static_cast<uint64_t>(minute)}}};
}
Proposal from_public(const Identifier& a, const Identifier& b, int64_t minute = 0,
                     EdgeKind kind = EdgeKind::same_event) {
  Proposal proposal = secret(a, b, minute, kind);
  proposal.visibility = Visibility::public_source;
  return proposal;
}

bool are_together(TestingLane& lane, const Identifier& a, const Identifier& b) {
  const auto x = lane.person_of(a);
  return x && std::ranges::find(x->identifiers, b) != x->identifiers.end();
}

TEST(Propose, JoinsTwoIdentifiersUnderThePersonOfTheStrongest) {
  TestingLane lane;
  Proposal proposal = secret(user("u1"), visitor("v1"));
  proposal.person_a = person(1);
  proposal.person_b = person(2);
  const Verdict verdict = lane.propose(proposal);
  EXPECT_EQ(verdict.state, VerdictState::merged);
  ASSERT_EQ(verdict.changes.size(), 1U);
  const PersonChange& change = verdict.changes.front();
  EXPECT_EQ(change.person, person(1));
  EXPECT_EQ(change.strongest, user("u1"));
  EXPECT_EQ(change.home, events::home_of(user("u1")));
  EXPECT_EQ(change.absorbed, (std::vector<Absorbed>{{person(2), events::home_of(visitor("v1"))}}));
  const engine::Partition home = events::home_of(visitor("v1"));
  EXPECT_EQ(change.attach, (std::vector<Attach>{{visitor("v1"), home, person(2), home}}));
  EXPECT_EQ(lane.find_person(person(2))->person, person(1));
  expect_sound(lane);
}

TEST(Propose, OfTwoUnknownIdentifiersMakesANewPerson) {
  TestingLane lane;
  const Verdict verdict = lane.propose(secret(visitor("v1"), email("ana")));
  EXPECT_EQ(verdict.state, VerdictState::attached);
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_FALSE(verdict.changes[0].person.is_zero());
  EXPECT_EQ(verdict.changes[0].attach.size(), 2U);
  EXPECT_TRUE(verdict.changes[0].absorbed.empty());
  EXPECT_EQ(verdict.person_a, verdict.changes[0].person);
}

TEST(Propose, AnAliasOfOneselfChangesNothing) {
  TestingLane lane;
  const Verdict verdict = lane.propose(secret(user("u1"), user("u1")));
  EXPECT_EQ(verdict.state, VerdictState::no_op);
  EXPECT_EQ(verdict.reason, Reason::same_identifier);
  EXPECT_TRUE(lane.bytes().empty());
}

TEST(Propose, AnswersARepeatWithoutChangingAnyGroup) {
  TestingLane lane;
  const Verdict first = lane.propose(secret(user("u1"), visitor("v1")));
  const Verdict again = lane.propose(secret(visitor("v1"), user("u1"), 5));
  EXPECT_EQ(again.state, VerdictState::already);
  EXPECT_EQ(again.person_a, first.person_a);
  EXPECT_TRUE(again.changes.empty());
}

TEST(Propose, GainingAStrongerKindMovesThePersonAndKeepsTheId) {
  TestingLane lane;
  Proposal first = secret(email("ana"), visitor("v1"));
  first.person_a = person(1);
  static_cast<void>(lane.propose(first));
  const Verdict verdict = lane.propose(secret(user("u1"), email("ana"), 1));
  ASSERT_EQ(verdict.changes.size(), 1U);
  const PersonChange& change = verdict.changes[0];
  EXPECT_EQ(verdict.state, VerdictState::attached);
  EXPECT_EQ(change.person, person(1));
  EXPECT_EQ(change.strongest, user("u1"));
  EXPECT_EQ(change.absorbed, (std::vector<Absorbed>{{person(1), events::home_of(email("ana"))}}));
  EXPECT_EQ(change.attach.size(), 3U);
}

TEST(Propose, ASecondAddressDoesNotMoveThePerson) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(email("zoe"), visitor("v1"))));
  const Verdict verdict = lane.propose(secret(visitor("v1"), email("ana"), 1));
  ASSERT_EQ(verdict.changes.size(), 1U);
  EXPECT_EQ(verdict.changes[0].strongest, email("zoe"));
  EXPECT_TRUE(verdict.changes[0].absorbed.empty());
}

TEST(Propose, HoldsASecondUserIdAndListsItForReview) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("u1"), email("ana"))));
  const Verdict verdict = lane.propose(secret(user("u2"), email("ana"), 1));
  EXPECT_EQ(verdict.state, VerdictState::held);
  EXPECT_EQ(verdict.reason, Reason::two_user_ids);
  EXPECT_FALSE(are_together(lane, user("u1"), user("u2")));
  const ReviewList review = lane.review();
  ASSERT_EQ(review.held.size(), 1U);
  EXPECT_EQ(review.held[0].reason, Reason::two_user_ids);
  expect_sound(lane);
}

TEST(Propose, HoldsTheSixthAddressAndTheSixthVisitorOfAWeek) {
  TestingLane lane;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(lane.propose(secret(user("u1"), email("e" + std::to_string(i)))).state, VerdictState::attached);
    EXPECT_EQ(lane.propose(secret(user("u1"), visitor("v" + std::to_string(i)))).state, VerdictState::attached);
  }
  EXPECT_EQ(lane.propose(secret(user("u1"), email("e5"), 9)).reason, Reason::too_many_emails);
  EXPECT_EQ(lane.propose(secret(user("u1"), visitor("v5"), 9)).reason, Reason::too_many_anonymous_ids);
  EXPECT_EQ(lane.propose(secret(user("u1"), visitor("v6"), 60 * 24 * 8)).state, VerdictState::attached);
  expect_sound(lane);
}

TEST(Propose, ALateEventThatMovesAVisitorIntoAFullWeekSplitsItOff) {
  TestingLane lane;
  for (int i = 0; i < 5; ++i) static_cast<void>(lane.propose(secret(user("u1"), visitor("v" + std::to_string(i)), i)));
  const int64_t later = int64_t{60} * 24 * 30;
  EXPECT_EQ(lane.propose(secret(user("u1"), visitor("late"), later)).state, VerdictState::attached);
  const Verdict verdict = lane.propose(secret(user("u1"), visitor("late"), 3));
  EXPECT_EQ(verdict.state, VerdictState::already);
  EXPECT_FALSE(verdict.changes.empty());
  expect_sound(lane);
}

TEST(Propose, TrustedEvidenceTakesAnAddressFromAPublicClaim) {
  TestingLane lane;
  static_cast<void>(lane.propose(from_public(user("claimant"), email("ana"))));
  const Verdict verdict = lane.propose(secret(user("ana"), email("ana"), 5));
  EXPECT_EQ(verdict.state, VerdictState::attached);
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
  EXPECT_FALSE(are_together(lane, user("claimant"), email("ana")));
  expect_sound(lane);
}

TEST(Hub, IsQuarantinedAndItsEdgesHeld) {
  TestingLane lane;
  Verdict verdict;
  for (int i = 0; i < 9; ++i) verdict = lane.propose(secret(user("u" + std::to_string(i)), visitor("kiosk"), i));
  EXPECT_EQ(verdict.state, VerdictState::quarantined);
  EXPECT_EQ(verdict.reason, Reason::hub);
  EXPECT_EQ(lane.person_of(visitor("kiosk"))->identifiers.size(), 1U);
  EXPECT_EQ(lane.propose(secret(user("u99"), visitor("kiosk"), 99)).state, VerdictState::quarantined);
  expect_sound(lane);
}

TEST(Hub, IsNotMadeOfAnAddressByInventedUsersOfAPublicSource) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), email("ana"))));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(lane.propose(from_public(user("fake" + std::to_string(i)), email("ana"), i)).reason,
              Reason::public_source);
  }
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
  expect_sound(lane);
}

TEST(Blocked, ValuesJoinNobody) {
  for (const char* value : {"", "null", "UNDEFINED", "0000", "00-00", "-1", "test@test.com", "Anonymous"}) {
    EXPECT_TRUE(is_blocked({IdentifierKind::user_id, value})) << value;
  }
  EXPECT_TRUE(is_blocked({IdentifierKind::phone, "+77777777"}));
  EXPECT_FALSE(is_blocked({IdentifierKind::phone, "+34600111222"}));
  EXPECT_FALSE(is_blocked({IdentifierKind::user_id, "100"}));
  TestingLane lane;
  EXPECT_EQ(lane.propose(secret(user("null"), visitor("v1"))).state, VerdictState::blocked);
  EXPECT_EQ(lane.propose(secret(user("null"), visitor("v2"))).state, VerdictState::blocked);
  EXPECT_FALSE(are_together(lane, visitor("v1"), visitor("v2")));
  EXPECT_EQ(lane.propose(secret(user(std::string(100'000, 'x')), visitor("v1"))).state, VerdictState::blocked);
  const Explanation why = lane.explain(visitor("v1"), visitor("v2"));
  ASSERT_FALSE(why.held.empty());
  EXPECT_EQ(why.held[0].reason, Reason::blocked_value);
  expect_sound(lane);
}

// -- A public key tries to take over a person -------------------------------------------------------------------------

TEST(PublicSource, TiesItsVisitorAndBindsAnAddressThatNobodyHolds) {
  TestingLane lane;
  EXPECT_EQ(lane.propose(from_public(user("u1"), visitor("v1"))).state, VerdictState::attached);
  EXPECT_EQ(lane.propose(from_public(user("u1"), email("ana"))).state, VerdictState::attached);
  expect_sound(lane);
}

TEST(PublicSource, NeverTakesAnAddressFromItsPerson) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), email("ana"), 10)));
  for (const EdgeKind kind : {EdgeKind::same_event, EdgeKind::login, EdgeKind::alias, EdgeKind::staff}) {
    const Verdict verdict = lane.propose(from_public(user("mallory"), email("ana"), 0, kind));
    EXPECT_EQ(verdict.state, VerdictState::held);
    EXPECT_EQ(verdict.reason, Reason::public_source);
    EXPECT_TRUE(verdict.changes.empty());
  }
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
}

TEST(PublicSource, NeverTakesAnAddressThatAnotherPublicClaimHeldBefore) {
  TestingLane lane;
  static_cast<void>(lane.propose(from_public(user("ana"), email("ana"), 1)));
  EXPECT_EQ(lane.propose(from_public(user("mallory"), email("ana"), 2, EdgeKind::alias)).state, VerdictState::held);
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
}

TEST(PublicSource, NeverJoinsTwoIdentifiedPersonsEvenOverAVisitor) {
  TestingLane lane;
  static_cast<void>(lane.propose(from_public(user("mallory"), visitor("v"), 0)));
  EXPECT_EQ(lane.propose(from_public(customer("c-ana"), visitor("v"), 1)).reason, Reason::public_source);
  EXPECT_EQ(lane.propose(from_public(customer("c-ana"), user("mallory"), 1, EdgeKind::alias)).reason,
            Reason::public_source);
  expect_sound(lane);
}

TEST(PublicSource, AnOwnConfirmedAddressDoesNotEnterAnothersPerson) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), email("ana"))));
  // Directly, knowing the victim's user id, and over a visitor, knowing the address.
  static_cast<void>(lane.propose(from_public(user("ana"), email("mallory"), 1)));
  static_cast<void>(lane.propose(from_public(visitor("m"), email("ana"), 2)));
  static_cast<void>(lane.propose(from_public(visitor("m"), email("mallory2"), 3)));
  static_cast<void>(lane.confirm(email("mallory")));
  static_cast<void>(lane.confirm(email("mallory2")));
  EXPECT_FALSE(are_together(lane, user("ana"), email("mallory")));
  EXPECT_FALSE(are_together(lane, user("ana"), email("mallory2")));
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
  expect_sound(lane);
}

TEST(Confirm, LeavesASignUpOnTheWebOnePerson) {
  TestingLane lane;
  const Verdict joined = lane.propose(from_public(user("ana"), email("ana")));
  static_cast<void>(lane.propose(from_public(user("ana"), visitor("v"), 1)));
  const Verdict verdict = lane.confirm(email("ana"));
  EXPECT_EQ(verdict.state, VerdictState::already);
  EXPECT_TRUE(verdict.changes.empty());
  EXPECT_EQ(verdict.person_a, joined.person_a);
  EXPECT_TRUE(are_together(lane, user("ana"), email("ana")));
  EXPECT_EQ(lane.confirm(email("ana")).state, VerdictState::no_op);
  EXPECT_EQ(lane.confirm(user("ana")).state, VerdictState::no_op);
  expect_sound(lane);
}

TEST(Confirm, SplitsOffAnAddressThatOnlyAVisitorBoundToAPerson) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), visitor("v"))));
  static_cast<void>(lane.propose(secret(visitor("v"), email("ben"), 1)));
  EXPECT_TRUE(are_together(lane, user("ana"), email("ben")));
  const Verdict verdict = lane.confirm(email("ben"));
  EXPECT_FALSE(verdict.changes.empty());
  EXPECT_FALSE(are_together(lane, user("ana"), email("ben")));
  const Explanation why = lane.explain(user("ana"), email("ben"));
  ASSERT_FALSE(why.held.empty());
  EXPECT_EQ(why.held[0].reason, Reason::weak_edge);
  expect_sound(lane);
}

// -- Ids --------------------------------------------------------------------------------------------------------------

TEST(Ids, TheHolderOfTheStrongestIdentifierSurvives) {
  TestingLane lane;
  Proposal proposal = secret(email("ana"), visitor("v"), 0);
  proposal.person_a = person(1);
  static_cast<void>(lane.propose(proposal));
  proposal = secret(user("ana"), visitor("w"), 5);
  proposal.person_a = person(2);
  static_cast<void>(lane.propose(proposal));
  const Verdict verdict = lane.propose(secret(user("ana"), email("ana"), 9));
  EXPECT_EQ(verdict.state, VerdictState::merged);
  EXPECT_EQ(verdict.changes[0].person, person(2));
  EXPECT_EQ(lane.find_person(person(1))->person, person(2));
  expect_sound(lane);
}

TEST(Ids, ASplitRevivesNoAbsorbedId) {
  TestingLane lane;
  Proposal proposal = secret(user("ana"), visitor("v"), 0);
  proposal.person_a = person(1);
  static_cast<void>(lane.propose(proposal));
  proposal = secret(customer("c1"), visitor("w"), 5);
  proposal.person_a = person(2);
  static_cast<void>(lane.propose(proposal));
  static_cast<void>(lane.propose(secret(user("ana"), customer("c1"), 9)));
  EXPECT_EQ(lane.find_person(person(1))->person, person(2));
  const auto verdict = lane.separate({user("ana"), customer("c1"), "eva", "two people", {}});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->person_b, person(2));
  EXPECT_EQ(lane.person_of(visitor("w"))->person, person(2));
  const PersonId anew = verdict->person_a;
  EXPECT_TRUE(anew != person(1) && anew != person(2));
  EXPECT_EQ(lane.person_of(visitor("v"))->person, anew);
  EXPECT_EQ(lane.find_person(person(1))->person, anew) << "asked for the old id, the lane names whom it was first";
  expect_sound(lane);
}

TEST(Ids, AnIdNotedByAHomeStaysAnAliasAlsoAfterASplit) {
  TestingLane lane;
  Proposal proposal = secret(user("ana"), email("ana"), 0);
  proposal.person_a = person(1);
  static_cast<void>(lane.propose(proposal));
  lane.note_person(email("ana"), person(7));
  lane.note_person(email("ana"), person(1));
  EXPECT_EQ(lane.find_person(person(7))->person, person(1));
  ASSERT_TRUE(lane.separate({user("ana"), email("ana"), "eva", "", {}}).has_value());
  const PersonId anew = lane.person_of(email("ana"))->person;
  EXPECT_TRUE(anew != person(7) && anew != person(1));
  EXPECT_EQ(lane.find_person(person(7))->person, anew);
  EXPECT_EQ(lane.person_of(user("ana"))->person, person(1));
  expect_sound(lane);
}

TEST(Ids, OneIdIsNeverGivenToTwoComponents) {
  TestingLane lane;
  Proposal proposal = secret(user("ana"), visitor("v"), 0);
  proposal.person_a = person(1);
  static_cast<void>(lane.propose(proposal));
  proposal = secret(user("ben"), visitor("w"), 0);
  proposal.person_a = person(1);
  const Verdict verdict = lane.propose(proposal);
  EXPECT_NE(verdict.person_a, person(1));
  expect_sound(lane);
}

// -- Two people -------------------------------------------------------------------------------------------------------

TEST(Separate, AReplayDoesNotMergeAgain) {
  TestingLane lane;
  const std::vector<Proposal> history{secret(user("ana"), email("ana"), 0), secret(user("ana"), visitor("v"), 1),
                                      secret(visitor("v"), email("ana"), 2, EdgeKind::login)};
  for (const Proposal& proposal : history) static_cast<void>(lane.propose(proposal));
  ASSERT_TRUE(lane.separate({user("ana"), email("ana"), "eva", "mother and daughter", {}}).has_value());
  EXPECT_FALSE(are_together(lane, user("ana"), email("ana")));
  for (const Proposal& proposal : history) static_cast<void>(lane.propose(proposal));
  static_cast<void>(lane.propose(secret(user("ana"), email("ana"), 3, EdgeKind::alias)));
  static_cast<void>(lane.propose(secret(user("ana"), visitor("n"), 3)));
  EXPECT_EQ(lane.propose(secret(email("ana"), visitor("n"), 3)).reason, Reason::cannot_link);
  EXPECT_FALSE(are_together(lane, user("ana"), email("ana")));
  expect_sound(lane);
}

TEST(Separate, RemovesTheWeakestEdgesThatPartTheTwo) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), visitor("v"), 0, EdgeKind::login)));
  static_cast<void>(lane.propose(from_public(visitor("v"), visitor("w"), 1)));
  static_cast<void>(lane.propose(secret(visitor("w"), email("ben"), 2)));
  const Explanation before = lane.explain(user("ana"), email("ben"));
  ASSERT_EQ(before.cut.size(), 1U);
  EXPECT_EQ(before.cut[0].a, visitor("v"));
  EXPECT_EQ(before.path.size(), 3U);
  EXPECT_EQ(before.bridges.size(), 3U);
  EXPECT_EQ(before.bridges[0].visibility, Visibility::public_source);
  ASSERT_TRUE(lane.separate({user("ana"), email("ben"), "eva", "", {}}).has_value());
  EXPECT_TRUE(are_together(lane, visitor("w"), email("ben")));
  EXPECT_TRUE(are_together(lane, visitor("v"), user("ana")));
  expect_sound(lane);
}

TEST(Separate, OfStrangersIsAnError) {
  TestingLane lane;
  static_cast<void>(lane.propose(secret(user("ana"), visitor("v"))));
  EXPECT_EQ(lane.separate({user("ana"), user("ben"), "", "", {}}).error().code, Errc::unknown_identifier);
  EXPECT_EQ(lane.separate({user("ana"), user("ana"), "", "", {}}).error().code, Errc::same_identifier);
}

TEST(Explain, TakesThePathWhoseWeakestEdgeIsStrongest) {
  TestingLane lane;
  static_cast<void>(lane.propose(from_public(user("ana"), email("ana"), 0)));
  static_cast<void>(lane.propose(secret(user("ana"), visitor("v"), 1, EdgeKind::login)));
  static_cast<void>(lane.propose(secret(visitor("v"), email("ana"), 2, EdgeKind::login)));
  const Explanation why = lane.explain(user("ana"), email("ana"));
  EXPECT_TRUE(why.together);
  ASSERT_EQ(why.path.size(), 2U);
  EXPECT_EQ(why.path[0].kind, EdgeKind::login);
  EXPECT_TRUE(why.bridges.empty());
}

// -- Encoding ---------------------------------------------------------------------------------------------------------

TEST(Entities, ReadBackAsTheyWereWritten) {
  TestingLane lane;
  for (int i = 0; i < 12; ++i) static_cast<void>(lane.propose(secret(user("u" + std::to_string(i)), visitor("k"), i)));
  static_cast<void>(lane.propose(secret(user("u0"), email("e"), 0)));
  ASSERT_TRUE(lane.separate({user("u0"), email("e"), "eva", "no", {}}).has_value());
  size_t tables = 0;
  for (const auto& [key, bytes] : lane.bytes()) {
    const auto entity = decode_entity(key, bytes);
    ASSERT_NE(entity, nullptr) << int{key.table};
    std::string again;
    Writer out(again);
    entity->encode(out);
    EXPECT_EQ(again, bytes);
    EXPECT_EQ(decode_entity(key, std::string_view(bytes).substr(0, bytes.size() - 1)), nullptr);
    EXPECT_EQ(decode_entity(key, bytes + "x"), nullptr);
    tables |= size_t{1} << (key.table - 100);
  }
  EXPECT_EQ(tables, 0b111111U);
}

}  // namespace
}  // namespace terreno::identity
