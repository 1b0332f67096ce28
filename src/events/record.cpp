#include "events/record.h"

#include <algorithm>
#include <array>

namespace terreno::events {

namespace {

constexpr std::array<std::string_view, 6> kKindNames{"customer_number", "user_id", "email",
                                                     "phone",           "device",  "anonymous_id"};
constexpr std::array<std::string_view, 6> kTypeNames{"identify", "track", "page", "screen", "group", "alias"};

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Frozen at version 1: changing a byte of this moves people.
std::string placement_key(const Identifier& identifier) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(identifier.kind)));
  if (identifier.kind != IdentifierKind::email) return key + identifier.value;
  const size_t at = identifier.value.rfind('@');
  const std::string_view value = identifier.value;
  const std::string_view local = value.substr(0, std::min(at, value.find('+')));
  for (const char c : local) {
    if (c != '.') key.push_back(ascii_lower(c));
  }
  if (at == std::string::npos) return key;
  std::string domain;
  std::ranges::transform(value.substr(at + 1), std::back_inserter(domain), ascii_lower);
  if (domain == "googlemail.com") domain = "gmail.com";
  return key + "@" + domain;
}

}  // namespace

std::string_view name_of(IdentifierKind kind) { return kKindNames[static_cast<size_t>(kind)]; }
std::string_view name_of(EventType type) { return kTypeNames[static_cast<size_t>(type)]; }

std::optional<IdentifierKind> identifier_kind_from(std::string_view name) {
  const auto* const found = std::ranges::find(kKindNames, name);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<IdentifierKind>(found - kKindNames.begin());
}

void Identifier::encode(Writer& out) const {
  out.enumeration(kind);
  out.bytes(value);
}

Identifier Identifier::decode(Reader& in) {
  Identifier identifier;
  identifier.kind = in.enumeration(kIdentifierKindLast);
  identifier.value = in.text();
  return identifier;
}

Id128 key_of(const Identifier& identifier) {
  std::string bytes(1, static_cast<char>(identifier.kind));
  return hash128(bytes.append(identifier.value));
}

engine::Partition home_of(const Identifier& identifier) {
  return {static_cast<uint16_t>(hash64(placement_key(identifier)) % engine::kPartitionCount)};
}

namespace {
constexpr uint8_t kEventVersion = 1;
}

void Event::encode(Writer& out) const {
  out.u8(kEventVersion);
  out.enumeration(type);
  out.bytes(source);
  out.enumeration(visibility);
  out.bytes(message_id);
  out.bytes(name);
  out.time(timestamp);
  out.time(received_at);
  out.boolean(late);
  out.varint(identifiers.size());
  for (const Identifier& identifier : identifiers) identifier.encode(out);
  out.u8(blocked_identifiers);
  out.varint(traits.size());
  for (const TraitUpdate& trait : traits) {
    out.bytes(trait.name);
    out.bytes(trait.json);
  }
  out.bytes(time_zone);
  out.bytes(locale);
  out.bytes(body);
}

Event Event::decode(Reader& in) {
  Event event;
  if (in.u8() != kEventVersion) in.fail();
  event.type = in.enumeration(kEventTypeLast);
  event.source = in.text();
  event.visibility = in.enumeration(Visibility::secret_source);
  event.message_id = in.text();
  event.name = in.text();
  event.timestamp = in.time();
  event.received_at = in.time();
  event.late = in.boolean();
  for (size_t n = in.count(); n > 0; --n) event.identifiers.push_back(Identifier::decode(in));
  if (event.identifiers.empty()) in.fail();
  event.blocked_identifiers = in.u8();
  for (size_t n = in.count(); n > 0; --n) {
    TraitUpdate trait;
    trait.name = in.text();
    trait.json = in.text();
    event.traits.push_back(std::move(trait));
  }
  event.time_zone = in.text();
  event.locale = in.text();
  event.body = in.text();
  return event;
}

Identifier Event::decode_strongest(Reader& in) {
  if (in.u8() != kEventVersion) in.fail();
  in.enumeration(kEventTypeLast);
  in.bytes();
  in.enumeration(Visibility::secret_source);
  in.bytes();
  in.bytes();
  in.time();
  in.time();
  in.boolean();
  if (in.count() == 0) in.fail();
  return Identifier::decode(in);
}

Id128 Event::repeat_key() const {
  std::string bytes;
  Writer out(bytes);
  out.bytes(source);
  out.bytes(message_id);
  return hash128(bytes);
}

namespace {
constexpr uint8_t kQuarantinedVersion = 1;
}

void QuarantinedItem::encode(Writer& out) const {
  out.u8(kQuarantinedVersion);
  out.bytes(source);
  out.time(received_at);
  out.varint(index);
  out.bytes(reason);
  out.bytes(raw);
}

QuarantinedItem QuarantinedItem::decode(Reader& in) {
  QuarantinedItem item;
  if (in.u8() != kQuarantinedVersion) in.fail();
  item.source = in.text();
  item.received_at = in.time();
  item.index = in.varint();
  item.reason = in.text();
  item.raw = in.text();
  return item;
}

engine::Partition QuarantinedItem::route() const {
  return {static_cast<uint16_t>(hash64(source) % engine::kPartitionCount)};
}

}  // namespace terreno::events
