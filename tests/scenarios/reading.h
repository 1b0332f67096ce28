#pragma once

// What is so, read out of an engine on one thread.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/stepped.h"
#include "events/events.h"
#include "flow/flow.h"

namespace terreno::scenarios {

/// A browser whose key anybody can read, or a server.
inline events::SourceDefaults source_of(bool is_public) {
  events::SourceDefaults source;
  source.id = is_public ? "web" : "shop";
  source.visibility = is_public ? events::Visibility::public_source : events::Visibility::secret_source;
  source.kind = is_public ? events::SourceKind::browser : events::SourceKind::server;
  return source;
}

class Reading {
 public:
  /// The engine outlives it.
  explicit Reading(engine::SteppedEngine& engine) : engine_(&engine) {}

  template <typename T>
  [[nodiscard]] std::unique_ptr<T> copy_of(engine::Partition partition, Id128 id) const {
    std::unique_ptr<T> copy;
    engine_->read(partition, {[&](const engine::Lookup&, engine::KeyList& keys) { keys.push_back({T::kTable, id}); },
                              [&](const engine::Lookup& state) {
                                if (const T* const found = state.find<T>(id)) copy = std::make_unique<T>(*found);
                              },
                              {}});
    return copy;
  }
  /// Along aliases.
  [[nodiscard]] std::unique_ptr<profiles::Person> person(const events::Identifier& identifier) const;
  /// Whose it is in the identity lane's eyes.
  [[nodiscard]] std::optional<identity::PersonView> in_lane(const events::Identifier& identifier) const;
  [[nodiscard]] uint64_t people() const;
  /// Where the partitions and the lane do not agree about whose these identifiers are, which are all there are. Only
  /// once nothing is left to do.
  [[nodiscard]] std::vector<std::string> disagreements(const std::set<events::Identifier>& identifiers) const;

 private:
  engine::SteppedEngine* engine_;
};

}  // namespace terreno::scenarios
