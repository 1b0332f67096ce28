#pragma once

// The wake-ups of one partition: one due time per key, fired in the order of (due, key). All of them are in memory
// (about 100 bytes each); the store holds one row per key.

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <optional>
#include <vector>

#include "engine/entity_cache.h"
#include "engine/store.h"

namespace terreno::engine {

class Wakes {
 public:
  struct Due {
    Timestamp due;
    EntityKey key;
    auto operator<=>(const Due&) const = default;
  };

  explicit Wakes(Partition partition) : partition_(partition) {}
  Result<void> load(Store& store);

  void set(EntityKey key, std::optional<Timestamp> due);
  [[nodiscard]] std::optional<Timestamp> next();
  /// The first `count` that are due at `now`. They stay in place: an earlier one may cancel a later one.
  [[nodiscard]] std::vector<Due> collect(Timestamp now, size_t count);
  /// True when it is still set to that time; removes it.
  [[nodiscard]] bool take(const Due& due);
  [[nodiscard]] size_t size() const { return due_.size(); }

  /// Adds what changed since the last call.
  void commit(StoreBatch& batch);

 private:
  void push(Due due);
  void pop();
  void drop_stale();
  [[nodiscard]] bool is_current(const Due& due) const;

  Partition partition_;
  boost::unordered_flat_map<EntityKey, Timestamp, EntityKeyHash> due_;
  /// A heap, earliest first. Holds stale entries, told by comparing with `due_`.
  std::vector<Due> heap_;
  boost::unordered_flat_set<EntityKey, EntityKeyHash> changed_;
};

}  // namespace terreno::engine
