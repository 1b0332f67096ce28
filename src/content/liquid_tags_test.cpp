#include "content/liquid_testing.h"

namespace terreno::content::liquid {
namespace {

constexpr std::string_view kData =
    R"({"n": 5, "s": "hello", "list": [3, 1, 2], "none": null, "no": false, "empty_list": [],
  "object": {"a": 1, "b": "two"}, "blank_text": "  ", "items": [{"name": "x"}, {"name": "y"}]})";

std::string shown(std::string_view source) { return rendered(source, kData); }

TEST(LiquidOutput, PrintsValuesAsRubyDoes) {
  EXPECT_EQ(shown("{{ n }}|{{ s }}|{{ list }}|{{ none }}|{{ no }}|{{ nothing.at.all }}|{{ 1.50 }}|{{ }}"),
            "5|hello|312||false||1.5|");
  EXPECT_EQ(shown("{{ object }}"), R"({"a"=>1, "b"=>"two"})");
  EXPECT_EQ(shown("{{ (1..3) }}"), "1..3");
}

TEST(LiquidOutput, LooksUpByNameIndexAndExpression) {
  EXPECT_EQ(shown("{{ object.a }}{{ object['b'] }}{{ list[0] }}{{ list[-1] }}{{ list[9] }}{{ items[1].name }}{{ "
                  "items.last.name }}"),
            "1two32yy");
  EXPECT_EQ(shown("{% assign key = 'b' %}{{ object[key] }}{{ ['s'] }}{{ list.size }}{{ list.first }}{{ s.size }}{{ "
                  "object.size }}"),
            "twohello3352");
  EXPECT_EQ(shown("{{ object['size'] }}"), "") << "a quoted name is only a key";
}

TEST(LiquidOutput, RefusesWhatItCannotRead) {
  EXPECT_EQ(shown("a\n {{ s"), "!unclosed_output 2:2 {{");
  EXPECT_EQ(shown("{{ 'a }}"), "!unclosed_string 1:4 '");
  EXPECT_EQ(shown("{{ a b }}"), "!unexpected_word 1:6 b");
  EXPECT_EQ(shown("{{ | upcase }}"), "!expected_expression 1:4 |");
  EXPECT_EQ(shown("ñ{{ % }}"), "!unexpected_character 1:5 %") << "columns count characters";
  EXPECT_EQ(shown("{{ 9223372036854775808 }}"), "!number_too_large 1:4 9223372036854775808");
  EXPECT_EQ(shown("{{ a.1 }}").substr(0, 16), "!unexpected_word");
}

TEST(LiquidWhitespace, DashesTrimTheTextBesideThem) {
  EXPECT_EQ(shown("a \n {{- n -}} \n b"), "a5b");
  EXPECT_EQ(shown("a {%- if n -%} b {%- endif -%} c"), "abc");
  EXPECT_EQ(shown("a {% if n %} b {% endif %} c"), "a  b  c");
  EXPECT_EQ(shown("a {% raw %} b {% endraw %}{{- n }}"), "a  b 5") << "raw text is not trimmed";
}

TEST(LiquidWhitespace, BlocksThatPrintNothingPrintNoWhiteSpaceEither) {
  EXPECT_EQ(shown("{% for i in list %}  {% assign x = i %}\n{% endfor %}|{% if n %} {% comment %}c{% endcomment %} {% "
                  "endif %}|"),
            "||");
}

TEST(LiquidIf, TakesTheFirstBranchThatHolds) {
  EXPECT_EQ(shown("{% if no %}a{% elsif n %}b{% else %}c{% endif %}"), "b");
  EXPECT_EQ(shown("{% if no %}a{% else %}c{% endif %}"), "c");
  EXPECT_EQ(shown("{% if 0 %}a{% endif %}{% if '' %}b{% endif %}{% if none %}c{% endif %}"), "ab")
      << "only nil and false are false";
}

