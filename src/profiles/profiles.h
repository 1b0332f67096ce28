#pragma once

// What is known of a person: attributes with all their candidates, identifiers, permission as last heard, and when they
// were seen.
//
// 1. The customer's latest word wins, whoever wrote it down: rank `stated`; then what staff corrected on their own
//    judgement, what was observed, what was inferred; within a rank the latest.
// 2. All candidates are kept, up to a bound per attribute; each names its source, time and the identifier it came with.
// 3. The winner does not depend on the order of arrival.
// 4. The copy of a permission serves planning; only the claim decides (consent/).
//
// Entities live in the person's home partition, on its apply thread; nothing here locks.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "consent/consent.h"
#include "engine/engine.h"
#include "events/record.h"

namespace terreno::profiles {

inline constexpr size_t kAttributesMax = 500;
inline constexpr size_t kAttributeBytesMax = 1 << 20;  ///< names and values of all candidates of a person
/// Of both bounds, what systems may not use up: there is always room for what people say.
inline constexpr size_t kAttributesForPeople = 100;
inline constexpr size_t kAttributeBytesForPeople = 128 << 10;
inline constexpr size_t kCandidatesMax = 8;  ///< per attribute; the lowest-ranked, oldest one leaves first
inline constexpr size_t kAttributeNameBytesMax = 128;
inline constexpr size_t kAttributeValueBytesMax = 4096;

/// Whose word it is, best first. The numbers are on disk.
enum class Rank : uint8_t {
  stated = 0,     ///< the customer's own word, in a form, a reply or a call noted by staff
  corrected = 1,  ///< staff, on their own judgement
  observed = 2,   ///< what a system sent
  inferred = 3,   ///< what a system concluded
};
inline constexpr Rank kRankLast = Rank::inferred;
[[nodiscard]] std::string_view name_of(Rank rank);
[[nodiscard]] std::optional<Rank> rank_from(std::string_view name);

struct Candidate {
  std::string json;  ///< JSON text; `null` says that there is no such value
  Rank rank = Rank::observed;
  std::string source;  ///< source, or user who noted it
  std::string note;
  Timestamp at;       ///< when it was so, or was said
  RecordId record;    ///< what brought it
  Id128 contributor;  ///< key of the identifier it came with: a split gives each side back its own
  bool operator==(const Candidate&) const = default;
};

struct Attribute {
  std::string name;
  std::vector<Candidate> candidates;  ///< the winner first
  [[nodiscard]] const Candidate& winner() const { return candidates.front(); }
  bool operator==(const Attribute&) const = default;
};

/// A word about one attribute: the payload of a record of type `correction`.
struct Correction {
  PersonId person;
  std::string attribute;
  Candidate candidate;
  void encode(Writer& out) const;
  static Correction decode(Reader& in);
};

struct KnownIdentifier {
  events::Identifier identifier;
  Timestamp since;
  std::string source;
  events::Visibility visibility = events::Visibility::secret_source;
  bool operator==(const KnownIdentifier&) const = default;
};

/// A pair that the identity lane has decided or has been asked about.
struct KnownPair {
  Id128 other;          ///< key of the other identifier
  bool is_open = true;  ///< asked, not yet answered
  std::string verdict;  ///< `held`, `blocked`, `quarantined` …; empty while open
  std::string reason;
  // Of the event that named it.
  Timestamp since;
  std::string source;
  events::Visibility visibility = events::Visibility::public_source;
  bool operator==(const KnownPair&) const = default;
};

/// State of this person that is on its way here, after a merge or a move.
struct Arriving {
  Id128 exchange;
  uint32_t missing = 0;  ///< parts
  bool operator==(const Arriving&) const = default;
};

class Person final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 10;
  static constexpr size_t kPairsMax = 256;

  PersonId id;
  Timestamp created;
  Timestamp last_seen;
  std::string time_zone;                     ///< IANA; empty: unknown
  std::string locale;                        ///< BCP 47; empty: unknown
  std::vector<KnownIdentifier> identifiers;  ///< strongest first
  std::vector<KnownPair> pairs;
  std::vector<consent::PermissionCopy> permissions;  ///< one per address
  consent::ObjectionSet objections;
  std::vector<PersonId> absorbed;
  std::vector<Arriving> arriving;

  /// Takes in a candidate. False: it was refused at a bound (name or value too long, too many attributes or bytes).
  bool learn(const std::string& name, Candidate candidate);
  [[nodiscard]] const std::vector<Attribute>& attributes() const { return attributes_; }
  /// The winning value as JSON text; nullopt when unknown or null.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
  /// The same, when it is a string.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// False: it was known already.
  bool add_identifier(KnownIdentifier identifier);
  [[nodiscard]] const events::Identifier* find(events::IdentifierKind kind) const;
  [[nodiscard]] bool has(const events::Identifier& identifier) const;
  /// Who they are is being decided, or part of them is still on its way: nothing is decided about them meanwhile.
  [[nodiscard]] bool is_identity_open() const;
  /// Where a message on this kind of address goes. For a commercial one an address that agreed goes before others. Then
  /// one that a secret source named before what anybody could have claimed with a public key; then the latest, but of
  /// public claims the earliest. A transactional one never goes to an address that only a public source named once
  /// there is a secret source's word about this person: it would hand their data to whoever claimed it.
  [[nodiscard]] const events::Identifier* address_for(events::IdentifierKind kind, consent::Channel channel,
                                                      consent::MessageClass message_class, const consent::Scope& scope,
                                                      Timestamp now) const;
  /// A secret source named `other` beside this person's strongest identifier: worth more than a public one's word.
  void vouch(const events::Identifier& other, const std::string& source);
  [[nodiscard]] const consent::PermissionCopy* permission_of(const consent::Address& address) const;
  void take_permission(consent::PermissionCopy copy);
  /// Folds another person into this one: candidates compete, objections unite, the earlier `created` stays.
  void absorb(const Person& other);
  /// Takes an identifier out, with what came by it, as a person without an id.
  [[nodiscard]] Person take_out(const events::Identifier& identifier);

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<Person> decode(std::string_view bytes);

 private:
  std::vector<Attribute> attributes_;  ///< by name
  size_t attribute_bytes_ = 0;         ///< derived
};

/// Stays where a person lived before they moved or were absorbed: leads on, for ever.
class PersonAlias final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 11;
  PersonId survivor;
  engine::Partition home;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(PersonAlias); }
  [[nodiscard]] static std::unique_ptr<PersonAlias> decode(std::string_view bytes);
};

/// One line of an identifier's timeline: rows of this table, by (time, position), in the partition they came to.
inline constexpr uint8_t kTimelineRows = 1;
struct TimelineLine {
  Timestamp at;
  events::EventType type = events::EventType::track;
  std::string name;
  std::string source;
  engine::Position position;  ///< of the record, where the body can be read
  void encode(Writer& out) const;
  static TimelineLine decode(Reader& in);
  /// Big-endian (time, position): sorts as bytes.
  [[nodiscard]] std::string order_key() const;
};

/// Attributes as one JSON object, winners only, names in order: what templates see as `person`.
[[nodiscard]] std::string attributes_json(const Person& person);

}  // namespace terreno::profiles
