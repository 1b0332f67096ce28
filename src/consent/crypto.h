#pragma once

// The four primitives that proofs and links need, from OpenSSL. Nothing here is secret by itself.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace terreno::consent {

using Hash = std::array<uint8_t, 32>;

[[nodiscard]] inline std::string_view view_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
[[nodiscard]] std::string hex(const Hash& hash);

/// SHA-256 (FIPS 180-4).
[[nodiscard]] Hash sha256(std::string_view bytes);
/// HMAC-SHA256 (RFC 2104).
[[nodiscard]] Hash hmac_sha256(std::string_view key, std::string_view bytes);
/// HKDF-SHA256 (RFC 5869) without salt; 32 bytes.
[[nodiscard]] Hash hkdf_sha256(std::string_view input_key, std::string_view info);
/// Takes the same time wherever the two differ. False when their lengths do.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace terreno::consent
