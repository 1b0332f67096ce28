#include "engine/threaded_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/result.h"
#include "base/thread.h"

namespace terreno::engine {

namespace {

constexpr size_t kCheckpointsKept = 2;
constexpr uint64_t kFreeBytesFloor = uint64_t{2} << 30;
/// More than what ticks add to a group.
constexpr size_t kTicksBytesMax = 1 << 20;

}  // namespace

Result<std::unique_ptr<Engine>> make_engine(EngineOptions options, Files& files, std::unique_ptr<Store> store,
                                            const Clock& clock, Random& random, const Machine& machine,
                                            OutputSink& outputs) {
  auto engine = std::make_unique<ThreadedEngine>(std::move(options), files, std::move(store), clock, outputs);
  TERRENO_TRY_VOID(engine->open(machine, random));
  return engine;
}

ThreadedEngine::ThreadedEngine(EngineOptions options, Files& files, std::unique_ptr<Store> store, const Clock& clock,
                               OutputSink& outputs)
    : options_(std::move(options)), files_(files), store_(std::move(store)), clock_(clock), outputs_(outputs) {
  if (options_.threads == 0) options_.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 2U);
  options_.threads = std::min<unsigned>(options_.threads, kSequenceCount);
  // Else a group would be too large for the journal, which is found out when it is too late to refuse it.
  TERRENO_CHECK(options_.group_bytes_max <= kGroupBytesMax - kTicksBytesMax, "groups above the journal's bound");
  options_.message_piece_bytes_max = std::min(options_.message_piece_bytes_max, options_.group_bytes_max);
}

ThreadedEngine::~ThreadedEngine() {
  stop_threads();
  // Their queues hold groups that go back to the pool.
  workers_.clear();
}

// ---------------------------------------------------------------------------------------------------------------------
// Opening

Result<void> ThreadedEngine::open(const Machine& machine, Random& random) {
  TERRENO_TRY_VOID(files_.make_folder(options_.folder));
  TERRENO_TRY(lock_, files_.lock(lock_path(options_.folder)));
  JournalOptions journal;
  journal.folder = journal_folder(options_.folder);
  journal.segment_bytes_first = options_.segment_bytes_first;
  journal.segment_bytes_max = options_.segment_bytes_max;
  journal.compress = options_.compress;
  const Id128 id = random.next();
  const Id128 seed = random.next();
  TERRENO_TRY(journal_, Journal::open(files_, journal, {id, seed.high ^ seed.low}));
  TERRENO_TRY(const auto committed, committed_positions(*store_));
  // Also refuses a store that does not fit the journal.
  TERRENO_TRY(cursor_, journal_->cursor_after(committed));
  TERRENO_TRY_VOID(load_partitions(machine, journal_->identity().installation_seed));
  TERRENO_TRY_VOID(files_.make_folder(checkpoints_folder(options_.folder)));
  TERRENO_TRY(const auto kept, files_.list(checkpoints_folder(options_.folder)));
  for (const std::string& name : kept) {
    // One that a crash left half made.
    if (name.ends_with(".tmp"))
      TERRENO_TRY_VOID(files_.remove_folder(checkpoints_folder(options_.folder) + "/" + name));
    next_checkpoint_ = std::max<uint64_t>(next_checkpoint_, std::strtoull(name.c_str(), nullptr, 10) + 1);
  }
  owner_time_ = std::make_unique<OwnerTime>(clock_, journal_->sequencer().latest_tick());
  is_time_held_ = owner_time_->is_held();
  last_checkpoint_ = clock_.boot();
  look_at_space();
  start_threads(committed);
  return {};
}

Result<void> ThreadedEngine::load_partitions(const Machine& machine, uint64_t installation_seed) {
  TERRENO_TRY(auto skipped, read_skipped(files_, options_.folder));
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    PartitionOptions partition;
    partition.installation_seed = installation_seed;
    partition.wakes_per_tick_max = options_.wakes_per_tick_max;
    partition.repeats = options_.repeats;
    partition.skipped = std::move(skipped[number]);
    cores_.push_back(std::make_unique<PartitionCore>(Partition{number}, machine, *store_, std::move(partition)));
    TERRENO_TRY_VOID(cores_.back()->load());
  }
  return {};
}

