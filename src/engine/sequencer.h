#pragma once

// Gives records their place: positions, and ticks ahead of records whose partition's time lags behind.
//
// 1. Positions are dense per partition.
// 2. A partition's ticks do not go back, but for an operator's reset, and advance by no more than the boot clock did.
//
// Lives on the journal's thread.

#include <array>

#include "engine/journal_record.h"

namespace terreno::engine {

/// The time that ticks may carry: wall time, bounded by what the boot clock says has passed since the start.
class OwnerTime {
 public:
  /// A longer gap between the last tick and the clock at start needs an operator's word.
  static constexpr Duration kTakeoverMax = hours(24);

  /// `last_tick`: the latest of all partitions; zero: none yet.
  OwnerTime(const Clock& clock, Timestamp last_tick);
  /// Never goes back, but by `reset`.
  [[nodiscard]] Timestamp now();
  [[nodiscard]] bool is_held() const { return is_held_; }
  void reset(Timestamp time);

 private:
  const Clock* clock_;
  Timestamp last_;
  Duration last_boot_;
  /// What an operator's reset put between wall time and owner's time.
  Duration offset_;
  bool is_held_ = false;
};

class Sequencer {
 public:
  /// A tick goes ahead of a record when the partition's last one is older.
  static constexpr Duration kTickAge = milliseconds(50);

  struct End {
    Position last;
    Timestamp last_tick;
    Position last_tick_position;
    bool is_time_held = false;  ///< and a record says so
  };

  explicit Sequencer(uint64_t installation_seed) : installation_seed_(installation_seed) {}

  /// What the journal holds already, record by record.
  void follow(const JournalRecord& record);
  [[nodiscard]] End& end(Partition partition) { return ends_[partition.number]; }
  [[nodiscard]] const std::array<End, kSequenceCount>& ends() const { return ends_; }
  [[nodiscard]] Timestamp latest_tick() const;

  /// Places one record, calling `append(const JournalRecord&)` for the tick ahead of it, if it needs one, and for it.
  /// Nullopt for `owner_now`: time is held, no ticks.
  template <typename Append>
  Position place(const Batch::Item& item, std::string_view payload, const std::optional<MessageHeader>& message,
                 Timestamp wall_now, std::optional<Timestamp> owner_now, const Append& append) {
    End& end = ends_[item.partition.number];
    if (owner_now && *owner_now - end.last_tick > kTickAge) tick(item.partition, wall_now, *owner_now, append);
    if (!owner_now && !end.is_time_held) hold_time(item.partition, wall_now, append);
    ++end.last.value;
    append(JournalRecord{item.partition, item.type, end.last, item.id, wall_now, message, payload});
    return end.last;
  }

  template <typename Append>
  void tick(Partition partition, Timestamp wall_now, Timestamp owner_now, const Append& append) {
    set_time(kTypeTick, partition, wall_now, owner_now, append);
  }
  template <typename Append>
  Position clock_reset(Partition partition, Timestamp wall_now, Timestamp time, const Append& append) {
    return set_time(kTypeClockReset, partition, wall_now, time, append);
  }

  /// Whether a tick would fire something and is not under way already.
  [[nodiscard]] bool needs_tick(Partition partition, Position applied, std::optional<Timestamp> next_wake,
                                Timestamp owner_now) const {
    return next_wake && *next_wake <= owner_now && applied >= ends_[partition.number].last_tick_position;
  }

 private:
  template <typename Append>
  Position set_time(uint16_t type, Partition partition, Timestamp wall_now, Timestamp time, const Append& append) {
    End& end = ends_[partition.number];
    ++end.last.value;
    end.last_tick = time;
    end.last_tick_position = end.last;
    end.is_time_held = false;
    append_time(type, partition, wall_now, time, append);
    return end.last;
  }
  template <typename Append>
  void hold_time(Partition partition, Timestamp wall_now, const Append& append) {
    End& end = ends_[partition.number];
    ++end.last.value;
    end.is_time_held = true;
    append_time(kTypeClockHeld, partition, wall_now, end.last_tick, append);
  }
  template <typename Append>
  void append_time(uint16_t type, Partition partition, Timestamp wall_now, Timestamp time, const Append& append) {
    const Position position = ends_[partition.number].last;
    payload_.clear();
    Writer(payload_).time(time);
    append(JournalRecord{partition, type, position, engine_record_id(partition, position), wall_now, std::nullopt,
                         payload_});
  }
  /// The same on a replay, and unlike any other record's.
  [[nodiscard]] RecordId engine_record_id(Partition partition, Position position) const {
    return RecordId{derive_id({installation_seed_, partition.number}, position.value)};
  }

  uint64_t installation_seed_;
  std::array<End, kSequenceCount> ends_{};
  std::string payload_;
};

}  // namespace terreno::engine
