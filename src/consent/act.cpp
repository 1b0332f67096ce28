#include "consent/act.h"

#include <algorithm>
#include <array>

namespace terreno::consent {

namespace {

constexpr uint8_t kActVersion = 1;
constexpr uint8_t kOpenFieldsVersion = 1;
constexpr uint8_t kPersonalFieldsVersion = 1;

constexpr std::array<std::string_view, 6> kChannelNames{"email", "sms", "whatsapp", "push", "letter", "call"};
constexpr std::array<std::string_view, 11> kActionNames{
    "request", "grant", "confirm", "refuse", "withdraw", "object", "pause", "suppress", "lift", "expire", "correct"};
constexpr std::array<std::string_view, 7> kBasisNames{
    "none", "consent", "soft_opt_in", "contract", "legal_obligation", "legitimate_interest", "solicited_reply"};
constexpr std::array<std::string_view, 15> kMethodNames{
    "unknown",   "tick",  "button",      "spoken",    "paper", "import", "gpc_signal", "link",
    "one_click", "reply", "hard_bounce", "complaint", "staff", "api",    "ledger_full"};

void encode_optional(Writer& out, const std::optional<Timestamp>& time) {
  out.boolean(time.has_value());
  if (time) out.time(*time);
}
std::optional<Timestamp> decode_optional(Reader& in) {
  if (!in.boolean()) return std::nullopt;
  return in.time();
}

// The device identifier stands for whatever has no identifier kind of its own: only the placement matters here.
events::Identifier placement_of(const Address& address) {
  switch (address.channel) {
    case Channel::email:
      return {events::IdentifierKind::email, address.value};
    case Channel::sms:
    case Channel::whatsapp:
    case Channel::call:
      return {events::IdentifierKind::phone, address.value};
    case Channel::push:
    case Channel::letter:
      return {events::IdentifierKind::device, address.value};
  }
  return {};
}

}  // namespace

std::string_view name_of(Channel channel) { return kChannelNames[static_cast<size_t>(channel)]; }
std::string_view name_of(Action action) { return kActionNames[static_cast<size_t>(action)]; }
std::string_view name_of(LegalBasis basis) { return kBasisNames[static_cast<size_t>(basis)]; }
std::string_view name_of(Method method) { return kMethodNames[static_cast<size_t>(method)]; }

std::optional<Channel> channel_from(std::string_view name) {
  const auto* const found = std::ranges::find(kChannelNames, name);
  if (found == kChannelNames.end()) return std::nullopt;
  return static_cast<Channel>(found - kChannelNames.begin());
}

Id128 key_of(const Address& address) {
  std::string bytes(1, static_cast<char>(address.channel));
  return hash128(bytes.append(address.value));
}

engine::Partition home_of(const Address& address) { return events::home_of(placement_of(address)); }

bool Scope::covers(const Scope& message) const {
  return (topic.empty() || topic == message.topic) && (purpose.empty() || purpose == message.purpose) &&
         (brand.empty() || brand == message.brand);
}

bool narrows(Action action) {
  switch (action) {
    case Action::refuse:
    case Action::withdraw:
    case Action::object:
    case Action::pause:
    case Action::suppress:
    case Action::expire:
    case Action::correct:
      return true;
    case Action::request:
    case Action::grant:
    case Action::confirm:
    case Action::lift:
      return false;
  }
  return true;
}

void Address::encode(Writer& out) const {
  out.enumeration(channel);
  out.bytes(value);
}

Address Address::decode(Reader& in) {
  Address address;
  address.channel = in.enumeration(kChannelLast);
  address.value = in.text();
  return address;
}

void Scope::encode(Writer& out) const {
  out.bytes(topic);
  out.bytes(purpose);
  out.bytes(brand);
}

Scope Scope::decode(Reader& in) {
  Scope scope;
  scope.topic = in.text();
  scope.purpose = in.text();
  scope.brand = in.text();
  return scope;
}

void ConsentAct::encode_open(Writer& out) const {
  out.u8(kOpenFieldsVersion);
  out.enumeration(action);
  out.enumeration(address.channel);
  scope.encode(out);
  out.enumeration(legal_basis);
  out.enumeration(method);
  out.boolean(is_explicit);
  out.bytes(text_version);
  out.bytes(text_language);
  out.varint(evidence.size());
  for (const Evidence& pointer : evidence) out.enumeration(pointer.kind);
  out.time(occurred_at);
  out.time(received_at);
  out.bytes(jurisdiction.claimed);
  out.bytes(jurisdiction.inferred);
  out.bytes(jurisdiction.inferred_from);
  out.enumeration(actor.kind);
  // Who of the staff, or which key, stays on the record; who the person is does not.
  if (actor.kind != ActorKind::person) out.bytes(actor.id);
  encode_optional(out, expires_at);
  out.bytes(confirmation.token_hash);
  out.time(confirmation.sent_at);
  out.time(confirmation.confirmed_at);
  out.enumeration(visibility);
  out.enumeration(suppression);
  out.varint(refers_to);
  out.id(origin);
}

void ConsentAct::encode_personal(Writer& out) const {
  out.u8(kPersonalFieldsVersion);
  out.bytes(address.value);
  out.bytes(collection_point);
  for (const Evidence& pointer : evidence) out.bytes(pointer.value);
  out.bytes(ip_truncated);
  out.bytes(user_agent_hash);
  if (actor.kind == ActorKind::person) out.bytes(actor.id);
  out.bytes(confirmation.client_truncated);
}

void ConsentAct::destroy_personal() {
  address.value.clear();
  collection_point.clear();
  for (Evidence& pointer : evidence) pointer.value.clear();
  ip_truncated.clear();
  user_agent_hash.clear();
  if (actor.kind == ActorKind::person) actor.id.clear();
  confirmation.client_truncated.clear();
  random_bits.clear();
}

void ConsentAct::encode(Writer& out) const {
  out.u8(kActVersion);
  encode_open(out);
  encode_personal(out);
  out.bytes(random_bits);
}

ConsentAct ConsentAct::decode(Reader& in) {
  ConsentAct act;
  if (in.u8() != kActVersion || in.u8() != kOpenFieldsVersion) in.fail();
  act.action = in.enumeration(kActionLast);
  act.address.channel = in.enumeration(kChannelLast);
  act.scope = Scope::decode(in);
  act.legal_basis = in.enumeration(kLegalBasisLast);
  act.method = in.enumeration(kMethodLast);
  act.is_explicit = in.boolean();
  act.text_version = in.text();
  act.text_language = in.text();
  for (size_t n = in.count(); n > 0 && in.ok(); --n) act.evidence.push_back({in.enumeration(kEvidenceKindLast), {}});
  act.occurred_at = in.time();
  act.received_at = in.time();
  act.jurisdiction.claimed = in.text();
  act.jurisdiction.inferred = in.text();
  act.jurisdiction.inferred_from = in.text();
  act.actor.kind = in.enumeration(kActorKindLast);
  if (act.actor.kind != ActorKind::person) act.actor.id = in.text();
  act.expires_at = decode_optional(in);
  act.confirmation.token_hash = in.text();
  act.confirmation.sent_at = in.time();
  act.confirmation.confirmed_at = in.time();
  act.visibility = in.enumeration(events::Visibility::secret_source);
  act.suppression = in.enumeration(SuppressionScope::commercial);
  act.refers_to = in.varint();
  act.origin = in.id();
  if (in.u8() != kPersonalFieldsVersion) in.fail();
  act.address.value = in.text();
  act.collection_point = in.text();
  for (Evidence& pointer : act.evidence) pointer.value = in.text();
  act.ip_truncated = in.text();
  act.user_agent_hash = in.text();
  if (act.actor.kind == ActorKind::person) act.actor.id = in.text();
  act.confirmation.client_truncated = in.text();
  act.random_bits = in.text();
  return act;
}

Timestamp ConsentAct::effective_at() const {
  return occurred_at.is_zero() ? received_at : std::min(occurred_at, received_at);
}

ConsentAct carried_to(const ConsentAct& act, Address address) {
  ConsentAct carried = act;
  carried.address = std::move(address);
  return carried;
}

ConsentAct suppress_for_bounce(Address address, BounceKind kind, std::string diagnostic, Timestamp occurred_at,
                               Timestamp received_at) {
  ConsentAct act;
  act.action = Action::suppress;
  act.address = std::move(address);
  act.method = kind == BounceKind::hard ? Method::hard_bounce : Method::complaint;
  // Somebody who complains about an offer still wants the receipt of their order.
  act.suppression = kind == BounceKind::hard ? SuppressionScope::everything : SuppressionScope::commercial;
  diagnostic.resize(std::min(diagnostic.size(), kTextBytesMax));
  act.evidence.push_back({EvidenceKind::diagnostic, std::move(diagnostic)});
  act.occurred_at = occurred_at;
  act.received_at = received_at;
  act.actor = {ActorKind::system, {}};
  act.visibility = events::Visibility::secret_source;
  return act;
}

}  // namespace terreno::consent
