#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "engine/store.h"

namespace terreno::engine {

/// An ordered store in memory, for tests and simulation. Unsynced commits can be lost, newest first, as a crash would.
class MemoryStore final : public Store {
 public:
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) override;
  [[nodiscard]] Result<void> multi_get(std::span<const std::string_view> keys, const Found& found) override;
  [[nodiscard]] Result<void> scan(std::string_view prefix, Order order, const Visit& visit) override;
  [[nodiscard]] Result<void> commit(const StoreBatch& batch, bool sync) override;
  /// Kept in memory under the name of `folder`; see `open_checkpoint`.
  [[nodiscard]] Result<void> checkpoint(const std::string& folder) override;

  /// Loses all unsynced commits but the first `kept`.
  void crash(size_t kept);
  [[nodiscard]] size_t unsynced() const;
  /// Everything in it, for comparisons.
  [[nodiscard]] std::map<std::string, std::string> contents() const;
  /// Puts the contents of a kept checkpoint in place of the present ones.
  void open_checkpoint(const std::string& folder);

 private:
  using Rows = std::map<std::string, std::string, std::less<>>;
  static void apply(Rows& rows, const StoreBatch& batch);

  mutable std::mutex mutex_;
  Rows rows_;
  Rows synced_;
  std::deque<StoreBatch> unsynced_;
  std::map<std::string, Rows> checkpoints_;
};

}  // namespace terreno::engine