TEST(LiquidIf, RefusesWrongConditionsAndMissingEnds) {
  EXPECT_EQ(shown("{% if %}{% endif %}"), "!expected_expression 1:7");
  EXPECT_EQ(shown("x{% if n %}"), "!unclosed_block 1:2 if");
  EXPECT_EQ(shown("{% if n %}{% endfor %}"), "!unexpected_tag 1:11 endfor");
  EXPECT_EQ(shown("{% else %}"), "!unexpected_tag 1:1 else");
  EXPECT_EQ(shown("{% if n %}{% else x %}{% endif %}"), "!unexpected_word 1:19 x");
}

TEST(LiquidUnless, IsTheOppositeOfIf) {
  EXPECT_EQ(shown("{% unless no %}a{% endunless %}{% unless n %}b{% elsif n %}c{% else %}d{% endunless %}"), "ac");
  EXPECT_EQ(shown("{% unless no %}"), "!unclosed_block 1:1 unless");
}

struct OperatorCase {
  std::string_view condition;
  bool holds;
};

TEST(LiquidOperators, CompareAsRubyDoes) {
  for (const OperatorCase& c : std::initializer_list<OperatorCase>{{"n == 5", true},
                                                                   {"n == 5.0", true},
                                                                   {"n == '5'", false},
                                                                   {"n != 4", true},
                                                                   {"n <> 4", true},
                                                                   {"n < 6", true},
                                                                   {"n > 5", false},
                                                                   {"n >= 5", true},
                                                                   {"n <= 4.9", false},
                                                                   {"'a' < 'b'", true},
                                                                   {"none < 1", false},
                                                                   {"none == nil", true},
                                                                   {"s contains 'ell'", true},
                                                                   {"list contains 3", true},
                                                                   {"list contains '3'", false},
                                                                   {"object contains 'a'", true},
                                                                   {"none contains 1", false},
                                                                   {"(1..3) contains 2", true},
                                                                   {"empty_list == empty", true},
                                                                   {"s == empty", false},
                                                                   {"blank_text == blank", true},
                                                                   {"none == blank", true},
                                                                   {"no == blank", true},
                                                                   {"n == blank", false},
                                                                   {"empty == ''", true},
                                                                   {"none == empty", false},
                                                                   {"list == list", true},
                                                                   {"true == true", true}}) {
    EXPECT_EQ(shown("{% if " + std::string(c.condition) + " %}yes{% else %}no{% endif %}"), c.holds ? "yes" : "no")
        << c.condition;
  }
}

TEST(LiquidOperators, AndAndOrBindFromRightToLeft) {
  EXPECT_EQ(shown("{% if true or false and false %}yes{% endif %}"), "yes");
  EXPECT_EQ(shown("{% if false and false or true %}yes{% else %}no{% endif %}"), "no");
  EXPECT_EQ(shown("{% if true and false or true %}yes{% endif %}"), "yes");
}

TEST(LiquidOperators, RefuseOperatorsOfOtherLanguages) {
  EXPECT_EQ(shown("{% if n && s %}{% endif %}"), "!unknown_operator 1:9 &&");
  EXPECT_EQ(shown("{% if n || s %}{% endif %}"), "!unknown_operator 1:9 ||");
  EXPECT_EQ(shown("{% if n = 5 %}{% endif %}"), "!unknown_operator 1:9 =");
  EXPECT_EQ(shown("{% if n like 5 %}{% endif %}"), "!unknown_operator 1:9 like");
  EXPECT_EQ(shown("{% if n == %}{% endif %}"), "!expected_expression 1:12");
}

TEST(LiquidOperators, ComparingTextWithANumberIsAnError) {
  EXPECT_EQ(shown("ab{% if s < 5 %}{% endif %}"), "!not_comparable 1:11 s < 5");
}

