#include "api/tracking.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/check.h"

namespace terreno::api {

namespace {

using events::TrackingPath;
using http::Method;
using http::Request;
using http::Responder;
using http::Response;

constexpr std::string_view kRetryAfterSeconds = "1";

// The success bodies are constants: details belong in the live view. Jitsu's SDK reads `ok`.
constexpr std::string_view kSuccess = R"({"success":true})";
constexpr std::string_view kJitsuSuccess = R"({"ok":true})";

bool is_header_list(std::string_view text) {
  return text.size() <= 1024 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_, ").find(c) != std::string_view::npos;
         });
}

// Any origin may post: the endpoints use no cookies. Server SDKs send no Origin and get no such headers.
void add_cors(const Request& request, Response& response) {
  const auto origin = request.header("origin");
  if (!origin || !response.add_header("Access-Control-Allow-Origin", *origin)) return;
  response.header_lines.append(
      "Vary: Origin\r\n"
      "Access-Control-Allow-Credentials: true\r\n"
      "Access-Control-Expose-Headers: Retry-After, X-RateLimit-Reset\r\n");
}

Response preflight(const Request& request) {
  Response response;
  response.status = 204;
  add_cors(request, response);
  response.add_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  if (const auto asked = request.header("access-control-request-headers"); asked && is_header_list(*asked))
    response.add_header("Access-Control-Allow-Headers", *asked);
  response.add_header("Access-Control-Max-Age", "7200");
  return response;
}

Response success(const Request& request, std::string_view body) {
  Response response;
  response.content_type = "application/json";
  response.body = body;
  add_cors(request, response);
  return response;
}

// What an answer that comes later needs of its request.
struct Answering {
  Responder responder;
  std::string_view success_body;
  std::string origin;
  bool has_origin = false;

  // A request with nothing but the origin, for the forms above.
  template <typename Make>
  void answer(Make make) const {
    Request request;
    if (has_origin) request.headers.push_back({"Origin", origin});
    responder.answer(make(request));
  }
};

struct TrackingApi {
  TrackingDependencies with;
  TrackingOptions options;

  void track(TrackingPath path, bool is_jitsu, const Request& request, const Responder& responder) const;
  [[nodiscard]] std::optional<Source> find_source(const std::vector<std::string>& candidates) const;
  void reject_key(const Request& request, const Responder& responder, std::string_view key,
                  std::string_view success_body) const;
  [[nodiscard]] Response settings(const Request& request, std::string_view key) const;
  [[nodiscard]] Response source_configuration(const Request& request) const;
  void append(std::vector<events::Event> events, std::vector<events::Quarantined> quarantined, const Source& source,
              Timestamp received_at, Answering answering) const;
};

std::optional<Source> TrackingApi::find_source(const std::vector<std::string>& candidates) const {
  for (const std::string& key : candidates) {
    if (key.empty()) continue;
    if (auto source = with.keys->find(key)) return source;
  }
  return std::nullopt;
}

std::vector<std::string> keys_outside_body(const Request& request) {
  std::optional<std::string> query = request.query_parameter("writeKey");
  if (!query) query = request.query_parameter("writekey");
  return events::offered_write_keys(request.header("authorization"), request.header("x-write-key"),
                                    query ? std::optional<std::string_view>(*query) : std::nullopt)
      .candidates;
}

void TrackingApi::reject_key(const Request& request, const Responder& responder, std::string_view key,
                             std::string_view success_body) const {
  with.observer->on_rejected_key(key.substr(0, 128), false);
  if (options.is_lenient) return responder.answer(success(request, success_body));
  responder.answer(
      tracking_error_form(request, 401, "invalid_write_key",
                          "write key: is missing or unknown; use the key of a source of this installation"));
}

