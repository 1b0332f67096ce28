#pragma once

// Which message goes next: transactional ones first, bulk ones in turn by recipient domain and within its limits.
//
// 1. A domain at its limit holds up no other domain.
// 2. A domain is in exactly one place: `ready_`, `resting_` (until a time) or waiting for one of its own to finish.
//
// Lives on the pool's thread. Time is handed in, in microseconds on any steady clock.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/smtp/session.h"

namespace terreno::smtp {

class Lanes {
 public:
  Lanes(DomainLimit limit, const std::vector<SmtpSettings::DomainRule>& rules);

  void push(Submission submission);
  /// Back to the front, for a message that lost its connection; counts as finished.
  void put_back(Submission submission, int64_t now_us);
  /// The next message that may go now; it counts towards its domain until `finished`.
  [[nodiscard]] std::optional<Submission> pop(bool transactional_only, int64_t now_us);
  void finished(const std::string& domain);
  /// When a resting domain may go on; nullopt when none rests.
  [[nodiscard]] std::optional<int64_t> next_wake_us() const;
  /// Takes out what runs out by `now_us`, and forgets domains that have nothing left.
  [[nodiscard]] std::vector<Submission> take_expired(int64_t now_us);
  [[nodiscard]] std::vector<Submission> take_all();
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t transactional_size() const { return transactional_.size(); }
  /// Bulk messages whose domain is not held back.
  [[nodiscard]] bool has_ready_bulk() const { return !ready_.empty(); }

 private:
  enum class Place : uint8_t { nowhere, ready, resting, waiting };
  struct Domain {
    std::string name;
    DomainLimit limit;
    std::deque<Submission> bulk;
    uint32_t active = 0;
    int64_t next_allowed_us = 0;
    Place place = Place::nowhere;
  };
  Domain& domain_of(const std::string& name);
  void start(Domain& domain, int64_t now_us);
  void make_ready(Domain& domain);

  DomainLimit default_;
  std::unordered_map<std::string, DomainLimit> rules_;
  std::unordered_map<std::string, std::unique_ptr<Domain>> domains_;
  std::deque<Submission> transactional_;
  std::deque<Domain*> ready_;
  std::multimap<int64_t, Domain*> resting_;
  size_t size_ = 0;
};

}  // namespace terreno::smtp
