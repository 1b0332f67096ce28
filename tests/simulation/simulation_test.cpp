// Many seeds of the simulation, on all cores: 10,000 of an optimised build, else 100.
// TERRENO_SIMULATION_SEEDS=FIRST-LAST runs others; TERRENO_SIMULATION_STORY=SEED tells what happened in one.

#include "simulation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "events/record.h"

namespace terreno::simulation {
namespace {

using events::RecordType;
using Mishap = engine::SteppedEngine::Mishap;

struct Seeds {
  uint64_t first = 1;
#ifdef __OPTIMIZE__
  uint64_t last = 10'000;
#else
  uint64_t last = 100;
#endif
};

uint64_t number(const char* name, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) return value;
  // Running the usual seeds instead would pass for what was asked for.
  std::fprintf(stderr, "%s: `%.*s` is not a number\n", name, static_cast<int>(text.size()), text.data());
  std::exit(2);
}

Seeds seeds() {
  const char* const asked = std::getenv("TERRENO_SIMULATION_SEEDS");
  if (asked == nullptr) return {};
  const std::string_view text(asked);
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    const uint64_t one = number("TERRENO_SIMULATION_SEEDS", text);
    return {one, one};
  }
  return {number("TERRENO_SIMULATION_SEEDS", text.substr(0, dash)),
          number("TERRENO_SIMULATION_SEEDS", text.substr(dash + 1))};
}

/// What came of all seeds together.
struct Sum {
  std::mutex mutex;
  uint64_t runs = 0, records = 0, crashes = 0, acknowledged = 0, taken = 0, unknown = 0, refused = 0, jumps = 0,
           days_off = 0, configurations = 0;
  uint64_t records_least = UINT64_MAX, crashes_least = UINT64_MAX;
  Coverage coverage;
  int failures = 0;

  void add(const Outcome& one) {
    const std::lock_guard lock(mutex);
    ++runs;
    records += one.records;
    crashes += one.crashes;
    acknowledged += one.acknowledged;
    taken += one.taken;
    unknown += one.unknown;
    refused += one.refused;
    jumps += one.clock_jumps;
    days_off += one.days_off;
    configurations += one.configurations;
    records_least = std::min(records_least, one.records);
    crashes_least = std::min(crashes_least, one.crashes);
    coverage.add(one.coverage);
    if (one.broken.empty()) return;
    std::string rules;
    for (const std::string& rule : one.broken) rules += "\n  " + rule;
    ADD_FAILURE() << "seed " << one.seed << " breaks:" << rules
                  << "\n  its story: TERRENO_SIMULATION_STORY=" << one.seed << " simulation_test";
    ++failures;
  }
};

// Records that a client or the courier appends come once by themselves; only messages between partitions are repeated.
constexpr RecordType kFromOutside[] = {RecordType::event,        RecordType::consent_act,
                                       RecordType::correction,   RecordType::send_claimed,
                                       RecordType::send_receipt, RecordType::configuration_proposed,
                                       RecordType::objection};
constexpr RecordType kMessages[] = {RecordType::event_forwarded,     RecordType::identity_proposed,
                                    RecordType::identity_attach,     RecordType::identity_moved,
                                    RecordType::identity_attached,   RecordType::identity_verdict,
                                    RecordType::send_opened,         RecordType::send_closed,
                                    RecordType::permission_folded,   RecordType::configuration_prepared,
                                    RecordType::configuration_ready, RecordType::configuration_active,
                                    RecordType::objection_carried,   RecordType::identity_absorb,
                                    RecordType::identity_released,   RecordType::identity_confirmed};

void expect_every_mishap(const Coverage& coverage) {
  const auto met = [&](Mishap mishap, RecordType type) {
    EXPECT_GT(coverage.of(mishap, static_cast<uint16_t>(type)), 0u)
        << "mishap " << static_cast<int>(mishap) << " never befell record type " << static_cast<int>(type);
  };
  for (const Mishap mishap :
       {Mishap::lost, Mishap::unacknowledged, Mishap::unapplied, Mishap::replayed, Mishap::overtaken}) {
    for (const RecordType type : kFromOutside) met(mishap, type);
    for (const RecordType type : kMessages) met(mishap, type);
  }
  for (const RecordType type : kMessages) met(Mishap::repeated, type);
}

TEST(Simulation, EveryPromiseHoldsUnderEveryFault) {
  if (std::getenv("TERRENO_SIMULATION_STORY") != nullptr) GTEST_SKIP() << "a story was asked for";
  const Seeds range = seeds();
  Sum sum;
  std::atomic<uint64_t> next{range.first};
  std::vector<std::thread> threads;
  for (unsigned n = std::max(1U, std::thread::hardware_concurrency()); n > 0; --n) {
    threads.emplace_back([&] {
      // After a few failures the rest would say the same.
      for (uint64_t seed = next++; seed <= range.last && sum.failures < 5; seed = next++) sum.add(run(seed));
    });
  }
  for (std::thread& thread : threads) thread.join();
  fmt::print(
      "simulation: {} seeds, {} records, {} crashes, {} events acknowledged, {} messages taken, {} unknown, {} "
      "refused for want of permission, {} clock jumps, {} outages of days, {} configurations; none lost, none "
      "doubled\n",
      sum.runs, sum.records, sum.crashes, sum.acknowledged, sum.taken, sum.unknown, sum.refused, sum.jumps,
      sum.days_off, sum.configurations);
  if (sum.failures > 0) return;
  EXPECT_GE(sum.records_least, kRecordsMin);
  EXPECT_GE(sum.crashes_least, 1u);
  if (sum.runs < 1000) return;  // few seeds do not meet everything
  expect_every_mishap(sum.coverage);
  EXPECT_GT(sum.taken, sum.runs);
  EXPECT_GT(sum.unknown, 0u);
  EXPECT_GT(sum.refused, 0u);
}

TEST(Simulation, ASeedTellsTheSameStoryTwice) {
  if (std::getenv("TERRENO_SIMULATION_STORY") != nullptr) GTEST_SKIP() << "a story was asked for";
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Outcome once = run(seed, true);
    EXPECT_FALSE(once.story.empty());
    EXPECT_EQ(once.story, run(seed, true).story);
  }
}

TEST(Simulation, Story) {
  const char* const asked = std::getenv("TERRENO_SIMULATION_STORY");
  if (asked == nullptr) GTEST_SKIP() << "TERRENO_SIMULATION_STORY=SEED tells one";
  const Outcome outcome = run(number("TERRENO_SIMULATION_STORY", asked), true);
  fmt::print("{}", outcome.story);
  for (const std::string& rule : outcome.broken) ADD_FAILURE() << rule;
}

}  // namespace
}  // namespace terreno::simulation
