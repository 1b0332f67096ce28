#include "api/customer_api.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/http_testing.h"
#include "channels/sending.h"
#include "engine/stepped.h"
#include "flow/flow.h"
#include "flow/messages.h"
#include "server/files/audit_folder.h"
#include "server/files/installation_key.h"
#include "server/files/registry_file.h"

namespace terreno::api {
namespace {

namespace json = boost::json;
using events::RecordType;
using governance::Principal;
using governance::Scope;
using governance::ScopeSet;
using http::Method;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::vector<flow::Document> documents() {
  return {{"topics/tips.yaml", "kind: topic\nname: tips\nspec: {titles: {en: tips}}\n"},
          {"templates/hello.yaml",
           "kind: template\nname: hello\nspec:\n  author: Marta\n  aim: says hello\n  languages:\n    en:\n      "
           "subject: 'Hello'\n      html: '<p>Hello</p><a href=\"{% unsubscribe_url %}\">no more</a>'\n      text: "
           "'Hello {% unsubscribe_url %}'\n"},
          {"journeys/welcome.yaml",
           "kind: journey\nname: welcome\nspec:\n  owner: Marta Soler\n  reply_to: hola@example.org\n  trigger: "
           "{event: Signed Up}\n  steps:\n    - send: {template: hello, topic: tips}\n"},
          {"policy.yaml", "kind: policy\nname: contact\nspec:\n  time_zone: Europe/Madrid\n"}};
}

/// Configurations in a folder of the test.
class Folder final : public ConfigurationFiles {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}
  bool save(Id128 hash, std::string_view bundle) override {
    std::ofstream file(path_ / hash.hex(), std::ios::binary);
    file << bundle;
    newest = hash;
    return file.good();
  }
  Id128 newest;

 private:
  std::filesystem::path path_;
};

/// Letters as the test wrote them.
class Letters final : public OutboxReader {
 public:
  void add(const DecisionId decision, PersonId person, bool is_sandbox) {
    Letter letter;
    letter.id = decision.hex();
    letter.decision = decision;
    letter.person = person;
    letter.is_sandbox = is_sandbox;
    letter.from = "hola@example.org";
    letter.to = "ana@example.org";
    letter.subject = "Hello Ana";
    letter.html = "<p>Ana</p>";
    letter.text = "Ana";
    letter.headers = {{"To", letter.to}};
    letter.raw = "To: ana@example.org";
    letters_.push_back(std::move(letter));
  }
  std::optional<Page> list(const std::string& /*cursor*/, size_t /*limit*/) override {
    Page page;
    for (const Letter& letter : letters_) {
      if (letter.is_sandbox) page.letters.push_back(letter);
    }
    page.total = page.letters.size();
    return page;
  }
  std::optional<Letter> find(const std::string& id) override { return find_by_decision(DecisionId::from_hex(id)); }
  std::optional<Letter> find_by_decision(DecisionId decision) override {
    const auto found = std::ranges::find(letters_, decision, &Letter::decision);
    return found == letters_.end() ? std::nullopt : std::optional(*found);
  }

 private:
  std::vector<Letter> letters_;
};

/// Flow's machine, a registry on a folder, the API; time and the courier in the hand of the test.
class CustomerApiTest : public testing::Test, public engine::OutputSink {
 protected:
  CustomerApiTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    machine_ = flow::make_machine(library_);
    engine::SteppedEngine::Options options;
    options.start = parse_iso8601("2026-03-02T09:00:00Z").value().time;
    engine_ = std::make_unique<engine::SteppedEngine>(*machine_, *this, options);
    news_ = std::make_unique<News>(engine_->clock());
    file_ = std::make_unique<server::RegistryFile>(folder_ / "registry");
    audit_ = server::AuditFolder::open(folder_ / "audit").value();
    registry_ = governance::Registry::load(*file_, *audit_, server::system_entropy(), now()).value();
    authentication_ = std::make_unique<Authentication>(*registry_, Secret("a cookie key"), [this] { return now(); });
    CustomerApi::Parts parts;
    parts.engine = engine_.get();
    parts.clock = &engine_->clock();
    parts.registry = registry_.get();
    parts.authentication = authentication_.get();
    parts.library = &library_;
    parts.news = news_.get();
    configurations_ = std::make_unique<Folder>(folder_);
    parts.configuration = configurations_.get();
    parts.configuration_in_force = [this] { return library_.find(configurations_->newest); };
    parts.outbox = &letters_;
    parts.entropy = server::system_entropy();
    parts.background = [](const std::function<void()>& work) {
      work();
      return true;
    };
    parts.set_clock = [this](Timestamp at, const std::function<void(bool)>& done) {
      if (at < now()) return done(false);
      engine_->advance(at - now());
      done(true);
    };
    parts.run_clock = [] {};
    parts.build = "b1";
    parts.version = "0.1.0";
    api_ = std::make_unique<CustomerApi>(std::move(parts));
    api_->add_routes(router_);
    all_ = bearer({Scope::admin});
  }
  ~CustomerApiTest() override {
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }

  // -- the courier

  void on_outputs(engine::Partition partition, engine::Position position,
                  std::vector<engine::Output>& outputs) override {
    for (const engine::Output& output : outputs) {
      news_->hear(partition, position, output);
      if (static_cast<flow::OutputKind>(output.kind) == flow::OutputKind::claim_wanted) {
        auto claim = flow::read_payload<channels::Claim>(output.payload).value();
        claim.owner = 1;
        append(partition, RecordType::send_claimed, flow::payload_of(claim));
      } else if (static_cast<flow::OutputKind>(output.kind) == flow::OutputKind::perform) {
        const auto claimed = channels::ClaimedSend::decode(output.payload).value();
        channels::Receipt receipt;
        receipt.decision = claimed.order().decision;
        receipt.attempt = claimed.attempt();
        receipt.address = claimed.order().request.address;
        receipt.ending = channels::Ending::sent;
        receipt.detail = "250 taken";
        append(partition, RecordType::send_receipt, flow::payload_of(receipt));
      }
    }
  }
  void append(engine::Partition partition, RecordType type, const std::string& payload) {
    engine::Batch batch;
    batch.add(partition, static_cast<uint16_t>(type), RecordId{hash128("record " + std::to_string(++records_))},
              payload);
    engine_->append(std::move(batch), nullptr, true);
  }

