#include "governance/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace terreno::governance {

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

Digest Digest::from_hex(std::string_view text) {
  if (text.size() != 64) return {};
  Digest digest;
  for (size_t i = 0; i < 64; ++i) {
    const char c = text[i];
    int value = 0;
    if (c >= '0' && c <= '9') {
      value = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      value = c - 'a' + 10;
    } else {
      return {};
    }
    digest.bytes[i / 2] = static_cast<uint8_t>(digest.bytes[i / 2] << 4 | value);
  }
  return digest;
}

Digest sha256(std::string_view bytes) {
  Digest digest;
  const int done = EVP_Digest(bytes.data(), bytes.size(), digest.bytes.data(), nullptr, EVP_sha256(), nullptr);
  TERRENO_CHECK(done == 1, "SHA-256 is not available");
  return digest;
}

Digest hmac_sha256(const Secret& key, std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  const unsigned char* const done =
      HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.bytes.data(), &size);
  TERRENO_CHECK(done != nullptr && size == digest.bytes.size(), "HMAC-SHA-256 is not available");
  return digest;
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace terreno::governance
