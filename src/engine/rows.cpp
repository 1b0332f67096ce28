#include "engine/rows.h"

#include <algorithm>

#include "base/result.h"
#include "engine/store_keys.h"

namespace terreno::engine {

namespace {

/// Roughly what a list costs besides its bytes.
constexpr size_t kListBytes = 96;

/// Escaped and ended, so that a key that begins another sorts before it whatever follows.
void append_escaped(std::string& out, std::string_view order_key) {
  for (const char c : order_key) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.append(2, '\0');
}

/// Nullopt: malformed.
std::optional<std::string> read_escaped(std::string_view in) {
  std::string out;
  for (size_t i = 0; i + 1 < in.size(); ++i) {
    if (in[i] != '\0') {
      out.push_back(in[i]);
    } else if (in[i + 1] == '\xff') {
      out.push_back('\0');
      ++i;
    } else {
      return out;
    }
  }
  return std::nullopt;
}

/// False: malformed.
bool collect(std::string_view encoded, const RowScan& scan, std::vector<Row>& rows) {
  Reader reader(encoded);
  while (!reader.done()) {
    const std::string_view order_key = reader.bytes();
    const std::string_view value = reader.bytes();
    if (!reader.ok()) return false;
    if (!scan.before.empty() && order_key >= scan.before) continue;
    if (order_key < scan.not_below) continue;
    rows.push_back({std::string(order_key), std::string(value)});
  }
  return true;
}

}  // namespace

void RowLog::append(EntityKey list, std::string_view order_key, std::string_view value) {
  auto [place, is_new] = pending_.try_emplace(list);
  std::string& encoded = place->second.encoded;
  const size_t before = encoded.size();
  Writer writer(encoded);
  writer.bytes(order_key);
  writer.bytes(value);
  memory_bytes_ += encoded.size() - before + (is_new ? kListBytes : 0);
}

void RowLog::erase(EntityKey list) {
  List& pending = pending_[list];
  pending.encoded.clear();
  pending.erased_before = true;
}

Result<std::vector<Row>> RowLog::scan(const RowScan& scan) const {
  const EntityKey list{scan.table, scan.key};
  std::vector<Row> rows;
  bool is_erased = false;
  for (const Lists* lists : {&pending_, &frozen_}) {
    const auto found = lists->find(list);
    if (found == lists->end() || is_erased) continue;
    collect(found->second.encoded, scan, rows);
    is_erased = found->second.erased_before;
  }
  const auto newer = [](const Row& a, const Row& b) { return a > b; };
  std::sort(rows.begin(), rows.end(), newer);
  if (!is_erased) {
    bool malformed = false;
    const std::string prefix = list_prefix(list);
    TERRENO_TRY_VOID(store_->scan(prefix, Store::Order::descending, [&](std::string_view key, std::string_view value) {
      const auto greatest = read_escaped(key.substr(prefix.size()));
      if (!greatest || key.size() < prefix.size() + 10) {
        malformed = true;
        return false;
      }
      if (*greatest < scan.not_below) return false;
      // The commit under way may have reached the store already.
      if (!frozen_.empty() && store_keys::read_u64(key.data() + key.size() - 8) == frozen_sequence_) return true;
      // Chunks come by their greatest order key: once there are enough rows above this one's, it holds none of them.
      if (rows.size() >= scan.limit && rows[scan.limit - 1].order_key > *greatest) return false;
      malformed = !collect(value, scan, rows);
      std::sort(rows.begin(), rows.end(), newer);
      if (rows.size() > scan.limit) rows.resize(scan.limit);
      return !malformed;
    }));
    if (malformed) return std::unexpected(Error{Errc::corrupt, "store: malformed rows"});
  }
  if (rows.size() > scan.limit) rows.resize(scan.limit);
  return rows;
}

void RowLog::begin_commit(uint64_t sequence) {
  frozen_sequence_ = sequence;
  frozen_ = std::move(pending_);
  pending_ = Lists();
  sorted_.clear();
  sorted_.reserve(frozen_.size());
  for (const auto& list : frozen_) sorted_.push_back(&list);
  std::sort(sorted_.begin(), sorted_.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
  next_sorted_ = 0;
  frozen_bytes_ = memory_bytes_;
}

bool RowLog::continue_commit(StoreBatch& batch, size_t lists) {
  const size_t end = std::min(sorted_.size(), next_sorted_ + lists);
  for (; next_sorted_ < end; ++next_sorted_) write(batch, sorted_[next_sorted_]->first, sorted_[next_sorted_]->second);
  return next_sorted_ == sorted_.size();
}

void RowLog::on_committed() {
  frozen_ = Lists();
  sorted_.clear();
  next_sorted_ = 0;
  memory_bytes_ -= frozen_bytes_;
  frozen_bytes_ = 0;
}

std::string RowLog::list_prefix(EntityKey list) const {
  std::string key = store_keys::table_prefix(partition_, store_keys::kTableRows);
  key.push_back(static_cast<char>(list.table));
  store_keys::append_id(key, list.id);
  return key;
}

void RowLog::write(StoreBatch& batch, EntityKey key, const List& list) {
  std::string row_key = list_prefix(key);
  if (list.erased_before) batch.erase_prefix(row_key);
  if (list.encoded.empty()) return;
  std::string_view greatest;
  Reader reader(list.encoded);
  while (!reader.done()) {
    greatest = std::max(greatest, reader.bytes());
    reader.bytes();
  }
  append_escaped(row_key, greatest);
  store_keys::append_u64(row_key, frozen_sequence_);
  batch.put(row_key, list.encoded);
}

}  // namespace terreno::engine
