// An event at the home of its strongest identifier: dropped as a repeat, listed in that identifier's timeline, and
// taken to the person.

#include "flow/steps.h"

namespace terreno::flow {

using events::RecordType;

namespace {

profiles::Person& create_person(Scene& scene, const events::Event& event) {
  const events::Identifier& identifier = event.identifiers.front();
  profiles::Person person;
  person.id = {scene.context.new_id()};
  person.created = event.received_at;
  person.add_identifier({identifier, event.received_at, event.source, event.visibility});
  for (consent::PermissionCopy& copy : permissions_here(scene.context, identifier))
    person.take_permission(std::move(copy));
  Binding binding;
  binding.identifier = identifier;
  binding.person = person.id;
  binding.home = scene.here();
  scene.context.create<Binding>(events::key_of(identifier), std::move(binding));
  list_person(scene, person.id, person.created);
  const PersonId id = person.id;
  return scene.context.create<profiles::Person>(id.value, std::move(person));
}

}  // namespace

void touches_event(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  Reader in(payload);
  const events::Identifier identifier = events::Event::decode_strongest(in);
  if (!in.ok()) return;
  const Id128 key = events::key_of(identifier);
  keys.push_back({Binding::kTable, key});
  const auto* const binding = state.find<Binding>(key);
  if (binding == nullptr) {
    touches_ledgers(identifier, keys);
  } else if (binding->home == state.partition()) {
    touches_person(state, binding->person, false, keys);
  }
}

void apply_event(Scene& scene, std::string_view payload) {
  Reader in(payload);
  const events::Event event = events::Event::decode(in);
  if (!in.done()) return scene.ignore();
  if (!scene.context.first_seen(event.repeat_key()))
    return scene.emit(OutputKind::event_seen, payload_of(SeenEvent{true, {}}));

  const events::Identifier& identifier = event.identifiers.front();
  const Id128 key = events::key_of(identifier);
  const engine::RecordView& record = scene.context.record();
  const auto* const binding = scene.context.find<Binding>(key);
  // Only somebody who made up a value for it gets another identifier's key.
  if (binding != nullptr && binding->identifier != identifier) return scene.ignore();

  const profiles::TimelineLine line{event.timestamp, event.type, event.name, event.source, record.position};
  scene.context.append_row(profiles::kTimelineRows, key, line.order_key(), payload_of(line));

  PersonId person_id = binding != nullptr ? binding->person : PersonId{};
  const engine::Partition home = binding != nullptr ? binding->home : scene.here();
  if (binding == nullptr) {
    profiles::Person& person = create_person(scene, event);
    person_id = person.id;
    observe(scene, person, event, record.id);
  } else if (auto* const person =
                 home == scene.here() ? scene.context.mutate<profiles::Person>(person_id.value) : nullptr) {
    observe(scene, *person, event, record.id);
  } else {
    // Also to oneself: a person who is not here yet comes by the same path, and whoever has left leads on from there.
    scene.send(home, RecordType::event_forwarded, ForwardedEvent{person_id, record.id, payload});
  }
  scene.emit(OutputKind::event_seen, payload_of(SeenEvent{false, person_id}));
}

void touches_forwarded_event(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto forwarded = read_payload<ForwardedEvent>(payload);
  if (forwarded) touches_person(state, forwarded->person, false, keys);
}

void apply_forwarded_event(Scene& scene, std::string_view payload) {
  const auto forwarded = read_payload<ForwardedEvent>(payload);
  if (!forwarded) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::event_forwarded, *forwarded);
  if (person == nullptr) return;
  Reader in(forwarded->event);
  const events::Event event = events::Event::decode(in);
  if (!in.done()) return scene.ignore();
  observe(scene, *person, event, forwarded->record);
}

}  // namespace terreno::flow
