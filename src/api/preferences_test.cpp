// The page behind "choose what I get", over flow's machine and real ledgers.

#include <gtest/gtest.h>

#include "api/links.h"
#include "base/http_testing.h"
#include "engine/stepped.h"
#include "events/record.h"
#include "flow/flow.h"
#include "flow/messages.h"

namespace terreno::api {
namespace {

using consent::PermissionState;
using http::Method;

class ChanceByCount : public engine::Random {
 public:
  Id128 next() override { return {9, ++count_}; }

 private:
  uint64_t count_ = 0;
};

class PreferencesTest : public testing::Test, public engine::OutputSink {
 protected:
  PreferencesTest() {
    machine_ = flow::make_machine(library_);
    engine::SteppedEngine::Options options;
    options.start = parse_iso8601("2026-03-02T09:00:00Z").value().time;
    engine_ = std::make_unique<engine::SteppedEngine>(*machine_, *this, options);
    configure({"tips", "care"});
    auto snapshot = std::make_shared<governance::Snapshot>();
    snapshot->installation.sender.brand = "Norte";
    add_link_routes(router_, {engine_.get(), &engine_->clock(), &random_, &keys_, [snapshot] { return snapshot; },
                              [this] { return configuration_; }});
  }
  void on_outputs(engine::Partition, engine::Position, std::vector<engine::Output>&) override {}

  void configure(const std::vector<std::string>& topics) {
    auto configuration = std::make_shared<flow::Configuration>();
    for (const std::string& name : topics) configuration->topics[name] = {name, {{"es", "Sobre " + name}}};
    configuration_ = std::move(configuration);
  }
  [[nodiscard]] std::string path() const {
    return "/u/" +
           consent::make_token(
               keys_,
               {consent::LinkAction::preferences, address_, {"tips", "marketing", "norte"}, DecisionId{{1, 2}}, "es"});
  }
  http::Response ask(Method method, std::string body = {}) {
    const http::OwnedRequest owned(method, path(), std::move(body), {});
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(owned.request, responder);
    engine_->run_until_idle();
    return exchange->wait();
  }
  static bool shows(const http::Response& response, std::string_view text) {
    return response.body_view().find(text) != std::string_view::npos;
  }
  static bool is_ticked(const http::Response& response, const std::string& topic) {
    EXPECT_TRUE(shows(response, "name=\"t." + topic + "\"")) << topic;
    return shows(response, "name=\"t." + topic + "\" value=\"1\" checked");
  }
  /// What the ledger of the address says, read as a claim would.
  struct Ledger {
    std::vector<consent::ConsentEntry> entries;
    PermissionState tips = PermissionState::none;
    PermissionState care = PermissionState::none;
  };
  Ledger ledger() {
    Ledger read;
    const Id128 key = consent::key_of(address_);
    engine::ReadTask task;
    task.wants = [key](const engine::Lookup&, engine::KeyList& keys) {
      keys.push_back({consent::AddressLedger::kTable, key});
    };
    task.run = [&](const engine::Lookup& state) {
      const auto* const found = state.find<consent::AddressLedger>(key);
      if (found == nullptr) return;
      read.entries = found->entries();
      read.tips = found->copy().state_of({"tips", "marketing", "norte"}, state.now());
      read.care = found->copy().state_of({"care", "marketing", "norte"}, state.now());
    };
    engine_->read(consent::home_of(address_), std::move(task));
    engine_->run_until_idle();
    return read;
  }

