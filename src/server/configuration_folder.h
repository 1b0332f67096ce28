#pragma once

// Configurations on disk, one file for each that was ever proposed: `HASH.bundle`. Journal and state name them by hash,
// so none is removed.

#include <expected>
#include <filesystem>
#include <string_view>

#include "base/hash.h"
#include "flow/configuration.h"
#include "governance/governance.h"

namespace terreno::server {

class ConfigurationFolder {
 public:
  explicit ConfigurationFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Durable when it returns.
  [[nodiscard]] std::expected<void, governance::Error> save(Id128 hash, std::string_view bundle) const;
  /// Puts every configuration into the library; to be called before the engine starts. Error: storage_failed; corrupt
  /// with the file's name (its bytes are not those of its hash, or it cannot be read any more).
  [[nodiscard]] std::expected<void, governance::Error> load(flow::ConfigurationLibrary& library) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace terreno::server
