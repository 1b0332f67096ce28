#include <algorithm>
#include <array>

#include "consent/consent.h"

namespace terreno::consent {

namespace {

constexpr std::array<std::string_view, 14> kRefusalNames{"names_no_topic",     "opted_out_needs_own_act",
                                                         "older_than_opt_out", "not_for_public_source",
                                                         "nothing_to_confirm", "token_does_not_match",
                                                         "nothing_to_lift",    "only_the_person_may_lift",
                                                         "no_such_entry",      "cannot_widen",
                                                         "ledger_full",        "address_collision",
                                                         "malformed",          "only_the_person_may_confirm"};

// Default time to answer a confirmation mail (docs/concepts/consent.md, The ledger).
constexpr Duration kRequestLifetime = days(7);

/// What becomes of an act: refused, already said, or entered.
struct Verdict {
  std::optional<ActRefusal> refused;
  uint64_t repeats_entry_id = 0;
};
constexpr Verdict kEnter{};
Verdict refuse(ActRefusal refusal) { return {refusal, 0}; }
Verdict repeat(uint64_t entry_id) { return {std::nullopt, entry_id}; }

bool is_well_formed(const ConsentAct& act) {
  return !act.address.value.empty() && act.address.value.size() <= kAddressBytesMax &&
         std::ranges::all_of(std::array{&act.scope.topic, &act.scope.purpose, &act.scope.brand},
                             [](const std::string* name) { return name->size() <= kNameBytesMax; });
}

bool is_public(const ConsentAct& act) { return act.visibility == events::Visibility::public_source; }

bool has_room_for(const AddressLedger& ledger, const ConsentAct& act) {
  if (ledger.entries().size() >= kWideningEntriesMax) return false;
  const Folded& folded = ledger.folded();
  return act.action == Action::lift || folded.scopes.size() < kScopesPerAddressMax || folded.find(act.scope) != nullptr;
}

Verdict judge_request(const AddressLedger& ledger, const ConsentAct& act) {
  const ScopeState* const state = ledger.folded().find(act.scope);
  // Anybody can repeat a public request; nothing new is said while one is open.
  if (is_public(act) && state != nullptr) {
    if (state->grant) return repeat(state->grant->entry_id);
    if (!state->request->expires_at || *state->request->expires_at > act.received_at)
      return repeat(state->request->entry_id);
  }
  return kEnter;
}

Verdict judge_grant(const AddressLedger& ledger, const ConsentAct& act) {
  const ScopeState* const state = ledger.folded().find(act.scope);
  if (state != nullptr && state->grant) return kEnter;
  for (const OptOut& opt_out : ledger.folded().opt_outs) {
    if (!opt_out.pattern.covers(act.scope)) continue;
    if (!act.is_own_explicit()) return refuse(ActRefusal::opted_out_needs_own_act);
    // It arrived after the opt-out and was made before: a queue delivered it late.
    if (act.effective_at() < opt_out.effective_at) return refuse(ActRefusal::older_than_opt_out);
  }
  return kEnter;
}

Verdict judge_confirm(const AddressLedger& ledger, const ConsentAct& act) {
  if (is_public(act)) return refuse(ActRefusal::not_for_public_source);
  if (!act.is_own_explicit()) return refuse(ActRefusal::only_the_person_may_confirm);
  const ScopeState* const state = ledger.folded().find(act.scope);
  if (state == nullptr) return refuse(ActRefusal::nothing_to_confirm);
  if (state->request) {
    const Standing& request = *state->request;
    if (request.expires_at && *request.expires_at <= act.received_at) return refuse(ActRefusal::nothing_to_confirm);
    if (!request.token_hash.empty() && request.token_hash != act.confirmation.token_hash)
      return refuse(ActRefusal::token_does_not_match);
    return kEnter;
  }
  return state->grant->confirm_entry_id != 0 ? repeat(state->grant->confirm_entry_id) : kEnter;
}

Verdict judge_opt_out(const AddressLedger& ledger, const ConsentAct& act) {
  const Folded& folded = ledger.folded();
  if (!act.origin.is_zero()) {
    // A person's objection is carried once to each address: what they granted there since is later than it.
    if (std::ranges::find(folded.origins, act.origin) == folded.origins.end()) return kEnter;
    const auto carried = std::ranges::find_if(
        ledger.entries(), [&](const ConsentEntry& entry) { return entry.act.origin == act.origin; });
    return repeat(carried->entry_id);
  }
  const bool closes_something =
      std::ranges::any_of(folded.scopes, [&](const ScopeState& state) { return act.scope.covers(state.scope); });
  const auto same = std::ranges::find_if(folded.opt_outs, [&](const OptOut& opt_out) {
    return opt_out.pattern == act.scope && opt_out.action == act.action;
  });
  // A later one is entered although the gate is closed: it also beats grants made in between and delivered late.
  if (!closes_something && same != folded.opt_outs.end() && act.effective_at() <= same->effective_at)
    return repeat(same->entry_id);
  return kEnter;
}

Verdict judge_lift(const AddressLedger& ledger, const ConsentAct& act) {
  if (is_public(act)) return refuse(ActRefusal::not_for_public_source);
  const Folded& folded = ledger.folded();
  bool covered = false;
  bool allowed = false;
  const auto look_at = [&](const auto& closed) {
    covered = covered || act.scope.covers(closed.pattern);
    allowed = allowed || may_lift(act, closed);
  };
  std::ranges::for_each(folded.pauses, look_at);
  std::ranges::for_each(folded.suppressions, look_at);
  if (!covered) return refuse(ActRefusal::nothing_to_lift);
  return allowed ? kEnter : refuse(ActRefusal::only_the_person_may_lift);
}

Verdict judge_end(const AddressLedger& ledger, const ConsentAct& act) {
  if (is_public(act)) return refuse(ActRefusal::not_for_public_source);
  if (act.refers_to == 0)
    return ledger.folded().find(act.scope) != nullptr ? kEnter : refuse(ActRefusal::no_such_entry);
  const auto entry = std::ranges::find(ledger.entries(), act.refers_to, &ConsentEntry::entry_id);
  if (entry == ledger.entries().end()) return refuse(ActRefusal::no_such_entry);
  const Action action = entry->act.action;
  const bool opens = action == Action::grant || action == Action::request || action == Action::confirm;
  return opens ? kEnter : refuse(ActRefusal::cannot_widen);
}

Verdict judge_suppress(const ConsentAct& act) {
  return is_public(act) ? refuse(ActRefusal::not_for_public_source) : kEnter;
}

Verdict judge_by_action(const AddressLedger& ledger, const ConsentAct& act) {
  switch (act.action) {
    case Action::request:
      return judge_request(ledger, act);
    case Action::grant:
      return judge_grant(ledger, act);
    case Action::confirm:
      return judge_confirm(ledger, act);
    case Action::refuse:
    case Action::withdraw:
    case Action::object:
      return judge_opt_out(ledger, act);
    case Action::pause:
      return !act.origin.is_zero() && std::ranges::count(ledger.folded().origins, act.origin) > 0
                 ? judge_opt_out(ledger, act)
                 : kEnter;
    case Action::suppress:
      return judge_suppress(act);
    case Action::lift:
      return judge_lift(ledger, act);
    case Action::expire:
    case Action::correct:
      return judge_end(ledger, act);
  }
  return refuse(ActRefusal::malformed);
}

Verdict judge(const AddressLedger& ledger, const ConsentAct& act) {
  if (!is_well_formed(act)) return refuse(ActRefusal::malformed);
  if (!ledger.is_erased() && ledger.address() != act.address) return refuse(ActRefusal::address_collision);
  const bool widens = !narrows(act.action);
  if (widens && act.action != Action::lift && act.scope.topic.empty()) return refuse(ActRefusal::names_no_topic);
  const Verdict verdict = judge_by_action(ledger, act);
  if (verdict.refused || verdict.repeats_entry_id != 0) return verdict;
  if (widens && !has_room_for(ledger, act)) return refuse(ActRefusal::ledger_full);
  if (ledger.entries().size() >= kEntriesPerAddressMax) return repeat(ledger.entries().back().entry_id);
  return kEnter;
}

// At a bound whatever narrows becomes wider rather than lost.
void widen_at_bounds(const AddressLedger& ledger, ConsentAct& act) {
  if (!narrows(act.action) || act.action == Action::expire || act.action == Action::correct) return;
  const Folded& folded = ledger.folded();
  if (std::max({folded.opt_outs.size(), folded.pauses.size(), folded.suppressions.size()}) >= kScopesPerAddressMax)
    act.scope = {};
  if (ledger.entries().size() + 1 < kEntriesPerAddressMax) return;
  // The last entry there can be: nothing opens the address again.
  const bool nothing_at_all = act.action == Action::suppress && act.suppression == SuppressionScope::everything;
  act.action = Action::suppress;
  act.scope = {};
  act.method = Method::ledger_full;
  act.suppression = nothing_at_all ? SuppressionScope::everything : SuppressionScope::commercial;
}

// The secret that only this entry's personal fields and its destruction know. An expiry takes that of what it ends, so
// that opening one opens both (docs/concepts/consent.md, Chain).
Hash blinding_for(const engine::Context& context, const AddressLedger& ledger, const ConsentAct& act,
                  uint64_t entry_id) {
  if (act.action == Action::expire) {
    const auto ended = std::ranges::find(ledger.entries(), act.refers_to, &ConsentEntry::entry_id);
    if (ended != ledger.entries().end() && !ended->personal_destroyed) return ended->blinding;
  }
  std::string input;
  Writer out(input);
  out.bytes(act.random_bits);
  out.id(context.record().id);
  out.u64(context.installation_seed());
  out.varint(entry_id);
  return hkdf_sha256(input, "terreno consent blinding 1");
}

uint64_t enter(engine::Context& context, AddressLedger& ledger, LedgerShard& shard, ConsentAct act) {
  ConsentEntry entry;
  entry.entry_id = shard.size() + 1;
  entry.position = context.record().position;
  entry.recorded_at = context.record().recorded_at;
  entry.blinding = blinding_for(context, ledger, act, entry.entry_id);
  // Their work is done, and with them the secret could be derived again after it was destroyed.
  act.random_bits.clear();
  entry.commitment = ConsentEntry::commitment_of(entry.blinding, act, act.address.value);
  entry.prev_hash = shard.head();
  entry.act = std::move(act);
  shard.append(entry);
  const uint64_t entry_id = entry.entry_id;
  ledger.append(std::move(entry));
  return entry_id;
}

}  // namespace

std::string_view name_of(ActRefusal refusal) { return kRefusalNames[static_cast<size_t>(refusal)]; }

void touches_permit(const Address& address, engine::KeyList& keys) {
  keys.push_back({kAddressLedgerTable, key_of(address)});
  keys.push_back({kLedgerShardTable, LedgerShard::kId});
}

void touches_act(const engine::Lookup& /*lookup*/, const ConsentAct& act, engine::KeyList& keys) {
  touches_permit(act.address, keys);
}

ActOutcome apply_act(engine::Context& context, const ConsentAct& received) {
  ActOutcome outcome;
  ConsentAct act = received;
  if (act.action == Action::grant && is_public(act)) {
    act.action = Action::request;
    outcome.entered_as_request = true;
  }
  if (act.action == Action::request && !act.expires_at) act.expires_at = act.received_at + kRequestLifetime;

  const Id128 key = key_of(act.address);
  const AddressLedger* const existing = context.find<AddressLedger>(key);
  const AddressLedger fresh(act.address);
  const AddressLedger& before = existing != nullptr ? *existing : fresh;
  const Verdict verdict = judge(before, act);
  outcome.refused = verdict.refused;
  outcome.repeats_entry_id = verdict.repeats_entry_id;
  if (verdict.refused || verdict.repeats_entry_id != 0) return outcome;

  widen_at_bounds(before, act);
  AddressLedger& ledger =
      existing != nullptr ? *context.mutate<AddressLedger>(key) : context.create<AddressLedger>(key, fresh);
  if (ledger.is_erased()) ledger.adopt(act.address);
  outcome.entry_id = enter(context, ledger, context.mutate_or_create<LedgerShard>(LedgerShard::kId), std::move(act));
  outcome.permission = ledger.copy();
  return outcome;
}

std::unique_ptr<engine::Entity> decode_entity(uint8_t table, std::string_view bytes) {
  if (table == kAddressLedgerTable) return AddressLedger::decode(bytes);
  if (table == kLedgerShardTable) return LedgerShard::decode(bytes);
  return nullptr;
}

}  // namespace terreno::consent
