#include "server/open_folder.h"

#include <fmt/format.h>

#include "base/result.h"

namespace terreno::server {

std::expected<OpenRegistry, governance::Error> open_registry(const std::filesystem::path& folder, Timestamp now) {
  OpenRegistry open;
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
    return std::unexpected(governance::Error{governance::Errc::invalid_field, path.string(), "wrong_key"});
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

std::string describe(const governance::Error& error) {
  return fmt::format("{} {} {}", governance::name_of(error.code), error.field, error.rule);
}

}  // namespace terreno::server
