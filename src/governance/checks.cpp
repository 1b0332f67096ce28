#include "governance/checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/result.h"
#include "governance/commands.h"

namespace terreno::governance {

namespace {

bool is_control(char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }
bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::unexpected<Error> refuse(Errc code, std::string_view field, std::string_view rule) {
  return std::unexpected(Error{code, std::string(field), std::string(rule)});
}

std::expected<void, Error> check_line(std::string_view field, std::string_view text, size_t bytes_max,
                                      Emptiness emptiness) {
  if (emptiness == Emptiness::refused && std::ranges::all_of(text, [](char c) { return c == ' '; })) {
    return refuse(Errc::invalid_field, field, "required");
  }
  if (text.size() > bytes_max) return refuse(Errc::invalid_field, field, "too_long");
  if (std::ranges::any_of(text, is_control)) return refuse(Errc::invalid_field, field, "control_character");
  return {};
}

std::expected<void, Error> check_text(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) return refuse(Errc::invalid_field, field, "too_long");
  if (std::ranges::any_of(text, [](char c) { return is_control(c) && c != '\n'; })) {
    return refuse(Errc::invalid_field, field, "control_character");
  }
  return {};
}

std::expected<void, Error> check_write_key(std::string_view key) {
  if (key.empty()) return refuse(Errc::invalid_field, "write_key", "required");
  if (key.size() > kWriteKeyBytesMax) return refuse(Errc::invalid_field, "write_key", "too_long");
  if (std::ranges::any_of(key, [](char c) { return c < 0x20 || c > 0x7e; }) || key.front() == ' ' ||
      key.back() == ' ') {
    return refuse(Errc::invalid_field, "write_key", "printable_ascii");
  }
  return {};
}

std::expected<void, Error> check_region(std::string_view region) {
  if (region.empty()) return {};
  if (region.size() != 2 || std::ranges::any_of(region, [](char c) { return c < 'A' || c > 'Z'; })) {
    return refuse(Errc::invalid_field, "default_region", "iso_3166_alpha_2");
  }
  return {};
}

std::expected<void, Error> check_domain(std::string_view field, std::string_view domain) {
  if (domain.empty()) return {};
  if (domain.size() > 253) return refuse(Errc::invalid_field, field, "too_long");
  size_t label = 0;
  char before = '.';
  for (const char c : domain) {
    const bool good =
        is_letter_or_digit(c) || (c == '-' && before != '.') || (c == '.' && before != '.' && before != '-');
    label = c == '.' ? 0 : label + 1;
    if (!good || label > 63) return refuse(Errc::invalid_field, field, "domain");
    before = c;
  }
  if (before == '.' || before == '-') return refuse(Errc::invalid_field, field, "domain");
  return {};
}

std::expected<void, Error> check_base_url(std::string_view url) {
  constexpr std::string_view kField = "public_base_url";
  if (url.empty()) return {};
  if (url.size() > 500) return refuse(Errc::invalid_field, kField, "too_long");
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return refuse(Errc::invalid_field, kField, "http_or_https");
  std::string_view host = url.substr(scheme);
  if (const size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    uint16_t number = 0;
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (failed != std::errc{} || end != port.data() + port.size() || number == 0) {
      return refuse(Errc::invalid_field, kField, "host_and_port_only");
    }
    host = host.substr(0, colon);
  }
  // No path and no slash at the end: links are made by appending to it.
  if (host.empty() || !check_domain(kField, host)) return refuse(Errc::invalid_field, kField, "host_and_port_only");
  return {};
}

std::expected<void, Error> check_network(std::string_view field, std::string_view network) {
  const size_t slash = network.find('/');
  const std::string address(network.substr(0, slash));
  std::array<uint8_t, 16> bytes{};
  const bool is_v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  const bool is_v6 = !is_v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
  if (!is_v4 && !is_v6) return refuse(Errc::invalid_field, field, "address_or_cidr");
  if (slash == std::string_view::npos) return {};
  const std::string_view digits = network.substr(slash + 1);
  unsigned length = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  // A prefix of zero would believe everybody.
  if (failed != std::errc{} || end != digits.data() + digits.size() || length == 0 || length > (is_v4 ? 32U : 128U)) {
    return refuse(Errc::invalid_field, field, "address_or_cidr");
  }
  return {};
}

std::expected<void, Error> check_sender(const Sender& sender) {
  TERRENO_TRY_VOID(check_line("brand", sender.brand, kNameBytesMax, Emptiness::allowed));
  TERRENO_TRY_VOID(check_line("legal_entity", sender.legal_entity, kNameBytesMax, Emptiness::allowed));
  TERRENO_TRY_VOID(check_text("postal_address", sender.postal_address, 500));
  TERRENO_TRY_VOID(check_line("from_name", sender.from_name, kNameBytesMax, Emptiness::allowed));
  TERRENO_TRY_VOID(check_text("footer", sender.footer, kTextBytesMax));
  if (!sender.from_address.empty()) TERRENO_TRY_VOID(normalise_email("from_address", sender.from_address));
  if (!sender.reply_to.empty()) {
    TERRENO_TRY(const std::string address, normalise_email("reply_to", sender.reply_to));
    std::string local = address.substr(0, address.rfind('@'));
    std::erase_if(local, [](char c) { return c == '-' || c == '_' || c == '.'; });
    // A person must be able to answer, and somebody must read it.
    if (local == "noreply" || local == "donotreply") return refuse(Errc::invalid_field, "reply_to", "read_by_a_person");
  }
  TERRENO_TRY_VOID(check_domain("envelope_domain", sender.envelope_domain));
  TERRENO_TRY_VOID(check_domain("dkim_selector", sender.dkim_selector));
  return {};
}

std::expected<std::string, Error> normalise_email(std::string_view field, std::string_view email) {
  while (email.starts_with(' ')) email.remove_prefix(1);
  while (email.ends_with(' ')) email.remove_suffix(1);
  TERRENO_TRY_VOID(check_line(field, email, kEmailBytesMax, Emptiness::refused));
  const size_t at = email.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == email.size() ||
      email.find('@', at + 1) != std::string_view::npos ||
      email.find_first_of(" ,;<>\"()[]\\") != std::string_view::npos) {
    return refuse(Errc::invalid_field, field, "email_address");
  }
  std::string out(email);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::expected<void, Error> check_password(const Secret& password, std::string_view email) {
  const std::string& text = password.reveal();
  if (text.size() < kPasswordBytesMin) return refuse(Errc::invalid_field, "password", "too_short");
  if (text.size() > kPasswordBytesMax) return refuse(Errc::invalid_field, "password", "too_long");
  if (text == email || std::ranges::all_of(text, [&](char c) { return c == text.front(); })) {
    return refuse(Errc::invalid_field, "password", "guessable");
  }
  return {};
}

}  // namespace terreno::governance
