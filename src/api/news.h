#pragma once

// What the running engine says of itself, kept for those who ask: the newest events, who must be told that something
// has changed, and whether a configuration is in force everywhere.
//
// 1. Everything is bounded, and in memory only: after a restart the window is empty.
// 2. `hear` is called on apply threads and returns at once.

#include <array>
#include <atomic>
#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/governance_api.h"
#include "api/tracking.h"
#include "base/http.h"
#include "engine/engine.h"
#include "flow/flow.h"

namespace terreno::api {

enum class LiveState : uint8_t { applied, repeat, quarantined, rejected_key };
inline constexpr size_t kLiveStateCount = 4;
[[nodiscard]] std::string_view name_of(LiveState state);

/// One line of the live view. The body of an event is read from the journal when somebody looks.
struct LiveItem {
  uint64_t seq = 0;  ///< from 1
  Timestamp at;
  LiveState state = LiveState::applied;
  engine::Partition partition;  ///< applied, repeat: where its record lies
  engine::Position position;
  PersonId person;
  std::string source;       ///< of what is quarantined: the source's id
  std::string_view reason;  ///< a constant
  /// Of what is quarantined: as it came, cut; of a rejected key its beginning; of others null. Shared with readers.
  std::shared_ptr<const std::string> raw;
};

/// How many things came in each of the last 60 seconds.
class LastMinute {
 public:
  void add(Timestamp at, uint64_t count);
  [[nodiscard]] double per_second(Timestamp now) const;

 private:
  std::array<std::pair<int64_t, uint64_t>, 60> seconds_{};  ///< second, and how many came in it
};

class LiveRing {
 public:
  static constexpr size_t kItemsMax = 2000;
  static constexpr size_t kRawBytesMax = 32 * 1024;
  static constexpr size_t kRawBytesKept = 8 * 1024 * 1024;

  void add(LiveItem item);
  struct Window {
    std::vector<LiveItem> items;  ///< newest first
    std::array<uint64_t, kLiveStateCount> counts{};
    double per_second = 0;  ///< over the last minute
    uint64_t last_seq = 0;
  };
  [[nodiscard]] Window read(uint64_t after, Timestamp now) const;
  /// Whom the newest events were about, nobody twice.
  [[nodiscard]] std::vector<PersonId> recent_people(size_t limit) const;

 private:
  mutable std::mutex mutex_;
  /// Oldest first. Every event passes here, so nothing is allocated.
  boost::circular_buffer<LiveItem> items_{kItemsMax};
  size_t raw_bytes_ = 0;
  uint64_t last_seq_ = 0;
  LastMinute rate_;
};

/// How many events came by each source since the program began. A source appears with its first event; only those of
/// the registry send any, so there are no more than it has.
class SourceCounts {
 public:
  explicit SourceCounts(Timestamp since) : since_(since) {}
  /// Once for each request.
  void add(const std::string& source, Timestamp at, uint64_t events, uint64_t held);
  [[nodiscard]] SourceActivity read(const std::string& source, Timestamp now) const;

 private:
  struct Count {
    SourceActivity activity;
    LastMinute rate;
  };
  const Timestamp since_;
  mutable std::mutex mutex_;
  std::map<std::string, Count, std::less<>> counts_;
};

/// Server-sent events that name what has changed.
class ChangeStream {
 public:
  static constexpr size_t kReadersMax = 500;
  /// Of people; what else can change is few and never dropped.
  static constexpr size_t kPeopleKeysMax = 1000;
  static constexpr Duration kAlive = seconds(15);
  /// Then the reader comes back and is authenticated again.
  static constexpr Duration kLifetime = minutes(15);

  /// False: too many readers. `may_see_people`: keys `person:…` are for them, too.
  bool subscribe(const http::Responder& responder, bool may_see_people);
  void changed(std::string key);
  /// Spares building keys that nobody would be told. Whoever subscribes reads everything afterwards.
  [[nodiscard]] bool has_readers() const { return reader_count_.load(std::memory_order_relaxed) > 0; }
  /// Tells the readers; call it every 250 ms. `now` is real time, also where the engine's clock is set by hand: a
  /// connection lives in real time, and a reader's life is counted from the first pulse that finds them.
  void pulse(Timestamp now);
  void close();
  [[nodiscard]] size_t readers() const;

 private:
  struct Subscriber {
    http::Stream stream;
    bool may_see_people = false;
    std::optional<Timestamp> since;  ///< absent until the first pulse
    Timestamp told_at;
  };
  mutable std::mutex mutex_;
  std::vector<Subscriber> subscribers_;
  std::atomic<size_t> reader_count_{0};  ///< of `subscribers_`
  std::set<std::string> keys_;
  std::set<std::string> people_keys_;
};

/// Waits until every partition has a configuration in force. One at a time.
class ConfigurationWatch {
 public:
  struct Outcome {
    bool is_in_force = false;  ///< false: refused, since another was in force than its writer believed
    uint64_t version = 0;
  };
  using Done = std::function<void(Outcome)>;
  /// False: one is waited for already. `done` is called once, on an apply thread.
  bool start(Id128 hash, Done done);
  void cancel(Id128 hash);
  void hear(engine::Partition partition, const flow::ConfigurationInForce& told);

 private:
  std::mutex mutex_;
  Id128 hash_;
  std::set<uint16_t> missing_;
  Done done_;
};

/// All of them together, as the engine's outputs and intake feed them.
class News final : public TrackingObserver {
 public:
  explicit News(const engine::Clock& clock) : sources(clock.now()), clock_(&clock) {}
  void hear(engine::Partition partition, engine::Position position, const engine::Output& output);
  void on_accepted(const std::string& source, Timestamp received_at, size_t count) override;
  void on_quarantined(const std::string& source, Timestamp received_at,
                      std::vector<events::Quarantined> items) override;
  void on_rejected_key(std::string_view key, bool is_known) override;

  LiveRing live;
  SourceCounts sources;
  ChangeStream changes;
  ConfigurationWatch configurations;

 private:
  const engine::Clock* clock_;
};

}  // namespace terreno::api
