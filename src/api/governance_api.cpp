#include "api/governance_api.h"

#include <algorithm>

namespace terreno::api {

namespace json = boost::json;
using governance::Errc;
using governance::Scope;

const std::vector<GovernanceApi::Route>& GovernanceApi::routes() {
  using Api = GovernanceApi;
  using http::Method;
  constexpr Guard kOpen{Access::open};
  const auto scoped = [](Scope scope) { return Guard{Access::scoped, scope}; };
  static const std::vector<Route> kRoutes{
      {Method::get, "/api/v1/session", {Access::session}, &Api::get_session},
      {Method::post, "/api/v1/session", kOpen, &Api::create_session},
      {Method::delete_, "/api/v1/session", {Access::session}, &Api::delete_session},
      {Method::patch, "/api/v1/session", {Access::session}, &Api::update_own_user},
      {Method::put, "/api/v1/session/password", {Access::session}, &Api::change_password},
      {Method::post, "/api/v1/first-run", kOpen, &Api::complete_first_run},
      {Method::post, "/api/v1/links", kOpen, &Api::accept_link},
      {Method::get, "/api/v1/users", scoped(Scope::users_read), &Api::list_users},
      {Method::post, "/api/v1/users", scoped(Scope::users_write), &Api::invite_user},
      {Method::patch, "/api/v1/users/{id}", scoped(Scope::users_write), &Api::update_user},
      {Method::delete_, "/api/v1/users/{id}", scoped(Scope::users_write), &Api::delete_user},
      {Method::post, "/api/v1/users/{id}/link", scoped(Scope::users_write), &Api::create_user_link},
      {Method::get, "/api/v1/sources", scoped(Scope::sources_read), &Api::list_sources},
      {Method::post, "/api/v1/sources", scoped(Scope::sources_write), &Api::create_source},
      {Method::get, "/api/v1/keys", scoped(Scope::keys_read), &Api::list_keys},
      {Method::post, "/api/v1/keys", scoped(Scope::keys_write), &Api::create_key},
      {Method::delete_, "/api/v1/keys/{id}", scoped(Scope::keys_write), &Api::delete_key},
      {Method::get, "/api/v1/sender", scoped(Scope::sender_read), &Api::get_sender},
      {Method::put, "/api/v1/sender", scoped(Scope::sender_write), &Api::put_sender},
      {Method::get, "/api/v1/audit", scoped(Scope::audit_read), &Api::list_audit},
  };
  return kRoutes;
}

std::string Call::query_value(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return found == query.end() ? std::string() : found->second;
}

void GovernanceApi::run(const Route& route, const http::Request& request, std::string id,
                        const http::Responder& responder) {
  auto caller = parts_.authentication->admit(request, route.guard);
  if (!caller) return refuse(responder, caller.error());
  if (request.body.size() > kBodyBytesMax) {
    return refuse(responder, Refused{413, "payload_too_large", "the body is larger than 64 KiB", {}, {}, {}});
  }
  const bool has_body =
      route.method == http::Method::post || route.method == http::Method::put || route.method == http::Method::patch;
  // A form of another site can send text or form data without asking; JSON it cannot.
  const auto type = request.header("Content-Type");
  if (has_body && !request.body.empty() && (!type || !type->starts_with("application/json"))) {
    return refuse(responder, Refused{415, "unsupported_media_type", "send Content-Type: application/json", {}, {}, {}});
  }
  Call call;
  call.client = {caller->principal.address, std::string(request.header("User-Agent").value_or("").substr(0, 200))};
  call.caller = std::move(*caller);
  call.body = request.body;
  call.id = std::move(id);
  call.query = request.query_parameters();
  (this->*route.handle)(call, responder);
}

void GovernanceApi::answer(const http::Responder& responder, uint16_t status, const json::value& body,
                           std::string cookie) const {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = json::serialize(body);
  add_security_headers(response);
  if (!cookie.empty()) response.add_header("Set-Cookie", cookie);
  responder.answer(std::move(response));
}

void GovernanceApi::answer_nothing(const http::Responder& responder, std::string cookie) const {
  http::Response response;
  response.status = 204;
  add_security_headers(response);
  if (!cookie.empty()) response.add_header("Set-Cookie", cookie);
  responder.answer(std::move(response));
}

void GovernanceApi::refuse(const http::Responder& responder, const Refused& refused) const {
  responder.answer(problem(refused));
}

void GovernanceApi::refuse(const http::Responder& responder, const governance::Error& error) const {
  if (error.code == Errc::storage_failed && parts_.stop) parts_.stop();
  refuse(responder, refused_by(error));
}

void GovernanceApi::later(const http::Responder& responder, std::function<void()> work) const {
  if (!parts_.background(std::move(work))) {
    refuse(responder,
           Refused{429, "too_many_requests", "too many changes wait for the disk; try again in 1 s", {}, {}, 1});
  }
}

json::array scopes_json(governance::ScopeSet scopes) {
  json::array list;
  for (int i = 0; i < governance::kScopeCount; ++i) {
    const auto scope = static_cast<Scope>(i);
    if (scopes.allows(scope)) list.emplace_back(name_of(scope));
  }
  return list;
}

json::value time_or_null(Timestamp time) {
  if (time.is_zero()) return nullptr;
  return json::value(format_iso8601(time));
}

}  // namespace terreno::api
