// At a person's home: what an event, a correction or the passing of time does to them, and what is decided from it.

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "channels/sending.h"
#include "flow/steps.h"

namespace terreno::flow {

using contact::Decision;
using events::IdentifierKind;
using events::RecordType;
using profiles::Person;

namespace {

/// How long a message may be retried once it is on its way.
constexpr Duration kDeliveryPatience = days(2);

IdentifierKind kind_of(consent::Channel channel) {
  switch (channel) {
    case consent::Channel::email:
    case consent::Channel::letter:
      return IdentifierKind::email;
    case consent::Channel::sms:
    case consent::Channel::whatsapp:
    case consent::Channel::call:
      return IdentifierKind::phone;
    case consent::Channel::push:
      return IdentifierKind::device;
  }
  return IdentifierKind::email;
}

std::optional<consent::Address> address_of(const Person& person, const Decision& decision, Timestamp now) {
  const consent::Channel channel = decision.address.channel;
  // Postal addresses are no identifiers.
  if (channel == consent::Channel::letter) return std::nullopt;
  const events::Identifier* const identifier =
      person.address_for(kind_of(channel), channel, decision.message_class, decision.scope, now);
  if (identifier == nullptr) return std::nullopt;
  return consent::Address{channel, identifier->value};
}

bool allows(const Person& person, std::string_view channel, std::string_view topic, Timestamp now) {
  const auto known = consent::channel_from(channel);
  if (!known) return false;
  return std::ranges::any_of(person.permissions, [&](const consent::PermissionCopy& copy) {
    return copy.address.channel == *known && person.has({kind_of(*known), copy.address.value}) &&
           std::ranges::any_of(copy.lines, [&](const consent::FoldedPermission& line) {
             return line.scope.topic == topic && copy.state_of(line.scope, now) == consent::PermissionState::subscribed;
           });
  });
}

segments::ConditionInput input_of(const Person& person, Timestamp now) {
  segments::ConditionInput input;
  input.value = [&person](std::string_view path) -> std::optional<std::string> {
    if (!path.starts_with("person.")) return std::nullopt;
    path.remove_prefix(7);
    if (const auto value = person.value(path)) return std::string(*value);
    const auto kind = events::identifier_kind_from(path);
    const events::Identifier* const identifier = kind ? person.find(*kind) : nullptr;
    if (identifier == nullptr) return std::nullopt;
    return boost::json::serialize(boost::json::string(identifier->value));
  };
  input.allows = [&person, now](std::string_view channel, std::string_view topic) {
    return allows(person, channel, topic, now);
  };
  return input;
}

journeys::FindVersion finder(const Scene& scene) {
  return [&library = scene.library](Id128 version) {
    // The library never forgets, so the pointer outlives the call.
    return library.find_journey(version).get();
  };
}

/// The member `properties` of an event's body, as JSON text.
std::string properties_of(const events::Event& event) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = journeys::kPropertiesDepthMax;
  const boost::json::value body = boost::json::parse(event.body, error, {}, options);
  if (!error && body.is_object()) {
    const auto* const properties = body.get_object().if_contains("properties");
    if (properties != nullptr && properties->is_object()) return boost::json::serialize(*properties);
  }
  return "{}";
}

/// A country as two letters, or nothing: unknown counts as the strictest.
std::string region_of(const Person& person) {
  std::string country = person.text("country").value_or("");
  if (country.size() != 2) return {};
  for (char& c : country) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c < 'A' || c > 'Z') return {};
  }
  return country;
}

/// What the template sees.
std::string data_of(const Person& person, const Decision& decision) {
  const auto named = [](const std::string& name) {
    return "{\"name\":" + boost::json::serialize(boost::json::string(name)) + "}";
  };
  return "{\"person\":" + profiles::attributes_json(person) +
         ",\"event\":" + (decision.event_properties.empty() ? "{}" : decision.event_properties) +
         ",\"journey\":" + named(decision.journey) + ",\"message\":" + named(decision.message) + "}";
}

