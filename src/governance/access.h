#pragma once

// Who may do what. A scope is one permission; a role is a fixed set of scopes for a person; an API key carries its own
// set. Whoever asks becomes a Principal, and the route says which scope it needs: nothing else decides.
//
// 1. The table role × scope is in access.cpp and in a test, cell by cell.
// 2. `admin` implies every scope. Nobody can hand out a scope that they do not hold (see registry.h).

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace terreno::governance {

/// The numbers are bits on disk: never reuse one.
enum class Scope : uint8_t {
  events_write = 0,
  events_read = 1,
  people_read = 2,
  people_correct = 3,
  people_object = 4,
  messages_read = 5,
  consents_write = 6,
  sources_read = 7,
  sources_write = 8,
  keys_read = 9,
  keys_write = 10,
  users_read = 11,
  users_write = 12,
  audit_read = 13,
  sender_read = 14,
  sender_write = 15,
  configuration_read = 16,
  configuration_write = 17,
  health_read = 18,
  clock_write = 19,
  admin = 20,
};
inline constexpr Scope kScopeLast = Scope::admin;
inline constexpr int kScopeCount = static_cast<int>(kScopeLast) + 1;

/// `people:read`: the word used in the API, in the console and in openapi.yaml.
[[nodiscard]] std::string_view name_of(Scope scope);
[[nodiscard]] std::optional<Scope> scope_from(std::string_view name);

class ScopeSet {
 public:
  constexpr ScopeSet() = default;
  constexpr ScopeSet(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  constexpr void add(Scope scope) { bits_ |= bit(scope); }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  /// Named in the set, `admin` not counting for the others.
  [[nodiscard]] constexpr bool names(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  [[nodiscard]] constexpr bool allows(Scope scope) const { return names(Scope::admin) || names(scope); }
  /// Every scope of `other` is allowed here.
  [[nodiscard]] constexpr bool covers(ScopeSet other) const {
    return names(Scope::admin) || (other.bits_ & ~bits_) == 0;
  }
  [[nodiscard]] constexpr uint32_t bits() const { return bits_; }
  /// Nothing when a bit is set that no scope has.
  [[nodiscard]] static constexpr std::optional<ScopeSet> from_bits(uint32_t bits) {
    if (bits >= (1U << kScopeCount)) return std::nullopt;
    ScopeSet set;
    set.bits_ = bits;
    return set;
  }
  bool operator==(const ScopeSet&) const = default;

 private:
  static constexpr uint32_t bit(Scope scope) { return 1U << static_cast<uint32_t>(scope); }
  uint32_t bits_ = 0;
};

/// The numbers are on disk.
enum class Role : uint8_t { administrator = 0, marketer = 1, frontline = 2, privacy = 3, engineer = 4, viewer = 5 };
inline constexpr Role kRoleLast = Role::viewer;
inline constexpr int kRoleCount = static_cast<int>(kRoleLast) + 1;

[[nodiscard]] std::string_view name_of(Role role);
[[nodiscard]] std::optional<Role> role_from(std::string_view name);
[[nodiscard]] ScopeSet scopes_of(Role role);

/// The languages a person can use the console in. The numbers are on disk.
enum class Language : uint8_t { english = 0, spanish = 1, french = 2 };
inline constexpr Language kLanguageLast = Language::french;
/// `en`, `es`, `fr`.
[[nodiscard]] std::string_view name_of(Language language);
[[nodiscard]] std::optional<Language> language_from(std::string_view name);

enum class ActorKind : uint8_t {
  system = 0,       ///< the program itself: start, expiry, rotation
  user = 1,         ///< a person who signed in
  api_key = 2,      ///< a machine
  one_time = 3,     ///< whoever holds a one-time link: first run, invitation, new password
  command_line = 4  ///< whoever has the data folder: `terreno users reset-link`
};
inline constexpr ActorKind kActorKindLast = ActorKind::command_line;
[[nodiscard]] std::string_view name_of(ActorKind kind);
[[nodiscard]] std::optional<ActorKind> actor_kind_from(std::string_view name);

/// Who asks: the result of authentication, and what commands and the audit log are given.
struct Principal {
  ActorKind kind = ActorKind::system;
  std::string id;       ///< user or key id; empty otherwise
  std::string name;     ///< for people to read: the user's e-mail or the key's name
  std::string address;  ///< the network address it came from, as far as trusted proxies tell; empty for the system
  ScopeSet scopes;
  Language language = Language::english;

  /// The program itself, and whoever holds the data folder, may do everything.
  [[nodiscard]] static Principal program() {
    Principal principal;
    principal.scopes.add(Scope::admin);
    return principal;
  }
  [[nodiscard]] static Principal of_command_line() {
    Principal principal = program();
    principal.kind = ActorKind::command_line;
    return principal;
  }
  bool operator==(const Principal&) const = default;
};

}  // namespace terreno::governance
