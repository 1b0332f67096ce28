#include "engine/stepped.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "base/check.h"
#include "base/result.h"

namespace terreno::engine {

namespace {

/// Small, so that a shuffled run changes entities between the slices.
constexpr size_t kShuffledSlice = 2;
/// An idle installation still says once an hour what time it is, so that a restart knows how long it was down.
constexpr Duration kHeartbeat = hours(1);

}  // namespace

SteppedEngine::SteppedEngine(const Machine& machine, OutputSink& outputs, Options options)
    : machine_(&machine),
      outputs_(&outputs),
      options_(std::move(options)),
      clock_(options_.start),
      draw_(options_.shuffle_seed.value_or(0)) {
  start();
}

SteppedEngine::SteppedEngine(const Machine& machine, OutputSink& outputs)
    : SteppedEngine(machine, outputs, Options()) {}

SteppedEngine::~SteppedEngine() = default;

void SteppedEngine::start() {
  cores_.clear();
  queue_.clear();
  waiting_.clear();
  effects_ = Effects();
  replayed_ = 0;
  stopped_.clear();
  sequencer_ = std::make_unique<Sequencer>(options_.partition.installation_seed);
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    cores_.push_back(std::make_unique<PartitionCore>(Partition{number}, *machine_, store_, options_.partition));
    if (auto loaded = cores_.back()->load(); !loaded) fail(loaded.error());
    for (const OwnedRecord& each : journal_[number]) sequencer_->follow(each.view());
    end_at_start_[number] = end(Partition{number});
    if (cores_.back()->applied() > end_at_start_[number])
      fail({Errc::store_ahead, fmt::format("partition {}", number)});
  }
  owner_time_ = std::make_unique<OwnerTime>(clock_, sequencer_->latest_tick());
}

void SteppedEngine::restart(size_t commits_kept, size_t groups_written) {
  TERRENO_CHECK(!is_stepping_, "a restart inside a step");
  for (; groups_written > 0 && !queue_.empty(); --groups_written) {
    queue_.front().done = nullptr;
    note(Mishap::unacknowledged, queue_.front());
    place(take_queued(0));
  }
  for (const Queued& queued : queue_) note(Mishap::lost, queued);
  std::array<Position, kSequenceCount> applied;
  for (uint16_t number = 0; number < kSequenceCount; ++number) applied[number] = cores_[number]->applied();
  store_.crash(commits_kept);
  start();
  if (!on_mishap) return;
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    for (uint64_t at = cores_[number]->applied().value; at < journal_[number].size(); ++at)
      on_mishap(at < applied[number].value ? Mishap::replayed : Mishap::unapplied, journal_[number][at].record.type);
  }
}

void SteppedEngine::note(Mishap mishap, const Queued& queued) const {
  if (!on_mishap) return;
  for (const Batch::Item& item : queued.records.batch.items()) on_mishap(mishap, item.type);
}

// ---------------------------------------------------------------------------------------------------------------------
// Steps

bool SteppedEngine::step() {
  if (!stopped_.empty()) return false;
  std::vector<Choice>& choices = choices_;
  choices.clear();
  if (!queue_.empty()) choices.push_back({Action::sync, {}, 0});
  const Timestamp owner_now = owner_time_->now();
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    const Partition partition{number};
    PartitionCore& core = *cores_[number];
    if (has_unapplied(partition)) {
      choices.push_back({Action::apply, partition, journal_[number][core.applied().value].order});
    }
    if (wants_commit(partition)) choices.push_back({Action::commit, partition, 0});
    // While a replay goes on, a wait may look due that a later record ended long ago.
    if (core.applied() >= end_at_start_[number] && !owner_time_->is_held() &&
        sequencer_->needs_tick(partition, core.applied(), core.next_wake(), owner_now)) {
      choices.push_back({Action::tick, partition, 0});
    }
  }
  if (choices.empty()) return false;
  const Choice chosen = options_.shuffle_seed
                            ? choices[draw_() % choices.size()]
                            : *std::min_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
                                return std::tuple(a.action, a.order) < std::tuple(b.action, b.order);
                              });
  is_stepping_ = true;
  switch (chosen.action) {
    case Action::sync:
      sync();
      break;
    case Action::apply:
      apply_next(chosen.partition);
      break;
    case Action::commit:
      commit_step(chosen.partition, !options_.shuffle_seed);
      break;
    case Action::tick:
      sequencer_->tick(chosen.partition, clock_.now(), owner_now,
                       [this](const JournalRecord& record) { add_record(record); });
      break;
  }
  is_stepping_ = false;
  run_waiting();
  return true;
}

void SteppedEngine::run_until_idle() {
  while (step()) {
  }
}

