#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>

#include "adapters/smtp/lanes.h"
#include "adapters/smtp/session.h"
#include "adapters/smtp/smtp.h"
#include "adapters/smtp/transport.h"
#include "base/check.h"
#include "base/result.h"
#include "base/thread.h"

namespace terreno::smtp {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr uint32_t kMovesMax = 2;
constexpr int64_t kSweepInterval_us = 250'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::chrono::steady_clock::time_point time_point_of(int64_t us) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(us));
}

// What could end a command or its angle brackets early.
bool is_safe_path(std::string_view address) {
  return address.size() <= 512 && std::all_of(address.begin(), address.end(), [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '<' && c != '>';
         });
}

// Every CR is followed by LF and every LF preceded by CR: otherwise a server that takes a bare LF for a line end could
// see the end of a message, and another message, inside this one.
bool has_strict_line_ends(std::string_view data) {
  if (data.empty() || data.front() == '\n' || data.back() == '\r') return false;
  size_t line_feeds = 0;
  for (size_t at = data.find('\n'); at != std::string_view::npos; at = data.find('\n', at + 1)) {
    if (data[at - 1] != '\r') return false;
    ++line_feeds;
  }
  size_t returns = 0;
  for (size_t at = data.find('\r'); at != std::string_view::npos; at = data.find('\r', at + 1)) ++returns;
  return returns == line_feeds;
}

bool is_loopback(std::string_view host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

std::string domain_of(std::string_view address) {
  std::string domain(address.substr(std::min(address.rfind('@') + 1, address.size())));
  for (char& c : domain) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return domain;
}

std::expected<void, Error> check(const SmtpSettings& settings) {
  const auto bad = [](std::string_view field) {
    return std::unexpected(Error{Errc::invalid_setting, std::string(field)});
  };
  const auto is_word = [](std::string_view text) {
    return !text.empty() && text.size() <= 255 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  };
  if (!is_word(settings.host)) return bad("host");
  if (settings.port == 0) return bad("port");
  if (!is_word(settings.helo_name)) return bad("helo_name");
  // A password in clear text over a network is read by whoever listens.
  if (settings.authentication != Authentication::none && settings.security == Security::none &&
      !is_loopback(settings.host)) {
    return bad("security");
  }
  if (settings.authentication != Authentication::none && settings.user.find('\0') != std::string::npos)
    return bad("user");
  if (settings.connections_max == 0 || settings.connections_max > 1000) return bad("connections_max");
  if (settings.queue_messages_max == 0) return bad("queue_messages_max");
  if (settings.backoff_min.ms <= 0 || settings.backoff_max < settings.backoff_min) return bad("backoff_min");
  const Timeouts& t = settings.timeouts;
  for (const Duration one : {t.connect, t.greeting, t.command, t.data_start, t.data_block, t.data_end, t.idle}) {
    if (one.ms <= 0) return bad("timeouts");
  }
  return {};
}

}  // namespace

// Everything but `submit`, `status` and `stop` runs on thread_.
class SmtpPool::Worker {
 public:
  Worker(SmtpSettings settings, engine::Random& random, std::unique_ptr<TlsContext> tls)
      : settings_(std::move(settings)),
        random_(random),
        tls_(std::move(tls)),
        lanes_(settings_.domain_default, settings_.domains),
        session_settings_{settings_.security, settings_.authentication, settings_.user,
                          settings_.password, settings_.helo_name,      settings_.pipelining} {
    transactional_reserve_ = std::min(settings_.connections_transactional, settings_.connections_max - 1);
    thread_ = std::thread([this] {
      name_this_thread("smtp");
      context_.run();
    });
  }

  std::expected<void, Error> submit(Envelope envelope, OutcomeCallback callback);
  PoolStatus status() const;
  void stop(Duration grace);

