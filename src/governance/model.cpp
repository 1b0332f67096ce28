#include "governance/model.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace terreno::governance {

namespace {

constexpr std::array<std::string_view, 15> kErrorNames{
    "invalid_field",      "not_found",        "already_exists", "limit_reached",     "forbidden",
    "last_administrator", "token_invalid",    "already_set_up", "wrong_credentials", "too_many_attempts",
    "not_ready_for_live", "version_conflict", "storage_failed", "corrupt",           "newer_format"};
constexpr std::array<std::string_view, 3> kSourceKindNames{"browser", "mobile", "server"};
constexpr std::array<std::string_view, 4> kPurposeNames{"first_run", "demo", "invitation", "reset"};
constexpr std::array<std::string_view, 11> kMissingNames{
    "brand",           "legal_entity",  "postal_address", "from_name",       "from_address", "reply_to",
    "envelope_domain", "dkim_selector", "dkim_key",       "public_base_url", "real_data"};

std::unexpected<Error> corrupt(std::string field, std::string rule) {
  return std::unexpected(Error{Errc::corrupt, std::move(field), std::move(rule)});
}

template <typename List, typename Key>
const typename List::value_type* find_ordered(const List& list, const Key& key) {
  const auto found = std::ranges::lower_bound(list, key, {}, &List::value_type::id);
  return found != list.end() && found->id == key ? &*found : nullptr;
}

// Strictly ascending: ordered, and each key once.
template <typename List, typename Projection>
bool is_ordered(const List& list, Projection projection) {
  return std::ranges::adjacent_find(list, [&](const auto& a, const auto& b) {
           return !(std::invoke(projection, a) < std::invoke(projection, b));
         }) == list.end();
}

bool is_public_https(std::string_view url) {
  if (!url.starts_with("https://")) return false;
  const std::string_view host = url.substr(8, url.find_first_of(":/", 8) - 8);
  // A name without a dot, or this machine's own, opens on nobody else's.
  return host.find('.') != std::string_view::npos && host != "127.0.0.1" && !host.ends_with(".localhost") &&
         !host.ends_with(".local") && host != "0.0.0.0";
}

}  // namespace

std::string_view name_of(Errc code) { return kErrorNames[static_cast<size_t>(code)]; }
std::string_view name_of(SourceKind kind) { return kSourceKindNames[static_cast<size_t>(kind)]; }
std::optional<SourceKind> source_kind_from(std::string_view name) {
  const auto* const found = std::ranges::find(kSourceKindNames, name);
  if (found == kSourceKindNames.end()) return std::nullopt;
  return static_cast<SourceKind>(found - kSourceKindNames.begin());
}
std::string_view name_of(TokenPurpose purpose) { return kPurposeNames[static_cast<size_t>(purpose)]; }
std::string_view name_of(Mode mode) { return mode == Mode::live ? "live" : "sandbox"; }
std::string_view name_of(Missing missing) { return kMissingNames[static_cast<size_t>(missing)]; }

bool can_administer(const User& user, bool demo) {
  return user.enabled && user.role == Role::administrator && (demo || !user.password_hash.empty());
}

bool is_live(const Session& session, Timestamp now) {
  return now < session.seen_at + kSessionIdle && now < session.created_at + kSessionLifetime;
}

const Source* Snapshot::source(SourceId id) const { return find_ordered(sources, id); }
const ApiKey* Snapshot::api_key(ApiKeyId id) const { return find_ordered(api_keys, id); }
const User* Snapshot::user(UserId id) const { return find_ordered(users, id); }
const User* Snapshot::user_by_email(std::string_view email) const {
  const auto found = std::ranges::find(users, email, &User::email);
  return found == users.end() ? nullptr : &*found;
}

std::expected<void, Error> check_invariants(const Snapshot& snapshot) {
  if (snapshot.sources.size() > kSourcesMax) return corrupt("sources", "count");
  if (snapshot.api_keys.size() > kApiKeysMax) return corrupt("api_keys", "count");
  if (snapshot.users.size() > kUsersMax) return corrupt("users", "count");
  if (snapshot.sessions.size() > kSessionsMax) return corrupt("sessions", "count");
  if (snapshot.tokens.size() > kTokensMax) return corrupt("tokens", "count");
  if (!is_ordered(snapshot.sources, &Source::id)) return corrupt("sources", "order");
  if (!is_ordered(snapshot.api_keys, &ApiKey::id)) return corrupt("api_keys", "order");
  if (!is_ordered(snapshot.users, &User::id)) return corrupt("users", "order");
  if (!is_ordered(snapshot.sessions, &Session::hash)) return corrupt("sessions", "order");
  if (!is_ordered(snapshot.tokens, &OneTimeToken::hash)) return corrupt("tokens", "order");
  std::set<std::string_view> seen;
  for (const Source& source : snapshot.sources) {
    if (source.write_key.empty() || !seen.insert(source.write_key).second)
      return corrupt("sources.write_key", "unique");
  }
  seen.clear();
  for (const User& user : snapshot.users) {
    if (user.email.empty() || !seen.insert(user.email).second) return corrupt("users.email", "unique");
  }
  std::set<Digest> hashes;
  for (const ApiKey& key : snapshot.api_keys) {
    if (!hashes.insert(key.hash).second) return corrupt("api_keys.hash", "unique");
  }
  for (const Session& session : snapshot.sessions) {
    if (snapshot.user(session.user_id) == nullptr) return corrupt("sessions.user_id", "reference");
  }
  for (const OneTimeToken& token : snapshot.tokens) {
    const bool of_user = token.purpose == TokenPurpose::invitation || token.purpose == TokenPurpose::reset;
    if (of_user != (snapshot.user(token.user_id) != nullptr)) return corrupt("tokens.user_id", "reference");
  }
  const auto administers = [&](const User& user) { return can_administer(user, snapshot.installation.demo); };
  if (!snapshot.users.empty() && std::ranges::none_of(snapshot.users, administers)) {
    return corrupt("users", "administrator");
  }
  if (snapshot.installation.demo && snapshot.installation.mode == Mode::live)
    return corrupt("installation.mode", "demo");
  return {};
}

std::vector<Missing> missing_for_live(const Installation& installation, bool has_dkim_key) {
  const Sender& sender = installation.sender;
  std::vector<Missing> missing;
  const auto need = [&](bool there, Missing what) {
    if (!there) missing.push_back(what);
  };
  need(!sender.brand.empty(), Missing::brand);
  need(!sender.legal_entity.empty(), Missing::legal_entity);
  need(!sender.postal_address.empty(), Missing::postal_address);
  need(!sender.from_name.empty(), Missing::from_name);
  need(!sender.from_address.empty(), Missing::from_address);
  need(!sender.reply_to.empty(), Missing::reply_to);
  need(!sender.envelope_domain.empty(), Missing::envelope_domain);
  need(!sender.dkim_selector.empty(), Missing::dkim_selector);
  need(has_dkim_key, Missing::dkim_key);
  need(is_public_https(installation.public_base_url), Missing::public_base_url);
  need(!installation.demo, Missing::real_data);
  return missing;
}

}  // namespace terreno::governance
