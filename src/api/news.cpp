#include "api/news.h"

#include <fmt/format.h>

#include <algorithm>

namespace terreno::api {

std::string_view name_of(LiveState state) {
  constexpr std::array<std::string_view, kLiveStateCount> kNames{"applied", "repeat", "quarantined", "rejected_key"};
  return kNames[static_cast<size_t>(state)];
}

// ---------------------------------------------------------------------------------------------------------------------

void LastMinute::add(Timestamp at, uint64_t count) {
  const int64_t second = at.ms / 1000;
  auto& [counted, number] = seconds_[static_cast<size_t>(second) % seconds_.size()];
  if (counted != second) number = 0;
  counted = second;
  number += count;
}

double LastMinute::per_second(Timestamp now) const {
  const int64_t second = now.ms / 1000;
  uint64_t sum = 0;
  for (const auto& [at, number] : seconds_) {
    if (at <= second && at > second - 60) sum += number;
  }
  return static_cast<double>(sum) / 60.0;
}

// ---------------------------------------------------------------------------------------------------------------------

void LiveRing::add(LiveItem item) {
  const std::lock_guard lock(mutex_);
  item.seq = ++last_seq_;
  rate_.add(item.at, 1);
  const auto size_of = [](const LiveItem& one) { return one.raw ? one.raw->size() : 0; };
  raw_bytes_ += size_of(item);
  while (items_.full() || (raw_bytes_ > kRawBytesKept && !items_.empty())) {
    raw_bytes_ -= size_of(items_.front());
    items_.pop_front();
  }
  items_.push_back(std::move(item));
}

LiveRing::Window LiveRing::read(uint64_t after, Timestamp now) const {
  const std::lock_guard lock(mutex_);
  Window window;
  window.last_seq = last_seq_;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    ++window.counts[static_cast<size_t>(item->state)];
    if (item->seq > after) window.items.push_back(*item);
  }
  window.per_second = rate_.per_second(now);
  return window;
}

std::vector<PersonId> LiveRing::recent_people(size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<PersonId> people;
  std::set<PersonId> seen;
  for (auto item = items_.rbegin(); item != items_.rend() && people.size() < limit; ++item) {
    const PersonId person = item->person;
    if (!person.is_zero() && seen.insert(person).second) people.push_back(person);
  }
  return people;
}

// ---------------------------------------------------------------------------------------------------------------------

void SourceCounts::add(const std::string& source, Timestamp at, uint64_t events, uint64_t held) {
  const std::lock_guard lock(mutex_);
  Count& count = counts_[source];
  count.activity.events += events;
  count.activity.held += held;
  if (events == 0) return;
  count.activity.last_event_at = std::max(count.activity.last_event_at, at);
  count.rate.add(at, events);
}

SourceActivity SourceCounts::read(const std::string& source, Timestamp now) const {
  SourceActivity activity;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(source);
  if (found != counts_.end()) {
    activity = found->second.activity;
    activity.per_second = found->second.rate.per_second(now);
  }
  activity.since = since_;
  return activity;
}

// ---------------------------------------------------------------------------------------------------------------------

bool ChangeStream::subscribe(const http::Responder& responder, bool may_see_people) {
  const std::lock_guard lock(mutex_);
  if (subscribers_.size() >= kReadersMax) return false;
  http::Response head;
  head.content_type = "text/event-stream";
  head.add_header("Cache-Control", "no-store");
  head.add_header("X-Accel-Buffering", "no");
  head.add_header("X-Content-Type-Options", "nosniff");
  head.body = std::string_view(": here\n\n");
  subscribers_.push_back({responder.start_stream(std::move(head)), may_see_people, std::nullopt, {}});
  reader_count_ = subscribers_.size();
  return true;
}

void ChangeStream::changed(std::string key) {
  const std::lock_guard lock(mutex_);
  if (subscribers_.empty()) return;
  if (!key.starts_with("person:")) {
    keys_.insert(std::move(key));
  } else if (people_keys_.size() < kPeopleKeysMax) {
    people_keys_.insert(std::move(key));
  }
}

