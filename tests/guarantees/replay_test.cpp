// Promise: the state follows from the journal alone. Whichever commits there were, and from whichever checkpoint a
// replay begins, every piece of state has the same bytes afterwards.

#include <algorithm>
#include <map>

#include "joined_rows.h"
#include "load.h"

namespace terreno::guarantees {
namespace {

Rows without_commits(const std::map<std::string, std::string>& contents) {
  Rows joined;
  for (const auto& [key, value] : contents) add_joined(joined, key, value);
  return joined;
}

/// Says which keys differ, without printing whole stores.
void expect_same(const Rows& expected, const Rows& actual) {
  if (expected == actual) return;
  int shown = 0;
  const auto say = [&](const std::string& key, const char* what) {
    if (++shown <= 5)
      ADD_FAILURE() << what << ": partition " << static_cast<int>(static_cast<uint8_t>(key[0])) << " table "
                    << static_cast<int>(static_cast<uint8_t>(key[1]));
  };
  for (const auto& [key, value] : expected) {
    const auto found = actual.find(key);
    if (found == actual.end()) {
      say(key, "missing after the replay");
    } else if (found->second != value) {
      say(key, "other bytes after the replay");
    }
  }
  for (const auto& [key, value] : actual) {
    if (!expected.contains(key)) say(key, "only after the replay");
  }
}

std::vector<uint64_t> ends(scenarios::World& world) {
  std::vector<uint64_t> ends;
  for (uint16_t number = 0; number < engine::kSequenceCount; ++number)
    ends.push_back(world.engine().end({number}).value);
  return ends;
}

class Replay : public testing::TestWithParam<uint64_t> {};

TEST_P(Replay, FromAnyCheckpointGivesTheSameBytes) {
  scenarios::World::Options options(std::vector<flow::Document>{});
  options.shuffle_seed = GetParam();
  scenarios::World world(options);
  engine::MemoryStore& store = world.engine().store();
  std::vector<std::string> kept{"before the first record"};
  ASSERT_TRUE(store.checkpoint(kept.back()).has_value());
  world.apply(scenarios::welcome_documents());
  Load load(GetParam());
  for (int i = 0; i < 150; ++i) {
    load.act(world);
    for (size_t n = load.below(30); n > 0 && world.engine().step(); --n) continue;
    if (load.below(30) == 0) world.crash(load.below(4));
    if (load.below(30) == 0) world.pass(minutes(static_cast<int64_t>(load.below(20))));
    if (load.below(40) == 0) {
      // In the middle of everything: some partitions are ahead of others.
      kept.push_back("at act " + std::to_string(i));
      ASSERT_TRUE(store.commit(engine::StoreBatch(), true).has_value());
      ASSERT_TRUE(store.checkpoint(kept.back()).has_value());
    }
  }
  world.settle();
  world.pass(minutes(20));
  ASSERT_TRUE(world.engine().checkpoint().has_value());
  const Rows expected = without_commits(store.contents());
  const auto ends_before = ends(world);
  const size_t mails = world.mails.size();
  ASSERT_GT(expected.size(), 100u);
  for (const std::string& name : kept) {
    SCOPED_TRACE(name);
    store.open_checkpoint(name);
    world.crash();
    ASSERT_TRUE(world.engine().checkpoint().has_value());
    expect_same(expected, without_commits(store.contents()));
    EXPECT_EQ(ends(world), ends_before) << "a replay appends nothing";
    EXPECT_EQ(world.mails.size(), mails) << "a replay sends nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Replay, testing::Range(uint64_t{1}, uint64_t{13}));

}  // namespace
}  // namespace terreno::guarantees