 private:
  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(Worker& owner, bool transactional)
        : worker(owner), socket(owner.context_), session(owner.session_settings_), transactional_only(transactional) {}
    Worker& worker;
    tcp::socket socket;
    Session session;
    std::optional<Transport> transport;
    const bool transactional_only;
    bool connected = false;
    bool closed = false;
    bool handshaking = false;
    bool was_ready = false;
    bool is_writing = false;  // a wait for room is outstanding
    int64_t deadline_us = 0;
  };
  using ConnectionPointer = std::shared_ptr<Connection>;

  void take_incoming();
  void dispatch();
  void open_connection(bool transactional_only);
  void connect(const ConnectionPointer& connection);
  void on_connected(const ConnectionPointer& connection, const error_code& error);
  void handshake(const ConnectionPointer& connection);
  void wait(const ConnectionPointer& connection, bool for_reading);
  void on_readable(const ConnectionPointer& connection);
  /// Writes, sets the next deadline, gives an idle connection work. False when the connection is gone.
  bool advance(const ConnectionPointer& connection, Session::Step step);
  void lose(const ConnectionPointer& connection, Reason reason, const std::string& detail);
  void set_deadline(Connection& connection, int64_t previous_pending);
  std::optional<Submission> next_for(const Connection& connection);
  void report(Submission& submission, Outcome outcome, bool was_started);
  void report_unstarted(Submission& submission, Reason reason);
  void arm(int64_t due_us);
  void on_timer();
  void begin_stop(Duration grace);
  void finish_if_stopped();
  void publish();
  [[nodiscard]] int64_t timeout_us(const Connection& connection) const;

  const SmtpSettings settings_;
  engine::Random& random_;
  std::unique_ptr<TlsContext> tls_;

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::steady_timer timer_{context_};
  tcp::resolver resolver_{context_};
  int64_t armed_us_ = kNever;
  Lanes lanes_;
  SessionSettings session_settings_;
  uint32_t transactional_reserve_ = 0;
  std::vector<ConnectionPointer> connections_;
  int64_t next_connect_us_ = 0;
  int64_t next_sweep_us_ = 0;
  uint64_t failures_ = 0;
  bool stopping_ = false;
  int64_t stop_deadline_us_ = kNever;
  std::array<char, 64 << 10> buffer_;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<Submission> incoming_;
  bool is_woken_ = false;
  bool is_closed_ = false;
  std::string last_connect_error_;

  std::atomic<uint64_t> held_{0};  // accepted, without outcome
  std::atomic<uint64_t> held_bytes_{0};
  std::atomic<uint64_t> started_{0};
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> not_sent_{0};
  std::atomic<uint64_t> unknown_{0};
  std::atomic<uint64_t> failures_shown_{0};
  std::atomic<uint32_t> connections_shown_{0};
  std::once_flag joined_;
  std::thread thread_;
};

std::expected<void, Error> SmtpPool::Worker::submit(Envelope envelope, OutcomeCallback callback) {
  const auto fail = [](Errc code, std::string_view field) { return std::unexpected(Error{code, std::string(field)}); };
  if (!is_safe_path(envelope.from)) return fail(Errc::invalid_envelope, "from");
  if (envelope.to.empty() || !is_safe_path(envelope.to)) return fail(Errc::invalid_envelope, "to");
  if (!envelope.data) return fail(Errc::invalid_envelope, "data");
  const size_t size = envelope.data->size();
  if (size > kDataSizeMax) return fail(Errc::too_large, "data");
  if (!has_strict_line_ends(*envelope.data)) return fail(Errc::invalid_envelope, "data");
  Submission submission{std::move(envelope), std::move(callback), {}, 0, 0};
  submission.domain = domain_of(submission.envelope.to);
  submission.deadline_us = steady_us() + submission.envelope.valid_for.ms * 1000;
  const std::lock_guard lock(mutex_);
  if (is_closed_) return fail(Errc::stopping, "");
  if (held_.load() >= settings_.queue_messages_max || held_bytes_.load() + size > settings_.queue_bytes_max) {
    return fail(Errc::queue_full, "");
  }
  held_.fetch_add(1);
  held_bytes_.fetch_add(size);
  incoming_.push_back(std::move(submission));
  if (!std::exchange(is_woken_, true)) asio::post(context_, [this] { take_incoming(); });
  return {};
}

