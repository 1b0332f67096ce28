// The running engine, threads and all, over real files and RocksDB. What only simulation can enumerate is tested in
// engine/stepped_test.cpp; here: that the threads keep the same promises.

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <random>
#include <set>

#include "adapters/store/store.h"
#include "adapters/store/temporary_folder_testing.h"
#include "engine/data_folder.h"
#include "engine/journal.h"
#include "engine/memory_files_testing.h"
#include "engine/memory_store.h"
#include "engine/runtime.h"
#include "engine/toy_machine_testing.h"

namespace terreno::adapters {
namespace {

using engine::Batch;
using engine::Engine;
using engine::EngineOptions;
using engine::Health;
using engine::Partition;
using engine::Placed;
using engine::Position;
using engine::Result;
using engine::toy::Command;

class Draw final : public engine::Random {
 public:
  Id128 next() override { return {draw_(), draw_()}; }

 private:
  std::mt19937_64 draw_{7};
};

/// A clock of the system that can be pushed forward.
class PushedClock final : public engine::Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return system_->now() + Duration{pushed_ms}; }
  [[nodiscard]] Duration boot() const override { return {system_->boot().ms + pushed_ms}; }
  std::atomic<int64_t> pushed_ms{0};

 private:
  std::unique_ptr<engine::Clock> system_ = system_clock();
};

struct Server {
  explicit Server(std::string folder, size_t ballast_bytes = 0, size_t message_bytes = 0)
      : machine(ballast_bytes, message_bytes) {
    options.folder = std::move(folder);
  }
  ~Server() { engine.reset(); }

  Result<void> start(const std::string& store_name = "store") {
    auto store = open_rocksdb_store(options.folder + "/" + store_name);
    if (!store) return std::unexpected(store.error());
    auto made = engine::make_engine(options, *files, std::move(*store), clock, random, machine, ears);
    if (!made) return std::unexpected(made.error());
    engine = std::move(*made);
    return {};
  }
  /// As a kill would end it, but for what the operating system keeps.
  void crash() { engine.reset(); }

  Result<std::vector<Placed>> append(Batch batch, bool urgent = true) {
    std::promise<Result<std::vector<Placed>>> promise;
    engine->append(
        std::move(batch), [&](Result<std::vector<Placed>> placed) { promise.set_value(std::move(placed)); }, urgent);
    return promise.get_future().get();
  }
  Result<std::vector<Placed>> command(Partition partition, engine::toy::Type type, const Command& command) {
    Batch batch;
    engine::toy::add(batch, partition, type, command, ++records);
    return append(std::move(batch));
  }
  /// Balance and payments once `not_before` is applied.
  std::optional<std::pair<int64_t, uint64_t>> account(Partition partition, uint64_t number, Position not_before = {}) {
    std::promise<std::optional<std::pair<int64_t, uint64_t>>> promise;
    engine::toy::read_account(
        *engine, partition, number,
        [&](const engine::toy::Account* account) {
          promise.set_value(account == nullptr ? std::nullopt
                                               : std::optional(std::pair(account->balance, account->payments)));
        },
        not_before);
    return promise.get_future().get();
  }
  void wait_until(const std::function<bool(const Health&)>& holds) {
    while (true) {
      const Health health = engine->health();
      if (!health.stopped.empty() || holds(health)) return;
      std::this_thread::yield();
    }
  }
  void wait_idle() {
    wait_until([](const Health& health) { return health.ready && health.unapplied == 0; });
  }

  std::unique_ptr<engine::Files> files = posix_files();
  PushedClock clock;
  Draw random;
  engine::toy::Machine machine;
  engine::toy::Ears ears;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  uint64_t records = 0;
};

TEST(Engine, WhatWasAcknowledgedIsThereAfterACrash) {
  const TemporaryFolder folder;
  {
    Server server(folder.path());
    ASSERT_TRUE(server.start());
    const auto placed = server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 10});
    ASSERT_TRUE(placed.has_value());
    ASSERT_EQ(placed->size(), 1u);
    EXPECT_EQ(server.account(Partition{3}, 1, placed->front().position)->first, 10);
    server.crash();
  }
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_EQ(server.account(Partition{3}, 1)->first, 10);
  EXPECT_EQ(server.engine->health().replayed, 2u);
  EXPECT_EQ(server.ears.count(), 0u) << "a replayed record says nothing";
}

