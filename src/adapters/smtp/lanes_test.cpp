#include <gtest/gtest.h>

#include "adapters/smtp/lanes.h"

namespace terreno::smtp {
namespace {

Submission to(std::string domain, Lane lane = Lane::bulk, int64_t deadline_us = 1'000'000'000) {
  Submission submission;
  submission.domain = std::move(domain);
  submission.envelope.lane = lane;
  submission.deadline_us = deadline_us;
  return submission;
}

std::string next(Lanes& lanes, int64_t now_us = 0, bool transactional_only = false) {
  const auto submission = lanes.pop(transactional_only, now_us);
  return submission ? submission->domain : "";
}

TEST(Lanes, TransactionalGoesFirstAndAloneOnItsConnections) {
  Lanes lanes({}, {});
  lanes.push(to("bulk"));
  lanes.push(to("now", Lane::transactional));
  EXPECT_EQ(next(lanes), "now");
  EXPECT_EQ(next(lanes, 0, true), "");
  EXPECT_EQ(next(lanes), "bulk");
  EXPECT_EQ(lanes.size(), 0U);
}

TEST(Lanes, DomainsTakeTurns) {
  Lanes lanes({}, {});
  for (const char* domain : {"a", "a", "a", "b", "c"}) lanes.push(to(domain));
  std::string order;
  for (int i = 0; i < 5; ++i) order += next(lanes);
  EXPECT_EQ(order, "abcaa");
}

TEST(Lanes, ADomainAtItsLimitHoldsUpNoOther) {
  Lanes lanes({}, {{"a", {1, 0}}});
  for (const char* domain : {"a", "a", "b"}) lanes.push(to(domain));
  EXPECT_EQ(next(lanes), "a");
  EXPECT_EQ(next(lanes), "b");
  EXPECT_EQ(next(lanes), "");
  lanes.finished("a");
  EXPECT_EQ(next(lanes), "a");
}

TEST(Lanes, ARateIsSpreadEvenly) {
  Lanes lanes({0, 10}, {});
  for (int i = 0; i < 3; ++i) lanes.push(to("a"));
  EXPECT_EQ(next(lanes, 0), "a");
  EXPECT_EQ(next(lanes, 99'999), "");
  EXPECT_EQ(lanes.next_wake_us(), 100'000);
  EXPECT_EQ(next(lanes, 100'000), "a");
  EXPECT_EQ(next(lanes, 100'000), "");
}

TEST(Lanes, ATransactionalMessageDoesNotWaitForADomainsLimit) {
  Lanes lanes({1, 1}, {});
  lanes.push(to("a"));
  EXPECT_EQ(next(lanes), "a");
  lanes.push(to("a", Lane::transactional));
  EXPECT_EQ(next(lanes), "a");
}

TEST(Lanes, WhatIsPutBackGoesFirst) {
  Lanes lanes({1, 0}, {});
  lanes.push(to("a", Lane::bulk, 1));
  lanes.push(to("a", Lane::bulk, 2));
  auto first = lanes.pop(false, 0);
  ASSERT_TRUE(first);
  lanes.put_back(std::move(*first), 0);
  EXPECT_EQ(lanes.pop(false, 0)->deadline_us, 1);
  lanes.finished("a");
  EXPECT_EQ(lanes.pop(false, 0)->deadline_us, 2);
}

TEST(Lanes, WhatRanOutIsTakenOutAndTheRestStays) {
  Lanes lanes({}, {});
  lanes.push(to("a", Lane::bulk, 10));
  lanes.push(to("a", Lane::bulk, 30));
  lanes.push(to("b", Lane::transactional, 10));
  EXPECT_EQ(lanes.take_expired(20).size(), 2U);
  EXPECT_EQ(lanes.size(), 1U);
  EXPECT_EQ(next(lanes), "a");
  EXPECT_EQ(lanes.take_all().size(), 0U);
}

}  // namespace
}  // namespace terreno::smtp
