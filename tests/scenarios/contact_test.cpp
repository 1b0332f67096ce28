// When and how often people are written to.

#include "documents.h"
#include "world.h"

namespace terreno::scenarios {
namespace {

using contact::DecisionState;

constexpr const char* kAna =
    R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"},"context":{"timezone":"Europe/Madrid"}})";

std::string event(const std::string& name, const std::string& id) {
  return R"({"type":"track","userId":"u-1","messageId":")" + id + R"(","event":")" + name + R"("})";
}

void ana_arrives(World& world) {
  world.consent(consent::Action::grant, "ana@example.org");
  world.server(kAna);
  world.settle();
}

TEST(QuietHours, OverMidnightTheLetterWaitsForTheMorning) {
  auto documents = welcome_documents();
  documents.back() = policy("  time_zone: Europe/Madrid\n  quiet_hours: {from: '21:00', to: '08:30'}\n");
  tell({documents, "2026-03-02T21:30:00Z"}, [](World& world) {
    ana_arrives(world);
    world.server(event("Signed Up", "m2"));
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    EXPECT_EQ(world.decisions(*world.user("u-1"))[0].state, DecisionState::held_quiet_hours);
    world.pass(hours(9));
    EXPECT_TRUE(world.mails.empty());
    world.pass(hours(1));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(format_iso8601(world.mails[0].at), "2026-03-03T07:30:00.000Z");
  });
}

TEST(QuietHours, OverADaylightSavingChangeTheyEndByTheClockOnTheWall) {
  auto documents = welcome_documents();
  documents.back() = policy("  time_zone: Europe/Madrid\n  quiet_hours: {from: '21:00', to: '08:30'}\n");
  // In the night to 29 March 2026 the clocks of Madrid go from 2 to 3: half past eight is 06:30 UTC.
  tell({documents, "2026-03-28T22:00:00Z"}, [](World& world) {
    ana_arrives(world);
    world.server(event("Signed Up", "m2"));
    world.settle();
    world.pass(hours(12));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(format_iso8601(world.mails[0].at), "2026-03-29T06:30:00.000Z");
  });
}

TEST(Cap, TwoJourneysCompeteAndTheLoserNamesTheWinner) {
  const std::vector<flow::Document> documents{
      topic("tips"),
      message("hello"),
      message("offer"),
      sends("welcome", "Signed Up", "hello", ", priority: 8"),
      sends("sale", "Signed Up", "offer", ", priority: 2"),
      policy("  time_zone: Europe/Madrid\n  caps: [{channel: email, per: day, max: 1}]\n")};
  tell(documents, [](World& world) {
    ana_arrives(world);
    world.server(event("Signed Up", "m2"));
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].message, "hello");
    const auto decisions = world.decisions(*world.user("u-1"));
    ASSERT_EQ(decisions.size(), 2u);
    const auto& loser = decisions[0].message == "offer" ? decisions[0] : decisions[1];
    EXPECT_EQ(loser.state, DecisionState::held_cap);
    EXPECT_EQ(loser.winner, world.mails[0].decision);
    // The next day there is room.
    world.pass(hours(16));
    ASSERT_EQ(world.mails.size(), 2u);
    EXPECT_EQ(world.mails[1].message, "offer");
  });
}

TEST(Cap, ASlotThatComesFreeLetsTheHeldOneGo) {
  const std::vector<flow::Document> documents{
      topic("tips"),
      topic("news"),
      message("hello"),
      message("offer"),
      {"journeys/news.yaml",
       "kind: journey\nname: news\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n  trigger: {event: Signed "
       "Up}\n  steps:\n    - send: {template: hello, topic: news, priority: 8}\n"},
      sends("sale", "Signed Up", "offer", ", priority: 2"),
      policy("  time_zone: Europe/Madrid\n  caps: [{channel: email, per: day, max: 1}]\n")};
  tell(documents, [](World& world) {
    // Ana has allowed tips, not news: the letter of higher priority takes the slot and is refused at its claim.
    ana_arrives(world);
    world.server(event("Signed Up", "m2"));
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].message, "offer");
  });
}