void open_send(Scene& scene, const Person& person, const Decision& decision) {
  channels::SendOrder order;
  order.decision = decision.id;
  order.person = person.id;
  order.person_home = scene.here();
  order.request.address = decision.address;
  order.request.scope = decision.scope;
  order.request.message_class = decision.message_class;
  order.request.transactional_basis = consent::LegalBasis::none;
  if (decision.message_class == consent::MessageClass::transactional) {
    const journeys::Definition* const definition = finder(scene)(decision.journey_version);
    const journeys::SendStep* const step = definition != nullptr ? definition->find_send(decision.step) : nullptr;
    if (step != nullptr) {
      order.request.transactional_basis = step->basis;
      order.request.basis_evidence = journeys::value_at(decision.event_properties, step->evidence);
    }
  }
  order.request.region = region_of(person);
  order.request.decision = decision.id;
  order.message = decision.message;
  order.journey = decision.journey;
  order.configuration = decision.configuration;
  order.language = person.text("language").value_or(person.locale);
  order.time_zone = person.time_zone;
  order.reply_to = decision.reply_to;
  order.data = data_of(person, decision);
  order.expires_at = scene.now() + kDeliveryPatience;
  scene.send(consent::home_of(decision.address), RecordType::send_opened, order);
}

void decide_one(Scene& scene, const Person& person, contact::ContactState& contact, Decision& decision) {
  // The time that the identity lane or an address took is not the intent's.
  if (decision.state == contact::DecisionState::held_identity || decision.state == contact::DecisionState::held_address)
    decision.later_until = std::max(decision.later_until, scene.now());
  if (decision.state == contact::DecisionState::held_clock) {
    decision.later_until = scene.now() + (decision.later_until - decision.wanted_at);
    decision.wanted_at = scene.now();
  }
  contact::Circumstances circumstances;
  circumstances.now = scene.now();
  circumstances.time_zone = person.time_zone;
  circumstances.identity_open = person.is_identity_open();
  circumstances.time_held = scene.context.is_time_held();
  circumstances.address = address_of(person, decision, scene.now());
  static const contact::Policy kNoPolicy;
  contact::decide(contact, decision, scene.configuration != nullptr ? scene.configuration->policy : kNoPolicy,
                  circumstances);
  if (decision.state == contact::DecisionState::open) open_send(scene, person, decision);
}

Decision& create_decision(Scene& scene, const Person& person, contact::ContactState& contact,
                          const journeys::Intent& intent) {
  Decision decision;
  decision.id = {scene.context.new_id()};
  decision.person = person.id;
  decision.journey = intent.journey;
  decision.journey_version = intent.version;
  decision.step = intent.step;
  decision.entry_key = intent.entry_key;
  decision.message = intent.send.message;
  decision.configuration = scene.configuration != nullptr ? scene.configuration->hash : Id128{};
  decision.address.channel = intent.send.channel;
  decision.scope = intent.send.scope;
  decision.message_class = intent.send.message_class;
  decision.priority = intent.send.priority;
  decision.reply_to = intent.reply_to;
  decision.event_properties = intent.event_properties;
  decision.wanted_at = intent.wanted_at;
  decision.later_until = intent.wanted_at + intent.send.later_within;
  contact.recent.push_back(decision.id);
  const DecisionId id = decision.id;
  return scene.context.create<Decision>(id.value, std::move(decision));
}

/// How many of the oldest decisions `touches_person` names once the list is full.
constexpr size_t kForgottenAtOnce = 8;

/// Takes the oldest final decisions off the list. One that is under way stays: its outcome looks for it, and it moves
/// with its person.
void forget_oldest(const Scene& scene, contact::ContactState& contact) {
  for (size_t n = 0; n < kForgottenAtOnce && contact.recent.size() > contact::ContactState::kRecentMax; ++n) {
    const DecisionId id = contact.recent.front();
    contact.recent.erase(contact.recent.begin());
    const auto* const decision = scene.context.find<Decision>(id.value);
    if (decision != nullptr && !contact::is_final(decision->state)) contact.recent.push_back(id);
  }
}

/// Decides the intents, and again the held decisions that `is_wanted` names, in one order.
template <typename IsWanted>
void decide_all(Scene& scene, Person& person, const std::vector<journeys::Intent>& intents, IsWanted is_wanted) {
  auto* contact = scene.context.mutate<contact::ContactState>(person.id.value);
  if (contact == nullptr) {
    if (intents.empty()) return;
    contact = &scene.context.create<contact::ContactState>(person.id.value);
  }
  std::vector<const Decision*> decisions;
  for (const contact::Held& held : contact->held) {
    if (!is_wanted(held)) continue;
    if (const auto* const decision = scene.context.find<Decision>(held.decision.value)) decisions.push_back(decision);
  }
  const bool was_full = contact->recent.size() >= contact::ContactState::kRecentMax;
  for (const journeys::Intent& intent : intents) decisions.push_back(&create_decision(scene, person, *contact, intent));
  if (was_full) forget_oldest(scene, *contact);
  if (decisions.empty()) return;
  for (const DecisionId id : contact::release_order(std::move(decisions)))
    decide_one(scene, person, *contact, *scene.context.mutate<Decision>(id.value));
  scene.person_changed(person.id);
}

