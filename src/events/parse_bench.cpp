// Bytes to events, one core: a single event and a batch of 100, of about 662 bytes each, as a shop's SDK sends them;
// and the same encoded as records. The limit beside it is the validating parse alone.

#include <benchmark/benchmark.h>
#include <fmt/core.h>
#include <simdjson.h>

#include "events/events.h"

namespace {

using namespace terreno;
using namespace terreno::events;

class Counter : public engine::Random {
 public:
  Id128 next() override { return {1, ++count_}; }

 private:
  uint64_t count_ = 0;
};

std::string make_item(int n) {
  return fmt::format(
      R"({{"type":"track","event":"Product Added","messageId":"node-next-1795000000000-7f2e0a6c-1d1c-4b7e-9a51-{:012}",)"
      R"("userId":"u-{}","timestamp":"2026-11-24T14:03:07.250Z","properties":{{"product_id":"sku-{}","name":"Trail shoe",)"
      R"("brand":"Serra","category":"shoes","variant":"blue 42","price":89.95,"quantity":1,"currency":"EUR","position":3,)"
      R"("url":"https://shop.example/p/trail-shoe","coupon":null}},"context":{{"library":{{"name":"analytics-node",)"
      R"("version":"3.1.0"}},"page":{{"path":"/p/trail-shoe","title":"Trail shoe","url":"https://shop.example/p/trail-shoe"}},)"
      R"("userAgent":"Mozilla/5.0 Linux x86_64","locale":"es-ES","timezone":"Europe/Madrid"}}}})",
      n, n * 7919 % 100'000, n % 500);
}

std::string make_batch(int count) {
  std::string body = "{\"batch\":[";
  for (int i = 0; i < count; ++i) body += (i ? "," : "") + make_item(i);
  return body + "],\"sentAt\":\"2026-11-24T14:03:08.000Z\"}";
}

void run(benchmark::State& state, TrackingPath path, const std::string& body, bool encodes) {
  TrackingParser parser;
  Counter random;
  SourceDefaults source;
  source.id = "shop";
  std::vector<Event> events;
  std::vector<Quarantined> quarantined;
  std::string bytes;
  size_t count = 0;
  for (auto _ : state) {
    events.clear();
    bytes.clear();
    if (!parser.begin(path, body) || !parser.read(source, {1'795'000'000'000}, random, events, quarantined) ||
        !quarantined.empty())
      state.SkipWithError("refused");
    if (encodes) {
      Writer writer(bytes);
      for (const Event& event : events) event.encode(writer);
    }
    count += events.size();
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(count));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}

void parse_single(benchmark::State& state) { run(state, TrackingPath::track, make_item(1), false); }
void parse_batch_of_100(benchmark::State& state) { run(state, TrackingPath::batch, make_batch(100), false); }
void parse_and_encode_batch_of_100(benchmark::State& state) { run(state, TrackingPath::batch, make_batch(100), true); }

void limit_validate_batch_of_100(benchmark::State& state) {
  const std::string body = make_batch(100);
  const simdjson::padded_string padded(body);
  simdjson::dom::parser parser;
  for (auto _ : state) benchmark::DoNotOptimize(parser.parse(padded).error());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 100));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}

BENCHMARK(parse_single);
BENCHMARK(parse_batch_of_100);
BENCHMARK(parse_and_encode_batch_of_100);
BENCHMARK(limit_validate_batch_of_100);

}  // namespace
