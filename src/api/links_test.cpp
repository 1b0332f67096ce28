#include "api/links.h"

#include <gtest/gtest.h>

#include "base/http_testing.h"
#include "events/record.h"

namespace terreno::api {
namespace {

using http::Method;

// An engine's front door: keeps what is appended, and is durable when the test says so.
class RecordingEngine : public engine::Engine {
 public:
  void append(engine::Batch batch, engine::DurableCallback done, bool urgent) override {
    urgents.push_back(urgent);
    batches.push_back(std::move(batch));
    waiting.push_back(std::move(done));
  }
  // Links only append.
  void read(engine::Partition, engine::ReadTask) override { FAIL(); }
  void scan_rows(engine::Partition, engine::RowScan, engine::RowsCallback) override { FAIL(); }
  void record_at(engine::Partition, engine::Position, engine::RecordCallback) override { FAIL(); }
  void clock_reset(Timestamp, engine::DurableCallback) override { FAIL(); }
  [[nodiscard]] engine::Health health() const override { return {}; }
  engine::Result<void> checkpoint() override { return {}; }
  engine::Result<void> stop() override { return {}; }

  [[nodiscard]] consent::ConsentAct act(size_t index) const {
    const auto& item = batches.at(index).items().front();
    EXPECT_EQ(item.type, static_cast<uint16_t>(events::RecordType::consent_act));
    Reader reader(batches.at(index).payload(item));
    consent::ConsentAct act = consent::ConsentAct::decode(reader);
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(item.partition, consent::home_of(act.address));
    return act;
  }

  std::vector<engine::Batch> batches;
  std::vector<engine::DurableCallback> waiting;
  std::vector<bool> urgents;
};

class FixedClock : public engine::Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {1'795'000'000'000}; }
  [[nodiscard]] Duration boot() const override { return {}; }
};

class CountingRandom : public engine::Random {
 public:
  Id128 next() override { return {7, ++count_}; }

 private:
  uint64_t count_ = 0;
};

class LinksTest : public testing::Test {
 protected:
  LinksTest() {
    auto snapshot = std::make_shared<governance::Snapshot>();
    snapshot->installation.sender.brand = "Norte & Sur";
    add_link_routes(router, {&engine, &clock, &random, &keys, [snapshot] { return snapshot; },
                             [] {
                               auto configuration = std::make_shared<flow::Configuration>();
                               configuration->topics["tips"] = {"tips", {{"es", "Consejos"}}};
                               return configuration;
                             }});
  }
  [[nodiscard]] std::string path_of(consent::LinkAction action) const {
    return "/u/" + consent::make_token(keys, {action,
                                              {consent::Channel::email, "ana@example.org"},
                                              {"tips", "marketing", "norte"},
                                              DecisionId{{1, 2}}});
  }
  std::shared_ptr<http::RecordedExchange> begin(Method method, std::string target, std::string body = {},
                                                std::string language = "es-ES") {
    const http::OwnedRequest owned(method, std::move(target), std::move(body),
                                   {{"Accept-Language", std::move(language)}});
    auto [exchange, responder] = http::RecordedExchange::make();
    router.handle(owned.request, responder);
    return exchange;
  }
  static bool shows(const http::Response& response, std::string_view text) {
    return response.body_view().find(text) != std::string_view::npos;
  }

  RecordingEngine engine;
  FixedClock clock;
  CountingRandom random;
  consent::LinkKeys keys{{{1, Secret(std::string(32, 'k'))}}};
  Router router;
};

TEST_F(LinksTest, LookingAsksInTheReadersLanguageAndChangesNothing) {
  const auto response = begin(Method::get, path_of(consent::LinkAction::unsubscribe))->wait();
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(shows(response, "¿Dejamos de escribirte sobre Consejos?"));
  EXPECT_TRUE(shows(response, "Norte &amp; Sur"));
  EXPECT_FALSE(shows(response, "ana@example.org"));
  EXPECT_EQ(response.header("Referrer-Policy"), "no-referrer");
  EXPECT_TRUE(shows(begin(Method::get, path_of(consent::LinkAction::unsubscribe), "", "fr")->wait(), "tips"));
  EXPECT_TRUE(engine.batches.empty());
}

