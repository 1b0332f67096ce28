// The writer and the feeder of ThreadedEngine: how records reach the journal, and how synced groups reach the workers.

#include <algorithm>
#include <chrono>

#include "base/result.h"
#include "engine/threaded_engine.h"

namespace terreno::engine {

namespace {

/// What one group takes from the queue: larger ones gain nothing and delay the first batch in them.
constexpr size_t kGroupBytesWanted = 2 << 20;
constexpr size_t kGroupsPooled = 16;
/// Groups above this are not kept for reuse.
constexpr size_t kPooledBytesMax = 8 << 20;
/// An idle server still says once an hour what time it is, so that a restart knows how long it was down.
constexpr Duration kHeartbeat = hours(1);
constexpr std::chrono::milliseconds kWriterWaitMax(1000);

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// The writer

void ThreadedEngine::write_loop() {
  std::unique_lock lock(intake_mutex_);
  while (true) {
    lock.unlock();
    const auto wait = time_to_next_tick();
    lock.lock();
    if (pending_.empty() && !wakes_changed_ && wait.count() > 0) {
      intake_wake_.wait_for(
          lock, wait, [this] { return !pending_.empty() || wakes_changed_ || is_writer_stopping_ || is_failed(); });
    }
    wakes_changed_ = false;
    auto pending = take_pending();
    if (is_writer_stopping_ || is_failed()) {
      const bool has_failed = is_failed();
      lock.unlock();
      refuse_all(pending, has_failed ? stopped_error() : Error{Errc::stopping, "the engine is stopping"});
      lock.lock();
      if (is_writer_stopping_ && pending_.empty()) return;
      // Failed: answer whoever still comes, until the engine is destroyed.
      intake_wake_.wait(lock, [this] { return is_writer_stopping_ || !pending_.empty(); });
      continue;
    }
    is_writing_ = true;
    lock.unlock();
    if (auto written = write_group(pending); !written) {
      fail(written.error());
      refuse_all(pending, written.error());
    }
    lock.lock();
    is_writing_ = false;
  }
}

std::vector<ThreadedEngine::Pending> ThreadedEngine::take_pending() {
  std::vector<Pending> taken;
  size_t bytes = 0;
  const auto fits = [&] {
    return bytes < kGroupBytesWanted && bytes + pending_.front().bytes() <= options_.group_bytes_max;
  };
  // The first is taken however large: `append` has refused what is too large, and a single message is not.
  while (!pending_.empty() && (taken.empty() || fits())) {
    bytes += pending_.front().bytes();
    taken.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  pending_bytes_ -= std::min(bytes, pending_bytes_);
  return taken;
}

std::chrono::milliseconds ThreadedEngine::time_to_next_tick() {
  if (owner_time_->is_held()) return kWriterWaitMax;
  const Timestamp now = owner_time_->now();
  auto wait = kWriterWaitMax;
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    const Published& published = published_[number];
    const Position applied{published.applied.load(std::memory_order_acquire)};
    const int64_t wake_ms = published.next_wake_ms.load(std::memory_order_relaxed);
    if (wake_ms == Published::kNoWake) continue;
    // While a tick is under way its partition has nothing to wait for.
    if (applied < journal_->sequencer().end(Partition{number}).last_tick_position) continue;
    wait = std::min(wait, std::chrono::milliseconds(std::clamp<int64_t>(wake_ms - now.ms, 0, kWriterWaitMax.count())));
  }
  return wait;
}

Result<void> ThreadedEngine::write_group(std::vector<Pending>& pending) {
  const Timestamp wall_now = clock_.now();
  auto group = take_group();
  Sequencer& sequencer = journal_->sequencer();
  const auto add = [&group](const JournalRecord& record) { group->add(record); };

  std::vector<std::vector<Placed>> placed(pending.size());
  for (size_t i = 0; i < pending.size(); ++i) {
    Pending& each = pending[i];
    if (each.clock_reset) {
      owner_time_->reset(*each.clock_reset);
      is_time_held_ = false;
      for (uint16_t number = 0; number < kSequenceCount; ++number) {
        const Partition partition{number};
        placed[i].push_back({partition, sequencer.clock_reset(partition, wall_now, *each.clock_reset, add)});
      }
    }
    std::optional<Timestamp> owner_now;
    if (!owner_time_->is_held()) owner_now = owner_time_->now();
    if (each.is_final_tick && owner_now) sequencer.tick(kLane, wall_now, *owner_now, add);
    const Batch& batch = each.records.batch;
    if (each.done) placed[i].reserve(batch.items().size());
    for (size_t item = 0; item < batch.items().size(); ++item) {
      std::optional<MessageHeader> message;
      if (each.sender) message = each.records.headers[item];
      const Batch::Item& record = batch.items()[item];
      const Position position = sequencer.place(record, batch.payload(record), message, wall_now, owner_now, add);
      if (each.done) placed[i].push_back({record.partition, position});
    }
  }
  if (!owner_time_->is_held()) add_due_ticks(*group, wall_now, owner_time_->now());
  if (group->empty()) return {};

  TERRENO_TRY_VOID(journal_->append(*group));
  appended_records_.fetch_add(group->records().size(), std::memory_order_release);
  for (size_t i = 0; i < pending.size(); ++i) {
    if (pending[i].sender) {
      published_[pending[i].sender->number].messages_durable.fetch_add(1, std::memory_order_release);
      worker_of(*pending[i].sender).on_messages_durable(pending[i].bytes());
    }
    if (pending[i].done) pending[i].done(std::move(placed[i]));
  }
  if (options_.apply) hand_on(std::move(group));
  if (journal_->wants_segment()) add_job([this] { journal_->prepare_segment(); });
  return {};
}

void ThreadedEngine::add_due_ticks(Group& group, Timestamp wall_now, Timestamp owner_now) {
  Sequencer& sequencer = journal_->sequencer();
  const auto add = [&group](const JournalRecord& record) { group.add(record); };
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    const Published& published = published_[number];
    const Position applied{published.applied.load(std::memory_order_acquire)};
    const int64_t wake_ms = published.next_wake_ms.load(std::memory_order_relaxed);
    if (wake_ms > owner_now.ms) continue;
    if (sequencer.needs_tick(Partition{number}, applied, Timestamp{wake_ms}, owner_now)) {
      sequencer.tick(Partition{number}, wall_now, owner_now, add);
    }
  }
  const Timestamp last = sequencer.end(kLane).last_tick;
  if (!last.is_zero() && owner_now - last > kHeartbeat) sequencer.tick(kLane, wall_now, owner_now, add);
}

void ThreadedEngine::refuse_all(std::vector<Pending>& pending, const Error& error) {
  for (Pending& each : pending) {
    if (each.done) each.done(std::unexpected(error));
    each.done = nullptr;
  }
}

std::shared_ptr<Group> ThreadedEngine::take_group() {
  std::unique_ptr<Group> group;
  {
    const std::lock_guard lock(pool_mutex_);
    if (!pool_.empty()) {
      group = std::move(pool_.back());
      pool_.pop_back();
    }
  }
  if (!group) group = std::make_unique<Group>();
  group->clear();
  return {group.release(), [this](Group* used) {
            std::unique_ptr<Group> owned(used);
            const std::lock_guard lock(pool_mutex_);
            if (pool_.size() < kGroupsPooled && owned->raw_bytes() <= kPooledBytesMax)
              pool_.push_back(std::move(owned));
          }};
}

// ---------------------------------------------------------------------------------------------------------------------
// Feeding

void ThreadedEngine::hand_on(std::shared_ptr<const Group> group) {
  const std::lock_guard lock(feed_mutex_);
  if (!is_live_) {
    feed_wake_.notify_one();
    return;
  }
  if (queued_bytes_of_workers() > options_.unapplied_bytes_max) {
    // Let the journal keep what apply cannot take yet; the feeder brings it back.
    is_live_ = false;
    cursor_ = journal_->cursor_at_last();
    feed_wake_.notify_one();
    return;
  }
  push_to_workers(group);
}

void ThreadedEngine::push_to_workers(const std::shared_ptr<const Group>& group) {
  const Duration now = clock_.boot();
  for (auto& worker : workers_) worker->push(group, now);
}

size_t ThreadedEngine::queued_bytes_of_workers() const {
  size_t most = 0;
  for (const auto& worker : workers_) most = std::max(most, worker->queued_bytes());
  return most;
}

void ThreadedEngine::feed_loop() {
  bool has_ended_replay = false;
  while (true) {
    {
      std::unique_lock lock(feed_mutex_);
      // Everything synced has been read: from here on the writer hands groups on itself. A group that both hand on is
      // passed over by its positions.
      if (!is_live_ && cursor_->sequence() > journal_->synced_sequence()) is_live_ = true;
      if (!has_ended_replay && cursor_->sequence() > sequence_at_start_) {
        has_ended_replay = true;
        for (auto& worker : workers_) worker->push_replay_end();
      }
      feed_wake_.wait_for(lock, std::chrono::milliseconds(is_live_ ? 1000 : 20), [this] {
        return is_feeder_stopping_ || is_failed() ||
               (!is_live_ && queued_bytes_of_workers() <= options_.unapplied_bytes_max / 2);
      });
      if (is_feeder_stopping_ || is_failed()) return;
      if (is_live_ || queued_bytes_of_workers() > options_.unapplied_bytes_max / 2) continue;
    }
    // While the writer does not hand on, the cursor is this thread's.
    auto group = take_group();
    const auto more = cursor_->next(*group);
    if (!more) return fail(more.error());
    if (!*more) continue;
    {
      const std::lock_guard lock(durable_mutex_);
      for (const JournalRecord& record : group->records()) {
        if (!record.message) continue;
        MessageMark& last = durable_messages_[record.message->source.number][record.partition.number];
        last = std::max(last, record.message->mark);
      }
    }
    push_to_workers(group);
  }
}

void ThreadedEngine::drop_durable(Partition source, MessageQueue& messages) {
  const std::lock_guard lock(durable_mutex_);
  const auto& durable = durable_messages_[source.number];
  messages.drop_while([&](Partition target, MessageMark mark) { return mark <= durable[target.number]; });
}

}  // namespace terreno::engine
