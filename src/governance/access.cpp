#include "governance/access.h"

#include <algorithm>
#include <array>

namespace terreno::governance {

namespace {

constexpr std::array<std::string_view, kScopeCount> kScopeNames{
    "events:write",   "events:read",  "people:read",   "people:correct", "people:object",      "messages:read",
    "consents:write", "sources:read", "sources:write", "keys:read",      "keys:write",         "users:read",
    "users:write",    "audit:read",   "sender:read",   "sender:write",   "configuration:read", "configuration:write",
    "health:read",    "clock:write",  "admin"};
constexpr std::array<std::string_view, kRoleCount> kRoleNames{"administrator", "marketer", "frontline",
                                                              "privacy",       "engineer", "viewer"};
constexpr std::array<std::string_view, 3> kLanguageNames{"en", "es", "fr"};
constexpr std::array<std::string_view, 5> kActorNames{"system", "user", "key", "one_time_link", "command_line"};

template <typename Enum, size_t size>
std::optional<Enum> find_name(const std::array<std::string_view, size>& names, std::string_view name) {
  const auto* const found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

constexpr ScopeSet kEveryoneReads{Scope::sources_read, Scope::sender_read, Scope::configuration_read,
                                  Scope::health_read};

constexpr ScopeSet with(ScopeSet set, std::initializer_list<Scope> more) {
  for (const Scope scope : more) set.add(scope);
  return set;
}

// Each role is the least that its work needs. Whoever only builds needs no person; whoever serves one person needs no
// keys; only administrators manage people who sign in.
constexpr std::array<ScopeSet, kRoleCount> kRoleScopes{
    ScopeSet{Scope::admin},
    with(kEveryoneReads, {Scope::events_read, Scope::people_read, Scope::messages_read, Scope::configuration_write}),
    with(kEveryoneReads, {Scope::people_read, Scope::people_correct, Scope::people_object, Scope::messages_read,
                          Scope::consents_write}),
    with(kEveryoneReads, {Scope::people_read, Scope::people_correct, Scope::people_object, Scope::messages_read,
                          Scope::consents_write, Scope::users_read, Scope::audit_read}),
    with(kEveryoneReads, {Scope::events_write, Scope::events_read, Scope::sources_write, Scope::keys_read,
                          Scope::keys_write, Scope::sender_write, Scope::configuration_write}),
    kEveryoneReads,
};

}  // namespace

std::string_view name_of(Scope scope) { return kScopeNames[static_cast<size_t>(scope)]; }
std::optional<Scope> scope_from(std::string_view name) { return find_name<Scope>(kScopeNames, name); }
std::string_view name_of(Role role) { return kRoleNames[static_cast<size_t>(role)]; }
std::optional<Role> role_from(std::string_view name) { return find_name<Role>(kRoleNames, name); }
ScopeSet scopes_of(Role role) { return kRoleScopes[static_cast<size_t>(role)]; }
std::string_view name_of(Language language) { return kLanguageNames[static_cast<size_t>(language)]; }
std::optional<Language> language_from(std::string_view name) { return find_name<Language>(kLanguageNames, name); }
std::string_view name_of(ActorKind kind) { return kActorNames[static_cast<size_t>(kind)]; }
std::optional<ActorKind> actor_kind_from(std::string_view name) { return find_name<ActorKind>(kActorNames, name); }

}  // namespace terreno::governance
