#pragma once

// The append-only rows of one partition: in memory until the next commit, then in the store, one chunk per (table, key)
// and commit, so that a busy person costs one write.
//
// 1. A chunk's key ends with its greatest order key: reading backwards, a chunk that has not been met yet cannot hold a
//    row above what the next chunk's key says.
//
// Lives on the partition's apply thread.

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "engine/entity_cache.h"
#include "engine/store.h"

namespace terreno::engine {

class RowLog {
 public:
  RowLog(Partition partition, Store& store) : partition_(partition), store_(&store) {}

  void append(EntityKey list, std::string_view order_key, std::string_view value);
  void erase(EntityKey list);
  [[nodiscard]] bool is_changed() const { return !pending_.empty(); }
  [[nodiscard]] size_t memory_bytes() const { return memory_bytes_; }

  [[nodiscard]] Result<std::vector<Row>> scan(const RowScan& scan) const;

  /// What was appended so far belongs to the commit that begins. `sequence` must be greater at each.
  void begin_commit(uint64_t sequence);
  /// Adds up to `lists` lists to the batch; true when all are in.
  bool continue_commit(StoreBatch& batch, size_t lists);
  /// The store has them.
  void on_committed();

 private:
  struct List {
    std::string encoded;  ///< (order key, value), each with its length
    bool erased_before = false;
  };
  using Lists = boost::unordered_flat_map<EntityKey, List, EntityKeyHash>;

  [[nodiscard]] std::string list_prefix(EntityKey list) const;
  void write(StoreBatch& batch, EntityKey key, const List& list);

  Partition partition_;
  Store* store_;
  Lists pending_;
  Lists frozen_;
  std::vector<const Lists::value_type*> sorted_;  ///< of `frozen_`, by key: see PartitionCore::begin_commit
  size_t next_sorted_ = 0;
  size_t memory_bytes_ = 0;
  size_t frozen_bytes_ = 0;
  uint64_t frozen_sequence_ = 0;
};

}  // namespace terreno::engine
