#pragma once

// The one table of sentences for what goes wrong at the command line: what, and what to do about it. The code is for
// programs (`--json`); people never need it.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/document.h"
#include "governance/governance.h"

namespace terreno::server {

struct Sentence {
  std::string what;
  std::string remedy;
  std::string code;  ///< stable; empty: none
};

/// Errors are told as sentences, `terreno: what; remedy`, or from now on as JSON; both on standard error.
void tell_errors_as_json();
void tell_error(const Sentence& told);
/// What is wrong in documents or settings: a line each on standard error, or together as JSON on standard output.
void tell_findings(const std::vector<Finding>& findings);

[[nodiscard]] Sentence sentence_of(const governance::Error& error);
/// The same for a file that could not be read or written: `name` says which.
[[nodiscard]] Sentence sentence_of_file(const governance::Error& error, std::string_view name);
/// Of the installation key that should lie at `path`.
[[nodiscard]] Sentence sentence_of_key(const governance::Error& error, const std::filesystem::path& path);
/// Of a refusal by a running server: its `code` and its `detail`, empty where something else answered.
[[nodiscard]] Sentence sentence_of_answer(unsigned status, std::string_view code, std::string_view detail);

}  // namespace terreno::server
