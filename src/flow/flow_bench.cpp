// What flow's own part of an event costs: decode, look-ups, attributes, journeys, outputs; no journal, no store. The
// partition here is a std::map, whose look-ups are part of the figure.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>

#include "consent/consent_testing.h"
#include "flow/flow.h"

namespace terreno::flow {
namespace {

constexpr size_t kPersons = 2000;
constexpr size_t kBodyBytes = 662;

std::vector<std::string> users_of_partition_zero() {
  std::vector<std::string> users;
  for (int i = 0; users.size() < kPersons; ++i) {
    std::string id = fmt::format("user-{}", i);
    if (events::home_of({events::IdentifierKind::user_id, id}).number == 0) users.push_back(std::move(id));
  }
  return users;
}

std::string payload(const std::string& user, uint64_t number, bool is_identify) {
  events::Event event;
  event.type = is_identify ? events::EventType::identify : events::EventType::track;
  event.source = "0123456789abcdef0123456789abcdef";
  event.message_id = fmt::format("ajs-next-{:032x}", number);
  event.name = is_identify ? "" : "Product Viewed";
  event.timestamp = event.received_at = {1'795'442'587'250 + static_cast<int64_t>(number)};
  event.identifiers = {{events::IdentifierKind::user_id, user}};
  event.body = std::string(kBodyBytes, 'x');
  if (is_identify) {
    for (int i = 0; i < 100; ++i) event.traits.push_back({fmt::format("trait_{}", i), fmt::format("\"value {}\"", i)});
  }
  std::string bytes;
  Writer out(bytes);
  event.encode(out);
  return bytes;
}

std::vector<Document> shop() {
  std::vector<Document> documents{
      {"topic.yaml", "kind: topic\nname: tips\nspec: {titles: {en: Tips}}\n"},
      {"template.yaml",
       "kind: template\nname: hello\nspec:\n  author: a\n  aim: b\n  languages:\n    en: {subject: Hello, html: Hello, "
       "text: Hello}\n"}};
  for (int i = 0; i < 20; ++i) {
    documents.push_back({fmt::format("journey{}.yaml", i),
                         fmt::format("kind: journey\nname: j{}\nspec:\n  owner: a\n  reply_to: a@example.org\n  "
                                     "trigger: {{event: Event {}}}\n  steps:\n    - send: {{template: hello, topic: "
                                     "tips}}\n",
                                     i, i)});
  }
  return documents;
}

void AnEventOfAKnownPerson(benchmark::State& state) {
  std::vector<Finding> findings;
  const auto configuration = read_configuration(shop(), findings);
  ConfigurationLibrary library;
  library.add(configuration);
  const auto machine = make_machine(library);
  consent::MapContext context(engine::Partition{0});
  engine::KeyList keys;
  const auto run = [&](uint16_t type, std::string_view bytes) {
    context.next_record({1'795'442'587'250});
    engine::RecordView record = context.record();
    record.type = type;
    record.payload = bytes;
    keys.clear();
    machine->touches(context, record, keys);
    machine->apply(context, record);
    context.sent.clear();
    context.outputs.clear();
  };
  run(static_cast<uint16_t>(events::RecordType::configuration_active),
      payload_of(ConfigurationStep{configuration->hash, 1}));
  const auto users = users_of_partition_zero();
  uint64_t number = 0;
  for (const std::string& user : users) run(1, payload(user, ++number, true));
  std::vector<std::string> payloads;
  std::mt19937_64 draw(3);
  for (int i = 0; i < 100'000; ++i) payloads.push_back(payload(users[draw() % users.size()], ++number, false));
  size_t next = 0;
  for (auto _ : state) {
    run(1, payloads[next]);
    next = (next + 1) % payloads.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AnEventOfAKnownPerson)->Iterations(90'000);

}  // namespace
}  // namespace terreno::flow
