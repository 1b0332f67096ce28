// keys and users: offline, on a data folder whose server is stopped. (A running server has the same in its console.)

#include <fmt/format.h>

#include <boost/json.hpp>

#include "adapters/store/store.h"
#include "server/cli/commands.h"
#include "server/open_folder.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;
using governance::Principal;

struct Folder {
  std::unique_ptr<engine::Files> files = adapters::posix_files();
  std::unique_ptr<engine::Clock> clock = adapters::system_clock();
  std::unique_ptr<engine::FileLock> lock;
  OpenRegistry open;
  [[nodiscard]] Timestamp now() const { return clock->now(); }
};

/// Null: told on standard error.
std::unique_ptr<Folder> open_folder(const std::string& path) {
  auto folder = std::make_unique<Folder>();
  if (const auto refused = refuse_folder(path)) {
    fail(*refused);
    return nullptr;
  }
  auto lock = folder->files->lock(path + "/lock");
  if (!lock) {
    fail("the server is running on this folder", "do it in the console, or stop the server first");
    return nullptr;
  }
  folder->lock = std::move(*lock);
  auto open = open_registry(path, folder->now());
  if (!open) {
    fail(sentence_of_file(open.error(), "the registry"));
    return nullptr;
  }
  folder->open = std::move(*open);
  return folder;
}

int refused(const governance::Error& error) { return fail(sentence_of(error)); }

struct AccessFlags {
  std::string folder = Settings().data_folder;
  bool as_json = false;
  std::string name;
  std::vector<std::string> scopes;
  std::string id;
  std::string email;
  std::string role = "viewer";
  std::string language = "en";
  std::string base_url = "http://localhost:8080";
};

int list_keys(const AccessFlags& flags) {
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  json::array items;
  for (const governance::ApiKey& key : folder->open.registry->snapshot()->api_keys) {
    json::array scopes;
    for (int i = 0; i < governance::kScopeCount; ++i) {
      const auto scope = static_cast<governance::Scope>(i);
      if (key.scopes.names(scope)) scopes.emplace_back(governance::name_of(scope));
    }
    if (!flags.as_json)
      fmt::print("{}  {}  …{}  {}{}\n", key.id.hex(), key.name, key.hint, json::serialize(scopes),
                 key.in_force(folder->now()) ? "" : "  (not in force)");
    items.push_back({{"id", key.id.hex()},
                     {"name", key.name},
                     {"hint", key.hint},
                     {"scopes", std::move(scopes)},
                     {"in_force", key.in_force(folder->now())}});
  }
  if (flags.as_json) fmt::print("{}\n", json::serialize(items));
  return 0;
}

int create_key(const AccessFlags& flags) {
  governance::ScopeSet scopes;
  for (const std::string& name : flags.scopes) {
    const auto scope = governance::scope_from(name);
    if (!scope) return fail(fmt::format("`{}` is no scope", name), "such as people:read or consents:write", kUsage);
    scopes.add(*scope);
  }
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  const auto made =
      folder->open.registry->create_api_key(flags.name, scopes, {}, Principal::of_command_line(), folder->now());
  if (!made) return refused(made.error());
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(json::object{{"id", made->key.id.hex()}, {"key", made->secret.reveal()}}));
  } else {
    fmt::print("{}\n", made->secret.reveal());
    fmt::print(stderr, "Keep it: it is shown this once.\n");
  }
  return 0;
}

int revoke_key(const AccessFlags& flags) {
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  const auto after = folder->open.registry->change(governance::RevokeApiKey{governance::ApiKeyId::from_hex(flags.id)},
                                                   Principal::of_command_line(), folder->now());
  if (!after) return refused(after.error());
  if (flags.as_json) fmt::print("{}\n", json::serialize(json::object{{"revoked", flags.id}}));
  return 0;
}

int list_users(const AccessFlags& flags) {
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  json::array items;
  for (const governance::User& user : folder->open.registry->snapshot()->users) {
    if (!flags.as_json)
      fmt::print("{}  {}  {}  {}{}\n", user.id.hex(), user.email, user.name, governance::name_of(user.role),
                 user.enabled ? "" : "  (disabled)");
    items.push_back({{"id", user.id.hex()},
                     {"email", user.email},
                     {"name", user.name},
                     {"role", governance::name_of(user.role)},
                     {"enabled", user.enabled}});
  }
  if (flags.as_json) fmt::print("{}\n", json::serialize(items));
  return 0;
}