void ThreadedEngine::start_threads(const std::array<Position, kSequenceCount>& committed) {
  std::vector<std::vector<ApplyWorker::Owned>> owned(options_.threads);
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    const Position end = journal_->sequencer().end(Partition{number}).last;
    unapplied_at_start_ += end.value - committed[number].value;
    owned[number % options_.threads].push_back({std::move(cores_[number]), &published_[number], end});
  }
  cores_.clear();
  sequence_at_start_ = journal_->synced_sequence();
  WorkerOptions worker;
  worker.memory_bytes_max = options_.memory_bytes_max / options_.threads;
  worker.commit_interval = options_.commit_interval;
  worker.commit_records_per_partition = std::max<uint64_t>(options_.commit_records / kSequenceCount, 1);
  worker.message_piece_bytes_max = options_.message_piece_bytes_max;
  worker.message_bytes_max = options_.message_bytes_max;
  for (auto& each : owned) {
    workers_.push_back(
        std::make_unique<ApplyWorker>(static_cast<WorkerPorts&>(*this), clock_, worker, std::move(each)));
  }
  for (auto& each : workers_) each->start();
  housekeeper_ = std::thread([this] {
    name_this_thread("store");
    keep_house();
  });
  writer_ = std::thread([this] {
    name_this_thread("journal");
    write_loop();
  });
  if (options_.apply)
    feeder_ = std::thread([this] {
      name_this_thread("feeder");
      feed_loop();
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Intake

std::optional<Error> ThreadedEngine::refusal(bool urgent) const {
  if (is_failed()) return stopped_error();
  if (is_intake_closed_) return Error{Errc::stopping, "the engine is stopping"};
  if (urgent) return std::nullopt;
  if (is_space_low_.load(std::memory_order_relaxed)) return Error{Errc::no_space, "below the free-space floor"};
  if (pending_bytes_ > options_.queued_bytes_max) return Error{Errc::overloaded, "queued bytes"};
  if (!options_.apply) return std::nullopt;
  const uint64_t appended = appended_records_.load(std::memory_order_relaxed);
  const uint64_t unapplied =
      unapplied_at_start_ + appended - std::min(applied_records(), unapplied_at_start_ + appended);
  const bool is_replayed =
      std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->is_replayed(); });
  if (!is_replayed) {
    if (appended > options_.unapplied_records_max) return Error{Errc::overloaded, "records while catching up"};
    return std::nullopt;
  }
  if (unapplied > options_.unapplied_records_max) return Error{Errc::overloaded, "unapplied records"};
  const Duration now = clock_.boot();
  for (const auto& worker : workers_) {
    if (worker->lag(now) > options_.lag_max) return Error{Errc::overloaded, "age of unapplied records"};
  }
  return std::nullopt;
}

void ThreadedEngine::append(Batch batch, DurableCallback done, bool urgent) {
  std::optional<Error> error;
  for (const Batch::Item& item : batch.items()) {
    TERRENO_CHECK(item.partition.number < kSequenceCount && item.type < kEngineTypeFirst, "no such partition or type");
    if (item.size > kPayloadBytesMax) error = Error{Errc::overloaded, "a record above 8 MiB"};
  }
  if (journal_bytes(batch) > options_.group_bytes_max) {
    error = Error{Errc::overloaded, fmt::format("a batch above {} bytes", options_.group_bytes_max)};
  }
  if (!error) {
    const std::lock_guard lock(intake_mutex_);
    error = refusal(urgent);
    if (!error) {
      Pending pending;
      pending.records.batch = std::move(batch);
      pending.done = std::move(done);
      pending_bytes_ += pending.bytes();
      pending_.push_back(std::move(pending));
    }
  }
  if (!error) {
    intake_wake_.notify_one();
  } else if (done) {
    done(std::unexpected(std::move(*error)));
  }
}

void ThreadedEngine::append_messages(Partition source, MessageBatch messages) {
  {
    const std::lock_guard lock(intake_mutex_);
    if (is_writer_stopping_) return;
    Pending pending;
    pending.records = std::move(messages);
    pending.sender = source;
    pending_bytes_ += pending.bytes();
    pending_.push_back(std::move(pending));
  }
  intake_wake_.notify_one();
}

