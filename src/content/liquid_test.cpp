#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <thread>

#include "content/liquid_testing.h"

namespace terreno::content::liquid {
namespace {

const RenderOptions kHtml{.escape = Escape::html};

TEST(LiquidEscaping, ValuesAreEscapedAndMarkupIsNot) {
  constexpr std::string_view kName = R"({"x": "<b>O'Neill & \"Co\"</b>"})";
  EXPECT_EQ(rendered("<p>{{ x }}</p>", kName, kHtml), "<p>&lt;b&gt;O&#39;Neill &amp; &quot;Co&quot;&lt;/b&gt;</p>");
  EXPECT_EQ(rendered("<p>{{ x }}</p>", kName), "<p><b>O'Neill & \"Co\"</b></p>");
  EXPECT_EQ(rendered("{{ l }}{{ o }}", R"({"l": ["<", "a"], "o": {"<": 1}})", kHtml), "&lt;a{&quot;&lt;&quot;=&gt;1}");
}

TEST(LiquidEscaping, WhatIsHtmlAlreadyIsNotEscapedAgain) {
  EXPECT_EQ(rendered("{{ x | escape }}|{{ x | unescaped }}", R"({"x": "<"})", kHtml), "&lt;|<");
  EXPECT_EQ(rendered("{% capture y %}<i>{{ x }}</i>{% endcapture %}{{ y }}", R"({"x": "<"})", kHtml), "<i>&lt;</i>");
  EXPECT_EQ(rendered("{{ x | newline_to_br }}", R"({"x": "<\n"})", kHtml), "&lt;<br />\n");
  EXPECT_EQ(rendered("{{ x | newline_to_br | append: x }}", R"({"x": "<"})", kHtml), "&lt;&lt;")
      << "the other part is escaped";
  EXPECT_EQ(rendered("{{ x | escape | upcase | downcase }}", R"({"x": "<"})", kHtml), "&amp;lt;")
      << "a changed text is a text again";
}

TEST(LiquidEscaping, UnescapedNeedsPermission) {
  const auto refused = parse("a {{ x | unescaped }}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(error_text(refused.error()), "!unescaped_forbidden 1:10 unescaped");
  EXPECT_EQ(rendered("{{ x | raw }}"), "!unknown_filter 1:8 raw");
}

TEST(LiquidMissing, FailsWithoutDefaultAndNamesVariableAndPlace) {
  const RenderOptions strict{.missing = Missing::fail};
  constexpr std::string_view kAna = R"({"person": {"name": "Ana", "city": null}})";
  EXPECT_EQ(rendered("Hi {{ person.first_name }}", kAna, strict), "!variable_missing 1:7 person.first_name");
  EXPECT_EQ(rendered("{{ person.city | upcase }}", kAna, strict), "!variable_missing 1:4 person.city");
  EXPECT_EQ(rendered("{{ person.name | append: nope }}", kAna, strict), "!variable_missing 1:26 nope");
  EXPECT_EQ(rendered("{% assign x = nope %}", kAna, strict), "!variable_missing 1:15 nope");
  EXPECT_EQ(rendered("{% cycle nope %}", kAna, strict), "!variable_missing 1:10 nope");
  EXPECT_EQ(rendered("{{ person.city | upcase | default: 'there' }}{{ nil }}", kAna, strict), "there");
  EXPECT_EQ(
      rendered("{% if nope %}{% elsif person.city == nil %}ok{% endif %}{% for i in nope %}{% endfor %}", kAna, strict),
      "ok");
  EXPECT_EQ(rendered("Hi {{ person.first_name }}!", kAna), "Hi !");
}

TEST(LiquidLimits, StepsOutputMemoryAndDepthEndARendering) {
  RenderOptions options;
  options.limits = {.steps = 1000, .output_bytes = 1000, .memory_bytes = 10'000, .depth = 10};
  const auto limited = [&](std::string_view source) {
    const std::string result = rendered(source, "{}", options);
    return result.substr(0, result.find(' '));
  };
  EXPECT_EQ(limited("{% for i in (1..1000000000000) %}{% endfor %}"), "!too_many_steps");
  EXPECT_EQ(limited("{% for i in (1..400) %}{{ 'aaaaaaaaaa' }}{% endfor %}"), "!output_too_long");
  EXPECT_EQ(limited("{{ (1..1000000000) | join }}"), "!memory_exhausted");
  EXPECT_EQ(
      limited("{% assign x = 'aaaaaaaaaaaaaaaa' %}{% for i in (1..100) %}{% assign x = x | append: x %}{% endfor %}"),
      "!memory_exhausted");
  EXPECT_EQ(
      limited(
          "{% assign x = "
          "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}"
          "{% assign y = x | replace: 'a', x %}{{ y | replace: 'a', y }}"),
      "!memory_exhausted");
  Partials partials;
  partials.emplace("self", *parse("{% render 'self' %}"));
  partials.emplace("again", *parse("{% include 'again' %}"));
  options.partials = &partials;
  EXPECT_EQ(limited("{% render 'self' %}"), "!depth_exceeded");
  EXPECT_EQ(limited("{% include 'again' %}"), "!depth_exceeded");
}

TEST(LiquidLimits, AListThatHoldsOneLongThingManyTimesIsBoundedToo) {
  const std::string json = R"({"o": [{"k": ")" + std::string(100'000, 'x') + R"("}]})";
  // 2^15 views of one object: little memory, but 3 GB when written out or compared.
  std::string source = "{% assign l = o %}";
  for (int i = 0; i < 15; ++i) source += "{% assign l = l | concat: l %}";
  const auto ends = [&](std::string_view use) {
    const std::string result = rendered(source + std::string(use), json);
    return result.substr(0, result.find(' '));
  };
  EXPECT_EQ(ends("{{ l | json }}"), "!memory_exhausted");
  EXPECT_EQ(ends("{{ l | upcase }}"), "!memory_exhausted");
  EXPECT_EQ(ends("{{ l }}"), "!output_too_long");
  EXPECT_EQ(ends("{% assign m = l | reverse %}{% if l == m %}{% endif %}"), "!too_many_steps");
  EXPECT_EQ(ends("{{ l | sort: 'k' | size }}"), "!too_many_steps");
  EXPECT_EQ(ends("{% assign t = o | map: 'k' | join %}{% assign p = t | append: 'y' %}{% for i in (1..100) %}{{ t | "
                 "replace: p, '' | size }}{% endfor %}"),
            "!too_many_steps");
}

TEST(LiquidLimits, NestingAndLengthAreBoundedWhileParsing) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "{% if a %}";
  EXPECT_EQ(rendered(deep).substr(0, 17), "!nesting_too_deep");
  EXPECT_EQ(rendered("{{ " + std::string(5000, '[') + " }}").substr(0, 17), "!nesting_too_deep");
  EXPECT_EQ(rendered("{{ " + std::string(5000, '(') + " }}").substr(0, 17), "!nesting_too_deep");
  EXPECT_EQ(rendered(std::string(kSourceBytesMax + 1, 'a')).substr(0, 16), "!source_too_long");
  EXPECT_EQ(rendered("ab\n\xff"), "!source_not_utf8 2:1");
}

TEST(LiquidRendering, NothingIsHalfRendered) {
  std::string out = "before";
  EXPECT_FALSE(render(*parse("text {{ 1 | divided_by: 0 }}"), {}, {}, out));
  EXPECT_EQ(out, "before");
  EXPECT_TRUE(render(*parse("text {% abort_message 'x' %}"), {}, {}, out)->abort_reason);
  EXPECT_EQ(out, "before");
}

TEST(LiquidRendering, ThreadsShareATemplate) {
  const auto liquid = parse("{% for i in (1..50) %}{{ x | append: i }}{% cycle 'a', 'b' %}{% endfor %}");
  const std::string expected =
      rendered("{% for i in (1..50) %}{{ x | append: i }}{% cycle 'a', 'b' %}{% endfor %}", R"({"x": "v"})");
  std::array<std::string, 4> results;
  {
    std::vector<std::jthread> threads;
    for (std::string& result : results)
      threads.emplace_back([&] {
        Arena arena;
        const auto data = from_json(R"({"x": "v"})", arena);
        if (!render(*liquid, *data, {}, result)) result = "failed";
      });
  }
  for (const std::string& result : results) EXPECT_EQ(result, expected);
}

TEST(LiquidValues, JsonIsKeptExactly) {
  EXPECT_EQ(rendered("{{ a }} {{ b }} {{ c }} {{ d }}",
                     R"({"a": 9223372036854775807, "b": 18446744073709551615, "c": 1.5, "d": 1, "d": 2})"),
            "9223372036854775807 18446744073709551615 1.5 2");
  EXPECT_EQ(rendered("", "{").substr(0, 14), "!data_not_json");
  EXPECT_EQ(rendered("", std::string(1000, '[')).substr(0, 14), "!data_not_json");
}

TEST(LiquidValues, LongObjectsFindEveryKeyAndKeepTheirOrder) {
  std::string json = "{";
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    json += (i > 0 ? ",\"k" : "\"k") + std::to_string(i * 7 % 100) + "\":" + std::to_string(i);
    expected += "k" + std::to_string(i * 7 % 100) + " ";
  }
  json += ",\"k0\":\"last\"}";
  EXPECT_EQ(rendered("{{ o.k0 }} {{ o.k7 }} {{ o.k93 }} {{ o.nope }}{{ o.size }}", "{\"o\":" + json + "}"),
            "last 1 99 100");
  EXPECT_EQ(rendered("{% for p in o %}{{ p[0] }} {% endfor %}", "{\"o\":" + json + "}"), expected);
}

std::vector<std::string> paths(const std::vector<VariableUse>& uses) {
  std::vector<std::string> result;
  for (const VariableUse& use : uses) result.push_back(use.path);
  return result;
}

TEST(LiquidLint, ListsWhatATemplateReads) {
  const auto liquid = parse(
      "{{ person.name }}{{ person.name }}{% assign x = event.total %}{{ x }}{% for item in event.items limit: n %}{{ "
      "item.name }}{% endfor %}"
      "{% if a.b == c %}{% endif %}{{ d[e] | append: f }}{% render 'p' with g, h: i %}{% case j %}{% when k %}{% "
      "endcase %}");
  EXPECT_EQ(paths(variables_read(*liquid)),
            (std::vector<std::string>{"person.name", "event.total", "event.items", "n", "a.b", "c", "e", "d[e]", "f",
                                      "g", "i", "j", "k"}));
}

TEST(LiquidLint, ListsEveryTextWithoutDefault) {
  const auto liquid = parse(
      "{{ a }}{{ b | default: 'x' }}\n{% assign y = c %}{{ y }}{% for i in l %}{{ i.name }}{{ forloop.index }}{% "
      "endfor %}{% if d %}{% endif %}");
  const auto uses = variables_without_default(*liquid);
  EXPECT_EQ(paths(uses), (std::vector<std::string>{"a", "c", "i.name"}));
  EXPECT_EQ(uses[1].line, 2U);
  EXPECT_EQ(uses[1].column, 15U);
}

TEST(LiquidMessages, SayWhatAndHowInThreeLanguages) {
  const Error error{
      .code = Errc::unknown_filter, .line = 3, .column = 7, .subject = "upcas{0}", .suggestion = "upcase"};
  EXPECT_EQ(describe(error, Language::en), "line 3, column 7: There is no filter “upcas{0}”. Did you mean upcase?");
  EXPECT_EQ(describe(error, Language::es), "línea 3, columna 7: No existe el filtro «upcas{0}». ¿Quería decir upcase?");
  EXPECT_EQ(describe(error, Language::fr),
            "ligne 3, colonne 7 : Le filtre « upcas{0} » n’existe pas. Vouliez-vous dire upcase ?");
}

TEST(LiquidJsonLines, TurnALineIntoALine) {
  const JsonLineOptions options{.escape = Escape::html, .missing = Missing::fail};
  EXPECT_EQ(
      render_json_line(
          R"({"template": "Hi {{ name }}\n{% render 'p', x: 1 %}", "data": {"name": "<Ana>"}, "templates": {"p": "[{{ x }}]"}})",
          options),
      R"({"output":"Hi &lt;Ana&gt;\n[1]"})");
  EXPECT_EQ(render_json_line(R"({"template": "{% abort_message 'why' %}"})", options), R"({"abort":"why"})");
  EXPECT_EQ(
      render_json_line(R"({"template": "{{ x }}"})", options),
      R"({"error":{"code":"variable_missing","line":1,"column":4,"subject":"x","message":"line 1, column 4: The variable “x” has no value for this person; add | default: \"…\"."}})");
  using ::testing::StartsWith;
  EXPECT_THAT(render_json_line(R"({"template": "a", "templates": {"p": "{{"}})", options),
              StartsWith(R"({"error":{"code":"unclosed_output")"));
  EXPECT_THAT(render_json_line("nonsense", options), StartsWith(R"({"error":{"code":"data_not_json")"));
  EXPECT_THAT(render_json_line(R"({"data": {}})", options), StartsWith(R"({"error":{"code":"data_not_object")"));
  EXPECT_THAT(render_json_line(R"({"template": "a", "data": 3})", options),
              StartsWith(R"({"error":{"code":"data_not_object")"));
}

// Sources made of the language's own pieces reach deeper than random bytes.
rc::Gen<std::string> sources() {
  const auto piece = rc::gen::element<std::string>(
      "{{", "}}", "{%", "%}", "{%-", "-%}", " ", "\n", "x", "x.y", "[", "]", "(1..3)", "|", ":", ",", "'t'", "\"", "if",
      "endif", "else", "for i in x", "endfor", "case", "when", "endcase", "raw", "endraw", "comment", "endcomment",
      "liquid", "assign", "=", "==", "and", "upcase", "default", "split", "1", "2.5", "render", "cycle", "capture",
      "endcapture", "ñ", "#", "abort_message", "tablerow i in x", "endtablerow", "break", "contains", "date");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
    std::string source;
    for (const std::string& p : pieces) {
      source += p;
      source += ' ';
    }
    return source;
  });
}

