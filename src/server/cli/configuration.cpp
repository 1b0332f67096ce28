// validate and apply: configuration as documents in a folder.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "flow/configuration.h"
#include "server/cli/client.h"
#include "server/cli/commands.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;

std::optional<std::vector<flow::Document>> read_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  const auto unreadable = [](const fs::path& path, const std::error_code& error) {
    fail(fmt::format("{} cannot be read ({})", path.string(), error.message()),
         "look for a mistyped name, a broken link, or a right that is missing");
    return std::nullopt;
  };
  std::vector<flow::Document> documents;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  if (error) return unreadable(folder, error);
  // Not a range-for: its steps throw.
  for (; entry != fs::end(entry); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.extension() != ".yaml" && path.extension() != ".yml") continue;
    if (entry->is_directory(error)) continue;
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file) return unreadable(path, error ? error : std::error_code(errno, std::generic_category()));
    documents.push_back({path.lexically_relative(folder).generic_string(), std::move(text)});
    if (documents.size() > flow::kDocumentsMax) break;
  }
  if (error) return unreadable(folder, error);
  if (documents.empty()) {
    fail(fmt::format("{} holds no documents", folder), "name a folder with .yaml files");
    return std::nullopt;
  }
  std::ranges::sort(documents);
  return documents;
}

/// 0, or kFindings after telling them.
int check(const std::vector<flow::Document>& documents) {
  std::vector<Finding> findings;
  static_cast<void>(flow::read_configuration(documents, findings));
  for (const flow::Document& document : documents) content::check_publishable(document.path, document.text, findings);
  if (findings.empty()) return 0;
  tell_findings(findings);
  return kFindings;
}

struct ConfigurationFlags {
  std::string folder;
  bool as_json = false;
  bool prune = false;
  bool dry_run = false;
  ServerOption server;
};

int apply(const ConfigurationFlags& flags) {
  const auto documents = read_folder(flags.folder);
  if (!documents) return kFailed;
  if (const int code = check(*documents); code != 0) return code;
  const auto before = flags.server.ask("GET", "/api/v1/configuration");
  if (!before) return before.error();
  json::array items;
  for (const flow::Document& document : *documents) items.push_back({{"path", document.path}, {"text", document.text}});
  const auto* const version = before->is_object() ? before->get_object().if_contains("version") : nullptr;
  if (version == nullptr) return fail("the server's answer has no version", "is it a Terreno of this version?");
  const auto after = flags.server.ask("POST", "/api/v1/configuration",
                                      {{"base_version", *version},
                                       {"documents", std::move(items)},
                                       {"prune", flags.prune},
                                       {"dry_run", flags.dry_run}});
  if (!after) return after.error();
  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(*after));
    return 0;
  }
  for (const json::value& change : after->at("changes").as_array())
    fmt::print("{}  {}\n", std::string_view(change.at("change").as_string()),
               std::string_view(change.at("path").as_string()));
  fmt::print("version {}\n", json::serialize(after->at("version")));
  return 0;
}

}  // namespace

void add_validate(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<ConfigurationFlags>();
  CLI::App* const command = app.add_subcommand("validate", "Check documents, without a server");
  command->add_option("FOLDER", flags->folder)->required();
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code] {
    const auto documents = read_folder(flags->folder);
    exit_code = documents ? check(*documents) : kFailed;
    if (exit_code == 0 && flags->as_json) tell_findings({});
  });
}

void add_apply(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<ConfigurationFlags>();
  CLI::App* const command = app.add_subcommand("apply", "Put documents in force on a running server");
  command->add_option("FOLDER", flags->folder)->required();
  command->add_flag("--prune", flags->prune, "Remove documents that are not in the folder");
  command->add_flag("--dry-run", flags->dry_run, "Say what would change, only");
  command->add_flag("--json", flags->as_json);
  flags->server.add_to(*command);
  command->callback([flags, &exit_code] { exit_code = apply(*flags); });
}

}  // namespace terreno::server::cli
