#include "server/write_keys.h"

namespace terreno::server {

namespace {

events::SourceKind kind_of(governance::SourceKind kind) {
  switch (kind) {
    case governance::SourceKind::browser:
      return events::SourceKind::browser;
    case governance::SourceKind::mobile:
      return events::SourceKind::mobile;
    case governance::SourceKind::server:
      break;
  }
  return events::SourceKind::server;
}

}  // namespace

std::optional<api::Source> RegistryKeys::find(std::string_view key) const {
  const governance::SourceRef found = registry_->source_by_write_key(key);
  if (!found) return std::nullopt;
  api::Source source;
  source.defaults.id = found->id.hex();
  source.defaults.visibility = found->visibility();
  source.defaults.kind = kind_of(found->kind);
  source.defaults.phone_region = found->default_region;
  source.is_enabled = found->enabled;
  return source;
}

}  // namespace terreno::server
