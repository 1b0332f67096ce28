#pragma once

// The keys of the store, as docs/formats/store.md describes them: partition, table, then what the table needs, all
// big-endian, so that the store's order is the order of the values.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace terreno::engine::store_keys {

inline constexpr uint8_t kTableMeta = 200;
inline constexpr uint8_t kTableWake = 201;
inline constexpr uint8_t kTableRepeatLog = 202;
inline constexpr uint8_t kTableRepeatSealed = 203;
inline constexpr uint8_t kTableRows = 204;

inline void append_u64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
inline uint64_t read_u64(const char* in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(in[i]);
  return value;
}
inline void append_id(std::string& out, Id128 id) {
  append_u64(out, id.high);
  append_u64(out, id.low);
}
inline std::string table_prefix(Partition partition, uint8_t table) {
  return {static_cast<char>(partition.number), static_cast<char>(table)};
}

inline constexpr size_t kEntityKeyBytes = 18;
inline void append_entity(std::string& out, Partition partition, EntityKey key) {
  out.push_back(static_cast<char>(partition.number));
  out.push_back(static_cast<char>(key.table));
  append_id(out, key.id);
}
/// Null when the key is not an entity's.
inline std::optional<std::pair<Partition, EntityKey>> read_entity(std::string_view key) {
  if (key.size() != kEntityKeyBytes || static_cast<uint8_t>(key[1]) >= kTableMeta) return std::nullopt;
  return std::pair(Partition{static_cast<uint8_t>(key[0])},
                   EntityKey{static_cast<uint8_t>(key[1]), {read_u64(key.data() + 2), read_u64(key.data() + 10)}});
}
inline std::string wake(Partition partition, EntityKey key) {
  std::string out = table_prefix(partition, kTableWake);
  out.push_back(static_cast<char>(key.table));
  append_id(out, key.id);
  return out;
}
inline std::string meta(Partition partition) { return table_prefix(partition, kTableMeta); }

}  // namespace terreno::engine::store_keys
