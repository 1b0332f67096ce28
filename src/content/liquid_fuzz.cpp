// Any bytes: a template, and after a zero byte its data as JSON. Parsing and rendering keep their limits and errors
// have a place in the source.

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "content/liquid.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace terreno::content::liquid;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = std::min(input.find('\0'), input.size());
  const std::string_view source = input.substr(0, zero);
  const std::string_view json = zero < input.size() ? input.substr(zero + 1) : std::string_view{};

  const auto lines = static_cast<uint32_t>(std::ranges::count(source, '\n')) + 1;
  const auto check_place = [&](const Error& error) {
    TERRENO_CHECK(error.line >= 1 && error.line <= lines, "the line is in the source");
    TERRENO_CHECK(error.column >= 1 && error.column <= source.size() + 1, "the column is in the source");
    for (const Language language : {Language::en, Language::es, Language::fr})
      TERRENO_CHECK(!describe(error, language).empty(), "every error has a text");
  };
  const auto liquid = parse(source, {.allow_unescaped = true});
  if (!liquid) {
    check_place(liquid.error());
    return 0;
  }
  Arena arena;
  Value scope;
  if (const auto parsed = from_json(json.empty() ? R"({"a":[1,"b",{"c":null}],"s":"<x>","n":2.5})" : json, arena))
    scope = *parsed;
  Partials partials;
  partials.emplace("self", *liquid);
  const Limits limits{.steps = 20'000, .output_bytes = 64 << 10, .memory_bytes = 1 << 20, .depth = 40};
  for (const Escape escape : {Escape::none, Escape::html}) {
    RenderOptions options{.escape = escape, .limits = limits, .now = {1'795'528'987'250}};
    options.partials = &partials;
    std::string out = "kept";
    const auto result = render(*liquid, scope, options, out);
    TERRENO_CHECK(out.starts_with("kept"), "what was there before stays");
    TERRENO_CHECK(out.size() <= limits.output_bytes + 4, "the output is limited");
    if (!result) {
      TERRENO_CHECK(out == "kept", "nothing is half rendered");
      check_place(result.error());
    }
  }
  static_cast<void>(variables_read(*liquid));
  static_cast<void>(variables_without_default(*liquid));
  return 0;
}
