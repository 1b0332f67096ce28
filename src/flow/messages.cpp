#include "flow/messages.h"

namespace terreno::flow {

namespace {

// Every payload begins with its version.
void begin(Writer& out) { out.u8(1); }
void begin(Reader& in) {
  if (in.u8() != 1) in.fail();
}

template <typename Entity>
void encode_optional(Writer& out, const std::unique_ptr<Entity>& entity) {
  std::string bytes;
  if (entity) {
    Writer inner(bytes);
    entity->encode(inner);
  }
  out.bytes(bytes);
}

template <typename Entity>
bool decode_optional(Reader& in, std::unique_ptr<Entity>& entity) {
  const std::string_view bytes = in.bytes();
  if (bytes.empty()) return true;
  entity = Entity::decode(bytes);
  return entity != nullptr;
}

}  // namespace

void ConfigurationProposal::encode(Writer& out) const {
  begin(out);
  out.id(base);
  out.id(hash);
}
ConfigurationProposal ConfigurationProposal::decode(Reader& in) {
  begin(in);
  ConfigurationProposal proposal;
  proposal.base = in.id();
  proposal.hash = in.id();
  return proposal;
}

void PersonObjection::encode(Writer& out) const {
  begin(out);
  out.id(person);
  act.encode(out);
}
PersonObjection PersonObjection::decode(Reader& in) {
  begin(in);
  PersonObjection objection;
  objection.person = in.person_id();
  objection.act = consent::ConsentAct::decode(in);
  return objection;
}

void ForwardedEvent::encode(Writer& out) const {
  begin(out);
  out.id(person);
  out.id(record);
  out.bytes(event);
}
ForwardedEvent ForwardedEvent::decode(Reader& in) {
  begin(in);
  ForwardedEvent forwarded;
  forwarded.person = in.person_id();
  forwarded.record = in.record_id();
  forwarded.event = in.bytes();
  return forwarded;
}

void ProposedPair::encode(Writer& out) const {
  begin(out);
  out.id(person);
  proposal.a.encode(out);
  proposal.b.encode(out);
  out.id(proposal.person_a);
  out.id(proposal.person_b);
  out.enumeration(proposal.kind);
  out.enumeration(proposal.visibility);
  out.time(proposal.valid_from);
  out.id(proposal.record);
}
ProposedPair ProposedPair::decode(Reader& in) {
  begin(in);
  ProposedPair pair;
  pair.person = in.person_id();
  pair.proposal.a = events::Identifier::decode(in);
  pair.proposal.b = events::Identifier::decode(in);
  pair.proposal.person_a = in.person_id();
  pair.proposal.person_b = in.person_id();
  pair.proposal.kind = in.enumeration(identity::kEdgeKindLast);
  pair.proposal.visibility = in.enumeration(events::Visibility::secret_source);
  pair.proposal.valid_from = in.time();
  pair.proposal.record = in.record_id();
  return pair;
}

void AttachIdentifier::encode(Writer& out) const {
  begin(out);
  out.id(exchange);
  out.varint(parts);
  identifier.encode(out);
  out.id(former);
  out.id(survivor);
  out.u16(home.number);
}
AttachIdentifier AttachIdentifier::decode(Reader& in) {
  begin(in);
  AttachIdentifier attach;
  attach.exchange = in.id();
  attach.parts = static_cast<uint32_t>(in.varint());
  attach.identifier = events::Identifier::decode(in);
  attach.former = in.person_id();
  attach.survivor = in.person_id();
  attach.home = {in.u16()};
  return attach;
}

void AbsorbPerson::encode(Writer& out) const {
  begin(out);
  out.id(exchange);
  out.varint(parts);
  out.id(person);
  out.id(survivor);
  out.u16(home.number);
}
AbsorbPerson AbsorbPerson::decode(Reader& in) {
  begin(in);
  AbsorbPerson absorb;
  absorb.exchange = in.id();
  absorb.parts = static_cast<uint32_t>(in.varint());
  absorb.person = in.person_id();
  absorb.survivor = in.person_id();
  absorb.home = {in.u16()};
  return absorb;
}

void ReleaseIdentifier::encode(Writer& out) const {
  begin(out);
  out.id(exchange);
  out.varint(parts);
  identifier.encode(out);
  out.id(person);
  out.id(survivor);
  out.u16(home.number);
}
ReleaseIdentifier ReleaseIdentifier::decode(Reader& in) {
  begin(in);
  ReleaseIdentifier release;
  release.exchange = in.id();
  release.parts = static_cast<uint32_t>(in.varint());
  release.identifier = events::Identifier::decode(in);
  release.person = in.person_id();
  release.survivor = in.person_id();
  release.home = {in.u16()};
  return release;
}

std::string MovedState::encode() const {
  std::string bytes;
  Writer out(bytes);
  begin(out);
  out.id(exchange);
  out.varint(parts);
  out.id(survivor);
  encode_optional(out, person);
  encode_optional(out, journeys);
  encode_optional(out, contact);
  out.varint(decisions.size());
  for (const auto& decision : decisions) encode_optional(out, decision);
  out.boolean(identifier.has_value());
  if (identifier) {
    identifier->identifier.encode(out);
    out.time(identifier->since);
    out.bytes(identifier->source);
    out.enumeration(identifier->visibility);
  }
  out.varint(permissions.size());
  for (const consent::PermissionCopy& copy : permissions) copy.encode(out);
  return bytes;
}

std::optional<MovedState> MovedState::decode(std::string_view bytes) {
  Reader in(bytes);
  begin(in);
  MovedState moved;
  moved.exchange = in.id();
  moved.parts = static_cast<uint32_t>(in.varint());
  moved.survivor = in.person_id();
  if (!decode_optional(in, moved.person) || !decode_optional(in, moved.journeys) || !decode_optional(in, moved.contact))
    return std::nullopt;
  for (size_t n = in.count(); n > 0; --n) {
    std::unique_ptr<contact::Decision> decision;
    if (!decode_optional(in, decision) || !decision) return std::nullopt;
    moved.decisions.push_back(std::move(decision));
  }
  if (in.boolean()) {
    profiles::KnownIdentifier known;
    known.identifier = events::Identifier::decode(in);
    known.since = in.time();
    known.source = in.text();
    known.visibility = in.enumeration(events::Visibility::secret_source);
    moved.identifier = std::move(known);
  }
  for (size_t n = in.count(); n > 0; --n) moved.permissions.push_back(consent::PermissionCopy::decode(in));
  if (!in.done()) return std::nullopt;
  return moved;
}

void PartArrived::encode(Writer& out) const {
  begin(out);
  out.id(exchange);
  out.boolean(identifier.has_value());
  if (identifier) identifier->encode(out);
  out.id(unknown_person);
}
PartArrived PartArrived::decode(Reader& in) {
  begin(in);
  PartArrived part;
  part.exchange = in.id();
  if (in.boolean()) part.identifier = events::Identifier::decode(in);
  part.unknown_person = in.person_id();
  return part;
}

void PairVerdict::encode(Writer& out) const {
  begin(out);
  out.id(person);
  out.id(other);
  out.enumeration(state);
  out.enumeration(reason);
}
PairVerdict PairVerdict::decode(Reader& in) {
  begin(in);
  PairVerdict verdict;
  verdict.person = in.person_id();
  verdict.other = in.id();
  verdict.state = in.enumeration(identity::kVerdictStateLast);
  verdict.reason = in.enumeration(identity::kReasonLast);
  return verdict;
}

void FoldedFor::encode(Writer& out) const {
  begin(out);
  out.id(person);
  copy.encode(out);
}
FoldedFor FoldedFor::decode(Reader& in) {
  begin(in);
  FoldedFor folded;
  folded.person = in.person_id();
  folded.copy = consent::PermissionCopy::decode(in);
  return folded;
}

void ConfigurationStep::encode(Writer& out) const {
  begin(out);
  out.id(hash);
  out.varint(version);
}
ConfigurationStep ConfigurationStep::decode(Reader& in) {
  begin(in);
  ConfigurationStep step;
  step.hash = in.id();
  step.version = in.varint();
  return step;
}

}  // namespace terreno::flow
