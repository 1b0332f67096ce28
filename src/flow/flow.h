#pragma once

// The way of one record: which folder sees it, in which order, and what it hands on. `make_machine` gives the machine
// that the engine runs; `state.h` has the entities that belong to no business folder, `messages.h` what travels between
// partitions.
//
// An event arrives at the home of its strongest identifier: repeats are dropped, the identifier's person is found, and
// the event goes to the person's home. There attributes, journeys and the arbiter see it, in this order. Identifiers
// that are new beside each other are proposed to the identity lane, which answers with moves and a verdict
// (docs/formats/exchanges.md).
//
// 1. Everything here is deterministic: configurations are found by their hash, time is the partition's.
// 2. A record about an unknown person, decision or send is a counted no-op.
// 3. Nobody decides about a person while an exchange about them is under way.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "engine/engine.h"
#include "flow/configuration.h"
#include "flow/messages.h"
#include "flow/state.h"

namespace terreno::flow {

/// `library` outlives the machine, and holds every configuration that a record may name before the record is appended.
[[nodiscard]] std::unique_ptr<engine::Machine> make_machine(const ConfigurationLibrary& library);

// ---------------------------------------------------------------------------------------------------------------------
// Outputs: what the running process hears

enum class OutputKind : uint16_t {
  /// A channels::Claim without owner: somebody is to append it as `send_claimed`, urgently, to the same partition.
  claim_wanted = 1,
  /// A channels::ClaimedSend: to be sent now; then a channels::Receipt is appended as `send_receipt`.
  perform = 2,
  /// A SeenEvent.
  event_seen = 3,
  /// A PersonId: something that a screen shows of this person has changed.
  person_changed = 4,
  /// A ConfigurationInForce, from each partition that took it over; and from the lane when it refused.
  configuration = 5,
  /// A channels::Claim that came to nothing: refused, repeated or out of date. Each `send_claimed` leads to this or to
  /// `perform`.
  claim_refused = 6,
};

/// What became of an event in the partition that it came to; its record lies at the output's position.
struct SeenEvent {
  bool is_repeat = false;
  PersonId person;  ///< zero for a repeat
  void encode(Writer& out) const;
  static SeenEvent decode(Reader& in);
};

struct ConfigurationInForce {
  Id128 hash;
  uint64_t version = 0;
  bool is_refused = false;  ///< its base was no longer the one in force; `hash` and `version` are what is
  void encode(Writer& out) const;
  static ConfigurationInForce decode(Reader& in);
};

}  // namespace terreno::flow
