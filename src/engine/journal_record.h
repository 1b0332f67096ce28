#pragma once

// A record as the journal keeps it: what `RecordView` shows, and the header of a message between partitions.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace terreno::engine {

/// Numbers at and above are the engine's own; the machine never sees them.
inline constexpr uint16_t kEngineTypeFirst = 0xff00;
/// Payload: the partition's new time. Only the owner appends it.
inline constexpr uint16_t kTypeTick = 0xff00;
/// Payload: a time, possibly earlier. An operator's word.
inline constexpr uint16_t kTypeClockReset = 0xff01;
/// Payload: the time of the last tick. Ahead of the first record that comes while time is held; the next tick or reset
/// ends it.
inline constexpr uint16_t kTypeClockHeld = 0xff02;

/// A payload above this is refused: a group must fit a segment.
inline constexpr size_t kPayloadBytesMax = 8 << 20;

/// What a record takes in a group beside its payload, at most.
inline constexpr size_t kRecordHeaderBytesMax = 66;
/// What it takes in a group, at most. What the sequencer puts ahead of records, ticks, comes on top.
[[nodiscard]] constexpr size_t journal_bytes(const Batch::Item& item) { return kRecordHeaderBytesMax + item.size; }
[[nodiscard]] inline size_t journal_bytes(const Batch& batch) {
  return kRecordHeaderBytesMax * batch.items().size() + batch.bytes().size();
}

/// Names one message of a source: the record that sent it and its number among those that record sent. Zero: none.
struct MessageMark {
  uint64_t position = 0;
  uint32_t index = 0;
  auto operator<=>(const MessageMark&) const = default;
};

/// Lets the target take each message once and in order.
struct MessageHeader {
  Partition source;
  MessageMark mark;
  /// The message before this one from the same source to the same target.
  MessageMark predecessor;
  auto operator<=>(const MessageHeader&) const = default;
};

struct JournalRecord {
  Partition partition;
  uint16_t type = 0;
  Position position;
  RecordId id;
  Timestamp recorded_at;
  std::optional<MessageHeader> message;
  std::string_view payload;  ///< lives as long as the group that it lies in
};

/// Messages of one partition, waiting to be appended: `headers[i]` belongs to item i.
struct MessageBatch {
  Batch batch;
  std::vector<MessageHeader> headers;
  void clear() {
    batch.clear();
    headers.clear();
  }
};

}  // namespace terreno::engine
