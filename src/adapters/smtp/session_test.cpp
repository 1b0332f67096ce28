#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "adapters/smtp/session.h"

namespace terreno::smtp {
namespace {

constexpr std::string_view kHello = "220 x\r\n250-x\r\n250 PIPELINING\r\n";
constexpr std::string_view kGoOn = "250 ok\r\n250 ok\r\n354 go on\r\n";

Submission message(uint64_t number) {
  Submission submission;
  submission.envelope.attempt = {0, number};
  submission.envelope.from = "a@example.org";
  submission.envelope.to = "b@example.org";
  submission.envelope.data = std::make_shared<const std::string>("Subject: x\r\n\r\n.one\r\ntwo\r\n");
  return submission;
}

struct Dialogue {
  Dialogue() : session(SessionSettings{.user = {}, .password = {}, .helo_name = "me.example"}) {
    session.is_valid = [](const Submission&) { return true; };
    session.on_next = [this]() -> std::optional<Submission> {
      if (!has_next) return std::nullopt;
      has_next = false;
      return message(2);
    };
    session.on_outcome = [this](Submission&, Outcome outcome) { outcomes.push_back(std::move(outcome)); };
  }
  /// Writes up to `limit` bytes of what is pending, in pieces as a socket would take them.
  size_t write(size_t limit) {
    size_t written = 0;
    std::string_view view;
    while (written < limit && session.pending(&view, 1) > 0) {
      const size_t size = std::min(view.size(), limit - written);
      wire += view.substr(0, size);
      session.on_written(size);
      written += size;
    }
    return written;
  }
  Session session;
  bool has_next = false;
  std::string wire;
  std::vector<Outcome> outcomes;
};

TEST(Session, ABodyIsStuffedAndTheNextEnvelopeGoesBehindIt) {
  Dialogue d;
  d.session.on_bytes(kHello);
  d.write(SIZE_MAX);
  d.has_next = true;
  d.session.begin(message(1));
  d.write(SIZE_MAX);
  d.wire.clear();
  d.session.on_bytes(kGoOn);
  d.write(SIZE_MAX);
  EXPECT_EQ(d.wire,
            "Subject: x\r\n\r\n..one\r\ntwo\r\n.\r\n"
            "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
}

// The promise of smtp.h, at every byte at which a line can be cut.
TEST(Session, NotSentMeansThatNoByteOfTheEndHasLeft) {
  const std::string_view body = "Subject: x\r\n\r\n..one\r\ntwo";
  for (size_t cut = 0; cut < 200; ++cut) {
    Dialogue d;
    d.session.on_bytes(kHello);
    d.write(SIZE_MAX);
    d.has_next = true;
    d.session.begin(message(1));
    d.write(SIZE_MAX);
    d.session.on_bytes(kGoOn);
    const size_t written = d.write(cut);
    const auto moved = d.session.on_lost(Reason::connection_lost, "", 1);
    ASSERT_EQ(d.outcomes.size(), 1U);
    EXPECT_EQ(d.outcomes[0].attempt.low, 1U);
    EXPECT_EQ(d.outcomes[0].kind, written > body.size() ? OutcomeKind::unknown : OutcomeKind::not_sent) << cut;
    // Of the next one at most the envelope has gone.
    ASSERT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved[0].envelope.attempt.low, 2U);
  }
}

// Under TLS a failed write does not say how much the server can read.
TEST(Session, WhatMayHaveLeftCountsAsLeft) {
  for (const size_t attempted : {24U, 25U, 26U}) {
    Dialogue d;
    d.session.on_bytes(kHello);
    d.write(SIZE_MAX);
    d.session.begin(message(1));
    d.write(SIZE_MAX);
    d.session.on_bytes(kGoOn);
    d.session.may_leave(attempted);
    d.session.on_lost(Reason::connection_lost, "", 1);
    ASSERT_EQ(d.outcomes.size(), 1U);
    EXPECT_EQ(d.outcomes[0].kind, attempted > 24 ? OutcomeKind::unknown : OutcomeKind::not_sent) << attempted;
  }
}

TEST(Session, AnAnswerThatComesBeforeTheEndIsNotTakenForItsAcceptance) {
  Dialogue d;
  d.session.on_bytes(kHello);
  d.write(SIZE_MAX);
  d.session.begin(message(1));
  d.write(SIZE_MAX);
  d.session.on_bytes(kGoOn);
  d.write(10);
  EXPECT_EQ(d.session.on_bytes("250 already\r\n"), Session::Step::close);
  d.session.on_lost(Reason::protocol_error, "", 1);
  ASSERT_EQ(d.outcomes.size(), 1U);
  EXPECT_EQ(d.outcomes[0].kind, OutcomeKind::not_sent);
}

TEST(Session, ARefusalInTheMiddleOfTheBodyIsCertain) {
  Dialogue d;
  d.session.on_bytes(kHello);
  d.write(SIZE_MAX);
  d.has_next = true;
  d.session.begin(message(1));
  d.write(SIZE_MAX);
  d.session.on_bytes(kGoOn);
  d.write(10);
  EXPECT_EQ(d.session.on_bytes("552 5.3.4 too large\r\n"), Session::Step::close);
  EXPECT_EQ(d.session.on_lost(Reason::connection_lost, "", 1).size(), 1U);
  ASSERT_EQ(d.outcomes.size(), 1U);
  EXPECT_EQ(d.outcomes[0].reason, Reason::permanent);
  EXPECT_EQ(d.outcomes[0].stage, Stage::body);
}

TEST(Session, AServerThatWantsDataForNobodyGetsNone) {
  Dialogue d;
  d.session.on_bytes(kHello);
  d.write(SIZE_MAX);
  d.session.begin(message(1));
  d.write(SIZE_MAX);
  d.wire.clear();
  d.session.on_bytes("250 ok\r\n550 5.1.1 no\r\n354 go on\r\n");
  d.write(SIZE_MAX);
  EXPECT_EQ(d.wire, ".\r\n");
  d.session.on_bytes("554 nobody\r\n");
  ASSERT_EQ(d.outcomes.size(), 1U);
  EXPECT_TRUE(d.outcomes[0].names_recipient);
  EXPECT_TRUE(d.session.is_ready());
}

TEST(Session, AClaimThatRanOutIsNotBegun) {
  Dialogue d;
  d.session.is_valid = [](const Submission&) { return false; };
  d.session.on_bytes(kHello);
  d.write(SIZE_MAX);
  d.session.begin(message(1));
  d.write(SIZE_MAX);
  EXPECT_EQ(d.session.on_bytes(kGoOn), Session::Step::close);
  ASSERT_EQ(d.outcomes.size(), 1U);
  EXPECT_EQ(d.outcomes[0].reason, Reason::expired);
  EXPECT_FALSE(d.session.has_pending() && d.session.in_flight() > 0);
}

TEST(Session, TextBeforeTheHandshakeIsNotBelieved) {
  Session session(
      SessionSettings{.security = Security::starttls, .user = {}, .password = {}, .helo_name = "me.example"});
  session.on_bytes("220 x\r\n250-x\r\n250 STARTTLS\r\n");
  EXPECT_EQ(session.on_bytes("220 go\r\n250-evil\r\n"), Session::Step::close);
}

TEST(Session, EncryptionIsNotGivenUpQuietly) {
  Session session(
      SessionSettings{.security = Security::starttls, .user = {}, .password = {}, .helo_name = "me.example"});
  EXPECT_EQ(session.on_bytes("220 x\r\n250-x\r\n250 PIPELINING\r\n"), Session::Step::close);
  EXPECT_EQ(session.failure(), "the server does not offer STARTTLS");
}

}  // namespace
}  // namespace terreno::smtp
