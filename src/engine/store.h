#pragma once

// The port to an ordered store of keys and values: the checkpoint of the state. Keys are described in
// docs/formats/store.md.
//
// 1. A commit is all or nothing.
// 2. After a crash the store holds a prefix of its commits, and at least those up to the last synced one.

#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "engine/engine.h"

namespace terreno::engine {

/// Changes for one commit, in order, in one buffer.
class StoreBatch {
 public:
  enum class Change : uint8_t { put, erase, erase_prefix };

  void put(std::string_view key, std::string_view value) {
    head(Change::put, key);
    fixed(value.size());
    bytes_.append(value);
  }
  /// Encodes the value in place: `encode(Writer&)`.
  template <typename Encode>
  void put_encoded(std::string_view key, const Encode& encode) {
    head(Change::put, key);
    const size_t length_at = bytes_.size();
    fixed(0);
    Writer writer(bytes_);
    encode(writer);
    const auto size = static_cast<uint32_t>(bytes_.size() - length_at - sizeof(uint32_t));
    std::memcpy(bytes_.data() + length_at, &size, sizeof size);
  }
  void erase(std::string_view key) { head(Change::erase, key); }
  /// Erases every key that starts with `prefix` at this point of the batch.
  void erase_prefix(std::string_view prefix) { head(Change::erase_prefix, prefix); }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] size_t size_bytes() const { return bytes_.size(); }
  void clear() { bytes_.clear(); }

  /// `visit(Change, key, value)`, in order; the value is empty but for put.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    Reader reader(bytes_);
    while (!reader.done()) {
      const auto change = static_cast<Change>(reader.u8());
      const std::string_view key = reader.raw(reader.u32());
      visit(change, key, change == Change::put ? reader.raw(reader.u32()) : std::string_view());
    }
  }

 private:
  void head(Change change, std::string_view key) {
    bytes_.push_back(static_cast<char>(change));
    fixed(key.size());
    bytes_.append(key);
  }
  void fixed(size_t size) {
    const auto small = static_cast<uint32_t>(size);
    bytes_.append(reinterpret_cast<const char*>(&small), sizeof small);
  }
  std::string bytes_;
};

/// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  /// Calls `found(index, value)` once per key; nullopt: no such key. The value lives for the call.
  using Found = std::function<void(size_t index, std::optional<std::string_view> value)>;
  [[nodiscard]] virtual Result<void> multi_get(std::span<const std::string_view> keys, const Found& found) = 0;
  /// Visits the keys that start with `prefix`, in order (or backwards), until `visit` returns false.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  enum class Order : uint8_t { ascending, descending };
  [[nodiscard]] virtual Result<void> scan(std::string_view prefix, Order order, const Visit& visit) = 0;
  /// `sync`: durable when it returns. Otherwise a crash may take it back, with everything after it.
  [[nodiscard]] virtual Result<void> commit(const StoreBatch& batch, bool sync) = 0;
  /// Writes a synced copy of the whole store, as of now, that can be opened as a store. `folder` must not exist.
  [[nodiscard]] virtual Result<void> checkpoint(const std::string& folder) = 0;
};

}  // namespace terreno::engine
