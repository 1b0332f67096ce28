#include "base/http.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/http_testing.h"

namespace terreno::http {
namespace {

TEST(Target, IsSplitIntoDecodedPathAndQuery) {
  const OwnedRequest owned(Method::get, "/v1/projects/a%2Fb/settings?writeKey=k%201&x=1+2&empty&=&bad=%zz");
  ASSERT_TRUE(owned.valid);
  EXPECT_EQ(owned.request.raw_path, "/v1/projects/a%2Fb/settings");
  EXPECT_EQ(owned.request.path, "/v1/projects/a/b/settings");
  EXPECT_EQ(owned.request.query_parameter("writeKey"), "k 1");
  EXPECT_EQ(owned.request.query_parameter("x"), "1 2");
  EXPECT_EQ(owned.request.query_parameter("empty"), "");
  EXPECT_EQ(owned.request.query_parameter("bad"), std::nullopt);
  EXPECT_EQ(owned.request.query_parameter("absent"), std::nullopt);
}

TEST(Target, InAbsoluteFormLosesItsHost) {
  EXPECT_EQ(OwnedRequest(Method::get, "http://h:1/a?b=c").request.path, "/a");
  EXPECT_EQ(OwnedRequest(Method::get, "https://h").request.path, "/");
}

TEST(Target, WithMalformedEscapesOrControlCharactersIsRefused) {
  for (const char* target : {"/%", "/%1", "/%zz", "/%00", "/a%0d%0ab", "/%7f"}) {
    EXPECT_FALSE(OwnedRequest(Method::get, target).valid) << target;
  }
}

RC_GTEST_PROP(Escapes, ReadBackAsTheyWereWritten, (const std::string& text)) {
  RC_ASSERT(query_decode(percent_encode(text)) == text);
}

TEST(Headers, AreFoundInAnyCase) {
  const OwnedRequest owned(Method::get, "/", "", {{"X-Write-Key", "k"}, {"Cookie", "a=1; session=s=2"}});
  EXPECT_EQ(owned.request.header("x-write-key"), "k");
  EXPECT_EQ(owned.request.header("x-write"), std::nullopt);
  EXPECT_EQ(owned.request.cookie("session"), "s=2");
  EXPECT_EQ(owned.request.cookie("sess"), std::nullopt);
}

TEST(Headers, ThatWouldSplitTheResponseAreLeftOut) {
  Response response;
  EXPECT_FALSE(response.add_header("X-A", "1\r\nSet-Cookie: stolen"));
  EXPECT_FALSE(response.add_header("X A", "1"));
  EXPECT_FALSE(response.add_header("", "1"));
  EXPECT_TRUE(response.header_lines.empty());
  EXPECT_TRUE(response.add_header("X-A", "1"));
  EXPECT_EQ(response.header("x-a"), "1");
}

TEST(Methods, AreNamedAsOnTheWire) {
  for (int i = 0; i < static_cast<int>(Method::other); ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_EQ(method_from(name_of(method)), method);
  }
  EXPECT_EQ(method_from("TRACE"), Method::other);
}

}  // namespace
}  // namespace terreno::http