  // -- asking

  struct Answer {
    http::Response response;
    json::value body;
    [[nodiscard]] int status() const { return response.status; }
    [[nodiscard]] std::string code() const { return text(body, "code"); }
  };
  static std::string text(const json::value& object, std::string_view name) {
    const auto* const value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  }
  Answer ask(Method method, const std::string& path, const json::value& body = nullptr, Headers headers = {}) {
    if (headers.empty()) headers = all_;
    std::string bytes;
    if (!body.is_null()) {
      bytes = json::serialize(body);
      headers.emplace_back("Content-Type", "application/json");
    }
    const http::OwnedRequest request(method, path, bytes, headers);
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(request.request, responder);
    engine_->run_until_idle();
    Answer answer{
        exchange->response().value_or(http::Response{.status = 0, .content_type = {}, .header_lines = {}, .body = {}}),
        nullptr};
    if (!answer.response.body_view().empty()) answer.body = json::parse(answer.response.body_view());
    return answer;
  }
  Answer get(const std::string& path) { return ask(Method::get, path); }
  Headers bearer(ScopeSet scopes) {
    return {
        {"Authorization",
         "Bearer " + registry_->create_api_key("k" + std::to_string(++keys_), scopes, {}, Principal::program(), now())
                         .value()
                         .secret.reveal()}};
  }

  // -- what happens

  void set_up() {
    json::array list;
    for (const auto& document : documents()) list.push_back({{"path", document.path}, {"text", document.text}});
    const Answer applied =
        ask(Method::post, "/api/v1/configuration", {{"base_version", 0}, {"documents", std::move(list)}});
    ASSERT_EQ(applied.status(), 200) << applied.response.body_view();
  }
  void track(const std::string& batch) {
    events::SourceDefaults source;
    source.id = "shop";
    source.visibility = events::Visibility::secret_source;
    std::vector<events::Event> events;
    std::vector<events::Quarantined> quarantined;
    ASSERT_TRUE(parser_.begin(events::TrackingPath::batch, R"({"batch":[)" + batch + "]}").has_value());
    ASSERT_TRUE(parser_.read(source, now(), random_, events, quarantined).has_value());
    news_->on_quarantined("shop", now(), std::move(quarantined));
    for (const auto& event : events) append(event.route(), RecordType::event, flow::payload_of(event));
    engine_->run_until_idle();
  }
  /// Ana signs up; with `agrees` she has opted in before.
  std::string sign_up(bool agrees) {
    if (agrees) {
      const Answer consent = ask(Method::post, "/api/v1/consents",
                                 {{"channel", "email"},
                                  {"address", "ana@example.org"},
                                  {"topic", "tips"},
                                  {"purpose", "marketing"},
                                  {"brand", ""},
                                  {"action", "grant"},
                                  {"actor", "person"},
                                  {"explicit", true},
                                  {"country", "FR"},
                                  {"method", "tick"},
                                  {"text_version", "v1"},
                                  {"occurred_at", format_iso8601(now())}});
      EXPECT_EQ(consent.status(), 201) << consent.response.body_view();
    }
    track(
        R"({"type":"identify","userId":"u1","messageId":"m1","traits":{"email":"ana@example.org","first_name":"Ana","last_name":"Ferrer","country":"FR"}},
             {"type":"track","userId":"u1","messageId":"m2","event":"Signed Up","properties":{"plan":"free"}})");
    const Answer found = get("/api/v1/people?q=u1");
    EXPECT_EQ(found.status(), 200);
    const auto& items = found.body.at("items").as_array();
    EXPECT_EQ(items.size(), 1U) << found.response.body_view();
    return items.empty() ? "" : text(items[0], "person_id");
  }
  [[nodiscard]] Timestamp now() const { return engine_->clock().now(); }

  class Draw final : public engine::Random {
   public:
    Id128 next() override { return {++count_, 1}; }

   private:
    uint64_t count_ = 0;
  };

  std::filesystem::path folder_;
  flow::ConfigurationLibrary library_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<engine::SteppedEngine> engine_;
  std::unique_ptr<News> news_;
  std::unique_ptr<server::RegistryFile> file_;
  std::unique_ptr<server::AuditFolder> audit_;
  std::unique_ptr<governance::Registry> registry_;
  std::unique_ptr<Authentication> authentication_;
  std::unique_ptr<Folder> configurations_;
  Letters letters_;
  std::unique_ptr<CustomerApi> api_;
  Router router_;
  events::TrackingParser parser_;
  Draw random_;
  Headers all_;
  int records_ = 0;
  int keys_ = 0;
};

TEST_F(CustomerApiTest, EveryRouteAsksForItsScope) {
  for (const CustomerApi::Route& route : CustomerApi::routes()) {
    if (route.guard.access == Access::open) continue;
    std::string path(route.path);
    if (const size_t brace = path.find('{'); brace != std::string::npos) {
      path.replace(brace, path.find('}') - brace + 1, std::string(32, '0'));
    }
    const json::value body = route.method == Method::get ? json::value(nullptr) : json::value(json::object());
    EXPECT_EQ(ask(route.method, path, body, {{"Host", "x"}}).status(), 401) << route.path;
    if (route.guard.access != Access::scoped) continue;
    ScopeSet others;
    for (int i = 0; i < governance::kScopeCount; ++i) {
      const auto scope = static_cast<Scope>(i);
      if (scope != route.guard.scope && scope != Scope::admin) others.add(scope);
    }
    EXPECT_EQ(ask(route.method, path, body, bearer(others)).status(), 403) << route.path;
    EXPECT_NE(ask(route.method, path, body, bearer({route.guard.scope})).status(), 403) << route.path;
  }
}