TEST(Sending, AServerThatIsBusyIsAskedAgainLater) {
  tell(welcome_documents(), [](World& world) {
    ana_arrives(world);
    world.receiver = [](const Mail& mail) {
      return mail.attempt < 3 ? channels::Ending::not_sent_retry : channels::Ending::sent;
    };
    world.server(event("Signed Up", "m2"));
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    world.pass(minutes(5));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_EQ(world.mails[0].attempt, 3u);
    EXPECT_EQ(world.decisions(*world.user("u-1"))[0].attempts, 3u);
  });
}

TEST(Sending, ARetryThatFallsIntoTheNightWaitsForTheMorning) {
  World::Options options({topic("tips"), message("hello"), sends("welcome", "Signed Up", "hello"),
                          policy("  time_zone: Europe/Madrid\n  quiet_hours: {from: '22:00', to: '08:00'}\n")},
                         "2026-03-02T20:59:50Z");  // ten seconds before ten in Madrid
  tell(options, [](World& world) {
    world.receiver = [](const Mail& mail) {
      return mail.attempt == 1 ? channels::Ending::not_sent_retry : channels::Ending::sent;
    };
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}},
           {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
    world.settle();
    world.pass(hours(9));
    EXPECT_TRUE(world.mails.empty());
    world.pass(hours(2));
    ASSERT_EQ(world.mails.size(), 1u);
    EXPECT_GE(world.mails[0].at, parse_iso8601("2026-03-03T07:00:00Z")->time);
  });
}

// Off from Friday evening to Sunday night: nobody knows what time it is until somebody says so.
TEST(HeldTime, LettersAndWaitsCountFromWhenTheTimeIsKnown) {
  std::vector<flow::Document> documents = welcome_documents();
  documents.push_back({"journeys/later.yaml",
                       "kind: journey\nname: later\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n  trigger: "
                       "{event: Booked}\n  steps:\n    - wait: 2h\n    - send: {template: hello, topic: tips}\n"});
  documents.push_back({"journeys/receipt.yaml",
                       "kind: journey\nname: receipt\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n  trigger: "
                       "{event: Order Completed}\n  entry_key: event.order_id\n  steps:\n    - send: {template: hello, "
                       "class: transactional, basis: contract}\n"});
  tell({documents, "2026-03-06T17:00:00Z"}, [](World& world) {
    ana_arrives(world);
    world.engine().clock().advance(hours(56));
    world.crash();
    ASSERT_TRUE(world.engine().health().time_held);
    world.server(
        event("Signed Up", "m2") + "," + event("Booked", "m3") +
        R"(,{"type":"track","userId":"u-1","messageId":"m4","event":"Order Completed","properties":{"order_id":"R-1"}})");
    world.settle();
    ASSERT_EQ(world.mails.size(), 1u) << "what was ordered is confirmed at once";
    EXPECT_EQ(world.mails[0].proof.rule, consent::Rule::transactional);
    const auto decisions = world.decisions(*world.user("u-1"));
    EXPECT_TRUE(std::ranges::any_of(decisions, [](const auto& one) { return one.state == DecisionState::held_clock; }));
    world.crash();
    world.settle();
    world.engine().clock_reset(world.now(), nullptr);
    world.settle();
    EXPECT_EQ(world.mails.size(), 2u) << "the welcome";
    world.pass(minutes(115));
    EXPECT_EQ(world.mails.size(), 2u);
    world.pass(minutes(10));
    EXPECT_EQ(world.mails.size(), 3u) << "two hours after the time was known";
  });
}

TEST(Sending, WhatMayHaveBeenDeliveredIsNeverSentAgain) {
  tell(welcome_documents(), [](World& world) {
    ana_arrives(world);
    int attempts = 0;
    world.receiver = [&](const Mail&) {
      ++attempts;
      return channels::Ending::unknown;
    };
    world.server(event("Signed Up", "m2"));
    world.settle();
    world.pass(days(3));
    EXPECT_EQ(attempts, 1);
    EXPECT_EQ(world.decisions(*world.user("u-1"))[0].state, DecisionState::unknown);
  });
}

TEST(Sending, AnOpenSendThatNobodyClaimedIsOfferedAgain) {
  tell(welcome_documents(), [](World& world) {
    ana_arrives(world);
    world.holds_claims = true;
    world.server(event("Signed Up", "m2"));
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    world.holds_claims = false;
    world.pass(seconds(6));
    EXPECT_EQ(world.mails.size(), 1u);
  });
}

}  // namespace
}  // namespace terreno::scenarios
