#include "api/reading.h"

#include <algorithm>
#include <set>

#include "api/gather.h"
#include "flow/state.h"

namespace terreno::api {

using contact::ContactState;
using contact::Decision;
using profiles::Person;
using profiles::PersonAlias;

namespace {

/// Longer chains of merges end in "nobody": they would be a fault, not a history.
constexpr int kHopsMax = 32;
/// Identifiers between which evidence is looked up for one answer.
constexpr size_t kExplainedMax = 40;

void name_decisions(const engine::Lookup& state, const PersonQuery& query, engine::KeyList& keys) {
  std::vector<Id128> wanted;
  if (!query.decision.is_zero()) wanted.push_back(query.decision.value);
  if (const auto* const contact = state.find<ContactState>(query.id.value);
      contact != nullptr && query.with_decisions) {
    const size_t count = std::min(contact->recent.size(), kDecisionsShown);
    for (size_t i = 0; i < count; ++i) wanted.push_back(contact->recent[contact->recent.size() - 1 - i].value);
    for (const contact::Held& held : contact->held) wanted.push_back(held.decision.value);
  }
  for (const Id128 id : wanted) {
    keys.push_back({Decision::kTable, id});
    const auto* const decision = state.find<Decision>(id);
    if (decision != nullptr && !decision->winner.is_zero()) keys.push_back({Decision::kTable, decision->winner.value});
  }
}

void name_person(const engine::Lookup& state, const PersonQuery& query, engine::KeyList& keys) {
  const Id128 id = query.id.value;
  keys.push_back({Person::kTable, id});
  keys.push_back({PersonAlias::kTable, id});
  keys.push_back({journeys::JourneyStates::kTable, id});
  keys.push_back({ContactState::kTable, id});
  keys.push_back({flow::ActiveConfiguration::kTable, flow::ActiveConfiguration::kId});
  name_decisions(state, query, keys);
}

std::shared_ptr<PersonFile> copy_file(const engine::Lookup& state, const PersonQuery& query, const Person& person) {
  auto file = std::make_shared<PersonFile>();
  file->home = state.partition();
  file->person = person;
  file->now = state.now();
  if (const auto* const states = state.find<journeys::JourneyStates>(query.id.value)) file->journeys = *states;
  if (const auto* const active = state.find<flow::ActiveConfiguration>(flow::ActiveConfiguration::kId)) {
    file->configuration = active->hash;
  }
  engine::KeyList keys;
  name_decisions(state, query, keys);
  std::set<Id128> copied;
  for (const engine::EntityKey& key : keys) {
    const auto* const decision = state.find<Decision>(key.id);
    if (decision != nullptr && copied.insert(key.id).second) file->decisions.push_back(*decision);
  }
  std::ranges::stable_sort(file->decisions, std::greater{}, &Decision::wanted_at);
  return file;
}

/// Where an id was found: its person lives there, or an alias there leads on.
struct Sighting {
  bool is_person = false;
  bool is_alias = false;
};

}  // namespace

const Decision* PersonFile::find(DecisionId id) const {
  const auto found = std::ranges::find(decisions, id, &Decision::id);
  return found == decisions.end() ? nullptr : &*found;
}

void Reading::person(const PersonQuery& query, PersonCallback done) const {
  if (query.id.is_zero()) return done(nullptr);
  if (query.hint) return load(query, *query.hint, 0, std::move(done));
  locate(query, 0, std::move(done));
}

void Reading::load(const PersonQuery& query, engine::Partition at, int hops, PersonCallback done) const {
  engine::ReadTask task;
  if (query.hint == at) task.not_before = query.not_before;
  task.wants = [query](const engine::Lookup& state, engine::KeyList& keys) { name_person(state, query, keys); };
  task.run = [self = *this, query, hops, done = std::move(done)](const engine::Lookup& state) {
    if (const auto* const person = state.find<Person>(query.id.value)) return done(copy_file(state, query, *person));
    if (const auto* const alias = state.find<PersonAlias>(query.id.value)) {
      if (hops >= kHopsMax) return done(nullptr);
      PersonQuery next = query;
      next.id = alias->survivor;
      next.hint.reset();
      return self.load(next, alias->home, hops + 1, done);
    }
    // The hint was from before a move.
    if (query.hint) {
      PersonQuery next = query;
      next.hint.reset();
      return self.locate(next, hops, done);
    }
    done(nullptr);
  };
  engine_->read(at, std::move(task));
}

void Reading::locate(const PersonQuery& query, int hops, PersonCallback done) const {
  const auto follow = [self = *this, query, hops, done = std::move(done)](const std::vector<Sighting>& sightings) {
    const auto at = [&](const auto& found) { return static_cast<uint16_t>(found - sightings.begin()); };
    if (const auto home = std::ranges::find(sightings, true, &Sighting::is_person); home != sightings.end()) {
      return self.load(query, {at(home)}, hops, done);
    }
    if (const auto alias = std::ranges::find(sightings, true, &Sighting::is_alias); alias != sightings.end()) {
      return self.load(query, {at(alias)}, hops, done);
    }
    done(nullptr);
  };
  const Gather<Sighting> gather(engine::kPartitionCount, follow);
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    engine_->read({number}, {[id = query.id.value](const engine::Lookup&, engine::KeyList& keys) {
                               keys.push_back({Person::kTable, id});
                               keys.push_back({PersonAlias::kTable, id});
                             },
                             [id = query.id.value, gather, number](const engine::Lookup& state) {
                               gather.put(number,
                                          {state.find<Person>(id) != nullptr, state.find<PersonAlias>(id) != nullptr});
                             },
                             {}});
  }
}

