#include "governance/registry.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/result.h"
#include "governance/checks.h"

namespace terreno::governance {

namespace {

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kLettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kApiKeyPrefix = "tk_";
constexpr size_t kSecretLength = 52;  // base 32: 260 bits
// Writing down every use would make every request a write; to the minute is enough for people.
constexpr Duration kUseResolution = minutes(1);

struct DigestHash {
  size_t operator()(const Digest& digest) const { return hash64(digest.view()); }
};
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash64(text); }
};

// When something was last used, in ms; shared by the snapshots that hold it, so that reading needs no lock.
using LastUse = std::shared_ptr<std::atomic<int64_t>>;

void note_use(std::atomic<int64_t>& last, Timestamp now) {
  if (now.ms >= last.load(std::memory_order_relaxed) + kUseResolution.ms) last.store(now.ms, std::memory_order_relaxed);
}

}  // namespace

struct Published {
  Snapshot snapshot;
  std::unordered_map<std::string_view, const Source*, TextHash, std::equal_to<>> by_write_key;
  std::unordered_map<Digest, std::pair<const ApiKey*, LastUse>, DigestHash> by_key_hash;
  std::unordered_map<Digest, std::pair<const Session*, LastUse>, DigestHash> by_session_hash;

  Published(Snapshot taken, const Published* before) : snapshot(std::move(taken)) {
    for (const Source& source : snapshot.sources) by_write_key.emplace(source.write_key, &source);
    for (const ApiKey& key : snapshot.api_keys) {
      LastUse use;
      if (before != nullptr) {
        if (const auto found = before->by_key_hash.find(key.hash); found != before->by_key_hash.end())
          use = found->second.second;
      }
      if (!use) use = std::make_shared<std::atomic<int64_t>>(key.last_used_at.ms);
      by_key_hash.emplace(key.hash, std::pair{&key, std::move(use)});
    }
    for (const Session& session : snapshot.sessions) {
      LastUse use;
      if (before != nullptr) {
        if (const auto found = before->by_session_hash.find(session.hash); found != before->by_session_hash.end())
          use = found->second.second;
      }
      if (!use) use = std::make_shared<std::atomic<int64_t>>(session.seen_at.ms);
      by_session_hash.emplace(session.hash, std::pair{&session, std::move(use)});
    }
  }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
};

Registry::Registry(SnapshotFile& file, AuditLog& audit, Entropy entropy, Snapshot snapshot)
    : file_(&file), audit_(&audit), entropy_(std::move(entropy)) {
  publish(std::move(snapshot));
}
Registry::~Registry() = default;

std::expected<std::unique_ptr<Registry>, Error> Registry::load(SnapshotFile& file, AuditLog& audit, Entropy entropy,
                                                               Timestamp now) {
  TERRENO_TRY(const std::optional<std::string> bytes, file.load());
  Snapshot snapshot;
  if (bytes) {
    TERRENO_TRY(snapshot, decode_snapshot(*bytes));
  }
  const AuditAnchor head = audit.head();
  if (snapshot.audit.number > head.number) return refuse(Errc::corrupt, "audit", "cut_short");
  if (snapshot.audit.number > 0) {
    const auto entry = audit.entry(snapshot.audit.number);
    if (entry ? entry->hash != snapshot.audit.hash : entry.error().code != Errc::not_found) {
      return refuse(Errc::corrupt, "audit", "changed");
    }
  }
  // Whatever was written after the anchor tells of changes that were lost in between, except for notes, which have no
  // version.
  std::optional<AuditEntry> lost;
  for (uint64_t number = snapshot.audit.number + 1; number <= head.number; ++number) {
    TERRENO_TRY(AuditEntry entry, audit.entry(number));
    if (entry.note.action == "change_lost") lost.reset();
    if (entry.registry_version > snapshot.version) lost = std::move(entry);
  }
  std::unique_ptr<Registry> registry(new Registry(file, audit, std::move(entropy), std::move(snapshot)));
  if (lost) {
    AuditNote note{"change_lost",
                   lost->note.object_kind,
                   lost->note.object_id,
                   lost->note.object_name,
                   {{"entry", std::to_string(lost->number)}}};
    TERRENO_TRY_VOID(registry->note(Principal::program(), std::move(note), now));
  }
  return registry;
}