void SmtpPool::Worker::take_incoming() {
  std::vector<Submission> incoming;
  {
    const std::lock_guard lock(mutex_);
    incoming.swap(incoming_);
    is_woken_ = false;
  }
  for (Submission& submission : incoming) {
    if (stopping_) {
      report_unstarted(submission, Reason::stopped);
    } else {
      lanes_.push(std::move(submission));
    }
  }
  dispatch();
  finish_if_stopped();
}

std::optional<Submission> SmtpPool::Worker::next_for(const Connection& connection) {
  if (stopping_) return std::nullopt;
  const uint32_t limit = settings_.messages_per_connection_max;
  if (limit > 0 && connection.session.answered() + connection.session.in_flight() >= limit) return std::nullopt;
  const int64_t now = steady_us();
  while (auto submission = lanes_.pop(connection.transactional_only, now)) {
    started_.fetch_add(1);
    if (submission->deadline_us > now) return submission;
    Outcome outcome;
    outcome.attempt = submission->envelope.attempt;
    outcome.attempt_number = submission->envelope.attempt_number;
    outcome.reason = Reason::expired;
    report(*submission, std::move(outcome), true);
  }
  return std::nullopt;
}

void SmtpPool::Worker::dispatch() {
  if (stopping_) return;
  // By index and by a copy of the pointer: giving a connection work may close it, and a callback may not.
  for (size_t i = 0; i < connections_.size() && lanes_.size() > 0; ++i) {
    const ConnectionPointer connection = connections_[i];
    if (connection->session.is_ready() && !connection->closed) {
      if (!advance(connection, Session::Step::proceed)) --i;
    }
  }
  const int64_t now = steady_us();
  size_t bulk = 0;
  size_t reserved = 0;
  size_t coming = 0;
  for (const auto& connection : connections_) {
    ++(connection->transactional_only ? reserved : bulk);
    if (!connection->session.is_open()) ++coming;
  }
  // While the server cannot be reached, one connection at a time finds out whether it is back.
  const size_t coming_max = failures_ > 0 ? 1 : settings_.connections_max;
  size_t waiting = lanes_.transactional_size();
  while (waiting > coming && coming < coming_max && now >= next_connect_us_ &&
         connections_.size() < settings_.connections_max) {
    const bool as_reserved = reserved < transactional_reserve_;
    if (!as_reserved && bulk >= settings_.connections_max - transactional_reserve_) break;
    ++(as_reserved ? reserved : bulk);
    ++coming;
    open_connection(as_reserved);
  }
  waiting = lanes_.has_ready_bulk() ? lanes_.size() : 0;
  while (waiting > coming && coming < coming_max && now >= next_connect_us_ &&
         bulk < settings_.connections_max - transactional_reserve_) {
    ++bulk;
    ++coming;
    open_connection(false);
  }
  if (lanes_.size() > 0) {
    arm(std::max(next_sweep_us_, now));
    if (now < next_connect_us_) arm(next_connect_us_);
    if (const auto wake = lanes_.next_wake_us()) arm(*wake);
  }
}

void SmtpPool::Worker::open_connection(bool transactional_only) {
  auto connection = std::make_shared<Connection>(*this, transactional_only);
  Connection* const borrowed = connection.get();
  borrowed->session.on_next = [this, borrowed] { return next_for(*borrowed); };
  borrowed->session.is_valid = [](const Submission& submission) { return steady_us() < submission.deadline_us; };
  borrowed->session.on_outcome = [this](Submission& submission, Outcome outcome) {
    report(submission, std::move(outcome), true);
  };
  borrowed->deadline_us = steady_us() + settings_.timeouts.connect.ms * 1000;
  connections_.push_back(connection);
  arm(borrowed->deadline_us);
  connect(connection);
}

void SmtpPool::Worker::connect(const ConnectionPointer& connection) {
  error_code failed;
  const auto address = asio::ip::make_address(settings_.host, failed);
  if (!failed) {
    connection->socket.async_connect({address, settings_.port},
                                     [this, connection](const error_code& error) { on_connected(connection, error); });
    return;
  }
  resolver_.async_resolve(
      settings_.host, std::to_string(settings_.port),
      [this, connection](const error_code& error, const tcp::resolver::results_type& found) {
        if (connection->closed) return;
        if (error)
          return lose(connection, Reason::connection_lost, "the host name cannot be resolved: " + error.message());
        asio::async_connect(
            connection->socket, found,
            [this, connection](const error_code& result, const tcp::endpoint&) { on_connected(connection, result); });
      });
}

