#include "base/document.h"

#include <gtest/gtest.h>

namespace terreno {
namespace {

TEST(Document, AnUnknownKeyIsAFindingWithPlaceAndSuggestion) {
  std::vector<Finding> findings;
  const auto node = DocumentNode::parse("a.yaml", "kind: journey\nnmae: welcome\n", findings);
  EXPECT_EQ(node.get("kind").text(), "journey");
  EXPECT_EQ(node.get("name").text(), "");
  node.finish();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].line, 2);
  EXPECT_EQ(findings[0].code, "unknown_key");
  EXPECT_NE(findings[0].detail.find("`name`"), std::string::npos);
}

TEST(Document, SyntaxErrorsHaveALine) {
  std::vector<Finding> findings;
  const auto node = DocumentNode::parse("a.yaml", "kind: [journey\n", findings);
  EXPECT_FALSE(node.exists());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].code, "syntax");
}

TEST(Document, ValuesOutOfBoundsAreFindingsAndGiveTheDefault) {
  std::vector<Finding> findings;
  const auto node = DocumentNode::parse("a.yaml", "max: 900\nwait: soon\nhold: maybe", findings);
  EXPECT_EQ(node.get("max").integer(2, 1, 100), 2);
  EXPECT_EQ(node.get("wait").duration(days(1)), days(1));
  EXPECT_TRUE(node.get("hold").boolean(true));
  EXPECT_EQ(findings.size(), 3u);
}

}  // namespace
}  // namespace terreno
