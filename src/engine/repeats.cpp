#include "engine/repeats.h"

#include <algorithm>

#include "base/check.h"
#include "base/result.h"
#include "engine/store_keys.h"

namespace terreno::engine {

namespace {

constexpr size_t kBlockKeys = 256;
constexpr size_t kBitsPerKey = 12;
constexpr size_t kWordsPerLine = 8;
constexpr int kProbes = 8;

void append_keys(std::string& out, const Id128* keys, size_t count) {
  for (size_t i = 0; i < count; ++i) store_keys::append_id(out, keys[i]);
}

Id128 key_at(std::string_view bytes, size_t index) {
  return {store_keys::read_u64(bytes.data() + 16 * index), store_keys::read_u64(bytes.data() + 16 * index + 8)};
}

Error malformed() { return {Errc::corrupt, "store: malformed generation of repeats"}; }

}  // namespace

void BlockFilter::reserve(size_t keys) {
  const size_t lines = keys * kBitsPerKey / (64 * kWordsPerLine) + 1;
  words_.assign(lines * kWordsPerLine, 0);
}

void BlockFilter::add(Id128 key) {
  const size_t line =
      static_cast<size_t>((static_cast<unsigned __int128>(key.high) * (words_.size() / kWordsPerLine)) >> 64);
  uint64_t bits = key.low;
  for (int probe = 0; probe < kProbes; ++probe, bits = bits >> 7 | bits << 57) {
    words_[line * kWordsPerLine + probe] |= 1ULL << (bits & 63);
  }
}

bool BlockFilter::may_hold(Id128 key) const {
  if (words_.empty()) return false;
  const size_t line =
      static_cast<size_t>((static_cast<unsigned __int128>(key.high) * (words_.size() / kWordsPerLine)) >> 64);
  uint64_t bits = key.low;
  uint64_t missing = 0;
  for (int probe = 0; probe < kProbes; ++probe, bits = bits >> 7 | bits << 57) {
    missing |= ~words_[line * kWordsPerLine + probe] & (1ULL << (bits & 63));
  }
  return missing == 0;
}

Result<void> RepeatWindow::load(Reader& meta) {
  known_since_ = meta.time();
  newest_.number = meta.varint();
  newest_.count = meta.varint();
  newest_.first = meta.time();
  newest_.last = meta.time();
  const size_t sealed = meta.count();
  for (size_t i = 0; i < sealed && meta.ok(); ++i) {
    Generation& generation = sealed_.emplace_back();
    generation.number = meta.varint();
    generation.count = meta.varint();
    generation.first = meta.time();
    generation.last = meta.time();
    generation.is_written = true;
    sealed_count_ += generation.count;
  }
  if (!meta.ok()) return std::unexpected(malformed());

  bool is_malformed = false;
  TERRENO_TRY_VOID(
      store_->scan(log_key(newest_.number), Store::Order::ascending, [&](std::string_view, std::string_view value) {
        is_malformed |= value.size() % 16 != 0;
        for (size_t i = 0; i < value.size() / 16; ++i) newest_.keys.insert(key_at(value, i));
        return !is_malformed;
      }));
  if (is_malformed || newest_.keys.size() != newest_.count) return std::unexpected(malformed());
  for (Generation& generation : sealed_) {
    TERRENO_TRY(const auto row, store_->get(sealed_key(generation.number)));
    if (!row) return std::unexpected(malformed());
    Reader reader(*row);
    const size_t fences = reader.count();
    for (size_t i = 0; i < fences; ++i) {
      const std::string_view fence = reader.raw(16);
      if (!reader.ok()) break;
      generation.fences.push_back(key_at(fence, 0));
    }
    std::vector<uint64_t> words(reader.rest().size() / 8);
    for (uint64_t& word : words) word = reader.u64();
    if (!reader.done() || words.size() % kWordsPerLine != 0) return std::unexpected(malformed());
    generation.filter.assign(std::move(words));
  }
  return {};
}

void RepeatWindow::set_time(Timestamp now) {
  if (newest_.count > 0) newest_.last = std::max(newest_.last, now);
}

Result<bool> RepeatWindow::insert(Id128 key, Timestamp now) {
  if (!sealed_.empty()) drop_old(now);
  if (newest_.count > 0 &&
      (newest_.count >= options_.generation_keys_max || now - newest_.first >= Duration{options_.window.ms / 8})) {
    seal();
  }
  if (newest_.keys.contains(key)) return false;
  for (auto generation = sealed_.rbegin(); generation != sealed_.rend(); ++generation) {
    TERRENO_TRY(const bool known, is_in(*generation, key));
    if (known) return false;
  }
  if (newest_.count == 0) newest_.first = now;
  newest_.last = now;
  ++newest_.count;
  newest_.keys.insert(key);
  unlogged_.push_back(key);
  return true;
}

void RepeatWindow::seal() {
  Generation next;
  next.number = newest_.number + 1;
  sealed_count_ += newest_.count;
  ++sealed_unwritten_;
  sealed_.push_back(std::move(newest_));
  newest_ = std::move(next);
  // The sealed blocks hold them all.
  unlogged_.clear();
}

void RepeatWindow::drop_old(Timestamp now) {
  while (!sealed_.empty() &&
         (now - sealed_.front().last > options_.window || sealed_count_ + newest_.count > options_.keys_max)) {
    Generation& oldest = sealed_.front();
    known_since_ = oldest.last;
    sealed_count_ -= oldest.count;
    if (!oldest.is_written) --sealed_unwritten_;
    dropped_.push_back(oldest.number);
    sealed_.pop_front();
  }
}

Result<bool> RepeatWindow::is_in(const Generation& generation, Id128 key) {
  if (!generation.keys.empty()) return generation.keys.contains(key);
  if (!generation.filter.may_hold(key)) return false;
  auto fence = std::upper_bound(generation.fences.begin(), generation.fences.end(), key);
  if (fence == generation.fences.begin()) return false;
  std::string block_key = sealed_key(generation.number);
  store_keys::append_u64(block_key, static_cast<uint64_t>(fence - generation.fences.begin() - 1));
  TERRENO_TRY(const auto block, store_->get(block_key));
  if (!block || block->size() % 16 != 0) return std::unexpected(malformed());
  std::string wanted;
  store_keys::append_id(wanted, key);
  size_t low = 0;
  size_t high = block->size() / 16;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const int order = std::string_view(*block).substr(middle * 16, 16).compare(wanted);
    if (order == 0) return true;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

void RepeatWindow::encode_meta(Writer& out) const {
  out.time(known_since_);
  out.varint(newest_.number);
  out.varint(newest_.count);
  out.time(newest_.first);
  out.time(newest_.last);
  out.varint(sealed_.size());
  for (const Generation& generation : sealed_) {
    out.varint(generation.number);
    out.varint(generation.count);
    out.time(generation.first);
    out.time(generation.last);
  }
}

void RepeatWindow::commit(StoreBatch& batch, uint64_t sequence) {
  for (const uint64_t number : dropped_) {
    batch.erase_prefix(log_key(number));
    batch.erase_prefix(sealed_key(number));
  }
  dropped_.clear();
  for (Generation& generation : sealed_) {
    if (!generation.is_written) write_sealed(batch, generation);
  }
  sealed_unwritten_ = 0;
  if (!unlogged_.empty()) {
    std::string key = log_key(newest_.number);
    store_keys::append_u64(key, sequence);
    std::string value;
    value.reserve(unlogged_.size() * 16);
    append_keys(value, unlogged_.data(), unlogged_.size());
    batch.put(key, value);
    unlogged_.clear();
  }
}

void RepeatWindow::write_sealed(StoreBatch& batch, Generation& generation) {
  batch.erase_prefix(log_key(generation.number));
  std::vector<Id128> keys(generation.keys.begin(), generation.keys.end());
  std::sort(keys.begin(), keys.end());
  generation.filter.reserve(keys.size());
  std::string value;
  for (size_t start = 0; start < keys.size(); start += kBlockKeys) {
    generation.fences.push_back(keys[start]);
    std::string key = sealed_key(generation.number);
    store_keys::append_u64(key, start / kBlockKeys);
    value.clear();
    append_keys(value, keys.data() + start, std::min(kBlockKeys, keys.size() - start));
    batch.put(key, value);
  }
  for (const Id128& key : keys) generation.filter.add(key);
  batch.put_encoded(sealed_key(generation.number), [&](Writer& out) {
    out.varint(generation.fences.size());
    std::string fences;
    append_keys(fences, generation.fences.data(), generation.fences.size());
    out.raw(fences);
    for (const uint64_t word : generation.filter.words()) out.u64(word);
  });
  generation.is_written = true;
}

void RepeatWindow::on_committed() {
  for (Generation& generation : sealed_) {
    if (generation.is_written) generation.keys = KeySet();
  }
}

std::string RepeatWindow::log_key(uint64_t generation) const {
  std::string key = store_keys::table_prefix(partition_, store_keys::kTableRepeatLog);
  store_keys::append_u64(key, generation);
  return key;
}

std::string RepeatWindow::sealed_key(uint64_t generation) const {
  std::string key = store_keys::table_prefix(partition_, store_keys::kTableRepeatSealed);
  store_keys::append_u64(key, generation);
  return key;
}

}  // namespace terreno::engine
