#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace terreno::governance {

/// SHA-256.
struct Digest {
  std::array<uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  [[nodiscard]] bool is_zero() const { return bytes == std::array<uint8_t, 32>{}; }
  /// 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  /// The zero digest when `text` is not 64 such digits.
  [[nodiscard]] static Digest from_hex(std::string_view text);
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(const Secret& key, std::string_view bytes);
/// In constant time for texts of one length.
[[nodiscard]] bool same_in_constant_time(std::string_view a, std::string_view b);

}  // namespace terreno::governance
