#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace terreno::events {

/// A time as a client wrote it, raw JSON: ISO 8601 text, or epoch seconds or (above 1e11) milliseconds. nullopt: absent
/// or unreadable.
[[nodiscard]] std::optional<Timestamp> read_time(std::string_view raw);

struct ClientTimes {
  std::optional<Timestamp> timestamp;
  std::optional<Timestamp> original;
  std::optional<Timestamp> sent_at;  ///< the item's, else the batch's
  bool unreadable = false;           ///< `timestamp` or `original` was given and could not be read
  bool sent_at_is_fresh = false;     ///< the library renews it on every attempt
};

/// When the event happened, after correcting the client's clock. docs/concepts/tracking.md, Times: a `sentAt` in the
/// future proves a fast clock; one in the past proves a slow clock only when the library renews it on each attempt.
[[nodiscard]] Timestamp resolve_time(const ClientTimes& times, Timestamp received_at, Duration skew_tolerated);

}  // namespace terreno::events
