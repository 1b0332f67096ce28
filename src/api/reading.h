#pragma once

// Questions to the engine about people: where somebody lives, what is kept of them, whose an identifier is.
//
// 1. Nothing blocks: an answer comes by callback, on an apply thread; a heavy continuation belongs elsewhere.
// 2. An id does not say where its person lives: the hint is asked first, then every partition; ids that were merged
//    away and people who moved are followed, over a bounded number of hops.
// 3. What is kept of one person is copied in one task, so it is true at one position.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consent/consent.h"
#include "contact/contact.h"
#include "engine/engine.h"
#include "events/events.h"
#include "identity/identity.h"
#include "journeys/journeys.h"
#include "profiles/profiles.h"

namespace terreno::api {

/// Newest decisions that are shown of a person.
inline constexpr size_t kDecisionsShown = 100;

/// What the home of a person keeps of them.
struct PersonFile {
  engine::Partition home;
  profiles::Person person;
  journeys::JourneyStates journeys;
  std::vector<contact::Decision> decisions;  ///< newest first, and whoever won a slot against one of them
  Id128 configuration;                       ///< in force in that partition; zero: none
  Timestamp now;
  [[nodiscard]] const contact::Decision* find(DecisionId id) const;
};
/// Null: there is nobody of that id.
using PersonCallback = std::function<void(std::shared_ptr<const PersonFile>)>;

/// Whom to look for, and how much of them.
struct PersonQuery {
  PersonId id;
  std::optional<engine::Partition> hint;
  engine::Position not_before;  ///< at the hint
  bool with_decisions = true;
  DecisionId decision;  ///< one more decision, however old; zero: none
};

/// A line of the list of everybody, newest first.
struct ListedPerson {
  engine::Partition partition;
  std::string order_key;
  PersonId id;
};

/// Copyable; the engine outlives it.
class Reading {
 public:
  explicit Reading(engine::Engine& engine) : engine_(&engine) {}

  void person(const PersonQuery& query, PersonCallback done) const;
  void person_of(const events::Identifier& identifier, PersonCallback done) const;
  /// Several, in the order asked for; nobody twice, and without those who are not there.
  void people(const std::vector<PersonQuery>& queries,
              std::function<void(std::vector<std::shared_ptr<const PersonFile>>)> done) const;
  /// The person to whom the decision was made, with that decision.
  void decision(DecisionId id, PersonCallback done) const;
  /// Of an address that was never heard of: null.
  using Ledgers = std::vector<std::shared_ptr<const consent::AddressLedger>>;
  void ledgers(const std::vector<consent::Address>& addresses, std::function<void(Ledgers)> done) const;
  /// Evidence that joins the first of the identifiers to the others, or keeps it apart; each piece once.
  void edges(std::vector<events::Identifier> identifiers,
             std::function<void(std::vector<identity::EdgeView>)> done) const;
  /// How many people there are.
  void total(std::function<void(uint64_t)> done) const;
  /// By creation, over all partitions; `before` is the order key and partition of the last one seen.
  void newest_people(std::optional<ListedPerson> before, size_t limit,
                     std::function<void(std::vector<ListedPerson>)> done) const;

  [[nodiscard]] engine::Engine& engine() const { return *engine_; }

 private:
  void locate(const PersonQuery& query, int hops, PersonCallback done) const;
  void load(const PersonQuery& query, engine::Partition at, int hops, PersonCallback done) const;

  engine::Engine* engine_;
};

/// The addresses that a person can be reached at: one of an e-mail, one per channel of a phone.
[[nodiscard]] std::vector<consent::Address> addresses_of(const profiles::Person& person);

}  // namespace terreno::api
