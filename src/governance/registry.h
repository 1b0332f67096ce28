#pragma once

// The registry in a running program: one immutable snapshot that any thread reads, one writer at a time, and every
// change durable before it is acknowledged.
//
// 1. A change is: decide (pure), append to the audit log, save the snapshot, publish it. Each waits for the one before,
//    so nothing is published that a power cut could take back, and nothing changes without an entry. An entry whose
//    change was lost between the two is answered, at the next start, by an entry that says so.
// 2. When the disk refuses, nothing is published and every later change is refused: the program must stop.
// 3. Readers never wait for the disk: they hold the snapshot they found.

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "governance/audit.h"
#include "governance/commands.h"
#include "governance/model.h"

namespace terreno::governance {

/// Port: where the snapshot lies. Implemented by server/files.
class SnapshotFile {
 public:
  virtual ~SnapshotFile() = default;
  /// Nothing when there is none yet. Error: corrupt, newer_format, storage_failed.
  [[nodiscard]] virtual std::expected<std::optional<std::string>, Error> load() = 0;
  /// Blocks until a power cut leaves the new bytes; until then it leaves the old ones, whole. Error: storage_failed.
  [[nodiscard]] virtual std::expected<void, Error> save(std::string_view bytes) = 0;
};

/// Port: fills with bytes that nobody can guess. Thread-safe.
using Entropy = std::function<void(std::span<uint8_t>)>;

struct Published;

/// A source as intake needs it. Holds the snapshot it belongs to, so that a removal does not pull it away.
class SourceRef {
 public:
  SourceRef() = default;
  SourceRef(std::shared_ptr<const Published> owner, const Source* source) : owner_(std::move(owner)), source_(source) {}
  explicit operator bool() const { return source_ != nullptr; }
  const Source* operator->() const { return source_; }
  const Source& operator*() const { return *source_; }

