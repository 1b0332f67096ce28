#include "engine/journal_format.h"

#include <lz4.h>

#include <cstring>

#include "base/check.h"
#include "engine/crc32c.h"

namespace terreno::engine {

namespace {

constexpr std::string_view kSegmentMagic = "TERRENOJ";
constexpr uint32_t kFormatVersion = 1;
constexpr uint32_t kGroupMagic = 0x31475254;
constexpr size_t kRecordHeaderBytes = 40;
constexpr size_t kMessageHeaderBytes = 26;
static_assert(kRecordHeaderBytes + kMessageHeaderBytes == kRecordHeaderBytesMax);
constexpr uint8_t kFlagMessage = 1;
/// Below this a group is one page or two either way.
constexpr size_t kCompressBytesMin = 8 << 10;
constexpr uint64_t kIndexStride = 64 << 10;

Error malformed(std::string_view what) { return {Errc::corrupt, "journal: malformed " + std::string(what)}; }

template <typename Integer>
char* put(char* out, Integer value) {
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}

void write_group_header(std::string& out, size_t at, const GroupHeader& header, uint32_t crc_seed) {
  std::string bytes;
  Writer writer(bytes);
  writer.u64(header.sequence);
  writer.u32(header.count);
  writer.enumeration(header.codec);
  writer.raw(std::string_view("\0\0\0", 3));
  writer.u32(header.stored_bytes);
  writer.u32(header.raw_bytes);
  std::memcpy(out.data() + at + 8, bytes.data(), bytes.size());
  const uint32_t crc =
      crc32c(std::string_view(out).substr(at + 8, kGroupHeaderBytes - 8 + header.stored_bytes), crc_seed);
  std::memcpy(out.data() + at, &kGroupMagic, 4);
  std::memcpy(out.data() + at + 4, &crc, 4);
  out.resize(at + header.whole_bytes(), '\0');
}

}  // namespace

std::string SegmentHeader::encode() const {
  std::string out;
  Writer writer(out);
  writer.raw(kSegmentMagic);
  writer.u32(kFormatVersion);
  writer.u32(0);
  writer.id(identity.id);
  writer.u64(identity.installation_seed);
  writer.u64(number);
  writer.u64(first_sequence);
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    writer.u64(positions_before[i]);
    writer.u64(static_cast<uint64_t>(ticks_before[i].ms));
  }
  out.resize(kSegmentHeaderBytes - 4, '\0');
  writer.u32(crc32c(out));
  return out;
}

Result<SegmentHeader> SegmentHeader::decode(std::string_view bytes) {
  if (bytes.size() != kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) {
    return std::unexpected(malformed("segment header"));
  }
  Reader reader(bytes.substr(kSegmentMagic.size()));
  const uint32_t version = reader.u32();
  if (version > kFormatVersion) return std::unexpected(Error{Errc::newer_format, "journal: format of a newer version"});
  if (Reader(bytes.substr(kSegmentHeaderBytes - 4)).u32() != crc32c(bytes.substr(0, kSegmentHeaderBytes - 4))) {
    return std::unexpected(malformed("segment header"));
  }
  SegmentHeader header;
  reader.u32();
  header.identity.id = reader.id();
  header.identity.installation_seed = reader.u64();
  header.number = reader.u64();
  header.first_sequence = reader.u64();
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    header.positions_before[i] = reader.u64();
    header.ticks_before[i].ms = static_cast<int64_t>(reader.u64());
  }
  return header;
}

uint32_t segment_crc_seed(const JournalIdentity& identity, uint64_t number) {
  std::string bytes;
  Writer writer(bytes);
  writer.id(identity.id);
  writer.u64(number);
  return crc32c(bytes);
}

std::optional<GroupHeader> peek_group(std::string_view bytes) {
  if (bytes.size() < kGroupHeaderBytes) return std::nullopt;
  Reader reader(bytes);
  if (reader.u32() != kGroupMagic) return std::nullopt;
  reader.u32();
  GroupHeader header;
  header.sequence = reader.u64();
  header.count = reader.u32();
  header.codec = reader.enumeration(Codec::index);
  reader.raw(3);
  header.stored_bytes = reader.u32();
  header.raw_bytes = reader.u32();
  if (!reader.ok() || header.stored_bytes > kGroupBytesMax || header.raw_bytes > kGroupBytesMax) return std::nullopt;
  return header;
}

