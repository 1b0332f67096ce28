#include "server/serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "adapters/crypto/crypto.h"
#include "adapters/http/http_server.h"
#include "adapters/store/store.h"
#include "api/router.h"
#include "api/tracking.h"
#include "engine/runtime.h"
#include "governance/governance.h"
#include "server/open_folder.h"
#include "server/server.h"
#include "server/write_keys.h"

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

class CountingObserver final : public api::TrackingObserver {
 public:
  CountingObserver(governance::Registry& registry, const engine::Clock& clock) : registry_(&registry), clock_(&clock) {}
  /// Nobody can ask this role.
  void on_accepted(const std::string& /*source*/, Timestamp /*received_at*/, size_t /*count*/) override {}
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

int fail(std::string_view what, std::string_view remedy, std::string_view code = {}) {
  tell_error({std::string(what), std::string(remedy), std::string(code)});
  return 1;
}
int fail(const Sentence& told) {
  tell_error(told);
  return 1;
}

sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

EndSignals::EndSignals() : main_thread_(pthread_self()) {
  const sigset_t signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void EndSignals::wait() {
  const sigset_t signals = end_signals();
  int signal = 0;
  sigwait(&signals, &signal);
}

void EndSignals::raise() { pthread_kill(main_thread_, SIGTERM); }

int serve(const Settings& settings, bool as_json) {
  EndSignals signals;
  std::atomic<bool> has_failed = false;
  auto server = Server::start(
      settings,
      [&] {
        has_failed = true;
        signals.raise();
      },
      [](uint64_t replayed) {
        fmt::print(stderr, "terreno: caught up; {} records of the journal were applied again\n", replayed);
      });
  if (!server) return fail(server.error().what, server.error().remedy, server.error().code);
  for (const std::string& line : (*server)->introduction()) fmt::print(stderr, "terreno: {}\n", line);
  if (as_json) {
    fmt::print("{}\n", boost::json::serialize(boost::json::object{{"url", (*server)->url()},
                                                                  {"first_run_link", (*server)->first_run_link()}}));
  } else {
    fmt::print("{}\n", (*server)->first_run_link().empty() ? (*server)->url() : (*server)->first_run_link());
  }
  std::fflush(stdout);
  if ((*server)->is_time_held()) {
    fmt::print(stderr,
               "terreno: more than a day has passed since this folder was last in use, so waits and letters stand "
               "still; say that the clock is right with `terreno clock accept`\n");
  }
  signals.wait();
  const bool is_clean = (*server)->stop();
  if (has_failed) return fail("stopped, because a disk refused", "look at the disk, then start again");
  if (!is_clean) return fail("it did not stop cleanly", "start again: the journal is replayed");
  fmt::print(stderr, "terreno: stopped; everything is applied, and a checkpoint is written\n");
  return 0;
}

int serve_intake(const Settings& options, bool as_json) {
  EndSignals signals;
  http::HttpServerOptions listen;
  if (!split_listen(options.listen, listen.address, listen.port))
    return fail(fmt::format("--listen `{}` is not an address and port", options.listen), "write it as 127.0.0.1:8080");
  listen.threads = static_cast<int>(options.threads);

  const std::filesystem::path folder = options.data_folder;
  const auto clock = adapters::system_clock();
  const auto files = adapters::posix_files();
  crypto::SystemRandom random;
  const NothingApplied machine;
  NoOutputs outputs;

  auto registry = open_registry(folder, clock->now());
  if (!registry) return fail(sentence_of_file(registry.error(), "the registry"));
  auto store = adapters::open_rocksdb_store((folder / "store").string());
  if (!store) return fail("the store cannot be opened: " + store.error().context, "is another terreno running on it?");

  std::atomic<bool> has_failed = false;
  engine::EngineOptions engine_options;
  engine_options.folder = folder.string();
  engine_options.apply = false;
  engine_options.on_stopped = [&](const engine::Error& error) {
    has_failed = true;
    fmt::print(stderr, "terreno: the engine stopped: {}\n", error.context);
    signals.raise();
  };
  auto running = engine::make_engine(engine_options, *files, std::move(*store), *clock, random, machine, outputs);
  if (!running)
    return fail("the engine cannot start: " + running.error().context, "is another terreno running on this folder?");

  const RegistryKeys keys(*registry->registry);
  CountingObserver observer(*registry->registry, *clock);
  api::Router router;
  api::add_tracking_routes(router, {running->get(), clock.get(), &random, &keys, &observer}, {.public_base_url = [&] {
                             return registry->registry->snapshot()->installation.public_base_url;
                           }});
  auto server = http::HttpServer::start(
      listen,
      [&](const http::Request& request, http::Responder responder) { router.handle(request, std::move(responder)); },
      [&](const http::Request& request, http::Refusal refusal) { return router.refuse(request, refusal); });
  if (!server) return fail("cannot listen: " + server.error().context, "choose another address with --listen");
  const std::string url = fmt::format("http://localhost:{}", (*server)->port());
  fmt::print("{}\n", as_json ? boost::json::serialize(boost::json::object{{"url", url}}) : url);
  std::fflush(stdout);
  fmt::print(stderr, "terreno: taking events on port {}\n", (*server)->port());

  signals.wait();
  (*server)->drain(kDrainPatience);
  const auto stopped = (*running)->stop();
  if (!stopped && !has_failed)
    return fail("the engine did not stop cleanly: " + stopped.error().context, "start again: the journal is replayed");
  const engine::Health health = (*running)->health();
  fmt::print(stderr, "terreno: stopped; {} bytes of journal, {} items quarantined\n", health.journal_bytes,
             observer.quarantined());
  return has_failed ? 1 : 0;
}

}  // namespace terreno::server
