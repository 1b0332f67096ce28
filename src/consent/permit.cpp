#include <algorithm>

#include "base/result.h"
#include "consent/consent.h"

namespace terreno::consent {

namespace {

constexpr uint8_t kProofVersion = 1;
constexpr uint8_t kRefusalVersion = 1;

using Entries = std::vector<uint64_t>;

Refusal refusal_of(Rule rule, Entries entry_ids, std::vector<std::pair<std::string, std::string>> values = {}) {
  std::erase(entry_ids, 0);
  return {rule, std::move(entry_ids), std::move(values), kRulePackVersion};
}

Entries entries_of(const Standing& standing) {
  Entries ids{standing.entry_id, standing.request_entry_id, standing.confirm_entry_id};
  std::erase(ids, 0);
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  return ids;
}

// Rule 1.
std::optional<Refusal> closed(const Folded& folded, const SendRequest& request, Timestamp now) {
  const bool commercial = request.message_class == MessageClass::commercial;
  for (const Suppression& suppression : folded.suppressions) {
    if (!suppression.pattern.covers(request.scope)) continue;
    if (!commercial && suppression.covers == SuppressionScope::commercial) continue;
    return refusal_of(Rule::suppressed, {suppression.entry_id}, {{"reason", std::string(name_of(suppression.reason))}});
  }
  if (!commercial) return std::nullopt;
  for (const Pause& pause : folded.pauses) {
    if (!pause.pattern.covers(request.scope) || (pause.until && *pause.until <= now)) continue;
    return refusal_of(Rule::paused, {pause.entry_id},
                      {{"until", pause.until ? format_iso8601(*pause.until) : std::string("lifted")}});
  }
  return std::nullopt;
}

// Rules 2, 3 and 7: nothing is granted; the strongest reason first.
Refusal without_grant(const Folded& folded, const ScopeState* state, const Scope& scope, Timestamp now) {
  if (const OptOut* const opt_out = folded.newest_opt_out(scope, true))
    return refusal_of(opt_out->action == Action::object ? Rule::objected : Rule::channel_withdrawn, {opt_out->entry_id},
                      {{"since", format_iso8601(opt_out->effective_at)}});
  if (const OptOut* const opt_out = folded.newest_opt_out(scope))
    return refusal_of(Rule::topic_withdrawn, {opt_out->entry_id}, {{"since", format_iso8601(opt_out->effective_at)}});
  if (state == nullptr) return refusal_of(Rule::no_grant, {}, {{"topic", scope.topic}});
  const Standing& asked = *state->request;
  if (asked.expires_at && *asked.expires_at <= now)
    return refusal_of(Rule::expired, {asked.entry_id}, {{"expired_at", format_iso8601(*asked.expires_at)}});
  return refusal_of(Rule::confirmation_missing, {asked.entry_id},
                    {{"requested_at", format_iso8601(asked.effective_at)}});
}

// Rule 4.
std::optional<Timestamp> end_of(const Standing& grant, const ChannelRule& rule) {
  std::optional<Timestamp> end = grant.expires_at;
  const auto age_max = grant.basis == LegalBasis::soft_opt_in ? rule.soft_opt_in_age_max : rule.consent_age_max;
  if (age_max) end = end ? std::min(*end, grant.effective_at + *age_max) : grant.effective_at + *age_max;
  return end;
}

Rule rule_of(StandingFault fault) {
  switch (fault) {
    case StandingFault::confirmation_missing:
      return Rule::confirmation_missing;
    case StandingFault::unproven:
      return Rule::unproven;
    case StandingFault::basis_not_allowed:
      return Rule::basis_not_allowed;
    case StandingFault::exception_incomplete:
      return Rule::exception_incomplete;
  }
  return Rule::no_grant;
}

std::string region_of(const Jurisdiction& jurisdiction, const std::string& region) {
  std::string known;
  for (const std::string* part : {&jurisdiction.claimed, &jurisdiction.inferred, &region}) {
    if (part->empty() || known.find(*part) != std::string::npos) continue;
    if (!known.empty()) known += '+';
    known += *part;
  }
  return known.empty() ? "strictest" : known;
}

std::expected<ProofRecord, Refusal> permit_commercial(const Folded& folded, const SendRequest& request, Timestamp now) {
  const ScopeState* const state = folded.find(request.scope);
  if (state == nullptr || !state->grant) return std::unexpected(without_grant(folded, state, request.scope, now));
  const Standing& grant = *state->grant;
  const ChannelRule rule = rule_for(request.address.channel, grant.jurisdiction, request.region);
  if (const auto end = end_of(grant, rule); end && *end <= now)
    return std::unexpected(refusal_of(Rule::expired, entries_of(grant), {{"expired_at", format_iso8601(*end)}}));
  std::string region = region_of(grant.jurisdiction, request.region);
  if (const auto fault = examine(grant, rule))
    return std::unexpected(refusal_of(rule_of(*fault), entries_of(grant),
                                      {{"region", std::move(region)}, {"basis", std::string(name_of(grant.basis))}}));
  ProofRecord record;
  record.rule = grant.basis == LegalBasis::soft_opt_in ? Rule::soft_opt_in : Rule::granted;
  record.basis = grant.basis;
  record.entry_ids = entries_of(grant);
  record.region = std::move(region);
  return record;
}

std::expected<ProofRecord, Refusal> permit_transactional(const SendRequest& request) {
  switch (request.transactional_basis) {
    case LegalBasis::contract:
    case LegalBasis::legal_obligation:
    case LegalBasis::solicited_reply:
      // A basis that nothing proves is a word anybody can write.
      if (!request.basis_evidence.empty()) break;
      return std::unexpected(refusal_of(Rule::transactional_without_basis, {}, {{"evidence", ""}}));
    case LegalBasis::none:
    case LegalBasis::consent:
    case LegalBasis::soft_opt_in:
    case LegalBasis::legitimate_interest:
      return std::unexpected(refusal_of(Rule::transactional_without_basis, {},
                                        {{"basis", std::string(name_of(request.transactional_basis))}}));
  }
  ProofRecord record;
  record.rule = Rule::transactional;
  record.basis = request.transactional_basis;
  record.basis_evidence = request.basis_evidence;
  record.region = region_of({}, request.region);
  return record;
}

void encode_ids(Writer& out, const Entries& ids) {
  out.varint(ids.size());
  for (const uint64_t id : ids) out.varint(id);
}
Entries decode_ids(Reader& in) {
  Entries ids;
  for (size_t n = in.count(); n > 0 && in.ok(); --n) ids.push_back(in.varint());
  return ids;
}

Rule decode_rule(Reader& in) {
  const Rule rule = in.enumeration(Rule::transactional);
  if (name_of(rule).empty()) in.fail();
  return rule;
}

}  // namespace

std::string_view name_of(Rule rule) {
  switch (rule) {
    case Rule::address_mismatch:
      return "address_mismatch";
    case Rule::suppressed:
      return "suppressed";
    case Rule::paused:
      return "paused";
    case Rule::objected:
      return "objected";
    case Rule::channel_withdrawn:
      return "channel_withdrawn";
    case Rule::topic_withdrawn:
      return "topic_withdrawn";
    case Rule::expired:
      return "expired";
    case Rule::confirmation_missing:
      return "confirmation_missing";
    case Rule::unproven:
      return "unproven";
    case Rule::basis_not_allowed:
      return "basis_not_allowed";
    case Rule::exception_incomplete:
      return "exception_incomplete";
    case Rule::no_grant:
      return "no_grant";
    case Rule::transactional_without_basis:
      return "transactional_without_basis";
    case Rule::granted:
      return "granted";
    case Rule::soft_opt_in:
      return "soft_opt_in";
    case Rule::transactional:
      return "transactional";
  }
  return {};
}

std::expected<ConsentProof, Refusal> permit(const AddressLedger* ledger, const LedgerShard* shard,
                                            const SendRequest& request, engine::Partition partition,
                                            engine::Position at, Timestamp now) {
  if (ledger != nullptr && !ledger->is_erased() && ledger->address() != request.address)
    return std::unexpected(refusal_of(Rule::address_mismatch, {}));
  static const Folded kNothing;
  Folded earlier;
  const Folded* folded = ledger != nullptr ? &ledger->folded() : &kNothing;
  if (ledger != nullptr && !ledger->entries().empty() && ledger->entries().back().position > at) {
    earlier = ledger->folded_at(at);
    folded = &earlier;
  }
  if (auto refused = closed(*folded, request, now)) return std::unexpected(std::move(*refused));
  TERRENO_TRY(ProofRecord record, request.message_class == MessageClass::transactional
                                      ? permit_transactional(request)
                                      : permit_commercial(*folded, request, now));
  record.decision = request.decision;
  record.attempt = request.attempt;
  record.address = request.address;
  record.scope = request.scope;
  record.message_class = request.message_class;
  record.partition = partition;
  record.position = at;
  record.decided_at = now;
  record.ledger_size = shard != nullptr ? shard->size() : 0;
  record.ledger_root = shard != nullptr ? shard->root() : sha256({});
  return ConsentProof(std::move(record));
}

std::expected<ConsentProof, Refusal> permit(const engine::Lookup& lookup, const SendRequest& request,
                                            engine::Position at) {
  return permit(lookup.find<AddressLedger>(key_of(request.address)), lookup.find<LedgerShard>(LedgerShard::kId),
                request, lookup.partition(), at, lookup.now());
}

void Refusal::encode(Writer& out) const {
  out.u8(kRefusalVersion);
  out.enumeration(rule);
  encode_ids(out, entry_ids);
  out.varint(values.size());
  for (const auto& [name, value] : values) {
    out.bytes(name);
    out.bytes(value);
  }
  out.u32(rule_pack_version);
}

Refusal Refusal::decode(Reader& in) {
  Refusal refusal;
  if (in.u8() != kRefusalVersion) in.fail();
  refusal.rule = decode_rule(in);
  refusal.entry_ids = decode_ids(in);
  for (size_t n = in.count(); n > 0 && in.ok(); --n) {
    std::string name = in.text();
    refusal.values.emplace_back(std::move(name), in.text());
  }
  refusal.rule_pack_version = in.u32();
  return refusal;
}

void ProofRecord::encode(Writer& out) const {
  out.u8(kProofVersion);
  out.id(decision);
  out.u32(attempt);
  address.encode(out);
  scope.encode(out);
  out.enumeration(message_class);
  out.enumeration(rule);
  out.enumeration(basis);
  out.bytes(basis_evidence);
  encode_ids(out, entry_ids);
  out.bytes(region);
  out.u32(rule_pack_version);
  out.varint(ledger_size);
  out.raw(view_of(ledger_root));
  out.u16(partition.number);
  out.varint(position.value);
  out.time(decided_at);
}

ProofRecord ProofRecord::decode(Reader& in) {
  ProofRecord record;
  if (in.u8() != kProofVersion) in.fail();
  record.decision = in.decision_id();
  record.attempt = in.u32();
  record.address = Address::decode(in);
  record.scope = Scope::decode(in);
  record.message_class = in.enumeration(MessageClass::transactional);
  record.rule = decode_rule(in);
  record.basis = in.enumeration(kLegalBasisLast);
  record.basis_evidence = in.text();
  record.entry_ids = decode_ids(in);
  record.region = in.text();
  record.rule_pack_version = in.u32();
  record.ledger_size = in.varint();
  std::ranges::copy(in.raw(record.ledger_root.size()), record.ledger_root.begin());
  record.partition = {in.u16()};
  record.position = {in.varint()};
  record.decided_at = in.time();
  return record;
}

}  // namespace terreno::consent
