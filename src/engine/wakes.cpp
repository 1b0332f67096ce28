#include "engine/wakes.h"

#include <algorithm>
#include <functional>

#include "base/result.h"
#include "engine/store_keys.h"

namespace terreno::engine {

Result<void> Wakes::load(Store& store) {
  bool malformed = false;
  TERRENO_TRY_VOID(store.scan(store_keys::table_prefix(partition_, store_keys::kTableWake), Store::Order::ascending,
                              [&](std::string_view key, std::string_view value) {
                                if (key.size() != 19 || value.size() != 8) {
                                  malformed = true;
                                  return false;
                                }
                                const EntityKey entity{
                                    static_cast<uint8_t>(key[2]),
                                    {store_keys::read_u64(key.data() + 3), store_keys::read_u64(key.data() + 11)}};
                                const Timestamp due{static_cast<int64_t>(store_keys::read_u64(value.data()))};
                                due_.emplace(entity, due);
                                heap_.push_back({due, entity});
                                return true;
                              }));
  if (malformed) return std::unexpected(Error{Errc::corrupt, "store: malformed wake-up"});
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  return {};
}

void Wakes::set(EntityKey key, std::optional<Timestamp> due) {
  if (!due) {
    if (due_.erase(key) > 0) changed_.insert(key);
    return;
  }
  auto [place, is_new] = due_.try_emplace(key, *due);
  if (!is_new) {
    if (place->second == *due) return;
    place->second = *due;
  }
  changed_.insert(key);
  push({*due, key});
}

std::optional<Timestamp> Wakes::next() {
  drop_stale();
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

std::vector<Wakes::Due> Wakes::collect(Timestamp now, size_t count) {
  std::vector<Due> due;
  while (due.size() < count) {
    drop_stale();
    if (heap_.empty() || heap_.front().due > now) break;
    // A time set, changed and set again leaves two equal entries.
    if (due.empty() || due.back() != heap_.front()) due.push_back(heap_.front());
    pop();
  }
  return due;
}

bool Wakes::take(const Due& due) {
  if (!is_current(due)) return false;
  due_.erase(due.key);
  changed_.insert(due.key);
  return true;
}

void Wakes::commit(StoreBatch& batch) {
  std::string value;
  for (const EntityKey& key : changed_) {
    const auto found = due_.find(key);
    if (found == due_.end()) {
      batch.erase(store_keys::wake(partition_, key));
      continue;
    }
    value.clear();
    store_keys::append_u64(value, static_cast<uint64_t>(found->second.ms));
    batch.put(store_keys::wake(partition_, key), value);
  }
  changed_.clear();
}

void Wakes::push(Due due) {
  heap_.push_back(due);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  // Persons who act often leave a stale entry each time: rebuild before they outweigh the current ones.
  if (heap_.size() > 2 * due_.size() + 1024) {
    heap_.clear();
    for (const auto& [key, time] : due_) heap_.push_back({time, key});
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
}

void Wakes::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.pop_back();
}

void Wakes::drop_stale() {
  while (!heap_.empty() && !is_current(heap_.front())) pop();
}

bool Wakes::is_current(const Due& due) const {
  const auto found = due_.find(due.key);
  return found != due_.end() && found->second == due.due;
}

}  // namespace terreno::engine
