#include <gtest/gtest.h>

#include "oversight/oversight.h"

namespace terreno::oversight {
namespace {

using contact::Decision;
using contact::DecisionState;
using contact::GateCode;
using contact::GateState;

constexpr Timestamp kNow{1'774'000'000'000};

/// Ana, and one message of hers as the arbiter keeps it.
class WhyTest : public testing::Test {
 protected:
  WhyTest() {
    person_.id = PersonId{{1, 2}};
    profiles::Candidate name;
    name.json = "\"Ana\"";
    EXPECT_TRUE(person_.learn("first_name", name));
    name.json = "\"Ferrer\"";
    EXPECT_TRUE(person_.learn("last_name", name));
    person_.add_identifier({{events::IdentifierKind::user_id, "u1"}, kNow, "shop", {}});
    definition_.name = "welcome";
    definition_.trigger_event = "Signed Up";
    definition_.version = {0xabcdef0123456789, 1};
    definition_.steps.resize(2);
    definition_.steps[1].id = "later";
    policy_.quiet_hours = {21 * 60 + 30, 8 * 60 + 30};
    policy_.default_time_zone = "Europe/Madrid";
    decision_.id = DecisionId{{7, 7}};
    decision_.journey = "welcome";
    decision_.journey_version = definition_.version;
    decision_.message = "hello";
    decision_.scope.topic = "care";
    decision_.wanted_at = kNow;
    decision_.gates = {{GateCode::trigger, GateState::passed, "welcome", "", kNow},
                       {GateCode::identity, GateState::passed, "", "", kNow}};
  }
  Why why(DecisionState state) {
    decision_.state = state;
    Case given;
    given.person = &person_;
    given.decision = &decision_;
    given.winner = winner_;
    given.definition = &definition_;
    given.policy = &policy_;
    given.now = kNow;
    return explain(given);
  }
  Why why_journey() {
    Case given;
    given.person = &person_;
    given.journeys = &states_;
    given.journey = "welcome";
    given.definition = &definition_;
    given.now = kNow;
    return explain(given);
  }
  static std::string text(const CodedText& coded, std::string_view name) {
    const Value* const value = coded.find(name);
    if (value == nullptr) return "absent";
    if (const auto* const number = std::get_if<int64_t>(value)) return std::to_string(*number);
    const auto* const text = std::get_if<std::string>(value);
    return text == nullptr ? "null" : *text;
  }
  void refuse(consent::Rule rule) {
    decision_.refusal = consent::name_of(rule);
    decision_.gates.push_back({GateCode::consent, GateState::stopped, decision_.refusal, "", kNow});
  }

