#pragma once

// Who is asking, and whether the route is for them.
//
// 1. A bearer key is looked at first; a request that carries one never falls back to its cookie.
// 2. A request that changes something and comes with a cookie needs the session's CSRF token and no foreign origin. So
// do
//    sign-in and first run, as far as the origin goes: nobody signs a visitor in to an account of their own.
// 3. A refused request learns only what it lacks: 401 without a valid session or key, 403 with the missing scope.

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "base/http.h"
#include "base/secret.h"
#include "governance/governance.h"

namespace terreno::api {

/// What a route asks of whoever calls it: the `x-scopes` and `security` of openapi.yaml.
enum class Access : uint8_t {
  open,       ///< `security: []`
  signed_in,  ///< any valid session or key
  session,    ///< a valid session
  scoped      ///< a valid session or key that has `scope`
};
struct Guard {
  Access access = Access::scoped;
  governance::Scope scope = governance::Scope::admin;  ///< when `scoped`
};

/// A request that was let in.
struct Caller {
  governance::Principal principal;
  std::optional<governance::SignedIn> signed_in;  ///< when by a session
  Secret session_id;                              ///< the cookie, when by a session
};

/// Status and code of each of governance's errors.
[[nodiscard]] Refused refused_by(const governance::Error& error);

/// Whose request it is when proxies stand between: the last address in `X-Forwarded-For` that is no trusted proxy,
/// provided that the connection itself comes from one. Anybody can write that header, so nothing else of it counts.
[[nodiscard]] std::string client_address(const http::Request& request, const std::vector<std::string>& trusted_proxies);

class Authentication {
 public:
  using Clock = std::function<Timestamp()>;
  /// `cookie_key` is derived from the installation key. `registry` must outlive this.
  Authentication(const governance::Registry& registry, Secret cookie_key, Clock clock)
      : registry_(&registry), cookie_key_(std::move(cookie_key)), clock_(std::move(clock)) {}

  /// Lets the request in, or says why not. Does not block. Thread: any.
  [[nodiscard]] std::expected<Caller, Refused> admit(const http::Request& request, const Guard& guard) const;

  /// What `X-CSRF-Token` must hold: an HMAC of the session's id, so that it needs no room and dies with the session.
  [[nodiscard]] std::string csrf_token(const Secret& session_id) const;
  [[nodiscard]] std::string session_cookie(const Secret& session_id) const;
  /// The cookie that takes it away.
  [[nodiscard]] std::string ended_cookie() const;
  [[nodiscard]] bool is_foreign_origin(const http::Request& request) const;

 private:
  [[nodiscard]] std::string_view secure_attribute() const;

  const governance::Registry* registry_;
  Secret cookie_key_;
  Clock clock_;
};

inline constexpr std::string_view kSessionCookie = "terreno_session";

}  // namespace terreno::api