void Reading::person_of(const events::Identifier& identifier, PersonCallback done) const {
  const Id128 key = events::key_of(identifier);
  engine_->read(events::home_of(identifier),
                {[key](const engine::Lookup&, engine::KeyList& keys) { keys.push_back({flow::Binding::kTable, key}); },
                 [self = *this, identifier, key, done = std::move(done)](const engine::Lookup& state) {
                   const auto* const binding = state.find<flow::Binding>(key);
                   if (binding == nullptr || binding->identifier != identifier) return done(nullptr);
                   self.person({.id = binding->person, .hint = binding->home, .not_before = {}, .decision = {}}, done);
                 },
                 {}});
}

void Reading::people(const std::vector<PersonQuery>& queries,
                     std::function<void(std::vector<std::shared_ptr<const PersonFile>>)> done) const {
  using File = std::shared_ptr<const PersonFile>;
  const Gather<File> gather(queries.size(), [done = std::move(done)](std::vector<File> files) {
    std::set<PersonId> seen;
    std::erase_if(files, [&](const File& file) { return !file || !seen.insert(file->person.id).second; });
    done(std::move(files));
  });
  for (size_t i = 0; i < queries.size(); ++i) {
    person(queries[i], [gather, i](File file) { gather.put(i, std::move(file)); });
  }
}

void Reading::decision(DecisionId id, PersonCallback done) const {
  if (id.is_zero()) return done(nullptr);
  const auto follow = [self = *this, id, done = std::move(done)](const std::vector<PersonId>& persons) {
    for (size_t i = 0; i < persons.size(); ++i) {
      if (persons[i].is_zero()) continue;
      // After a merge the decision still names the person it was made for, who leads on to the survivor.
      PersonQuery query{.id = persons[i], .hint = {}, .not_before = {}, .decision = id};
      query.hint = engine::Partition{static_cast<uint16_t>(i)};
      return self.person(query, done);
    }
    done(nullptr);
  };
  const Gather<PersonId> gather(engine::kPartitionCount, follow);
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    engine_->read({number},
                  {[id](const engine::Lookup&, engine::KeyList& keys) { keys.push_back({Decision::kTable, id.value}); },
                   [id, gather, number](const engine::Lookup& state) {
                     const auto* const decision = state.find<Decision>(id.value);
                     gather.put(number, decision == nullptr ? PersonId{} : decision->person);
                   },
                   {}});
  }
}

void Reading::ledgers(const std::vector<consent::Address>& addresses, std::function<void(Ledgers)> done) const {
  const Gather<std::shared_ptr<const consent::AddressLedger>> gather(addresses.size(), std::move(done));
  for (size_t i = 0; i < addresses.size(); ++i) {
    const Id128 key = consent::key_of(addresses[i]);
    engine_->read(
        consent::home_of(addresses[i]),
        {[key](const engine::Lookup&, engine::KeyList& keys) { keys.push_back({consent::AddressLedger::kTable, key}); },
         [gather, i, key, address = addresses[i]](const engine::Lookup& state) {
           const auto* const ledger = state.find<consent::AddressLedger>(key);
           if (ledger == nullptr || ledger->address() != address) return gather.put(i, nullptr);
           gather.put(i, std::make_shared<const consent::AddressLedger>(*ledger));
         },
         {}});
  }
}

