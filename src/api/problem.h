#pragma once

// How the API says that something went wrong: RFC 9457, with a code and parameters from which clients make sentences in
// their reader's language. (Tracking has a form of its own, see tracking.h.)

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"

namespace terreno::api {

struct Problem {
  uint16_t status = 400;
  std::string_view code;    ///< a constant: `not_found`, `invalid_body`, …
  std::string detail = {};  ///< for a developer: names field, rule, remedy; no personal data
  boost::json::object params = {};
  std::string pointer = {};  ///< JSON pointer into the body: `/topics/0/name`
};

/// `application/problem+json` with `type`, `title`, `status`, `code`, `params`, and `pointer` and `detail` when given.
[[nodiscard]] http::Response problem(const Problem& problem);

/// A JSON answer.
[[nodiscard]] http::Response json_response(uint16_t status, const boost::json::value& value);

/// The body as a JSON object of at most 32 levels; otherwise the problem to answer.
[[nodiscard]] std::expected<boost::json::object, Problem> read_json_object(const http::Request& request);

/// The member as a string or integer; nullopt when it is absent or of another kind.
[[nodiscard]] std::optional<std::string> string_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::optional<int64_t> integer_member(const boost::json::object& object, std::string_view name);

}  // namespace terreno::api
