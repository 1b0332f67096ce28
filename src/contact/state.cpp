// Encoding of the arbiter's entities.

#include <algorithm>

#include "contact/contact.h"

namespace terreno::contact {

void Gate::encode(Writer& out) const {
  out.enumeration(code);
  out.enumeration(state);
  out.bytes(value);
  out.bytes(limit);
  out.time(at);
}

Gate Gate::decode(Reader& in) {
  Gate gate;
  gate.code = in.enumeration(kGateCodeLast);
  gate.state = in.enumeration(kGateStateLast);
  gate.value = in.text();
  gate.limit = in.text();
  gate.at = in.time();
  return gate;
}

void Decision::encode(Writer& out) const {
  out.u8(1);
  out.id(id);
  out.id(person);
  out.bytes(journey);
  out.id(journey_version);
  out.bytes(step);
  out.bytes(entry_key);
  out.bytes(message);
  out.id(configuration);
  address.encode(out);
  scope.encode(out);
  out.enumeration(message_class);
  out.u8(static_cast<uint8_t>(priority));
  out.bytes(reply_to);
  out.bytes(event_properties);
  out.time(wanted_at);
  out.time(later_until);
  out.enumeration(state);
  out.boolean(wakes_at.has_value());
  out.time(wakes_at.value_or(Timestamp{}));
  out.id(winner);
  out.varint(gates.size());
  for (const Gate& gate : gates) gate.encode(out);
  out.varint(history.size());
  for (const Step& one : history) {
    out.bytes(one.state);
    out.bytes(one.detail);
    out.time(one.at);
  }
  out.varint(attempts);
  out.bytes(refusal);
  out.boolean(proof.has_value());
  if (proof) proof->encode(out);
}

std::unique_ptr<Decision> Decision::decode(std::string_view bytes) {
  Reader in(bytes);
  auto decision = std::make_unique<Decision>();
  if (in.u8() != 1) in.fail();
  decision->id = in.decision_id();
  decision->person = in.person_id();
  decision->journey = in.text();
  decision->journey_version = in.id();
  decision->step = in.text();
  decision->entry_key = in.text();
  decision->message = in.text();
  decision->configuration = in.id();
  decision->address = consent::Address::decode(in);
  decision->scope = consent::Scope::decode(in);
  decision->message_class = in.enumeration(consent::MessageClass::transactional);
  decision->priority = in.u8();
  decision->reply_to = in.text();
  decision->event_properties = in.text();
  decision->wanted_at = in.time();
  decision->later_until = in.time();
  decision->state = in.enumeration(kDecisionStateLast);
  const bool wakes = in.boolean();
  const Timestamp at = in.time();
  if (wakes) decision->wakes_at = at;
  decision->winner = in.decision_id();
  for (size_t n = in.count(); n > 0; --n) decision->gates.push_back(Gate::decode(in));
  for (size_t n = in.count(); n > 0; --n) {
    Step one;
    one.state = in.text();
    one.detail = in.text();
    one.at = in.time();
    decision->history.push_back(std::move(one));
  }
  decision->attempts = static_cast<uint32_t>(in.varint());
  decision->refusal = in.text();
  if (in.boolean()) decision->proof = consent::ProofRecord::decode(in);
  return in.done() ? std::move(decision) : nullptr;
}

size_t Decision::footprint() const {
  return sizeof(Decision) + event_properties.size() + entry_key.size() + address.value.size() +
         gates.size() * sizeof(Gate) + history.size() * sizeof(Step) + (proof ? proof->basis_evidence.size() : 0) + 200;
}

void ContactState::absorb(const ContactState& other) {
  reservations.insert(reservations.end(), other.reservations.begin(), other.reservations.end());
  std::ranges::stable_sort(reservations, {}, &Reservation::at);
  held.insert(held.end(), other.held.begin(), other.held.end());
  recent.insert(recent.begin(), other.recent.begin(), other.recent.end());
}

std::optional<Timestamp> ContactState::next_wake() const {
  std::optional<Timestamp> next;
  for (const Held& one : held) {
    if (one.wakes_at && (!next || *one.wakes_at < *next)) next = one.wakes_at;
  }
  return next;
}

void ContactState::encode(Writer& out) const {
  out.u8(1);
  out.varint(reservations.size());
  for (const Reservation& one : reservations) {
    out.id(one.decision);
    out.enumeration(one.channel);
    out.bytes(one.topic);
    out.time(one.at);
  }
  out.varint(held.size());
  for (const Held& one : held) {
    out.id(one.decision);
    out.boolean(one.wakes_at.has_value());
    out.time(one.wakes_at.value_or(Timestamp{}));
  }
  out.varint(recent.size());
  for (const DecisionId id : recent) out.id(id);
}

std::unique_ptr<ContactState> ContactState::decode(std::string_view bytes) {
  Reader in(bytes);
  auto state = std::make_unique<ContactState>();
  if (in.u8() != 1) in.fail();
  for (size_t n = in.count(); n > 0; --n) {
    Reservation one;
    one.decision = in.decision_id();
    one.channel = in.enumeration(consent::kChannelLast);
    one.topic = in.text();
    one.at = in.time();
    state->reservations.push_back(std::move(one));
  }
  for (size_t n = in.count(); n > 0; --n) {
    Held one;
    one.decision = in.decision_id();
    const bool wakes = in.boolean();
    const Timestamp at = in.time();
    if (wakes) one.wakes_at = at;
    state->held.push_back(one);
  }
  for (size_t n = in.count(); n > 0; --n) state->recent.push_back(in.decision_id());
  return in.done() ? std::move(state) : nullptr;
}

size_t ContactState::footprint() const {
  return sizeof(ContactState) + reservations.size() * sizeof(Reservation) + held.size() * sizeof(Held) +
         recent.size() * sizeof(DecisionId);
}

void AddressCounter::encode(Writer& out) const {
  out.u8(1);
  out.varint(claims.size());
  for (const Timestamp at : claims) out.time(at);
}

std::unique_ptr<AddressCounter> AddressCounter::decode(std::string_view bytes) {
  Reader in(bytes);
  auto counter = std::make_unique<AddressCounter>();
  if (in.u8() != 1) in.fail();
  for (size_t n = in.count(); n > 0; --n) counter->claims.push_back(in.time());
  return in.done() ? std::move(counter) : nullptr;
}

}  // namespace terreno::contact
