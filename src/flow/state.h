#pragma once

// State that belongs to the way of a record rather than to one business folder.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "events/record.h"
#include "identity/identity.h"

namespace terreno::flow {

/// Whose an identifier is, at the identifier's home. Key: `events::key_of`. What is here may be an id that was merged
/// since: then the partition named has a profiles::PersonAlias that leads on.
class Binding final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 1;
  events::Identifier identifier;  ///< compared, since keys can be made to collide
  PersonId person;
  engine::Partition home;  ///< of the person
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(Binding) + identifier.value.size(); }
  [[nodiscard]] static std::unique_ptr<Binding> decode(std::string_view bytes);
};

/// Which configuration a partition decides by. One per partition; its id is zero.
class ActiveConfiguration final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 2;
  static constexpr Id128 kId{};
  Id128 hash;  ///< zero: none was ever applied
  uint64_t version = 0;
  Timestamp since;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(ActiveConfiguration); }
  [[nodiscard]] static std::unique_ptr<ActiveConfiguration> decode(std::string_view bytes);
};

/// Counts of a partition, for totals on screen. One per partition; its id is zero.
class Totals final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 3;
  static constexpr Id128 kId{};
  uint64_t people = 0;   ///< persons that live here
  uint64_t ignored = 0;  ///< records about unknown things
  uint64_t moved = 0;    ///< persons and identifiers that came from another partition
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(Totals); }
  [[nodiscard]] static std::unique_ptr<Totals> decode(std::string_view bytes);
};

/// Rows (kPeopleRows, zero id) of a partition: one for each person that came to be there, by time of creation; the
/// value is the id's 16 bytes, as Writer::id. Some may have moved or been merged since.
inline constexpr uint8_t kPeopleRows = 2;

/// One change of identity on its way: the moves that it asked for and the answers that are missing. In the lane.
struct Exchange {
  Id128 id;
  identity::PersonChange change;
  bool is_running = false;
  uint32_t missing = 0;
};
/// A verdict that waits for its exchanges.
struct PendingVerdict {
  std::vector<Id128> exchanges;
  engine::Partition proposer;
  PersonId person;
  Id128 other;  ///< key of the identifier that was proposed beside the person's own
  identity::VerdictState state = identity::VerdictState::no_op;
  identity::Reason reason = identity::Reason::none;
};

/// Exchanges under way and waiting, in the order of the lane's decisions: one at a time for each person. In the lane;
/// its id is zero. Everything takes the same time however many there are: thousands wait when many sign up at once.
class Exchanges final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 4;
  static constexpr Id128 kId{};

  /// At the end of the queue; it is among the next `take_ready` unless an earlier one is about one of its persons.
  void add(Exchange exchange);
  /// Its exchanges have been added.
  void add(PendingVerdict verdict);
  [[nodiscard]] Exchange* find(Id128 id);
  /// Takes it away. The verdict that waited for it last, if there is one.
  std::optional<PendingVerdict> finish(Id128 id);
  /// Those that have come to wait for nobody since the last call, in the order of the decisions. Whoever takes them
  /// starts them.
  [[nodiscard]] std::vector<Exchange*> take_ready();

  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(Exchanges) + bytes_; }
  [[nodiscard]] static std::unique_ptr<Exchanges> decode(std::string_view bytes);

 private:
  [[nodiscard]] bool is_first_everywhere(uint64_t number) const;

  // By a number that grows; what is on disk is the order alone.
  std::map<uint64_t, Exchange> queue_;
  std::map<uint64_t, PendingVerdict> verdicts_;
  uint64_t next_ = 0;
  // Derived from these.
  std::unordered_map<Id128, uint64_t> numbers_;                ///< of exchanges, by id
  std::unordered_map<Id128, uint64_t> verdict_of_;             ///< by an exchange that it waits for
  std::unordered_map<PersonId, std::vector<uint64_t>> lines_;  ///< exchanges about a person, the first one first
  std::vector<uint64_t> candidates_;                           ///< may have come to wait for nobody
  size_t bytes_ = 0;
};

/// The activation of a configuration, in the lane; its id is zero.
class ConfigurationLane final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 5;
  static constexpr Id128 kId{};
  Id128 active;
  uint64_t version = 0;
  Id128 proposed;                               ///< zero: nothing is under way
  uint32_t missing = 0;                         ///< partitions that have not answered
  std::deque<std::pair<Id128, Id128>> waiting;  ///< (base, hash)
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override { return sizeof(ConfigurationLane) + waiting.size() * 32; }
  [[nodiscard]] static std::unique_ptr<ConfigurationLane> decode(std::string_view bytes);
};

}  // namespace terreno::flow
