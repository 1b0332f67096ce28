#pragma once

// The port to files, as narrow as the journal needs it, so that tests can cut the power and fail any call.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace terreno::engine {

/// Thread-safe for reads; one writer.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` bytes; fewer only at the end of the file.
  [[nodiscard]] virtual Result<size_t> read(uint64_t offset, char* into, size_t size) const = 0;
  [[nodiscard]] virtual Result<void> write(uint64_t offset, std::string_view bytes) = 0;
  /// What was written is durable when it returns. After an error nothing is known: do not retry.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<uint64_t> size() const = 0;
};

/// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Files {
 public:
  virtual ~Files() = default;
  enum class Mode : uint8_t { read_write, create };  ///< create: empty, whatever was there
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  /// Names, sorted; an absent folder is empty.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  [[nodiscard]] virtual Result<void> make_folder(const std::string& folder) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// With everything in it.
  [[nodiscard]] virtual Result<void> remove_folder(const std::string& folder) = 0;
  /// Creations, renames and removals in it are durable when it returns.
  [[nodiscard]] virtual Result<void> sync_folder(const std::string& folder) = 0;
  /// `locked` when another process, or another holder in this one, has it.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  struct Space {
    uint64_t free = 0;
    uint64_t total = 0;
  };
  [[nodiscard]] virtual Result<Space> space(const std::string& folder) = 0;
};

}  // namespace terreno::engine
