// The whole program measured from outside, in one process with its load: HTTP in, SMTP out, everything between.
//
// Workload: 662-byte events of 100,000 known people, zipf-like, 5 % new visitors and 3 % repeats, 20 journeys active of
// which the events start none; mails: one commercial letter for each sign-up event.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "adapters/crypto/crypto.h"
#include "adapters/smtp/sink.h"
#include "adapters/store/store.h"
#include "adapters/store/temporary_folder_testing.h"
#include "flow/configuration.h"
#include "server/cli/client.h"
#include "server/open_folder.h"
#include "server/server.h"

namespace terreno::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr size_t kEventBytes = 662;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// A kept connection that sends prepared requests and reads each answer's status.
class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
    const int one = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int ask(std::string_view request) {
    while (!request.empty()) {
      const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent <= 0) std::abort();
      request.remove_prefix(static_cast<size_t>(sent));
    }
    std::string answer;
    char buffer[4096];
    while (true) {
      const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
      if (got <= 0) std::abort();
      answer.append(buffer, static_cast<size_t>(got));
      const size_t head = answer.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const size_t length = answer.find("Content-Length: ");
      const size_t body = length < head ? static_cast<size_t>(std::atoi(answer.c_str() + length + 16)) : 0;
      if (answer.size() >= head + 4 + body) return std::atoi(answer.c_str() + 9);
    }
  }

 private:
  int socket_;
};

std::string post(const std::string& path, const std::string& key, const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\nContent-Type: "
      "application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      path, crypto::base64(key + ":"), body.size(), body);
}

std::string event(const std::string& user, const std::string& message_id, std::string_view name,
                  const std::string& extra = "") {
  std::string text = fmt::format(
      R"({{"type":"track","event":"{}","messageId":"{}","userId":"{}","context":{{"library":{{"name":"analytics-node","version":"3.1.0"}}}},"properties":{{"sku":"G-12",{}"price":12.5)",
      name, message_id, user, extra);
  for (int i = 0; text.size() < kEventBytes - 2; ++i) text += fmt::format(R"(,"k{}":{})", i, i * 37 % 1000);
  return text + "}}";
}

std::vector<flow::Document> documents() {
  std::vector<flow::Document> all{
      {"tips.yaml", "kind: topic\nname: tips\nspec: {titles: {en: Tips}}\n"},
      {"hello.yaml",
       "kind: template\nname: hello\nspec:\n  author: a\n  aim: b\n  languages:\n    en: {subject: 'N{{ event.n }}.', "
       "html: '<p>Hello</p><a href=\"{% unsubscribe_url %}\">no more</a>', text: 'Hello {% unsubscribe_url %}'}\n"},
      {"welcome.yaml",
       "kind: journey\nname: welcome\nspec:\n  owner: a\n  reply_to: a@example.org\n  trigger: {event: Signed Up}\n  "
       "entry_key: event.n\n  steps:\n    - send: {template: hello, topic: tips}\n"}};
  for (int i = 0; i < 19; ++i) {
    all.push_back({fmt::format("j{}.yaml", i),
                   fmt::format("kind: journey\nname: j{}\nspec:\n  owner: a\n  reply_to: a@example.org\n  trigger: "
                               "{{event: Event {}}}\n  steps:\n    - send: {{template: hello, topic: tips}}\n",
                               i, i)});
  }
  return all;
}

