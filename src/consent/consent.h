#pragma once

// Consent: who may be written to, about what, and how we know.
//
// 1. Permission belongs to an address on a channel, never to a person. Its ledger lies in the address's home partition,
//    where claims are made too, so both have one order.
// 2. Nothing is sent without a ConsentProof, and only `permit` makes one.
// 3. Whatever says *don't* is entered and never refused for lack of proof or room; a grant covers exactly what it
// names.
// 4. After an opt-out only the person's own explicit act opens a gate again; a public source asks, it never grants.
// 5. Unknown country: the strictest rules. Unknown basis: no.
//
// Acts: consent/act.h. Entries, chain and tree: consent/ledger.h. Fold and the copy at the person's home:
// consent/fold.h. Law: consent/rule_pack.h. Links: consent/link.h. Pages: consent/page.h. All of them are this facade.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "consent/act.h"
#include "consent/fold.h"
#include "consent/ledger.h"
#include "consent/link.h"
#include "consent/page.h"
#include "consent/rule_pack.h"
#include "engine/engine.h"

// Claims become effects in channels/, which alone may turn a stored proof into one that sends.
namespace terreno::channels {
class ClaimedSend;
}

namespace terreno::consent {

// ---------------------------------------------------------------------------------------------------------------------
// Entering an act

/// Why an act changed nothing. The numbers are on the wire of explanations.
enum class ActRefusal : uint8_t {
  names_no_topic = 0,           ///< a grant, request or confirmation must name what it is for
  opted_out_needs_own_act = 1,  ///< after an opt-out only the person's own explicit act grants
  older_than_opt_out = 2,       ///< the person acted before they opted out
  not_for_public_source = 3,    ///< a public key may not confirm, suppress, lift, expire or correct
  nothing_to_confirm = 4,       ///< no open request for this scope
  token_does_not_match = 5,     ///< the request was confirmed with another token
  nothing_to_lift = 6,
  only_the_person_may_lift = 7,  ///< a suppression or a person's own pause, lifted by somebody else or unconfirmed
  no_such_entry = 8,             ///< `refers_to` is not an entry here that widens
  cannot_widen = 9,              ///< a correction of an opt-out
  ledger_full = 10,              ///< the address has too many entries or scopes for another grant
  address_collision = 11,        ///< another address has this key: a made-up one
  malformed = 12,                ///< empty or oversized address
  only_the_person_may_confirm = 13,
};
[[nodiscard]] std::string_view name_of(ActRefusal refusal);

struct ActOutcome {
  /// The entry made; 0 when none was: refused, or nothing new was said (`repeats_entry_id`).
  uint64_t entry_id = 0;
  /// The entry that already says so: a repeated opt-out or public request, a confirmation taken before.
  uint64_t repeats_entry_id = 0;
  /// A public source's grant was entered as a request.
  bool entered_as_request = false;
  std::optional<ActRefusal> refused;
  /// What the person's home should now know (record type `permission_folded`); set when an entry was made.
  std::optional<PermissionCopy> permission;
};

/// What `apply_act` may read or change.
void touches_act(const engine::Lookup& lookup, const ConsentAct& act, engine::KeyList& keys);
/// Enters one act in the partition being applied, which must be `home_of(act.address)`. Never fails: an act that the
/// rules reject is an outcome.
ActOutcome apply_act(engine::Context& context, const ConsentAct& act);

/// A person's objections and pauses, kept at the person's home to be carried to each address that is bound to them
/// later, before it is used. Merging two persons takes the union: a merge only narrows.
class ObjectionSet {
 public:
  static constexpr size_t kObjectionsMax = 64;
  /// Notes an `object` or `pause`, or lets a `lift` end pauses. Other actions are ignored. The act needs an `origin`;
  /// one already noted changes nothing. Past the bound the objections become one that covers everything.
  void note(const ConsentAct& act);
  void merge(const ObjectionSet& other);
  /// One act per objection in force, for an address.
  [[nodiscard]] std::vector<ConsentAct> carry_to(const Address& address, Timestamp now) const;
  [[nodiscard]] bool empty() const { return acts_.empty(); }
  [[nodiscard]] size_t footprint() const;
  bool operator==(const ObjectionSet&) const = default;

  void encode(Writer& out) const;
  static ObjectionSet decode(Reader& in);

