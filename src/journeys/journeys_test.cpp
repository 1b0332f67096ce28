#include "journeys/journeys.h"

#include <gtest/gtest.h>

#include <map>

namespace terreno::journeys {
namespace {

constexpr std::string_view kWelcome = R"(
kind: journey
name: welcome
spec:
  owner: Marta Soler
  reply_to: hola@example.org
  trigger: {event: Signed Up, if: 'event.plan = "pro"'}
  entry_key: event.order
  steps:
    - send: {template: hello, topic: tips}
    - wait: 2d
    - wait_until: {event: Order Completed, within: 3d, then: [{exit: {}}]}
    - branch: {if: person.member, then: [{send: {template: second-tip, topic: tips}}], else: [{send: {template: join-us, topic: tips}}]}
)";

struct Travel {
  Definition definition;
  JourneyStates states;
  std::vector<Intent> intents;
  std::map<std::string, std::string, std::less<>> person;

  explicit Travel(std::string_view text = kWelcome) {
    std::vector<Finding> findings;
    definition = parse_definition(checked(text, findings), text);
    for (const Finding& finding : findings) ADD_FAILURE() << finding.path << " " << finding.detail;
  }
  static DocumentNode checked(std::string_view text, std::vector<Finding>& findings) {
    return DocumentNode::parse("welcome.yaml", std::string(text), findings);
  }
  segments::ConditionInput input() {
    return {[this](std::string_view path) -> std::optional<std::string> {
              const auto found = person.find(path);
              return found == person.end() ? std::nullopt : std::optional(found->second);
            },
            [](std::string_view, std::string_view) { return true; }};
  }
  FindVersion find() {
    return [this](Id128 version) { return version == definition.version ? &definition : nullptr; };
  }
  void event(std::string_view name, std::string_view properties, Timestamp now, bool late = false) {
    const Definition* active[] = {&definition};
    on_event(states, {name, properties, now, late}, active, find(), input(), intents);
  }
  void wake(Timestamp now) { on_wake(states, now, find(), input(), intents); }
  std::string last_message() { return intents.empty() ? "" : intents.back().send.message; }
};

TEST(Journey, EntersWhenTheConditionHoldsAndAsksToSend) {
  Travel travel;
  travel.event("Signed Up", R"({"plan":"pro"})", {1000});
  ASSERT_EQ(travel.intents.size(), 1u);
  EXPECT_EQ(travel.intents[0].send.message, "hello");
  EXPECT_EQ(travel.states.next_wake(), Timestamp{1000} + days(2));
}

TEST(Journey, RemembersTheFirstConditionThatFailed) {
  Travel travel;
  travel.event("Signed Up", R"({"plan":"free"})", {1000});
  ASSERT_EQ(travel.states.traces.size(), 1u);
  EXPECT_EQ(travel.states.traces[0].stopped_by, "condition");
  EXPECT_EQ(travel.states.traces[0].clause, R"(event.plan = "pro")");
  EXPECT_EQ(travel.states.traces[0].value, R"("free")");
}

TEST(Journey, TheSameEntryKeyEntersOnceAndDifferentKeysRunSideBySide) {
  Travel travel;
  travel.event("Signed Up", R"({"plan":"pro","order":1})", {1000});
  travel.event("Signed Up", R"({"plan":"pro","order":1})", {2000});
  travel.event("Signed Up", R"({"plan":"pro","order":2})", {3000});
  EXPECT_EQ(travel.states.instances.size(), 2u);
}

TEST(Journey, LateEventsStartNothing) {
  Travel travel;
  travel.event("Signed Up", R"({"plan":"pro"})", {1000}, true);
  EXPECT_TRUE(travel.intents.empty());
  EXPECT_EQ(travel.states.traces[0].stopped_by, "late");
}

TEST(Journey, AWaitedEventTakesItsPathAndTheTimeLimitTheOther) {
  Travel bought;
  bought.event("Signed Up", R"({"plan":"pro"})", {0});
  bought.wake(Timestamp{0} + days(2));
  bought.event("Order Completed", "{}", Timestamp{0} + days(3));
  EXPECT_TRUE(bought.states.instances.empty());
  EXPECT_EQ(bought.last_message(), "hello");

  Travel silent;
  silent.person["person.member"] = "true";
  silent.event("Signed Up", R"({"plan":"pro"})", {0});
  silent.wake(Timestamp{0} + days(2));
  silent.wake(Timestamp{0} + days(5));
  EXPECT_EQ(silent.last_message(), "second-tip");
}

TEST(Journey, OfTwoInstancesOfOneKeyTheOlderStays) {
  Travel a, b;
  a.event("Signed Up", R"({"plan":"pro"})", {5000});
  b.event("Signed Up", R"({"plan":"pro"})", {1000});
  a.states.absorb(b.states);
  ASSERT_EQ(a.states.instances.size(), 1u);
  EXPECT_EQ(a.states.instances[0].entered, Timestamp{1000});
}

TEST(Journey, AWayOfManyStepsIsTravelledToItsEnd) {
  std::string text =
      "kind: journey\nname: long\nspec:\n  owner: a\n  reply_to: a@b.org\n  trigger: {event: E}\n  steps:\n";
  for (int i = 0; i < 150; ++i) text += "    - branch: {if: person.x}\n      id: b" + std::to_string(i) + "\n";
  text += "    - send: {template: t, topic: tips}\n";
  Travel travel(text);
  travel.event("E", "{}", {1000});
  EXPECT_EQ(travel.last_message(), "t");
  EXPECT_TRUE(travel.states.instances.empty());
}

TEST(Journey, AnEntryThatFindsNoRoomForgetsNothing) {
  Travel travel;
  travel.definition.reentry = Reentry::always;
  for (size_t i = 0; i <= kInstancesMax; ++i)
    travel.event("Signed Up", R"({"plan":"pro","order":)" + std::to_string(i) + "}", {1000});
  EXPECT_EQ(travel.states.instances.size(), kInstancesMax);
  EXPECT_EQ(travel.states.traces[0].stopped_by, "too_many");
  travel.states.entered.push_back({"welcome", "\"done\"", {5}});
  travel.event("Signed Up", R"({"plan":"pro","order":"done"})", {2000});
  EXPECT_EQ(travel.states.entered.back().at, Timestamp{5});
}

TEST(Journey, ReadsBackAsItWasWritten) {
  Travel travel;
  travel.event("Signed Up", R"({"plan":"pro"})", {1000});
  std::string bytes, again;
  Writer writer(bytes);
  travel.states.encode(writer);
  const auto back = JourneyStates::decode(bytes);
  ASSERT_TRUE(back);
  Writer second(again);
  back->encode(second);
  EXPECT_EQ(again, bytes);
}

TEST(Definition, ACommercialSendWithoutTopicIsAFinding) {
  std::vector<Finding> findings;
  const std::string text =
      "kind: journey\nname: x\nspec:\n  owner: a\n  reply_to: a@b.org\n  trigger: {event: E}\n  steps:\n    - send: "
      "{template: t}\n";
  const auto node = Travel::checked(text, findings);
  static_cast<void>(parse_definition(node, text));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].line, 8);
}

TEST(Definition, NamesAnOwnerAndAReplyToThatAPersonReads) {
  std::vector<Finding> findings;
  const std::string text = "kind: journey\nname: x\nspec:\n  trigger: {event: E}\n  steps: []\n";
  const auto node = Travel::checked(text, findings);
  static_cast<void>(parse_definition(node, text));
  EXPECT_EQ(findings.size(), 2u);
}

}  // namespace
}  // namespace terreno::journeys
