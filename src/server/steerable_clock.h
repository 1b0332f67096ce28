#pragma once

// A clock that stands until it is moved, and can be let go: for a demonstration, which lives months in seconds and then
// goes on in real time.

#include <mutex>

#include "engine/engine.h"

namespace terreno::server {

class SteerableClock final : public engine::Clock {
 public:
  /// `real` outlives this. Stands at `start`.
  SteerableClock(const engine::Clock& real, Timestamp start) : real_(&real), at_(start) {}
  [[nodiscard]] Timestamp now() const override {
    const std::lock_guard lock(mutex_);
    return is_running_ ? at_ + passed() : at_;
  }
  [[nodiscard]] Duration boot() const override {
    const std::lock_guard lock(mutex_);
    return {elapsed_.ms + (is_running_ ? passed().ms : 0)};
  }
  /// Moves forwards and stands there. False: it would go back.
  bool move_to(Timestamp time) {
    const std::lock_guard lock(mutex_);
    const Timestamp before = is_running_ ? at_ + passed() : at_;
    if (time < before) return false;
    elapsed_.ms += (time - at_).ms;
    at_ = time;
    is_running_ = false;
    return true;
  }
  /// From here on it runs like the real one.
  void run() {
    const std::lock_guard lock(mutex_);
    if (is_running_) return;
    is_running_ = true;
    running_since_ = real_->boot();
  }

 private:
  [[nodiscard]] Duration passed() const { return {real_->boot().ms - running_since_.ms}; }

  const engine::Clock* real_;
  mutable std::mutex mutex_;
  Timestamp at_;
  Duration elapsed_;
  bool is_running_ = false;
  Duration running_since_;
};

}  // namespace terreno::server
