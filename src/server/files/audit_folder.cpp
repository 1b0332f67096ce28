#include "server/files/audit_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/result.h"

namespace terreno::server {

using governance::AuditAnchor;
using governance::AuditEntry;
using governance::AuditNote;
using governance::AuditPage;
using governance::AuditQuery;
using governance::Errc;
using governance::Error;
using governance::Principal;

namespace {

constexpr std::string_view kSuffix = ".jsonl";
// What one page may read, however rarely its filter matches.
constexpr size_t kScannedMax = 5'000;

std::unexpected<Error> corrupt(const std::filesystem::path& path) {
  return std::unexpected(Error{Errc::corrupt, "audit", path.filename().string()});
}

std::vector<size_t> line_starts(std::string_view bytes) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < bytes.size();) {
    starts.push_back(at);
    const size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return starts;
}

bool matches(const AuditEntry& entry, const AuditQuery& query) {
  const bool is_action =
      query.action.empty() ||
      (query.action.ends_with('.') ? entry.note.action.starts_with(query.action) : entry.note.action == query.action);
  return is_action && (query.actor_id.empty() || entry.actor_id == query.actor_id) &&
         (query.object_id.empty() || entry.note.object_id == query.object_id) &&
         (query.from.is_zero() || entry.time >= query.from) && (query.until.is_zero() || entry.time < query.until);
}

}  // namespace

std::string_view AuditFolder::Lines::line(uint64_t number) const {
  const size_t index = number - first;
  const size_t end = index + 1 < starts.size() ? starts[index + 1] : bytes.size();
  return std::string_view(bytes).substr(starts[index], end - starts[index] - 1);
}

std::expected<std::unique_ptr<AuditFolder>, Error> AuditFolder::open(std::filesystem::path folder,
                                                                     AuditFolderOptions options) {
  std::unique_ptr<AuditFolder> log(new AuditFolder(std::move(folder), options));
  TERRENO_TRY_VOID(log->load());
  return log;
}

std::expected<void, Error> AuditFolder::load() {
  std::error_code failed;
  const bool is_new = std::filesystem::create_directory(folder_, failed);
  if (failed) return std::unexpected(Error{Errc::storage_failed, "audit", std::to_string(failed.value())});
  if (is_new) {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, failed);
    if (failed) return std::unexpected(Error{Errc::storage_failed, "audit", std::to_string(failed.value())});
    TERRENO_TRY_VOID(sync_folder(folder_.parent_path()));
  }
  for (auto it = std::filesystem::directory_iterator(folder_, failed);
       !failed && it != std::filesystem::directory_iterator(); it.increment(failed)) {
    const std::string name = it->path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    uint64_t first = 0;
    const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size() - kSuffix.size(), first);
    if (wrong != std::errc{} || end != name.data() + name.size() - kSuffix.size() || first == 0)
      return corrupt(it->path());
    files_.push_back({first, it->path()});
  }
  if (failed) return std::unexpected(Error{Errc::storage_failed, "audit", std::to_string(failed.value())});
  std::ranges::sort(files_, {}, &File::first);
  if (files_.empty()) return start_file();

  const File& last = files_.back();
  TERRENO_TRY(std::string bytes, read_whole(last.path, options_.file_bytes_max + governance::kAuditLineBytesMax));
  last_ = Descriptor(::open(last.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!last_.is_open()) return storage_failed("open");
  const size_t whole = bytes.rfind('\n') == std::string::npos ? 0 : bytes.rfind('\n') + 1;
  if (whole < bytes.size()) {
    bytes.resize(whole);
    if (::ftruncate(last_.number(), static_cast<off_t>(whole)) != 0 || ::fsync(last_.number()) != 0) {
      return storage_failed("truncate");
    }
  }
  last_bytes_ = whole;
  head_.number = last.first - 1;
  // The first entry of a file names the last of the one before; read it, so that the chain is checked across the gap.
  if (files_.size() > 1) {
    TERRENO_TRY(const Lines* const before, lines_of(files_.size() - 2));
    const uint64_t number = before->first + before->starts.size() - 1;
    if (before->starts.empty() || number != head_.number) return corrupt(files_[files_.size() - 2].path);
    const auto entry = governance::decode_line(before->line(number));
    if (!entry || entry->number != number) return corrupt(files_[files_.size() - 2].path);
    head_.hash = entry->hash;
  }
  Lines lines{last.first, std::move(bytes), {}};
  lines.starts = line_starts(lines.bytes);
  for (uint64_t number = lines.first; number < lines.first + lines.starts.size(); ++number) {
    const auto entry = governance::decode_line(lines.line(number));
    // Where older files have been removed, the first hash is taken on trust.
    if (!entry ||
        (head_.number > 0 && head_.hash.is_zero() ? entry->number != number : !governance::follows(*entry, head_))) {
      return corrupt(last.path);
    }
    head_ = {entry->number, entry->hash};
  }
  return {};
}

std::expected<void, Error> AuditFolder::start_file() {
  const File file{head_.number + 1, folder_ / fmt::format("{:012}{}", head_.number + 1, kSuffix)};
  last_ = Descriptor(
      ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!last_.is_open()) return storage_failed("create");
  TERRENO_TRY_VOID(sync_folder(folder_));
  last_bytes_ = 0;
  files_.push_back(file);
  return {};
}

