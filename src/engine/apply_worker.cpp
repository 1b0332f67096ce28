#include "engine/apply_worker.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/thread.h"

namespace terreno::engine {

namespace {

/// Looking at clocks, memory and due commits more often than this gains nothing.
constexpr Duration kLookInterval = milliseconds(10);
/// Commits of one worker that are gathered or written at once: bounds the memory of batches.
constexpr size_t kCommitsOpenMax = 4;
constexpr size_t kIdleSlice = 2048;
constexpr std::chrono::milliseconds kIdleWait(500);
constexpr std::chrono::milliseconds kCommitWait(2);

}  // namespace

ApplyWorker::ApplyWorker(WorkerPorts& ports, const Clock& clock, WorkerOptions options, std::vector<Owned> owned)
    : ports_(ports), clock_(clock), options_(options) {
  index_of_.fill(kNotOwned);
  const Duration now = clock.boot();
  for (Owned& each : owned) {
    index_of_[each.core->partition().number] = static_cast<uint16_t>(states_.size());
    State& state = states_.emplace_back();
    state.owned = std::move(each);
    // Spread over the interval, so that partitions do not commit all at once.
    state.last_commit = {now.ms - options_.commit_interval.ms * state.owned.core->partition().number / kSequenceCount};
  }
}

ApplyWorker::~ApplyWorker() { stop(); }

void ApplyWorker::start() {
  publish();
  thread_ = std::thread([this] {
    name_this_thread("apply");
    loop();
  });
}

void ApplyWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ApplyWorker::push(std::shared_ptr<const Group> group, Duration synced_at) {
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_.fetch_add(group->raw_bytes(), std::memory_order_relaxed);
    if (items_.empty() && oldest_ms_.load(std::memory_order_relaxed) == 0)
      oldest_ms_ = std::max<int64_t>(synced_at.ms, 1);
    items_.push_back({std::move(group), synced_at});
  }
  wake_.notify_one();
}

void ApplyWorker::push_replay_end() {
  {
    const std::lock_guard lock(mutex_);
    items_.push_back({nullptr, {}});
  }
  wake_.notify_one();
}

void ApplyWorker::push_task(Partition partition, Position not_before, std::function<void(PartitionCore&)> run) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({index_of(partition), not_before, std::move(run)});
  }
  wake_.notify_one();
}

void ApplyWorker::on_committed(Partition partition) {
  {
    const std::lock_guard lock(mutex_);
    committed_.push_back(partition);
  }
  wake_.notify_one();
}

void ApplyWorker::request_commit(uint64_t request) {
  {
    const std::lock_guard lock(mutex_);
    request_ = request;
  }
  wake_.notify_one();
}

void ApplyWorker::on_messages_durable(size_t bytes) {
  const size_t before = messages_waiting_bytes_.fetch_sub(bytes, std::memory_order_acq_rel);
  if (before <= options_.message_bytes_max) return;
  {
    // Under the lock, so that the thread between its test and its wait does not miss it.
    const std::lock_guard lock(mutex_);
  }
  wake_.notify_one();
}

Duration ApplyWorker::lag(Duration boot_now) const {
  const int64_t oldest = oldest_ms_.load(std::memory_order_relaxed);
  return {oldest == 0 ? 0 : std::max<int64_t>(boot_now.ms - oldest, 0)};
}