std::shared_ptr<const Published> Registry::published() const { return published_.load(std::memory_order_acquire); }

void Registry::publish(Snapshot snapshot) {
  const auto before = published_.load(std::memory_order_acquire);
  published_.store(std::make_shared<const Published>(std::move(snapshot), before.get()), std::memory_order_release);
}

std::shared_ptr<const Snapshot> Registry::snapshot() const {
  auto owner = published();
  const Snapshot* const snapshot = &owner->snapshot;
  return {std::move(owner), snapshot};
}

SourceRef Registry::source_by_write_key(std::string_view key) const {
  auto owner = published();
  const auto found = owner->by_write_key.find(key);
  if (found == owner->by_write_key.end()) return {};
  const Source* const source = found->second;
  return {std::move(owner), source};
}

void Registry::count_rejected_key(std::string_view key, Timestamp now) {
  std::string shown;
  for (const char c : key.substr(0, 6)) shown.push_back(c > 0x20 && c < 0x7f ? c : '?');
  shown += fmt::format("… ({})", key.size());
  const std::scoped_lock lock(rejected_mutex_);
  auto found = rejected_.find(shown);
  if (found == rejected_.end()) {
    if (rejected_.size() >= kRejectedKeysMax) {
      // A site with a wrong key sends for ever, a guesser sends each key once: the rarest goes, the oldest of those.
      const auto rarest = std::ranges::min_element(
          rejected_, {}, [](const auto& entry) { return std::pair{entry.second.count, entry.second.last_at}; });
      rejected_.erase(rarest);
    }
    found = rejected_.emplace(shown, RejectedKey{shown, 0, now, now}).first;
  }
  ++found->second.count;
  found->second.last_at = now;
}

std::vector<RejectedKey> Registry::rejected_keys() const {
  std::vector<RejectedKey> list;
  {
    const std::scoped_lock lock(rejected_mutex_);
    for (const auto& [shown, key] : rejected_) list.push_back(key);
  }
  std::ranges::sort(list, std::greater{}, &RejectedKey::count);
  return list;
}

std::optional<Principal> Registry::authenticate_api_key(std::string_view key, std::string_view address,
                                                        Timestamp now) const {
  if (!key.starts_with(kApiKeyPrefix) || key.size() != kApiKeyPrefix.size() + kSecretLength) return std::nullopt;
  const auto owner = published();
  // Looked up by hash: how long that takes tells nothing about the key.
  const auto found = owner->by_key_hash.find(sha256(key));
  if (found == owner->by_key_hash.end() || !found->second.first->in_force(now)) return std::nullopt;
  const auto& [api_key, use] = found->second;
  note_use(*use, now);
  Principal principal;
  principal.kind = ActorKind::api_key;
  principal.id = api_key->id.hex();
  principal.name = api_key->name;
  principal.address = address;
  principal.scopes = api_key->scopes;
  principal.language = owner->snapshot.installation.language;
  return principal;
}

namespace {
SignedIn signed_in_as(const User& user, Session session, std::string_view address) {
  SignedIn signed_in;
  signed_in.principal.kind = ActorKind::user;
  signed_in.principal.id = user.id.hex();
  signed_in.principal.name = user.email;
  signed_in.principal.address = address;
  signed_in.principal.scopes = scopes_of(user.role);
  signed_in.principal.language = user.language;
  signed_in.user = user;
  signed_in.session = std::move(session);
  return signed_in;
}
}  // namespace

