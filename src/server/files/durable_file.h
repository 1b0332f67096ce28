#pragma once

// Writing so that a power cut leaves either the old bytes or the new ones.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "governance/governance.h"

namespace terreno::server {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int release();
  int number_;
};

/// The steps of replacing a file, in their order; a test stops at each.
enum class SaveStep : uint8_t { write, sync, rename, sync_folder };
/// False: stop before this step, as a power cut would.
using SaveGate = std::function<bool(SaveStep)>;

/// Writes `bytes` beside `path`, syncs, renames over it and syncs the folder. Mode 0600.
/// Error: storage_failed with the step and the system's error number.
[[nodiscard]] std::expected<void, governance::Error> replace_durably(const std::filesystem::path& path,
                                                                     std::string_view bytes, const SaveGate& gate = {});
/// The whole of a file of at most `bytes_max`. Error: not_found, storage_failed, limit_reached.
[[nodiscard]] std::expected<std::string, governance::Error> read_whole(const std::filesystem::path& path,
                                                                       size_t bytes_max);
[[nodiscard]] std::expected<void, governance::Error> sync_folder(const std::filesystem::path& folder);
[[nodiscard]] bool write_all(int descriptor, std::string_view bytes);
[[nodiscard]] std::unexpected<governance::Error> storage_failed(std::string_view step);

}  // namespace terreno::server
