#include "engine/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"

namespace terreno::engine {

namespace {

constexpr std::string_view kSuffix = ".journal";
constexpr std::string_view kPrepared = "next.tmp";
constexpr size_t kZerosBytes = 1 << 20;
/// A cursor reads this much at once.
constexpr size_t kReadAhead = 1 << 20;

Error corrupt(uint64_t segment, uint64_t offset, std::string_view what) {
  return {Errc::corrupt, fmt::format("journal segment {} offset {}: {}", segment, offset, what)};
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Opening

Result<std::unique_ptr<Journal>> Journal::open(Files& files, JournalOptions options,
                                               const JournalIdentity& identity_if_new) {
  std::unique_ptr<Journal> journal(new Journal(files, std::move(options)));
  TERRENO_TRY_VOID(files.make_folder(journal->options_.folder));
  TERRENO_TRY(auto names, files.list(journal->options_.folder));
  if (std::find(names.begin(), names.end(), kPrepared) != names.end()) {
    TERRENO_TRY_VOID(files.remove(fmt::format("{}/{}", journal->options_.folder, kPrepared)));
  }
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(kSuffix); });
  if (names.empty()) {
    journal->identity_ = identity_if_new;
    journal->sequencer_ = Sequencer(identity_if_new.installation_seed);
    TERRENO_TRY_VOID(journal->create_segment(0));
    return journal;
  }
  TERRENO_TRY_VOID(journal->open_segments(names));
  TERRENO_TRY_VOID(journal->scan_last());
  return journal;
}

Result<void> Journal::open_segments(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Segment segment;
    TERRENO_TRY(auto file, files_->open(fmt::format("{}/{}", options_.folder, name), Files::Mode::read_write));
    segment.file = std::move(file);
    TERRENO_TRY(segment.size, segment.file->size());
    std::string bytes(kSegmentHeaderBytes, '\0');
    TERRENO_TRY(const size_t read, segment.file->read(0, bytes.data(), bytes.size()));
    bytes.resize(read);
    auto header = SegmentHeader::decode(bytes);
    if (!header)
      return std::unexpected(Error{header.error().code, fmt::format("{}: {}", name, header.error().context)});
    segment.header = *header;
    if (segments_.empty()) identity_ = segment.header.identity;
    if (path_of(segment.header.number) != fmt::format("{}/{}", options_.folder, name)) {
      return std::unexpected(corrupt(segment.header.number, 0, "is named " + name));
    }
    if (segment.header.identity.id != identity_.id) {
      return std::unexpected(corrupt(segment.header.number, 0, "belongs to another journal"));
    }
    if (!segments_.empty() && segment.header.number != segments_.back().header.number + 1) {
      return std::unexpected(corrupt(segment.header.number - 1, 0, "is missing"));
    }
    segment.crc_seed = segment_crc_seed(identity_, segment.header.number);
    segments_.push_back(std::move(segment));
  }
  return {};
}

Result<void> Journal::scan_last() {
  Segment& last = segments_.back();
  sequencer_ = Sequencer(identity_.installation_seed);
  written_ = last.header.positions_before;
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    sequencer_.end(Partition{i}) = {{written_[i]}, last.header.ticks_before[i], {}};
  }
  last.index = std::make_shared<SegmentIndex>(last.header.positions_before);
  std::string bytes(last.size, '\0');
  TERRENO_TRY(const size_t read, last.file->read(0, bytes.data(), bytes.size()));
  bytes.resize(read);

  uint64_t sequence = last.header.first_sequence;
  uint64_t offset = kSegmentHeaderBytes;
  Group group;
  while (true) {
    const std::string_view rest = std::string_view(bytes).substr(std::min<size_t>(offset, bytes.size()));
    const auto header = peek_group(rest);
    if (!header || header->sequence != sequence || !verify_group(rest, *header, last.crc_seed)) break;
    offset += header->whole_bytes();
    if (header->codec == Codec::index) {
      is_last_closed_ = true;
      break;
    }
    last.index->add(offset - header->whole_bytes(), written_);
    if (auto decoded = group.decode(*header, rest.substr(kGroupHeaderBytes, header->stored_bytes)); !decoded) {
      return std::unexpected(corrupt(last.header.number, offset, decoded.error().context));
    }
    for (const JournalRecord& record : group.records()) {
      if (record.position.value != written_[record.partition.number] + 1) {
        return std::unexpected(corrupt(last.header.number, offset, "a gap in positions"));
      }
      written_[record.partition.number] = record.position.value;
      sequencer_.follow(record);
    }
    ++sequence;
  }
  offset_ = offset;
  offset_seen_ = offset;
  synced_sequence_ = sequence - 1;
  if (is_last_closed_) return {};
  return check_and_clear_rest(std::string_view(bytes).substr(std::min<size_t>(offset, bytes.size())), offset);
}

