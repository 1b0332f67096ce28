#include "api/links.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/authentication.h"
#include "base/bytes.h"
#include "events/record.h"

namespace terreno::api {

namespace {

using consent::LinkAction;

http::Response page_response(uint16_t status, std::string html) {
  http::Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(html);
  response.add_header("Cache-Control", "no-store");
  // The address of the page is the right to withdraw: it is not told to anybody.
  response.add_header("Referrer-Policy", "no-referrer");
  response.add_header("X-Robots-Tag", "noindex");
  response.add_header("X-Content-Type-Options", "nosniff");
  response.add_header("Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; font-src 'self'; form-action 'self'; "
                      "base-uri 'none'; frame-ancestors 'none'");
  return response;
}

struct Form {
  bool is_one_click = false;
  bool wants_everything = false;
  bool is_preferences = false;
  bool wants_nothing = false;                ///< of preferences
  std::set<std::string, std::less<>> shown;  ///< topics shown as on
  std::set<std::string, std::less<>> ticked;
};

/// Mail providers send the one-click field as a form, or as multipart (RFC 8058, section 3.2). Any other body counts as
/// the page's button: nobody's withdrawal fails for its form.
Form read_form(std::string_view body) {
  http::Request fields;
  fields.query = body;
  Form form;
  form.is_one_click = fields.query_parameter("List-Unsubscribe") == "One-Click" ||
                      (body.find("name=\"List-Unsubscribe\"") != std::string_view::npos &&
                       body.find("One-Click") != std::string_view::npos);
  form.wants_everything = fields.query_parameter("all") == "1";
  form.is_preferences = fields.query_parameter("form") == "preferences";
  if (!form.is_preferences) return form;
  for (const auto& [name, value] : fields.query_parameters()) {
    if (name == "none") form.wants_nothing = true;
    if (name.starts_with("on.")) form.shown.insert(name.substr(3));
    if (name.starts_with("t.")) form.ticked.insert(name.substr(2));
  }
  return form;
}

/// What an address has said, read at its home. As of the clock: a partition's own time may stand where nothing is due.
struct Said {
  consent::PermissionCopy copy;
  bool is_suppressed = false;
  Timestamp now;

  Said(const consent::AddressLedger* ledger, Timestamp at) : now(at) {
    if (ledger == nullptr) return;
    copy = ledger->copy();
    is_suppressed = !ledger->folded().suppressions.empty();
  }

  [[nodiscard]] bool is_on(std::string_view topic, std::string_view brand) const {
    return std::ranges::any_of(copy.lines, [&](const consent::FoldedPermission& line) {
      return line.scope.topic == topic && line.scope.brand == brand &&
             copy.state_of(line.scope, now) == consent::PermissionState::subscribed;
    });
  }
  /// Whether they said no to all of it, whatever they granted since.
  [[nodiscard]] bool is_refused(const consent::Scope& pattern) const {
    return std::ranges::any_of(copy.lines, [&](const consent::FoldedPermission& line) {
      return line.state == consent::PermissionState::unsubscribed && line.scope.covers(pattern);
    });
  }
};

/// How often a link says yes, and how often its no is a new one. Thread-safe.
class LinkLimits {
 public:
  /// How long whoever wants to widen what `address` allows must wait; zero: it is counted, and they go on.
  Duration wait_to_widen(const consent::Address& address, const std::string& client, Timestamp now) {
    const std::string key = consent::key_of(address).hex();
    const std::lock_guard lock(mutex_);
    const Duration wait = widening_.wait(key, client, now);
    if (wait.ms == 0) widening_.attempted(key, client, now);
    return wait;
  }

