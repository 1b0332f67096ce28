#include "adapters/smtp/sink.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>
#include <thread>
#include <unordered_map>

namespace terreno::smtp {

namespace {

constexpr size_t kBufferSize = 256 << 10;
constexpr size_t kCommandMax = 4096;
constexpr size_t kRecipientsMax = 100;
constexpr std::string_view kEnd = "\r\n.\r\n";

int64_t clock_us(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

bool starts_with_word(std::string_view line, std::string_view word) {
  return line.size() >= word.size() && strncasecmp(line.data(), word.data(), word.size()) == 0;
}

// Between the angle brackets of MAIL or RCPT.
std::string_view path_of(std::string_view line) {
  const size_t start = line.find('<');
  const size_t end = line.find('>', start == std::string_view::npos ? 0 : start);
  if (start == std::string_view::npos || end == std::string_view::npos) return {};
  return line.substr(start + 1, end - start - 1);
}

std::string unstuffed(std::string_view data) {
  std::string text;
  text.reserve(data.size());
  while (!data.empty()) {
    const size_t end = std::min(data.find("\r\n"), data.size() - 2) + 2;
    text += data.substr(data[0] == '.' ? 1 : 0, end - (data[0] == '.' ? 1 : 0));
    data.remove_prefix(end);
  }
  return text;
}

}  // namespace

class Sink::Server {
 public:
  explicit Server(SinkSettings settings) : settings_(std::move(settings)), uses_(settings_.rules.size(), 0) {}
  ~Server() {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
      thread_.join();
    }
    for (const auto& [socket, connection] : connections_) ::close(socket);
    for (const int descriptor : {listener_, epoll_, stop_}) {
      if (descriptor >= 0) ::close(descriptor);
    }
  }

  bool listen();
  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] SinkCounters counters() const {
    return {connections_seen_.load(), messages_.load(), bytes_.load(), cpu_us_.load()};
  }

 private:
  struct Connection {
    int socket = -1;
    std::string input;  // fixed size; `begin` to `end` are unread
    size_t begin = 0;
    size_t end = 0;
    std::string body;  // of a message that does not fit the buffer, or that is handed on
    std::string output;
    std::string from;
    std::vector<std::string> to;
    bool in_mail = false;
    bool in_data = false;
    bool body_ruled = false;
    bool is_stalled = false;
    bool closes = false;
    bool is_delayed = false;
  };

  void run();
  void accept_all();
  void on_readable(Connection& connection);
  bool consume(Connection& connection);
  bool take_command(Connection& connection, std::string_view line);
  bool take_body(Connection& connection);
  void finish_message(Connection& connection, std::string_view data);
  bool ruled(Connection& connection, Stage stage);
  /// Writes what there is to say, after the delay. False: the connection is gone.
  bool flush(Connection& connection);
  bool write_out(Connection& connection);
  void drop(int socket);

  SinkSettings settings_;
  std::vector<uint32_t> uses_;
  int listener_ = -1;
  int epoll_ = -1;
  int stop_ = -1;
  uint16_t port_ = 0;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::multimap<int64_t, int> delayed_;
  std::atomic<uint64_t> connections_seen_{0};
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> cpu_us_{0};
  std::thread thread_;
};

bool Sink::Server::listen() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener_ < 0 || epoll_ < 0 || stop_ < 0) return false;
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(settings_.port);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 1024) != 0)
    return false;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  for (const int descriptor : {listener_, stop_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }
  thread_ = std::thread([this] { run(); });
  return true;
}

void Sink::Server::run() {
  std::array<epoll_event, 256> events;
  while (true) {
    int timeout_ms = -1;
    if (!delayed_.empty()) {
      const int64_t left_us = delayed_.begin()->first - clock_us(CLOCK_MONOTONIC);
      timeout_ms = static_cast<int>(std::clamp<int64_t>((left_us + 999) / 1000, 0, 1000));
    }
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<size_t>(i)].data.fd;
      if (descriptor == stop_) return;
      if (descriptor == listener_) {
        accept_all();
        continue;
      }
      const auto found = connections_.find(descriptor);
      if (found == connections_.end()) continue;
      if ((events[static_cast<size_t>(i)].events & EPOLLOUT) != 0 && !found->second->is_delayed &&
          !write_out(*found->second))
        continue;
      on_readable(*found->second);
    }
    const int64_t now = clock_us(CLOCK_MONOTONIC);
    while (!delayed_.empty() && delayed_.begin()->first <= now) {
      const auto found = connections_.find(delayed_.begin()->second);
      delayed_.erase(delayed_.begin());
      if (found == connections_.end()) continue;
      found->second->is_delayed = false;
      write_out(*found->second);
    }
    cpu_us_.store(static_cast<uint64_t>(clock_us(CLOCK_THREAD_CPUTIME_ID)));
  }
}

