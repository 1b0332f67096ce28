#include "engine/entity_cache.h"

#include "base/check.h"

namespace terreno::engine {

uint32_t EntityCache::insert(const EntityKey& key, std::unique_ptr<Entity> entity) {
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  const bool inserted = index_.emplace(key, index).second;
  TERRENO_CHECK(inserted, "an entity is put into memory twice");
  Slot& slot = slots_[index];
  slot = Slot{};
  slot.key = key;
  slot.entity = std::move(entity);
  slot.used = true;
  slot.referenced = true;
  memory_bytes_ += kSlotBytes;
  measure(index);
  return index;
}

void EntityCache::measure(uint32_t index) {
  Slot& slot = slots_[index];
  const size_t footprint = slot.entity ? slot.entity->footprint() : 0;
  memory_bytes_ = memory_bytes_ - slot.footprint + footprint;
  slot.footprint = static_cast<uint32_t>(footprint);
}

size_t EntityCache::evict(size_t bytes) {
  size_t freed = 0;
  size_t evicted = 0;
  // Twice around: the first pass may only take the marks of use away.
  for (size_t step = 0; step < 2 * slots_.size() && freed < bytes; ++step) {
    if (hand_ >= slots_.size()) hand_ = 0;
    Slot& slot = slots_[hand_++];
    if (!slot.used || slot.dirty || slot.committing) continue;
    if (slot.referenced) {
      slot.referenced = false;
      continue;
    }
    freed += kSlotBytes + slot.footprint;
    memory_bytes_ -= kSlotBytes + slot.footprint;
    evicted += slot.entity ? 1 : 0;
    index_.erase(slot.key);
    slot = Slot{};
    free_.push_back(static_cast<uint32_t>(hand_ - 1));
  }
  return evicted;
}

}  // namespace terreno::engine
