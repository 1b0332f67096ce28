// Persons and identifiers on their way between partitions, as the lane ordered it. The way of one exchange:
//
//   lane ─ identity_absorb ─▶ a person's home ───────────────────────────── identity_moved ─▶ survivor's home
//   lane ─ identity_attach ─▶ an identifier's home ─────────────────────────── identity_moved ─▶ survivor's home
//                               └ identity_released ─▶ its former person's home ─ identity_moved ─▶ survivor's home
//   An identifier that was somebody's is two parts: the first, empty, opens the direct path, on which events follow;
//   the second brings what there was, by whatever way. survivor's home ─ identity_attached ─▶ lane, once for each part
//
// Where a person lived an alias stays, and leads on whatever still comes along the old path; so state arrives before
// the events that follow it.

#include <algorithm>

#include "flow/steps.h"

namespace terreno::flow {

using events::RecordType;
using profiles::Person;

namespace {

MovedState part_of(Id128 exchange, uint32_t parts, PersonId survivor) {
  MovedState moved;
  moved.exchange = exchange;
  moved.parts = parts;
  moved.survivor = survivor;
  return moved;
}

void touches_move_out(const engine::Lookup& state, PersonId person, engine::KeyList& keys) {
  touches_person(state, person, true, keys);
  if (const auto* const contact = state.find<contact::ContactState>(person.value)) {
    for (const DecisionId id : contact->recent) keys.push_back({contact::Decision::kTable, id.value});
  }
}

// Takes a person with everything of theirs out of this partition; an alias stays.
void move_out(Scene& scene, PersonId id, PersonId survivor, engine::Partition home, MovedState& moved) {
  engine::Context& context = scene.context;
  moved.person = std::make_unique<Person>(*context.find<Person>(id.value));
  context.erase({Person::kTable, id.value});
  if (const auto* const states = context.find<journeys::JourneyStates>(id.value)) {
    moved.journeys = std::make_unique<journeys::JourneyStates>(*states);
    context.erase({journeys::JourneyStates::kTable, id.value});
  }
  if (const auto* const contact = context.find<contact::ContactState>(id.value)) {
    std::vector<DecisionId> ids = contact->recent;
    for (const contact::Held& held : contact->held) {
      if (std::ranges::find(ids, held.decision) == ids.end()) ids.push_back(held.decision);
    }
    for (const DecisionId decision : ids) {
      const auto* const found = context.find<contact::Decision>(decision.value);
      if (found == nullptr) continue;
      moved.decisions.push_back(std::make_unique<contact::Decision>(*found));
      context.erase({contact::Decision::kTable, decision.value});
    }
    moved.contact = std::make_unique<contact::ContactState>(*contact);
    context.erase({contact::ContactState::kTable, id.value});
  }
  context.set_wake({Person::kTable, id.value}, std::nullopt);
  auto& alias = context.mutate_or_create<profiles::PersonAlias>(id.value);
  alias.survivor = survivor;
  alias.home = home;
  --context.mutate_or_create<Totals>(Totals::kId).people;
}

}  // namespace

void touches_ledgers(const events::Identifier& identifier, engine::KeyList& keys) {
  for (const consent::Address& address : addresses_of(identifier)) consent::touches_permit(address, keys);
}

std::vector<consent::PermissionCopy> permissions_here(const engine::Lookup& state,
                                                      const events::Identifier& identifier) {
  std::vector<consent::PermissionCopy> copies;
  for (const consent::Address& address : addresses_of(identifier)) {
    const auto* const ledger = state.find<consent::AddressLedger>(consent::key_of(address));
    if (ledger != nullptr && ledger->address() == address) copies.push_back(ledger->copy());
  }
  return copies;
}

void carry_objections(Scene& scene, const Person& person) {
  if (person.objections.empty()) return;
  for (const profiles::KnownIdentifier& known : person.identifiers) {
    for (const consent::Address& address : addresses_of(known.identifier)) {
      for (const consent::ConsentAct& act : person.objections.carry_to(address, scene.now()))
        scene.send(consent::home_of(address), RecordType::objection_carried, act);
    }
  }
}

void touches_attach(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto attach = read_payload<AttachIdentifier>(payload);
  if (!attach) return;
  const Id128 key = events::key_of(attach->identifier);
  keys.push_back({Binding::kTable, key});
  touches_ledgers(attach->identifier, keys);
  const auto* const binding = state.find<Binding>(key);
  if (binding != nullptr && binding->home == state.partition()) touches_move_out(state, binding->person, keys);
}

void apply_attach(Scene& scene, std::string_view payload) {
  const auto attach = read_payload<AttachIdentifier>(payload);
  if (!attach) return scene.ignore();
  const Id128 key = events::key_of(attach->identifier);
  MovedState moved = part_of(attach->exchange, attach->parts, attach->survivor);
  moved.permissions = permissions_here(scene.context, attach->identifier);
  const auto* const before = scene.context.find<Binding>(key);
  if (before != nullptr && before->identifier != attach->identifier) {
    // A made-up value has this key: the part is answered, so that the exchange ends, and nothing is bound.
    scene.ignore();
    const MovedState nothing = part_of(attach->exchange, attach->parts, attach->survivor);
    for (uint32_t part = 0; part < parts_of_attach(attach->former); ++part)
      scene.send(attach->home, RecordType::identity_moved, nothing.encode());
    return;
  }
  moved.identifier = profiles::KnownIdentifier{attach->identifier, scene.now(), "", events::Visibility::public_source};
  const PersonId former = before != nullptr ? before->person : PersonId{};
  const engine::Partition former_home = before != nullptr ? before->home : scene.here();
  // Whoever the survivor is, they are there before the first event that is led to them.
  if (parts_of_attach(attach->former) == 2) {
    MovedState first = part_of(attach->exchange, attach->parts, attach->survivor);
    first.identifier = moved.identifier;
    scene.send(attach->home, RecordType::identity_moved, first.encode());
  }

  auto& binding = scene.context.mutate_or_create<Binding>(key);
  binding.identifier = attach->identifier;
  binding.person = attach->survivor;
  binding.home = attach->home;
  ++scene.context.mutate_or_create<Totals>(Totals::kId).moved;

  const bool was_someone_elses = !former.is_zero() && former != attach->survivor;
  const bool is_unknown_to_lane = was_someone_elses && former != attach->former && former_home == scene.here() &&
                                  scene.context.find<Person>(former.value) != nullptr;
  if (is_unknown_to_lane) {
    // A person whom the lane has not heard of: this identifier is all they have.
    move_out(scene, former, attach->survivor, attach->home, moved);
    scene.send(engine::kLane, RecordType::identity_attached, PartArrived{{}, attach->identifier, former});
  } else if (was_someone_elses) {
    // Taken from somebody who stays: they give back what came by it, and answer.
    return scene.send(
        former_home, RecordType::identity_released,
        ReleaseIdentifier{attach->exchange, attach->parts, attach->identifier, former, attach->survivor, attach->home});
  }
  scene.send(attach->home, RecordType::identity_moved, moved.encode());
}

void touches_absorb(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto absorb = read_payload<AbsorbPerson>(payload)) touches_move_out(state, absorb->person, keys);
}