std::expected<AuditEntry, Error> AuditFolder::write(AuditEntry entry) {
  const std::string line = governance::encode_line(entry) + "\n";
  // Not retried: after a failed sync nobody knows what is on the disk.
  if (!write_all(last_.number(), line) || ::fdatasync(last_.number()) != 0) return storage_failed("append");
  last_bytes_ += line.size();
  head_ = {entry.number, entry.hash};
  return entry;
}

std::expected<AuditEntry, Error> AuditFolder::append(const Principal& actor, Timestamp now, AuditNote note,
                                                     uint64_t registry_version) {
  const std::scoped_lock lock(mutex_);
  if (failed_) return std::unexpected(Error{Errc::storage_failed, "audit", "stopped"});
  const auto attempt = [&]() -> std::expected<AuditEntry, Error> {
    if (last_bytes_ >= options_.file_bytes_max) {
      TERRENO_TRY_VOID(start_file());
      if (files_.size() > options_.files_max) {
        const File oldest = files_.front();
        AuditNote removal{
            "audit_file_removed", "audit", std::to_string(oldest.first), oldest.path.filename().string(), {}};
        removal.details["last_entry"] = std::to_string(files_[1].first - 1);
        TERRENO_TRY_VOID(write(governance::make_entry(head_, Principal::program(), now, std::move(removal), 0)));
        files_.erase(files_.begin());
        cached_.reset();
        if (::unlink(oldest.path.c_str()) != 0) return storage_failed("remove");
      }
    }
    return write(governance::make_entry(head_, actor, now, std::move(note), registry_version));
  };
  auto entry = attempt();
  if (!entry) failed_ = true;
  return entry;
}

AuditAnchor AuditFolder::head() const {
  const std::scoped_lock lock(mutex_);
  return head_;
}

std::expected<const AuditFolder::Lines*, Error> AuditFolder::lines_of(size_t file) const {
  const bool is_last = file + 1 == files_.size();
  // The last file grows: what is cached of it may be too short.
  if (!cached_ || cached_->first != files_[file].first ||
      (is_last && cached_->first + cached_->starts.size() != head_.number + 1)) {
    auto lines = std::make_unique<Lines>();
    lines->first = files_[file].first;
    TERRENO_TRY(lines->bytes,
                read_whole(files_[file].path, options_.file_bytes_max + 2 * governance::kAuditLineBytesMax));
    lines->starts = line_starts(lines->bytes);
    if (!lines->bytes.empty() && !lines->bytes.ends_with('\n')) return corrupt(files_[file].path);
    cached_ = std::move(lines);
  }
  return cached_.get();
}

std::expected<AuditEntry, Error> AuditFolder::find(uint64_t number) const {
  if (number == 0 || number > head_.number || files_.empty() || number < files_.front().first) {
    return std::unexpected(Error{Errc::not_found, "audit", std::to_string(number)});
  }
  const auto after = std::ranges::upper_bound(files_, number, {}, &File::first);
  const auto file = static_cast<size_t>(after - files_.begin()) - 1;
  TERRENO_TRY(const Lines* const lines, lines_of(file));
  if (number - lines->first >= lines->starts.size()) return corrupt(files_[file].path);
  auto entry = governance::decode_line(lines->line(number));
  if (!entry || entry->number != number) return corrupt(files_[file].path);
  return entry;
}

std::expected<AuditEntry, Error> AuditFolder::entry(uint64_t number) const {
  const std::scoped_lock lock(mutex_);
  return find(number);
}

std::expected<AuditPage, Error> AuditFolder::read(const AuditQuery& query) const {
  const std::scoped_lock lock(mutex_);
  AuditPage page;
  const size_t limit = std::clamp(query.limit, size_t{1}, governance::kAuditPageMax);
  const uint64_t oldest = files_.front().first;
  uint64_t number = query.before == 0 ? head_.number : std::min(query.before - 1, head_.number);
  for (size_t scanned = 0; number >= oldest && number > 0; --number, ++scanned) {
    if (page.entries.size() == limit || scanned == kScannedMax) {
      page.next_before = number + 1;
      return page;
    }
    TERRENO_TRY(AuditEntry entry, find(number));
    if (matches(entry, query)) page.entries.push_back(std::move(entry));
  }
  return page;
}

std::expected<uint64_t, Error> AuditFolder::verify() const {
  const std::scoped_lock lock(mutex_);
  uint64_t count = 0;
  AuditAnchor before;
  for (uint64_t number = files_.front().first; number <= head_.number; ++number, ++count) {
    TERRENO_TRY(const AuditEntry entry, find(number));
    const bool is_first_of_a_cut_log = count == 0 && number > 1;
    if (!is_first_of_a_cut_log && !governance::follows(entry, before)) {
      return std::unexpected(Error{Errc::corrupt, "audit", std::to_string(number)});
    }
    before = {entry.number, entry.hash};
  }
  if (before != head_) return std::unexpected(Error{Errc::corrupt, "audit", "head"});
  return count;
}

}  // namespace terreno::server
