// At an address's home: what its owner allows, and the messages on their way to it.

#include <algorithm>

#include "channels/sending.h"
#include "flow/steps.h"

namespace terreno::flow {

using channels::Claim;
using channels::Closing;
using channels::Ending;
using channels::OpenSend;
using channels::Receipt;
using channels::SendState;
using contact::DecisionState;
using contact::GateCode;
using contact::GateState;
using events::RecordType;

namespace {

std::optional<events::Identifier> identifier_of(const consent::Address& address) {
  switch (address.channel) {
    case consent::Channel::email:
      return events::Identifier{events::IdentifierKind::email, address.value};
    case consent::Channel::sms:
    case consent::Channel::whatsapp:
    case consent::Channel::call:
      return events::Identifier{events::IdentifierKind::phone, address.value};
    case consent::Channel::push:
      return events::Identifier{events::IdentifierKind::device, address.value};
    case consent::Channel::letter:
      return std::nullopt;
  }
  return std::nullopt;
}

void touches_act_and_owner(const engine::Lookup& state, const consent::ConsentAct& act, engine::KeyList& keys) {
  consent::touches_act(state, act, keys);
  if (const auto identifier = identifier_of(act.address))
    keys.push_back({Binding::kTable, events::key_of(*identifier)});
}

// Enters an act and tells the person's home what it amounts to.
void enter(Scene& scene, const consent::ConsentAct& act) {
  const consent::ActOutcome outcome = consent::apply_act(scene.context, act);
  if (!outcome.permission) return;
  const auto identifier = identifier_of(act.address);
  if (!identifier) return;
  const auto* const binding = scene.context.find<Binding>(events::key_of(*identifier));
  if (binding != nullptr && binding->identifier == *identifier)
    scene.send(binding->home, RecordType::permission_folded, FoldedFor{binding->person, *outcome.permission});
  if (act.action == consent::Action::confirm) scene.send(engine::kLane, RecordType::identity_confirmed, *identifier);
}

void touches_send(const engine::Lookup& state, DecisionId decision, engine::KeyList& keys) {
  keys.push_back({OpenSend::kTable, decision.value});
  const auto* const send = state.find<OpenSend>(decision.value);
  if (send == nullptr) return;
  consent::ConsentAct act;
  act.address = send->order.request.address;
  touches_act_and_owner(state, act, keys);
  keys.push_back({contact::AddressCounter::kTable, channels::counter_key(act.address)});
}

void offer(Scene& scene, OpenSend& send) {
  // The longer nobody takes it, the more seldom it is offered.
  const Duration age = scene.now() - send.opened_at;
  send.wakes_at = scene.now() + std::clamp(age, channels::kClaimOfferedAgainAfter, channels::kClaimOfferedAgainAtMost);
  scene.context.set_wake({OpenSend::kTable, send.order.decision.value}, send.wakes_at);
  Claim claim;
  claim.decision = send.order.decision;
  claim.attempt = send.attempt;
  claim.address = send.order.request.address;
  claim.message_class = send.order.request.message_class;
  scene.emit(OutputKind::claim_wanted, payload_of(claim));
}

void wait_until(Scene& scene, OpenSend& send, Timestamp at) {
  send.state = SendState::waiting;
  send.wakes_at = at;
  scene.context.set_wake({OpenSend::kTable, send.order.decision.value}, at);
}

// The final outcome goes home once; what was certainly not sent gives the address its place back.
void close(Scene& scene, OpenSend& send, DecisionState outcome, GateCode code, std::string value,
           std::string refusal = {}) {
  const bool was_claimed = send.state == SendState::claimed;
  if (was_claimed && contact::gives_back(outcome)) {
    if (auto* const counter =
            scene.context.mutate<contact::AddressCounter>(channels::counter_key(send.order.request.address)))
      counter->give_back();
  }
  Closing closing;
  closing.decision = send.order.decision;
  closing.person = send.order.person;
  closing.outcome = outcome;
  closing.gate = {code, contact::gives_back(outcome) ? GateState::stopped : GateState::passed, std::move(value), "",
                  scene.now()};
  closing.attempts = was_claimed ? send.attempt : send.attempt - 1;
  closing.refusal = std::move(refusal);
  closing.proof = send.proof;
  scene.send(send.order.person_home, RecordType::send_closed, closing);
  const Id128 key = send.order.decision.value;
  scene.context.set_wake({OpenSend::kTable, key}, std::nullopt);
  scene.context.erase({OpenSend::kTable, key});
}

}  // namespace

void touches_consent_act(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto act = read_payload<consent::ConsentAct>(payload)) touches_act_and_owner(state, *act, keys);
}

void apply_consent_act(Scene& scene, std::string_view payload) {
  const auto act = read_payload<consent::ConsentAct>(payload);
  if (!act) return scene.ignore();
  enter(scene, *act);
}

void touches_opened(const engine::Lookup& /*state*/, std::string_view payload, engine::KeyList& keys) {
  if (const auto order = read_payload<channels::SendOrder>(payload))
    keys.push_back({OpenSend::kTable, order->decision.value});
}

void apply_opened(Scene& scene, std::string_view payload) {
  auto order = read_payload<channels::SendOrder>(payload);
  if (!order) return scene.ignore();
  if (scene.context.find<OpenSend>(order->decision.value) != nullptr) return scene.ignore();
  OpenSend send;
  send.order = std::move(*order);
  send.opened_at = scene.now();
  const Id128 key = send.order.decision.value;
  offer(scene, scene.context.create<OpenSend>(key, std::move(send)));
}

