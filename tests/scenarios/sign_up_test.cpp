// From a visitor without a name to a person who is written to.

#include "documents.h"
#include "world.h"

namespace terreno::scenarios {
namespace {

using contact::DecisionState;

TEST(SignUp, AnAnonymousVisitorBecomesAKnownPersonWithTheirHistory) {
  tell(welcome_documents(), [](World& world) {
    world.browser(R"({"type":"page","anonymousId":"a-1","messageId":"m1","name":"Home"},
                     {"type":"track","anonymousId":"a-1","messageId":"m2","event":"Product Viewed"})");
    world.settle();
    const auto visitor = world.person(events::IdentifierKind::anonymous_id, "a-1");
    ASSERT_TRUE(visitor);
    world.browser(
        R"({"type":"identify","anonymousId":"a-1","userId":"u-1","messageId":"m3","traits":{"first_name":"Ana"}})");
    world.settle();

    const auto ana = world.user("u-1");
    ASSERT_TRUE(ana);
    EXPECT_EQ(ana->text("first_name"), "Ana");
    EXPECT_EQ(ana->identifiers.size(), 2u);
    EXPECT_FALSE(ana->is_identity_open());
    EXPECT_EQ(world.person(events::IdentifierKind::anonymous_id, "a-1")->id, ana->id);
    EXPECT_EQ(world.timeline(*ana).size(), 3u);
    EXPECT_EQ(world.people(), 1u);
    // What the visitor does afterwards is hers.
    world.browser(R"({"type":"track","anonymousId":"a-1","messageId":"m4","event":"Product Viewed"})");
    world.settle();
    EXPECT_EQ(world.timeline(*world.user("u-1")).size(), 4u);
    EXPECT_EQ(world.people(), 1u);
  });
}

TEST(SignUp, ASignUpAndItsWelcomeInOneBatch) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m1","traits":{"email":"ana@Example.org","first_name":"Ana","country":"ES"}},
                    {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].to, "ana@example.org");
    EXPECT_EQ(world.mails[0].message, "hello");
    EXPECT_FALSE(world.mails[0].proof.entry_ids.empty());
    const auto decisions = world.decisions(*world.user("u-1"));
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].state, DecisionState::sent);
    EXPECT_TRUE(world.journeys(*world.user("u-1"))->waiting.empty());
  });
}

TEST(SignUp, AVisitorsEventBesideTheirIdentifyWaitsForTheAddress) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    // The event does not name the account yet: it reaches the visitor's home, where nobody knows of one.
    world.server(
        R"({"type":"track","anonymousId":"a-1","messageId":"m1","event":"Signed Up"},
           {"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m2","traits":{"email":"ana@example.org","country":"ES"}})");
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].to, "ana@example.org");
    ASSERT_EQ(world.decisions(*world.user("u-1")).size(), 1u);
  });
}

TEST(SignUp, WhoStaysWithoutAnAddressIsNotWaitedForLong) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(R"({"type":"track","anonymousId":"a-1","messageId":"m1","event":"Signed Up"})");
    world.settle();
    const auto visitor = world.person(events::IdentifierKind::anonymous_id, "a-1");
    EXPECT_EQ(world.decisions(*visitor)[0].state, DecisionState::held_address);
    world.pass(minutes(2));
    EXPECT_EQ(world.decisions(*visitor)[0].state, DecisionState::refused_address);
    // Too late: a welcome of an hour ago is not sent to whoever signs in next.
    world.server(
        R"({"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m2","traits":{"email":"ana@example.org","country":"ES"}})");
    world.settle();
    EXPECT_TRUE(world.mails.empty());
  });
}

TEST(SignUp, MostSignUpsCrossPartitions) {
  World world(welcome_documents());
  int crossed = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    const std::string email = "user" + n + "@example.org";
    if (events::home_of({events::IdentifierKind::user_id, "u-" + n}) !=
        events::home_of({events::IdentifierKind::email, email}))
      ++crossed;
    world.server(R"({"type":"identify","userId":"u-)" + n + R"(","messageId":"m)" + n + R"(","traits":{"email":")" +
                 email + R"("}})");
  }
  world.settle();
  EXPECT_GT(crossed, 40);
  EXPECT_EQ(world.people(), 50u);
  for (int i = 0; i < 50; ++i) {
    const auto person = world.user("u-" + std::to_string(i));
    ASSERT_TRUE(person);
    EXPECT_EQ(person->identifiers.size(), 2u);
    EXPECT_FALSE(person->is_identity_open());
  }
}

TEST(SignUp, AWholeBatchRepeatedChangesNothing) {
  tell(welcome_documents(), [](World& world) {
    const std::string batch =
        R"({"type":"identify","userId":"u-1","messageId":"m1","timestamp":"2026-03-02T09:00:00Z","traits":{"email":"ana@example.org","country":"ES"}},
           {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"},
           {"type":"track","userId":"u-1","messageId":"m3","event":"Signed Up"})";
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(batch);
    world.server(batch);
    world.settle();
    world.crash();
    world.server(batch);
    world.settle();
    EXPECT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.repeats, 6u);
    EXPECT_EQ(world.timeline(*world.user("u-1")).size(), 3u);
  });
}

TEST(SignUp, TheSameStoryAfterEachCrash) {
  for (int crash_at = 0; crash_at < 60; crash_at += 3) {
    World world(welcome_documents());
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}},
                    {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    // What a crash finds in the queue was not acknowledged; here it was synced first.
    for (int i = 0; i < crash_at && world.engine().step(); ++i) continue;
    world.crash();
    world.settle();
    world.pass(minutes(30));
    const auto ana = world.user("u-1");
    if (!ana) continue;  // the batch itself was not durable yet
    EXPECT_EQ(ana->identifiers.size(), 3u) << crash_at;
    EXPECT_LE(world.mails.size(), 1u) << crash_at;
    const auto decisions = world.decisions(*ana);
    ASSERT_EQ(decisions.size(), 1u) << crash_at;
    EXPECT_TRUE(contact::is_final(decisions[0].state)) << crash_at << contact::name_of(decisions[0].state);
    // Either it was sent once, or nobody can know.
    if (world.mails.empty()) {
      EXPECT_EQ(decisions[0].state, DecisionState::unknown) << crash_at;
    }
  }
}

}  // namespace
}  // namespace terreno::scenarios
