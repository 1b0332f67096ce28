#include "governance/sign_in_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace terreno::governance {

Duration AttemptLimiter::wait(std::string_view key, Timestamp now) const {
  const auto found = by_key_.find(std::string(key));
  if (found == by_key_.end()) return {};
  const Failures& failures = *found->second;
  if (failures.count < limits_.free_failures || now - failures.last > limits_.forget_after) return {};
  const uint32_t doublings = std::min(failures.count - limits_.free_failures, 30U);
  const Duration pause{std::min(limits_.wait_min.ms << doublings, limits_.wait_max.ms)};
  return std::max(failures.last + pause - now, Duration{});
}

void AttemptLimiter::failed(std::string_view key, Timestamp now) {
  const std::string text(key);
  const auto found = by_key_.find(text);
  if (found == by_key_.end()) {
    if (by_key_.size() >= keys_max_) {
      by_key_.erase(oldest_first_.front().key);
      oldest_first_.pop_front();
    }
    oldest_first_.push_back({text, 1, now});
    by_key_.emplace(text, std::prev(oldest_first_.end()));
    return;
  }
  Failures& failures = *found->second;
  failures.count = now - failures.last > limits_.forget_after ? 1 : failures.count + 1;
  failures.last = now;
  oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second);
}

void AttemptLimiter::succeeded(std::string_view key) {
  const auto found = by_key_.find(std::string(key));
  if (found == by_key_.end()) return;
  oldest_first_.erase(found->second);
  by_key_.erase(found);
}

namespace {
// Keys are hashed, so that a long e-mail address takes no more room than a short one.
std::string pair_key(std::string_view email, const std::string& network) {
  return hash128(std::string(email).append("\n").append(network)).hex();
}
std::string account_key(std::string_view email) { return hash128(email).hex(); }
}  // namespace

Duration SignInLimiter::wait(std::string_view email, std::string_view address, Timestamp now) const {
  const std::string network = network_of(address);
  return std::max({by_pair_.wait(pair_key(email, network), now), by_account_.wait(account_key(email), now),
                   by_address_.wait(network, now)});
}

void SignInLimiter::attempted(std::string_view email, std::string_view address, Timestamp now) {
  by_pair_.failed(pair_key(email, network_of(address)), now);
  by_account_.failed(account_key(email), now);
}

void SignInLimiter::failed(std::string_view address, Timestamp now) { by_address_.failed(network_of(address), now); }

void SignInLimiter::succeeded(std::string_view email, std::string_view address) {
  // The address is not forgiven: otherwise one valid account of one's own would pay for guessing at all the others.
  by_pair_.succeeded(pair_key(email, network_of(address)));
  by_account_.succeeded(account_key(email));
}

std::string network_of(std::string_view address) {
  const std::string text(address);
  std::array<uint8_t, 16> bytes{};
  if (text.find(':') == std::string::npos || inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) {
    return text.substr(0, 64);
  }
  std::array<char, INET6_ADDRSTRLEN> out{};
  static constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    inet_ntop(AF_INET, bytes.data() + 12, out.data(), out.size());
    return out.data();
  }
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
  return std::string(out.data()) + "/64";
}

}  // namespace terreno::governance
