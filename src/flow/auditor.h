#pragma once

// Reads the state again as a stranger would, and says what it proves: that the consent ledgers hold together, that each
// message that left had its permission at the position of its claim, and that lane, homes and open sends agree. It asks
// the rules anew, so that a state which came about in some other way does not pass.
//
// `terreno verify` for operators, and the oracle of the simulation.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "channels/sending.h"
#include "consent/consent.h"
#include "contact/contact.h"
#include "engine/engine.h"

namespace terreno::flow {

/// Counts, for sentences, and what does not hold.
struct Audit {
  static constexpr size_t kFindingsMax = 100;
  uint64_t pieces = 0;  ///< of state that were read
  uint64_t addresses = 0;
  uint64_t entries = 0;               ///< in their ledgers
  uint64_t decisions = 0;             ///< final ones
  uint64_t proofs = 0;                ///< permissions asked for again
  std::vector<std::string> findings;  ///< ids and positions, nothing personal; at most kFindingsMax
  uint64_t findings_more = 0;         ///< beyond those
  [[nodiscard]] bool holds() const { return findings.empty(); }
};

/// What an address's ledger says of a scope up to a position, in its own words and without the rules: the last one was
/// yes, and nobody suppressed the address since.
[[nodiscard]] bool said_yes(const consent::AddressLedger& ledger, const consent::Scope& scope, engine::Position at);

/// Takes every entity of a store, in any order, then concludes. Memory: all ledgers, and one proof per message that
/// left. One thread.
class Auditor {
 public:
  explicit Auditor(const engine::Machine& machine) : machine_(&machine) {}
  /// `bytes` as a commit wrote them.
  void add(engine::Partition partition, engine::EntityKey key, std::string_view bytes);
  /// A permission that is known from elsewhere, such as from a message that was received.
  void add(const consent::ProofRecord& proof, std::string of) {
    homes_[proof.partition.number].proofs.push_back({proof, std::move(of)});
  }
  [[nodiscard]] Audit conclude();

 private:
  struct Proof {
    consent::ProofRecord record;
    std::string of;  ///< whose: for a finding
  };
  struct Home {
    std::vector<std::unique_ptr<consent::AddressLedger>> ledgers;
    std::unique_ptr<consent::LedgerShard> shard;
    std::vector<Proof> proofs;
  };
  void add(const contact::Decision& decision);
  void find(std::string finding);
  void check_proofs(uint16_t number, Home& home);

  const engine::Machine* machine_;
  std::map<uint16_t, Home> homes_;  ///< by partition
  Audit audit_;
};

}  // namespace terreno::flow