std::optional<SignedIn> Registry::authenticate_session(std::string_view id, std::string_view address,
                                                       Timestamp now) const {
  if (id.size() != kSecretLength) return std::nullopt;
  const auto owner = published();
  const auto found = owner->by_session_hash.find(sha256(id));
  if (found == owner->by_session_hash.end()) return std::nullopt;
  const auto& [stored, use] = found->second;
  Session session = *stored;
  session.seen_at = std::max(session.seen_at, Timestamp{use->load(std::memory_order_relaxed)});
  const User* const user = owner->snapshot.user(session.user_id);
  if (user == nullptr || !user->enabled || !is_live(session, now)) return std::nullopt;
  note_use(*use, now);
  return signed_in_as(*user, std::move(session), address);
}

std::expected<Registry::TokenInfo, Error> Registry::look_at_token(std::string_view token, Timestamp now) const {
  const auto owner = published();
  const Digest hash = sha256(token);
  const auto& tokens = owner->snapshot.tokens;
  const auto found = std::ranges::lower_bound(tokens, hash, {}, &OneTimeToken::hash);
  if (found == tokens.end() || found->hash != hash || found->expires_at <= now) {
    return refuse(Errc::token_invalid, "token");
  }
  TokenInfo info{found->purpose, std::nullopt, found->expires_at};
  if (const User* const user = owner->snapshot.user(found->user_id)) info.user = *user;
  return info;
}

// ---------------------------------------------------------------------------------------------------------------------

std::expected<std::shared_ptr<const Snapshot>, Error> Registry::change(const Command& command, const Principal& actor,
                                                                       Timestamp now) {
  const std::scoped_lock lock(writing_);
  if (failed()) return refuse(Errc::storage_failed, "registry");
  const auto before = published();
  TERRENO_TRY(Change change, execute(before->snapshot, command, actor, now));
  // The same rules as at reading: what would not be read back must not be written.
  TERRENO_CHECK(check_invariants(change.snapshot).has_value(), "a command broke the registry's invariants");
  if (!change.note.action.empty()) {
    const auto entry = audit_->append(actor, now, std::move(change.note), change.snapshot.version);
    if (!entry) {
      failed_.store(true);
      return std::unexpected(entry.error());
    }
    change.snapshot.audit = {entry->number, entry->hash};
  }
  if (auto saved = file_->save(encode(change.snapshot)); !saved) {
    failed_.store(true);
    return std::unexpected(std::move(saved).error());
  }
  publish(std::move(change.snapshot));
  return snapshot();
}

std::string Registry::random_text(std::string_view prefix, size_t length, std::string_view alphabet) const {
  std::string text(prefix);
  // Bytes beyond the last whole multiple of the alphabet are thrown away, so that each character is equally likely.
  const size_t limit = 256 - 256 % alphabet.size();
  std::array<uint8_t, 64> bytes{};
  while (text.size() < prefix.size() + length) {
    entropy_(bytes);
    for (const uint8_t byte : bytes) {
      if (byte < limit && text.size() < prefix.size() + length) text.push_back(alphabet[byte % alphabet.size()]);
    }
  }
  return text;
}

namespace {
Id128 random_id(const Entropy& entropy) {
  std::array<uint8_t, 16> bytes{};
  entropy(bytes);
  Id128 id;
  for (size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8 | bytes[i];
    id.low = id.low << 8 | bytes[8 + i];
  }
  return id;
}
}  // namespace

Session Registry::new_session(const Secret& id, const Client& client, Timestamp now) const {
  Session session;
  session.hash = sha256(id.reveal());
  session.created_at = now;
  session.seen_at = now;
  session.address = client.address;
  session.agent = client.agent;
  return session;
}

std::expected<Source, Error> Registry::create_source(const NewSource& request, const Principal& actor, Timestamp now) {
  Source source;
  source.id = {random_id(entropy_)};
  source.name = request.name;
  source.kind = request.kind;
  source.default_region = request.default_region;
  source.write_key = request.write_key.empty() ? random_text("c", 24, kLettersAndDigits) : request.write_key;
  const SourceId id = source.id;
  TERRENO_TRY(const auto after, change(CreateSource{std::move(source)}, actor, now));
  return *after->source(id);
}