Result<void> Journal::check_and_clear_rest(std::string_view rest, uint64_t offset) {
  const size_t last_byte = rest.find_last_not_of('\0');
  if (last_byte == std::string_view::npos) return {};
  Segment& last = segments_.back();
  // One group at most was under way: a later one behind the break means that synced bytes went bad.
  for (size_t at = 0; at + kGroupHeaderBytes <= last_byte + 1; at += 8) {
    const auto header = peek_group(rest.substr(at));
    if (header && header->sequence > synced_sequence_ + 1 && verify_group(rest.substr(at), *header, last.crc_seed)) {
      return std::unexpected(corrupt(last.header.number, offset, "a bad group lies before a good one"));
    }
  }
  // Left in place, these bytes could one day stand where a group is looked for.
  was_torn_ = true;
  const std::string zeros(kZerosBytes, '\0');
  for (size_t at = 0; at <= last_byte; at += zeros.size()) {
    TERRENO_TRY_VOID(
        last.file->write(offset + at, std::string_view(zeros).substr(0, std::min(zeros.size(), rest.size() - at))));
  }
  return last.file->sync();
}

// ---------------------------------------------------------------------------------------------------------------------
// Appending

Result<void> Journal::append(Group& group) {
  if (is_failed_) return std::unexpected(Error{Errc::io_failed, "journal: an earlier write failed"});
  is_failed_ = true;
  group.sequence = synced_sequence_ + 1;
  buffer_.clear();
  group.encode(buffer_, segments_.back().crc_seed, options_.compress);
  const size_t reserve = segments_.back().index->encoded_bytes_max();
  if (is_last_closed_ || offset_ + buffer_.size() + reserve > segments_.back().size) {
    if (!is_last_closed_) TERRENO_TRY_VOID(close_segment());
    TERRENO_TRY_VOID(create_segment(buffer_.size()));
    buffer_.clear();
    group.encode(buffer_, segments_.back().crc_seed, options_.compress);
  }
  Segment& last = segments_.back();
  TERRENO_TRY_VOID(last.file->write(offset_, buffer_));
  TERRENO_TRY_VOID(last.file->sync());
  {
    const std::lock_guard lock(mutex_);
    last.index->add(offset_, written_);
  }
  for (const JournalRecord& record : group.records()) written_[record.partition.number] = record.position.value;
  last_offset_ = offset_;
  offset_ += buffer_.size();
  offset_seen_.store(offset_, std::memory_order_release);
  synced_sequence_.store(group.sequence, std::memory_order_release);
  is_failed_ = false;
  return {};
}

Result<void> Journal::close_segment() {
  Segment& last = segments_.back();
  const std::string index = last.index->encode(synced_sequence_ + 1, last.crc_seed);
  TERRENO_TRY_VOID(last.file->write(offset_, index));
  TERRENO_TRY_VOID(last.file->write(last.size - kTrailerBytes, encode_trailer(offset_)));
  TERRENO_TRY_VOID(last.file->sync());
  return {};
}

