#pragma once

// What governance keeps: one value, small enough to be written whole at every change.
//
// 1. Every list is ordered by id and holds an id once.
// 2. Every reference (a session's user, a token's user) exists.
// 3. Once a user exists, one administrator who can sign in exists, for ever.
// 4. No secret is in it: of keys, sessions and tokens only the SHA-256, of passwords only argon2id's encoded hash.
// Write
//    keys are the exception: they may only append, and the console must show them.
// Format on disk: docs/formats/registry.md.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "events/record.h"
#include "governance/access.h"
#include "governance/audit.h"
#include "governance/digest.h"
#include "governance/error.h"

namespace terreno::governance {

TERRENO_STRONG_ID(SourceId);
TERRENO_STRONG_ID(ApiKeyId);
TERRENO_STRONG_ID(UserId);

// Bounds. An organisation that needs more is not what one installation is for.
inline constexpr size_t kSourcesMax = 1'000;
inline constexpr size_t kApiKeysMax = 1'000;
inline constexpr size_t kUsersMax = 5'000;
inline constexpr size_t kSessionsMax = 20'000;
inline constexpr size_t kSessionsPerUserMax = 20;
inline constexpr size_t kTokensMax = 2'000;
inline constexpr size_t kTrustedProxiesMax = 64;
inline constexpr size_t kNameBytesMax = 200;
inline constexpr size_t kEmailBytesMax = 254;
inline constexpr size_t kTextBytesMax = 2'000;
inline constexpr size_t kWriteKeyBytesMax = 128;
inline constexpr size_t kPasswordBytesMin = 12;
inline constexpr size_t kPasswordBytesMax = 256;

enum class SourceKind : uint8_t { browser = 0, mobile = 1, server = 2 };
inline constexpr SourceKind kSourceKindLast = SourceKind::server;
[[nodiscard]] std::string_view name_of(SourceKind kind);
[[nodiscard]] std::optional<SourceKind> source_kind_from(std::string_view name);

/// Something that sends events. Browser and mobile sources are public (anyone can read their key), so what they claim
/// is weak; a server's key is a secret.
struct Source {
  SourceId id;  ///< random; its hexadecimal form is kept with every event
  std::string name;
  SourceKind kind = SourceKind::server;
  std::string write_key;  ///< `c` and 24 of [a-z0-9], or imported: 1 to 128 printable ASCII characters
  bool enabled = true;
  std::string default_region;  ///< ISO 3166-1 alpha-2, for phone numbers without a country; may be empty
  Timestamp created_at;

