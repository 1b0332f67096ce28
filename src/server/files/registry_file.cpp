#include "server/files/registry_file.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"

namespace terreno::server {

using governance::Errc;
using governance::Error;

namespace {
constexpr std::string_view kMagic = "TERREGRY";
constexpr uint32_t kFormatVersion = 1;
constexpr size_t kBytesMax = 64U << 20;
}  // namespace

std::expected<std::optional<std::string>, Error> RegistryFile::load() {
  auto file = read_whole(path_, kBytesMax);
  if (!file) {
    if (file.error().code == Errc::not_found) return std::optional<std::string>();
    return std::unexpected(std::move(file).error());
  }
  Reader in(*file);
  if (in.raw(kMagic.size()) != kMagic) return std::unexpected(Error{Errc::corrupt, "registry", "magic"});
  const uint32_t version = in.u32();
  if (in.ok() && version > kFormatVersion) {
    return std::unexpected(Error{Errc::newer_format, "registry", std::to_string(version)});
  }
  const uint64_t size = in.u64();
  const uint64_t checksum = in.u64();
  const std::string_view bytes = in.raw(size);
  if (!in.done() || version != kFormatVersion || hash64(bytes) != checksum) {
    return std::unexpected(Error{Errc::corrupt, "registry", "checksum"});
  }
  return std::optional<std::string>(bytes);
}

std::expected<void, Error> RegistryFile::save(std::string_view bytes) {
  std::string file;
  Writer out(file);
  out.raw(kMagic);
  out.u32(kFormatVersion);
  out.u64(bytes.size());
  out.u64(hash64(bytes));
  out.raw(bytes);
  return replace_durably(path_, file, gate_);
}

}  // namespace terreno::server