void Reading::edges(std::vector<events::Identifier> identifiers,
                    std::function<void(std::vector<identity::EdgeView>)> done) const {
  if (identifiers.size() < 2) return done({});
  if (identifiers.size() > kExplainedMax) identifiers.resize(kExplainedMax);
  engine::ReadTask task;
  task.wants = [identifiers](const engine::Lookup& state, engine::KeyList& keys) {
    for (size_t i = 1; i < identifiers.size(); ++i) {
      identity::touches_explain(state, identifiers.front(), identifiers[i], keys);
    }
  };
  task.run = [identifiers, done = std::move(done)](const engine::Lookup& state) {
    std::vector<identity::EdgeView> edges;
    const auto add = [&](const identity::EdgeView& edge) {
      const bool is_known = std::ranges::any_of(
          edges, [&](const auto& one) { return one.a == edge.a && one.b == edge.b && one.kind == edge.kind; });
      if (!is_known) edges.push_back(edge);
    };
    for (size_t i = 1; i < identifiers.size(); ++i) {
      const identity::Explanation explanation = identity::explain(state, identifiers.front(), identifiers[i]);
      std::ranges::for_each(explanation.path, add);
      std::ranges::for_each(explanation.held, add);
    }
    done(std::move(edges));
  };
  engine_->read(engine::kLane, std::move(task));
}

void Reading::total(std::function<void(uint64_t)> done) const {
  const Gather<uint64_t> gather(engine::kPartitionCount, [done = std::move(done)](const std::vector<uint64_t>& counts) {
    uint64_t sum = 0;
    for (const uint64_t count : counts) sum += count;
    done(sum);
  });
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    engine_->read({number}, {[](const engine::Lookup&, engine::KeyList& keys) {
                               keys.push_back({flow::Totals::kTable, flow::Totals::kId});
                             },
                             [gather, number](const engine::Lookup& state) {
                               const auto* const totals = state.find<flow::Totals>(flow::Totals::kId);
                               gather.put(number, totals == nullptr ? 0 : totals->people);
                             },
                             {}});
  }
}

void Reading::newest_people(std::optional<ListedPerson> before, size_t limit,
                            std::function<void(std::vector<ListedPerson>)> done) const {
  const auto merge = [limit, done = std::move(done)](std::vector<std::vector<ListedPerson>> parts) {
    std::vector<ListedPerson> all;
    for (auto& part : parts) std::ranges::move(part, std::back_inserter(all));
    std::ranges::sort(all, [](const ListedPerson& a, const ListedPerson& b) {
      if (a.order_key != b.order_key) return a.order_key > b.order_key;
      return a.partition < b.partition;
    });
    if (all.size() > limit) all.resize(limit);
    done(std::move(all));
  };
  const Gather<std::vector<ListedPerson>> gather(engine::kPartitionCount, merge);
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    engine::RowScan scan;
    scan.table = flow::kPeopleRows;
    scan.limit = limit;
    if (before) {
      scan.before = before->order_key;
      // Of the same key, partitions with a greater number come after it: theirs is still to be listed.
      if (number > before->partition.number) scan.before.push_back('\0');
    }
    engine_->scan_rows({number}, scan, [gather, number](engine::Result<std::vector<engine::Row>> rows) {
      std::vector<ListedPerson> part;
      for (engine::Row& row : rows.value_or(std::vector<engine::Row>{})) {
        Reader in(row.value);
        part.push_back({{number}, std::move(row.order_key), in.person_id()});
      }
      gather.put(number, std::move(part));
    });
  }
}

std::vector<consent::Address> addresses_of(const Person& person) {
  using consent::Channel;
  std::vector<consent::Address> addresses;
  const auto add = [&](Channel channel, const std::string& value) {
    consent::Address address{channel, value};
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
  };
  for (const profiles::KnownIdentifier& known : person.identifiers) {
    switch (known.identifier.kind) {
      case events::IdentifierKind::email:
        add(Channel::email, known.identifier.value);
        break;
      case events::IdentifierKind::phone:
        for (const Channel channel : {Channel::sms, Channel::whatsapp, Channel::call}) {
          add(channel, known.identifier.value);
        }
        break;
      case events::IdentifierKind::device:
        add(Channel::push, known.identifier.value);
        break;
      default:
        break;
    }
  }
  for (const consent::PermissionCopy& copy : person.permissions) add(copy.address.channel, copy.address.value);
  return addresses;
}

}  // namespace terreno::api