void TrackingApi::track(TrackingPath path, bool is_jitsu, const Request& request, const Responder& responder) const {
  // Buffers are kept from request to request, one set per server thread.
  thread_local events::TrackingParser parser;
  const std::string_view success_body = is_jitsu ? kJitsuSuccess : kSuccess;
  std::vector<std::string> candidates = keys_outside_body(request);
  std::optional<Source> source;
  if (!candidates.empty()) {
    // Known before the body is touched: who has no key cannot make us decompress anything.
    source = find_source(candidates);
    if (!source) return reject_key(request, responder, candidates.front(), success_body);
  }
  const auto begun = parser.begin(path, request.body, request.header("content-encoding").value_or(""));
  if (!begun) {
    return responder.answer(
        tracking_error_form(request, begun.error().status, begun.error().code, begun.error().message));
  }
  if (!source) {
    source = find_source({std::string(parser.write_key())});
    if (!source) return reject_key(request, responder, parser.write_key(), success_body);
  }
  if (!source->is_enabled) {
    with.observer->on_rejected_key(candidates.empty() ? parser.write_key() : std::string_view(candidates.front()),
                                   true);
    return responder.answer(
        tracking_error_form(request, 404, "source_disabled", "source: is switched off; use the key of another source"));
  }
  const Timestamp received_at = with.clock->now();
  std::vector<events::Event> parsed;
  std::vector<events::Quarantined> quarantined;
  const auto read = parser.read(source->defaults, received_at, *with.random, parsed, quarantined);
  if (!read) {
    return responder.answer(tracking_error_form(request, read.error().status, read.error().code, read.error().message));
  }
  const auto origin = request.header("origin");
  append(std::move(parsed), std::move(quarantined), *source, received_at,
         {responder, success_body, std::string(origin.value_or("")), origin.has_value()});
}

void answer_failure(const Answering& answering, engine::Errc code) {
  answering.answer([&](const Request& request) {
    switch (code) {
      case engine::Errc::overloaded:
        return tracking_error_form(request, 429, "overloaded", "the server has too much to do; send it again later");
      case engine::Errc::no_space:
        return tracking_error_form(request, 429, "no_space", "the server is short of disk space; send it again later");
      case engine::Errc::stopping:
      case engine::Errc::io_failed:
      case engine::Errc::corrupt:
      case engine::Errc::newer_format:
      case engine::Errc::store_ahead:
      case engine::Errc::locked:
        break;
    }
    return tracking_error_form(request, 503, "unavailable", "the server is stopping or starting; send it again later");
  });
}

void TrackingApi::append(std::vector<events::Event> events, std::vector<events::Quarantined> quarantined,
                         const Source& source, Timestamp received_at, Answering answering) const {
  auto finish = [observer = with.observer, source_id = source.defaults.id, received_at](
                    std::vector<events::Quarantined> items, const Answering& to) {
    if (!items.empty()) observer->on_quarantined(source_id, received_at, std::move(items));
    to.answer([&](const Request& request) { return success(request, to.success_body); });
  };
  if (events.empty() && quarantined.empty()) return finish({}, answering);
  engine::Batch batch;
  Writer writer(batch.bytes());
  for (const events::Event& event : events) {
    const size_t offset = batch.bytes().size();
    event.encode(writer);
    batch.add_in_place(event.route(), static_cast<uint16_t>(events::RecordType::event), RecordId{with.random->next()},
                       offset);
  }
  // The answer says 200 for these too, so they are as durable as the rest.
  for (const events::Quarantined& item : quarantined) {
    const size_t offset = batch.bytes().size();
    const events::QuarantinedItem kept{source.defaults.id, received_at, item.index, std::string(item.reason), item.raw};
    kept.encode(writer);
    batch.add_in_place(kept.route(), static_cast<uint16_t>(events::RecordType::quarantined),
                       RecordId{with.random->next()}, offset);
  }
  with.engine->append(std::move(batch),
                      [finish, observer = with.observer, source_id = source.defaults.id, received_at,
                       count = events.size(), items = std::move(quarantined), answering = std::move(answering)](
                          const engine::Result<std::vector<engine::Placed>>& placed) mutable {
                        if (!placed) return answer_failure(answering, placed.error().code);
                        if (count > 0) observer->on_accepted(source_id, received_at, count);
                        finish(std::move(items), answering);
                      });
}

