#pragma once

// The way in: bytes of the tracking API become events, normalised once and for good. `record.h` is what they become.
//
// 1. Nothing is dropped silently: an item of a well-formed request is an event or is quarantined with a reason.
// 2. The identifiers of an event, and so its route, are a function of the body and the source alone: a repeat lands
//    where its original did. Only a missing message id is drawn.
// 3. The raw JSON is kept as it came, except that a write key is cut out and a batch's own context and integrations are
//    merged under the item's.
// 4. No input, however hostile, takes more than `kBodyBytesMax` of text, 64 levels or `kBatchItemsMax` items.
//
// Rules: docs/concepts/tracking.md; identifiers: docs/concepts/identity.md, Identifiers.

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/engine.h"
#include "events/record.h"

namespace terreno::events {

/// Decompressed.
inline constexpr size_t kBodyBytesMax = 10 * 1024 * 1024;
inline constexpr size_t kEventBytesMax = 256 * 1024;
inline constexpr size_t kBatchItemsMax = 10'000;
inline constexpr int kNestingMax = 64;
inline constexpr size_t kIdentifiersMax = 32;
inline constexpr size_t kIdentifierBytesMax = 512;
inline constexpr size_t kNameBytesMax = 512;

// ---------------------------------------------------------------------------------------------------------------------
// Identifiers

enum class IdentifierErrc : uint8_t {
  empty,            ///< nothing but white space
  blocked,          ///< `null`, `test@test.com`, only zeros …: names nobody
  too_long,         ///< above kIdentifierBytesMax
  malformed_email,  ///< not one address with a domain
  malformed_phone,  ///< not a possible number; without `+` it needs the source's region
  malformed_text,   ///< holds control characters, or is JSON text where an id should be
};
/// `empty`, `blocked` …
[[nodiscard]] std::string_view name_of(IdentifierErrc code);

/// The one normal form of an identifier: e-mail trimmed, with its domain as lower-case A-label and the local part as
/// sent; phone in E.164; the others trimmed. `phone_region` is an ISO 3166 code (`ES`) for numbers without a country
/// code, or empty. Used at intake, for search and by the consent API, so that all mean the same person.
[[nodiscard]] std::expected<Identifier, IdentifierErrc> normalise_identifier(IdentifierKind kind, std::string_view text,
                                                                             std::string_view phone_region = {});

/// A normalised value that names nobody: `null`, `test@test.com`, only zeros and dashes, a phone of one repeated digit.
/// The one list of such values, for intake and for identity/.
[[nodiscard]] bool is_blocked(const Identifier& identifier);

// ---------------------------------------------------------------------------------------------------------------------
// Tracking

/// What a path says of its body: one event of a type, or a batch.
enum class TrackingPath : uint8_t { identify = 0, track = 1, page = 2, screen = 3, group = 4, alias = 5, batch = 6 };

enum class SourceKind : uint8_t { browser = 0, mobile = 1, server = 2 };
inline constexpr SourceKind kSourceKindLast = SourceKind::server;

/// What the source's settings say about each of its events.
struct SourceDefaults {
  std::string id;
  Visibility visibility = Visibility::secret_source;
  SourceKind kind = SourceKind::server;
  std::string phone_region;        ///< for phone numbers without a country code; may be empty
  Duration late_after = hours(1);  ///< older events change state and start nothing
  Duration skew_tolerated = seconds(60);
};

/// An item that cannot be used, kept for repair. `reason` is a constant: `no_user_anon_id`, `unknown_type`,
/// `missing_event_name` …
struct Quarantined {
  size_t index = 0;  ///< in the request, from 0
  std::string_view reason;
  std::string raw;  ///< at most kEventBytesMax of it, without a write key where that could be cut out
};

/// Why a request as a whole is refused.
struct TrackingError {
  uint16_t status = 400;
  std::string_view code;  ///< `invalid_json`, `invalid_batch`, `payload_too_large`, `event_too_large`, …
  std::string message;    ///< names field, rule and remedy, for a developer; no personal data
};

/// Reads one request at a time and keeps its buffers for the next: hold one per thread. Not thread-safe.
class TrackingParser {
 public:
  TrackingParser();
  ~TrackingParser();
  TrackingParser(const TrackingParser&) = delete;
  TrackingParser& operator=(const TrackingParser&) = delete;

  /// Decompresses (gzip by its magic bytes; deflate by `content_encoding`), checks that the body is a JSON object and
  /// finds its write key. What was begun before is forgotten. Does not keep `body`.
  [[nodiscard]] std::expected<void, TrackingError> begin(TrackingPath path, std::string_view body,
                                                         std::string_view content_encoding = {});

  /// The body's own `writeKey`, or empty. Lives until the next `begin`.
  [[nodiscard]] std::string_view write_key() const;

  /// Turns what was begun into events, in the order of the request; appends to both lists.
  /// Error: a single event above kEventBytesMax.
  [[nodiscard]] std::expected<void, TrackingError> read(const SourceDefaults& source, Timestamp received_at,
                                                        engine::Random& random, std::vector<Event>& events,
                                                        std::vector<Quarantined>& quarantined);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `begin` and `read` in one, for whoever knows the source already.
[[nodiscard]] std::expected<void, TrackingError> parse_tracking(TrackingPath path, std::string_view body,
                                                                std::string_view content_encoding,
                                                                const SourceDefaults& source, Timestamp received_at,
                                                                engine::Random& random, std::vector<Event>& events,
                                                                std::vector<Quarantined>& quarantined);

/// A version 7 UUID: 48 bits of milliseconds, the rest from `random`.
[[nodiscard]] std::string make_uuid_v7(Timestamp time, Id128 random);

// ---------------------------------------------------------------------------------------------------------------------
// Write keys

/// What a request offers outside its body, in the order in which it is tried.
struct WriteKeyOffer {
  /// Candidates for one key: of a Basic header the text less one trailing `:`, then its part before the first `:`.
  /// Empty: neither header nor query named a key, so the body's counts.
  std::vector<std::string> candidates;
};
/// Views may be empty when the header or parameter is absent. A Bearer token is no write key.
[[nodiscard]] WriteKeyOffer offered_write_keys(std::optional<std::string_view> authorization,
                                               std::optional<std::string_view> x_write_key,
                                               std::optional<std::string_view> query_key);

/// Tolerates base64url and missing padding; nullopt for anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace terreno::events
