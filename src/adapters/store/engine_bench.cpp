// Durable intake and the engine's own part of the pipeline, beside what the disk allows in the same run.
//
// Workload: 662-byte events, 100 in a batch, spread over all partitions; text as compressible as generated events are.
// `Limit` rows write the same bytes to a preallocated file with one fdatasync a batch and nothing else.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <condition_variable>
#include <filesystem>
#include <random>

#include "adapters/store/store.h"
#include "adapters/store/temporary_folder_testing.h"
#include "engine/runtime.h"
#include "engine/toy_machine_testing.h"

namespace terreno::adapters {
namespace {

using engine::Batch;
using engine::Partition;

constexpr size_t kEventBytes = 662;
constexpr int kBatchEvents = 100;

class Draw final : public engine::Random {
 public:
  Id128 next() override { return {draw_(), draw_()}; }

 private:
  std::mt19937_64 draw_{std::random_device{}()};
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// JSON like a shop's: field names repeat, values do not.
std::string event_text(std::mt19937_64& draw) {
  std::string text = fmt::format(
      R"({{"type":"track","event":"Product Viewed","messageId":"{:016x}{:016x}","userId":"u-{}","timestamp":"2026-11-24T14:03:{:02}.{:03}Z","context":{{"library":{{"name":"analytics.js","version":"2.1.0"}},"page":{{"path":"/products/{}","referrer":"https://www.example.org/category/{}","title":"Product {}"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}},"properties":{{"product_id":"{:x}","sku":"G-{}","price":{}.{:02},"currency":"EUR")",
      draw(), draw(), draw() % 1'000'000, draw() % 60, draw() % 1000, draw() % 10'000, draw() % 100, draw() % 10'000,
      draw() % 100'000, draw() % 1000, draw() % 500, draw() % 100);
  while (text.size() < kEventBytes - 2) text += fmt::format(R"(,"k{}":{})", draw() % 10, draw() % 1000);
  text.resize(kEventBytes - 2);
  return text + "}}";
}

/// The toy machine's command, with an event's bytes behind it.
std::vector<Batch> make_batches(size_t count, uint64_t accounts, uint64_t& records) {
  std::mt19937_64 draw(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 512; ++i) texts.push_back(event_text(draw));
  std::vector<Batch> batches(count);
  for (Batch& batch : batches) {
    for (int i = 0; i < kBatchEvents; ++i) {
      const uint64_t account = draw() % accounts;
      const engine::toy::Command command{.account = account, .amount = 1, .repeat_key = {draw(), draw()}};
      std::string payload = command.encode();
      const std::string& text = texts[draw() % texts.size()];
      payload.append(text, 0, kEventBytes - std::min(kEventBytes, payload.size()));
      batch.add(Partition{static_cast<uint16_t>(account % engine::kPartitionCount)}, engine::toy::kDeposit,
                RecordId{{draw(), ++records}}, payload);
    }
  }
  return batches;
}

[[noreturn]] void give_up(const engine::Error& error) {
  fmt::print(stderr, "the engine stopped itself: {}\n", error.context);
  std::abort();
}

struct Bench {
  explicit Bench(bool apply, size_t ballast = 0) : machine(ballast) {
    options.folder = folder.path();
    options.apply = apply;
    options.check_free_space = false;
    // A figure of an engine that gave up is worth nothing.
    options.on_stopped = [](const engine::Error& error) { give_up(error); };
    auto store = open_rocksdb_store(folder.path() + "/store");
    engine = std::move(*engine::make_engine(options, *files, std::move(*store), *clock, random, machine, outputs));
  }
  struct Silent final : engine::OutputSink {
    void on_outputs(Partition, engine::Position, std::vector<engine::Output>&) override {}
  };
  const TemporaryFolder folder;
  std::unique_ptr<engine::Files> files = posix_files();
  std::unique_ptr<engine::Clock> clock = system_clock();
  Draw random;
  engine::toy::Machine machine;
  Silent outputs;
  engine::EngineOptions options;
  std::unique_ptr<engine::Engine> engine;
};

/// Keeps `depth` batches under way until `batches` are acknowledged. A refused batch is sent again, as a client would.
void pump(engine::Engine& engine, const std::vector<Batch>& batches, size_t total, size_t depth) {
  std::mutex mutex;
  std::condition_variable changed;
  size_t open = 0;
  size_t refused = 0;
  size_t done = 0;
  size_t next = 0;
  std::unique_lock lock(mutex);
  while (done < total) {
    while (open < depth && done + open < total && refused == 0) {
      ++open;
      Batch copy = batches[next++ % batches.size()];
      lock.unlock();
      engine.append(std::move(copy), [&](engine::Result<std::vector<engine::Placed>> placed) {
        const std::lock_guard inner(mutex);
        --open;
        ++(placed ? done : refused);
        changed.notify_one();
      });
      lock.lock();
    }
    if (refused > 0) {
      changed.wait_for(lock, std::chrono::milliseconds(5));
      refused = 0;
      continue;
    }
    changed.wait(lock, [&] { return (open < depth && done + open < total) || refused > 0 || done >= total; });
  }
  changed.wait(lock, [&] { return open == 0; });
}

void Limit_WriteAndSync64KiB(benchmark::State& state) {
  const TemporaryFolder folder;
  const auto files = posix_files();
  auto file = std::move(*files->open(folder.path() + "/file", engine::Files::Mode::create));
  const std::string zeros(64 << 20, '\0');
  (void)file->write(0, zeros);
  (void)file->sync();
  const std::string bytes(static_cast<size_t>(state.range(0)) * kEventBytes * kBatchEvents, 'x');
  uint64_t offset = 0;
  for (auto _ : state) {
    if (offset + bytes.size() > zeros.size()) offset = 0;
    (void)file->write(offset, bytes);
    (void)file->sync();
    offset += bytes.size();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kBatchEvents);
}
BENCHMARK(Limit_WriteAndSync64KiB)->Arg(1)->Arg(16)->UseRealTime();

void DurableIntake(benchmark::State& state) {
  uint64_t records = 0;
  const auto batches = make_batches(200, 1'000'000, records);
  Bench bench(false);
  constexpr size_t kTotal = 10'000;
  double cpu = 0;
  for (auto _ : state) {
    const double before = cpu_seconds();
    pump(*bench.engine, batches, kTotal, static_cast<size_t>(state.range(0)));
    cpu += cpu_seconds() - before;
  }
  const auto events = static_cast<double>(state.iterations()) * kTotal * kBatchEvents;
  state.SetItemsProcessed(static_cast<int64_t>(events));
  state.counters["cpu_s_per_million"] = cpu / events * 1e6;
}
BENCHMARK(DurableIntake)->Arg(1)->Arg(16)->Arg(64)->Iterations(2)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Every event is a new key in the repeat window, changes one entity, and leaves a row.
void ToyPipeline(benchmark::State& state) {
  uint64_t records = 0;
  const auto accounts = static_cast<uint64_t>(state.range(0));
  const auto batches = make_batches(20'000, accounts, records);
  Bench bench(true, 100);
  double cpu = 0;
  for (auto _ : state) {
    const double before = cpu_seconds();
    pump(*bench.engine, batches, batches.size(), 64);
    while (bench.engine->health().unapplied > 0 && bench.engine->health().stopped.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    cpu += cpu_seconds() - before;
  }
  const auto events = static_cast<double>(state.iterations()) * static_cast<double>(batches.size()) * kBatchEvents;
  state.SetItemsProcessed(static_cast<int64_t>(events));
  state.counters["cpu_s_per_million"] = cpu / events * 1e6;
  state.counters["commits"] = static_cast<double>(bench.engine->health().commits);
  state.counters["memory_mb"] = static_cast<double>(bench.engine->health().memory_bytes) / 1e6;
}
BENCHMARK(ToyPipeline)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// From a crash with everything still in the journal to caught up.
void Replay(benchmark::State& state) {
  uint64_t records = 0;
  const auto batches = make_batches(5'000, 200'000, records);
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>(false);
    pump(*bench->engine, batches, batches.size(), 64);
    bench->engine.reset();
    auto store = open_rocksdb_store(bench->folder.path() + "/store");
    bench->options.apply = true;
    state.ResumeTiming();
    bench->engine = std::move(*engine::make_engine(bench->options, *bench->files, std::move(*store), *bench->clock,
                                                   bench->random, bench->machine, bench->outputs));
    while (!bench->engine->health().ready || bench->engine->health().unapplied > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    state.PauseTiming();
    bench.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batches.size()) * kBatchEvents);
}
BENCHMARK(Replay)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// The same where every record sends a message and the journal holds none of them, as after `serve --role intake`: all
/// wait for the replay's end. The time of a record must not grow with their number.
void ReplayOfMessages(benchmark::State& state) {
  const auto total = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>(false);
    std::vector<Batch> batches;
    std::mt19937_64 draw(5);
    for (uint64_t record = 0; record < total;) {
      Batch& batch = batches.emplace_back();
      for (int i = 0; i < kBatchEvents; ++i) {
        const engine::toy::Command command{.account = draw() % 1000,
                                           .target_account = draw() % 1000,
                                           .target_partition = static_cast<uint16_t>(draw() % engine::kPartitionCount),
                                           .amount = 1};
        engine::toy::add(batch, Partition{static_cast<uint16_t>(draw() % engine::kPartitionCount)}, engine::toy::kPay,
                         command, ++record);
      }
    }
    pump(*bench->engine, batches, batches.size(), 64);
    bench->engine.reset();
    auto store = open_rocksdb_store(bench->folder.path() + "/store");
    bench->options.apply = true;
    state.ResumeTiming();
    bench->engine = std::move(*engine::make_engine(bench->options, *bench->files, std::move(*store), *bench->clock,
                                                   bench->random, bench->machine, bench->outputs));
    while (!bench->engine->health().ready || bench->engine->health().unapplied > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    state.PauseTiming();
    bench.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(total));
}
BENCHMARK(ReplayOfMessages)
    ->Arg(100'000)
    ->Arg(400'000)
    ->Arg(1'600'000)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace terreno::adapters
