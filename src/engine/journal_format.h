#pragma once

// Bytes of the journal: docs/formats/journal.md. No files here.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "engine/journal_record.h"
#include "engine/sequencer.h"

namespace terreno::engine {

inline constexpr size_t kSegmentHeaderBytes = 4096;
inline constexpr size_t kGroupHeaderBytes = 32;
inline constexpr size_t kTrailerBytes = 16;
/// No group of ours is larger, before compression; more is malformed, and reserves no memory.
inline constexpr uint32_t kGroupBytesMax = 256 << 20;

/// What the whole journal is known by.
struct JournalIdentity {
  Id128 id;
  uint64_t installation_seed = 0;
};

struct SegmentHeader {
  JournalIdentity identity;
  uint64_t number = 0;
  uint64_t first_sequence = 0;
  std::array<uint64_t, kSequenceCount> positions_before{};
  std::array<Timestamp, kSequenceCount> ticks_before{};

  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static Result<SegmentHeader> decode(std::string_view bytes);
};

/// Where every CRC of the segment begins.
[[nodiscard]] uint32_t segment_crc_seed(const JournalIdentity& identity, uint64_t number);

enum class Codec : uint8_t { none = 0, lz4 = 1, index = 2 };

struct GroupHeader {
  uint64_t sequence = 0;
  uint32_t count = 0;
  Codec codec = Codec::none;
  uint32_t stored_bytes = 0;
  uint32_t raw_bytes = 0;

  /// Header, body and padding together.
  [[nodiscard]] uint64_t whole_bytes() const { return (kGroupHeaderBytes + stored_bytes + 7) / 8 * 8; }
};

/// Reads a header without its checksum; nullopt: there is none here.
[[nodiscard]] std::optional<GroupHeader> peek_group(std::string_view bytes);
/// Whether the checksum over header and body is right. `bytes` holds both.
[[nodiscard]] bool verify_group(std::string_view bytes, const GroupHeader& header, uint32_t crc_seed);

/// A group on its way to the disk and, once durable, to apply. Reusable.
class Group {
 public:
  void clear();
  /// Copies the payload.
  void add(const JournalRecord& record);
  [[nodiscard]] bool empty() const { return offsets_.empty() && records_.empty(); }
  [[nodiscard]] size_t raw_bytes() const { return raw_.size(); }
  /// The records, their payloads in this group. Only after `encode` or `decode`.
  [[nodiscard]] const std::vector<JournalRecord>& records() const { return records_; }
  uint64_t sequence = 0;

  /// Appends header and body to `out`, padded to 8 bytes. `compress`: try LZ4.
  void encode(std::string& out, uint32_t crc_seed, bool compress);
  /// `body` as stored.
  [[nodiscard]] Result<void> decode(const GroupHeader& header, std::string_view body);

 private:
  void settle();

  std::string raw_;
  std::vector<size_t> offsets_;
  std::vector<JournalRecord> records_;
};

/// The sparse index of one segment: where the group is that holds a position.
class SegmentIndex {
 public:
  struct Entry {
    uint64_t offset = 0;
    std::array<uint64_t, kSequenceCount> positions_before{};
  };
  explicit SegmentIndex(const std::array<uint64_t, kSequenceCount>& positions_before) : base_(positions_before) {}

  /// A group begins at `offset`; kept when it is far enough from the last kept one.
  void add(uint64_t offset, const std::array<uint64_t, kSequenceCount>& positions_before);
  /// The last known group that begins before `position` of `partition`.
  [[nodiscard]] uint64_t offset_of(Partition partition, Position position) const;
  /// A whole index group.
  [[nodiscard]] std::string encode(uint64_t sequence, uint32_t crc_seed) const;
  /// At most, with one entry more.
  [[nodiscard]] size_t encoded_bytes_max() const;
  [[nodiscard]] static Result<SegmentIndex> decode(const std::array<uint64_t, kSequenceCount>& positions_before,
                                                   const GroupHeader& header, std::string_view body);

 private:
  std::array<uint64_t, kSequenceCount> base_;
  std::vector<Entry> entries_;
};

[[nodiscard]] std::string encode_trailer(uint64_t index_offset);
/// Nullopt: the segment is not full, or its index was lost.
[[nodiscard]] std::optional<uint64_t> decode_trailer(std::string_view bytes);

}  // namespace terreno::engine
