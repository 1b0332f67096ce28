#pragma once

// The audit log as a folder of files, `000000000001.jsonl` …, each named by the number of its first entry
// (docs/formats/audit.md).
//
// 1. Only the last file is written, only at its end, and an entry is synced before it is acknowledged.
// 2. A line without its line feed at the end of the last file is what a power cut left: it was never acknowledged, and
// is
//    cut. A broken line anywhere else is damage or tampering: the folder does not open.
// 3. When there are more than `files_max`, the oldest goes, and an entry says so.

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "governance/governance.h"
#include "server/files/durable_file.h"

namespace terreno::server {

struct AuditFolderOptions {
  size_t file_bytes_max = 16U << 20;
  size_t files_max = 640;  ///< with 16 MiB: 10 GiB, some 25 million entries
};

/// Thread: every method from any thread. Reading waits for a write in progress.
class AuditFolder final : public governance::AuditLog {
 public:
  /// Creates the folder. Checks the whole chain of the last file; `verify` checks all.
  /// Error: corrupt (`rule` names the file), storage_failed.
  [[nodiscard]] static std::expected<std::unique_ptr<AuditFolder>, governance::Error> open(
      std::filesystem::path folder, AuditFolderOptions options = {});

  [[nodiscard]] std::expected<governance::AuditEntry, governance::Error> append(const governance::Principal& actor,
                                                                                Timestamp now,
                                                                                governance::AuditNote note,
                                                                                uint64_t registry_version) override;
  [[nodiscard]] std::expected<governance::AuditPage, governance::Error> read(
      const governance::AuditQuery& query) const override;
  [[nodiscard]] governance::AuditAnchor head() const override;
  [[nodiscard]] std::expected<governance::AuditEntry, governance::Error> entry(uint64_t number) const override;
  /// Reads every file and follows the chain from its first entry to the head. `doctor` calls it.
  [[nodiscard]] std::expected<uint64_t, governance::Error> verify() const;

 private:
  struct File {
    uint64_t first = 0;
    std::filesystem::path path;
  };
  /// A file's bytes and where its lines start. Only one is kept: pages walk from file to file.
  struct Lines {
    uint64_t first = 0;
    std::string bytes;
    std::vector<size_t> starts;
    [[nodiscard]] std::string_view line(uint64_t number) const;
  };

  AuditFolder(std::filesystem::path folder, AuditFolderOptions options)
      : folder_(std::move(folder)), options_(options) {}
  [[nodiscard]] std::expected<void, governance::Error> load();
  [[nodiscard]] std::expected<void, governance::Error> start_file();
  [[nodiscard]] std::expected<governance::AuditEntry, governance::Error> write(governance::AuditEntry entry);
  [[nodiscard]] std::expected<const Lines*, governance::Error> lines_of(size_t file) const;
  [[nodiscard]] std::expected<governance::AuditEntry, governance::Error> find(uint64_t number) const;

  std::filesystem::path folder_;
  AuditFolderOptions options_;
  mutable std::mutex mutex_;
  std::vector<File> files_;
  Descriptor last_;
  size_t last_bytes_ = 0;
  governance::AuditAnchor head_;
  bool failed_ = false;
  mutable std::unique_ptr<Lines> cached_;
};

}  // namespace terreno::server