 private:
  std::shared_ptr<const Published> owner_;
  const Source* source_ = nullptr;
};

/// A write key that no source has, seen in a request. Only its beginning is kept: it may be somebody's secret,
/// mistyped.
struct RejectedKey {
  std::string shown;  ///< the first six characters and the length, `c3f9ab… (25)`
  uint64_t count = 0;
  Timestamp first_at;
  Timestamp last_at;
};
inline constexpr size_t kRejectedKeysMax = 100;

/// A session that was found, and whose it is.
struct SignedIn {
  Principal principal;
  User user;
  Session session;
};

/// Something made that is shown once.
struct NewApiKey {
  ApiKey key;
  Secret secret;  ///< `tk_…`
};
struct NewLink {
  UserId user_id;
  TokenPurpose purpose = TokenPurpose::invitation;
  Secret token;
  Timestamp expires_at;
};
struct NewSession {
  Secret id;  ///< for the cookie
  SignedIn signed_in;
};

struct NewSource {
  std::string name;
  SourceKind kind = SourceKind::server;
  std::string default_region;
  std::string write_key;  ///< empty: generate
};
struct NewUser {
  std::string email;
  std::string name;
  Language language = Language::english;
  Role role = Role::viewer;
};
/// Where a request came from, for sessions.
struct Client {
  std::string address;
  std::string agent;
};

/// Thread: every method from any thread. Those that change block on the disk for some milliseconds and are not for a
/// thread that must answer others.
class Registry {
 public:
  /// Loads, checks the invariants and compares with the audit log's end. `file` and `audit` must outlive the registry.
  /// Error: corrupt (also: the audit log was cut short or changed at its anchor), newer_format, storage_failed.
  [[nodiscard]] static std::expected<std::unique_ptr<Registry>, Error> load(SnapshotFile& file, AuditLog& audit,
                                                                            Entropy entropy, Timestamp now);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  // -- reading ------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// O(1). A disabled source is found, too: the caller answers differently.
  [[nodiscard]] SourceRef source_by_write_key(std::string_view key) const;
  /// Counts a key that was not found.
  void count_rejected_key(std::string_view key, Timestamp now);
  [[nodiscard]] std::vector<RejectedKey> rejected_keys() const;
  /// Who holds this API key; notes its use. O(1), one SHA-256.
  [[nodiscard]] std::optional<Principal> authenticate_api_key(std::string_view key, std::string_view address,
                                                              Timestamp now) const;
  /// Whose live session this is; notes its use. O(1), one SHA-256.
  [[nodiscard]] std::optional<SignedIn> authenticate_session(std::string_view id, std::string_view address,
                                                             Timestamp now) const;
  /// What a one-time token is for, without using it.
  struct TokenInfo {
    TokenPurpose purpose = TokenPurpose::invitation;
    std::optional<User> user;
    Timestamp expires_at;
  };
  [[nodiscard]] std::expected<TokenInfo, Error> look_at_token(std::string_view token, Timestamp now) const;
  /// The disk refused: the program must stop.
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_relaxed); }

  // -- changing -----------------------------------------------------------------------------------------------------

  /// Any command. Errors as execute(), and storage_failed.
  std::expected<std::shared_ptr<const Snapshot>, Error> change(const Command& command, const Principal& actor,
                                                               Timestamp now);

  // The commands that need chance.
  [[nodiscard]] std::expected<Source, Error> create_source(const NewSource& request, const Principal& actor,
                                                           Timestamp now);
  /// A new write key, generated.
  [[nodiscard]] std::expected<Source, Error> rotate_write_key(SourceId source, const Principal& actor, Timestamp now);
  [[nodiscard]] std::expected<NewApiKey, Error> create_api_key(std::string name, ScopeSet scopes, Timestamp expires_at,
                                                               const Principal& actor, Timestamp now);
  [[nodiscard]] std::expected<NewLink, Error> invite_user(const NewUser& request, const Principal& actor,
                                                          Timestamp now);
  [[nodiscard]] std::expected<NewLink, Error> issue_user_link(UserId user, const Principal& actor, Timestamp now);
  /// The link that `serve` prints on an empty folder, or `demo` at each start.
  [[nodiscard]] std::expected<NewLink, Error> issue_first_run_token(bool demo, Timestamp now);

  // Signing in. `password_hash` was made or checked by the password pool (adapters/crypto/password.h).
  [[nodiscard]] std::expected<NewSession, Error> create_first_administrator(std::string_view token,
                                                                            const NewUser& request,
                                                                            std::string_view organisation,
                                                                            std::string password_hash,
                                                                            const Client& client, Timestamp now);
  [[nodiscard]] std::expected<NewSession, Error> sign_in_to_demo(std::string_view token, Language language,
                                                                 const Client& client, Timestamp now);
  [[nodiscard]] std::expected<NewSession, Error> accept_link(std::string_view token, std::string password_hash,
                                                             std::optional<std::string> name,
                                                             std::optional<Language> language, const Client& client,
                                                             Timestamp now);
  [[nodiscard]] std::expected<NewSession, Error> sign_in(const User& user, std::string better_hash,
                                                         const Client& client, Timestamp now);
  /// The new cookie of a session.
  [[nodiscard]] std::expected<NewSession, Error> rotate_session(std::string_view id, const Principal& actor,
                                                                Timestamp now);

  /// Saves when keys and sessions were last used, and forgets what is over. Call it every few minutes and at the end;
  /// does nothing when nothing was used.
  [[nodiscard]] std::expected<void, Error> record_activity(Timestamp now);
  /// Something that changes nothing here but belongs in the audit log: an export, a read of a person, a refused
  /// sign-in.
  std::expected<AuditEntry, Error> note(const Principal& actor, AuditNote note, Timestamp now);
  [[nodiscard]] const AuditLog& audit() const { return *audit_; }

 private:
  Registry(SnapshotFile& file, AuditLog& audit, Entropy entropy, Snapshot snapshot);
  [[nodiscard]] std::shared_ptr<const Published> published() const;
  [[nodiscard]] std::string random_text(std::string_view prefix, size_t length, std::string_view alphabet) const;
  [[nodiscard]] Session new_session(const Secret& id, const Client& client, Timestamp now) const;
  void publish(Snapshot snapshot);

  SnapshotFile* file_;
  AuditLog* audit_;
  Entropy entropy_;
  std::mutex writing_;  ///< one change at a time
  std::atomic<bool> failed_{false};
  std::atomic<std::shared_ptr<const Published>> published_;
  mutable std::mutex rejected_mutex_;
  std::map<std::string, RejectedKey, std::less<>> rejected_;
};

}  // namespace terreno::governance