void Sink::Server::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connections_seen_.fetch_add(1);
    auto& slot = connections_[socket];
    slot = std::make_unique<Connection>();
    Connection& connection = *slot;
    connection.socket = socket;
    connection.input.resize(kBufferSize);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.fd = socket;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
    if (!ruled(connection, Stage::greeting)) connection.output += "220 sink ESMTP\r\n";
    flush(connection);
  }
}

void Sink::Server::drop(int socket) {
  for (auto at = delayed_.begin(); at != delayed_.end();)
    at = at->second == socket ? delayed_.erase(at) : std::next(at);
  connections_.erase(socket);
  ::close(socket);
}

void Sink::Server::on_readable(Connection& connection) {
  while (true) {
    if (connection.begin > 0) {
      std::memmove(connection.input.data(), connection.input.data() + connection.begin,
                   connection.end - connection.begin);
      connection.end -= connection.begin;
      connection.begin = 0;
    }
    const size_t room = connection.input.size() - connection.end;
    const ssize_t count = ::recv(connection.socket, connection.input.data() + connection.end, room, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return drop(connection.socket);
    connection.end += static_cast<size_t>(count);
    if (!connection.is_stalled) {
      while (!connection.closes && !connection.is_stalled && consume(connection)) {
      }
      if (!flush(connection)) return;
    }
    if (connection.is_stalled) connection.begin = connection.end = 0;
    // A command line or a protocol without an end: the buffer is all that it gets.
    if (!connection.closes && connection.end - connection.begin == connection.input.size())
      return drop(connection.socket);
    if (static_cast<size_t>(count) < room) return;
  }
}

bool Sink::Server::consume(Connection& connection) {
  if (connection.in_data) return take_body(connection);
  const std::string_view unread(connection.input.data() + connection.begin, connection.end - connection.begin);
  const size_t end = unread.find('\n');
  if (end == std::string_view::npos) {
    if (unread.size() > kCommandMax) connection.closes = true;
    return false;
  }
  std::string_view line = unread.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  connection.begin += end + 1;
  return take_command(connection, line);
}

bool Sink::Server::ruled(Connection& connection, Stage stage) {
  for (size_t i = 0; i < settings_.rules.size(); ++i) {
    const SinkRule& rule = settings_.rules[i];
    if (rule.stage != stage) continue;
    const bool matches = rule.recipient_contains.empty() ||
                         std::any_of(connection.to.begin(), connection.to.end(), [&](const std::string& recipient) {
                           return recipient.find(rule.recipient_contains) != std::string::npos;
                         });
    if (!matches) continue;
    const uint32_t use = uses_[i]++;
    if (use < rule.skip || use - rule.skip >= rule.times_max) continue;
    if (rule.action == SinkAction::reply || rule.action == SinkAction::reply_close)
      connection.output += rule.text + "\r\n";
    connection.closes = rule.action == SinkAction::close || rule.action == SinkAction::reply_close;
    connection.is_stalled = rule.action == SinkAction::stall;
    return true;
  }
  return false;
}

bool Sink::Server::take_command(Connection& connection, std::string_view line) {
  std::string& out = connection.output;
  if (starts_with_word(line, "EHLO")) {
    if (ruled(connection, Stage::hello)) return true;
    out += "250-sink\r\n";
    if (settings_.pipelining) out += "250-PIPELINING\r\n";
    if (settings_.smtputf8) out += "250-SMTPUTF8\r\n";
    out += "250-SIZE " + std::to_string(settings_.size_max) + "\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n";
  } else if (starts_with_word(line, "HELO")) {
    out += "250 sink\r\n";
  } else if (starts_with_word(line, "MAIL FROM:")) {
    if (connection.in_mail) {
      out += "503 5.5.1 nested MAIL\r\n";
      return true;
    }
    if (ruled(connection, Stage::mail)) return true;
    connection.from = path_of(line);
    connection.to.clear();
    connection.in_mail = true;
    out += "250 2.1.0 ok\r\n";
  } else if (starts_with_word(line, "RCPT TO:")) {
    if (!connection.in_mail || connection.to.size() >= kRecipientsMax) {
      out += connection.in_mail ? "452 4.5.3 too many recipients\r\n" : "503 5.5.1 MAIL first\r\n";
      return true;
    }
    connection.to.emplace_back(path_of(line));
    if (ruled(connection, Stage::recipient)) {
      connection.to.pop_back();
      return true;
    }
    out += "250 2.1.5 ok\r\n";
  } else if (line.size() == 4 && starts_with_word(line, "DATA")) {
    if (connection.to.empty()) {
      out += "503 5.5.1 no valid recipients\r\n";
      return true;
    }
    if (ruled(connection, Stage::data)) return true;
    connection.in_data = true;
    connection.body_ruled = false;
    connection.body.clear();
    out += "354 go on\r\n";
  } else if (starts_with_word(line, "RSET")) {
    connection.in_mail = false;
    connection.to.clear();
    out += "250 2.0.0 ok\r\n";
  } else if (starts_with_word(line, "NOOP")) {
    out += "250 2.0.0 ok\r\n";
  } else if (starts_with_word(line, "QUIT")) {
    out += "221 2.0.0 bye\r\n";
    connection.closes = true;
  } else {
    out += "502 5.5.2 unknown command\r\n";
  }
  return true;
}

bool Sink::Server::take_body(Connection& connection) {
  const std::string_view unread(connection.input.data() + connection.begin, connection.end - connection.begin);
  if (unread.empty()) return false;
  if (!connection.body_ruled) {
    connection.body_ruled = true;
    if (ruled(connection, Stage::body)) return true;
  }
  // The usual message lies whole in the buffer and is never copied.
  if (connection.body.empty()) {
    if (unread.starts_with(".\r\n")) {
      connection.begin += 3;
      finish_message(connection, {});
      return true;
    }
    const void* found = memmem(unread.data(), unread.size(), kEnd.data(), kEnd.size());
    if (found != nullptr) {
      const size_t size = static_cast<size_t>(static_cast<const char*>(found) - unread.data()) + 2;
      connection.begin += size + 3;
      finish_message(connection, unread.substr(0, size));
      return true;
    }
    if (unread.size() < kBufferSize / 2) return false;
  }
  // The end may lie across the two pieces.
  const size_t from = connection.body.size() - std::min(connection.body.size(), kEnd.size() - 1);
  connection.body += unread;
  connection.begin = connection.end;
  const size_t found = connection.body.find(kEnd, from);
  if (found != std::string::npos) {
    const size_t rest = connection.body.size() - found - kEnd.size();
    connection.begin = connection.end - rest;
    connection.body.resize(found + 2);
    const std::string body = std::exchange(connection.body, {});
    finish_message(connection, body);
    return true;
  }
  if (connection.body.size() > settings_.size_max) {
    connection.output += "552 5.3.4 too large\r\n";
    connection.closes = true;
  }
  return false;
}

void Sink::Server::finish_message(Connection& connection, std::string_view data) {
  connection.in_data = false;
  connection.in_mail = false;
  if (!ruled(connection, Stage::end)) {
    if (settings_.on_message) {
      const std::string text = unstuffed(data);
      settings_.on_message({connection.from, connection.to, text});
    }
    bytes_.fetch_add(data.size(), std::memory_order_relaxed);
    messages_.fetch_add(1, std::memory_order_relaxed);
    connection.output += "250 2.0.0 ok\r\n";
  }
  connection.to.clear();
}

bool Sink::Server::flush(Connection& connection) {
  if (settings_.reply_delay.ms == 0) return write_out(connection);
  if (!connection.is_delayed && (!connection.output.empty() || connection.closes)) {
    connection.is_delayed = true;
    delayed_.emplace(clock_us(CLOCK_MONOTONIC) + settings_.reply_delay.ms * 1000, connection.socket);
  }
  return true;
}

bool Sink::Server::write_out(Connection& connection) {
  while (!connection.output.empty()) {
    const ssize_t written = ::send(connection.socket, connection.output.data(), connection.output.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return true;
    if (written < 0) {
      drop(connection.socket);
      return false;
    }
    connection.output.erase(0, static_cast<size_t>(written));
  }
  if (connection.closes) {
    drop(connection.socket);
    return false;
  }
  return true;
}

Sink::Sink(std::unique_ptr<Server> server) : server_(std::move(server)) {}
Sink::~Sink() = default;

std::expected<std::unique_ptr<Sink>, Error> Sink::start(SinkSettings settings) {
  auto server = std::make_unique<Server>(std::move(settings));
  if (!server->listen()) return std::unexpected(Error{Errc::invalid_setting, "port"});
  return std::unique_ptr<Sink>(new Sink(std::move(server)));
}

uint16_t Sink::port() const { return server_->port(); }
SinkCounters Sink::counters() const { return server_->counters(); }

}  // namespace terreno::smtp
