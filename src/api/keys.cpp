// Sources with their write keys, and keys for programs.

#include <optional>

#include "api/governance_api.h"

namespace terreno::api {

namespace json = boost::json;
using governance::ApiKey;
using governance::ApiKeyId;
using governance::Scope;
using governance::Source;

namespace {

constexpr size_t kNameInputMax = 100;

// Without an activity nobody counts: null, which is something else than none.
json::object source_json(const Source& source, const std::optional<SourceActivity>& activity) {
  const bool is_public = source.visibility() == events::Visibility::public_source;
  // A secret key is not shown again; a short imported one would be shown whole by its ends.
  std::string hint = source.write_key;
  if (!is_public) hint = hint.size() < 16 ? "…" : hint.substr(0, 4) + "…" + hint.substr(hint.size() - 3);
  return {{"id", source.id.hex()},
          {"name", source.name},
          {"visibility", is_public ? "public" : "secret"},
          {"kind", name_of(source.kind)},
          {"enabled", source.enabled},
          {"key_hint", hint},
          {"created_at", format_iso8601(source.created_at)},
          {"last_event_at", activity ? time_or_null(activity->last_event_at) : json::value(nullptr)},
          {"per_second", activity ? json::value(activity->per_second) : json::value(nullptr)},
          {"events", activity ? json::value(activity->events) : json::value(nullptr)},
          {"held", activity ? json::value(activity->held) : json::value(nullptr)},
          {"counted_since", activity ? time_or_null(activity->since) : json::value(nullptr)}};
}

json::object key_json(const ApiKey& key) {
  return {{"id", key.id.hex()},
          {"name", key.name},
          {"scopes", scopes_json(key.scopes)},
          {"key_hint", "tk_…" + key.hint},
          {"created_at", format_iso8601(key.created_at)},
          {"created_by", key.created_by},
          {"expires_at", time_or_null(key.expires_at)},
          {"last_used_at", time_or_null(key.last_used_at)}};
}

}  // namespace

void GovernanceApi::list_sources(const Call& /*call*/, const http::Responder& responder) {
  json::array items;
  const auto snapshot = parts_.registry->snapshot();
  for (const Source& source : snapshot->sources) {
    std::optional<SourceActivity> activity;
    if (parts_.source_activity) activity = parts_.source_activity(source.id);
    items.push_back(source_json(source, activity));
  }
  answer(responder, 200, {{"items", std::move(items)}, {"next", nullptr}});
}

void GovernanceApi::create_source(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  governance::NewSource source;
  source.name = fields.required_text("name", kNameInputMax);
  const std::string visibility = fields.required_text("visibility", 16);
  // A site that migrates brings its key.
  source.write_key = fields.text("write_key", governance::kWriteKeyBytesMax).value_or("");
  source.default_region = fields.text("default_region", 2).value_or("");
  const auto kind = fields.text("kind", 16);
  if (visibility == "public") {
    source.kind = governance::SourceKind::browser;
  } else if (visibility == "secret") {
    source.kind = governance::SourceKind::server;
  } else {
    fields.refuse("visibility", "not_one_of", "is neither public nor secret");
  }
  if (kind) {
    const auto named = governance::source_kind_from(*kind);
    // A browser's key can be read by anyone, whatever is said of it.
    if (!named || (*named == governance::SourceKind::server) != (visibility == "secret")) {
      fields.refuse("kind", "not_one_of", "is none of browser and mobile (public) or server (secret)");
    } else {
      source.kind = *named;
    }
  }
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  later(responder, [this, call, responder, source] {
    const auto made = parts_.registry->create_source(source, call.caller.principal, parts_.clock());
    if (!made) return refuse(responder, made.error());
    json::object body = source_json(*made, SourceActivity{});
    body["write_key"] = made->write_key;
    answer(responder, 201, body);
  });
}

void GovernanceApi::list_keys(const Call& /*call*/, const http::Responder& responder) {
  json::array items;
  const Timestamp now = parts_.clock();
  const auto snapshot = parts_.registry->snapshot();
  for (const ApiKey& key : snapshot->api_keys) {
    if (key.in_force(now)) items.push_back(key_json(key));
  }
  answer(responder, 200, {{"items", std::move(items)}, {"next", nullptr}});
}

void GovernanceApi::create_key(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  const std::string name = fields.required_text("name", kNameInputMax);
  governance::ScopeSet scopes;
  for (const std::string& text : fields.texts("scopes", 32, 40)) {
    if (const auto scope = governance::scope_from(text)) {
      scopes.add(*scope);
    } else {
      fields.refuse("scopes", "unknown_scope", "names a scope that does not exist");
    }
  }
  Timestamp expires_at;
  if (const auto text = fields.text("expires_at", 40)) {
    const auto time = parse_iso8601(*text);
    if (time) {
      expires_at = time->time;
    } else {
      fields.refuse("expires_at", "not_a_time", "is no ISO 8601 time; write it as 2030-01-31T00:00:00Z");
    }
  }
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  later(responder, [this, call, responder, name, scopes, expires_at] {
    const auto made = parts_.registry->create_api_key(name, scopes, expires_at, call.caller.principal, parts_.clock());
    if (!made) return refuse(responder, made.error());
    json::object body = key_json(made->key);
    body["token"] = made->secret.reveal();
    answer(responder, 201, body);
  });
}

void GovernanceApi::delete_key(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    const auto after = parts_.registry->change(governance::RevokeApiKey{ApiKeyId::from_hex(call.id)},
                                               call.caller.principal, parts_.clock());
    if (!after) return refuse(responder, after.error());
    answer_nothing(responder);
  });
}

}  // namespace terreno::api