void ChangeStream::pulse(Timestamp now) {
  const std::lock_guard lock(mutex_);
  // Keys are made of letters, digits and colons: nothing in them needs an escape.
  const auto add = [](std::string& list, const std::string& key) {
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ",", key);
  };
  std::string without_people;
  for (const std::string& key : keys_) add(without_people, key);
  std::string all = without_people;
  for (const std::string& key : people_keys_) add(all, key);
  keys_.clear();
  people_keys_.clear();
  std::erase_if(subscribers_, [&](Subscriber& reader) {
    if (!reader.since) reader.since = reader.told_at = now;
    const std::string& keys = reader.may_see_people ? all : without_people;
    std::string text;
    if (!keys.empty()) {
      text = fmt::format("data: [{}]\n\n", keys);
    } else if (now >= reader.told_at + kAlive) {
      text = ": here\n\n";
    }
    if (!text.empty()) {
      reader.told_at = now;
      // Who reads too slowly has missed something: they come back and ask for everything again.
      if (reader.stream.push(std::move(text)) != http::Pushed::queued) {
        reader.stream.close();
        return true;
      }
    }
    if (now < *reader.since + kLifetime) return false;
    reader.stream.close();
    return true;
  });
  reader_count_ = subscribers_.size();
}

void ChangeStream::close() {
  const std::lock_guard lock(mutex_);
  for (Subscriber& reader : subscribers_) reader.stream.close();
  subscribers_.clear();
  reader_count_ = 0;
}

size_t ChangeStream::readers() const {
  const std::lock_guard lock(mutex_);
  return subscribers_.size();
}

// ---------------------------------------------------------------------------------------------------------------------

bool ConfigurationWatch::start(Id128 hash, Done done) {
  const std::lock_guard lock(mutex_);
  if (done_) return false;
  hash_ = hash;
  done_ = std::move(done);
  missing_.clear();
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) missing_.insert(number);
  return true;
}

void ConfigurationWatch::cancel(Id128 hash) {
  const std::lock_guard lock(mutex_);
  if (hash_ == hash) done_ = nullptr;
}

void ConfigurationWatch::hear(engine::Partition partition, const flow::ConfigurationInForce& told) {
  Done done;
  {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    if (!told.is_refused) {
      if (told.hash != hash_) return;
      missing_.erase(partition.number);
      if (!missing_.empty()) return;
    }
    std::swap(done, done_);
  }
  done({!told.is_refused, told.version});
}

// ---------------------------------------------------------------------------------------------------------------------

void News::hear(engine::Partition partition, engine::Position position, const engine::Output& output) {
  Reader in(output.payload);
  switch (static_cast<flow::OutputKind>(output.kind)) {
    case flow::OutputKind::event_seen: {
      const flow::SeenEvent seen = flow::SeenEvent::decode(in);
      LiveItem item;
      item.at = clock_->now();
      item.state = seen.is_repeat ? LiveState::repeat : LiveState::applied;
      item.partition = partition;
      item.position = position;
      item.person = seen.person;
      live.add(std::move(item));
      if (!changes.has_readers()) break;
      changes.changed("live");
      // Whatever else it does, an event is a new line of somebody's timeline.
      if (!seen.is_repeat) changes.changed("person:" + seen.person.hex());
      break;
    }
    case flow::OutputKind::person_changed:
      if (changes.has_readers()) changes.changed("person:" + in.person_id().hex());
      break;
    case flow::OutputKind::configuration:
      configurations.hear(partition, flow::ConfigurationInForce::decode(in));
      break;
    // The courier's.
    case flow::OutputKind::claim_wanted:
    case flow::OutputKind::claim_refused:
    case flow::OutputKind::perform:
      break;
  }
}

void News::on_accepted(const std::string& source, Timestamp received_at, size_t count) {
  sources.add(source, received_at, count, 0);
}

void News::on_quarantined(const std::string& source, Timestamp received_at, std::vector<events::Quarantined> items) {
  sources.add(source, received_at, 0, items.size());
  for (events::Quarantined& quarantined : items) {
    LiveItem item;
    item.at = received_at;
    item.state = LiveState::quarantined;
    item.source = source;
    item.reason = quarantined.reason;
    if (quarantined.raw.size() > LiveRing::kRawBytesMax) quarantined.raw.resize(LiveRing::kRawBytesMax);
    item.raw = std::make_shared<const std::string>(std::move(quarantined.raw));
    live.add(std::move(item));
  }
  changes.changed("live");
}

void News::on_rejected_key(std::string_view key, bool is_known) {
  LiveItem item;
  item.at = clock_->now();
  item.state = LiveState::rejected_key;
  item.reason = is_known ? "source_disabled" : "unknown_key";
  // It may be somebody's secret, mistyped: its beginning is enough to recognise it.
  if (!key.empty()) {
    item.raw = std::make_shared<const std::string>(
        fmt::format("{}… ({})", key.substr(0, std::min<size_t>(6, key.size() / 2)), key.size()));
  }
  live.add(std::move(item));
  changes.changed("live");
}

}  // namespace terreno::api
