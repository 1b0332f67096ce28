#pragma once

// State that belongs to the way of a record rather than to one business folder.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
/// its id is zero.
class Exchanges final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 4;
  static constexpr Id128 kId{};
  std::deque<Exchange> queue;
  std::vector<PendingVerdict> verdicts;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<Exchanges> decode(std::string_view bytes);
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
