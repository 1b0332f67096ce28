#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/crypto/crypto.h"
#include "adapters/crypto/password.h"
#include "adapters/http/http_server.h"
#include "adapters/smtp/sink.h"
#include "adapters/store/store.h"
#include "api/customer_api.h"
#include "api/links.h"
#include "api/problem.h"
#include "api/tracking.h"
#include "base/thread.h"
#include "engine/runtime.h"
#include "server/background.h"
#include "server/configuration_folder.h"
#include "server/console/console.h"
#include "server/delivery/delivery.h"
#include "server/delivery/dkim_key.h"
#include "server/open_folder.h"
#include "server/steerable_clock.h"
#include "server/write_keys.h"

namespace terreno::server {

namespace {

constexpr Duration kDrainPatience = seconds(10);
constexpr Duration kSendPatience = seconds(5);
constexpr std::chrono::milliseconds kPulse(250);
constexpr int kPulsesPerActivity = 4 * 60 * 5;
constexpr std::string_view kVersion = TERRENO_VERSION;

class IntakeObserver final : public api::TrackingObserver {
 public:
  IntakeObserver(governance::Registry& registry, api::News& news, const engine::Clock& clock)
      : registry_(&registry), news_(&news), clock_(&clock) {}
  void on_accepted(const std::string& source, Timestamp received_at, size_t count) override {
    news_->on_accepted(source, received_at, count);
  }
  void on_quarantined(const std::string& source, Timestamp received_at,
                      std::vector<events::Quarantined> items) override {
    news_->on_quarantined(source, received_at, std::move(items));
  }
  void on_rejected_key(std::string_view key, bool is_known) override {
    if (!is_known) registry_->count_rejected_key(key, clock_->now());
    news_->on_rejected_key(key, is_known);
  }

 private:
  governance::Registry* registry_;
  api::News* news_;
  const engine::Clock* clock_;
};

class KeptLetters final : public api::OutboxReader {
 public:
  explicit KeptLetters(const Outbox& outbox) : outbox_(&outbox) {}
  [[nodiscard]] std::optional<Page> list(const std::string& cursor, size_t limit) override {
    const DecisionId before = cursor.empty() ? DecisionId{} : DecisionId::from_hex(cursor);
    if (!cursor.empty() && before.is_zero()) return std::nullopt;
    Page page;
    page.total = outbox_->sandbox_count();
    for (const KeptMessage& kept : outbox_->list(before, limit + 1, true)) {
      if (page.letters.size() == limit) {
        page.next = page.letters.back().id;
        break;
      }
      page.letters.push_back(letter_of(kept, false));
    }
    return page;
  }
  [[nodiscard]] std::optional<Letter> find(const std::string& id) override {
    return find_by_decision(DecisionId::from_hex(id));
  }
  [[nodiscard]] std::optional<Letter> find_by_decision(DecisionId decision) override {
    const auto kept = outbox_->find(decision);
    if (!kept) return std::nullopt;
    return letter_of(*kept, true);
  }

 private:
  static Letter letter_of(const KeptMessage& kept, bool is_whole) {
    Letter letter;
    letter.id = kept.decision.hex();
    letter.at = kept.at;
    letter.decision = kept.decision;
    letter.is_sandbox = kept.is_sandbox;
    letter.person = kept.person;
    letter.journey = kept.journey;
    letter.message = kept.message;
    letter.language = kept.language;
    letter.from = kept.from;
    letter.to = kept.to;
    letter.subject = kept.subject;
    letter.size_bytes = kept.size_bytes;
    if (!is_whole) return letter;
    letter.html = kept.html;
    letter.text = kept.text;
    letter.raw = kept.raw;
    for (channels::Header& header : headers_of(kept.raw))
      letter.headers.emplace_back(std::move(header.name), std::move(header.value));
    return letter;
  }

  const Outbox* outbox_;
};

class KeptConfigurations final : public api::ConfigurationFiles {
 public:
  explicit KeptConfigurations(ConfigurationFolder folder) : folder_(std::move(folder)) {}
  [[nodiscard]] bool save(Id128 hash, std::string_view bundle) override {
    return folder_.save(hash, bundle).has_value();
  }