TEST_F(LinksTest, OneClickWithdrawsTheTopicAndAnswersOnceItIsDurable) {
  const auto exchange = begin(Method::post, path_of(consent::LinkAction::unsubscribe), "List-Unsubscribe=One-Click");
  EXPECT_FALSE(exchange->response().has_value());
  const auto act = engine.act(0);
  EXPECT_EQ(act.action, consent::Action::withdraw);
  EXPECT_EQ(act.method, consent::Method::one_click);
  EXPECT_EQ(act.scope.topic, "tips");
  EXPECT_EQ(act.random_bits.size(), 32u);
  EXPECT_TRUE(engine.urgents.at(0));
  engine.waiting.at(0)(std::vector<engine::Placed>(1));
  EXPECT_EQ(exchange->wait().status, 200);
}

TEST_F(LinksTest, TheQuieterButtonWithdrawsEverythingOfTheBrand) {
  const auto exchange = begin(Method::post, path_of(consent::LinkAction::preferences), "all=1");
  const auto act = engine.act(0);
  EXPECT_EQ(act.method, consent::Method::link);
  EXPECT_EQ(act.scope, (consent::Scope{"", "", "norte"}));
}

TEST_F(LinksTest, MultipartOneClickCounts) {
  begin(Method::post, path_of(consent::LinkAction::unsubscribe),
        "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n");
  EXPECT_EQ(engine.act(0).method, consent::Method::one_click);
}

TEST_F(LinksTest, ConfirmingNeedsThePressOfTheButton) {
  const std::string path = path_of(consent::LinkAction::confirm);
  EXPECT_TRUE(shows(begin(Method::get, path)->wait(), "¿Quieres recibir Consejos?"));
  EXPECT_TRUE(engine.batches.empty());
  begin(Method::post, path);
  const auto act = engine.act(0);
  EXPECT_EQ(act.action, consent::Action::confirm);
  EXPECT_EQ(act.confirmation.token_hash, consent::token_hash_of(path.substr(3)));
  EXPECT_FALSE(engine.urgents.at(0));
}

TEST_F(LinksTest, WhatIsNotOursIsAPageThatSaysWhatToDo) {
  std::string broken = path_of(consent::LinkAction::unsubscribe);
  broken.pop_back();
  for (const std::string& path : {broken, std::string("/u/x"), path_of(consent::LinkAction::view)}) {
    for (const Method method : {Method::get, Method::post}) {
      const auto response = begin(method, path)->wait();
      EXPECT_EQ(response.status, 404);
      EXPECT_TRUE(shows(response, "No podemos leer este enlace."));
    }
  }
  EXPECT_TRUE(engine.batches.empty());
}

TEST_F(LinksTest, WhatCouldNotBeWrittenIsNotConfirmed) {
  const auto exchange = begin(Method::post, path_of(consent::LinkAction::unsubscribe));
  engine.waiting.at(0)(std::unexpected(engine::Error{engine::Errc::overloaded, {}}));
  // Who pressed a button reads a page in their language, a program JSON.
  EXPECT_EQ(exchange->wait().status, 503);
  EXPECT_EQ(exchange->wait().header("Retry-After"), "5");
  EXPECT_TRUE(shows(exchange->wait(), "No lo hemos podido anotar."));
  const auto one_click = begin(Method::post, path_of(consent::LinkAction::unsubscribe), "List-Unsubscribe=One-Click");
  engine.waiting.at(1)(std::unexpected(engine::Error{engine::Errc::overloaded, {}}));
  EXPECT_EQ(one_click->wait().content_type, "application/problem+json");
  EXPECT_EQ(one_click->wait().header("Retry-After"), "5");
  const auto large =
      begin(Method::post, path_of(consent::LinkAction::unsubscribe), std::string(kLinkBodyBytesMax + 1, 'x'), "fr")
          ->wait();
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(shows(large, "Nous n’avons pas pu le noter."));
}

}  // namespace
}  // namespace terreno::api
