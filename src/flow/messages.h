#pragma once

// What partitions tell each other, and the commands that belong to no business folder. Bytes and order:
// docs/formats/exchanges.md.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "consent/consent.h"
#include "contact/contact.h"
#include "engine/engine.h"
#include "events/record.h"
#include "identity/identity.h"
#include "journeys/journeys.h"
#include "profiles/profiles.h"

namespace terreno::flow {

/// `configuration_proposed`, to the lane. From outside; the documents are durable and in the library by then.
struct ConfigurationProposal {
  Id128 base;  ///< what the writer believes to be in force; zero: nothing
  Id128 hash;
  void encode(Writer& out) const;
  static ConfigurationProposal decode(Reader& in);
};

/// `objection`, to the person's home. From outside, in one batch with the same act as `consent_act` at each address
/// that is known: so it is in force everywhere when it is durable; the record here carries it to addresses to come.
struct PersonObjection {
  PersonId person;
  consent::ConsentAct act;  ///< object or pause, with an origin, without an address
  void encode(Writer& out) const;
  static PersonObjection decode(Reader& in);
};

/// `event_forwarded`: the bytes of an events::Event follow.
struct ForwardedEvent {
  PersonId person;
  RecordId record;  ///< of the event, where it came in
  std::string_view event;
  void encode(Writer& out) const;
  static ForwardedEvent decode(Reader& in);
};

/// `identity_proposed`, to the lane.
struct ProposedPair {
  PersonId person;  ///< who waits for the verdict
  identity::Proposal proposal;
  void encode(Writer& out) const;
  static ProposedPair decode(Reader& in);
};

/// `identity_attach`, from the lane to an identifier's home.
struct AttachIdentifier {
  Id128 exchange;
  uint32_t parts = 0;  ///< of the exchange, this one included
  events::Identifier identifier;
  PersonId former;  ///< as the lane knows; zero when it does not
  PersonId survivor;
  engine::Partition home;  ///< of the survivor
  void encode(Writer& out) const;
  static AttachIdentifier decode(Reader& in);
};

/// `identity_absorb`, from the lane to the home of a person who moves or is merged.
struct AbsorbPerson {
  Id128 exchange;
  uint32_t parts = 0;
  PersonId person;
  PersonId survivor;
  engine::Partition home;
  void encode(Writer& out) const;
  static AbsorbPerson decode(Reader& in);
};

/// `identity_released`, from an identifier's home to its former person: give back what came with it.
struct ReleaseIdentifier {
  Id128 exchange;
  uint32_t parts = 0;
  events::Identifier identifier;
  PersonId person;  ///< former
  PersonId survivor;
  engine::Partition home;
  void encode(Writer& out) const;
  static ReleaseIdentifier decode(Reader& in);
};

/// `identity_moved`, to the survivor's home: one part of an exchange with whatever state there was.
struct MovedState {
  Id128 exchange;
  uint32_t parts = 0;
  PersonId survivor;
  std::unique_ptr<profiles::Person> person;
  std::unique_ptr<journeys::JourneyStates> journeys;
  std::unique_ptr<contact::ContactState> contact;
  std::vector<std::unique_ptr<contact::Decision>> decisions;
  std::optional<profiles::KnownIdentifier> identifier;  ///< of an attach
  std::vector<consent::PermissionCopy> permissions;
  std::string encode() const;
  static std::optional<MovedState> decode(std::string_view bytes);
};

/// `identity_attached`, from the survivor's home to the lane: one part has arrived.
struct PartArrived {
  Id128 exchange;
  /// The identifier belonged to a person whom the lane did not know: identity::note_person.
  std::optional<events::Identifier> identifier;
  PersonId unknown_person;
  void encode(Writer& out) const;
  static PartArrived decode(Reader& in);
};

/// `identity_verdict`, from the lane to the person who proposed.
struct PairVerdict {
  PersonId person;
  Id128 other;
  identity::VerdictState state = identity::VerdictState::no_op;
  identity::Reason reason = identity::Reason::none;
  void encode(Writer& out) const;
  static PairVerdict decode(Reader& in);
};

/// `permission_folded`, from an address's home to the home of its person.
struct FoldedFor {
  PersonId person;
  consent::PermissionCopy copy;
  void encode(Writer& out) const;
  static FoldedFor decode(Reader& in);
};

/// Payload of a `configuration_…` message between lane and partitions.
struct ConfigurationStep {
  Id128 hash;
  uint64_t version = 0;
  void encode(Writer& out) const;
  static ConfigurationStep decode(Reader& in);
};

/// One value as a payload.
template <typename T>
std::string payload_of(const T& value) {
  std::string bytes;
  Writer out(bytes);
  value.encode(out);
  return bytes;
}
/// Nullopt: malformed.
template <typename T>
std::optional<T> read_payload(std::string_view bytes) {
  Reader in(bytes);
  T value = T::decode(in);
  if (!in.done()) return std::nullopt;
  return value;
}

}  // namespace terreno::flow
