#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "content/liquid_filters.h"
#include "content/liquid_number.h"
#include "content/liquid_testing.h"

namespace terreno::content::liquid {
namespace {

constexpr std::string_view kData =
    R"({"n": 5, "s": "hello world", "u": "ñandú École", "list": [3, 1, 2], "none": null, "no": false,
  "mixed": ["b", "A", null, "c"], "nested": [[1, 2], [3, [4]]], "object": {"a": 1, "b": "two"},
  "items": [{"n": "x", "p": 3, "ok": true}, {"n": "y", "p": 1}, {"n": "Z", "p": 2.5, "ok": false}]})";

struct FilterCase {
  std::string_view expression;
  std::string_view expected;
};

void check(std::initializer_list<FilterCase> cases) {
  for (const FilterCase& c : cases)
    EXPECT_EQ(rendered("{{ " + std::string(c.expression) + " }}", kData), c.expected) << c.expression;
}

TEST(LiquidTextFilters, ChangeCase) {
  check({{"u | upcase", "ÑANDÚ ÉCOLE"},
         {"'ß' | upcase", "SS"},
         {"u | downcase", "ñandú école"},
         {"'éCOLE Xy' | capitalize", "École xy"},
         {"'heLLO' | capitalize", "Hello"},
         {"'' | capitalize", ""},
         {"\"it's a día\" | titlecase", "It's A Día"},
         {"'¡Día de l’Été ß Ø!' | slugify", "dia-de-lete-ss-o"},
         {"'  a--b_c ' | slugify", "a-b-c"}});
}

TEST(LiquidTextFilters, Strip) {
  check({{"' \n a b \t' | strip", "a b"},
         {"' a ' | lstrip | append: '|'", "a |"},
         {"' a ' | rstrip", " a"},
         {"' a \n  b ' | squish", "a b"},
         {"none | squish", ""},
         {"\"a\r\nb\nc\" | strip_newlines", "abc"},
         {"\"a\nb\r\nc\" | newline_to_br", "a<br />\nb<br />\nc"},
         {"'<script>x</script>a<!-- c -->b<style>z</style><p>c' | strip_html", "abc"},
         {"'a < b' | strip_html", "a < b"}});
}

TEST(LiquidTextFilters, Escape) {
  check({{"'<&\">' | escape", "&lt;&amp;&quot;&gt;"},
         {"\"'\" | h", "&#39;"},
         {"'&lt; & &#39; &x' | escape_once", "&lt; &amp; &#39; &amp;x"},
         {"none | escape", ""},
         {"'<b>' | unescaped", "<b>"}});
}

TEST(LiquidTextFilters, PutTogether) {
  check({{"s | append: '!'", "hello world!"},
         {"none | append: 'x'", "x"},
         {"list | append: 'x'", "[3, 1, 2]x"},
         {"s | prepend: '> '", "> hello world"}});
}

TEST(LiquidTextFilters, ReplaceAndRemove) {
  check({{"s | replace: 'l', 'L'", "heLLo worLd"},
         {"s | replace: 'l'", "heo word"},
         {"'ab' | replace: '', '-'", "-a-b-"},
         {"s | replace_first: 'l', 'L'", "heLlo world"},
         {"s | replace_last: 'l', 'L'", "hello worLd"},
         {"s | remove: 'o'", "hell wrld"},
         {"s | remove_first: 'o'", "hell world"},
         {"s | remove_last: 'o'", "hello wrld"}});
}

TEST(LiquidTextFilters, CutByCharacters) {
  check({{"u | slice: 0", "ñ"},
         {"u | slice: -5, 3", "Éco"},
         {"s | slice: 99", ""},
         {"list | slice: 1, 2 | join: ','", "1,2"},
         {"u | truncate: 5", "ña..."},
         {"u | truncate: 4, ''", "ñand"},
         {"s | truncate", "hello world"},
         {"s | truncate: 2", "..."},
         {"s | truncatewords: 1", "hello..."},
         {"s | truncatewords: 1, '--'", "hello--"},
         {"s | truncatewords", "hello world"}});
  EXPECT_EQ(rendered("{{ 'abc' | slice: 'x' }}"), "!not_an_integer 1:12 x");
  EXPECT_EQ(rendered("{{ 'abc' | truncate: 'x' }}"), "!not_an_integer 1:12 x");
}

