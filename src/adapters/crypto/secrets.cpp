#include "adapters/crypto/secrets.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <memory>

#include "base/check.h"

namespace terreno::crypto {

void fill_with_secure_random(std::span<uint8_t> out) {
  TERRENO_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "the random generator failed");
}

std::string secure_random_bytes(size_t size) {
  std::string bytes(size, '\0');
  fill_with_secure_random({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

Secret derive_key(const Secret& key, std::string_view purpose, size_t size, std::string_view salt) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr),
                                                                            &EVP_PKEY_CTX_free);
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  std::string out(size, '\0');
  size_t made = size;
  const bool done =
      context && EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
      // OpenSSL takes no empty salt and no empty info; leaving them out means the same (RFC 5869, 2.2).
      (salt.empty() || EVP_PKEY_CTX_set1_hkdf_salt(context.get(), bytes(salt), static_cast<int>(salt.size())) == 1) &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), bytes(key.reveal()), static_cast<int>(key.reveal().size())) == 1 &&
      (purpose.empty() ||
       EVP_PKEY_CTX_add1_hkdf_info(context.get(), bytes(purpose), static_cast<int>(purpose.size())) == 1) &&
      EVP_PKEY_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), &made) == 1 && made == size;
  TERRENO_CHECK(done, "HKDF is not available");
  return Secret(std::move(out));
}

}  // namespace terreno::crypto
