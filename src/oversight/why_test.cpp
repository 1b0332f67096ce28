#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

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
  EXPECT_EQ(why(DecisionState::held_clock).sentence.code, "held_clock");
  EXPECT_EQ(why(DecisionState::held_clock).becomes.code, "asked_when_clock_is_set");
  EXPECT_EQ(why(DecisionState::superseded).sentence.code, "withheld_superseded");
  EXPECT_EQ(why(DecisionState::refused_address).sentence.code, "withheld_no_address");
  EXPECT_EQ(why(DecisionState::refused_address).would_have_changed.code, "address_works");
  EXPECT_EQ(why(DecisionState::open).sentence.code, "will_send");
  EXPECT_EQ(why(DecisionState::open).becomes.code, "awaits_receipt");
  EXPECT_EQ(why(DecisionState::unknown).sentence.code, "unknown_delivery");
  EXPECT_EQ(why(DecisionState::unknown).becomes.code, "stays_unknown");
  decision_.gates.push_back(
      {GateCode::render, GateState::stopped, "html: variable_missing person.city at line 2, column 9", "", kNow});
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

TEST_F(WhyTest, WhatTheSandboxKeptIsNotCalledSent) {
  decision_.gates.push_back({GateCode::delivery, GateState::passed, std::string(contact::kCaughtBySandbox), "", kNow});
  const Why answer = why(DecisionState::sent);
  EXPECT_EQ(answer.sentence.code, "kept_in_sandbox");
  EXPECT_EQ(answer.would_have_changed.code, "live");
  EXPECT_EQ(answer.gates.back().params, (std::vector<Parameter>{{"reason", std::string("sandbox")}}));
}

TEST_F(WhyTest, OfATextThatCouldNotBeWrittenOnlyWhatIsMissingIsTold) {
  const auto render = [&](std::string detail) {
    decision_.gates.resize(2);
    decision_.gates.push_back({GateCode::render, GateState::stopped, std::move(detail), "", kNow});
    return why(DecisionState::not_rendered);
  };
  const Why missing = render("html: variable_missing first_name at line 3, column 5");
  EXPECT_EQ(text(missing.would_have_changed, "missing"), "first_name");
  EXPECT_EQ(std::get<std::string>(missing.gates.back().value), "first_name");
  EXPECT_EQ(render("subject: too_much_work for at line 1, column 1").would_have_changed.code, "template_mended");
  EXPECT_EQ(render("html: aborted no stock").would_have_changed.code, "nothing");
}

/// Every code that an answer can have, as the place of its text in `why.json`.
class WhyTexts : public WhyTest {
 protected:
  void take(const Why& answer) {
    found_.insert("sentence." + answer.sentence.code);
    if (answer.becomes.code != "nothing") found_.insert("becomes." + answer.becomes.code);
    if (answer.would_have_changed.code != "nothing") found_.insert("changed." + answer.would_have_changed.code);
    for (const Gate& gate : answer.gates) {
      found_.insert("gate." + std::string(contact::name_of(gate.code)) + "." +
                    std::string(contact::name_of(gate.state)));
      const auto reason = std::ranges::find(gate.params, "reason", &Parameter::name);
      if (reason == gate.params.end()) continue;
      const auto* const code = std::get_if<std::string>(&reason->value);
      if (code != nullptr && !code->empty()) found_.insert("reason." + *code);
    }
  }
  std::set<std::string> found_;
};

TEST_F(WhyTexts, EveryCodeHasASentenceInEveryLanguage) {
  std::vector<std::string> rules;
  for (int rule = 0; rule <= static_cast<int>(consent::Rule::transactional); ++rule) {
    const auto name = consent::name_of(static_cast<consent::Rule>(rule));
    if (!name.empty()) rules.emplace_back(name);
  }
  ASSERT_GE(rules.size(), 16U);
  // What flow, the courier and the template engine leave in a gate, besides numbers and answers of mail servers.
  const std::vector<std::string> values{"",
                                        "3",
                                        "open",
                                        "no_address",
                                        "no_receipt",
                                        "expired",
                                        std::string(contact::kCaughtBySandbox),
                                        "html: variable_missing city at line 1, column 1",
                                        "html: too_much_work for at line 1, column 1",
                                        "html: aborted no",
                                        "template: not in this configuration"};
  for (int state = 0; state <= static_cast<int>(contact::kDecisionStateLast); ++state) {
    for (int code = 0; code <= static_cast<int>(contact::kGateCodeLast); ++code) {
      for (int at = 0; at <= static_cast<int>(contact::kGateStateLast); ++at) {
        for (const std::string& value : code == static_cast<int>(GateCode::consent) ? rules : values) {
          decision_.gates.resize(2);
          decision_.gates.push_back({static_cast<GateCode>(code), static_cast<GateState>(at), value, "", kNow});
          take(why(static_cast<DecisionState>(state)));
        }
      }
    }
    for (const std::string& rule : rules) {
      decision_.refusal = rule;
      take(why(static_cast<DecisionState>(state)));
    }
  }
  take(why_journey());
  for (const std::string by : {"", "late", "condition", "already_inside", "entered_before", "too_many"}) {
    journeys::TriggerTrace trace;
    trace.journey = "welcome";
    trace.at = kNow;
    trace.stopped_by = by;
    states_.traces = {trace};
    states_.entered.clear();
    take(why_journey());
    states_.entered = {{"welcome", "", kNow - hours(1)}};
    take(why_journey());
  }
  states_.instances.resize(1);
  states_.instances[0].journey = "welcome";
  take(why_journey());

  for (const std::string language : {"es", "fr", "en"}) {
    std::ifstream file(std::string(TERRENO_CONSOLE_TEXTS) + "/" + language + "/why.json");
    std::stringstream bytes;
    bytes << file.rdbuf();
    const boost::json::value texts = boost::json::parse(bytes.str());
    for (std::string place : found_) {
      std::ranges::replace(place, '.', '/');
      boost::system::error_code error;
      const bool is_there = texts.find_pointer("/" + place, error) != nullptr ||
                            texts.find_pointer("/" + place + "_other", error) != nullptr;
      EXPECT_TRUE(is_there) << language << ": " << place;
    }
  }
}

}  // namespace
}  // namespace terreno::oversight