 private:
  ConfigurationFolder folder_;
};

http::Response console_response(const http::Request& request, const std::string& nonce) {
  http::Response response;
  if (request.path == "/" || request.path == "/app") {
    response.status = 302;
    response.add_header("Location", "/app/");
    return response;
  }
  console::Answer answer = console::serve(request.path, request.header("Accept-Encoding").value_or(""),
                                          request.header("If-None-Match").value_or(""), nonce);
  response.status = static_cast<uint16_t>(answer.status);
  response.content_type = answer.mime;
  response.add_header("Cache-Control", answer.cache_control);
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("Referrer-Policy", "no-referrer");
  if (!answer.content_encoding.empty()) response.add_header("Content-Encoding", answer.content_encoding);
  if (!answer.etag.empty()) response.add_header("ETag", answer.etag);
  if (!answer.content_security_policy.empty())
    response.add_header("Content-Security-Policy", answer.content_security_policy);
  if (answer.vary_accept_encoding) response.add_header("Vary", "Accept-Encoding");
  if (answer.owned.empty()) {
    response.body = answer.embedded;
  } else {
    response.body = std::move(answer.owned);
  }
  return response;
}

}  // namespace

struct Server::State final : engine::OutputSink {
  // In the order in which they are made; destroyed in the opposite one.
  Settings settings;
  std::function<void()> on_stopped;
  std::function<void(uint64_t)> on_caught_up;  ///< emptied once it was called
  std::unique_ptr<engine::Clock> real_clock = adapters::system_clock();
  std::unique_ptr<SteerableClock> steerable;
  engine::Clock* clock = nullptr;
  std::unique_ptr<engine::Files> files = adapters::posix_files();
  crypto::SystemRandom random;
  OpenRegistry open;
  std::optional<InstallationKey> key;
  std::optional<consent::LinkKeys> links;
  flow::ConfigurationLibrary library;
  std::unique_ptr<KeptConfigurations> configurations;
  std::shared_future<crypto::SigningKey> dkim_key;
  std::unique_ptr<api::News> news;
  std::unique_ptr<RegistryKeys> keys;
  std::unique_ptr<IntakeObserver> observer;
  std::unique_ptr<api::Authentication> authentication;
  std::unique_ptr<Outbox> outbox;
  std::unique_ptr<KeptLetters> letters;
  std::unique_ptr<smtp::Sink> sink;
  std::unique_ptr<smtp::SmtpPool> sandbox_pool;
  std::unique_ptr<smtp::SmtpPool> live_pool;
  std::unique_ptr<Delivery> delivery;
  std::unique_ptr<engine::Machine> machine;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<api::CustomerApi> customers;
  std::unique_ptr<api::GovernanceApi> governance;
  std::unique_ptr<Background> background;
  std::unique_ptr<crypto::PasswordPool> passwords;
  api::Router router;
  std::unique_ptr<http::HttpServer> http;
  std::string first_run_link;
  std::string own_url;
  std::atomic<bool> is_draining{false};
  std::atomic<bool> has_failed{false};

  std::mutex configuration_mutex;
  std::shared_ptr<const flow::Configuration> configuration;  ///< in force; null: none

  std::mutex pulse_mutex;
  std::condition_variable pulse_changed;
  bool is_pulse_ending = false;
  std::thread pulse;
  bool is_stopped = false;

  std::expected<void, StartError> start();
  std::expected<void, StartError> start_engine();
  std::expected<void, StartError> keep_settings();
  void add_routes();
  void run_pulse();
  void fail();
  bool move_clock(Timestamp time);
  void settle();
  std::atomic<uint64_t> settled_at = 0;  ///< records applied when nothing was left to do; by whoever moves the clock
  [[nodiscard]] std::string issue_first_run_link();
  bool stop();
  [[nodiscard]] std::shared_ptr<const flow::Configuration> active_configuration();
  void note_configuration(Id128 hash);
  [[nodiscard]] api::SenderFacts sender_facts(const governance::Installation& installation);

