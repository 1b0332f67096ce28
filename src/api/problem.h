#pragma once

// How the API says that something went wrong: RFC 9457, with a code and parameters from which clients make sentences in
// their reader's language. (Tracking has a form of its own, see tracking.h.)

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/http.h"

namespace terreno::api {

/// A refusal on its way to its document.
struct Refused {
  uint16_t status = 422;
  std::string code;    ///< stable: `not_found`, `too_long`, …
  std::string detail;  ///< for programmers, in English: names field, rule, remedy; no personal data
  std::vector<std::pair<std::string, std::string>> params;
  std::string pointer;  ///< JSON pointer into the body: `/topics/0/name`
  std::optional<int64_t> retry_after_seconds;
};

/// `application/problem+json` with `type`, `title` (HTTP's name of the status), `status`, `code`, and what else is
/// given. Members of `more` come besides, or in the place of those of the same name.
[[nodiscard]] http::Response problem(const Refused& refused, const boost::json::object& more = {});

/// Headers of every answer of the API: not cached, not sniffed, not framed, no referrer.
void add_security_headers(http::Response& response);

}  // namespace terreno::api
