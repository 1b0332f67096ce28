#include "engine/sequencer.h"

#include <algorithm>

namespace terreno::engine {

OwnerTime::OwnerTime(const Clock& clock, Timestamp last_tick)
    : clock_(&clock), last_(last_tick), last_boot_(clock.boot()) {
  const Timestamp wall = clock.now();
  if (last_tick.is_zero()) {
    last_ = wall;
  } else if (wall - last_tick > kTakeoverMax || last_tick - wall > kTakeoverMax) {
    is_held_ = true;
  } else {
    last_ = std::max(last_tick, wall);
  }
}

Timestamp OwnerTime::now() {
  const Duration boot = clock_->boot();
  if (!is_held_) {
    const Timestamp wanted = clock_->now() + offset_;
    const Timestamp bound = last_ + Duration{boot.ms - last_boot_.ms};
    last_ = std::max(last_, std::min(wanted, bound));
  }
  last_boot_ = boot;
  return last_;
}

void OwnerTime::reset(Timestamp time) {
  last_ = time;
  last_boot_ = clock_->boot();
  offset_ = time - clock_->now();
  is_held_ = false;
}

void Sequencer::follow(const JournalRecord& record) {
  End& end = ends_[record.partition.number];
  end.last = record.position;
  if (record.type == kTypeTick || record.type == kTypeClockReset) {
    Reader reader(record.payload);
    end.last_tick = reader.time();
    end.last_tick_position = record.position;
    end.is_time_held = false;
  } else if (record.type == kTypeClockHeld) {
    end.is_time_held = true;
  }
}

Timestamp Sequencer::latest_tick() const {
  Timestamp latest;
  for (const End& end : ends_) latest = std::max(latest, end.last_tick);
  return latest;
}

}  // namespace terreno::engine