/// Six lives of payments that end with messages under way; then none is lost and none came twice.
void pay_and_crash(const std::function<void(EngineOptions&)>& set_options) {
  const TemporaryFolder folder;
  std::mt19937_64 draw(11);
  uint64_t payments = 0;
  uint64_t records = 0;
  for (int life = 0; life < 6; ++life) {
    Server server(folder.path());
    server.records = records;
    server.options.commit_records = 65 * 20;
    server.options.commit_interval = milliseconds(20);
    set_options(server.options);
    ASSERT_TRUE(server.start());
    for (int i = 0; i < 30; ++i) {
      Batch batch;
      for (int j = 0; j < 20; ++j) {
        const int64_t amount = static_cast<int64_t>(draw() % 50);
        engine::toy::add(batch, Partition{static_cast<uint16_t>(draw() % 8)}, engine::toy::kPay,
                         {.account = draw() % 5,
                          .target_account = draw() % 5,
                          .target_partition = static_cast<uint16_t>(draw() % 8),
                          .amount = amount},
                         ++server.records);
        ++payments;
      }
      ASSERT_TRUE(server.append(std::move(batch)).has_value());
    }
    records = server.records;
    // Messages are under way.
    server.crash();
  }
  Server server(folder.path());
  set_options(server.options);
  ASSERT_TRUE(server.start());
  server.wait_idle();
  // What the end of the replay sent.
  const auto stopped = server.engine->stop();
  ASSERT_TRUE(stopped) << static_cast<int>(stopped.error().code) << " " << stopped.error().context;
  EXPECT_EQ(server.engine->health().stopped, "");
  server.crash();
  ASSERT_TRUE(server.start());
  int64_t total = 0;
  uint64_t received = 0;
  for (uint16_t partition = 0; partition < 8; ++partition) {
    for (uint64_t number = 0; number < 5; ++number) {
      const auto account = server.account(Partition{partition}, number);
      if (!account) continue;
      total += account->first;
      received += account->second;
    }
  }
  EXPECT_EQ(total, 0);
  EXPECT_EQ(received, payments);
}

TEST(Engine, MessagesCrossThreadsOnceHoweverOftenItCrashes) {
  pay_and_crash([](EngineOptions&) {});
}

TEST(Engine, TheyDoAlsoWhereEveryBoundOnMessagesIsReached) {
  pay_and_crash([](EngineOptions& options) {
    options.group_bytes_max = 4000;
    options.message_piece_bytes_max = 200;
    options.message_bytes_max = 300;
  });
}

/// Of the groups of a journal whose engine has ended, before compression.
std::vector<size_t> sizes_of_groups(const Server& server) {
  std::vector<size_t> sizes;
  engine::JournalOptions options;
  options.folder = engine::journal_folder(server.options.folder);
  const auto journal = engine::Journal::open(*server.files, options, {});
  EXPECT_TRUE(journal.has_value());
  auto cursor = (*journal)->cursor_from_start();
  engine::Group group;
  while (*cursor.next(group)) sizes.push_back(group.raw_bytes());
  return sizes;
}

/// More than the ticks that may stand in one group beside its batches.
constexpr size_t kTicksBytesMax = 8 << 10;

/// Payments of 1, 2, 3, ... to one account: its balance after each says that all came, once and in order.
Batch rising_payments(int64_t count, Server& server) {
  Batch batch;
  for (int64_t amount = 1; amount <= count; ++amount) {
    engine::toy::add(batch, Partition{3}, engine::toy::kPay,
                     {.account = 1, .target_account = 2, .target_partition = 5, .amount = amount}, ++server.records);
  }
  return batch;
}
void expect_rising_payments(int64_t count, const Server& server) {
  std::vector<std::string> balances;
  for (const std::string& heard : server.ears.heard(Partition{5})) {
    balances.push_back(heard.substr(heard.find(' ') + 1));
  }
  std::vector<std::string> expected;
  int64_t balance = 0;
  for (int64_t amount = 1; amount <= count; ++amount) {
    balance += amount;
    expected.push_back(fmt::format("{} 2 {}", static_cast<int>(engine::toy::kPaid), balance));
  }
  EXPECT_EQ(balances, expected);
}

