// The audit log, page by page.

#include <charconv>

#include "api/governance_api.h"

namespace terreno::api {

namespace json = boost::json;
using governance::ActorKind;
using governance::AuditEntry;

namespace {

std::optional<uint64_t> read_number(const std::string& text) {
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

json::object entry_json(const AuditEntry& entry) {
  json::object actor{{"kind", entry.actor_kind == ActorKind::user      ? "user"
                              : entry.actor_kind == ActorKind::api_key ? "key"
                                                                       : "system"},
                     {"name", entry.actor_name.empty() ? std::string(name_of(entry.actor_kind)) : entry.actor_name}};
  if (!entry.actor_id.empty()) actor["id"] = entry.actor_id;
  json::value subject = nullptr;
  if (!entry.note.object_kind.empty()) {
    subject =
        json::object{{"kind", entry.note.object_kind}, {"id", entry.note.object_id}, {"name", entry.note.object_name}};
  }
  json::object params;
  for (const auto& [name, value] : entry.note.details) params[name] = value;
  return {{"id", std::to_string(entry.number)},
          {"at", format_iso8601(entry.time)},
          {"actor", std::move(actor)},
          {"action", entry.note.action},
          {"subject", std::move(subject)},
          {"params", std::move(params)},
          {"client_address", entry.address.empty() ? json::value(nullptr) : json::value(entry.address)}};
}

}  // namespace

void GovernanceApi::list_audit(const Call& call, const http::Responder& responder) {
  governance::AuditQuery query;
  if (const std::string cursor = call.query_value("cursor"); !cursor.empty()) {
    const auto number = read_number(cursor);
    if (!number) {
      return refuse(responder, Refused{422,
                                       "invalid_cursor",
                                       "cursor: is no cursor of this list; pass `next` of a page",
                                       {{"field", "cursor"}},
                                       {},
                                       {}});
    }
    query.before = *number;
  }
  if (const std::string limit = call.query_value("limit"); !limit.empty()) {
    const auto number = read_number(limit);
    if (!number || *number > governance::kAuditPageMax) {
      return refuse(responder,
                    Refused{422, "out_of_range", "limit: is not between 1 and 200", {{"field", "limit"}}, {}, {}});
    }
    query.limit = *number;
  }
  later(responder, [this, query, responder] {
    const auto page = parts_.registry->audit().read(query);
    if (!page) return refuse(responder, page.error());
    json::array items;
    for (const AuditEntry& entry : page->entries) items.push_back(entry_json(entry));
    answer(responder, 200,
           {{"items", std::move(items)},
            {"next", page->next_before ? json::value(std::to_string(*page->next_before)) : json::value(nullptr)}});
  });
}

}  // namespace terreno::api
