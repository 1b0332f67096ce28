#pragma once

// The engine's ports on a real machine.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/files.h"
#include "engine/store.h"

namespace terreno::adapters {

struct RocksdbOptions {
  /// For blocks read from disk. Entities in use live in the engine's memory, not here.
  size_t block_cache_bytes = 64 << 20;
  /// Of changes not yet in files; several of these may exist at once.
  size_t memtable_bytes = 32 << 20;
  /// RocksDB's own words, without personal data; for the log. Null: dropped. Called from its threads.
  std::function<void(std::string_view line)> log;
};

/// Opens the store in `folder`, or creates it.
/// Errors: `locked` when another process has it, `corrupt`, `io_failed`.
[[nodiscard]] engine::Result<std::unique_ptr<engine::Store>> open_rocksdb_store(const std::string& folder,
                                                                                RocksdbOptions options = {});

/// Opens one that exists, to read it: nothing in `folder` changes, also while another process has it.
/// Errors: `corrupt`, `io_failed`.
[[nodiscard]] engine::Result<std::unique_ptr<engine::Store>> open_rocksdb_to_read(const std::string& folder);

/// Files, folders and locks of the operating system.
[[nodiscard]] std::unique_ptr<engine::Files> posix_files();

/// CLOCK_REALTIME and CLOCK_BOOTTIME.
[[nodiscard]] std::unique_ptr<engine::Clock> system_clock();

}  // namespace terreno::adapters
