// init and serve.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "adapters/store/store.h"
#include "server/cli/commands.h"
#include "server/open_folder.h"
#include "server/serve.h"

namespace terreno::server::cli {

namespace {

struct InitOptions {
  std::string folder = Settings().data_folder;
  std::string source = "First source";
  std::string kind = "server";
  std::string key_file;
  bool as_json = false;
};

int init(const InitOptions& options) {
  const auto kind = governance::source_kind_from(options.kind);
  if (!kind)
    return fail(fmt::format("`{}` is not a kind of source", options.kind), "choose browser, mobile or server", kUsage);
  const FolderKind found = kind_of(options.folder);
  if (found == FolderKind::foreign || found == FolderKind::no_folder || found == FolderKind::unreadable)
    return fail(*refuse_folder(options.folder));
  if (!make_data_folder(options.folder)) return fail("the data folder cannot be made", "choose another with --data");
  const auto clock = adapters::system_clock();
  const auto files = adapters::posix_files();
  const auto lock = files->lock(options.folder + "/lock");
  if (!lock) return fail("another terreno is running on this folder", "stop it first");
  auto open = open_registry(options.folder, clock->now());
  if (!open) return fail(sentence_of_file(open.error(), "the registry"));
  if (!open->registry->snapshot()->sources.empty())
    return fail(fmt::format("{} is an installation already", options.folder),
                "serve it, or name another folder with --data");
  const std::filesystem::path key_path =
      options.key_file.empty() ? default_key_path(options.folder) : std::filesystem::path(options.key_file);
  const auto key = open_installation_key(key_path, options.folder, *open->registry, clock->now());
  if (!key) return fail(sentence_of_key(key.error(), key_path));
  const auto source = open->registry->create_source({options.source, *kind, "", ""},
                                                    governance::Principal::of_command_line(), clock->now());
  if (!source) return fail(sentence_of(source.error()));
  if (options.as_json) {
    fmt::print("{}\n", boost::json::serialize(boost::json::object{{"source", source->name},
                                                                  {"write_key", source->write_key},
                                                                  {"key_file", key_path.string()},
                                                                  {"fingerprint", key->fingerprint()}}));
    return 0;
  }
  fmt::print("{}\n", source->write_key);
  fmt::print(stderr,
             "The installation key is in {} (fingerprint {}).\nSave a copy of it apart from the data folder: every "
             "link in every letter depends on it.\n",
             key_path.string(), key->fingerprint());
  return 0;
}

struct ServeFlags {
  std::string data, listen, key_file, config, public_base_url, role = "all", clock = "system", clock_start;
  std::vector<std::string> trusted_proxies;
  unsigned threads = 0;
  uint64_t memory_mib = 0;
  bool as_json = false;
};

int run_serve(const ServeFlags& flags) {
  Settings settings;
  if (!flags.config.empty()) {
    std::ifstream file(flags.config, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if (!file) return fail(fmt::format("{} cannot be read", flags.config), "name a file with --config", kUsage);
    std::vector<Finding> findings;
    read_settings_file(flags.config, text, settings, findings);
    if (!findings.empty()) {
      tell_findings(findings);
      return kFindings;
    }
  }
  if (const auto read = read_environment(settings); !read) return fail(read.error(), kUsage);
  if (!flags.data.empty()) settings.data_folder = flags.data;
  if (!flags.listen.empty()) settings.listen = flags.listen;
  if (!flags.key_file.empty()) settings.key_file = flags.key_file;
  if (!flags.public_base_url.empty()) settings.public_base_url = flags.public_base_url;
  if (!flags.trusted_proxies.empty()) {
    settings.trusted_proxies.emplace();
    for (const std::string& each : flags.trusted_proxies)
      for (std::string& network : split_list(each)) settings.trusted_proxies->push_back(std::move(network));
  }
  if (flags.threads != 0) settings.threads = flags.threads;
  if (flags.memory_mib != 0) settings.memory_mib = flags.memory_mib;
  if (const auto checked = check_settings(settings); !checked) return fail(checked.error(), kUsage);
  // Serving makes no installation: a mistyped name would be an empty one, and its events would be missed.
  if (const auto refused = refuse_folder(settings.data_folder)) return fail(*refused);
  if (flags.role == "intake") return serve_intake(settings, flags.as_json);
  if (flags.clock == "manual") {
    settings.is_clock_manual = true;
    settings.clock_start = adapters::system_clock()->now();
    if (!flags.clock_start.empty()) {
      const auto start = parse_iso8601(flags.clock_start);
      if (!start) return fail("--clock-start is no ISO 8601 time", "write it as 2026-01-31T00:00:00Z", kUsage);
      settings.clock_start = start->time;
    }
  }
  return serve(settings, flags.as_json);
}

}  // namespace

void add_init(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* const command = app.add_subcommand("init", "Make a data folder and its first source; prints the write key");
  add_data_option(*command, options->folder);
  command->add_option("--source", options->source, "Name of the source")->capture_default_str();
  command->add_option("--kind", options->kind, "browser, mobile or server")->capture_default_str();
  command->add_option("--key-file", options->key_file, "The installation key; by default beside the data folder");
  command->add_flag("--json", options->as_json);
  command->callback([options, &exit_code] { exit_code = init(*options); });
}

void add_serve(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* const command = app.add_subcommand("serve", "Run Terreno");
  command->add_option("--data", flags->data, "The data folder, made by `terreno init` [terreno-data]");
  command->add_option("--listen", flags->listen, "Address and port [127.0.0.1:8080]");
  command->add_option("--config", flags->config, "A file with settings; flags and environment win over it")
      ->envname("TERRENO_CONFIG");
  command->add_option("--key-file", flags->key_file, "The installation key; by default beside the data folder");
  command->add_option("--public-base-url", flags->public_base_url,
                      "Where the world reaches it, https://crm.example.org");
  command->add_option("--trusted-proxies", flags->trusted_proxies,
                      "Addresses or blocks of the proxies whose X-Forwarded-For is believed");
  command->add_option("--role", flags->role, "all, or intake: store without applying")
      ->check(CLI::IsMember({"all", "intake"}))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "HTTP threads [2]")->check(CLI::Range(1U, kThreadsMax));
  command->add_option("--memory-mib", flags->memory_mib, "For people in memory [2048]")
      ->check(CLI::Range(kMemoryMibMin, kMemoryMibMax));
  command->add_option("--clock", flags->clock, "system, or manual: stands until POST /api/v1/clock moves it")
      ->check(CLI::IsMember({"system", "manual"}))
      ->capture_default_str();
  command->add_option("--clock-start", flags->clock_start, "Where a manual clock begins");
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code] { exit_code = run_serve(*flags); });
}

}  // namespace terreno::server::cli
