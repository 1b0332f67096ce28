#include "server/files/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/result.h"

namespace terreno::server {

using governance::Errc;
using governance::Error;

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (is_open()) ::close(number_);
    number_ = other.release();
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (is_open()) ::close(number_);
}
int Descriptor::release() { return std::exchange(number_, -1); }

std::unexpected<Error> storage_failed(std::string_view step) {
  return std::unexpected(Error{Errc::storage_failed, std::string(step), std::to_string(errno)});
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::expected<void, Error> sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open() || ::fsync(descriptor.number()) != 0) return storage_failed("sync_folder");
  return {};
}

std::expected<void, Error> replace_durably(const std::filesystem::path& path, std::string_view bytes,
                                           const SaveGate& gate) {
  const auto stops = [&](SaveStep step) { return gate && !gate(step); };
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file.is_open()) return storage_failed("create");
    if (stops(SaveStep::write) || !write_all(file.number(), bytes)) return storage_failed("write");
    if (stops(SaveStep::sync) || ::fsync(file.number()) != 0) return storage_failed("sync");
  }
  if (stops(SaveStep::rename) || ::rename(temporary.c_str(), path.c_str()) != 0) return storage_failed("rename");
  if (stops(SaveStep::sync_folder)) return storage_failed("sync_folder");
  return sync_folder(path.parent_path());
}

std::expected<std::string, Error> read_whole(const std::filesystem::path& path, size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return std::unexpected(Error{Errc::not_found, "file", path.filename().string()});
    return storage_failed("open");
  }
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) return storage_failed("stat");
  if (static_cast<size_t>(status.st_size) > bytes_max) {
    return std::unexpected(Error{Errc::limit_reached, path.filename().string(), std::to_string(bytes_max)});
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.number(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return storage_failed("read");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace terreno::server