Result<void> Journal::create_segment(uint64_t size_min) {
  std::unique_ptr<File> file;
  uint64_t size = 0;
  {
    std::unique_lock lock(mutex_);
    preparation_ended_.wait(lock, [this] { return !is_preparing_; });
    file = std::move(prepared_);
    size = prepared_size_;
    // From here until the rename the name `next.tmp` is ours: a preparation that began now would open the same file and
    // go on writing zeros into it when it is the segment in use.
    is_preparing_ = true;
  }
  auto created = create_claimed_segment(std::move(file), size, size_min);
  const std::lock_guard lock(mutex_);
  is_preparing_ = false;
  preparation_ended_.notify_all();
  return created;
}

Result<void> Journal::create_claimed_segment(std::unique_ptr<File> file, uint64_t size, uint64_t size_min) {
  const uint64_t needed = size_min + kSegmentHeaderBytes + (64 << 10);
  if (!file || size < needed) {
    size = std::max(next_size(), (needed + 4095) / 4096 * 4096);
    TERRENO_TRY(file, write_zeros(size));
  }
  Segment segment;
  segment.header.identity = identity_;
  segment.header.number = segments_.empty() ? 1 : segments_.back().header.number + 1;
  segment.header.first_sequence = synced_sequence_ + 1;
  segment.header.positions_before = written_;
  for (uint16_t i = 0; i < kSequenceCount; ++i) segment.header.ticks_before[i] = sequencer_.ends()[i].last_tick;
  segment.size = size;
  segment.crc_seed = segment_crc_seed(identity_, segment.header.number);
  segment.index = std::make_shared<SegmentIndex>(written_);
  TERRENO_TRY_VOID(file->write(0, segment.header.encode()));
  TERRENO_TRY_VOID(file->sync());
  TERRENO_TRY_VOID(files_->rename(fmt::format("{}/{}", options_.folder, kPrepared), path_of(segment.header.number)));
  TERRENO_TRY_VOID(files_->sync_folder(options_.folder));
  segment.file = std::move(file);
  const std::lock_guard lock(mutex_);
  if (!segments_.empty()) segments_.back().index.reset();
  segments_.push_back(std::move(segment));
  offset_ = kSegmentHeaderBytes;
  offset_seen_ = offset_;
  is_last_closed_ = false;
  return {};
}

Result<std::unique_ptr<File>> Journal::write_zeros(uint64_t size) {
  TERRENO_TRY(auto file, files_->open(fmt::format("{}/{}", options_.folder, kPrepared), Files::Mode::create));
  const std::string zeros(kZerosBytes, '\0');
  for (uint64_t at = 0; at < size; at += zeros.size()) {
    TERRENO_TRY_VOID(file->write(at, std::string_view(zeros).substr(0, std::min<uint64_t>(zeros.size(), size - at))));
  }
  TERRENO_TRY_VOID(file->sync());
  return file;
}

bool Journal::wants_segment() const {
  const std::lock_guard lock(mutex_);
  return !prepared_ && !is_preparing_ && offset_seen_.load(std::memory_order_acquire) > segments_.back().size / 2;
}

void Journal::prepare_segment() {
  uint64_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    if (prepared_ || is_preparing_) return;
    is_preparing_ = true;
    size = next_size();
  }
  auto file = write_zeros(size);
  const std::lock_guard lock(mutex_);
  is_preparing_ = false;
  preparation_ended_.notify_all();
  if (!file) return;
  prepared_ = std::move(*file);
  prepared_size_ = size;
}

uint64_t Journal::next_size() const {
  return segments_.empty() ? options_.segment_bytes_first
                           : std::min(options_.segment_bytes_max, 2 * segments_.back().size);
}

std::string Journal::path_of(uint64_t number) const {
  return fmt::format("{}/{:010}{}", options_.folder, number, kSuffix);
}

uint64_t Journal::bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) bytes += segment.size;
  return bytes;
}

