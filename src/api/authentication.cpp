#include "api/authentication.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace terreno::api {

using governance::Errc;
using governance::Error;

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// An address as 16 bytes, IPv4 in its mapped form, so that one comparison serves both.
std::optional<std::array<uint8_t, 16>> address_bytes(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  const std::string address(text);
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, address.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool is_within(std::string_view address, std::string_view network) {
  const size_t slash = network.find('/');
  const auto a = address_bytes(address);
  const auto b = address_bytes(network.substr(0, slash));
  if (!a || !b) return false;
  unsigned bits = 128;
  if (slash != std::string_view::npos) {
    const std::string_view digits = network.substr(slash + 1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), bits).ec != std::errc{}) return false;
    if (network.find(':') == std::string_view::npos) bits += 96;
  }
  for (unsigned i = 0; i < 16 && bits > 0; ++i) {
    const unsigned taken = std::min(bits, 8U);
    const auto mask = static_cast<uint8_t>(0xff00U >> taken);
    if (((*a)[i] & mask) != ((*b)[i] & mask)) return false;
    bits -= taken;
  }
  return true;
}

bool is_trusted(std::string_view address, const std::vector<std::string>& proxies) {
  return std::ranges::any_of(proxies, [&](const std::string& network) { return is_within(address, network); });
}

bool changes_something(http::Method method) {
  return method != http::Method::get && method != http::Method::head && method != http::Method::options;
}

Refused unauthenticated() {
  return {401,
          "unauthenticated",
          "no session or key, or one that has ended; sign in, or send Authorization: Bearer tk_…",
          {},
          {},
          {}};
}

// What to do about a broken rule, in English, for whoever reads the raw answer.
std::string_view remedy(std::string_view rule) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kRemedies{{
      {"required", "is empty; give a value"},
      {"too_long", "is too long; shorten it"},
      {"too_short", "is too short; use at least 12 characters"},
      {"guessable", "is easily guessed; choose another"},
      {"control_character", "holds a control character or line break; remove it"},
      {"email_address", "is no e-mail address; write it as name@example.org"},
      {"printable_ascii", "holds characters that are not printable ASCII; use letters and digits"},
      {"iso_3166_alpha_2", "is no country code; use two capital letters such as ES"},
      {"domain", "is no domain name; write it as mail.example.org"},
      {"http_or_https", "has no http:// or https:// at the beginning; add it"},
      {"host_and_port_only", "holds more than a host and a port; write it as https://crm.example.org"},
      {"address_or_cidr", "is neither an address nor a block; write it as 10.0.0.0/8"},
      {"read_by_a_person", "looks like an address that nobody reads; name one that a person answers"},
      {"in_the_future", "has passed; choose a later time"},
      {"unknown_field", "is no field of this request; remove it"},
  }};
  const auto* const found = std::ranges::find(kRemedies, rule, &std::pair<std::string_view, std::string_view>::first);
  return found == kRemedies.end() ? rule : found->second;
}

}  // namespace

Refused refused_by(const Error& error) {
  const auto with = [&](uint16_t status, std::string_view code, std::string detail) {
    Refused refused{status, std::string(code), std::move(detail), {{"field", error.field}}, "/" + error.field, {}};
    return refused;
  };
  switch (error.code) {
    case Errc::invalid_field:
      return with(422, error.rule, fmt::format("{}: {}", error.field, remedy(error.rule)));
    case Errc::not_found:
      return {404, "not_found", fmt::format("there is no such {}", error.field), {}, {}, {}};
    case Errc::already_exists:
      return with(409, "already_exists", fmt::format("{}: is taken; choose another", error.field));
    case Errc::limit_reached: {
      Refused refused =
          with(422, "limit_reached",
               fmt::format("{}: there are as many as are allowed ({}); remove one first", error.field, error.rule));
      refused.params.emplace_back("maximum", error.rule);
      return refused;
    }
    case Errc::forbidden:
      return {403,
              "forbidden",
              fmt::format("this needs the scope {}; ask an administrator", error.rule),
              {{"scope", error.rule}},
              {},
              {}};
    case Errc::last_administrator:
      return {409,
              "last_administrator",
              "nobody could administer any more; make somebody else an administrator first",
              {},
              {},
              {}};
    case Errc::token_invalid:
      return {401, "token_unknown", "the link is unknown, used or expired; ask for another", {}, {}, {}};
    case Errc::already_set_up:
      return {409, "already_set_up", "the first run is over; sign in", {}, {}, {}};
    case Errc::wrong_credentials:
      return {401, "wrong_credentials", "the address or the password is wrong", {}, {}, {}};
    case Errc::too_many_attempts: {
      int64_t wait = 1;
      std::from_chars(error.rule.data(), error.rule.data() + error.rule.size(), wait);
      return {429,
              "too_many_attempts",
              fmt::format("too many attempts; try again in {} s", wait),
              {{"wait_seconds", error.rule}},
              {},
              wait};
    }
    case Errc::not_ready_for_live:
      return {422,
              "sender_incomplete",
              fmt::format("mode: live needs what is missing: {}", error.rule),
              {{"missing", error.rule}},
              "/mode",
              {}};
    case Errc::version_conflict:
      return {409,
              "version_conflict",
              fmt::format("somebody changed it since; read version {} and try again", error.rule),
              {{"version", error.rule}},
              "/version",
              {}};
    case Errc::storage_failed:
    case Errc::corrupt:
    case Errc::newer_format:
      return {503, "storage_failed", "the disk refused; the program stops", {}, {}, {}};
  }
  return {500, "internal_error", "an error without a name", {}, {}, {}};
}

