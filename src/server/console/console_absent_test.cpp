#include <gtest/gtest.h>

#include "server/console/console.h"

namespace terreno::server::console {
namespace {

TEST(ConsoleLeftOut, SaysSoOnEveryAddressOfTheConsole) {
  const auto answer = serve("/app/people", "br", "", "0123456789abcdef");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body().find("TERRENO_CONSOLE=none"), std::string_view::npos);
  EXPECT_NE(answer.body().find("lang=\"es\""), std::string_view::npos);
  EXPECT_NE(answer.body().find("lang=\"fr\""), std::string_view::npos);
  EXPECT_FALSE(is_embedded());
  EXPECT_EQ(build_id(), "none");
}

TEST(ConsoleLeftOut, HasNoFiles) { EXPECT_EQ(serve("/app/assets/index.js", "", "", "0123456789abcdef").status, 404); }

}  // namespace
}  // namespace terreno::server::console
