#pragma once

// The engine as it runs in the program: threads, the embedded journal, a store.
//
// Threads: one writer places records, syncs groups and calls back; each apply thread owns every n-th partition; a
// housekeeper writes commits, kept checkpoints and the next segment's zeros; a feeder reads the journal back after a
// start and whenever apply has fallen so far behind that groups are not kept in memory.

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/files.h"
#include "engine/journal.h"
#include "engine/repeats.h"
#include "engine/store.h"

namespace terreno::engine {

struct EngineOptions {
  /// The data folder: holds `lock`, `journal/` and `checkpoints/`. The store is handed in, opened.
  std::string folder;
  /// Apply threads; 0: one per core, at most two.
  unsigned threads = 0;
  /// For entities; above it, those that equal the store leave memory.
  size_t memory_bytes_max = size_t{2} << 30;
  /// A partition with changes commits this often, or after its share (a 65th) of `commit_records`.
  Duration commit_interval = seconds(10);
  uint64_t commit_records = 1'500'000;
  Duration checkpoint_interval = minutes(5);
  /// Live intake is refused while records wait longer than this; until a restart has caught up, past so many records.
  Duration lag_max = seconds(1);
  uint64_t unapplied_records_max = 2'000'000;
  /// Of batches waiting for the writer.
  size_t queued_bytes_max = size_t{64} << 20;
  /// Of the batches in one group; ticks come on top. A batch above it is refused.
  size_t group_bytes_max = size_t{64} << 20;
  /// What a record sends goes to the writer in pieces of this, or of one message when that is larger.
  size_t message_piece_bytes_max = size_t{16} << 20;
  /// Of messages of one apply thread that wait for the writer; above it the thread waits for the disk.
  /// As many may wait to be found in the journal while it is replayed; above it the oldest are sent all the same: what
  /// the target has already it drops, which costs room in the journal and nothing else.
  size_t message_bytes_max = size_t{64} << 20;
  /// Of synced groups waiting for one apply thread; above it they are read back from the journal.
  size_t unapplied_bytes_max = size_t{128} << 20;
  /// False: records are stored and not applied (`serve --role intake`).
  bool apply = true;
  /// Live intake is refused below max(2 GiB, 5 %) of free space.
  bool check_free_space = true;
  uint64_t segment_bytes_first = 4 << 20;
  uint64_t segment_bytes_max = 64 << 20;
  bool compress = true;
  size_t wakes_per_tick_max = 1000;
  RepeatOptions repeats;
  /// Called once, from any thread, when the engine stops itself: exit soon. Must not block or call the engine.
  std::function<void(const Error&)> on_stopped;
};

/// Opens the data folder, or creates it, and starts. Intake is open when it returns; `Health::ready` says when what was
/// in the journal has been applied. Ownership: the ports, the machine and the sink must outlive the engine; the store
/// becomes its own. Errors: `locked`, `corrupt`, `newer_format`, `store_ahead`, `io_failed`, `no_space`. Destroying it
/// without `stop` is a crash: nothing more is written.
[[nodiscard]] Result<std::unique_ptr<Engine>> make_engine(EngineOptions options, Files& files,
                                                          std::unique_ptr<Store> store, const Clock& clock,
                                                          Random& random, const Machine& machine, OutputSink& outputs);

/// What `terreno doctor` says of a data folder whose server is stopped.
struct FolderReport {
  uint64_t records = 0;
  uint64_t groups = 0;
  uint64_t journal_bytes = 0;
  uint64_t unapplied = 0;  ///< records after the store's positions: what a start replays
  bool was_torn = false;   ///< the tail was cut, as a crash leaves it
};
/// Reads the whole journal and compares it with the store. Errors as `make_engine`.
[[nodiscard]] Result<FolderReport> check_data_folder(Files& files, Store& store, const std::string& folder);

/// Notes, durably, that apply passes over the record at `position`. The server must be stopped.
[[nodiscard]] Result<void> skip_record(Files& files, const std::string& folder, Partition partition, Position position);

}  // namespace terreno::engine
