#pragma once

// A fast SMTP server on loopback: the outbox of an installation in Sandbox, and what benchmarks and tests send to. It
// takes every message, except where a rule says otherwise. No TLS, no AUTH: it never listens beyond loopback.
//
// One thread, one fixed receive buffer per connection; every complete command in it is consumed before one write of all
// replies.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/smtp/smtp.h"

namespace terreno::smtp {

enum class SinkAction : uint8_t {
  reply,        ///< with `text`, and stay
  reply_close,  ///< with `text`, then hang up
  close,        ///< hang up without a word
  stall,        ///< say nothing more on this connection
};

/// What the sink does instead of taking a message. Stages: greeting, hello, mail, recipient, data; body (after the
/// first bytes of it), end (after the final dot, before the answer).
struct SinkRule {
  Stage stage = Stage::end;
  std::string recipient_contains;  ///< for recipient, data, body and end; empty: any
  SinkAction action = SinkAction::reply;
  std::string text;  ///< a whole reply line without CRLF, such as `550 5.1.1 no such user`
  uint32_t times_max = UINT32_MAX;
  uint32_t skip = 0;  ///< so many first matches pass
};

struct SinkMessage {
  std::string_view from;
  const std::vector<std::string>& to;
  std::string_view data;  ///< dots unstuffed, CRLF line ends
};

struct SinkSettings {
  uint16_t port = 0;  ///< 0: any free one
  bool pipelining = true;
  bool smtputf8 = true;
  uint64_t size_max = 32 << 20;
  Duration reply_delay;  ///< before each write of replies
  std::vector<SinkRule> rules;
  /// On the sink's thread, before the message is acknowledged; the views live as long as the call. Empty: only counted.
  std::function<void(const SinkMessage&)> on_message;
};

struct SinkCounters {
  uint64_t connections = 0;
  uint64_t messages = 0;
  uint64_t bytes = 0;
  uint64_t cpu_us = 0;  ///< of the sink's thread, up to the last message batch
};

class Sink {
 public:
  /// Listens on 127.0.0.1 before it returns. Error: invalid_setting, `port` (in use).
  [[nodiscard]] static std::expected<std::unique_ptr<Sink>, Error> start(SinkSettings settings);
  /// Hangs up and joins the thread.
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] SinkCounters counters() const;

 private:
  class Server;
  explicit Sink(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace terreno::smtp
