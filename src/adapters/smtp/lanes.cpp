#include "adapters/smtp/lanes.h"

#include <algorithm>

namespace terreno::smtp {

Lanes::Lanes(DomainLimit limit, const std::vector<SmtpSettings::DomainRule>& rules) : default_(limit) {
  for (const auto& rule : rules) rules_[rule.domain] = rule.limit;
}

Lanes::Domain& Lanes::domain_of(const std::string& name) {
  std::unique_ptr<Domain>& domain = domains_[name];
  if (!domain) {
    domain = std::make_unique<Domain>();
    domain->name = name;
    const auto rule = rules_.find(name);
    domain->limit = rule == rules_.end() ? default_ : rule->second;
  }
  return *domain;
}

void Lanes::make_ready(Domain& domain) {
  domain.place = Place::ready;
  ready_.push_back(&domain);
}

void Lanes::push(Submission submission) {
  ++size_;
  if (submission.envelope.lane == Lane::transactional) {
    transactional_.push_back(std::move(submission));
    return;
  }
  Domain& domain = domain_of(submission.domain);
  domain.bulk.push_back(std::move(submission));
  if (domain.place == Place::nowhere) make_ready(domain);
}

void Lanes::put_back(Submission submission, int64_t now_us) {
  Domain& domain = domain_of(submission.domain);
  ++size_;
  if (submission.envelope.lane == Lane::transactional) {
    transactional_.push_front(std::move(submission));
  } else {
    // It did not go, so its turn is not used up.
    domain.next_allowed_us = std::min(domain.next_allowed_us, now_us);
    domain.bulk.push_front(std::move(submission));
    if (domain.place == Place::nowhere) make_ready(domain);
  }
  finished(domain.name);
}

void Lanes::start(Domain& domain, int64_t now_us) {
  ++domain.active;
  if (domain.limit.messages_per_second > 0) {
    const auto gap = static_cast<int64_t>(1'000'000 / domain.limit.messages_per_second);
    domain.next_allowed_us = std::max(domain.next_allowed_us, now_us) + gap;
  }
}

std::optional<Submission> Lanes::pop(bool transactional_only, int64_t now_us) {
  if (!transactional_.empty()) {
    Submission submission = std::move(transactional_.front());
    transactional_.pop_front();
    --size_;
    start(domain_of(submission.domain), now_us);
    return submission;
  }
  if (transactional_only) return std::nullopt;
  while (!resting_.empty() && resting_.begin()->first <= now_us) {
    make_ready(*resting_.begin()->second);
    resting_.erase(resting_.begin());
  }
  while (!ready_.empty()) {
    Domain& domain = *ready_.front();
    ready_.pop_front();
    if (domain.bulk.empty()) {
      domain.place = Place::nowhere;
    } else if (domain.limit.connections_max > 0 && domain.active >= domain.limit.connections_max) {
      domain.place = Place::waiting;
    } else if (domain.next_allowed_us > now_us) {
      domain.place = Place::resting;
      resting_.emplace(domain.next_allowed_us, &domain);
    } else {
      Submission submission = std::move(domain.bulk.front());
      domain.bulk.pop_front();
      --size_;
      start(domain, now_us);
      domain.place = Place::nowhere;
      if (!domain.bulk.empty()) make_ready(domain);
      return submission;
    }
  }
  return std::nullopt;
}

void Lanes::finished(const std::string& name) {
  const auto found = domains_.find(name);
  if (found == domains_.end()) return;
  Domain& domain = *found->second;
  if (domain.active > 0) --domain.active;
  if (domain.place == Place::waiting) make_ready(domain);
}

std::optional<int64_t> Lanes::next_wake_us() const {
  if (resting_.empty()) return std::nullopt;
  return resting_.begin()->first;
}

std::vector<Submission> Lanes::take_expired(int64_t now_us) {
  std::vector<Submission> expired;
  const auto sweep = [&](std::deque<Submission>& queue) {
    const auto keep = std::stable_partition(queue.begin(), queue.end(),
                                            [&](const Submission& one) { return one.deadline_us > now_us; });
    std::move(keep, queue.end(), std::back_inserter(expired));
    queue.erase(keep, queue.end());
  };
  const auto has_expired = [&](const std::deque<Submission>& queue) {
    return std::any_of(queue.begin(), queue.end(), [&](const Submission& one) { return one.deadline_us <= now_us; });
  };
  if (has_expired(transactional_)) sweep(transactional_);
  for (auto at = domains_.begin(); at != domains_.end();) {
    Domain& domain = *at->second;
    if (has_expired(domain.bulk)) sweep(domain.bulk);
    const bool is_idle = domain.place == Place::nowhere && domain.active == 0 && domain.next_allowed_us <= now_us;
    at = is_idle && domain.bulk.empty() ? domains_.erase(at) : std::next(at);
  }
  size_ -= expired.size();
  return expired;
}

std::vector<Submission> Lanes::take_all() { return take_expired(INT64_MAX); }

}  // namespace terreno::smtp
