// The command line. Each command is in cli/; exit codes are in cli/commands.h.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "server/cli/commands.h"

namespace {

namespace cli = terreno::server::cli;

constexpr const char* kVersion = "terreno " TERRENO_VERSION;

/// A stream that was closed before the start would be the number of the next file that is opened, and words for people
/// would go into the journal.
void open_what_is_closed() {
  for (int number = 0; number <= 2; ++number) {
    if (::fcntl(number, F_GETFD) == -1) static_cast<void>(::open("/dev/null", O_RDWR));
  }
}

/// The command of that name in `of`; null: there is none.
CLI::App* command_of(CLI::App& of, std::string_view name) {
  const std::vector<CLI::App*> found = of.get_subcommands([&](CLI::App* each) { return each->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

/// Follows the words of the command line as far as there are commands, and finds the first that is none.
std::optional<std::string> unknown_word(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* at = &app;
  std::string path = "terreno";
  bool takes_value = false;
  for (const std::string& word : words) {
    if (word.starts_with("-") && word.size() > 1) {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* const option = at->get_option_no_throw(name);
      takes_value = option != nullptr && word.size() == name.size() && option->get_expected_min() > 0;
      if (option != nullptr) continue;
      std::vector<std::string> known;
      for (const CLI::Option* const each : at->get_options())
        for (const std::string& long_name : each->get_lnames()) known.push_back("--" + long_name);
      const auto near = terreno::nearest(name, known);
      return fmt::format("`{}` has no option {}; {}`{} --help` lists them", path, name,
                         near ? fmt::format("did you mean {}? ", *near) : "", path);
    }
    if (takes_value) {
      takes_value = false;
      continue;
    }
    const std::vector<CLI::App*> commands = at->get_subcommands([](CLI::App*) { return true; });
    if (commands.empty()) continue;
    std::vector<std::string> known;
    for (const CLI::App* const each : commands) known.push_back(each->get_name());
    CLI::App* const next = command_of(*at, word);
    if (next == nullptr) {
      const auto near = terreno::nearest(word, known);
      return fmt::format("`{}` has no command `{}`; {}`{} --help` lists them", path, word,
                         near ? fmt::format("did you mean `{}`? ", *near) : "", path);
    }
    at = next;
    path += " " + word;
  }
  return std::nullopt;
}

/// What CLI11 says, as a sentence with its remedy.
int refuse_usage(CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error) {
  std::string path = "terreno";
  CLI::App* at = &app;
  for (const std::string& word : words) {
    CLI::App* const next = command_of(*at, word);
    if (next == nullptr) break;
    at = next;
    path += " " + word;
  }
  std::string told;
  if (const auto unknown = unknown_word(app, words)) {
    told = *unknown;
  } else if (!at->get_subcommands([](CLI::App*) { return true; }).empty()) {
    if (words.empty()) {
      fmt::print(stderr, "{}", app.help());
      return cli::kUsage;
    }
    std::string known;
    for (const CLI::App* const each : at->get_subcommands([](CLI::App*) { return true; }))
      known += (known.empty() ? "" : ", ") + each->get_name();
    told = fmt::format("`{}` needs a command of its own; one of: {}", path, known);
  } else {
    told = fmt::format("{}; see `{} --help`", error.what(), path);
  }
  const size_t end = told.find("; ");
  return cli::fail(told.substr(0, end), told.substr(end + 2), cli::kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  open_what_is_closed();
  CLI::App app{"Terreno: a self-hosted customer engagement engine", "terreno"};
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersion, "Which version this is");
  app.footer("`terreno COMMAND --help` says more of one command. First: terreno init, then terreno serve.");
  int exit_code = 0;

  bool as_json = false;
  CLI::App* const version = app.add_subcommand("version", "Which version this is");
  version->add_flag("--json", as_json);
  version->callback([&] { fmt::print("{}\n", as_json ? "{\"version\":\"" TERRENO_VERSION "\"}" : kVersion); });
  app.add_subcommand("help", "What a command does: terreno help COMMAND")->allow_extras();
  for (const cli::AddCommand add : {cli::add_init, cli::add_serve, cli::add_render, cli::add_keys, cli::add_users,
                                    cli::add_doctor, cli::add_recover, cli::add_verify, cli::add_clock,
                                    cli::add_validate, cli::add_apply, cli::add_why, cli::add_consent})
    add(app, exit_code);
  for (const cli::AddCommand add : cli::further_commands()) add(app, exit_code);

  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  if (std::ranges::find(words, "--json") != words.end()) terreno::server::tell_errors_as_json();
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return refuse_usage(app, words, error);
    // `help NONSENSE` would otherwise show the help of everything.
    const auto unknown = unknown_word(app, words);
    if (unknown) return refuse_usage(app, words, error);
    app.exit(error);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return cli::fail("what was to be printed could not be written", "look at where standard output goes");
  return exit_code;
}
