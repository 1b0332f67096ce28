#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "adapters/crypto/crypto.h"
#include "adapters/smtp/sink.h"
#include "adapters/smtp/smtp.h"

namespace terreno::smtp {
namespace {

using testing::HasSubstr;

/// Collects outcomes and lets a test wait for them; without a time limit, so that a lost outcome hangs and is seen.
class Outcomes {
 public:
  OutcomeCallback callback() {
    return [this](Outcome outcome) {
      const std::lock_guard lock(mutex_);
      all_.push_back(std::move(outcome));
      changed_.notify_all();
    };
  }
  std::vector<Outcome> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> all_;
};

Envelope envelope(std::string to, uint64_t number, Lane lane = Lane::bulk) {
  Envelope one;
  one.attempt = {0, number};
  one.lane = lane;
  one.from = "bounce+1@example.org";
  one.to = std::move(to);
  one.data = std::make_shared<const std::string>("Subject: x\r\n\r\n.first\r\n..second\r\nlast\r\n");
  return one;
}

struct Bench {
  explicit Bench(SinkSettings sink_settings = {}, SmtpSettings settings = {}) {
    sink = std::move(*Sink::start(std::move(sink_settings)));
    settings.host = "127.0.0.1";
    settings.port = sink->port();
    pool = std::move(*SmtpPool::create(std::move(settings), random));
  }
  Outcome send(Envelope one) {
    Outcomes outcomes;
    EXPECT_TRUE(pool->submit(std::move(one), outcomes.callback()));
    return outcomes.wait_for(1)[0];
  }
  crypto::SystemRandom random;
  std::unique_ptr<Sink> sink;
  std::unique_ptr<SmtpPool> pool;
};

SinkSettings with_rule(SinkRule rule, bool pipelining = true) {
  SinkSettings settings;
  settings.rules.push_back(std::move(rule));
  settings.pipelining = pipelining;
  return settings;
}

TEST(Pool, AMessageArrivesAsItWasGiven) {
  std::string from;
  std::string to;
  std::string data;
  SinkSettings settings;
  settings.on_message = [&](const SinkMessage& message) {
    from = message.from;
    to = message.to.at(0);
    data = message.data;
  };
  Bench bench(std::move(settings));
  const Outcome outcome = bench.send(envelope("ana@example.org", 7));
  EXPECT_EQ(outcome.kind, OutcomeKind::sent);
  EXPECT_EQ(outcome.attempt, (Id128{0, 7}));
  EXPECT_EQ(outcome.reply.code, 250);
  EXPECT_EQ(from, "bounce+1@example.org");
  EXPECT_EQ(to, "ana@example.org");
  EXPECT_EQ(data, "Subject: x\r\n\r\n.first\r\n..second\r\nlast\r\n");
}

TEST(Pool, EveryMessageOfManyArrivesOnceWhateverItsSize) {
  for (const bool pipelining : {true, false}) {
    std::map<std::string, size_t> sizes;
    SinkSettings settings;
    settings.pipelining = pipelining;
    settings.on_message = [&](const SinkMessage& message) { sizes[message.to.at(0)] += message.data.size(); };
    SmtpSettings pool;
    pool.messages_per_connection_max = 7;
    Outcomes outcomes;
    Bench bench(std::move(settings), pool);
    std::map<std::string, size_t> expected;
    for (uint64_t i = 0; i < 300; ++i) {
      Envelope one = envelope("user" + std::to_string(i) + "@d" + std::to_string(i % 5) + ".example", i);
      std::string data = "Subject: x\r\n\r\n";
      while (data.size() < i * i * 10) data += ".a line that starts with a dot\r\n";
      expected[one.to] = data.size();
      one.data = std::make_shared<const std::string>(std::move(data));
      ASSERT_TRUE(bench.pool->submit(std::move(one), outcomes.callback()));
    }
    std::set<uint64_t> seen;
    for (const Outcome& outcome : outcomes.wait_for(300)) {
      EXPECT_EQ(outcome.kind, OutcomeKind::sent) << outcome.detail;
      seen.insert(outcome.attempt.low);
    }
    EXPECT_EQ(seen.size(), 300U);
    bench.pool->stop(seconds(5));
    bench.sink.reset();
    EXPECT_EQ(sizes, expected);
  }
}

struct Refusal {
  Stage stage;
  std::string text;
  Reason reason;
  bool names_recipient;
};

TEST(Pool, ARefusalSaysWhereAndWhetherItIsTheRecipient) {
  for (const bool pipelining : {true, false}) {
    for (const Refusal& refusal : std::vector<Refusal>{
             {Stage::mail, "451 4.3.0 later", Reason::temporary, false},
             {Stage::mail, "550 5.7.1 not you", Reason::permanent, false},
             {Stage::recipient, "450 4.2.1 later", Reason::temporary, false},
             {Stage::recipient, "550 5.1.1 no such user", Reason::permanent, true},
             {Stage::recipient, "550 no such user", Reason::permanent, true},
             {Stage::recipient, "554 5.7.1 relay access denied", Reason::permanent, false},
             {Stage::recipient, "552 5.2.2 mailbox full", Reason::permanent, false},
             {Stage::data, "451 4.3.0 later", Reason::temporary, false},
             {Stage::data, "550 5.1.1 no such user", Reason::permanent, true},
             {Stage::body, "552 5.3.4 too large", Reason::permanent, false},
             {Stage::end, "452 4.3.1 no room", Reason::temporary, false},
             {Stage::end, "554 5.6.0 content", Reason::permanent, false},
             {Stage::end, "550 5.1.1 no such user", Reason::permanent, true},
         }) {
      SinkRule rule{refusal.stage, "", SinkAction::reply, refusal.text, 1, 0};
      // What the sink refuses in the middle of a body it does not read on from.
      if (refusal.stage == Stage::body) rule.action = SinkAction::reply_close;
      Bench bench(with_rule(rule, pipelining));
      Outcome outcome = bench.send(envelope("ana@example.org", 1));
      EXPECT_EQ(outcome.kind, OutcomeKind::not_sent) << refusal.text;
      EXPECT_EQ(outcome.reason, refusal.reason) << refusal.text;
      if (refusal.stage != Stage::body) {
        EXPECT_EQ(outcome.stage, refusal.stage) << refusal.text;
      }
      EXPECT_EQ(outcome.names_recipient, refusal.names_recipient) << refusal.text;
      EXPECT_EQ(outcome.reply.code, std::stoi(refusal.text));
      // The connection, or the next one, goes on as if nothing had been.
      outcome = bench.send(envelope("ana@example.org", 2));
      EXPECT_EQ(outcome.kind, OutcomeKind::sent) << refusal.text << ": " << outcome.reply.text << outcome.detail;
    }
  }
}

TEST(Pool, AConnectionLostBeforeTheBodyIsTriedOnAnother) {
  for (const Stage stage : {Stage::mail, Stage::recipient, Stage::data}) {
    Bench bench(with_rule({stage, "", SinkAction::close, "", 1, 0}));
    EXPECT_EQ(bench.send(envelope("ana@example.org", 1)).kind, OutcomeKind::sent);
    EXPECT_EQ(bench.sink->counters().messages, 1U);
    EXPECT_EQ(bench.sink->counters().connections, 2U);
  }
}

TEST(Pool, AServerThatAlwaysHangsUpBeforeTheBodyHasCertainlyNotGotIt) {
  Bench bench(with_rule({Stage::mail, "", SinkAction::close, "", UINT32_MAX, 0}));
  const Outcome outcome = bench.send(envelope("ana@example.org", 1));
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, Reason::connection_lost);
}

TEST(Pool, AConnectionLostInTheBodyHasCertainlyNotDelivered) {
  Bench bench(with_rule({Stage::body, "", SinkAction::close, "", UINT32_MAX, 0}));
  Envelope one = envelope("ana@example.org", 1);
  // More than the sockets' buffers hold, so that the end cannot have left.
  std::string data(24 << 20, 'a');
  data += "\r\n";
  one.data = std::make_shared<const std::string>(std::move(data));
  const Outcome outcome = bench.send(std::move(one));
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, Reason::connection_lost);
  EXPECT_EQ(outcome.stage, Stage::body);
}

