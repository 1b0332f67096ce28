#pragma once

// The entities of one partition that are in memory.
//
// 1. A slot without an entity says that there is none: no need to ask the store.
// 2. A slot that is dirty or being committed differs from the store, and is never evicted.
// 3. Indices of slots stay valid until the slot is evicted; references do not survive an insertion.
//
// Lives on the partition's apply thread.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/engine.h"

namespace terreno::engine {

struct EntityKeyHash {
  using is_avalanching = void;
  size_t operator()(const EntityKey& key) const noexcept {
    // Ids may be small numbers in tests: mix them well.
    const auto product = static_cast<unsigned __int128>(key.id.low ^ 0x9e3779b97f4a7c15ULL) *
                         (key.id.high ^ 0xc2b2ae3d27d4eb4fULL ^ (static_cast<uint64_t>(key.table) << 56));
    const uint64_t folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    return (folded ^ key.table) * 0xff51afd7ed558ccdULL;
  }
};

class EntityCache {
 public:
  static constexpr uint32_t kNone = ~0U;

  struct Slot {
    EntityKey key;
    std::unique_ptr<Entity> entity;
    uint64_t named_by = 0;    ///< the last call that named it
    uint64_t changed_by = 0;  ///< the last call that changed it
    uint32_t footprint = 0;
    bool used = false;
    bool dirty = false;       ///< changed since the last commit began
    bool committing = false;  ///< part of the commit under way
    bool encoded = false;     ///< and its value as of that commit is in the batch
    bool referenced = false;  ///< since the eviction's hand passed
  };

  [[nodiscard]] uint32_t find(const EntityKey& key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? kNone : found->second;
  }
  [[nodiscard]] Slot& at(uint32_t index) { return slots_[index]; }
  [[nodiscard]] const Slot& at(uint32_t index) const { return slots_[index]; }

  /// Puts what the store holds in place; null: it holds nothing. The key must not be present.
  uint32_t insert(const EntityKey& key, std::unique_ptr<Entity> entity);
  /// Reads the footprint again, after a change.
  void measure(uint32_t index);
  /// Frees slots that equal the store, until `bytes` are freed or every slot was looked at. Returns how many entities
  /// left (slots of absent ones are not counted).
  size_t evict(size_t bytes);

  [[nodiscard]] size_t memory_bytes() const { return memory_bytes_; }
  [[nodiscard]] size_t size() const { return index_.size(); }

 private:
  /// Of a slot and its place in the index.
  static constexpr size_t kSlotBytes = 112;

  boost::unordered_flat_map<EntityKey, uint32_t, EntityKeyHash> index_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t memory_bytes_ = 0;
  size_t hand_ = 0;
};

}  // namespace terreno::engine