// Every route that changes something: a cookie alone is what another site can send, too.
TEST_F(CustomerApiTest, ACookieNeedsItsTokenTheOwnOriginAndALivingSession) {
  const governance::NewLink first = registry_->issue_first_run_token(false, now()).value();
  const auto session = registry_
                           ->create_first_administrator(first.token.reveal(),
                                                        {"marta@example.org", "Marta", governance::Language::spanish},
                                                        "", "hash", {"192.0.2.7", "a browser"}, now())
                           .value();
  const std::string made = authentication_->session_cookie(session.id);
  const std::pair<std::string, std::string> cookie{"Cookie", made.substr(0, made.find(';'))};
  const std::pair<std::string, std::string> token{"X-CSRF-Token", authentication_->csrf_token(session.id)};
  const std::pair<std::string, std::string> others{"X-CSRF-Token",
                                                   authentication_->csrf_token(Secret("another session"))};
  const std::pair<std::string, std::string> host{"Host", "crm.example.org"};
  const auto each = [&](const auto& look) {
    for (const CustomerApi::Route& route : CustomerApi::routes()) {
      if (route.guard.access == Access::open) continue;
      std::string path(route.path);
      if (const size_t brace = path.find('{'); brace != std::string::npos) {
        path.replace(brace, path.find('}') - brace + 1, std::string(32, '0'));
      }
      const json::value body = route.method == Method::get ? json::value(nullptr) : json::value(json::object());
      look(route, [&](Headers headers) { return ask(route.method, path, body, std::move(headers)); });
    }
  };
  each([&](const CustomerApi::Route& route, const auto& status) {
    if (route.method == Method::get) return;
    EXPECT_EQ(status({host, cookie}).code(), "csrf") << route.path;
    EXPECT_EQ(status({host, cookie, others}).code(), "csrf") << route.path;
    for (const auto& foreign : Headers{{"Origin", "https://evil.example"},
                                       {"Origin", "null"},
                                       {"Origin", "https://crm.example.org.evil.example"},
                                       {"Sec-Fetch-Site", "cross-site"}}) {
      EXPECT_EQ(status({host, cookie, token, foreign}).code(), "foreign_origin") << route.path << foreign.second;
    }
    const int let_in = status({host, cookie, token, {"Origin", "https://crm.example.org"}}).status();
    EXPECT_NE(let_in, 401) << route.path;
    EXPECT_NE(let_in, 403) << route.path;
  });
  engine_->advance(governance::kSessionIdle);
  each([&](const CustomerApi::Route& route, const auto& status) {
    EXPECT_EQ(status({host, cookie, token}).code(), "unauthenticated") << route.path;
  });
}

TEST_F(CustomerApiTest, AppliesDocumentsAndSaysWhatIsWrongWithThem) {
  set_up();
  const Answer read = get("/api/v1/configuration");
  EXPECT_EQ(read.body.at("version").to_number<int>(), 1);
  EXPECT_EQ(read.body.at("documents").as_array().size(), 4U);
  EXPECT_EQ(text(read.body.at("documents").as_array()[0], "kind"), "journey");

  const json::array one{
      json::object{{"path", "topics/care.yaml"}, {"text", "kind: topic\nname: care\nspec: {titles: {en: care}}\n"}}};
  EXPECT_EQ(ask(Method::post, "/api/v1/configuration", {{"base_version", 0}, {"documents", one}}).code(),
            "version_conflict");
  const Answer dry =
      ask(Method::post, "/api/v1/configuration", {{"base_version", 1}, {"documents", one}, {"dry_run", true}});
  EXPECT_EQ(dry.body.at("version").to_number<int>(), 1);
  EXPECT_EQ(text(dry.body.at("changes").as_array()[0], "change"), "added");
  const Answer applied = ask(Method::post, "/api/v1/configuration", {{"base_version", 1}, {"documents", one}});
  EXPECT_EQ(applied.body.at("version").to_number<int>(), 2) << applied.response.body_view();
  EXPECT_EQ(get("/api/v1/configuration").body.at("documents").as_array().size(), 5U);

  const json::array wrong{
      json::object{{"path", "policy.yaml"}, {"text", "kind: policy\nname: contact\nspec:\n  capz: 3\n"}}};
  const Answer refused = ask(Method::post, "/api/v1/configuration", {{"base_version", 2}, {"documents", wrong}});
  EXPECT_EQ(refused.status(), 422);
  EXPECT_EQ(text(refused.body, "pointer"), "/documents/0/text");
  EXPECT_EQ(refused.body.at("params").at("line").to_number<int>(), 4);
  EXPECT_FALSE(refused.body.at("findings").as_array().empty());

  std::string linked = documents()[1].text;
  linked.insert(linked.find("<p>Hello"), "{% view_in_browser_url %}");
  const json::array unbuilt{json::object{{"path", "templates/hello.yaml"}, {"text", linked}}};
  EXPECT_EQ(ask(Method::post, "/api/v1/configuration", {{"base_version", 2}, {"documents", unbuilt}}).code(),
            "no_such_page");
}