void ApplyWorker::loop() {
  bool has_more_to_encode = false;
  while (!is_failed_ && !is_cut_short_) {
    Item item;
    bool has_item = false;
    std::deque<Task> tasks;
    std::vector<Partition> committed;
    uint64_t request = 0;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] {
        return is_stopping_ || !(items_.empty() || is_over_memory_) || !tasks_.empty() || !committed_.empty() ||
               request_ != request_begun_;
      };
      if (!has_more_to_encode) wake_.wait_for(lock, commits_open_ > 0 ? kCommitWait : kIdleWait, has_work);
      if (is_stopping_) return;
      // Far above its memory, a worker first lets commits make entities evictable.
      if (!items_.empty() && !is_over_memory_) {
        item = std::move(items_.front());
        items_.pop_front();
        has_item = true;
      }
      tasks.swap(tasks_);
      committed.swap(committed_);
      request = request_;
    }
    finish_commits(committed);
    size_t slice = kIdleSlice;
    if (has_item && item.group) {
      apply_group(*item.group);
      // A record dirties a few entities: keep up with them, and no more, so that records do not wait.
      slice = 256 + 4 * item.group->records().size();
      queued_bytes_.fetch_sub(item.group->raw_bytes(), std::memory_order_relaxed);
      item.group.reset();
    } else if (has_item) {
      end_replay();
    }
    if (has_item) {
      const std::lock_guard lock(mutex_);
      oldest_ms_ = items_.empty() ? 0 : std::max<int64_t>(items_.front().synced_at.ms, 1);
    }
    run_tasks(tasks);
    if (request != request_begun_) begin_request(request);
    const Duration now = clock_.boot();
    if (now >= next_look_) {
      next_look_ = {now.ms + kLookInterval.ms};
      queue_due_commits(now);
      limit_memory();
    }
    has_more_to_encode = advance_commits(slice);
    if (has_item || !committed.empty() || !tasks.empty()) publish();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Applying

void ApplyWorker::apply_group(const Group& group) {
  for (const JournalRecord& record : group.records()) {
    const uint16_t index = index_of_[record.partition.number];
    if (index != kNotOwned && record.position > states_[index].owned.core->applied()) {
      states_[index].run.push_back(record);
    }
  }
  for (State& state : states_) {
    if (state.run.empty()) continue;
    if (!is_failed_ && !is_cut_short_) apply_run(state);
    state.run.clear();
  }
  if (is_replayed_.load(std::memory_order_relaxed)) return;
  // Also of partitions that get no more records: their commits wait for it.
  for (State& state : states_) {
    if (!state.messages.empty()) ports_.drop_durable(state.owned.core->partition(), state.messages);
  }
}

void ApplyWorker::apply_run(State& state) {
  PartitionCore& core = *state.owned.core;
  const auto failed = [this](const Error& error) {
    is_failed_ = true;
    ports_.fail(error);
  };
  if (const auto fetched = core.prefetch(state.run); !fetched) return failed(fetched.error());
  for (const JournalRecord& record : state.run) {
    const bool is_live = record.position > state.owned.end_at_start;
    if (const auto applied = core.apply(record, effects_); !applied) return failed(applied.error());
    if (!is_live) ++replayed_;
    if (!effects_.outputs.empty()) {
      if (is_live) ports_.outputs().on_outputs(core.partition(), record.position, effects_.outputs);
      effects_.outputs.clear();
    }
    // Not only at the run's end: a few small records may send more than memory holds.
    if (journal_bytes(effects_.messages.batch) >= options_.message_piece_bytes_max) send_messages(state);
    if (is_cut_short_) return;
  }
  send_messages(state);
}

void ApplyWorker::send_messages(State& state) {
  if (effects_.messages.batch.empty()) return;
  state.messages.add(effects_.messages);
  if (is_replayed_.load(std::memory_order_relaxed)) return hand_on(state);
  // The journal may hold them already. What it does not will be known at the end of the replay.
  ports_.drop_durable(state.owned.core->partition(), state.messages);
  if (!state.messages.empty()) limit_unconfirmed();
}

void ApplyWorker::hand_on(State& state) {
  const PartitionCore& core = *state.owned.core;
  while (!state.messages.empty() && !is_cut_short_) {
    MessageBatch piece = state.messages.take_piece(options_.message_piece_bytes_max);
    ++state.messages_sent;
    // A commit that began during the replay waited for these as unconfirmed; now it waits until they are durable.
    if (core.is_committing() && piece.headers.front().mark.position <= core.commit_position().value) {
      state.messages_needed = state.messages_sent;
    }
    messages_waiting_bytes_.fetch_add(journal_bytes(piece.batch), std::memory_order_relaxed);
    ports_.append_messages(core.partition(), std::move(piece));
    wait_for_writer();
  }
}