void learn(Person& person, const events::Event& event, RecordId record) {
  const Id128 contributor = events::key_of(event.identifiers.front());
  if (event.timestamp >= person.last_seen) {
    person.last_seen = event.timestamp;
    if (contact::is_time_zone(event.time_zone)) person.time_zone = event.time_zone;
    if (!event.locale.empty()) person.locale = event.locale;
  }
  for (const events::TraitUpdate& trait : event.traits) {
    profiles::Candidate candidate;
    candidate.json = trait.json;
    candidate.rank = profiles::Rank::observed;
    candidate.source = event.source;
    candidate.at = event.timestamp;
    candidate.record = record;
    candidate.contributor = contributor;
    static_cast<void>(person.learn(trait.name, std::move(candidate)));
  }
}

/// A verdict is asked for once; again only when better evidence comes for a pair that weak evidence could not join.
bool is_settled(const profiles::KnownPair& pair, const events::Event& event) {
  if (pair.is_open) return true;
  return event.visibility == events::Visibility::public_source ||
         pair.reason != identity::name_of(identity::Reason::public_source);
}

identity::EdgeKind edge_kind(const events::Event& event) {
  if (event.type == events::EventType::alias) return identity::EdgeKind::alias;
  return event.type == events::EventType::identify ? identity::EdgeKind::login : identity::EdgeKind::same_event;
}

/// Identifiers that stand beside the strongest one and are not known to be this person's go to the lane.
void propose_new_pairs(Scene& scene, Person& person, const events::Event& event, RecordId record) {
  for (size_t i = 1; i < event.identifiers.size(); ++i) {
    const events::Identifier& other = event.identifiers[i];
    // A server's events repeat an anonymous id that may long be somebody else's; only a sign-in or an alias says more.
    const bool says_who = event.type == events::EventType::identify || event.type == events::EventType::alias;
    if (other.kind == IdentifierKind::anonymous_id && event.visibility == events::Visibility::secret_source &&
        !says_who)
      continue;
    if (person.has(other)) {
      if (event.visibility == events::Visibility::secret_source) person.vouch(other, event.source);
      continue;
    }
    const Id128 key = events::key_of(other);
    const auto known = std::ranges::find(person.pairs, key, &profiles::KnownPair::other);
    if (known != person.pairs.end() && is_settled(*known, event)) continue;
    if (known != person.pairs.end()) {
      person.pairs.erase(known);
    } else if (person.pairs.size() >= Person::kPairsMax) {
      const auto closed = std::ranges::find_if(person.pairs, [](const auto& pair) { return !pair.is_open; });
      if (closed == person.pairs.end()) continue;
      person.pairs.erase(closed);
    }
    person.pairs.push_back({key, true, "", "", event.received_at, event.source, event.visibility});
    ProposedPair pair;
    pair.person = person.id;
    pair.proposal.a = event.identifiers.front();
    pair.proposal.b = other;
    pair.proposal.person_a = person.id;
    pair.proposal.kind = edge_kind(event);
    pair.proposal.visibility = event.visibility;
    // A public source writes the event's time itself.
    pair.proposal.valid_from =
        event.visibility == events::Visibility::public_source ? event.received_at : event.timestamp;
    pair.proposal.record = record;
    scene.send(engine::kLane, RecordType::identity_proposed, pair);
  }
}

bool concerns_a_journey(const Scene& scene, const events::Event& event, const journeys::JourneyStates* states) {
  if (event.type != events::EventType::track) return false;
  if (states != nullptr && !states->instances.empty()) return true;
  return scene.configuration != nullptr &&
         std::ranges::any_of(scene.configuration->active, [&](const journeys::Definition* definition) {
           return definition->trigger_event == event.name;
         });
}

void take_in(Scene& scene, const Person& person, journeys::JourneyStates& states, const journeys::Waiting& occurrence,
             std::vector<journeys::Intent>& intents) {
  std::span<const journeys::Definition* const> active;
  if (scene.configuration != nullptr) active = scene.configuration->active;
  journeys::on_event(
      states, {occurrence.event, occurrence.properties, scene.now(), occurrence.late, scene.context.is_time_held()},
      active, finder(scene), input_of(person, scene.now()), intents);
}

