#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "channels/channels.h"
#include "channels/mime_testing.h"

namespace terreno::channels {
namespace {

using testing::HasSubstr;

struct Keys {
  crypto::SigningKey rsa = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
  crypto::SigningKey ed25519 = crypto::SigningKey::generate(crypto::KeyAlgorithm::ed25519);
  [[nodiscard]] std::vector<DkimKey> dkim() const {
    return {{"news.example.org", "r1", signer_of(rsa)}, {"news.example.org", "e1", signer_of(ed25519)}};
  }
};

std::string signed_sample(const std::vector<DkimKey>& keys) {
  EmailMessage message = sample_message();
  message.reply_to = Mailbox{"Equipo", "equipo@news.example.org"};
  message.text = "Hola  Ana \n\ncon   espacios\t\n\n\n";
  message.html = "<p>Hola  Ana</p>\n\n\n";
  message.subject = "Un asunto largo, con más de una línea, para que las cabeceras tengan que plegarse también aquí";
  message.list_unsubscribe_url = "https://terreno.example.org/u/token";
  message.feedback_id = "a:b:c:d";
  std::string data = build_mime(message)->data;
  EXPECT_TRUE(sign_dkim(data, keys, message.date));
  return data;
}

TEST(Dkim, AnIndependentVerifierAcceptsBothSignaturesAndNoChange) {
  const std::string python = TERRENO_PYTHON_WITH_DKIM;
  if (run(python + " -c 'import dkim, nacl' 2>/dev/null") != 0) {
    const char* const why =
        "DKIM IS NOT VERIFIED: dkimpy and PyNaCl are missing; run tools/setup.sh test with a network";
    if (std::getenv("CI") != nullptr) FAIL() << why;
    GTEST_SKIP() << why;
  }
  const Keys keys;
  const TemporaryFolder folder;
  (void)folder.write("message.eml", signed_sample(keys.dkim()));
  (void)folder.write("r1.news.example.org.txt",
                     dkim_record(SignatureAlgorithm::rsa_sha256, keys.rsa.public_key_for_dns()));
  (void)folder.write("e1.news.example.org.txt",
                     dkim_record(SignatureAlgorithm::ed25519_sha256, keys.ed25519.public_key_for_dns()));
  EXPECT_EQ(run(python + " " TERRENO_VERIFY_MAIL " dkim " + folder.path()), 0);
}

TEST(Dkim, WhatARecipientActsOnIsSignedAndFromOnceMore) {
  const Keys keys;
  std::string data = signed_sample({keys.dkim()[1]});
  std::string unfolded;
  for (const char c : data.substr(0, data.find("bh="))) {
    if (c != '\r' && c != '\n' && c != '\t') unfolded += c;
  }
  EXPECT_THAT(unfolded,
              HasSubstr("h=from:to:reply-to:subject:date:message-id:mime-version:content-type:list-unsubscribe:"
                        "list-unsubscribe-post:feedback-id:from;"));
}

TEST(Dkim, SigningIsRepeatable) {
  const Keys keys;
  EXPECT_EQ(signed_sample(keys.dkim()), signed_sample(keys.dkim()));
}

// RFC 8463, appendix A: the same body hash as in the example.
TEST(Dkim, TheBodyHashIsTheStandards) {
  std::string data =
      "From: Joe SixPack <joe@football.example.com>\r\n\r\n"
      "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
  const Keys keys;
  ASSERT_TRUE(sign_dkim(data, std::vector<DkimKey>{{"football.example.com", "brisbane", signer_of(keys.ed25519)}},
                        Timestamp{}));
  EXPECT_THAT(data, HasSubstr("bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="));
}

TEST(Dkim, WhatCannotBeSignedIsLeftAsItWas) {
  const Keys keys;
  for (const std::string_view text : {"", "no header block", "Subject: x\r\n\r\nno From\r\n", "From: a@b.c\r\n"}) {
    std::string data(text);
    const auto result = sign_dkim(data, keys.dkim(), Timestamp{});
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Errc::malformed_message);
    EXPECT_EQ(data, text);
  }
  std::string data = "From: a@b.c\r\n\r\nx\r\n";
  const auto result = sign_dkim(data, std::vector<DkimKey>{{"b.c; x=1", "s", signer_of(keys.ed25519)}}, Timestamp{});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::malformed_domain);
}

}  // namespace
}  // namespace terreno::channels