TEST(LiquidCase, RendersEveryValueThatMatches) {
  EXPECT_EQ(shown("{% case n %}{% when 4 %}a{% when 5, 6 %}b{% else %}c{% endcase %}"), "b");
  EXPECT_EQ(shown("{% case s %}{% when 'x' or 'hello' %}b{% endcase %}"), "b");
  EXPECT_EQ(shown("{% case n %} ignored {% when 1 %}a{% else %}c{% endcase %}"), "c");
  EXPECT_EQ(shown("{% case n %}{% when 5 %}a{% when 5 %}b{% endcase %}"), "ab");
  EXPECT_EQ(shown("{% case empty_list %}{% when empty %}e{% endcase %}"), "e");
  EXPECT_EQ(shown("{% case %}{% endcase %}"), "!expected_expression 1:9");
  EXPECT_EQ(shown("{% case n %}{% when %}{% endcase %}"), "!expected_expression 1:21");
}

TEST(LiquidFor, RunsOverArraysObjectsRangesAndTexts) {
  EXPECT_EQ(shown("{% for i in list %}{{ i }},{% endfor %}"), "3,1,2,");
  EXPECT_EQ(shown("{% for p in object %}{{ p[0] }}={{ p[1] }};{% endfor %}"), "a=1;b=two;");
  EXPECT_EQ(shown("{% for i in (2..n) %}{{ i }}{% endfor %}"), "2345");
  EXPECT_EQ(shown("{% for c in s %}{{ c }}!{% endfor %}"), "hello!");
  EXPECT_EQ(shown("{% for i in none %}x{% else %}nothing{% endfor %}"), "nothing");
  EXPECT_EQ(shown("{% for i in (3..1) %}x{% else %}nothing{% endfor %}"), "nothing");
}

TEST(LiquidFor, TakesLimitOffsetAndReversed) {
  EXPECT_EQ(shown("{% for i in (1..9) limit: 3 offset: 2 %}{{ i }}{% endfor %}"), "345");
  EXPECT_EQ(shown("{% for i in (1..9) reversed limit: 3 offset: 2 %}{{ i }}{% endfor %}"), "543");
  EXPECT_EQ(shown("{% for i in (1..9) limit: 3 %}{{ i }}{% endfor %}-{% for i in (1..9) limit: 2 offset: continue %}{{ "
                  "i }}{% endfor %}-"
                  "{% for i in (1..9) offset: continue %}{{ i }}{% endfor %}"),
            "123-45-6789");
  EXPECT_EQ(shown("{% for i in list limit: 'x' %}{% endfor %}"), "!not_an_integer 1:25 x");
}

TEST(LiquidFor, KnowsWhereItIs) {
  EXPECT_EQ(shown("{% for i in list %}{{ forloop.index }}{{ forloop.index0 }}{{ forloop.rindex }}{{ forloop.rindex0 "
                  "}}{{ forloop.first }}"
                  "{{ forloop.last }}{{ forloop.length }} {% endfor %}"),
            "1032truefalse3 2121falsefalse3 3210falsetrue3 ");
  EXPECT_EQ(shown("{% for a in (1..2) %}{% for b in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% "
                  "endfor %}{% endfor %}"),
            "11 12 21 22 ");
  EXPECT_EQ(shown("{% for i in list %}{{ forloop.name }}{% break %}{% endfor %}"), "i-list");
  EXPECT_EQ(shown("{% for i in list %}{% assign kept = forloop %}{% endfor %}{{ kept.length }}"), "3")
      << "outlives its loop";
}

TEST(LiquidFor, BreakAndContinueLeaveTheInnermostLoop) {
  EXPECT_EQ(shown("{% for i in (1..5) %}{% if i == 3 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif "
                  "%}{{ i }}{% endfor %}"),
            "124");
  EXPECT_EQ(shown("{% for a in (1..2) %}{% for b in (1..3) %}{% if b == 2 %}{% break %}{% endif %}{{ a }}{{ b }} {% "
                  "endfor %}{% endfor %}"),
            "11 21 ");
  EXPECT_EQ(shown("a{% break %}b"), "a") << "outside a loop it ends the template";
  EXPECT_EQ(shown("{% break now %}"), "!unexpected_word 1:10 now");
  EXPECT_EQ(shown("{% continue now %}"), "!unexpected_word 1:13 now");
}

