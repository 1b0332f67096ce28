#include "reading.h"

namespace terreno::scenarios {

std::unique_ptr<profiles::Person> Reading::person(const events::Identifier& identifier) const {
  const auto binding = copy_of<flow::Binding>(events::home_of(identifier), events::key_of(identifier));
  if (!binding) return nullptr;
  PersonId id = binding->person;
  engine::Partition home = binding->home;
  for (int hops = 0; hops < 20; ++hops) {
    if (auto found = copy_of<profiles::Person>(home, id.value)) return found;
    const auto alias = copy_of<profiles::PersonAlias>(home, id.value);
    if (!alias) return nullptr;
    id = alias->survivor;
    home = alias->home;
  }
  return nullptr;
}

std::optional<identity::PersonView> Reading::in_lane(const events::Identifier& identifier) const {
  std::optional<identity::PersonView> view;
  engine_->read(engine::kLane, {[&](const engine::Lookup& state, engine::KeyList& keys) {
                                  identity::touches_person_of(state, identifier, keys);
                                },
                                [&](const engine::Lookup& state) { view = identity::person_of(state, identifier); },
                                {}});
  return view;
}

uint64_t Reading::people() const {
  uint64_t people = 0;
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (const auto totals = copy_of<flow::Totals>({number}, flow::Totals::kId)) people += totals->people;
  }
  return people;
}

std::vector<std::string> Reading::disagreements(const std::set<events::Identifier>& identifiers) const {
  std::vector<std::string> found;
  std::set<PersonId> persons;
  for (const events::Identifier& identifier : identifiers) {
    const auto say = [&](std::string_view what) { found.push_back(identifier.value + ": " + std::string(what)); };
    const auto person = this->person(identifier);
    const auto lane = in_lane(identifier);
    const bool is_in_lane = lane && !lane->person.is_zero();
    // An address that only stood beside another identifier and was not joined to anybody has no home yet.
    if (!person) {
      if (is_in_lane) say("somebody's in the lane, nobody's at its home");
      continue;
    }
    persons.insert(person->id);
    if (!person->has(identifier)) say("its person does not have it");
    if (person->is_identity_open()) say("its person's identity is still open");
    if (!is_in_lane) {
      if (person->identifiers.size() != 1) say("its person has others, of which the lane knows nothing");
      continue;
    }
    if (person->id != lane->person) say("another person's in the lane");
    const std::set<events::Identifier> theirs(lane->identifiers.begin(), lane->identifiers.end());
    std::set<events::Identifier> ours;
    for (const auto& known : person->identifiers) ours.insert(known.identifier);
    if (ours == theirs) continue;
    std::string what = "its person has other identifiers in the lane:";
    for (const events::Identifier& one : theirs) {
      if (!ours.contains(one)) what += " +" + one.value;
    }
    for (const events::Identifier& one : ours) {
      if (!theirs.contains(one)) what += " -" + one.value;
    }
    say(what);
  }
  if (people() != persons.size()) found.push_back("the partitions count other people than there are");
  return found;
}

}  // namespace terreno::scenarios
