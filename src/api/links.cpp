#include "api/links.h"

#include <atomic>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "events/record.h"

namespace terreno::api {

namespace {

using consent::LinkAction;

std::string_view code_of(consent::PageLanguage language) {
  switch (language) {
    case consent::PageLanguage::es:
      return "es";
    case consent::PageLanguage::fr:
      return "fr";
    case consent::PageLanguage::en:
      break;
  }
  return "en";
}

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
  return form;
}

struct LinkRoutes {
  LinkDependencies with;
  /// Outlives the routes, as the engine's callbacks may.
  std::shared_ptr<std::atomic<size_t>> waiting = std::make_shared<std::atomic<size_t>>(0);

  [[nodiscard]] consent::LinkPage page_for(const http::Request& request) const {
    consent::LinkPage page;
    page.language = consent::page_language_from(request.header("Accept-Language").value_or(""));
    const auto snapshot = with.snapshot();
    const governance::Installation& installation = snapshot->installation;
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
    if (with.topic_title && !claims->scope.topic.empty())
      page.topic_name = with.topic_title(claims->scope.topic, code_of(page.language));
    if (page.topic_name.empty()) page.topic_name = claims->scope.topic;
    page.masked_address = consent::mask_address(claims->address);
    page.post_path = "/u/" + std::string(token);
    return *std::move(claims);
  }

  void show(const http::Request& request, std::string_view token, const http::Responder& responder) const {
    consent::LinkPage page = page_for(request);
    const auto claims = read(token, page);
    if (!claims) return responder.answer(page_response(404, consent::unreadable_link_page(page)));
    responder.answer(page_response(
        200, claims->action == LinkAction::confirm ? consent::confirm_page(page) : consent::unsubscribe_page(page)));
  }

  void act(const http::Request& request, std::string_view token, const http::Responder& responder) const {
    if (request.body.size() > kLinkBodyBytesMax)
      return responder.answer(problem_form(request, 413, "payload_too_large",
                                           "body: has more than 4096 bytes; send List-Unsubscribe=One-Click"));
    consent::LinkPage page = page_for(request);
    const auto claims = read(token, page);
    if (!claims) return responder.answer(page_response(404, consent::unreadable_link_page(page)));

    const Form form = read_form(request.body);
    const bool confirms = claims->action == LinkAction::confirm;
    consent::LinkClick click;
    click.method = form.is_one_click && !confirms ? consent::Method::one_click : consent::Method::link;
    click.everything = form.wants_everything;
    click.received_at = with.clock->now();
    Writer bits(click.random_bits);
    bits.id(with.random->next());
    bits.id(with.random->next());
    const consent::ConsentAct act =
        confirms ? consent::confirm_act(*claims, token, click) : consent::withdraw_act(*claims, click);

    if (waiting->fetch_add(1) >= kLinkActsMax) {
      --*waiting;
      return responder.answer(busy(request));
    }
    std::string payload;
    Writer out(payload);
    act.encode(out);
    engine::Batch batch;
    batch.add(consent::home_of(act.address), static_cast<uint16_t>(events::RecordType::consent_act),
              RecordId{with.random->next()}, payload);
    http::Response done = page_response(
        200, confirms ? consent::confirmed_page(page) : consent::unsubscribed_page(page, form.wants_everything));
    http::Response failed = busy(request);
    with.engine->append(
        std::move(batch),
        [responder, waiting = waiting, done = std::move(done),
         failed = std::move(failed)](const engine::Result<std::vector<engine::Placed>>& placed) mutable {
          --*waiting;
          responder.answer(placed ? std::move(done) : std::move(failed));
        },
        !confirms);
  }

  static http::Response busy(const http::Request& request) {
    http::Response response =
        problem_form(request, 503, "unavailable", "this cannot be written down now; send it again in a few seconds");
    response.add_header("Retry-After", "5");
    return response;
  }
};

}  // namespace

void add_link_routes(Router& router, LinkDependencies dependencies) {
  const auto routes = std::make_shared<const LinkRoutes>(LinkRoutes{std::move(dependencies)});
  router.add(
      {.method = http::Method::get,
       .pattern = "/u/{token}",
       .operation = "showLink",
       .scopes = {},
       .handler = [routes](const http::Request& request, const PathParameters& parameters, http::Responder responder) {
         routes->show(request, parameters.get("token"), responder);
       }});
  router.add(
      {.method = http::Method::post,
       .pattern = "/u/{token}",
       .operation = "actOnLink",
       .scopes = {},
       .handler = [routes](const http::Request& request, const PathParameters& parameters, http::Responder responder) {
         routes->act(request, parameters.get("token"), responder);
       }});
}

}  // namespace terreno::api
