// Merge and separate in a component of 150 identifiers: budget 50 microseconds of CPU each. The lane is a flat map
// without loading; naming what is touched counts, as the engine asks once when everything is in memory.

#include <benchmark/benchmark.h>

#include "identity/identity_testing.h"

namespace terreno::identity {
namespace {

using events::Identifier;
using events::IdentifierKind;

constexpr Timestamp kStart{1'700'000'000'000};

// One user id and anonymous visitors, one a month so that no weekly cap is met; each of them linked to the user, and
// every second one to its predecessor too.
Identifier fill(TestingLane& lane, const std::string& name, size_t size) {
  const Identifier user{IdentifierKind::user_id, name};
  for (size_t i = 1; i < size; ++i) {
    const Identifier visitor{IdentifierKind::anonymous_id, name + "-visitor-" + std::to_string(i)};
    const Timestamp at = kStart + days(30 * static_cast<int64_t>(i));
    static_cast<void>(
        lane.propose({user, visitor, {}, {}, EdgeKind::login, events::Visibility::secret_source, at, {}}));
    if (i % 2 == 0) {
      const Identifier before{IdentifierKind::anonymous_id, name + "-visitor-" + std::to_string(i - 1)};
      static_cast<void>(
          lane.propose({before, visitor, {}, {}, EdgeKind::same_event, events::Visibility::secret_source, at, {}}));
    }
  }
  return user;
}

// Two halves of 75: one with a user id, one with a customer number.
struct Halves {
  TestingLane lane{false};
  Identifier user;
  Identifier customer;
};
void fill_halves(Halves& halves, size_t size) {
  halves.user = fill(halves.lane, "u", size / 2);
  halves.customer = {IdentifierKind::customer_number, "c-1"};
  for (size_t i = 1; i < size / 2; ++i) {
    const Identifier visitor{IdentifierKind::anonymous_id, "c-visitor-" + std::to_string(i)};
    const Timestamp at = kStart + days(30 * static_cast<int64_t>(i) + 15);
    static_cast<void>(halves.lane.propose(
        {halves.customer, visitor, {}, {}, EdgeKind::login, events::Visibility::secret_source, at, {}}));
  }
}

void merge_two_halves(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto halves = std::make_unique<Halves>();
    fill_halves(*halves, static_cast<size_t>(state.range(0)));
    const Proposal proposal{
        halves->user, halves->customer, {}, {}, EdgeKind::staff, events::Visibility::secret_source, kStart, {}};
    state.ResumeTiming();
    benchmark::DoNotOptimize(halves->lane.propose(proposal));
    state.PauseTiming();
    halves.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(merge_two_halves)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);

void separate_two_halves(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto halves = std::make_unique<Halves>();
    fill_halves(*halves, static_cast<size_t>(state.range(0)));
    static_cast<void>(halves->lane.propose(
        {halves->user, halves->customer, {}, {}, EdgeKind::staff, events::Visibility::secret_source, kStart, {}}));
    const Separation separation{halves->user, halves->customer, "eva", "two people", {}};
    state.ResumeTiming();
    benchmark::DoNotOptimize(halves->lane.separate(separation));
    state.PauseTiming();
    halves.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(separate_two_halves)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);

void attach_one_visitor(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto lane = std::make_unique<TestingLane>(false);
    const Identifier user = fill(*lane, "u", static_cast<size_t>(state.range(0)) - 1);
    const Proposal proposal{
        user, {IdentifierKind::anonymous_id, "new"}, {}, {}, EdgeKind::login, events::Visibility::secret_source, kStart,
        {}};
    state.ResumeTiming();
    benchmark::DoNotOptimize(lane->propose(proposal));
    state.PauseTiming();
    lane.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(attach_one_visitor)->Arg(3)->Arg(150)->Unit(benchmark::kMicrosecond);

void repeat_a_known_pair(benchmark::State& state) {
  TestingLane lane(false);
  const Identifier user = fill(lane, "u", 150);
  const Proposal proposal{user,
                          {IdentifierKind::anonymous_id, "u-visitor-7"},
                          {},
                          {},
                          EdgeKind::login,
                          events::Visibility::secret_source,
                          kStart + days(9000),
                          {}};
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(lane.propose(proposal));
}
BENCHMARK(repeat_a_known_pair)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace terreno::identity