TEST(LiquidFor, RefusesWhatIsNoLoop) {
  EXPECT_EQ(shown("{% for i list %}{% endfor %}"), "!unexpected_word 1:10 list");
  EXPECT_EQ(shown("{% for i %}{% endfor %}"), "!unexpected_word 1:10");
  EXPECT_EQ(shown("{% tablerow i %}{% endtablerow %}"), "!unexpected_word 1:15");
  EXPECT_EQ(shown("{% for i in list cols: 2 %}{% endfor %}"), "!unknown_argument 1:18 cols");
  EXPECT_EQ(shown("{% for i in list %}"), "!unclosed_block 1:1 for");
}

TEST(LiquidTableRow, WritesRowsAndColumns) {
  EXPECT_EQ(shown("{% tablerow i in list cols: 2 %}{{ i }}{% endtablerow %}"),
            "<tr class=\"row1\">\n<td class=\"col1\">3</td><td class=\"col2\">1</td></tr>\n<tr class=\"row2\"><td "
            "class=\"col1\">2</td></tr>\n");
  EXPECT_EQ(shown("{% tablerow i in (1..9) cols: 2 limit: 2 offset: 3 %}{{ i }}{{ tablerowloop.row }}{{ "
                  "tablerowloop.col }}{{ tablerowloop.col0 }}"
                  "{{ tablerowloop.col_first }}{{ tablerowloop.col_last }}{% endtablerow %}"),
            "<tr class=\"row1\">\n<td class=\"col1\">4110truefalse</td><td class=\"col2\">5121falsetrue</td></tr>\n");
  EXPECT_EQ(shown("{% tablerow i in none %}{% endtablerow %}"), "");
  EXPECT_EQ(shown("{% tablerow i in list rows: 2 %}{% endtablerow %}"), "!unknown_argument 1:29 rows");
}

TEST(LiquidAssign, KeepsAValueUnderAName) {
  EXPECT_EQ(shown("{% assign x = s | upcase %}{{ x }}"), "HELLO");
  EXPECT_EQ(shown("{% for i in list %}{% assign i = 7 %}{{ i }}{% endfor %}{{ i }}"), "3127")
      << "the loop's variable hides it";
  EXPECT_EQ(shown("{% assign x %}"), "!unexpected_word 1:13");
  EXPECT_EQ(shown("{% assign = 1 %}"), "!unexpected_word 1:11 =");
}

TEST(LiquidCapture, KeepsWhatItsBodyPrints) {
  EXPECT_EQ(
      shown("{% capture x %}<{{ s }}>{% endcapture %}{{ x }}{{ x.size }}{% capture 'y' %}q{% endcapture %}{{ y }}"),
      "<hello>7q");
  EXPECT_EQ(shown("{% capture %}{% endcapture %}"), "!unexpected_word 1:12");
}

TEST(LiquidComment, PrintsNothing) {
  EXPECT_EQ(shown("a{% comment %}x{% if %}{% comment %}y{% endcomment %}{{ a | b }}{% endcomment %}b"), "ab");
  EXPECT_EQ(shown("a{% comment %}{% raw %}{% endcomment %}{% endraw %}{% endcomment %}b"), "ab");
  EXPECT_EQ(shown("a{% doc %}@param {{ x {% enddoc %}b"), "ab");
  EXPECT_EQ(shown("a{% # note %}b{%- # note\n # more -%} c"), "abc");
  EXPECT_EQ(shown("{% # note\n more %}"), "!unexpected_word 2:2 m");
  EXPECT_EQ(shown("{% comment %}"), "!unclosed_block 1:1 comment");
  EXPECT_EQ(shown("{% doc %}"), "!unclosed_block 1:1 doc");
}

TEST(LiquidRaw, PrintsItsTextAsItIs) {
  EXPECT_EQ(shown("{% raw %}{{ n }} {% if %}{% endraw %}"), "{{ n }} {% if %}");
  EXPECT_EQ(shown("{% raw %}{{ n"), "!unclosed_block 1:1 raw");
  EXPECT_EQ(shown("{% raw x %}{% endraw %}"), "!unexpected_word 1:8 x");
}