Result<size_t> Journal::cut(const std::array<Position, kSequenceCount>& before) {
  size_t removed = 0;
  while (segments_.size() > 1) {
    // What the next segment begins after is all that this one holds.
    const SegmentHeader& next = segments_[1].header;
    for (uint16_t i = 0; i < kSequenceCount; ++i) {
      if (next.positions_before[i] >= before[i].value &&
          next.positions_before[i] > segments_[0].header.positions_before[i]) {
        return removed;
      }
    }
    TERRENO_TRY_VOID(files_->remove(path_of(segments_[0].header.number)));
    TERRENO_TRY_VOID(files_->sync_folder(options_.folder));
    const std::lock_guard lock(mutex_);
    segments_.erase(segments_.begin());
    ++removed;
  }
  return removed;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

std::optional<Journal::Segment> Journal::segment(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  if (number < segments_.front().header.number || number > segments_.back().header.number) return std::nullopt;
  return segments_[number - segments_.front().header.number];
}

Result<std::optional<GroupHeader>> Journal::read_group(const Segment& segment, uint64_t offset, std::string& buffer) {
  buffer.resize(kGroupHeaderBytes);
  TERRENO_TRY(const size_t read, segment.file->read(offset, buffer.data(), buffer.size()));
  buffer.resize(read);
  const auto header = peek_group(buffer);
  if (!header) return std::nullopt;
  buffer.resize(kGroupHeaderBytes + header->stored_bytes);
  TERRENO_TRY(const size_t body, segment.file->read(offset, buffer.data(), buffer.size()));
  buffer.resize(body);
  if (!verify_group(buffer, *header, segment.crc_seed)) {
    return std::unexpected(corrupt(segment.header.number, offset, "bad checksum"));
  }
  return header;
}

Result<uint64_t> Journal::find_offset(const Segment& segment, Partition partition, Position position) const {
  if (segment.index) {
    const std::lock_guard lock(mutex_);
    return segment.index->offset_of(partition, position);
  }
  char trailer[kTrailerBytes];
  TERRENO_TRY(const size_t read, segment.file->read(segment.size - kTrailerBytes, trailer, kTrailerBytes));
  const auto index_offset = decode_trailer(std::string_view(trailer, read));
  if (!index_offset) return kSegmentHeaderBytes;
  std::string buffer;
  TERRENO_TRY(const auto header, read_group(segment, *index_offset, buffer));
  if (!header) return kSegmentHeaderBytes;
  TERRENO_TRY(const auto index, SegmentIndex::decode(segment.header.positions_before, *header,
                                                     std::string_view(buffer).substr(kGroupHeaderBytes)));
  return index.offset_of(partition, position);
}

Result<std::optional<StoredRecord>> Journal::record_at(Partition partition, Position position) const {
  if (partition.number >= kSequenceCount || position.value == 0) return std::nullopt;
  std::optional<Segment> segment;
  {
    const std::lock_guard lock(mutex_);
    const auto after = std::partition_point(segments_.begin(), segments_.end(), [&](const Segment& each) {
      return each.header.positions_before[partition.number] < position.value;
    });
    if (after == segments_.begin()) return std::nullopt;
    segment = *(after - 1);
  }
  TERRENO_TRY(uint64_t offset, find_offset(*segment, partition, position));
  std::string buffer;
  Group group;
  while (offset + kGroupHeaderBytes <= segment->size) {
    TERRENO_TRY(const auto header, read_group(*segment, offset, buffer));
    if (!header || header->codec == Codec::index || header->sequence > synced_sequence()) break;
    TERRENO_TRY_VOID(group.decode(*header, std::string_view(buffer).substr(kGroupHeaderBytes)));
    for (const JournalRecord& record : group.records()) {
      if (record.partition != partition || record.position < position) continue;
      if (record.position > position) return std::nullopt;
      return StoredRecord{record.id,
                          record.type,
                          record.position,
                          record.recorded_at,
                          record.message ? std::optional(record.message->source) : std::nullopt,
                          std::string(record.payload)};
    }
    offset += header->whole_bytes();
  }
  return std::nullopt;
}

Result<Journal::Cursor> Journal::cursor_after(const std::array<Position, kSequenceCount>& applied) const {
  const std::lock_guard lock(mutex_);
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    if (applied[i].value > written_[i]) {
      return std::unexpected(
          Error{Errc::store_ahead, fmt::format("partition {}: the store is at position {}, the journal ends at {}", i,
                                               applied[i].value, written_[i])});
    }
    if (applied[i].value < segments_.front().header.positions_before[i]) {
      return std::unexpected(
          Error{Errc::corrupt, fmt::format("partition {}: the store is at position {}, the journal begins after {}", i,
                                           applied[i].value, segments_.front().header.positions_before[i])});
    }
  }
  size_t first = 0;
  for (size_t i = 1; i < segments_.size(); ++i) {
    bool is_covered = true;
    for (uint16_t p = 0; p < kSequenceCount; ++p) {
      is_covered = is_covered && segments_[i].header.positions_before[p] <= applied[p].value;
    }
    if (is_covered) first = i;
  }
  Cursor cursor;
  cursor.journal_ = this;
  cursor.segment_ = segments_[first].header.number;
  cursor.sequence_ = segments_[first].header.first_sequence;
  cursor.offset_ = kSegmentHeaderBytes;
  return cursor;
}

