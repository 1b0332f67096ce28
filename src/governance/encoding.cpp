// The registry's bytes: docs/formats/registry.md. A field more means a new version here, a case for the old one, and a
// fixture of it.

#include "base/bytes.h"
#include "base/result.h"
#include "governance/model.h"

namespace terreno::governance {

namespace {

constexpr uint8_t kVersion = 1;

void write(Writer& out, const Digest& digest) { out.raw(digest.view()); }
Digest read_digest(Reader& in) {
  Digest digest;
  const std::string_view bytes = in.raw(digest.bytes.size());
  if (in.ok()) std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

// A boolean is 0 or 1 and nothing else: what is decoded must encode to the same bytes.
bool read_boolean(Reader& in) {
  const uint8_t value = in.u8();
  if (value > 1) in.fail();
  return value == 1;
}

void write(Writer& out, const Installation& value) {
  out.bytes(value.organisation);
  out.enumeration(value.language);
  out.bytes(value.time_zone);
  out.enumeration(value.mode);
  out.boolean(value.demo);
  out.bytes(value.public_base_url);
  out.varint(value.trusted_proxies.size());
  for (const std::string& proxy : value.trusted_proxies) out.bytes(proxy);
  const Sender& sender = value.sender;
  for (const std::string* text :
       {&sender.brand, &sender.legal_entity, &sender.postal_address, &sender.from_name, &sender.from_address,
        &sender.reply_to, &sender.envelope_domain, &sender.dkim_selector, &sender.footer}) {
    out.bytes(*text);
  }
  out.bytes(value.key_fingerprint);
}

Installation read_installation(Reader& in) {
  Installation value;
  value.organisation = in.text();
  value.language = in.enumeration(kLanguageLast);
  value.time_zone = in.text();
  value.mode = in.enumeration(kModeLast);
  value.demo = read_boolean(in);
  value.public_base_url = in.text();
  for (size_t n = in.count(); n > 0; --n) value.trusted_proxies.push_back(in.text());
  Sender& sender = value.sender;
  for (std::string* text :
       {&sender.brand, &sender.legal_entity, &sender.postal_address, &sender.from_name, &sender.from_address,
        &sender.reply_to, &sender.envelope_domain, &sender.dkim_selector, &sender.footer}) {
    *text = in.text();
  }
  value.key_fingerprint = in.text();
  return value;
}

void write(Writer& out, const Source& value) {
  out.id(value.id.value);
  out.bytes(value.name);
  out.enumeration(value.kind);
  out.bytes(value.write_key);
  out.boolean(value.enabled);
  out.bytes(value.default_region);
  out.time(value.created_at);
}
void read(Reader& in, Source& value) {
  value.id = {in.id()};
  value.name = in.text();
  value.kind = in.enumeration(kSourceKindLast);
  value.write_key = in.text();
  value.enabled = read_boolean(in);
  value.default_region = in.text();
  value.created_at = in.time();
}

void write(Writer& out, const ApiKey& value) {
  out.id(value.id.value);
  out.bytes(value.name);
  out.bytes(value.hint);
  write(out, value.hash);
  out.u32(value.scopes.bits());
  out.bytes(value.created_by);
  out.time(value.created_at);
  out.time(value.expires_at);
  out.time(value.revoked_at);
  out.time(value.last_used_at);
}
void read(Reader& in, ApiKey& value) {
  value.id = {in.id()};
  value.name = in.text();
  value.hint = in.text();
  value.hash = read_digest(in);
  const auto scopes = ScopeSet::from_bits(in.u32());
  if (scopes) {
    value.scopes = *scopes;
  } else {
    in.fail();
  }
  value.created_by = in.text();
  value.created_at = in.time();
  value.expires_at = in.time();
  value.revoked_at = in.time();
  value.last_used_at = in.time();
}

void write(Writer& out, const User& value) {
  out.id(value.id.value);
  out.bytes(value.email);
  out.bytes(value.name);
  out.enumeration(value.language);
  out.enumeration(value.role);
  out.boolean(value.enabled);
  out.bytes(value.password_hash);
  out.time(value.created_at);
  out.time(value.last_signed_in_at);
}
void read(Reader& in, User& value) {
  value.id = {in.id()};
  value.email = in.text();
  value.name = in.text();
  value.language = in.enumeration(kLanguageLast);
  value.role = in.enumeration(kRoleLast);
  value.enabled = read_boolean(in);
  value.password_hash = in.text();
  value.created_at = in.time();
  value.last_signed_in_at = in.time();
}

void write(Writer& out, const Session& value) {
  write(out, value.hash);
  out.id(value.user_id.value);
  out.time(value.created_at);
  out.time(value.seen_at);
  out.bytes(value.address);
  out.bytes(value.agent);
}
void read(Reader& in, Session& value) {
  value.hash = read_digest(in);
  value.user_id = {in.id()};
  value.created_at = in.time();
  value.seen_at = in.time();
  value.address = in.text();
  value.agent = in.text();
}

void write(Writer& out, const OneTimeToken& value) {
  write(out, value.hash);
  out.enumeration(value.purpose);
  out.id(value.user_id.value);
  out.time(value.expires_at);
}
void read(Reader& in, OneTimeToken& value) {
  value.hash = read_digest(in);
  value.purpose = in.enumeration(kTokenPurposeLast);
  value.user_id = {in.id()};
  value.expires_at = in.time();
}

template <typename Item>
void write_list(Writer& out, const std::vector<Item>& list) {
  out.varint(list.size());
  for (const Item& item : list) write(out, item);
}
template <typename Item>
void read_list(Reader& in, std::vector<Item>& list) {
  for (size_t n = in.count(); n > 0 && in.ok(); --n) read(in, list.emplace_back());
}

}  // namespace

std::string encode(const Snapshot& snapshot) {
  std::string bytes;
  Writer out(bytes);
  out.u8(kVersion);
  out.u64(snapshot.version);
  out.u64(snapshot.sender_version);
  write(out, snapshot.installation);
  write_list(out, snapshot.sources);
  write_list(out, snapshot.api_keys);
  write_list(out, snapshot.users);
  write_list(out, snapshot.sessions);
  write_list(out, snapshot.tokens);
  out.u64(snapshot.audit.number);
  write(out, snapshot.audit.hash);
  return bytes;
}

std::expected<Snapshot, Error> decode_snapshot(std::string_view bytes) {
  Reader in(bytes);
  const uint8_t version = in.u8();
  if (in.ok() && version > kVersion) {
    return std::unexpected(Error{Errc::newer_format, "registry", std::to_string(version)});
  }
  if (version != kVersion) in.fail();
  Snapshot snapshot;
  snapshot.version = in.u64();
  snapshot.sender_version = in.u64();
  snapshot.installation = read_installation(in);
  read_list(in, snapshot.sources);
  read_list(in, snapshot.api_keys);
  read_list(in, snapshot.users);
  read_list(in, snapshot.sessions);
  read_list(in, snapshot.tokens);
  snapshot.audit.number = in.u64();
  snapshot.audit.hash = read_digest(in);
  if (!in.done()) return std::unexpected(Error{Errc::corrupt, "registry", "format"});
  TERRENO_TRY_VOID(check_invariants(snapshot));
  return snapshot;
}

}  // namespace terreno::governance
