#pragma once

// The engine: an ordered, durable journal of records; a pure machine that applies them, one partition at a time; state
// in memory with checkpoints in a store. It knows no business word: `flow/` is the machine, `adapters/` are the ports.
//
// 1. The journal orders everything. What changes state or causes an effect is a record in one partition's sequence; a
//    position is a dense number per partition, from 1.
// 2. Apply is pure: the same records from the same state give the same state, messages and outputs, on every machine.
// 3. Apply sees only synced records, in order, and every entity that it touches is in memory before it starts.
// 4. A commit holds the changed entities and the position they are true at, in one batch; it is written only after
//    every message sent from before it is durable.
// 5. A message is applied at most once: a repeat is dropped, a gap is refused.
// 6. Outputs leave only for records applied live, never for replayed ones.

#include <compare>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"

namespace terreno::engine {

/// One ordered sequence of records. 0 to `kPartitionCount - 1` hold persons and addresses; `kLane` is the identity
/// lane, which decides who is who and which configuration is active.
struct Partition {
  uint16_t number = 0;
  auto operator<=>(const Partition&) const = default;
};
inline constexpr uint16_t kPartitionCount = 64;
inline constexpr Partition kLane{kPartitionCount};
/// Partitions and lane together.
inline constexpr uint16_t kSequenceCount = kPartitionCount + 1;

/// Where a record stands in its partition. Dense, from 1; 0 is "before the first".
struct Position {
  uint64_t value = 0;
  auto operator<=>(const Position&) const = default;
};

// ---------------------------------------------------------------------------------------------------------------------
// Entities: the state, in pieces that are loaded, changed, written and evicted on their own.

/// The tables are the machine's; numbers 200 and above are the engine's own.
struct EntityKey {
  uint8_t table = 0;
  Id128 id;
  auto operator<=>(const EntityKey&) const = default;
};

/// A piece of state. Small: a commit writes it whole whenever it changed.
class Entity {
 public:
  virtual ~Entity() = default;
  /// Canonical: equal entities encode to equal bytes.
  virtual void encode(Writer& out) const = 0;
  /// Bytes of memory it holds, roughly; read after each change, for eviction.
  [[nodiscard]] virtual size_t footprint() const = 0;
};

/// Reads the state of one partition. A view lives until the end of the call it was handed to.
class Lookup {
 public:
  virtual ~Lookup() = default;
  [[nodiscard]] virtual Partition partition() const = 0;
  /// Partition time: the latest tick.
  [[nodiscard]] virtual Timestamp now() const = 0;
  /// The program was off for so long, or its clock so wrong, that nobody knows what time it is until an operator says
  /// so: `now` stands still, and whatever counts from it starts only then.
  [[nodiscard]] virtual bool is_time_held() const { return false; }
  /// Null when there is no such entity, or when it is not in memory: `is_loaded` tells the two apart.
  [[nodiscard]] virtual const Entity* find_entity(EntityKey key) const = 0;
  [[nodiscard]] virtual bool is_loaded(EntityKey key) const = 0;

  /// `T::kTable` is the table of T.
  template <typename T>
  [[nodiscard]] const T* find(Id128 id) const {
    return static_cast<const T*>(find_entity({T::kTable, id}));
  }
};

// ---------------------------------------------------------------------------------------------------------------------
// Records and what applying one gives

/// A record as apply sees it. The views live as long as the call.
struct RecordView {
  RecordId id;
  uint16_t type = 0;
  Position position;
  /// When the owner took the record in: the partition's time is never ahead of the last tick, so decisions use
  /// `Context::now()`, not this.
  Timestamp recorded_at;
  /// Set for a message from another partition (or from this one to itself).
  std::optional<Partition> sender;
  std::string_view payload;
};

/// Something that the world should hear of: a claim to append, a message to send, a line for the live view. Delivered
/// once, in order per partition, only for records applied live.
struct Output {
  uint16_t kind = 0;
  std::string payload;
};

/// What apply may do, for one record. Lives for one call, on the partition's apply thread.
class Context : public Lookup {
 public:
  /// The entity, to be changed; marked dirty. Null when there is none. It must have been named by `touches`, and so
  /// must whatever `find` reads during apply: anything else would depend on what happens to be in memory, and stops the
  /// program.
  [[nodiscard]] virtual Entity* mutate_entity(EntityKey key) = 0;
  /// Puts a new entity in place; there must be none. The key must have been named by `touches`, unless its id was drawn
  /// by `new_id()` during this call.
  virtual Entity& create_entity(EntityKey key, std::unique_ptr<Entity> entity) = 0;
  virtual void erase(EntityKey key) = 0;

