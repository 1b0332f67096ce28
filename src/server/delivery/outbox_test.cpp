#include "server/delivery/outbox.h"

#include <gtest/gtest.h>

#include <fstream>

#include "adapters/store/temporary_folder_testing.h"

namespace terreno::server {
namespace {

KeptMessage message(int number, size_t bytes = 100) {
  KeptMessage kept;
  kept.decision = {hash128(std::to_string(number))};
  kept.subject = "message " + std::to_string(number);
  kept.raw = "From: a@example.org\r\nSubject: one\r\n two\r\n\r\n" + std::string(bytes, 'x');
  return kept;
}

TEST(Outbox, ListsTheNewestFirstPageByPage) {
  const adapters::TemporaryFolder folder;
  const auto outbox = Outbox::open(folder.path()).value();
  for (int i = 0; i < 5; ++i) outbox->keep(message(i));
  const auto first = outbox->list({}, 2, true);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].subject, "message 4");
  const auto second = outbox->list(first[1].decision, 10, true);
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[0].subject, "message 2");
}

TEST(Outbox, SurvivesARestartAndATornEnd) {
  const adapters::TemporaryFolder folder;
  Outbox::open(folder.path()).value()->keep(message(1));
  std::ofstream(folder.path() + "/0000000001.log", std::ios::app | std::ios::binary) << "torn";
  const auto outbox = Outbox::open(folder.path()).value();
  outbox->keep(message(2));
  EXPECT_EQ(outbox->list({}, 10, true).size(), 2u);
  EXPECT_EQ(outbox->find(message(1).decision)->subject, "message 1");
  EXPECT_EQ(Outbox::open(folder.path()).value()->sandbox_count(), 2u);
}

TEST(Outbox, OldFilesLeaveAtTheBound) {
  const adapters::TemporaryFolder folder;
  const auto outbox = Outbox::open(folder.path(), {.file_bytes = 1000, .files_max = 3}).value();
  for (int i = 0; i < 20; ++i) outbox->keep(message(i, 600));
  EXPECT_LE(outbox->sandbox_count(), 6u);
  EXPECT_EQ(outbox->sandbox_count(), outbox->list({}, 100, true).size());
  EXPECT_FALSE(outbox->find(message(0).decision));
  EXPECT_TRUE(outbox->find(message(19).decision));
}

TEST(Outbox, CountsWhatTheSandboxCaughtAndNotWhatLeft) {
  const adapters::TemporaryFolder folder;
  const auto outbox = Outbox::open(folder.path()).value();
  outbox->keep(message(1));
  KeptMessage live = message(2);
  live.is_sandbox = false;
  outbox->keep(live);
  EXPECT_EQ(outbox->sandbox_count(), 1u);
  EXPECT_EQ(Outbox::open(folder.path()).value()->sandbox_count(), 1u);
}

TEST(Outbox, ReadsUnfoldedHeaders) {
  const auto headers = headers_of(message(1).raw);
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[1].value, "one two");
}

}  // namespace
}  // namespace terreno::server
