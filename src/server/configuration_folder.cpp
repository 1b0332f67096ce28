#include "server/configuration_folder.h"

#include "base/result.h"
#include "server/files/durable_file.h"

namespace terreno::server {

std::expected<void, governance::Error> ConfigurationFolder::save(Id128 hash, std::string_view bundle) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return storage_failed("create configurations folder");
  return replace_durably(folder_ / (hash.hex() + ".bundle"), bundle);
}

std::expected<void, governance::Error> ConfigurationFolder::load(flow::ConfigurationLibrary& library) const {
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) return {};
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".bundle") continue;
    TERRENO_TRY(const std::string bytes, read_whole(path, flow::kBundleBytesMax + 1024));
    std::vector<Finding> findings;
    auto configuration = flow::read_configuration(flow::decode_bundle(bytes), findings);
    if (!findings.empty() || configuration->hash.hex() != path.stem().string())
      return std::unexpected(governance::Error{governance::Errc::corrupt, path.filename().string(), "unreadable"});
    library.add(std::move(configuration));
  }
  if (error) return storage_failed("list configurations folder");
  return {};
}

}  // namespace terreno::server