  [[nodiscard]] events::Visibility visibility() const {
    return kind == SourceKind::server ? events::Visibility::secret_source : events::Visibility::public_source;
  }
  bool operator==(const Source&) const = default;
};

/// A machine's key to the API: `tk_` and 52 of [a-z2-7], 256 bits, shown once.
struct ApiKey {
  ApiKeyId id;
  std::string name;
  std::string hint;  ///< the last four characters, so that people can tell keys apart
  Digest hash;
  ScopeSet scopes;
  std::string created_by;  ///< the name of who made it
  Timestamp created_at;
  Timestamp expires_at;    ///< zero: never
  Timestamp revoked_at;    ///< zero: in force; a revoked key stays listed
  Timestamp last_used_at;  ///< to the minute; zero: never
  [[nodiscard]] bool in_force(Timestamp now) const {
    return revoked_at.is_zero() && (expires_at.is_zero() || now < expires_at);
  }
  bool operator==(const ApiKey&) const = default;
};

struct User {
  UserId id;
  std::string email;  ///< unique, ASCII letters in lower case
  std::string name;
  Language language = Language::english;
  Role role = Role::viewer;
  bool enabled = true;
  std::string password_hash;  ///< argon2id, encoded (`$argon2id$v=19$…`); empty: invited, or a demo's administrator
  Timestamp created_at;
  Timestamp last_signed_in_at;  ///< zero: never
  bool operator==(const User&) const = default;
};

/// Enabled, an administrator, and able to sign in.
[[nodiscard]] bool can_administer(const User& user, bool demo);

/// The cookie holds 256 random bits; this holds their SHA-256.
struct Session {
  Digest hash;
  UserId user_id;
  Timestamp created_at;  ///< of the sign-in: rotation keeps it, so that it bounds the whole
  Timestamp seen_at;     ///< to the minute
  std::string address;
  std::string agent;  ///< the User-Agent, cut, so that people recognise their sessions
  bool operator==(const Session&) const = default;
};

/// Without use for this long, or this long after signing in, a session is over.
inline constexpr Duration kSessionIdle = hours(12);
inline constexpr Duration kSessionLifetime = days(14);
[[nodiscard]] bool is_live(const Session& session, Timestamp now);

enum class TokenPurpose : uint8_t {
  first_run = 0,  ///< creates the first administrator
  demo = 1,       ///< signs in as a demo's administrator
  invitation = 2,
  reset = 3
};
inline constexpr TokenPurpose kTokenPurposeLast = TokenPurpose::reset;
[[nodiscard]] std::string_view name_of(TokenPurpose purpose);
inline constexpr Duration kFirstRunLifetime = days(7);
inline constexpr Duration kInvitationLifetime = days(7);
inline constexpr Duration kResetLifetime = hours(24);

/// What a link works with, once.
struct OneTimeToken {
  Digest hash;
  TokenPurpose purpose = TokenPurpose::invitation;
  UserId user_id;  ///< invitation, reset; else zero
  Timestamp expires_at;
  bool operator==(const OneTimeToken&) const = default;
};

/// Who signs the messages. Every field but the footer is needed to go live.
struct Sender {
  std::string brand;
  std::string legal_entity;
  std::string postal_address;
  std::string from_name;
  std::string from_address;
  std::string reply_to;  ///< an address that a person reads
  std::string envelope_domain;
  std::string dkim_selector;
  std::string footer;
  bool operator==(const Sender&) const = default;
};

enum class Mode : uint8_t { sandbox = 0, live = 1 };
inline constexpr Mode kModeLast = Mode::live;
[[nodiscard]] std::string_view name_of(Mode mode);

struct Installation {
  std::string organisation;               ///< the name people know it by
  Language language = Language::english;  ///< the organisation's default
  std::string time_zone = "UTC";          ///< IANA name; the console shows times in it
  Mode mode = Mode::sandbox;
  bool demo = false;            ///< sample data: can never go live
  std::string public_base_url;  ///< `https://crm.example.org`, no trailing slash; links and secure cookies depend on it
  std::vector<std::string> trusted_proxies;  ///< addresses and CIDR blocks whose X-Forwarded-For is believed
  Sender sender;
  std::string key_fingerprint;  ///< of the installation key that this folder was used with first
  bool operator==(const Installation&) const = default;
};

struct Snapshot {
  uint64_t version = 0;         ///< one more with every command
  uint64_t sender_version = 0;  ///< one more with every change of the sender or the mode: for If-Match
  Installation installation;
  std::vector<Source> sources;
  std::vector<ApiKey> api_keys;
  std::vector<User> users;
  std::vector<Session> sessions;     ///< ordered by hash
  std::vector<OneTimeToken> tokens;  ///< ordered by hash
  AuditAnchor audit;
  bool operator==(const Snapshot&) const = default;

  [[nodiscard]] const Source* source(SourceId id) const;
  [[nodiscard]] const ApiKey* api_key(ApiKeyId id) const;
  [[nodiscard]] const User* user(UserId id) const;
  [[nodiscard]] const User* user_by_email(std::string_view email) const;
};

/// Decoding what was encoded gives the same value; anything else is an error, never a guess.
[[nodiscard]] std::string encode(const Snapshot& snapshot);
[[nodiscard]] std::expected<Snapshot, Error> decode_snapshot(std::string_view bytes);
/// The rules 1 to 3 above and the bounds: what a snapshot read from disk must also satisfy.
[[nodiscard]] std::expected<void, Error> check_invariants(const Snapshot& snapshot);

/// What keeps an installation from going live.
enum class Missing : uint8_t {
  brand,
  legal_entity,
  postal_address,
  from_name,
  from_address,
  reply_to,
  envelope_domain,
  dkim_selector,
  dkim_key,
  public_base_url,  ///< absent, not https, or a name that only this machine knows
  real_data,        ///< a demo
};
inline constexpr Missing kMissingLast = Missing::real_data;
[[nodiscard]] std::string_view name_of(Missing missing);
/// In the order of the enumeration; empty: ready.
[[nodiscard]] std::vector<Missing> missing_for_live(const Installation& installation, bool has_dkim_key);

// What an operator sets outside of the registry is checked by the same rules, before anything is opened.

/// `http://` or `https://`, a host, perhaps a port, nothing after it; or empty.
[[nodiscard]] std::expected<void, Error> check_base_url(std::string_view url);
/// An IPv4 or IPv6 address, perhaps with `/` and a prefix length.
[[nodiscard]] std::expected<void, Error> check_network(std::string_view field, std::string_view network);

}  // namespace terreno::governance
