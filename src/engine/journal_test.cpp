#include "engine/journal.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "engine/crc32c.h"
#include "engine/memory_files_testing.h"

namespace terreno::engine {
namespace {

constexpr JournalIdentity kIdentity{{0x1234, 0x5678}, 99};

JournalOptions small() {
  JournalOptions options;
  options.folder = "journal";
  options.segment_bytes_first = 64 << 10;
  options.segment_bytes_max = 128 << 10;
  return options;
}

struct Written {
  Partition partition;
  Position position;
  RecordId id;
  std::string payload;
  auto operator<=>(const Written&) const = default;
};

/// Places and appends one group of `count` records.
Result<std::vector<Written>> append(Journal& journal, std::mt19937_64& draw, size_t count, size_t payload_max = 3000) {
  std::vector<Written> written;
  Group group;
  for (size_t i = 0; i < count; ++i) {
    // Random, so that compression does not make every group one page.
    std::string payload(draw() % payload_max, '\0');
    for (char& c : payload) c = static_cast<char>(draw());
    const Batch::Item item{Partition{static_cast<uint16_t>(draw() % kSequenceCount)}, 7, RecordId{{draw(), draw()}}, 0,
                           0};
    std::optional<MessageHeader> message;
    if (draw() % 3 == 0) message = MessageHeader{Partition{1}, {draw(), 3}, {draw(), 4}};
    const Position position = journal.sequencer().place(item, payload, message, Timestamp{5}, Timestamp{},
                                                        [&](const JournalRecord& record) { group.add(record); });
    written.push_back({item.partition, position, item.id, payload});
  }
  if (auto appended = journal.append(group); !appended) return std::unexpected(appended.error());
  return written;
}

std::vector<Written> read_all(const Journal& journal) {
  std::vector<Written> out;
  auto cursor = journal.cursor_after({});
  EXPECT_TRUE(cursor.has_value());
  Group group;
  while (true) {
    const auto more = cursor->next(group);
    EXPECT_TRUE(more.has_value()) << (more ? "" : more.error().context);
    if (!more || !*more) return out;
    for (const JournalRecord& record : group.records()) {
      out.push_back({record.partition, record.position, record.id, std::string(record.payload)});
    }
  }
}

TEST(Crc32c, IsCastagnolisAndCanBeContinued) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
}

TEST(Journal, KeepsWhatWasAppendedAcrossSegmentsAndRestarts) {
  MemoryFiles files;
  std::mt19937_64 draw(1);
  std::vector<Written> expected;
  for (int life = 0; life < 3; ++life) {
    auto journal = Journal::open(files, small(), kIdentity);
    ASSERT_TRUE(journal.has_value()) << journal.error().context;
    EXPECT_EQ(read_all(**journal), expected);
    for (int i = 0; i < 40; ++i) {
      if (i % 3 == 0) (*journal)->prepare_segment();
      const auto written = append(**journal, draw, 1 + draw() % 20);
      ASSERT_TRUE(written.has_value()) << written.error().context;
      expected.insert(expected.end(), written->begin(), written->end());
    }
    EXPECT_EQ(read_all(**journal), expected);
  }
  EXPECT_GT(files.paths().size(), 3u) << "several segments";
}

TEST(Journal, FindsEveryRecordByItsPosition) {
  MemoryFiles files;
  std::mt19937_64 draw(2);
  auto journal = Journal::open(files, small(), kIdentity);
  std::vector<Written> expected;
  for (int i = 0; i < 60; ++i) {
    const auto written = append(**journal, draw, 1 + draw() % 10);
    expected.insert(expected.end(), written->begin(), written->end());
  }
  for (int life = 0; life < 2; ++life) {
    for (const Written& each : expected) {
      const auto found = (*journal)->record_at(each.partition, each.position);
      ASSERT_TRUE(found.has_value() && found->has_value());
      EXPECT_EQ((*found)->payload, each.payload);
      EXPECT_EQ((*found)->id, each.id);
    }
    EXPECT_FALSE((*journal)->record_at(Partition{0}, {1'000'000})->has_value());
    EXPECT_FALSE((*journal)->record_at(Partition{0}, {0})->has_value());
    journal = Journal::open(files, small(), kIdentity);
  }
}

/// The model: acknowledged groups are all there, in order; at most the one under way besides.
TEST(Journal, APowerCutLosesNothingThatWasAcknowledged) {
  EXPECT_TRUE(rc::check([](uint64_t seed) {
    std::mt19937_64 draw(seed);
    MemoryFiles files;
    std::vector<Written> acknowledged;
    for (int life = 0; life < 4; ++life) {
      auto journal = Journal::open(files, small(), kIdentity);
      RC_ASSERT(journal.has_value());
      const auto found = read_all(**journal);
      RC_ASSERT(found.size() >= acknowledged.size());
      RC_ASSERT(std::equal(acknowledged.begin(), acknowledged.end(), found.begin()));
      acknowledged = found;
      files.fail_after(1 + draw() % 60);
      while (true) {
        const auto written = append(**journal, draw, 1 + draw() % 8, 9000);
        if (!written) break;
        acknowledged.insert(acknowledged.end(), written->begin(), written->end());
        if (draw() % 8 == 0) (*journal)->prepare_segment();
      }
      RC_ASSERT(!append(**journal, draw, 1).has_value());
      files.cut_power(draw);
    }
  }));
}

/// The one who prepares may come late, when the writer has just helped itself.
TEST(Journal, PreparingASegmentNeverTouchesTheOneInUse) {
  MemoryFiles files;
  std::mt19937_64 draw(8);
  auto journal = Journal::open(files, small(), kIdentity);
  std::atomic<bool> is_done{false};
  std::thread preparer([&] {
    while (!is_done) (*journal)->prepare_segment();
  });
  std::vector<Written> expected;
  bool is_failed = false;
  for (int i = 0; i < 400 && !is_failed; ++i) {
    const auto written = append(**journal, draw, 8);
    is_failed = !written.has_value();
    EXPECT_TRUE(written.has_value()) << written.error().context;
    if (written) expected.insert(expected.end(), written->begin(), written->end());
  }
  is_done = true;
  preparer.join();
  EXPECT_EQ(read_all(**journal), expected);
}

TEST(Journal, ABadByteBeforeTheTailIsCorruptAndNothingIsCut) {
  std::mt19937_64 draw(3);
  MemoryFiles files;
  {
    auto journal = Journal::open(files, small(), kIdentity);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(**journal, draw, 3, 100).has_value());
  }
  files.spoil("journal/0000000001.journal", kSegmentHeaderBytes + 40);
  const std::string before = files.bytes("journal/0000000001.journal");
  const auto journal = Journal::open(files, small(), kIdentity);
  ASSERT_FALSE(journal.has_value());
  EXPECT_EQ(journal.error().code, Errc::corrupt);
  EXPECT_EQ(files.bytes("journal/0000000001.journal"), before);
}

