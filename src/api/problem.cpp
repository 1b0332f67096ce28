#include "api/problem.h"

#include <boost/json.hpp>

namespace terreno::api {

http::Response problem(const Refused& refused, const boost::json::object& more) {
  const std::string_view title = http::reason_phrase(refused.status);
  boost::json::object body{{"type", "urn:terreno:problem:" + refused.code},
                           {"title", boost::json::string_view(title.data(), title.size())},
                           {"status", refused.status},
                           {"code", refused.code}};
  if (!refused.detail.empty()) body["detail"] = refused.detail;
  if (!refused.params.empty()) {
    boost::json::object params;
    for (const auto& [name, value] : refused.params) params[name] = value;
    body["params"] = std::move(params);
  }
  if (!refused.pointer.empty()) body["pointer"] = refused.pointer;
  for (const auto& member : more) body[member.key()] = member.value();
  http::Response response;
  response.status = refused.status;
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(body);
  if (refused.retry_after_seconds) response.add_header("Retry-After", std::to_string(*refused.retry_after_seconds));
  add_security_headers(response);
  return response;
}

void add_security_headers(http::Response& response) {
  response.add_header("Cache-Control", "no-store");
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("Referrer-Policy", "no-referrer");
  response.add_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

}  // namespace terreno::api