  /// When a withdrawal counts from. Repeated within some minutes it is the same word, said at the same time, so that it
  /// makes no entry where nothing has opened since: a link that is posted a thousand times does not fill a ledger. (A
  /// grant made in between, and delivered after the repeat, is later than it and stands.)
  Timestamp time_of_withdrawal(const consent::Address& address, const consent::Scope& scope, Timestamp now) {
    std::string key;
    Writer out(key);
    out.id(consent::key_of(address));
    for (const std::string* part : {&scope.topic, &scope.purpose, &scope.brand}) out.bytes(*part);
    const std::lock_guard lock(mutex_);
    const auto said = said_at_.find(key);
    if (said != said_at_.end() && said->second <= now && repeats_.wait(key, now).ms > 0) return said->second;
    repeats_.failed(key, now);
    // Forgetting makes a second entry, never a missing one.
    if (said_at_.size() >= kRemembered) said_at_.clear();
    return said_at_[key] = now;
  }

 private:
  static constexpr size_t kRemembered = 10'000;
  std::mutex mutex_;
  governance::SignInLimiter widening_;
  governance::AttemptLimiter repeats_{{.free_failures = 1, .wait_min = minutes(1)}, kRemembered};
  std::unordered_map<std::string, Timestamp> said_at_;
};

/// What a tick at `topic` grants: exactly the scopes that the brand's journeys send it in.
std::vector<consent::Scope> scopes_of(const flow::Configuration& configuration, const std::string& topic,
                                      const consent::Scope& of_link) {
  std::vector<consent::Scope> scopes;
  for (const auto& journey : configuration.journeys) {
    for (const journeys::Step& step : journey->steps) {
      if (step.kind != journeys::StepKind::send || step.send.scope.topic != topic ||
          step.send.scope.brand != of_link.brand || step.send.message_class != consent::MessageClass::commercial ||
          std::ranges::find(scopes, step.send.scope) != scopes.end())
        continue;
      scopes.push_back(step.send.scope);
    }
  }
  if (scopes.empty()) scopes.push_back({topic, of_link.purpose, of_link.brand});
  return scopes;
}

struct LinkRoutes : std::enable_shared_from_this<LinkRoutes> {
  explicit LinkRoutes(LinkDependencies dependencies) : with(std::move(dependencies)) {}

  LinkDependencies with;
  /// Outlives the routes, as the engine's callbacks may.
  std::shared_ptr<std::atomic<size_t>> waiting = std::make_shared<std::atomic<size_t>>(0);
  std::shared_ptr<LinkLimits> limits = std::make_shared<LinkLimits>();

  [[nodiscard]] consent::LinkPage page_for(const http::Request& request) const {
    consent::LinkPage page;
    const auto snapshot = with.snapshot();
    const governance::Installation& installation = snapshot->installation;
    page.language = consent::page_language_named(request.header("Accept-Language").value_or(""))
                        .or_else([&] { return consent::page_language_named(name_of(installation.language)); })
                        .value_or(consent::PageLanguage::en);
    const governance::Sender& sender = installation.sender;
    page.brand_name = sender.brand.empty() ? installation.organisation : sender.brand;
    page.legal_line = sender.legal_entity;
    if (!sender.postal_address.empty())
      page.legal_line += (page.legal_line.empty() ? "" : " · ") + sender.postal_address;
    return page;
  }

  /// Fills the page with what the token says; nullopt: there is nothing that this link can do.
  std::optional<consent::LinkClaims> read(std::string_view token, consent::LinkPage& page) const {
    if (token.size() > consent::kTokenBytesMax) return std::nullopt;
    auto claims = consent::read_token(*with.keys, token);
    if (!claims || claims->action == LinkAction::view) return std::nullopt;
    if (claims->action == LinkAction::confirm && claims->scope.topic.empty()) return std::nullopt;
    page.language = consent::page_language_named(claims->language).value_or(page.language);
    if (!claims->scope.topic.empty()) page.topic_name = title_of(with.configuration().get(), claims->scope.topic, page);
    page.masked_address = consent::mask_address(claims->address);
    page.post_path = "/u/" + std::string(token);
    consent::LinkClaims choice = *claims;
    choice.action = LinkAction::preferences;
    page.preferences_path = "/u/" + consent::make_token(*with.keys, choice);
    return *std::move(claims);
  }

