#include "server/files/installation_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "adapters/crypto/secrets.h"
#include "base/hash.h"
#include "base/result.h"
#include "server/files/durable_file.h"

namespace terreno::server {

using governance::Digest;
using governance::Errc;
using governance::Error;

namespace {

constexpr std::string_view kHeader = "terreno-installation-key-1 ";
constexpr size_t kKeyBytes = 32;

std::unexpected<Error> refuse(Errc code, std::string_view rule) {
  return std::unexpected(Error{code, "installation_key", std::string(rule)});
}

// Resolves links first, so that no detour leads back in.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  std::error_code failed;
  const auto file = std::filesystem::weakly_canonical(std::filesystem::absolute(path, failed), failed);
  const auto data = std::filesystem::weakly_canonical(std::filesystem::absolute(folder, failed), failed);
  if (failed) return true;
  const auto relative = file.lexically_relative(data);
  return !relative.empty() && *relative.begin() != "..";
}

// Header, 64 digits, and four of a checksum, against a key typed in with an error.
std::string encode_key(const Secret& key) {
  Digest digest;
  std::copy(key.reveal().begin(), key.reveal().end(), digest.bytes.begin());
  const std::string hex = digest.hex();
  return fmt::format("{}{} {:04x}\n", kHeader, hex, hash64(hex) & 0xffff);
}

}  // namespace

std::expected<InstallationKey, Error> InstallationKey::load(const std::filesystem::path& path,
                                                            const std::filesystem::path& data_folder) {
  if (is_inside(path, data_folder)) return refuse(Errc::invalid_field, "inside_data_folder");
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? refuse(Errc::not_found, "absent") : refuse(Errc::storage_failed, std::to_string(errno));
  }
  if (!S_ISREG(status.st_mode)) return refuse(Errc::invalid_field, "not_a_file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return refuse(Errc::invalid_field, "readable_by_others");
  if (status.st_uid != ::geteuid() && status.st_uid != 0) return refuse(Errc::invalid_field, "foreign_owner");
  TERRENO_TRY(const std::string text, read_whole(path, 1024));
  if (!text.starts_with(kHeader) || text.size() < kHeader.size() + 64) return refuse(Errc::corrupt, "format");
  const Digest digest = Digest::from_hex(std::string_view(text).substr(kHeader.size(), 64));
  Secret key((std::string(digest.view())));
  if (digest.is_zero() || encode_key(key) != text) return refuse(Errc::corrupt, "checksum");
  return InstallationKey(std::move(key));
}

std::expected<InstallationKey, Error> InstallationKey::create(const std::filesystem::path& path,
                                                              const std::filesystem::path& data_folder) {
  if (is_inside(path, data_folder)) return refuse(Errc::invalid_field, "inside_data_folder");
  Secret key(crypto::secure_random_bytes(kKeyBytes));
  {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file.is_open()) {
      return errno == EEXIST ? refuse(Errc::already_exists, "kept")
                             : refuse(Errc::storage_failed, std::to_string(errno));
    }
    if (!write_all(file.number(), encode_key(key)) || ::fsync(file.number()) != 0)
      return storage_failed("installation_key");
  }
  TERRENO_TRY_VOID(sync_folder(std::filesystem::absolute(path).parent_path()));
  return InstallationKey(std::move(key));
}

Secret InstallationKey::derive(std::string_view purpose) const { return crypto::derive_key(bytes_, purpose); }

std::string InstallationKey::fingerprint() const {
  return governance::sha256(derive("fingerprint").reveal()).hex().substr(0, 16);
}

governance::Entropy system_entropy() {
  return [](std::span<uint8_t> out) { crypto::fill_with_secure_random(out); };
}

}  // namespace terreno::server
