#include "api/tracking.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "base/http_testing.h"

namespace terreno::api {
namespace {

using http::Method;

constexpr std::string_view kTrack = R"({"event":"E","userId":"u1","messageId":"m"})";

// An engine's front door: keeps what is appended and answers when the test says so.
class RecordingEngine : public engine::Engine {
 public:
  void append(engine::Batch batch, engine::DurableCallback done, bool urgent) override {
    EXPECT_FALSE(urgent);
    if (refusal) return done(std::unexpected(engine::Error{*refusal, {}}));
    batches.push_back(std::move(batch));
    waiting.push_back(std::move(done));
    if (answers_at_once) make_durable();
  }
  // Tracking only appends.
  void read(engine::Partition, engine::ReadTask) override { FAIL(); }
  void scan_rows(engine::Partition, engine::RowScan, engine::RowsCallback) override { FAIL(); }
  void record_at(engine::Partition, engine::Position, engine::RecordCallback) override { FAIL(); }
  void clock_reset(Timestamp, engine::DurableCallback) override { FAIL(); }
  [[nodiscard]] engine::Health health() const override { return {}; }
  engine::Result<void> checkpoint() override { return {}; }
  engine::Result<void> stop() override { return {}; }

  void make_durable() {
    for (auto& done : waiting) done(std::vector<engine::Placed>(batches.back().items().size()));
    waiting.clear();
  }
  [[nodiscard]] std::vector<events::Event> events() const {
    std::vector<events::Event> all;
    for (const engine::Batch& batch : batches) {
      for (const auto& item : batch.items()) {
        if (item.type == static_cast<uint16_t>(events::RecordType::quarantined)) continue;
        EXPECT_EQ(item.type, static_cast<uint16_t>(events::RecordType::event));
        Reader reader(batch.payload(item));
        all.push_back(events::Event::decode(reader));
        EXPECT_TRUE(reader.done());
        EXPECT_EQ(item.partition, all.back().route());
        EXPECT_FALSE(item.id.is_zero());
      }
    }
    return all;
  }

  /// Reasons of the quarantined items that were appended.
  [[nodiscard]] std::vector<std::string> quarantined() const {
    std::vector<std::string> all;
    for (const engine::Batch& batch : batches) {
      for (const auto& item : batch.items()) {
        if (item.type != static_cast<uint16_t>(events::RecordType::quarantined)) continue;
        Reader reader(batch.payload(item));
        all.push_back(events::QuarantinedItem::decode(reader).reason);
        EXPECT_TRUE(reader.done());
      }
    }
    return all;
  }

  std::vector<engine::Batch> batches;
  std::vector<engine::DurableCallback> waiting;
  std::optional<engine::Errc> refusal;
  bool answers_at_once = true;
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

class FixedKeys : public WriteKeys {
 public:
  [[nodiscard]] std::optional<Source> find(std::string_view key) const override {
    const auto found = sources.find(key);
    return found == sources.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, Source, std::less<>> sources;
};

class RecordingObserver : public TrackingObserver {
 public:
  void on_accepted(const std::string& source, Timestamp /*received_at*/, size_t count) override {
    accepted[source] += count;
  }
  void on_quarantined(const std::string& source, Timestamp, std::vector<events::Quarantined> items) override {
    for (const auto& item : items) quarantined.push_back(source + ":" + std::string(item.reason));
  }
  void on_rejected_key(std::string_view key, bool is_known) override {
    rejected.push_back(std::string(key) + (is_known ? ":known" : ":unknown"));
  }
  std::map<std::string, size_t> accepted;
  std::vector<std::string> quarantined;
  std::vector<std::string> rejected;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

class TrackingTest : public testing::Test {
 protected:
  TrackingTest() {
    keys.sources["k1"].defaults.id = "web";
    keys.sources["k:2"].defaults.id = "shop";
    keys.sources["off"].is_enabled = false;
    build({});
  }
  void build(TrackingOptions options) {
    router = Router();
    add_tracking_routes(router, {&engine, &clock, &random, &keys, &observer}, std::move(options));
  }
  http::Handler handler() {
    return [this](const http::Request& request, http::Responder responder) {
      router.handle(request, std::move(responder));
    };
  }
  http::Response ask(Method method, std::string target, std::string_view body = {}, Headers headers = {}) {
    const http::OwnedRequest owned(method, std::move(target), std::string(body), std::move(headers));
    return http::ask(handler(), owned);
  }
  http::Response post(std::string target, std::string_view body, Headers headers = {{"Authorization", "Basic azE6"}}) {
    return ask(Method::post, std::move(target), body, std::move(headers));
  }
  static std::string code_of(const http::Response& response) {
    const auto value = boost::json::parse(std::string(response.body_view()));
    EXPECT_FALSE(value.at("message").as_string().empty());
    return std::string(value.at("code").as_string());
  }

