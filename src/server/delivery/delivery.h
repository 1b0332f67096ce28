#pragma once

// The effects runner: claims what flow offers, composes it, hands it to a mail server, and writes the receipt.
//
// 1. A send begins only after its claim came back from apply with a consent proof, and within the claim's 60 s by the
//    boot clock: wall time may be set.
// 2. Each attempt that was begun ends in exactly one receipt, unless the process dies: then it is *unknown*.
// 3. No more claims are open than the mail server takes within kPace: whoever is claimed when the process dies is
//    *unknown* for ever. The bound halves when one takes longer and grows while none does, but each connection has its
//    message and the next. Transactional ones go first, and past that bound.
// 4. Claims and receipts are urgent records: they are never refused for load.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "adapters/smtp/smtp.h"
#include "channels/sending.h"
#include "engine/engine.h"
#include "flow/flow.h"
#include "server/delivery/compose.h"
#include "server/delivery/outbox.h"

namespace terreno::server {

struct DeliveryParts {
  const engine::Clock* clock = nullptr;
  engine::Random* random = nullptr;  ///< thread-safe
  const flow::ConfigurationLibrary* library = nullptr;
  const consent::LinkKeys* links = nullptr;
  /// Who sends, as of now; any thread.
  std::function<std::shared_ptr<const governance::Snapshot>()> snapshot;
  channels::Signer signer;  ///< without `sign`: mails are not signed
  Outbox* outbox = nullptr;
  smtp::SmtpPool* sandbox = nullptr;
  smtp::SmtpPool* live = nullptr;
  std::string own_base_url;
  unsigned threads = 2;
  unsigned connections = 10;  ///< of the live pool, at most
};

/// What the health page shows.
struct DeliveryStatus {
  uint64_t in_flight = 0;
  uint64_t waiting = 0;
  uint64_t sent = 0;
  uint64_t not_sent = 0;
  uint64_t unknown = 0;
};

class Delivery {
 public:
  static constexpr size_t kInFlightMax = 4096;
  static constexpr Duration kPace = seconds(2);

  Delivery() = default;
  /// stop() when it was not called.
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// From the engine's apply threads: `claim_wanted` and `perform`. Does not block.
  void on_output(engine::Partition partition, const engine::Output& output);
  /// Begins to claim. What was offered before waits until then. Engine and parts outlive it.
  void start(engine::Engine& engine, DeliveryParts parts);
  /// From now on nothing is claimed. Then the pools may be stopped, each with its grace: what a server does not answer
  /// in it is *unknown*, and what was not begun goes back to be claimed again.
  void stop_claiming();
  /// The same, and returns when what is claimed has its receipt, durably. Before the engine stops; after the pools, or
  /// a server that hangs is waited for until their timeouts.
  void stop();
  /// The engine has failed: nothing more comes of what is claimed, so `stop` does not wait for it. Any thread.
  void abandon();
  [[nodiscard]] DeliveryStatus status() const;

 private:
  struct Offer {
    engine::Partition partition;
    channels::Claim claim;
  };
  struct Work {
    engine::Partition partition;
    Duration since;  ///< of the claim, boot clock
    std::string bytes;
  };
  void claim_next(std::unique_lock<std::mutex>& lock);
  void claim(std::unique_lock<std::mutex>& lock, std::deque<Offer>& offers);
  void run();
  [[nodiscard]] bool may_claim() const;
  /// What was claimed at `since` has its outcome.
  void note_pace(Duration since);
  void perform(const Work& work);
  void write_receipt(engine::Partition partition, const channels::Receipt& receipt);
  void append(engine::Partition partition, events::RecordType type, const std::string& payload,
              engine::DurableCallback done);
  /// One claim less is open.
  void finish();
  void hand_over(engine::Partition partition, const channels::ClaimedSend& claimed, ComposedEmail email,
                 bool is_sandbox, Duration since);

  DeliveryParts parts_;
  uint64_t owner_ = 0;
  std::atomic<engine::Engine*> engine_{nullptr};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Of transactional messages, and of others.
  std::deque<Offer> urgent_offers_;
  std::deque<Offer> offers_;
  std::unordered_set<Id128> offered_;  ///< decisions in both
  std::deque<Work> urgent_work_;
  std::deque<Work> work_;
  struct Open {
    bool is_urgent = false;
    Duration since;  ///< boot clock
  };
  std::unordered_map<Id128, Open> claims_;  ///< by decision: claimed and not yet performed
  size_t in_flight_ = 0;                    ///< claimed; receipt not durable yet
  bool is_stopping_ = false;
  bool has_ended_ = false;
  bool is_abandoned_ = false;
  size_t in_flight_max_ = 64;
  size_t taken_since_ = 0;  ///< messages taken by the server since the bound last changed
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> not_sent_{0};
  std::atomic<uint64_t> unknown_{0};
};

}  // namespace terreno::server
