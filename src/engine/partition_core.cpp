#include "engine/partition_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/result.h"
#include "engine/store_keys.h"

namespace terreno::engine {

namespace {

/// A machine that names keys from keys, round after round, is broken.
constexpr int kNamingRoundsMax = 256;
/// The first byte of a partition's meta row.
constexpr uint8_t kMetaVersion = 2;
constexpr uint8_t kMetaVersionWithoutHold = 1;

}  // namespace

/// What `touches` and read tasks see: whatever is in memory.
class PartitionCore::View final : public Lookup {
 public:
  explicit View(const PartitionCore& core) : core_(&core) {}
  [[nodiscard]] Partition partition() const override { return core_->partition_; }
  [[nodiscard]] Timestamp now() const override { return core_->now_; }
  [[nodiscard]] bool is_time_held() const override { return core_->is_time_held_; }
  [[nodiscard]] const Entity* find_entity(EntityKey key) const override {
    const uint32_t index = core_->cache_.find(key);
    return index == EntityCache::kNone ? nullptr : core_->cache_.at(index).entity.get();
  }
  [[nodiscard]] bool is_loaded(EntityKey key) const override { return core_->cache_.find(key) != EntityCache::kNone; }

 private:
  const PartitionCore* core_;
};

/// What apply sees: what was named, and nothing else.
class PartitionCore::Call final : public Context {
 public:
  explicit Call(PartitionCore& core) : core_(&core) {}

  /// Numbers of ids and messages go on over all wake-ups of one tick.
  void begin(const RecordView& record, Effects& effects) {
    record_ = record;
    effects_ = &effects;
    ids_ = 0;
    messages_ = 0;
  }
  void forget_ids() { drawn_.clear(); }

  [[nodiscard]] Partition partition() const override { return core_->partition_; }
  [[nodiscard]] Timestamp now() const override { return core_->now_; }
  [[nodiscard]] bool is_time_held() const override { return core_->is_time_held_; }

  [[nodiscard]] const Entity* find_entity(EntityKey key) const override {
    const uint32_t index = named(key);
    return index == EntityCache::kNone ? nullptr : core_->cache_.at(index).entity.get();
  }
  [[nodiscard]] bool is_loaded(EntityKey key) const override {
    const uint32_t index = core_->cache_.find(key);
    return index != EntityCache::kNone && core_->cache_.at(index).named_by == core_->call_number_;
  }
  [[nodiscard]] Entity* mutate_entity(EntityKey key) override {
    const uint32_t index = named(key);
    if (index == EntityCache::kNone || core_->cache_.at(index).entity == nullptr) return nullptr;
    core_->before_change(index);
    return core_->cache_.at(index).entity.get();
  }
  Entity& create_entity(EntityKey key, std::unique_ptr<Entity> entity) override {
    TERRENO_CHECK(key.table < store_keys::kTableMeta, "tables from 200 on are the engine's");
    uint32_t index = named(key);
    if (index == EntityCache::kNone) {
      index = core_->cache_.insert(key, nullptr);
      core_->cache_.at(index).named_by = core_->call_number_;
    }
    TERRENO_CHECK(core_->cache_.at(index).entity == nullptr, "an entity is created where there is one");
    core_->before_change(index);
    core_->cache_.at(index).entity = std::move(entity);
    return *core_->cache_.at(index).entity;
  }
  void erase(EntityKey key) override {
    const uint32_t index = named(key);
    if (index == EntityCache::kNone || core_->cache_.at(index).entity == nullptr) return;
    core_->before_change(index);
    core_->cache_.at(index).entity.reset();
  }

  void send(Partition target, uint16_t type, std::string payload) override {
    TERRENO_CHECK(target.number < kSequenceCount, "a message to a partition that does not exist");
    TERRENO_CHECK(type < kEngineTypeFirst, "record types from 0xff00 on are the engine's");
    TERRENO_CHECK(payload.size() <= kPayloadBytesMax, "a message above the bound of payloads");
    const MessageMark mark{record_.position.value, ++messages_};
    MessageMark& last = core_->sent_[target.number];
    effects_->messages.headers.push_back({core_->partition_, mark, last});
    last = mark;
    // Apart from the ids that `new_id` draws for the same record.
    const Id128 base{~record_.id.value.high, record_.id.value.low};
    effects_->messages.batch.add(target, type, RecordId{derive_id(base, mark.index)}, payload);
  }
  void emit(Output output) override { effects_->outputs.push_back(std::move(output)); }

