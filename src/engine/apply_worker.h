#pragma once

// One apply thread: it owns its partitions' state, applies their records, answers reads between them, and gathers their
// commits in slices.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/journal_format.h"
#include "engine/message_queue.h"
#include "engine/partition_core.h"

namespace terreno::engine {

/// What the workers publish for the other threads, per partition.
struct Published {
  static constexpr int64_t kNoWake = INT64_MAX;
  std::atomic<uint64_t> applied{0};
  std::atomic<int64_t> next_wake_ms{kNoWake};
  std::atomic<uint64_t> messages_durable{0};  ///< batches of messages from this partition; the writer counts
};

/// What a worker asks of the rest. All calls are made on the worker's thread; none may block for long.
class WorkerPorts {
 public:
  virtual ~WorkerPorts() = default;
  /// Queues messages; `Published::messages_durable` counts when they are durable, and
  /// `ApplyWorker::on_messages_durable` hears of it.
  virtual void append_messages(Partition source, MessageBatch messages) = 0;
  /// Drops those that the journal holds already. During a replay only.
  virtual void drop_durable(Partition source, MessageQueue& messages) = 0;
  /// Has the batch written, then calls `ApplyWorker::on_committed`.
  virtual void write_commit(PartitionCore& core) = 0;
  virtual void on_progress(bool wakes_changed) = 0;
  virtual void fail(const Error& error) = 0;
  virtual OutputSink& outputs() = 0;
};

struct WorkerOptions {
  size_t memory_bytes_max = 0;
  Duration commit_interval;
  uint64_t commit_records_per_partition = 0;
  size_t message_piece_bytes_max = 0;
  size_t message_bytes_max = 0;
};

class ApplyWorker {
 public:
  struct Owned {
    std::unique_ptr<PartitionCore> core;
    Published* published = nullptr;
    Position end_at_start;
  };

  ApplyWorker(WorkerPorts& ports, const Clock& clock, WorkerOptions options, std::vector<Owned> owned);
  ~ApplyWorker();

  void start();
  /// Ends after the record under way; what is queued is dropped.
  void stop();

  // From other threads.

  void push(std::shared_ptr<const Group> group, Duration synced_at);
  /// Everything that was in the journal at the start has been pushed.
  void push_replay_end();
  /// Runs on the worker's thread once the partition has applied `not_before`.
  void push_task(Partition partition, Position not_before, std::function<void(PartitionCore&)> run);
  void on_committed(Partition partition);
  /// `bytes`: `journal_bytes` of what was queued.
  void on_messages_durable(size_t bytes);
  /// Begins a commit of all that is applied; `committed_request` reaches `request` when the store has it.
  void request_commit(uint64_t request);
  [[nodiscard]] uint64_t committed_request() const { return committed_request_.load(std::memory_order_acquire); }

  [[nodiscard]] size_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  /// How long the oldest queued group has waited; zero: nothing is queued.
  [[nodiscard]] Duration lag(Duration boot_now) const;
  [[nodiscard]] bool is_replayed() const { return is_replayed_.load(std::memory_order_acquire); }

  struct Counters {
    std::atomic<uint64_t> applied{0};
    std::atomic<uint64_t> replayed{0};
    std::atomic<uint64_t> evicted{0};
    std::atomic<uint64_t> loaded{0};
    std::atomic<uint64_t> messages_repeated{0};
    std::atomic<uint64_t> skipped{0};
    std::atomic<uint64_t> memory_bytes{0};
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Item {
    std::shared_ptr<const Group> group;  ///< null: the replay's end
    Duration synced_at;
  };
  struct Task {
    uint16_t index = 0;
    Position not_before;
    std::function<void(PartitionCore&)> run;
  };
  struct State {
    Owned owned;
    std::vector<JournalRecord> run;  ///< of the group under way
    uint64_t messages_sent = 0;      ///< batches
    MessageQueue messages;           ///< the writer does not have them; while replaying: not found in the journal yet
    Duration last_commit;            ///< by the boot clock
    uint64_t messages_needed = 0;    ///< batches that must be durable before the commit is written
    bool is_encoded = false;
    bool is_writing = false;
    bool is_queued = false;
    uint64_t wanted_by_request = 0;  ///< position
  };

  void loop();
  void apply_group(const Group& group);
  void apply_run(State& state);
  /// Takes what the records gave so far.
  void send_messages(State& state);
  /// Gives the state's messages to the writer, and waits for it when it has too many.
  void hand_on(State& state);
  void wait_for_writer();
  void limit_unconfirmed();
  void end_replay();
  void run_tasks(std::deque<Task>& tasks);
  void finish_commits(const std::vector<Partition>& committed);
  void begin_request(uint64_t request);
  void queue_due_commits(Duration boot_now);
  void queue_commit(uint16_t index);
  /// Encodes about `count` pieces; true when there is more to encode at once.
  bool advance_commits(size_t count);
  [[nodiscard]] bool may_write(const State& state) const;
  /// Whether a message from before the commit under way is not even on its way to the disk.
  [[nodiscard]] static bool waits_for_replay(const State& state);
  /// False: every open commit waits for messages that only the rest of the replay confirms, so records must go on.
  [[nodiscard]] bool may_commits_end() const;
  void limit_memory();
  void publish();
  [[nodiscard]] uint16_t index_of(Partition partition) const { return index_of_[partition.number]; }

  WorkerPorts& ports_;
  const Clock& clock_;
  WorkerOptions options_;
  std::vector<State> states_;
  std::array<uint16_t, kSequenceCount> index_of_{};  ///< kNotOwned elsewhere
  static constexpr uint16_t kNotOwned = UINT16_MAX;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> items_;
  std::deque<Task> tasks_;
  std::vector<Partition> committed_;
  uint64_t request_ = 0;
  bool is_stopping_ = false;

  std::atomic<size_t> queued_bytes_{0};
  std::atomic<size_t> messages_waiting_bytes_{0};
  std::atomic<int64_t> oldest_ms_{0};
  std::atomic<bool> is_replayed_{false};
  std::atomic<uint64_t> committed_request_{0};
  Counters counters_;
  uint64_t replayed_ = 0;

  // The thread's own.
  Effects effects_;
  std::deque<Task> waiting_;
  std::deque<uint16_t> commit_queue_;
  size_t commits_open_ = 0;
  uint64_t request_begun_ = 0;
  Duration next_look_;
  bool is_over_memory_ = false;
  bool is_failed_ = false;
  bool is_cut_short_ = false;  ///< stopped inside a run: its messages are not all on their way
  size_t evict_next_ = 0;
  std::thread thread_;
};

}  // namespace terreno::engine