TEST(LiquidCycle, TakesItsValuesInTurnByGroup) {
  EXPECT_EQ(shown("{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}"), "aba");
  EXPECT_EQ(shown("{% cycle 'g': 'a', 'b' %}{% cycle 'h': 'a', 'b' %}{% cycle 'g': 'a', 'b' %}"), "aab");
  EXPECT_EQ(shown("{% cycle %}"), "!expected_expression 1:10");
}

TEST(LiquidCounters, CountApartFromVariables) {
  EXPECT_EQ(shown("{% increment c %}{% increment c %}{{ c }}"), "012");
  EXPECT_EQ(shown("{% decrement d %}{% decrement d %}"), "-1-2");
  EXPECT_EQ(shown("{% assign c = 9 %}{% increment c %}{{ c }}"), "09");
  EXPECT_EQ(shown("{% increment n %}{% increment n %}"), "56") << "a number of the data is where it starts";
  EXPECT_EQ(shown("{% increment %}"), "!unexpected_word 1:14");
  EXPECT_EQ(shown("{% decrement 1 %}"), "!unexpected_word 1:14 1");
}

TEST(LiquidEcho, PrintsLikeAnOutput) {
  EXPECT_EQ(shown("{% echo s | upcase %}"), "HELLO");
  EXPECT_EQ(shown("{% echo s | nope %}"), "!unknown_filter 1:13 nope");
}

TEST(LiquidIfChanged, PrintsOnlyWhatDiffersFromTheLastTime) {
  EXPECT_EQ(
      rendered("{% for i in l %}{% ifchanged %}{{ i }}{% endifchanged %}{% endfor %}", R"({"l": [1, 1, 2, 2, 1]})"),
      "121");
  EXPECT_EQ(shown("{% ifchanged %}"), "!unclosed_block 1:1 ifchanged");
}

TEST(LiquidLiquid, HoldsOneTagALine) {
  EXPECT_EQ(shown("{% liquid\n  assign x = 1\n  # a note\n  if x == 1\n    echo 'one'\n  else\n    echo 'other'\n  "
                  "endif\n  for i in list\n    echo i\n  endfor %}"),
            "one312");
  EXPECT_EQ(shown("{% liquid\n  if n\n    echo 1 %}{% endif %}"), "!unclosed_block 2:3 if");
  EXPECT_EQ(shown("{% liquid\n  echo s\n  nope x %}"), "!unknown_tag 3:3 nope");
}

TEST(LiquidRender, HidesTheScopeOfItsCaller) {
  EXPECT_EQ(
      rendered_with({{"p", "[{{ x }}{{ s }}]"}}, "{% assign x = 1 %}{% render 'p' %}{% render 'p', x: 2 %}", kData),
      "[][2]");
  EXPECT_EQ(rendered_with({{"p", "[{{ p }}]"}}, "{% render 'p' with n %}{% render 'p' %}", kData), "[5][]");
  EXPECT_EQ(rendered_with({{"p", "{{ i }}{{ forloop.index }}/{{ forloop.length }};"}}, "{% render 'p' for list as i %}",
                          kData),
            "31/3;12/3;23/3;");
  EXPECT_EQ(rendered_with({{"p", "a{% break %}b"}}, "{% for i in list %}{% render 'p' %}{% endfor %}", kData), "aaa");
}

TEST(LiquidRender, ShowsGlobalsEverywhere) {
  Arena arena;
  RenderOptions options;
  options.globals = *from_json(R"({"person": {"name": "Ana"}})", arena);
  EXPECT_EQ(rendered_with({{"p", "{{ person.name }}"}}, "{% render 'p' %}{{ person.name }}", "{}", options), "AnaAna");
}

