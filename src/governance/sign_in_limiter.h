#pragma once

// How often somebody may try a password, a code or a one-time token. A plain value: time comes as parameter, the caller
// locks. Losing it in a restart is harmless.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace terreno::governance {

struct AttemptLimits {
  uint32_t free_failures = 5;      ///< failures before the first wait
  Duration wait_min = seconds(2);  ///< the first wait; each further failure doubles it
  Duration wait_max = minutes(15);
  Duration forget_after = hours(1);  ///< without a failure for this long, everything is forgiven
};

/// Failures by key. When more keys are known than fit, the one longest without a failure is forgotten.
class AttemptLimiter {
 public:
  explicit AttemptLimiter(AttemptLimits limits, size_t keys_max = 10'000) : limits_(limits), keys_max_(keys_max) {}

  /// How long to wait still; zero: go on.
  [[nodiscard]] Duration wait(std::string_view key, Timestamp now) const;
  void failed(std::string_view key, Timestamp now);
  void succeeded(std::string_view key);
  [[nodiscard]] size_t size() const { return by_key_.size(); }

 private:
  struct Failures {
    std::string key;
    uint32_t count = 0;
    Timestamp last;
  };
  AttemptLimits limits_;
  size_t keys_max_;
  std::list<Failures> oldest_first_;
  std::unordered_map<std::string, std::list<Failures>::iterator> by_key_;
};

/// A sign-in is limited by the pair of account and address, tightly; by the account, loosely, so that a stranger can
/// slow its owner down but not lock them out; and by the address, for lists of accounts tried one after the other.
class SignInLimiter {
 public:
  [[nodiscard]] Duration wait(std::string_view email, std::string_view address, Timestamp now) const;
  /// Counts an attempt as failed for account and pair before it is known, so that many at a time are no way around.
  void attempted(std::string_view email, std::string_view address, Timestamp now);
  void failed(std::string_view address, Timestamp now);
  void succeeded(std::string_view email, std::string_view address);

 private:
  AttemptLimiter by_pair_{{}};
  AttemptLimiter by_account_{{.free_failures = 50, .wait_min = seconds(1), .wait_max = seconds(30)}};
  AttemptLimiter by_address_{{.free_failures = 30, .wait_min = seconds(2), .wait_max = minutes(15)}};
};

/// What one network is for limits: an IPv4 address, or the /64 of an IPv6 address, which one customer holds whole.
[[nodiscard]] std::string network_of(std::string_view address);

}  // namespace terreno::governance
