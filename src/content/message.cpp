#include <fmt/format.h>

#include <optional>

#include "content/content.h"

namespace terreno::content {

namespace {

std::optional<liquid::Template> read_part(const DocumentNode& node) {
  auto parsed = liquid::parse(node.text());
  if (parsed) return *parsed;
  node.fail("liquid", fmt::format("line {}, column {}: {}", parsed.error().line, parsed.error().column,
                                  liquid::describe(parsed.error(), liquid::Language::en)));
  return std::nullopt;
}

std::string_view language_of(std::string_view locale) { return locale.substr(0, locale.find_first_of("-_")); }

}  // namespace

MessageTemplate parse_message(const DocumentNode& document) {
  MessageTemplate message;
  message.name = document.require("name").text();
  const DocumentNode spec = document.require("spec");
  message.author = spec.require("author").text();
  message.aim = spec.require("aim").text();
  constexpr std::string_view kMissing[] = {"fail", "blank"};
  message.on_missing = spec.get("on_missing").choice(kMissing, 0) == 0 ? liquid::Missing::fail : liquid::Missing::blank;
  const DocumentNode languages = spec.require("languages");
  for (const std::string& language : languages.keys()) {
    const DocumentNode parts = languages.get(language);
    auto subject = read_part(parts.require("subject"));
    auto html = read_part(parts.require("html"));
    auto text = read_part(parts.require("text"));
    parts.finish();
    if (subject && html && text) message.languages.emplace(language, Parts{*subject, *html, *text});
  }
  if (languages.exists() && languages.keys().empty())
    languages.fail("missing_key", "has no language; give at least one, such as `es`");
  spec.finish();
  return message;
}

void check_publishable(const std::string& file, const std::string& text, std::vector<Finding>& findings) {
  std::vector<Finding> known;  // by whoever read the document
  const DocumentNode document = DocumentNode::parse(file, text, known);
  if (!document.exists() || document.get("kind").text() != "template") return;
  const DocumentNode languages = document.get("spec").get("languages");
  for (const std::string& language : languages.keys()) {
    for (const char* const part : {"subject", "html", "text"}) {
      const DocumentNode node = languages.get(language).get(part);
      const auto parsed = liquid::parse(node.text());
      if (!parsed) continue;
      for (const liquid::VariableUse& link : liquid::links_to_view(*parsed))
        findings.push_back({file, node.line(), node.column(), "no_such_page", node.path(),
                            fmt::format("line {}, column {}: `view_in_browser_url` leads to a page that does not exist "
                                        "yet; leave the link out",
                                        link.line, link.column)});
    }
  }
}

std::expected<RenderedMessage, RenderFailure> render_message(const MessageTemplate& message,
                                                             const RenderContext& context) {
  auto parts = message.languages.find(language_of(context.language));
  if (parts == message.languages.end()) parts = message.languages.find(language_of(context.default_language));
  if (parts == message.languages.end()) parts = message.languages.begin();
  if (parts == message.languages.end()) return std::unexpected(RenderFailure{"", "no_language", message.name});

  liquid::Arena arena;
  const auto scope = liquid::from_json(context.data, arena);
  if (!scope) return std::unexpected(RenderFailure{"", std::string(liquid::name_of(scope.error().code)), ""});
  liquid::RenderOptions options;
  options.missing = message.on_missing;
  options.now = context.now;
  options.time_zone = context.time_zone.empty() ? "UTC" : context.time_zone;
  options.locale = parts->first;
  options.links = context.links;
  options.globals = liquid::globals_of(*scope, arena);

  RenderedMessage rendered;
  rendered.language = parts->first;
  struct Part {
    std::string_view name;
    const liquid::Template* source;
    liquid::Escape escape;
    std::string* out;
  };
  for (const Part& part : {Part{"subject", &parts->second.subject, liquid::Escape::none, &rendered.subject},
                           Part{"html", &parts->second.html, liquid::Escape::html, &rendered.html},
                           Part{"text", &parts->second.text, liquid::Escape::none, &rendered.text}}) {
    options.escape = part.escape;
    const auto result = liquid::render(*part.source, *scope, options, *part.out);
    if (!result) {
      return std::unexpected(RenderFailure{
          std::string(part.name), std::string(liquid::name_of(result.error().code)),
          fmt::format("{} at line {}, column {}", result.error().subject, result.error().line, result.error().column)});
    }
    if (result->abort_reason)
      return std::unexpected(RenderFailure{std::string(part.name), "aborted", *result->abort_reason});
  }
  return rendered;
}

}  // namespace terreno::content
