#include "governance/commands.h"

#include <algorithm>
#include <type_traits>

#include <fmt/format.h>

#include "base/result.h"
#include "governance/checks.h"

namespace terreno::governance {

namespace {

using Outcome = std::expected<Change, Error>;

std::expected<void, Error> require(const Principal& actor, Scope scope) {
  if (actor.scopes.allows(scope)) return {};
  return refuse(Errc::forbidden, "scope", name_of(scope));
}
// Nobody hands out, or takes away, what they do not hold.
std::expected<void, Error> require_all(const Principal& actor, ScopeSet scopes) {
  if (actor.scopes.covers(scopes)) return {};
  for (int i = 0; i < kScopeCount; ++i) {
    const auto scope = static_cast<Scope>(i);
    if (scopes.names(scope) && !actor.scopes.allows(scope)) return refuse(Errc::forbidden, "scope", name_of(scope));
  }
  return refuse(Errc::forbidden, "scope", name_of(Scope::admin));
}
std::expected<void, Error> require_program(const Principal& actor) {
  if (actor.kind == ActorKind::system || actor.kind == ActorKind::command_line) return {};
  return refuse(Errc::forbidden, "scope", name_of(Scope::admin));
}
bool is_own(const Principal& actor, UserId id) { return actor.kind == ActorKind::user && actor.id == id.hex(); }

template <typename Item, typename Key, typename Projection>
Item* find(std::vector<Item>& list, const Key& key, Projection projection) {
  const auto found = std::ranges::lower_bound(list, key, {}, projection);
  return found != list.end() && std::invoke(projection, *found) == key ? &*found : nullptr;
}
template <typename Item, typename Projection>
void insert(std::vector<Item>& list, Item item, Projection projection) {
  const auto place = std::ranges::lower_bound(list, std::invoke(projection, item), {}, projection);
  list.insert(place, std::move(item));
}

Change start(const Snapshot& snapshot) {
  Change change{snapshot, {}};
  ++change.snapshot.version;
  return change;
}
AuditNote note(std::string_view action, std::string_view kind, std::string id, std::string name) {
  return {std::string(action), std::string(kind), std::move(id), std::move(name), {}};
}
AuditNote note(std::string_view action, const User& user) { return note(action, "user", user.id.hex(), user.email); }
AuditNote note(std::string_view action, const Source& source) {
  return note(action, "source", source.id.hex(), source.name);
}

bool somebody_administers(const Snapshot& snapshot) {
  return std::ranges::any_of(snapshot.users,
                             [&](const User& user) { return can_administer(user, snapshot.installation.demo); });
}

void end_sessions(Snapshot& snapshot, UserId user, Digest keep = {}) {
  std::erase_if(snapshot.sessions, [&](const Session& s) { return s.user_id == user && s.hash != keep; });
}
void drop_links(Snapshot& snapshot, UserId user) {
  std::erase_if(snapshot.tokens, [&](const OneTimeToken& t) { return t.user_id == user; });
}

std::expected<void, Error> add_session(Snapshot& snapshot, Session session, UserId user, Timestamp now) {
  if (snapshot.sessions.size() >= kSessionsMax) {
    std::erase_if(snapshot.sessions, [&](const Session& s) { return !is_live(s, now); });
    if (snapshot.sessions.size() >= kSessionsMax)
      return refuse(Errc::limit_reached, "sessions", std::to_string(kSessionsMax));
  }
  // A person with many devices keeps the ones they use.
  const auto is_theirs = [&](const Session& s) { return s.user_id == user; };
  while (static_cast<size_t>(std::ranges::count_if(snapshot.sessions, is_theirs)) >= kSessionsPerUserMax) {
    auto oldest = snapshot.sessions.end();
    for (auto it = snapshot.sessions.begin(); it != snapshot.sessions.end(); ++it) {
      if (is_theirs(*it) && (oldest == snapshot.sessions.end() || it->seen_at < oldest->seen_at)) oldest = it;
    }
    snapshot.sessions.erase(oldest);
  }
  if (find(snapshot.sessions, session.hash, &Session::hash) != nullptr) return refuse(Errc::already_exists, "session");
  session.user_id = user;
  session.created_at = now;
  session.seen_at = now;
  session.address.resize(std::min(session.address.size(), size_t{64}));
  session.agent.resize(std::min(session.agent.size(), kNameBytesMax));
  insert(snapshot.sessions, std::move(session), &Session::hash);
  return {};
}

std::expected<void, Error> add_token(Snapshot& snapshot, OneTimeToken token, Timestamp now) {
  std::erase_if(snapshot.tokens, [&](const OneTimeToken& t) { return t.expires_at <= now; });
  if (snapshot.tokens.size() >= kTokensMax) return refuse(Errc::limit_reached, "links", std::to_string(kTokensMax));
  if (find(snapshot.tokens, token.hash, &OneTimeToken::hash) != nullptr) return refuse(Errc::already_exists, "link");
  insert(snapshot.tokens, std::move(token), &OneTimeToken::hash);
  return {};
}

// Takes the token away: whoever comes second finds none.
std::expected<OneTimeToken, Error> use_token(Snapshot& snapshot, const Digest& hash, Timestamp now) {
  const OneTimeToken* const found = find(snapshot.tokens, hash, &OneTimeToken::hash);
  if (found == nullptr || found->expires_at <= now) return refuse(Errc::token_invalid, "token");
  OneTimeToken token = *found;
  std::erase_if(snapshot.tokens, [&](const OneTimeToken& t) { return t.hash == hash; });
  return token;
}

std::expected<void, Error> check_new_user(const Snapshot& snapshot, User& user, Timestamp now) {
  TERRENO_TRY(user.email, normalise_email("email", user.email));
  TERRENO_TRY_VOID(check_line("name", user.name, kNameBytesMax, Emptiness::refused));
  if (snapshot.user_by_email(user.email) != nullptr) return refuse(Errc::already_exists, "email");
  if (snapshot.user(user.id) != nullptr) return refuse(Errc::already_exists, "id");
  if (snapshot.users.size() >= kUsersMax) return refuse(Errc::limit_reached, "users", std::to_string(kUsersMax));
  user.enabled = true;
  user.created_at = now;
  return {};
}

// ---------------------------------------------------------------------------------------------------------------------

struct Executor {
  const Snapshot& before;
  const Principal& actor;
  Timestamp now;

