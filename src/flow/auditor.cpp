#include "flow/auditor.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "flow/state.h"

namespace terreno::flow {

using consent::AddressLedger;
using consent::ConsentEntry;
using consent::LedgerShard;
using consent::ProofRecord;
using contact::DecisionState;

bool said_yes(const AddressLedger& ledger, const consent::Scope& scope, engine::Position at) {
  bool said = false;
  for (const ConsentEntry& entry : ledger.entries()) {
    if (entry.position > at) continue;
    switch (entry.act.action) {
      case consent::Action::suppress:
        said = false;
        break;
      case consent::Action::grant:
      case consent::Action::confirm:
        if (entry.act.scope == scope) said = true;
        break;
      default:
        if (consent::narrows(entry.act.action) && entry.act.scope.covers(scope)) said = false;
    }
  }
  return said;
}

namespace {

consent::SendRequest request_of(const ProofRecord& proof) {
  consent::SendRequest request;
  request.address = proof.address;
  request.scope = proof.scope;
  request.message_class = proof.message_class;
  request.transactional_basis = proof.basis;
  request.basis_evidence = proof.basis_evidence;
  request.region = proof.region == "strictest" ? "" : proof.region;
  request.decision = proof.decision;
  request.attempt = proof.attempt;
  return request;
}

}  // namespace

void Auditor::find(std::string finding) {
  if (audit_.findings.size() < Audit::kFindingsMax) {
    audit_.findings.push_back(std::move(finding));
  } else {
    ++audit_.findings_more;
  }
}

void Auditor::add(engine::Partition partition, engine::EntityKey key, std::string_view bytes) {
  ++audit_.pieces;
  auto entity = machine_->decode(key, bytes);
  if (!entity)
    return find(fmt::format("partition {}: table {} holds what cannot be read", partition.number, key.table));
  switch (key.table) {
    case AddressLedger::kTable:
      homes_[partition.number].ledgers.emplace_back(static_cast<AddressLedger*>(entity.release()));
      return;
    case LedgerShard::kTable:
      homes_[partition.number].shard.reset(static_cast<LedgerShard*>(entity.release()));
      return;
    case contact::Decision::kTable:
      return add(static_cast<const contact::Decision&>(*entity));
    case channels::OpenSend::kTable: {
      const auto& send = static_cast<const channels::OpenSend&>(*entity);
      if (send.state == channels::SendState::claimed && !send.proof)
        find(fmt::format("send {}: is claimed without a proof", send.order.decision.hex()));
      if (send.proof) {
        homes_[send.proof->partition.number].proofs.push_back({*send.proof, "send " + send.order.decision.hex()});
        if (send.proof->partition != partition)
          find(fmt::format("send {}: its proof is another partition's", send.order.decision.hex()));
      }
      return;
    }
    default:
      return;
  }
}

void Auditor::add(const contact::Decision& decision) {
  const std::string of = "decision " + decision.id.hex();
  if (contact::is_final(decision.state)) ++audit_.decisions;
  const bool may_have_left = decision.state == DecisionState::sent || decision.state == DecisionState::unknown ||
                             decision.state == DecisionState::bounced;
  if (may_have_left && !decision.proof) return find(of + ": may have left without a proof");
  if (!decision.proof) return;
  if (decision.proof->decision != decision.id) find(of + ": its proof is another decision's");
  if (decision.proof->address != decision.address || decision.proof->scope != decision.scope)
    find(of + ": its proof is for another address or topic");
  homes_[decision.proof->partition.number].proofs.push_back({*decision.proof, of});
}

void Auditor::check_proofs(uint16_t number, Home& home) {
  std::unordered_map<Id128, const AddressLedger*> by_address;
  std::vector<const ConsentEntry*> entries;
  for (const auto& ledger : home.ledgers) {
    if (!ledger->is_erased()) by_address.emplace(consent::key_of(ledger->address()), ledger.get());
    for (const ConsentEntry& entry : ledger->entries()) entries.push_back(&entry);
  }
  std::ranges::sort(entries, {}, &ConsentEntry::entry_id);
  std::ranges::sort(home.proofs, {}, [](const Proof& proof) { return proof.record.position; });
  // The shard grows along with the proofs, so that each meets it as its claim did.
  LedgerShard shard;
  size_t next = 0;
  for (const Proof& proof : home.proofs) {
    const ProofRecord& record = proof.record;
    const std::string of = fmt::format("{} (partition {}, position {})", proof.of, number, record.position.value);
    while (next < entries.size() && entries[next]->position <= record.position) shard.append(*entries[next++]);
    ++audit_.proofs;
    const auto found = by_address.find(consent::key_of(record.address));
    const AddressLedger* const ledger = found == by_address.end() ? nullptr : found->second;
    if (ledger == nullptr && record.message_class == consent::MessageClass::commercial) {
      find(of + ": its address has no ledger");
      continue;
    }
    if (ledger != nullptr && ledger->address() != record.address) {
      find(of + ": its address has the ledger of another");
      continue;
    }
    const auto again = consent::permit(ledger, shard.size() > 0 || home.shard ? &shard : nullptr, request_of(record),
                                       engine::Partition{number}, record.position, record.decided_at);
    if (!again) {
      find(fmt::format("{}: asked again, the rules refuse: {}", of, consent::name_of(again.error().rule)));
    } else if (again->record() != record) {
      find(of + ": asked again, the rules give another proof");
    }
    if (ledger != nullptr && record.rule == consent::Rule::granted && !said_yes(*ledger, record.scope, record.position))
      find(of + ": the ledger's last word was not yes");
  }
}

Audit Auditor::conclude() {
  for (auto& [number, home] : homes_) {
    std::vector<const AddressLedger*> ledgers;
    for (const auto& ledger : home.ledgers) ledgers.push_back(ledger.get());
    const LedgerShard empty;
    const consent::LedgerVerdict verdict = consent::verify_ledger(ledgers, home.shard ? *home.shard : empty);
    audit_.addresses += ledgers.size();
    audit_.entries += verdict.entries;
    for (const std::string& finding : verdict.findings) find(fmt::format("partition {}: {}", number, finding));
    check_proofs(number, home);
  }
  homes_.clear();
  return std::move(audit_);
}

}  // namespace terreno::flow
