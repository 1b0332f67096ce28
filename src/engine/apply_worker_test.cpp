// One apply thread with a writer that the test plays: what it is given, and when it says that something is durable.

#include "engine/apply_worker.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>

#include "engine/memory_store.h"
#include "engine/sequencer.h"
#include "engine/stepped.h"
#include "engine/toy_machine_testing.h"

namespace terreno::engine {
namespace {

constexpr Partition kThree{3};
constexpr size_t kMessageBytes = 1000;
constexpr size_t kPieceBytes = 4000;

/// Hears the worker, and makes messages durable when told.
class Desk final : public WorkerPorts {
 public:
  explicit Desk(size_t message_bytes_max, Position end_at_start) {
    WorkerOptions options;
    options.memory_bytes_max = 64 << 20;
    options.commit_interval = hours(1);
    options.commit_records_per_partition = 1'000'000;
    options.message_piece_bytes_max = kPieceBytes;
    options.message_bytes_max = message_bytes_max;
    std::vector<ApplyWorker::Owned> owned(1);
    owned[0].core = std::make_unique<PartitionCore>(kThree, machine_, store_, PartitionOptions());
    owned[0].published = &published_;
    owned[0].end_at_start = end_at_start;
    worker_ = std::make_unique<ApplyWorker>(*this, clock_, options, std::move(owned));
    worker_->start();
  }
  ~Desk() override { worker_->stop(); }

  [[nodiscard]] ApplyWorker& worker() { return *worker_; }

  /// One group of `count` payments; their amounts count on from 1.
  void push_payments(int64_t count) {
    auto group = std::make_shared<Group>();
    Batch batch;
    for (int64_t i = 1; i <= count; ++i) {
      toy::add(batch, kThree, toy::kPay,
               {.account = 1, .target_account = 2, .target_partition = 5, .amount = ++amount_}, ++records_);
    }
    for (const Batch::Item& item : batch.items()) {
      sequencer_.place(item, batch.payload(item), std::nullopt, clock_.now(), Timestamp{},
                       [&](const JournalRecord& record) { group->add(record); });
    }
    std::string bytes;
    group->encode(bytes, 0, false);
    worker_->push(std::move(group), clock_.boot());
  }

