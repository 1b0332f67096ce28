#pragma once

// One item of a request: its members found as raw JSON, then made an event. Private to events/.

#include <expected>
#include <optional>
#include <string_view>

#include "events/events.h"
#include "events/json_text.h"

namespace terreno::events {

/// The parts of a context that mean something here, as raw JSON; empty means absent.
struct ContextSlices {
  std::string_view device_id, time_zone, locale, library_name, traits, external_ids;
};

/// One item's members, as raw JSON; empty means absent.
struct ItemSlices {
  std::string_view type, message_id, user_id, anonymous_id, previous_id, event, name, properties, traits, group_id,
      context, timestamp, original_timestamp, sent_at;
  bool has_write_key = false;
};

/// Reads a context object; a member that it lacks keeps what `slices` held, which is how a batch's context lies under.
void read_context(JsonWalk& walk, ContextSlices& slices);
/// Consumes one value and gives its raw text; of an object the members.
std::string_view read_item(JsonWalk& walk, ItemSlices& slices);

/// One request's way through `read`.
struct Reading {
  const SourceDefaults& source;
  Timestamp received_at;
  engine::Random& random;
};

/// The event of one item, or the reason for its quarantine, a constant. `body` is the caller's to fill.
[[nodiscard]] std::expected<Event, std::string_view> make_event(std::optional<EventType> path_type,
                                                                const ItemSlices& slices, const ContextSlices& context,
                                                                std::string_view batch_sent_at, const Reading& reading);

}  // namespace terreno::events