RC_GTEST_PROP(LiquidProperty, ParsingNeverCrashesAndErrorsHaveAPlaceInTheSource, ()) {
  const std::string source = *sources();
  const auto liquid = parse(source);
  if (liquid) {
    std::string out;
    const auto result =
        render(*liquid, {}, {.limits = {.steps = 10'000, .output_bytes = 10'000, .memory_bytes = 100'000}}, out);
    RC_ASSERT(out.size() <= 10'000U);
    RC_ASSERT(result || result.error().line >= 1);
    return;
  }
  const auto lines = static_cast<uint32_t>(std::ranges::count(source, '\n')) + 1;
  RC_ASSERT(liquid.error().line >= 1 && liquid.error().line <= lines);
  RC_ASSERT(liquid.error().column >= 1 && liquid.error().column <= source.size() + 1);
}

RC_GTEST_PROP(LiquidProperty, TextWithoutBracesIsRenderedAsItIs, ()) {
  std::string source = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 122));
  RC_ASSERT(rendered(source) == source);
}

RC_GTEST_PROP(LiquidProperty, EscapedTextHoldsNoMarkup, ()) {
  const std::string text = *rc::gen::container<std::string>(rc::gen::inRange<char>(32, 127));
  const Member member{"x", Value::text(text)};
  Arena arena;
  std::string out;
  RC_ASSERT(render(*parse("{{ x }}"), arena.object({&member, 1}), kHtml, out).has_value());
  RC_ASSERT(out.find_first_of("<>\"'") == std::string::npos);
}

}  // namespace
}  // namespace terreno::content::liquid
