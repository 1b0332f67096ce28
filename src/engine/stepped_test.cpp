#include "engine/stepped.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/toy_machine_testing.h"

namespace terreno::engine {
namespace {

using toy::Command;

struct World {
  explicit World(SteppedEngine::Options options = {}) : engine(machine, ears, std::move(options)) {}

  void command(Partition partition, toy::Type type, Command command) {
    Batch batch;
    toy::add(batch, partition, type, command, ++records);
    engine.append(std::move(batch), nullptr);
  }
  /// Balance, or nullopt when there is no such account.
  std::optional<toy::Account> account(Partition partition, uint64_t number) {
    std::optional<toy::Account> found;
    toy::read_account(engine, partition, number, [&](const toy::Account* account) {
      if (account == nullptr) return;
      found.emplace();
      found->balance = account->balance;
      found->wakes = account->wakes;
      found->payments = account->payments;
    });
    return found;
  }

  toy::Machine machine;
  toy::Ears ears;
  SteppedEngine engine;
  uint64_t records = 0;
};

constexpr Partition kThree{3};
constexpr Partition kFive{5};

TEST(SteppedEngine, APaymentReachesTheOtherPartition) {
  World world;
  world.command(kThree, toy::kPay, {.account = 1, .target_account = 2, .target_partition = 5, .amount = 40});
  world.engine.run_until_idle();
  EXPECT_EQ(world.account(kThree, 1)->balance, -40);
  EXPECT_EQ(world.account(kFive, 2)->balance, 40);
  EXPECT_EQ(world.engine.health().unapplied, 0u);
}

TEST(SteppedEngine, AMessageToTheLaneAndToOneselfArrives) {
  World world;
  world.command(kLane, toy::kPay, {.account = 1, .target_account = 2, .target_partition = kLane.number, .amount = 7});
  world.command(kThree, toy::kPay, {.account = 1, .target_account = 2, .target_partition = kLane.number, .amount = 5});
  world.engine.run_until_idle();
  EXPECT_EQ(world.account(kLane, 2)->balance, 12);
}

TEST(SteppedEngine, ARepeatedKeyIsSeenOnce) {
  World world;
  for (int i = 0; i < 3; ++i) world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10, .repeat_key = {1, 2}});
  world.engine.run_until_idle();
  world.engine.restart();
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10, .repeat_key = {1, 2}});
  world.engine.run_until_idle();
  EXPECT_EQ(world.account(kThree, 1)->balance, 10);
}

TEST(SteppedEngine, WakeUpsFireAtTheirTimesInOrder) {
  World world;
  const Timestamp start = world.engine.clock().now();
  world.command(kThree, toy::kWakeAt, {.account = 1, .at = start + hours(2)});
  world.command(kFive, toy::kWakeAt, {.account = 1, .at = start + hours(1)});
  world.command(kFive, toy::kWakeAt, {.account = 9, .at = start + hours(1)});
  world.command(kFive, toy::kCancelWake, {.account = 9});
  world.engine.run_until_idle();
  world.engine.advance(minutes(59));
  EXPECT_EQ(world.ears.woken(), 0u);
  world.engine.advance(minutes(1));
  EXPECT_EQ(world.ears.woken(), 1u);
  EXPECT_EQ(world.account(kFive, 1)->wakes, 1u);
  world.engine.advance(days(3));
  EXPECT_EQ(world.account(kThree, 1)->wakes, 1u);
  EXPECT_EQ(world.engine.core(kThree).now(), start + hours(2)) << "the tick comes when the wake-up is due, not later";
  EXPECT_EQ(world.ears.woken(), 2u);
}

TEST(SteppedEngine, AWakeUpFiresOnceAcrossACrash) {
  World world;
  world.command(kThree, toy::kWakeAt, {.account = 1, .at = world.engine.clock().now() + hours(1)});
  world.engine.run_until_idle();
  world.engine.restart();
  world.engine.advance(hours(2));
  world.engine.restart();
  world.engine.advance(hours(2));
  EXPECT_EQ(world.account(kThree, 1)->wakes, 1u);
  EXPECT_EQ(world.ears.woken(), 1u);
}

TEST(SteppedEngine, ATickFiresNoMoreThanItsCapAndTheNextOneTheRest) {
  SteppedEngine::Options options;
  options.partition.wakes_per_tick_max = 10;
  World world(options);
  const Timestamp due = world.engine.clock().now() + hours(1);
  for (uint64_t i = 0; i < 25; ++i) world.command(kThree, toy::kWakeAt, {.account = i, .at = due});
  world.engine.run_until_idle();
  const Position before = world.engine.end(kThree);
  world.engine.advance(hours(1));
  EXPECT_EQ(world.ears.woken(), 25u);
  EXPECT_EQ(world.engine.end(kThree).value - before.value, 3u);
}