TEST(Engine, ARunMaySendMoreThanAGroupHolds) {
  const TemporaryFolder folder;
  Server server(folder.path(), 0, 1000);
  server.options.group_bytes_max = 20'000;
  server.options.message_piece_bytes_max = 4000;
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.append(rising_payments(100, server)).has_value());
  ASSERT_TRUE(server.engine->stop());
  expect_rising_payments(100, server);
  server.crash();
  for (const size_t bytes : sizes_of_groups(server)) EXPECT_LE(bytes, 20'000 + kTicksBytesMax);
}

TEST(Engine, AReplayMayEndWithMoreToSendThanAGroupHolds) {
  // All of it waits for the replay's end, and nearly nothing does.
  for (const size_t message_bytes_max : {1 << 20, 10'000}) {
    const TemporaryFolder folder;
    Server server(folder.path(), 0, 1000);
    server.options.group_bytes_max = 20'000;
    server.options.message_piece_bytes_max = 4000;
    server.options.message_bytes_max = message_bytes_max;
    // Nothing is applied, so the journal holds no message.
    server.options.apply = false;
    ASSERT_TRUE(server.start());
    ASSERT_TRUE(server.append(rising_payments(100, server)).has_value());
    ASSERT_TRUE(server.engine->stop());
    server.crash();
    server.options.apply = true;
    ASSERT_TRUE(server.start());
    server.wait_idle();
    ASSERT_TRUE(server.engine->stop());
    expect_rising_payments(100, server);
    server.crash();
    for (const size_t bytes : sizes_of_groups(server)) EXPECT_LE(bytes, 20'000 + kTicksBytesMax);
  }
}

TEST(Engine, SmallRecordsThatSendMoreThanTheLargestGroupStopNeitherALifeNorTheNextStart) {
  // 260 MiB, where a group of the journal holds 256 MiB.
  const TemporaryFolder folder;
  Server server(folder.path(), 0, 2 << 20);
  server.options.lag_max = hours(1);
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.append(rising_payments(130, server)).has_value());
  server.crash();
  ASSERT_TRUE(server.start());
  server.wait_idle();
  ASSERT_TRUE(server.engine->stop());
  server.crash();
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_EQ(server.account(Partition{5}, 2)->first, 130 * 131 / 2);
  EXPECT_EQ(server.account(Partition{5}, 2)->second, 130u);
}

TEST(Engine, ABatchAboveAGroupIsRefusedAndTheNextIsTaken) {
  const TemporaryFolder folder;
  Server server(folder.path());
  server.options.group_bytes_max = 10'000;
  ASSERT_TRUE(server.start());
  for (const bool urgent : {false, true}) {
    const auto refused = server.append(rising_payments(200, server), urgent);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, engine::Errc::overloaded);
  }
  EXPECT_TRUE(server.append(rising_payments(1, server)).has_value());
  EXPECT_EQ(server.engine->health().stopped, "");
}

