#include "consent/fold.h"

#include <algorithm>
#include <array>

#include "consent/rule_pack.h"

namespace terreno::consent {

namespace {

constexpr uint8_t kCopyVersion = 1;
constexpr std::array<std::string_view, 5> kStateNames{"none", "pending", "subscribed", "unsubscribed", "suppressed"};

ScopeState& state_for(Folded& folded, const Scope& scope) {
  const auto place = std::ranges::lower_bound(folded.scopes, scope, {}, &ScopeState::scope);
  if (place != folded.scopes.end() && place->scope == scope) return *place;
  return *folded.scopes.insert(place, ScopeState{scope, {}, {}});
}

// An import that does not say when, how and on which wording is a claim without proof (GDPR Art. 7(1)).
bool is_proven(const ConsentAct& act) {
  const bool imported = act.actor.kind == ActorKind::import_job || act.method == Method::import;
  return !imported || (!act.occurred_at.is_zero() && act.method != Method::unknown && !act.text_version.empty());
}

Standing standing_from(uint64_t entry_id, const ConsentAct& act) {
  Standing standing;
  standing.entry_id = entry_id;
  standing.basis = act.legal_basis;
  standing.proven = is_proven(act);
  standing.effective_at = act.effective_at();
  standing.expires_at = act.expires_at;
  standing.jurisdiction = act.jurisdiction;
  for (const Evidence& pointer : act.evidence) {
    // A kind without a value points nowhere. After an erasure the values are gone, and with them every grant.
    if (!pointer.value.empty())
      standing.evidence_kinds |= static_cast<uint16_t>(1U << static_cast<unsigned>(pointer.kind));
  }
  standing.token_hash = act.confirmation.token_hash;
  return standing;
}

bool has_ended(const Standing& standing, Timestamp at) { return standing.expires_at && *standing.expires_at <= at; }

void fold_grant(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  ScopeState& state = state_for(folded, act.scope);
  Standing grant = standing_from(entry_id, act);
  if (state.grant && !has_ended(*state.grant, act.received_at)) {
    // A list that is imported once more must not undo what the person proved themselves.
    if (state.grant->proven && !grant.proven) return;
    // A double opt-in never asks a confirmed person again: docs/concepts/consent.md, Proof.
    grant.confirm_entry_id = state.grant->confirm_entry_id;
    grant.request_entry_id = state.grant->request_entry_id;
  }
  // Given from a link that was sent to this very address: grant and confirmation in one act.
  if (act.is_own_explicit() && !act.confirmation.confirmed_at.is_zero()) grant.confirm_entry_id = entry_id;
  state.grant = std::move(grant);
}

void fold_confirm(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  ScopeState& state = state_for(folded, act.scope);
  if (!state.request) {
    if (state.grant) state.grant->confirm_entry_id = entry_id;
    return;
  }
  Standing grant = std::move(*state.request);
  state.request.reset();
  grant.request_entry_id = grant.entry_id;
  grant.entry_id = entry_id;
  grant.confirm_entry_id = entry_id;
  grant.effective_at = act.effective_at();
  // The request's end was the time left to answer it.
  grant.expires_at = act.expires_at;
  if (grant.basis == LegalBasis::none) grant.basis = LegalBasis::consent;
  state.grant = std::move(grant);
}

void drop_empty_scopes(Folded& folded) {
  std::erase_if(folded.scopes, [](const ScopeState& state) { return !state.grant && !state.request; });
}

void fold_opt_out(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  const auto same = std::ranges::find_if(folded.opt_outs, [&](const OptOut& opt_out) {
    return opt_out.pattern == act.scope && opt_out.action == act.action;
  });
  if (same == folded.opt_outs.end()) {
    folded.opt_outs.push_back({act.scope, act.action, entry_id, act.effective_at()});
  } else {
    same->entry_id = entry_id;
    same->effective_at = std::max(same->effective_at, act.effective_at());
  }
  std::erase_if(folded.scopes, [&](const ScopeState& state) { return act.scope.covers(state.scope); });
}

void fold_pause(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  const bool by_person = act.actor.kind == ActorKind::person;
  const auto same = std::ranges::find_if(
      folded.pauses, [&](const Pause& pause) { return pause.pattern == act.scope && pause.by_person == by_person; });
  const Pause pause{act.scope, entry_id, act.expires_at, by_person};
  if (same == folded.pauses.end())
    folded.pauses.push_back(pause);
  else
    *same = pause;
}

void fold_suppress(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  const auto same = std::ranges::find_if(folded.suppressions, [&](const Suppression& suppression) {
    return suppression.pattern == act.scope && suppression.covers == act.suppression &&
           suppression.reason == act.method;
  });
  const Suppression suppression{act.scope, entry_id, act.suppression, act.method};
  if (same == folded.suppressions.end())
    folded.suppressions.push_back(suppression);
  else
    *same = suppression;
}

void fold_lift(Folded& folded, const ConsentAct& act) {
  std::erase_if(folded.pauses, [&](const Pause& pause) { return may_lift(act, pause); });
  std::erase_if(folded.suppressions, [&](const Suppression& suppression) { return may_lift(act, suppression); });
}

// Takes back one grant or request: the one named, or that of exactly the act's scope.
void fold_end(Folded& folded, const ConsentAct& act) {
  for (ScopeState& state : folded.scopes) {
    if (act.refers_to == 0 ? state.scope == act.scope : state.grant && is_part_of(*state.grant, act.refers_to))
      state.grant.reset();
    if (act.refers_to == 0 ? state.scope == act.scope : state.request && is_part_of(*state.request, act.refers_to))
      state.request.reset();
  }
  drop_empty_scopes(folded);
}

}  // namespace

std::string_view name_of(PermissionState state) { return kStateNames[static_cast<size_t>(state)]; }

bool is_part_of(const Standing& standing, uint64_t entry_id) {
  return entry_id != 0 && (standing.entry_id == entry_id || standing.request_entry_id == entry_id ||
                           standing.confirm_entry_id == entry_id);
}

bool may_lift(const ConsentAct& act, const Pause& pause) {
  return act.scope.covers(pause.pattern) && (!pause.by_person || act.actor.kind == ActorKind::person);
}

bool may_lift(const ConsentAct& act, const Suppression& suppression) {
  // Only a new, explicit, confirmed act of the person (docs/concepts/consent.md, After an opt-out).
  return act.scope.covers(suppression.pattern) && act.is_own_explicit() && !act.confirmation.confirmed_at.is_zero();
}

const ScopeState* Folded::find(const Scope& scope) const {
  const auto place = std::ranges::lower_bound(scopes, scope, {}, &ScopeState::scope);
  return place != scopes.end() && place->scope == scope ? &*place : nullptr;
}

const OptOut* Folded::newest_opt_out(const Scope& scope, bool channel_only) const {
  const OptOut* newest = nullptr;
  for (const OptOut& opt_out : opt_outs) {
    if (!opt_out.pattern.covers(scope) || (channel_only && !opt_out.closes_channel())) continue;
    if (newest == nullptr || opt_out.entry_id > newest->entry_id) newest = &opt_out;
  }
  return newest;
}

void fold_entry(Folded& folded, uint64_t entry_id, const ConsentAct& act) {
  if (!act.origin.is_zero()) folded.origins.push_back(act.origin);
  switch (act.action) {
    case Action::request:
      state_for(folded, act.scope).request = standing_from(entry_id, act);
      break;
    case Action::grant:
      fold_grant(folded, entry_id, act);
      break;
    case Action::confirm:
      fold_confirm(folded, entry_id, act);
      break;
    case Action::refuse:
    case Action::withdraw:
    case Action::object:
      fold_opt_out(folded, entry_id, act);
      break;
    case Action::pause:
      fold_pause(folded, entry_id, act);
      break;
    case Action::suppress:
      fold_suppress(folded, entry_id, act);
      break;
    case Action::lift:
      fold_lift(folded, act);
      break;
    case Action::expire:
    case Action::correct:
      fold_end(folded, act);
      break;
  }
}

std::vector<FoldedPermission> lines_of(const Folded& folded, Channel channel) {
  std::vector<FoldedPermission> lines;
  for (const ScopeState& state : folded.scopes) {
    PermissionState word = state.request ? PermissionState::pending : PermissionState::none;
    std::optional<Timestamp> until = state.request ? state.request->expires_at : std::nullopt;
    if (state.grant) {
      const auto refused = examine(*state.grant, rule_for(channel, state.grant->jurisdiction, {}));
      if (!refused) word = PermissionState::subscribed;
      if (refused == StandingFault::confirmation_missing) word = PermissionState::pending;
      if (!refused) until = state.grant->expires_at;
    }
    if (word != PermissionState::none) lines.push_back({state.scope, word, until});
  }
  for (const OptOut& opt_out : folded.opt_outs) lines.push_back({opt_out.pattern, PermissionState::unsubscribed, {}});
  for (const Suppression& suppression : folded.suppressions)
    lines.push_back({suppression.pattern, PermissionState::suppressed, {}});
  std::ranges::sort(lines, {}, [](const FoldedPermission& line) { return std::tie(line.scope, line.state); });
  const auto repeated = std::ranges::unique(lines);
  lines.erase(repeated.begin(), repeated.end());
  return lines;
}

std::optional<StandingFault> examine(const Standing& grant, const ChannelRule& rule) {
  if (grant.basis == LegalBasis::consent && rule.double_opt_in == DoubleOptIn::required && grant.confirm_entry_id == 0)
    return StandingFault::confirmation_missing;
  if (!grant.proven && rule.proof_required) return StandingFault::unproven;
  if ((rule.bases & basis_bit(grant.basis)) == 0) return StandingFault::basis_not_allowed;
  if (grant.basis == LegalBasis::soft_opt_in && (grant.evidence_kinds & kSoftOptInEvidence) != kSoftOptInEvidence)
    return StandingFault::exception_incomplete;
  return std::nullopt;
}

void PermissionCopy::encode(Writer& out) const {
  out.u8(kCopyVersion);
  address.encode(out);
  out.varint(version);
  out.varint(lines.size());
  for (const FoldedPermission& line : lines) {
    out.bytes(line.scope.topic);
    out.bytes(line.scope.purpose);
    out.bytes(line.scope.brand);
    out.enumeration(line.state);
    out.boolean(line.until.has_value());
    if (line.until) out.time(*line.until);
  }
  out.boolean(paused);
  out.boolean(paused_until.has_value());
  if (paused_until) out.time(*paused_until);
}

PermissionCopy PermissionCopy::decode(Reader& in) {
  PermissionCopy copy;
  if (in.u8() != kCopyVersion) in.fail();
  copy.address = Address::decode(in);
  copy.version = in.varint();
  for (size_t n = in.count(); n > 0 && in.ok(); --n) {
    FoldedPermission line;
    line.scope.topic = in.text();
    line.scope.purpose = in.text();
    line.scope.brand = in.text();
    line.state = in.enumeration(kPermissionStateLast);
    if (in.boolean()) line.until = in.time();
    copy.lines.push_back(std::move(line));
  }
  copy.paused = in.boolean();
  if (in.boolean()) copy.paused_until = in.time();
  return copy;
}

PermissionState PermissionCopy::state_of(const Scope& scope, Timestamp now) const {
  PermissionState open = PermissionState::none;
  bool opted_out = false;
  for (const FoldedPermission& line : lines) {
    const bool ended = line.until && *line.until <= now;
    switch (line.state) {
      case PermissionState::suppressed:
        if (line.scope.covers(scope)) return PermissionState::suppressed;
        break;
      case PermissionState::unsubscribed:
        opted_out = opted_out || line.scope.covers(scope);
        break;
      case PermissionState::pending:
      case PermissionState::subscribed:
        if (line.scope == scope && !ended) open = line.state;
        break;
      case PermissionState::none:
        break;
    }
  }
  // A grant that stands is later than every opt-out that covers it.
  if (open != PermissionState::none) return open;
  return opted_out ? PermissionState::unsubscribed : PermissionState::none;
}

}  // namespace terreno::consent