void SmtpPool::Worker::on_connected(const ConnectionPointer& connection, const error_code& error) {
  if (connection->closed) return;
  if (error) return lose(connection, Reason::connection_lost, "connecting: " + error.message());
  connection->connected = true;
  error_code ignored;
  connection->socket.non_blocking(true, ignored);
  connection->socket.set_option(tcp::no_delay(true), ignored);
  connection->socket.set_option(asio::socket_base::keep_alive(true), ignored);
  connection->transport.emplace(connection->socket.native_handle());
  if (settings_.security == Security::tls) {
    connection->transport->begin_tls(*tls_, settings_.host);
    connection->handshaking = true;
    return handshake(connection);
  }
  if (advance(connection, Session::Step::proceed)) wait(connection, true);
}

void SmtpPool::Worker::handshake(const ConnectionPointer& connection) {
  const Transport::Result result = connection->transport->handshake();
  if (result == Transport::Result::closed)
    return lose(connection, Reason::connection_lost, connection->transport->failure());
  if (result != Transport::Result::done) return wait(connection, result == Transport::Result::wait_read);
  connection->handshaking = false;
  const auto step = settings_.security == Security::starttls ? connection->session.on_tls() : Session::Step::proceed;
  if (advance(connection, step)) on_readable(connection);
}

void SmtpPool::Worker::wait(const ConnectionPointer& connection, bool for_reading) {
  if (!for_reading && std::exchange(connection->is_writing, true)) return;
  const auto kind = for_reading ? tcp::socket::wait_read : tcp::socket::wait_write;
  connection->socket.async_wait(kind, [this, connection, for_reading](const error_code& error) {
    if (!for_reading) connection->is_writing = false;
    if (connection->closed) return;
    if (error) return lose(connection, Reason::connection_lost, error.message());
    if (connection->handshaking) return handshake(connection);
    if (for_reading) return on_readable(connection);
    advance(connection, Session::Step::proceed);
  });
}

void SmtpPool::Worker::on_readable(const ConnectionPointer& connection) {
  while (true) {
    size_t size = 0;
    const Transport::Result result = connection->transport->read(buffer_.data(), buffer_.size(), size);
    if (result == Transport::Result::closed) {
      return lose(connection, Reason::connection_lost, connection->transport->failure());
    }
    if (size > 0) {
      const Session::Step step = connection->session.on_bytes({buffer_.data(), size});
      if (step == Session::Step::start_tls) {
        connection->transport->begin_tls(*tls_, settings_.host);
        connection->handshaking = true;
        return handshake(connection);
      }
      if (!advance(connection, step)) return;
    }
    if (result != Transport::Result::done) break;
  }
  wait(connection, true);
}

bool SmtpPool::Worker::advance(const ConnectionPointer& connection, Session::Step step) {
  if (connection->closed) return false;
  Session& session = connection->session;
  if (step == Session::Step::close) {
    const bool is_answered = session.stage() == Stage::idle && session.in_flight() == 0;
    lose(connection,
         is_answered || session.failure().find("closing") == 0 ? Reason::connection_lost : Reason::protocol_error,
         session.failure());
    return false;
  }
  if (session.is_open() && !std::exchange(connection->was_ready, true)) {
    failures_ = 0;
    next_connect_us_ = 0;
    publish();
    // The probe has succeeded: the others may come.
    if (lanes_.size() > 1) asio::post(context_, [this] { dispatch(); });
  }
  while (session.is_ready()) {
    auto submission = next_for(*connection);
    if (!submission) break;
    session.begin(std::move(*submission));
  }
  const uint32_t limit = settings_.messages_per_connection_max;
  if (session.is_ready() && ((limit > 0 && session.answered() >= limit) || stopping_)) session.quit();
  if (!connection->handshaking && session.has_pending()) {
    const Transport::Result result = connection->transport->write(session);
    if (result == Transport::Result::closed) {
      lose(connection, Reason::connection_lost, connection->transport->failure());
      return false;
    }
    // Under TLS a write may have to wait for bytes to read, for which a wait is always outstanding.
    if (result == Transport::Result::wait_write) wait(connection, false);
  }
  connection->deadline_us = steady_us() + timeout_us(*connection);
  arm(connection->deadline_us);
  return true;
}

