// permit() and apply_act(), in memory, one thread. Beside them the limit: one SHA-256 of a leaf's size.

#include <benchmark/benchmark.h>

#include "consent/consent_testing.h"

namespace terreno::consent {
namespace {

constexpr Timestamp kMorning{1'764'000'000'000};

ConsentAct act_of(Action action, std::string address, int64_t at) {
  ConsentAct act;
  act.action = action;
  act.address = {Channel::email, std::move(address)};
  act.scope = {"offers", "marketing", "raices"};
  act.legal_basis = LegalBasis::consent;
  act.is_explicit = true;
  act.received_at = act.occurred_at = kMorning + seconds(at);
  act.jurisdiction.claimed = "GB";
  act.actor = {ActorKind::person, {}};
  act.visibility = events::Visibility::secret_source;
  act.random_bits = std::string(32, 'r');
  return act;
}

void PermitAfterSoManyEntries(benchmark::State& state) {
  MapContext context;
  for (int64_t i = 0; i < state.range(0); ++i)
    context.apply(act_of(i % 2 == 0 ? Action::grant : Action::withdraw, "ana@example.org", i));
  SendRequest request;
  request.address = {Channel::email, "ana@example.org"};
  request.scope = {"offers", "marketing", "raices"};
  for (auto _ : state) benchmark::DoNotOptimize(context.ask(request));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PermitAfterSoManyEntries)->Arg(1)->Arg(9)->Arg(999);

void ApplyGrantAtANewAddress(benchmark::State& state) {
  MapContext context;
  int64_t i = 0;
  for (auto _ : state) {
    ++i;
    benchmark::DoNotOptimize(context.apply(act_of(Action::grant, "person" + std::to_string(i) + "@example.org", i)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ApplyGrantAtANewAddress);

void ReadToken(benchmark::State& state) {
  const LinkKeys keys({{1, Secret("a key for this benchmark only")}});
  const std::string token = make_token(
      keys, {LinkAction::unsubscribe, {Channel::email, "ana@example.org"}, {"offers", "marketing", "raices"}, {}});
  for (auto _ : state) benchmark::DoNotOptimize(read_token(keys, token));
}
BENCHMARK(ReadToken);

void Sha256OfALeaf(benchmark::State& state) {
  const std::string leaf(180, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(sha256(leaf));
}
BENCHMARK(Sha256OfALeaf);

}  // namespace
}  // namespace terreno::consent