TEST(SteppedEngine, OutputsAreNotHeardAgainOnReplay) {
  World world;
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10});
  world.engine.run_until_idle();
  EXPECT_EQ(world.ears.count(), 1u);
  world.engine.restart();
  world.engine.run_until_idle();
  EXPECT_EQ(world.engine.health().replayed, 2u);
  EXPECT_EQ(world.ears.count(), 1u);
}

TEST(SteppedEngine, WhatWasNotSyncedIsGoneAfterACrash) {
  World world;
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10});
  world.engine.restart();
  world.engine.run_until_idle();
  EXPECT_FALSE(world.account(kThree, 1).has_value());
}

TEST(SteppedEngine, ALongStopHoldsTimeUntilAnOperatorSaysWhatTimeItIs) {
  World world;
  world.command(kThree, toy::kWakeAt, {.account = 1, .at = world.engine.clock().now() + hours(1)});
  world.engine.run_until_idle();
  world.engine.clock().advance(days(2));
  world.engine.restart();
  world.engine.run_until_idle();
  EXPECT_TRUE(world.engine.health().time_held);
  EXPECT_EQ(world.ears.woken(), 0u);
  world.engine.clock_reset(world.engine.clock().now(), nullptr);
  world.engine.run_until_idle();
  EXPECT_FALSE(world.engine.health().time_held);
  EXPECT_EQ(world.ears.woken(), 1u);
}

TEST(SteppedEngine, AStopOfADayIsTakenOver) {
  World world;
  world.command(kThree, toy::kWakeAt, {.account = 1, .at = world.engine.clock().now() + hours(1)});
  world.engine.run_until_idle();
  world.engine.clock().advance(hours(23));
  world.engine.restart();
  world.engine.run_until_idle();
  EXPECT_EQ(world.ears.woken(), 1u);
}

TEST(SteppedEngine, AWallClockSetForwardMovesNoTimer) {
  World world;
  world.command(kThree, toy::kWakeAt, {.account = 1, .at = world.engine.clock().now() + hours(1)});
  world.engine.run_until_idle();
  world.engine.clock().jump(days(365));
  world.engine.run_until_idle();
  EXPECT_EQ(world.ears.woken(), 0u);
  world.engine.advance(hours(1));
  EXPECT_EQ(world.ears.woken(), 1u);
}

TEST(SteppedEngine, RowsComeNewestFirstAcrossCommits) {
  World world;
  for (int i = 1; i <= 10; ++i) {
    world.command(kThree, toy::kDeposit, {.account = 1, .amount = i});
    world.engine.run_until_idle();
    if (i % 3 == 0) {
      ASSERT_TRUE(world.engine.checkpoint().has_value());
    }
  }
  std::vector<std::string> values;
  RowScan scan{.table = toy::kStatement, .key = toy::alias_of(1), .limit = 4};
  while (true) {
    std::vector<Row> rows;
    world.engine.scan_rows(kThree, scan, [&](Result<std::vector<Row>> found) { rows = *found; });
    for (const Row& row : rows) values.push_back(row.value);
    if (rows.size() < scan.limit) break;
    scan.before = rows.back().order_key;
  }
  EXPECT_EQ(values, (std::vector<std::string>{"1 10", "1 9", "1 8", "1 7", "1 6", "1 5", "1 4", "1 3", "1 2", "1 1"}));
}

TEST(SteppedEngine, ARecordCanBeReadBack) {
  World world;
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10});
  world.engine.run_until_idle();
  std::optional<StoredRecord> found;
  world.engine.record_at(kThree, {2}, [&](Result<std::optional<StoredRecord>> record) { found = *record; });
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Command::decode(found->payload).amount, 10);
  world.engine.record_at(kThree, {3}, [&](Result<std::optional<StoredRecord>> record) { found = *record; });
  EXPECT_FALSE(found.has_value());
}

TEST(SteppedEngine, ASkippedRecordChangesNothing) {
  SteppedEngine::Options options;
  options.partition.skipped = {Position{2}};
  World world(options);
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 10});
  world.command(kThree, toy::kDeposit, {.account = 1, .amount = 5});
  world.engine.run_until_idle();
  EXPECT_EQ(world.account(kThree, 1)->balance, 5);
}

