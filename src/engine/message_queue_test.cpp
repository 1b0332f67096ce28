#include "engine/message_queue.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace terreno::engine {
namespace {

/// Messages `first` to `last`, each with its number and `size` bytes.
MessageBatch messages(uint64_t first, uint64_t last, size_t size) {
  MessageBatch batch;
  for (uint64_t number = first; number <= last; ++number) {
    std::string payload = fmt::format("{}", number);
    payload.resize(std::max(payload.size(), size), '.');
    batch.batch.add(Partition{static_cast<uint16_t>(number % 3)}, 1, RecordId{{0, number}}, payload);
    batch.headers.push_back({Partition{7}, {number, 1}, {}});
  }
  return batch;
}

void append_numbers(const MessageBatch& piece, std::vector<uint64_t>& numbers) {
  ASSERT_EQ(piece.headers.size(), piece.batch.items().size());
  for (size_t i = 0; i < piece.headers.size(); ++i) {
    numbers.push_back(piece.headers[i].mark.position);
    const std::string payload(piece.batch.payload(piece.batch.items()[i]));
    EXPECT_EQ(std::stoull(payload), numbers.back()) << "the payload goes with its header";
  }
}

TEST(MessageQueue, OneBatchIsCutIntoPieces) {
  MessageQueue queue;
  MessageBatch batch = messages(1, 10, 1000);
  queue.add(batch);
  EXPECT_TRUE(batch.batch.empty());
  std::vector<uint64_t> numbers;
  std::vector<size_t> sizes;
  while (!queue.empty()) {
    const MessageBatch piece = queue.take_piece(3500);
    sizes.push_back(piece.headers.size());
    EXPECT_LE(journal_bytes(piece.batch), 3500u);
    append_numbers(piece, numbers);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{3, 3, 3, 1}));
  EXPECT_EQ(numbers, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(MessageQueue, AMessageAboveTheBoundGoesAlone) {
  MessageQueue queue;
  MessageBatch batch = messages(1, 2, 5000);
  queue.add(batch);
  EXPECT_EQ(queue.take_piece(100).headers.size(), 1u);
  EXPECT_EQ(queue.take_piece(100).headers.size(), 1u);
  EXPECT_TRUE(queue.empty());
}

TEST(MessageQueue, WhatStaysIsNotLookedAtAgain) {
  // After each of many runs a replay asks what the journal holds by now. Looking at everything each time costs the
  // square of the messages.
  MessageQueue queue;
  constexpr uint64_t kRuns = 1000;
  uint64_t durable = 0;
  uint64_t looks = 0;
  const auto is_durable = [&](Partition, MessageMark mark) {
    ++looks;
    return mark.position <= durable;
  };
  for (uint64_t run = 1; run <= kRuns; ++run) {
    MessageBatch batch = messages(run, run, 10);
    queue.add(batch);
    queue.drop_while(is_durable);
  }
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(looks, kRuns) << "one each time: the oldest";
  durable = kRuns;
  queue.drop_while(is_durable);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(looks, 2 * kRuns);
}

RC_GTEST_PROP(MessageQueue, WhateverIsDroppedAndTakenTheRestStaysInOrder, ()) {
  MessageQueue queue;
  uint64_t sent = 0;
  uint64_t gone = 0;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    switch (*rc::gen::inRange(0, 3)) {
      case 0: {
        const uint64_t count = *rc::gen::inRange<uint64_t>(0, 6);
        MessageBatch batch = messages(sent + 1, sent + count, *rc::gen::element<size_t>(1, 500, 40'000));
        sent += count;
        queue.add(batch);
        RC_ASSERT(batch.batch.empty());
        RC_ASSERT(batch.headers.empty());
        break;
      }
      case 1: {
        const uint64_t until = *rc::gen::inRange<uint64_t>(0, sent + 1);
        queue.drop_while([&](Partition, MessageMark mark) { return mark.position <= until; });
        gone = std::max(gone, until);
        break;
      }
      default: {
        if (queue.empty()) break;
        std::vector<uint64_t> numbers;
        append_numbers(queue.take_piece(*rc::gen::element<size_t>(1, 1000, 100'000)), numbers);
        RC_ASSERT(!numbers.empty());
        for (const uint64_t number : numbers) RC_ASSERT(number == ++gone);
      }
    }
    RC_ASSERT(queue.empty() == (gone == sent));
    RC_ASSERT((queue.bytes() == 0) == queue.empty());
    if (!queue.empty()) RC_ASSERT(queue.front().mark.position == gone + 1);
  }
}

}  // namespace
}  // namespace terreno::engine
