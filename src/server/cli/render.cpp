// render: one template with data, or a line in and a line out.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include "content/liquid.h"
#include "server/cli/commands.h"

namespace terreno::server::cli {

namespace {

namespace json = boost::json;
using content::liquid::Escape;
using content::liquid::JsonLineOptions;
using content::liquid::Missing;
using content::liquid::render_json_line;

struct RenderFlags {
  std::string path;
  std::string data_path;
  bool lines = false;
  bool as_json = false;
  std::string escape = "none";
  std::string missing = "blank";
};

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

/// Where and what, with what to do about it.
Finding finding_of(const std::string& path, const json::object& error) {
  Finding finding;
  finding.file = path;
  finding.line = static_cast<int>(error.at("line").to_number<int64_t>());
  finding.column = static_cast<int>(error.at("column").to_number<int64_t>());
  finding.code = std::string_view(error.at("code").get_string());
  // The place stands in front already.
  const std::string place = fmt::format("line {}, column {}: ", finding.line, finding.column);
  std::string_view message(error.at("message").get_string());
  if (message.starts_with(place)) message.remove_prefix(place.size());
  finding.detail = message;
  if (message.find("; ") == std::string_view::npos) finding.detail += "; mend the template there";
  return finding;
}

int render(const RenderFlags& flags) {
  JsonLineOptions options;
  options.escape = flags.escape == "html" ? Escape::html : Escape::none;
  options.missing = flags.missing == "fail" ? Missing::fail : Missing::blank;
  options.now = {
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
  if (flags.lines) {
    std::string line;
    while (std::getline(std::cin, line)) {
      if (!line.empty()) std::cout << render_json_line(line, options) << '\n';
    }
    return 0;
  }
  if (flags.path.empty()) return fail("no template is named", "name a template file, or use --jsonl", kUsage);
  std::ifstream file(flags.path, std::ios::binary);
  if (!file) return fail(flags.path + ": cannot be read", "name a template file, or use --jsonl");
  json::object request{{"template", read_all(file)}, {"data", json::object()}};
  if (!flags.data_path.empty()) {
    std::ifstream data(flags.data_path, std::ios::binary);
    json::error_code error;
    json::value parsed = json::parse(read_all(data), error);
    if (!data || error)
      return fail(flags.data_path + ": is not readable JSON", "give an object with what the template reads");
    request["data"] = std::move(parsed);
  }
  const json::value answer = json::parse(render_json_line(json::serialize(request), options));
  const json::object& told = answer.get_object();
  if (const json::value* output = told.if_contains("output")) {
    std::cout << (flags.as_json ? json::serialize(answer) + "\n" : std::string(output->get_string()));
    return 0;
  }
  if (const json::value* reason = told.if_contains("abort"))
    return fail(fmt::format("{}: said abort_message: {}", flags.path, std::string_view(reason->get_string())),
                "give it data for which it does not");
  tell_findings({finding_of(flags.path, told.at("error").get_object())});
  return kFindings;
}

}  // namespace

void add_render(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<RenderFlags>();
  CLI::App* const command = app.add_subcommand("render", "Render a Liquid template with JSON data");
  command->add_option("TEMPLATE", flags->path);
  command->add_option("--data", flags->data_path, "JSON file");
  command->add_flag("--jsonl", flags->lines, "One request a line on standard input, one answer a line");
  command->add_flag("--json", flags->as_json);
  command->add_option("--escape", flags->escape)->check(CLI::IsMember({"none", "html"}))->capture_default_str();
  command->add_option("--missing", flags->missing)->check(CLI::IsMember({"blank", "fail"}))->capture_default_str();
  command->callback([flags, &exit_code] { exit_code = render(*flags); });
}

}  // namespace terreno::server::cli
