#include "adapters/store/store.h"

#include <gtest/gtest.h>

#include <random>

#include "adapters/store/temporary_folder_testing.h"
#include "engine/memory_store.h"

namespace terreno::adapters {
namespace {

using engine::MemoryStore;
using engine::Store;
using engine::StoreBatch;

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows rows_of(Store& store, std::string_view prefix, Store::Order order) {
  Rows rows;
  EXPECT_TRUE(store.scan(prefix, order, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return true;
  }));
  return rows;
}

/// The store in memory, which the simulation runs on, and this one must agree.
TEST(RocksdbStore, AgreesWithTheStoreInMemory) {
  // Opening takes a while: fewer cases than a property would draw.
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 draw(seed);
    const TemporaryFolder folder;
    auto real = open_rocksdb_store(folder.path() + "/store");
    ASSERT_TRUE(real.has_value());
    MemoryStore model;
    const auto key = [&] {
      std::string out;
      for (uint64_t size = 1 + draw() % 3; size > 0; --size)
        out.push_back(static_cast<char>(draw() % 2 == 0 ? 'a' : 0xff));
      return out;
    };
    for (int commit = 0; commit < 12; ++commit) {
      StoreBatch batch;
      for (uint64_t i = draw() % 6; i > 0; --i) {
        switch (draw() % 4) {
          case 0:
            batch.erase(key());
            break;
          case 1:
            batch.erase_prefix("a" + key());
            break;
          default:
            batch.put(key(), std::to_string(draw()));
            break;
        }
      }
      const bool sync = draw() % 2 == 0;
      ASSERT_TRUE((*real)->commit(batch, sync).has_value());
      ASSERT_TRUE(model.commit(batch, sync).has_value());
      if (draw() % 5 == 0) {
        real->reset();
        real = open_rocksdb_store(folder.path() + "/store");
        ASSERT_TRUE(real.has_value());
      }
      const std::string prefix = key();
      for (const auto order : {Store::Order::ascending, Store::Order::descending}) {
        ASSERT_TRUE(rows_of(**real, prefix, order) == rows_of(model, prefix, order));
      }
      const std::string one = key();
      const std::string two = key();
      ASSERT_TRUE(*(*real)->get(one) == *model.get(one));
      const std::vector<std::string_view> keys = {one, two};
      std::vector<std::optional<std::string>> found(2);
      ASSERT_TRUE((*real)
                      ->multi_get(keys,
                                  [&](size_t i, std::optional<std::string_view> value) {
                                    if (value) found[i] = std::string(*value);
                                  })
                      .has_value());
      ASSERT_TRUE(found[0] == *model.get(one));
      ASSERT_TRUE(found[1] == *model.get(two));
    }
  }
}

TEST(RocksdbStore, ACheckpointIsAStoreThatLaterChangesDoNotReach) {
  const TemporaryFolder folder;
  auto store = open_rocksdb_store(folder.path() + "/store");
  StoreBatch batch;
  batch.put("key", "old");
  ASSERT_TRUE((*store)->commit(batch, false));
  ASSERT_TRUE((*store)->checkpoint(folder.path() + "/kept"));
  batch.clear();
  batch.put("key", "new");
  ASSERT_TRUE((*store)->commit(batch, true));
  const auto kept = open_rocksdb_store(folder.path() + "/kept");
  ASSERT_TRUE(kept.has_value()) << kept.error().context;
  EXPECT_EQ(*(*kept)->get("key"), "old");
  EXPECT_EQ(*(*store)->get("key"), "new");
}

TEST(RocksdbStore, ASecondOpenIsRefusedAsLocked) {
  const TemporaryFolder folder;
  const auto store = open_rocksdb_store(folder.path() + "/store");
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ(open_rocksdb_store(folder.path() + "/store").error().code, engine::Errc::locked);
}

TEST(PosixFiles, ASecondLockIsRefused) {
  const TemporaryFolder folder;
  const auto files = posix_files();
  const auto lock = files->lock(folder.path() + "/lock");
  ASSERT_TRUE(lock.has_value());
  EXPECT_EQ(files->lock(folder.path() + "/lock").error().code, engine::Errc::locked);
}

TEST(PosixFiles, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  const auto files = posix_files();
  const std::string path = folder.path() + "/file";
  {
    auto file = files->open(path, engine::Files::Mode::create);
    ASSERT_TRUE((*file)->write(5, "hello"));
    ASSERT_TRUE((*file)->sync());
  }
  ASSERT_TRUE(files->rename(path, path + "2"));
  ASSERT_TRUE(files->sync_folder(folder.path()));
  EXPECT_EQ(*files->list(folder.path()), std::vector<std::string>{"file2"});
  const auto file = files->open(path + "2", engine::Files::Mode::read_write);
  char bytes[20];
  EXPECT_EQ(*(*file)->read(5, bytes, sizeof bytes), 5u);
  EXPECT_EQ(std::string(bytes, 5), "hello");
  EXPECT_EQ(*(*file)->size(), 10u);
  EXPECT_EQ(files->open(folder.path() + "/none", engine::Files::Mode::read_write).error().code,
            engine::Errc::io_failed);
}

}  // namespace
}  // namespace terreno::adapters
