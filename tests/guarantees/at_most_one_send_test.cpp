// Promise: no message leaves twice. The program may die after any single step of a sign-up with its welcome, and again
// while it recovers: each attempt of a decision is performed at most once, no message is taken twice by the receiving
// server, and every decision comes to an end that says what is certain.

#include <map>

#include "../scenarios/documents.h"
#include "../scenarios/world.h"

namespace terreno::guarantees {
namespace {

using contact::DecisionState;
using scenarios::Mail;
using scenarios::World;

struct Case {
  std::optional<uint64_t> shuffle_seed{};
  size_t commits_kept = 0;
  /// The server turns the first attempt away for now, so that there is a second one.
  bool is_slow_server = false;
  /// Steps between the restart and the next crash; none: one crash only.
  std::optional<int> second_crash{};
};

/// False: the story ended before step `crash_at`.
bool survive(const Case& each, int crash_at) {
  World::Options options(scenarios::welcome_documents());
  options.shuffle_seed = each.shuffle_seed;
  World world(options);
  std::map<std::pair<DecisionId, uint32_t>, int> attempts;
  std::map<DecisionId, int> taken;
  world.receiver = [&](const Mail& mail) {
    ++attempts[{mail.decision, mail.attempt}];
    if (each.is_slow_server && mail.attempt == 1) return channels::Ending::not_sent_retry;
    ++taken[mail.decision];
    return channels::Ending::sent;
  };
  world.consent(consent::Action::grant, "ana@example.org");
  world.server(
      R"({"type":"identify","userId":"u-1","anonymousId":"a-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}},
         {"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})");
  bool is_over = false;
  for (int i = 0; i < crash_at && !is_over; ++i) {
    // The second attempt is due half a minute later.
    if (world.engine().step()) continue;
    if (each.is_slow_server && world.mails.empty() && world.now() < parse_iso8601("2026-03-02T09:01:00Z")->time) {
      world.pass(seconds(10));
      continue;
    }
    is_over = true;
  }
  world.crash(each.commits_kept);
  if (each.second_crash) {
    for (int i = 0; i < *each.second_crash && world.engine().step(); ++i) continue;
    world.crash(each.commits_kept);
  }
  world.settle();
  world.pass(hours(2));

  for (const auto& [attempt, count] : attempts) EXPECT_EQ(count, 1) << "attempt " << attempt.second;
  for (const auto& [decision, count] : taken) EXPECT_EQ(count, 1);
  const auto ana = world.user("u-1");
  if (!ana) return !is_over;  // the batch was not durable yet, so nobody was told that it is
  const auto decisions = world.decisions(*ana);
  EXPECT_EQ(decisions.size(), 1u);
  for (const contact::Decision& decision : decisions) {
    EXPECT_TRUE(contact::is_final(decision.state)) << contact::name_of(decision.state);
    // *Sent* is only said of what a server took; what nobody can know is called unknown.
    if (decision.state == DecisionState::sent) {
      EXPECT_EQ(taken[decision.id], 1);
    } else {
      EXPECT_EQ(decision.state, DecisionState::unknown) << contact::name_of(decision.state);
    }
  }
  return !is_over;
}

void survive_everywhere(const Case& each) {
  int crash_at = 0;
  do {
    SCOPED_TRACE("crash after step " + std::to_string(crash_at));
    if (!survive(each, crash_at)) break;
    ++crash_at;
  } while (!testing::Test::HasFailure());
  // A sign-up takes some steps; fewer would mean that this test no longer meets it.
  EXPECT_GT(crash_at, 20);
}

TEST(AtMostOneSend, ACrashAfterAnyStepOfASignUp) { survive_everywhere({}); }

TEST(AtMostOneSend, ACrashWithShuffledPartitionsAndCommitsKept) {
  survive_everywhere({.shuffle_seed = 5, .commits_kept = 1});
}

TEST(AtMostOneSend, ACrashAroundARetry) { survive_everywhere({.is_slow_server = true}); }

TEST(AtMostOneSend, ASecondCrashWhileItRecovers) { survive_everywhere({.shuffle_seed = 9, .second_crash = 7}); }

}  // namespace
}  // namespace terreno::guarantees
