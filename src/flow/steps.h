#pragma once

// The steps of the machine, one pair of functions for each type of record: `touches_…` names what `apply_…` reads and
// changes. Inside flow/ only; machine.cpp has the table.

#include <optional>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "flow/configuration.h"
#include "flow/flow.h"
#include "flow/messages.h"
#include "flow/state.h"

namespace terreno::flow {

/// One call of apply: the engine's context and the configuration in force.
struct Scene {
  engine::Context& context;
  const ConfigurationLibrary& library;
  /// Null: none was ever applied.
  const Configuration* configuration = nullptr;

  [[nodiscard]] engine::Partition here() const { return context.partition(); }
  [[nodiscard]] Timestamp now() const { return context.now(); }
  void send(engine::Partition target, events::RecordType type, std::string payload) const {
    context.send(target, static_cast<uint16_t>(type), std::move(payload));
  }
  void emit(OutputKind kind, std::string payload) const {
    context.emit({static_cast<uint16_t>(kind), std::move(payload)});
  }
  template <typename Message>
  void send(engine::Partition target, events::RecordType type, const Message& message) const {
    send(target, type, payload_of(message));
  }
  /// A record about something that is not (or no longer) here: counted, otherwise without effect.
  void ignore() const { ++context.mutate_or_create<Totals>(Totals::kId).ignored; }
  void person_changed(PersonId person) const;
};

/// What every record may need: configuration in force and totals.
void touches_partition(engine::KeyList& keys);

// ---------------------------------------------------------------------------------------------------------------------
// arrival.cpp: an event at the home of its strongest identifier, and on its way to the person

void touches_event(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_event(Scene& scene, std::string_view payload);
void touches_forwarded_event(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_forwarded_event(Scene& scene, std::string_view payload);

// ---------------------------------------------------------------------------------------------------------------------
// person.cpp: at a person's home

/// The addresses that an identifier is: none, one, or one per channel.
[[nodiscard]] std::vector<consent::Address> addresses_of(const events::Identifier& identifier);
/// Names the person with their journeys and contacts; with `held`, also the decisions that wait.
void touches_person(const engine::Lookup& state, PersonId person, bool held, engine::KeyList& keys);
/// Counts a person who has come to be here, and lists them in kPeopleRows.
void list_person(Scene& scene, PersonId person, Timestamp created);
/// An event reaches the person: attributes, evidence, journeys, decisions.
void observe(Scene& scene, profiles::Person& person, const events::Event& event, RecordId record);
/// It is certain again who the person is, or a slot was freed: what happened meanwhile reaches their journeys, what was
/// due is done, and every held decision is decided again. Does nothing while it is not certain.
void resume(Scene& scene, profiles::Person& person);
/// One wake-up per person: the earliest of all waits. None while it is not certain who they are.
void set_next_wake(Scene& scene, PersonId person);

void touches_wake_person(const engine::Lookup& state, PersonId person, engine::KeyList& keys);
void wake_person(Scene& scene, PersonId person);

void touches_correction(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_correction(Scene& scene, std::string_view payload);
void touches_objection(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_objection(Scene& scene, std::string_view payload);
void touches_permission(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_permission(Scene& scene, std::string_view payload);
void touches_verdict(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_verdict(Scene& scene, std::string_view payload);
void touches_closed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_closed(Scene& scene, std::string_view payload);

/// The person, to be changed. Null: they are not here; the message was led on to where they live now, or ignored.
template <typename Message>
profiles::Person* person_or_lead_on(Scene& scene, events::RecordType type, Message message) {
  if (auto* const person = scene.context.mutate<profiles::Person>(message.person.value)) return person;
  if (const auto* const alias = scene.context.find<profiles::PersonAlias>(message.person.value)) {
    message.person = alias->survivor;
    scene.send(alias->home, type, message);
  } else {
    scene.ignore();
  }
  return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// moves.cpp: persons and identifiers on their way between partitions

/// Permissions that the ledgers of an identifier's addresses hold, here at its home.
[[nodiscard]] std::vector<consent::PermissionCopy> permissions_here(const engine::Lookup& state,
                                                                    const events::Identifier& identifier);
void touches_ledgers(const events::Identifier& identifier, engine::KeyList& keys);
/// The person's objections reach an address before anything else that this partition sends there.
void carry_objections(Scene& scene, const profiles::Person& person);

/// Parts of an exchange that an identifier is, by whose the lane believes it was.
[[nodiscard]] inline uint32_t parts_of_attach(PersonId former) { return former.is_zero() ? 1 : 2; }
void touches_attach(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_attach(Scene& scene, std::string_view payload);
void touches_absorb(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_absorb(Scene& scene, std::string_view payload);
void touches_released(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_released(Scene& scene, std::string_view payload);
void touches_moved(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_moved(Scene& scene, std::string_view payload);

// ---------------------------------------------------------------------------------------------------------------------
// lane.cpp: who is who and what is in force, in one sequence

void touches_proposed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_proposed(Scene& scene, std::string_view payload);
void touches_confirmed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_confirmed(Scene& scene, std::string_view payload);
void touches_part_arrived(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_part_arrived(Scene& scene, std::string_view payload);
void touches_configuration(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_configuration_proposed(Scene& scene, std::string_view payload);
void apply_configuration_prepared(Scene& scene, std::string_view payload);
void apply_configuration_ready(Scene& scene, std::string_view payload);
void apply_configuration_active(Scene& scene, std::string_view payload);

// ---------------------------------------------------------------------------------------------------------------------
// address.cpp: at an address's home: permission, and messages on their way

void touches_consent_act(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_consent_act(Scene& scene, std::string_view payload);
void touches_opened(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_opened(Scene& scene, std::string_view payload);
void touches_claimed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_claimed(Scene& scene, std::string_view payload);
void touches_receipt(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys);
void apply_receipt(Scene& scene, std::string_view payload);
void touches_wake_send(const engine::Lookup& state, DecisionId decision, engine::KeyList& keys);
void wake_send(Scene& scene, DecisionId decision);

}  // namespace terreno::flow
