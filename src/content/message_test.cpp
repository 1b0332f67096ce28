#include <gtest/gtest.h>

#include "content/content.h"

namespace terreno::content {
namespace {

MessageTemplate with_subject(std::string_view subject) {
  MessageTemplate message;
  message.name = "welcome";
  const auto part = liquid::parse(subject);
  EXPECT_TRUE(part);
  message.languages.emplace("en", Parts{*part, *part, *part});
  return message;
}

std::string subject_of(std::string_view subject, std::string_view data) {
  RenderContext context;
  context.default_language = "en";
  context.data = data;
  const auto rendered = render_message(with_subject(subject), context);
  return rendered ? rendered->subject : rendered.error().reason + ": " + rendered.error().detail;
}

constexpr std::string_view kData = R"({"person":{"first_name":"Ana"},"journey":{"name":"welcome"}})";

TEST(Message, NamesPersonAndJourneyAsOtherToolsDo) {
  EXPECT_EQ(subject_of("{{ customer.first_name }} {{ user.first_name }} {{ campaign.name }}", kData),
            "Ana Ana welcome");
}

TEST(Message, WhatTheDataCallsUserIsNotThePerson) {
  EXPECT_EQ(subject_of("{{ user.first_name }}", R"({"person":{"first_name":"Ana"},"user":{"first_name":"Eva"}})"),
            "Eva");
}

TEST(Message, AnotherNameHidesNoMissingAttribute) {
  EXPECT_EQ(subject_of("Hello {{ customer.last_name }}", kData),
            "variable_missing: customer.last_name at line 1, column 10");
}

TEST(Message, AnAssignedVariableGoesFirst) { EXPECT_EQ(subject_of("{% assign user = 'me' %}{{ user }}", kData), "me"); }

}  // namespace
}  // namespace terreno::content
