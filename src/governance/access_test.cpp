#include <gtest/gtest.h>

#include <map>
#include <set>

#include "governance/governance.h"

namespace terreno::governance {
namespace {

// The whole table, cell by cell: a role gains or loses a scope only by a change here.
TEST(Access, EachRoleHasExactlyTheScopesOfTheTable) {
  const std::set<std::string> everyone{"sources:read", "sender:read", "configuration:read", "health:read"};
  std::map<Role, std::set<std::string>> more;
  more[Role::marketer] = {"events:read", "people:read", "messages:read", "configuration:write"};
  more[Role::frontline] = {"people:read", "people:correct", "people:object", "messages:read", "consents:write"};
  more[Role::privacy] = {"people:read",    "people:correct", "people:object", "messages:read",
                         "consents:write", "users:read",     "audit:read"};
  more[Role::engineer] = {"events:write", "events:read",  "sources:write",      "keys:read",
                          "keys:write",   "sender:write", "configuration:write"};
  more[Role::viewer] = {};
  for (auto& [role, scopes] : more) {
    scopes.insert(everyone.begin(), everyone.end());
    for (int i = 0; i < kScopeCount; ++i) {
      const auto scope = static_cast<Scope>(i);
      EXPECT_EQ(scopes_of(role).allows(scope), scopes.contains(std::string(name_of(scope))))
          << name_of(role) << " " << name_of(scope);
    }
  }
  for (int i = 0; i < kScopeCount; ++i) EXPECT_TRUE(scopes_of(Role::administrator).allows(static_cast<Scope>(i)));
}

TEST(Access, EveryNameReadsBack) {
  for (int i = 0; i < kScopeCount; ++i) EXPECT_EQ(scope_from(name_of(static_cast<Scope>(i))), static_cast<Scope>(i));
  for (int i = 0; i < kRoleCount; ++i) EXPECT_EQ(role_from(name_of(static_cast<Role>(i))), static_cast<Role>(i));
  EXPECT_FALSE(scope_from("people:everything"));
  EXPECT_FALSE(ScopeSet::from_bits(1U << kScopeCount));
}

TEST(Access, OnlyAdminCoversAdmin) {
  ScopeSet all;
  for (int i = 0; i + 1 < kScopeCount; ++i) all.add(static_cast<Scope>(i));
  EXPECT_FALSE(all.covers({Scope::admin}));
  EXPECT_TRUE((ScopeSet{Scope::admin}).covers(all));
}

// FIPS 180-2 and RFC 4231, case 2.
TEST(Digest, AgreesWithTheStandardsVectors) {
  EXPECT_EQ(sha256("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hmac_sha256(Secret("Jefe"), "what do ya want for nothing?").hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Digest::from_hex(sha256("abc").hex()), sha256("abc"));
}

constexpr Timestamp kNow{1'800'000'000'000};

TEST(SignInLimiter, SlowsAGuesserDownDoublingAndForgivesAfterSuccess) {
  SignInLimiter limiter;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(limiter.wait("ana@example.org", "192.0.2.1", kNow).ms, 0);
    limiter.attempted("ana@example.org", "192.0.2.1", kNow);
  }
  EXPECT_EQ(limiter.wait("ana@example.org", "192.0.2.1", kNow), seconds(2));
  EXPECT_EQ(limiter.wait("ana@example.org", "192.0.2.1", kNow + seconds(2)).ms, 0);
  limiter.attempted("ana@example.org", "192.0.2.1", kNow + seconds(2));
  EXPECT_EQ(limiter.wait("ana@example.org", "192.0.2.1", kNow + seconds(2)), seconds(4));
  // Somebody else's guesses do not lock Ana out elsewhere.
  EXPECT_EQ(limiter.wait("ana@example.org", "198.51.100.7", kNow + seconds(2)).ms, 0);
  limiter.succeeded("ana@example.org", "192.0.2.1");
  EXPECT_EQ(limiter.wait("ana@example.org", "192.0.2.1", kNow + seconds(2)).ms, 0);
}

TEST(SignInLimiter, AnAddressThatTriesManyAccountsWaitsAndOneSuccessOfItsOwnDoesNotHelp) {
  SignInLimiter limiter;
  for (int i = 0; i < 30; ++i) limiter.failed("2001:db8::" + std::to_string(i), kNow);
  limiter.succeeded("own", "2001:db8::1");
  EXPECT_GT(limiter.wait("fresh", "2001:db8::ffff", kNow).ms, 0) << "one /64 is one customer";
  EXPECT_EQ(limiter.wait("fresh", "2001:db8:1::1", kNow).ms, 0);
}

TEST(AttemptLimiter, NeverHoldsMoreKeysThanItsBound) {
  AttemptLimiter limiter({}, 100);
  for (int i = 0; i < 10'000; ++i) limiter.failed(std::to_string(i), kNow);
  EXPECT_EQ(limiter.size(), 100U);
}

}  // namespace
}  // namespace terreno::governance