TEST_F(CustomerApiTest, APersonIsFoundByAnyIdentifierAndByTheirId) {
  set_up();
  const std::string id = sign_up(true);
  ASSERT_EQ(id.size(), 32U);
  for (const std::string& q : {std::string("ana@example.org"), std::string("u1"), id}) {
    const Answer found = get("/api/v1/people?q=" + http::percent_encode(q));
    ASSERT_EQ(found.body.at("items").as_array().size(), 1U) << q;
    EXPECT_EQ(text(found.body.at("items").as_array()[0], "person_id"), id);
    EXPECT_EQ(text(found.body.at("items").as_array()[0], "name"), "Ana Ferrer");
  }
  EXPECT_TRUE(get("/api/v1/people?q=nobody@example.org").body.at("items").as_array().empty());
  const Answer list = get("/api/v1/people");
  EXPECT_EQ(list.body.at("items").as_array().size(), 1U);
  EXPECT_EQ(get("/api/v1/people?cursor=x").code(), "invalid_cursor");
  EXPECT_EQ(get("/api/v1/people?limit=0").code(), "out_of_range");

  const Answer person = get("/api/v1/people/" + id);
  ASSERT_EQ(person.status(), 200) << person.response.body_view();
  EXPECT_EQ(person.body.at("identifiers").as_array().size(), 2U);
  EXPECT_EQ(person.body.at("edges").as_array().size(), 1U);
  EXPECT_EQ(text(person.body.at("consents").as_array().at(0), "state"), "subscribed") << person.response.body_view();
  EXPECT_EQ(text(person.body.at("messages").as_array().at(0), "state"), "sent") << person.response.body_view();
  EXPECT_EQ(get("/api/v1/people/" + std::string(32, 'a')).status(), 404);
  EXPECT_EQ(get("/api/v1/people/x").status(), 404);
}

TEST_F(CustomerApiTest, APersonIsFoundByAPartOfTheirNameWhateverItsAccents) {
  track(R"({"type":"identify","userId":"u1","messageId":"m1","traits":{"first_name":"Íñigo","last_name":"García"}},
           {"type":"identify","userId":"u2","messageId":"m2","traits":{"first_name":"Ana","last_name":"Ferrer"}})");
  const auto found = [&](const std::string& q) {
    const Answer answer = get("/api/v1/people?q=" + http::percent_encode(q));
    std::vector<std::string> names;
    for (const auto& one : answer.body.at("items").as_array()) names.push_back(text(one, "name"));
    return names;
  };
  EXPECT_EQ(found("garcia"), std::vector<std::string>{"Íñigo García"});
  EXPECT_EQ(found("IÑIGO"), std::vector<std::string>{"Íñigo García"});
  EXPECT_EQ(found("na ferr"), std::vector<std::string>{"Ana Ferrer"});
  EXPECT_EQ(found("u2"), std::vector<std::string>{"Ana Ferrer"});
  EXPECT_TRUE(found("Nobody").empty());
  EXPECT_TRUE(found("a").empty());
}

TEST_F(CustomerApiTest, WhoLooksIsNotedOnce) {
  set_up();
  const std::string id = sign_up(false);
  EXPECT_EQ(get("/api/v1/people/" + id).status(), 200);
  EXPECT_EQ(get("/api/v1/people/" + id).status(), 200);
  int views = 0;
  const auto page = audit_->read({}).value();
  for (const auto& entry : page.entries) {
    if (entry.note.action == "person_read" && entry.note.object_id == id) ++views;
  }
  EXPECT_EQ(views, 1);
}

TEST_F(CustomerApiTest, WhoLooksAtAListIsNotedOnceInTenMinutesForEach) {
  set_up();
  sign_up(false);
  engine_->advance(hours(1));
  const auto count = [&](std::string_view action, size_t expected) {
    const auto page = audit_->read({}).value();
    size_t found = 0;
    for (const auto& entry : page.entries) {
      if (entry.note.action != action) continue;
      ++found;
      // Nothing of what was searched for, which may be somebody's address.
      EXPECT_TRUE(entry.note.object_id.empty() && entry.note.details.empty());
    }
    EXPECT_EQ(found, expected) << action;
  };
  // One that `sign_up` asked for.
  count("people_listed", 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(get("/api/v1/people").status(), 200);
    EXPECT_EQ(get("/api/v1/people?q=ana@example.org").status(), 200);
    EXPECT_EQ(get("/api/v1/outbox").status(), 200);
    EXPECT_EQ(get("/api/v1/events/live").status(), 200);
  }
  count("people_listed", 2);
  count("outbox_listed", 1);
  count("live_events_listed", 1);
  // Somebody else is noted of their own, and the same again after a while.
  EXPECT_EQ(ask(Method::get, "/api/v1/outbox", nullptr, bearer({Scope::messages_read})).status(), 200);
  count("outbox_listed", 2);
  engine_->advance(minutes(11));
  EXPECT_EQ(get("/api/v1/outbox").status(), 200);
  count("outbox_listed", 3);
  EXPECT_EQ(get("/api/v1/people?cursor=x").status(), 422);
  count("people_listed", 2);
}

TEST_F(CustomerApiTest, EventsAreCountedBySource) {
  const Timestamp began = now();
  engine_->advance(hours(2));
  news_->on_accepted("shop", now(), 6);
  news_->on_quarantined("shop", now(), {events::Quarantined{}});
  const SourceActivity fresh = news_->sources.read("shop", now());
  EXPECT_EQ(fresh.since, began);
  EXPECT_EQ(fresh.last_event_at, now());
  EXPECT_EQ(fresh.events, 6U);
  EXPECT_EQ(fresh.held, 1U);
  EXPECT_DOUBLE_EQ(fresh.per_second, 0.1);
  EXPECT_DOUBLE_EQ(news_->sources.read("shop", now() + minutes(1)).per_second, 0);
  const SourceActivity other = news_->sources.read("web", now());
  EXPECT_TRUE(other.last_event_at.is_zero());
  EXPECT_EQ(other.since, began);
}