TEST(Pool, AConnectionLostAfterTheFinalDotIsUnknownAndTheNextMessageGoesOn) {
  SmtpSettings settings;
  settings.connections_max = 1;
  Outcomes outcomes;
  Bench bench(with_rule({Stage::end, "lost", SinkAction::close, "", UINT32_MAX, 0}), settings);
  for (const auto& [to, number] : std::vector<std::pair<std::string, uint64_t>>{
           {"a@example.org", 1}, {"lost@example.org", 2}, {"c@example.org", 3}}) {
    ASSERT_TRUE(bench.pool->submit(envelope(to, number), outcomes.callback()));
  }
  for (const Outcome& outcome : outcomes.wait_for(3)) {
    EXPECT_EQ(outcome.kind, outcome.attempt.low == 2 ? OutcomeKind::unknown : OutcomeKind::sent) << outcome.attempt.low;
  }
  EXPECT_EQ(bench.sink->counters().messages, 2U);
}

TEST(Pool, SilenceBeforeTheDotIsNotSentAndAfterItUnknown) {
  for (const auto& [stage, kind] : std::vector<std::pair<Stage, OutcomeKind>>{{Stage::mail, OutcomeKind::not_sent},
                                                                              {Stage::data, OutcomeKind::not_sent},
                                                                              {Stage::end, OutcomeKind::unknown}}) {
    SmtpSettings settings;
    settings.timeouts.command = settings.timeouts.data_start = settings.timeouts.data_end = milliseconds(30);
    Bench bench(with_rule({stage, "", SinkAction::stall, "", UINT32_MAX, 0}), settings);
    const Outcome outcome = bench.send(envelope("ana@example.org", 1));
    EXPECT_EQ(outcome.kind, kind);
    EXPECT_EQ(outcome.reason, Reason::timed_out);
  }
}

