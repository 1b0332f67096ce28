#pragma once

// A lane in memory for tests and benchmarks: it loads only what `touches_…` names, and refuses everything else, so that
// an entity which was not named fails the test that needs it.

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "engine/engine.h"
#include "identity/identity.h"

namespace terreno::identity {

class TestingLane final : public engine::Context {
 public:
  // The whole state is in memory; `is_strict` hides what was not named for the current call.
  explicit TestingLane(bool is_strict = true) : is_strict_(is_strict) {}
  /// From now on what was not named may not be touched, though everything is in memory while a call names it.
  void be_strict() { is_strict_ = is_warm_ = true; }

  Verdict propose(const Proposal& proposal) {
    load([&](engine::KeyList& keys) { touches_propose(*this, proposal, keys); });
    return identity::propose(*this, proposal);
  }
  Verdict confirm(const events::Identifier& identifier) {
    load([&](engine::KeyList& keys) { touches_confirm(*this, identifier, keys); });
    return identity::confirm(*this, identifier);
  }
  std::expected<Verdict, Error> separate(const Separation& separation) {
    load([&](engine::KeyList& keys) { touches_separate(*this, separation, keys); });
    return identity::separate(*this, separation);
  }
  void note_person(const events::Identifier& identifier, PersonId person) {
    load([&](engine::KeyList& keys) { touches_note_person(*this, identifier, person, keys); });
    identity::note_person(*this, identifier, person);
  }
  std::optional<PersonView> person_of(const events::Identifier& identifier) {
    load([&](engine::KeyList& keys) { touches_person_of(*this, identifier, keys); });
    return identity::person_of(*this, identifier);
  }
  std::optional<PersonView> find_person(PersonId person) {
    load([&](engine::KeyList& keys) { touches_find_person(*this, person, keys); });
    return identity::find_person(*this, person);
  }
  Explanation explain(const events::Identifier& a, const events::Identifier& b) {
    load([&](engine::KeyList& keys) { touches_explain(*this, a, b, keys); });
    return identity::explain(*this, a, b);
  }
  ReviewList review(size_t limit = kReviewMax) {
    load([&](engine::KeyList& keys) { touches_review(*this, keys); });
    return identity::review(*this, limit);
  }

  /// Everything, in the order of the keys, as it would be written.
  [[nodiscard]] std::map<engine::EntityKey, std::string> bytes() const {
    std::map<engine::EntityKey, std::string> all;
    for (const auto& [key, entity] : entities_) {
      Writer out(all[key]);
      entity->encode(out);
    }
    return all;
  }
  /// Every entity of a table.
  template <typename T>
  [[nodiscard]] std::map<Id128, const T*> all() const {
    std::map<Id128, const T*> found;
    for (const auto& [key, entity] : entities_) {
      if (key.table == T::kTable) found.emplace(key.id, static_cast<const T*>(entity.get()));
    }
    return found;
  }

  // engine::Lookup
  [[nodiscard]] engine::Partition partition() const override { return engine::kLane; }
  [[nodiscard]] Timestamp now() const override { return {}; }
  [[nodiscard]] const engine::Entity* find_entity(engine::EntityKey key) const override {
    if (is_strict_ && !is_loaded(key)) {
      TERRENO_CHECK(is_naming_, "read without being named");
      return nullptr;
    }
    const auto found = entities_.find(key);
    return found == entities_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] bool is_loaded(engine::EntityKey key) const override {
    return !is_strict_ || (is_warm_ && is_naming_) || loaded_.contains(key);
  }

  // engine::Context
  [[nodiscard]] engine::Entity* mutate_entity(engine::EntityKey key) override {
    return const_cast<engine::Entity*>(find_entity(key));
  }
  engine::Entity& create_entity(engine::EntityKey key, std::unique_ptr<engine::Entity> entity) override {
    TERRENO_CHECK(!is_strict_ || drawn_.contains(key.id) || loaded_.contains(key), "created without being named");
    loaded_.insert(key);
    auto& place = entities_[key];
    TERRENO_CHECK(place == nullptr, "created twice");
    place = std::move(entity);
    return *place;
  }
  void erase(engine::EntityKey key) override {
    static_cast<void>(find_entity(key));
    entities_.erase(key);
  }
  void send(engine::Partition, uint16_t, std::string) override { TERRENO_CHECK(false, "identity sends nothing"); }
  void emit(engine::Output) override { TERRENO_CHECK(false, "identity emits nothing"); }
  void set_wake(engine::EntityKey, std::optional<Timestamp>) override {
    TERRENO_CHECK(false, "identity waits for nothing");
  }
  [[nodiscard]] bool first_seen(Id128) override { return true; }
  [[nodiscard]] Timestamp repeats_known_since() const override { return {}; }
  // Identity keeps no rows.
  void append_row(uint8_t, Id128, std::string, std::string) override {}
  void erase_rows(uint8_t, Id128) override {}
  [[nodiscard]] Id128 new_id() override {
    const Id128 id = derive_id({7, record_number_}, drawn_.size());
    drawn_.insert(id);
    return id;
  }
  [[nodiscard]] const engine::RecordView& record() const override { return record_; }
  [[nodiscard]] uint64_t installation_seed() const override { return 1; }

 private:
  struct KeyHash {
    size_t operator()(const engine::EntityKey& key) const noexcept {
      return key.id.low ^ (key.table * 0x9e3779b97f4a7c15);
    }
  };

  // As the engine does: starts with nothing in memory, asks, loads, and asks again until nothing new is named.
  template <typename Touches>
  void load(const Touches& touches) {
    ++record_number_;
    drawn_.clear();
    if (!is_strict_) {
      keys_.clear();
      touches(keys_);
      return;
    }
    loaded_.clear();
    is_naming_ = true;
    for (size_t before = 1, after = 0; before != after;) {
      before = loaded_.size();
      keys_.clear();
      touches(keys_);
      loaded_.insert(keys_.begin(), keys_.end());
      after = loaded_.size();
    }
    is_naming_ = false;
  }

  bool is_strict_;
  bool is_warm_ = false;
  bool is_naming_ = false;
  uint64_t record_number_ = 0;
  engine::RecordView record_;
  engine::KeyList keys_;
  std::set<engine::EntityKey> loaded_;
  std::set<Id128> drawn_;
  boost::unordered_flat_map<engine::EntityKey, std::unique_ptr<engine::Entity>, KeyHash> entities_;
};

}  // namespace terreno::identity
