// Promise: what was acknowledged is there, once, whenever the program dies. The program takes events over HTTP and is
// killed, at random moments and at counted calls of the operating system; what it took is applied and sent by an engine
// that is killed in the same ways. Then the data folder is opened and held against what the clients and the mail server
// know.
//
//   crash_harness TERRENO SHIM [--kills N] [--points N] [--stride N] [--batches N] [--seed S] [--keep]
//
// Prints one line, and what does not hold on lines before it. Exit code 1: something does not.

#include <fmt/format.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>

#include "adapters/smtp/sink.h"
#include "base/check.h"
#include "crash_child.h"
#include "crash_load.h"
#include "crash_node.h"

namespace terreno::guarantees {
namespace {

namespace fs = std::filesystem;

/// As many people have allowed a welcome before the first event.
constexpr uint64_t kGrants = 3000;
constexpr int kConnections = 4;

struct Settings {
  std::string self;
  std::string terreno;
  std::string shim;
  uint64_t kills = 3;
  uint64_t points = 2;  ///< of each call, from the first on, and
  uint64_t stride = 9;  ///< so far apart
  uint64_t seed = 1;
  uint64_t batches = 12;  ///< a round takes at least as many before it is killed
  bool keeps_folder = false;
};

/// Where to die; without a call: at a moment that the harness draws.
struct Point {
  std::string call;
  uint64_t at = 0;
  bool is_after = false;
  [[nodiscard]] Child::Environment environment(const std::string& shim) const {
    if (call.empty()) return {};
    return {{"LD_PRELOAD", shim},
            {"TERRENO_CRASH_CALL", call},
            {"TERRENO_CRASH_AT", std::to_string(at)},
            {"TERRENO_CRASH_WHEN", is_after ? "after" : "before"}};
  }
  [[nodiscard]] std::string text() const {
    return call.empty() ? "a drawn moment" : fmt::format("{} call {} of {}", is_after ? "after" : "before", at, call);
  }
};

class Harness {
 public:
  explicit Harness(Settings settings) : settings_(std::move(settings)), draw_(settings_.seed) {
    std::string pattern = (fs::temp_directory_path() / "terreno-crash-XXXXXX").string();
    TERRENO_CHECK(::mkdtemp(pattern.data()) != nullptr, "a temporary folder");
    root_ = pattern;
    folder_ = root_ + "/data";
    smtp::SinkSettings sink;
    sink.on_message = [this](const smtp::SinkMessage& message) {
      constexpr std::string_view kHeader = "Terreno-Decision: ";
      const size_t at = message.data.find(kHeader);
      TERRENO_CHECK(at != std::string_view::npos, "a mail names its decision");
      const std::lock_guard lock(mails_mutex_);
      ++mails_[std::string(message.data.substr(at + kHeader.size(), 32))];
    };
    auto started = smtp::Sink::start(std::move(sink));
    TERRENO_CHECK(started.has_value(), "the mail server starts");
    sink_ = std::move(*started);
  }