Response TrackingApi::settings(const Request& request, std::string_view key) const {
  const auto source = with.keys->find(key);
  if (!source) {
    with.observer->on_rejected_key(key.substr(0, 128), false);
    return tracking_error_form(request, 404, "invalid_write_key", "write key: is unknown; use the key of a source");
  }
  // Each part matters: without apiHost or apiKey browsers and phones send to the vendor, or nothing.
  constexpr std::string_view kSecure = "https://";
  std::string host = options.public_base_url ? options.public_base_url() : std::string();
  const bool is_https = host.starts_with(kSecure);
  if (const size_t end = host.find("://"); end != std::string::npos) host.erase(0, end + 3);
  if (host.empty()) host = request.header("host").value_or("localhost");
  const boost::json::object enabled{{"__default", {{"enabled", true}}}};
  const boost::json::value body{
      {"integrations",
       {{"Segment.io",
         {{"apiKey", boost::json::string_view(key.data(), key.size())},
          {"apiHost", host + "/v1"},
          {"protocol", is_https ? "https" : "http"},
          {"httpConfig", {{"rateLimitConfig", {{"enabled", true}}}, {"backoffConfig", {{"enabled", true}}}}}}}}},
      {"plan", {{"track", enabled}, {"identify", enabled}, {"group", enabled}}},
      {"metrics", {{"sampleRate", 0}}},
      {"analyticsNextEnabled", true}};
  Response response;
  response.content_type = "application/json";
  response.add_header("Cache-Control", "public, max-age=300");
  add_cors(request, response);
  response.body = boost::json::serialize(body);
  return response;
}

Response TrackingApi::source_configuration(const Request& request) const {
  const std::vector<std::string> candidates = keys_outside_body(request);
  const auto source = find_source(candidates);
  if (!source) {
    with.observer->on_rejected_key(candidates.empty() ? "" : std::string_view(candidates.front()).substr(0, 128),
                                   false);
    return tracking_error_form(request, 401, "invalid_write_key",
                               "write key: is missing or unknown; use the key of a source");
  }
  const boost::json::value body{
      {"source",
       {{"id", source->defaults.id},
        {"name", source->defaults.id},
        {"workspaceId", "terreno"},
        {"writeKey", candidates.front()},
        {"enabled", source->is_enabled},
        {"config", {{"statsCollection", {{"errors", {{"enabled", false}}}, {"metrics", {{"enabled", false}}}}}}},
        {"destinations", boost::json::array{}}}}};
  Response response = success(request, {});
  response.body = boost::json::serialize(body);
  return response;
}

struct EventPath {
  std::string_view pattern;
  TrackingPath path;
  std::string_view operation;
  bool is_jitsu = false;
};

