#pragma once

// What travels: the bytes of an e-mail, its DKIM signatures, the addresses of its envelope.
//
// 1. Pure. Time, keys and hashing are handed in; the same input gives the same bytes.
// 2. Nothing that comes from outside can add a header or a line to one: control characters are refused with the field's
//    name.
// 3. What is built ends every line with CRLF, keeps header lines at most 78 characters where they can be folded and
//    body lines at most 76.
//
// Everything here may be called from any thread.

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace terreno::channels {

enum class Errc : uint8_t {
  missing,            ///< the field is needed and empty
  too_long,           ///< longer than `limit`
  too_many,           ///< more headers than `limit`
  control_character,  ///< CR, LF, NUL or another control character where a header is made
  not_utf8,
  malformed_address,      ///< not local-part@domain, or a local part that no server would take
  malformed_domain,       ///< no host name, also not after IDNA (UTS #46, non-transitional)
  malformed_message_id,   ///< not `unique@domain` in plain ASCII
  malformed_url,          ///< not an https URL in plain ASCII
  malformed_header_name,  ///< RFC 5322, 2.2: visible ASCII but the colon
  reserved_header,        ///< a header that Terreno writes itself, or that only servers add
  malformed_message,      ///< what is to be signed has no header block, or no From
  malformed_token,        ///< not 1 to 50 of A-Z a-z 0-9 - _
};
struct Error {
  Errc code;
  std::string field;   ///< as in EmailMessage, such as `to.name` or `headers[2].name`
  uint64_t limit = 0;  ///< in bytes or entries; 0 when the code has none
};
template <typename T>
using Result = std::expected<T, Error>;

// ---------------------------------------------------------------------------------------------------------------------
// Addresses

struct Address {
  std::string local;   ///< as given; quotes included when it was quoted
  std::string domain;  ///< A-label, lower case
  /// RFC 6531: the local part is not ASCII, so that every server on the way must announce SMTPUTF8.
  bool needs_smtputf8 = false;

  [[nodiscard]] std::string text() const { return local + "@" + domain; }
};

/// Reads `local@domain`, without a name or angle brackets. Domain literals (`[192.0.2.1]`) are refused.
/// Limits: RFC 5321, 4.5.3.1 (64 bytes before the @, 255 after, 254 together).
/// Error: malformed_address, malformed_domain, too_long, control_character, not_utf8; `field` is copied into it.
[[nodiscard]] Result<Address> parse_address(std::string_view text, std::string_view field);

/// The envelope's sender, from which a bounce can be traced to its delivery (VERP): `bounce+TOKEN@domain`.
/// Error: malformed_token, malformed_domain.
[[nodiscard]] Result<std::string> make_return_path(std::string_view token, std::string_view domain);
/// The token of an address that make_return_path wrote for `domain` (in any case); nullopt for any other.
[[nodiscard]] std::optional<std::string> read_return_path(std::string_view address, std::string_view domain);

// ---------------------------------------------------------------------------------------------------------------------
// A message

struct Mailbox {
  std::string name;  ///< shown beside the address; may be empty
  std::string address;
};

struct Header {
  std::string name;
  std::string value;  ///< UTF-8 text; encoded when it is not plain ASCII
};

inline constexpr size_t kBodySizeMax = 4 << 20;
inline constexpr size_t kHeaderValueSizeMax = 4096;
inline constexpr size_t kUrlSizeMax = 900;
inline constexpr size_t kHeadersMax = 32;

struct EmailMessage {
  Mailbox from;
  std::optional<Mailbox> reply_to;
  Mailbox to;
  std::string subject;
  /// UTF-8, any line ends. At least one of the two; with both, the mail program chooses (multipart/alternative).
  std::string text;
  std::string html;
  /// Custom headers, in this order. What Terreno writes itself is refused here.
  std::vector<Header> headers;
  /// An https URL that acts on POST alone (RFC 8058); empty for messages nobody can unsubscribe from.
  std::string list_unsubscribe_url;
  /// An address, to which a message means the same; may be empty.
  std::string list_unsubscribe_mailto;
  /// `unique@domain`, without angle brackets; in the From domain, so that it is aligned.
  std::string message_id;
  /// `campaign:team:kind:sender`; may be empty.
  std::string feedback_id;
  /// System mail, such as a sign-in code: tells vacation responders to keep quiet (RFC 3834).
  bool is_auto_submitted = false;
  Timestamp date;
  /// The envelope's sender; see make_return_path.
  std::string return_path;
};

/// A message ready for the wire.
struct BuiltEmail {
  std::string data;  ///< headers, blank line, body; CRLF line ends; ends with CRLF; not dot-stuffed
  std::string envelope_from;
  std::string envelope_to;
  std::string recipient_domain;  ///< A-label, for limits per domain
  /// Some address has a local part that is not ASCII; `data` then has bytes above 127 in its headers, else it has none.
  bool needs_smtputf8 = false;
};

/// Cost: about 20 µs for a 10-KB message.
/// Error: the first field that breaks a rule, in the order of EmailMessage.
/// Rule: RFC 5322, 2045, 2047, 6532, 8058.
[[nodiscard]] Result<BuiltEmail> build_mime(const EmailMessage& message);

// ---------------------------------------------------------------------------------------------------------------------
// DKIM

enum class SignatureAlgorithm : uint8_t { rsa_sha256, ed25519_sha256 };

/// What DKIM needs of cryptography; a port that `server/` binds to `adapters/crypto`. Both functions must be callable
/// from any thread at once and must not fail.
struct Signer {
  SignatureAlgorithm algorithm = SignatureAlgorithm::rsa_sha256;
  std::function<std::array<uint8_t, 32>(std::string_view bytes)> sha256;
  /// RSA: PKCS#1 v1.5 with SHA-256 over the bytes. Ed25519: pure EdDSA over the bytes, which are a SHA-256 (RFC 8463,
  /// 3).
  std::function<std::string(std::string_view bytes)> sign;
};

struct DkimKey {
  std::string domain;    ///< `d=`, aligned with From
  std::string selector;  ///< `s=`
  Signer signer;
};

/// Puts one DKIM-Signature per key in front of `data`. Canonicalisation relaxed/relaxed; From is signed once more than
/// it occurs, so that a second From breaks the signature. Cost: the signatures (RSA-2048 about 210 µs, Ed25519 about 24
/// µs) and one pass over the body for all of them. Error: malformed_message, malformed_domain (domain or selector).
/// `data` is then unchanged. Rule: RFC 6376, 8301, 8463.
[[nodiscard]] Result<void> sign_dkim(std::string& data, std::span<const DkimKey> keys, Timestamp signed_at);

/// The TXT record to publish at `selector._domainkey.domain`. `public_key` is base64 as crypto's `public_key_for_dns`.
[[nodiscard]] std::string dkim_record(SignatureAlgorithm algorithm, std::string_view public_key);

}  // namespace terreno::channels
