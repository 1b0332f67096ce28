#pragma once

// Passwords: argon2id in a small pool of its own, so that signing in can never take the machine away from intake.
//
// 1. One hash takes 19 MiB and about 20 ms; `threads` of them run at a time, `queue_max` wait, the next is refused.
// 2. Whether an address is known does not show in the time: whoever has no hash is checked against one that nothing
//    matches (`check` with an empty hash).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace terreno::crypto {

/// OWASP Password Storage Cheat Sheet, 2024: argon2id with 19 MiB, two passes, one lane.
struct PasswordCost {
  uint32_t memory_kib = 19 * 1024;
  uint32_t passes = 2;
  uint32_t lanes = 1;
  bool operator==(const PasswordCost&) const = default;
};

/// The encoded form, `$argon2id$v=19$m=…`, with a 16-byte salt and a 32-byte hash. Blocks for about 20 ms.
[[nodiscard]] std::string hash_password(const Secret& password, PasswordCost cost = {});
/// Argon2's own parameters, for its test vectors.
[[nodiscard]] std::string hash_password_with_salt(const Secret& password, std::string_view salt, PasswordCost cost);
/// False, too, for a hash that is malformed or dearer than 64 MiB and 10 passes. Blocks as long as `hash_password`; an
/// empty hash takes as long as the default cost and matches nothing.
[[nodiscard]] bool check_password(const Secret& password, std::string_view encoded);
/// Made with another cost than `cost`: to be replaced at the next sign-in.
[[nodiscard]] bool is_outdated(std::string_view encoded, PasswordCost cost = {});

/// Thread: every method from any thread; none blocks but the destructor, which lets what has begun finish and drops
/// what waits (their callbacks are not called).
class PasswordPool {
 public:
  struct Options {
    size_t threads = 1;
    size_t queue_max = 32;  ///< at 20 ms each, the last waits 0.6 s
    PasswordCost cost;
  };
  PasswordPool() : PasswordPool(Options{}) {}
  explicit PasswordPool(Options options);
  PasswordPool(const PasswordPool&) = delete;
  PasswordPool& operator=(const PasswordPool&) = delete;
  ~PasswordPool();

  /// Calls `done` on a thread of the pool with the encoded hash. False: the queue is full, `done` is dropped.
  [[nodiscard]] bool hash(Secret password, std::function<void(std::string)> done);
  /// Calls `done` with whether it matches and, when it does and is outdated, with a better hash (else empty).
  [[nodiscard]] bool check(Secret password, std::string encoded, std::function<void(bool, std::string)> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace terreno::crypto
