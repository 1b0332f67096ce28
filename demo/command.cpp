// `terreno demo`: adds itself to the command line.

#include <atomic>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>

#include "adapters/store/store.h"
#include "demo/play.h"
#include "demo/run.h"
#include "server/cli/commands.h"
#include "server/server.h"

namespace terreno::demo {

namespace {

namespace cli = server::cli;

struct Flags {
  std::string data = "terreno-demo";
  std::string listen = "127.0.0.1:8080";
  std::string organisation = "raices";
};

int demonstrate(const Flags& flags) {
  // Signals are asked for, not handled: threads that start from here on inherit the mask.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::atomic<bool> is_over = false;
  const auto should_stop = [&] {
    constexpr timespec kNow{0, 0};
    if (sigtimedwait(&ends, nullptr, &kNow) > 0) is_over = true;
    return is_over.load();
  };

  server::Settings settings;
  settings.data_folder = flags.data;
  settings.listen = flags.listen;
  settings.is_demo = true;
  settings.is_clock_manual = true;
  std::error_code unreadable;
  const bool is_new =
      !std::filesystem::exists(flags.data, unreadable) || std::filesystem::is_empty(flags.data, unreadable);
  // Nothing made up is written into a folder of one's own.
  const std::filesystem::path mark = std::filesystem::path(flags.data) / "demonstration";
  if (!is_new && !std::filesystem::exists(mark, unreadable))
    return cli::fail(flags.data + " is no demonstration's folder", "name an empty one with --data");
  std::filesystem::create_directories(flags.data, unreadable);
  if (!std::ofstream(mark)) return cli::fail(flags.data + " cannot be written to", "name another with --data");
  const Timestamp now = adapters::system_clock()->now();
  settings.clock_start = is_new ? now - kHistory : now;
  auto running = server::Server::start(settings, [&] { is_over = true; });
  if (!running) return cli::fail(running.error().what, running.error().remedy);
  const Stage stage{(*running)->url(),
                    [&]() -> std::expected<std::string, std::string> {
                      std::string link = (*running)->issue_first_run_link();
                      if (link.empty()) return std::unexpected("the folder has people of its own; use another --data");
                      return link;
                    },
                    now, should_stop};
  const int code = play(stage, flags.organisation == "lisiere" ? Organisation::lisiere : Organisation::raices);
  return (*running)->stop() ? code : cli::kFailed;
}

void add_demo(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand("demo", "A made-up organisation with four months of history");
  command->add_option("--data", flags->data, "The data folder")->capture_default_str();
  command->add_option("--listen", flags->listen, "Address and port")->capture_default_str();
  command->add_option("--organisation", flags->organisation, "raices, a patients' association, or lisiere, a shop")
      ->check(CLI::IsMember({"raices", "lisiere"}))
      ->capture_default_str();
  command->callback([flags, &exit_code] { exit_code = demonstrate(*flags); });
}

const cli::FurtherCommand kCommand(add_demo);

}  // namespace

}  // namespace terreno::demo
