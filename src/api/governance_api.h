#pragma once

// The routes of governance: session, first run, users, links, sources, keys, sender, audit (openapi.yaml).
//
// 1. Every route is in one table with its guard; nothing is reached without passing it.
// 2. A handler never blocks a server thread: what waits for the disk runs on `background`, what hashes on `passwords`.
// 3. Write keys of secret sources, API keys and links are in one answer each, the one that made them.

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/authentication.h"
#include "api/body_fields.h"
#include "base/http.h"
#include "governance/governance.h"

namespace terreno::api {

/// The password pool (adapters/crypto/password.h), as this layer sees it. False: it is full.
struct PasswordWork {
  std::function<bool(Secret password, std::function<void(std::string)> done)> hash;
  std::function<bool(Secret password, std::string encoded, std::function<void(bool, std::string)> done)> check;
};

/// What others know of a source.
struct SourceActivity {
  Timestamp since;          ///< counted from here on: before it nobody knows
  Timestamp last_event_at;  ///< zero: none since then
  double per_second = 0;    ///< over the last minute
  uint64_t events = 0;      ///< taken
  uint64_t held = 0;        ///< quarantined
};
/// One record that the domain's name server should have.
struct DomainRecord {
  std::string purpose;  ///< `spf`, `dkim`, `dmarc`, `bounces`
  std::string type;     ///< `TXT`, `MX`, `CNAME`
  std::string name;
  std::string value;
  std::string state = "unchecked";  ///< `found`, `missing`, `different`, `unchecked`
};
/// What others know of the sender.
struct SenderFacts {
  bool has_dkim_key = false;
  std::vector<DomainRecord> records;
  uint64_t outbox_count = 0;
};

/// A request that was let in, without views, so that it can wait.
struct Call {
  Caller caller;
  governance::Client client;
  std::string body;
  std::string id;  ///< the `{id}` of the path
  std::vector<std::pair<std::string, std::string>> query;
  std::string idempotency_key = {};  ///< empty: none was sent
  [[nodiscard]] std::string query_value(std::string_view name) const;
};

class GovernanceApi {
 public:
  using Clock = Authentication::Clock;
  struct Parts {
    governance::Registry* registry = nullptr;  ///< outlives this
    const Authentication* authentication = nullptr;
    PasswordWork passwords;
    /// Runs work that may block, soon, elsewhere. False: too much waits already.
    std::function<bool(std::function<void()>)> background;
    Clock clock;
    std::function<SourceActivity(governance::SourceId)> source_activity;       ///< may be empty
    std::function<SenderFacts(const governance::Installation&)> sender_facts;  ///< may be empty
    /// The disk refused: called once, before the answer. The program must stop.
    std::function<void()> stop;
  };
  /// A route as the router and the test of route × scope see it.
  struct Route {
    http::Method method;
    std::string_view path;  ///< `{id}` stands for one segment
    Guard guard;
    void (GovernanceApi::*handle)(const Call&, const http::Responder&);
  };
  static constexpr size_t kBodyBytesMax = 64 * 1024;

  explicit GovernanceApi(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] static const std::vector<Route>& routes();
  /// Runs one route, its guard first. `id` is the path's `{id}`. Thread: any; does not block.
  void run(const Route& route, const http::Request& request, std::string id, const http::Responder& responder);

  // One for each route; in accounts.cpp, keys.cpp, sender.cpp, audit.cpp.
  void get_session(const Call& call, const http::Responder& responder);
  void create_session(const Call& call, const http::Responder& responder);
  void delete_session(const Call& call, const http::Responder& responder);
  void update_own_user(const Call& call, const http::Responder& responder);
  void change_password(const Call& call, const http::Responder& responder);
  void complete_first_run(const Call& call, const http::Responder& responder);
  void list_users(const Call& call, const http::Responder& responder);
  void invite_user(const Call& call, const http::Responder& responder);
  void update_user(const Call& call, const http::Responder& responder);
  void delete_user(const Call& call, const http::Responder& responder);
  void create_user_link(const Call& call, const http::Responder& responder);
  void accept_link(const Call& call, const http::Responder& responder);
  void list_sources(const Call& call, const http::Responder& responder);
  void create_source(const Call& call, const http::Responder& responder);
  void list_keys(const Call& call, const http::Responder& responder);
  void create_key(const Call& call, const http::Responder& responder);
  void delete_key(const Call& call, const http::Responder& responder);
  void get_sender(const Call& call, const http::Responder& responder);
  void put_sender(const Call& call, const http::Responder& responder);
  void list_audit(const Call& call, const http::Responder& responder);

 private:
  void answer(const http::Responder& responder, uint16_t status, const boost::json::value& body,
              std::string cookie = {}) const;
  void answer_nothing(const http::Responder& responder, std::string cookie = {}) const;
  void refuse(const http::Responder& responder, const Refused& refused) const;
  void refuse(const http::Responder& responder, const governance::Error& error) const;
  /// Runs `work` in the background, or answers 429.
  void later(const http::Responder& responder, std::function<void()> work) const;
  void answer_session(const http::Responder& responder, const governance::NewSession& session) const;
  void save_user(const Call& call, const governance::UpdateUser& update, const http::Responder& responder) const;
  void change_sender(const Call& call, const governance::ChangeSender& change, const http::Responder& responder) const;
  [[nodiscard]] boost::json::object sender_json() const;
  [[nodiscard]] SenderFacts sender_facts() const;
  /// A refusal while `email` or the client must wait; otherwise counts the attempt.
  [[nodiscard]] std::optional<Refused> limited(std::string_view email, const Call& call);
  void note_attempt(std::string_view email, const Call& call, bool succeeded);
  /// The same for one-time tokens, whose attempt is over at once.
  [[nodiscard]] std::optional<Refused> limited_by_token(std::string_view token, const Call& call);

  Parts parts_;
  std::mutex limiter_mutex_;
  governance::SignInLimiter limiter_;
};

[[nodiscard]] boost::json::array scopes_json(governance::ScopeSet scopes);
[[nodiscard]] boost::json::value time_or_null(Timestamp time);

}  // namespace terreno::api
