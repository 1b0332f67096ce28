#pragma once

// The tracking API: what Segment, RudderStack and Jitsu SDKs send, without any change on their side but the host.
//
// 1. A 2xx leaves after the events are durable, and is exactly 200 with a JSON body.
// 2. A well-formed request with a known key is 200 even when items of it are unusable: those are quarantined.
// 3. Every answer, errors and 429 included, carries CORS headers and a JSON body with `code` and `message`; overload is
//    429 with an integer Retry-After.
// 4. The start-up answers come from memory, also under overload: SDKs do not ask twice.
//
// Rules: docs/concepts/tracking.md.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/router.h"
#include "engine/engine.h"
#include "events/events.h"

namespace terreno::api {

/// What stands behind a write key.
struct Source {
  events::SourceDefaults defaults;
  bool is_enabled = true;
};

/// Looks up write keys. Thread-safe, does not block: it is asked for every request.
class WriteKeys {
 public:
  virtual ~WriteKeys() = default;
  [[nodiscard]] virtual std::optional<Source> find(std::string_view key) const = 0;
};

/// Hears what came and what did not become an event, for the console. Thread-safe, must not block; `on_accepted` and
/// `on_quarantined` only after the request's events and these items are durable.
class TrackingObserver {
 public:
  virtual ~TrackingObserver() = default;
  /// `count` events of one request, repeats among them.
  virtual void on_accepted(const std::string& source, Timestamp received_at, size_t count) = 0;
  virtual void on_quarantined(const std::string& source, Timestamp received_at,
                              std::vector<events::Quarantined> items) = 0;
  /// An unknown key, or one of a disabled source (`is_known`). At most 128 bytes; empty when none was sent.
  virtual void on_rejected_key(std::string_view key, bool is_known) = 0;
};

struct TrackingOptions {
  /// Where the world reaches this, `https://crm.example.org`, as of now; any thread. The settings answer names it, so
  /// that what a proxy puts into Host, and whether it speaks TLS, does not matter. No function, or an empty answer: the
  /// request's Host header, over http.
  std::function<std::string()> public_base_url = {};
  /// Answer unknown keys 200, and tell the observer. For a migration during which a 401 would make clients loop.
  bool is_lenient = false;
};

/// What the routes use; all of it outlives the router.
struct TrackingDependencies {
  engine::Engine* engine;
  const engine::Clock* clock;
  engine::Random* random;  ///< thread-safe
  const WriteKeys* keys;
  TrackingObserver* observer;
};

/// Adds every tracking route of docs/concepts/tracking.md, Routes, preflights included.
void add_tracking_routes(Router& router, TrackingDependencies dependencies, TrackingOptions options);

/// `{"code":…,"message":…}` with CORS headers; 429 and 503 with Retry-After.
[[nodiscard]] http::Response tracking_error_form(const http::Request& request, uint16_t status, std::string_view code,
                                                 std::string_view message);

}  // namespace terreno::api
