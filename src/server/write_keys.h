#pragma once

#include "api/tracking.h"
#include "governance/governance.h"

namespace terreno::server {

/// Write keys as the registry knows them. `registry` outlives this.
class RegistryKeys final : public api::WriteKeys {
 public:
  explicit RegistryKeys(const governance::Registry& registry) : registry_(&registry) {}
  [[nodiscard]] std::optional<api::Source> find(std::string_view key) const override;

 private:
  const governance::Registry* registry_;
};

}  // namespace terreno::server