void ApplyWorker::wait_for_writer() {
  const auto is_below = [this] {
    return messages_waiting_bytes_.load(std::memory_order_acquire) <= options_.message_bytes_max;
  };
  if (is_below()) return;
  // The writer waits for no apply thread, so this ends.
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return is_stopping_ || is_below(); });
  is_cut_short_ = is_stopping_;
}

void ApplyWorker::limit_unconfirmed() {
  while (!is_cut_short_) {
    size_t bytes = 0;
    State* most = &states_.front();
    for (State& state : states_) {
      bytes += state.messages.bytes();
      if (state.messages.bytes() > most->messages.bytes()) most = &state;
    }
    if (bytes <= options_.message_bytes_max) return;
    hand_on(*most);
  }
}

void ApplyWorker::end_replay() {
  for (State& state : states_) {
    ports_.drop_durable(state.owned.core->partition(), state.messages);
    hand_on(state);
  }
  if (!is_cut_short_) is_replayed_.store(true, std::memory_order_release);
}

void ApplyWorker::run_tasks(std::deque<Task>& tasks) {
  for (Task& task : tasks) waiting_.push_back(std::move(task));
  for (size_t i = waiting_.size(); i > 0; --i) {
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    PartitionCore& core = *states_[task.index].owned.core;
    if (core.applied() < task.not_before) {
      waiting_.push_back(std::move(task));
    } else {
      task.run(core);
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Committing

void ApplyWorker::queue_due_commits(Duration boot_now) {
  for (uint16_t index = 0; index < states_.size(); ++index) {
    State& state = states_[index];
    const uint64_t uncommitted = state.owned.core->applied().value - state.owned.core->committed().value;
    if (uncommitted == 0 || state.is_queued) continue;
    if (uncommitted >= options_.commit_records_per_partition ||
        boot_now.ms - state.last_commit.ms >= options_.commit_interval.ms) {
      queue_commit(index);
    }
  }
}

void ApplyWorker::queue_commit(uint16_t index) {
  State& state = states_[index];
  if (state.is_queued) return;
  state.is_queued = true;
  commit_queue_.push_back(index);
}

bool ApplyWorker::advance_commits(size_t count) {
  if (commit_queue_.empty() || is_failed_) return false;
  bool has_more = false;
  const size_t open_max = std::min(commit_queue_.size(), kCommitsOpenMax);
  for (size_t i = 0; i < open_max; ++i) {
    State& state = states_[commit_queue_[i]];
    PartitionCore& core = *state.owned.core;
    if (state.is_writing) continue;
    if (!core.is_committing()) {
      core.begin_commit();
      ++commits_open_;
      state.is_encoded = false;
      state.messages_needed = state.messages_sent;
    }
    if (!state.is_encoded) {
      state.is_encoded = core.continue_commit(count);
      has_more = has_more || !state.is_encoded;
    }
    if (state.is_encoded && may_write(state)) {
      state.is_writing = true;
      ports_.write_commit(core);
    }
    // One slice a turn, whoever it was for.
    if (!state.is_encoded) break;
  }
  return has_more;
}

bool ApplyWorker::waits_for_replay(const State& state) {
  return !state.messages.empty() && state.messages.front().mark.position <= state.owned.core->commit_position().value;
}

bool ApplyWorker::may_write(const State& state) const {
  return state.owned.published->messages_durable.load(std::memory_order_acquire) >= state.messages_needed &&
         !waits_for_replay(state);
}

bool ApplyWorker::may_commits_end() const {
  const size_t open_max = std::min(commit_queue_.size(), kCommitsOpenMax);
  return std::any_of(commit_queue_.begin(), commit_queue_.begin() + static_cast<std::ptrdiff_t>(open_max),
                     [this](uint16_t index) {
                       const State& state = states_[index];
                       return state.is_writing || !state.owned.core->is_committing() || !waits_for_replay(state);
                     });
}

void ApplyWorker::finish_commits(const std::vector<Partition>& committed) {
  for (const Partition partition : committed) {
    const uint16_t index = index_of(partition);
    State& state = states_[index];
    state.owned.core->finish_commit();
    state.is_writing = false;
    state.is_queued = false;
    state.last_commit = clock_.boot();
    --commits_open_;
    commit_queue_.erase(std::find(commit_queue_.begin(), commit_queue_.end(), index));
    if (state.owned.core->committed().value < state.wanted_by_request) queue_commit(index);
  }
  if (committed.empty() || request_begun_ == committed_request_) return;
  const bool is_done = std::all_of(states_.begin(), states_.end(), [](const State& state) {
    return state.owned.core->committed().value >= state.wanted_by_request;
  });
  if (is_done) {
    committed_request_.store(request_begun_, std::memory_order_release);
    ports_.on_progress(false);
  }
}

void ApplyWorker::begin_request(uint64_t request) {
  request_begun_ = request;
  bool is_done = true;
  for (uint16_t index = 0; index < states_.size(); ++index) {
    State& state = states_[index];
    state.wanted_by_request = state.owned.core->applied().value;
    if (state.owned.core->committed().value >= state.wanted_by_request) continue;
    is_done = false;
    queue_commit(index);
  }
  if (is_done) {
    committed_request_.store(request, std::memory_order_release);
    ports_.on_progress(false);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory and news

void ApplyWorker::limit_memory() {
  const auto used = [this] {
    size_t bytes = 0;
    for (const State& state : states_) bytes += state.owned.core->memory_bytes();
    return bytes;
  };
  size_t bytes = used();
  for (size_t tried = 0; bytes > options_.memory_bytes_max && tried < states_.size(); ++tried) {
    evict_next_ = (evict_next_ + 1) % states_.size();
    PartitionCore& core = *states_[evict_next_].owned.core;
    // From each its share, with some room, so that this is not needed again at once.
    const size_t share = (bytes - options_.memory_bytes_max) / (states_.size() - tried) + core.memory_bytes() / 16;
    core.evict(share);
    bytes = used();
  }
  // What is left is dirty: commit it early, and when that does not keep up, let records wait.
  if (bytes > options_.memory_bytes_max) {
    for (uint16_t index = 0; index < states_.size(); ++index) {
      const PartitionCore& core = *states_[index].owned.core;
      if (core.applied() > core.committed()) queue_commit(index);
    }
  }
  is_over_memory_ = bytes > 2 * options_.memory_bytes_max && may_commits_end();
}

void ApplyWorker::publish() {
  PartitionCore::Counters sum;
  size_t memory = 0;
  bool wakes_changed = false;
  for (State& state : states_) {
    PartitionCore& core = *state.owned.core;
    // While a replay goes on, a wait may look due that a later record ended long ago.
    const bool is_replaying = core.applied() < state.owned.end_at_start;
    const auto wake = is_replaying ? std::nullopt : core.next_wake();
    const int64_t wake_ms = wake ? wake->ms : Published::kNoWake;
    wakes_changed |= state.owned.published->next_wake_ms.exchange(wake_ms, std::memory_order_relaxed) != wake_ms;
    // A tick that has been applied and left something due must be followed by another.
    const uint64_t applied = core.applied().value;
    wakes_changed |= wake && state.owned.published->applied.load(std::memory_order_relaxed) != applied;
    state.owned.published->applied.store(applied, std::memory_order_release);
    sum.applied += core.counters().applied;
    sum.evicted += core.counters().evicted;
    sum.loaded += core.counters().loaded;
    sum.messages_repeated += core.counters().messages_repeated;
    sum.skipped += core.counters().skipped;
    memory += core.memory_bytes() + state.messages.bytes();
  }
  counters_.replayed.store(replayed_, std::memory_order_relaxed);
  counters_.evicted.store(sum.evicted, std::memory_order_relaxed);
  counters_.loaded.store(sum.loaded, std::memory_order_relaxed);
  counters_.messages_repeated.store(sum.messages_repeated, std::memory_order_relaxed);
  counters_.skipped.store(sum.skipped, std::memory_order_relaxed);
  counters_.memory_bytes.store(memory, std::memory_order_relaxed);
  counters_.applied.store(sum.applied, std::memory_order_release);
  ports_.on_progress(wakes_changed);
}

}  // namespace terreno::engine