int64_t SmtpPool::Worker::timeout_us(const Connection& connection) const {
  const Timeouts& timeouts = settings_.timeouts;
  const auto pick = [&] {
    switch (connection.session.stage()) {
      case Stage::connect:
        return timeouts.connect;
      case Stage::greeting:
        return timeouts.greeting;
      case Stage::idle:
        return timeouts.idle;
      case Stage::data:
        return timeouts.data_start;
      case Stage::body:
        return timeouts.data_block;
      case Stage::end:
        return timeouts.data_end;
      case Stage::hello:
      case Stage::starttls:
      case Stage::authentication:
      case Stage::mail:
      case Stage::recipient:
        return timeouts.command;
    }
    return timeouts.command;
  };
  return pick().ms * 1000;
}

void SmtpPool::Worker::lose(const ConnectionPointer& connection, Reason reason, const std::string& detail) {
  if (std::exchange(connection->closed, true)) return;
  error_code ignored;
  connection->socket.close(ignored);
  std::erase(connections_, connection);
  const int64_t now = steady_us();
  std::vector<Submission> moved = connection->session.on_lost(reason, detail, stopping_ ? 0 : kMovesMax);
  // From the last to the first, so that the first is in front again.
  for (auto submission = moved.rbegin(); submission != moved.rend(); ++submission) {
    started_.fetch_sub(1);
    lanes_.put_back(std::move(*submission), now);
  }
  if (!connection->was_ready && !stopping_) {
    ++failures_;
    const int64_t limit = settings_.backoff_max.ms * 1000;
    int64_t delay = settings_.backoff_min.ms * 1000;
    for (uint64_t i = 1; i < failures_ && delay < limit; ++i) delay *= 2;
    delay = std::min(delay, limit);
    const uint64_t half = static_cast<uint64_t>(delay / 2);
    next_connect_us_ = now + static_cast<int64_t>(half + random_.next().low % (half + 1));
    const std::lock_guard lock(mutex_);
    last_connect_error_ = detail.empty() ? "timed out" : detail;
  }
  publish();
  // Not from here: this may run inside a loop over the connections.
  asio::post(context_, [this] {
    dispatch();
    finish_if_stopped();
  });
}

void SmtpPool::Worker::report(Submission& submission, Outcome outcome, bool was_started) {
  if (was_started) {
    started_.fetch_sub(1);
    lanes_.finished(submission.domain);
  }
  switch (outcome.kind) {
    case OutcomeKind::sent:
      sent_.fetch_add(1);
      break;
    case OutcomeKind::not_sent:
      not_sent_.fetch_add(1);
      break;
    case OutcomeKind::unknown:
      unknown_.fetch_add(1);
      break;
  }
  held_bytes_.fetch_sub(submission.envelope.data->size());
  held_.fetch_sub(1);
  if (submission.callback) submission.callback(std::move(outcome));
}

void SmtpPool::Worker::report_unstarted(Submission& submission, Reason reason) {
  Outcome outcome;
  outcome.attempt = submission.envelope.attempt;
  outcome.attempt_number = submission.envelope.attempt_number;
  outcome.reason = reason;
  if (reason == Reason::expired && failures_ > 0) {
    outcome.reason = Reason::never_connected;
    const std::lock_guard lock(mutex_);
    outcome.detail = last_connect_error_;
  }
  report(submission, std::move(outcome), false);
}

void SmtpPool::Worker::arm(int64_t due_us) {
  if (due_us >= armed_us_) return;
  armed_us_ = due_us;
  timer_.expires_at(time_point_of(due_us));
  timer_.async_wait([this](const error_code& error) {
    if (!error) on_timer();
  });
}