  profiles::Person person_;
  journeys::Definition definition_;
  journeys::JourneyStates states_;
  contact::Policy policy_;
  Decision decision_;
  const Decision* winner_ = nullptr;
};

TEST_F(WhyTest, SaysWhoAndWhat) {
  const Why answer = why(DecisionState::sent);
  EXPECT_EQ(answer.sentence.code, "sent");
  EXPECT_EQ(text(answer.sentence, "person"), "Ana");
  EXPECT_EQ(answer.subject.person, "Ana Ferrer");
  EXPECT_EQ(answer.subject.journey_version, "abcdef01");
  EXPECT_EQ(text(answer.sentence, "message"), "hello");
  EXPECT_EQ(answer.becomes.code, "nothing");
  ASSERT_GE(answer.gates.size(), 2U);
  EXPECT_EQ(std::get<std::string>(answer.gates[0].value), "Signed Up");
  EXPECT_EQ(std::get<int64_t>(answer.gates[1].value), 1);
}

TEST_F(WhyTest, ASentMessageShowsItsPermissionAndItsClaimBeforeTheDelivery) {
  decision_.gates.push_back({GateCode::delivery, GateState::passed, "250", "", kNow});
  decision_.proof.emplace();
  decision_.proof->attempt = 2;
  decision_.proof->entry_ids = {5};
  decision_.proof->partition = {3};
  const Why answer = why(DecisionState::sent);
  ASSERT_EQ(answer.gates.size(), 5U);
  EXPECT_EQ(answer.gates[2].code, GateCode::consent);
  EXPECT_EQ(answer.gates[3].code, GateCode::claim);
  EXPECT_EQ(std::get<int64_t>(answer.gates[3].value), 2);
  EXPECT_EQ(answer.gates[4].code, GateCode::delivery);
}

TEST_F(WhyTest, QuietHoursWaitUntilTheyEnd) {
  decision_.wakes_at = kNow + hours(9);
  decision_.gates.push_back({GateCode::quiet_hours, GateState::waiting, "22:12", "08:30", kNow});
  const Why answer = why(DecisionState::held_quiet_hours);
  EXPECT_EQ(answer.sentence.code, "held_quiet_hours");
  EXPECT_EQ(text(answer.sentence, "until_at"), format_iso8601(kNow + hours(9)));
  EXPECT_EQ(answer.becomes.code, "asked_again");
  EXPECT_EQ(answer.would_have_changed.code, "other_hour");
  EXPECT_EQ(text(answer.would_have_changed, "from"), "08:30");
  EXPECT_EQ(text(answer.would_have_changed, "to"), "21:30");
  EXPECT_EQ(answer.gates.back().state, GateState::not_reached);
}

TEST_F(WhyTest, TheCapNamesWhoGotTheSlot) {
  Decision winner;
  winner.id = DecisionId{{9, 9}};
  winner.message = "urgent";
  winner_ = &winner;
  decision_.wakes_at = kNow + days(2);
  decision_.gates.push_back({GateCode::cap_person, GateState::waiting, "3", "3 per week", kNow});
  const Why held = why(DecisionState::held_cap);
  EXPECT_EQ(held.sentence.code, "held_cap");
  EXPECT_EQ(text(held.sentence, "count"), "3");
  EXPECT_EQ(text(held.sentence, "limit"), "3");
  EXPECT_EQ(text(held.sentence, "window_days"), "7");
  EXPECT_EQ(held.would_have_changed.code, "fewer_messages");
  EXPECT_EQ(text(held.would_have_changed, "count"), "1");
  EXPECT_EQ(held.gates[3].code, GateCode::priority);
  EXPECT_EQ(std::get<std::string>(held.gates[3].value), "urgent");
  const Why refused = why(DecisionState::refused_cap);
  EXPECT_EQ(refused.sentence.code, "withheld_cap");
  EXPECT_EQ(refused.becomes.code, "dropped");
}

TEST_F(WhyTest, IdentityAddressTemplateAndReceipt) {
  EXPECT_EQ(why(DecisionState::held_identity).sentence.code, "held_identity");
  EXPECT_EQ(why(DecisionState::held_identity).becomes.code, "decided_after_identity");
  EXPECT_EQ(why(DecisionState::held_identity).would_have_changed.code, "identity_settled");
  EXPECT_EQ(why(DecisionState::held_address).sentence.code, "held_address");
  EXPECT_EQ(why(DecisionState::superseded).sentence.code, "withheld_superseded");
  EXPECT_EQ(why(DecisionState::refused_address).sentence.code, "withheld_no_address");
  EXPECT_EQ(why(DecisionState::refused_address).would_have_changed.code, "address_works");
  EXPECT_EQ(why(DecisionState::open).sentence.code, "will_send");
  EXPECT_EQ(why(DecisionState::open).becomes.code, "awaits_receipt");
  EXPECT_EQ(why(DecisionState::unknown).sentence.code, "unknown_delivery");
  EXPECT_EQ(why(DecisionState::unknown).becomes.code, "stays_unknown");
  decision_.gates.push_back({GateCode::render, GateState::stopped, "person.city", "", kNow});
  EXPECT_EQ(text(why(DecisionState::not_rendered).sentence, "missing"), "person.city");
  EXPECT_EQ(why(DecisionState::not_rendered).would_have_changed.code, "template_fixed");
  decision_.gates.push_back({GateCode::delivery, GateState::stopped, "550", "", kNow});
  EXPECT_EQ(text(why(DecisionState::bounced).sentence, "answer"), "550");
  EXPECT_EQ(why(DecisionState::bounced).would_have_changed.code, "address_works");
}

TEST_F(WhyTest, ExpiryNamesWhatItWaitedFor) {
  decision_.gates.push_back({GateCode::quiet_hours, GateState::waiting, "22:12", "08:30", kNow});
  const Why answer = why(DecisionState::expired);
  EXPECT_EQ(answer.sentence.code, "expired");
  EXPECT_EQ(answer.would_have_changed.code, "other_hour");
}

TEST_F(WhyTest, RefusalsOfConsent) {
  const std::vector<std::tuple<consent::Rule, std::string, std::string>> expected{
      {consent::Rule::suppressed, "withheld_suppressed", "unsuppressed"},
      {consent::Rule::objected, "withheld_objection", "objection_lifted"},
      {consent::Rule::paused, "withheld_objection", "objection_lifted"},
      {consent::Rule::topic_withdrawn, "withheld_withdrawn", "consent_given"},
      {consent::Rule::channel_withdrawn, "withheld_withdrawn", "consent_given"},
      {consent::Rule::no_grant, "withheld_no_consent", "consent_given"},
      {consent::Rule::confirmation_missing, "withheld_no_consent", "consent_given"},
  };
  for (const auto& [rule, sentence, change] : expected) {
    refuse(rule);
    const Why answer = why(DecisionState::refused_consent);
    EXPECT_EQ(answer.sentence.code, sentence);
    EXPECT_EQ(answer.would_have_changed.code, change);
    EXPECT_EQ(answer.becomes.code, "dropped");
  }
}

TEST_F(WhyTest, SomebodyWhoNeverEntered) {
  EXPECT_EQ(why_journey().sentence.code, "never_triggered");
  EXPECT_EQ(text(why_journey().would_have_changed, "event"), "Signed Up");
  states_.traces.push_back({"welcome", kNow, false, "condition", "person.age >= 18", "12"});
  const Why answer = why_journey();
  EXPECT_EQ(answer.sentence.code, "never_entered_condition");
  EXPECT_EQ(text(answer.sentence, "condition"), "person.age >= 18");
  EXPECT_EQ(text(answer.sentence, "value"), "12");
  EXPECT_EQ(answer.would_have_changed.code, "condition_met");
  EXPECT_EQ(answer.gates.back().state, GateState::stopped);
}

TEST_F(WhyTest, SomebodyInsideAndSomebodyGone) {
  journeys::Instance instance;
  instance.journey = "welcome";
  instance.version = definition_.version;
  instance.step = 1;
  instance.wakes_at = kNow + days(1);
  states_.instances.push_back(instance);
  EXPECT_EQ(why_journey().sentence.code, "waiting");
  EXPECT_EQ(text(why_journey().sentence, "step"), "later");
  EXPECT_EQ(why_journey().becomes.code, "continues");
  states_.instances.clear();
  states_.entered.push_back({"welcome", "", kNow});
  EXPECT_EQ(why_journey().sentence.code, "exited");
}

TEST_F(WhyTest, TheLatestDecisionAnswersUnlessTheConditionFailedSince) {
  Decision later = decision_;
  later.wanted_at = kNow + hours(1);
  const std::vector<const Decision*> decisions{&decision_, &later};
  EXPECT_EQ(answering_decision(&states_, decisions, "welcome"), &later);
  EXPECT_EQ(answering_decision(&states_, decisions, "other"), nullptr);
  states_.traces.push_back({"welcome", kNow + hours(2), false, "condition", "c", "v"});
  EXPECT_EQ(answering_decision(&states_, decisions, "welcome"), nullptr);
}

}  // namespace
}  // namespace terreno::oversight
