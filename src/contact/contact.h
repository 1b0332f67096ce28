#pragma once

// The arbiter: one place decides, for all teams, whether an intent to contact goes out now, later or not, and keeps
// why.
//
// 1. A decision is made once per intent and changes state only forwards; each gate it passed keeps value, limit and
// time.
// 2. The person's counter is reserved at the decision and given back once, into the bucket it was taken from, when the
//    message was certainly not sent.
// 3. Whoever loses a slot names the decision that holds it; a freed slot goes to the held intent of highest priority,
//    then the earliest.
// 4. What was held is decided again from the start when it is released.
// 5. Permission is only forecast here: the claim decides, at the address's home.
// 6. Transactional messages are neither capped nor counted, and know no quiet hours.
//
// Pure but for the pinned time-zone data; lives on the apply thread of the person's home.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/document.h"
#include "base/hash.h"
#include "base/time.h"
#include "consent/consent.h"
#include "engine/engine.h"

namespace terreno::contact {

// ---------------------------------------------------------------------------------------------------------------------
// Policy

enum class Period : uint8_t {
  day = 0,    ///< calendar day in the person's zone
  week = 1,   ///< the last 7 days
  month = 2,  ///< the last 30 days
};
[[nodiscard]] std::string_view name_of(Period period);
struct Cap {
  consent::Channel channel = consent::Channel::email;
  std::string topic;  ///< empty: any
  Period period = Period::day;
  uint32_t max = 1;
};
/// From `start` to `end` in the person's zone, minutes after midnight; may cross midnight. Equal: none.
struct QuietHours {
  int start_minute = 0;
  int end_minute = 0;
};
struct Policy {
  std::vector<Cap> caps;
  QuietHours quiet_hours;
  uint32_t per_address_and_hour = 20;  ///< all classes
  std::string default_time_zone = "UTC";
};
/// Reads the `spec` of a document of kind `policy`.
[[nodiscard]] Policy parse_policy(const DocumentNode& spec);

/// The first moment from `now` on that lies outside the quiet hours. A local time that a daylight-saving change skips
/// moves forward; one that occurs twice counts once, at its first occurrence. An unknown zone counts as UTC.
[[nodiscard]] Timestamp quiet_until(const QuietHours& quiet, std::string_view time_zone, Timestamp now);
[[nodiscard]] bool is_time_zone(std::string_view name);
/// `21:00`; for the explanation.
[[nodiscard]] std::string local_clock(std::string_view time_zone, Timestamp time);

// ---------------------------------------------------------------------------------------------------------------------
// Decision

enum class GateCode : uint8_t {
  trigger = 0,
  audience = 1,
  identity = 2,
  consent = 3,
  cap_person = 4,
  cap_address = 5,
  quiet_hours = 6,
  priority = 7,
  render = 8,
  claim = 9,
  delivery = 10,
};
inline constexpr GateCode kGateCodeLast = GateCode::delivery;
[[nodiscard]] std::string_view name_of(GateCode code);
enum class GateState : uint8_t { passed = 0, stopped = 1, waiting = 2, not_reached = 3 };
inline constexpr GateState kGateStateLast = GateState::not_reached;
[[nodiscard]] std::string_view name_of(GateState state);

/// One station on the way of a decision: data, never text.
struct Gate {
  GateCode code = GateCode::trigger;
  GateState state = GateState::passed;
  std::string value;  ///< what was found: a count, a clock time, a rule's name
  std::string limit;  ///< what it was held against
  Timestamp at;
  bool operator==(const Gate&) const = default;

