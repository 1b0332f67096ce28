#pragma once

// The parts of a data folder that are not the engine's, opened in the order in which they must be.

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/files.h"
#include "governance/governance.h"
#include "server/files/audit_folder.h"
#include "server/files/installation_key.h"
#include "server/files/registry_file.h"
#include "server/sentences.h"

namespace terreno::server {

/// The registry with its files, in the order in which they must be destroyed. One process at a time: opening cuts a
/// torn end of the audit log, which another process could be writing just then.
struct OpenRegistry {
  std::unique_ptr<engine::FileLock> lock;
  std::unique_ptr<RegistryFile> file;
  std::unique_ptr<AuditFolder> audit;
  std::unique_ptr<governance::Registry> registry;
};
/// Error: as Registry::load and AuditFolder::open; storage_failed with rule `locked` when another process has it.
[[nodiscard]] std::expected<OpenRegistry, governance::Error> open_registry(const std::filesystem::path& folder,
                                                                           Timestamp now);

/// Where the installation key lies unless somebody says otherwise: beside the data folder, `NAME.key`.
[[nodiscard]] std::filesystem::path default_key_path(const std::filesystem::path& folder);
/// Reads the key, or makes it when the folder has never had one; remembers its fingerprint, and refuses another key
/// than the one that the folder was used with (invalid_field, `wrong_key`).
[[nodiscard]] std::expected<InstallationKey, governance::Error> open_installation_key(
    const std::filesystem::path& path, const std::filesystem::path& folder, governance::Registry& registry,
    Timestamp now);

/// Makes the data folder, for its owner alone. False: it cannot be made.
[[nodiscard]] bool make_data_folder(const std::filesystem::path& folder);

/// What lies at a path, looked at without touching it.
enum class FolderKind : uint8_t { absent, no_folder, unreadable, empty, installation, foreign };
[[nodiscard]] FolderKind kind_of(const std::filesystem::path& folder);
/// Why a command that needs an installation cannot use what lies there; nullopt: it is one.
[[nodiscard]] std::optional<Sentence> refuse_folder(const std::filesystem::path& folder);

}  // namespace terreno::server
