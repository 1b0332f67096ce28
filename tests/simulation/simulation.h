#pragma once

// One run of a whole Terreno under faults; see README.md. Any thread, one run per thread.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/stepped.h"

namespace terreno::simulation {

/// A run goes on until the journal holds this many records.
inline constexpr uint64_t kRecordsMin = 2000;

/// How often each mishap befell each type of record.
class Coverage {
 public:
  static constexpr size_t kTypesMax = 64;
  void note(engine::SteppedEngine::Mishap mishap, uint16_t type) {
    if (type < kTypesMax) ++counts_[type][static_cast<size_t>(mishap)];
  }
  [[nodiscard]] uint64_t of(engine::SteppedEngine::Mishap mishap, uint16_t type) const {
    return counts_[type][static_cast<size_t>(mishap)];
  }
  void add(const Coverage& other);

 private:
  std::array<std::array<uint64_t, engine::SteppedEngine::kMishapCount>, kTypesMax> counts_{};
};

struct Outcome {
  uint64_t seed = 0;
  std::vector<std::string> broken;  ///< rules that did not hold
  std::string story;                ///< when it was asked for
  uint64_t records = 0;
  uint64_t crashes = 0;
  uint64_t acknowledged = 0;  ///< events
  uint64_t taken = 0;         ///< messages, by the mail server
  uint64_t unknown = 0;       ///< messages of which nobody can know
  uint64_t refused = 0;       ///< messages that no permission covered
  uint64_t clock_jumps = 0;
  uint64_t days_off = 0;  ///< outages of more than a day
  uint64_t configurations = 0;
  uint64_t people = 0;
  Coverage coverage;
};

[[nodiscard]] Outcome run(uint64_t seed, bool tells = false);

}  // namespace terreno::simulation
