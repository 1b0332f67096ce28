#include "api/governance_api.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "adapters/crypto/password.h"
#include "api/customer_api.h"
#include "base/http_testing.h"
#include "server/files/audit_folder.h"
#include "server/files/installation_key.h"
#include "server/files/registry_file.h"

namespace terreno::api {
namespace {

namespace json = boost::json;
using namespace governance;
using http::Method;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr crypto::PasswordCost kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

/// The whole of it, on a real folder, with the clock in the hand of the test.
class GovernanceApiTest : public testing::Test {
 protected:
  GovernanceApiTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    file_ = std::make_unique<server::RegistryFile>(folder_ / "registry");
    audit_ = server::AuditFolder::open(folder_ / "audit").value();
    registry_ = Registry::load(*file_, *audit_, server::system_entropy(), now_).value();
    authentication_ = std::make_unique<Authentication>(*registry_, Secret("a cookie key"), [this] { return now_; });
    GovernanceApi::Parts parts;
    parts.registry = registry_.get();
    parts.authentication = authentication_.get();
    parts.passwords.hash = [this](Secret password, auto done) {
      return pool_->hash(std::move(password), std::move(done));
    };
    parts.passwords.check = [this](Secret password, std::string encoded, auto done) {
      return pool_->check(std::move(password), std::move(encoded), std::move(done));
    };
    parts.background = [](const std::function<void()>& work) {
      work();
      return true;
    };
    parts.clock = [this] { return now_; };
    parts.sender_facts = [](const Installation& installation) {
      SenderFacts facts;
      facts.has_dkim_key = installation.sender.dkim_selector == "t1";
      return facts;
    };
    api_ = std::make_unique<GovernanceApi>(std::move(parts));
    add_governance_routes(router_, *api_);
  }
  ~GovernanceApiTest() override {
    pool_.reset();
    std::filesystem::remove_all(folder_);
  }

  struct Answer {
    http::Response response;
    json::value body;
    [[nodiscard]] int status() const { return response.status; }
    [[nodiscard]] std::string code() const {
      return body.is_object() && body.get_object().contains("code") ? std::string(body.at("code").as_string()) : "";
    }
  };
  Answer ask(Method method, const std::string& path, const json::value& body = nullptr, Headers headers = {}) {
    std::string text;
    if (!body.is_null()) {
      text = json::serialize(body);
      headers.emplace_back("Content-Type", "application/json");
    }
    headers.emplace_back("Host", "crm.example.org");
    const http::OwnedRequest request(method, path, text, headers);
    auto [exchange, responder] = http::RecordedExchange::make();
    router_.handle(request.request, responder);
    Answer answer{exchange->wait(), nullptr};
    if (!answer.response.body_view().empty()) answer.body = json::parse(answer.response.body_view());
    return answer;
  }
  /// Cookie and CSRF token of a session that an answer opened.
  static Headers session_of(const Answer& answer) {
    const std::string cookie(answer.response.header("Set-Cookie").value_or(""));
    return {{"Cookie", cookie.substr(0, cookie.find(';'))},
            {"X-CSRF-Token", std::string(answer.body.at("csrf").as_string())}};
  }
  Headers first_administrator() {
    const NewLink link = registry_->issue_first_run_token(false, now_).value();
    const Answer answer = ask(Method::post, "/api/v1/first-run",
                              {{"token", link.token.reveal()},
                               {"language", "es"},
                               {"email", "Ana@Example.org"},
                               {"name", "Ana"},
                               {"password", kPassword}});
    EXPECT_EQ(answer.status(), 200) << answer.response.body_view();
    return session_of(answer);
  }
  Headers person(Role role) {
    const std::string email = std::string(name_of(role)) + "@example.org";
    const NewLink link =
        registry_->invite_user({email, "P", Language::french, role}, Principal::program(), now_).value();
    return session_of(ask(Method::post, "/api/v1/links", {{"token", link.token.reveal()}, {"password", kPassword}}));
  }
  Headers bearer(ScopeSet scopes) {
    const NewApiKey key =
        registry_->create_api_key("k" + std::to_string(scopes.bits()), scopes, {}, Principal::program(), now_).value();
    return {{"Authorization", "Bearer " + key.secret.reveal()}};
  }