void travel(Scene& scene, Person& person, const events::Event& event) {
  if (!concerns_a_journey(scene, event, scene.context.find<journeys::JourneyStates>(person.id.value))) return;
  auto& states = scene.context.mutate_or_create<journeys::JourneyStates>(person.id.value);
  journeys::Waiting occurrence{event.name, properties_of(event), event.late};
  // Half a person is not judged by conditions either.
  if (person.is_identity_open()) {
    if (states.waiting.size() >= journeys::JourneyStates::kWaitingMax) {
      std::span<const journeys::Definition* const> active;
      if (scene.configuration != nullptr) active = scene.configuration->active;
      return journeys::pass_over(
          states, {occurrence.event, occurrence.properties, scene.now(), occurrence.late, scene.context.is_time_held()},
          active);
    }
    occurrence.properties = journeys::keep_small(occurrence.properties);
    states.waiting.push_back(std::move(occurrence));
    return;
  }
  std::vector<journeys::Intent> intents;
  take_in(scene, person, states, occurrence, intents);
  if (!intents.empty()) decide_all(scene, person, intents, [](const contact::Held&) { return false; });
  set_next_wake(scene, person.id);
}

}  // namespace

std::vector<consent::Address> addresses_of(const events::Identifier& identifier) {
  switch (identifier.kind) {
    case IdentifierKind::email:
      return {{consent::Channel::email, identifier.value}};
    case IdentifierKind::phone:
      return {{consent::Channel::sms, identifier.value},
              {consent::Channel::whatsapp, identifier.value},
              {consent::Channel::call, identifier.value}};
    case IdentifierKind::device:
      return {{consent::Channel::push, identifier.value}};
    default:
      return {};
  }
}

void touches_person(const engine::Lookup& state, PersonId person, bool held, engine::KeyList& keys) {
  keys.push_back({Person::kTable, person.value});
  keys.push_back({profiles::PersonAlias::kTable, person.value});
  keys.push_back({journeys::JourneyStates::kTable, person.value});
  keys.push_back({contact::ContactState::kTable, person.value});
  const auto* const contact = state.find<contact::ContactState>(person.value);
  if (contact == nullptr) return;
  if (contact->recent.size() >= contact::ContactState::kRecentMax) {
    for (size_t i = 0; i < kForgottenAtOnce; ++i) keys.push_back({Decision::kTable, contact->recent[i].value});
  }
  if (!held) return;
  for (const contact::Held& one : contact->held) keys.push_back({Decision::kTable, one.decision.value});
}

void list_person(Scene& scene, PersonId person, Timestamp created) {
  ++scene.context.mutate_or_create<Totals>(Totals::kId).people;
  profiles::TimelineLine place;
  place.at = created;
  place.position = scene.context.record().position;
  std::string value;
  Writer(value).id(person);
  scene.context.append_row(kPeopleRows, {}, place.order_key(), std::move(value));
}

void observe(Scene& scene, Person& person, const events::Event& event, RecordId record) {
  learn(person, event, record);
  propose_new_pairs(scene, person, event, record);
  travel(scene, person, event);
}

void resume(Scene& scene, Person& person) {
  if (person.is_identity_open()) return set_next_wake(scene, person.id);
  std::vector<journeys::Intent> intents;
  if (auto* const states = scene.context.mutate<journeys::JourneyStates>(person.id.value)) {
    const auto waiting = std::exchange(states->waiting, {});
    for (const journeys::Waiting& occurrence : waiting) take_in(scene, person, *states, occurrence, intents);
    journeys::on_wake(*states, scene.now(), scene.context.is_time_held(), finder(scene), input_of(person, scene.now()),
                      intents);
  }
  decide_all(scene, person, intents, [](const contact::Held&) { return true; });
  set_next_wake(scene, person.id);
}

void set_next_wake(Scene& scene, PersonId person) {
  const auto* const known = scene.context.find<Person>(person.value);
  if (known != nullptr && known->is_identity_open()) return scene.context.set_wake({Person::kTable, person.value}, {});
  std::optional<Timestamp> due;
  const auto consider = [&](std::optional<Timestamp> one) {
    if (one && (!due || *one < *due)) due = one;
  };
  if (const auto* const states = scene.context.find<journeys::JourneyStates>(person.value))
    consider(states->next_wake());
  if (const auto* const contact = scene.context.find<contact::ContactState>(person.value))
    consider(contact->next_wake());
  scene.context.set_wake({Person::kTable, person.value}, due);
}

void touches_wake_person(const engine::Lookup& state, PersonId person, engine::KeyList& keys) {
  touches_person(state, person, true, keys);
}

