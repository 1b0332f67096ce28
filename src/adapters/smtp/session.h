#pragma once

// The SMTP dialogue of one connection, without the connection: bytes in, bytes out, events. Every cut of the line at
// every byte can so be tried.
//
// 1. The message's end (CRLF.CRLF) is a chunk of its own. `may_leave` is called before bytes can leave, never after, so
//    that what is called `not sent` cannot have arrived.
// 2. Replies come in the order of the commands; each expected one is an entry of `awaited_`.
// 3. At most two messages are in a session: the one whose body goes or whose answer is awaited, and, when pipelining,
// the
//    next one, of which only the envelope has gone.
//
// Lives on the pool's thread.

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/smtp/smtp.h"

namespace terreno::smtp {

/// A message on its way through the pool.
struct Submission {
  Envelope envelope;
  OutcomeCallback callback;
  std::string domain;       ///< of the recipient, lower case
  int64_t deadline_us = 0;  ///< on the pool's clock
  uint32_t moves = 0;       ///< connections it lost before its first body byte
};

struct SessionSettings {
  Security security = Security::none;
  Authentication authentication = Authentication::none;
  std::string user;
  Secret password;
  std::string helo_name;
  bool pipelining = true;
};

class Session {
 public:
  explicit Session(const SessionSettings& settings) : settings_(settings) {}

  /// What the owner has to do next, after each call that changes the session.
  enum class Step : uint8_t {
    proceed,    ///< write what is pending, wait for bytes
    start_tls,  ///< the server is ready for the handshake; call on_tls when it is done
    close,      ///< take the outcomes, then close
  };

  Step on_bytes(std::string_view bytes);
  Step on_tls();
  /// The next message, when one can go: called when a body is about to leave, and by `is_ready`'s owner.
  void begin(Submission submission);
  void quit();

  /// Asks for the message whose envelope goes behind the body that is about to leave; may give none.
  std::function<std::optional<Submission>()> on_next;
  /// Asked once more before the first body byte: whether the claim still holds.
  std::function<bool(const Submission&)> is_valid;
  std::function<void(Submission&, Outcome)> on_outcome;

  [[nodiscard]] bool is_ready() const { return phase_ == Phase::ready && !current_; }
  [[nodiscard]] bool is_open() const { return phase_ == Phase::ready; }
  [[nodiscard]] size_t in_flight() const { return (current_ ? 1U : 0U) + (next_ ? 1U : 0U); }
  [[nodiscard]] Stage stage() const;
  [[nodiscard]] bool is_sending_body() const { return current_ && body_begun_ && !end_exposed_; }
  [[nodiscard]] uint32_t answered() const { return answered_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

  /// What has to be written: at most `count` views into `views`; returns how many. They live until the next call. The
  /// end of a message always starts a view.
  size_t pending(std::string_view* views, size_t count) const;
  [[nodiscard]] bool has_pending() const { return !chunks_.empty(); }
  /// So many pending bytes may leave from now on, whether or not they are then reported as written.
  void may_leave(size_t size);
  void on_written(size_t size);

  /// The connection is over. What cannot have been sent and may move to another connection is returned; everything else
  /// gets its outcome.
  std::vector<Submission> on_lost(Reason reason, std::string_view detail, uint32_t moves_max);

 private:
  enum class Phase : uint8_t { greeting, hello, starttls, authentication, ready, quitting, closed };
  enum class Awaited : uint8_t {
    greeting,
    hello,
    starttls,
    authentication,
    reset,
    mail,
    recipient,
    data,
    empty_data,
    end,
    quit
  };
  enum class Source : uint8_t { command, body, end };
  struct Chunk {
    Source source;
    size_t offset;
    size_t size;
  };

  Step take(const Reply& reply);
  Step take_hello(const Reply& reply);
  Step take_authentication(const Reply& reply);
  Step take_message_reply(Awaited what, const Reply& reply);
  Step fail_session(const Reply& reply, std::string_view what);
  void hello();
  void authenticate();
  void command(std::string_view text, Awaited awaited);
  /// False: the server cannot take it; its outcome has been reported.
  bool is_supported(Submission& submission);
  void send_envelope(const Submission& submission);
  void send_body();
  void append_chunk(Source source, size_t offset, size_t size);
  void conclude(OutcomeKind kind, Reason reason, Stage stage, const Reply& reply, std::string_view detail = {});
  Step after_message();
  [[nodiscard]] std::string_view bytes_of(const Chunk& chunk) const;

  SessionSettings settings_;
  ReplyParser parser_;
  Phase phase_ = Phase::greeting;
  std::deque<Awaited> awaited_{Awaited::greeting};
  std::deque<Chunk> chunks_;
  std::string commands_;  // the text that command chunks point into; cleared when none is pending
  std::optional<Submission> current_;
  std::optional<Submission> next_;
  std::optional<Outcome> refused_;  // the first refusal of the current message, while later replies are outstanding
  bool body_begun_ = false;         // of current_
  bool end_exposed_ = false;        // of current_
  bool needs_reset_ = false;
  bool tls_done_ = false;
  bool can_pipeline_ = false;
  bool can_smtputf8_ = false;
  bool can_eight_bit_ = false;
  bool can_starttls_ = false;
  bool can_size_ = false;
  uint64_t size_max_ = 0;
  std::string mechanisms_;
  uint32_t authentication_step_ = 0;
  uint32_t answered_ = 0;
  std::string failure_;
};

}  // namespace terreno::smtp