  void encode(Writer& out) const;
  static Gate decode(Reader& in);
};

/// The numbers are on disk, the names on the wire.
enum class DecisionState : uint8_t {
  held_identity = 0,  ///< waits for the identity lane's answer
  held_quiet_hours = 1,
  held_cap = 2,
  open = 3,             ///< at the address's home: claimed, retried …
  sent = 4,             ///< the receiving server took it
  refused_consent = 5,  ///< at the claim; the refusal names the rule
  refused_cap = 6,      ///< over the cap, and it may not wait
  refused_address = 7,  ///< no address on the channel
  not_rendered = 8,
  bounced = 9,        ///< refused in the session
  expired = 10,       ///< held or retried too long
  unknown = 11,       ///< may have been delivered; never silently sent again
  held_address = 12,  ///< no address on the channel yet: one that comes within kAddressPatience still counts
  superseded = 13,    ///< another decision for the same entry and step of the same journey, found at a merge
  held_clock = 14,    ///< nobody knows what time it is: decided once somebody has said so
};
inline constexpr DecisionState kDecisionStateLast = DecisionState::held_clock;
/// A visitor's event may arrive a moment before the call that says who they are.
inline constexpr Duration kAddressPatience = minutes(1);
[[nodiscard]] std::string_view name_of(DecisionState state);
[[nodiscard]] bool is_final(DecisionState state);
/// Final and certainly not sent: the reserved slot is given back.
[[nodiscard]] bool gives_back(DecisionState state);

struct Step {
  std::string state;   ///< `decided`, `held`, `opened`, `sent` …
  std::string detail;  ///< rule, reply code; no personal data
  Timestamp at;
  bool operator==(const Step&) const = default;
};

/// Value of the delivery gate of a message that the sandbox caught: it was sent, and left for nobody.
inline constexpr std::string_view kCaughtBySandbox = "sandbox";
class Decision;
[[nodiscard]] bool was_caught(const Decision& decision);

/// What becomes of one intent. One entity per decision, at the person's home.
class Decision final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 51;
  DecisionId id;
  PersonId person;
  std::string journey;
  Id128 journey_version;
  std::string step;
  std::string entry_key;
  std::string message;  ///< name of the template
  Id128 configuration;  ///< hash of the configuration whose template is rendered
  consent::Address address;
  consent::Scope scope;
  consent::MessageClass message_class = consent::MessageClass::commercial;
  int priority = 5;
  std::string reply_to;
  std::string event_properties;  ///< JSON object, for the template; empty once it is final
  Timestamp wanted_at;
  Timestamp later_until;  ///< until when it may be held
  DecisionState state = DecisionState::held_identity;
  std::optional<Timestamp> wakes_at;
  DecisionId winner;  ///< who holds the slot that this one did not get, or supersedes it
  std::vector<Gate> gates;
  std::vector<Step> history;
  uint32_t attempts = 0;
  std::string refusal;  ///< rule of consent/ that refused
  std::optional<consent::ProofRecord> proof;

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<Decision> decode(std::string_view bytes);
};

// ---------------------------------------------------------------------------------------------------------------------
// The person's side

struct Reservation {
  DecisionId decision;
  consent::Channel channel = consent::Channel::email;
  std::string topic;
  Timestamp at;
  bool operator==(const Reservation&) const = default;
};
struct Held {
  DecisionId decision;
  std::optional<Timestamp> wakes_at;
  bool operator==(const Held&) const = default;
};

class ContactState final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 50;
  static constexpr size_t kHeldMax = 100;
  static constexpr size_t kRecentMax = 500;  ///< final ones; one that is not never leaves the list
  std::vector<Reservation> reservations;     ///< of the last 31 days, oldest first
  std::vector<Held> held;
  std::vector<DecisionId> recent;  ///< newest last, but for old ones that are still under way
  void absorb(const ContactState& other);
  [[nodiscard]] std::optional<Timestamp> next_wake() const;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<ContactState> decode(std::string_view bytes);
};

/// What the arbiter is told of the person.
struct Circumstances {
  Timestamp now;
  std::string time_zone;       ///< empty: unknown
  bool identity_open = false;  ///< a proposal waits for the lane
  bool time_held = false;      ///< engine::Lookup::is_time_held
  std::optional<consent::Address> address;
};

/// Decides, or decides again. Afterwards `decision.state` is held, refused, expired or `open`; in the last case the
/// slot is reserved and the caller opens the send at the address's home.
void decide(ContactState& contact, Decision& decision, const Policy& policy, const Circumstances& circumstances);
/// Takes a final outcome in; gives the slot back where `gives_back`. True: a slot was freed, so the held intents are to
/// be decided again. A second outcome is a no-op.
bool close(ContactState& contact, Decision& decision, DecisionState outcome, Gate gate, Timestamp now);
/// Of `one` and `other`, both for one entry and step of one journey: true when `other` supersedes the held `one`,
/// because it went out, is on its way, or comes before it. Two people who were one had such intents each.
[[nodiscard]] bool is_superseded(const Decision& one, const Decision& other);
/// Held decisions that are due, or that wait for a slot or for the lane, in the order in which they are to be decided
/// again: priority, then age. `decisions` are those of `contact.held`, loaded.
[[nodiscard]] std::vector<DecisionId> release_order(std::vector<const Decision*> decisions);

/// Messages that one address was claimed for within the last hour, at the address's home.
class AddressCounter final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 61;
  std::vector<Timestamp> claims;
  /// Counts a claim. False: the address has had its messages for this hour.
  bool take(Timestamp now, uint32_t max);
  void give_back();
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(AddressCounter) + claims.size() * sizeof(Timestamp); }
  [[nodiscard]] static std::unique_ptr<AddressCounter> decode(std::string_view bytes);
};

}  // namespace terreno::contact
