#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace terreno::api {

/// Answers that come from several threads, one per place, and what is to be done when the last has come. Copyable.
template <typename T>
class Gather {
 public:
  Gather(size_t count, std::function<void(std::vector<T>)> done) : state_(std::make_shared<State>()) {
    state_->values.resize(count);
    state_->missing = count;
    state_->done = std::move(done);
    if (count == 0) state_->done({});
  }
  /// Once per place.
  void put(size_t place, T value) const {
    {
      const std::lock_guard lock(state_->mutex);
      state_->values[place] = std::move(value);
      if (--state_->missing > 0) return;
    }
    state_->done(std::move(state_->values));
  }

 private:
  struct State {
    std::mutex mutex;
    std::vector<T> values;
    size_t missing = 0;
    std::function<void(std::vector<T>)> done;
  };
  std::shared_ptr<State> state_;
};

}  // namespace terreno::api
