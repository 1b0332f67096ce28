#include <gtest/gtest.h>

#include "channels/channels.h"

namespace terreno::channels {
namespace {

Errc code_of(std::string_view text) {
  const auto address = parse_address(text, "to.address");
  EXPECT_FALSE(address) << text;
  if (address) return Errc{255};
  EXPECT_EQ(address.error().field, "to.address");
  return address.error().code;
}

TEST(Address, AnInternationalDomainTravelsAsItsALabel) {
  const auto address = parse_address("ana@Peñíscola.example", "to.address");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->text(), "ana@xn--pescola-8ya9a.example");
  EXPECT_FALSE(address->needs_smtputf8);
}

TEST(Address, SharpSKeepsItsOwnName) {
  const auto address = parse_address("x@straße.example", "to.address");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->domain, "xn--strae-oqa.example");
}

TEST(Address, OnlyALocalPartBeyondAsciiNeedsSmtputf8) {
  EXPECT_TRUE(parse_address("jürgen@example.org", "to.address")->needs_smtputf8);
  EXPECT_FALSE(parse_address("jurgen@exämple.org", "to.address")->needs_smtputf8);
}

TEST(Address, TheLocalPartKeepsItsCaseAndTheDomainLosesIt) {
  EXPECT_EQ(parse_address("Ana.Luz+news@EXAMPLE.org", "to.address")->text(), "Ana.Luz+news@example.org");
}

TEST(Address, AQuotedLocalPartIsTaken) {
  EXPECT_EQ(parse_address("\"a..b@c\"@example.org", "to.address")->text(), "\"a..b@c\"@example.org");
}

TEST(Address, WhatNoServerTakesIsRefusedByRule) {
  EXPECT_EQ(code_of(""), Errc::missing);
  for (const std::string_view text :
       {"ana", "@example.org", "a..b@example.org", ".a@example.org", "a b@example.org", "<ana@example.org>",
        "a\"b@example.org", "\"a\"b\"@example.org", "\"\"@example.org"}) {
    EXPECT_EQ(code_of(text), Errc::malformed_address) << text;
  }
  for (const std::string_view text : {"ana@", "ana@.org", "ana@a..b", "ana@-a.org", "ana@a-.org", "ana@[192.0.2.1]",
                                      "ana@exa mple.org", "ana@a_b.org", "ana@example.org>", "ana@xn--a.example"}) {
    EXPECT_EQ(code_of(text), Errc::malformed_domain) << text;
  }
  EXPECT_EQ(code_of("ana@example.org\r\nRCPT TO:<x@y>"), Errc::control_character);
  EXPECT_EQ(code_of(std::string_view("ana\0@example.org", 16)), Errc::control_character);
  EXPECT_EQ(code_of("ana\xff@example.org"), Errc::not_utf8);
  EXPECT_EQ(code_of(std::string(65, 'a') + "@example.org"), Errc::too_long);
  EXPECT_EQ(code_of(std::string(64, 'a') + "@" + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                    std::string(62, 'd')),
            Errc::too_long);
}

TEST(ReturnPath, TheTokenComesBackFromTheAddress) {
  const auto path = make_return_path("k7_A-9", "B.example.org");
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, "bounce+k7_A-9@b.example.org");
  EXPECT_EQ(read_return_path(*path, "b.example.org"), "k7_A-9");
  EXPECT_EQ(read_return_path("BOUNCE+k7_A-9@B.EXAMPLE.ORG", "b.example.org"), "k7_A-9");
}

TEST(ReturnPath, AnotherAddressHasNoToken) {
  for (const std::string_view address : {"bounce+x@other.example", "x@b.example.org", "bounce+@b.example.org",
                                         "bounce+a/b@b.example.org", "bounce+x", ""}) {
    EXPECT_EQ(read_return_path(address, "b.example.org"), std::nullopt) << address;
  }
  EXPECT_EQ(make_return_path("a@b", "b.example.org").error().code, Errc::malformed_token);
  EXPECT_EQ(make_return_path(std::string(51, 'a'), "b.example.org").error().code, Errc::malformed_token);
  EXPECT_EQ(make_return_path("a", "b c").error().code, Errc::malformed_domain);
}

}  // namespace
}  // namespace terreno::channels
