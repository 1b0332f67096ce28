#pragma once

// The threads of runtime.h. See there.

#include <condition_variable>
#include <deque>
#include <thread>

#include "engine/apply_worker.h"
#include "engine/data_folder.h"
#include "engine/runtime.h"

namespace terreno::engine {

class ThreadedEngine final : public Engine, private WorkerPorts {
 public:
  ThreadedEngine(EngineOptions options, Files& files, std::unique_ptr<Store> store, const Clock& clock,
                 OutputSink& outputs);
  ~ThreadedEngine() override;

  Result<void> open(const Machine& machine, Random& random);

  void append(Batch batch, DurableCallback done, bool urgent) override;
  void read(Partition partition, ReadTask task) override;
  void scan_rows(Partition partition, RowScan scan, RowsCallback done) override;
  void record_at(Partition partition, Position position, RecordCallback done) override;
  void clock_reset(Timestamp time, DurableCallback done) override;
  [[nodiscard]] Health health() const override;
  Result<void> checkpoint() override;
  Result<void> stop() override;

 private:
  struct Pending {
    MessageBatch records;
    DurableCallback done;
    std::optional<Timestamp> clock_reset;
    std::optional<Partition> sender;
    bool is_final_tick = false;
    [[nodiscard]] size_t bytes() const {
      return journal_bytes(records.batch) + (clock_reset ? kSequenceCount * kRecordHeaderBytesMax : 0);
    }
  };

  // Opening.
  Result<void> load_partitions(const Machine& machine, uint64_t installation_seed);
  void start_threads(const std::array<Position, kSequenceCount>& committed);

  // The writer.
  void write_loop();
  [[nodiscard]] std::vector<Pending> take_pending();
  [[nodiscard]] std::chrono::milliseconds time_to_next_tick();
  Result<void> write_group(std::vector<Pending>& pending);
  void add_due_ticks(Group& group, Timestamp wall_now, Timestamp owner_now);
  void hand_on(std::shared_ptr<const Group> group);
  [[nodiscard]] std::shared_ptr<Group> take_group();
  void refuse_all(std::vector<Pending>& pending, const Error& error);

  // The feeder.
  void feed_loop();
  void push_to_workers(const std::shared_ptr<const Group>& group);
  [[nodiscard]] size_t queued_bytes_of_workers() const;

  // The housekeeper.
  void keep_house();
  void add_job(std::function<void()> job);
  Result<void> keep_checkpoint();
  void look_at_space();

  // WorkerPorts.
  void append_messages(Partition source, MessageBatch messages) override;
  void drop_durable(Partition source, MessageQueue& messages) override;
  void write_commit(PartitionCore& core) override;
  void on_progress(bool wakes_changed) override;
  void fail(const Error& error) override;
  OutputSink& outputs() override { return outputs_; }

  [[nodiscard]] std::optional<Error> refusal(bool urgent) const;
  [[nodiscard]] uint64_t applied_records() const;
  [[nodiscard]] bool is_failed() const { return is_failed_.load(std::memory_order_acquire); }
  [[nodiscard]] Error stopped_error() const;
  [[nodiscard]] ApplyWorker& worker_of(Partition partition) { return *workers_[partition.number % workers_.size()]; }
  /// Waits until nothing is queued and all that was appended is applied.
  Result<void> drain();
  void stop_threads();

  EngineOptions options_;
  Files& files_;
  std::unique_ptr<Store> store_;
  const Clock& clock_;
  OutputSink& outputs_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<OwnerTime> owner_time_;  ///< the writer's
  std::array<Published, kSequenceCount> published_;
  std::vector<std::unique_ptr<ApplyWorker>> workers_;
  std::vector<std::unique_ptr<PartitionCore>> cores_;  ///< until the workers take them

  // Intake.
  mutable std::mutex intake_mutex_;
  std::condition_variable intake_wake_;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  bool wakes_changed_ = false;
  bool is_intake_closed_ = false;
  bool is_writer_stopping_ = false;
  bool is_writing_ = false;

  // Groups: reused, since fresh memory of a megabyte costs more than filling it.
  std::mutex pool_mutex_;
  std::vector<std::unique_ptr<Group>> pool_;

  // Feeding.
  std::mutex feed_mutex_;
  std::condition_variable feed_wake_;
  bool is_live_ = false;  ///< the writer hands groups on itself
  bool is_feeder_stopping_ = false;
  std::optional<Journal::Cursor> cursor_;
  uint64_t sequence_at_start_ = 0;
  mutable std::mutex durable_mutex_;
  std::array<std::array<MessageMark, kSequenceCount>, kSequenceCount> durable_messages_{};

  // Housekeeping.
  std::mutex house_mutex_;
  std::condition_variable house_wake_;
  std::deque<std::function<void()>> jobs_;
  bool is_house_stopping_ = false;
  Duration last_checkpoint_;
  uint64_t commits_at_checkpoint_ = 0;
  uint64_t next_checkpoint_ = 1;

  // News.
  mutable std::mutex progress_mutex_;
  std::condition_variable progress_;
  std::string stopped_;
  Errc stopped_code_ = Errc::stopping;
  std::atomic<bool> is_failed_{false};
  std::atomic<uint64_t> appended_records_{0};
  uint64_t unapplied_at_start_ = 0;
  std::atomic<uint64_t> commits_{0};
  std::atomic<bool> is_time_held_{false};
  std::atomic<bool> is_space_low_{false};
  uint64_t request_ = 0;
  std::mutex control_mutex_;  ///< one checkpoint or stop at a time
  bool is_stopped_ = false;

  std::thread writer_;
  std::thread feeder_;
  std::thread housekeeper_;
};

}  // namespace terreno::engine