  void set_wake(EntityKey key, std::optional<Timestamp> due) override { core_->wakes_.set(key, due); }
  [[nodiscard]] bool first_seen(Id128 key) override {
    auto is_new = core_->repeats_.insert(key, core_->now_);
    if (is_new) return *is_new;
    if (!core_->failure_) core_->failure_ = std::move(is_new).error();
    return false;
  }
  [[nodiscard]] Timestamp repeats_known_since() const override { return core_->repeats_.known_since(); }
  void append_row(uint8_t table, Id128 key, std::string order_key, std::string value) override {
    core_->rows_.append({table, key}, order_key, value);
  }
  void erase_rows(uint8_t table, Id128 key) override { core_->rows_.erase({table, key}); }

  [[nodiscard]] Id128 new_id() override {
    drawn_.push_back(derive_id(record_.id.value, ids_++));
    return drawn_.back();
  }
  [[nodiscard]] const RecordView& record() const override { return record_; }
  [[nodiscard]] uint64_t installation_seed() const override { return core_->options_.installation_seed; }

 private:
  [[nodiscard]] uint32_t named(EntityKey key) const {
    const uint32_t index = core_->cache_.find(key);
    if (index != EntityCache::kNone && core_->cache_.at(index).named_by == core_->call_number_) return index;
    TERRENO_CHECK(std::find(drawn_.begin(), drawn_.end(), key.id) != drawn_.end(),
                  fmt::format("apply reads an entity of table {} that touches did not name", key.table));
    return index;
  }