Journal::Cursor Journal::cursor_from_start() const {
  const std::lock_guard lock(mutex_);
  Cursor cursor;
  cursor.journal_ = this;
  cursor.segment_ = segments_.front().header.number;
  cursor.sequence_ = segments_.front().header.first_sequence;
  cursor.offset_ = kSegmentHeaderBytes;
  return cursor;
}

Journal::Cursor Journal::cursor_at_last() const {
  Cursor cursor;
  cursor.journal_ = this;
  cursor.segment_ = segments_.back().header.number;
  cursor.sequence_ = synced_sequence();
  cursor.offset_ = last_offset_;
  return cursor;
}

Result<bool> Journal::Cursor::next(Group& group) {
  while (sequence_ <= journal_->synced_sequence()) {
    const auto segment = journal_->segment(segment_);
    if (!segment) return std::unexpected(corrupt(segment_, offset_, "was cut while it was read"));
    const auto fill = [&](size_t size) -> Result<std::string_view> {
      if (offset_ < buffer_offset_ || offset_ + size > buffer_offset_ + buffer_.size()) {
        buffer_.resize(std::max(size, kReadAhead));
        TERRENO_TRY(const size_t read, segment->file->read(offset_, buffer_.data(), buffer_.size()));
        buffer_.resize(read);
        buffer_offset_ = offset_;
      }
      return std::string_view(buffer_).substr(offset_ - buffer_offset_);
    };
    TERRENO_TRY(std::string_view bytes, fill(kGroupHeaderBytes));
    auto header = peek_group(bytes);
    if (header && bytes.size() >= kGroupHeaderBytes + header->stored_bytes &&
        !verify_group(bytes, *header, segment->crc_seed)) {
      // The read-ahead may hold what was there before this group was written: look again.
      buffer_.clear();
      TERRENO_TRY(bytes, fill(kGroupHeaderBytes));
      header = peek_group(bytes);
    } else if (!header || header->sequence != sequence_) {
      buffer_.clear();
      TERRENO_TRY(bytes, fill(kGroupHeaderBytes));
      header = peek_group(bytes);
    }
    if (!header) return std::unexpected(corrupt(segment_, offset_, "a group is missing"));
    TERRENO_TRY(bytes, fill(kGroupHeaderBytes + header->stored_bytes));
    if (!verify_group(bytes, *header, segment->crc_seed))
      return std::unexpected(corrupt(segment_, offset_, "bad checksum"));
    if (header->sequence != sequence_) return std::unexpected(corrupt(segment_, offset_, "a gap in groups"));
    offset_ += header->whole_bytes();
    if (header->codec == Codec::index) {
      ++segment_;
      offset_ = kSegmentHeaderBytes;
      buffer_.clear();
      continue;
    }
    TERRENO_TRY_VOID(group.decode(*header, bytes.substr(kGroupHeaderBytes, header->stored_bytes)));
    ++sequence_;
    return true;
  }
  return false;
}

}  // namespace terreno::engine
