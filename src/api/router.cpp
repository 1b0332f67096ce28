#include "api/router.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "api/problem.h"
#include "base/check.h"

namespace terreno::api {

namespace {

constexpr size_t kSegmentsMax = 16;

struct Segments {
  std::array<std::string_view, kSegmentsMax> items;
  size_t count = 0;
  bool too_many = false;
};

// Invariant 1: empty segments vanish.
Segments split(std::string_view path) {
  Segments segments;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (segment.empty()) continue;
    if (segments.count == kSegmentsMax) {
      segments.too_many = true;
      return segments;
    }
    segments.items[segments.count++] = segment;
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

}  // namespace

std::string_view PathParameters::get(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return {};
}

http::Response problem_form(const http::Request& /*request*/, uint16_t status, std::string_view code,
                            std::string_view detail) {
  return problem({status, std::string(code), std::string(detail), {}, {}, {}});
}

struct Router::State {
  // A tree of segments. Nodes are few and long-lived.
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
    std::unique_ptr<Node> parameter;
    std::vector<size_t> routes;  ///< into `routes` below
  };
  Node root;
  std::vector<Route> routes;
  http::Handler fallback;

  [[nodiscard]] const Node* find(const Segments& segments) const {
    if (segments.too_many) return nullptr;
    return find_from(root, segments, 0);
  }
  static const Node* find_from(const Node& node, const Segments& segments, size_t depth) {
    if (depth == segments.count) return node.routes.empty() ? nullptr : &node;
    const std::string_view segment = segments.items[depth];
    if (const auto literal = node.literal.find(segment); literal != node.literal.end()) {
      if (const Node* found = find_from(*literal->second, segments, depth + 1)) return found;
    }
    return node.parameter ? find_from(*node.parameter, segments, depth + 1) : nullptr;
  }

  [[nodiscard]] const Route* route_for(const Node& node, http::Method method) const {
    const Route* get = nullptr;
    for (const size_t index : node.routes) {
      if (routes[index].method == method) return &routes[index];
      if (routes[index].method == http::Method::get) get = &routes[index];
    }
    return method == http::Method::head ? get : nullptr;
  }

  [[nodiscard]] std::string allowed(const Node& node) const {
    std::string text;
    for (const size_t index : node.routes) {
      if (!text.empty()) text += ", ";
      text += http::name_of(routes[index].method);
      if (routes[index].method == http::Method::get) text += ", HEAD";
    }
    return text;
  }
};

Router::Router() : state_(std::make_unique<State>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Route route) {
  const Segments segments = split(route.pattern);
  TERRENO_CHECK(!segments.too_many && route.pattern.starts_with('/') && route.handler, "malformed route");
  State::Node* node = &state_->root;
  for (size_t i = 0; i < segments.count; ++i) {
    const std::string_view segment = segments.items[i];
    auto& next = is_parameter(segment) ? node->parameter : node->literal[std::string(segment)];
    if (!next) next = std::make_unique<State::Node>();
    node = next.get();
  }
  TERRENO_CHECK(std::ranges::none_of(node->routes, [&](size_t i) { return state_->routes[i].method == route.method; }),
                "two routes of one method and path");
  node->routes.push_back(state_->routes.size());
  state_->routes.push_back(std::move(route));
}

void Router::set_fallback(http::Handler fallback) { state_->fallback = std::move(fallback); }
const std::vector<Route>& Router::routes() const { return state_->routes; }

void Router::handle(const http::Request& request, http::Responder responder) const {
  const Segments segments = split(request.raw_path);
  const State::Node* const node = state_->find(segments);
  if (node == nullptr) {
    if (state_->fallback) return state_->fallback(request, std::move(responder));
    return responder.answer(problem({404, "not_found", "there is nothing at this path", {}, {}, {}}));
  }
  const Route* const route = state_->route_for(*node, request.method);
  if (route == nullptr) {
    const Route& any = state_->routes[node->routes.front()];
    http::Response response =
        request.method == http::Method::options
            ? http::Response{.status = 204, .content_type = {}, .header_lines = {}, .body = {}}
            : any.error_form(request, 405, "method_not_allowed", "this path does not take this method; see Allow");
    response.add_header("Allow", state_->allowed(*node));
    return responder.answer(std::move(response));
  }
  PathParameters parameters;
  const Segments names = split(route->pattern);
  for (size_t i = 0; i < names.count; ++i) {
    if (!is_parameter(names.items[i])) continue;
    auto value = http::percent_decode(segments.items[i]);
    if (!value)
      return responder.answer(route->error_form(request, 400, "malformed_path", "path: has a malformed escape"));
    parameters.add(names.items[i].substr(1, names.items[i].size() - 2), std::move(*value));
  }
  route->handler(request, parameters, std::move(responder));
}

http::Response Router::refuse(const http::Request& request, http::Refusal refusal) const {
  const State::Node* const node = state_->find(split(request.raw_path));
  const ErrorForm form = node == nullptr ? problem_form : state_->routes[node->routes.front()].error_form;
  std::string_view detail;
  switch (refusal) {
    case http::Refusal::body_too_large:
      detail = "body: is larger than the limit; send less at a time";
      break;
    case http::Refusal::body_timeout:
      detail = "body: did not arrive in time; send it again";
      break;
    case http::Refusal::busy:
      detail = "too much is being received; send it again later";
      break;
    case http::Refusal::stopping:
      detail = "the server is stopping; send it again later";
      break;
    case http::Refusal::unanswered:
      detail = "the request was not answered in time; send it again";
      break;
  }
  http::Response response = form(request, http::status_of(refusal), http::code_of(refusal), detail);
  const bool is_temporary = refusal == http::Refusal::busy || refusal == http::Refusal::stopping;
  if (is_temporary && !response.header("retry-after")) response.add_header("Retry-After", "1");
  return response;
}

}  // namespace terreno::api