TEST_F(CustomerApiTest, PeopleArePagedByCreation) {
  for (int i = 0; i < 7; ++i) {
    track(R"({"type":"track","userId":"p)" + std::to_string(i) + R"(","event":"Seen","messageId":"s)" +
          std::to_string(i) + R"("})");
    engine_->advance(seconds(1));
  }
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 12; ++page) {
    const Answer answer = get("/api/v1/people?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(answer.status(), 200);
    if (page == 0) {
      EXPECT_EQ(answer.body.at("total").to_number<int>(), 7);
    }
    for (const auto& item : answer.body.at("items").as_array()) seen.insert(text(item, "person_id"));
    cursor = text(answer.body, "next");
    if (cursor.empty()) break;
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_TRUE(cursor.empty());
}

TEST_F(CustomerApiTest, TheTimelineIsReadPageByPageWithoutGapsOrRepeats) {
  set_up();
  const std::string id = sign_up(true);
  for (int i = 0; i < 5; ++i) {
    track(R"({"type":"track","userId":"u1","event":"Viewed","messageId":"v)" + std::to_string(i) + R"("})");
  }
  std::vector<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 20; ++page) {
    const Answer answer =
        get("/api/v1/people/" + id + "/timeline?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(answer.status(), 200) << answer.response.body_view();
    for (const auto& item : answer.body.at("items").as_array()) {
      seen.push_back(text(item, "kind") + " " + text(item, "id"));
    }
    cursor = text(answer.body, "next");
    if (cursor.empty()) break;
  }
  const Answer whole = get("/api/v1/people/" + id + "/timeline?limit=200");
  EXPECT_EQ(seen.size(), whole.body.at("items").as_array().size());
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), seen.size());
  int events = 0;
  for (const auto& item : whole.body.at("items").as_array()) {
    if (text(item, "kind") != "event") continue;
    ++events;
    EXPECT_NE(text(item, "body"), "");
  }
  EXPECT_EQ(events, 7);
}

TEST_F(CustomerApiTest, ACorrectionIsInForceInTheAnswerAndARepeatDoesNothing) {
  set_up();
  const std::string id = sign_up(false);
  const json::value body{{"attribute", "first_name"},
                         {"value", "Anna"},
                         {"rank", "stated"},
                         {"heard_by", "Lucía"},
                         {"note", "On the phone"}};
  Headers headers = all_;
  headers.emplace_back("Idempotency-Key", "12345678");
  for (int i = 0; i < 2; ++i) {
    const Answer answer = ask(Method::post, "/api/v1/people/" + id + "/corrections", body, headers);
    ASSERT_EQ(answer.status(), 200) << answer.response.body_view();
    for (const auto& attribute : answer.body.at("attributes").as_array()) {
      if (text(attribute, "name") != "first_name") continue;
      EXPECT_EQ(text(attribute, "value"), "Anna");
      EXPECT_EQ(text(attribute, "source"), "Lucía");
      EXPECT_EQ(attribute.at("candidates").as_array().size(), 2U);
    }
  }
  json::value other = body;
  other.as_object()["value"] = "Hannah";
  EXPECT_EQ(ask(Method::post, "/api/v1/people/" + id + "/corrections", other, headers).code(),
            "idempotency_key_reused");
  const auto refuse = [&](const json::value& wrong) {
    return ask(Method::post, "/api/v1/people/" + id + "/corrections", wrong).code();
  };
  EXPECT_EQ(refuse({{"attribute", "a"}, {"rank", "stated"}, {"note", "n"}}), "required");
  EXPECT_EQ(refuse({{"attribute", "a"}, {"value", 1}, {"rank", "observed"}, {"note", "n"}}), "not_one_of");
  EXPECT_EQ(refuse({{"attribute", "a"}, {"value", 1}, {"rank", "stated"}, {"note", "n"}, {"x", 1}}), "unknown_field");
}

TEST_F(CustomerApiTest, ACorrectionThatCannotBeTakenInIsRefusedWithItsField) {
  set_up();
  const std::string id = sign_up(false);
  const auto correct = [&](const std::string& attribute, const json::value& value) {
    return ask(Method::post, "/api/v1/people/" + id + "/corrections",
               {{"attribute", attribute}, {"value", value}, {"rank", "stated"}, {"note", "On the phone"}});
  };
  const Answer long_name = correct(std::string(profiles::kAttributeNameBytesMax + 1, 'n'), "x");
  EXPECT_EQ(long_name.code(), "too_long");
  EXPECT_EQ(text(long_name.body, "pointer"), "/attribute");
  const Answer long_value = correct("story", json::value(std::string(profiles::kAttributeValueBytesMax, 'x')));
  EXPECT_EQ(long_value.code(), "too_long");
  EXPECT_EQ(text(long_value.body, "pointer"), "/value");
  for (size_t i = 0; i < profiles::kAttributesMax; i += 50) {
    json::object traits;
    for (size_t k = i; k < i + 50; ++k) traits["a" + std::to_string(k)] = 1;
    track(json::serialize(json::object{
        {"type", "identify"}, {"userId", "u1"}, {"messageId", "t" + std::to_string(i)}, {"traits", traits}}));
  }
  // What systems say leaves room for what people say; here people say a lot.
  for (size_t i = 0; i < profiles::kAttributesForPeople; ++i)
    ASSERT_EQ(correct("said" + std::to_string(i), 1).status(), 200);
  const size_t before = get("/api/v1/people/" + id).body.at("attributes").as_array().size();
  ASSERT_EQ(before, profiles::kAttributesMax);
  const Answer one_too_many = correct("one_more", "x");
  EXPECT_EQ(one_too_many.status(), 422) << one_too_many.response.body_view();
  EXPECT_EQ(one_too_many.code(), "limit_reached");
  EXPECT_EQ(text(one_too_many.body, "pointer"), "/attribute");
  EXPECT_EQ(correct("a1", 2).status(), 200);
}

