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
  void wake(Timestamp now) { on_wake(states, now, false, find(), input(), intents); }
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

TEST(Journey, AWaitThatBeginsWhileNobodyKnowsTheTimeCountsFromWhenItIsKnown) {
  Travel travel;
  const Definition* active[] = {&travel.definition};
  on_event(travel.states, {"Signed Up", R"({"plan":"pro"})", {1000}, false, true}, active, travel.find(),
           travel.input(), travel.intents);
  EXPECT_EQ(travel.states.next_wake(), Timestamp{1000}) << "the first tick after that";
  travel.wake(Timestamp{1000} + days(3));
  EXPECT_EQ(travel.states.next_wake(), Timestamp{1000} + days(5));
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
  travel.states.entered.push_back({"welcome", "done", {5}});
  travel.event("Signed Up", R"({"plan":"pro","order":"done"})", {2000});
  EXPECT_EQ(travel.states.entered.back().at, Timestamp{5});
}

TEST(Journey, ManyEntriesOfOneJourneyDoNotMakeAnotherForget) {
  JourneyStates states;
  states.remember({"welcome", "", {1}});
  for (int journey = 0; journey < 8; ++journey) {
    for (size_t i = 0; i < kEntriesRememberedMax + 10; ++i)
      states.remember({"views " + std::to_string(journey), std::to_string(i), {static_cast<int64_t>(10 + i)}});
  }
  EXPECT_EQ(states.entered.size(), kEntriesOfPersonMax);
  EXPECT_EQ(states.entered.front().journey, "welcome");
  // The latest of a journey are those that stay.
  EXPECT_EQ(states.entered.back().entry_key, std::to_string(kEntriesRememberedMax + 9));
}

TEST(Journey, ALongEntryKeyIsKeptAsItsHash) {
  Travel travel;
  const std::string order(200'000, 'x');
  travel.event("Signed Up", R"({"plan":"pro","order":")" + order + R"("})", {1000});
  travel.event("Signed Up", R"({"plan":"pro","order":")" + order + R"("})", {2000});
  travel.event("Signed Up", R"({"plan":"pro","order":")" + order + R"(y"})", {3000});
  ASSERT_EQ(travel.states.instances.size(), 2u);
  EXPECT_LE(travel.states.instances[0].entry_key.size(), kEntryKeyBytesMax);
  EXPECT_LE(travel.states.instances[0].event_properties.size(), kKeptPropertiesBytesMax);
  EXPECT_LT(travel.states.footprint(), 10'000u);
}

TEST(Journey, OfALargeEventWhatIsSmallIsKept) {
  const std::string kept = keep_small(R"({"order":"R-1","story":")" + std::string(20'000, 'x') + R"(","total":12.5})");
  EXPECT_EQ(kept, R"({"order":"R-1","total":1.25E1})");
  EXPECT_EQ(value_at(kept, "event.order"), "R-1");
  EXPECT_EQ(keep_small(R"({"a":1})"), R"({"a":1})");
}

TEST(Journey, DeepPropertiesAreRead) {
  std::string deep = R"("R-7")";
  for (int i = 0; i < 50; ++i) deep = R"({"in":)" + deep + "}";
  Travel travel;
  travel.event("Signed Up", R"({"plan":"pro","order":"R-7","deep":)" + deep + "}", {1000});
  ASSERT_EQ(travel.states.instances.size(), 1u);
  EXPECT_EQ(travel.states.instances[0].entry_key, "R-7");
}

TEST(Journey, WhatWasPassedOverSaysSo) {
  Travel travel;
  const Definition* active[] = {&travel.definition};
  pass_over(travel.states, {"Signed Up", "{}", {7}, false}, active);
  pass_over(travel.states, {"Another", "{}", {8}, false}, active);
  ASSERT_EQ(travel.states.traces.size(), 1u);
  EXPECT_EQ(travel.states.traces[0].stopped_by, "too_many");
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

std::vector<Finding> findings_of_send(const std::string& send, const std::string& more = "") {
  std::vector<Finding> findings;
  const std::string text = "kind: journey\nname: x\nspec:\n  owner: a\n  reply_to: a@b.org\n  trigger: {event: E}\n" +
                           more + "  steps:\n    - send: {template: t, " + send + "}\n";
  const auto node = Travel::checked(text, findings);
  static_cast<void>(parse_definition(node, text));
  return findings;
}

TEST(Definition, ATransactionalSendNeedsABasisAndWhatProvesIt) {
  ASSERT_EQ(findings_of_send("class: transactional").size(), 1u);
  EXPECT_NE(findings_of_send("class: transactional")[0].detail.find("basis: contract"), std::string::npos);
  EXPECT_EQ(findings_of_send("class: transactional, basis: consent, evidence: event.order_id").size(), 1u);
  ASSERT_EQ(findings_of_send("class: transactional, basis: contract").size(), 1u);
  EXPECT_NE(findings_of_send("class: transactional, basis: contract")[0].detail.find("event.order_id"),
            std::string::npos);
  EXPECT_TRUE(findings_of_send("class: transactional, basis: contract, evidence: event.order_id").empty());
  EXPECT_TRUE(findings_of_send("class: transactional, basis: contract", "  entry_key: event.order_id\n").empty());
  EXPECT_EQ(findings_of_send("topic: tips, basis: contract").size(), 1u);
}

TEST(Definition, NamesThatNobodyCouldAgreeToAreFindings) {
  EXPECT_EQ(findings_of_send("topic: " + std::string(65, 't')).size(), 1u);
  EXPECT_EQ(findings_of_send("topic: tips, brand: " + std::string(65, 'b')).size(), 1u);
  EXPECT_TRUE(findings_of_send("topic: " + std::string(64, 't')).empty());
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
