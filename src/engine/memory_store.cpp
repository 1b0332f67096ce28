#include "engine/memory_store.h"

#include "base/check.h"

namespace terreno::engine {

Result<std::optional<std::string>> MemoryStore::get(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

Result<void> MemoryStore::multi_get(std::span<const std::string_view> keys, const Found& found) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto row = rows_.find(keys[i]);
    found(i, row == rows_.end() ? std::nullopt : std::optional<std::string_view>(row->second));
  }
  return {};
}

Result<void> MemoryStore::scan(std::string_view prefix, Order order, const Visit& visit) {
  const std::lock_guard lock(mutex_);
  if (order == Order::ascending) {
    for (auto row = rows_.lower_bound(prefix); row != rows_.end() && row->first.starts_with(prefix); ++row) {
      if (!visit(row->first, row->second)) break;
    }
    return {};
  }
  // No key is as long as this bound.
  auto row = rows_.upper_bound(std::string(prefix) + std::string(4096, '\xff'));
  while (row != rows_.begin()) {
    --row;
    if (!row->first.starts_with(prefix) || !visit(row->first, row->second)) break;
  }
  return {};
}

Result<void> MemoryStore::commit(const StoreBatch& batch, bool sync) {
  const std::lock_guard lock(mutex_);
  apply(rows_, batch);
  unsynced_.push_back(batch);
  if (sync) {
    for (const StoreBatch& each : unsynced_) apply(synced_, each);
    unsynced_.clear();
  }
  return {};
}

Result<void> MemoryStore::checkpoint(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  checkpoints_[folder] = rows_;
  return {};
}

void MemoryStore::crash(size_t kept) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < unsynced_.size() && i < kept; ++i) apply(synced_, unsynced_[i]);
  unsynced_.clear();
  rows_ = synced_;
}

size_t MemoryStore::unsynced() const {
  const std::lock_guard lock(mutex_);
  return unsynced_.size();
}

std::map<std::string, std::string> MemoryStore::contents() const {
  const std::lock_guard lock(mutex_);
  return {rows_.begin(), rows_.end()};
}

void MemoryStore::open_checkpoint(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  TERRENO_CHECK(checkpoints_.contains(folder), "no such checkpoint");
  rows_ = synced_ = checkpoints_[folder];
  unsynced_.clear();
}

void MemoryStore::apply(Rows& rows, const StoreBatch& batch) {
  batch.for_each([&](StoreBatch::Change change, std::string_view key, std::string_view value) {
    switch (change) {
      case StoreBatch::Change::put:
        rows.insert_or_assign(std::string(key), std::string(value));
        break;
      case StoreBatch::Change::erase:
        rows.erase(std::string(key));
        break;
      case StoreBatch::Change::erase_prefix:
        for (auto row = rows.lower_bound(key); row != rows.end() && row->first.starts_with(key);) row = rows.erase(row);
        break;
    }
  });
}

}  // namespace terreno::engine