TEST_F(CustomerApiTest, AnObjectionIsInForceAtEachAddressBeforeTheAnswer) {
  set_up();
  const std::string id = sign_up(true);
  const Answer answer = ask(Method::post, "/api/v1/people/" + id + "/objections", {{"note", "She asked"}});
  ASSERT_EQ(answer.status(), 200) << answer.response.body_view();
  EXPECT_EQ(answer.body.at("objected").as_array().at(0).as_string(), "all");
  for (const auto& line : answer.body.at("consents").as_array()) EXPECT_EQ(text(line, "state"), "unsubscribed");
  EXPECT_EQ(ask(Method::post, "/api/v1/people/" + id + "/objections", {{"note", "x"}, {"channel", "sms"}}).code(),
            "no_address");
}

TEST_F(CustomerApiTest, AGrantThatTheLedgerRefusesIsNotAnsweredAsRecorded) {
  set_up();
  sign_up(true);
  const auto say = [&](std::string_view action, bool herself) {
    boost::json::object body{{"channel", "email"},
                             {"address", "ana@example.org"},
                             {"topic", "tips"},
                             {"purpose", "marketing"},
                             {"brand", ""},
                             {"action", action},
                             {"explicit", true},
                             {"country", "FR"},
                             {"method", "tick"},
                             {"text_version", "v1"},
                             {"occurred_at", format_iso8601(now())}};
    if (herself) body["actor"] = "person";
    return ask(Method::post, "/api/v1/consents", body);
  };
  EXPECT_EQ(say("withdraw", true).status(), 201);
  EXPECT_EQ(say("withdraw", true).status(), 201);
  // After an opt-out only her own word opens the gate again; the earlier grant is no answer.
  const Answer refused = say("grant", false);
  EXPECT_EQ(refused.status(), 422) << refused.response.body_view();
  EXPECT_EQ(refused.code(), "act_refused");
}

TEST_F(CustomerApiTest, APermissionIsShownAsItIsNow) {
  set_up();
  const std::string id = sign_up(false);
  const auto say = [&](std::string_view action, const json::object& more) {
    json::object body{{"channel", "email"},  {"address", "ana@example.org"},
                      {"topic", "tips"},     {"purpose", "marketing"},
                      {"brand", ""},         {"action", action},
                      {"actor", "person"},   {"explicit", true},
                      {"country", "FR"},     {"method", "tick"},
                      {"text_version", "v1"}};
    for (const auto& [name, value] : more) body[name] = value;
    const Answer said = ask(Method::post, "/api/v1/consents", body);
    EXPECT_EQ(said.status(), 201) << said.response.body_view();
    return text(said.body, "entry_id");
  };
  // One line for the scope of tips.
  const auto shown = [&] {
    const Answer person = get("/api/v1/people/" + id);
    const json::array& lines = person.body.at("consents").as_array();
    EXPECT_EQ(lines.size(), 1U) << person.response.body_view();
    return lines.at(0);
  };
  EXPECT_NE(say("request", {}), "");
  EXPECT_EQ(text(shown(), "state"), "pending");
  engine_->advance(days(8));
  EXPECT_EQ(text(shown(), "state"), "none");

  const std::string granted = say("grant", {{"expires_at", format_iso8601(now() + days(2))}});
  EXPECT_EQ(text(shown(), "state"), "subscribed");
  EXPECT_FALSE(shown().at("paused").as_bool());
  const Timestamp until = now() + days(1);
  say("pause", {{"expires_at", format_iso8601(until)}});
  EXPECT_TRUE(shown().at("paused").as_bool());
  EXPECT_EQ(text(shown(), "paused_until"), format_iso8601(until));
  engine_->advance(days(1));
  EXPECT_FALSE(shown().at("paused").as_bool());
  EXPECT_EQ(text(shown(), "entry_id"), granted);
  engine_->advance(days(2));
  EXPECT_EQ(text(shown(), "state"), "none");

  const std::string withdrawn = say("withdraw", {});
  EXPECT_EQ(text(shown(), "state"), "unsubscribed");
  EXPECT_EQ(text(shown(), "entry_id"), withdrawn);
  engine_->advance(seconds(1));
  const std::string again = say("grant", {});
  EXPECT_EQ(text(shown(), "state"), "subscribed");
  EXPECT_EQ(text(shown(), "entry_id"), again);
}

TEST_F(CustomerApiTest, WhySaysWhatHappened) {
  set_up();
  const std::string id = sign_up(false);
  const Answer journey = get("/api/v1/why?person=" + id + "&journey=welcome");
  ASSERT_EQ(journey.status(), 200) << journey.response.body_view();
  EXPECT_EQ(text(journey.body.at("sentence"), "code"), "withheld_no_consent");
  EXPECT_EQ(text(journey.body.at("would_have_changed"), "code"), "consent_given");
  EXPECT_EQ(text(journey.body.at("subject"), "person"), "Ana Ferrer");
  const std::string decision = text(journey.body.at("subject"), "decision_id");
  const Answer same = get("/api/v1/why?person=" + id + "&decision=" + decision);
  EXPECT_EQ(same.response.body_view(), journey.response.body_view());
  EXPECT_EQ(get("/api/v1/why?person=" + id + "&journey=none").status(), 404);
  EXPECT_EQ(get("/api/v1/why?person=" + id).code(), "required");

  track(R"({"type":"track","userId":"u2","event":"Other","messageId":"o1"})");
  const std::string other = text(get("/api/v1/people?q=u2").body.at("items").as_array().at(0), "person_id");
  EXPECT_EQ(text(get("/api/v1/why?person=" + other + "&journey=welcome").body.at("sentence"), "code"),
            "never_triggered");
}