bool verify_group(std::string_view bytes, const GroupHeader& header, uint32_t crc_seed) {
  if (bytes.size() < kGroupHeaderBytes + header.stored_bytes) return false;
  uint32_t crc = 0;
  std::memcpy(&crc, bytes.data() + 4, 4);
  return crc == crc32c(bytes.substr(8, kGroupHeaderBytes - 8 + header.stored_bytes), crc_seed);
}

// ---------------------------------------------------------------------------------------------------------------------

void Group::clear() {
  raw_.clear();
  offsets_.clear();
  records_.clear();
}

void Group::add(const JournalRecord& record) {
  const size_t header = kRecordHeaderBytes + (record.message ? kMessageHeaderBytes : 0);
  const size_t at = raw_.size();
  char head[kRecordHeaderBytes + kMessageHeaderBytes];
  char* out = head;
  out = put(out, static_cast<uint8_t>(record.partition.number));
  out = put(out, record.message ? kFlagMessage : uint8_t{0});
  out = put(out, record.type);
  out = put(out, static_cast<uint32_t>(record.payload.size()));
  out = put(out, record.position.value);
  out = put(out, record.id.value.high);
  out = put(out, record.id.value.low);
  out = put(out, record.recorded_at.ms);
  if (record.message) {
    out = put(out, record.message->source.number);
    out = put(out, record.message->mark.position);
    out = put(out, record.message->mark.index);
    out = put(out, record.message->predecessor.position);
    out = put(out, record.message->predecessor.index);
  }
  raw_.append(head, header);
  raw_.append(record.payload);
  offsets_.push_back(at + header);
  records_.push_back(record);
}

void Group::settle() {
  // Only now does the buffer stay where it is.
  for (size_t i = 0; i < records_.size(); ++i) {
    records_[i].payload = std::string_view(raw_).substr(offsets_[i], records_[i].payload.size());
  }
}

void Group::encode(std::string& out, uint32_t crc_seed, bool compress) {
  settle();
  TERRENO_CHECK(raw_.size() <= kGroupBytesMax, "a group above the bound");
  GroupHeader header;
  header.sequence = sequence;
  header.count = static_cast<uint32_t>(records_.size());
  header.raw_bytes = static_cast<uint32_t>(raw_.size());
  const size_t at = out.size();
  out.resize(at + kGroupHeaderBytes);
  if (compress && raw_.size() >= kCompressBytesMin) {
    const int bound = LZ4_compressBound(static_cast<int>(raw_.size()));
    out.resize(at + kGroupHeaderBytes + static_cast<size_t>(bound));
    const int packed =
        LZ4_compress_default(raw_.data(), out.data() + at + kGroupHeaderBytes, static_cast<int>(raw_.size()), bound);
    if (packed > 0 && static_cast<size_t>(packed) < raw_.size()) {
      header.codec = Codec::lz4;
      header.stored_bytes = static_cast<uint32_t>(packed);
      out.resize(at + kGroupHeaderBytes + header.stored_bytes);
    }
  }
  if (header.codec == Codec::none) {
    out.resize(at + kGroupHeaderBytes);
    out.append(raw_);
    header.stored_bytes = header.raw_bytes;
  }
  write_group_header(out, at, header, crc_seed);
}

