#include "channels/sending.h"

#include <algorithm>

namespace terreno::channels {

namespace {

constexpr uint8_t kVersion = 2;
/// The orders without the journey, the open sends with an owner, the claims with a time: all in version 1.
constexpr uint8_t kVersionBefore = 1;

void encode_request(Writer& out, const consent::SendRequest& request) {
  request.address.encode(out);
  request.scope.encode(out);
  out.enumeration(request.message_class);
  out.enumeration(request.transactional_basis);
  out.bytes(request.basis_evidence);
  out.bytes(request.region);
  out.id(request.decision);
  out.varint(request.attempt);
}

consent::SendRequest decode_request(Reader& in) {
  consent::SendRequest request;
  request.address = consent::Address::decode(in);
  request.scope = consent::Scope::decode(in);
  request.message_class = in.enumeration(consent::MessageClass::transactional);
  request.transactional_basis = in.enumeration(consent::kLegalBasisLast);
  request.basis_evidence = in.text();
  request.region = in.text();
  request.decision = in.decision_id();
  request.attempt = static_cast<uint32_t>(in.varint());
  return request;
}

}  // namespace

Duration retry_delay(uint32_t attempt) {
  int64_t delay_s = 30;
  for (uint32_t i = 1; i < attempt && delay_s < 3600; ++i) delay_s *= 2;
  return seconds(std::min<int64_t>(delay_s, 3600));
}

void SendOrder::encode(Writer& out) const {
  out.u8(kVersion);
  out.id(decision);
  out.id(person);
  out.u16(person_home.number);
  encode_request(out, request);
  out.bytes(message);
  out.bytes(journey);
  out.id(configuration);
  out.bytes(language);
  out.bytes(time_zone);
  out.bytes(reply_to);
  out.bytes(data);
  out.time(expires_at);
}

SendOrder SendOrder::decode(Reader& in) {
  SendOrder order;
  const uint8_t version = in.u8();
  if (version != kVersion && version != kVersionBefore) in.fail();
  order.decision = in.decision_id();
  order.person = in.person_id();
  order.person_home = {in.u16()};
  order.request = decode_request(in);
  order.message = in.text();
  if (version == kVersion) order.journey = in.text();
  order.configuration = in.id();
  order.language = in.text();
  order.time_zone = in.text();
  order.reply_to = in.text();
  order.data = in.text();
  order.expires_at = in.time();
  return order;
}

void OpenSend::encode(Writer& out) const {
  order.encode(out);
  out.enumeration(state);
  out.varint(attempt);
  out.time(opened_at);
  out.time(wakes_at);
  out.time(claimed_at);
  out.boolean(proof.has_value());
  if (proof) proof->encode(out);
}

std::unique_ptr<OpenSend> OpenSend::decode(std::string_view bytes) {
  Reader in(bytes);
  auto send = std::make_unique<OpenSend>();
  const bool has_owner = !bytes.empty() && static_cast<uint8_t>(bytes.front()) == kVersionBefore;
  send->order = SendOrder::decode(in);
  send->state = in.enumeration(SendState::claimed);
  send->attempt = static_cast<uint32_t>(in.varint());
  send->opened_at = in.time();
  send->wakes_at = in.time();
  if (has_owner) static_cast<void>(in.u64());
  send->claimed_at = in.time();
  if (in.boolean()) send->proof = consent::ProofRecord::decode(in);
  return in.done() ? std::move(send) : nullptr;
}

size_t OpenSend::footprint() const {
  return sizeof(OpenSend) + order.data.size() + 2 * order.request.basis_evidence.size() + 300;
}

void Claim::encode(Writer& out) const {
  out.u8(kVersion);
  out.id(decision);
  out.varint(attempt);
  out.u64(owner);
  address.encode(out);
  out.enumeration(message_class);
}

Claim Claim::decode(Reader& in) {
  Claim claim;
  const uint8_t version = in.u8();
  if (version != kVersion && version != kVersionBefore) in.fail();
  claim.decision = in.decision_id();
  claim.attempt = static_cast<uint32_t>(in.varint());
  claim.owner = in.u64();
  claim.address = consent::Address::decode(in);
  if (version == kVersionBefore) static_cast<void>(in.time());
  claim.message_class = in.enumeration(consent::MessageClass::transactional);
  return claim;
}

void Receipt::encode(Writer& out) const {
  out.u8(1);
  out.id(decision);
  out.varint(attempt);
  address.encode(out);
  out.enumeration(ending);
  out.boolean(names_recipient);
  out.bytes(detail);
  out.bytes(message_id);
}

Receipt Receipt::decode(Reader& in) {
  Receipt receipt;
  if (in.u8() != 1) in.fail();
  receipt.decision = in.decision_id();
  receipt.attempt = static_cast<uint32_t>(in.varint());
  receipt.address = consent::Address::decode(in);
  receipt.ending = in.enumeration(Ending::unknown);
  receipt.names_recipient = in.boolean();
  receipt.detail = in.text();
  receipt.message_id = in.text();
  return receipt;
}

void Closing::encode(Writer& out) const {
  out.u8(1);
  out.id(decision);
  out.id(person);
  out.enumeration(outcome);
  gate.encode(out);
  out.varint(attempts);
  out.bytes(refusal);
  out.boolean(proof.has_value());
  if (proof) proof->encode(out);
}

Closing Closing::decode(Reader& in) {
  Closing closing;
  if (in.u8() != 1) in.fail();
  closing.decision = in.decision_id();
  closing.person = in.person_id();
  closing.outcome = in.enumeration(contact::kDecisionStateLast);
  closing.gate = contact::Gate::decode(in);
  closing.attempts = static_cast<uint32_t>(in.varint());
  closing.refusal = in.text();
  if (in.boolean()) closing.proof = consent::ProofRecord::decode(in);
  return closing;
}

std::string ClaimedSend::encode(const SendOrder& order, uint32_t attempt, const consent::ConsentProof& proof) {
  std::string bytes;
  Writer out(bytes);
  order.encode(out);
  out.varint(attempt);
  proof.record().encode(out);
  return bytes;
}

DecisionId ClaimedSend::decision_of(std::string_view bytes) {
  Reader in(bytes);
  in.u8();
  return in.decision_id();
}

std::optional<ClaimedSend> ClaimedSend::decode(std::string_view bytes) {
  Reader in(bytes);
  SendOrder order = SendOrder::decode(in);
  const auto attempt = static_cast<uint32_t>(in.varint());
  consent::ProofRecord record = consent::ProofRecord::decode(in);
  if (!in.done()) return std::nullopt;
  return ClaimedSend(std::move(order), attempt, consent::ConsentProof::restore({}, std::move(record)));
}

}  // namespace terreno::channels