std::expected<Source, Error> Registry::rotate_write_key(SourceId source, const Principal& actor, Timestamp now) {
  UpdateSource update;
  update.id = source;
  update.write_key = random_text("c", 24, kLettersAndDigits);
  TERRENO_TRY(const auto after, change(update, actor, now));
  return *after->source(source);
}

std::expected<NewApiKey, Error> Registry::create_api_key(std::string name, ScopeSet scopes, Timestamp expires_at,
                                                         const Principal& actor, Timestamp now) {
  Secret secret(random_text(kApiKeyPrefix, kSecretLength, kBase32));
  ApiKey key;
  key.id = {random_id(entropy_)};
  key.name = std::move(name);
  key.hint = secret.reveal().substr(secret.reveal().size() - 4);
  key.hash = sha256(secret.reveal());
  key.scopes = scopes;
  key.expires_at = expires_at;
  const ApiKeyId id = key.id;
  TERRENO_TRY(const auto after, change(CreateApiKey{std::move(key)}, actor, now));
  return NewApiKey{*after->api_key(id), std::move(secret)};
}

std::expected<NewLink, Error> Registry::invite_user(const NewUser& request, const Principal& actor, Timestamp now) {
  Secret token(random_text("", kSecretLength, kBase32));
  InviteUser invite;
  invite.user.id = {random_id(entropy_)};
  invite.user.email = request.email;
  invite.user.name = request.name;
  invite.user.language = request.language;
  invite.user.role = request.role;
  invite.token = sha256(token.reveal());
  const UserId id = invite.user.id;
  TERRENO_TRY_VOID(change(invite, actor, now));
  return NewLink{id, TokenPurpose::invitation, std::move(token), now + kInvitationLifetime};
}

std::expected<NewLink, Error> Registry::issue_user_link(UserId user, const Principal& actor, Timestamp now) {
  Secret token(random_text("", kSecretLength, kBase32));
  TERRENO_TRY_VOID(change(IssueUserLink{user, sha256(token.reveal())}, actor, now));
  TERRENO_TRY(const TokenInfo info, look_at_token(token.reveal(), now));
  return NewLink{user, info.purpose, std::move(token), info.expires_at};
}

std::expected<NewLink, Error> Registry::issue_first_run_token(bool demo, Timestamp now) {
  Secret token(random_text("", kSecretLength, kBase32));
  TERRENO_TRY_VOID(change(IssueFirstRunToken{sha256(token.reveal()), demo}, Principal::program(), now));
  return NewLink{{}, demo ? TokenPurpose::demo : TokenPurpose::first_run, std::move(token), now + kFirstRunLifetime};
}

// ---------------------------------------------------------------------------------------------------------------------

namespace {
Principal holder_of_link(std::string name, const Client& client) {
  Principal actor;
  actor.kind = ActorKind::one_time;
  actor.name = std::move(name);
  actor.address = client.address;
  return actor;
}

std::expected<NewSession, Error> find_session(const Snapshot& after, Secret id, std::string_view address) {
  const Digest hash = sha256(id.reveal());
  const auto found = std::ranges::lower_bound(after.sessions, hash, {}, &Session::hash);
  TERRENO_CHECK(found != after.sessions.end() && found->hash == hash, "a session just made is not there");
  return NewSession{std::move(id), signed_in_as(*after.user(found->user_id), *found, address)};
}
}  // namespace

std::expected<NewSession, Error> Registry::create_first_administrator(std::string_view token, const NewUser& request,
                                                                      std::string_view organisation,
                                                                      std::string password_hash, const Client& client,
                                                                      Timestamp now) {
  Secret id(random_text("", kSecretLength, kBase32));
  CreateFirstAdministrator command;
  command.token = sha256(token);
  command.user.id = {random_id(entropy_)};
  command.user.email = request.email;
  command.user.name = request.name;
  command.user.language = request.language;
  command.user.password_hash = std::move(password_hash);
  command.organisation = organisation;
  command.session = new_session(id, client, now);
  TERRENO_TRY(const auto after, change(command, holder_of_link(request.email, client), now));
  return find_session(*after, std::move(id), client.address);
}

