#pragma once

// One partition in a map, for tests and benchmarks of this folder and of those above it: no journal, no store, and a
// check that whatever is changed was named by `touches`.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "consent/consent.h"
#include "engine/engine.h"

namespace terreno::consent {

class MapContext final : public engine::Context {
 public:
  explicit MapContext(engine::Partition partition = {}) : partition_(partition) {}

  /// The next record: a position further, at `at`, which is also the partition's time.
  void next_record(Timestamp at) {
    ++record_.position.value;
    record_.id = {hash128(std::to_string(record_.position.value))};
    record_.recorded_at = at;
    now_ = at;
    ids_drawn_ = 0;
  }
  ActOutcome apply(const ConsentAct& act) {
    next_record(act.received_at);
    touched_.clear();
    touches_act(*this, act, touched_);
    ActOutcome outcome = apply_act(*this, act);
    touched_.clear();
    return outcome;
  }
  [[nodiscard]] std::expected<ConsentProof, Refusal> ask(const SendRequest& request) const {
    return permit(*this, request, record_.position);
  }
  [[nodiscard]] std::vector<const AddressLedger*> ledgers() const {
    std::vector<const AddressLedger*> found;
    for (const auto& [key, entity] : entities_) {
      if (key.table == kAddressLedgerTable) found.push_back(static_cast<const AddressLedger*>(entity.get()));
    }
    return found;
  }
  [[nodiscard]] LedgerVerdict verify() const {
    const auto* const shard = find<LedgerShard>(LedgerShard::kId);
    return verify_ledger(ledgers(), shard != nullptr ? *shard : LedgerShard());
  }
  /// Writes every entity and reads it again, as a checkpoint does.
  void reload() {
    for (auto& [key, entity] : entities_) {
      std::string bytes;
      Writer out(bytes);
      entity->encode(out);
      entity = decode_entity(key.table, bytes);
      TERRENO_CHECK(entity != nullptr, "an entity reads back");
    }
  }

  [[nodiscard]] engine::Partition partition() const override { return partition_; }
  [[nodiscard]] Timestamp now() const override { return now_; }
  [[nodiscard]] const engine::Entity* find_entity(engine::EntityKey key) const override {
    const auto found = entities_.find(key);
    return found == entities_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] bool is_loaded(engine::EntityKey /*key*/) const override { return true; }
  [[nodiscard]] engine::Entity* mutate_entity(engine::EntityKey key) override {
    check_touched(key);
    const auto found = entities_.find(key);
    return found == entities_.end() ? nullptr : found->second.get();
  }
  engine::Entity& create_entity(engine::EntityKey key, std::unique_ptr<engine::Entity> entity) override {
    check_touched(key);
    return *(entities_[key] = std::move(entity));
  }
  void erase(engine::EntityKey key) override { entities_.erase(key); }
  void send(engine::Partition /*target*/, uint16_t type, std::string payload) override {
    sent.emplace_back(type, std::move(payload));
  }
  void emit(engine::Output output) override { outputs.push_back(std::move(output)); }
  void set_wake(engine::EntityKey key, std::optional<Timestamp> due) override {
    if (due)
      wakes[key] = *due;
    else
      wakes.erase(key);
  }
  [[nodiscard]] Timestamp repeats_known_since() const override { return {}; }
  // Consent keeps no rows.
  void append_row(uint8_t, Id128, std::string, std::string) override {}
  void erase_rows(uint8_t, Id128) override {}
  [[nodiscard]] bool first_seen(Id128 key) override { return seen_.emplace(key, true).second; }
  [[nodiscard]] Id128 new_id() override { return derive_id(record_.id.value, ids_drawn_++); }
  [[nodiscard]] const engine::RecordView& record() const override { return record_; }
  [[nodiscard]] uint64_t installation_seed() const override { return 42; }

  std::vector<std::pair<uint16_t, std::string>> sent;
  std::vector<engine::Output> outputs;
  std::map<engine::EntityKey, Timestamp> wakes;

 private:
  void check_touched(engine::EntityKey key) const {
    for (const engine::EntityKey& touched : touched_) {
      if (touched == key) return;
    }
    TERRENO_CHECK(touched_.empty(), "an entity is changed that touches did not name");
  }
  engine::Partition partition_;
  engine::RecordView record_;
  Timestamp now_;
  uint64_t ids_drawn_ = 0;
  std::map<engine::EntityKey, std::unique_ptr<engine::Entity>> entities_;
  std::map<Id128, bool> seen_;
  engine::KeyList touched_;
};

}  // namespace terreno::consent
