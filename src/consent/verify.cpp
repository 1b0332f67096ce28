#include <fmt/format.h>

#include <algorithm>

#include "consent/consent.h"

namespace terreno::consent {

namespace {
constexpr size_t kFindingsMax = 100;
}

LedgerVerdict verify_ledger(std::span<const AddressLedger* const> ledgers, const LedgerShard& shard) {
  LedgerVerdict verdict;
  const auto find_fault = [&](std::string finding) {
    if (verdict.findings.size() < kFindingsMax) verdict.findings.push_back(std::move(finding));
  };

  struct Located {
    const ConsentEntry* entry;
    const AddressLedger* ledger;
  };
  std::vector<Located> entries;
  for (const AddressLedger* ledger : ledgers) {
    for (const ConsentEntry& entry : ledger->entries()) entries.push_back({&entry, ledger});
    if (!ledger->entries().empty() && ledger->folded() != ledger->folded_at(ledger->entries().back().position))
      find_fault(fmt::format("entry {}: what is kept of its address is not what its entries say",
                             ledger->entries().back().entry_id));
  }
  std::ranges::sort(entries, {}, [](const Located& located) { return located.entry->entry_id; });

  LedgerShard recomputed;
  for (const auto& [entry, ledger] : entries) {
    ++verdict.entries;
    if (entry->entry_id != recomputed.size() + 1) {
      find_fault(fmt::format("entry {}: expected {}", entry->entry_id, recomputed.size() + 1));
      return verdict;
    }
    if (entry->prev_hash != recomputed.head()) {
      find_fault(fmt::format("entry {}: does not follow from the one before", entry->entry_id));
      return verdict;
    }
    recomputed.append(*entry);
    if (entry->personal_destroyed) {
      ++verdict.commitments_closed;
    } else if (ConsentEntry::commitment_of(entry->blinding, entry->act, ledger->address().value) == entry->commitment) {
      ++verdict.commitments_opened;
    } else {
      find_fault(fmt::format("entry {}: its personal fields are not those it was made with", entry->entry_id));
    }
  }
  if (recomputed.size() != shard.size())
    find_fault(fmt::format("the ledger has {} entries, its head says {}", recomputed.size(), shard.size()));
  if (recomputed.head() != shard.head()) find_fault("the chain does not end in its head");
  if (recomputed.root() != shard.root()) find_fault("the tree does not have its root");
  return verdict;
}

}  // namespace terreno::consent