TEST(Engine, AQueuedBatchThatWouldMakeTheGroupTooLargeWaitsForTheNext) {
  const TemporaryFolder folder;
  Server server(folder.path());
  server.options.group_bytes_max = 10'000;
  server.options.apply = false;
  ASSERT_TRUE(server.start());
  // The writer stays in the first group's callback until the rest is queued, or the groups would be small by chance.
  std::promise<void> queued;
  std::promise<void> written;
  constexpr int kBatches = 20;
  std::atomic<int> left{kBatches};
  server.engine->append(rising_payments(1, server), [&](const auto&) { queued.get_future().wait(); }, true);
  for (int i = 0; i < kBatches; ++i) {
    server.engine->append(
        rising_payments(30, server),
        [&](const auto& placed) {
          EXPECT_TRUE(placed.has_value());
          if (--left == 0) written.set_value();
        },
        true);
  }
  queued.set_value();
  written.get_future().wait();
  server.crash();
  const auto sizes = sizes_of_groups(server);
  for (const size_t bytes : sizes) EXPECT_LE(bytes, 10'000 + kTicksBytesMax);
  EXPECT_LT(sizes.size(), static_cast<size_t>(kBatches)) << "as many as fit go together";
}

TEST(Engine, ARestartReplaysOnlyWhatCameAfterTheCheckpointWithStateLargerThanMemory) {
  const TemporaryFolder folder;
  constexpr uint64_t kAccounts = 3000;
  {
    Server server(folder.path(), 2000);
    server.options.memory_bytes_max = 1 << 20;
    ASSERT_TRUE(server.start());
    for (int round = 0; round < 2; ++round) {
      for (uint64_t number = 0; number < kAccounts; number += 100) {
        Batch batch;
        for (uint64_t i = number; i < number + 100; ++i) {
          engine::toy::add(batch, Partition{static_cast<uint16_t>(i % 64)}, engine::toy::kDeposit,
                           {.account = i, .amount = 1}, ++server.records);
        }
        ASSERT_TRUE(server.append(std::move(batch)).has_value());
      }
      server.wait_idle();
      ASSERT_TRUE(server.engine->checkpoint());
    }
    server.wait_until([](const Health& health) { return health.memory_bytes <= 2 << 20; });
    EXPECT_GT(server.engine->health().evicted, 0u);
    for (uint64_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(
          server.command(Partition{static_cast<uint16_t>(i)}, engine::toy::kDeposit, {.account = i, .amount = 1}));
    }
    server.wait_idle();
    server.crash();
  }
  Server server(folder.path(), 2000);
  server.options.memory_bytes_max = 1 << 20;
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_LE(server.engine->health().replayed, 20u) << "ten deposits and the ticks ahead of them";
  for (uint64_t i = 0; i < kAccounts; i += 97) {
    EXPECT_EQ(server.account(Partition{static_cast<uint16_t>(i % 64)}, i)->first, i < 10 ? 3 : 2);
  }
  EXPECT_GT(server.engine->health().loaded, 0u);
}

TEST(Engine, BothKeptCheckpointsLeadToTheSameState) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  std::mt19937_64 draw(3);
  for (int checkpoint = 0; checkpoint < 4; ++checkpoint) {
    for (int i = 0; i < 200; ++i) {
      const Command command{.account = draw() % 9,
                            .target_account = draw() % 9,
                            .target_partition = static_cast<uint16_t>(draw() % 5),
                            .amount = 3};
      ASSERT_TRUE(server.command(Partition{static_cast<uint16_t>(draw() % 5)}, engine::toy::kPay, command));
    }
    if (checkpoint < 3) {
      ASSERT_TRUE(server.engine->checkpoint());
    }
  }
  ASSERT_TRUE(server.engine->stop());
  server.crash();
  const auto state = [](engine::Store& store) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (int partition = 0; partition < 65; ++partition) {
      const std::string prefix(1, static_cast<char>(partition));
      EXPECT_TRUE(
          store.scan(prefix, engine::Store::Order::ascending, [&](std::string_view key, std::string_view value) {
            if (static_cast<uint8_t>(key[1]) < 202) rows.emplace_back(key, value);
            return true;
          }));
    }
    return rows;
  };
  const auto kept = *server.files->list(folder.path() + "/checkpoints");
  ASSERT_EQ(kept.size(), 2u);
  std::vector<std::vector<std::pair<std::string, std::string>>> states;
  {
    const auto store = open_rocksdb_store(folder.path() + "/store");
    states.push_back(state(**store));
  }
  for (const std::string& name : kept) {
    // A copy: the engine drops old checkpoints as it keeps new ones.
    const std::string copy = "restored-" + name;
    std::filesystem::copy(folder.path() + "/checkpoints/" + name, folder.path() + "/" + copy);
    ASSERT_TRUE(server.start(copy)) << name;
    server.wait_idle();
    ASSERT_TRUE(server.engine->checkpoint());
    server.crash();
    const auto store = open_rocksdb_store(folder.path() + "/" + copy);
    states.push_back(state(**store));
  }
  EXPECT_FALSE(states[0].empty());
  EXPECT_TRUE(states[1] == states[0]);
  EXPECT_TRUE(states[2] == states[0]);
}

TEST(Engine, ACheckpointIsKeptAlsoWhileCommitsNeverCease) {
  TemporaryFolder folder;
  Server server(folder.path());
  server.options.commit_interval = milliseconds(1);
  server.options.checkpoint_interval = milliseconds(20);
  ASSERT_TRUE(server.start());
  const auto kept = [&] {
    const auto names = server.files->list(folder.path() + "/checkpoints");
    return names && !names->empty();
  };
  constexpr int kCommandsMax = 20'000;
  int commands = 0;
  for (; commands < kCommandsMax && !kept(); ++commands) {
    const Partition partition{static_cast<uint16_t>(commands % 64)};
    ASSERT_TRUE(server.command(partition, engine::toy::kPay,
                               {.account = 1, .target_account = 2, .target_partition = 3, .amount = 1}));
  }
  EXPECT_LT(commands, kCommandsMax) << "under a steady load there is always another commit to write first";
}

