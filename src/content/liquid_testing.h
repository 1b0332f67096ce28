#pragma once

// What the tests of Liquid share: a template and JSON data to text, or to `!code line:column subject`.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "content/liquid.h"

namespace terreno::content::liquid {

inline std::string error_text(const Error& error) {
  return "!" + std::string(name_of(error.code)) + " " + std::to_string(error.line) + ":" +
         std::to_string(error.column) + (error.subject.empty() ? "" : " " + error.subject);
}

inline std::string rendered(std::string_view source, std::string_view json = "{}", RenderOptions options = {}) {
  Arena arena;
  const auto data = from_json(json, arena);
  if (!data) return error_text(data.error());
  const auto liquid = parse(source, {.allow_unescaped = true});
  if (!liquid) return error_text(liquid.error());
  std::string out;
  const auto result = render(*liquid, *data, options, out);
  if (!result) return error_text(result.error()) + out;
  if (result->abort_reason) return "abort: " + *result->abort_reason + out;
  return out;
}

inline std::string rendered_with(std::initializer_list<std::pair<std::string, std::string>> sources,
                                 std::string_view source, std::string_view json = "{}", RenderOptions options = {}) {
  Partials partials;
  for (const auto& [name, text] : sources) {
    auto partial = parse(text);
    if (!partial) return name + error_text(partial.error());
    partials.emplace(name, *partial);
  }
  options.partials = &partials;
  return rendered(source, json, options);
}

}  // namespace terreno::content::liquid
