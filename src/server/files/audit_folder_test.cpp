#include "server/files/audit_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace terreno::server {
namespace {

using namespace governance;

constexpr Timestamp kNow{1'800'000'000'000};

class AuditFolderTest : public testing::Test {
 protected:
  AuditFolderTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-XXXXXX").string();
    folder_ = std::filesystem::path(mkdtemp(pattern.data())) / "audit";
  }
  ~AuditFolderTest() override { std::filesystem::remove_all(folder_.parent_path()); }

  std::unique_ptr<AuditFolder> open(AuditFolderOptions options = {}) {
    return AuditFolder::open(folder_, options).value();
  }
  static void add(AuditFolder& log, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(log.append(
          Principal::program(), kNow + seconds(i),
          {i % 2 == 0 ? "source.created" : "key.created", "source", std::to_string(i), "línea \"1\"\n", {{"a", "b"}}},
          0));
    }
  }
  std::string bytes() { return read_whole(folder_ / "000000000001.jsonl", 1 << 20).value(); }
  void set_bytes(const std::string& bytes) {
    std::ofstream(folder_ / "000000000001.jsonl", std::ios::binary | std::ios::trunc) << bytes;
  }

  std::filesystem::path folder_;
};

TEST_F(AuditFolderTest, PagesWalkNewestFirstThroughEveryEntryOnceAcrossFiles) {
  const AuditFolderOptions small{.file_bytes_max = 1500, .files_max = 1000};
  add(*open(small), 40);
  const auto log = open(small);
  add(*log, 60);
  EXPECT_EQ(log->verify().value(), 100U);
  std::vector<uint64_t> numbers;
  AuditQuery query;
  query.limit = 7;
  while (true) {
    const AuditPage page = log->read(query).value();
    for (const AuditEntry& entry : page.entries) numbers.push_back(entry.number);
    if (!page.next_before) break;
    query.before = *page.next_before;
  }
  ASSERT_EQ(numbers.size(), 100U);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(numbers[i], 100 - i);
  AuditQuery sources;
  sources.limit = 200;
  sources.action = "source.";
  EXPECT_EQ(log->read(sources)->entries.size(), 50U);
}

TEST_F(AuditFolderTest, ChangingAnyByteOfAnyEntryIsFound) {
  add(*open(), 3);
  const std::string whole = bytes();
  for (size_t i = 0; i + 1 < whole.size(); i += 3) {
    std::string changed = whole;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    set_bytes(changed);
    EXPECT_FALSE(AuditFolder::open(folder_).has_value()) << "byte " << i;
  }
}

TEST_F(AuditFolderTest, RemovingRepeatingOrReorderingEntriesIsFound) {
  add(*open(), 3);
  const std::string whole = bytes();
  const size_t second = whole.find('\n') + 1;
  const size_t third = whole.find('\n', second) + 1;
  const std::string a = whole.substr(0, second);
  const std::string b = whole.substr(second, third - second);
  const std::string c = whole.substr(third);
  for (const std::string& forged : {a + c, b + c, a + c + b, a + a + b + c, a + b + b + c}) {
    set_bytes(forged);
    EXPECT_EQ(AuditFolder::open(folder_).error().code, Errc::corrupt);
  }
}

TEST_F(AuditFolderTest, WhatAPowerCutLeftOfAnEntryIsCutAndTheChainGoesOn) {
  add(*open(), 3);
  const std::string whole = bytes();
  const size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (const std::string& torn :
       {whole.substr(0, whole.size() - 1), whole.substr(0, last + 5), whole.substr(0, last) + std::string(100, '\0')}) {
    set_bytes(torn);
    const auto log = open();
    EXPECT_EQ(log->head().number, 2U);
    add(*log, 1);
    EXPECT_EQ(open()->verify().value(), 3U);
  }
}

TEST_F(AuditFolderTest, TheOldestFileGoesAtTheBoundAndAnEntrySaysSo) {
  const AuditFolderOptions small{.file_bytes_max = 1000, .files_max = 3};
  const auto log = open(small);
  add(*log, 60);
  const auto files = std::distance(std::filesystem::directory_iterator(folder_), {});
  EXPECT_EQ(files, 3);
  EXPECT_EQ(log->entry(1).error().code, Errc::not_found);
  EXPECT_TRUE(log->verify());
  AuditQuery query;
  query.action = "audit_file_removed";
  EXPECT_FALSE(log->read(query)->entries.empty());
  EXPECT_TRUE(open(small)->verify());
}

TEST_F(AuditFolderTest, HostileTextsAreCutAndStayReadable) {
  const auto log = open();
  Principal actor;
  actor.kind = ActorKind::user;
  actor.name = std::string(100'000, 'a') + "\xff\xfe";
  AuditNote note{"x\r\n", "k", std::string("\0\xed\xa0\x80\xc0\xaf\xf5", 7), std::string(198, 'b') + "é€", {}};
  for (int i = 0; i < 100; ++i) note.details[std::to_string(i)] = std::string(1'000, '"');
  const auto written = log->append(actor, kNow, note, 7);
  ASSERT_TRUE(written);
  EXPECT_EQ(log->entry(1).value(), *written);
  EXPECT_EQ(decode_line(encode_line(*written)).value(), *written);
  EXPECT_EQ(open()->verify().value(), 1U);
}

}  // namespace
}  // namespace terreno::server