  flow::ConfigurationLibrary library_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<engine::SteppedEngine> engine_;
  std::shared_ptr<const flow::Configuration> configuration_;
  ChanceByCount random_;
  consent::LinkKeys keys_{{{1, Secret(std::string(32, 'k'))}}};
  consent::Address address_{consent::Channel::email, "ana@example.org"};
  Router router_;
};

TEST_F(PreferencesTest, LookingShowsEveryTopicByItsTitleAndChangesNothing) {
  const http::Response page = ask(Method::get);
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(shows(page, "Tú decides qué te contamos."));
  EXPECT_TRUE(shows(page, "Sobre tips"));
  EXPECT_TRUE(shows(page, "Sobre care"));
  EXPECT_FALSE(is_ticked(page, "tips"));
  EXPECT_FALSE(shows(page, "ana@example.org"));
  EXPECT_TRUE(shows(page, "a…@example.org"));
  EXPECT_FALSE(shows(page, "role=\"status\""));
  EXPECT_TRUE(ledger().entries.empty());
}

TEST_F(PreferencesTest, ATickGrantsWithProofAndTakingItAwayWithdraws) {
  const http::Response saved = ask(Method::post, "form=preferences&t.tips=1");
  EXPECT_TRUE(shows(saved, "role=\"status\""));
  EXPECT_TRUE(is_ticked(saved, "tips"));
  EXPECT_FALSE(is_ticked(saved, "care"));
  const Ledger granted = ledger();
  EXPECT_EQ(granted.tips, PermissionState::subscribed);
  ASSERT_EQ(granted.entries.size(), 1U);
  const consent::ConsentAct& grant = granted.entries.front().act;
  EXPECT_EQ(grant.action, consent::Action::grant);
  EXPECT_EQ(grant.method, consent::Method::link);
  EXPECT_EQ(grant.text_language, "es");
  EXPECT_EQ(grant.text_version.size(), 32U);
  EXPECT_FALSE(grant.confirmation.confirmed_at.is_zero());

  const http::Response left = ask(Method::post, "form=preferences&on.tips=1&t.care=1");
  EXPECT_FALSE(is_ticked(left, "tips"));
  EXPECT_TRUE(is_ticked(left, "care"));
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
  EXPECT_EQ(ledger().care, PermissionState::subscribed);
}

TEST_F(PreferencesTest, RepeatsAndStaleFormsDoNoHarm) {
  for (int i = 0; i < 2; ++i) ask(Method::post, "form=preferences&t.tips=1&t.care=1");
  EXPECT_EQ(ledger().entries.size(), 2U);
  // They leave tips; then an older form comes in, in which its tick was not touched.
  for (int i = 0; i < 2; ++i) ask(Method::post, "form=preferences&on.tips=1&on.care=1&t.care=1");
  ask(Method::post, "form=preferences&on.tips=1&t.tips=1&on.care=1&t.care=1");
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
  EXPECT_EQ(ledger().care, PermissionState::subscribed);
  // A topic that vanished can be left, and not chosen; one that never was is nothing.
  configure({"tips"});
  EXPECT_EQ(ask(Method::post, "form=preferences&on.care=1&t.made-up=1&on.unheard=1").status, 200);
  EXPECT_EQ(ledger().care, PermissionState::unsubscribed);
  const size_t entries = ledger().entries.size();
  EXPECT_EQ(ask(Method::post, "form=preferences&t.care=1").status, 200);
  EXPECT_EQ(ledger().entries.size(), entries);
}

TEST_F(PreferencesTest, NothingAnyMoreClosesEverythingAndATickOpensOneAgain) {
  ask(Method::post, "form=preferences&t.tips=1&t.care=1");
  const http::Response none = ask(Method::post, "form=preferences&none=1");
  EXPECT_FALSE(is_ticked(none, "tips"));
  EXPECT_FALSE(is_ticked(none, "care"));
  EXPECT_EQ(ledger().entries.back().act.scope, (consent::Scope{"", "", "norte"}));
  EXPECT_TRUE(is_ticked(ask(Method::post, "form=preferences&t.care=1"), "care"));
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
}

TEST_F(PreferencesTest, ANoRepeatedIsTakenAndEnteredOnce) {
  const auto leave = [&] {
    const http::Response done = ask(Method::post, "List-Unsubscribe=One-Click");
    EXPECT_EQ(done.status, 200);
    EXPECT_TRUE(shows(done, "Hecho."));
  };
  ask(Method::post, "form=preferences&t.tips=1");
  leave();
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
  const size_t entries = ledger().entries.size();
  for (int i = 0; i < 200; ++i) {
    engine_->advance(milliseconds(100));
    leave();
  }
  EXPECT_EQ(ledger().entries.size(), entries);
  // What was opened since closes again, however soon.
  ask(Method::post, "form=preferences&t.tips=1");
  EXPECT_EQ(ledger().tips, PermissionState::subscribed);
  leave();
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
}

TEST_F(PreferencesTest, YesAndNoInTurnsEndsWithTheNo) {
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const http::Response yes = ask(Method::post, "form=preferences&t.tips=1");
    if (yes.status == 429) {
      ++refused;
      EXPECT_TRUE(yes.header("Retry-After").has_value());
      EXPECT_TRUE(shows(yes, "No lo hemos podido anotar."));
    }
    const http::Response no = ask(Method::post, "form=preferences&on.tips=1");
    EXPECT_EQ(no.status, 200);
    EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
  }
  EXPECT_GT(refused, 90);
  EXPECT_LT(ledger().entries.size(), 30U);
  // Whoever may not say yes for now can still leave, in the same form too.
  engine_->advance(hours(2));
  ask(Method::post, "form=preferences&t.tips=1");
  for (int i = 0; i < 50 && ask(Method::post, "form=preferences&t.care=1").status != 429; ++i)
    ask(Method::post, "form=preferences&on.care=1");
  EXPECT_EQ(ledger().tips, PermissionState::subscribed);
  EXPECT_EQ(ask(Method::post, "form=preferences&on.tips=1&t.care=1").status, 200);
  EXPECT_EQ(ledger().tips, PermissionState::unsubscribed);
  EXPECT_EQ(ledger().care, PermissionState::unsubscribed);
  engine_->advance(hours(2));
  EXPECT_TRUE(is_ticked(ask(Method::post, "form=preferences&t.tips=1"), "tips"));
}

TEST_F(PreferencesTest, AConfirmationThatTheLedgerDidNotTakeIsNotThankedFor) {
  const std::string token = consent::make_token(
      keys_, {consent::LinkAction::confirm, address_, {"tips", "marketing", "norte"}, DecisionId{{1, 2}}, "es"});
  const auto press = [&] {
    const http::OwnedRequest owned(Method::post, "/u/" + token, {}, {});
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(owned.request, responder);
    engine_->run_until_idle();
    return exchange->wait();
  };
  const http::Response nothing_asked = press();
  EXPECT_EQ(nothing_asked.status, 410);
  EXPECT_TRUE(shows(nothing_asked, "Este enlace ya no vale."));
  const auto request = [&] {
    consent::ConsentAct act;
    act.action = consent::Action::request;
    act.address = address_;
    act.scope = {"tips", "marketing", "norte"};
    act.legal_basis = consent::LegalBasis::consent;
    act.method = consent::Method::tick;
    act.is_explicit = true;
    act.text_version = "v1";
    act.actor.kind = consent::ActorKind::person;
    act.occurred_at = act.received_at = engine_->clock().now();
    act.visibility = events::Visibility::public_source;
    act.confirmation.token_hash = consent::token_hash_of(token);
    act.random_bits = std::string(32, 'r');
    engine::Batch batch;
    batch.add(consent::home_of(address_), static_cast<uint16_t>(events::RecordType::consent_act),
              RecordId{random_.next()}, flow::payload_of(act));
    engine_->append(std::move(batch), nullptr, false);
    engine_->run_until_idle();
  };
  request();
  engine_->advance(days(8));
  EXPECT_EQ(press().status, 410);
  request();
  const http::Response thanked = press();
  EXPECT_EQ(thanked.status, 200);
  EXPECT_TRUE(shows(thanked, "Gracias."));
  EXPECT_EQ(press().status, 200);
  EXPECT_EQ(ledger().tips, PermissionState::subscribed);
}

TEST_F(PreferencesTest, SpeaksTheLettersLanguageThenTheBrowsersThenTheInstallations) {
  const auto look = [&](std::string language, std::vector<std::pair<std::string, std::string>> headers) {
    const std::string target = "/u/" + consent::make_token(keys_, {consent::LinkAction::preferences,
                                                                   address_,
                                                                   {"tips", "marketing", "norte"},
                                                                   DecisionId{{1, 2}},
                                                                   std::move(language)});
    const http::OwnedRequest owned(Method::get, target, {}, std::move(headers));
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(owned.request, responder);
    engine_->run_until_idle();
    return exchange->wait();
  };
  EXPECT_TRUE(shows(look("es", {{"Accept-Language", "fr"}}), "<html lang=\"es\">"));
  EXPECT_TRUE(shows(look("", {{"Accept-Language", "fr"}}), "<html lang=\"fr\">"));
  EXPECT_TRUE(shows(look("", {}), "<html lang=\"en\">"));
}

}  // namespace
}  // namespace terreno::api
