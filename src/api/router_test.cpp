#include "api/router.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "api/problem.h"
#include "base/http_testing.h"

namespace terreno::api {
namespace {

using http::Method;

RouteHandler echo(std::string name) {
  return [name](const http::Request&, const PathParameters& parameters, const http::Responder& responder) {
    http::Response response;
    response.body = name + ":" + std::string(parameters.get("key"));
    responder.answer(std::move(response));
  };
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add({Method::post, "/v1/batch", "batch", echo("batch")});
    router.add({Method::get, "/v1/projects/{key}/settings", "settings", echo("settings")});
    router.add({Method::get, "/v1/projects/own/settings", "ownSettings", echo("own")});
    router.add({Method::get, "/v1/persons", "persons", echo("persons")});
    router.add({Method::get, "/", "root", echo("root")});
  }
  http::Response ask(Method method, std::string target) {
    const http::OwnedRequest owned(method, std::move(target));
    return http::ask(
        [this](const http::Request& request, http::Responder responder) { router.handle(request, responder); }, owned);
  }
  std::string body(Method method, std::string target) {
    return std::string(ask(method, std::move(target)).body_view());
  }

  Router router;
};

TEST_F(RouterTest, NormalisesPathsAndNeverRedirects) {
  for (const char* path : {"/v1/batch", "/v1/batch/", "//v1/batch", "//v1///batch//", "/v1/batch?x=/1/"})
    EXPECT_EQ(body(Method::post, path), "batch:") << path;
  EXPECT_EQ(body(Method::get, "/"), "root:");
}

TEST_F(RouterTest, DecodesParametersAfterSplitting) {
  EXPECT_EQ(body(Method::get, "/v1/projects/a%2Fb%20c/settings"), "settings:a/b c");
  EXPECT_EQ(body(Method::get, "/v1/projects/own/settings"), "own:");
  EXPECT_EQ(ask(Method::get, "/v1/projects//settings").status, 404);
}

TEST_F(RouterTest, TellsWhichMethodsAPathTakes) {
  const http::Response response = ask(Method::get, "/v1/batch");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("allow"), "POST");
  EXPECT_EQ(ask(Method::post, "/v1/persons").header("allow"), "GET, HEAD");
  EXPECT_EQ(body(Method::head, "/v1/projects/k/settings"), "settings:k");
  EXPECT_EQ(ask(Method::other, "/v1/batch").status, 405);
}

TEST_F(RouterTest, AnswersUnknownPathsWithAProblem) {
  const http::Response response = ask(Method::get, "/v2");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(boost::json::parse(std::string(response.body_view())).at("code"), "not_found");
  EXPECT_EQ(ask(Method::get, "/" + std::string(5000, '/') + "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r").status, 404);
}

TEST_F(RouterTest, GivesTheServersOwnRefusalsTheFormOfTheRoute) {
  const http::OwnedRequest owned(Method::post, "/v1/batch");
  const http::Response response = router.refuse(owned.request, http::Refusal::busy);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.header("retry-after"), "1");
  EXPECT_EQ(response.content_type, "application/problem+json");
}

TEST_F(RouterTest, ListsItsTable) {
  ASSERT_EQ(router.routes().size(), 5U);
  EXPECT_EQ(router.routes()[1].operation, "settings");
}

TEST(Problem, HasAShortTitleAndTheSentenceAsDetail) {
  const http::Response response =
      problem({422, "too_long", "name: is longer than 10 bytes; shorten it", {{"field", "name"}}, "/name", 3},
              {{"findings", boost::json::array{}}});
  EXPECT_EQ(boost::json::parse(std::string(response.body_view())),
            boost::json::parse(R"({"type":"urn:terreno:problem:too_long","title":"Unprocessable Content","status":422,
                "code":"too_long","detail":"name: is longer than 10 bytes; shorten it","params":{"field":"name"},
                "pointer":"/name","findings":[]})"));
  EXPECT_EQ(response.header("Retry-After"), "3");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
}

}  // namespace
}  // namespace terreno::api
