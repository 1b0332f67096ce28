#pragma once

// Hashes, signatures and randomness, from OpenSSL 3. No OpenSSL type is seen outside.
//
// 1. Everything here may be called from any thread.
// 2. OpenSSL's own failures on valid arguments (out of memory, a broken installation) stop the program: no caller could
//    go on without them.

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "engine/engine.h"

namespace terreno::crypto {

enum class Errc : uint8_t {
  malformed_key,    ///< not a PEM key, encrypted, or damaged
  wrong_algorithm,  ///< a key, but not of the algorithm asked for
  weak_key,         ///< RSA below 2,048 or above 4,096 bits
  malformed_base64,
};
struct Error {
  Errc code;
  std::string context;  ///< what was found; never key material
};

using Digest = std::array<uint8_t, 32>;

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);
/// Takes the same time wherever two equally long texts first differ. Different lengths are unequal at once.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

/// Standard alphabet with padding, one line.
[[nodiscard]] std::string base64(std::string_view bytes);
/// Accepts exactly what `base64` writes.
[[nodiscard]] std::expected<std::string, Error> base64_decode(std::string_view text);

void random_bytes(std::span<uint8_t> out);
/// The engine's port over the operating system's generator. Each thread draws a supply at a time, since one draw costs
/// a microsecond however small it is; what is handed out is wiped from the supply.
class SystemRandom final : public engine::Random {
 public:
  [[nodiscard]] Id128 next() override;
};

enum class KeyAlgorithm : uint8_t { rsa_2048, ed25519 };

/// A private key. Copies share it.
class SigningKey {
 public:
  /// About 50 to 300 ms for RSA, 0.1 ms for Ed25519.
  [[nodiscard]] static SigningKey generate(KeyAlgorithm algorithm);
  /// PKCS#8 or the older RSA form, unencrypted.
  /// Error: malformed_key, wrong_algorithm (neither RSA nor Ed25519), weak_key.
  [[nodiscard]] static std::expected<SigningKey, Error> load_pem(const Secret& pem);

  [[nodiscard]] KeyAlgorithm algorithm() const { return algorithm_; }
  /// RSA: PKCS#1 v1.5 over SHA-256 of `message` (RFC 8017, 8.2). Ed25519: pure EdDSA over `message` itself (RFC 8032).
  /// Cost, one core: about 210 µs and 24 µs.
  [[nodiscard]] std::string sign(std::string_view message) const;
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  [[nodiscard]] Secret private_pem() const;
  /// As DNS wants it in a DKIM record's `p=`, base64: RSA as SubjectPublicKeyInfo (RFC 6376, 3.6.1), Ed25519 as the 32
  /// raw bytes (RFC 8463, 4).
  [[nodiscard]] std::string public_key_for_dns() const;

 private:
  struct Key;
  SigningKey(KeyAlgorithm algorithm, std::shared_ptr<const Key> key) : algorithm_(algorithm), key_(std::move(key)) {}

  KeyAlgorithm algorithm_;
  std::shared_ptr<const Key> key_;
};

}  // namespace terreno::crypto
