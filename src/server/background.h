#pragma once

// A few threads for work that may block: the disk, password hashes' answers, answers put together from several reads.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/thread.h"

namespace terreno::server {

class Background {
 public:
  static constexpr size_t kWaitingMax = 4096;
  explicit Background(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i)
      threads_.emplace_back([this] {
        name_this_thread("background");
        run();
      });
  }
  ~Background() { stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// False: too much waits already, or it is stopping.
  bool add(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_ || waiting_.size() >= kWaitingMax) return false;
      waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
    return true;
  }
  /// Does what waits, then returns.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const auto work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace terreno::server