class Installation {
 public:
  Installation() {
    smtp::SinkSettings sink;
    sink.on_message = [this](const smtp::SinkMessage& message) {
      const auto now = SteadyClock::now();
      const size_t at = message.data.find("Subject: N");
      const size_t number = static_cast<size_t>(std::atoll(message.data.data() + at + 10));
      const std::lock_guard lock(mutex_);
      ++mails_;
      if (number < arrived_.size()) arrived_[number] = now;
      changed_.notify_all();
    };
    sink_ = std::move(*smtp::Sink::start(std::move(sink)));
    const std::string data = folder_.path() + "/data";
    if (!make_data_folder(data)) std::abort();
    const auto clock = adapters::system_clock();
    const auto me = governance::Principal::of_command_line();
    {
      auto open = open_registry(data, clock->now()).value();
      write_key_ = open.registry->create_source({"shop", governance::SourceKind::server, "", ""}, me, clock->now())
                       .value()
                       .write_key;
      governance::ScopeSet scopes;
      scopes.add(governance::Scope::admin);
      api_key_ = open.registry->create_api_key("bench", scopes, {}, me, clock->now()).value().secret.reveal();
      governance::ChangeSender sender;
      sender.sender = {"B",  "B",         "Calle 1", "B", "b@bench.example", "b@bench.example", "b.bench.example",
                       "t1", "B, Calle 1"};
      sender.public_base_url = "https://mail.bench.example";
      sender.mode = governance::Mode::live;
      sender.has_dkim_key = true;
      if (!open.registry->change(sender, me, clock->now())) std::abort();
    }
    Settings settings;
    settings.data_folder = data;
    settings.listen = "127.0.0.1:0";
    settings.threads = 1;
    settings.mail.host = "127.0.0.1";
    settings.mail.port = sink_->port();
    auto server = Server::start(settings, [] { std::abort(); });
    if (!server) {
      fmt::print(stderr, "{}\n", server.error().what);
      std::abort();
    }
    server_ = std::move(*server);
    boost::json::array items;
    for (const flow::Document& document : documents())
      items.push_back({{"path", document.path}, {"text", document.text}});
    ask("POST", "/api/v1/configuration", {{"base_version", 0}, {"documents", std::move(items)}});
  }
  ~Installation() { server_->stop(); }

