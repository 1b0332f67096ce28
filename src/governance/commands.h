#pragma once

// Every change of the registry, as a pure function from a snapshot and a command to the next snapshot and what the
// audit log says of it. Chance and time come as values. A refused command changes nothing.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "governance/audit.h"
#include "governance/error.h"
#include "governance/model.h"

namespace terreno::governance {

/// Needs sources:write.
struct CreateSource {
  Source source;  ///< complete: id and key are chosen by the caller
};
/// Needs sources:write. Absent fields stay. A new write key makes the old one unknown at once.
struct UpdateSource {
  SourceId id;
  std::optional<std::string> name;
  std::optional<SourceKind> kind;
  std::optional<bool> enabled;
  std::optional<std::string> default_region;
  std::optional<std::string> write_key;
};
struct RemoveSource {
  SourceId id;
};

/// Needs keys:write, and every scope that the key is to have.
struct CreateApiKey {
  ApiKey key;
};
/// Needs keys:write. A second revocation is refused as not_found.
struct RevokeApiKey {
  ApiKeyId id;
};

/// Creates the user, without a password, and the token. Needs users:write, and every scope of the role.
struct InviteUser {
  User user;
  Digest token;
};
/// Another link for somebody who lost theirs (invited: no password yet) or forgot their password. Needs users:write and
/// every scope of the user's role. Older links of that user stop working.
struct IssueUserLink {
  UserId user_id;
  Digest token;
};
/// Needs users:write, and every scope of the old and the new role; for one's own name and language nothing. Disabling,
/// or another role, ends the user's sessions.
struct UpdateUser {
  UserId id;
  std::optional<std::string> name;
  std::optional<Language> language;
  std::optional<Role> role;
  std::optional<bool> enabled;
};
/// Ends sessions and links, too. Needs users:write and every scope of the role.
struct RemoveUser {
  UserId id;
};
/// One's own, after the old one was checked. Ends every session but `keep`.
struct ChangePassword {
  UserId user_id;
  std::string password_hash;
  Digest keep;
};

/// Replaces the one before. Only while no user exists; by the program itself.
struct IssueFirstRunToken {
  Digest token;
  bool demo = false;  ///< and marks the installation as a demo
};
/// Uses the first-run token: the first administrator. Works once.
struct CreateFirstAdministrator {
  Digest token;
  User user;
  std::string organisation;  ///< becomes the sender's brand; may be empty
  Session session;
};
/// Uses the demo's token: signs in as the demo's administrator, who is created by its first use.
struct SignInToDemo {
  Digest token;
  User user;
  Session session;
};
/// Uses an invitation or reset token: sets the password and signs in.
struct AcceptLink {
  Digest token;
  std::string password_hash;
  std::optional<std::string> name;
  std::optional<Language> language;
  Session session;
};

/// After the password was checked against `password_hash`: a password changed in between refuses. A better hash (other
/// parameters) may replace it.
struct SignIn {
  Session session;
  std::string password_hash;
  std::string better_hash;  ///< empty: keep
};
struct SignOut {
  Digest session;
};
/// Ends every session of a user but `keep`. Needs users:write, unless one's own.
struct EndSessions {
  UserId user_id;
  Digest keep;
};
/// A new id for the same session, so that one that leaked before stops working. `created_at` stays.
struct RotateSession {
  Digest from;
  Digest to;
};

/// Needs sender:write. All of the sender at once, and perhaps the mode: going live is refused with not_ready_for_live
/// and the list of what is missing, and so is a change while live that would make something missing. Going back to the
/// sandbox is always allowed.
struct ChangeSender {
  Sender sender;
  std::string public_base_url;
  std::optional<Mode> mode;
  std::optional<uint64_t> base_version;  ///< refused with version_conflict when sender_version is no longer that
  bool has_dkim_key = false;             ///< a key lies in the key folder under the selector
};
/// Needs admin. Absent fields stay.
struct SetInstallation {
  std::optional<std::string> organisation;
  std::optional<Language> language;
  std::optional<std::string> time_zone;
  std::optional<std::vector<std::string>> trusted_proxies;
};
/// By the program itself: the fingerprint of the installation key.
struct RememberInstallationKey {
  std::string fingerprint;
};

/// By the program itself, every few minutes: when keys and sessions were last used, and forgetting what is over.
struct RecordActivity {
  std::vector<std::pair<ApiKeyId, Timestamp>> api_keys;
  std::vector<std::pair<Digest, Timestamp>> sessions;
};

using Command = std::variant<CreateSource, UpdateSource, RemoveSource, CreateApiKey, RevokeApiKey, InviteUser,
                             IssueUserLink, UpdateUser, RemoveUser, ChangePassword, IssueFirstRunToken,
                             CreateFirstAdministrator, SignInToDemo, AcceptLink, SignIn, SignOut, EndSessions,
                             RotateSession, ChangeSender, SetInstallation, RememberInstallationKey, RecordActivity>;

struct Change {
  Snapshot snapshot;
  AuditNote note;  ///< an empty action: nothing worth an entry
};

/// `snapshot` satisfies check_invariants, and so does the result. The audit anchor is left to the caller.
/// Error: invalid_field, not_found, already_exists, limit_reached, forbidden, last_administrator, token_invalid,
/// already_set_up, wrong_credentials, not_ready_for_live.
[[nodiscard]] std::expected<Change, Error> execute(const Snapshot& snapshot, const Command& command,
                                                   const Principal& actor, Timestamp now);

/// A password that may be set: 12 to 256 bytes, not the e-mail address, not one repeated character. (NIST SP 800-63B
/// asks for length, not for kinds of characters.)
[[nodiscard]] std::expected<void, Error> check_password(const Secret& password, std::string_view email);

/// Lower case in ASCII, trimmed; at most 254 bytes, one `@` with something on both sides, no white space or control
/// characters.
[[nodiscard]] std::expected<std::string, Error> normalise_email(std::string_view field, std::string_view email);

}  // namespace terreno::governance