TEST(LiquidRender, RefusesUnknownPartials) {
  EXPECT_EQ(rendered_with({}, "a {% render 'p' %}"), "!partial_missing 1:3 p");
  EXPECT_EQ(shown("{% render p %}"), "!unexpected_word 1:11 p");
  const std::set<std::string, std::less<>> names = {"footer"};
  const auto known = parse("{% render 'foter' %}", {.partial_names = &names});
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().code, Errc::unknown_partial);
  EXPECT_EQ(known.error().suggestion, "footer");
}

TEST(LiquidRender, AnErrorInAPartialNamesThePartial) {
  Partials partials;
  partials.emplace("p", *parse("\n{{ 1 | divided_by: 0 }}"));
  std::string out = "kept";
  const auto result = render(*parse("text{% render 'p' %}"), {}, {.partials = &partials}, out);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().partial, "p");
  EXPECT_EQ(result.error().line, 2U);
  EXPECT_EQ(out, "kept");
}

TEST(LiquidInclude, SharesTheScopeOfItsCaller) {
  EXPECT_EQ(
      rendered_with({{"p", "[{{ s }}{{ y }}]{% assign z = 5 %}"}}, "{% include 'p', y: 3 %}{{ z }}{{ y }}", kData),
      "[hello3]5");
  EXPECT_EQ(rendered_with({{"dir/q", "{{ q }}"}}, "{% include 'dir/q' with n %}{% include 'dir/q' for list %}", kData),
            "5312");
  EXPECT_EQ(rendered_with({{"p", "a{% break %}b"}}, "{% for i in list %}{% include 'p' %}{% endfor %}", kData), "a");
  EXPECT_EQ(rendered_with({{"p", "{{ n }}"}}, "{% assign which = 'p' %}{% include which %}", kData), "5");
}

TEST(LiquidInclude, IsForbiddenInsideRender) {
  EXPECT_EQ(rendered_with({{"p", "{% include 'q' %}"}, {"q", ""}}, "{% render 'p' %}"),
            "!include_forbidden 1:1 include");
}

TEST(LiquidLinks, PrintTheLinksOfTheDelivery) {
  RenderOptions options{.escape = Escape::html, .missing = Missing::fail};
  options.links = {
      .unsubscribe = "https://x/u?a=1&b=2", .view_in_browser = "https://x/v", .preferences = "https://x/p"};
  EXPECT_EQ(rendered("{% unsubscribe_url %} {% view_in_browser_url %} {% preferences_url %}", "{}", options),
            "https://x/u?a=1&amp;b=2 https://x/v https://x/p");
  EXPECT_EQ(rendered("{% unsubscribe_url %}", "{}", {.missing = Missing::fail}), "!link_missing 1:1 unsubscribe_url");
  EXPECT_EQ(shown("{% unsubscribe_url x %}"), "!unexpected_word 1:20 x");
  EXPECT_EQ(shown("{% view_in_browser_url x %}"), "!unexpected_word 1:24 x");
  EXPECT_EQ(shown("{% preferences_url x %}"), "!unexpected_word 1:20 x");
}

TEST(LiquidAbort, EndsWithAReasonAndNoOutput) {
  EXPECT_EQ(shown("text {% if n == 5 %}{% abort_message 'no stock' %}{% endif %} more"), "abort: no stock");
  EXPECT_EQ(shown("{% abort_message('no stock') %}"), "abort: no stock");
  EXPECT_EQ(shown("{% abort_message s %}"), "abort: hello");
  EXPECT_EQ(shown("{% abort_message %}"), "abort: ");
  EXPECT_EQ(shown("{% abort_message 'a' 'b' %}"), "!unexpected_word 1:22 b");
}

TEST(LiquidTags, UnknownOnesGetASuggestion) {
  const auto liquid = parse("a\n  {% asign x = 1 %}");
  ASSERT_FALSE(liquid);
  EXPECT_EQ(error_text(liquid.error()), "!unknown_tag 2:3 asign");
  EXPECT_EQ(liquid.error().suggestion, "assign");
  EXPECT_EQ(shown("{% if"), "!unclosed_tag 1:1 {%");
}

}  // namespace
}  // namespace terreno::content::liquid