TEST(LiquidTextFilters, SplitAsRubyDoes) {
  check({{"',a,,b,,' | split: ',' | join: '|'", "|a||b"},
         {"' a  b ' | split: ' ' | join: '|'", "a|b"},
         {"'ñé' | split: '' | join: '|'", "ñ|é"},
         {"'' | split: ',' | size", "0"}});
}

TEST(LiquidTextFilters, DefaultStandsInForNilFalseAndEmpty) {
  check({{"none | default: 'D'", "D"},
         {"no | default: 'D'", "D"},
         {"'' | default: 'D'", "D"},
         {"0 | default: 'D'", "0"},
         {"no | default: 'D', allow_false: true", "false"},
         {"none | default", ""}});
}

TEST(LiquidNumberFilters, ComputeIntegersAndDecimals) {
  check({{"n | plus: 2", "7"},
         {"n | plus: '1.5'", "6.5"},
         {"0.1 | plus: 0.2", "0.3"},
         {"n | minus: 7", "-2"},
         {"1.1 | times: 3", "3.3"},
         {"10 | divided_by: 4", "2"},
         {"-7 | divided_by: 2", "-4"},
         {"10 | divided_by: 4.0", "2.5"},
         {"1 | divided_by: 3.0", "0.3333333333333333"},
         {"-7 | modulo: 3", "2"},
         {"7.5 | modulo: 2", "1.5"},
         {"'12abc' | plus: 1", "13"},
         {"'x' | plus: 1", "1"},
         {"none | plus: 1", "1"}});
}

TEST(LiquidNumberFilters, RoundHalfAwayFromZero) {
  check({{"2.5 | round", "3"},
         {"-1.5 | round", "-2"},
         {"1.234567 | round: 3", "1.235"},
         {"15 | round: -1", "20"},
         {"n | round: 2", "5"},
         {"1.2 | ceil", "2"},
         {"-1.2 | ceil", "-1"},
         {"'3.7' | floor", "3"},
         {"-1.2 | floor", "-2"},
         {"-5 | abs", "5"},
         {"'-5.5' | abs", "5.5"},
         {"4 | at_least: 5", "5"},
         {"4 | at_most: 3.5", "3.5"}});
}

TEST(LiquidNumberFilters, OverflowAndDivisionByZeroAreErrorsWithAPlace) {
  EXPECT_EQ(rendered("a {{ 9223372036854775807 | plus: 1 }}"), "!number_overflow 1:28");
  EXPECT_EQ(rendered("{{ -9223372036854775808 | abs }}"), "!number_overflow 1:27");
  EXPECT_EQ(rendered("{{ 9223372036854775807 | times: 2 }}"), "!number_overflow 1:26");
  EXPECT_EQ(rendered("{{ x | ceil }}", R"({"x": 1e300})"), "!number_overflow 1:8");
  EXPECT_EQ(rendered("\n{{ 1 | divided_by: 0 }}"), "!division_by_zero 2:8");
  EXPECT_EQ(rendered("{{ 1 | modulo: 0.0 }}"), "!division_by_zero 1:8");
}

TEST(LiquidNumberFilters, PrintDecimalsAsRubyDoes) {
  check({{"100000000000000000.0", "1.0e+17"},
         {"0.00001", "1.0e-05"},
         {"0.0001", "0.0001"},
         {"1234567890123456.0", "1234567890123456.0"},
         {"-0.5", "-0.5"}});
}

TEST(LiquidArrayFilters, ReadAndJoin) {
  check({{"list | join", "3 1 2"},
         {"nested | join: ','", "1,2,3,4"},
         {"list | first", "3"},
         {"list | last", "2"},
         {"object | first | join: ':'", "a:1"},
         {"(1..4) | last", "4"},
         {"list | size", "3"},
         {"u | size", "11"},
         {"none | size", "0"},
         {"list | reverse | join", "2 1 3"},
         {"list | concat: list | join", "3 1 2 3 1 2"},
         {"mixed | compact | size", "3"},
         {"items | compact: 'ok' | size", "2"},
         {"items | map: 'n' | join", "x y Z"},
         {"'a b a' | split: ' ' | uniq | join", "a b"},
         {"items | uniq: 'p' | size", "3"},
         {"s | first", ""}});
  EXPECT_EQ(rendered("{{ list | concat: 1 }}", kData), "!not_an_array 1:11 concat");
  EXPECT_EQ(rendered("{{ list | map: 'x' }}", kData), "!no_such_property 1:11 x");
}

