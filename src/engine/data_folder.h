#pragma once

// What lies in a data folder besides the store, and how it is named.

#include <array>
#include <string>
#include <vector>

#include "engine/files.h"
#include "engine/partition_core.h"

namespace terreno::engine {

[[nodiscard]] inline std::string lock_path(const std::string& folder) { return folder + "/lock"; }
[[nodiscard]] inline std::string journal_folder(const std::string& folder) { return folder + "/journal"; }
[[nodiscard]] inline std::string checkpoints_folder(const std::string& folder) { return folder + "/checkpoints"; }

using SkippedPositions = std::array<std::vector<Position>, kSequenceCount>;
/// The positions that `skip_record` noted.
[[nodiscard]] Result<SkippedPositions> read_skipped(Files& files, const std::string& folder);

/// Where the store stands in each sequence.
[[nodiscard]] Result<std::array<Position, kSequenceCount>> committed_positions(Store& store);

}  // namespace terreno::engine
