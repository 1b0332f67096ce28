// verify: what the data folder proves, in sentences.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "adapters/store/store.h"
#include "engine/runtime.h"
#include "engine/store_keys.h"
#include "flow/auditor.h"
#include "flow/flow.h"
#include "server/cli/commands.h"
#include "server/open_folder.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;

/// Sentences about what holds, and findings about what does not.
struct Proved {
  bool as_json = false;
  json::array holds;
  json::array findings;

  void hold(const std::string& sentence) {
    if (!as_json) fmt::print("proved  {}\n", sentence);
    holds.emplace_back(sentence);
  }
  void find(const std::string& finding) {
    if (!as_json) fmt::print("BROKEN  {}\n", finding);
    findings.emplace_back(finding);
  }
};

std::string counted(uint64_t count, std::string_view one, std::string_view many = "") {
  return count == 1     ? fmt::format("1 {}", one)
         : many.empty() ? fmt::format("{} {}s", count, one)
                        : fmt::format("{} {}", count, many);
}

/// True: it could be read to its end.
bool audit(engine::Store& store, Proved& proved) {
  const flow::ConfigurationLibrary nothing;
  const auto machine = flow::make_machine(nothing);
  flow::Auditor auditor(*machine);
  const auto read = store.scan("", engine::Store::Order::ascending, [&](std::string_view key, std::string_view value) {
    if (const auto entity = engine::store_keys::read_entity(key)) auditor.add(entity->first, entity->second, value);
    return true;
  });
  if (!read) {
    proved.find("the store cannot be read: " + read.error().context);
    return false;
  }
  const flow::Audit audit = auditor.conclude();
  for (const std::string& finding : audit.findings) proved.find(finding);
  if (audit.findings_more > 0) proved.find(fmt::format("and {} findings more", audit.findings_more));
  if (!audit.holds()) return true;
  proved.hold(fmt::format("state: {} can be read", counted(audit.pieces, "piece")));
  proved.hold(fmt::format("consent: order, chain, commitments and tree hold together, of {} for {}",
                          counted(audit.entries, "entry", "entries"),
                          counted(audit.addresses, "address", "addresses")));
  proved.hold(fmt::format("messages: asked again at its position, the rules say the same of {}",
                          counted(audit.proofs, "claim")));
  return true;
}

void verify_running(engine::Files& files, const std::string& folder, Proved& proved) {
  auto kept = files.list(folder + "/checkpoints");
  if (!kept || kept->empty())
    return proved.find("a server is running and has kept no checkpoint yet; wait for one, or stop it");
  const std::string newest = *std::ranges::max_element(*kept);
  const auto store = adapters::open_rocksdb_to_read(folder + "/checkpoints/" + newest);
  // A server that goes on takes old checkpoints away.
  if (!store) return proved.find(fmt::format("checkpoint {} cannot be read: {}", newest, store.error().context));
  if (audit(**store, proved))
    proved.hold(fmt::format(
        "all this of checkpoint {}, since a server is running; the journal is read when it is stopped", newest));
}

void verify_stopped(engine::Files& files, const std::string& folder, Proved& proved) {
  if (!std::filesystem::exists(std::filesystem::path(folder) / "store")) return proved.hold("nothing was written yet");
  const auto store = adapters::open_rocksdb_to_read(folder + "/store");
  if (!store) return proved.find("the store cannot be opened: " + store.error().context);
  const auto found = engine::check_data_folder(files, **store, folder);
  if (!found) return proved.find("the journal: " + found.error().context);
  proved.hold(fmt::format("journal: {} in {} have their checksums, without a gap{}", counted(found->records, "record"),
                          counted(found->groups, "group"),
                          found->was_torn ? "; a torn end, as a crash leaves it" : ""));
  proved.hold(
      fmt::format("store: it stands within the journal; a start replays {}", counted(found->unapplied, "record")));
  audit(**store, proved);
}

int verify(const std::string& folder, bool as_json) {
  if (const auto refused = refuse_folder(folder)) return fail(*refused);
  const auto files = adapters::posix_files();
  Proved proved{as_json, {}, {}};
  auto lock = files->lock(folder + "/lock");
  if (lock) {
    // The journal's check takes it itself.
    lock->reset();
    verify_stopped(*files, folder, proved);
  } else {
    verify_running(*files, folder, proved);
  }
  const bool is_well = proved.findings.empty();
  if (as_json) {
    fmt::print("{}\n",
               json::serialize(json::object{
                   {"ok", is_well}, {"proved", std::move(proved.holds)}, {"findings", std::move(proved.findings)}}));
  }
  return is_well ? 0 : kUnhealthy;
}

}  // namespace

void add_verify(CLI::App& app, int& exit_code) {
  struct Flags {
    std::string folder = Settings().data_folder;
    bool as_json = false;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command =
      app.add_subcommand("verify", "Say what a data folder proves: journal, store, consent at each claim");
  add_data_option(*command, flags->folder);
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code] { exit_code = verify(flags->folder, flags->as_json); });
}

}  // namespace terreno::server::cli
