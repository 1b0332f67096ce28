#pragma once

// Load over HTTP, and what the clients were told: for each batch of messages absent, pending or acknowledged.

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace terreno::guarantees {

inline constexpr uint64_t kBatchMessages = 100;
/// So many people of a batch are new, and sign up.
inline constexpr uint64_t kBatchPeople = 3;

/// Message `index` of batch `batch`, as in `messageId`.
[[nodiscard]] std::string message_id(uint64_t batch, uint64_t index);
/// The address of the n-th person who signs up.
[[nodiscard]] std::string address_of(uint64_t person);

/// Thread-safe.
class ClientLedger {
 public:
  enum class State : uint8_t { absent, pending, acknowledged };
  /// The next batch to send: those that were lost first. Pending from now on.
  [[nodiscard]] uint64_t take();
  void acknowledge(uint64_t batch);
  /// Whether it arrived nobody knows: it is sent again.
  void lose(uint64_t batch);
  [[nodiscard]] State state_of(uint64_t batch) const;
  /// Batches that were ever begun.
  [[nodiscard]] uint64_t size() const;
  [[nodiscard]] uint64_t acknowledged() const;
  [[nodiscard]] bool has_lost() const;

 private:
  mutable std::mutex mutex_;
  std::vector<State> states_;
  std::deque<uint64_t> lost_;
  uint64_t acknowledged_ = 0;
};

/// Sends batches over several connections until `more` says no or the server is gone. `more` is asked before each
/// batch, `acknowledged` told after each answer; both on several threads.
void send_batches(ClientLedger& ledger, uint16_t port, const std::string& write_key, int connections,
                  const std::function<bool()>& more, const std::function<void()>& acknowledged);

}  // namespace terreno::guarantees
