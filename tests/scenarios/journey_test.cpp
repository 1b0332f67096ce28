// Ways that people travel, also when two of them turn out to be one.

#include "documents.h"
#include "world.h"

namespace terreno::scenarios {
namespace {

std::vector<flow::Document> waiting_documents() {
  return {topic("tips"),
          message("hello"),
          message("second-tip"),
          {"journeys/welcome.yaml",
           "kind: journey\nname: welcome\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n  trigger: {event: "
           "Signed Up}\n  steps:\n    - wait: 2d\n    - wait_until: {event: Order Completed, within: 3d, then: [{exit: "
           "{}}]}\n    - send: {template: second-tip, topic: tips}\n"},
          policy("  time_zone: Europe/Madrid\n")};
}

void ana_arrives(World& world) {
  world.consent(consent::Action::grant, "ana@example.org");
  world.server(
      R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}})");
  world.settle();
}

TEST(Journey, ABackDatedEventChangesWhatIsKnownAndStartsNothing) {
  tell(welcome_documents(), [](World& world) {
    ana_arrives(world);
    world.server(
        R"({"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up","timestamp":"2024-01-05T10:00:00Z"})");
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    const auto ana = world.user("u-1");
    EXPECT_TRUE(world.decisions(*ana).empty());
    ASSERT_TRUE(world.journeys(*ana));
    EXPECT_EQ(world.journeys(*ana)->traces[0].stopped_by, "late");
    EXPECT_EQ(format_iso8601(world.timeline(*ana).front().at), "2024-01-05T10:00:00.000Z");
  });
}

TEST(Journey, AWaitEndsByItselfOnceAlsoAfterCrashes) {
  tell(waiting_documents(), [](World& world) {
    ana_arrives(world);
    world.server(R"({"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    world.pass(days(1));
    world.crash(0);
    world.settle();
    world.pass(days(3));
    EXPECT_TRUE(world.mails.empty());
    world.crash();
    world.settle();
    world.pass(days(2));
    world.pass(days(10));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].message, "second-tip");
  });
}

TEST(Journey, TheEventThatIsWaitedForEndsTheJourney) {
  tell(waiting_documents(), [](World& world) {
    ana_arrives(world);
    world.server(R"({"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    world.pass(days(3));
    world.server(R"({"type":"track","userId":"u-1","messageId":"m3","event":"Order Completed"})");
    world.settle();
    world.pass(days(10));
    EXPECT_TRUE(world.mails.empty());
    EXPECT_TRUE(world.journeys(*world.user("u-1"))->instances.empty());
  });
}

TEST(Journey, AMergeWhileBothSidesWaitLeavesOneOfThem) {
  tell(waiting_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    // She signs up as a visitor, and a day later once more with her account.
    world.server(R"({"type":"track","anonymousId":"a-1","messageId":"m1","event":"Signed Up"})");
    world.settle();
    world.pass(days(1));
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m2","traits":{"email":"ana@example.org","country":"ES"}},
           {"type":"track","userId":"u-1","messageId":"m3","event":"Signed Up"})");
    world.settle();
    EXPECT_EQ(world.people(), 2u);
    world.server(R"({"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m4"})");
    world.settle();
    EXPECT_EQ(world.people(), 1u);
    const auto ana = world.user("u-1");
    ASSERT_EQ(world.journeys(*ana)->instances.size(), 1u);
    // The older of the two stays: five days after the first sign-up.
    world.pass(minutes(4 * 24 * 60 - 1));
    EXPECT_TRUE(world.mails.empty());
    world.pass(minutes(2));
    EXPECT_EQ(world.mails.size(), 1u);
    world.pass(days(20));
    EXPECT_EQ(world.mails.size(), 1u);
  });
}

// Both have the welcome of the same night waiting, each under another id.
void sign_up_twice_at_night(World& world) {
  world.consent(consent::Action::grant, "ana@example.org");
  world.server(
      R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}},
                  {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
  world.settle();
  world.server(R"({"type":"track","anonymousId":"a-1","messageId":"m3","event":"Signed Up"},
                  {"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m4"})");
  world.settle();
  ASSERT_EQ(world.people(), 1u);
}

