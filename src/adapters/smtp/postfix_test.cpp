// Against a real postfix, which tests/postfix.py starts around this program. Started without it, the tests say so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

#include "adapters/crypto/crypto.h"
#include "adapters/smtp/smtp.h"

namespace terreno::smtp {
namespace {

using testing::HasSubstr;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

class Postfix : public testing::Test {
 protected:
  void SetUp() override {
    if (!environment("POSTFIX_PORT").empty()) return;
    const char* const why = "NOT TESTED AGAINST POSTFIX: run this program through tests/postfix.py";
    if (std::getenv("CI") != nullptr) FAIL() << why;
    GTEST_SKIP() << why;
  }

  static SmtpSettings settings(Security security, Authentication authentication) {
    SmtpSettings one;
    one.host = "localhost";
    one.port =
        static_cast<uint16_t>(std::stoi(environment(security == Security::tls ? "POSTFIX_TLS_PORT" : "POSTFIX_PORT")));
    one.security = security;
    one.authorities_file = environment("POSTFIX_AUTHORITY");
    one.authentication = authentication;
    one.user = environment("POSTFIX_USER");
    one.password = Secret(environment("POSTFIX_PASSWORD"));
    one.helo_name = "terreno.example";
    one.backoff_min = milliseconds(20);
    return one;
  }

  static Envelope envelope(const std::string& to, std::string body = "hello\r\n") {
    Envelope one;
    one.from = "bounce+1@example.org";
    one.to = to;
    one.data = std::make_shared<const std::string>("From: a@example.org\r\nSubject: x\r\n\r\n" + std::move(body));
    return one;
  }

  static std::vector<Outcome> send_all(SmtpSettings one, std::vector<Envelope> envelopes) {
    crypto::SystemRandom random;
    const auto pool = std::move(*SmtpPool::create(std::move(one), random));
    std::vector<std::promise<Outcome>> promises(envelopes.size());
    for (size_t i = 0; i < envelopes.size(); ++i) {
      EXPECT_TRUE(pool->submit(std::move(envelopes[i]),
                               [&promise = promises[i]](Outcome outcome) { promise.set_value(std::move(outcome)); }));
    }
    std::vector<Outcome> outcomes;
    for (auto& promise : promises) outcomes.push_back(promise.get_future().get());
    pool->stop(seconds(5));
    return outcomes;
  }

  static Outcome send(SmtpSettings one, Envelope message) {
    std::vector<Envelope> envelopes;
    envelopes.push_back(std::move(message));
    return send_all(std::move(one), std::move(envelopes))[0];
  }

  /// The delivered message that holds `mark`; waits for postfix to hand it to the folder.
  static std::string delivered(const std::string& mark) {
    while (true) {
      const std::filesystem::path folder = std::filesystem::path(environment("POSTFIX_MAIL")) / "new";
      std::error_code missing;
      for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (text.find(mark) != std::string::npos) return text;
      }
      std::this_thread::yield();
    }
  }
};

TEST_F(Postfix, AMessageArrivesWithItsDots) {
  const Outcome outcome = send(settings(Security::none, Authentication::none),
                               envelope("ana@sink.example", ".first\r\n..\r\n.\r\nplain-mark\r\n"));
  ASSERT_EQ(outcome.kind, OutcomeKind::sent) << outcome.reply.text << outcome.detail;
  EXPECT_THAT(delivered("plain-mark"), HasSubstr("\n\n.first\n..\n.\nplain-mark\n"));
}

TEST_F(Postfix, EncryptionAndAuthenticationOpenTheRelay) {
  for (const Security security : {Security::starttls, Security::tls}) {
    for (const Authentication authentication : {Authentication::plain, Authentication::login}) {
      const Outcome outcome = send(settings(security, authentication), envelope("ana@elsewhere.example"));
      EXPECT_EQ(outcome.kind, OutcomeKind::sent) << outcome.reply.text << outcome.detail;
    }
    const Outcome refused = send(settings(security, Authentication::none), envelope("ana@elsewhere.example"));
    EXPECT_EQ(refused.reason, Reason::permanent);
    EXPECT_FALSE(refused.names_recipient) << "a relay that denies says nothing of the address";
  }
}

TEST_F(Postfix, AWrongPasswordSendsNothingAndSaysSo) {
  SmtpSettings wrong = settings(Security::starttls, Authentication::plain);
  wrong.password = Secret("wrong");
  Envelope one = envelope("ana@sink.example");
  one.valid_for = milliseconds(1500);
  const Outcome outcome = send(wrong, std::move(one));
  EXPECT_EQ(outcome.reason, Reason::never_connected);
  EXPECT_THAT(outcome.detail, HasSubstr("AUTH: 535"));
}

TEST_F(Postfix, ACertificateOfNobodyWeTrustIsRefused) {
  SmtpSettings strict = settings(Security::starttls, Authentication::none);
  strict.authorities_file.clear();
  Envelope one = envelope("ana@sink.example");
  one.valid_for = milliseconds(500);
  Outcome outcome = send(strict, std::move(one));
  EXPECT_EQ(outcome.reason, Reason::never_connected);
  EXPECT_THAT(outcome.detail, HasSubstr("certificate"));
  // The right authority, the wrong name.
  strict = settings(Security::starttls, Authentication::none);
  strict.host = "127.0.0.1";
  one = envelope("ana@sink.example");
  one.valid_for = milliseconds(500);
  outcome = send(strict, std::move(one));
  EXPECT_THAT(outcome.detail, HasSubstr("certificate"));
  strict.verify_certificate = false;
  EXPECT_EQ(send(strict, envelope("ana@sink.example")).kind, OutcomeKind::sent);
}

TEST_F(Postfix, AnUnknownRecipientIsNamedAndTheOthersGetTheirs) {
  for (const Security security : {Security::none, Security::tls}) {
    SmtpSettings one = settings(security, Authentication::none);
    one.connections_max = 1;
    std::vector<Envelope> envelopes;
    for (int i = 0; i < 12; ++i) {
      envelopes.push_back(
          envelope(i % 4 == 1 ? "unknown@sink.example" : "ana@sink.example", std::string(20'000, 'a') + "\r\n"));
    }
    const auto outcomes = send_all(one, std::move(envelopes));
    for (size_t i = 0; i < outcomes.size(); ++i) {
      EXPECT_EQ(outcomes[i].kind, i % 4 == 1 ? OutcomeKind::not_sent : OutcomeKind::sent)
          << i << outcomes[i].reply.text;
      EXPECT_EQ(outcomes[i].names_recipient, i % 4 == 1);
    }
  }
}

TEST_F(Postfix, ALocalPartBeyondAsciiIsDelivered) {
  Envelope one = envelope("jürgen@sink.example", "smtputf8-mark\r\n");
  one.needs_smtputf8 = true;
  const Outcome outcome = send(settings(Security::none, Authentication::none), std::move(one));
  ASSERT_EQ(outcome.kind, OutcomeKind::sent) << outcome.reply.text << outcome.detail;
  EXPECT_THAT(delivered("smtputf8-mark"), HasSubstr("jürgen@sink.example"));
}

}  // namespace
}  // namespace terreno::smtp
