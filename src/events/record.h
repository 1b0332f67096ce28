#pragma once

// The vocabulary of records: what can happen in a partition, and what each record carries. Every change of state starts
// as one of these. Formats are described in docs/formats/records.md; adding a field means a new version of its record.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/engine.h"

namespace terreno::events {

// ---------------------------------------------------------------------------------------------------------------------
// Identifiers

/// In the order of strength: a person lives at the home of their strongest identifier. The numbers are on disk.
enum class IdentifierKind : uint8_t {
  customer_number = 0,
  user_id = 1,
  email = 2,
  phone = 3,
  device = 4,
  anonymous_id = 5
};
inline constexpr IdentifierKind kIdentifierKindLast = IdentifierKind::anonymous_id;

/// `user_id`, `email` …: the word used on the wire and on screen.
[[nodiscard]] std::string_view name_of(IdentifierKind kind);
[[nodiscard]] std::optional<IdentifierKind> identifier_kind_from(std::string_view name);

/// A normalised identifier. Ordered by strength of kind, then by value.
struct Identifier {
  IdentifierKind kind = IdentifierKind::anonymous_id;
  std::string value;
  auto operator<=>(const Identifier&) const = default;

  void encode(Writer& out) const;
  static Identifier decode(Reader& in);
};

/// The key under which an identifier's entity is kept. XXH3-128 of kind and value: the entity holds the value itself,
/// and whoever looks it up compares, since such a hash can be made to collide.
[[nodiscard]] Id128 key_of(const Identifier& identifier);

/// The home of an identifier: XXH3-64 of its placement key modulo the partition count, frozen at version 1. For an
/// e-mail address the placement key folds what providers fold (ASCII lower case, no dots, nothing from `+` on,
/// googlemail.com = gmail.com), so that all spellings of an address meet in one partition.
[[nodiscard]] engine::Partition home_of(const Identifier& identifier);

/// What a source's key is worth. A public key can be read by anyone who opens the page, so its claims are weak.
enum class Visibility : uint8_t { public_source = 0, secret_source = 1 };

// ---------------------------------------------------------------------------------------------------------------------
// Record types. The numbers are on disk: never reuse one.

enum class RecordType : uint16_t {
  // From outside.
  event = 1,         ///< Event
  consent_act = 2,   ///< consent/: a grant, withdrawal, objection … to be entered at the address's home
  correction = 3,    ///< profiles/: a person's or staff's word about an attribute
  send_claimed = 4,  ///< channels/ via flow: a claim of one attempt
  send_receipt = 5,  ///< what became of an attempt
  configuration_proposed = 6,
  objection = 7,    ///< the person wants no contact: carried to each of their addresses
  quarantined = 8,  ///< QuarantinedItem: what a source sent and could not be used, kept for repair
  nothing = 9,      ///< without effect: what was queued before it has its place once it is durable
  // Messages between partitions.
  event_forwarded = 32,    ///< an event, from an identifier's home to the person's
  identity_proposed = 33,  ///< a pair without verdict, to the lane
  identity_attach = 34,    ///< lane to an identifier's home: it now belongs to this person
  identity_moved = 35,     ///< from that home to the person's: what was there
  identity_attached = 36,  ///< from the person's home to the lane: done
  identity_verdict = 37,   ///< lane to the proposer: the pair's verdict
  send_opened = 38,        ///< an intent, at the address's home
  send_closed = 39,        ///< its final outcome, back at the person's home
  permission_folded = 40,  ///< the address's permission as it now stands, to the person's home
  configuration_prepared = 41,
  configuration_ready = 42,
  configuration_active = 43,
  objection_carried = 44,   ///< the person's objection, to each address's home
  identity_absorb = 45,     ///< lane to a person's home: they move, or are merged
  identity_released = 46,   ///< an identifier's home to its former person: give back what came with it
  identity_confirmed = 47,  ///< an address answered for itself, to the lane
};

// ---------------------------------------------------------------------------------------------------------------------
// Event

enum class EventType : uint8_t { identify = 0, track = 1, page = 2, screen = 3, group = 4, alias = 5 };
inline constexpr EventType kEventTypeLast = EventType::alias;
[[nodiscard]] std::string_view name_of(EventType type);

/// A trait of an identify, as JSON text: `"Ana"`, `42`, `true`, `null`, or an object or array.
struct TraitUpdate {
  std::string name;
  std::string json;
  auto operator<=>(const TraitUpdate&) const = default;
};

/// One tracked event, normalised at intake. `body` is the raw JSON as it came.
struct Event {
  EventType type = EventType::track;
  std::string source;  ///< id of the source whose key signed it
  Visibility visibility = Visibility::secret_source;
  std::string message_id;  ///< at most 100 bytes as sent; of longer ones the hash
  std::string name;        ///< track: the event; page, screen: the name; else empty
  Timestamp timestamp;     ///< when it happened, after correcting clocks (docs/concepts/tracking.md, Times)
  Timestamp received_at;
  bool late = false;                    ///< back-dated or over an hour old: changes state, starts nothing
  std::vector<Identifier> identifiers;  ///< strongest first, without repeats; at least one
  /// Identifiers beside the first whose values were blocked (`test@test.com`, `null` …): kept in the body, make no
  /// edge.
  uint8_t blocked_identifiers = 0;
  std::vector<TraitUpdate> traits;  ///< identify only
  std::string time_zone;            ///< IANA name from the context, or empty
  std::string locale;               ///< BCP 47 from the context, or empty
  std::string body;

  void encode(Writer& out) const;
  static Event decode(Reader& in);
  /// Only the strongest identifier; passes over what stands before it.
  static Identifier decode_strongest(Reader& in);
  /// The key under which a repeat is recognised: hash of (source, message id).
  [[nodiscard]] Id128 repeat_key() const;
  /// Where the event goes first: the home of its strongest identifier.
  [[nodiscard]] engine::Partition route() const { return home_of(identifiers.front()); }
};

/// A tracked item that is no event, as durable as one: its sender has been told 200 and will not send it again.
struct QuarantinedItem {
  std::string source;
  Timestamp received_at;
  uint64_t index = 0;  ///< in its request, from 0
  std::string reason;
  std::string raw;

  void encode(Writer& out) const;
  static QuarantinedItem decode(Reader& in);
  /// All items of a source lie in one partition: there is no person whose home could be asked for.
  [[nodiscard]] engine::Partition route() const;
};

}  // namespace terreno::events
