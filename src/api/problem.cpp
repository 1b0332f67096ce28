#include "api/problem.h"

#include <boost/json.hpp>

namespace terreno::api {

namespace {

boost::json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

http::Response problem(const Problem& problem) {
  boost::json::object body;
  body["type"] = std::string("urn:terreno:problem:").append(problem.code);
  body["title"] = view(http::reason_phrase(problem.status));
  body["status"] = problem.status;
  body["code"] = view(problem.code);
  body["params"] = problem.params;
  if (!problem.pointer.empty()) body["pointer"] = view(problem.pointer);
  if (!problem.detail.empty()) body["detail"] = view(problem.detail);
  http::Response response = json_response(problem.status, body);
  response.content_type = "application/problem+json";
  return response;
}

http::Response json_response(uint16_t status, const boost::json::value& value) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  // An answer belongs to who asked: neither a proxy nor the browser's cache may keep it.
  response.add_header("Cache-Control", "no-store");
  response.body = boost::json::serialize(value);
  return response;
}

std::expected<boost::json::object, Problem> read_json_object(const http::Request& request) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(view(request.body), error, {}, options);
  if (error) {
    return std::unexpected(Problem{.status = 400,
                                   .code = "invalid_json",
                                   .detail = "body: is not valid JSON of at most 32 levels; send one JSON object"});
  }
  if (!value.is_object()) {
    return std::unexpected(
        Problem{.status = 400, .code = "invalid_body", .detail = "body: is not a JSON object; send one"});
  }
  return std::move(value.as_object());
}

std::optional<std::string> string_member(const boost::json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(view(name));
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

std::optional<int64_t> integer_member(const boost::json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(view(name));
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->as_int64();
}

}  // namespace terreno::api