void SmtpPool::Worker::on_timer() {
  armed_us_ = kNever;
  const int64_t now = steady_us();
  if (now >= stop_deadline_us_) {
    while (!connections_.empty()) lose(connections_.back(), Reason::stopped, "the pool was stopped");
  }
  for (size_t i = 0; i < connections_.size();) {
    const ConnectionPointer connection = connections_[i];
    if (connection->deadline_us > now) {
      arm(connection->deadline_us);
      ++i;
    } else if (connection->session.is_ready() && connection->connected) {
      connection->session.quit();
      if (advance(connection, Session::Step::proceed)) ++i;
    } else {
      lose(connection, Reason::timed_out,
           connection->connected ? "the server did not answer in time" : "connecting: timed out");
    }
  }
  if (now >= next_sweep_us_) {
    next_sweep_us_ = now + kSweepInterval_us;
    for (Submission& submission : lanes_.take_expired(now)) report_unstarted(submission, Reason::expired);
  }
  if (stopping_) arm(stop_deadline_us_);
  dispatch();
  finish_if_stopped();
}

void SmtpPool::Worker::publish() {
  connections_shown_.store(static_cast<uint32_t>(connections_.size()));
  failures_shown_.store(failures_);
  if (failures_ > 0) return;
  const std::lock_guard lock(mutex_);
  last_connect_error_.clear();
}

PoolStatus SmtpPool::Worker::status() const {
  PoolStatus status;
  status.connections = connections_shown_.load();
  status.in_flight = started_.load();
  const uint64_t held = held_.load();
  status.queued = held - std::min(held, status.in_flight);
  status.sent = sent_.load();
  status.not_sent = not_sent_.load();
  status.unknown = unknown_.load();
  status.connects_failed = failures_shown_.load();
  const std::lock_guard lock(mutex_);
  status.last_connect_error = last_connect_error_;
  return status;
}

void SmtpPool::Worker::begin_stop(Duration grace) {
  stopping_ = true;
  stop_deadline_us_ = steady_us() + grace.ms * 1000;
  take_incoming();
  for (Submission& submission : lanes_.take_all()) report_unstarted(submission, Reason::stopped);
  const auto connections = connections_;
  for (const ConnectionPointer& connection : connections) {
    if (connection->session.in_flight() == 0) lose(connection, Reason::stopped, "");
  }
  arm(stop_deadline_us_);
  finish_if_stopped();
}

void SmtpPool::Worker::finish_if_stopped() {
  if (!stopping_ || held_.load() > 0) return;
  const auto connections = connections_;
  for (const ConnectionPointer& connection : connections) lose(connection, Reason::stopped, "");
  timer_.cancel();
  resolver_.cancel();
  work_.reset();
  context_.stop();
}

void SmtpPool::Worker::stop(Duration grace) {
  TERRENO_CHECK(std::this_thread::get_id() != thread_.get_id(), "stop was called from an outcome callback");
  std::call_once(joined_, [&] {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    asio::post(context_, [this, grace] { begin_stop(grace); });
    thread_.join();
  });
}

SmtpPool::SmtpPool(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
SmtpPool::~SmtpPool() { worker_->stop(seconds(0)); }

std::expected<std::unique_ptr<SmtpPool>, Error> SmtpPool::create(SmtpSettings settings, engine::Random& random) {
  TERRENO_TRY_VOID(check(settings));
  std::string failure;
  std::unique_ptr<TlsContext> tls;
  if (settings.security != Security::none) {
    tls = TlsContext::create(settings.authorities_file, settings.verify_certificate, failure);
    if (!tls) return std::unexpected(Error{Errc::invalid_setting, "authorities_file"});
  }
  return std::unique_ptr<SmtpPool>(new SmtpPool(std::make_unique<Worker>(std::move(settings), random, std::move(tls))));
}

std::expected<void, Error> SmtpPool::submit(Envelope envelope, OutcomeCallback callback) {
  return worker_->submit(std::move(envelope), std::move(callback));
}
PoolStatus SmtpPool::status() const { return worker_->status(); }
void SmtpPool::stop(Duration grace) { worker_->stop(grace); }

}  // namespace terreno::smtp