Result<void> Group::decode(const GroupHeader& header, std::string_view body) {
  clear();
  sequence = header.sequence;
  if (header.codec == Codec::lz4) {
    raw_.resize(header.raw_bytes);
    const int unpacked = LZ4_decompress_safe(body.data(), raw_.data(), static_cast<int>(body.size()),
                                             static_cast<int>(header.raw_bytes));
    if (unpacked < 0 || static_cast<uint32_t>(unpacked) != header.raw_bytes) return std::unexpected(malformed("group"));
  } else if (header.codec == Codec::none) {
    raw_.assign(body);
  } else {
    return std::unexpected(malformed("group"));
  }
  Reader reader(raw_);
  while (!reader.done() && reader.ok()) {
    JournalRecord record;
    record.partition.number = reader.u8();
    const uint8_t flags = reader.u8();
    record.type = reader.u16();
    const uint32_t size = reader.u32();
    record.position.value = reader.u64();
    record.id = reader.record_id();
    record.recorded_at.ms = static_cast<int64_t>(reader.u64());
    if ((flags & kFlagMessage) != 0) {
      MessageHeader message;
      message.source.number = reader.u16();
      message.mark.position = reader.u64();
      message.mark.index = reader.u32();
      message.predecessor.position = reader.u64();
      message.predecessor.index = reader.u32();
      record.message = message;
    }
    record.payload = reader.raw(size);
    if (!reader.ok() || record.partition.number >= kSequenceCount || flags > kFlagMessage) break;
    records_.push_back(record);
  }
  if (!reader.done() || records_.size() != header.count) return std::unexpected(malformed("group"));
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------

void SegmentIndex::add(uint64_t offset, const std::array<uint64_t, kSequenceCount>& positions_before) {
  if (!entries_.empty() && offset < entries_.back().offset + kIndexStride) return;
  entries_.push_back({offset, positions_before});
}

uint64_t SegmentIndex::offset_of(Partition partition, Position position) const {
  uint64_t offset = kSegmentHeaderBytes;
  for (const Entry& entry : entries_) {
    if (entry.positions_before[partition.number] >= position.value) break;
    offset = entry.offset;
  }
  return offset;
}

std::string SegmentIndex::encode(uint64_t sequence, uint32_t crc_seed) const {
  std::string out(kGroupHeaderBytes, '\0');
  Writer writer(out);
  uint64_t offset = 0;
  auto before = base_;
  for (const Entry& entry : entries_) {
    writer.varint(entry.offset - offset);
    offset = entry.offset;
    for (uint16_t i = 0; i < kSequenceCount; ++i) {
      writer.varint(entry.positions_before[i] - before[i]);
      before[i] = entry.positions_before[i];
    }
  }
  GroupHeader header;
  header.sequence = sequence;
  header.count = static_cast<uint32_t>(entries_.size());
  header.codec = Codec::index;
  header.stored_bytes = header.raw_bytes = static_cast<uint32_t>(out.size() - kGroupHeaderBytes);
  write_group_header(out, 0, header, crc_seed);
  return out;
}

size_t SegmentIndex::encoded_bytes_max() const {
  // A difference within one segment takes at most five bytes.
  return (entries_.size() + 1) * (kSequenceCount + 1) * 5 + kGroupHeaderBytes + kTrailerBytes + 8;
}

Result<SegmentIndex> SegmentIndex::decode(const std::array<uint64_t, kSequenceCount>& positions_before,
                                          const GroupHeader& header, std::string_view body) {
  SegmentIndex index(positions_before);
  Reader reader(body);
  Entry entry{0, positions_before};
  for (uint32_t i = 0; i < header.count && reader.ok(); ++i) {
    entry.offset += reader.varint();
    for (uint64_t& position : entry.positions_before) position += reader.varint();
    index.entries_.push_back(entry);
  }
  if (header.codec != Codec::index || !reader.done()) return std::unexpected(malformed("index group"));
  return index;
}

std::string encode_trailer(uint64_t index_offset) {
  std::string out;
  Writer writer(out);
  writer.u64(index_offset);
  writer.u32(kGroupMagic);
  writer.u32(crc32c(out));
  return out;
}

std::optional<uint64_t> decode_trailer(std::string_view bytes) {
  Reader reader(bytes);
  const uint64_t offset = reader.u64();
  const uint32_t magic = reader.u32();
  const uint32_t crc = reader.u32();
  if (!reader.done() || magic != kGroupMagic || crc != crc32c(bytes.substr(0, 12))) return std::nullopt;
  return offset;
}

}  // namespace terreno::engine