  /// Sends a record to a partition, this one included. Order per (source, target) is kept.
  virtual void send(Partition target, uint16_t type, std::string payload) = 0;
  virtual void emit(Output output) = 0;

  /// One wake-up per key: replaces the earlier one; nullopt cancels. A time that has passed fires at the next tick.
  virtual void set_wake(EntityKey key, std::optional<Timestamp> due) = 0;

  /// True the first time that this 128-bit key is seen in the partition within the repeat window; remembers it.
  [[nodiscard]] virtual bool first_seen(Id128 key) = 0;
  /// The repeat window covers what was applied from this time on; zero: everything since the installation.
  [[nodiscard]] virtual Timestamp repeats_known_since() const = 0;

  /// Adds a row to the append-only list of (table, key), to be read with `Engine::scan_rows`; apply cannot read it
  /// back. Rows are ordered by the bytes of `order_key` (big-endian numbers sort). Tables of rows have numbers of their
  /// own.
  virtual void append_row(uint8_t table, Id128 key, std::string order_key, std::string value) = 0;
  /// Removes every row of (table, key) so far.
  virtual void erase_rows(uint8_t table, Id128 key) = 0;

  /// The next id that this record brings into being: a hash of (record id, counter).
  [[nodiscard]] virtual Id128 new_id() = 0;
  /// The id, position and time of the record being applied (for a wake-up: of the tick).
  [[nodiscard]] virtual const RecordView& record() const = 0;
  /// Frozen per installation: mixes into hashes that nobody outside may predict.
  [[nodiscard]] virtual uint64_t installation_seed() const = 0;

  template <typename T>
  [[nodiscard]] T* mutate(Id128 id) {
    return static_cast<T*>(mutate_entity({T::kTable, id}));
  }
  template <typename T>
  T& create(Id128 id, T entity = {}) {
    return static_cast<T&>(create_entity({T::kTable, id}, std::make_unique<T>(std::move(entity))));
  }
  template <typename T>
  T& mutate_or_create(Id128 id) {
    if (T* existing = mutate<T>(id)) return *existing;
    return create<T>(id);
  }
};

/// Collects the keys that a record needs.
using KeyList = std::vector<EntityKey>;

/// The business, as the engine sees it. Implemented by `flow/`. Stateless between calls, apart from immutable
/// configuration; called from several apply threads at once, for different partitions.
class Machine {
 public:
  virtual ~Machine() = default;
  /// Adds the keys of every entity that applying `record` may read or change, as far as what is loaded tells. The
  /// engine loads them and asks again until nothing new is named, then applies.
  virtual void touches(const Lookup& state, const RecordView& record, KeyList& keys) const = 0;
  virtual void apply(Context& context, const RecordView& record) const = 0;
  /// The same two for a wake-up that has come due.
  virtual void touches_wake(const Lookup& state, EntityKey key, KeyList& keys) const = 0;
  virtual void wake(Context& context, EntityKey key) const = 0;
  /// Null: the bytes are malformed; the engine stops the partition and keeps them.
  [[nodiscard]] virtual std::unique_ptr<Entity> decode(EntityKey key, std::string_view bytes) const = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// Ports

enum class Errc : uint8_t {
  io_failed,     ///< a write, sync, rename or read failed: the caller stops intake and exits
  corrupt,       ///< bad checksum, gap in positions, malformed state: the node stops, the bytes are kept
  newer_format,  ///< written by a newer version
  store_ahead,   ///< the store's position is beyond the journal's end
  locked,        ///< another process holds the data folder
  no_space,      ///< below the free-space floor
  overloaded,    ///< a bound on unapplied records or queued bytes; or a record or batch too large to be ever taken
  stopping,
};
struct Error {
  Errc code;
  std::string context;  ///< file, offset, position; no personal data
};
template <typename T>
using Result = std::expected<T, Error>;

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time.
  [[nodiscard]] virtual Timestamp now() const = 0;
  /// Time since some fixed moment, running while the machine sleeps; never goes back.
  [[nodiscard]] virtual Duration boot() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual Id128 next() = 0;
};

/// Hears the outputs. Called on apply threads, must not block.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void on_outputs(Partition partition, Position position, std::vector<Output>& outputs) = 0;
};