TEST(Pool, AServerThatClosesBetweenMessagesLosesNone) {
  SmtpSettings settings;
  settings.connections_max = 1;
  // 421 for every third message, as servers do that limit messages per connection.
  SinkSettings sink;
  for (uint32_t skip = 2; skip < 20; skip += 3) {
    sink.rules.push_back({Stage::mail, "", SinkAction::reply_close, "421 4.7.0 enough", 1, skip});
  }
  Outcomes outcomes;
  Bench bench(std::move(sink), settings);
  for (uint64_t i = 0; i < 12; ++i) ASSERT_TRUE(bench.pool->submit(envelope("a@example.org", i), outcomes.callback()));
  for (const Outcome& outcome : outcomes.wait_for(12)) EXPECT_EQ(outcome.kind, OutcomeKind::sent) << outcome.reply.text;
}

TEST(Pool, WithoutAServerAMessageWaitsForItsClaimToEnd) {
  crypto::SystemRandom random;
  SmtpSettings settings;
  {
    const auto sink = std::move(*Sink::start({}));
    settings.port = sink->port();
  }
  settings.host = "127.0.0.1";
  settings.backoff_min = settings.backoff_max = milliseconds(5);
  const auto pool = std::move(*SmtpPool::create(settings, random));
  Envelope one = envelope("ana@example.org", 1);
  one.valid_for = milliseconds(60);
  Outcomes outcomes;
  ASSERT_TRUE(pool->submit(std::move(one), outcomes.callback()));
  const Outcome outcome = outcomes.wait_for(1)[0];
  EXPECT_EQ(outcome.kind, OutcomeKind::not_sent);
  EXPECT_EQ(outcome.reason, Reason::never_connected);
  EXPECT_THAT(outcome.detail, HasSubstr("refused"));
  EXPECT_GT(pool->status().connects_failed, 1U);
}