TEST(LiquidArrayFilters, SortWithNilLast) {
  check({{"list | sort | join", "1 2 3"},
         {"mixed | sort | join: ','", "A,b,c,"},
         {"mixed | sort_natural | join: ','", "A,b,c,"},
         {"items | sort: 'p' | map: 'n' | join", "y Z x"},
         {"items | sort_natural: 'n' | map: 'n' | join", "x y Z"}});
  EXPECT_EQ(rendered("{{ x | sort }}", R"({"x": [1, "a"]})"), "!not_comparable 1:8 sort");
}

TEST(LiquidArrayFilters, SelectByProperty) {
  check({{"items | where: 'ok' | map: 'n' | join", "x"},
         {"items | where: 'p', 1 | map: 'n' | join", "y"},
         {"items | reject: 'ok' | map: 'n' | join", "y Z"},
         {"items | find: 'p', 1 | map: 'n' | join", "y"},
         {"items | find_index: 'n', 'Z'", "2"},
         {"items | has: 'n', 'q'", "false"},
         {"items | has: 'ok'", "true"},
         {"items | sum: 'p'", "6.5"},
         {"list | sum", "6"}});
  EXPECT_EQ(rendered("{{ list | where: 'x' }}", kData), "!no_such_property 1:11 x");
  EXPECT_EQ(rendered("{{ list | has: 'x' }}", kData), "!no_such_property 1:11 x");
  EXPECT_EQ(rendered("{{ list | sum: 'x' }}", kData), "!no_such_property 1:11 x");
}

TEST(LiquidEncodingFilters, EncodeAndDecode) {
  check({{"'a b/é~*' | url_encode", "a+b%2F%C3%A9~%2A"},
         {"'a+b%2F%C3%A9' | url_decode", "a b/é"},
         {"'hi' | base64_encode", "aGk="},
         {"'aGk=' | base64_decode", "hi"},
         {"'ÿþ>' | base64_url_safe_encode", "w7_Dvj4="},
         {"'w7_Dvj4' | base64_url_safe_decode", "ÿþ>"},
         {"items | first | json", R"({"n":"x","p":3,"ok":true})"},
         {"'a\"b' | json", R"("a\"b")"},
         {"none | json", "null"}});
  EXPECT_EQ(rendered("{{ '%%%' | base64_decode }}"), "!not_decodable 1:12 base64_decode");
  EXPECT_EQ(rendered("{{ 'a+' | base64_url_safe_decode }}"), "!not_decodable 1:11 base64_url_safe_decode");
  EXPECT_EQ(rendered("{{ '%FF' | url_decode }}"), "!not_decodable 1:12 url_decode");
}

