#include "server/delivery/dkim_key.h"

#include "server/files/durable_file.h"

namespace terreno::server {

namespace {
constexpr size_t kPemBytesMax = 64 * 1024;
}

std::expected<std::optional<crypto::SigningKey>, governance::Error> load_dkim_key(const std::filesystem::path& folder) {
  auto bytes = read_whole(folder / "dkim.pem", kPemBytesMax);
  if (!bytes) {
    if (bytes.error().code == governance::Errc::not_found) return std::nullopt;
    return std::unexpected(bytes.error());
  }
  auto key = crypto::SigningKey::load_pem(Secret(std::move(*bytes)));
  if (!key) return std::unexpected(governance::Error{governance::Errc::corrupt, "dkim.pem", key.error().context});
  return std::move(*key);
}

std::expected<void, governance::Error> save_dkim_key(const std::filesystem::path& folder,
                                                     const crypto::SigningKey& key) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return storage_failed("create keys folder");
  return replace_durably(folder / "dkim.pem", key.private_pem().reveal());
}

}  // namespace terreno::server