TEST(Pool, ATransactionalMessageOvertakesWaitingBulk) {
  SinkSettings sink;
  sink.rules.push_back({Stage::end, "slow", SinkAction::stall, "", UINT32_MAX, 0});
  SmtpSettings settings;
  settings.connections_max = 3;
  settings.connections_transactional = 1;
  Bench bench(std::move(sink), settings);
  Outcomes bulk;
  for (uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(bench.pool->submit(envelope("slow@example.org", i), bulk.callback()));
  EXPECT_EQ(bench.send(envelope("ana@example.org", 1, Lane::transactional)).kind, OutcomeKind::sent);
  bench.pool->stop(seconds(0));
  for (const Outcome& outcome : bulk.wait_for(50)) EXPECT_NE(outcome.kind, OutcomeKind::sent);
}

TEST(Pool, StoppingGivesEachMessageItsOutcome) {
  Outcomes outcomes;
  Bench bench(with_rule({Stage::end, "", SinkAction::stall, "", UINT32_MAX, 0}));
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(bench.pool->submit(envelope("a@example.org", i), outcomes.callback()));
  bench.pool->stop(milliseconds(50));
  EXPECT_EQ(outcomes.wait_for(100).size(), 100U);
  const PoolStatus status = bench.pool->status();
  EXPECT_EQ(status.queued + status.in_flight, 0U);
  EXPECT_EQ(status.not_sent + status.unknown, 100U);
  EXPECT_EQ(bench.pool->submit(envelope("a@example.org", 1), outcomes.callback()).error().code, Errc::stopping);
}

TEST(Pool, TheQueueIsBounded) {
  SmtpSettings settings;
  settings.queue_messages_max = 2;
  Outcomes outcomes;
  Bench bench(with_rule({Stage::greeting, "", SinkAction::stall, "", UINT32_MAX, 0}), settings);
  EXPECT_TRUE(bench.pool->submit(envelope("a@example.org", 1), outcomes.callback()));
  EXPECT_TRUE(bench.pool->submit(envelope("a@example.org", 2), outcomes.callback()));
  EXPECT_EQ(bench.pool->submit(envelope("a@example.org", 3), outcomes.callback()).error().code, Errc::queue_full);
}

TEST(Pool, NothingInAnEnvelopeCanSpeakSmtp) {
  Bench bench;
  const auto field = [&](const std::function<void(Envelope&)>& spoil) {
    Envelope one = envelope("a@example.org", 1);
    spoil(one);
    const auto result = bench.pool->submit(std::move(one), nullptr);
    return result ? std::string("accepted") : result.error().field;
  };
  EXPECT_EQ(field([](Envelope& one) { one.to = "a@example.org>\r\nRCPT TO:<b@example.org"; }), "to");
  EXPECT_EQ(field([](Envelope& one) { one.to = ""; }), "to");
  EXPECT_EQ(field([](Envelope& one) { one.from = "a b@example.org"; }), "from");
  for (const std::string_view data : {"", "a\n.\r\nMAIL", "a\r.\r\n", "\na\r\n", "a\r\n.\n", "a\r"}) {
    EXPECT_EQ(field([&](Envelope& one) { one.data = std::make_shared<const std::string>(data); }), "data") << data;
  }
}

TEST(Pool, AMessageThatNeedsSmtputf8IsNotSentWithoutIt) {
  SinkSettings sink;
  sink.smtputf8 = false;
  Bench bench(std::move(sink));
  Envelope one = envelope("jürgen@example.org", 1);
  one.needs_smtputf8 = true;
  EXPECT_EQ(bench.send(std::move(one)).reason, Reason::unsupported);
  EXPECT_EQ(bench.send(envelope("a@example.org", 2)).kind, OutcomeKind::sent);
}

TEST(Pool, APasswordInClearTextStaysOnTheMachine) {
  crypto::SystemRandom random;
  SmtpSettings settings;
  settings.host = "mail.example.org";
  settings.authentication = Authentication::plain;
  EXPECT_EQ(SmtpPool::create(settings, random).error().field, "security");
  settings.security = Security::starttls;
  EXPECT_TRUE(SmtpPool::create(settings, random));
}

}  // namespace
}  // namespace terreno::smtp
