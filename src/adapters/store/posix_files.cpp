#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "adapters/store/store.h"
#include "base/result.h"

namespace terreno::adapters {

namespace {

using engine::Errc;
using engine::Error;
using engine::Result;

/// strerror is not for several threads.
Error failure(std::string_view what, const std::string& path) {
  const int code = errno;
  const Errc errc = code == ENOSPC || code == EDQUOT ? Errc::no_space : Errc::io_failed;
  return {errc, std::string(what) + " " + path + ": " + std::error_code(code, std::generic_category()).message()};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public engine::File {
 public:
  PosixFile(int fd, std::string path) : descriptor_(fd), path_(std::move(path)) {}

  Result<size_t> read(uint64_t offset, char* into, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(descriptor_.get(), into + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::unexpected(failure("read", path_));
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Result<void> write(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return std::unexpected(failure("write", path_));
      bytes.remove_prefix(static_cast<size_t>(done));
      offset += static_cast<uint64_t>(done);
    }
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(descriptor_.get()) != 0) return std::unexpected(failure("fdatasync", path_));
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return std::unexpected(failure("stat", path_));
    return static_cast<uint64_t>(status.st_size);
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

/// The lock goes with the descriptor, and so with the process, however it ends.
class PosixLock final : public engine::FileLock {
 public:
  explicit PosixLock(int fd) : descriptor_(fd) {}

 private:
  Descriptor descriptor_;
};

class PosixFiles final : public engine::Files {
 public:
  Result<std::unique_ptr<engine::File>> open(const std::string& path, Mode mode) override {
    const int flags = O_RDWR | O_CLOEXEC | (mode == Mode::create ? O_CREAT | O_TRUNC : 0);
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return std::unexpected(failure("open", path));
    return std::make_unique<PosixFile>(fd, path);
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> names;
    DIR* open = ::opendir(folder.c_str());
    if (open == nullptr) {
      if (errno == ENOENT) return names;
      return std::unexpected(failure("list", folder));
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(open, ::closedir);
    while (const dirent* entry = ::readdir(open)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> make_folder(const std::string& folder) override {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return std::unexpected(Error{Errc::io_failed, "make " + folder + ": " + error.message()});
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return std::unexpected(failure("rename", from));
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return std::unexpected(failure("remove", path));
    return {};
  }

  Result<void> remove_folder(const std::string& folder) override {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return std::unexpected(Error{Errc::io_failed, "remove " + folder + ": " + error.message()});
    return {};
  }

  Result<void> sync_folder(const std::string& folder) override {
    const Descriptor open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (open.get() < 0) return std::unexpected(failure("open", folder));
    if (::fsync(open.get()) != 0) return std::unexpected(failure("fsync", folder));
    return {};
  }

  Result<std::unique_ptr<engine::FileLock>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return std::unexpected(failure("open", path));
    auto held = std::make_unique<PosixLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return std::unexpected(failure("lock", path));
      return std::unexpected(Error{Errc::locked, path + ": another process holds the data folder"});
    }
    return held;
  }

  Result<Space> space(const std::string& folder) override {
    struct statvfs status{};
    if (::statvfs(folder.c_str(), &status) != 0) return std::unexpected(failure("statvfs", folder));
    return Space{uint64_t{status.f_bavail} * status.f_frsize, uint64_t{status.f_blocks} * status.f_frsize};
  }
};

class SystemClock final : public engine::Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {read(CLOCK_REALTIME)}; }
  [[nodiscard]] Duration boot() const override { return {read(CLOCK_BOOTTIME)}; }

 private:
  static int64_t read(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
  }
};

}  // namespace

std::unique_ptr<engine::Files> posix_files() { return std::make_unique<PosixFiles>(); }

std::unique_ptr<engine::Clock> system_clock() { return std::make_unique<SystemClock>(); }

}  // namespace terreno::adapters