TEST(Engine, AWakeUpFiresWhenItIsDueAndOnceAcrossRestarts) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kWakeAt, {.account = 1, .at = server.clock.now() + hours(1)}));
  ASSERT_TRUE(
      server.command(Partition{4}, engine::toy::kWakeAt, {.account = 1, .at = server.clock.now() + milliseconds(30)}));
  server.wait_until([&](const Health&) { return server.ears.woken() == 1; });
  server.crash();
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_EQ(server.ears.woken(), 1u);
  server.clock.pushed_ms = hours(1).ms + 1000;
  server.wait_until([&](const Health&) { return server.ears.woken() == 2; });
  server.crash();
  ASSERT_TRUE(server.start());
  server.wait_idle();
  ASSERT_TRUE(server.engine->stop());
  EXPECT_EQ(server.ears.woken(), 2u);
}

TEST(Engine, AnIdleEngineWritesNothing) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  const auto first = server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1});
  server.wait_idle();
  server.clock.pushed_ms = minutes(30).ms;
  const auto second = server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1});
  EXPECT_EQ(second->front().position.value, first->front().position.value + 2)
      << "one tick ahead of the record, no more";
}

TEST(Engine, ALongStopHoldsTimeUntilItIsReset) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kWakeAt, {.account = 1, .at = server.clock.now() + hours(1)}));
  ASSERT_TRUE(server.engine->stop());
  server.crash();
  server.clock.pushed_ms = days(3).ms;
  ASSERT_TRUE(server.start());
  EXPECT_TRUE(server.engine->health().time_held);
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1}));
  server.wait_idle();
  EXPECT_EQ(server.ears.woken(), 0u);
  server.engine->clock_reset(server.clock.now(), nullptr);
  server.wait_until([&](const Health&) { return server.ears.woken() == 1; });
  EXPECT_FALSE(server.engine->health().time_held);
}

TEST(Engine, ASecondEngineOnTheFolderIsRefused) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  Server second(folder.path());
  const auto started = second.start("other-store");
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, engine::Errc::locked);
}

TEST(Engine, AStoreAheadOfTheJournalIsRefused) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1}));
  ASSERT_TRUE(server.engine->stop());
  server.crash();
  std::filesystem::remove_all(folder.path() + "/journal");
  const auto started = server.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, engine::Errc::store_ahead);
}

TEST(Engine, ASkippedRecordIsPassedOverForGood) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  const auto bad = server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1000});
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1}));
  EXPECT_FALSE(engine::skip_record(*server.files, folder.path(), Partition{3}, bad->front().position)) << "it runs";
  server.crash();
  ASSERT_TRUE(engine::skip_record(*server.files, folder.path(), Partition{3}, bad->front().position));
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_EQ(server.account(Partition{3}, 1)->first, 1);
  EXPECT_EQ(server.engine->health().skipped, 1u);
}

TEST(Engine, TheDoctorReadsAStoppedFolder) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 1}));
  }
  server.crash();
  const auto store = open_rocksdb_store(folder.path() + "/store");
  const auto report = engine::check_data_folder(*server.files, **store, folder.path());
  ASSERT_TRUE(report.has_value()) << report.error().context;
  EXPECT_GE(report->records, 6u);
  EXPECT_EQ(report->unapplied, report->records);
  EXPECT_FALSE(report->was_torn);
}

