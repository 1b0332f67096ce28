#pragma once

#include <filesystem>

#include "governance/governance.h"
#include "server/files/durable_file.h"

namespace terreno::server {

/// The registry's snapshot as a file: magic, format version, length, checksum, bytes (docs/formats/registry.md).
/// Thread: one at a time; the registry sees to it.
class RegistryFile final : public governance::SnapshotFile {
 public:
  explicit RegistryFile(std::filesystem::path path, SaveGate gate = {})
      : path_(std::move(path)), gate_(std::move(gate)) {}

  [[nodiscard]] std::expected<std::optional<std::string>, governance::Error> load() override;
  [[nodiscard]] std::expected<void, governance::Error> save(std::string_view bytes) override;

 private:
  std::filesystem::path path_;
  SaveGate gate_;
};

}  // namespace terreno::server