std::expected<NewSession, Error> Registry::sign_in_to_demo(std::string_view token, Language language,
                                                           const Client& client, Timestamp now) {
  Secret id(random_text("", kSecretLength, kBase32));
  SignInToDemo command;
  command.token = sha256(token);
  command.user.id = {random_id(entropy_)};
  // `.example` is reserved (RFC 2606): nobody can own this address.
  command.user.email = "demo@terreno.example";
  command.user.name = "Demo";
  command.user.language = language;
  command.session = new_session(id, client, now);
  TERRENO_TRY(const auto after, change(command, holder_of_link(command.user.email, client), now));
  return find_session(*after, std::move(id), client.address);
}

std::expected<NewSession, Error> Registry::accept_link(std::string_view token, std::string password_hash,
                                                       std::optional<std::string> name,
                                                       std::optional<Language> language, const Client& client,
                                                       Timestamp now) {
  Secret id(random_text("", kSecretLength, kBase32));
  TERRENO_TRY(const TokenInfo info, look_at_token(token, now));
  AcceptLink command;
  command.token = sha256(token);
  command.password_hash = std::move(password_hash);
  command.name = std::move(name);
  command.language = language;
  command.session = new_session(id, client, now);
  TERRENO_TRY(const auto after, change(command, holder_of_link(info.user ? info.user->email : "", client), now));
  return find_session(*after, std::move(id), client.address);
}

std::expected<NewSession, Error> Registry::sign_in(const User& user, std::string better_hash, const Client& client,
                                                   Timestamp now) {
  Secret id(random_text("", kSecretLength, kBase32));
  SignIn command;
  command.session = new_session(id, client, now);
  command.session.user_id = user.id;
  command.password_hash = user.password_hash;
  command.better_hash = std::move(better_hash);
  const Principal actor = signed_in_as(user, {}, client.address).principal;
  TERRENO_TRY(const auto after, change(command, actor, now));
  return find_session(*after, std::move(id), client.address);
}

std::expected<NewSession, Error> Registry::rotate_session(std::string_view id, const Principal& actor, Timestamp now) {
  Secret next(random_text("", kSecretLength, kBase32));
  TERRENO_TRY(const auto after, change(RotateSession{sha256(id), sha256(next.reveal())}, actor, now));
  return find_session(*after, std::move(next), actor.address);
}

std::expected<void, Error> Registry::record_activity(Timestamp now) {
  RecordActivity command;
  const auto owner = published();
  for (const auto& [hash, entry] : owner->by_key_hash) {
    const Timestamp used{entry.second->load(std::memory_order_relaxed)};
    if (used > entry.first->last_used_at) command.api_keys.emplace_back(entry.first->id, used);
  }
  bool is_something_over = false;
  for (const auto& [hash, entry] : owner->by_session_hash) {
    const Timestamp used{entry.second->load(std::memory_order_relaxed)};
    if (used > entry.first->seen_at) command.sessions.emplace_back(hash, used);
    Session session = *entry.first;
    session.seen_at = std::max(session.seen_at, used);
    is_something_over = is_something_over || !is_live(session, now);
  }
  for (const OneTimeToken& token : owner->snapshot.tokens)
    is_something_over = is_something_over || token.expires_at <= now;
  if (command.api_keys.empty() && command.sessions.empty() && !is_something_over) return {};
  TERRENO_TRY_VOID(change(command, Principal::program(), now));
  return {};
}

std::expected<AuditEntry, Error> Registry::note(const Principal& actor, AuditNote note, Timestamp now) {
  if (failed()) return refuse(Errc::storage_failed, "registry");
  auto entry = audit_->append(actor, now, std::move(note), 0);
  if (!entry) failed_.store(true);
  return entry;
}

}  // namespace terreno::governance
