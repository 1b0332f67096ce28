#pragma once

// The whole of a demonstration on a Terreno that somebody started for it: history, the link, and then a gentle stream.

#include <expected>
#include <functional>
#include <string>

#include "base/time.h"
#include "demo/people.h"

namespace terreno::demo {

/// A running Terreno whose clock stands at `now` - kHistory when its folder is new, and may be set by POST
/// /api/v1/clock.
struct Stage {
  std::string origin;  ///< such as `http://127.0.0.1:8080`
  /// A first-run link of a demonstration, `http://…/app/first-run?token=…`; each call makes another one.
  /// Error: what went wrong, in words.
  std::function<std::expected<std::string, std::string>()> new_link;
  Timestamp now;  ///< real time
  std::function<bool()> should_stop;
};

/// Lives history when the folder is new, prints one line with a link, and goes on until `should_stop`. Blocks.
/// 0; 1 when history could not be lived, which is said on standard error.
[[nodiscard]] int play(const Stage& stage, Organisation organisation);

}  // namespace terreno::demo
