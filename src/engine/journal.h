#pragma once

// The embedded journal: one sequence of groups over segments, for all partitions. Bytes: docs/formats/journal.md.
//
// 1. What `append` returned for is durable.
// 2. After any error of a write or sync the journal takes nothing more: whether those bytes are there is unknown.
// 3. A group is read back only after its sync.
//
// `append` and `cut` belong to one thread. `prepare_segment` may run on another. Cursors and `record_at` may run on
// any.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/files.h"
#include "engine/journal_format.h"
#include "engine/sequencer.h"

namespace terreno::engine {

struct JournalOptions {
  std::string folder;
  uint64_t segment_bytes_first = 4 << 20;
  uint64_t segment_bytes_max = 64 << 20;
  bool compress = true;
};

class Journal {
 public:
  /// Opens, or creates with `identity_if_new`. Checks the headers of all segments and the whole of the last one, and
  /// cuts its torn tail.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(Files& files, JournalOptions options,
                                                             const JournalIdentity& identity_if_new);

  [[nodiscard]] const JournalIdentity& identity() const { return identity_; }
  /// Follows what the journal holds; the owner goes on placing records with it.
  [[nodiscard]] Sequencer& sequencer() { return sequencer_; }
  /// Whether `open` cut something.
  [[nodiscard]] bool was_torn() const { return was_torn_; }

  /// One write and one sync; gives the group its sequence.
  [[nodiscard]] Result<void> append(Group& group);
  /// The sequence of the last durable group.
  [[nodiscard]] uint64_t synced_sequence() const { return synced_sequence_.load(std::memory_order_acquire); }
  [[nodiscard]] uint64_t bytes() const;

  /// Whether the segment in use is half full and no next one is ready.
  [[nodiscard]] bool wants_segment() const;
  /// Writes the next segment full of zeros, so that `append` need not. An error is left for `append` to meet.
  void prepare_segment();

  /// Removes segments that hold nothing at or after `before`, never the last. Returns how many.
  [[nodiscard]] Result<size_t> cut(const std::array<Position, kSequenceCount>& before);

  /// Reads one record back; nullopt: there is none, or it was cut.
  [[nodiscard]] Result<std::optional<StoredRecord>> record_at(Partition partition, Position position) const;

  /// Reads groups in order.
  class Cursor {
   public:
    /// False: everything synced has been read; ask again later.
    [[nodiscard]] Result<bool> next(Group& group);
    /// Of the group that `next` reads next.
    [[nodiscard]] uint64_t sequence() const { return sequence_; }

   private:
    friend class Journal;
    const Journal* journal_ = nullptr;
    uint64_t sequence_ = 0;
    uint64_t segment_ = 0;  ///< number
    uint64_t offset_ = 0;
    std::string buffer_;
    uint64_t buffer_offset_ = 0;
  };
  /// Begins early enough to meet every record after `applied`; earlier ones may come first. `corrupt` when such a
  /// record was cut; `store_ahead` when a position is beyond the end.
  /// From the oldest group that is kept.
  [[nodiscard]] Cursor cursor_from_start() const;
  /// Begins with the group that `append` wrote last. On append's thread.
  [[nodiscard]] Cursor cursor_at_last() const;
  [[nodiscard]] Result<Cursor> cursor_after(const std::array<Position, kSequenceCount>& applied) const;

 private:
  struct Segment {
    SegmentHeader header;
    std::shared_ptr<File> file;
    uint64_t size = 0;
    uint32_t crc_seed = 0;
    /// Of the last segment only; the others have theirs on disk.
    std::shared_ptr<SegmentIndex> index;
  };

  Journal(Files& files, JournalOptions options) : files_(&files), options_(std::move(options)), sequencer_(0) {}

  Result<void> open_segments(const std::vector<std::string>& names);
  Result<void> scan_last();
  Result<void> check_and_clear_rest(std::string_view rest, uint64_t offset);
  Result<void> create_segment(uint64_t size_min);
  /// While `is_preparing_` keeps others away from `next.tmp`. `file`: prepared, of `size`; null: none.
  Result<void> create_claimed_segment(std::unique_ptr<File> file, uint64_t size, uint64_t size_min);
  Result<std::unique_ptr<File>> write_zeros(uint64_t size);
  Result<void> close_segment();
  [[nodiscard]] std::string path_of(uint64_t number) const;
  [[nodiscard]] uint64_t next_size() const;
  [[nodiscard]] std::optional<Segment> segment(uint64_t number) const;
  /// Reads and verifies the group at `offset`; nullopt: none there.
  [[nodiscard]] static Result<std::optional<GroupHeader>> read_group(const Segment& segment, uint64_t offset,
                                                                     std::string& buffer);
  [[nodiscard]] Result<uint64_t> find_offset(const Segment& segment, Partition partition, Position position) const;

  Files* files_;
  JournalOptions options_;
  JournalIdentity identity_;
  Sequencer sequencer_;
  bool was_torn_ = false;
  bool is_failed_ = false;
  bool is_last_closed_ = false;

  mutable std::mutex mutex_;  ///< segments_, prepared_ and the last one's index
  std::vector<Segment> segments_;
  std::unique_ptr<File> prepared_;
  uint64_t prepared_size_ = 0;
  bool is_preparing_ = false;  ///< somebody owns the name `next.tmp`
  std::condition_variable preparation_ended_;

  uint64_t offset_ = 0;       ///< where the next group goes
  uint64_t last_offset_ = 0;  ///< where the last one went
  std::atomic<uint64_t> offset_seen_{0};
  std::atomic<uint64_t> synced_sequence_{0};
  std::string buffer_;
  /// Positions of what is in the segments, not of what the sequencer has placed for the group under way.
  std::array<uint64_t, kSequenceCount> written_{};
};

}  // namespace terreno::engine
