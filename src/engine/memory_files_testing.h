#pragma once

// Files in memory whose power can be cut: every 4-KiB page that was written and not synced is kept or lost by draw, and
// names that were not synced with their folder may be gone. Any write, sync or open can be made to fail.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "engine/files.h"

namespace terreno::engine {

class MemoryFiles final : public Files {
 public:
  static constexpr size_t kPage = 4096;

  /// The `n`-th change from now (1 is the next) fails with `code`, and every one after it. A failing write may have
  /// written half.
  void fail_after(uint64_t n, Errc code = Errc::io_failed) {
    fail_at_ = changes_ + n;
    fail_with_ = code;
  }
  void heal() { fail_at_ = 0; }
  [[nodiscard]] uint64_t changes() const { return changes_; }

  void cut_power(std::mt19937_64& draw) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, node] : names_) lose_pages(*node, draw);
    for (auto& [name, node] : durable_names_) lose_pages(*node, draw);
    if (draw() % 2 == 0) names_ = durable_names_;
    durable_names_ = names_;
    fail_at_ = 0;
  }
  /// Changes one byte on the disk.
  void spoil(const std::string& path, uint64_t offset) {
    auto& bytes = names_.at(path)->bytes;
    bytes.at(offset) = static_cast<char>(bytes.at(offset) ^ 0x20);
    names_.at(path)->synced = bytes;
  }
  [[nodiscard]] std::vector<std::string> paths() const {
    std::vector<std::string> out;
    for (const auto& [name, node] : names_) out.push_back(name);
    return out;
  }
  [[nodiscard]] std::string bytes(const std::string& path) const { return names_.at(path)->bytes; }

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(path);
    if (found != names_.end() && mode == Mode::read_write) return std::make_unique<MemoryFile>(*this, found->second);
    if (auto ok = change(); !ok) return std::unexpected(ok.error());
    auto node = std::make_shared<Node>();
    names_[path] = node;
    return std::make_unique<MemoryFile>(*this, node);
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [name, node] : names_) {
      if (name.starts_with(folder + "/")) out.push_back(name.substr(folder.size() + 1));
    }
    return out;
  }
  Result<void> make_folder(const std::string&) override { return {}; }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (auto ok = change(); !ok) return ok;
    if (!names_.contains(from)) return std::unexpected(Error{Errc::io_failed, from});
    names_[to] = names_.at(from);
    names_.erase(from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (auto ok = change(); !ok) return ok;
    names_.erase(path);
    return {};
  }
  Result<void> remove_folder(const std::string& folder) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(names_, [&](const auto& entry) { return entry.first.starts_with(folder + "/"); });
    return {};
  }
  Result<void> sync_folder(const std::string&) override {
    const std::lock_guard lock(mutex_);
    if (auto ok = change(); !ok) return ok;
    durable_names_ = names_;
    return {};
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (!locks_.insert(path).second) return std::unexpected(Error{Errc::locked, path});
    return std::make_unique<MemoryLock>(*this, path);
  }
  Result<Space> space(const std::string&) override { return Space{1ULL << 40, 1ULL << 41}; }

 private:
  struct Node {
    std::string bytes;
    std::string synced;
    std::set<size_t> dirty;  ///< pages
  };
  class MemoryFile final : public File {
   public:
    MemoryFile(MemoryFiles& files, std::shared_ptr<Node> node) : files_(&files), node_(std::move(node)) {}
    Result<size_t> read(uint64_t offset, char* into, size_t size) const override {
      const std::lock_guard lock(files_->mutex_);
      if (offset >= node_->bytes.size()) return 0;
      return node_->bytes.copy(into, size, offset);
    }
    Result<void> write(uint64_t offset, std::string_view bytes) override {
      const std::lock_guard lock(files_->mutex_);
      auto ok = files_->change();
      if (!ok) bytes = bytes.substr(0, bytes.size() / 2);
      if (bytes.empty()) return ok;
      if (node_->bytes.size() < offset + bytes.size()) node_->bytes.resize(offset + bytes.size(), '\0');
      node_->bytes.replace(offset, bytes.size(), bytes);
      for (size_t page = offset / kPage; page <= (offset + bytes.size() - 1) / kPage; ++page) node_->dirty.insert(page);
      return ok;
    }
    Result<void> sync() override {
      const std::lock_guard lock(files_->mutex_);
      if (auto ok = files_->change(); !ok) return ok;
      node_->synced.resize(node_->bytes.size(), '\0');
      for (const size_t page : node_->dirty) {
        node_->synced.replace(page * kPage, kPage, node_->bytes, page * kPage, kPage);
      }
      node_->dirty.clear();
      return {};
    }
    Result<uint64_t> size() const override {
      const std::lock_guard lock(files_->mutex_);
      return node_->bytes.size();
    }

   private:
    MemoryFiles* files_;
    std::shared_ptr<Node> node_;
  };
  class MemoryLock final : public FileLock {
   public:
    MemoryLock(MemoryFiles& files, std::string path) : files_(&files), path_(std::move(path)) {}
    ~MemoryLock() override {
      const std::lock_guard lock(files_->mutex_);
      files_->locks_.erase(path_);
    }

   private:
    MemoryFiles* files_;
    std::string path_;
  };

  Result<void> change() {
    ++changes_;
    if (fail_at_ != 0 && changes_ >= fail_at_) return std::unexpected(Error{fail_with_, "injected"});
    return {};
  }
  static void lose_pages(Node& node, std::mt19937_64& draw) {
    for (const size_t page : node.dirty) {
      if (draw() % 2 == 0) continue;
      const size_t at = page * kPage;
      const size_t size = std::min(kPage, node.bytes.size() - at);
      std::string old = at < node.synced.size() ? node.synced.substr(at, size) : "";
      old.resize(size, '\0');
      node.bytes.replace(at, size, old);
    }
    node.dirty.clear();
    node.synced = node.bytes;
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> names_;
  std::map<std::string, std::shared_ptr<Node>> durable_names_;
  std::set<std::string> locks_;
  uint64_t changes_ = 0;
  uint64_t fail_at_ = 0;
  Errc fail_with_ = Errc::io_failed;
};

}  // namespace terreno::engine
