#include "consent/ledger.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace terreno::consent {

namespace {

constexpr uint8_t kLedgerVersion = 1;
constexpr uint8_t kShardVersion = 1;

Hash node_hash(const Hash& left, const Hash& right) {
  std::string bytes(1, '\x01');
  bytes.append(view_of(left)).append(view_of(right));
  return sha256(bytes);
}

void write_hash(Writer& out, const Hash& hash) { out.raw(view_of(hash)); }
Hash read_hash(Reader& in) {
  Hash hash{};
  std::ranges::copy(in.raw(hash.size()), hash.begin());
  return hash;
}

size_t footprint_of(const ConsentEntry& entry) {
  size_t bytes = sizeof(ConsentEntry) + entry.act.evidence.capacity() * sizeof(Evidence);
  // What does not fit into a std::string itself; the address is the one that most often does not.
  for (const std::string* text : {&entry.act.address.value, &entry.act.text_version, &entry.act.collection_point,
                                  &entry.act.user_agent_hash, &entry.act.confirmation.token_hash})
    bytes += text->capacity() > 15 ? text->capacity() : 0;
  return bytes;
}

}  // namespace

std::string ConsentEntry::open_bytes() const {
  std::string bytes;
  Writer out(bytes);
  out.varint(entry_id);
  out.varint(position.value);
  out.time(recorded_at);
  act.encode_open(out);
  return bytes;
}

Hash ConsentEntry::leaf_hash() const {
  return sha256(std::string(1, '\0').append(open_bytes()).append(view_of(commitment)));
}

Hash ConsentEntry::entry_hash() const {
  return sha256(std::string(view_of(prev_hash)).append(open_bytes()).append(view_of(commitment)));
}

Hash ConsentEntry::commitment_of(const Hash& blinding, const ConsentAct& act, std::string_view address) {
  ConsentAct whole = act;
  whole.address.value = address;
  std::string bytes;
  Writer out(bytes);
  whole.encode_personal(out);
  return hmac_sha256(view_of(blinding), bytes);
}

Folded AddressLedger::folded_at(engine::Position at) const {
  Folded folded;
  for (const ConsentEntry& entry : entries_) {
    if (entry.position > at) break;
    fold_visible(folded, entry);
  }
  return folded;
}

// An erased entry still narrows, but no longer opens anything: what proved it is gone.
void AddressLedger::fold_visible(Folded& folded, const ConsentEntry& entry) {
  if (!entry.personal_destroyed || narrows(entry.act.action)) fold_entry(folded, entry.entry_id, entry.act);
}

PermissionCopy AddressLedger::copy() const {
  PermissionCopy copy;
  copy.address = address_;
  copy.version = entries_.size();
  copy.lines = lines_of(folded_, address_.channel);
  for (const Pause& pause : folded_.pauses) {
    // The copy only says that something is paused and until when at the latest.
    const bool first = !copy.paused;
    copy.paused = true;
    if (first)
      copy.paused_until = pause.until;
    else if (copy.paused_until)
      copy.paused_until = pause.until ? std::optional(std::max(*copy.paused_until, *pause.until)) : std::nullopt;
  }
  return copy;
}

void AddressLedger::append(ConsentEntry entry) {
  footprint_ += footprint_of(entry);
  fold_visible(folded_, entry);
  // The ledger holds the address once; each entry's copy would double what an address costs.
  entry.act.address.value.clear();
  entries_.push_back(std::move(entry));
}

void AddressLedger::destroy_personal() {
  address_.value.clear();
  erased_ = true;
  for (ConsentEntry& entry : entries_) {
    entry.act.destroy_personal();
    entry.blinding = {};
    entry.personal_destroyed = true;
  }
  folded_ = folded_at(entries_.empty() ? engine::Position{} : entries_.back().position);
}

void AddressLedger::adopt(Address address) {
  TERRENO_CHECK(erased_, "a ledger that has an address keeps it");
  address_ = std::move(address);
  erased_ = false;
}

void AddressLedger::encode(Writer& out) const {
  out.u8(kLedgerVersion);
  out.enumeration(address_.channel);
  out.bytes(address_.value);
  out.boolean(erased_);
  out.varint(entries_.size());
  for (const ConsentEntry& entry : entries_) {
    out.varint(entry.entry_id);
    out.varint(entry.position.value);
    out.time(entry.recorded_at);
    entry.act.encode(out);
    write_hash(out, entry.commitment);
    write_hash(out, entry.prev_hash);
    write_hash(out, entry.blinding);
    out.boolean(entry.personal_destroyed);
  }
}

size_t AddressLedger::footprint() const {
  return footprint_ + folded_.scopes.capacity() * sizeof(ScopeState) + folded_.opt_outs.capacity() * sizeof(OptOut) +
         folded_.pauses.capacity() * sizeof(Pause) + folded_.suppressions.capacity() * sizeof(Suppression) +
         folded_.origins.capacity() * sizeof(Id128);
}

std::unique_ptr<AddressLedger> AddressLedger::decode(std::string_view bytes) {
  Reader in(bytes);
  auto ledger = std::make_unique<AddressLedger>();
  if (in.u8() != kLedgerVersion) in.fail();
  ledger->address_.channel = in.enumeration(kChannelLast);
  ledger->address_.value = in.text();
  ledger->erased_ = in.boolean();
  for (size_t n = in.count(); n > 0 && in.ok(); --n) {
    ConsentEntry entry;
    entry.entry_id = in.varint();
    entry.position = {in.varint()};
    entry.recorded_at = in.time();
    entry.act = ConsentAct::decode(in);
    entry.commitment = read_hash(in);
    entry.prev_hash = read_hash(in);
    entry.blinding = read_hash(in);
    entry.personal_destroyed = in.boolean();
    if (in.ok()) ledger->append(std::move(entry));
  }
  return in.done() ? std::move(ledger) : nullptr;
}

const Hash& LedgerShard::root() const {
  if (!root_) {
    if (frontier_.empty()) {
      root_ = sha256({});
    } else {
      Hash root = frontier_.back();
      for (size_t i = frontier_.size() - 1; i > 0; --i) root = node_hash(frontier_[i - 1], root);
      root_ = root;
    }
  }
  return *root_;
}

void LedgerShard::append(const ConsentEntry& entry) {
  TERRENO_CHECK(entry.entry_id == size_ + 1 && entry.prev_hash == head_, "entries are dense and chained");
  Hash subtree = entry.leaf_hash();
  // Each trailing one of the size is a perfect subtree that the new leaf completes into a larger one.
  for (uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    subtree = node_hash(frontier_.back(), subtree);
    frontier_.pop_back();
  }
  frontier_.push_back(subtree);
  head_ = entry.entry_hash();
  ++size_;
  root_.reset();
}

void LedgerShard::encode(Writer& out) const {
  out.u8(kShardVersion);
  out.varint(size_);
  write_hash(out, head_);
  for (const Hash& hash : frontier_) write_hash(out, hash);
}

std::unique_ptr<LedgerShard> LedgerShard::decode(std::string_view bytes) {
  Reader in(bytes);
  auto shard = std::make_unique<LedgerShard>();
  if (in.u8() != kShardVersion) in.fail();
  shard->size_ = in.varint();
  shard->head_ = read_hash(in);
  for (int n = std::popcount(shard->size_); n > 0; --n) shard->frontier_.push_back(read_hash(in));
  return in.done() ? std::move(shard) : nullptr;
}

}  // namespace terreno::consent