TEST(LiquidEncodingFilters, DigestAsTheStandardsSay) {
  check({{"'abc' | md5", "900150983cd24fb0d6963f7d28e17f72"},
         {"'abc' | sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
         {"'abc' | sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
         {"'what do ya want for nothing?' | hmac_sha1: 'Jefe'", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
         {"'what do ya want for nothing?' | hmac_sha256: 'Jefe'",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}});
}

std::string at(std::string_view source, std::string_view zone = "Europe/Madrid", std::string_view locale = "en") {
  // 2026-11-24T14:03:07.250Z
  return rendered(source, kData, {.now = {1'795'528'987'250}, .time_zone = zone, .locale = locale});
}

TEST(LiquidTimeFilters, ReadWhatPeopleWrite) {
  for (const auto& [text, expected] :
       std::initializer_list<FilterCase>{{"2026-03-14", "2026-03-14 00:00:00 +0100"},
                                         {"2026-03-14T15:09:26Z", "2026-03-14 15:09:26 +0000"},
                                         {"2026-03-14T15:09:26.5+05:30", "2026-03-14 15:09:26 +0530"},
                                         {"2026-07-14 15:09", "2026-07-14 15:09:00 +0200"},
                                         {"March 14, 2016", "2016-03-14 00:00:00 +0100"},
                                         {"14th Mar 2016 3:04 pm", "2016-03-14 15:04:00 +0100"},
                                         {"Tue, 24 Nov 2026 14:03:07 -0500", "2026-11-24 14:03:07 -0500"},
                                         {"20260102T030405Z", "2026-01-02 03:04:05 +0000"},
                                         {"24/11/2026", "2026-11-24 00:00:00 +0100"},
                                         {"10:30", "2026-11-24 10:30:00 +0100"},
                                         {"now", "2026-11-24 15:03:07 +0100"},
                                         {"1152098955", "2006-07-05 13:29:15 +0200"},
                                         {"no date", "no date"},
                                         {"2026-13-01", "2026-13-01"}})
    EXPECT_EQ(at("{{ '" + std::string(text) + "' | date: '%Y-%m-%d %H:%M:%S %z' }}"), expected) << text;
}

TEST(LiquidTimeFilters, FormatAsRubysStrftime) {
  EXPECT_EQ(at("{{ 'now' | date: '%a %A %b %B %d %e %j %-d %^a %I %l %p %P %y %C %u %w %V %G %U %W %s %Z %L %3N %F %T "
               "%D %R' }}"),
            "Tue Tuesday Nov November 24 24 328 24 TUE 03  3 PM pm 26 20 2 2 48 2026 47 47 1795528987 CET 250 250 "
            "2026-11-24 15:03:07 11/24/26 15:03");
  EXPECT_EQ(at("{{ 0 | date: '%10Y|%-m|%_m|%05d|%#p|%k|%:z|%::z|%c|%r|%v|%%|%Q' }}", "UTC"),
            "0000001970|1| 1|00001|am| 0|+00:00|+00:00:00|Thu Jan  1 00:00:00 1970|12:00:00 AM| 1-JAN-1970|%|%Q");
  EXPECT_EQ(at("{{ none | date: '%Y' }}{{ 'now' | date: '' }}"), "now");
}

TEST(LiquidTimeFilters, NameMonthsInTheLanguageOfTheRendering) {
  EXPECT_EQ(at("{{ 'now' | date: '%A, %-d de %B' }}", "Europe/Madrid", "es"), "martes, 24 de noviembre");
  EXPECT_EQ(at("{{ 'now' | date: '%A %-d %B' }}", "Europe/Paris", "fr-FR"), "mardi 24 novembre");
}

TEST(LiquidTimeFilters, ConvertZonesAndAddCalendarDays) {
  EXPECT_EQ(at("{{ '2026-07-01T12:00:00Z' | time_zone: 'America/New_York' | date: '%H:%M %z' }}"), "08:00 -0400");
  EXPECT_EQ(at("{{ '2026-07-01T12:00:00Z' | time_zone: 'Asia/Kolkata' }}"), "2026-07-01T17:30:00+05:30");
  EXPECT_EQ(at("{{ '2026-02-27' | add_day: 3 }}"), "2026-03-02");
  EXPECT_EQ(at("{{ '2026-03-28 09:00' | add_day: 1 }}"), "2026-03-29T09:00:00+02:00")
      << "nine o'clock stays nine o'clock over the change";
  EXPECT_EQ(at("{{ 'now' | add_day: -1 | date: '%d' }}"), "23");
  EXPECT_EQ(at("{{ 'now' | time_zone: 'Mars/Base' }}"), "!unknown_time_zone 1:12 Mars/Base");
  EXPECT_EQ(at("{{ 'now' | time_zone: '../../etc/passwd' }}").substr(0, 18), "!unknown_time_zone");
  EXPECT_EQ(at("{{ 'now' | add_day: 'x' }}"), "!not_an_integer 1:12 x");
}

TEST(LiquidLocaleFilters, WriteNumbersAndMoneyByLanguage) {
  const auto in = [](std::string_view source, std::string_view locale) {
    return rendered(source, "{}", {.locale = locale});
  };
  EXPECT_EQ(in("{{ 1234567.891 | number }} {{ '12.5' | number: 2 }}", "en"), "1,234,567.891 12.50");
  EXPECT_EQ(in("{{ 1234567.891 | number }}", "es"), "1.234.567,891");
  EXPECT_EQ(in("{{ 1234567.891 | number: decimals: 1 }}", "fr"), "1\u202f234\u202f567,9");
  EXPECT_EQ(in("{{ 1234.5 | currency: 'EUR' }}", "en"), "€1,234.50");
  EXPECT_EQ(in("{{ 12345.5 | currency: 'EUR' }}", "es"), "12.345,50\u00a0€");
  EXPECT_EQ(in("{{ 1234.5 | currency: 'EUR', locale: 'fr' }}", "en"), "1\u202f234,50\u00a0€");
  EXPECT_EQ(in("{{ 1234.5 | currency: 'JPY' }}", "en"), "¥1,235");
  EXPECT_EQ(in("{{ 0.1 | plus: 0.2 | number }}", "en"), "0.3");
  EXPECT_EQ(in("{{ 1 | currency: 'EURO' }}", "en"), "!unknown_currency 1:8 EURO");
  EXPECT_EQ(in("{{ 1 | number: locale: '!' }}", "en"), "!unknown_locale 1:8 !");
}

TEST(LiquidFilters, UnknownOnesAndWrongArgumentsAreErrorsOfParsing) {
  const auto liquid = parse("{{ a | upcas }}");
  ASSERT_FALSE(liquid);
  EXPECT_EQ(error_text(liquid.error()), "!unknown_filter 1:8 upcas");
  EXPECT_EQ(liquid.error().suggestion, "upcase");
  EXPECT_EQ(rendered("{{ a | default: 'x', allow: true }}"), "!unknown_argument 1:22 allow");
  for (const auto group :
       {text_filters(), encoding_filters(), array_filters(), number_filters(), time_filters(), locale_filters()}) {
    for (const FilterSpec& filter : group) {
      const std::string name(filter.name);
      EXPECT_EQ(rendered("{{ a | " + name + ": 1, 2, 3, 4, 5 }}"), "!wrong_argument_count 1:8 " + name);
      EXPECT_EQ(rendered("{{ a | " + name + ": x: 1 }}"),
                "!unknown_argument 1:" + std::to_string(10 + name.size()) + " x");
      if (filter.arguments_min > 0) {
        EXPECT_EQ(rendered("{{ a | " + name + " }}"), "!wrong_argument_count 1:8 " + name);
      }
    }
  }
}

RC_GTEST_PROP(LiquidNumberProperty, PrintedDecimalsReadBackTheSame, ()) {
  const double value = static_cast<double>(*rc::gen::arbitrary<int32_t>()) / 1000;
  std::string text;
  append_decimal(text, value);
  const auto parsed = parse_decimal(text);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(double_of(*parsed) == value);
}

RC_GTEST_PROP(LiquidNumberProperty, DivisionAndRemainderMakeTheNumberAgain, ()) {
  const int64_t a = *rc::gen::arbitrary<int32_t>();
  const int64_t b = *rc::gen::nonZero<int16_t>();
  const auto quotient = compute(Number::of(a), Operation::divide, Number::of(b));
  const auto rest = compute(Number::of(a), Operation::modulo, Number::of(b));
  RC_ASSERT(quotient->integer * b + rest->integer == a);
  RC_ASSERT(rest->integer == 0 || (rest->integer < 0) == (b < 0));
}

RC_GTEST_PROP(LiquidFilterProperty, DecodingUndoesEncoding, ()) {
  std::string text;
  for (const char c : *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127))) text += c;
  const Member member{"x", Value::text(text)};
  Arena arena;
  const Value scope = arena.object({&member, 1});
  std::string out;
  const auto liquid = parse("{{ x | url_encode | url_decode }}{{ x | base64_encode | base64_decode }}");
  RC_ASSERT(render(*liquid, scope, {}, out).has_value());
  RC_ASSERT(out == text + text);
}

}  // namespace
}  // namespace terreno::content::liquid
