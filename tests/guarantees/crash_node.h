#pragma once

// The engine and flow's machine on a data folder, with a clock of its own and a courier that claims and submits over
// SMTP: for what a harness does before and after the program itself.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "adapters/smtp/smtp.h"
#include "adapters/store/store.h"
#include "engine/runtime.h"
#include "flow/flow.h"
#include "joined_rows.h"

namespace terreno::guarantees {

/// Wall time that stands still when it is set, so that what a replay does depends on nothing else.
class NodeClock final : public engine::Clock {
 public:
  explicit NodeClock(std::optional<Timestamp> fixed) : fixed_(fixed), system_(adapters::system_clock()) {}
  [[nodiscard]] Timestamp now() const override { return fixed_ ? *fixed_ : system_->now(); }
  [[nodiscard]] Duration boot() const override { return system_->boot(); }

 private:
  std::optional<Timestamp> fixed_;
  std::unique_ptr<engine::Clock> system_;
};

class NodeRandom final : public engine::Random {
 public:
  [[nodiscard]] Id128 next() override {
    const std::lock_guard lock(mutex_);
    return {draw_(), draw_()};
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 draw_{(uint64_t{std::random_device()()} << 32) | std::random_device()()};
};

class Node final : public engine::OutputSink {
 public:
  struct Options {
    std::string folder;
    /// 0: nothing is sent, every claim that is asked for is left.
    uint16_t smtp_port = 0;
    size_t memory_bytes_max = size_t{256} << 20;
    Duration commit_interval = milliseconds(50);
    uint64_t commit_records = 20'000;
    std::optional<Timestamp> time{};
  };
  /// Exits with a word when the folder cannot be opened.
  explicit Node(Options options);
  ~Node() override;

  [[nodiscard]] engine::Engine& engine() { return *engine_; }
  /// Everything in the journal is applied, and nothing is on its way.
  [[nodiscard]] bool is_idle() const;
  void wait_until_idle() const;
  /// Appends and waits until it is durable.
  void append(engine::Batch batch);
  void stop();

  void on_outputs(engine::Partition partition, engine::Position position,
                  std::vector<engine::Output>& outputs) override;

 private:
  struct Heard {
    engine::Partition partition;
    engine::Output output;
  };
  void run_courier();
  void claim(const Heard& heard);
  void perform(const Heard& heard);
  void append_later(engine::Partition partition, events::RecordType type, const std::string& payload);

  Options options_;
  NodeClock clock_;
  NodeRandom random_;
  flow::ConfigurationLibrary library_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<engine::Files> files_;
  std::unique_ptr<smtp::SmtpPool> pool_;
  uint64_t owner_ = 0;

  std::mutex mutex_;
  std::condition_variable heard_something_;
  std::deque<Heard> heard_;
  bool is_stopping_ = false;
  std::atomic<int64_t> under_way_{0};  ///< outputs, submissions and appends without an answer
  std::unique_ptr<engine::Engine> engine_;
  std::thread courier_;
};

/// The configuration that every node knows.
[[nodiscard]] std::shared_ptr<const flow::Configuration> configuration();

/// A stopped data folder, read from its bytes.
struct FolderContents {
  std::map<std::string, uint32_t> journalled;  ///< message id: records
  std::map<std::string, uint32_t> applied;     ///< message id: timeline rows
  std::map<DecisionId, contact::DecisionState> decisions;
  uint64_t open_sends = 0;
  Rows state;
};
[[nodiscard]] FolderContents read_folder(const std::string& folder);

}  // namespace terreno::guarantees