/// Money is conserved, no message counts twice, and each wake-up fires once: whatever the interleaving, wherever
/// crashes fall, and however many commits they take back.
TEST(SteppedEngine, MoneyIsConservedUnderCrashesAtAnyPoint) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 draw(seed);
    SteppedEngine::Options options;
    options.commit_records = 1 + draw() % 20;
    options.shuffle_seed = draw();
    options.partition.repeats = {.window = days(7), .keys_max = 100'000, .generation_keys_max = 1 + draw() % 8};
    World world(options);
    constexpr int kPartitions = 4;
    int64_t deposited = 0;
    uint64_t payments = 0;
    uint64_t keys = 0;
    const int operations = 40;
    for (int i = 0; i < operations; ++i) {
      const Partition partition{static_cast<uint16_t>(draw() % kPartitions)};
      Command command{.account = draw() % 3, .amount = static_cast<int64_t>(draw() % 100), .repeat_key = {7, ++keys}};
      // The client sends again until it hears that the record is durable.
      const bool is_payment = draw() % 2 == 0;
      if (is_payment) {
        command.target_account = draw() % 3;
        command.target_partition = static_cast<uint16_t>(draw() % kPartitions);
        ++payments;
      } else {
        deposited += command.amount;
      }
      const auto acknowledged = std::make_shared<bool>(false);
      while (!*acknowledged) {
        Batch batch;
        toy::add(batch, partition, is_payment ? toy::kPay : toy::kDeposit, command, keys);
        world.engine.append(std::move(batch),
                            [acknowledged](Result<std::vector<Placed>> placed) { *acknowledged = placed.has_value(); });
        for (uint64_t steps = draw() % 12; steps > 0; --steps) world.engine.step();
        if (draw() % 6 == 0) world.engine.restart(draw() % (world.engine.store().unsynced() + 1));
        if (!*acknowledged) {
          // Either it is still queued or a crash took it: sending again must not count twice.
          for (int steps = 0; steps < 3; ++steps) world.engine.step();
        }
      }
    }
    world.engine.run_until_idle();
    RC_ASSERT(world.engine.health().stopped == "");
    int64_t total = 0;
    uint64_t received = 0;
    for (uint16_t partition = 0; partition < kPartitions; ++partition) {
      for (uint64_t number = 0; number < 3; ++number) {
        if (const auto account = world.account(Partition{partition}, number)) {
          total += account->balance;
          received += account->payments;
        }
      }
    }
    RC_ASSERT(total == deposited);
    RC_ASSERT(received == payments);
  }));
}

/// Live state and the state that a replay reaches, from the store as committed at different moments, are the same
/// bytes.
TEST(SteppedEngine, ReplayIsIdentity) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 draw(seed);
    SteppedEngine::Options options;
    options.commit_records = 1'000'000;
    World world(options);
    const auto work = [&] {
      for (int i = 0; i < 20; ++i) {
        const Partition partition{static_cast<uint16_t>(draw() % 3)};
        world.command(partition, static_cast<toy::Type>(1 + draw() % 5),
                      {.account = draw() % 4,
                       .target_account = draw() % 4,
                       .target_partition = static_cast<uint16_t>(draw() % 3),
                       .amount = 1,
                       .at = world.engine.clock().now() + minutes(static_cast<int64_t>(draw() % 100)),
                       .repeat_key = {1, draw() % 30}});
        world.engine.advance(minutes(static_cast<int64_t>(draw() % 10)));
      }
    };
    // One chunk of rows and one block of repeats a commit: leave those two tables to their own tests.
    const auto state = [&] {
      std::map<std::string, std::string> rows;
      for (const auto& [key, value] : world.engine.store().contents()) {
        const auto table = static_cast<uint8_t>(key[1]);
        if (table != 202 && table != 204) rows[key] = value;
      }
      return rows;
    };
    work();
    RC_ASSERT(world.engine.checkpoint().has_value());
    work();
    RC_ASSERT(world.engine.checkpoint().has_value());
    work();
    world.engine.run_until_idle();
    RC_ASSERT(world.engine.checkpoint().has_value());
    const auto live = state();
    for (const char* checkpoint : {"1", "2"}) {
      world.engine.store().open_checkpoint(checkpoint);
      world.engine.restart();
      world.engine.run_until_idle();
      RC_ASSERT(world.engine.checkpoint().has_value());
      RC_ASSERT(state() == live);
    }
  }));
}

}  // namespace
}  // namespace terreno::engine
