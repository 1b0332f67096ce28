#include <idn2.h>
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/result.h"
#include "events/events.h"

namespace terreno::events {

namespace {

constexpr size_t kEmailBytesMax = 254;
constexpr size_t kLocalPartBytesMax = 64;
constexpr size_t kPhoneBytesMax = 64;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Values that clients send when they know nobody. Joining persons over one of them would merge strangers.
bool is_blocked_text(std::string_view text) {
  constexpr std::array<std::string_view, 14> kBlocked{
      "null", "undefined", "none", "anonymous", "invalid", "unknown",         "-1",
      "nil",  "nan",       "true", "false",     "(null)",  "[object object]", "test@test.com"};
  if (text.size() <= 16) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), ascii_lower);
    if (std::ranges::find(kBlocked, lower) != kBlocked.end()) return true;
  }
  return text.find_first_not_of("0- \t") == std::string_view::npos;
}

bool is_one_digit(std::string_view digits) {
  return digits.size() > 1 && digits.find_first_not_of(digits.front()) == std::string_view::npos;
}

// Lower-case A-labels; empty when it is no domain of a mailbox.
std::string normal_domain(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  std::string ascii(domain);
  std::ranges::transform(ascii, ascii.begin(), ascii_lower);
  const auto is_host_name = [](std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
  };
  if (!is_host_name(ascii)) {
    char* converted = nullptr;
    if (idn2_to_ascii_8z(ascii.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK) return {};
    const std::unique_ptr<char, void (*)(void*)> guard(converted, idn2_free);
    ascii = converted;
  }
  // The library lets spaces and other ASCII pass.
  if (!is_host_name(ascii) || ascii.size() > 253 || ascii.find('.') == std::string::npos) return {};
  std::string_view rest = ascii;
  while (true) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return {};
    if (label.size() == rest.size()) return ascii;
    rest.remove_prefix(label.size() + 1);
  }
}

std::expected<std::string, IdentifierErrc> normal_email(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > kLocalPartBytesMax || text.size() > kEmailBytesMax)
    return std::unexpected(IdentifierErrc::malformed_email);
  const std::string_view local = text.substr(0, at);
  // Quoted local parts exist on paper only; in data they are mistakes such as two addresses in one field.
  if (local.find_first_of(" \"(),:;<>@[\\]") != std::string_view::npos || local.front() == '.' || local.back() == '.')
    return std::unexpected(IdentifierErrc::malformed_email);
  const std::string domain = normal_domain(text.substr(at + 1));
  if (domain.empty()) return std::unexpected(IdentifierErrc::malformed_email);
  std::string email = std::string(local) + "@" + domain;
  if (is_blocked_text(email)) return std::unexpected(IdentifierErrc::blocked);
  return email;
}

std::expected<std::string, IdentifierErrc> normal_phone(std::string_view text, std::string_view region) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  if (text.size() > kPhoneBytesMax) return std::unexpected(IdentifierErrc::malformed_phone);
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  if (is_one_digit(digits)) return std::unexpected(IdentifierErrc::blocked);
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  const std::string default_region(region.empty() ? std::string_view("ZZ") : region);
  // The library's data is older than some numbering plans: possible is enough, valid would refuse real numbers.
  if (util.Parse(std::string(text), default_region, &number) != PhoneNumberUtil::NO_PARSING_ERROR ||
      !util.IsPossibleNumber(number))
    return std::unexpected(IdentifierErrc::malformed_phone);
  std::string formatted;
  util.Format(number, PhoneNumberUtil::E164, &formatted);
  return formatted;
}

}  // namespace

std::string_view name_of(IdentifierErrc code) {
  switch (code) {
    case IdentifierErrc::empty:
      return "empty";
    case IdentifierErrc::blocked:
      return "blocked";
    case IdentifierErrc::too_long:
      return "too_long";
    case IdentifierErrc::malformed_email:
      return "malformed_email";
    case IdentifierErrc::malformed_phone:
      return "malformed_phone";
    case IdentifierErrc::malformed_text:
      return "malformed_text";
  }
  return "malformed_text";
}

bool is_blocked(const Identifier& identifier) {
  const std::string_view value = identifier.value;
  if (is_blocked_text(value)) return true;
  if (identifier.kind != IdentifierKind::phone) return false;
  const std::string_view digits = value.substr(value.starts_with('+') ? 1 : 0);
  return digits.empty() || is_one_digit(digits);
}

std::expected<Identifier, IdentifierErrc> normalise_identifier(IdentifierKind kind, std::string_view text,
                                                               std::string_view phone_region) {
  text = trim(text);
  if (text.empty()) return std::unexpected(IdentifierErrc::empty);
  if (text.size() > kIdentifierBytesMax) return std::unexpected(IdentifierErrc::too_long);
  if (std::ranges::any_of(text, is_control)) return std::unexpected(IdentifierErrc::malformed_text);
  if (is_blocked_text(text)) return std::unexpected(IdentifierErrc::blocked);
  switch (kind) {
    case IdentifierKind::email: {
      TERRENO_TRY(auto email, normal_email(text));
      return Identifier{kind, std::move(email)};
    }
    case IdentifierKind::phone: {
      TERRENO_TRY(auto phone, normal_phone(text, phone_region));
      return Identifier{kind, std::move(phone)};
    }
    case IdentifierKind::customer_number:
    case IdentifierKind::user_id:
    case IdentifierKind::device:
    case IdentifierKind::anonymous_id:
      // Some SDKs encode an object given as id to JSON text: it is kept in the body and names nobody.
      if ((text.front() == '{' && text.back() == '}') || (text.front() == '[' && text.back() == ']'))
        return std::unexpected(IdentifierErrc::malformed_text);
      return Identifier{kind, std::string(text)};
  }
  return std::unexpected(IdentifierErrc::malformed_text);
}

}  // namespace terreno::events
