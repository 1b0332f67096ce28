#include "server/delivery/dkim_key.h"

#include "server/files/durable_file.h"

namespace terreno::server {

std::expected<crypto::SigningKey, governance::Error> open_dkim_key(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "dkim.pem";
  auto bytes = read_whole(path, 64 * 1024);
  if (bytes) {
    auto key = crypto::SigningKey::load_pem(Secret(std::move(*bytes)));
    if (!key) return std::unexpected(governance::Error{governance::Errc::corrupt, "dkim.pem", key.error().context});
    return *key;
  }
  if (bytes.error().code != governance::Errc::not_found) return std::unexpected(bytes.error());
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return storage_failed("create keys folder");
  crypto::SigningKey key = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
  if (auto saved = replace_durably(path, key.private_pem().reveal()); !saved) return std::unexpected(saved.error());
  return key;
}

channels::Signer signer_of(const crypto::SigningKey& key) {
  return {channels::SignatureAlgorithm::rsa_sha256, crypto::sha256,
          [key](std::string_view bytes) { return key.sign(bytes); }};
}

}  // namespace terreno::server