TEST(Journal, ABadByteInAnEarlierSegmentIsCorruptWhenItIsRead) {
  std::mt19937_64 draw(4);
  MemoryFiles files;
  {
    auto journal = Journal::open(files, small(), kIdentity);
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(**journal, draw, 3).has_value());
  }
  files.spoil("journal/0000000001.journal", kSegmentHeaderBytes + 50);
  const auto journal = Journal::open(files, small(), kIdentity);
  ASSERT_TRUE(journal.has_value());
  auto cursor = (*journal)->cursor_after({});
  Group group;
  const auto read = cursor->next(group);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::corrupt);
}

TEST(Journal, AMissingSegmentIsCorrupt) {
  std::mt19937_64 draw(5);
  MemoryFiles files;
  {
    auto journal = Journal::open(files, small(), kIdentity);
    for (int i = 0; i < 90; ++i) ASSERT_TRUE(append(**journal, draw, 4).has_value());
  }
  ASSERT_TRUE(files.remove("journal/0000000002.journal").has_value());
  EXPECT_EQ(Journal::open(files, small(), kIdentity).error().code, Errc::corrupt);
}

TEST(Journal, BytesOfAnotherJournalNeverPassForAGroup) {
  std::mt19937_64 draw(6);
  Group group;
  group.add(JournalRecord{Partition{1}, 1, {1}, {}, {}, std::nullopt, "payload"});
  group.sequence = 1;
  std::string bytes;
  group.encode(bytes, segment_crc_seed(kIdentity, 1), false);
  const auto header = peek_group(bytes);
  ASSERT_TRUE(header.has_value());
  EXPECT_TRUE(verify_group(bytes, *header, segment_crc_seed(kIdentity, 1)));
  EXPECT_FALSE(verify_group(bytes, *header, segment_crc_seed(kIdentity, 2)));
  EXPECT_FALSE(verify_group(bytes, *header, segment_crc_seed({{1, 1}, 0}, 1)));
}

TEST(Journal, CutRemovesOnlyWhatLiesWhollyBefore) {
  std::mt19937_64 draw(7);
  MemoryFiles files;
  auto journal = Journal::open(files, small(), kIdentity);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(append(**journal, draw, 4).has_value());
  std::array<Position, kSequenceCount> before{};
  EXPECT_EQ(*(*journal)->cut(before), 0u);
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    before[i] = {(*journal)->sequencer().end(Partition{i}).last.value / 2};
  }
  const auto removed = (*journal)->cut(before);
  ASSERT_TRUE(removed.has_value());
  EXPECT_GT(*removed, 0u);
  for (uint16_t i = 0; i < kSequenceCount; ++i) {
    EXPECT_TRUE(before[i].value == 0 || (*journal)->record_at(Partition{i}, before[i])->has_value());
  }
  EXPECT_TRUE((*journal)->cursor_after(before).has_value());
  EXPECT_EQ((*journal)->cursor_after({}).error().code, Errc::corrupt);
  EXPECT_TRUE(Journal::open(files, small(), kIdentity).has_value());
}

TEST(Journal, AStoreBeyondTheEndIsRefused) {
  MemoryFiles files;
  auto journal = Journal::open(files, small(), kIdentity);
  std::array<Position, kSequenceCount> applied{};
  applied[3] = {1};
  EXPECT_EQ((*journal)->cursor_after(applied).error().code, Errc::store_ahead);
}

TEST(Journal, ANewerFormatIsRefused) {
  MemoryFiles files;
  {
    auto journal = Journal::open(files, small(), kIdentity);
  }
  files.spoil("journal/0000000001.journal", 8);
  EXPECT_EQ(Journal::open(files, small(), kIdentity).error().code, Errc::newer_format);
}

}  // namespace
}  // namespace terreno::engine