  static std::string title_of(const flow::Configuration* configuration, const std::string& topic,
                              const consent::LinkPage& page) {
    if (configuration == nullptr) return topic;
    std::string title = configuration->topic_title(topic, consent::code_of(page.language));
    if (title.empty()) title = configuration->topic_title(topic, configuration->default_language);
    return title.empty() ? topic : title;
  }

  /// `then` runs on the apply thread of the address's home; null: there is no ledger.
  void read_ledger(const consent::Address& address, engine::Position not_before,
                   std::function<void(const consent::AddressLedger*)> then) const {
    const Id128 key = consent::key_of(address);
    engine::ReadTask task;
    task.not_before = not_before;
    task.wants = [key](const engine::Lookup&, engine::KeyList& keys) {
      keys.push_back({consent::AddressLedger::kTable, key});
    };
    task.run = [key, address, then = std::move(then)](const engine::Lookup& state) {
      const auto* const ledger = state.find<consent::AddressLedger>(key);
      then(ledger != nullptr && ledger->address() == address ? ledger : nullptr);
    };
    with.engine->read(consent::home_of(address), std::move(task));
  }

  [[nodiscard]] http::Response preferences_of(const consent::LinkPage& page, const consent::LinkClaims& claims,
                                              const Said& said, bool is_saved) const {
    consent::PreferencesPage preferences{page, {}, is_saved, said.is_suppressed};
    if (const auto configuration = with.configuration()) {
      for (const auto& [name, topic] : configuration->topics)
        preferences.topics.push_back(
            {name, title_of(configuration.get(), name, page), said.is_on(name, claims.scope.brand)});
    }
    return page_response(200, consent::preferences_page(preferences));
  }

  void show_preferences(const consent::LinkPage& page, const consent::LinkClaims& claims, bool is_saved,
                        engine::Position not_before, const http::Responder& responder) const {
    read_ledger(claims.address, not_before,
                [self = shared_from_this(), page, claims, is_saved, responder](const consent::AddressLedger* ledger) {
                  const Said said(ledger, self->with.clock->now());
                  responder.answer(self->preferences_of(page, claims, said, is_saved));
                });
  }

  /// What the form changes in what the address has said.
  [[nodiscard]] std::vector<consent::ConsentAct> acts_of(const consent::LinkPage& page,
                                                         const consent::LinkClaims& claims, const Form& form,
                                                         const Said& said, Timestamp now) const {
    const std::string& brand = claims.scope.brand;
    std::vector<consent::ConsentAct> acts;
    const auto withdraw = [&](const std::string& topic) {
      consent::LinkClaims at = claims;
      at.scope = {topic, {}, brand};
      acts.push_back(withdrawal(at, click(now, consent::Method::link)));
    };
    if (form.wants_nothing) {
      const bool has_any = std::ranges::any_of(said.copy.lines, [&](const consent::FoldedPermission& line) {
        return said.is_on(line.scope.topic, brand) || line.state == consent::PermissionState::pending;
      });
      if (has_any || !said.is_refused({{}, {}, brand})) withdraw({});
      return acts;
    }
    const auto configuration = with.configuration();
    for (const std::string& topic : form.shown) {
      if (form.ticked.contains(topic)) continue;
      // What vanished since can be left; a name that nobody ever heard of is not written down.
      const bool is_on = said.is_on(topic, brand);
      const bool is_known = configuration != nullptr && configuration->topics.contains(topic);
      if (is_on || (is_known && !said.is_refused({topic, {}, brand}))) withdraw(topic);
    }
    if (configuration == nullptr) return acts;
    for (const auto& [name, topic] : configuration->topics) {
      if (!form.ticked.contains(name) || form.shown.contains(name) || said.is_on(name, brand)) continue;
      for (consent::Scope& scope : scopes_of(*configuration, name, claims.scope)) {
        consent::ConsentAct act = consent::choose_act(claims, click(now, consent::Method::link), std::move(scope));
        act.text_version = hash128(consent::preference_wording(page, title_of(configuration.get(), name, page))).hex();
        act.text_language = consent::code_of(page.language);
        acts.push_back(std::move(act));
      }
    }
    return acts;
  }