int print_link(const AccessFlags& flags, std::string_view path, const governance::NewLink& link) {
  const std::string url = fmt::format("{}/app/{}?token={}", flags.base_url, path, link.token.reveal());
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(json::object{{"link", url}, {"expires_at", format_iso8601(link.expires_at)}}));
  } else {
    fmt::print("{}\n", url);
  }
  return 0;
}

int invite_user(const AccessFlags& flags) {
  const auto role = governance::role_from(flags.role);
  if (!role)
    return fail(fmt::format("`{}` is no role", flags.role), "such as administrator, marketer or viewer", kUsage);
  const auto language = governance::language_from(flags.language);
  if (!language) return fail(fmt::format("`{}` is no language", flags.language), "choose es, fr or en", kUsage);
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  const auto link = folder->open.registry->invite_user({flags.email, flags.name, *language, *role},
                                                       Principal::of_command_line(), folder->now());
  if (!link) return refused(link.error());
  return print_link(flags, "link", *link);
}

int reset_link(const AccessFlags& flags) {
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  const auto snapshot = folder->open.registry->snapshot();
  const governance::User* const user = snapshot->user_by_email(flags.email);
  if (user == nullptr) return fail("there is no such user", "`terreno users list` shows all of them");
  const auto link = folder->open.registry->issue_user_link(user->id, Principal::of_command_line(), folder->now());
  if (!link) return refused(link.error());
  return print_link(flags, "link", *link);
}

int remove_user(const AccessFlags& flags) {
  const auto folder = open_folder(flags.folder);
  if (!folder) return kFailed;
  const auto snapshot = folder->open.registry->snapshot();
  const governance::User* const user = snapshot->user_by_email(flags.email);
  if (user == nullptr) return fail("there is no such user", "`terreno users list` shows all of them");
  const auto after =
      folder->open.registry->change(governance::RemoveUser{user->id}, Principal::of_command_line(), folder->now());
  if (!after) return refused(after.error());
  if (flags.as_json) fmt::print("{}\n", json::serialize(json::object{{"removed", flags.email}}));
  return 0;
}

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& help,
                   const std::shared_ptr<AccessFlags>& flags, int& exit_code, int (*run)(const AccessFlags&)) {
  CLI::App* const command = parent.add_subcommand(name, help);
  add_data_option(*command, flags->folder);
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code, run] { exit_code = run(*flags); });
  return command;
}

}  // namespace

void add_keys(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<AccessFlags>();
  CLI::App* const keys = app.add_subcommand("keys", "API keys, on the folder of a stopped server");
  keys->require_subcommand(1);
  add_verb(*keys, "list", "Every key, without its secret", flags, exit_code, list_keys);
  CLI::App* const create = add_verb(*keys, "create", "Make a key; prints it, once", flags, exit_code, create_key);
  create->add_option("--name", flags->name, "What it is for")->required();
  create->add_option("--scope", flags->scopes, "Such as people:read; may be repeated")->required();
  CLI::App* const revoke = add_verb(*keys, "revoke", "Make a key worthless", flags, exit_code, revoke_key);
  revoke->add_option("ID", flags->id)->required();
}

void add_users(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<AccessFlags>();
  CLI::App* const users = app.add_subcommand("users", "Who may sign in, on the folder of a stopped server");
  users->require_subcommand(1);
  add_verb(*users, "list", "Everybody", flags, exit_code, list_users);
  CLI::App* const invite =
      add_verb(*users, "invite", "Make a link by which somebody joins", flags, exit_code, invite_user);
  invite->add_option("EMAIL", flags->email)->required();
  invite->add_option("--name", flags->name, "As colleagues know them")->required();
  invite->add_option("--role", flags->role)->capture_default_str();
  invite->add_option("--language", flags->language, "es, fr or en")->capture_default_str();
  invite->add_option("--base-url", flags->base_url, "Where the console is")->capture_default_str();
  CLI::App* const reset =
      add_verb(*users, "reset-link", "Make a link by which somebody sets a new password", flags, exit_code, reset_link);
  reset->add_option("EMAIL", flags->email)->required();
  reset->add_option("--base-url", flags->base_url, "Where the console is")->capture_default_str();
  CLI::App* const remove = add_verb(*users, "remove", "Take somebody's access away", flags, exit_code, remove_user);
  remove->add_option("EMAIL", flags->email)->required();
}

}  // namespace terreno::server::cli