void wake_person(Scene& scene, PersonId id) {
  auto* const person = scene.context.mutate<Person>(id.value);
  if (person == nullptr || person->is_identity_open()) return scene.ignore();
  std::vector<journeys::Intent> intents;
  if (auto* const states = scene.context.mutate<journeys::JourneyStates>(id.value))
    journeys::on_wake(*states, scene.now(), scene.context.is_time_held(), finder(scene), input_of(*person, scene.now()),
                      intents);
  const Timestamp now = scene.now();
  decide_all(scene, *person, intents,
             [&](const contact::Held& held) { return held.wakes_at && *held.wakes_at <= now; });
  set_next_wake(scene, id);
}

void touches_correction(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto correction = read_payload<profiles::Correction>(payload))
    touches_person(state, correction->person, false, keys);
}

void apply_correction(Scene& scene, std::string_view payload) {
  auto correction = read_payload<profiles::Correction>(payload);
  if (!correction) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::correction, *correction);
  if (person == nullptr) return;
  static_cast<void>(person->learn(correction->attribute, std::move(correction->candidate)));
  scene.person_changed(person->id);
}

void touches_objection(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto objection = read_payload<PersonObjection>(payload))
    touches_person(state, objection->person, false, keys);
}

void apply_objection(Scene& scene, std::string_view payload) {
  const auto objection = read_payload<PersonObjection>(payload);
  if (!objection) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::objection, *objection);
  if (person == nullptr) return;
  person->objections.note(objection->act);
  carry_objections(scene, *person);
  scene.person_changed(person->id);
}

void touches_permission(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto folded = read_payload<FoldedFor>(payload)) touches_person(state, folded->person, false, keys);
}

void apply_permission(Scene& scene, std::string_view payload) {
  auto folded = read_payload<FoldedFor>(payload);
  if (!folded) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::permission_folded, *folded);
  if (person == nullptr) return;
  person->take_permission(std::move(folded->copy));
  scene.person_changed(person->id);
}

void touches_verdict(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto verdict = read_payload<PairVerdict>(payload)) touches_person(state, verdict->person, true, keys);
}

void apply_verdict(Scene& scene, std::string_view payload) {
  const auto verdict = read_payload<PairVerdict>(payload);
  if (!verdict) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::identity_verdict, *verdict);
  if (person == nullptr) return;
  const auto pair = std::ranges::find(person->pairs, verdict->other, &profiles::KnownPair::other);
  if (pair != person->pairs.end()) {
    const bool joined = verdict->state == identity::VerdictState::attached ||
                        verdict->state == identity::VerdictState::merged ||
                        verdict->state == identity::VerdictState::already;
    if (joined) {
      const auto known = std::ranges::find_if(person->identifiers, [&](const profiles::KnownIdentifier& one) {
        return events::key_of(one.identifier) == verdict->other;
      });
      // The lane does not know where the identifier was first seen; whoever proposed it does.
      if (known != person->identifiers.end() && known->source.empty()) {
        known->since = pair->since;
        known->source = pair->source;
        known->visibility = pair->visibility;
      }
      person->pairs.erase(pair);
    } else {
      pair->is_open = false;
      pair->verdict = identity::name_of(verdict->state);
      pair->reason = identity::name_of(verdict->reason);
    }
  }
  resume(scene, *person);
  scene.person_changed(person->id);
}

void touches_closed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto closing = read_payload<channels::Closing>(payload);
  if (!closing) return;
  touches_person(state, closing->person, true, keys);
  keys.push_back({Decision::kTable, closing->decision.value});
}

void apply_closed(Scene& scene, std::string_view payload) {
  const auto closing = read_payload<channels::Closing>(payload);
  if (!closing) return scene.ignore();
  auto* const person = person_or_lead_on(scene, RecordType::send_closed, *closing);
  if (person == nullptr) return;
  auto* const decision = scene.context.mutate<Decision>(closing->decision.value);
  if (decision == nullptr) return scene.ignore();
  decision->attempts = closing->attempts;
  decision->refusal = closing->refusal;
  decision->proof = closing->proof;
  auto& contact = scene.context.mutate_or_create<contact::ContactState>(person->id.value);
  const bool freed = contact::close(contact, *decision, closing->outcome, closing->gate, scene.now());
  if (freed) {
    resume(scene, *person);
  } else {
    set_next_wake(scene, person->id);
  }
  scene.person_changed(person->id);
}

}  // namespace terreno::flow
