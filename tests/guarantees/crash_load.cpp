#include "crash_load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <thread>

#include "adapters/crypto/crypto.h"
#include "base/check.h"
#include "base/hash.h"

namespace terreno::guarantees {

namespace {

/// The same bytes whenever it is sent: a few people sign up, and those who came before them do things.
std::string body_of(uint64_t batch) {
  std::string body = R"({"batch":[)";
  for (uint64_t index = 0; index < kBatchMessages; ++index) {
    if (index > 0) body += ',';
    const std::string id = message_id(batch, index);
    if (index < kBatchPeople) {
      const uint64_t person = batch * kBatchPeople + index;
      body += fmt::format(
          R"({{"type":"identify","userId":"u-{}","messageId":"{}","traits":{{"email":"{}","country":"ES"}}}})", person,
          id, address_of(person));
    } else if (index < 2 * kBatchPeople) {
      body += fmt::format(R"({{"type":"track","event":"Signed Up","userId":"u-{}","messageId":"{}"}})",
                          batch * kBatchPeople + index - kBatchPeople, id);
    } else {
      const uint64_t person = hash128(id).low % ((batch + 1) * kBatchPeople);
      body += fmt::format(R"({{"type":"track","event":"Page Seen","userId":"u-{}","messageId":"{}"}})", person, id);
    }
  }
  return body + "]}";
}

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The status; nullopt: the server is gone, and nobody knows what became of the request.
  std::optional<int> ask(const std::string& request) {
    if (!is_open_) return std::nullopt;
    for (size_t sent = 0; sent < request.size();) {
      const ssize_t done = ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) return std::nullopt;
      sent += static_cast<size_t>(done);
    }
    std::string answer;
    size_t whole = std::string::npos;
    while (answer.size() < whole) {
      char bytes[4096];
      const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) return std::nullopt;
      answer.append(bytes, static_cast<size_t>(got));
      const size_t head = answer.find("\r\n\r\n");
      if (whole == std::string::npos && head != std::string::npos) {
        whole = head + 4;
        constexpr std::string_view kLength = "\r\nContent-Length: ";
        if (const size_t at = answer.find(kLength); at != std::string::npos && at < head) {
          size_t length = 0;
          std::from_chars(answer.data() + at + kLength.size(), answer.data() + head, length);
          whole += length;
        }
      }
    }
    int status = 0;
    std::from_chars(answer.data() + std::string_view("HTTP/1.1 ").size(), answer.data() + answer.size(), status);
    return status;
  }

 private:
  int socket_;
  bool is_open_ = false;
};

}  // namespace

std::string message_id(uint64_t batch, uint64_t index) { return fmt::format("m-{}-{}", batch, index); }
std::string address_of(uint64_t person) { return fmt::format("p{}@example.org", person); }

uint64_t ClientLedger::take() {
  const std::lock_guard lock(mutex_);
  if (!lost_.empty()) {
    const uint64_t batch = lost_.front();
    lost_.pop_front();
    return batch;
  }
  states_.push_back(State::pending);
  return states_.size() - 1;
}

void ClientLedger::acknowledge(uint64_t batch) {
  const std::lock_guard lock(mutex_);
  states_[batch] = State::acknowledged;
  ++acknowledged_;
}

void ClientLedger::lose(uint64_t batch) {
  const std::lock_guard lock(mutex_);
  lost_.push_back(batch);
}

ClientLedger::State ClientLedger::state_of(uint64_t batch) const {
  const std::lock_guard lock(mutex_);
  return batch < states_.size() ? states_[batch] : State::absent;
}

uint64_t ClientLedger::size() const {
  const std::lock_guard lock(mutex_);
  return states_.size();
}

uint64_t ClientLedger::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_;
}

bool ClientLedger::has_lost() const {
  const std::lock_guard lock(mutex_);
  return !lost_.empty();
}

void send_batches(ClientLedger& ledger, uint16_t port, const std::string& write_key, int connections,
                  const std::function<bool()>& more, const std::function<void()>& acknowledged) {
  const std::string head =
      "POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + crypto::base64(write_key + ":") + "\r\n";
  std::vector<std::jthread> clients;
  for (int i = 0; i < connections; ++i) {
    clients.emplace_back([&] {
      Connection connection(port);
      while (more()) {
        const uint64_t batch = ledger.take();
        const std::string body = body_of(batch);
        const auto status = connection.ask(
            head + fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.size()) + body);
        if (status == 200) {
          ledger.acknowledge(batch);
          acknowledged();
          continue;
        }
        ledger.lose(batch);
        if (!status) return;
        // Overloaded: the same again. Anything else is a mistake of this program.
        TERRENO_CHECK(*status == 429 || *status == 503, "the server takes what it is sent");
      }
    });
  }
}

}  // namespace terreno::guarantees
