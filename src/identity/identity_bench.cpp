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

/// What one iteration decides, and on what. Naming what is touched and deciding are measured apart: the engine names
/// ahead, while it reads, and once more before it applies.
struct Case {
  Halves halves;
  Proposal proposal;
  Separation separation;
};

template <typename Prepare, typename Measured>
void measure(benchmark::State& state, const Prepare& prepare, const Measured& measured) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    auto one = std::make_unique<Case>();
    prepare(*one, static_cast<size_t>(state.range(0)));
    state.ResumeTiming();
    measured(*one);
    state.PauseTiming();
    one.reset();
    state.ResumeTiming();
  }
}

void two_halves(Case& one, size_t size) {
  fill_halves(one.halves, size);
  one.proposal = {
      one.halves.user, one.halves.customer, {}, {}, EdgeKind::staff, events::Visibility::secret_source, kStart, {}};
  one.separation = {one.halves.user, one.halves.customer, "eva", "two people", {}};
}
void one_whole(Case& one, size_t size) {
  two_halves(one, size);
  static_cast<void>(one.halves.lane.propose(one.proposal));
}
void whole_and_newcomer(Case& one, size_t size) {
  one.halves.user = fill(one.halves.lane, "u", size - 1);
  one.proposal = {one.halves.user, {IdentifierKind::anonymous_id, "new"}, {},     {},
                  EdgeKind::login, events::Visibility::secret_source,     kStart, {}};
}
void name_proposal(Case& one) {
  engine::KeyList keys;
  touches_propose(one.halves.lane, one.proposal, keys);
  benchmark::DoNotOptimize(keys);
}
void decide_proposal(Case& one) { benchmark::DoNotOptimize(propose(one.halves.lane, one.proposal)); }

void merge_two_halves(benchmark::State& state) { measure(state, two_halves, decide_proposal); }
BENCHMARK(merge_two_halves)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);
void merge_two_halves_naming(benchmark::State& state) { measure(state, two_halves, name_proposal); }
BENCHMARK(merge_two_halves_naming)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);

void attach_one_visitor(benchmark::State& state) { measure(state, whole_and_newcomer, decide_proposal); }
BENCHMARK(attach_one_visitor)->Arg(3)->Arg(150)->Unit(benchmark::kMicrosecond);
void attach_one_visitor_naming(benchmark::State& state) { measure(state, whole_and_newcomer, name_proposal); }
BENCHMARK(attach_one_visitor_naming)->Arg(3)->Arg(150)->Unit(benchmark::kMicrosecond);

void separate_two_halves(benchmark::State& state) {
  measure(state, one_whole, [](Case& one) { benchmark::DoNotOptimize(separate(one.halves.lane, one.separation)); });
}
BENCHMARK(separate_two_halves)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);
void separate_two_halves_naming(benchmark::State& state) {
  measure(state, one_whole, [](Case& one) {
    engine::KeyList keys;
    touches_separate(one.halves.lane, one.separation, keys);
    benchmark::DoNotOptimize(keys);
  });
}
BENCHMARK(separate_two_halves_naming)->Arg(6)->Arg(150)->Unit(benchmark::kMicrosecond);

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

// The dearest thing that evidence can ask for: a recomputation of a region near its bound, of 490 persons chained by
// held edges. One edge more is held each time.
void recompute_a_region_near_its_bound(benchmark::State& state) {
  TestingLane lane(false);
  const auto user = [](int i) { return Identifier{IdentifierKind::user_id, "u" + std::to_string(i)}; };
  const auto email = [](int i) { return Identifier{IdentifierKind::email, "e" + std::to_string(i) + "@example.org"}; };
  const auto login = [&](int i, int address, EdgeKind kind) {
    return Proposal{user(i), email(address), {}, {}, kind, events::Visibility::secret_source, kStart + minutes(i), {}};
  };
  for (int i = 0; i < 490; ++i) static_cast<void>(lane.propose(login(i, i, EdgeKind::login)));
  for (int i = 1; i < 490; ++i) static_cast<void>(lane.propose(login(i, i - 1, EdgeKind::same_event)));
  int next = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(lane.propose(login(next % 400, next % 400 + 2 + next / 400, EdgeKind::same_event)));
    ++next;
  }
}
BENCHMARK(recompute_a_region_near_its_bound)->Iterations(200)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace terreno::identity