TEST_F(CustomerApiTest, AMessageIsShownWithItsPermissionAndItsWay) {
  set_up();
  const std::string id = sign_up(true);
  const std::string decision = text(get("/api/v1/people/" + id).body.at("messages").as_array().at(0), "decision_id");
  const Answer message = get("/api/v1/messages/" + decision);
  ASSERT_EQ(message.status(), 200) << message.response.body_view();
  EXPECT_EQ(text(message.body, "state"), "sent");
  EXPECT_EQ(text(message.body, "to"), "ana@example.org");
  EXPECT_EQ(text(message.body.at("consent"), "topic"), "tips");
  EXPECT_EQ(text(message.body.at("attempts").as_array().at(0), "outcome"), "sent");
  const Answer hidden = ask(Method::get, "/api/v1/messages/" + decision, nullptr, bearer({Scope::messages_read}));
  EXPECT_EQ(text(hidden.body, "to"), "a…@example.org");
  EXPECT_TRUE(hidden.body.at("masked").as_bool());
  EXPECT_EQ(text(message.body, "person"), "Ana Ferrer");
  EXPECT_EQ(text(hidden.body, "person"), "");
  EXPECT_EQ(hidden.response.body_view().find("Ana"), std::string_view::npos) << hidden.response.body_view();
  EXPECT_EQ(get("/api/v1/messages/" + std::string(32, 'b')).status(), 404);
  EXPECT_TRUE(get("/api/v1/outbox").body.at("items").as_array().empty());
}

TEST_F(CustomerApiTest, TheSandboxShowsOnlyWhatItCaughtAndNobodyToThoseWhoMayNotSeePeople) {
  set_up();
  const PersonId person = PersonId::from_hex(sign_up(true));
  const DecisionId caught{hash128("caught")};
  const DecisionId live{hash128("live")};
  letters_.add(caught, person, true);
  letters_.add(live, person, false);

  const Answer whole = get("/api/v1/outbox/" + caught.hex());
  ASSERT_EQ(whole.status(), 200) << whole.response.body_view();
  EXPECT_EQ(text(whole.body, "to"), "ana@example.org");
  EXPECT_EQ(text(whole.body, "person"), "Ana Ferrer");
  EXPECT_EQ(text(whole.body, "raw"), "To: ana@example.org");
  EXPECT_EQ(get("/api/v1/outbox/" + live.hex()).status(), 404);

  const Headers reader = bearer({Scope::messages_read});
  EXPECT_EQ(ask(Method::get, "/api/v1/outbox/" + live.hex(), nullptr, reader).status(), 404);
  for (const std::string& path : {"/api/v1/outbox/" + caught.hex(), std::string("/api/v1/outbox")}) {
    const Answer hidden = ask(Method::get, path, nullptr, reader);
    ASSERT_EQ(hidden.status(), 200) << hidden.response.body_view();
    const std::string_view body = hidden.response.body_view();
    EXPECT_NE(body.find("a…@example.org"), std::string_view::npos) << body;
    EXPECT_EQ(body.find("Ana"), std::string_view::npos) << body;
    EXPECT_EQ(body.find("ana@"), std::string_view::npos) << body;
  }
}

TEST_F(CustomerApiTest, LiveEventsHaveTheirStateAndTheirBody) {
  track(R"({"type":"track","userId":"u1","event":"Seen","messageId":"m1"},{"type":"nonsense","userId":"u1"})");
  track(R"({"type":"track","userId":"u1","event":"Seen","messageId":"m1"})");
  news_->on_rejected_key("a-mistyped-secret", false);
  const Answer all = get("/api/v1/events/live");
  ASSERT_EQ(all.status(), 200);
  EXPECT_EQ(all.body.at("items").as_array().size(), 4U) << all.response.body_view();
  EXPECT_EQ(all.body.at("counts").at("repeat").to_number<int>(), 1);
  EXPECT_EQ(all.response.body_view().find("mistyped-secret"), std::string_view::npos);
  const Answer applied = get("/api/v1/events/live?state=applied");
  ASSERT_EQ(applied.body.at("items").as_array().size(), 1U);
  EXPECT_NE(text(applied.body.at("items").as_array()[0], "body").find("Seen"), std::string::npos);
  EXPECT_EQ(text(applied.body.at("items").as_array()[0], "name"), "Seen");
  const auto next = all.body.at("next").to_number<int>();
  EXPECT_TRUE(get("/api/v1/events/live?after=" + std::to_string(next)).body.at("items").as_array().empty());
}

TEST_F(CustomerApiTest, TheStreamNamesWhatHasChangedAndPeopleOnlyToThoseWhoMaySeeThem) {
  const auto open = [&](const Headers& headers) {
    const http::OwnedRequest request(Method::get, "/api/v1/stream", "", headers);
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(request.request, responder);
    return exchange;
  };
  const auto staff = open(all_);
  const auto machine = open(bearer({Scope::health_read}));
  track(R"({"type":"identify","userId":"u1","messageId":"m1","traits":{"first_name":"Ana"}})");
  news_->changes.changed("outbox");
  news_->changes.pulse(now());
  ASSERT_EQ(staff->pushed().size(), 1U);
  EXPECT_NE(staff->pushed()[0].find("\"person:"), std::string::npos) << staff->pushed()[0];
  EXPECT_NE(machine->pushed().at(0).find("\"outbox\""), std::string::npos);
  EXPECT_EQ(machine->pushed().at(0).find("person:"), std::string::npos);
  news_->changes.pulse(now() + seconds(15));
  EXPECT_EQ(staff->pushed().back(), ": here\n\n");
  news_->changes.pulse(now() + minutes(16));
  EXPECT_FALSE(staff->is_open());
}

