#include "adapters/crypto/password.h"

#include <argon2.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/crypto/secrets.h"
#include "base/check.h"

namespace terreno::crypto {

namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;
constexpr size_t kEncodedBytesMax = 256;
// A hash in the registry is ours; a registry that was restored from elsewhere may still not take the machine.
constexpr uint32_t kMemoryKibMax = 64 * 1024;
constexpr uint32_t kPassesMax = 10;
constexpr uint32_t kLanesMax = 4;

bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}
bool take_number(std::string_view& rest, uint32_t& number) {
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (failed != std::errc{}) return false;
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  return true;
}

bool read_cost(std::string_view encoded, PasswordCost& cost) {
  return encoded.size() < kEncodedBytesMax && take(encoded, "$argon2id$v=19$m=") &&
         take_number(encoded, cost.memory_kib) && take(encoded, ",t=") && take_number(encoded, cost.passes) &&
         take(encoded, ",p=") && take_number(encoded, cost.lanes) && take(encoded, "$") &&
         cost.memory_kib <= kMemoryKibMax && cost.passes <= kPassesMax && cost.lanes <= kLanesMax;
}

}  // namespace

std::string hash_password_with_salt(const Secret& password, std::string_view salt, PasswordCost cost) {
  std::array<char, kEncodedBytesMax> encoded{};
  const int result = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.reveal().data(),
                                           password.reveal().size(), salt.data(), salt.size(), kHashBytes,
                                           encoded.data(), encoded.size());
  TERRENO_CHECK(result == ARGON2_OK, argon2_error_message(result));
  return encoded.data();
}

std::string hash_password(const Secret& password, PasswordCost cost) {
  return hash_password_with_salt(password, secure_random_bytes(kSaltBytes), cost);
}

bool check_password(const Secret& password, std::string_view encoded) {
  if (encoded.empty()) {
    static_cast<void>(hash_password(password));
    return false;
  }
  PasswordCost cost;
  if (!read_cost(encoded, cost)) return false;
  const std::string text(encoded);
  return argon2id_verify(text.c_str(), password.reveal().data(), password.reveal().size()) == ARGON2_OK;
}

bool is_outdated(std::string_view encoded, PasswordCost cost) {
  PasswordCost found;
  return !read_cost(encoded, found) || found != cost;
}

struct PasswordPool::State {
  Options options;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> waiting;
  bool is_stopping = false;
  std::vector<std::thread> threads;

  bool submit(std::function<void()> job) {
    {
      const std::scoped_lock lock(mutex);
      if (waiting.size() >= options.queue_max) return false;
      waiting.push_back(std::move(job));
    }
    changed.notify_one();
    return true;
  }
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return is_stopping || !waiting.empty(); });
      if (is_stopping) return;
      const std::function<void()> job = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }
};

PasswordPool::PasswordPool(Options options) : state_(std::make_unique<State>()) {
  state_->options = options;
  for (size_t i = 0; i < options.threads; ++i) state_->threads.emplace_back([this] { state_->run(); });
}

PasswordPool::~PasswordPool() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->is_stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

bool PasswordPool::hash(Secret password, std::function<void(std::string)> done) {
  return state_->submit([cost = state_->options.cost, password = std::move(password), done = std::move(done)] {
    done(hash_password(password, cost));
  });
}

bool PasswordPool::check(Secret password, std::string encoded, std::function<void(bool, std::string)> done) {
  return state_->submit([cost = state_->options.cost, password = std::move(password), encoded = std::move(encoded),
                         done = std::move(done)] {
    const bool matches = check_password(password, encoded);
    done(matches, matches && is_outdated(encoded, cost) ? hash_password(password, cost) : std::string());
  });
}

}  // namespace terreno::crypto