  void save_preferences(const consent::LinkPage& page, const consent::LinkClaims& claims, const Form& form,
                        const std::string& client, const http::Responder& responder) const {
    read_ledger(
        claims.address, {},
        [self = shared_from_this(), page, claims, form, client, responder](const consent::AddressLedger* ledger) {
          const Timestamp now = self->with.clock->now();
          const Said said(ledger, now);
          auto acts = self->acts_of(page, claims, form, said, now);
          if (acts.empty()) return responder.answer(self->preferences_of(page, claims, said, true));
          const auto widens = [](const consent::ConsentAct& act) { return !consent::narrows(act.action); };
          if (std::ranges::any_of(acts, widens)) {
            const Duration wait = self->limits->wait_to_widen(claims.address, client, now);
            // What they leave is left whatever else they ask for.
            if (wait.ms > 0) std::erase_if(acts, widens);
            if (acts.empty()) return responder.answer(too_often(page, form, wait));
          }
          self->append(acts, responder, busy(page, form), [self, page, claims, responder](engine::Position at) {
            self->show_preferences(page, claims, true, at, responder);
          });
        });
  }

  /// Withdraws as `claims` say, now or when the same was said just before.
  [[nodiscard]] consent::ConsentAct withdrawal(const consent::LinkClaims& claims, consent::LinkClick pressed) const {
    consent::ConsentAct act = consent::withdraw_act(claims, pressed);
    pressed.received_at = limits->time_of_withdrawal(act.address, act.scope, pressed.received_at);
    return consent::withdraw_act(claims, pressed);
  }

  /// Whether the ledger took the confirmation is known once it was applied.
  void answer_confirmation(const consent::LinkPage& page, const consent::LinkClaims& claims, engine::Position at,
                           const http::Responder& responder) const {
    read_ledger(claims.address, at, [page, scope = claims.scope, responder](const consent::AddressLedger* ledger) {
      const auto* const state = ledger == nullptr ? nullptr : ledger->folded().find(scope);
      const bool is_confirmed = state != nullptr && state->grant && state->grant->confirm_entry_id != 0;
      responder.answer(is_confirmed ? page_response(200, consent::confirmed_page(page))
                                    : page_response(410, consent::link_over_page(page)));
    });
  }

  [[nodiscard]] consent::LinkClick click(Timestamp now, consent::Method method) const {
    consent::LinkClick made;
    made.method = method;
    made.received_at = now;
    Writer bits(made.random_bits);
    bits.id(with.random->next());
    bits.id(with.random->next());
    return made;
  }

  /// All of one address. `done` is told the position of the last once they are durable; else `failed` is answered.
  void append(const std::vector<consent::ConsentAct>& acts, const http::Responder& responder, http::Response failed,
              std::function<void(engine::Position)> done) const {
    if (waiting->fetch_add(1) >= kLinkActsMax) {
      --*waiting;
      return responder.answer(std::move(failed));
    }
    engine::Batch batch;
    bool is_urgent = false;
    for (const consent::ConsentAct& act : acts) {
      std::string payload;
      Writer out(payload);
      act.encode(out);
      batch.add(consent::home_of(act.address), static_cast<uint16_t>(events::RecordType::consent_act),
                RecordId{with.random->next()}, payload);
      is_urgent = is_urgent || consent::narrows(act.action);
    }
    with.engine->append(
        std::move(batch),
        [responder, waiting = waiting, failed = std::move(failed),
         done = std::move(done)](const engine::Result<std::vector<engine::Placed>>& placed) mutable {
          --*waiting;
          if (!placed) return responder.answer(std::move(failed));
          done(placed->back().position);
        },
        is_urgent);
  }