  ~Harness() {
    std::error_code ignored;
    if (!settings_.keeps_folder) fs::remove_all(root_, ignored);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  int run() {
    prepare();
    for (uint64_t i = 0; i < settings_.kills; ++i) {
      take({});
      apply({}, i % 2 == 0);
    }
    for (uint64_t i = 0; i < settings_.points; ++i) {
      const uint64_t at = 1 + i * settings_.stride;
      for (const char* call : {"fdatasync", "pwrite", "fsync", "rename"}) {
        for (const bool is_after : {false, true}) {
          take({call, at, is_after});
          apply({call, at, is_after}, i % 2 == 0);
        }
      }
    }
    take_the_rest();
    finish();
    return examine();
  }

 private:
  void say(const std::string& what) { fmt::print("{}\n", what); }
  void fault(const std::string& what) {
    ++faults_;
    if (faults_ <= 20) say("does not hold: " + what);
  }

  void prepare() {
    Child init({settings_.terreno, "init", "--data", folder_, "--json"});
    while (const auto line = init.line()) {
      constexpr std::string_view kKey = "\"write_key\":\"";
      const size_t at = line->find(kKey);
      if (at != std::string::npos)
        write_key_ = line->substr(at + kKey.size(), line->find('"', at + kKey.size()) - at - kKey.size());
    }
    TERRENO_CHECK(init.wait() && !write_key_.empty(), "init prints a write key");
    Node node({.folder = folder_});
    engine::Batch batch;
    batch.add(engine::kLane, static_cast<uint16_t>(events::RecordType::configuration_proposed), RecordId{{1, 0}},
              flow::payload_of(flow::ConfigurationProposal{{}, configuration_hash()}));
    for (uint64_t i = 0; i < kGrants; ++i) {
      consent::ConsentAct act;
      act.action = consent::Action::grant;
      act.address = {consent::Channel::email, address_of(i)};
      act.scope = {"tips", "marketing", ""};
      act.legal_basis = consent::LegalBasis::consent;
      act.method = consent::Method::tick;
      act.is_explicit = true;
      act.text_version = "v1";
      act.occurred_at = act.received_at = adapters::system_clock()->now();
      act.confirmation.confirmed_at = act.occurred_at;
      act.jurisdiction.claimed = "ES";
      act.actor.kind = consent::ActorKind::person;
      act.visibility = events::Visibility::secret_source;
      act.random_bits = std::string(32, 'r');
      batch.add(consent::home_of(act.address), static_cast<uint16_t>(events::RecordType::consent_act), RecordId{{2, i}},
                flow::payload_of(act));
    }
    node.append(std::move(batch));
    node.wait_until_idle();
    node.stop();
  }

  /// The program, taking events. Nullopt: it died before it listened.
  std::optional<uint16_t> wait_for_port(Child& server) {
    constexpr std::string_view kWords = "taking events on port ";
    std::string last;
    while (const auto line = server.line()) {
      last = *line;
      const size_t at = line->find(kWords);
      if (at == std::string::npos) continue;
      uint16_t port = 0;
      std::from_chars(line->data() + at + kWords.size(), line->data() + line->size(), port);
      return port;
    }
    server.wait();
    if (!server.was_killed()) fault("the program starts on what a crash left: " + last);
    return std::nullopt;
  }

  std::vector<std::string> serve() const {
    return {settings_.terreno, "serve", "--role", "intake", "--data", folder_, "--listen", "127.0.0.1:0"};
  }

  /// Load until the program is killed: at its point, or, where that is not met, when enough was acknowledged.
  void take(const Point& point) {
    Child server(serve(), point.environment(settings_.shim));
    const auto port = wait_for_port(server);
    if (port) {
      const uint64_t until = ledger_.acknowledged() + settings_.batches + draw_() % settings_.batches;
      const uint64_t before = ledger_.acknowledged();
      const auto begun = std::chrono::steady_clock::now();
      // The kill comes from a thread that has its answer while the others wait for theirs.
      send_batches(
          ledger_, *port, write_key_, kConnections, [] { return true; },
          [&] {
            if (ledger_.acknowledged() >= until) server.signal(SIGKILL);
          });
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
      taken_ += ledger_.acknowledged() - before;
      taking_seconds_ += took.count();
    }
    server.wait();
    if (!server.was_killed()) fault("the program goes on until it is killed (" + point.text() + ")");
    ++kills_;
  }

  void take_the_rest() {
    Child server(serve());
    const auto port = wait_for_port(server);
    if (!port) return;
    const uint64_t until = ledger_.acknowledged() + settings_.batches;
    send_batches(
        ledger_, *port, write_key_, kConnections, [&] { return ledger_.has_lost() || ledger_.acknowledged() < until; },
        [] {});
    server.signal(SIGTERM);
    while (server.line()) continue;
    if (!server.wait()) fault("the program stops cleanly");
  }

  /// What was taken is applied and sent by a process that is killed, after two commits at least.
  void apply(const Point& point, bool has_little_memory) {
    Child node(
        {settings_.self, "apply", folder_, std::to_string(sink_->port()), has_little_memory ? "262144" : "268435456"},
        point.environment(settings_.shim));
    const uint64_t more = draw_() % 8;
    uint64_t seen = 0;
    std::string last;
    while (const auto line = node.line()) {
      last = *line;
      if (!line->starts_with("commits ")) continue;
      uint64_t commits = 0;
      std::from_chars(line->data() + 8, line->data() + line->size(), commits);
      if (commits >= 2 && ++seen > more && point.call.empty()) node.signal(SIGKILL);
    }
    const bool is_clean = node.wait();
    if (!is_clean && !node.was_killed()) fault(fmt::format("the engine recovers ({}): {}", point.text(), last));
    kills_ += node.was_killed() ? 1 : 0;
  }

  /// Applies the rest; lets claims without a receipt become *unknown*, by a clock that stands ever later.
  void finish() {
    time_ = adapters::system_clock()->now();
    for (int round = 0; round < 20; ++round) {
      time_ = time_ + minutes(20);
      {
        Node node({.folder = folder_, .smtp_port = sink_->port(), .time = time_});
        node.wait_until_idle();
        node.stop();
      }
      contents_ = read_folder(folder_);
      if (contents_.open_sends == 0 && round > 0) return;
    }
    fault("every send comes to an end");
  }

  int examine() {
    uint64_t acknowledged = 0;
    uint64_t present = 0;
    uint64_t doubled = 0;
    for (uint64_t batch = 0; batch < ledger_.size(); ++batch) {
      const bool is_acknowledged = ledger_.state_of(batch) == ClientLedger::State::acknowledged;
      for (uint64_t index = 0; index < kBatchMessages; ++index) {
        const std::string id = message_id(batch, index);
        const auto found = contents_.applied.find(id);
        const uint32_t times = found == contents_.applied.end() ? 0 : found->second;
        acknowledged += is_acknowledged ? 1 : 0;
        present += is_acknowledged && times > 0 ? 1 : 0;
        if (is_acknowledged && times == 0)
          fault(fmt::format("{} was acknowledged and is {}", id,
                            contents_.journalled.contains(id) ? "in the journal, not applied" : "lost"));
        if (times > 1) {
          ++doubled;
          fault(fmt::format("{} was applied {} times", id, times));
        }
      }
    }
    std::string unknown;
    uint64_t unknowns = 0;
    uint64_t mails = 0;
    for (const auto& [decision, state] : contents_.decisions) {
      const std::string id = decision.value.hex();
      const auto found = mails_.find(id);
      const uint32_t times = found == mails_.end() ? 0 : found->second;
      mails += times;
      if (times > 1) fault(fmt::format("decision {} was mailed {} times", id, times));
      if (state == contact::DecisionState::unknown) {
        ++unknowns;
        unknown += " " + id;
      } else if ((state == contact::DecisionState::sent) != (times == 1)) {
        fault(fmt::format("decision {} is {} and was mailed {} times", id, contact::name_of(state), times));
      }
    }
    for (const auto& [id, times] : mails_) {
      if (!contents_.decisions.contains(DecisionId::from_hex(id))) fault("mail of an unknown decision " + id);
    }
    if (mails == 0) fault("somebody was written to");
    replay();
    const double rate = taking_seconds_ > 0 ? static_cast<double>(taken_ * kBatchMessages) / taking_seconds_ : 0;
    say(fmt::format(
        "acknowledged {}, present {}, doubled {}, mails {}, unknown {}{} [kills {}, {:.0f} events/s, seed {}]",
        acknowledged, present, doubled, mails, unknowns, unknowns > 0 ? " (" + unknown.substr(1) + ")" : "", kills_,
        rate, settings_.seed));
    return faults_ == 0 && present == acknowledged ? 0 : 1;
  }

  /// From the first record, and from each kept checkpoint: the same bytes.
  void replay() {
    std::vector<fs::path> stores{""};
    for (const auto& entry : fs::directory_iterator(folder_ + "/checkpoints")) stores.push_back(entry.path());
    if (stores.size() < 3) fault("two checkpoints are kept");
    for (const fs::path& store : stores) {
      const std::string name = store.empty() ? "the first record" : "checkpoint " + store.filename().string();
      const std::string copy = root_ + "/copy";
      fs::remove_all(copy);
      fs::create_directories(copy);
      fs::copy(folder_ + "/journal", copy + "/journal", fs::copy_options::recursive);
      if (!store.empty()) fs::copy(store, copy + "/store", fs::copy_options::recursive);
      {
        Node node({.folder = copy, .time = time_});
        node.wait_until_idle();
        node.stop();
      }
      const FolderContents replayed = read_folder(copy);
      if (replayed.state == contents_.state) continue;
      std::map<int, int> by_table;
      for (const auto& [key, value] : contents_.state) {
        const auto found = replayed.state.find(key);
        if (found == replayed.state.end() || found->second != value) ++by_table[static_cast<uint8_t>(key[1])];
      }
      for (const auto& [key, value] : replayed.state)
        if (!contents_.state.contains(key)) ++by_table[static_cast<uint8_t>(key[1])];
      for (const auto& [table, count] : by_table)
        fault(fmt::format("a replay from {} gives the same bytes: {} keys of table {} differ", name, count, table));
    }
  }

  Settings settings_;
  std::mt19937_64 draw_;
  std::string root_;
  std::string folder_;
  std::string write_key_;
  ClientLedger ledger_;
  std::mutex mails_mutex_;
  std::map<std::string, uint32_t> mails_;
  std::unique_ptr<smtp::Sink> sink_;
  FolderContents contents_;
  Timestamp time_;
  uint64_t kills_ = 0;
  uint64_t faults_ = 0;
  uint64_t taken_ = 0;
  double taking_seconds_ = 0;
};

/// The child of `Harness::apply`: says how far it is, and ends when nothing is left to do.
int apply(const std::string& folder, uint16_t smtp_port, size_t memory_bytes_max) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  Node node({.folder = folder,
             .smtp_port = smtp_port,
             .memory_bytes_max = memory_bytes_max,
             .commit_interval = milliseconds(20),
             .commit_records = 2000});
  uint64_t said = UINT64_MAX;
  while (!node.is_idle()) {
    const engine::Health health = node.engine().health();
    if (health.commits != said) fmt::print("commits {}, applied {}\n", health.commits, health.applied);
    said = health.commits;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  node.stop();
  fmt::print("idle\n");
  return 0;
}

uint64_t number_of(std::string_view text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  TERRENO_CHECK(read.ec == std::errc() && read.ptr == text.data() + text.size(), "a number is expected");
  return number;
}

int main_of(std::vector<std::string> arguments) {
  if (arguments.size() == 5 && arguments[1] == "apply")
    return apply(arguments[2], static_cast<uint16_t>(number_of(arguments[3])), number_of(arguments[4]));
  if (arguments.size() < 3) {
    fmt::print(
        stderr,
        "usage: crash_harness TERRENO SHIM [--kills N] [--points N] [--stride N] [--batches N] [--seed S] [--keep]\n");
    return 64;
  }
  Settings settings;
  settings.self = arguments[0];
  settings.terreno = arguments[1];
  settings.shim = arguments[2];
  const std::map<std::string, uint64_t*> numbers{{"--kills", &settings.kills},
                                                 {"--points", &settings.points},
                                                 {"--stride", &settings.stride},
                                                 {"--batches", &settings.batches},
                                                 {"--seed", &settings.seed}};
  // For long runs of what CTest runs: CRASH_KILLS=50.
  for (const auto& [name, variable] :
       {std::pair{"CRASH_KILLS", &settings.kills}, std::pair{"CRASH_POINTS", &settings.points},
        std::pair{"CRASH_STRIDE", &settings.stride}, std::pair{"CRASH_BATCHES", &settings.batches},
        std::pair{"CRASH_SEED", &settings.seed}}) {
    if (const char* value = std::getenv(name)) *variable = number_of(value);
  }
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (arguments[i] == "--keep") {
      settings.keeps_folder = true;
      continue;
    }
    const auto found = numbers.find(arguments[i]);
    TERRENO_CHECK(found != numbers.end() && i + 1 < arguments.size(), "an option with its number is expected");
    *found->second = number_of(arguments[++i]);
  }
  return Harness(settings).run();
}

}  // namespace
}  // namespace terreno::guarantees

int main(int argc, char** argv) { return terreno::guarantees::main_of({argv, argv + argc}); }
