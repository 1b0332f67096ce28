#include "server/cli/commands.h"

#include <fmt/format.h>

namespace terreno::server::cli {

std::vector<AddCommand>& further_commands() {
  static std::vector<AddCommand> commands;
  return commands;
}

int fail(std::string_view what, std::string_view remedy, int code) {
  return fail(Sentence{std::string(what), std::string(remedy), code == kUsage ? "usage" : ""}, code);
}

int fail(const Sentence& told, int code) {
  tell_error(told);
  return code;
}

void add_data_option(CLI::App& command, std::string& folder) {
  command.add_option("--data", folder, "The data folder")->envname("TERRENO_DATA")->capture_default_str();
}

}  // namespace terreno::server::cli
