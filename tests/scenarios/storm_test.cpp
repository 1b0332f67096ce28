// Many people at once, with shared devices, second accounts and crashes: whatever the order, everybody ends up in one
// place, and the partitions agree with the lane about who is who.
//
// Seeds are 1 to 30; TERRENO_STORM_SEEDS=FIRST-LAST runs others, so that a long run can draw new ones.

#include <charconv>
#include <cstdlib>
#include <random>
#include <set>

#include "documents.h"
#include "world.h"

namespace terreno::scenarios {
namespace {

using events::Identifier;
using events::IdentifierKind;

struct Storm {
  explicit Storm(uint64_t seed) : draw(seed) {}
  size_t below(size_t n) { return draw() % n; }

  std::string body() {
    std::string fields;
    const auto use = [&](IdentifierKind kind, const std::string& value) {
      seen.insert({kind, value});
      return value;
    };
    const bool has_user = below(3) > 0;
    if (has_user) fields += R"("userId":")" + use(IdentifierKind::user_id, "u-" + std::to_string(below(6))) + "\",";
    if (!has_user || below(2) == 0)
      fields += R"("anonymousId":")" + use(IdentifierKind::anonymous_id, "a-" + std::to_string(below(9))) + "\",";
    const std::string id = R"("messageId":"m)" + std::to_string(++count) + "\"";
    if (below(2) == 0) return R"({"type":"track","event":"Signed Up",)" + fields + id + "}";
    std::string traits;
    if (below(2) == 0)
      traits = R"("email":")" + use(IdentifierKind::email, "p" + std::to_string(below(7)) + "@example.org") + "\"";
    return R"({"type":"identify",)" + fields + id + R"(,"traits":{)" + traits + "}}";
  }

  std::mt19937_64 draw;
  std::set<Identifier> seen;
  int count = 0;
};

class StormOfSignUps : public testing::TestWithParam<uint64_t> {};

TEST_P(StormOfSignUps, PartitionsAndLaneAgreeAboutEverybody) {
  World::Options options(welcome_documents());
  options.shuffle_seed = GetParam();
  World world(options);
  Storm storm(GetParam());
  for (int i = 0; i < 120; ++i) {
    const std::string body = storm.body();
    if (storm.below(3) == 0) {
      world.browser(body);
    } else {
      world.server(body);
    }
    for (size_t n = storm.below(30); n > 0 && world.engine().step(); --n) continue;
    if (storm.below(15) == 0) {
      world.settle();
      world.crash(storm.below(3));
    }
  }
  world.settle();
  world.pass(minutes(20));
  EXPECT_EQ(world.reading().disagreements(storm.seen), std::vector<std::string>());
}

struct SeedRange {
  uint64_t first = 1;
  uint64_t last = 30;
};

SeedRange seeds() {
  const char* const asked = std::getenv("TERRENO_STORM_SEEDS");
  if (asked == nullptr) return {};
  const std::string_view text(asked);
  SeedRange range;
  const auto [dash, first_error] = std::from_chars(text.begin(), text.end(), range.first);
  if (first_error == std::errc{} && dash != text.end() && *dash == '-') {
    const auto [end, last_error] = std::from_chars(dash + 1, text.end(), range.last);
    constexpr uint64_t kSeedsMax = 10'000;
    if (last_error == std::errc{} && end == text.end() && range.first <= range.last &&
        range.last - range.first < kSeedsMax)
      return range;
  }
  // Running the usual seeds instead would pass for what was asked for.
  std::fprintf(stderr, "TERRENO_STORM_SEEDS: is not FIRST-LAST; write it as 1-30, at most 10000 seeds\n");
  std::exit(2);
}

// A shared device becomes everybody's, and so nobody's, while it goes on sending: whatever it said stays with somebody.
TEST(SharedDevice, NothingThatItSentIsLostWhenItIsTakenFromItsPerson) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    World::Options options(welcome_documents());
    options.shuffle_seed = seed;
    World world(options);
    std::mt19937_64 draw(seed);
    int count = 0;
    std::set<std::string> said;
    for (int user = 0; user < 14; ++user) {
      world.server(R"({"type":"identify","anonymousId":"kiosk","userId":"u-)" + std::to_string(user) +
                   R"(","messageId":"m)" + std::to_string(++count) + R"(","traits":{"first_name":"Ana"}})");
      for (int i = 0; i < 6; ++i) {
        for (size_t n = draw() % 4; n > 0 && world.engine().step(); --n) continue;
        const std::string trait = "t" + std::to_string(++count);
        said.insert(trait);
        world.browser(R"({"type":"identify","anonymousId":"kiosk","messageId":")" + trait + R"(","traits":{")" + trait +
                      R"(":1}})");
      }
    }
    world.settle();
    world.pass(minutes(20));
    std::set<std::string> kept;
    const auto keep = [&](const std::unique_ptr<profiles::Person>& person) {
      if (!person) return;
      for (const profiles::Attribute& attribute : person->attributes()) kept.insert(attribute.name);
    };
    keep(world.person(IdentifierKind::anonymous_id, "kiosk"));
    for (int user = 0; user < 14; ++user) keep(world.user("u-" + std::to_string(user)));
    for (const std::string& trait : said) EXPECT_TRUE(kept.contains(trait)) << trait;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StormOfSignUps, testing::Range(seeds().first, seeds().last + 1));

}  // namespace
}  // namespace terreno::scenarios
