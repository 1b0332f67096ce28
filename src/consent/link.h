#pragma once

// Links in messages: signed, self-contained tokens. They need no look-up, do not expire, and work after an erasure too
// (statutes ask for 30 or 60 days). Bytes: docs/formats/consent.md.
//
// 1. A token that was not made with one of the installation's keys is never read.
// 2. One token has one spelling: a different base64url, a different version or trailing bytes are refused.
// 3. Withdrawing needs nothing but the token; what shows data asks for a code mailed to the address besides.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/secret.h"
#include "consent/act.h"

namespace terreno::consent {

/// `confirm` is the double opt-in's: its token hash is in the request it confirms.
enum class LinkAction : uint8_t { unsubscribe = 0, preferences = 1, view = 2, confirm = 3 };
inline constexpr LinkAction kLinkActionLast = LinkAction::confirm;

struct LinkClaims {
  LinkAction action = LinkAction::unsubscribe;
  Address address;
  Scope scope;
  DecisionId decision;
  std::string language = {};  ///< of the message: `es`, `fr` or `en`; empty: not said, as in tokens of version 1
  auto operator<=>(const LinkClaims&) const = default;
};

/// The installation's keys. Links are signed with the first; all of them are accepted, so that links in old messages
/// outlive a rotation. Immutable and thread-safe.
class LinkKeys {
 public:
  struct Key {
    uint8_t id = 0;  ///< travels in the token
    Secret secret;   ///< at least 16 bytes; the signing key is derived from it
  };
  /// At least one key; ids differ.
  explicit LinkKeys(std::vector<Key> keys);

  [[nodiscard]] uint8_t newest_id() const { return keys_.front().id; }
  /// The derived key; null for an unknown id.
  [[nodiscard]] const Secret* find(uint8_t id) const;

 private:
  std::vector<Key> keys_;
};

enum class LinkErrc : uint8_t {
  malformed,        ///< not base64url, too long, or not ours in form
  unknown_version,  ///< of a newer version
  unknown_key,      ///< its key is not, or no longer, the installation's
  forged,           ///< the signature does not match
};

inline constexpr size_t kTokenBytesMax = 1024;

/// About 150 characters of base64url.
[[nodiscard]] std::string make_token(const LinkKeys& keys, const LinkClaims& claims);
/// Takes the same time whatever the signature.
[[nodiscard]] std::expected<LinkClaims, LinkErrc> read_token(const LinkKeys& keys, std::string_view token);
/// What a request's `confirmation.token_hash` holds.
[[nodiscard]] std::string token_hash_of(std::string_view token);

/// What is known of whoever pressed the button.
struct LinkClick {
  Method method = Method::link;  ///< `one_click` for RFC 8058, `reply` for the mailto form
  bool everything = false;       ///< no topic of that brand any more, rather than this one
  Timestamp received_at;
  std::string ip_truncated;
  std::string user_agent_hash;
  std::string random_bits;
};
/// The withdrawal that an unsubscribe (or preferences) token stands for.
[[nodiscard]] ConsentAct withdraw_act(const LinkClaims& claims, const LinkClick& click);
/// A tick on the page of preferences. It confirms itself, since the link was sent to that very address.
[[nodiscard]] ConsentAct choose_act(const LinkClaims& claims, const LinkClick& click, Scope scope);
/// The confirmation that a POST of a `confirm` token stands for.
[[nodiscard]] ConsentAct confirm_act(const LinkClaims& claims, std::string_view token, const LinkClick& click);

/// `a…@example.org`, `+34 … 42`: recognisable by its owner, not by whoever the message was forwarded to.
[[nodiscard]] std::string mask_address(const Address& address);

}  // namespace terreno::consent
