// doctor: for an operator whose server is stopped. clock: for one whose server was.

#include <fmt/format.h>

#include <boost/json.hpp>

#include "adapters/store/store.h"
#include "engine/runtime.h"
#include "server/cli/client.h"
#include "server/cli/commands.h"
#include "server/configuration_folder.h"
#include "server/open_folder.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;

/// What was looked at, one line each.
struct Report {
  bool as_json = false;
  bool is_well = true;
  json::array checks;

  void add(std::string_view check, bool is_fine, const std::string& what, std::string_view remedy = {}) {
    is_well = is_well && is_fine;
    if (is_fine) remedy = {};
    if (!as_json)
      fmt::print("{}  {}: {}{}{}\n", is_fine ? "ok  " : "BAD ", check, what, remedy.empty() ? "" : "; ", remedy);
    checks.push_back({{"check", check}, {"ok", is_fine}, {"what", what}, {"remedy", remedy}});
  }
};

void look_at_mode(const governance::Installation& installation, Report& report) {
  if (installation.mode == governance::Mode::live) return report.add("mode", true, "Live: letters leave");
  std::string lacking;
  for (const governance::Missing missing : governance::missing_for_live(installation, true))
    lacking += fmt::format("{}{}", lacking.empty() ? "" : ", ", governance::name_of(missing));
  report.add("mode", true,
             lacking.empty() ? "Sandbox: letters stay in the outbox; nothing is missing to go Live"
                             : fmt::format("Sandbox: letters stay in the outbox; to go Live it lacks {}", lacking));
}

void look_at_journal(engine::Files& files, const std::string& folder, Report& report) {
  // Neither is there before the first start, and looking must not make them.
  const std::filesystem::path path = folder;
  if (!std::filesystem::exists(path / "journal") && !std::filesystem::exists(path / "store"))
    return report.add("journal", true, "nothing was written yet; the first `terreno serve` begins it");
  auto store = adapters::open_rocksdb_store(folder + "/store");
  if (!store) return report.add("store", false, store.error().context, "restore it from a backup");
  const auto found = engine::check_data_folder(files, **store, folder);
  if (!found) return report.add("journal", false, found.error().context, "keep the folder as it is and ask for help");
  report.add("journal", true,
             fmt::format("{} records in {} groups, {} bytes{}", found->records, found->groups, found->journal_bytes,
                         found->was_torn ? "; a torn end was cut, as a crash leaves it" : ""));
  report.add("store", true, fmt::format("a start replays {} records", found->unapplied));
}

int doctor(const std::string& folder, const std::string& key_file, bool as_json) {
  Report report{as_json, true, {}};
  const auto files = adapters::posix_files();
  const auto clock = adapters::system_clock();
  const auto refused = refuse_folder(folder);
  auto lock = refused ? decltype(files->lock(""))() : files->lock(folder + "/lock");
  if (refused) {
    report.add("folder", false, refused->what, refused->remedy);
  } else if (!lock) {
    report.add("folder", false, "a server is running on it", "stop the server first");
  } else {
    const auto space = files->space(folder);
    if (space)
      report.add("disk", space->free > std::max<uint64_t>(2ULL << 30, space->total / 20),
                 fmt::format("{} MiB free of {}", space->free >> 20, space->total >> 20),
                 "intake stops below a twentieth of the disk or 2 GiB; make room");
    const auto open = open_registry(folder, clock->now());
    if (!open) {
      const Sentence told = sentence_of_file(open.error(), "the registry");
      report.add("registry", false, told.what, told.remedy);
    } else {
      const auto snapshot = open->registry->snapshot();
      report.add("registry", true,
                 fmt::format("version {}, {} users, {} sources", snapshot->version, snapshot->users.size(),
                             snapshot->sources.size()));
      look_at_mode(snapshot->installation, report);
      const std::filesystem::path path = key_file.empty() ? default_key_path(folder) : std::filesystem::path(key_file);
      const auto key = InstallationKey::load(path, folder);
      const std::string& known = snapshot->installation.key_fingerprint;
      if (!key) {
        const Sentence told = sentence_of_key(key.error(), path);
        report.add("installation key", false, told.what, told.remedy);
      } else if (!known.empty() && known != key->fingerprint()) {
        const Sentence told = sentence_of_key({governance::Errc::invalid_field, "installation_key", "wrong_key"}, path);
        report.add("installation key", false, told.what, told.remedy);
      } else {
        report.add("installation key", true, fmt::format("{}, fingerprint {}", path.string(), key->fingerprint()));
      }
    }
    flow::ConfigurationLibrary library;
    const auto loaded = ConfigurationFolder(std::filesystem::path(folder) / "configurations").load(library);
    report.add("configurations", loaded.has_value(),
               loaded ? "all of them can be read" : sentence_of(loaded.error()).what,
               loaded ? "" : "restore them from a backup");
    // The journal's check takes the lock itself; that of the registry keeps a server from starting meanwhile.
    lock->reset();
    look_at_journal(*files, folder, report);
  }
  if (as_json) fmt::print("{}\n", json::serialize(json::object{{"ok", report.is_well}, {"checks", report.checks}}));
  return report.is_well ? 0 : kUnhealthy;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  struct Flags {
    std::string folder = Settings().data_folder;
    std::string key_file;
    bool as_json = false;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand("doctor", "Look a data folder over, with its server stopped");
  add_data_option(*command, flags->folder);
  command->add_option("--key-file", flags->key_file, "The installation key; by default beside the data folder");
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code] { exit_code = doctor(flags->folder, flags->key_file, flags->as_json); });
}

void add_clock(CLI::App& app, int& exit_code) {
  struct Flags {
    ServerOption server;
    bool as_json = false;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand("clock", "What time it is, after a pause of more than a day");
  command->require_subcommand(1);
  CLI::App* const accept =
      command->add_subcommand("accept", "Say that the server's clock is right: waits and letters go on from there");
  accept->add_flag("--json", flags->as_json);
  flags->server.add_to(*accept);
  accept->callback([flags, &exit_code] {
    const auto answer = flags->server.ask("POST", "/api/v1/clock", {{"accept", true}});
    exit_code = answer ? 0 : answer.error();
    if (!answer) return;
    if (flags->as_json) {
      fmt::print("{}\n", json::serialize(*answer));
    } else {
      fmt::print("It is {}.\n", std::string_view(answer->at("at").as_string()));
    }
  });
}

}  // namespace terreno::server::cli
