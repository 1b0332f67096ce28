#pragma once

// What a store holds, freed of how its commits were cut.

#include <map>
#include <string>

#include "engine/store_keys.h"

namespace terreno::guarantees {

using Rows = std::map<std::string, std::string>;

/// A chunk of rows and a block of the repeat log belong to one commit (docs/formats/store.md): joined, they are the
/// same whatever the commits were. Everything else stays as it is.
inline void add_joined(Rows& joined, std::string_view key, std::string_view value) {
  namespace keys = engine::store_keys;
  const auto table = static_cast<uint8_t>(key[1]);
  if (table == keys::kTableRows) {
    const std::string list(key.substr(0, 2 + 1 + 16));
    Reader in(value);
    while (!in.done()) {
      const std::string order = in.text();
      joined[list + order] = in.text();
    }
  } else if (table == keys::kTableRepeatLog) {
    const std::string generation(key.substr(0, 2 + 8));
    for (size_t at = 0; at + 16 <= value.size(); at += 16) joined[generation + std::string(value.substr(at, 16))] = "";
  } else {
    joined.emplace(key, value);
  }
}

}  // namespace terreno::guarantees
