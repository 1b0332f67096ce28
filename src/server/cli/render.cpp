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
  std::string escape = "none";
  std::string missing = "blank";
};

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

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
  if (const json::value* output = answer.get_object().if_contains("output")) {
    std::cout << std::string_view(output->get_string());
    return 0;
  }
  std::cerr << "terreno: " << flags.path << ": " << json::serialize(answer) << '\n';
  return kFailed;
}

}  // namespace

void add_render(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<RenderFlags>();
  CLI::App* const command = app.add_subcommand("render", "Render a Liquid template with JSON data");
  command->add_option("TEMPLATE", flags->path);
  command->add_option("--data", flags->data_path, "JSON file");
  command->add_flag("--jsonl", flags->lines, "One request a line on standard input, one answer a line");
  command->add_option("--escape", flags->escape)->check(CLI::IsMember({"none", "html"}))->capture_default_str();
  command->add_option("--missing", flags->missing)->check(CLI::IsMember({"blank", "fail"}))->capture_default_str();
  command->callback([flags, &exit_code] { exit_code = render(*flags); });
}

}  // namespace terreno::server::cli
