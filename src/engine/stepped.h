#pragma once

// The engine on one thread, in memory, one step at a time, with a clock that is set by hand: for tests and simulation.
// Partitions, messages, wake-ups, commits and replay are the same code as in the running program; journal and store are
// lists in memory that can lose what was not synced.

#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "engine/memory_store.h"
#include "engine/partition_core.h"
#include "engine/sequencer.h"

namespace terreno::engine {

/// A clock that moves when told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : wall_(start) {}
  [[nodiscard]] Timestamp now() const override { return wall_; }
  [[nodiscard]] Duration boot() const override { return boot_; }
  void advance(Duration span) {
    wall_ = wall_ + span;
    boot_.ms += span.ms;
  }
  /// Somebody sets the wall clock; no time passes.
  void jump(Duration span) { wall_ = wall_ + span; }

 private:
  Timestamp wall_;
  Duration boot_;
};

class SteppedEngine final : public Engine {
 public:
  struct Options {
    Timestamp start{1'767'225'600'000};  ///< 2026-01-01T00:00:00Z
    PartitionOptions partition;
    /// A partition commits after this many records.
    uint64_t commit_records = 1000;
    /// Set: each step draws what happens next, so that different seeds give different interleavings of partitions,
    /// groups and commits. Unset: first everything is synced, then applied in the journal's order.
    std::optional<uint64_t> shuffle_seed;
  };

  /// What a shuffled run does to what waits for its place in the journal.
  struct Disturbance {
    /// Of a thousand runs of messages, how many come a second time, later.
    unsigned repeated_of_1000 = 0;
    /// What waits gets its place in any order, but for the order of each sender.
    bool reorders = false;
  };
  /// What befell a record.
  enum class Mishap : uint8_t {
    lost,            ///< it waited for its place when the program died
    unacknowledged,  ///< it was durable when the program died, and nobody had been told
    unapplied,       ///< it was durable and not applied
    replayed,        ///< it was applied, and the commit with it was lost
    repeated,        ///< a message came a second time
    overtaken,       ///< something that came later got its place first
  };
  static constexpr size_t kMishapCount = 6;

  /// Both must outlive the engine.
  SteppedEngine(const Machine& machine, OutputSink& outputs, Options options);
  SteppedEngine(const Machine& machine, OutputSink& outputs);
  ~SteppedEngine() override;

  /// One thing happens: a group is synced, a record applied, a tick appended, a part of a commit done. False: nothing
  /// is left to do at this time.
  bool step();
  void run_until_idle();
  /// Time passes; wake-ups fire at their due times, in order, with everything that follows from them.
  void advance(Duration span);
  /// A crash: what was not synced is gone, with all commits but `commits_kept` of those the store had not synced. Then
  /// the records after the last commit are replayed, without outputs, in the steps that follow.
  /// `groups_written` of the groups that waited for their place got it, and nobody was told.
  void restart(size_t commits_kept = SIZE_MAX, size_t groups_written = 0);
  void disturb(Disturbance disturbance) { disturbance_ = disturbance; }
  /// Called for each record that something befalls.
  std::function<void(Mishap, uint16_t type)> on_mishap;

  [[nodiscard]] ManualClock& clock() { return clock_; }
  [[nodiscard]] MemoryStore& store() { return store_; }
  [[nodiscard]] PartitionCore& core(Partition partition) { return *cores_[partition.number]; }
  /// Position of the last record of a partition.
  [[nodiscard]] Position end(Partition partition) const { return {journal_[partition.number].size()}; }

  // Engine. `read` and `scan_rows` answer at once when the position is applied already.
  void append(Batch batch, DurableCallback done, bool urgent = false) override;
  void read(Partition partition, ReadTask task) override;
  void scan_rows(Partition partition, RowScan scan, RowsCallback done) override;
  void record_at(Partition partition, Position position, RecordCallback done) override;
  void clock_reset(Timestamp time, DurableCallback done) override;
  [[nodiscard]] Health health() const override;
  Result<void> checkpoint() override;
  Result<void> stop() override;

 private:
  struct OwnedRecord {
    JournalRecord record;
    std::string payload;
    uint64_t order = 0;  ///< in the whole journal
    /// The record with its bytes; `record` alone has none, since what it viewed is gone.
    [[nodiscard]] JournalRecord view() const {
      JournalRecord whole = record;
      whole.payload = payload;
      return whole;
    }
  };
  struct Queued {
    MessageBatch records;
    DurableCallback done;
    std::optional<Timestamp> clock_reset;
    std::optional<Partition> sender;
    bool is_repeat = false;
  };
  struct Waiting {
    Partition partition;
    Position not_before;
    std::function<void()> run;
  };
  enum class Action : uint8_t { sync, apply, tick, commit };
  struct Choice {
    Action action;
    Partition partition;
    uint64_t order;
  };

  void start();
  void sync();
  /// Which of the queue gets its place next.
  [[nodiscard]] size_t next_queued();
  [[nodiscard]] Queued take_queued(size_t index);
  void place(Queued queued);
  void note(Mishap mishap, const Queued& queued) const;
  void add_record(const JournalRecord& record);
  void apply_next(Partition partition);
  void commit_step(Partition partition, bool whole);
  [[nodiscard]] bool has_unapplied(Partition partition) const;
  [[nodiscard]] bool has_queued_messages(Partition partition, Position until) const;
  [[nodiscard]] bool wants_commit(Partition partition) const;
  void run_waiting();
  void fail(const Error& error);

  const Machine* machine_;
  OutputSink* outputs_;
  Options options_;
  Disturbance disturbance_;
  ManualClock clock_;
  MemoryStore store_;
  std::mt19937_64 draw_;

  std::array<std::vector<OwnedRecord>, kSequenceCount> journal_;
  std::array<std::array<MessageMark, kSequenceCount>, kSequenceCount> durable_messages_{};
  uint64_t order_ = 0;

  // What a restart rebuilds.
  std::vector<std::unique_ptr<PartitionCore>> cores_;
  std::unique_ptr<Sequencer> sequencer_;
  std::unique_ptr<OwnerTime> owner_time_;
  std::array<Position, kSequenceCount> end_at_start_{};
  std::deque<Queued> queue_;
  std::deque<Waiting> waiting_;
  std::vector<Choice> choices_;
  Effects effects_;
  bool is_stepping_ = false;
  uint64_t replayed_ = 0;
  uint64_t commits_ = 0;
  uint64_t checkpoints_ = 0;
  std::string stopped_;
};

}  // namespace terreno::engine
