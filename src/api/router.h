#pragma once

// Which handler a request reaches. The table can be listed, and a test crosses it with docs/openapi.yaml.
//
// 1. A path is normalised, never redirected: repeated and trailing slashes do not count. (On a redirect tracking SDKs
//    repeat a POST as a GET and lose the events.)
// 2. A literal segment wins over a `{parameter}`; parameters are one segment each, percent-decoded, never empty.
// 3. A known path with another method is 405 with `Allow`; `HEAD` goes to `GET`; an unknown path is 404.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http.h"

namespace terreno::api {

/// The `{name}`s of a pattern with their decoded values.
class PathParameters {
 public:
  /// Empty when the pattern has no such name.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  void add(std::string_view name, std::string value) { values_.emplace_back(name, std::move(value)); }

 private:
  std::vector<std::pair<std::string_view, std::string>> values_;
};

using RouteHandler = std::function<void(const http::Request&, const PathParameters&, http::Responder)>;
/// How a route says an error that arises before its handler: status, code, and a text for developers.
using ErrorForm = http::Response (*)(const http::Request&, uint16_t status, std::string_view code,
                                     std::string_view detail);
/// RFC 9457.
[[nodiscard]] http::Response problem_form(const http::Request& request, uint16_t status, std::string_view code,
                                          std::string_view detail);

struct Route {
  http::Method method = http::Method::get;
  std::string pattern;    ///< `/v1/projects/{key}/settings`
  std::string operation;  ///< operation id of openapi.yaml
  RouteHandler handler;
  ErrorForm error_form = problem_form;
};

/// Filled at start, then only read: any number of threads may call `handle` and `refuse`.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// The same method and pattern twice is a programmer's error.
  void add(Route route);
  /// Takes what no pattern matches, such as the console's pages.
  void set_fallback(http::Handler fallback);

  void handle(const http::Request& request, http::Responder responder) const;
  /// For the server: the form of the route that the request would have reached.
  [[nodiscard]] http::Response refuse(const http::Request& request, http::Refusal refusal) const;

  /// In the order added.
  [[nodiscard]] const std::vector<Route>& routes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace terreno::api
