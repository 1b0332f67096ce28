// Promise: no message without consent. People sign up, agree, object and withdraw in any order while messages are on
// their way and the program crashes; then every mail that left is held against the ledger as it stood at the position
// of its claim: by the rules themselves, and by a reading of the entries that knows nothing of them.

#include <algorithm>
#include <map>

#include "engine/store_keys.h"
#include "load.h"

namespace terreno::guarantees {
namespace {

using consent::AddressLedger;
using consent::ConsentEntry;
using consent::LedgerShard;
using scenarios::Mail;
using scenarios::World;

/// All ledgers of all partitions, read from the store.
using Ledgers = std::map<uint16_t, std::vector<std::unique_ptr<AddressLedger>>>;

Ledgers read_ledgers(World& world) {
  Ledgers ledgers;
  EXPECT_TRUE(world.engine().checkpoint().has_value());
  for (const auto& [key, value] : world.engine().store().contents()) {
    if (key.size() != engine::store_keys::kEntityKeyBytes) continue;
    if (static_cast<uint8_t>(key[1]) != consent::kAddressLedgerTable) continue;
    ledgers[static_cast<uint8_t>(key[0])].push_back(AddressLedger::decode(value));
  }
  return ledgers;
}

/// Chain and tree as they stood at a position.
LedgerShard shard_at(const std::vector<std::unique_ptr<AddressLedger>>& ledgers, engine::Position at) {
  std::map<uint64_t, const ConsentEntry*> entries;
  for (const auto& ledger : ledgers) {
    for (const ConsentEntry& entry : ledger->entries()) {
      if (entry.position <= at) entries.emplace(entry.entry_id, &entry);
    }
  }
  LedgerShard shard;
  for (const auto& [id, entry] : entries) shard.append(*entry);
  return shard;
}

/// Plain reading: the last word about the topic was yes, and the address was never suppressed.
bool said_yes(const AddressLedger& ledger, const consent::Scope& scope, engine::Position at) {
  bool said = false;
  for (const ConsentEntry& entry : ledger.entries()) {
    if (entry.position > at) continue;
    if (entry.act.action == consent::Action::suppress) return false;
    if (entry.act.action == consent::Action::grant) {
      if (entry.act.scope == scope) said = true;
    } else if (consent::narrows(entry.act.action) && entry.act.scope.covers(scope)) {
      said = false;
    }
  }
  return said;
}

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

  const Ledgers ledgers = read_ledgers(world);
  for (const Mail& mail : world.mails) {
    const consent::ProofRecord& proof = mail.proof;
    SCOPED_TRACE("claim at " + std::to_string(proof.partition.number) + ":" + std::to_string(proof.position.value));
    EXPECT_EQ(proof.decision, mail.decision);
    EXPECT_EQ(proof.attempt, mail.attempt);
    EXPECT_EQ(proof.address.value, mail.to);
    EXPECT_EQ(proof.partition, consent::home_of(proof.address));
    const auto partition = ledgers.find(proof.partition.number);
    ASSERT_NE(partition, ledgers.end());
    const auto ledger =
        std::ranges::find_if(partition->second, [&](const auto& each) { return each->address() == proof.address; });
    ASSERT_NE(ledger, partition->second.end());
    EXPECT_TRUE(said_yes(**ledger, proof.scope, proof.position));

    consent::SendRequest request;
    request.address = proof.address;
    request.scope = proof.scope;
    request.message_class = proof.message_class;
    request.transactional_basis = proof.basis;
    request.basis_evidence = proof.basis_evidence;
    request.region = proof.region == "strictest" ? "" : proof.region;
    request.decision = proof.decision;
    request.attempt = proof.attempt;
    const LedgerShard shard = shard_at(partition->second, proof.position);
    const auto again =
        consent::permit(ledger->get(), &shard, request, proof.partition, proof.position, proof.decided_at);
    ASSERT_TRUE(again.has_value()) << consent::name_of(again.error().rule);
    EXPECT_EQ(again->record(), proof);
  }
  // Some left, some did not: otherwise nothing was shown.
  EXPECT_GT(world.mails.size(), 0u);
  RecordProperty("mails", static_cast<int>(world.mails.size()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, NoMessageWithoutConsent, testing::Range(uint64_t{1}, uint64_t{21}));

}  // namespace
}  // namespace terreno::guarantees