  void on_outputs(engine::Partition partition, engine::Position position,
                  std::vector<engine::Output>& outputs) override {
    for (const engine::Output& output : outputs) {
      news->hear(partition, position, output);
      delivery->on_output(partition, output);
      if (static_cast<flow::OutputKind>(output.kind) == flow::OutputKind::configuration) {
        Reader in(output.payload);
        const auto told = flow::ConfigurationInForce::decode(in);
        if (in.done() && !told.is_refused) note_configuration(told.hash);
      }
    }
  }
};

namespace {

std::unexpected<StartError> cannot(std::string what, std::string remedy) {
  return std::unexpected(StartError{std::move(what), std::move(remedy)});
}
std::unexpected<StartError> cannot(Sentence told) {
  return std::unexpected(StartError{std::move(told.what), std::move(told.remedy), std::move(told.code)});
}

}  // namespace

std::expected<void, StartError> Server::State::start() {
  const std::filesystem::path folder = settings.data_folder;
  http::HttpServerOptions listen;
  if (!split_listen(settings.listen, listen.address, listen.port))
    return cannot(fmt::format("`{}` is not an address and port to listen on", settings.listen),
                  "write it as 127.0.0.1:8080");
  listen.threads = static_cast<int>(settings.threads);
  listen.body_bytes_max = std::max(events::kBodyBytesMax, api::CustomerApi::body_bytes_max());
  if (!make_data_folder(folder)) return cannot("the data folder cannot be made", "choose another with --data");
  clock = real_clock.get();
  if (settings.is_clock_manual) {
    steerable = std::make_unique<SteerableClock>(*real_clock, settings.clock_start);
    clock = steerable.get();
  }

  auto registry = open_registry(folder, clock->now());
  if (!registry) return cannot(sentence_of_file(registry.error(), "the registry"));
  open = std::move(*registry);
  ConfigurationFolder configuration_folder(folder / "configurations");
  if (auto loaded = configuration_folder.load(library); !loaded)
    return cannot(sentence_of_file(loaded.error(), "a kept configuration"));
  configurations = std::make_unique<KeptConfigurations>(std::move(configuration_folder));
  auto opened_outbox = Outbox::open(folder / "outbox");
  if (!opened_outbox) return cannot(sentence_of_file(opened_outbox.error(), "the outbox"));
  outbox = std::move(*opened_outbox);
  letters = std::make_unique<KeptLetters>(*outbox);
  news = std::make_unique<api::News>(*clock);

  const std::filesystem::path key_path =
      settings.key_file.empty() ? default_key_path(folder) : std::filesystem::path(settings.key_file);
  auto installation_key = open_installation_key(key_path, folder, *open.registry, clock->now());
  if (!installation_key) return cannot(sentence_of_key(installation_key.error(), key_path));
  key = std::move(*installation_key);
  links.emplace(std::vector<consent::LinkKeys::Key>{{1, key->derive("links")}});

  if (auto kept = keep_settings(); !kept) return kept;

  if (auto started = start_engine(); !started) return started;

  // A key that is there must be readable: letters without its signature would be worse than none. A first one takes a
  // while to make, so whoever signs waits for it.
  const std::filesystem::path keys_folder = folder / "keys";
  auto kept_key = load_dkim_key(keys_folder);
  if (!kept_key)
    return cannot(
        "the key that signs mail cannot be used: " + sentence_of(kept_key.error()).what,
        "restore keys/dkim.pem from a backup; removing it makes a new one, which the name server must then tell");
  dkim_key = std::async(std::launch::async, [this, keys_folder, kept = std::move(*kept_key)] {
               if (kept) return *kept;
               auto made = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
               if (!save_dkim_key(keys_folder, made)) fail();
               return made;
             }).share();

  auto started_sink = smtp::Sink::start({});
  if (!started_sink) return cannot("the sandbox's mail server cannot listen on loopback", "free a port");
  sink = std::move(*started_sink);
  smtp::SmtpSettings sandbox;
  sandbox.host = "127.0.0.1";
  sandbox.port = sink->port();
  sandbox_pool = std::move(*smtp::SmtpPool::create(std::move(sandbox), random));
  smtp::SmtpSettings live = settings.mail;
  if (live.host.empty()) live.host = "127.0.0.1";
  auto created = smtp::SmtpPool::create(std::move(live), random);
  if (!created)
    return cannot(fmt::format("the mail server's setting `{}` cannot be used", created.error().field),
                  "mend it in the file of --config");
  live_pool = std::move(*created);

  authentication =
      std::make_unique<api::Authentication>(*open.registry, key->derive("cookies"), [this] { return clock->now(); });
  background = std::make_unique<Background>(2);
  passwords = std::make_unique<crypto::PasswordPool>();
  add_routes();
  auto server = http::HttpServer::start(
      listen,
      [this](const http::Request& request, http::Responder responder) { router.handle(request, std::move(responder)); },
      [this](const http::Request& request, http::Refusal refusal) { return router.refuse(request, refusal); });
  if (!server)
    return cannot("cannot listen: " + server.error().context,
                  "choose another address with --listen, or PORT with make");
  http = std::move(*server);
  const bool is_v6 = listen.address.find(':') != std::string::npos;
  const std::string host = listen.address == "0.0.0.0" || listen.address == "::" || listen.address == "127.0.0.1"
                               ? "localhost"
                               : (is_v6 ? "[" + listen.address + "]" : listen.address);
  own_url = fmt::format("http://{}:{}", host, http->port());

  DeliveryParts parts;
  parts.clock = clock;
  parts.random = &random;
  parts.library = &library;
  parts.links = &*links;
  parts.snapshot = [this] { return open.registry->snapshot(); };
  parts.signer = {channels::SignatureAlgorithm::rsa_sha256, crypto::sha256,
                  [signing = dkim_key](std::string_view bytes) { return signing.get().sign(bytes); }};
  parts.outbox = outbox.get();
  parts.sandbox = sandbox_pool.get();
  parts.live = live_pool.get();
  parts.own_base_url = own_url;
  parts.connections = settings.mail.connections_max;
  delivery->start(*engine, std::move(parts));

  if (settings.is_demo || open.registry->snapshot()->users.empty()) first_run_link = issue_first_run_link();
  pulse = std::thread([this] {
    name_this_thread("pulse");
    run_pulse();
  });
  return {};
}

// What was set from outside replaces what the folder keeps, so that everybody reads one place.
std::expected<void, StartError> Server::State::keep_settings() {
  const auto actor = governance::Principal::program();
  const governance::Installation before = open.registry->snapshot()->installation;
  if (settings.public_base_url && *settings.public_base_url != before.public_base_url) {
    governance::ChangeSender change;
    change.sender = before.sender;
    change.public_base_url = *settings.public_base_url;
    change.has_dkim_key = true;
    if (const auto changed = open.registry->change(change, actor, clock->now()); !changed) {
      if (changed.error().code == governance::Errc::not_ready_for_live)
        return cannot(fmt::format("the public base URL cannot be `{}` while Live", *settings.public_base_url),
                      "give an https:// address that the world can reach, or go back to the Sandbox first");
      return cannot(sentence_of(changed.error()));
    }
  }
  if (settings.trusted_proxies && *settings.trusted_proxies != before.trusted_proxies) {
    governance::SetInstallation change;
    change.trusted_proxies = settings.trusted_proxies;
    if (const auto changed = open.registry->change(change, actor, clock->now()); !changed)
      return cannot(sentence_of(changed.error()));
  }
  return {};
}

std::expected<void, StartError> Server::State::start_engine() {
  const std::filesystem::path folder = settings.data_folder;
  machine = flow::make_machine(library);
  delivery = std::make_unique<Delivery>();
  auto store = adapters::open_rocksdb_store((folder / "store").string());
  if (!store)
    return cannot("the store cannot be opened: " + store.error().context,
                  store.error().code == engine::Errc::locked
                      ? "is another terreno running on this folder?"
                      : "`terreno recover --checkpoint NEWEST` puts a kept copy in its place");
  engine::EngineOptions options;
  options.folder = folder.string();
  options.memory_bytes_max = settings.memory_mib << 20;
  options.commit_interval = settings.commit_every;
  options.checkpoint_interval = settings.checkpoint_every;
  options.on_stopped = [this](const engine::Error&) { fail(); };
  auto running = engine::make_engine(options, *files, std::move(*store), *clock, random, *machine, *this);
  if (!running)
    return cannot("the engine cannot start: " + running.error().context,
                  "is another terreno running on this folder? `terreno doctor` says more");
  engine = std::move(*running);
  engine->read(engine::Partition{0},
               {[](const engine::Lookup&, engine::KeyList& wanted) {
                  wanted.push_back({flow::ActiveConfiguration::kTable, flow::ActiveConfiguration::kId});
                },
                [this](const engine::Lookup& state) {
                  const auto* const active = state.find<flow::ActiveConfiguration>(flow::ActiveConfiguration::kId);
                  if (active != nullptr) note_configuration(active->hash);
                },
                {}});
  return {};
}

void Server::State::add_routes() {
  keys = std::make_unique<RegistryKeys>(*open.registry);
  observer = std::make_unique<IntakeObserver>(*open.registry, *news, *clock);
  api::add_tracking_routes(
      router, {engine.get(), clock, &random, keys.get(), observer.get()},
      {.public_base_url = [this] { return open.registry->snapshot()->installation.public_base_url; }});
  const auto in_background = [this](std::function<void()> work) { return background->add(std::move(work)); };

  api::CustomerApi::Parts customer_parts;
  customer_parts.engine = engine.get();
  customer_parts.clock = clock;
  customer_parts.registry = open.registry.get();
  customer_parts.authentication = authentication.get();
  customer_parts.library = &library;
  customer_parts.news = news.get();
  customer_parts.outbox = letters.get();
  customer_parts.configuration = configurations.get();
  customer_parts.configuration_in_force = [this] { return active_configuration(); };
  customer_parts.entropy = system_entropy();
  customer_parts.background = in_background;
  if (steerable) {
    customer_parts.set_clock = [this](Timestamp time, const std::function<void(bool)>& done) {
      if (!background->add([this, time, done] { done(move_clock(time)); })) done(false);
    };
    customer_parts.run_clock = [this] { steerable->run(); };
  }
  customer_parts.stop = [this] { fail(); };
  customer_parts.build = console::build_id();
  customer_parts.version = kVersion;
  customer_parts.is_draining = [this] { return is_draining.load(); };
  customers = std::make_unique<api::CustomerApi>(std::move(customer_parts));
  customers->add_routes(router);

  api::GovernanceApi::Parts governance_parts;
  governance_parts.registry = open.registry.get();
  governance_parts.authentication = authentication.get();
  governance_parts.passwords.hash = [this](Secret password, auto done) {
    return passwords->hash(std::move(password), std::move(done));
  };
  governance_parts.passwords.check = [this](Secret password, std::string encoded, auto done) {
    return passwords->check(std::move(password), std::move(encoded), std::move(done));
  };
  governance_parts.background = in_background;
  governance_parts.clock = [this] { return clock->now(); };
  governance_parts.source_activity = [this](governance::SourceId id) {
    return news->sources.read(id.hex(), clock->now());
  };
  governance_parts.sender_facts = [this](const governance::Installation& installation) {
    return sender_facts(installation);
  };
  governance_parts.stop = [this] { fail(); };
  governance = std::make_unique<api::GovernanceApi>(std::move(governance_parts));
  api::add_governance_routes(router, *governance);

  api::LinkDependencies links_dependencies;
  links_dependencies.engine = engine.get();
  links_dependencies.clock = clock;
  links_dependencies.random = &random;
  links_dependencies.keys = &*links;
  links_dependencies.snapshot = [this] { return open.registry->snapshot(); };
  links_dependencies.configuration = [this] { return active_configuration(); };
  api::add_link_routes(router, std::move(links_dependencies));

  for (const char* const path : {"/livez", "/readyz", "/healthz"}) {
    const bool asks_ready = std::string_view(path) == "/readyz";
    router.add({http::Method::get, path, path + 1,
                [this, asks_ready](const http::Request&, const api::PathParameters&, const http::Responder& responder) {
                  http::Response response;
                  const bool is_well = !is_draining && !has_failed && (!asks_ready || engine->health().ready);
                  response.status = is_well ? 200 : 503;
                  response.content_type = "text/plain; charset=utf-8";
                  response.body = std::string_view(is_well ? "ok\n" : "not now\n");
                  responder.answer(std::move(response));
                }});
  }
  router.set_fallback([this](const http::Request& request, const http::Responder& responder) {
    const bool is_console = request.path == "/" || request.path == "/app" || request.path.starts_with("/app/");
    if (!is_console || (request.method != http::Method::get && request.method != http::Method::head))
      return responder.answer(api::problem({404, "not_found", "there is nothing at this path", {}, {}, {}}));
    responder.answer(console_response(request, random.next().hex()));
  });
}

std::shared_ptr<const flow::Configuration> Server::State::active_configuration() {
  const std::lock_guard lock(configuration_mutex);
  return configuration;
}

void Server::State::note_configuration(Id128 hash) {
  auto found = library.find(hash);
  const std::lock_guard lock(configuration_mutex);
  configuration = std::move(found);
}

api::SenderFacts Server::State::sender_facts(const governance::Installation& installation) {
  api::SenderFacts facts;
  facts.has_dkim_key = true;
  facts.outbox_count = outbox->sandbox_count();
  const governance::Sender& sender = installation.sender;
  const std::string domain = sender.from_address.substr(sender.from_address.rfind('@') + 1);
  if (domain.empty()) return facts;
  const std::string selector = sender.dkim_selector.empty() ? "terreno" : sender.dkim_selector;
  facts.records.push_back(
      {"dkim", "TXT", selector + "._domainkey." + domain,
       channels::dkim_record(channels::SignatureAlgorithm::rsa_sha256, dkim_key.get().public_key_for_dns())});
  facts.records.push_back({"dmarc", "TXT", "_dmarc." + domain, "v=DMARC1; p=quarantine"});
  if (!sender.envelope_domain.empty()) {
    facts.records.push_back({"spf", "TXT", sender.envelope_domain, "v=spf1 a mx -all"});
    facts.records.push_back({"bounces", "MX", sender.envelope_domain, "10 " + domain});
  }
  return facts;
}

// Whoever looks at the console is told of changes, and what keys and sessions did is saved from time to time.
void Server::State::run_pulse() {
  std::unique_lock lock(pulse_mutex);
  int pulses = 0;
  while (!pulse_changed.wait_for(lock, kPulse, [this] { return is_pulse_ending; })) {
    lock.unlock();
    news->changes.pulse(real_clock->now());
    if (on_caught_up) {
      if (const engine::Health health = engine->health(); health.ready)
        std::exchange(on_caught_up, nullptr)(health.replayed);
    }
    if (++pulses % kPulsesPerActivity == 0) {
      const auto recorded = open.registry->record_activity(clock->now());
      if (!recorded || open.registry->failed()) fail();
    }
    lock.lock();
  }
}

void Server::State::fail() {
  if (delivery) delivery->abandon();
  if (!has_failed.exchange(true) && on_stopped) on_stopped();
}

// Moves the standing clock, and waits until everything that was due then has happened.
bool Server::State::move_clock(Timestamp time) {
  settle();
  if (!steerable->move_to(time)) return false;
  std::promise<bool> set;
  engine->clock_reset(
      time, [&](const engine::Result<std::vector<engine::Placed>>& placed) { set.set_value(placed.has_value()); });
  if (!set.get_future().get()) return false;
  settle();
  return true;
}

// Until nothing is queued, unapplied, due, or on its way to a mail server. A round through the journal gives everything
// queued before it its place; when nothing but the round itself was applied meanwhile, nothing was left.
void Server::State::settle() {
  constexpr uint64_t kOfTheRound = 3;  // the record, and at most two ticks
  const auto is_idle = [this] {
    const engine::Health health = engine->health();
    if (health.unapplied != 0 || health.due != 0) return false;
    const DeliveryStatus sending = delivery->status();
    return sending.in_flight == 0 && sending.waiting == 0;
  };
  while (!has_failed && !is_draining) {
    while (!is_idle() && !has_failed && !is_draining) std::this_thread::yield();
    const uint64_t before = engine->health().applied;
    if (before == settled_at) return;
    std::promise<void> placed;
    engine::Batch batch;
    batch.add(engine::kLane, static_cast<uint16_t>(events::RecordType::nothing), RecordId{random.next()}, "");
    engine->append(std::move(batch), [&](const auto&) { placed.set_value(); }, true);
    placed.get_future().wait();
    while (!is_idle() && !has_failed && !is_draining) std::this_thread::yield();
    const uint64_t after = engine->health().applied;
    if (after - before <= kOfTheRound) {
      settled_at = after;
      return;
    }
  }
}

std::string Server::State::issue_first_run_link() {
  const auto link = open.registry->issue_first_run_token(settings.is_demo, clock->now());
  return link ? fmt::format("{}/app/first-run?token={}", own_url, link->token.reveal()) : std::string();
}

bool Server::State::stop() {
  if (is_stopped) return true;
  is_stopped = true;
  is_draining = true;
  {
    const std::lock_guard lock(pulse_mutex);
    is_pulse_ending = true;
  }
  pulse_changed.notify_all();
  if (pulse.joinable()) pulse.join();
  if (news) news->changes.close();
  if (http) http->drain(kDrainPatience);
  if (background) background->stop();
  // The pools first: their callbacks write receipts, and a relay that hangs must not hold the stop for its timeouts.
  if (delivery) delivery->stop_claiming();
  if (sandbox_pool) sandbox_pool->stop(kSendPatience);
  if (live_pool) live_pool->stop(kSendPatience);
  if (delivery) delivery->stop();
  bool is_clean = !has_failed;
  if (engine) is_clean = engine->stop().has_value() && is_clean;
  if (open.registry && !open.registry->failed())
    is_clean = open.registry->record_activity(clock->now()).has_value() && is_clean;
  return is_clean;
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  if (state_) state_->stop();
}

std::expected<std::unique_ptr<Server>, StartError> Server::start(Settings settings, std::function<void()> on_stopped,
                                                                 std::function<void(uint64_t)> on_caught_up) {
  auto state = std::make_unique<State>();
  state->on_caught_up = std::move(on_caught_up);
  state->settings = std::move(settings);
  state->on_stopped = std::move(on_stopped);
  auto started = state->start();
  if (!started) {
    state->stop();
    return std::unexpected(started.error());
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

uint16_t Server::port() const { return state_->http->port(); }
std::string Server::url() const { return state_->own_url; }
std::string Server::first_run_link() const { return state_->first_run_link; }
std::string Server::issue_first_run_link() { return state_->issue_first_run_link(); }
std::vector<std::string> Server::introduction() const {
  const governance::Installation installation = state_->open.registry->snapshot()->installation;
  const smtp::SmtpSettings& mail = state_->settings.mail;
  std::error_code ignored;
  std::vector<std::string> lines{
      fmt::format("Terreno {} on {} (listening on {}), data in {}", kVersion, state_->own_url, state_->settings.listen,
                  std::filesystem::absolute(state_->settings.data_folder, ignored).lexically_normal().string())};
  if (installation.mode == governance::Mode::sandbox) {
    lines.emplace_back("Sandbox: letters stay in the outbox and reach nobody; go live under Settings in the console");
  } else if (mail.host.empty()) {
    lines.emplace_back(
        "Live, but no mail relay is set: letters go to port 25 of this machine; set it with `mail: {host: …}` in the "
        "file of --config");
  } else {
    lines.push_back(fmt::format("Live: letters leave by {}:{}", mail.host, mail.port));
  }
  return lines;
}
bool Server::is_time_held() const { return state_->engine->health().time_held; }
bool Server::stop() { return state_->stop(); }

}  // namespace terreno::server
