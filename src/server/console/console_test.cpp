#include "server/console/console.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <zlib.h>

namespace terreno::server::console {
namespace {

constexpr std::string_view kNonce = "r4nd0m-N0nce_0123456";
constexpr std::string_view kScript = "/app/assets/index-AbCd1234.js";

Answer get(std::string_view path, std::string_view accept_encoding = "", std::string_view if_none_match = "") {
  return serve(path, accept_encoding, if_none_match, kNonce);
}

TEST(Console, AnswersEveryAddressOfTheConsoleWithThePage) {
  for (const auto* path : {"/app", "/app/", "/app/index.html", "/app/people",
                           "/app/people/6f1c2a90b7d84e5fa3c1d2e4f5061728?why=1", "/app/people?q=ana@example.org"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.mime, "text/html; charset=utf-8") << path;
    EXPECT_EQ(answer.cache_control, "no-cache") << path;
    EXPECT_EQ(answer.etag, "") << path << ": the nonce differs each time, so no two pages are equal";
  }
}

TEST(Console, PutsNonceAndBuildIntoThePageAndTheNonceIntoItsPolicy) {
  const auto answer = get("/app/");
  EXPECT_NE(answer.body().find("content=\"r4nd0m-N0nce_0123456\""), std::string_view::npos);
  EXPECT_NE(answer.body().find(std::string("content=\"") + std::string(build_id()) + "\""), std::string_view::npos);
  EXPECT_EQ(answer.body().find("__TERRENO"), std::string_view::npos);
  EXPECT_NE(answer.content_security_policy.find("'nonce-r4nd0m-N0nce_0123456'"), std::string::npos);
  EXPECT_EQ(answer.content_security_policy.find("script-src"), std::string::npos)
      << "scripts come from this server only, by default-src";
}

TEST(ConsoleDeathTest, RefusesANonceThatCouldBreakOutOfThePage) {
  EXPECT_DEATH((void)serve("/app/", "", "", "0123456789abcdef\"><script>"), "nonce");
}

TEST(Console, NeverAnswersAMissingFileWithThePage) {
  for (const auto* path : {"/app/assets/index-Old00000.js", "/app/assets/none", "/app/favicon.ico", "/apples", "/", "",
                           "/app/../etc/passwd.txt"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST(Console, GivesTheBestEncodingThatTheClientTakes) {
  EXPECT_EQ(get(kScript, "gzip, deflate, br").content_encoding, "br");
  EXPECT_EQ(get(kScript, "gzip, deflate").content_encoding, "gzip");
  EXPECT_EQ(get(kScript, "br;q=0, gzip;q=0.5").content_encoding, "gzip");
  EXPECT_EQ(get(kScript, "brotli, x-gzip").content_encoding, "");
  EXPECT_EQ(get(kScript, "identity").content_encoding, "");
}

TEST(Console, UnpacksForAClientThatTakesNoEncoding) {
  const auto plain = get(kScript);
  EXPECT_TRUE(plain.body().starts_with("// A script long enough to shrink."));
  EXPECT_TRUE(plain.body().ends_with("export const value39 = \"the same words again and again\";\n"));
  EXPECT_LT(get(kScript, "gzip").body().size(), plain.body().size() / 4);
}

TEST(Console, LetsCachesKeepAHashedFileForEverAndTellsThemOfTheEncoding) {
  const auto script = get(kScript, "br");
  EXPECT_EQ(script.cache_control, "public, max-age=31536000, immutable");
  EXPECT_TRUE(script.vary_accept_encoding);
  const auto mark = get("/app/mark.svg", "br");
  EXPECT_EQ(mark.mime, "image/svg+xml");
  EXPECT_EQ(mark.cache_control, "no-cache");
}

TEST(Console, TagsEachEncodingApart) {
  EXPECT_NE(get(kScript, "br").etag, get(kScript, "gzip").etag);
  EXPECT_NE(get(kScript, "gzip").etag, get(kScript).etag);
}

TEST(Console, AnswersNotModifiedWithoutABody) {
  const auto etag = get(kScript, "br").etag;
  for (const auto& header : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    const auto answer = get(kScript, "br", header);
    EXPECT_EQ(answer.status, 304) << header;
    EXPECT_EQ(answer.body(), "") << header;
  }
  EXPECT_EQ(get(kScript, "gzip", etag).status, 200) << "the tag of another encoding is another file";
}

TEST(Console, KeepsWhatDoesNotShrinkAsItIs) {
  const auto font = get("/app/assets/face-Zz.woff2", "br, gzip");
  EXPECT_EQ(font.content_encoding, "");
  EXPECT_FALSE(font.vary_accept_encoding);
  EXPECT_EQ(font.body().size(), 300u);
  EXPECT_TRUE(font.body().starts_with("wOF2"));
}

TEST(Console, NamesItsBuildByItsContent) {
  EXPECT_EQ(build_id().size(), 16u);
  EXPECT_TRUE(std::ranges::all_of(build_id(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }));
  EXPECT_TRUE(is_embedded());
}

}  // namespace
}  // namespace terreno::server::console
