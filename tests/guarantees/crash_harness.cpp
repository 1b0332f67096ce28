// Promise: what was acknowledged is there, once, whenever the program dies. The whole program takes events over HTTP,
// applies them and writes to people over SMTP, and is killed: at random moments, and at counted calls of the operating
// system and steps towards the mail server. Then the data folder is opened and held against what the clients and the
// mail server know.
//
//   crash_harness TERRENO SHIM [--kills N] [--points N] [--stride N] [--batches N] [--rate N] [--grants N] [--seed S]
//   [--keep]
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
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "adapters/smtp/sink.h"
#include "base/check.h"
#include "crash_child.h"
#include "crash_load.h"
#include "crash_node.h"
#include "server/cli/client.h"
#include "server/configuration_folder.h"
#include "server/open_folder.h"

namespace terreno::guarantees {
namespace {

namespace fs = std::filesystem;

constexpr int kConnections = 4;
/// Of one partition each: after so many all have written their state twice.
constexpr uint64_t kCommitsBefore = uint64_t{2} * engine::kSequenceCount;

struct Settings {
  std::string terreno;
  std::string shim;
  uint64_t kills = 3;
  uint64_t points = 2;  ///< of each call, from the first on, and
  uint64_t stride = 9;  ///< so far apart
  uint64_t seed = 1;
  uint64_t batches = 12;     ///< a round takes at least as many before it is killed
  uint64_t rate = 5'000;     ///< events a second are offered
  uint64_t grants = 10'000;  ///< so many people have allowed a welcome before the first event
  bool keeps_folder = false;
};

/// Where to die, once two commits are written; without a call: at a moment that the harness draws.
struct Point {
  std::string call;
  uint64_t at = 0;
  bool is_after = false;
  [[nodiscard]] Child::Environment environment(const std::string& shim, uint16_t mail_port) const {
    if (call.empty()) return {};
    return {{"LD_PRELOAD", shim},
            {"TERRENO_CRASH_CALL", call},
            {"TERRENO_CRASH_AT", std::to_string(at)},
            {"TERRENO_CRASH_WHEN", is_after ? "after" : "before"},
            {"TERRENO_CRASH_PORT", std::to_string(mail_port)}};
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
    for (uint64_t i = 0; i < settings_.kills; ++i) live({}, i % 2 == 0);
    for (uint64_t i = 0; i < settings_.points; ++i) {
      // A claim and a receipt are bytes and a sync of the journal; a send is what goes to the mail server; the last two
      // happen where a checkpoint is kept, which is seldom.
      for (const std::string_view call : {"fdatasync", "pwrite", "sendmsg", "fsync", "rename"}) {
        const uint64_t at = 1 + i * (call == "fsync" || call == "rename" ? 1 : settings_.stride);
        for (const bool is_after : {false, true}) live({std::string(call), at, is_after}, i % 2 == 0);
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
    open_for_letters();
    for (const bool has_little_memory : {false, true}) {
      std::ofstream(config_file(has_little_memory)) << fmt::format(
          "memory_mib: {}\ncommit_every_ms: 50\ncheckpoint_every_ms: 200\nmail: {{host: 127.0.0.1, port: {}}}\n",
          has_little_memory ? 1 : 2048, sink_->port());
    }
    Node node({.folder = folder_});
    engine::Batch batch;
    batch.add(engine::kLane, static_cast<uint16_t>(events::RecordType::configuration_proposed), RecordId{{1, 0}},
              flow::payload_of(flow::ConfigurationProposal{{}, configuration()->hash}));
    for (uint64_t i = 0; i < settings_.grants; ++i) {
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
      if (i % 1000 == 999) node.append(std::exchange(batch, {}));
    }
    if (!batch.empty()) node.append(std::move(batch));
    node.wait_until_idle();
    node.stop();
  }

  /// The sender, the switch to Live, the configuration, and a key for the harness.
  void open_for_letters() {
    const auto me = governance::Principal::of_command_line();
    const Timestamp now = adapters::system_clock()->now();
    auto open = server::open_registry(folder_, now).value();
    governance::ScopeSet scopes;
    scopes.add(governance::Scope::admin);
    api_key_ = open.registry->create_api_key("harness", scopes, {}, me, now).value().secret.reveal();
    governance::ChangeSender sender;
    sender.sender = {
        "Brand", "Brand SL",         "Calle 1", "Brand", "hola@example.org", "hola@example.org", "bounce.example.org",
        "t1",    "Brand SL, Calle 1"};
    sender.public_base_url = "https://mail.example.org";
    sender.mode = governance::Mode::live;
    sender.has_dkim_key = true;
    TERRENO_CHECK(open.registry->change(sender, me, now).has_value(), "the sender is right");
    const auto known = configuration();
    TERRENO_CHECK(server::ConfigurationFolder(folder_ + "/configurations")
                      .save(known->hash, flow::encode_bundle(known->documents))
                      .has_value(),
                  "the configuration is kept");
  }

  [[nodiscard]] std::string config_file(bool has_little_memory) const {
    return root_ + (has_little_memory ? "/little.yaml" : "/much.yaml");
  }
  [[nodiscard]] std::vector<std::string> serve(bool has_little_memory) const {
    return {settings_.terreno, "serve",      "--data", folder_, "--config", config_file(has_little_memory),
            "--listen",        "127.0.0.1:0"};
  }

  /// The program, open. Nullopt: it died before.
  std::optional<uint16_t> wait_for_port(Child& server) {
    constexpr std::string_view kWords = "http://localhost:";
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

  /// Commits and memory of a running program; nullopt: it is gone.
  struct Pulse {
    uint64_t commits = 0;
    uint64_t unapplied = 0;
    uint64_t evicted = 0;  ///< left memory, since state is larger
  };
  [[nodiscard]] std::optional<Pulse> pulse_of(server::cli::HttpClient& client) const {
    const auto answer = client.ask({"GET", "/api/v1/health", "", {{"Authorization", "Bearer " + api_key_}}});
    if (!answer || answer->status != 200) return std::nullopt;
    Pulse pulse;
    const boost::json::value health = answer->json();
    for (const boost::json::value& check : health.at("checks").as_array()) {
      const auto& params = check.at("params").as_object();
      if (check.at("code") == "journal") pulse.commits = params.at("commits").to_number<uint64_t>();
      if (check.at("code") == "apply_lag") pulse.unapplied = params.at("unapplied").to_number<uint64_t>();
      if (check.at("code") == "memory") pulse.evicted = params.at("evicted").to_number<uint64_t>();
    }
    return pulse;
  }

  /// Load until the program is killed, after two commits at least: at its point, or a drawn moment later.
  void live(const Point& point, bool has_little_memory) {
    Child server(serve(has_little_memory), point.environment(settings_.shim, sink_->port()));
    const auto port = wait_for_port(server);
    if (!port) return;
    // Every other time it has caught up with what the last crash left before more comes in.
    if (kills_ % 2 == 0) {
      server::cli::HttpClient client(fmt::format("http://127.0.0.1:{}", *port));
      for (auto pulse = pulse_of(client); pulse && pulse->unapplied > 0; pulse = pulse_of(client))
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const uint64_t acknowledged_before = ledger_.acknowledged();
    const uint64_t until = acknowledged_before + settings_.batches;
    const auto more_ms = std::chrono::milliseconds(draw_() % 200);
    const uint64_t mails_before = mail_count();
    const auto begun = std::chrono::steady_clock::now();
    uint64_t evicted = 0;
    std::jthread killer([&] {
      server::cli::HttpClient client(fmt::format("http://127.0.0.1:{}", *port));
      while (const auto pulse = pulse_of(client)) {
        evicted = pulse->evicted;
        const bool is_everybody_asked = ledger_.size() * kBatchPeople >= settings_.grants;
        const bool has_done_enough =
            ledger_.acknowledged() >= until && (is_everybody_asked || mail_count() >= mails_before + settings_.batches);
        if (has_done_enough && pulse->commits >= kCommitsBefore) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      if (!point.call.empty()) return server.signal(SIGUSR1);
      std::this_thread::sleep_for(more_ms);
      server.signal(SIGKILL);
    });
    // An even pace: a program that is flooded takes events and does little else.
    std::atomic<uint64_t> begun_batches = 0;
    const auto take_turn = [&] {
      // A point that this round does not meet: the kill comes all the same.
      constexpr uint64_t kPatience = 100;
      if (begun_batches > kPatience * settings_.batches) server.signal(SIGKILL);
      const auto turn = std::chrono::duration<double>(static_cast<double>(begun_batches++ * kBatchMessages) /
                                                      static_cast<double>(settings_.rate));
      std::this_thread::sleep_until(begun + std::chrono::duration_cast<std::chrono::steady_clock::duration>(turn));
      return true;
    };
    send_batches(ledger_, *port, write_key_, kConnections, take_turn, [] {});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    killer.join();
    server.wait();
    if (!server.was_killed()) fault("the program goes on until it is killed (" + point.text() + ")");
    ++kills_;
    rounds_over_memory_ += evicted > 0 ? 1 : 0;
    const auto events = static_cast<double>((ledger_.acknowledged() - acknowledged_before) * kBatchMessages);
    event_rates_.push_back(events / took.count());
    mail_rates_.push_back(static_cast<double>(mail_count() - mails_before) / took.count());
    fmt::print(stderr, "{}. killed at {}: {:.0f} events/s, {:.0f} mails/s in {:.1f} s{}\n", kills_, point.text(),
               event_rates_.back(), mail_rates_.back(), took.count(), has_little_memory ? ", little memory" : "");
  }

  void take_the_rest() {
    Child server(serve(false));
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
        constexpr uint64_t kNamedMax = 20;
        ++unknowns;
        if (unknowns <= kNamedMax) unknown += " " + id;
        if (unknowns == kNamedMax + 1) unknown += " …";
        fmt::print(stderr, "unknown {}\n", id);
      } else if ((state == contact::DecisionState::sent) != (times == 1)) {
        fault(fmt::format("decision {} is {} and was mailed {} times", id, contact::name_of(state), times));
      }
    }
    for (const auto& [id, times] : mails_) {
      if (!contents_.decisions.contains(DecisionId::from_hex(id))) fault("mail of an unknown decision " + id);
    }
    if (mails == 0) fault("somebody was written to");
    if (rounds_over_memory_ == 0) fault("state is larger than little memory");
    replay();
    say(
        fmt::format("acknowledged {}, present {}, doubled {}, mails {}, unknown {}{} [kills {}; in the middle round "
                    "{:.0f} events/s "
                    "and {:.0f} mails/s; state over memory in {}; seed {}]",
                    acknowledged, present, doubled, mails, unknowns, unknowns > 0 ? " (" + unknown.substr(1) + ")" : "",
                    kills_, middle_of(event_rates_), middle_of(mail_rates_), rounds_over_memory_, settings_.seed));
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

  [[nodiscard]] uint64_t mail_count() {
    const std::lock_guard lock(mails_mutex_);
    return mails_.size();
  }
  static double middle_of(std::vector<double> values) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[values.size() / 2];
  }

  Settings settings_;
  std::mt19937_64 draw_;
  std::string root_;
  std::string folder_;
  std::string write_key_;
  std::string api_key_;
  ClientLedger ledger_;
  std::mutex mails_mutex_;
  std::map<std::string, uint32_t> mails_;
  std::unique_ptr<smtp::Sink> sink_;
  FolderContents contents_;
  Timestamp time_;
  uint64_t kills_ = 0;
  uint64_t rounds_over_memory_ = 0;
  uint64_t faults_ = 0;
  std::vector<double> event_rates_;  ///< of each round, from the first request to the kill
  std::vector<double> mail_rates_;
};

uint64_t number_of(std::string_view text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  TERRENO_CHECK(read.ec == std::errc() && read.ptr == text.data() + text.size(), "a number is expected");
  return number;
}

int main_of(std::vector<std::string> arguments) {
  if (arguments.size() < 3) {
    fmt::print(
        stderr,
        "usage: crash_harness TERRENO SHIM [--kills N] [--points N] [--stride N] [--batches N] [--rate N] [--grants N] "
        "[--seed S] [--keep]\n");
    return 64;
  }
  Settings settings;
  settings.terreno = arguments[1];
  settings.shim = arguments[2];
  const std::map<std::string, uint64_t*> numbers{{"--kills", &settings.kills},   {"--points", &settings.points},
                                                 {"--stride", &settings.stride}, {"--batches", &settings.batches},
                                                 {"--rate", &settings.rate},     {"--grants", &settings.grants},
                                                 {"--seed", &settings.seed}};
  // For long runs of what CTest runs: CRASH_KILLS=50.
  for (const auto& [name, variable] :
       {std::pair{"CRASH_KILLS", &settings.kills}, std::pair{"CRASH_POINTS", &settings.points},
        std::pair{"CRASH_STRIDE", &settings.stride}, std::pair{"CRASH_BATCHES", &settings.batches},
        std::pair{"CRASH_RATE", &settings.rate}, std::pair{"CRASH_GRANTS", &settings.grants},
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
