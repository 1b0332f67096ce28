#pragma once

// The command line: one function for each command adds it to the application, and sets the exit code when it runs.
//
// Exit codes: 0 ok, 1 failed, 3 findings in documents, 4 not allowed, 5 version conflict, 10 unhealthy, 64 usage.
// Standard output is data, standard error the rest; `--json` gives the same as JSON.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/settings.h"

namespace terreno::server::cli {

inline constexpr int kFailed = 1;
inline constexpr int kFindings = 3;
inline constexpr int kNotAllowed = 4;
inline constexpr int kConflict = 5;
inline constexpr int kUnhealthy = 10;
inline constexpr int kUsage = 64;

using AddCommand = void (*)(CLI::App& app, int& exit_code);

void add_init(CLI::App& app, int& exit_code);
void add_serve(CLI::App& app, int& exit_code);
void add_render(CLI::App& app, int& exit_code);
void add_keys(CLI::App& app, int& exit_code);
void add_users(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_recover(CLI::App& app, int& exit_code);
void add_verify(CLI::App& app, int& exit_code);
void add_clock(CLI::App& app, int& exit_code);
void add_validate(CLI::App& app, int& exit_code);
void add_apply(CLI::App& app, int& exit_code);
void add_why(CLI::App& app, int& exit_code);
void add_consent(CLI::App& app, int& exit_code);

/// Commands that are linked in from outside of src/, such as the demonstration's: they add themselves before `main`.
std::vector<AddCommand>& further_commands();
struct FurtherCommand {
  explicit FurtherCommand(AddCommand add) { further_commands().push_back(add); }
};

/// `what; remedy` on standard error. Gives `code` back.
int fail(std::string_view what, std::string_view remedy, int code = kFailed);
int fail(const Sentence& told, int code = kFailed);
/// `--data`, from the environment when it is not given.
void add_data_option(CLI::App& command, std::string& folder);

}  // namespace terreno::server::cli