TEST_F(CustomerApiTest, AStreamLivesInRealTimeWhereverTheClockStands) {
  const auto open = [&] {
    const http::OwnedRequest request(Method::get, "/api/v1/stream", "", all_);
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(request.request, responder);
    return exchange;
  };
  // The engine's clock stands in a past that is told, or was set ahead.
  for (const Timestamp real : {now() + days(200), now() + days(-200)}) {
    const auto reader = open();
    news_->changes.pulse(real);
    EXPECT_TRUE(reader->is_open());
    EXPECT_TRUE(reader->pushed().empty());
    news_->changes.pulse(real + seconds(15));
    EXPECT_EQ(reader->pushed().size(), 1U);
    news_->changes.pulse(real + minutes(15));
    EXPECT_FALSE(reader->is_open());
  }
}

TEST_F(CustomerApiTest, ManyChangedPeopleNeverHideThatAConfigurationChanged) {
  const http::OwnedRequest request(Method::get, "/api/v1/stream", "", all_);
  auto [exchange, responder] = http::RecordedExchange::make();
  router_.handle(request.request, responder);
  for (size_t i = 0; i < ChangeStream::kPeopleKeysMax + 5; ++i) {
    news_->changes.changed("person:" + std::to_string(i));
  }
  news_->changes.changed("configuration");
  news_->changes.changed("live");
  news_->changes.pulse(now());
  const json::array keys = json::parse(exchange->pushed().at(0).substr(6)).as_array();
  EXPECT_EQ(keys.size(), ChangeStream::kPeopleKeysMax + 2);
  EXPECT_NE(std::ranges::find(keys, json::value("configuration")), keys.end());
  EXPECT_NE(std::ranges::find(keys, json::value("live")), keys.end());
}

TEST_F(CustomerApiTest, MetaHealthAndClock) {
  const Answer meta = ask(Method::get, "/api/v1/meta", nullptr, {{"Host", "x"}});
  EXPECT_EQ(meta.status(), 200);
  EXPECT_FALSE(meta.body.at("signed_in").as_bool());
  EXPECT_TRUE(meta.body.at("first_run").as_bool());
  EXPECT_FALSE(meta.body.at("time_held").as_bool());
  EXPECT_TRUE(get("/api/v1/meta").body.at("signed_in").as_bool());
  EXPECT_EQ(text(get("/api/v1/health").body, "state"), "ready");
  const Timestamp later = now() + hours(3);
  EXPECT_EQ(ask(Method::post, "/api/v1/clock", {{"at", format_iso8601(later)}}).status(), 200);
  EXPECT_EQ(now(), later);
  EXPECT_EQ(ask(Method::post, "/api/v1/clock", {{"at", "2020-01-01T00:00:00Z"}}).code(), "clock_not_set");
  EXPECT_EQ(ask(Method::post, "/api/v1/clock", {{"at", "soon"}}).code(), "not_a_time");
  EXPECT_EQ(ask(Method::post, "/api/v1/clock", {{"run", true}}).status(), 200);
  const auto noted = audit_->read({}).value();
  ASSERT_GE(noted.entries.size(), 2U);
  EXPECT_EQ(noted.entries[0].note.action, "clock_run");
  EXPECT_EQ(noted.entries[1].note.action, "clock_set");
  EXPECT_EQ(noted.entries[1].note.details.at("at"), format_iso8601(later));
}

TEST_F(CustomerApiTest, AYesToAnUnknownTopicIsRefusedAndANoNever) {
  const auto say = [&](std::string_view action, std::string_view topic) {
    return ask(Method::post, "/api/v1/consents",
               {{"channel", "email"},
                {"address", "ana@example.org"},
                {"topic", topic},
                {"action", action},
                {"actor", "person"},
                {"explicit", true},
                {"country", "FR"},
                {"method", "tick"},
                {"text_version", "v1"}});
  };
  // Nothing is set up yet, so there is no topic at all.
  EXPECT_EQ(say("grant", "tips").code(), "unknown_topic");
  set_up();
  EXPECT_EQ(say("grant", "tips").status(), 201);
  for (const char* const action : {"grant", "request", "confirm"}) {
    const Answer refused = say(action, "tisp");
    EXPECT_EQ(refused.status(), 422) << action;
    EXPECT_EQ(refused.code(), "unknown_topic") << action;
    EXPECT_EQ(text(refused.body, "pointer"), "/topic");
    EXPECT_EQ(text(refused.body.at("params"), "nearest"), "tips");
    EXPECT_NE(refused.response.body_view().find("did you mean `tips`?"), std::string_view::npos);
  }
  EXPECT_NE(say("grant", "gardening").response.body_view().find("terreno apply"), std::string_view::npos);
  EXPECT_EQ(say("withdraw", "gardening").status(), 201);
}

TEST_F(CustomerApiTest, ConsentsAreRefusedWithTheirField) {
  set_up();
  const auto answer = [&](const json::value& body) { return ask(Method::post, "/api/v1/consents", body); };
  const Answer wrong = answer({{"channel", "email"}, {"address", "nothing"}, {"action", "grant"}, {"topic", "tips"}});
  EXPECT_EQ(wrong.status(), 422);
  EXPECT_EQ(text(wrong.body, "pointer"), "/address");
  const json::value withdrawal{{"channel", "email"},
                               {"address", "ana@example.org"},
                               {"action", "withdraw"},
                               {"topic", "tips"},
                               {"method", "spoken"}};
  const Answer first = answer(withdrawal);
  ASSERT_EQ(first.status(), 201) << first.response.body_view();
  EXPECT_EQ(text(first.body, "state"), "unsubscribed");
  EXPECT_EQ(text(answer(withdrawal).body, "entry_id"), text(first.body, "entry_id"));
  // After an opt-out only the person's own explicit act opens the gate again.
  const Answer grant = answer({{"channel", "email"},
                               {"address", "ana@example.org"},
                               {"action", "grant"},
                               {"topic", "tips"},
                               {"method", "tick"},
                               {"text_version", "v1"}});
  EXPECT_EQ(grant.code(), "act_refused") << grant.response.body_view();
}

}  // namespace
}  // namespace terreno::api
