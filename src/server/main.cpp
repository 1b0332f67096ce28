// The command line. Exit codes: 0 ok, 1 failed, 64 usage.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <boost/json.hpp>

#include "content/liquid.h"
#include "server/serve.h"

namespace {

using terreno::content::liquid::Escape;
using terreno::content::liquid::JsonLineOptions;
using terreno::content::liquid::Missing;
using terreno::content::liquid::render_json_line;

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

// One template with data, or a line in and a line out.
int render(const std::string& path, const std::string& data_path, bool lines, const JsonLineOptions& options) {
  namespace json = boost::json;
  if (lines) {
    std::string line;
    while (std::getline(std::cin, line)) {
      if (!line.empty()) std::cout << render_json_line(line, options) << '\n';
    }
    return 0;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "terreno: {}: cannot be read; name a template file, or use --jsonl\n", path);
    return 1;
  }
  json::object request{{"template", read_all(file)}, {"data", json::object()}};
  if (!data_path.empty()) {
    std::ifstream data(data_path, std::ios::binary);
    json::error_code error;
    json::value parsed = json::parse(read_all(data), error);
    if (!data || error) {
      fmt::print(stderr, "terreno: {}: is not readable JSON; give an object with what the template reads\n", data_path);
      return 1;
    }
    request["data"] = std::move(parsed);
  }
  const json::value answer = json::parse(render_json_line(json::serialize(request), options));
  if (const json::value* output = answer.get_object().if_contains("output")) {
    std::cout << std::string_view(output->get_string());
    return 0;
  }
  std::cerr << "terreno: " << path << ": " << json::serialize(answer) << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Terreno: a self-hosted customer engagement engine"};
  app.require_subcommand(1);
  bool as_json = false;

  auto* version = app.add_subcommand("version", "Which version this is");
  version->add_flag("--json", as_json);

  std::string data_folder = "terreno-data";
  std::string source_name = "First source";
  std::string source_kind = "server";
  auto* init = app.add_subcommand("init", "Create a data folder and its first source; prints the write key");
  init->add_option("--data", data_folder, "The data folder")->capture_default_str();
  init->add_option("--source", source_name, "Name of the source")->capture_default_str();
  init->add_option("--kind", source_kind, "browser, mobile or server")->capture_default_str();
  init->add_flag("--json", as_json);

  terreno::server::ServeOptions options;
  std::string role = "intake";
  auto* serve = app.add_subcommand("serve", "Take events in and make them durable");
  serve->add_option("--data", data_folder, "The data folder")->capture_default_str();
  serve->add_option("--listen", options.listen, "Address and port")->capture_default_str();
  serve->add_option("--role", role, "intake: store without applying")->check(CLI::IsMember({"intake"}))->required();
  serve->add_option("--threads", options.threads, "HTTP threads")->check(CLI::Range(1, 64))->capture_default_str();

  std::string template_path, data_path;
  std::string escape = "none", missing = "blank";
  bool lines = false;
  auto* render_command = app.add_subcommand("render", "Render a Liquid template with JSON data");
  render_command->add_option("TEMPLATE", template_path);
  render_command->add_option("--data", data_path, "JSON file");
  render_command->add_flag("--jsonl", lines, "One request a line on standard input, one answer a line");
  render_command->add_option("--escape", escape)->check(CLI::IsMember({"none", "html"}))->capture_default_str();
  render_command->add_option("--missing", missing)->check(CLI::IsMember({"blank", "fail"}))->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }

  if (*version) {
    fmt::print("{}\n", as_json ? R"({"version":"0.1.0"})" : "terreno 0.1.0");
    return 0;
  }
  if (*init) return terreno::server::init(data_folder, source_name, source_kind, as_json);
  if (*serve) {
    options.data_folder = data_folder;
    return terreno::server::serve_intake(options);
  }
  JsonLineOptions render_options;
  render_options.escape = escape == "html" ? Escape::html : Escape::none;
  render_options.missing = missing == "fail" ? Missing::fail : Missing::blank;
  render_options.now = {
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count()};
  return render(template_path, data_path, lines, render_options);
}