  RecordingEngine engine;
  FixedClock clock;
  CountingRandom random;
  FixedKeys keys;
  RecordingObserver observer;
  Router router;
};

TEST_F(TrackingTest, GivesTheSameEventOnEveryPath) {
  const std::string item = R"({"type":"track","event":"E","userId":"u1","messageId":"m"})";
  const std::string batch = "{\"batch\":[" + item + "]}";
  for (const char* path : {"/v1/track", "/v1/t", "/api/s/track", "/api/s/s2s/track", "//v1/track/"})
    EXPECT_EQ(post(path, item).status, 200) << path;
  for (const char* path :
       {"/v1/batch", "/v1/b", "/v1/import/", "/v1/import", "/beacon/v1/batch", "/api/s/s2s/batch", "//v1/import//"})
    EXPECT_EQ(post(path, batch).status, 200) << path;
  const auto events = engine.events();
  ASSERT_EQ(events.size(), 12U);
  for (const events::Event& event : events) {
    EXPECT_EQ(event.body, item);
    EXPECT_EQ(event.source, "web");
    EXPECT_EQ(event.repeat_key(), events.front().repeat_key());
  }
}

TEST_F(TrackingTest, TakesTheTypeFromThePath) {
  const std::string body = R"({"event":"E","userId":"u1","groupId":"g","previousId":"u0"})";
  const std::map<std::string, events::EventType> paths{
      {"/v1/identify", events::EventType::identify}, {"/v1/i", events::EventType::identify},
      {"/v1/page", events::EventType::page},         {"/v1/p", events::EventType::page},
      {"/v1/screen", events::EventType::screen},     {"/v1/s", events::EventType::screen},
      {"/v1/group", events::EventType::group},       {"/v1/g", events::EventType::group},
      {"/v1/alias", events::EventType::alias},       {"/v1/a", events::EventType::alias}};
  for (const auto& [path, type] : paths) {
    ASSERT_EQ(post(path, body).status, 200) << path;
    EXPECT_EQ(engine.events().back().type, type) << path;
  }
}

TEST_F(TrackingTest, AnswersExactlyWhatSdksExpect) {
  const http::Response plain = post("/v1/track", kTrack);
  EXPECT_EQ(plain.body_view(), R"({"success":true})");
  EXPECT_EQ(plain.content_type, "application/json");
  EXPECT_EQ(plain.header_lines, "");
  EXPECT_EQ(post("/api/s/track", kTrack).body_view(), R"({"ok":true})");
}

TEST_F(TrackingTest, AnswersOnlyWhenTheEventsAreDurable) {
  engine.answers_at_once = false;
  auto [exchange, responder] = http::RecordedExchange::make();
  {
    // The request is gone before the answer: nothing may refer to it.
    const http::OwnedRequest owned(Method::post, "/v1/batch",
                                   R"({"batch":[{"type":"track","event":"E","userId":"u1"},7]})",
                                   {{"Authorization", "Basic azE6"}, {"Origin", "https://shop.example"}});
    router.handle(owned.request, responder);
  }
  EXPECT_FALSE(exchange->response());
  EXPECT_TRUE(observer.quarantined.empty());
  EXPECT_TRUE(observer.accepted.empty());
  engine.make_durable();
  ASSERT_TRUE(exchange->response());
  EXPECT_EQ(exchange->response()->status, 200);
  EXPECT_EQ(exchange->response()->header("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(observer.quarantined, std::vector<std::string>{"web:not_an_object"});
  EXPECT_EQ(observer.accepted, (std::map<std::string, size_t>{{"web", 1}}));
}

// A sender that was told 200 never sends again, so what is unusable must be on disk before the answer too.
TEST_F(TrackingTest, AcceptsARequestWhoseItemsAreAllUnusable) {
  EXPECT_EQ(post("/v1/batch", R"({"batch":[1,2]})").status, 200);
  EXPECT_EQ(post("/v1/batch", R"({"batch":[]})").status, 200);
  EXPECT_EQ(post("/v1/track", R"({"event":"E"})").status, 200);
  EXPECT_TRUE(engine.events().empty());
  EXPECT_EQ(engine.quarantined().size(), 3U);
  EXPECT_EQ(observer.quarantined.size(), 3U);
}

TEST_F(TrackingTest, DoesNotAcknowledgeUnusableItemsThatCouldNotBeKept) {
  engine.refusal = engine::Errc::no_space;
  EXPECT_EQ(post("/v1/batch", R"({"batch":[1,2]})").status, 429);
  EXPECT_TRUE(observer.quarantined.empty());
}

TEST_F(TrackingTest, FindsTheKeyInEveryPlaceInItsOrder) {
  const auto status = [&](std::string target, std::string body, Headers headers) {
    return ask(Method::post, std::move(target), body, std::move(headers)).status;
  };
  const std::string body(kTrack);
  const std::string keyed = R"({"writeKey":"k1","event":"E","userId":"u1"})";
  EXPECT_EQ(status("/v1/track", body, {{"Authorization", "Basic azE6"}}), 200);
  EXPECT_EQ(status("/v1/track", body, {{"Authorization", "Basic azoyOg=="}}), 200);      // "k:2:"
  EXPECT_EQ(status("/v1/track", body, {{"Authorization", "Basic azE6c2VjcmV0"}}), 200);  // "k1:secret"
  EXPECT_EQ(status("/api/s/track", body, {{"X-Write-Key", "k1:secret"}}), 200);
  EXPECT_EQ(status("/beacon/v1/batch?writeKey=k1", R"({"batch":[]})", {}), 200);
  EXPECT_EQ(status("/api/s/track?writekey=k1", body, {}), 200);
  EXPECT_EQ(status("/v1/import/", R"({"writeKey":"k1","batch":[]})", {}), 200);
  EXPECT_EQ(status("/v1/track", keyed, {{"Authorization", "Bearer token"}}), 200);
  // A key outside the body counts alone, even when it is unknown.
  EXPECT_EQ(status("/v1/track", keyed, {{"X-Write-Key", "nope"}}), 401);
  EXPECT_EQ(status("/v1/track", R"({"writeKey":"id:***","event":"E","userId":"u1"})", {{"X-Write-Key", "k1"}}), 200);
  EXPECT_EQ(engine.events().back().body, R"({"event":"E","userId":"u1"})");
}

TEST_F(TrackingTest, RefusesUnknownAndDisabledKeysAndTellsOfThem) {
  EXPECT_EQ(code_of(post("/v1/track", kTrack, {{"X-Write-Key", "nope"}})), "invalid_write_key");
  EXPECT_EQ(post("/v1/track", kTrack, {}).status, 401);
  EXPECT_EQ(post("/v1/track", kTrack, {{"Authorization", "Basic "}}).status, 401);
  const http::Response disabled = post("/v1/track", kTrack, {{"X-Write-Key", "off"}});
  EXPECT_EQ(disabled.status, 404);
  EXPECT_EQ(code_of(disabled), "source_disabled");
  EXPECT_EQ(observer.rejected, (std::vector<std::string>{"nope:unknown", ":unknown", ":unknown", "off:known"}));
  EXPECT_TRUE(engine.batches.empty());
}

TEST_F(TrackingTest, MayAnswerUnknownKeysGentlyAndStillStoresNothing) {
  build({.is_lenient = true});
  EXPECT_EQ(post("/v1/track", kTrack, {{"X-Write-Key", "nope"}}).status, 200);
  EXPECT_TRUE(engine.batches.empty());
  EXPECT_EQ(observer.rejected.size(), 1U);
}

TEST_F(TrackingTest, SaysWhatIsWrongWithABody) {
  EXPECT_EQ(code_of(post("/v1/track", "{")), "invalid_json");
  EXPECT_EQ(code_of(post("/v1/batch", "{}")), "invalid_batch");
  const http::Response large = post("/v1/batch", std::string(events::kBodyBytesMax + 1, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(code_of(large), "payload_too_large");
}

TEST_F(TrackingTest, SaysWhenToComeBack) {
  const Headers headers{{"Authorization", "Basic azE6"}, {"Origin", "https://shop.example"}};
  for (const auto& [errc, status] : {std::pair(engine::Errc::overloaded, 429), std::pair(engine::Errc::no_space, 429),
                                     std::pair(engine::Errc::stopping, 503), std::pair(engine::Errc::io_failed, 503)}) {
    engine.refusal = errc;
    const http::Response response = post("/v1/track", kTrack, headers);
    EXPECT_EQ(response.status, status);
    const int seconds = std::stoi(std::string(response.header("retry-after").value_or("0")));
    EXPECT_GE(seconds, 1);
    EXPECT_LE(seconds, 60);
    EXPECT_EQ(response.header("access-control-allow-origin"), "https://shop.example");
    EXPECT_EQ(response.header("access-control-expose-headers"), "Retry-After, X-RateLimit-Reset");
    code_of(response);
  }
}

TEST_F(TrackingTest, AnswersPreflightsWithoutAKey) {
  const http::Response response = ask(Method::options, "//v1/t/", {},
                                      {{"Origin", "https://shop.example"},
                                       {"Access-Control-Request-Method", "POST"},
                                       {"Access-Control-Request-Headers", "authorization,content-type,x-retry-count"}});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.header("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(response.header("vary"), "Origin");
  EXPECT_EQ(response.header("access-control-allow-credentials"), "true");
  EXPECT_EQ(response.header("access-control-allow-headers"), "authorization,content-type,x-retry-count");
  EXPECT_EQ(response.header("access-control-max-age"), "7200");
  EXPECT_TRUE(observer.rejected.empty());
}

TEST_F(TrackingTest, EchoesOnlyHeaderNamesInAPreflight) {
  for (const std::string& bad : {std::string("a\r\nSet-Cookie: x"), std::string("<b>"), std::string(1025, 'a')}) {
    const http::Response response =
        ask(Method::options, "/v1/t", {}, {{"Origin", "o"}, {"Access-Control-Request-Headers", bad}});
    EXPECT_EQ(response.header("access-control-allow-headers"), std::nullopt);
  }
}

TEST_F(TrackingTest, CarriesCorsHeadersOnEveryRoutesErrors) {
  for (const Route& route : router.routes()) {
    if (route.method == Method::options) continue;
    std::string target = route.pattern;
    if (const size_t at = target.find("{key}"); at != std::string::npos) target.replace(at, 5, "nope");
    const http::Response response = ask(route.method, target, "{", {{"Origin", "https://o"}, {"X-Write-Key", "nope"}});
    EXPECT_EQ(response.header("access-control-allow-origin"), "https://o") << target;
    const http::Response wrong = ask(Method::put, target, "{", {{"Origin", "https://o"}});
    EXPECT_EQ(wrong.status, 405) << target;
    EXPECT_EQ(wrong.header("access-control-allow-origin"), "https://o") << target;
    const http::OwnedRequest owned(route.method, target, "", {{"Origin", "https://o"}});
    const http::Response refused = router.refuse(owned.request, http::Refusal::body_too_large);
    EXPECT_EQ(refused.status, 413);
    EXPECT_EQ(refused.header("access-control-allow-origin"), "https://o");
    code_of(refused);
  }
}

TEST_F(TrackingTest, RefusesGetOnAnEventPath) {
  const http::Response response = ask(Method::get, "/v1/track");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("allow"), "POST, OPTIONS");
}

TEST_F(TrackingTest, TellsSegmentsSdksWhereToSend) {
  const http::Response response = ask(Method::get, "/v1/projects/k%3A2/settings", {},
                                      {{"Host", "track.example.org:8443"}, {"Origin", "https://o"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("cache-control"), "public, max-age=300");
  EXPECT_EQ(response.header("access-control-allow-origin"), "https://o");
  EXPECT_EQ(boost::json::parse(std::string(response.body_view())), boost::json::parse(R"(
      {"integrations":{"Segment.io":{"apiKey":"k:2","apiHost":"track.example.org:8443/v1","protocol":"http",
        "httpConfig":{"rateLimitConfig":{"enabled":true},"backoffConfig":{"enabled":true}}}},
       "plan":{"track":{"__default":{"enabled":true}},"identify":{"__default":{"enabled":true}},
               "group":{"__default":{"enabled":true}}},
       "metrics":{"sampleRate":0},"analyticsNextEnabled":true})"));
  EXPECT_EQ(ask(Method::get, "/v1/projects/nope/settings").status, 404);
  build({.public_base_url = [] { return std::string("https://t.example.org"); }});
  const auto other = boost::json::parse(std::string(ask(Method::get, "/v1/projects/k1/settings").body_view()));
  EXPECT_EQ(other.at("integrations").at("Segment.io").at("apiHost"), "t.example.org/v1");
  EXPECT_EQ(other.at("integrations").at("Segment.io").at("protocol"), "https");
}

TEST_F(TrackingTest, TellsRudderStacksSdkThatItsSourceIsOn) {
  const http::Response response = ask(Method::get, "/sourceConfig/?p=npm&v=3", {}, {{"Authorization", "Basic azE6"}});
  EXPECT_EQ(response.status, 200);
  const auto source = boost::json::parse(std::string(response.body_view())).at("source");
  EXPECT_EQ(source.at("id"), "web");
  EXPECT_EQ(source.at("enabled"), true);
  EXPECT_TRUE(source.at("destinations").as_array().empty());
  EXPECT_EQ(ask(Method::get, "/sourceConfig").status, 401);
}

TEST_F(TrackingTest, ServesStartUpAnswersUnderOverload) {
  engine.refusal = engine::Errc::overloaded;
  EXPECT_EQ(ask(Method::get, "/v1/projects/k1/settings").status, 200);
  EXPECT_EQ(ask(Method::get, "/sourceConfig?writeKey=k1").status, 200);
}

TEST_F(TrackingTest, LetsSdkMetricsGo) {
  EXPECT_EQ(post("/v1/m", R"({"series":[]})", {}).status, 200);
  EXPECT_TRUE(engine.batches.empty());
}

}  // namespace
}  // namespace terreno::api
