#pragma once

// The ledger: what is kept of each act, per address, and the chain and tree over all entries of a partition.
//
// 1. Entries are appended, never changed, except that an erasure takes their personal fields and blinding secret out.
// 2. Entry ids are dense in the shard (one per partition), from 1; within an address they grow.
// 3. entry_hash = SHA-256(prev_hash ‖ open fields ‖ commitment), commitment = HMAC-SHA256(k, personal fields): after an
//    erasure chain and tree still hold and tell nothing about the person (docs/concepts/consent.md).
// 4. The tree is that of RFC 6962 §2.1: leaf SHA-256(0 ‖ open fields ‖ commitment), node SHA-256(1 ‖ left ‖ right).
//
// Lives on the apply thread of the partition; nothing here locks.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consent/act.h"
#include "consent/crypto.h"
#include "consent/fold.h"
#include "engine/engine.h"

namespace terreno::consent {

/// Tables 20 to 29 are this folder's.
inline constexpr uint8_t kAddressLedgerTable = 20;
inline constexpr uint8_t kLedgerShardTable = 21;

inline constexpr size_t kEntriesPerAddressMax = 10'000;
/// From here on only opt-outs are entered, so that there is always room for them.
inline constexpr size_t kWideningEntriesMax = 9'000;
/// Distinct scopes an address can hold; an opt-out beyond them closes the whole channel.
inline constexpr size_t kScopesPerAddressMax = 256;

struct ConsentEntry {
  uint64_t entry_id = 0;
  engine::Position position;
  Timestamp recorded_at;
  /// After an erasure without its personal fields. In a ledger always without the address, which the ledger holds.
  ConsentAct act;
  Hash commitment{};
  Hash prev_hash{};
  Hash blinding{};  ///< k; zeros after an erasure
  bool personal_destroyed = false;
  bool operator==(const ConsentEntry&) const = default;

  /// Canonical bytes of the open fields, entry id and position included.
  [[nodiscard]] std::string open_bytes() const;
  [[nodiscard]] Hash leaf_hash() const;
  [[nodiscard]] Hash entry_hash() const;
  /// HMAC-SHA256(k, personal fields), the address among them.
  [[nodiscard]] static Hash commitment_of(const Hash& blinding, const ConsentAct& act, std::string_view address);
};

class AddressLedger final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = kAddressLedgerTable;

  AddressLedger() = default;
  explicit AddressLedger(Address address) : address_(std::move(address)) {}

  /// Empty value after an erasure.
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] const std::vector<ConsentEntry>& entries() const { return entries_; }
  [[nodiscard]] const Folded& folded() const { return folded_; }
  /// The fold as of a position: entries after it do not count. O(entries).
  [[nodiscard]] Folded folded_at(engine::Position at) const;
  [[nodiscard]] bool is_erased() const { return erased_; }
  [[nodiscard]] PermissionCopy copy() const;

  void append(ConsentEntry entry);
  /// Destroys address, personal fields and blinding secrets, and every grant; what narrows stays in force.
  void destroy_personal();
  /// Somebody acts at an erased address: it is known again, its old entries are not.
  void adopt(Address address);

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  /// Null when malformed.
  [[nodiscard]] static std::unique_ptr<AddressLedger> decode(std::string_view bytes);

 private:
  static void fold_visible(Folded& folded, const ConsentEntry& entry);

  Address address_;
  bool erased_ = false;
  std::vector<ConsentEntry> entries_;
  Folded folded_;  ///< derived, not encoded
  size_t footprint_ = sizeof(AddressLedger);
};

/// Head of chain and tree of one partition. Its id is zero.
class LedgerShard final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = kLedgerShardTable;
  static constexpr Id128 kId{};

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const Hash& head() const { return head_; }
  /// RFC 6962 §2.1; of an empty tree SHA-256 of nothing. Computed once per size.
  [[nodiscard]] const Hash& root() const;

  /// `entry` has id `size() + 1` and `prev_hash` `head()`.
  void append(const ConsentEntry& entry);

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(LedgerShard) + frontier_.capacity() * sizeof(Hash); }
  [[nodiscard]] static std::unique_ptr<LedgerShard> decode(std::string_view bytes);

 private:
  uint64_t size_ = 0;
  Hash head_{};
  std::vector<Hash> frontier_;        ///< roots of the perfect subtrees, largest first: one per bit set in `size_`
  mutable std::optional<Hash> root_;  ///< asked for by every claim and changed only by entries
};

}  // namespace terreno::consent
