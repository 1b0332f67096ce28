#pragma once

// The installation key: 256 bits in a file of its own, from which the keys of signed links and cookies are derived.
//
// 1. It lies outside the data folder: a copy of the data alone must open nothing, and a backup must not carry both.
// 2. Nobody but its owner may read it.
// 3. It is never replaced in place: losing it breaks every link that was ever sent.

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "governance/governance.h"

namespace terreno::server {

class InstallationKey {
 public:
  /// Error: not_found; invalid_field with rule `inside_data_folder`, `readable_by_others`, `not_a_file` or
  /// `foreign_owner`; corrupt; storage_failed.
  [[nodiscard]] static std::expected<InstallationKey, governance::Error> load(const std::filesystem::path& path,
                                                                              const std::filesystem::path& data_folder);
  /// Draws a new one; refuses to overwrite (already_exists). Durable when it returns.
  [[nodiscard]] static std::expected<InstallationKey, governance::Error> create(
      const std::filesystem::path& path, const std::filesystem::path& data_folder);

  /// A key for one use, by HKDF. Purposes in use: `links`, `cookies`.
  [[nodiscard]] Secret derive(std::string_view purpose) const;
  /// 16 hexadecimal digits that tell keys apart and nothing about them.
  [[nodiscard]] std::string fingerprint() const;

 private:
  explicit InstallationKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;
};

/// governance's port for chance, from the operating system.
[[nodiscard]] governance::Entropy system_entropy();

}  // namespace terreno::server