void SteppedEngine::advance(Duration span) {
  Duration left = span;
  while (stopped_.empty()) {
    run_until_idle();
    std::optional<Timestamp> next;
    for (const auto& core : cores_) {
      const auto wake = core->next_wake();
      if (wake && (!next || *wake < *next)) next = wake;
    }
    if (!next || owner_time_->is_held()) break;
    const Duration wait = *next - owner_time_->now();
    if (wait > left) break;
    TERRENO_CHECK(wait.ms > 0, "a wake-up is due and no tick fires it");
    clock_.advance(wait);
    left.ms -= wait.ms;
    // A wall clock that was set back holds the owner's time until it has caught up.
    if (owner_time_->now() < *next && left.ms <= 0) break;
  }
  clock_.advance(left);
  if (!owner_time_->is_held() && owner_time_->now() - sequencer_->latest_tick() > kHeartbeat) {
    sequencer_->tick(kLane, clock_.now(), owner_time_->now(),
                     [this](const JournalRecord& record) { add_record(record); });
  }
  run_until_idle();
}

size_t SteppedEngine::next_queued() {
  if (!disturbance_.reorders) return 0;
  constexpr size_t kLookedAtMax = 64;
  std::bitset<kSequenceCount> has_earlier;
  std::array<size_t, kLookedAtMax> candidates;
  size_t count = 0;
  for (size_t i = 0; i < queue_.size() && i < kLookedAtMax; ++i) {
    const Queued& queued = queue_[i];
    if (queued.sender && !queued.is_repeat) {
      if (has_earlier[queued.sender->number]) continue;
      has_earlier.set(queued.sender->number);
    }
    candidates[count++] = i;
  }
  return candidates[draw_() % count];
}

SteppedEngine::Queued SteppedEngine::take_queued(size_t index) {
  Queued queued = std::move(queue_[index]);
  queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(index));
  return queued;
}

void SteppedEngine::sync() {
  const size_t index = next_queued();
  for (size_t i = 0; i < index; ++i) note(Mishap::overtaken, queue_[i]);
  Queued queued = take_queued(index);
  if (queued.sender && !queued.is_repeat && disturbance_.repeated_of_1000 > 0 &&
      draw_() % 1000 < disturbance_.repeated_of_1000) {
    note(Mishap::repeated, queued);
    Queued again;
    again.records = queued.records;
    again.sender = queued.sender;
    again.is_repeat = true;
    queue_.push_back(std::move(again));
  }
  place(std::move(queued));
}

void SteppedEngine::place(Queued queued) {
  const auto add = [this](const JournalRecord& record) { add_record(record); };
  std::vector<Placed> placed;
  if (queued.clock_reset) {
    owner_time_->reset(*queued.clock_reset);
    for (uint16_t number = 0; number < kSequenceCount; ++number) {
      placed.push_back(
          {Partition{number}, sequencer_->clock_reset(Partition{number}, clock_.now(), *queued.clock_reset, add)});
    }
  }
  const std::optional<Timestamp> owner_now = owner_time_->is_held() ? std::nullopt : std::optional(owner_time_->now());
  const Batch& batch = queued.records.batch;
  for (size_t i = 0; i < batch.items().size(); ++i) {
    const Batch::Item& item = batch.items()[i];
    const auto message = queued.records.headers.empty() ? std::nullopt : std::optional(queued.records.headers[i]);
    placed.push_back(
        {item.partition, sequencer_->place(item, batch.payload(item), message, clock_.now(), owner_now, add)});
  }
  if (queued.done) queued.done(std::move(placed));
}

void SteppedEngine::add_record(const JournalRecord& record) {
  auto& records = journal_[record.partition.number];
  TERRENO_CHECK(record.position.value == records.size() + 1, "a gap in positions");
  if (record.message) {
    MessageMark& durable = durable_messages_[record.message->source.number][record.partition.number];
    durable = std::max(durable, record.message->mark);
  }
  records.push_back({record, std::string(record.payload), order_++});
  records.back().record.payload = {};
}

void SteppedEngine::apply_next(Partition partition) {
  PartitionCore& core = *cores_[partition.number];
  const JournalRecord record = journal_[partition.number][core.applied().value].view();
  if (auto applied = core.apply(record, effects_); !applied) return fail(applied.error());

  const bool is_live = record.position > end_at_start_[partition.number];
  if (!is_live) ++replayed_;
  // Before the crash some of a replayed record's messages may have reached the journal.
  Queued messages;
  messages.sender = partition;
  const Batch& batch = effects_.messages.batch;
  for (size_t i = 0; i < batch.items().size(); ++i) {
    const Batch::Item& item = batch.items()[i];
    const MessageHeader& header = effects_.messages.headers[i];
    if (!is_live && header.mark <= durable_messages_[partition.number][item.partition.number]) continue;
    messages.records.batch.add(item.partition, item.type, item.id, batch.payload(item));
    messages.records.headers.push_back(header);
  }
  effects_.messages.clear();
  if (!messages.records.batch.empty()) queue_.push_back(std::move(messages));
  std::vector<Output> outputs = std::move(effects_.outputs);
  effects_.outputs.clear();
  if (is_live && !outputs.empty()) outputs_->on_outputs(partition, record.position, outputs);
}