/// Records to append, in one buffer. Reusable: `clear` keeps the memory.
class Batch {
 public:
  struct Item {
    Partition partition;
    uint16_t type = 0;
    RecordId id;
    size_t offset = 0;  ///< of the payload in `bytes`
    size_t size = 0;
  };
  void add(Partition partition, uint16_t type, RecordId id, std::string_view payload) {
    items_.push_back({partition, type, id, bytes_.size(), payload.size()});
    bytes_.append(payload);
  }
  /// For a payload that was encoded in place: write to `writer()`'s string first, then call this with the size before.
  void add_in_place(Partition partition, uint16_t type, RecordId id, size_t offset) {
    items_.push_back({partition, type, id, offset, bytes_.size() - offset});
  }
  [[nodiscard]] std::string& bytes() { return bytes_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] std::string_view payload(const Item& item) const {
    return std::string_view(bytes_).substr(item.offset, item.size);
  }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  void clear() {
    items_.clear();
    bytes_.clear();
  }

 private:
  std::vector<Item> items_;
  std::string bytes_;
};

/// Where a record of a batch came to stand.
struct Placed {
  Partition partition;
  Position position;
};
/// Called once, on the journal's thread, when the whole batch is durable (with one Placed per item, in order), or with
/// the error. Must not block.
using DurableCallback = std::function<void(Result<std::vector<Placed>>)>;

/// A question to one partition: `wants` names keys until all are loaded (like Machine::touches), then `run` reads them.
/// Both are called on the apply thread.
struct ReadTask {
  std::function<void(const Lookup&, KeyList&)> wants;
  std::function<void(const Lookup&)> run;
  /// The task waits until this position has been applied: read your own writes.
  Position not_before;
};

/// One row of an append-only list.
struct Row {
  std::string order_key;
  std::string value;
  auto operator<=>(const Row&) const = default;
};
/// Which rows of (table, key), newest (greatest order key) first.
struct RowScan {
  uint8_t table = 0;
  Id128 key{};
  std::string before{};     ///< only rows below this order key; empty: from the newest
  std::string not_below{};  ///< only rows at or above this one; empty: to the oldest
  size_t limit = 100;
  /// The scan waits until this position has been applied.
  Position not_before{};
};
using RowsCallback = std::function<void(Result<std::vector<Row>>)>;

/// A record read back from the journal.
struct StoredRecord {
  RecordId id;
  uint16_t type = 0;
  Position position;
  Timestamp recorded_at;
  std::optional<Partition> sender;
  std::string payload;
};
/// Null: the partition holds no such position, or it was cut.
using RecordCallback = std::function<void(Result<std::optional<StoredRecord>>)>;

struct Health {
  bool ready = false;      ///< caught up with what was in the journal at start
  uint64_t unapplied = 0;  ///< records appended and not yet applied
  Duration lag;            ///< age of the oldest unapplied record
  uint64_t replayed = 0;   ///< records replayed since start, over all partitions
  uint64_t applied = 0;    ///< records applied since start, replayed ones included
  uint64_t evicted = 0;
  uint64_t loaded = 0;  ///< entities read from the store since start
  uint64_t commits = 0;
  uint64_t messages_repeated = 0;
  uint64_t due = 0;      ///< partitions whose next wake-up is due by the clock and has not fired yet
  uint64_t skipped = 0;  ///< records that an operator asked to skip, met since start
  uint64_t journal_bytes = 0;
  uint64_t memory_bytes = 0;  ///< of entities, and of messages that a replay has not found in the journal yet
  /// The gap between the last tick and the clock at start was above 24 h (or the clock lies behind): time stands still,
  /// nothing fires, until `clock_reset`.
  bool time_held = false;
  std::string stopped;  ///< why the engine stopped itself; empty while it runs
};

/// The running engine: what `api/` and `server/` use. Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Queues a batch for the next group. Live intake is refused with `overloaded` past the bound; messages, claims and
  /// receipts (`urgent`) never are, unless the batch is larger than a group may be.
  virtual void append(Batch batch, DurableCallback done, bool urgent = false) = 0;
  /// The task is dropped unrun when the engine stops first.
  virtual void read(Partition partition, ReadTask task) = 0;
  /// `done` is called on the apply thread.
  virtual void scan_rows(Partition partition, RowScan scan, RowsCallback done) = 0;
  /// Reads one record back, on the calling thread (about 0.1 ms); `done` is called before it returns.
  virtual void record_at(Partition partition, Position position, RecordCallback done) = 0;
  /// An operator's word on what time it is: sets every partition's time, back as well, and lifts `Health::time_held`.
  virtual void clock_reset(Timestamp time, DurableCallback done) = 0;
  [[nodiscard]] virtual Health health() const = 0;
  /// Writes a commit of every partition and a kept checkpoint, then returns. For a clean stop and for tests.
  virtual Result<void> checkpoint() = 0;
  /// Stops intake, applies what is durable, checkpoints, closes. Idempotent.
  virtual Result<void> stop() = 0;
};

}  // namespace terreno::engine