 private:
  std::vector<ConsentAct> acts_;  ///< by origin; without an address
};

// ---------------------------------------------------------------------------------------------------------------------
// Permission to send

enum class MessageClass : uint8_t { commercial = 0, transactional = 1 };

struct SendRequest {
  Address address;
  Scope scope;  ///< a commercial message names its topic
  MessageClass message_class = MessageClass::commercial;
  /// Of a transactional message: contract, legal_obligation or solicited_reply.
  LegalBasis transactional_basis = LegalBasis::contract;
  std::string basis_evidence;  ///< of a transactional one: order, enquiry or thread id; kept in the proof, never empty
  std::string region;          ///< the person's country as known at the decision; empty: only what the entries say
  DecisionId decision;
  uint32_t attempt = 1;
};

/// In the order of docs/concepts/consent.md, Precedence: the first that applies decides. The numbers are on disk.
enum class Rule : uint8_t {
  address_mismatch = 0,  ///< the ledger is that of another address
  suppressed = 1,
  paused = 2,
  objected = 3,
  channel_withdrawn = 4,
  topic_withdrawn = 5,
  expired = 6,
  confirmation_missing = 7,
  unproven = 8,               ///< an imported grant without time, method or wording, where proof is asked for
  basis_not_allowed = 9,      ///< not a basis for this channel in this country
  exception_incomplete = 10,  ///< a soft opt-in without a pointer for each condition
  no_grant = 11,
  transactional_without_basis = 12,
  // Those that permit.
  granted = 32,
  soft_opt_in = 33,
  transactional = 34,
};
[[nodiscard]] std::string_view name_of(Rule rule);

/// Data for the answer to *why not?*; texts are looked up from the rule.
struct Refusal {
  Rule rule = Rule::no_grant;
  std::vector<uint64_t> entry_ids;                          ///< read by the rule
  std::vector<std::pair<std::string, std::string>> values;  ///< name and value, such as `expired_at`; nothing personal
  uint32_t rule_pack_version = kRulePackVersion;
  bool operator==(const Refusal&) const = default;

  void encode(Writer& out) const;
  static Refusal decode(Reader& in);
};

/// A proof as stored and shown; gives no right to send.
struct ProofRecord {
  DecisionId decision;
  uint32_t attempt = 0;
  Address address;
  Scope scope;
  MessageClass message_class = MessageClass::commercial;
  Rule rule = Rule::granted;
  LegalBasis basis = LegalBasis::none;
  std::string basis_evidence;
  std::vector<uint64_t> entry_ids;
  std::string region;  ///< whose rules were met; `strictest` when none was known
  uint32_t rule_pack_version = kRulePackVersion;
  uint64_t ledger_size = 0;  ///< entries in the partition's ledger, and
  Hash ledger_root{};        ///< their Merkle root, when it was decided
  engine::Partition partition;
  engine::Position position;  ///< of the claim
  Timestamp decided_at;
  bool operator==(const ProofRecord&) const = default;

  void encode(Writer& out) const;
  static ProofRecord decode(Reader& in);
};

/// Held by channels/ alone: a claim's effect travels as bytes inside the process.
class ProofRestoreKey {
  friend class ::terreno::channels::ClaimedSend;
  ProofRestoreKey() = default;
};

/// The right to send one attempt of one message to one address. A value; holds for the decision and attempt it names.
class ConsentProof {
 public:
  [[nodiscard]] const ProofRecord& record() const { return record_; }
  static ConsentProof restore(ProofRestoreKey /*key*/, ProofRecord record) { return ConsentProof(std::move(record)); }

 private:
  friend std::expected<ConsentProof, Refusal> permit(const AddressLedger*, const LedgerShard*, const SendRequest&,
                                                     engine::Partition, engine::Position, Timestamp);
  explicit ConsentProof(ProofRecord record) : record_(std::move(record)) {}
  ProofRecord record_;
};

/// Decides whether one message may leave for one address, as of a position in the journal.
///
/// `ledger` and `shard` are those of the address's home, null when there are none yet. Entries after `at` do not count,
/// so a replay decides the same. `now` is the partition's time.
/// Thread: the apply thread of that partition. Does no I/O. Cost: the scopes and opt-outs of this address.
/// Error: the first rule that refused, with the entries it read. There is no other error.
/// Rule: Directive 2002/58/EC Art. 13; docs/concepts/consent.md, Precedence.
[[nodiscard]] std::expected<ConsentProof, Refusal> permit(const AddressLedger* ledger, const LedgerShard* shard,
                                                          const SendRequest& request, engine::Partition partition,
                                                          engine::Position at, Timestamp now);
/// The same with the entities and the time of `lookup`, at its partition; name them with `touches_permit` first.
[[nodiscard]] std::expected<ConsentProof, Refusal> permit(const engine::Lookup& lookup, const SendRequest& request,
                                                          engine::Position at);
void touches_permit(const Address& address, engine::KeyList& keys);

// ---------------------------------------------------------------------------------------------------------------------
// Checking the ledger

struct LedgerVerdict {
  uint64_t entries = 0;
  uint64_t commitments_opened = 0;    ///< entries whose personal fields are there and match
  uint64_t commitments_closed = 0;    ///< erased: the commitment stands unopened
  std::vector<std::string> findings;  ///< what does not hold, at most 100; entry ids, nothing personal
  [[nodiscard]] bool holds() const { return findings.empty(); }
};
/// Recomputes order, chain, commitments, tree and each address's fold, from all ledgers of one partition.
[[nodiscard]] LedgerVerdict verify_ledger(std::span<const AddressLedger* const> ledgers, const LedgerShard& shard);

/// Null when `table` is not this folder's or the bytes are malformed: for engine::Machine::decode.
[[nodiscard]] std::unique_ptr<engine::Entity> decode_entity(uint8_t table, std::string_view bytes);

}  // namespace terreno::consent