  boost::json::value ask(std::string method, std::string target, const boost::json::value& body = nullptr) {
    cli::ServerOption option;
    option.url = fmt::format("http://127.0.0.1:{}", server_->port());
    option.key = api_key_;
    auto answer = option.ask(method, target, body);
    if (!answer) std::abort();
    return *answer;
  }
  /// Events accepted and not applied yet.
  int64_t unapplied() {
    const boost::json::value health = ask("GET", "/api/v1/health");
    for (const boost::json::value& check : health.at("checks").as_array()) {
      if (check.at("code").as_string() == "apply_lag") return check.at("params").at("unapplied").to_number<int64_t>();
    }
    return 0;
  }
  void wait_until_applied() {
    while (unapplied() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  /// Sends prepared requests over `connections`, each taken once; a refusal for load is sent again.
  void send_all(const std::vector<std::string>& requests, unsigned connections) {
    std::atomic<size_t> next = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < connections; ++i) {
      threads.emplace_back([&] {
        Connection connection(port());
        for (size_t at = next++; at < requests.size(); at = next++) {
          while (connection.ask(requests[at]) == 429) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  void grant(const std::string& address) {
    ask("POST", "/api/v1/consents",
        {{"channel", "email"},
         {"address", address},
         {"topic", "tips"},
         {"purpose", "marketing"},
         {"brand", ""},
         {"action", "grant"},
         {"method", "tick"},
         {"occurred_at", format_iso8601(adapters::system_clock()->now())},
         {"text_version", "1"},
         {"country", "ES"},
         {"actor", "person"},
         {"explicit", true}});
  }
  void expect_mails(size_t count) {
    const std::lock_guard lock(mutex_);
    arrived_.assign(count, {});
    mails_ = 0;
  }
  std::vector<SteadyClock::time_point> wait_for_mails() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return mails_ >= arrived_.size(); });
    return arrived_;
  }

  [[nodiscard]] uint16_t port() const { return server_->port(); }
  [[nodiscard]] const std::string& write_key() const { return write_key_; }

 private:
  const adapters::TemporaryFolder folder_;
  std::unique_ptr<smtp::Sink> sink_;
  std::string write_key_;
  std::string api_key_;
  std::unique_ptr<Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<SteadyClock::time_point> arrived_;
  size_t mails_ = 0;
};

/// Zipf-like: the square of an even draw makes few people frequent.
size_t draw_person(std::mt19937_64& draw, size_t people) {
  const double even = static_cast<double>(draw() >> 11) / static_cast<double>(1ULL << 53);
  return static_cast<size_t>(even * even * static_cast<double>(people));
}

std::vector<std::string> batches_of_events(const Installation& installation, size_t batches, size_t people) {
  std::mt19937_64 draw(11);
  std::vector<std::string> requests;
  std::vector<std::string> recent;
  uint64_t number = 0;
  for (size_t i = 0; i < batches; ++i) {
    std::string body = R"({"batch":[)";
    for (int j = 0; j < 100; ++j) {
      const uint64_t kind = draw() % 100;
      std::string text;
      if (kind < 3 && !recent.empty()) {
        text = recent[draw() % recent.size()];
      } else {
        const std::string user =
            kind < 8 ? fmt::format("new-{}", draw()) : fmt::format("u-{}", draw_person(draw, people));
        text = event(user, fmt::format("m-{:016x}", ++number), "Product Viewed");
        if (recent.size() < 1000) recent.push_back(text);
      }
      body += (j > 0 ? "," : "") + text;
    }
    requests.push_back(post("/v1/batch", installation.write_key(), body + "]}"));
  }
  return requests;
}

void Pipeline(benchmark::State& state) {
  Installation installation;
  constexpr size_t kPeople = 100'000;
  constexpr size_t kBatches = 4000;
  const auto warm = batches_of_events(installation, 1000, kPeople);
  installation.send_all(warm, 8);
  installation.wait_until_applied();
  auto requests = batches_of_events(installation, 1000 + kBatches, kPeople);
  requests.erase(requests.begin(), requests.begin() + 1000);
  double cpu = 0;
  for (auto _ : state) {
    const double before = cpu_seconds();
    installation.send_all(requests, 8);
    installation.wait_until_applied();
    cpu = cpu_seconds() - before;
  }
  state.SetItemsProcessed(static_cast<int64_t>(kBatches * 100));
  state.counters["cpu_s_per_million"] = cpu / (kBatches * 100.0) * 1e6;
}
BENCHMARK(Pipeline)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void PipelineSingles(benchmark::State& state) {
  Installation installation;
  std::vector<std::string> requests;
  constexpr size_t kRequests = 100'000;
  for (size_t i = 0; i < kRequests; ++i)
    requests.push_back(post("/v1/track", installation.write_key(),
                            event(fmt::format("u-{}", i % 5000), fmt::format("s-{}", i), "Product Viewed")));
  for (auto _ : state) {
    installation.send_all(requests, 64);
    installation.wait_until_applied();
  }
  state.SetItemsProcessed(kRequests);
}
BENCHMARK(PipelineSingles)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void make_known(Installation& installation, size_t people) {
  std::vector<std::string> requests;
  for (size_t i = 0; i < people; i += 100) {
    std::string body = R"({"batch":[)";
    for (size_t j = i; j < std::min(people, i + 100); ++j)
      body += fmt::format(
          R"({}{{"type":"identify","messageId":"k-{}","userId":"k-{}","traits":{{"email":"k{}@sink.example","country":"ES"}}}})",
          j > i ? "," : "", j, j, j);
    requests.push_back(post("/v1/batch", installation.write_key(), body + "]}"));
  }
  installation.send_all(requests, 4);
  installation.wait_until_applied();
  for (size_t i = 0; i < people; ++i) installation.grant(fmt::format("k{}@sink.example", i));
}

void count_spans(benchmark::State& state, const std::vector<SteadyClock::time_point>& sent,
                 const std::vector<SteadyClock::time_point>& arrived) {
  std::vector<double> spans;
  for (size_t i = 0; i < sent.size(); ++i)
    spans.push_back(std::chrono::duration<double, std::milli>(arrived[i] - sent[i]).count());
  std::ranges::sort(spans);
  state.counters["p50_ms"] = spans[spans.size() / 2];
  state.counters["p99_ms"] = spans[spans.size() * 99 / 100];
  state.counters["max_ms"] = spans.back();
}

/// Open loop: an event each 1/rate seconds, from the moment its bytes go out until the server has the letter.
void EventToMail(benchmark::State& state) {
  Installation installation;
  const auto rate = static_cast<size_t>(state.range(0));
  const size_t count = rate * 10;
  constexpr size_t kPeople = 500;
  make_known(installation, kPeople);
  std::vector<std::string> requests;
  for (size_t i = 0; i < count; ++i)
    requests.push_back(post(
        "/v1/track", installation.write_key(),
        event(fmt::format("k-{}", i % kPeople), fmt::format("e-{}", i), "Signed Up", fmt::format(R"("n":{},)", i))));
  installation.expect_mails(count);
  std::vector<SteadyClock::time_point> sent(count);
  for (auto _ : state) {
    const auto start = SteadyClock::now();
    std::atomic<size_t> next = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        Connection connection(installation.port());
        for (size_t i = next++; i < count; i = next++) {
          std::this_thread::sleep_until(start + std::chrono::nanoseconds(1'000'000'000ULL * i / rate));
          sent[i] = SteadyClock::now();
          connection.ask(requests[i]);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    count_spans(state, sent, installation.wait_for_mails());
  }
}
BENCHMARK(EventToMail)->Arg(200)->Arg(1000)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Sign-ups of people nobody knew, through the identity lane: identify and event in one batch.
void SignUpToMail(benchmark::State& state) {
  Installation installation;
  const auto rate = static_cast<size_t>(state.range(0));
  const size_t count = rate * 10;
  for (size_t i = 0; i < count; ++i) installation.grant(fmt::format("s{}@sink.example", i));
  std::vector<std::string> requests;
  for (size_t i = 0; i < count; ++i)
    requests.push_back(post(
        "/v1/batch", installation.write_key(),
        fmt::format(
            R"({{"batch":[{{"type":"identify","messageId":"i-{}","userId":"s-{}","traits":{{"email":"s{}@sink.example","country":"ES"}}}},{}]}})",
            i, i, i,
            event(fmt::format("s-{}", i), fmt::format("t-{}", i), "Signed Up", fmt::format(R"("n":{},)", i)))));
  installation.expect_mails(count);
  std::vector<SteadyClock::time_point> sent(count);
  for (auto _ : state) {
    const auto start = SteadyClock::now();
    Connection connection(installation.port());
    for (size_t i = 0; i < count; ++i) {
      std::this_thread::sleep_until(start + std::chrono::nanoseconds(1'000'000'000ULL * i / rate));
      sent[i] = SteadyClock::now();
      connection.ask(requests[i]);
    }
    count_spans(state, sent, installation.wait_for_mails());
  }
}
BENCHMARK(SignUpToMail)->Arg(100)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// One letter each for as many events as fast as they come: decision, consent, claim, signature, receipt.
void MailsWithDecision(benchmark::State& state) {
  Installation installation;
  constexpr size_t kPeople = 500;
  constexpr size_t kMails = 9'000;  // an address takes twenty an hour
  make_known(installation, kPeople);
  std::vector<std::string> requests;
  for (size_t i = 0; i < kMails; i += 100) {
    std::string body = R"({"batch":[)";
    for (size_t j = i; j < i + 100; ++j)
      body += (j > i ? "," : "") + event(fmt::format("k-{}", j % kPeople), fmt::format("b-{}", j), "Signed Up",
                                         fmt::format(R"("n":{},)", j));
    requests.push_back(post("/v1/batch", installation.write_key(), body + "]}"));
  }
  installation.expect_mails(kMails);
  for (auto _ : state) {
    installation.send_all(requests, 4);
    installation.wait_for_mails();
  }
  state.SetItemsProcessed(kMails);
}
BENCHMARK(MailsWithDecision)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

// ---------------------------------------------------------------------------------------------------------------------
// What the machine gives

/// The waits that a letter cannot avoid: its event, its opening and its claim are synced one after the other, then it
/// is signed.
void Limit_ThreeSyncsAndASignature(benchmark::State& state) {
  const adapters::TemporaryFolder folder;
  const int file = ::open((folder.path() + "/journal").c_str(), O_CREAT | O_RDWR, 0600);
  const std::string page(4096, 'x');
  // Written in full before, as the journal's segments are.
  for (int i = 0; i < 4096; ++i) {
    if (::write(file, page.data(), page.size()) < 0) std::abort();
  }
  ::fdatasync(file);
  ::lseek(file, 0, SEEK_SET);
  const auto key = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
  constexpr size_t kLetters = 1000;
  std::vector<SteadyClock::time_point> sent(kLetters);
  std::vector<SteadyClock::time_point> arrived(kLetters);
  for (auto _ : state) {
    for (size_t i = 0; i < kLetters; ++i) {
      sent[i] = SteadyClock::now();
      for (int j = 0; j < 3; ++j) {
        if (::write(file, page.data(), page.size()) < 0 || ::fdatasync(file) != 0) std::abort();
      }
      benchmark::DoNotOptimize(key.sign(page));
      arrived[i] = SteadyClock::now();
    }
  }
  ::close(file);
  count_spans(state, sent, arrived);
}
BENCHMARK(Limit_ThreeSyncsAndASignature)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void Limit_Signatures(benchmark::State& state) {
  static const auto key = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
  for (auto _ : state) benchmark::DoNotOptimize(key.sign("From: somebody"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Limit_Signatures)->ThreadPerCpu()->UseRealTime();

}  // namespace
}  // namespace terreno::server

BENCHMARK_MAIN();
