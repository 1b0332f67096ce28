// The command line. Each command is in cli/; exit codes are in cli/commands.h.

#include <fmt/format.h>

#include "server/cli/commands.h"

int main(int argc, char** argv) {
  namespace cli = terreno::server::cli;
  CLI::App app{"Terreno: a self-hosted customer engagement engine"};
  app.require_subcommand(1);
  int exit_code = 0;

  bool as_json = false;
  CLI::App* const version = app.add_subcommand("version", "Which version this is");
  version->add_flag("--json", as_json);
  version->callback([&] { fmt::print("{}\n", as_json ? R"({"version":"0.1.0"})" : "terreno 0.1.0"); });
  for (const cli::AddCommand add :
       {cli::add_init, cli::add_serve, cli::add_render, cli::add_keys, cli::add_users, cli::add_doctor,
        cli::add_recover, cli::add_clock, cli::add_validate, cli::add_apply, cli::add_why, cli::add_consent})
    add(app, exit_code);
  for (const cli::AddCommand add : cli::further_commands()) add(app, exit_code);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : cli::kUsage;
  }
  return exit_code;
}