void touches_claimed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto claim = read_payload<Claim>(payload)) touches_send(state, claim->decision, keys);
}

namespace {

/// True: it may be sent, and the process has been told.
bool take_claim(Scene& scene, const Claim& claim) {
  auto* const send = scene.context.mutate<OpenSend>(claim.decision.value);
  // Only the first claim of an attempt counts. Whether it is still fresh only its process can tell, by one clock.
  if (send == nullptr || send->state != SendState::waiting || send->attempt != claim.attempt)
    return scene.ignore(), false;
  if (scene.now() >= send->order.expires_at)
    return close(scene, *send, DecisionState::expired, GateCode::delivery, "expired"), false;

  consent::SendRequest request = send->order.request;
  request.attempt = send->attempt;
  const auto proof = consent::permit(scene.context, request, scene.context.record().position);
  if (!proof) {
    const std::string rule(consent::name_of(proof.error().rule));
    return close(scene, *send, DecisionState::refused_consent, GateCode::consent, rule, rule), false;
  }
  if (request.message_class == consent::MessageClass::commercial && scene.context.is_time_held())
    return wait_until(scene, *send, scene.now()), false;
  const contact::Policy policy = scene.configuration != nullptr ? scene.configuration->policy : contact::Policy{};
  if (request.message_class == consent::MessageClass::commercial) {
    // A retry, or a claim that waited: what was day at the decision may be night by now.
    const std::string& zone = send->order.time_zone.empty() ? policy.default_time_zone : send->order.time_zone;
    const Timestamp allowed = contact::quiet_until(policy.quiet_hours, zone, scene.now());
    if (allowed > scene.now()) return wait_until(scene, *send, allowed), false;
  }
  auto& counter = scene.context.mutate_or_create<contact::AddressCounter>(channels::counter_key(request.address));
  if (!counter.take(scene.now(), policy.per_address_and_hour)) {
    if (counter.claims.empty())
      return close(scene, *send, DecisionState::refused_cap, GateCode::cap_address, "0"), false;
    return wait_until(scene, *send, counter.claims.front() + hours(1)), false;
  }
  send->state = SendState::claimed;
  send->claimed_at = scene.now();
  send->proof = proof->record();
  send->wakes_at = scene.now() + channels::kReceiptExpectedWithin;
  scene.context.set_wake({OpenSend::kTable, claim.decision.value}, send->wakes_at);
  scene.emit(OutputKind::perform, channels::ClaimedSend::encode(send->order, send->attempt, *proof));
  return true;
}

}  // namespace

void apply_claimed(Scene& scene, std::string_view payload) {
  const auto claim = read_payload<Claim>(payload);
  if (!claim) return scene.ignore();
  if (!take_claim(scene, *claim)) scene.emit(OutputKind::claim_refused, std::string(payload));
}

void touches_receipt(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto receipt = read_payload<Receipt>(payload)) touches_send(state, receipt->decision, keys);
}

void apply_receipt(Scene& scene, std::string_view payload) {
  const auto receipt = read_payload<Receipt>(payload);
  if (!receipt) return scene.ignore();
  auto* const send = scene.context.mutate<OpenSend>(receipt->decision.value);
  if (send == nullptr || send->state != SendState::claimed || send->attempt != receipt->attempt) return scene.ignore();
  switch (receipt->ending) {
    case Ending::sent:
      return close(scene, *send, DecisionState::sent, GateCode::delivery, receipt->detail);
    case Ending::not_rendered:
      return close(scene, *send, DecisionState::not_rendered, GateCode::render, receipt->detail);
    case Ending::unknown:
      return close(scene, *send, DecisionState::unknown, GateCode::delivery, receipt->detail);
    case Ending::not_sent_final: {
      if (receipt->names_recipient) {
        enter(scene, consent::suppress_for_bounce(send->order.request.address, consent::BounceKind::hard,
                                                  receipt->detail, scene.now(), scene.now()));
      }
      return close(scene, *send, DecisionState::bounced, GateCode::delivery, receipt->detail);
    }
    case Ending::not_sent_retry:
      break;
  }
  const Timestamp next = scene.now() + channels::retry_delay(send->attempt);
  if (send->attempt >= channels::kAttemptsMax || next >= send->order.expires_at)
    return close(scene, *send, DecisionState::expired, GateCode::delivery, receipt->detail);
  if (auto* const counter =
          scene.context.mutate<contact::AddressCounter>(channels::counter_key(send->order.request.address)))
    counter->give_back();
  ++send->attempt;
  send->proof.reset();
  wait_until(scene, *send, next);
}

void touches_wake_send(const engine::Lookup& state, DecisionId decision, engine::KeyList& keys) {
  touches_send(state, decision, keys);
}

void wake_send(Scene& scene, DecisionId decision) {
  auto* const send = scene.context.mutate<OpenSend>(decision.value);
  if (send == nullptr) return scene.ignore();
  if (send->state == SendState::claimed)
    return close(scene, *send, DecisionState::unknown, GateCode::delivery, "no_receipt");
  if (scene.now() >= send->order.expires_at)
    return close(scene, *send, DecisionState::expired, GateCode::delivery, "expired");
  offer(scene, *send);
}

}  // namespace terreno::flow