constexpr std::array kEventPaths{
    EventPath{"/v1/identify", TrackingPath::identify, "trackIdentify"},
    EventPath{"/v1/track", TrackingPath::track, "trackTrack"},
    EventPath{"/v1/page", TrackingPath::page, "trackPage"},
    EventPath{"/v1/screen", TrackingPath::screen, "trackScreen"},
    EventPath{"/v1/group", TrackingPath::group, "trackGroup"},
    EventPath{"/v1/alias", TrackingPath::alias, "trackAlias"},
    EventPath{"/v1/i", TrackingPath::identify, "trackIdentifyShort"},
    EventPath{"/v1/t", TrackingPath::track, "trackTrackShort"},
    EventPath{"/v1/p", TrackingPath::page, "trackPageShort"},
    EventPath{"/v1/s", TrackingPath::screen, "trackScreenShort"},
    EventPath{"/v1/g", TrackingPath::group, "trackGroupShort"},
    EventPath{"/v1/a", TrackingPath::alias, "trackAliasShort"},
    EventPath{"/v1/batch", TrackingPath::batch, "trackBatch"},
    EventPath{"/v1/b", TrackingPath::batch, "trackBatchShort"},
    EventPath{"/v1/import", TrackingPath::batch, "trackImport"},
    EventPath{"/beacon/v1/batch", TrackingPath::batch, "trackBeacon"},
    EventPath{"/api/s/identify", TrackingPath::identify, "jitsuIdentify", true},
    EventPath{"/api/s/track", TrackingPath::track, "jitsuTrack", true},
    EventPath{"/api/s/page", TrackingPath::page, "jitsuPage", true},
    EventPath{"/api/s/screen", TrackingPath::screen, "jitsuScreen", true},
    EventPath{"/api/s/group", TrackingPath::group, "jitsuGroup", true},
    EventPath{"/api/s/alias", TrackingPath::alias, "jitsuAlias", true},
    EventPath{"/api/s/s2s/identify", TrackingPath::identify, "jitsuServerIdentify", true},
    EventPath{"/api/s/s2s/track", TrackingPath::track, "jitsuServerTrack", true},
    EventPath{"/api/s/s2s/page", TrackingPath::page, "jitsuServerPage", true},
    EventPath{"/api/s/s2s/screen", TrackingPath::screen, "jitsuServerScreen", true},
    EventPath{"/api/s/s2s/group", TrackingPath::group, "jitsuServerGroup", true},
    EventPath{"/api/s/s2s/alias", TrackingPath::alias, "jitsuServerAlias", true},
    EventPath{"/api/s/s2s/batch", TrackingPath::batch, "jitsuServerBatch", true},
};

}  // namespace

Response tracking_error_form(const Request& request, uint16_t status, std::string_view code, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  if (status == 429 || status == 503) {
    response.add_header("Retry-After", kRetryAfterSeconds);
    response.add_header("X-RateLimit-Reset", kRetryAfterSeconds);
  }
  add_cors(request, response);
  const boost::json::value body{{"code", boost::json::string_view(code.data(), code.size())},
                                {"message", boost::json::string_view(message.data(), message.size())}};
  response.body = boost::json::serialize(body);
  return response;
}

void add_tracking_routes(Router& router, TrackingDependencies dependencies, TrackingOptions options) {
  const auto api = std::make_shared<const TrackingApi>(TrackingApi{dependencies, std::move(options)});
  const auto add = [&](Method method, std::string_view pattern, std::string_view operation, RouteHandler handler) {
    router.add({method, std::string(pattern), std::string(operation), std::move(handler), tracking_error_form});
    router.add({Method::options, std::string(pattern), std::string(operation) + "Preflight",
                [](const Request& request, const PathParameters&, const Responder& responder) {
                  responder.answer(preflight(request));
                },
                tracking_error_form});
  };
  for (const EventPath& event : kEventPaths) {
    add(Method::post, event.pattern, event.operation,
        [api, event](const Request& request, const PathParameters&, const Responder& responder) {
          api->track(event.path, event.is_jitsu, request, responder);
        });
  }
  // SDK metrics say nothing about persons and are asked to be off by the settings answer; what comes is let go.
  add(Method::post, "/v1/m", "trackMetrics",
      [](const Request& request, const PathParameters&, const Responder& responder) {
        responder.answer(success(request, kSuccess));
      });
  add(Method::get, "/v1/projects/{key}/settings", "trackSettings",
      [api](const Request& request, const PathParameters& parameters, const Responder& responder) {
        responder.answer(api->settings(request, parameters.get("key")));
      });
  add(Method::get, "/sourceConfig", "trackSourceConfig",
      [api](const Request& request, const PathParameters&, const Responder& responder) {
        responder.answer(api->source_configuration(request));
      });
}

}  // namespace terreno::api
