#pragma once

// Which 128-bit keys one partition has seen, for a window of time and count.
//
// 1. The newest generation is a set in memory, logged to the store commit by commit. A full or old one is sealed:
// sorted
//    blocks in the store, with a filter and the first key of each block in memory.
// 2. A generation exists only through the commit that lists it, so that store and position agree.
// 3. What is sealed or dropped follows from the keys and the partition's time alone: a replay decides the same.
//
// Lives on the partition's apply thread.

#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <vector>

#include "engine/store.h"

namespace terreno::engine {

struct RepeatOptions {
  Duration window = days(7);
  /// Per partition; 65 of them make the 256 M of the whole.
  uint64_t keys_max = 4'000'000;
  /// A generation is sealed at this many keys, or when it spans an eighth of the window.
  uint64_t generation_keys_max = 262'144;
};

/// A Bloom filter in blocks of one cache line; 12 bits a key, about one false answer in 150.
class BlockFilter {
 public:
  void reserve(size_t keys);
  void add(Id128 key);
  [[nodiscard]] bool may_hold(Id128 key) const;
  [[nodiscard]] const std::vector<uint64_t>& words() const { return words_; }
  void assign(std::vector<uint64_t> words) { words_ = std::move(words); }

 private:
  std::vector<uint64_t> words_;
};

class RepeatWindow {
 public:
  RepeatWindow(Partition partition, Store& store, RepeatOptions options)
      : partition_(partition), store_(&store), options_(options) {}

  /// `meta` is what `encode_meta` wrote.
  Result<void> load(Reader& meta);
  /// True when the key is new; remembers it. The error is the store's.
  Result<bool> insert(Id128 key, Timestamp now);
  /// Keys from before this time may have been forgotten; zero: none was.
  [[nodiscard]] Timestamp known_since() const { return known_since_; }
  [[nodiscard]] bool is_changed() const { return !unlogged_.empty() || sealed_unwritten_ > 0 || !dropped_.empty(); }

  /// Somebody said what time it is: what was remembered while nobody knew counts from now on.
  void set_time(Timestamp now);

  void encode_meta(Writer& out) const;
  /// Adds what changed since the last call. `sequence` must be greater at each.
  void commit(StoreBatch& batch, uint64_t sequence);
  /// The store has that commit: what was sealed before it can leave memory.
  void on_committed();

 private:
  struct KeyHash {
    using is_avalanching = void;
    size_t operator()(const Id128& key) const noexcept { return (key.low ^ key.high) * 0xff51afd7ed558ccdULL; }
  };
  using KeySet = boost::unordered_flat_set<Id128, KeyHash>;
  struct Generation {
    uint64_t number = 0;
    uint64_t count = 0;
    Timestamp first;
    Timestamp last;
    BlockFilter filter;
    std::vector<Id128> fences;  ///< the first key of each block
    KeySet keys;                ///< until the store has the blocks
    bool is_written = false;    ///< its blocks are in a commit that was handed out
  };

  void seal();
  void drop_old(Timestamp now);
  void write_sealed(StoreBatch& batch, Generation& generation);
  Result<bool> is_in(const Generation& generation, Id128 key);
  [[nodiscard]] std::string log_key(uint64_t generation) const;
  [[nodiscard]] std::string sealed_key(uint64_t generation) const;

  Partition partition_;
  Store* store_;
  RepeatOptions options_;
  Generation newest_;
  std::deque<Generation> sealed_;  ///< oldest first
  uint64_t sealed_count_ = 0;
  size_t sealed_unwritten_ = 0;
  std::vector<Id128> unlogged_;
  std::vector<uint64_t> dropped_;
  Timestamp known_since_;
};

}  // namespace terreno::engine
