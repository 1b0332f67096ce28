#include "server/serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>

#include "adapters/http/http_server.h"
#include "adapters/store/store.h"
#include "api/router.h"
#include "api/tracking.h"
#include "base/result.h"
#include "engine/runtime.h"
#include "governance/governance.h"
#include "server/files/audit_folder.h"
#include "server/files/installation_key.h"
#include "server/files/registry_file.h"

namespace terreno::server {

namespace {

constexpr Duration kDrainPatience = seconds(10);

// Stands in the engine of a process that stores and does not apply: the engine calls none of it with `apply` false.
class NothingApplied final : public engine::Machine {
 public:
  void touches(const engine::Lookup&, const engine::RecordView&, engine::KeyList&) const override {}
  void apply(engine::Context&, const engine::RecordView&) const override {}
  void touches_wake(const engine::Lookup&, engine::EntityKey, engine::KeyList&) const override {}
  void wake(engine::Context&, engine::EntityKey) const override {}
  [[nodiscard]] std::unique_ptr<engine::Entity> decode(engine::EntityKey, std::string_view) const override {
    return nullptr;
  }
};
class NoOutputs final : public engine::OutputSink {
 public:
  void on_outputs(engine::Partition, engine::Position, std::vector<engine::Output>&) override {}
};

class SystemRandom final : public engine::Random {
 public:
  [[nodiscard]] Id128 next() override {
    const std::lock_guard lock(mutex_);
    if (at_ == kWords) {
      entropy_({reinterpret_cast<uint8_t*>(words_), sizeof words_});
      at_ = 0;
    }
    const Id128 drawn{words_[at_], words_[at_ + 1]};
    at_ += 2;
    return drawn;
  }

 private:
  static constexpr size_t kWords = 512;
  std::mutex mutex_;
  governance::Entropy entropy_ = system_entropy();
  uint64_t words_[kWords] = {};
  size_t at_ = kWords;
};

events::SourceKind kind_of(governance::SourceKind kind) {
  switch (kind) {
    case governance::SourceKind::browser:
      return events::SourceKind::browser;
    case governance::SourceKind::mobile:
      return events::SourceKind::mobile;
    case governance::SourceKind::server:
      return events::SourceKind::server;
  }
  return events::SourceKind::server;
}

class RegistryKeys final : public api::WriteKeys, public api::TrackingObserver {
 public:
  RegistryKeys(governance::Registry& registry, const engine::Clock& clock) : registry_(&registry), clock_(&clock) {}

  [[nodiscard]] std::optional<api::Source> find(std::string_view key) const override {
    const governance::SourceRef found = registry_->source_by_write_key(key);
    if (!found) return std::nullopt;
    api::Source source;
    source.defaults.id = found->id.hex();
    source.defaults.visibility = found->visibility();
    source.defaults.kind = kind_of(found->kind);
    source.defaults.phone_region = found->default_region;
    source.is_enabled = found->enabled;
    return source;
  }
  void on_quarantined(const std::string&, Timestamp, std::vector<events::Quarantined> items) override {
    quarantined_ += items.size();
  }
  void on_rejected_key(std::string_view key, bool is_known) override {
    if (!is_known) registry_->count_rejected_key(key, clock_->now());
  }
  [[nodiscard]] uint64_t quarantined() const { return quarantined_; }

 private:
  governance::Registry* registry_;
  const engine::Clock* clock_;
  std::atomic<uint64_t> quarantined_{0};
};

int fail(std::string_view what, std::string_view remedy) {
  fmt::print(stderr, "terreno: {}; {}\n", what, remedy);
  return 1;
}

std::string describe(const governance::Error& error) {
  return fmt::format("{} {} {}", governance::name_of(error.code), error.field, error.rule);
}

// The registry of a data folder with its files, in the order in which they must be destroyed.
struct OpenRegistry {
  std::unique_ptr<RegistryFile> file;
  std::unique_ptr<AuditFolder> audit;
  std::unique_ptr<governance::Registry> registry;
};

std::expected<OpenRegistry, governance::Error> open_registry(const std::filesystem::path& folder, Timestamp now) {
  OpenRegistry open;
  open.file = std::make_unique<RegistryFile>(folder / "registry");
  TERRENO_TRY(open.audit, AuditFolder::open(folder / "audit"));
  TERRENO_TRY(open.registry, governance::Registry::load(*open.file, *open.audit, system_entropy(), now));
  return open;
}

bool split_listen(const std::string& listen, std::string& address, uint16_t& port) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return false;
  address = listen.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const char* begin = listen.data() + colon + 1;
  const char* end = listen.data() + listen.size();
  return std::from_chars(begin, end, port).ptr == end && !address.empty();
}

}  // namespace