void apply_absorb(Scene& scene, std::string_view payload) {
  const auto absorb = read_payload<AbsorbPerson>(payload);
  if (!absorb) return scene.ignore();
  MovedState moved = part_of(absorb->exchange, absorb->parts, absorb->survivor);
  const bool stays = absorb->person == absorb->survivor && absorb->home == scene.here();
  if (scene.context.find<Person>(absorb->person.value) != nullptr) {
    if (!stays) move_out(scene, absorb->person, absorb->survivor, absorb->home, moved);
  } else {
    scene.ignore();
  }
  scene.send(absorb->home, RecordType::identity_moved, moved.encode());
}

void touches_released(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto release = read_payload<ReleaseIdentifier>(payload))
    touches_person(state, release->person, false, keys);
}

void apply_released(Scene& scene, std::string_view payload) {
  const auto release = read_payload<ReleaseIdentifier>(payload);
  if (!release) return scene.ignore();
  const auto* const alias = scene.context.find<profiles::PersonAlias>(release->person.value);
  auto* const former = scene.context.mutate<Person>(release->person.value);
  if (former == nullptr && alias != nullptr && alias->survivor != release->survivor) {
    ReleaseIdentifier onward = *release;
    onward.person = alias->survivor;
    return scene.send(alias->home, RecordType::identity_released, onward);
  }
  MovedState moved = part_of(release->exchange, release->parts, release->survivor);
  moved.identifier = profiles::KnownIdentifier{release->identifier, scene.now(), "", events::Visibility::public_source};
  if (former != nullptr) {
    moved.person = std::make_unique<Person>(former->take_out(release->identifier));
    scene.person_changed(former->id);
  }
  scene.send(release->home, RecordType::identity_moved, moved.encode());
}