void ThreadedEngine::clock_reset(Timestamp time, DurableCallback done) {
  std::optional<Error> error;
  {
    const std::lock_guard lock(intake_mutex_);
    error = refusal(true);
    if (!error) {
      Pending pending;
      pending.clock_reset = time;
      pending.done = std::move(done);
      pending_bytes_ += pending.bytes();
      pending_.push_back(std::move(pending));
    }
  }
  if (!error) {
    intake_wake_.notify_one();
  } else if (done) {
    done(std::unexpected(std::move(*error)));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

void ThreadedEngine::read(Partition partition, ReadTask task) {
  TERRENO_CHECK(partition.number < kSequenceCount, "no such partition");
  const Position not_before = task.not_before;
  worker_of(partition).push_task(partition, not_before, [this, task = std::move(task)](PartitionCore& core) {
    if (auto read = core.read(task); !read) fail(read.error());
  });
}

void ThreadedEngine::scan_rows(Partition partition, RowScan scan, RowsCallback done) {
  TERRENO_CHECK(partition.number < kSequenceCount, "no such partition");
  const Position not_before = scan.not_before;
  worker_of(partition).push_task(
      partition, not_before,
      [scan = std::move(scan), done = std::move(done)](PartitionCore& core) { done(core.scan_rows(scan)); });
}

void ThreadedEngine::record_at(Partition partition, Position position, RecordCallback done) {
  done(journal_->record_at(partition, position));
}

// ---------------------------------------------------------------------------------------------------------------------
// News

uint64_t ThreadedEngine::applied_records() const {
  uint64_t applied = 0;
  for (const auto& worker : workers_) applied += worker->counters().applied.load(std::memory_order_acquire);
  return applied;
}

Health ThreadedEngine::health() const {
  Health health;
  health.ready = true;
  // Applied first: what is appended meanwhile may only make the difference too large.
  health.applied = applied_records();
  const uint64_t all = unapplied_at_start_ + appended_records_.load(std::memory_order_acquire);
  health.unapplied = all - std::min(health.applied, all);
  const Duration now = clock_.boot();
  for (const auto& worker : workers_) {
    const ApplyWorker::Counters& counters = worker->counters();
    health.ready = health.ready && (worker->is_replayed() || !options_.apply);
    health.lag = std::max(health.lag, worker->lag(now));
    health.replayed += counters.replayed;
    health.evicted += counters.evicted;
    health.loaded += counters.loaded;
    health.messages_repeated += counters.messages_repeated;
    health.skipped += counters.skipped;
    health.memory_bytes += counters.memory_bytes;
  }
  if (options_.apply && !is_time_held_) {
    const Timestamp wall_now = clock_.now();
    for (const Published& published : published_) {
      if (published.next_wake_ms.load(std::memory_order_relaxed) <= wall_now.ms) ++health.due;
    }
  }
  health.commits = commits_;
  health.journal_bytes = journal_->bytes();
  health.time_held = is_time_held_;
  const std::lock_guard lock(progress_mutex_);
  health.stopped = stopped_;
  return health;
}

void ThreadedEngine::on_progress(bool wakes_changed) {
  {
    // Under the lock, so that a waiter between its test and its wait does not miss it.
    const std::lock_guard lock(progress_mutex_);
  }
  progress_.notify_all();
  feed_wake_.notify_one();
  if (!wakes_changed) return;
  {
    const std::lock_guard lock(intake_mutex_);
    wakes_changed_ = true;
  }
  intake_wake_.notify_one();
}

void ThreadedEngine::fail(const Error& error) {
  {
    const std::lock_guard lock(progress_mutex_);
    if (is_failed_) return;
    stopped_ = error.context.empty() ? "stopped" : error.context;
    stopped_code_ = error.code;
    is_failed_ = true;
  }
  progress_.notify_all();
  intake_wake_.notify_all();
  feed_wake_.notify_all();
  if (options_.on_stopped) options_.on_stopped(error);
}

Error ThreadedEngine::stopped_error() const {
  const std::lock_guard lock(progress_mutex_);
  return {stopped_code_, stopped_};
}

// ---------------------------------------------------------------------------------------------------------------------
// Checkpoints and the end

Result<void> ThreadedEngine::drain() {
  std::unique_lock progress(progress_mutex_);
  while (true) {
    if (is_failed_) return std::unexpected(Error{stopped_code_, stopped_});
    progress.unlock();
    const auto is_quiet = [this] {
      const std::lock_guard intake(intake_mutex_);
      return pending_.empty() && !is_writing_;
    };
    // What a record sends is queued before it counts as applied: so between two quiet moments with nothing unapplied
    // and nothing appended there was nothing left.
    const uint64_t appended = appended_records_.load(std::memory_order_acquire);
    const bool is_drained = is_quiet() && (!options_.apply || health().unapplied == 0) && is_quiet() &&
                            appended == appended_records_.load(std::memory_order_acquire);
    if (is_drained) return {};
    progress.lock();
    progress_.wait_for(progress, std::chrono::milliseconds(5));
  }
}

Result<void> ThreadedEngine::checkpoint() {
  const std::lock_guard control(control_mutex_);
  if (is_stopped_) return std::unexpected(Error{Errc::stopping, "the engine is stopped"});
  ++request_;
  for (auto& worker : workers_) worker->request_commit(request_);
  {
    std::unique_lock lock(progress_mutex_);
    progress_.wait(lock, [this] {
      return is_failed_ || std::all_of(workers_.begin(), workers_.end(),
                                       [this](const auto& worker) { return worker->committed_request() >= request_; });
    });
    if (is_failed_) return std::unexpected(Error{stopped_code_, stopped_});
  }
  std::optional<Result<void>> kept;
  add_job([this, &kept] {
    auto result = keep_checkpoint();
    const std::lock_guard lock(progress_mutex_);
    kept = std::move(result);
    progress_.notify_all();
  });
  std::unique_lock lock(progress_mutex_);
  progress_.wait(lock, [&kept] { return kept.has_value(); });
  return *kept;
}

Result<void> ThreadedEngine::stop() {
  {
    const std::lock_guard lock(control_mutex_);
    if (is_stopped_) return {};
  }
  Result<void> result;
  {
    const std::lock_guard lock(intake_mutex_);
    is_intake_closed_ = true;
    // So that the next start knows how long the stop was.
    if (!is_failed()) {
      Pending tick;
      tick.is_final_tick = true;
      pending_.push_back(std::move(tick));
    }
  }
  intake_wake_.notify_all();
  result = drain();
  if (result && options_.apply) result = checkpoint();
  stop_threads();
  const std::lock_guard lock(control_mutex_);
  is_stopped_ = true;
  return result;
}

void ThreadedEngine::stop_threads() {
  {
    const std::lock_guard lock(intake_mutex_);
    is_intake_closed_ = true;
    is_writer_stopping_ = true;
  }
  intake_wake_.notify_all();
  {
    const std::lock_guard lock(feed_mutex_);
    is_feeder_stopping_ = true;
  }
  feed_wake_.notify_all();
  if (feeder_.joinable()) feeder_.join();
  if (writer_.joinable()) writer_.join();
  for (auto& worker : workers_) worker->stop();
  {
    const std::lock_guard lock(house_mutex_);
    is_house_stopping_ = true;
  }
  house_wake_.notify_all();
  if (housekeeper_.joinable()) housekeeper_.join();
}

// ---------------------------------------------------------------------------------------------------------------------
// Housekeeping

void ThreadedEngine::add_job(std::function<void()> job) {
  {
    const std::lock_guard lock(house_mutex_);
    jobs_.push_back(std::move(job));
  }
  house_wake_.notify_one();
}

void ThreadedEngine::write_commit(PartitionCore& core) {
  // The worker leaves the batch alone until `on_committed`.
  add_job([this, &core] {
    if (is_failed()) return;
    if (auto committed = store_->commit(core.commit_batch(), false); !committed) return fail(committed.error());
    ++commits_;
    worker_of(core.partition()).on_committed(core.partition());
  });
}

void ThreadedEngine::keep_house() {
  constexpr Duration kLook = seconds(1);
  Duration last_look = clock_.boot();
  std::unique_lock lock(house_mutex_);
  while (true) {
    house_wake_.wait_for(lock, std::chrono::seconds(1), [this] { return is_house_stopping_ || !jobs_.empty(); });
    if (is_house_stopping_) return;
    std::function<void()> job;
    if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    lock.unlock();
    if (job) job();
    // After each job, since under a steady load there is always another.
    const Duration now = clock_.boot();
    if (now.ms - last_look.ms >= kLook.ms) {
      last_look = now;
      look_at_space();
    }
    if (now.ms - last_checkpoint_.ms >= options_.checkpoint_interval.ms && commits_ > commits_at_checkpoint_ &&
        !is_failed()) {
      if (auto kept = keep_checkpoint(); !kept) fail(kept.error());
    }
    lock.lock();
  }
}

Result<void> ThreadedEngine::keep_checkpoint() {
  const uint64_t commits = commits_;
  const std::string folder = checkpoints_folder(options_.folder);
  TERRENO_TRY_VOID(store_->commit(StoreBatch(), true));
  const std::string path = fmt::format("{}/{:010}", folder, next_checkpoint_);
  TERRENO_TRY_VOID(store_->checkpoint(path));
  TERRENO_TRY_VOID(files_.sync_folder(folder));
  ++next_checkpoint_;
  last_checkpoint_ = clock_.boot();
  commits_at_checkpoint_ = commits;
  TERRENO_TRY(auto names, files_.list(folder));
  for (size_t i = 0; i + kCheckpointsKept < names.size(); ++i) {
    TERRENO_TRY_VOID(files_.remove_folder(fmt::format("{}/{}", folder, names[i])));
  }
  return {};
}

void ThreadedEngine::look_at_space() {
  if (!options_.check_free_space) return;
  const auto space = files_.space(options_.folder);
  if (space) is_space_low_ = space->free < std::max(kFreeBytesFloor, space->total / 20);
}

}  // namespace terreno::engine
