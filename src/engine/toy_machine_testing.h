#pragma once

// A small machine for the engine's tests: accounts that pay each other across partitions by messages, pay again when
// woken, and forget nothing they have seen. Money is neither made nor lost, whatever happens.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace terreno::engine::toy {

struct Account final : Entity {
  static constexpr uint8_t kTable = 1;
  int64_t balance = 0;
  uint64_t wakes = 0;
  uint64_t payments = 0;
  std::string ballast;

  void encode(Writer& out) const override {
    out.signed_varint(balance);
    out.varint(wakes);
    out.varint(payments);
    out.bytes(ballast);
  }
  [[nodiscard]] size_t footprint() const override { return sizeof *this + ballast.capacity(); }
};

/// Names an account: read first, so that `touches` needs two rounds.
struct Alias final : Entity {
  static constexpr uint8_t kTable = 2;
  Id128 account;
  void encode(Writer& out) const override { out.id(account); }
  [[nodiscard]] size_t footprint() const override { return sizeof *this; }
};

enum Type : uint16_t { kDeposit = 1, kPay = 2, kPaid = 3, kWakeAt = 4, kCancelWake = 5, kNote = 6 };

struct Command {
  uint64_t account = 0;
  uint64_t target_account = 0;
  uint16_t target_partition = 0;
  int64_t amount = 0;
  Timestamp at{};
  Id128 repeat_key{};

  [[nodiscard]] std::string encode() const {
    std::string out;
    Writer writer(out);
    writer.varint(account);
    writer.varint(target_account);
    writer.u16(target_partition);
    writer.signed_varint(amount);
    writer.time(at);
    writer.id(repeat_key);
    return out;
  }
  static Command decode(std::string_view bytes) {
    Reader reader(bytes);
    Command command;
    command.account = reader.varint();
    command.target_account = reader.varint();
    command.target_partition = reader.u16();
    command.amount = reader.signed_varint();
    command.at = reader.time();
    command.repeat_key = reader.id();
    return command;
  }
};

inline Id128 alias_of(uint64_t account) { return {0x0a, account}; }
inline constexpr uint8_t kStatement = 9;

class Machine final : public engine::Machine {
 public:
  /// `message_bytes`: a message of a payment is at least so large.
  explicit Machine(size_t ballast_bytes = 0, size_t message_bytes = 0)
      : ballast_bytes_(ballast_bytes), message_bytes_(message_bytes) {}

  void touches(const Lookup& state, const RecordView& record, KeyList& keys) const override {
    const Command command = Command::decode(record.payload);
    const Id128 alias = alias_of(command.account);
    keys.push_back({Alias::kTable, alias});
    if (const auto* found = state.find<Alias>(alias)) keys.push_back({Account::kTable, found->account});
  }

  void apply(Context& context, const RecordView& record) const override {
    const Command command = Command::decode(record.payload);
    if (!command.repeat_key.is_zero() && !context.first_seen(command.repeat_key)) {
      context.emit({kNote, "repeat"});
      return;
    }
    const Id128 id = account_of(context, command.account);
    auto* account = context.mutate<Account>(id);
    switch (record.type) {
      case kDeposit:
        account->balance += command.amount;
        break;
      case kPay: {
        account->balance -= command.amount;
        Command paid;
        paid.account = command.target_account;
        paid.amount = command.amount;
        std::string payload = paid.encode();
        payload.resize(std::max(payload.size(), message_bytes_), '.');
        context.send(Partition{command.target_partition}, kPaid, std::move(payload));
        break;
      }
      case kPaid:
        account->balance += command.amount;
        ++account->payments;
        break;
      case kWakeAt:
        context.set_wake({Account::kTable, id}, command.at);
        break;
      case kCancelWake:
        context.set_wake({Account::kTable, id}, std::nullopt);
        break;
      default:
        break;
    }
    std::string order;
    Writer(order).u64(__builtin_bswap64(record.position.value));
    context.append_row(kStatement, alias_of(command.account), order, fmt::format("{} {}", record.type, command.amount));
    context.emit({record.type, fmt::format("{} {}", command.account, account->balance)});
  }

  void touches_wake(const Lookup&, EntityKey key, KeyList& keys) const override { keys.push_back(key); }
  void wake(Context& context, EntityKey key) const override {
    auto* account = context.mutate<Account>(key.id);
    if (account == nullptr) return;
    ++account->wakes;
    context.emit({kNote, "woken"});
    // One coin for the first account of the next partition.
    account->balance -= 1;
    Command paid;
    paid.account = 0;
    paid.amount = 1;
    context.send(Partition{static_cast<uint16_t>((context.partition().number + 1) % kSequenceCount)}, kPaid,
                 paid.encode());
  }

  [[nodiscard]] std::unique_ptr<Entity> decode(EntityKey key, std::string_view bytes) const override {
    Reader reader(bytes);
    if (key.table == Alias::kTable) {
      auto alias = std::make_unique<Alias>();
      alias->account = reader.id();
      if (!reader.done()) return nullptr;
      return alias;
    }
    auto account = std::make_unique<Account>();
    account->balance = reader.signed_varint();
    account->wakes = reader.varint();
    account->payments = reader.varint();
    account->ballast = reader.text();
    if (!reader.done()) return nullptr;
    return account;
  }

 private:
  Id128 account_of(Context& context, uint64_t number) const {
    if (const auto* alias = context.find<Alias>(alias_of(number))) return alias->account;
    const Id128 id = context.new_id();
    Alias alias;
    alias.account = id;
    context.create<Alias>(alias_of(number), std::move(alias));
    context.create<Account>(id).ballast.assign(ballast_bytes_, 'b');
    return id;
  }

  size_t ballast_bytes_;
  size_t message_bytes_;
};

/// Keeps what it hears.
class Ears final : public OutputSink {
 public:
  void on_outputs(Partition partition, Position position, std::vector<Output>& outputs) override {
    const std::lock_guard lock(mutex_);
    for (Output& output : outputs) {
      if (output.payload == "woken") ++woken_;
      heard_[partition.number].push_back(fmt::format("{} {} {}", position.value, output.kind, output.payload));
      ++count_;
    }
  }
  [[nodiscard]] uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  [[nodiscard]] uint64_t woken() const {
    const std::lock_guard lock(mutex_);
    return woken_;
  }
  [[nodiscard]] std::vector<std::string> heard(Partition partition) const {
    const std::lock_guard lock(mutex_);
    const auto found = heard_.find(partition.number);
    return found == heard_.end() ? std::vector<std::string>() : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<uint16_t, std::vector<std::string>> heard_;
  uint64_t count_ = 0;
  uint64_t woken_ = 0;
};

/// What an account holds, asked by its number.
inline void read_account(Engine& engine, Partition partition, uint64_t number, std::function<void(const Account*)> done,
                         Position not_before = {}) {
  ReadTask task;
  task.not_before = not_before;
  task.wants = [number](const Lookup& state, KeyList& keys) {
    keys.push_back({Alias::kTable, alias_of(number)});
    if (const auto* alias = state.find<Alias>(alias_of(number))) keys.push_back({Account::kTable, alias->account});
  };
  task.run = [number, done = std::move(done)](const Lookup& state) {
    const auto* alias = state.find<Alias>(alias_of(number));
    done(alias == nullptr ? nullptr : state.find<Account>(alias->account));
  };
  engine.read(partition, std::move(task));
}

inline void add(Batch& batch, Partition partition, Type type, const Command& command, uint64_t record) {
  batch.add(partition, type, RecordId{{0xbeef, record}}, command.encode());
}

}  // namespace terreno::engine::toy
