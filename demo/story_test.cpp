#include "demo/story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

namespace terreno::demo {
namespace {

constexpr Timestamp kEnd{1'795'545'000'000};
const Timestamp kStart = kEnd - days(150);

bool is_event(const Action& action) {
  return action.kind == ActionKind::browser_event || action.kind == ActionKind::server_event;
}

TEST(People, AreHundredsAndShareNoAddressAndNoId) {
  for (const Organisation organisation : {Organisation::raices, Organisation::lisiere}) {
    std::set<std::string> addresses, ids;
    for (const Person& person : people_of(organisation)) {
      EXPECT_TRUE(addresses.insert(person.email).second) << person.email;
      EXPECT_TRUE(ids.insert(person.user_id).second) << person.user_id;
      EXPECT_TRUE(person.email.ends_with(".example")) << person.email;
      EXPECT_TRUE(std::ranges::all_of(person.email, [](char c) { return c > ' ' && c < 127; })) << person.email;
    }
    EXPECT_EQ(addresses.size(), kPeople);
  }
}

class EachStory : public testing::TestWithParam<Organisation> {};
INSTANTIATE_TEST_SUITE_P(Story, EachStory, testing::Values(Organisation::raices, Organisation::lisiere));

TEST_P(EachStory, IsTheSameEachTime) {
  const Story one(GetParam(), kStart, kEnd), other(GetParam(), kStart, kEnd);
  ASSERT_EQ(one.history().size(), other.history().size());
  for (size_t i = 0; i < one.history().size(); ++i) {
    EXPECT_EQ(one.history()[i].at, other.history()[i].at);
    ASSERT_EQ(one.history()[i].body, other.history()[i].body);
  }
}

TEST_P(EachStory, IsInOrderWithinItsMonthsAndTellsNothingBeforeItHappened) {
  const Story story(GetParam(), kStart, kEnd);
  EXPECT_GT(story.history().size(), 2000u);
  EXPECT_TRUE(std::ranges::is_sorted(story.history(), {}, &Action::at));
  std::set<ActionKind> kinds;
  size_t late = 0;
  std::map<std::string, std::string> sent;
  size_t repeated = 0;
  for (const Action& action : story.history()) {
    kinds.insert(action.kind);
    EXPECT_GE(action.at, kStart);
    EXPECT_LE(action.at, kEnd);
    if (!is_event(action)) continue;
    const auto body = boost::json::parse(action.body).as_object();
    const auto told = parse_iso8601(std::string(body.at("timestamp").as_string()));
    ASSERT_TRUE(told);
    EXPECT_LE(told->time, action.at) << action.body;
    late += told->time < action.at - days(1) ? 1 : 0;
    const auto [first, is_new] = sent.emplace(body.at("messageId").as_string(), action.body);
    if (is_new) continue;
    EXPECT_EQ(first->second, action.body) << "a repeat is the same event again";
    ++repeated;
  }
  EXPECT_EQ(kinds.size(), 5u);
  EXPECT_GT(late, 3u);
  EXPECT_GT(repeated, 3u);
}

TEST(Ana, IsAPatientOnTheMapUntilSheSaysThatSheCares) {
  const Story story(Organisation::raices, kStart, kEnd);
  std::vector<std::string> told;
  for (const Action& action : story.history()) {
    if (action.address != "ana.ferrer@correo.example" && !action.body.contains("ana.ferrer@correo.example")) continue;
    if (action.body.contains(R"("role":"patient")")) told.emplace_back("patient");
    if (action.body.contains(R"("event":"Signed Up")")) told.emplace_back("signed up");
    if (action.kind == ActionKind::correction && action.body.contains(R"("value":"carer")")) {
      told.emplace_back("carer");
      EXPECT_TRUE(action.body.contains("Lucía Ortega"));
    }
  }
  EXPECT_EQ(told, (std::vector<std::string>{"patient", "signed up", "carer"}));
}

TEST_P(EachStory, GoesOnAfterHistory) {
  Story story(GetParam(), kStart, kEnd);
  std::set<ActionKind> kinds;
  for (int i = 0; i < 500; ++i) {
    const Timestamp now = kEnd + seconds(i);
    const auto scene = story.next_scene(now);
    ASSERT_FALSE(scene.empty());
    ASSERT_LE(scene.size(), 6u);
    for (const Action& action : scene) {
      EXPECT_EQ(action.at, now);
      kinds.insert(action.kind);
    }
  }
  EXPECT_TRUE(kinds.contains(ActionKind::browser_event));
  EXPECT_TRUE(kinds.contains(ActionKind::server_event));
}

}  // namespace
}  // namespace terreno::demo
