#include "engine/data_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/result.h"
#include "engine/journal.h"
#include "engine/runtime.h"
#include "engine/store_keys.h"

namespace terreno::engine {

namespace {

constexpr std::string_view kSkippedName = "skipped";

Result<std::string> read_whole(Files& files, const std::string& path) {
  TERRENO_TRY(const auto file, files.open(path, Files::Mode::read_write));
  TERRENO_TRY(const uint64_t size, file->size());
  std::string bytes(size, '\0');
  TERRENO_TRY(const size_t read, file->read(0, bytes.data(), bytes.size()));
  bytes.resize(read);
  return bytes;
}

}  // namespace

Result<SkippedPositions> read_skipped(Files& files, const std::string& folder) {
  SkippedPositions skipped;
  const std::string journal = journal_folder(folder);
  TERRENO_TRY(const auto names, files.list(journal));
  if (std::find(names.begin(), names.end(), kSkippedName) == names.end()) return skipped;
  TERRENO_TRY(const std::string text, read_whole(files, fmt::format("{}/{}", journal, kSkippedName)));
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    uint16_t partition = 0;
    uint64_t position = 0;
    const auto first = std::from_chars(at, end, partition);
    const auto second = first.ptr < end ? std::from_chars(first.ptr + 1, end, position) : first;
    if (second.ec != std::errc() || second.ptr == end || *second.ptr != '\n' || partition >= kSequenceCount) {
      return std::unexpected(Error{Errc::corrupt, "journal/skipped: each line must be a partition and a position"});
    }
    skipped[partition].push_back({position});
    at = second.ptr + 1;
  }
  return skipped;
}

Result<void> skip_record(Files& files, const std::string& folder, Partition partition, Position position) {
  TERRENO_TRY(const auto lock, files.lock(lock_path(folder)));
  TERRENO_TRY(auto skipped, read_skipped(files, folder));
  skipped[partition.number].push_back(position);
  std::string text;
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    for (const Position each : skipped[number]) text += fmt::format("{} {}\n", number, each.value);
  }
  const std::string journal = journal_folder(folder);
  const std::string temporary = fmt::format("{}/{}.tmp", journal, kSkippedName);
  TERRENO_TRY(auto file, files.open(temporary, Files::Mode::create));
  TERRENO_TRY_VOID(file->write(0, text));
  TERRENO_TRY_VOID(file->sync());
  TERRENO_TRY_VOID(files.rename(temporary, fmt::format("{}/{}", journal, kSkippedName)));
  return files.sync_folder(journal);
}

Result<std::array<Position, kSequenceCount>> committed_positions(Store& store) {
  std::array<Position, kSequenceCount> positions{};
  for (uint16_t number = 0; number < kSequenceCount; ++number) {
    TERRENO_TRY(const auto meta, store.get(store_keys::meta(Partition{number})));
    if (!meta) continue;
    Reader reader(*meta);
    reader.u8();
    positions[number].value = reader.u64();
    if (!reader.ok()) return std::unexpected(Error{Errc::corrupt, "store: malformed meta row"});
  }
  return positions;
}

Result<FolderReport> check_data_folder(Files& files, Store& store, const std::string& folder) {
  TERRENO_TRY(const auto lock, files.lock(lock_path(folder)));
  JournalOptions options;
  options.folder = journal_folder(folder);
  TERRENO_TRY(const auto names, files.list(options.folder));
  if (names.empty()) return std::unexpected(Error{Errc::corrupt, folder + ": holds no journal"});
  TERRENO_TRY(const auto journal, Journal::open(files, options, {}));
  TERRENO_TRY(const auto committed, committed_positions(store));
  FolderReport report;
  report.was_torn = journal->was_torn();
  report.journal_bytes = journal->bytes();
  // Also refuses a store that does not fit.
  TERRENO_TRY([[maybe_unused]] const auto fits, journal->cursor_after(committed));
  auto cursor = journal->cursor_from_start();
  Group group;
  while (true) {
    TERRENO_TRY(const bool more, cursor.next(group));
    if (!more) break;
    ++report.groups;
    report.records += group.records().size();
    for (const JournalRecord& record : group.records()) {
      if (record.position > committed[record.partition.number]) ++report.unapplied;
    }
  }
  TERRENO_TRY([[maybe_unused]] const auto skipped, read_skipped(files, folder));
  return report;
}

}  // namespace terreno::engine
