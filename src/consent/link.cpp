#include "consent/link.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "consent/crypto.h"

namespace terreno::consent {

namespace {

// Version 2 adds the language. What names none is still written as version 1, so one set of claims has one spelling.
constexpr uint8_t kTokenVersion = 1;
constexpr uint8_t kTokenVersionWithLanguage = 2;
// RFC 2104 §5: at least half of the hash. 128 bits keep the link short.
constexpr size_t kSignatureBytes = 16;
constexpr size_t kKeyBytesMin = 16;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 §5, without padding.
std::string to_base64url(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    held += 8;
    while (held >= 6) text.push_back(kAlphabet[bits >> (held -= 6) & 63]);
  }
  if (held > 0) text.push_back(kAlphabet[bits << (6 - held) & 63]);
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) bytes.push_back(static_cast<char>(bits >> (held -= 8) & 255));
  }
  // Left-over bits must be none or zero, or one token would have several spellings.
  if (held >= 6 || (bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::string signature_of(const Secret& key, std::string_view bytes) {
  return std::string(view_of(hmac_sha256(key.reveal(), bytes)).substr(0, kSignatureBytes));
}

ConsentAct act_of(const LinkClaims& claims, const LinkClick& click, Action action) {
  ConsentAct act;
  act.action = action;
  act.address = claims.address;
  act.scope = claims.scope;
  act.method = click.method;
  act.is_explicit = true;
  act.collection_point = "link";
  act.evidence.push_back({EvidenceKind::message, claims.decision.hex()});
  act.ip_truncated = click.ip_truncated;
  act.user_agent_hash = click.user_agent_hash;
  act.occurred_at = click.received_at;
  act.received_at = click.received_at;
  act.actor = {ActorKind::person, {}};
  // Only who received the message, or whom they forwarded it to, has the token.
  act.visibility = events::Visibility::secret_source;
  act.random_bits = click.random_bits;
  return act;
}

}  // namespace

LinkKeys::LinkKeys(std::vector<Key> keys) : keys_(std::move(keys)) {
  TERRENO_CHECK(!keys_.empty(), "links need a key");
  for (Key& key : keys_) {
    TERRENO_CHECK(key.secret.reveal().size() >= kKeyBytesMin, "a link key has at least 16 bytes");
    TERRENO_CHECK(std::ranges::count(keys_, key.id, &Key::id) == 1, "link keys have different ids");
    key.secret = Secret(std::string(view_of(hkdf_sha256(key.secret.reveal(), "terreno link 1"))));
  }
}

const Secret* LinkKeys::find(uint8_t id) const {
  const auto found = std::ranges::find(keys_, id, &Key::id);
  return found == keys_.end() ? nullptr : &found->secret;
}

std::string make_token(const LinkKeys& keys, const LinkClaims& claims) {
  std::string bytes;
  Writer out(bytes);
  out.u8(claims.language.empty() ? kTokenVersion : kTokenVersionWithLanguage);
  out.u8(keys.newest_id());
  out.enumeration(claims.action);
  out.enumeration(claims.address.channel);
  out.bytes(claims.address.value);
  out.bytes(claims.scope.topic);
  out.bytes(claims.scope.purpose);
  out.bytes(claims.scope.brand);
  out.id(claims.decision);
  if (!claims.language.empty()) out.bytes(claims.language);
  bytes += signature_of(*keys.find(keys.newest_id()), bytes);
  std::string token = to_base64url(bytes);
  TERRENO_CHECK(token.size() <= kTokenBytesMax, "addresses and names are bounded before a link is made");
  return token;
}

std::expected<LinkClaims, LinkErrc> read_token(const LinkKeys& keys, std::string_view token) {
  if (token.size() > kTokenBytesMax) return std::unexpected(LinkErrc::malformed);
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < kSignatureBytes + 2) return std::unexpected(LinkErrc::malformed);
  const std::string_view is_signed = std::string_view(*bytes).substr(0, bytes->size() - kSignatureBytes);
  const std::string_view signature = std::string_view(*bytes).substr(is_signed.size());
  Reader in(is_signed);
  const uint8_t version = in.u8();
  if (version != kTokenVersion && version != kTokenVersionWithLanguage)
    return std::unexpected(LinkErrc::unknown_version);
  const Secret* const key = keys.find(in.u8());
  if (key == nullptr) return std::unexpected(LinkErrc::unknown_key);
  if (!equal_in_constant_time(signature, signature_of(*key, is_signed))) return std::unexpected(LinkErrc::forged);
  LinkClaims claims;
  claims.action = in.enumeration(kLinkActionLast);
  claims.address.channel = in.enumeration(kChannelLast);
  claims.address.value = in.text();
  claims.scope.topic = in.text();
  claims.scope.purpose = in.text();
  claims.scope.brand = in.text();
  claims.decision = in.decision_id();
  if (version == kTokenVersionWithLanguage) {
    claims.language = in.text();
    if (claims.language.empty()) return std::unexpected(LinkErrc::malformed);
  }
  if (!in.done()) return std::unexpected(LinkErrc::malformed);
  return claims;
}

std::string token_hash_of(std::string_view token) { return hex(sha256(token)); }

ConsentAct withdraw_act(const LinkClaims& claims, const LinkClick& click) {
  ConsentAct act = act_of(claims, click, Action::withdraw);
  // One click removes the topic of that message (RFC 8058); its purpose and brand stay with it.
  // The page's other button says "nothing more from" that brand, and the entry says the same.
  if (click.everything) act.scope = {{}, {}, claims.scope.brand};
  return act;
}

ConsentAct choose_act(const LinkClaims& claims, const LinkClick& click, Scope scope) {
  ConsentAct act = act_of(claims, click, Action::grant);
  act.scope = std::move(scope);
  act.legal_basis = LegalBasis::consent;
  act.confirmation.confirmed_at = click.received_at;
  act.confirmation.client_truncated = click.ip_truncated;
  return act;
}

ConsentAct confirm_act(const LinkClaims& claims, std::string_view token, const LinkClick& click) {
  ConsentAct act = act_of(claims, click, Action::confirm);
  act.legal_basis = LegalBasis::consent;
  act.confirmation.token_hash = token_hash_of(token);
  act.confirmation.confirmed_at = click.received_at;
  act.confirmation.client_truncated = click.ip_truncated;
  return act;
}

std::string mask_address(const Address& address) {
  const std::string& value = address.value;
  // A character of UTF-8 is masked or shown as a whole.
  const auto after_first = [&](size_t from) {
    size_t end = std::min(from + 1, value.size());
    while (end < value.size() && (static_cast<uint8_t>(value[end]) & 0xC0) == 0x80) ++end;
    return end;
  };
  if (address.channel == Channel::email) {
    const size_t at = value.rfind('@');
    if (at == std::string::npos || at == 0) return "…";
    return value.substr(0, after_first(0)) + "…" + value.substr(at);
  }
  if (value.starts_with('+') && value.size() > 6) return value.substr(0, 3) + " … " + value.substr(value.size() - 2);
  return "…";
}

}  // namespace terreno::consent