  void show(const http::Request& request, std::string_view token, const http::Responder& responder) const {
    consent::LinkPage page = page_for(request);
    const auto claims = read(token, page);
    if (!claims) return responder.answer(page_response(404, consent::unreadable_link_page(page)));
    if (claims->action == LinkAction::preferences) return show_preferences(page, *claims, false, {}, responder);
    responder.answer(page_response(
        200, claims->action == LinkAction::confirm ? consent::confirm_page(page) : consent::unsubscribe_page(page)));
  }

  void act(const http::Request& request, std::string_view token, const http::Responder& responder) const {
    consent::LinkPage page = page_for(request);
    const Form form = read_form(request.body.substr(0, kLinkBodyBytesMax));
    if (request.body.size() > kLinkBodyBytesMax)
      return responder.answer(not_written(
          page, form,
          {413, "payload_too_large", "body: has more than 65536 bytes; send List-Unsubscribe=One-Click", {}, {}, {}}));
    const auto claims = read(token, page);
    if (!claims) return responder.answer(page_response(404, consent::unreadable_link_page(page)));

    const std::string client = client_address(request, with.snapshot()->installation.trusted_proxies);
    // Without that form it is a button of mail, or of a page: it withdraws the message's topic, as with `unsubscribe`.
    if (claims->action == LinkAction::preferences && form.is_preferences)
      return save_preferences(page, *claims, form, client, responder);
    if (claims->action == LinkAction::confirm) return confirm(page, *claims, form, token, client, responder);
    consent::LinkClick pressed =
        click(with.clock->now(), form.is_one_click ? consent::Method::one_click : consent::Method::link);
    pressed.everything = form.wants_everything;
    append({withdrawal(*claims, pressed)}, responder, busy(page, form),
           [responder, done = page_response(200, consent::unsubscribed_page(page, form.wants_everything))](
               engine::Position) mutable { responder.answer(std::move(done)); });
  }

  void confirm(const consent::LinkPage& page, const consent::LinkClaims& claims, const Form& form,
               std::string_view token, const std::string& client, const http::Responder& responder) const {
    const Timestamp now = with.clock->now();
    const Duration wait = limits->wait_to_widen(claims.address, client, now);
    if (wait.ms > 0) return responder.answer(too_often(page, form, wait));
    append({consent::confirm_act(claims, token, click(now, consent::Method::link))}, responder, busy(page, form),
           [self = shared_from_this(), page, claims, responder](engine::Position at) {
             self->answer_confirmation(page, claims, at, responder);
           });
  }

  /// A program that pressed one-click reads JSON; whoever pressed a button, a page.
  static http::Response not_written(const consent::LinkPage& page, const Form& form, const Refused& refused) {
    if (form.is_one_click) return problem(refused);
    http::Response response = page_response(refused.status, consent::not_written_page(page));
    if (refused.retry_after_seconds) response.add_header("Retry-After", std::to_string(*refused.retry_after_seconds));
    return response;
  }
  static http::Response busy(const consent::LinkPage& page, const Form& form) {
    return not_written(
        page, form, {503, "unavailable", "this cannot be written down now; send it again in a few seconds", {}, {}, 5});
  }
  static http::Response too_often(const consent::LinkPage& page, const Form& form, Duration wait) {
    return not_written(
        page, form,
        {429, "too_many_attempts", "this link said yes too often; try again later", {}, {}, (wait.ms + 999) / 1000});
  }
};

}  // namespace

void add_link_routes(Router& router, LinkDependencies dependencies) {
  const auto routes = std::make_shared<const LinkRoutes>(std::move(dependencies));
  router.add(
      {.method = http::Method::get,
       .pattern = "/u/{token}",
       .operation = "showLink",
       .handler = [routes](const http::Request& request, const PathParameters& parameters, http::Responder responder) {
         routes->show(request, parameters.get("token"), responder);
       }});
  router.add(
      {.method = http::Method::post,
       .pattern = "/u/{token}",
       .operation = "actOnLink",
       .handler = [routes](const http::Request& request, const PathParameters& parameters, http::Responder responder) {
         routes->act(request, parameters.get("token"), responder);
       }});
}

}  // namespace terreno::api
