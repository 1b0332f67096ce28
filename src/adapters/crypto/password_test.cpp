#include "adapters/crypto/password.h"

#include <gtest/gtest.h>

#include <future>

#include "adapters/crypto/secrets.h"

namespace terreno::crypto {
namespace {

std::string from_hex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

constexpr PasswordCost kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

// The reference implementation's own vectors (test.c of P-H-C/phc-winner-argon2, version 1.3, argon2id).
TEST(Password, AgreesWithTheReferenceVectors) {
  EXPECT_EQ(hash_password_with_salt(Secret("password"), "somesalt", {.memory_kib = 65536, .passes = 2, .lanes = 1}),
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
  EXPECT_EQ(hash_password_with_salt(Secret("password"), "somesalt", {.memory_kib = 256, .passes = 2, .lanes = 2}),
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc");
  EXPECT_TRUE(check_password(Secret("password"),
                             "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"));
  EXPECT_FALSE(check_password(Secret("passwore"),
                              "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"));
}

TEST(Password, IsHashedWithTheCostTheDesignNamesAndAFreshSalt) {
  const std::string a = hash_password(Secret("correct horse battery"));
  EXPECT_TRUE(a.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << a;
  EXPECT_NE(a, hash_password(Secret("correct horse battery")));
  EXPECT_TRUE(check_password(Secret("correct horse battery"), a));
  EXPECT_FALSE(check_password(Secret("correct horse batterY"), a));
  EXPECT_FALSE(is_outdated(a));
}

TEST(Password, HostileHashesMatchNothingAndTakeNoMemory) {
  for (const char* const hash :
       {"", "plain", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=64,t=4000000,p=1$c29tZXNhbHQ$AAAA", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA"}) {
    EXPECT_FALSE(check_password(Secret("x"), hash)) << hash;
  }
}

TEST(PasswordPool, ReplacesAHashOfAnotherCost) {
  PasswordPool pool({.threads = 1, .queue_max = 4, .cost = kCheap});
  std::promise<std::pair<bool, std::string>> answer;
  ASSERT_TRUE(pool.check(Secret("secret words"),
                         hash_password(Secret("secret words"), {.memory_kib = 32, .passes = 1, .lanes = 1}),
                         [&](bool matches, std::string better) { answer.set_value({matches, std::move(better)}); }));
  const auto [matches, better] = answer.get_future().get();
  EXPECT_TRUE(matches);
  EXPECT_FALSE(is_outdated(better, kCheap));
  EXPECT_TRUE(check_password(Secret("secret words"), better));
}

TEST(PasswordPool, RefusesWhatExceedsItsQueue) {
  std::promise<void> begun;
  std::promise<void> release;
  PasswordPool pool({.threads = 1, .queue_max = 2, .cost = kCheap});
  ASSERT_TRUE(pool.hash(Secret("a"), [&](const std::string&) {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(pool.hash(Secret("b"), [](const std::string&) {}));
  EXPECT_TRUE(pool.hash(Secret("c"), [](const std::string&) {}));
  EXPECT_FALSE(pool.hash(Secret("d"), [](const std::string&) {}));
  release.set_value();
}

// RFC 5869, appendix A, test cases 1 and 3.
TEST(DeriveKey, AgreesWithTheRfcVectors) {
  const Secret key(from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"));
  EXPECT_EQ(derive_key(key, from_hex("f0f1f2f3f4f5f6f7f8f9"), 42, from_hex("000102030405060708090a0b0c")).reveal(),
            from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
  EXPECT_EQ(derive_key(key, "", 42).reveal(),
            from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"));
}

}  // namespace
}  // namespace terreno::crypto
