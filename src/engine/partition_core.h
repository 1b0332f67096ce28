#pragma once

// One partition: its state in memory, and the one way in which a record changes it. Driven by threads (runtime.h) or by
// steps (stepped.h); it starts no thread and reads no clock.
//
// 1. Records come in order of position; a lower one is passed over, a higher one is refused.
// 2. What an apply may read is in memory and named before it starts, so that the outcome does not depend on what
// happens
//    to be in memory.
// 3. A commit holds the state at the position where it began, however many records are applied while it is gathered:
//    an entity is encoded before its first change after that.
// 4. After an error the partition is stopped: its state is dropped with it and read from the store again at the next
//    start.

#include <array>
#include <span>
#include <unordered_set>

#include "engine/entity_cache.h"
#include "engine/journal_record.h"
#include "engine/repeats.h"
#include "engine/rows.h"
#include "engine/store.h"
#include "engine/wakes.h"

namespace terreno::engine {

struct PartitionOptions {
  uint64_t installation_seed = 0;
  size_t wakes_per_tick_max = 1000;
  RepeatOptions repeats;
  /// Positions that an operator asked to skip.
  std::vector<Position> skipped;
};

/// What applying gave to the world. Grows over a run of records; the driver hands it on and clears it.
struct Effects {
  MessageBatch messages;
  std::vector<Output> outputs;
};

class PartitionCore {
 public:
  PartitionCore(Partition partition, const Machine& machine, Store& store, PartitionOptions options);
  ~PartitionCore();
  PartitionCore(const PartitionCore&) = delete;
  PartitionCore& operator=(const PartitionCore&) = delete;

  /// Takes up the state of the last commit.
  Result<void> load();

  [[nodiscard]] Partition partition() const { return partition_; }
  [[nodiscard]] Position applied() const { return applied_; }
  [[nodiscard]] Position committed() const { return committed_; }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] std::optional<Timestamp> next_wake() { return wakes_.next(); }

  /// Loads what a run of records will probably need, in few reads. A guess: it changes no outcome.
  Result<void> prefetch(std::span<const JournalRecord> records);
  Result<void> apply(const JournalRecord& record, Effects& effects);

  /// Loads what the task wants, then runs it.
  Result<void> read(const ReadTask& task);
  [[nodiscard]] Result<std::vector<Row>> scan_rows(const RowScan& scan) const { return rows_.scan(scan); }

  // Commits: begin, continue until true, write `commit_batch()`, finish.
  [[nodiscard]] bool is_committing() const { return is_committing_; }
  void begin_commit();
  /// Encodes up to `count` pieces of state more; true when the batch is complete.
  bool continue_commit(size_t count);
  [[nodiscard]] const StoreBatch& commit_batch() const { return batch_; }
  [[nodiscard]] Position commit_position() const { return commit_position_; }
  /// The store has the batch.
  void finish_commit();

  /// Frees memory of entities that equal the store.
  void evict(size_t bytes);
  [[nodiscard]] size_t memory_bytes() const { return cache_.memory_bytes() + rows_.memory_bytes(); }

  struct Counters {
    uint64_t applied = 0;
    uint64_t evicted = 0;
    uint64_t loaded = 0;
    uint64_t messages_repeated = 0;
    uint64_t skipped = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  class View;
  class Call;
  using NameKeys = void (*)(const void*, const Lookup&, KeyList&);

  Result<void> apply_tick(const JournalRecord& record, Effects& effects);
  Result<bool> take_message(const MessageHeader& header);
  /// Loads until `name_keys(lookup, keys)` names nothing new, then marks what it named as this call's.
  template <typename NameKeysOf>
  Result<void> load_named(const NameKeysOf& name_keys);
  /// One round: names keys, adds those not in memory to `missing_`.
  template <typename NameKeysOf>
  void collect_missing(const NameKeysOf& name_keys);
  Result<void> load_missing();
  Result<void> finish_call();
  void before_change(uint32_t index);
  void encode_entity(uint32_t index);
  void decode_meta(Reader& in);
  void encode_meta(Writer& out) const;
  [[nodiscard]] Error corrupt(std::string_view what) const;

  Partition partition_;
  const Machine* machine_;
  Store* store_;
  PartitionOptions options_;

  // State, all of it in a commit.
  Position applied_;
  Timestamp now_;
  bool is_time_held_ = false;
  std::array<MessageMark, kSequenceCount> sent_;
  std::array<MessageMark, kSequenceCount> received_;
  EntityCache cache_;
  Wakes wakes_;
  RepeatWindow repeats_;
  RowLog rows_;

  // The call under way.
  std::unique_ptr<View> view_;
  std::unique_ptr<Call> call_;
  uint64_t call_number_ = 0;
  KeyList keys_;
  std::vector<uint32_t> named_;
  KeyList missing_;
  std::vector<uint32_t> changed_;
  std::optional<Error> failure_;

  // The commit under way.
  bool is_committing_ = false;
  Position committed_;
  Position commit_position_;
  StoreBatch batch_;
  std::vector<uint32_t> dirty_;
  std::vector<uint32_t> committing_;  ///< by key
  std::vector<std::pair<EntityKey, uint32_t>> sorted_;
  size_t next_committing_ = 0;

  /// Everything that exists is in memory: what is not there does not exist, and the store need not be asked.
  bool is_complete_ = true;
  Counters counters_;
};

}  // namespace terreno::engine
