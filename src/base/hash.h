#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace terreno {

/// 128 bits that name something: a record, a person, a decision. Ordered by `high`, then `low`, so that containers
/// sorted by it iterate in the same order on every machine.
struct Id128 {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const Id128&) const = default;
  [[nodiscard]] bool is_zero() const { return high == 0 && low == 0; }
  /// 32 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  /// The zero id when `text` is not 32 hexadecimal digits.
  [[nodiscard]] static Id128 from_hex(std::string_view text);
};

/// XXH3, seed 0. Frozen: placement keys, ids and repeat keys on disk depend on it.
[[nodiscard]] uint64_t hash64(std::string_view bytes);
[[nodiscard]] uint64_t hash64(std::string_view bytes, uint64_t seed);
[[nodiscard]] Id128 hash128(std::string_view bytes);

/// The id of the `index`-th thing that a record brings into being: ids and chance in apply are a hash of (record,
/// index).
[[nodiscard]] Id128 derive_id(Id128 record, uint64_t index);

}  // namespace terreno

/// Declares an id type of its own over Id128, so that a person cannot be passed for a decision.
#define TERRENO_STRONG_ID(Name)                                                                              \
  struct Name {                                                                                              \
    ::terreno::Id128 value;                                                                                  \
    auto operator<=>(const Name&) const = default;                                                           \
    [[nodiscard]] bool is_zero() const { return value.is_zero(); }                                           \
    [[nodiscard]] std::string hex() const { return value.hex(); }                                            \
    [[nodiscard]] static Name from_hex(std::string_view text) { return {::terreno::Id128::from_hex(text)}; } \
  }

namespace terreno {
TERRENO_STRONG_ID(RecordId);
TERRENO_STRONG_ID(PersonId);
TERRENO_STRONG_ID(DecisionId);
}  // namespace terreno

template <>
struct std::hash<terreno::Id128> {
  size_t operator()(const terreno::Id128& id) const noexcept { return id.low; }
};
template <>
struct std::hash<terreno::PersonId> {
  size_t operator()(const terreno::PersonId& id) const noexcept { return id.value.low; }
};
template <>
struct std::hash<terreno::DecisionId> {
  size_t operator()(const terreno::DecisionId& id) const noexcept { return id.value.low; }
};