int init(const std::string& data_folder, const std::string& source_name, const std::string& source_kind, bool as_json) {
  const auto kind = governance::source_kind_from(source_kind);
  if (!kind) return fail(fmt::format("`{}` is not a kind of source", source_kind), "choose browser, mobile or server");
  std::error_code error;
  std::filesystem::create_directories(data_folder, error);
  // What is in it is personal: nobody else on the machine has business there.
  if (!error) std::filesystem::permissions(data_folder, std::filesystem::perms::owner_all, error);
  if (error) return fail("the data folder cannot be created", "choose another with --data");
  const auto clock = adapters::system_clock();
  auto open = open_registry(data_folder, clock->now());
  if (!open)
    return fail("the registry cannot be opened: " + describe(open.error()), "run it as the user who owns the folder");
  if (!open->registry->snapshot()->sources.empty())
    return fail("the data folder has a source already", "choose an empty one with --data");
  const auto source = open->registry->create_source({source_name, *kind, "", ""},
                                                    governance::Principal::of_command_line(), clock->now());
  if (!source)
    return fail("the source cannot be created: " + describe(source.error()), "mend what is named and try again");
  if (as_json) {
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{{"source", source->name}, {"write_key", source->write_key}}));
  } else {
    fmt::print("{}\n", source->write_key);
  }
  return 0;
}

int serve_intake(const ServeOptions& options) {
  // Blocked before any thread starts, so that all inherit it and only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  http::HttpServerOptions listen;
  if (!split_listen(options.listen, listen.address, listen.port))
    return fail(fmt::format("--listen `{}` is not an address and port", options.listen), "write it as 127.0.0.1:8080");
  listen.threads = static_cast<int>(options.threads);

  const std::filesystem::path folder = options.data_folder;
  if (!std::filesystem::is_directory(folder))
    return fail("there is no data folder", "create one with `terreno init --data FOLDER`");
  const auto clock = adapters::system_clock();
  const auto files = adapters::posix_files();
  SystemRandom random;
  const NothingApplied machine;
  NoOutputs outputs;

  auto registry = open_registry(folder, clock->now());
  if (!registry)
    return fail("the registry cannot be opened: " + describe(registry.error()), "run `terreno init` first");
  auto store = adapters::open_rocksdb_store((folder / "store").string());
  if (!store) return fail("the store cannot be opened: " + store.error().context, "is another terreno running on it?");

  const pthread_t main_thread = pthread_self();
  std::atomic<bool> has_failed = false;
  engine::EngineOptions engine_options;
  engine_options.folder = folder.string();
  engine_options.apply = false;
  engine_options.on_stopped = [&](const engine::Error& error) {
    has_failed = true;
    fmt::print(stderr, "terreno: the engine stopped: {}\n", error.context);
    pthread_kill(main_thread, SIGTERM);
  };
  auto running = engine::make_engine(engine_options, *files, std::move(*store), *clock, random, machine, outputs);
  if (!running)
    return fail("the engine cannot start: " + running.error().context, "is another terreno running on this folder?");

  RegistryKeys keys(*registry->registry, *clock);
  api::Router router;
  api::add_tracking_routes(router, {running->get(), clock.get(), &random, &keys, &keys}, {});
  auto server = http::HttpServer::start(
      listen,
      [&](const http::Request& request, http::Responder responder) { router.handle(request, std::move(responder)); },
      [&](const http::Request& request, http::Refusal refusal) { return router.refuse(request, refusal); });
  if (!server) return fail("cannot listen: " + server.error().context, "choose another address with --listen");
  fmt::print(stderr, "terreno: taking events on port {}\n", (*server)->port());

  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->drain(kDrainPatience);
  const auto stopped = (*running)->stop();
  if (!stopped && !has_failed)
    return fail("the engine did not stop cleanly: " + stopped.error().context, "start again: the journal is replayed");
  const engine::Health health = (*running)->health();
  fmt::print(stderr, "terreno: stopped; {} bytes of journal, {} items quarantined\n", health.journal_bytes,
             keys.quarantined());
  return has_failed ? 1 : 0;
}

}  // namespace terreno::server