  PartitionCore* core_;
  RecordView record_;
  Effects* effects_ = nullptr;
  uint64_t ids_ = 0;
  uint32_t messages_ = 0;
  std::vector<Id128> drawn_;
};

PartitionCore::PartitionCore(Partition partition, const Machine& machine, Store& store, PartitionOptions options)
    : partition_(partition),
      machine_(&machine),
      store_(&store),
      options_(std::move(options)),
      wakes_(partition),
      repeats_(partition, store, options_.repeats),
      rows_(partition, store),
      view_(std::make_unique<View>(*this)),
      call_(std::make_unique<Call>(*this)) {
  std::sort(options_.skipped.begin(), options_.skipped.end());
}

PartitionCore::~PartitionCore() = default;

Result<void> PartitionCore::load() {
  TERRENO_TRY(const auto meta, store_->get(store_keys::meta(partition_)));
  if (!meta) return {};
  Reader reader(*meta);
  const uint8_t version = reader.u8();
  if (version > kMetaVersion)
    return std::unexpected(Error{Errc::newer_format, fmt::format("store: meta row version {}", version)});
  decode_meta(reader);
  if (version > kMetaVersionWithoutHold) is_time_held_ = reader.boolean();
  TERRENO_TRY_VOID(repeats_.load(reader));
  if (!reader.done()) return std::unexpected(corrupt("malformed meta row"));
  TERRENO_TRY_VOID(wakes_.load(*store_));
  is_complete_ = false;
  committed_ = applied_;
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// Loading

template <typename NameKeysOf>
void PartitionCore::collect_missing(const NameKeysOf& name_keys) {
  keys_.clear();
  named_.clear();
  name_keys(*view_, keys_);
  for (const EntityKey& key : keys_) {
    const uint32_t index = cache_.find(key);
    if (index == EntityCache::kNone) {
      missing_.push_back(key);
    } else {
      named_.push_back(index);
    }
  }
}

template <typename NameKeysOf>
Result<void> PartitionCore::load_named(const NameKeysOf& name_keys) {
  for (int round = 0;; ++round) {
    TERRENO_CHECK(round < kNamingRoundsMax, "touches names new keys without end");
    missing_.clear();
    collect_missing(name_keys);
    if (missing_.empty()) break;
    TERRENO_TRY_VOID(load_missing());
  }
  ++call_number_;
  for (const uint32_t index : named_) {
    cache_.at(index).named_by = call_number_;
    cache_.at(index).referenced = true;
  }
  return {};
}

Result<void> PartitionCore::load_missing() {
  std::sort(missing_.begin(), missing_.end());
  missing_.erase(std::unique(missing_.begin(), missing_.end()), missing_.end());
  if (is_complete_) {
    for (const EntityKey& key : missing_) cache_.insert(key, nullptr);
    return {};
  }
  std::string bytes;
  bytes.reserve(missing_.size() * store_keys::kEntityKeyBytes);
  for (const EntityKey& key : missing_) store_keys::append_entity(bytes, partition_, key);
  std::vector<std::string_view> keys(missing_.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    keys[i] = std::string_view(bytes).substr(i * store_keys::kEntityKeyBytes, store_keys::kEntityKeyBytes);
  }
  std::optional<Error> failure;
  TERRENO_TRY_VOID(store_->multi_get(keys, [&](size_t i, std::optional<std::string_view> value) {
    std::unique_ptr<Entity> entity;
    if (value) {
      entity = machine_->decode(missing_[i], *value);
      ++counters_.loaded;
      if (!entity) failure = corrupt(fmt::format("malformed entity of table {}", missing_[i].table));
    }
    cache_.insert(missing_[i], std::move(entity));
  }));
  if (failure) return std::unexpected(std::move(*failure));
  return {};
}

Result<void> PartitionCore::prefetch(std::span<const JournalRecord> records) {
  if (is_complete_) return {};
  // Two rounds: an identifier, then the person that it names.
  for (int round = 0; round < 2; ++round) {
    missing_.clear();
    for (const JournalRecord& record : records) {
      if (record.type >= kEngineTypeFirst || record.position <= applied_) continue;
      const RecordView view{record.id,
                            record.type,
                            record.position,
                            record.recorded_at,
                            record.message ? std::optional(record.message->source) : std::nullopt,
                            record.payload};
      collect_missing([&](const Lookup& lookup, KeyList& keys) { machine_->touches(lookup, view, keys); });
    }
    if (missing_.empty()) return {};
    TERRENO_TRY_VOID(load_missing());
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// Applying

Result<void> PartitionCore::apply(const JournalRecord& record, Effects& effects) {
  if (record.position <= applied_) return {};
  if (record.position.value != applied_.value + 1) {
    return std::unexpected(corrupt(fmt::format("position {} follows {}", record.position.value, applied_.value)));
  }
  ++counters_.applied;
  if (record.message) {
    TERRENO_TRY(const bool is_new, take_message(*record.message));
    if (!is_new) {
      ++counters_.messages_repeated;
      applied_ = record.position;
      return {};
    }
  }
  // A skipped message counts as taken: its successor names it.
  if (std::binary_search(options_.skipped.begin(), options_.skipped.end(), record.position)) {
    ++counters_.skipped;
    applied_ = record.position;
    return {};
  }
  const RecordView view{record.id,
                        record.type,
                        record.position,
                        record.recorded_at,
                        record.message ? std::optional(record.message->source) : std::nullopt,
                        record.payload};
  call_->begin(view, effects);
  if (record.type >= kEngineTypeFirst) {
    TERRENO_TRY_VOID(apply_tick(record, effects));
  } else {
    TERRENO_TRY_VOID(load_named([&](const Lookup& lookup, KeyList& keys) { machine_->touches(lookup, view, keys); }));
    machine_->apply(*call_, view);
    TERRENO_TRY_VOID(finish_call());
  }
  applied_ = record.position;
  return {};
}

Result<void> PartitionCore::apply_tick(const JournalRecord& record, Effects& /*effects*/) {
  Reader reader(record.payload);
  const Timestamp time = reader.time();
  if (!reader.done()) return std::unexpected(corrupt("malformed tick"));
  is_time_held_ = record.type == kTypeClockHeld;
  if (is_time_held_) return {};
  if (record.type == kTypeClockReset) {
    now_ = time;
    repeats_.set_time(time);
    return {};
  }
  if (record.type != kTypeTick) {
    return std::unexpected(
        Error{Errc::newer_format, fmt::format("partition {} position {}: unknown record type {}", partition_.number,
                                              record.position.value, record.type)});
  }
  now_ = std::max(now_, time);
  const auto due = wakes_.collect(now_, options_.wakes_per_tick_max);
  if (!is_complete_ && due.size() > 1) {
    for (int round = 0; round < 2; ++round) {
      missing_.clear();
      for (const Wakes::Due& each : due) {
        collect_missing([&](const Lookup& lookup, KeyList& keys) { machine_->touches_wake(lookup, each.key, keys); });
      }
      if (missing_.empty()) break;
      TERRENO_TRY_VOID(load_missing());
    }
  }
  for (const Wakes::Due& each : due) {
    if (!wakes_.take(each)) continue;
    TERRENO_TRY_VOID(
        load_named([&](const Lookup& lookup, KeyList& keys) { machine_->touches_wake(lookup, each.key, keys); }));
    machine_->wake(*call_, each.key);
    TERRENO_TRY_VOID(finish_call());
  }
  return {};
}

Result<bool> PartitionCore::take_message(const MessageHeader& header) {
  if (header.source.number >= kSequenceCount) return std::unexpected(corrupt("message from no partition"));
  MessageMark& last = received_[header.source.number];
  if (header.mark <= last) return false;
  if (header.predecessor != last) {
    return std::unexpected(corrupt(fmt::format(
        "message {}.{} from partition {} follows {}.{}, not {}.{}", header.mark.position, header.mark.index,
        header.source.number, header.predecessor.position, header.predecessor.index, last.position, last.index)));
  }
  last = header.mark;
  return true;
}

Result<void> PartitionCore::finish_call() {
  for (const uint32_t index : changed_) cache_.measure(index);
  changed_.clear();
  call_->forget_ids();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void PartitionCore::before_change(uint32_t index) {
  EntityCache::Slot& slot = cache_.at(index);
  if (slot.committing && !slot.encoded) encode_entity(index);
  if (!slot.dirty) {
    slot.dirty = true;
    dirty_.push_back(index);
  }
  if (slot.changed_by != call_number_) {
    slot.changed_by = call_number_;
    changed_.push_back(index);
  }
}

Result<void> PartitionCore::read(const ReadTask& task) {
  if (task.wants) TERRENO_TRY_VOID(load_named([&](const Lookup& lookup, KeyList& keys) { task.wants(lookup, keys); }));
  task.run(*view_);
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// Committing

void PartitionCore::begin_commit() {
  TERRENO_CHECK(!is_committing_, "a commit begins inside another");
  is_committing_ = true;
  commit_position_ = applied_;
  batch_.clear();
  batch_.put_encoded(store_keys::meta(partition_), [&](Writer& out) { encode_meta(out); });
  wakes_.commit(batch_);
  repeats_.commit(batch_, applied_.value);
  rows_.begin_commit(applied_.value);
  committing_.swap(dirty_);
  dirty_.clear();
  next_committing_ = 0;
  sorted_.clear();
  sorted_.reserve(committing_.size());
  for (const uint32_t index : committing_) {
    EntityCache::Slot& slot = cache_.at(index);
    slot.dirty = false;
    slot.committing = true;
    slot.encoded = false;
    sorted_.emplace_back(slot.key, index);
  }
  // In the order of the store's keys: a sorted store takes neighbours in with a few comparisons each, and strangers
  // with a search from the top.
  std::sort(sorted_.begin(), sorted_.end());
  for (size_t i = 0; i < sorted_.size(); ++i) committing_[i] = sorted_[i].second;
}

bool PartitionCore::continue_commit(size_t count) {
  const size_t end = std::min(committing_.size(), next_committing_ + count);
  for (; next_committing_ < end; ++next_committing_) {
    if (!cache_.at(committing_[next_committing_]).encoded) encode_entity(committing_[next_committing_]);
  }
  return rows_.continue_commit(batch_, count) && next_committing_ == committing_.size();
}

void PartitionCore::encode_entity(uint32_t index) {
  EntityCache::Slot& slot = cache_.at(index);
  slot.encoded = true;
  std::string key;
  store_keys::append_entity(key, partition_, slot.key);
  if (slot.entity) {
    batch_.put_encoded(key, [&](Writer& out) { slot.entity->encode(out); });
  } else {
    batch_.erase(key);
  }
}

void PartitionCore::finish_commit() {
  TERRENO_CHECK(is_committing_ && next_committing_ == committing_.size(), "a commit ends before it is complete");
  for (const uint32_t index : committing_) cache_.at(index).committing = false;
  committing_.clear();
  repeats_.on_committed();
  rows_.on_committed();
  committed_ = commit_position_;
  is_committing_ = false;
}

void PartitionCore::evict(size_t bytes) {
  const size_t evicted = cache_.evict(bytes);
  if (evicted > 0) is_complete_ = false;
  counters_.evicted += evicted;
}

void PartitionCore::encode_meta(Writer& out) const {
  out.u8(kMetaVersion);
  out.u64(applied_.value);
  out.time(now_);
  for (const auto* marks : {&sent_, &received_}) {
    for (const MessageMark& mark : *marks) {
      out.varint(mark.position);
      if (mark.position > 0) out.varint(mark.index);
    }
  }
  out.boolean(is_time_held_);
  repeats_.encode_meta(out);
}

void PartitionCore::decode_meta(Reader& in) {
  applied_.value = in.u64();
  now_ = in.time();
  for (auto* marks : {&sent_, &received_}) {
    for (MessageMark& mark : *marks) {
      mark.position = in.varint();
      if (mark.position > 0) mark.index = static_cast<uint32_t>(in.varint());
    }
  }
}

Error PartitionCore::corrupt(std::string_view what) const {
  return {Errc::corrupt, fmt::format("partition {} after position {}: {}", partition_.number, applied_.value, what)};
}

}  // namespace terreno::engine
