#include "server/open_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include "adapters/store/store.h"
#include "base/result.h"

namespace terreno::server {

std::expected<OpenRegistry, governance::Error> open_registry(const std::filesystem::path& folder, Timestamp now) {
  OpenRegistry open;
  auto lock = adapters::posix_files()->lock((folder / "registry.lock").string());
  if (!lock) {
    return std::unexpected(
        governance::Error{governance::Errc::storage_failed, "registry",
                          lock.error().code == engine::Errc::locked ? "locked" : lock.error().context});
  }
  open.lock = std::move(*lock);
  open.file = std::make_unique<RegistryFile>(folder / "registry");
  TERRENO_TRY(open.audit, AuditFolder::open(folder / "audit"));
  TERRENO_TRY(open.registry, governance::Registry::load(*open.file, *open.audit, system_entropy(), now));
  return open;
}

std::filesystem::path default_key_path(const std::filesystem::path& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  path += ".key";
  return path;
}

std::expected<InstallationKey, governance::Error> open_installation_key(const std::filesystem::path& path,
                                                                        const std::filesystem::path& folder,
                                                                        governance::Registry& registry, Timestamp now) {
  const std::string known = registry.snapshot()->installation.key_fingerprint;
  auto key = InstallationKey::load(path, folder);
  if (!key && key.error().code == governance::Errc::not_found && known.empty())
    key = InstallationKey::create(path, folder);
  if (!key) return std::unexpected(key.error());
  if (known.empty()) {
    TERRENO_TRY_VOID(registry.change(governance::RememberInstallationKey{key->fingerprint()},
                                     governance::Principal::program(), now));
  } else if (known != key->fingerprint()) {
    return std::unexpected(governance::Error{governance::Errc::invalid_field, "installation_key", "wrong_key"});
  }
  return key;
}

bool make_data_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // What is in it is personal: nobody else on the machine has business there.
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return !error;
}

FolderKind kind_of(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return FolderKind::absent;
  if (error) return FolderKind::unreadable;
  if (status.type() != fs::file_type::directory) return FolderKind::no_folder;
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) return FolderKind::unreadable;
  if (fs::exists(folder / "registry", error)) return FolderKind::installation;
  // What a first `init` that was interrupted leaves counts as nothing.
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name != "lock" && name != "registry.lock" && name != "audit" && name != "registry.new")
      return FolderKind::foreign;
  }
  return error ? FolderKind::unreadable : FolderKind::empty;
}

std::optional<Sentence> refuse_folder(const std::filesystem::path& folder) {
  const std::string name = folder.string();
  const std::string make = fmt::format("look for a mistyped name, or make one with `terreno init --data {}`", name);
  switch (kind_of(folder)) {
    case FolderKind::installation:
      return std::nullopt;
    case FolderKind::absent:
      return Sentence{fmt::format("there is no data folder {}", name), make, "no_data_folder"};
    case FolderKind::empty:
      return Sentence{fmt::format("the folder {} is empty", name), make, "no_data_folder"};
    case FolderKind::no_folder:
      return Sentence{fmt::format("{} is no folder", name), "name the data folder with --data", "no_data_folder"};
    case FolderKind::foreign:
      return Sentence{fmt::format("{} holds other things than Terreno's", name), "name the data folder with --data",
                      "foreign_folder"};
    case FolderKind::unreadable:
      break;
  }
  return Sentence{fmt::format("{} cannot be read and written by you", name), "run this as the user who owns the folder",
                  "not_permitted"};
}

}  // namespace terreno::server
