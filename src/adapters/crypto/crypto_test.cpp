#include "adapters/crypto/crypto.h"

#include <gtest/gtest.h>

#include <set>

namespace terreno::crypto {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// FIPS 180-2, appendix B.1.
TEST(Crypto, Sha256IsTheStandards) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// RFC 4231, test case 2.
TEST(Crypto, HmacIsTheStandards) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, TextsAreEqualOnlyWhenEveryByteIs) {
  EXPECT_TRUE(equal_in_constant_time("same", "same"));
  EXPECT_FALSE(equal_in_constant_time("same", "sane"));
  EXPECT_FALSE(equal_in_constant_time("same", "same "));
}

TEST(Crypto, Base64HasOneSpelling) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob"}) {
    const auto back = base64_decode(base64(bytes));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, bytes);
  }
  for (const std::string_view text : {"Zg=", "Zh==", "Zg==\n", " Zg=", "Z===", "====", "Zm9v!"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

TEST(Crypto, RandomIdsDiffer) {
  SystemRandom random;
  std::set<Id128> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Crypto, AKeySurvivesItsPem) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::rsa_2048, KeyAlgorithm::ed25519}) {
    const SigningKey key = SigningKey::generate(algorithm);
    const auto loaded = SigningKey::load_pem(key.private_pem());
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->algorithm(), algorithm);
    EXPECT_EQ(loaded->public_key_for_dns(), key.public_key_for_dns());
    const std::string signature = loaded->sign("message");
    EXPECT_TRUE(key.verify("message", signature));
    EXPECT_FALSE(key.verify("massage", signature));
  }
}

// RFC 8463, appendix A.2: the key pair of the example.
TEST(Crypto, AnEd25519KeyIsPublishedRaw) {
  const auto key =
      SigningKey::load_pem(Secret("-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpe"
                                  "zJpGXA7rAMcrn9g\n"
                                  "-----END PRIVATE KEY-----\n"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key_for_dns(), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(Crypto, WhatIsNoSigningKeyIsRefusedByName) {
  const auto code = [](std::string_view pem) { return SigningKey::load_pem(Secret(std::string(pem))).error().code; };
  EXPECT_EQ(code(""), Errc::malformed_key);
  EXPECT_EQ(code("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), Errc::malformed_key);
  EXPECT_EQ(code("-----BEGIN PRIVATE KEY-----\n"
                 "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
                 "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
                 "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
                 "-----END PRIVATE KEY-----\n"),
            Errc::wrong_algorithm);
}

}  // namespace
}  // namespace terreno::crypto
