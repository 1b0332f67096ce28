#include "consent/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

#include "base/check.h"

namespace terreno::consent {

namespace {

// Fetched once: EVP_sha256() looks the implementation up again at every initialisation, which costs more than hashing
// a hundred bytes.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TERRENO_CHECK(algorithm != nullptr, "OpenSSL has no SHA-256");
  return algorithm;
}

}  // namespace

std::string hex(const Hash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : hash) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

Hash sha256(std::string_view bytes) {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  Hash hash;
  const bool hashed = EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1 &&
                      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                      EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1;
  TERRENO_CHECK(hashed, "SHA-256 failed");
  return hash;
}

Hash hmac_sha256(std::string_view key, std::string_view bytes) {
  Hash hash;
  unsigned int size = 0;
  const uint8_t* const made =
      HMAC(sha256_algorithm(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.data(), &size);
  TERRENO_CHECK(made != nullptr && size == hash.size(), "HMAC-SHA256 failed");
  return hash;
}

Hash hkdf_sha256(std::string_view input_key, std::string_view info) {
  // RFC 5869 with one block of output: extract under a salt of zeros, then T(1) = HMAC(PRK, info ‖ 0x01).
  const Hash zeros{};
  const Hash pseudorandom_key = hmac_sha256(view_of(zeros), input_key);
  return hmac_sha256(view_of(pseudorandom_key), std::string(info) + '\x01');
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace terreno::consent
