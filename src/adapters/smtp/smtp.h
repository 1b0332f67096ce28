#pragma once

// Hands e-mail to one SMTP server, and says of each message exactly what is known about it.
//
// 1. One outcome per accepted message, always: `sent`, `not_sent` or `unknown`.
// 2. `not_sent` is a promise: no byte of the CRLF.CRLF that ends the message can have reached the server, or the server
//    answered that it does not take the message. Only after it may another attempt be made.
// 3. `unknown` is everything else: the end was, or may have been, sent and no answer came.
// 4. A transactional message never waits behind a bulk one: it has its own queue and its own connections, and goes
// first
//    on all others.
// 5. A message is not begun after its claim has run out.
//
// Retrying messages is the caller's business. Inside, only connecting is retried; and a message that lost its
// connection before its first body byte is moved to another connection, within the same attempt.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/smtp/reply.h"
#include "base/hash.h"
#include "base/secret.h"
#include "base/time.h"
#include "engine/engine.h"

namespace terreno::smtp {

enum class Errc : uint8_t {
  invalid_setting,   ///< `field` is out of its range
  invalid_envelope,  ///< an address that would break out of its command, or no data
  too_large,         ///< `data` above kDataSizeMax
  queue_full,        ///< wait for outcomes and submit again
  stopping,
};
struct Error {
  Errc code;
  std::string field;
};

enum class Security : uint8_t { none, starttls, tls };
enum class Authentication : uint8_t { none, plain, login };

/// Bounds bulk messages to one recipient domain. Transactional ones count, but do not wait.
struct DomainLimit {
  uint32_t connections_max = 0;    ///< messages to the domain in flight at once; 0: no bound
  double messages_per_second = 0;  ///< spread evenly; 0: no bound
};

struct Timeouts {
  // RFC 5321, 4.5.3.2. The last one is long for a reason: giving up early turns a slow server's mail into `unknown`.
  Duration connect = seconds(30);
  Duration greeting = minutes(5);
  Duration command = minutes(5);
  Duration data_start = minutes(2);
  Duration data_block = minutes(3);  ///< without a single byte being taken
  Duration data_end = minutes(10);
  Duration idle = seconds(30);  ///< then QUIT
};

struct SmtpSettings {
  std::string host;
  uint16_t port = 25;
  Security security = Security::none;
  /// False accepts any certificate: for a server on the same machine.
  bool verify_certificate = true;
  /// PEM file of authorities to trust instead of the system's; empty: the system's.
  std::string authorities_file;
  Authentication authentication = Authentication::none;
  std::string user;
  Secret password;
  std::string helo_name = "localhost";
  uint32_t connections_max = 10;
  /// Of these, kept for transactional messages; at most connections_max - 1, so that bulk can move.
  uint32_t connections_transactional = 2;
  /// A connection is closed after as many; some servers insist. 0: no bound.
  uint32_t messages_per_connection_max = 0;
  bool pipelining = true;  ///< when the server announces it
  Timeouts timeouts;
  /// Between failed connections: doubled each time up to the maximum, and drawn from the upper half of that.
  Duration backoff_min = milliseconds(500);
  Duration backoff_max = minutes(1);
  uint32_t queue_messages_max = 20'000;
  uint64_t queue_bytes_max = 256ULL << 20;
  DomainLimit domain_default;
  struct DomainRule {
    std::string domain;  ///< A-label, lower case
    DomainLimit limit;
  };
  std::vector<DomainRule> domains;
};

inline constexpr size_t kDataSizeMax = 32 << 20;

enum class Lane : uint8_t { transactional, bulk };

struct Envelope {
  Id128 attempt;
  uint32_t attempt_number = 1;
  Lane lane = Lane::bulk;
  std::string from;  ///< may be empty (a bounce)
  std::string to;
  /// Headers and body with CRLF line ends; dots are stuffed here. Shared, and read until the outcome.
  std::shared_ptr<const std::string> data;
  bool needs_smtputf8 = false;
  /// What is left of the claim, from now on.
  Duration valid_for = seconds(60);
};

enum class OutcomeKind : uint8_t { sent, not_sent, unknown };

enum class Reason : uint8_t {
  accepted,         ///< sent
  temporary,        ///< not sent: a 4xx reply, in `reply`
  permanent,        ///< not sent: a 5xx reply, in `reply`
  unsupported,      ///< not sent: the server lacks SMTPUTF8, or takes no message as large
  never_connected,  ///< not sent: no connection could be made before the claim ran out; `detail` says what failed last
  expired,          ///< not sent: the claim ran out in the queue
  connection_lost,  ///< not sent (before the end) or unknown (after it)
  timed_out,        ///< the same, by a timeout of ours
  protocol_error,   ///< the same, after an answer that is no SMTP
  stopped,          ///< the same, because the pool was stopped
};

struct Outcome {
  Id128 attempt;
  uint32_t attempt_number = 1;
  OutcomeKind kind = OutcomeKind::not_sent;
  Reason reason = Reason::stopped;
  Stage stage = Stage::connect;  ///< where it was decided
  Reply reply;                   ///< code 0 when there was none
  /// A 5xx that says this address takes no mail (a hard bounce), not that the message, the sender or the moment is bad.
  bool names_recipient = false;
  std::string detail;  ///< for an operator; no personal data
};

/// Called once per accepted message, on the pool's thread: must not block, may call `submit`, must not call `stop`.
using OutcomeCallback = std::function<void(Outcome)>;

struct PoolStatus {
  uint32_t connections = 0;  ///< ready or busy
  uint64_t queued = 0;       ///< accepted, not begun
  uint64_t in_flight = 0;
  uint64_t sent = 0;
  uint64_t not_sent = 0;
  uint64_t unknown = 0;
  uint64_t connects_failed = 0;    ///< in a row; 0 when the last one worked
  std::string last_connect_error;  ///< empty when the last one worked
};

/// One thread, one server, several connections. Thread-safe.
class SmtpPool {
 public:
  /// Opens nothing until there is a message. `random` must outlive the pool; it is used on the pool's thread.
  /// Error: invalid_setting.
  [[nodiscard]] static std::expected<std::unique_ptr<SmtpPool>, Error> create(SmtpSettings settings,
                                                                              engine::Random& random);
  /// stop(seconds(0)) when it was not called.
  ~SmtpPool();
  SmtpPool(const SmtpPool&) = delete;
  SmtpPool& operator=(const SmtpPool&) = delete;

  /// Queues a message; the callback is called if and only if this succeeds, perhaps before it returns.
  /// Error: invalid_envelope, too_large, queue_full, stopping.
  [[nodiscard]] std::expected<void, Error> submit(Envelope envelope, OutcomeCallback callback);

  [[nodiscard]] PoolStatus status() const;

  /// Takes nothing more, reports what was not begun as `stopped`, gives the rest `grace` to finish, then closes.
  /// Returns after the last callback. Idempotent.
  void stop(Duration grace);

 private:
  class Worker;
  explicit SmtpPool(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace terreno::smtp
