// One line of `terreno render --jsonl`: a pure function from line to line.

#include <fmt/format.h>

#include "content/liquid.h"
#include "content/liquid_text.h"

namespace terreno::content::liquid {
namespace {

std::string error_line(const Error& error, Language language) {
  std::string out = "{\"error\":{\"code\":";
  append_json_text(out, name_of(error.code));
  out += fmt::format(",\"line\":{},\"column\":{}", error.line, error.column);
  for (const auto& [key, value] :
       {std::pair{"subject", &error.subject}, {"suggestion", &error.suggestion}, {"partial", &error.partial}}) {
    if (value->empty()) continue;
    out += fmt::format(",\"{}\":", key);
    append_json_text(out, *value);
  }
  out += ",\"message\":";
  append_json_text(out, describe(error, language));
  out += "}}";
  return out;
}

std::string text_line(std::string_view key, std::string_view text) {
  std::string out = fmt::format("{{\"{}\":", key);
  append_json_text(out, text);
  out += '}';
  return out;
}

Error wrong_field(std::string_view name) { return {.code = Errc::data_not_object, .subject = std::string(name)}; }

struct Job {
  std::string_view source;
  Value data;
  Value partials;
};

std::expected<Job, Error> read_job(std::string_view line, Arena& arena) {
  auto root = from_json(line, arena);
  if (!root) return std::unexpected(std::move(root).error());
  Job job;
  const Value* source = root->find("template");
  if (source == nullptr || !source->is_text()) return std::unexpected(wrong_field("template"));
  job.source = source->as_text();
  for (const auto& [name, into] : {std::pair{"data", &job.data}, {"templates", &job.partials}}) {
    const Value* given = root->find(name);
    if (given == nullptr || given->is_nil()) continue;
    if (!given->is_object()) return std::unexpected(wrong_field(name));
    *into = *given;
  }
  return job;
}

std::expected<Partials, Error> parse_partials(const Value& sources) {
  Partials partials;
  if (sources.is_nil()) return partials;
  for (const Member& member : sources.as_object()) {
    if (!member.value.is_text()) return std::unexpected(wrong_field("templates"));
    auto partial = parse(member.value.as_text(), {.allow_unescaped = true});
    if (!partial) {
      partial.error().partial = member.key;
      return std::unexpected(std::move(partial).error());
    }
    partials.emplace(member.key, *std::move(partial));
  }
  return partials;
}

}  // namespace

std::string render_json_line(std::string_view line, const JsonLineOptions& options) {
  Arena arena;
  const auto job = read_job(line, arena);
  if (!job) return error_line(job.error(), options.language);
  const auto partials = parse_partials(job->partials);
  if (!partials) return error_line(partials.error(), options.language);
  const auto liquid = parse(job->source, {.allow_unescaped = true});
  if (!liquid) return error_line(liquid.error(), options.language);
  RenderOptions render_options{.escape = options.escape,
                               .missing = options.missing,
                               .now = options.now,
                               .time_zone = options.time_zone,
                               .locale = options.locale,
                               .globals = globals_of(job->data, arena),
                               .partials = &*partials};
  std::string out;
  const auto rendered = render(*liquid, job->data, render_options, out);
  if (!rendered) return error_line(rendered.error(), options.language);
  if (rendered->abort_reason) return text_line("abort", *rendered->abort_reason);
  return text_line("output", out);
}

}  // namespace terreno::content::liquid
