#pragma once

// What was handed over, kept so that people can look at it: the newest messages, within a bound of bytes.
//
// 1. A message is here after it was handed to a server, also when what became of it is unknown.
// 2. Old ones leave by whole files. What a crash tears at the end of a file is cut; nothing else is lost.
// 3. It is a copy for looking at: no decision depends on it.
//
// Files `NUMBER.log` in one folder; a record is a length, a checksum and the encoded message. Thread-safe.

#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "channels/channels.h"
#include "governance/governance.h"
#include "server/files/durable_file.h"

namespace terreno::server {

struct KeptMessage {
  DecisionId decision;
  PersonId person;
  uint32_t attempt = 1;
  Timestamp at;
  bool is_sandbox = true;
  std::string journey;
  std::string message;  ///< name of the template
  std::string language;
  std::string from;
  std::string to;
  std::string subject;
  std::string html;
  std::string text;
  std::string raw;  ///< at most kRawBytesMax of it
  uint64_t size_bytes = 0;

  void encode(Writer& out) const;
  static KeptMessage decode(Reader& in);
};
inline constexpr size_t kRawBytesMax = 256 * 1024;

/// Headers of a raw message, unfolded, in order.
[[nodiscard]] std::vector<channels::Header> headers_of(std::string_view raw);

struct OutboxOptions {
  uint64_t file_bytes = 32 << 20;
  size_t files_max = 8;
};

class Outbox {
 public:
  /// Reads what is there. Error: storage_failed.
  [[nodiscard]] static std::expected<std::unique_ptr<Outbox>, governance::Error> open(std::filesystem::path folder,
                                                                                      OutboxOptions options = {});
  /// Not synced. A failed write drops the copy and is counted.
  void keep(const KeptMessage& message);
  /// Newest first; those before `before` (an id from an earlier page), or from the newest when it is zero.
  [[nodiscard]] std::vector<KeptMessage> list(DecisionId before, size_t limit, bool sandbox_only) const;
  [[nodiscard]] std::optional<KeptMessage> find(DecisionId decision) const;
  /// Of what the Sandbox caught: those that `list` with `sandbox_only` gives.
  [[nodiscard]] uint64_t sandbox_count() const;

 private:
  struct Place {
    DecisionId decision;
    uint64_t file = 0;
    uint64_t offset = 0;
    uint32_t size = 0;
    bool is_sandbox = true;
  };
  Outbox(std::filesystem::path folder, OutboxOptions options) : folder_(std::move(folder)), options_(options) {}
  std::expected<void, governance::Error> load();
  std::expected<void, governance::Error> begin_file(uint64_t number);
  [[nodiscard]] std::optional<KeptMessage> read(const Place& place) const;
  void forget_file(uint64_t number);

  std::filesystem::path folder_;
  OutboxOptions options_;
  mutable std::mutex mutex_;
  std::deque<uint64_t> files_;  ///< oldest first; the last is being written
  Descriptor current_;
  uint64_t written_ = 0;
  std::deque<Place> places_;                 ///< oldest first
  std::map<DecisionId, uint64_t> sequence_;  ///< the newest place of a decision: index + `first_`
  uint64_t first_ = 0;                       ///< of places_.front()
  uint64_t sandbox_count_ = 0;               ///< of places_
  uint64_t dropped_ = 0;
};

}  // namespace terreno::server