  Outcome operator()(const CreateSource& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::sources_write));
    Source source = command.source;
    TERRENO_TRY_VOID(check_line("name", source.name, kNameBytesMax, Emptiness::refused));
    TERRENO_TRY_VOID(check_write_key(source.write_key));
    TERRENO_TRY_VOID(check_region(source.default_region));
    if (before.sources.size() >= kSourcesMax)
      return refuse(Errc::limit_reached, "sources", std::to_string(kSourcesMax));
    TERRENO_TRY_VOID(check_unique(source));
    if (before.source(source.id) != nullptr) return refuse(Errc::already_exists, "id");
    source.created_at = now;
    Change change = start(before);
    change.note = note("source_created", source);
    change.note.details["kind"] = name_of(source.kind);
    insert(change.snapshot.sources, std::move(source), &Source::id);
    return change;
  }

  Outcome operator()(const UpdateSource& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::sources_write));
    Change change = start(before);
    Source* const source = find(change.snapshot.sources, command.id, &Source::id);
    if (source == nullptr) return refuse(Errc::not_found, "source");
    auto& details = change.note.details;
    if (command.name) {
      TERRENO_TRY_VOID(check_line("name", *command.name, kNameBytesMax, Emptiness::refused));
      source->name = details["name"] = *command.name;
    }
    if (command.kind) {
      source->kind = *command.kind;
      details["kind"] = name_of(*command.kind);
    }
    if (command.enabled) {
      source->enabled = *command.enabled;
      details["enabled"] = *command.enabled ? "true" : "false";
    }
    if (command.default_region) {
      TERRENO_TRY_VOID(check_region(*command.default_region));
      source->default_region = details["default_region"] = *command.default_region;
    }
    if (command.write_key) {
      TERRENO_TRY_VOID(check_write_key(*command.write_key));
      source->write_key = *command.write_key;
      details["write_key"] = "changed";
    }
    TERRENO_TRY_VOID(check_unique(*source));
    AuditNote said = note("source_changed", *source);
    said.details = std::move(details);
    change.note = std::move(said);
    return change;
  }

  Outcome operator()(const RemoveSource& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::sources_write));
    const Source* const source = before.source(command.id);
    if (source == nullptr) return refuse(Errc::not_found, "source");
    Change change = start(before);
    change.note = note("source_deleted", *source);
    std::erase_if(change.snapshot.sources, [&](const Source& s) { return s.id == command.id; });
    return change;
  }

  Outcome operator()(const CreateApiKey& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::keys_write));
    ApiKey key = command.key;
    TERRENO_TRY_VOID(check_line("name", key.name, kNameBytesMax, Emptiness::refused));
    if (key.scopes.empty()) return refuse(Errc::invalid_field, "scopes", "required");
    TERRENO_TRY_VOID(require_all(actor, key.scopes));
    if (!key.expires_at.is_zero() && key.expires_at <= now)
      return refuse(Errc::invalid_field, "expires_at", "in_the_future");
    if (before.api_keys.size() >= kApiKeysMax) return refuse(Errc::limit_reached, "keys", std::to_string(kApiKeysMax));
    const auto same = [&](const ApiKey& k) { return k.id == key.id || k.hash == key.hash; };
    if (std::ranges::any_of(before.api_keys, same)) return refuse(Errc::already_exists, "id");
    key.created_at = now;
    key.created_by = actor.name.substr(0, kEmailBytesMax);
    key.revoked_at = {};
    key.last_used_at = {};
    Change change = start(before);
    change.note = note("key_created", "key", key.id.hex(), key.name);
    std::string scopes;
    for (int i = 0; i < kScopeCount; ++i) {
      if (key.scopes.names(static_cast<Scope>(i)))
        scopes.append(scopes.empty() ? "" : " ").append(name_of(static_cast<Scope>(i)));
    }
    change.note.details["scopes"] = scopes;
    insert(change.snapshot.api_keys, std::move(key), &ApiKey::id);
    return change;
  }

  Outcome operator()(const RevokeApiKey& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::keys_write));
    Change change = start(before);
    ApiKey* const key = find(change.snapshot.api_keys, command.id, &ApiKey::id);
    if (key == nullptr || !key->revoked_at.is_zero()) return refuse(Errc::not_found, "key");
    TERRENO_TRY_VOID(require_all(actor, key->scopes));
    key->revoked_at = now;
    change.note = note("key_deleted", "key", key->id.hex(), key->name);
    return change;
  }

  Outcome operator()(const InviteUser& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::users_write));
    TERRENO_TRY_VOID(require_all(actor, scopes_of(command.user.role)));
    User user = command.user;
    TERRENO_TRY_VOID(check_new_user(before, user, now));
    // Without anybody who administers, the first run is the way in.
    if (before.users.empty()) return refuse(Errc::last_administrator, "users");
    user.password_hash.clear();
    Change change = start(before);
    TERRENO_TRY_VOID(
        add_token(change.snapshot, {command.token, TokenPurpose::invitation, user.id, now + kInvitationLifetime}, now));
    change.note = note("user_invited", user);
    change.note.details["role"] = name_of(user.role);
    insert(change.snapshot.users, std::move(user), &User::id);
    return change;
  }

  Outcome operator()(const IssueUserLink& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::users_write));
    const User* const user = before.user(command.user_id);
    if (user == nullptr) return refuse(Errc::not_found, "user");
    TERRENO_TRY_VOID(require_all(actor, scopes_of(user->role)));
    const bool is_invited = user->password_hash.empty();
    Change change = start(before);
    drop_links(change.snapshot, user->id);
    TERRENO_TRY_VOID(add_token(change.snapshot,
                               {command.token, is_invited ? TokenPurpose::invitation : TokenPurpose::reset, user->id,
                                now + (is_invited ? kInvitationLifetime : kResetLifetime)},
                               now));
    change.note = note(is_invited ? "user_invited" : "reset_link_issued", *user);
    return change;
  }

  Outcome operator()(const UpdateUser& command) const {
    const bool only_own_words = is_own(actor, command.id) && !command.role && !command.enabled;
    if (!only_own_words) TERRENO_TRY_VOID(require(actor, Scope::users_write));
    Change change = start(before);
    User* const user = find(change.snapshot.users, command.id, &User::id);
    if (user == nullptr) return refuse(Errc::not_found, "user");
    if (!only_own_words) TERRENO_TRY_VOID(require_all(actor, scopes_of(user->role)));
    change.note = note("user_changed", *user);
    if (command.name) {
      TERRENO_TRY_VOID(check_line("name", *command.name, kNameBytesMax, Emptiness::refused));
      user->name = change.note.details["name"] = *command.name;
    }
    if (command.language) {
      user->language = *command.language;
      change.note.details["language"] = name_of(*command.language);
    }
    if (command.role && *command.role != user->role) {
      TERRENO_TRY_VOID(require_all(actor, scopes_of(*command.role)));
      user->role = *command.role;
      change.note.details["role"] = name_of(*command.role);
      end_sessions(change.snapshot, command.id);
    }
    if (command.enabled) {
      user->enabled = *command.enabled;
      change.note.details["enabled"] = *command.enabled ? "true" : "false";
      if (!*command.enabled) {
        end_sessions(change.snapshot, command.id);
        drop_links(change.snapshot, command.id);
      }
    }
    if (!somebody_administers(change.snapshot)) return refuse(Errc::last_administrator, "user");
    return change;
  }

  Outcome operator()(const RemoveUser& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::users_write));
    const User* const user = before.user(command.id);
    if (user == nullptr) return refuse(Errc::not_found, "user");
    TERRENO_TRY_VOID(require_all(actor, scopes_of(user->role)));
    Change change = start(before);
    change.note = note("user_removed", *user);
    end_sessions(change.snapshot, command.id);
    drop_links(change.snapshot, command.id);
    std::erase_if(change.snapshot.users, [&](const User& u) { return u.id == command.id; });
    if (!somebody_administers(change.snapshot)) return refuse(Errc::last_administrator, "user");
    return change;
  }

  Outcome operator()(const ChangePassword& command) const {
    if (!is_own(actor, command.user_id)) return refuse(Errc::forbidden, "user", "own");
    Change change = start(before);
    User* const user = find(change.snapshot.users, command.user_id, &User::id);
    if (user == nullptr) return refuse(Errc::not_found, "user");
    if (command.password_hash.empty()) return refuse(Errc::invalid_field, "password", "required");
    user->password_hash = command.password_hash;
    end_sessions(change.snapshot, user->id, command.keep);
    drop_links(change.snapshot, user->id);
    change.note = note("password_changed", *user);
    return change;
  }

  Outcome operator()(const IssueFirstRunToken& command) const {
    TERRENO_TRY_VOID(require_program(actor));
    // A demo's link is issued at every start, also after its administrator was made; but an installation with people of
    // its own never becomes a demo.
    if (command.demo ? !before.users.empty() && !before.installation.demo : !before.users.empty()) {
      return refuse(Errc::already_set_up, "first_run");
    }
    Change change = start(before);
    const TokenPurpose purpose = command.demo ? TokenPurpose::demo : TokenPurpose::first_run;
    std::erase_if(change.snapshot.tokens, [](const OneTimeToken& token) {
      return token.purpose == TokenPurpose::first_run || token.purpose == TokenPurpose::demo;
    });
    TERRENO_TRY_VOID(add_token(change.snapshot, {command.token, purpose, {}, now + kFirstRunLifetime}, now));
    change.snapshot.installation.demo = command.demo;
    change.note = note("first_run_link_issued", "installation", "", "");
    return change;
  }

  Outcome operator()(const CreateFirstAdministrator& command) const {
    if (!before.users.empty()) return refuse(Errc::already_set_up, "first_run");
    Change change = start(before);
    TERRENO_TRY(const OneTimeToken token, use_token(change.snapshot, command.token, now));
    if (token.purpose != TokenPurpose::first_run) return refuse(Errc::token_invalid, "token");
    User user = command.user;
    TERRENO_TRY_VOID(check_new_user(before, user, now));
    if (user.password_hash.empty()) return refuse(Errc::invalid_field, "password", "required");
    TERRENO_TRY_VOID(check_line("organisation", command.organisation, kNameBytesMax, Emptiness::allowed));
    user.role = Role::administrator;
    user.last_signed_in_at = now;
    change.snapshot.installation.language = user.language;
    if (!command.organisation.empty()) change.snapshot.installation.organisation = command.organisation;
    change.note = note("first_run_completed", user);
    const UserId id = user.id;
    insert(change.snapshot.users, std::move(user), &User::id);
    TERRENO_TRY_VOID(add_session(change.snapshot, command.session, id, now));
    return change;
  }

  Outcome operator()(const SignInToDemo& command) const {
    if (!before.installation.demo) return refuse(Errc::token_invalid, "token");
    Change change = start(before);
    TERRENO_TRY(const OneTimeToken token, use_token(change.snapshot, command.token, now));
    if (token.purpose != TokenPurpose::demo) return refuse(Errc::token_invalid, "token");
    const auto is_demo_administrator = [](const User& user) {
      return user.enabled && user.role == Role::administrator && user.password_hash.empty();
    };
    const auto existing = std::ranges::find_if(change.snapshot.users, is_demo_administrator);
    UserId id = command.user.id;
    if (existing != change.snapshot.users.end()) {
      id = existing->id;
      existing->language = command.user.language;
      existing->last_signed_in_at = now;
    } else {
      User user = command.user;
      TERRENO_TRY_VOID(check_new_user(before, user, now));
      user.role = Role::administrator;
      user.password_hash.clear();
      user.last_signed_in_at = now;
      insert(change.snapshot.users, std::move(user), &User::id);
    }
    change.note = note("first_run_completed", *change.snapshot.user(id));
    TERRENO_TRY_VOID(add_session(change.snapshot, command.session, id, now));
    return change;
  }

  Outcome operator()(const AcceptLink& command) const {
    Change change = start(before);
    TERRENO_TRY(const OneTimeToken token, use_token(change.snapshot, command.token, now));
    User* const user = find(change.snapshot.users, token.user_id, &User::id);
    if (user == nullptr || !user->enabled) return refuse(Errc::token_invalid, "token");
    if (command.password_hash.empty()) return refuse(Errc::invalid_field, "password", "required");
    if (command.name) {
      TERRENO_TRY_VOID(check_line("name", *command.name, kNameBytesMax, Emptiness::refused));
      user->name = *command.name;
    }
    if (command.language) user->language = *command.language;
    user->password_hash = command.password_hash;
    user->last_signed_in_at = now;
    const UserId id = user->id;
    change.note = note(token.purpose == TokenPurpose::reset ? "password_reset" : "invitation_accepted", *user);
    // Whoever knew the old password is out.
    end_sessions(change.snapshot, id);
    drop_links(change.snapshot, id);
    TERRENO_TRY_VOID(add_session(change.snapshot, command.session, id, now));
    return change;
  }

  Outcome operator()(const SignIn& command) const {
    Change change = start(before);
    User* const user = find(change.snapshot.users, command.session.user_id, &User::id);
    if (user == nullptr || !user->enabled || user->password_hash.empty() ||
        user->password_hash != command.password_hash) {
      return refuse(Errc::wrong_credentials, "password");
    }
    if (!command.better_hash.empty()) user->password_hash = command.better_hash;
    user->last_signed_in_at = now;
    change.note = note("signed_in", *user);
    TERRENO_TRY_VOID(add_session(change.snapshot, command.session, user->id, now));
    return change;
  }

  Outcome operator()(const SignOut& command) const {
    Change change = start(before);
    const Session* const session = find(change.snapshot.sessions, command.session, &Session::hash);
    if (session == nullptr) return refuse(Errc::not_found, "session");
    change.note = note("signed_out", *before.user(session->user_id));
    std::erase_if(change.snapshot.sessions, [&](const Session& s) { return s.hash == command.session; });
    return change;
  }

  Outcome operator()(const EndSessions& command) const {
    const User* const user = before.user(command.user_id);
    if (!is_own(actor, command.user_id)) TERRENO_TRY_VOID(require(actor, Scope::users_write));
    if (user == nullptr) return refuse(Errc::not_found, "user");
    if (!is_own(actor, command.user_id)) TERRENO_TRY_VOID(require_all(actor, scopes_of(user->role)));
    Change change = start(before);
    end_sessions(change.snapshot, user->id, command.keep);
    change.note = note("sessions_ended", *user);
    return change;
  }

  Outcome operator()(const RotateSession& command) const {
    Change change = start(before);
    const Session* const found = find(change.snapshot.sessions, command.from, &Session::hash);
    if (found == nullptr || !is_live(*found, now)) return refuse(Errc::not_found, "session");
    if (find(change.snapshot.sessions, command.to, &Session::hash) != nullptr)
      return refuse(Errc::already_exists, "session");
    Session session = *found;
    session.hash = command.to;
    session.seen_at = now;
    std::erase_if(change.snapshot.sessions, [&](const Session& s) { return s.hash == command.from; });
    insert(change.snapshot.sessions, std::move(session), &Session::hash);
    return change;
  }

  Outcome operator()(const ChangeSender& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::sender_write));
    if (command.base_version && *command.base_version != before.sender_version) {
      return refuse(Errc::version_conflict, "version", std::to_string(before.sender_version));
    }
    TERRENO_TRY_VOID(check_sender(command.sender));
    TERRENO_TRY_VOID(check_base_url(command.public_base_url));
    Change change = start(before);
    Installation& installation = change.snapshot.installation;
    const Mode old_mode = installation.mode;
    installation.sender = command.sender;
    installation.public_base_url = command.public_base_url;
    if (command.mode) installation.mode = *command.mode;
    if (installation.mode == Mode::live) {
      std::string list;
      for (const Missing missing : missing_for_live(installation, command.has_dkim_key)) {
        list.append(list.empty() ? "" : ",").append(name_of(missing));
      }
      if (!list.empty()) return refuse(Errc::not_ready_for_live, "mode", list);
    }
    ++change.snapshot.sender_version;
    const bool is_mode_change = installation.mode != old_mode;
    change.note = note(!is_mode_change                   ? "sender_changed"
                       : installation.mode == Mode::live ? "went_live"
                                                         : "went_sandbox",
                       "sender", "", command.sender.brand);
    describe_sender(change.note, before.installation, installation);
    return change;
  }

  Outcome operator()(const SetInstallation& command) const {
    TERRENO_TRY_VOID(require(actor, Scope::admin));
    Change change = start(before);
    Installation& installation = change.snapshot.installation;
    change.note = note("installation_changed", "installation", "", "");
    if (command.organisation) {
      TERRENO_TRY_VOID(check_line("organisation", *command.organisation, kNameBytesMax, Emptiness::allowed));
      installation.organisation = change.note.details["organisation"] = *command.organisation;
    }
    if (command.language) {
      installation.language = *command.language;
      change.note.details["language"] = name_of(*command.language);
    }
    if (command.time_zone) {
      TERRENO_TRY_VOID(check_line("time_zone", *command.time_zone, 64, Emptiness::refused));
      installation.time_zone = change.note.details["time_zone"] = *command.time_zone;
    }
    if (command.trusted_proxies) {
      if (command.trusted_proxies->size() > kTrustedProxiesMax) {
        return refuse(Errc::limit_reached, "trusted_proxies", std::to_string(kTrustedProxiesMax));
      }
      for (size_t i = 0; i < command.trusted_proxies->size(); ++i) {
        TERRENO_TRY_VOID(check_network(fmt::format("trusted_proxies[{}]", i), (*command.trusted_proxies)[i]));
      }
      installation.trusted_proxies = *command.trusted_proxies;
      change.note.details["trusted_proxies"] = fmt::format("{}", fmt::join(installation.trusted_proxies, " "));
    }
    return change;
  }

  Outcome operator()(const RememberInstallationKey& command) const {
    TERRENO_TRY_VOID(require_program(actor));
    TERRENO_TRY_VOID(check_line("fingerprint", command.fingerprint, 64, Emptiness::refused));
    Change change = start(before);
    change.snapshot.installation.key_fingerprint = command.fingerprint;
    change.note = note("installation_key_remembered", "installation", command.fingerprint, "");
    return change;
  }

  Outcome operator()(const RecordActivity& command) const {
    TERRENO_TRY_VOID(require_program(actor));
    Change change = start(before);
    for (const auto& [id, at] : command.api_keys) {
      ApiKey* const key = find(change.snapshot.api_keys, id, &ApiKey::id);
      if (key != nullptr) key->last_used_at = std::max(key->last_used_at, at);
    }
    for (const auto& [hash, at] : command.sessions) {
      Session* const session = find(change.snapshot.sessions, hash, &Session::hash);
      if (session != nullptr) session->seen_at = std::max(session->seen_at, at);
    }
    std::erase_if(change.snapshot.sessions, [&](const Session& session) { return !is_live(session, now); });
    std::erase_if(change.snapshot.tokens, [&](const OneTimeToken& token) { return token.expires_at <= now; });
    return change;
  }

 private:
  std::expected<void, Error> check_unique(const Source& source) const {
    for (const Source& other : before.sources) {
      if (other.id == source.id) continue;
      if (other.name == source.name) return refuse(Errc::already_exists, "name");
      if (other.write_key == source.write_key) return refuse(Errc::already_exists, "write_key");
    }
    return {};
  }

  static void describe_sender(AuditNote& note, const Installation& before, const Installation& after) {
    const auto say = [&](std::string_view field, const std::string& old_text, const std::string& new_text) {
      if (old_text != new_text) note.details[std::string(field)] = new_text;
    };
    say("brand", before.sender.brand, after.sender.brand);
    say("legal_entity", before.sender.legal_entity, after.sender.legal_entity);
    say("postal_address", before.sender.postal_address, after.sender.postal_address);
    say("from_name", before.sender.from_name, after.sender.from_name);
    say("from_address", before.sender.from_address, after.sender.from_address);
    say("reply_to", before.sender.reply_to, after.sender.reply_to);
    say("envelope_domain", before.sender.envelope_domain, after.sender.envelope_domain);
    say("dkim_selector", before.sender.dkim_selector, after.sender.dkim_selector);
    say("footer", before.sender.footer, after.sender.footer);
    say("public_base_url", before.public_base_url, after.public_base_url);
  }
};

}  // namespace

std::expected<Change, Error> execute(const Snapshot& snapshot, const Command& command, const Principal& actor,
                                     Timestamp now) {
  return std::visit(Executor{snapshot, actor, now}, command);
}

}  // namespace terreno::governance