std::string client_address(const http::Request& request, const std::vector<std::string>& trusted_proxies) {
  std::string_view address = request.client_address;
  if (!is_trusted(address, trusted_proxies)) return std::string(address);
  // Proxies append: from the end, each hop is believed as long as the one after it is trusted.
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (!http::equals_ignoring_case(header->name, "X-Forwarded-For")) continue;
    std::string_view rest = header->value;
    while (!rest.empty()) {
      const size_t comma = rest.rfind(',');
      const std::string_view hop = trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (!address_bytes(hop)) return std::string(address);
      address = hop;
      if (!is_trusted(address, trusted_proxies)) return std::string(address);
    }
  }
  return std::string(address);
}

std::string Authentication::csrf_token(const Secret& session_id) const {
  return governance::hmac_sha256(cookie_key_, "csrf " + session_id.reveal()).hex();
}

std::string_view Authentication::secure_attribute() const {
  return registry_->snapshot()->installation.public_base_url.starts_with("https://") ? "; Secure" : "";
}

std::string Authentication::session_cookie(const Secret& session_id) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}", kSessionCookie, session_id.reveal(),
                     governance::kSessionLifetime.ms / 1000, secure_attribute());
}

std::string Authentication::ended_cookie() const {
  return fmt::format("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{}", kSessionCookie, secure_attribute());
}

bool Authentication::is_foreign_origin(const http::Request& request) const {
  if (const auto site = request.header("Sec-Fetch-Site"); site && *site == "cross-site") return true;
  const auto origin = request.header("Origin");
  if (!origin) return false;
  if (*origin == registry_->snapshot()->installation.public_base_url) return false;
  const auto host = request.header("Host");
  if (!host || host->empty()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin->starts_with(scheme) && http::equals_ignoring_case(origin->substr(scheme.size()), *host)) return false;
  }
  return true;
}

std::expected<Caller, Refused> Authentication::admit(const http::Request& request, const Guard& guard) const {
  const Timestamp now = clock_();
  const std::string address = client_address(request, registry_->snapshot()->installation.trusted_proxies);
  Caller caller;
  caller.principal.address = address;
  const bool is_change = changes_something(request.method);
  const Refused foreign{403, "foreign_origin", "the request comes from another site", {}, {}, {}};
  if (guard.access == Access::open) {
    if (is_change && is_foreign_origin(request)) return std::unexpected(foreign);
    return caller;
  }
  if (const auto header = request.header("Authorization")) {
    // The scheme is compared in any case (RFC 9110, 11.1).
    if (header->size() < 7 || !http::equals_ignoring_case(header->substr(0, 7), "Bearer ")) {
      return std::unexpected(unauthenticated());
    }
    const auto principal = registry_->authenticate_api_key(trim(header->substr(7)), address, now);
    if (!principal || guard.access == Access::session) return std::unexpected(unauthenticated());
    caller.principal = *principal;
  } else {
    const auto cookie = request.cookie(kSessionCookie);
    auto signed_in = cookie ? registry_->authenticate_session(*cookie, address, now) : std::nullopt;
    if (!signed_in) return std::unexpected(unauthenticated());
    caller.session_id = Secret(std::string(*cookie));
    if (is_change) {
      if (is_foreign_origin(request)) return std::unexpected(foreign);
      const auto token = request.header("X-CSRF-Token");
      if (!token || !governance::same_in_constant_time(*token, csrf_token(caller.session_id))) {
        return std::unexpected(Refused{403, "csrf", "X-CSRF-Token is absent or not this session's", {}, {}, {}});
      }
    }
    caller.principal = signed_in->principal;
    caller.signed_in = std::move(signed_in);
  }
  if (guard.access == Access::scoped && !caller.principal.scopes.allows(guard.scope)) {
    return std::unexpected(refused_by(Error{Errc::forbidden, "scope", std::string(name_of(guard.scope))}));
  }
  return caller;
}

}  // namespace terreno::api