void SteppedEngine::commit_step(Partition partition, bool whole) {
  PartitionCore& core = *cores_[partition.number];
  if (!core.is_committing()) core.begin_commit();
  if (!core.continue_commit(whole ? SIZE_MAX : kShuffledSlice)) return;
  if (has_queued_messages(partition, core.commit_position())) return;
  if (auto committed = store_.commit(core.commit_batch(), false); !committed) return fail(committed.error());
  core.finish_commit();
  ++commits_;
}

bool SteppedEngine::has_unapplied(Partition partition) const {
  return cores_[partition.number]->applied() < end(partition);
}

bool SteppedEngine::has_queued_messages(Partition partition, Position until) const {
  return std::any_of(queue_.begin(), queue_.end(), [&](const Queued& queued) {
    return queued.sender == partition && !queued.is_repeat &&
           queued.records.headers.front().mark.position <= until.value;
  });
}

bool SteppedEngine::wants_commit(Partition partition) const {
  const PartitionCore& core = *cores_[partition.number];
  return core.is_committing() || core.applied().value - core.committed().value >= options_.commit_records;
}

void SteppedEngine::run_waiting() {
  for (size_t i = waiting_.size(); i > 0; --i) {
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    if (cores_[waiting.partition.number]->applied() < waiting.not_before) {
      waiting_.push_back(std::move(waiting));
    } else {
      waiting.run();
    }
  }
}

void SteppedEngine::fail(const Error& error) {
  if (stopped_.empty()) stopped_ = error.context.empty() ? "stopped" : error.context;
}

// ---------------------------------------------------------------------------------------------------------------------
// Engine

void SteppedEngine::append(Batch batch, DurableCallback done, bool /*urgent*/) {
  if (!stopped_.empty()) {
    if (done) done(std::unexpected(Error{Errc::stopping, stopped_}));
    return;
  }
  Queued queued;
  queued.records.batch = std::move(batch);
  queued.done = std::move(done);
  queue_.push_back(std::move(queued));
}

void SteppedEngine::read(Partition partition, ReadTask task) {
  auto run = [this, partition, task]() {
    if (auto read = cores_[partition.number]->read(task); !read) fail(read.error());
  };
  waiting_.push_back({partition, task.not_before, std::move(run)});
  if (!is_stepping_) run_waiting();
}

void SteppedEngine::scan_rows(Partition partition, RowScan scan, RowsCallback done) {
  const Position not_before = scan.not_before;
  auto run = [this, partition, scan = std::move(scan), done = std::move(done)]() {
    done(cores_[partition.number]->scan_rows(scan));
  };
  waiting_.push_back({partition, not_before, std::move(run)});
  if (!is_stepping_) run_waiting();
}

void SteppedEngine::record_at(Partition partition, Position position, RecordCallback done) {
  const auto& records = journal_[partition.number];
  if (position.value == 0 || position.value > records.size()) return done(std::nullopt);
  const OwnedRecord& owned = records[position.value - 1];
  done(StoredRecord{owned.record.id, owned.record.type, position, owned.record.recorded_at,
                    owned.record.message ? std::optional(owned.record.message->source) : std::nullopt, owned.payload});
}

void SteppedEngine::clock_reset(Timestamp time, DurableCallback done) {
  Queued queued;
  queued.clock_reset = time;
  queued.done = std::move(done);
  queue_.push_back(std::move(queued));
}

Health SteppedEngine::health() const {
  Health health;
  health.ready = true;
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    const PartitionCore& core = *cores_[number];
    health.ready = health.ready && core.applied() >= end_at_start_[number];
    health.unapplied += end(Partition{number}).value - core.applied().value;
    health.applied += core.counters().applied;
    health.evicted += core.counters().evicted;
    health.loaded += core.counters().loaded;
    health.messages_repeated += core.counters().messages_repeated;
    health.skipped += core.counters().skipped;
    health.memory_bytes += core.memory_bytes();
  }
  health.replayed = replayed_;
  health.commits = commits_;
  health.time_held = owner_time_->is_held();
  health.stopped = stopped_;
  return health;
}

Result<void> SteppedEngine::checkpoint() {
  run_until_idle();
  for (const auto& core : cores_) {
    while (stopped_.empty() && (core->is_committing() || core->applied() > core->committed())) {
      commit_step(core->partition(), true);
    }
  }
  if (!stopped_.empty()) return std::unexpected(Error{Errc::stopping, stopped_});
  TERRENO_TRY_VOID(store_.commit(StoreBatch(), true));
  return store_.checkpoint(fmt::format("{}", ++checkpoints_));
}

Result<void> SteppedEngine::stop() { return checkpoint(); }

}  // namespace terreno::engine
