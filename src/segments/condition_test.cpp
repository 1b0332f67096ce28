#include <gtest/gtest.h>

#include <map>

#include "segments/segments.h"

namespace terreno::segments {
namespace {

ConditionResult evaluate(std::string_view text, const std::map<std::string, std::string, std::less<>>& values) {
  const auto condition = Condition::parse(text);
  EXPECT_TRUE(condition) << text << ": " << (condition ? "" : condition.error().detail);
  if (!condition) return {};
  EXPECT_EQ(Condition::parse(condition->print()).value().print(), condition->print());
  return condition->evaluate({[&](std::string_view path) -> std::optional<std::string> {
                                const auto found = values.find(path);
                                if (found == values.end()) return std::nullopt;
                                return found->second;
                              },
                              [](std::string_view, std::string_view topic) { return topic == "offers"; }});
}

TEST(Condition, ComparesTextNumbersAndTruth) {
  EXPECT_TRUE(evaluate(R"(person.city = "Lyon")", {{"person.city", "\"Lyon\""}}).holds);
  EXPECT_TRUE(evaluate("event.total >= 10.5", {{"event.total", "11"}}).holds);
  EXPECT_FALSE(evaluate("event.total < 10", {{"event.total", "\"9\""}}).holds);
  EXPECT_TRUE(evaluate("person.member", {{"person.member", "true"}}).holds);
  EXPECT_TRUE(evaluate(R"(person.tags contains "carer")", {{"person.tags", R"(["carer"])"}}).holds);
}

TEST(Condition, AnUnknownValueFailsEveryComparison) {
  EXPECT_FALSE(evaluate(R"(person.city != "Lyon")", {}).holds);
  EXPECT_TRUE(evaluate("person.city is unknown", {}).holds);
}

TEST(Condition, MixingAndWithOrNeedsParentheses) {
  EXPECT_FALSE(Condition::parse("person.a and person.b or person.c"));
  EXPECT_TRUE(evaluate("person.a and (person.b or person.c)", {{"person.a", "true"}, {"person.c", "true"}}).holds);
}

TEST(Condition, NamesTheFirstFailingClauseAndItsValue) {
  const auto result = evaluate(R"(person.a and person.city = "Lyon" and allows(email, "offers"))",
                               {{"person.a", "true"}, {"person.city", "\"Nantes\""}});
  EXPECT_EQ(result.failing_clause, R"(person.city = "Lyon")");
  EXPECT_EQ(result.failing_value, "\"Nantes\"");
}

TEST(Condition, ErrorsNameTheColumn) {
  const auto error = Condition::parse("person.city = Lyon").error();
  EXPECT_EQ(error.column, 15);
  EXPECT_FALSE(Condition::parse(std::string(200, '(')));
  EXPECT_FALSE(Condition::parse("city = 1"));
  EXPECT_FALSE(Condition::parse(""));
}

}  // namespace
}  // namespace terreno::segments