  /// From now on messages are durable at once.
  void set_prompt() {
    const std::lock_guard lock(mutex_);
    is_prompt_ = true;
  }
  /// Waits for a piece, then makes it durable. Gives the number of its messages.
  size_t make_durable() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !pieces_.empty(); });
    const MessageBatch piece = std::move(pieces_.front());
    pieces_.pop_front();
    waiting_bytes_ -= journal_bytes(piece.batch);
    durable_ += piece.headers.size();
    lock.unlock();
    published_.messages_durable.fetch_add(1, std::memory_order_release);
    worker_->on_messages_durable(journal_bytes(piece.batch));
    return piece.headers.size();
  }
  void make_durable(size_t messages) {
    for (size_t made = 0; made < messages;) made += make_durable();
  }
  void wait_applied(uint64_t records) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return worker_->counters().applied.load(std::memory_order_acquire) >= records; });
  }
  /// The commit stands at what is applied by now.
  void begin_commit(uint64_t request) {
    worker_->request_commit(request);
    // The worker takes a request with the task that came after it, and begins the commit before it takes a group.
    std::promise<void> taken;
    worker_->push_task(kThree, Position{0}, [&](PartitionCore&) { taken.set_value(); });
    taken.get_future().wait();
  }
  void wait_committed(uint64_t request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return worker_->committed_request() >= request; });
  }

  /// What the writer got, over all pieces, in order.
  [[nodiscard]] std::vector<int64_t> amounts() {
    const std::lock_guard lock(mutex_);
    return amounts_;
  }
  [[nodiscard]] size_t piece_bytes_most() {
    const std::lock_guard lock(mutex_);
    return piece_bytes_most_;
  }
  [[nodiscard]] size_t waiting_bytes_most() {
    const std::lock_guard lock(mutex_);
    return waiting_bytes_most_;
  }
  /// What the journal is found to hold: messages of records up to there.
  void set_found(uint64_t position) {
    const std::lock_guard lock(mutex_);
    found_ = position;
  }

  void append_messages(Partition source, MessageBatch messages) override {
    EXPECT_EQ(source, kThree);
    const std::lock_guard lock(mutex_);
    for (const Batch::Item& item : messages.batch.items()) {
      amounts_.push_back(toy::Command::decode(messages.batch.payload(item)).amount);
    }
    const size_t bytes = journal_bytes(messages.batch);
    piece_bytes_most_ = std::max(piece_bytes_most_, bytes);
    if (is_prompt_) {
      durable_ += messages.headers.size();
      published_.messages_durable.fetch_add(1, std::memory_order_release);
      return worker_->on_messages_durable(bytes);
    }
    waiting_bytes_ += bytes;
    waiting_bytes_most_ = std::max(waiting_bytes_most_, waiting_bytes_);
    pieces_.push_back(std::move(messages));
    changed_.notify_all();
  }
  void drop_durable(Partition, MessageQueue& messages) override {
    const std::lock_guard lock(mutex_);
    messages.drop_while([this](Partition, MessageMark mark) { return mark.position <= found_; });
  }
  void write_commit(PartitionCore& core) override {
    const std::lock_guard lock(mutex_);
    // Each record sends one message.
    EXPECT_GE(durable_ + found_, core.commit_position().value) << "a commit ahead of messages from before it";
    EXPECT_TRUE(store_.commit(core.commit_batch(), false));
    worker_->on_committed(core.partition());
  }
  void on_progress(bool) override {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  void fail(const Error& error) override { ADD_FAILURE() << error.context; }
  OutputSink& outputs() override { return ears_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<MessageBatch> pieces_;
  std::vector<int64_t> amounts_;
  size_t piece_bytes_most_ = 0;
  size_t waiting_bytes_ = 0;
  size_t waiting_bytes_most_ = 0;
  bool is_prompt_ = false;
  uint64_t durable_ = 0;
  uint64_t found_ = 0;

  toy::Machine machine_{0, kMessageBytes};
  toy::Ears ears_;
  MemoryStore store_;
  ManualClock clock_{Timestamp{1'767'225'600'000}};
  Sequencer sequencer_{7};
  Published published_;
  int64_t amount_ = 0;
  uint64_t records_ = 0;
  std::unique_ptr<ApplyWorker> worker_;
};

std::vector<int64_t> counted(int64_t from, int64_t to) {
  std::vector<int64_t> out;
  for (int64_t i = from; i <= to; ++i) out.push_back(i);
  return out;
}

TEST(ApplyWorker, WhatOneRunSendsGoesToTheWriterInPieces) {
  Desk desk(1 << 20, Position{0});
  desk.worker().push_replay_end();
  desk.push_payments(100);
  desk.make_durable(100);
  EXPECT_EQ(desk.amounts(), counted(1, 100));
  EXPECT_LE(desk.piece_bytes_most(), kPieceBytes);
}

TEST(ApplyWorker, ARunThatSendsMoreThanMayWaitGoesOnAsTheWriterDoes) {
  constexpr size_t kWaitingMax = 10'000;
  Desk desk(kWaitingMax, Position{0});
  desk.worker().push_replay_end();
  desk.push_payments(300);
  desk.make_durable(300);
  EXPECT_EQ(desk.amounts(), counted(1, 300));
  EXPECT_LE(desk.waiting_bytes_most(), kWaitingMax + kPieceBytes);
}

TEST(ApplyWorker, ACommitWaitsForEveryPieceFromBeforeIt) {
  Desk desk(1 << 20, Position{0});
  desk.worker().push_replay_end();
  desk.push_payments(50);
  desk.wait_applied(50);
  desk.begin_commit(1);
  desk.push_payments(50);
  desk.make_durable(100);
  desk.wait_committed(1);
}

TEST(ApplyWorker, WhatTheJournalLacksAtTheReplaysEndIsSentInPieces) {
  Desk desk(1 << 20, Position{100});
  desk.set_found(40);
  desk.push_payments(100);
  desk.wait_applied(100);
  EXPECT_TRUE(desk.amounts().empty()) << "the rest of the journal may hold them";
  EXPECT_GE(desk.worker().counters().memory_bytes, 60 * kMessageBytes);
  desk.worker().request_commit(1);
  desk.worker().push_replay_end();
  desk.make_durable(60);
  desk.wait_committed(1);
  EXPECT_EQ(desk.amounts(), counted(41, 100));
  EXPECT_LE(desk.piece_bytes_most(), kPieceBytes);
}

TEST(ApplyWorker, AReplayThatFindsTooFewOfItsMessagesSendsTheOldestBeforeItsEnd) {
  constexpr size_t kUnconfirmedMax = 20'000;
  Desk desk(kUnconfirmedMax, Position{100});
  desk.set_prompt();
  desk.push_payments(100);
  desk.wait_applied(100);
  EXPECT_GE(desk.amounts().size(), 100 - kUnconfirmedMax / kMessageBytes);
  EXPECT_LE(desk.worker().counters().memory_bytes, kUnconfirmedMax + 40'000) << "messages, and entities and rows";
  desk.worker().request_commit(1);
  desk.worker().push_replay_end();
  desk.wait_committed(1);
  EXPECT_EQ(desk.amounts(), counted(1, 100));
}

TEST(ApplyWorker, ACommitFromBeforeSuchASendWaitsUntilItIsDurable) {
  Desk desk(20'000, Position{100});
  desk.push_payments(10);
  desk.wait_applied(10);
  desk.begin_commit(1);
  desk.push_payments(30);
  desk.make_durable(10);
  desk.wait_committed(1);
}

}  // namespace
}  // namespace terreno::engine