TEST(Journey, AMergeWhileBothHoldTheSameMessageSendsOne) {
  auto documents = welcome_documents();
  documents.back() = policy("  time_zone: Europe/Madrid\n  quiet_hours: {from: '00:00', to: '23:59'}\n");
  tell(documents, [](World& world) {
    sign_up_twice_at_night(world);
    const auto decisions = world.decisions(*world.user("u-1"));
    ASSERT_EQ(decisions.size(), 2u);
    const auto held = std::ranges::find(decisions, contact::DecisionState::held_quiet_hours, &contact::Decision::state);
    const auto closed = std::ranges::find(decisions, contact::DecisionState::superseded, &contact::Decision::state);
    ASSERT_NE(held, decisions.end());
    ASSERT_NE(closed, decisions.end());
    EXPECT_EQ(closed->winner, held->id);
    world.pass(days(2));
    EXPECT_EQ(world.mails.size(), 1u);
  });
}

TEST(Journey, AJourneyThatMayBeEnteredAgainKeepsBothMessages) {
  auto documents = welcome_documents();
  documents[2] = sends("welcome", "Signed Up", "hello", "", "  reentry: always\n");
  documents.back() = policy("  time_zone: Europe/Madrid\n  quiet_hours: {from: '00:00', to: '23:59'}\n");
  tell(documents, [](World& world) {
    sign_up_twice_at_night(world);
    world.pass(days(2));
    EXPECT_EQ(world.mails.size(), 2u);
  });
}

TEST(Journey, ConditionsSeeTheWholePersonAlsoInASignUpsFirstBatch) {
  auto documents = welcome_documents();
  documents[2].text.replace(documents[2].text.find("{event: Signed Up}"), 18,
                            "{event: Signed Up, if: 'allows(email, \"tips\")'}");
  tell(documents, [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.settle();
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}},
           {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    EXPECT_EQ(world.mails.size(), 1u);
  });
}

TEST(Journey, WhoTurnsOutToBeKnownIsNotWelcomedTwice) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","anonymousId":"a-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}})");
    world.settle();
    world.server(R"({"type":"track","anonymousId":"a-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    EXPECT_EQ(world.mails.size(), 1u);
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m3","traits":{"email":"ana@example.org"}},
           {"type":"track","userId":"u-1","messageId":"m4","event":"Signed Up"})");
    world.settle();
    EXPECT_EQ(world.people(), 1u);
    EXPECT_EQ(world.mails.size(), 1u);
  });
}

TEST(Journey, APersonStaysOnTheVersionTheyEntered) {
  tell(waiting_documents(), [](World& world) {
    ana_arrives(world);
    world.server(R"({"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    auto documents = waiting_documents();
    documents[3].text.replace(documents[3].text.find("second-tip"), 10, "hello");
    world.apply(documents);
    world.pass(days(6));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].message, "second-tip");
  });
}

TEST(Profile, WhatSheSaidOnThePhoneIsObeyedByTheNextLetter) {
  auto documents = welcome_documents();
  documents[1].text.replace(documents[1].text.find("Hello {{"), 5, "Dear {{ person.role }}");
  tell(documents, [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES","role":"patient"}})");
    world.settle();
    world.correct(world.user("u-1")->id, "role", "\"carer\"", profiles::Rank::stated);
    world.settle();
    // The system goes on believing what it believed.
    world.server(R"({"type":"identify","userId":"u-1","messageId":"m3","traits":{"role":"patient"}},
                    {"type":"track","userId":"u-1","messageId":"m4","event":"Signed Up"})");
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_NE(world.mails[0].data.find(R"("role":"carer")"), std::string::npos) << world.mails[0].data;
    EXPECT_EQ(world.user("u-1")->text("role"), "carer");
  });
}

}  // namespace
}  // namespace terreno::scenarios
