#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>

#include <cstdarg>
#include <cstdio>

#include "adapters/store/store.h"
#include "base/result.h"

namespace terreno::adapters {

namespace {

using engine::Errc;
using engine::Error;
using engine::Result;

Error failure(const rocksdb::Status& status) {
  const std::string text = "store: " + status.ToString();
  if (status.IsNoSpace()) return {Errc::no_space, text};
  if (status.IsCorruption()) return {Errc::corrupt, text};
  if (status.IsIOError() && text.find("lock") != std::string::npos) return {Errc::locked, text};
  return {Errc::io_failed, text};
}

/// The default logger writes beside the data and aborts the process when the disk is full.
class Log final : public rocksdb::Logger {
 public:
  explicit Log(std::function<void(std::string_view)> write)
      : rocksdb::Logger(rocksdb::WARN_LEVEL), write_(std::move(write)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (!write_) return;
    char line[512];
    const int size = std::vsnprintf(line, sizeof line, format, arguments);
    if (size > 0) write_(std::string_view(line, std::min<size_t>(static_cast<size_t>(size), sizeof line - 1)));
  }

 private:
  std::function<void(std::string_view)> write_;
};

rocksdb::Options settings(const RocksdbOptions& options) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.info_log = std::make_shared<Log>(options.log);
  out.compression = rocksdb::kLZ4Compression;
  out.write_buffer_size = options.memtable_bytes;
  out.max_write_buffer_number = 4;
  out.level_compaction_dynamic_level_bytes = true;
  out.max_background_jobs = 2;
  out.paranoid_checks = true;
  // The log is on, bounded, and never recycled: recycling is slower with sync and has lost order on reopening.
  out.max_total_wal_size = 4 * options.memtable_bytes;
  out.recycle_log_file_num = 0;
  out.max_open_files = 512;
  out.stats_dump_period_sec = 0;
  // Erased repeats and wake-ups would otherwise slow scans until their level is compacted by chance.
  out.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.block_size = 4 << 10;
  table.format_version = 5;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

/// The first key after all that start with `prefix`; empty: there is none.
std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

class RocksdbStore final : public engine::Store {
 public:
  explicit RocksdbStore(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}
  ~RocksdbStore() override {
    // A pending compaction would be waited for; it can be done again.
    rocksdb::CancelAllBackgroundWork(db_.get(), true);
  }

  Result<std::optional<std::string>> get(std::string_view key) override {
    std::string value;
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return std::unexpected(failure(status));
    return value;
  }

  Result<void> multi_get(std::span<const std::string_view> keys, const Found& found) override {
    std::vector<rocksdb::Slice> slices;
    slices.reserve(keys.size());
    for (const std::string_view key : keys) slices.push_back(slice(key));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), keys.size(), slices.data(), values.data(),
                  statuses.data());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) {
        found(i, std::nullopt);
      } else if (statuses[i].ok()) {
        found(i, view(values[i]));
      } else {
        return std::unexpected(failure(statuses[i]));
      }
    }
    return {};
  }

  Result<void> scan(std::string_view prefix, Order order, const Visit& visit) override {
    const std::string end = end_of(prefix);
    const rocksdb::Slice upper = slice(end);
    const rocksdb::Slice lower = slice(prefix);
    rocksdb::ReadOptions options;
    if (!end.empty()) options.iterate_upper_bound = &upper;
    options.iterate_lower_bound = &lower;
    const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
    if (order == Order::ascending) {
      for (rows->SeekToFirst(); rows->Valid() && visit(view(rows->key()), view(rows->value())); rows->Next()) {
      }
    } else {
      for (rows->SeekToLast(); rows->Valid() && visit(view(rows->key()), view(rows->value())); rows->Prev()) {
      }
    }
    if (!rows->status().ok()) return std::unexpected(failure(rows->status()));
    return {};
  }

  Result<void> commit(const engine::StoreBatch& batch, bool sync) override {
    rocksdb::WriteOptions options;
    options.sync = sync;
    rocksdb::WriteBatch changes(batch.size_bytes() + 64);
    batch.for_each([&](engine::StoreBatch::Change change, std::string_view key, std::string_view value) {
      switch (change) {
        case engine::StoreBatch::Change::put:
          changes.Put(slice(key), slice(value));
          break;
        case engine::StoreBatch::Change::erase:
          changes.Delete(slice(key));
          break;
        case engine::StoreBatch::Change::erase_prefix:
          changes.DeleteRange(slice(key), slice(end_of(key)));
          break;
      }
    });
    // A sync with nothing to write still has the earlier commits to make durable.
    const rocksdb::Status status =
        changes.Count() == 0 ? (sync ? db_->SyncWAL() : rocksdb::Status::OK()) : db_->Write(options, &changes);
    if (!status.ok()) return std::unexpected(failure(status));
    return {};
  }

  Result<void> checkpoint(const std::string& folder) override {
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    if (status.ok()) status = checkpoint->CreateCheckpoint(folder);
    if (!status.ok()) return std::unexpected(failure(status));
    return {};
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<engine::Store>> open_rocksdb_store(const std::string& folder, RocksdbOptions options) {
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(settings(options), folder, &raw);
  if (!status.ok()) return std::unexpected(failure(status));
  return std::make_unique<RocksdbStore>(std::unique_ptr<rocksdb::DB>(raw));
}

Result<std::unique_ptr<engine::Store>> open_rocksdb_to_read(const std::string& folder) {
  rocksdb::Options options = settings({});
  options.create_if_missing = false;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &raw);
  if (!status.ok()) return std::unexpected(failure(status));
  return std::make_unique<RocksdbStore>(std::unique_ptr<rocksdb::DB>(raw));
}

}  // namespace terreno::adapters