TEST(Engine, AFailedSyncStopsIntakeAndSaysSoOnce) {
  engine::MemoryFiles files;
  PushedClock clock;
  Draw random;
  engine::toy::Machine machine;
  engine::toy::Ears ears;
  std::atomic<int> said{0};
  EngineOptions options;
  options.folder = "data";
  options.segment_bytes_first = 64 << 10;
  options.on_stopped = [&](const engine::Error&) { ++said; };
  auto engine =
      engine::make_engine(options, files, std::make_unique<engine::MemoryStore>(), clock, random, machine, ears);
  ASSERT_TRUE(engine.has_value()) << engine.error().context;
  const auto append = [&] {
    Batch batch;
    engine::toy::add(batch, Partition{1}, engine::toy::kDeposit, {.account = 1, .amount = 1}, 1);
    std::promise<Result<std::vector<Placed>>> promise;
    (*engine)->append(
        std::move(batch), [&](Result<std::vector<Placed>> placed) { promise.set_value(std::move(placed)); }, false);
    return promise.get_future().get();
  };
  EXPECT_TRUE(append().has_value());
  files.fail_after(1);
  EXPECT_FALSE(append().has_value());
  files.heal();
  EXPECT_FALSE(append().has_value()) << "never retried in place";
  EXPECT_NE((*engine)->health().stopped, "");
  EXPECT_EQ(said, 1);
  EXPECT_FALSE((*engine)->checkpoint().has_value());
  EXPECT_FALSE((*engine)->stop().has_value());
}

TEST(Engine, AGroupIsReadBackFromTheJournalWhenApplyIsFarBehind) {
  const TemporaryFolder folder;
  Server server(folder.path());
  // So small that nearly every group takes the way over the disk.
  server.options.unapplied_bytes_max = 1;
  server.options.lag_max = hours(1);
  ASSERT_TRUE(server.start());
  std::mutex mutex;
  std::condition_variable changed;
  int acknowledged = 0;
  constexpr int kBatches = 200;
  for (int i = 0; i < kBatches; ++i) {
    Batch batch;
    for (uint16_t partition = 0; partition < 50; ++partition) {
      engine::toy::add(batch, Partition{partition}, engine::toy::kDeposit, {.account = 1, .amount = 1},
                       ++server.records);
    }
    server.engine->append(
        std::move(batch),
        [&](Result<std::vector<Placed>> placed) {
          ASSERT_TRUE(placed.has_value());
          const std::lock_guard lock(mutex);
          ++acknowledged;
          changed.notify_all();
        },
        false);
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return acknowledged == kBatches; });
  lock.unlock();
  server.wait_idle();
  for (uint16_t partition = 0; partition < 50; ++partition)
    EXPECT_EQ(server.account(Partition{partition}, 1)->first, kBatches);
}

TEST(Engine, ARecordIsReadBackByItsPosition) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  const auto placed = server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 77});
  std::optional<engine::StoredRecord> found;
  server.engine->record_at(Partition{3}, placed->front().position,
                           [&](Result<std::optional<engine::StoredRecord>> record) { found = *record; });
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Command::decode(found->payload).amount, 77);
}

TEST(Engine, RowsSurviveRestartsNewestFirst) {
  const TemporaryFolder folder;
  Server server(folder.path());
  ASSERT_TRUE(server.start());
  for (int i = 1; i <= 6; ++i) {
    ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = i}));
    if (i == 2) {
      ASSERT_TRUE(server.engine->checkpoint());
    }
    if (i == 4) {
      server.crash();
      ASSERT_TRUE(server.start());
    }
  }
  server.wait_idle();
  std::promise<std::vector<engine::Row>> promise;
  server.engine->scan_rows(Partition{3}, {.table = engine::toy::kStatement, .key = engine::toy::alias_of(1)},
                           [&](Result<std::vector<engine::Row>> rows) { promise.set_value(*rows); });
  std::vector<std::string> values;
  for (const auto& row : promise.get_future().get()) values.push_back(row.value);
  EXPECT_EQ(values, (std::vector<std::string>{"1 6", "1 5", "1 4", "1 3", "1 2", "1 1"}));
}

TEST(Engine, IntakeWithoutApplyStoresForTheNextStart) {
  const TemporaryFolder folder;
  Server server(folder.path());
  server.options.apply = false;
  ASSERT_TRUE(server.start());
  ASSERT_TRUE(server.command(Partition{3}, engine::toy::kDeposit, {.account = 1, .amount = 5}));
  ASSERT_TRUE(server.engine->stop());
  server.crash();
  server.options.apply = true;
  ASSERT_TRUE(server.start());
  server.wait_idle();
  EXPECT_EQ(server.account(Partition{3}, 1)->first, 5);
}

}  // namespace
}  // namespace terreno::adapters
