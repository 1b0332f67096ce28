// recover: past one record that cannot be applied, or back to a kept checkpoint. For an operator whose server is
// stopped.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>

#include "adapters/store/store.h"
#include "engine/data_folder.h"
#include "engine/runtime.h"
#include "server/cli/commands.h"
#include "server/open_folder.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

struct RecoverFlags {
  std::string folder = Settings().data_folder;
  std::string at;
  std::string checkpoint;
  bool as_json = false;
};

int skip(const RecoverFlags& flags) {
  const std::string& at = flags.at;
  unsigned partition = 0;
  uint64_t position = 0;
  const size_t colon = at.find(':');
  const bool is_place =
      colon != std::string::npos && std::from_chars(at.data(), at.data() + colon, partition).ptr == at.data() + colon &&
      std::from_chars(at.data() + colon + 1, at.data() + at.size(), position).ptr == at.data() + at.size();
  if (!is_place || partition >= engine::kSequenceCount || position == 0)
    return fail(fmt::format("`{}` is no place in the journal", at), "write it as PARTITION:POSITION, 12:3456", kUsage);
  if (const auto refused = refuse_folder(flags.folder)) return fail(*refused);
  const auto files = adapters::posix_files();
  const auto skipped =
      engine::skip_record(*files, flags.folder, {static_cast<uint16_t>(partition)}, engine::Position{position});
  if (!skipped) return fail(skipped.error().context, "stop the server first, and name the folder with --data");
  if (flags.as_json) fmt::print("{}\n", json::serialize(json::object{{"skipped", at}}));
  return 0;
}

/// The names of checkpoints that were written to their end, oldest first.
std::vector<std::string> checkpoints_in(engine::Files& files, const std::string& folder) {
  auto names = files.list(engine::checkpoints_folder(folder)).value_or(std::vector<std::string>{});
  std::erase_if(names,
                [](const std::string& name) { return name.find_first_not_of("0123456789") != std::string::npos; });
  return names;
}

/// A copy that can be opened without touching the checkpoint, so that one that does not fit is still there.
std::error_code copy_checkpoint(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::remove_all(to, error);
  if (!error) fs::copy(from, to, fs::copy_options::recursive, error);
  return error;
}

std::string words_of(const std::vector<std::string>& names) {
  std::string words;
  for (const std::string& name : names) words += (words.empty() ? "" : ", ") + name;
  return words.empty() ? "none" : words;
}

// The journal is whole, so whatever a checkpoint lacks is applied again at the next start.
int put_checkpoint(const RecoverFlags& flags) {
  const std::string& folder = flags.folder;
  if (const auto refused = refuse_folder(folder)) return fail(*refused);
  const auto files = adapters::posix_files();
  // Checking the journal takes the engine's lock itself; this one keeps a server from starting meanwhile.
  const auto registry_lock = files->lock(folder + "/registry.lock");
  const bool is_free = registry_lock && files->lock(engine::lock_path(folder)).has_value();
  if (!is_free) return fail("another terreno is running on this folder", "stop it first");

  const std::vector<std::string> kept = checkpoints_in(*files, folder);
  const std::string name = flags.checkpoint == "NEWEST" && !kept.empty() ? kept.back() : flags.checkpoint;
  if (std::ranges::find(kept, name) == kept.end())
    return fail(fmt::format("there is no kept checkpoint `{}`; kept are: {}", flags.checkpoint, words_of(kept)),
                kept.empty() ? "restore the folder from a backup" : "name one of them, or NEWEST");

  const fs::path store = fs::path(folder) / "store";
  const fs::path fresh = fs::path(folder) / "store.recovered";
  if (const auto error = copy_checkpoint(fs::path(engine::checkpoints_folder(folder)) / name, fresh); error)
    return fail(fmt::format("the checkpoint {} cannot be copied ({})", name, error.message()),
                "look at the disk's free space");
  engine::FolderReport found;
  {
    auto opened = adapters::open_rocksdb_store(fresh.string());
    auto checked = opened ? engine::check_data_folder(*files, **opened, folder)
                          : engine::Result<engine::FolderReport>(std::unexpected(opened.error()));
    if (!checked) {
      opened = std::unexpected(engine::Error{});
      std::error_code ignored;
      fs::remove_all(fresh, ignored);
      return fail(fmt::format("the checkpoint {} cannot be used: {}", name, checked.error().context),
                  fmt::format("try another (kept are: {}), or restore the folder from a backup", words_of(kept)));
    }
    found = *checked;
  }

  // What was copied is on the disk before it stands in for the store.
  ::sync();
  std::string aside;
  std::error_code error;
  if (fs::exists(store, error)) {
    for (int number = 1; aside.empty() || fs::exists(fs::path(folder) / aside, error); ++number)
      aside = fmt::format("store.damaged-{}", number);
    fs::rename(store, fs::path(folder) / aside, error);
  }
  // A power cut between the two leaves no store: then the next start applies the whole journal to an empty one.
  if (!error) fs::rename(fresh, store, error);
  if (error)
    return fail(fmt::format("the store cannot be replaced ({})", error.message()),
                "look at the folder's owner and rights");
  if (const auto synced = files->sync_folder(folder); !synced)
    return fail(synced.error().context, "look at the disk, then repeat");

  if (flags.as_json) {
    fmt::print("{}\n", json::serialize(
                           json::object{{"checkpoint", name},
                                        {"replays", found.unapplied},
                                        {"kept_aside", aside.empty() ? json::value(nullptr) : json::value(aside)}}));
  } else {
    fmt::print("checkpoint {} is in place; the next start applies {} records of the journal\n", name, found.unapplied);
    if (!aside.empty())
      fmt::print(stderr, "The store that was there is kept as {}; remove it once all is well.\n", aside);
  }
  return 0;
}

int recover(const RecoverFlags& flags) {
  if (flags.at.empty() == flags.checkpoint.empty())
    return fail("give either --at or --checkpoint", "see `terreno recover --help`", kUsage);
  return flags.at.empty() ? put_checkpoint(flags) : skip(flags);
}

}  // namespace

void add_recover(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<RecoverFlags>();
  CLI::App* const command =
      app.add_subcommand("recover", "Pass over one record for good, or go back to a kept checkpoint");
  add_data_option(*command, flags->folder);
  command->add_option("--at", flags->at, "PARTITION:POSITION, as the error named it: apply passes over this record");
  command->add_option("--checkpoint", flags->checkpoint,
                      "NEWEST, or a name in checkpoints/: the store is replaced by it, and kept aside");
  command->add_flag("--json", flags->as_json);
  command->callback([flags, &exit_code] { exit_code = recover(*flags); });
}

}  // namespace terreno::server::cli
