// Any bytes as a tracking body: no crash, bounds hold, and what is accepted can be read back by every later reader.
// The first byte chooses path and source.

#include <boost/json.hpp>
#include <cstdint>

#include "base/check.h"
#include "events/events.h"

namespace {

class Counter : public terreno::engine::Random {
 public:
  terreno::Id128 next() override { return {1, ++count_}; }

 private:
  uint64_t count_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace terreno;
  using namespace terreno::events;
  if (size == 0) return 0;
  // Kept between inputs: what one request leaves behind must not reach the next.
  static TrackingParser parser;
  Counter random;
  SourceDefaults source;
  source.id = "fuzz";
  source.phone_region = "ES";
  source.kind = static_cast<SourceKind>((data[0] >> 4) % 3);
  const auto path = static_cast<TrackingPath>((data[0] & 15) % 7);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<Event> events;
  std::vector<Quarantined> quarantined;
  if (!parser.begin(path, body)) return 0;
  if (!parser.read(source, {1'795'000'000'000}, random, events, quarantined)) return 0;
  TERRENO_CHECK(events.size() + quarantined.size() <= kBatchItemsMax, "more items than the bound");
  for (const Event& event : events) {
    TERRENO_CHECK(!event.identifiers.empty() && event.identifiers.size() <= kIdentifiersMax,
                  "identifiers out of bounds");
    TERRENO_CHECK(event.message_id.size() <= 100 && !event.message_id.empty(), "message id out of bounds");
    TERRENO_CHECK(event.timestamp <= event.received_at + seconds(60), "an event in the future");
    boost::json::error_code error;
    boost::json::parse_options options;
    options.max_depth = kNestingMax + 1;
    const auto value = boost::json::parse(event.body, error, {}, options);
    TERRENO_CHECK(!error && value.is_object(), "an accepted body does not read back");
    TERRENO_CHECK(!value.as_object().contains("writeKey"), "a write key was stored");
    std::string bytes;
    Writer writer(bytes);
    event.encode(writer);
    Reader reader(bytes);
    const Event back = Event::decode(reader);
    TERRENO_CHECK(reader.done() && back.identifiers == event.identifiers, "an event does not read back");
  }
  return 0;
}
