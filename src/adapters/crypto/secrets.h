#pragma once

// Bytes nobody can guess, and keys made from one key.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace terreno::crypto {

/// From OpenSSL's generator, seeded by the kernel. A generator that fails stops the program: nothing could be safe.
void fill_with_secure_random(std::span<uint8_t> out);
[[nodiscard]] std::string secure_random_bytes(size_t size);

/// HKDF-SHA-256 (RFC 5869). `purpose` is its `info`: each use of the installation key has its own, so that one leaked
/// sub-key tells nothing about another. At most 255 × 32 bytes.
[[nodiscard]] Secret derive_key(const Secret& key, std::string_view purpose, size_t size = 32,
                                std::string_view salt = {});

}  // namespace terreno::crypto
