#include "adapters/crypto/crypto.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstring>

#include "base/check.h"

namespace terreno::crypto {

namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using ContextPointer = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using BioPointer = std::unique_ptr<BIO, Freed<BIO_free_all>>;

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// One digest object for the process: fetching it by name on every call costs more than hashing a short text.
const EVP_MD* sha256_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  TERRENO_CHECK(method != nullptr, "OpenSSL has no SHA-256");
  return method;
}

int refuse_password(char*, int, int, void*) { return -1; }

}  // namespace

struct SigningKey::Key {
  KeyPointer pointer;
};

Digest sha256(std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  const int ok = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, sha256_method(), nullptr);
  TERRENO_CHECK(ok == 1 && size == digest.size(), "SHA-256 failed");
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest;
  unsigned size = 0;
  const unsigned char* result = HMAC(sha256_method(), key.data(), static_cast<int>(key.size()), unsigned_bytes(bytes),
                                     bytes.size(), digest.data(), &size);
  TERRENO_CHECK(result != nullptr && size == digest.size(), "HMAC failed");
  return digest;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  // EVP_EncodeBlock writes a terminating zero, for which std::string has room.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), unsigned_bytes(bytes), static_cast<int>(bytes.size()));
  return text;
}

std::expected<std::string, Error> base64_decode(std::string_view text) {
  const auto malformed = [&] {
    return std::unexpected(Error{Errc::malformed_base64, fmt::format("{} characters", text.size())});
  };
  if (text.size() % 4 != 0 || text.size() > (1U << 30)) return malformed();
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), unsigned_bytes(text),
                                   static_cast<int>(text.size()));
  if (size < 0) return malformed();
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  if (padding > static_cast<size_t>(size)) return malformed();
  bytes.resize(static_cast<size_t>(size) - padding);
  // EVP_DecodeBlock forgives surrounding blanks and loose bits; a token must have one spelling only.
  if (base64(bytes) != text) return malformed();
  return bytes;
}

void random_bytes(std::span<uint8_t> out) {
  TERRENO_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "the system's random generator failed");
}

Id128 SystemRandom::next() {
  struct Supply {
    std::array<Id128, 64> ids;
    size_t left = 0;
    Supply() = default;
    Supply(const Supply&) = delete;
    Supply& operator=(const Supply&) = delete;
    ~Supply() { OPENSSL_cleanse(ids.data(), sizeof ids); }
  };
  thread_local Supply supply;
  if (supply.left == 0) {
    random_bytes({reinterpret_cast<uint8_t*>(supply.ids.data()), sizeof supply.ids});
    supply.left = supply.ids.size();
  }
  Id128& next = supply.ids[--supply.left];
  const Id128 id = next;
  OPENSSL_cleanse(&next, sizeof next);
  return id;
}

SigningKey SigningKey::generate(KeyAlgorithm algorithm) {
  KeyPointer key(algorithm == KeyAlgorithm::rsa_2048 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                                                     : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  TERRENO_CHECK(key != nullptr, "no key could be generated");
  return {algorithm, std::make_shared<const Key>(std::move(key))};
}

std::expected<SigningKey, Error> SigningKey::load_pem(const Secret& pem) {
  const std::string& text = pem.reveal();
  BioPointer bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  TERRENO_CHECK(bio != nullptr, "out of memory");
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr));
  if (!key) return std::unexpected(Error{Errc::malformed_key, "no unencrypted PEM private key was found"});
  const int type = EVP_PKEY_get_base_id(key.get());
  if (type == EVP_PKEY_ED25519) return SigningKey{KeyAlgorithm::ed25519, std::make_shared<const Key>(std::move(key))};
  if (type != EVP_PKEY_RSA) {
    const char* name = EVP_PKEY_get0_type_name(key.get());
    return std::unexpected(Error{Errc::wrong_algorithm, name ? name : "unknown"});
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  // RFC 8301: signers use 2,048 bits; above 4,096 verifiers need not follow, and the DNS record no longer fits.
  if (bits < 2048 || bits > 4096) return std::unexpected(Error{Errc::weak_key, fmt::format("{} bits", bits)});
  return SigningKey{KeyAlgorithm::rsa_2048, std::make_shared<const Key>(std::move(key))};
}

std::string SigningKey::sign(std::string_view message) const {
  thread_local const ContextPointer context(EVP_MD_CTX_new());
  TERRENO_CHECK(context != nullptr, "out of memory");
  EVP_MD_CTX_reset(context.get());
  EVP_PKEY* key = key_->pointer.get();
  const EVP_MD* method = algorithm_ == KeyAlgorithm::ed25519 ? nullptr : sha256_method();
  bool ok = EVP_DigestSignInit(context.get(), nullptr, method, nullptr, key) == 1;
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(key));
  std::string signature(size, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                            unsigned_bytes(message), message.size()) == 1;
  TERRENO_CHECK(ok, "signing failed");
  signature.resize(size);
  return signature;
}

bool SigningKey::verify(std::string_view message, std::string_view signature) const {
  const ContextPointer context(EVP_MD_CTX_new());
  const EVP_MD* method = algorithm_ == KeyAlgorithm::ed25519 ? nullptr : sha256_method();
  return context && EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, key_->pointer.get()) == 1 &&
         EVP_DigestVerify(context.get(), unsigned_bytes(signature), signature.size(), unsigned_bytes(message),
                          message.size()) == 1;
}

Secret SigningKey::private_pem() const {
  BioPointer bio(BIO_new(BIO_s_secmem()));
  TERRENO_CHECK(bio != nullptr, "out of memory");
  const int ok = PEM_write_bio_PKCS8PrivateKey(bio.get(), key_->pointer.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  TERRENO_CHECK(ok == 1 && size > 0, "the key could not be written");
  return Secret(std::string(bytes, static_cast<size_t>(size)));
}

std::string SigningKey::public_key_for_dns() const {
  EVP_PKEY* key = key_->pointer.get();
  if (algorithm_ == KeyAlgorithm::ed25519) {
    std::string raw(32, '\0');
    size_t size = raw.size();
    const int ok = EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    TERRENO_CHECK(ok == 1 && size == 32, "the public key could not be read");
    return base64(raw);
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  TERRENO_CHECK(size > 0, "the public key could not be written");
  const std::string text = base64({reinterpret_cast<char*>(der), static_cast<size_t>(size)});
  OPENSSL_free(der);
  return text;
}

}  // namespace terreno::crypto
