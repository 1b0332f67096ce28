// Promise: no message without consent. People sign up, agree, object and withdraw in any order while messages are on
// their way and the program crashes; then every mail that left is held against the ledger as it stood at the position
// of its claim, by the auditor: by the rules themselves, and by a reading of the entries that knows nothing of them.

#include "engine/store_keys.h"
#include "flow/auditor.h"
#include "load.h"

namespace terreno::guarantees {
namespace {

using scenarios::Mail;
using scenarios::World;

class NoMessageWithoutConsent : public testing::TestWithParam<uint64_t> {};

TEST_P(NoMessageWithoutConsent, EveryMailsProofHoldsAtItsPosition) {
  World::Options options({scenarios::topic("tips"), scenarios::message("hello"),
                          scenarios::sends("welcome", "Signed Up", "hello", "", "  reentry: always\n"),
                          scenarios::policy("  time_zone: Europe/Madrid\n")});
  options.shuffle_seed = GetParam();
  World world(options);
  Load load(GetParam() * 1000);
  // Somebody changes their mind between decision and claim.
  world.before_claim = [&](const channels::Claim& claim) {
    if (load.below(4) == 0) world.consent(consent::Action::withdraw, claim.address.value);
  };
  // A server that takes most, and suppresses some for good.
  world.receiver = [&](const Mail&) {
    const size_t drawn = load.below(20);
    return drawn == 0  ? channels::Ending::not_sent_final
           : drawn < 3 ? channels::Ending::not_sent_retry
                       : channels::Ending::sent;
  };
  for (int i = 0; i < 250; ++i) {
    load.act(world);
    for (size_t n = load.below(25); n > 0 && world.engine().step(); --n) continue;
    if (load.below(40) == 0) world.crash(load.below(3));
    if (load.below(25) == 0) world.pass(hours(static_cast<int64_t>(load.below(30))));
  }
  world.settle();
  world.pass(hours(30));

  ASSERT_TRUE(world.engine().checkpoint().has_value());
  const flow::ConfigurationLibrary nothing;
  const auto machine = flow::make_machine(nothing);
  flow::Auditor auditor(*machine);
  for (const auto& [key, value] : world.engine().store().contents()) {
    if (const auto entity = engine::store_keys::read_entity(key)) auditor.add(entity->first, entity->second, value);
  }
  for (const Mail& mail : world.mails) {
    EXPECT_EQ(mail.proof.decision, mail.decision);
    EXPECT_EQ(mail.proof.attempt, mail.attempt);
    EXPECT_EQ(mail.proof.address.value, mail.to);
    EXPECT_EQ(mail.proof.partition, consent::home_of(mail.proof.address));
    auditor.add(mail.proof, "mail " + mail.decision.hex());
  }
  const flow::Audit audit = auditor.conclude();
  EXPECT_EQ(audit.findings, std::vector<std::string>());
  EXPECT_GE(audit.proofs, world.mails.size());
  // Some left, some did not: otherwise nothing was shown.
  EXPECT_GT(world.mails.size(), 0u);
  RecordProperty("mails", static_cast<int>(world.mails.size()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, NoMessageWithoutConsent, testing::Range(uint64_t{1}, uint64_t{21}));

}  // namespace
}  // namespace terreno::guarantees