namespace {

/// Whether the journey would have let somebody in only once for both. A merge finds them afterwards, so their moments
/// are those at which the messages were wanted.
bool is_one_entry(const Scene& scene, const contact::Decision& one, const contact::Decision& other) {
  const auto journey = scene.library.find_journey(one.journey_version);
  if (journey == nullptr || journey->reentry == journeys::Reentry::never) return true;
  if (journey->reentry == journeys::Reentry::always) return false;
  return std::max(one.wanted_at, other.wanted_at) - std::min(one.wanted_at, other.wanted_at) < journey->reentry_after;
}

/// Of the same entry and step of one journey that both had, one message is enough.
void close_superseded(Scene& scene, PersonId person) {
  auto* const contact = scene.context.mutate<contact::ContactState>(person.value);
  if (contact == nullptr) return;
  const std::vector<contact::Held> held = contact->held;
  for (const contact::Held& one : held) {
    auto* const decision = scene.context.mutate<contact::Decision>(one.decision.value);
    if (decision == nullptr) continue;
    for (const DecisionId id : contact->recent) {
      const auto* const other = scene.context.find<contact::Decision>(id.value);
      if (other == nullptr || !contact::is_superseded(*decision, *other) || !is_one_entry(scene, *decision, *other))
        continue;
      decision->winner = other->id;
      const contact::Gate gate{contact::GateCode::priority, contact::GateState::stopped, other->message, "",
                               scene.now()};
      contact::close(*contact, *decision, contact::DecisionState::superseded, gate, scene.now());
      break;
    }
  }
}

}  // namespace

void touches_moved(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto moved = MovedState::decode(payload);
  if (!moved) return;
  touches_person(state, moved->survivor, true, keys);
  if (moved->decisions.empty()) return;
  for (const auto& decision : moved->decisions) keys.push_back({contact::Decision::kTable, decision->id.value});
  const auto* const contact = state.find<contact::ContactState>(moved->survivor.value);
  if (contact == nullptr) return;
  for (const DecisionId id : contact->recent) keys.push_back({contact::Decision::kTable, id.value});
}

void apply_moved(Scene& scene, std::string_view payload) {
  auto moved = MovedState::decode(payload);
  if (!moved) return scene.ignore();
  engine::Context& context = scene.context;
  const Id128 id = moved->survivor.value;
  if (context.find<profiles::PersonAlias>(id) != nullptr) context.erase({profiles::PersonAlias::kTable, id});

  auto* person = context.mutate<Person>(id);
  if (person == nullptr) {
    Person arrived;
    arrived.id = moved->survivor;
    arrived.created = moved->person ? moved->person->created : scene.now();
    person = &context.create<Person>(id, std::move(arrived));
    list_person(scene, person->id, person->created);
  }
  if (moved->person) person->absorb(*moved->person);
  if (moved->identifier) person->add_identifier(std::move(*moved->identifier));
  for (consent::PermissionCopy& copy : moved->permissions) person->take_permission(std::move(copy));
  if (moved->journeys) context.mutate_or_create<journeys::JourneyStates>(id).absorb(*moved->journeys);
  if (moved->contact) context.mutate_or_create<contact::ContactState>(id).absorb(*moved->contact);
  for (auto& decision : moved->decisions) {
    decision->person = moved->survivor;
    if (auto* const existing = context.mutate<contact::Decision>(decision->id.value)) {
      *existing = std::move(*decision);
    } else {
      const Id128 key = decision->id.value;
      context.create_entity({contact::Decision::kTable, key}, std::move(decision));
    }
  }
  if (!moved->decisions.empty()) close_superseded(scene, moved->survivor);

  // What this exchange still brings is waited for before anything is decided.
  const auto arriving = std::ranges::find(person->arriving, moved->exchange, &profiles::Arriving::exchange);
  if (arriving == person->arriving.end()) {
    if (moved->parts > 1) person->arriving.push_back({moved->exchange, moved->parts - 1});
  } else if (--arriving->missing == 0) {
    person->arriving.erase(arriving);
  }
  carry_objections(scene, *person);
  scene.send(engine::kLane, RecordType::identity_attached, PartArrived{moved->exchange, std::nullopt, {}});
  resume(scene, *person);
  scene.person_changed(person->id);
}

}  // namespace terreno::flow
