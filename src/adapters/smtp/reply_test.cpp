#include <gtest/gtest.h>

#include "adapters/smtp/reply.h"

namespace terreno::smtp {
namespace {

TEST(Reply, SeveralLinesAreOneReply) {
  ReplyParser parser;
  parser.feed("550-5.1.1 The address\r\n550 5.1.1 does not exist\r\n25");
  const auto reply = parser.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code, 550);
  EXPECT_EQ(reply->enhanced, (EnhancedCode{5, 1, 1}));
  EXPECT_EQ(reply->text, "5.1.1 The address\n5.1.1 does not exist");
  EXPECT_FALSE(parser.next());
  EXPECT_TRUE(parser.has_rest());
  parser.feed("0 ok\r\n");
  EXPECT_EQ(parser.next()->code, 250);
  EXPECT_FALSE(parser.has_rest());
}

TEST(Reply, WhatIsNoReplyFails) {
  for (const std::string_view text :
       {"HTTP/1.1 400\r\n", "600 x\r\n", "250x\r\n", "25\r\n", "\r\n", "250-a\r\n251 b\r\n"}) {
    ReplyParser parser;
    parser.feed(text);
    EXPECT_FALSE(parser.next()) << text;
    EXPECT_TRUE(parser.failed()) << text;
  }
}

TEST(Reply, AnEndlessReplyIsCutOff) {
  ReplyParser line;
  line.feed("250 " + std::string(kReplyLineMax, 'a'));
  EXPECT_FALSE(line.next());
  EXPECT_TRUE(line.failed());
  ReplyParser lines;
  for (size_t i = 0; i <= kReplyLinesMax; ++i) lines.feed("250-a\r\n");
  EXPECT_FALSE(lines.next());
  EXPECT_TRUE(lines.failed());
}

TEST(Reply, AnEnhancedCodeOfAnotherKindIsNone) {
  for (const std::string_view text :
       {"250 5.1.1 x\r\n", "250 2.1 x\r\n", "250 2.1.1x\r\n", "250 2.1234.1 x\r\n", "250 2\r\n"}) {
    ReplyParser parser;
    parser.feed(text);
    EXPECT_FALSE(parser.next()->enhanced.is_given()) << text;
  }
}

TEST(Reply, OnlyAnAddressThatTakesNoMailIsNamed) {
  const auto named = [](int code, EnhancedCode enhanced, Stage stage) {
    return reply_names_recipient({code, enhanced, ""}, stage);
  };
  EXPECT_TRUE(named(550, {5, 1, 1}, Stage::recipient));
  EXPECT_TRUE(named(550, {5, 1, 10}, Stage::end));
  EXPECT_TRUE(named(550, {5, 2, 1}, Stage::recipient));
  EXPECT_TRUE(named(550, {}, Stage::recipient));
  EXPECT_FALSE(named(550, {}, Stage::end));
  EXPECT_FALSE(named(550, {5, 1, 1}, Stage::mail));
  EXPECT_FALSE(named(550, {5, 1, 8}, Stage::recipient));
  EXPECT_FALSE(named(552, {5, 2, 2}, Stage::recipient));
  EXPECT_FALSE(named(550, {5, 7, 1}, Stage::recipient));
  EXPECT_FALSE(named(450, {4, 1, 1}, Stage::recipient));
}

}  // namespace
}  // namespace terreno::smtp