  static constexpr const char* kPassword = "correct horse battery staple";
  Timestamp now_{1'800'000'000'000};
  std::filesystem::path folder_;
  std::unique_ptr<server::RegistryFile> file_;
  std::unique_ptr<server::AuditFolder> audit_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Authentication> authentication_;
  std::unique_ptr<crypto::PasswordPool> pool_ = std::make_unique<crypto::PasswordPool>(
      crypto::PasswordPool::Options{.threads = 1, .queue_max = 32, .cost = kCheap});
  std::unique_ptr<GovernanceApi> api_;
  Router router_;
};

std::string example_path(const GovernanceApi::Route& route) {
  std::string path(route.path);
  if (const size_t brace = path.find("{id}"); brace != std::string::npos) path.replace(brace, 4, std::string(32, '0'));
  return path;
}
// `{}` passes no guard it should not and does nothing when it passes one.
json::value example_body(Method method) {
  return method == Method::get || method == Method::delete_ ? json::value(nullptr) : json::value(json::object());
}
bool is_let_in(int status) { return status != 401 && status != 403; }

// The promise: a key or role can do only what its scope says. Every route with every scope, alone.
TEST_F(GovernanceApiTest, EveryRouteOpensWithItsScopeAndWithNoOther) {
  first_administrator();
  for (int i = 0; i < kScopeCount; ++i) {
    const auto scope = static_cast<Scope>(i);
    const Headers key = bearer({scope});
    for (const auto& route : GovernanceApi::routes()) {
      if (route.guard.access == Access::open) continue;
      const int status = ask(route.method, example_path(route), example_body(route.method), key).status();
      const bool expected =
          route.guard.access == Access::signed_in ||
          (route.guard.access == Access::scoped && (scope == route.guard.scope || scope == Scope::admin));
      EXPECT_EQ(is_let_in(status), expected)
          << http::name_of(route.method) << " " << route.path << " with " << name_of(scope) << ": " << status;
      if (!expected) {
        EXPECT_EQ(status, route.guard.access == Access::session ? 401 : 403);
      }
    }
  }
}

TEST_F(GovernanceApiTest, EveryRouteOpensForExactlyTheRolesThatHoldItsScope) {
  Headers admin = first_administrator();
  for (int i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    const Headers headers = person(role);
    for (const auto& route : GovernanceApi::routes()) {
      if (route.guard.access != Access::scoped) continue;
      const int status = ask(route.method, example_path(route), example_body(route.method), headers).status();
      EXPECT_EQ(is_let_in(status), scopes_of(role).allows(route.guard.scope)) << name_of(role) << " " << route.path;
    }
  }
}

TEST_F(GovernanceApiTest, NoKeyAWriteKeyAnExpiredSessionAndARevokedKeyOpenNothing) {
  Headers session = first_administrator();
  const governance::Source source =
      registry_->create_source({"web", SourceKind::server, "", ""}, Principal::program(), now_).value();
  const NewApiKey revoked = registry_->create_api_key("old", {Scope::admin}, {}, Principal::program(), now_).value();
  ASSERT_TRUE(registry_->change(RevokeApiKey{revoked.key.id}, Principal::program(), now_));
  now_ = now_ + kSessionIdle;
  const std::vector<Headers> attempts{{},
                                      {{"Authorization", "Bearer " + source.write_key}},
                                      {{"X-Write-Key", source.write_key}},
                                      {{"Authorization", "Basic " + source.write_key}},
                                      {{"Authorization", "Bearer " + revoked.secret.reveal()}},
                                      session,
                                      {{"Cookie", "terreno_session="}}};
  for (const auto& route : GovernanceApi::routes()) {
    if (route.guard.access == Access::open) continue;
    for (const Headers& headers : attempts) {
      const Answer answer = ask(route.method, example_path(route), example_body(route.method), headers);
      EXPECT_EQ(answer.status(), 401) << route.path;
      EXPECT_EQ(answer.code(), "unauthenticated");
    }
  }
}

TEST_F(GovernanceApiTest, ACommandByCookieNeedsItsTokenAndNoForeignOrigin) {
  const Headers session = first_administrator();
  const Headers other = person(Role::administrator);
  for (const auto& route : GovernanceApi::routes()) {
    if (route.method == Method::get) continue;
    const auto status = [&](Headers headers) {
      return ask(route.method, example_path(route), example_body(route.method), std::move(headers)).status();
    };
    for (const auto& [name, value] : Headers{{"Origin", "https://evil.example"},
                                             {"Origin", "null"},
                                             {"Origin", "https://crm.example.org.evil.example"},
                                             {"Sec-Fetch-Site", "cross-site"}}) {
      EXPECT_EQ(status({session[0], session[1], {name, value}}), 403) << route.path << " " << value;
    }
    if (route.guard.access == Access::open) continue;
    EXPECT_EQ(status({session[0]}), 403) << route.path;
    EXPECT_EQ(status({session[0], other[1]}), 403) << route.path;
  }
  const Answer own = ask(Method::post, "/api/v1/sources", {{"name", "web"}, {"visibility", "public"}},
                         {session[0], session[1], {"Origin", "https://crm.example.org"}});
  EXPECT_EQ(own.status(), 201) << own.response.body_view();
}

TEST_F(GovernanceApiTest, SigningInSetsASafeCookieAndSigningOutEndsIt) {
  first_administrator();
  const Answer in = ask(Method::post, "/api/v1/session", {{"email", "ANA@example.org"}, {"password", kPassword}});
  ASSERT_EQ(in.status(), 200);
  const std::string cookie(*in.response.header("Set-Cookie"));
  EXPECT_NE(cookie.find("; HttpOnly; SameSite=Lax"), std::string::npos);
  EXPECT_EQ(cookie.find("; Secure"), std::string::npos);
  EXPECT_EQ(in.response.header("Cache-Control"), "no-store");
  EXPECT_EQ(in.body.at("user").at("language").as_string(), "es");
  const Headers session = session_of(in);
  const Answer again = ask(Method::get, "/api/v1/session", nullptr, session);
  EXPECT_EQ(again.body.at("csrf"), in.body.at("csrf"));
  EXPECT_EQ(ask(Method::delete_, "/api/v1/session", nullptr, session).status(), 204);
  EXPECT_EQ(ask(Method::get, "/api/v1/session", nullptr, session).status(), 401);
  ChangeSender secure;
  secure.public_base_url = "https://crm.example.org";
  ASSERT_TRUE(registry_->change(secure, Principal::program(), now_));
  const Answer safe = ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", kPassword}});
  EXPECT_TRUE(safe.response.header("Set-Cookie")->ends_with("; Secure"));
}

TEST_F(GovernanceApiTest, OnesOwnPasswordChangesWithTheOldOneAndEndsTheOtherSessions) {
  const Headers here = first_administrator();
  const Headers elsewhere =
      session_of(ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", kPassword}}));
  const auto change = [&](const char* from, const char* to) {
    return ask(Method::put, "/api/v1/session/password", {{"password", from}, {"new_password", to}}, here);
  };
  EXPECT_EQ(change("wrong", "another long password").code(), "wrong_credentials");
  EXPECT_EQ(change(kPassword, "short").body.at("pointer").as_string(), "/new_password");
  EXPECT_EQ(change(kPassword, "another long password").status(), 204);
  EXPECT_EQ(ask(Method::get, "/api/v1/session", nullptr, here).status(), 200);
  EXPECT_EQ(ask(Method::get, "/api/v1/session", nullptr, elsewhere).status(), 401);
  EXPECT_EQ(ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", kPassword}}).status(),
            401);
  const Answer renamed = ask(Method::patch, "/api/v1/session", {{"name", "Ana María"}, {"language", "en"}}, here);
  EXPECT_EQ(renamed.body.at("name").as_string(), "Ana María");
}

TEST_F(GovernanceApiTest, AWrongPasswordAndAnUnknownAddressAnswerAlikeAndAreSlowedDown) {
  first_administrator();
  const Answer wrong = ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", "x"}});
  const Answer unknown = ask(Method::post, "/api/v1/session", {{"email", "my secret typed here"}, {"password", "x"}});
  EXPECT_EQ(wrong.status(), 401);
  EXPECT_EQ(wrong.response.body_view(), unknown.response.body_view());
  const AuditPage page = audit_->read({}).value();
  EXPECT_EQ(page.entries[0].note.action, "sign_in_refused");
  EXPECT_EQ(page.entries[0].note.object_name, "");
  EXPECT_TRUE(page.entries[0].note.details.empty());
  EXPECT_EQ(page.entries[1].note.object_name, "ana@example.org");
  EXPECT_EQ(page.entries[1].note.details.at("name"), "ana@example.org");
  for (int i = 0; i < 4; ++i)
    static_cast<void>(ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", "x"}}));
  const Answer slowed = ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", kPassword}});
  EXPECT_EQ(slowed.status(), 429);
  EXPECT_EQ(slowed.response.header("Retry-After"), "2");
  now_ = now_ + seconds(2);
  EXPECT_EQ(ask(Method::post, "/api/v1/session", {{"email", "ana@example.org"}, {"password", kPassword}}).status(),
            200);
}

TEST_F(GovernanceApiTest, ADemoLinkNeedsNoAccountAndWorksOnce) {
  const NewLink link = registry_->issue_first_run_token(true, now_).value();
  const json::value body{{"token", link.token.reveal()}, {"language", "fr"}};
  const Answer in = ask(Method::post, "/api/v1/first-run", body);
  EXPECT_EQ(in.status(), 200);
  EXPECT_EQ(in.body.at("user").at("language").as_string(), "fr");
  EXPECT_EQ(ask(Method::post, "/api/v1/first-run", body).code(), "token_unknown");
}

TEST_F(GovernanceApiTest, GuessingAtLinksIsSlowedDown) {
  first_administrator();
  for (const char* const path : {"/api/v1/links", "/api/v1/first-run"}) {
    int tried = 0;
    const auto guess = [&] {
      return ask(Method::post, path,
                 {{"token", "guess " + std::to_string(++tried)}, {"password", kPassword}, {"language", "es"}})
          .code();
    };
    while (tried < 200 && guess() == "token_unknown") {
    }
    EXPECT_GT(tried, 20) << path;
    EXPECT_LT(tried, 50) << path;
    EXPECT_EQ(guess(), "too_many_attempts") << path;
    now_ = now_ + hours(2);
  }
  // One's own link may be tried with one password after the other.
  const NewLink link =
      registry_->invite_user({"p@example.org", "P", Language::french, Role::viewer}, Principal::program(), now_)
          .value();
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(ask(Method::post, "/api/v1/links", {{"token", link.token.reveal()}, {"password", "short"}}).code(),
              "too_short");
  }
  EXPECT_EQ(ask(Method::post, "/api/v1/links", {{"token", link.token.reveal()}, {"password", kPassword}}).status(),
            200);
}

TEST_F(GovernanceApiTest, SecretsAreShownOnceAndListsHoldOnlyHints) {
  const Headers session = first_administrator();
  const Answer source = ask(Method::post, "/api/v1/sources", {{"name", "shop"}, {"visibility", "secret"}}, session);
  const Answer key = ask(Method::post, "/api/v1/keys", {{"name", "deploy"}, {"scopes", {"people:read"}}}, session);
  ASSERT_EQ(source.status(), 201);
  ASSERT_EQ(key.status(), 201);
  const Answer sources = ask(Method::get, "/api/v1/sources", nullptr, session);
  const Answer keys = ask(Method::get, "/api/v1/keys", nullptr, session);
  EXPECT_EQ(sources.response.body_view().find(source.body.at("write_key").as_string()), std::string::npos);
  EXPECT_EQ(keys.response.body_view().find(key.body.at("token").as_string()), std::string::npos);
  EXPECT_EQ(keys.body.at("items").as_array().size(), 1U);
  const std::string path = "/api/v1/keys/" + std::string(key.body.at("id").as_string());
  EXPECT_EQ(ask(Method::delete_, path, nullptr, session).status(), 204);
  EXPECT_EQ(ask(Method::delete_, path, nullptr, session).status(), 404);
}

TEST_F(GovernanceApiTest, GoingLiveNeedsEverythingAndThePasswordAgain) {
  const Headers session = first_administrator();
  const Answer refused =
      ask(Method::put, "/api/v1/sender", {{"version", 0}, {"mode", "live"}, {"password", kPassword}}, session);
  EXPECT_EQ(refused.status(), 422);
  EXPECT_EQ(refused.code(), "sender_incomplete");
  const Answer filled = ask(Method::put, "/api/v1/sender",
                            {{"version", 0},
                             {"brand", "Raíces"},
                             {"legal_entity", "Asociación Raíces"},
                             {"postal_address", "Calle Mayor 1"},
                             {"from_name", "Raíces"},
                             {"from_address", "hola@raices.example"},
                             {"reply_to", "hola@raices.example"},
                             {"envelope_domain", "b.raices.example"},
                             {"dkim_selector", "t1"},
                             {"public_base_url", "https://mail.raices.example"}},
                            session);
  ASSERT_EQ(filled.status(), 200) << filled.response.body_view();
  EXPECT_TRUE(filled.body.at("missing").as_array().empty());
  EXPECT_EQ(ask(Method::put, "/api/v1/sender", {{"version", 1}, {"mode", "live"}}, session).code(), "required");
  EXPECT_EQ(ask(Method::put, "/api/v1/sender", {{"version", 1}, {"mode", "live"}, {"password", "x"}}, session).code(),
            "wrong_credentials");
  EXPECT_EQ(
      ask(Method::put, "/api/v1/sender", {{"version", 0}, {"mode", "live"}, {"password", kPassword}}, session).code(),
      "version_conflict");
  const Answer live =
      ask(Method::put, "/api/v1/sender", {{"version", 1}, {"mode", "live"}, {"password", kPassword}}, session);
  ASSERT_EQ(live.status(), 200) << live.response.body_view();
  EXPECT_EQ(live.body.at("mode").as_string(), "live");
  EXPECT_EQ(ask(Method::put, "/api/v1/sender", {{"version", 2}, {"mode", "sandbox"}}, session).status(), 200);
}

TEST_F(GovernanceApiTest, HostileBodiesAreRefusedWithTheirPlace) {
  const Headers session = first_administrator();
  const auto refuse = [&](const json::value& body) { return ask(Method::post, "/api/v1/sources", body, session); };
  EXPECT_EQ(refuse(json::array{1}).code(), "malformed_json");
  EXPECT_EQ(refuse({{"name", 7}, {"visibility", "public"}}).code(), "not_text");
  EXPECT_EQ(refuse({{"name", "a"}, {"visibility", "public"}, {"admin", true}}).body.at("pointer").as_string(),
            "/admin");
  EXPECT_EQ(refuse({{"name", std::string(101, 'x')}, {"visibility", "public"}}).code(), "too_long");
  EXPECT_EQ(refuse({{"name", "a\nb"}, {"visibility", "public"}}).code(), "control_character");
  EXPECT_EQ(refuse({{"name", "a"}, {"visibility", "public"}, {"kind", "server"}}).code(), "not_one_of");
  EXPECT_EQ(refuse({{"name", std::string(70'000, 'x')}}).status(), 413);
  EXPECT_EQ(ask(Method::put, "/api/v1/sources", json::object(), session).status(), 405);
}

TEST_F(GovernanceApiTest, TheAuditLogIsReadPageByPage) {
  const Headers session = first_administrator();
  for (int i = 0; i < 5; ++i)
    static_cast<void>(
        ask(Method::post, "/api/v1/sources", {{"name", "s" + std::to_string(i)}, {"visibility", "public"}}, session));
  std::string cursor;
  std::vector<std::string> actions;
  do {
    const Answer page =
        ask(Method::get, "/api/v1/audit?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor), nullptr, session);
    ASSERT_EQ(page.status(), 200);
    for (const auto& item : page.body.at("items").as_array()) actions.emplace_back(item.at("action").as_string());
    cursor = page.body.at("next").is_null() ? "" : std::string(page.body.at("next").as_string());
  } while (!cursor.empty());
  EXPECT_EQ(actions.size(), 7U);
  EXPECT_EQ(actions.front(), "source_created");
  EXPECT_EQ(actions[5], "first_run_completed");
  EXPECT_EQ(ask(Method::get, "/api/v1/audit?limit=201", nullptr, session).code(), "out_of_range");
  EXPECT_EQ(ask(Method::get, "/api/v1/audit?cursor=x", nullptr, session).code(), "invalid_cursor");
}

TEST_F(GovernanceApiTest, AProxyIsBelievedOnlyWhenItIsNamed) {
  const auto seen = [&](const char* forwarded, const std::vector<std::string>& proxies) {
    const http::OwnedRequest request(Method::get, "/", "", {{"X-Forwarded-For", forwarded}});
    return client_address(request.request, proxies);
  };
  EXPECT_EQ(seen("203.0.113.9", {}), "192.0.2.7");
  EXPECT_EQ(seen("6.6.6.6, 203.0.113.9", {"192.0.2.0/24"}), "203.0.113.9")
      << "what the client wrote in front does not count";
  EXPECT_EQ(seen("203.0.113.9, 10.1.2.3", {"192.0.2.7", "10.0.0.0/8"}), "203.0.113.9");
  EXPECT_EQ(seen("garbage", {"192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(seen("2001:db8::5", {"192.0.2.7"}), "2001:db8::5");
}

}  // namespace
}  // namespace terreno::api
