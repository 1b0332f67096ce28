#include <idn2.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "channels/address.h"
#include "channels/encoding.h"

namespace terreno::channels {

namespace {

constexpr size_t kLocalSizeMax = 64;
constexpr size_t kDomainSizeMax = 253;
constexpr size_t kAddressSizeMax = 254;
constexpr size_t kTokenSizeMax = 50;
constexpr std::string_view kReturnPathPrefix = "bounce+";

std::unexpected<Error> fail(Errc code, std::string_view field, uint64_t limit = 0) {
  return std::unexpected(Error{code, std::string(field), limit});
}

// RFC 5322 atext, with every character beyond ASCII (RFC 6531, 3.3).
bool is_atom_character(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || is_alphanumeric(c) ||
         (c != '\0' && std::strchr("!#$%&'*+-/=?^_`{|}~", c) != nullptr);
}

bool is_dot_atom(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || is_atom_character(c); });
}

// RFC 5321 Quoted-string: printable, with quotes and backslashes escaped. ASCII only: what is not needs no quotes.
bool is_quoted(std::string_view text) {
  if (text.size() < 3 || text.front() != '"' || text.back() != '"') return false;
  const std::string_view inner = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && ++i == inner.size()) return false;
    if (inner[i] < 0x20 || inner[i] > 0x7e) return false;
    if (inner[i] == '"' && (i == 0 || inner[i - 1] != '\\')) return false;
  }
  return true;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kDomainSizeMax) return false;
  size_t label = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == '.') {
      if (label == 0 || label > 63 || text[i - 1] == '-' || text[i - label] == '-') return false;
      label = 0;
    } else if (!is_alphanumeric(text[i]) && text[i] != '-') {
      return false;
    } else {
      ++label;
    }
  }
  return true;
}

}  // namespace

Result<std::string> normalise_domain(std::string_view text, std::string_view field) {
  // Bounded before libidn2 sees it: a name of 253 bytes in A-labels is never longer than four times that in UTF-8.
  if (text.empty() || text.size() > 4 * kDomainSizeMax) return fail(Errc::malformed_domain, field);
  if (is_ascii(text) && text.find("--") == std::string_view::npos) {
    if (!is_host_name(text)) return fail(Errc::malformed_domain, field);
    return lower_ascii(text);
  }
  if (text.find('\0') != std::string_view::npos || !is_utf8(text)) return fail(Errc::malformed_domain, field);
  char* ascii = nullptr;
  const int code = idn2_to_ascii_8z(std::string(text).c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(ascii, idn2_free);
  if (code != IDN2_OK || !is_host_name(ascii)) return fail(Errc::malformed_domain, field);
  return lower_ascii(ascii);
}

Result<Address> parse_address(std::string_view text, std::string_view field) {
  if (text.empty()) return fail(Errc::missing, field);
  TERRENO_TRY_VOID(check_header_text(text, field, 4 * kAddressSizeMax));
  // The last @: a quoted local part may hold one.
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos) return fail(Errc::malformed_address, field);
  const std::string_view local = text.substr(0, at);
  if (local.size() > kLocalSizeMax) return fail(Errc::too_long, field, kLocalSizeMax);
  if (!is_dot_atom(local) && !is_quoted(local)) return fail(Errc::malformed_address, field);
  TERRENO_TRY(std::string domain, normalise_domain(text.substr(at + 1), field));
  if (local.size() + 1 + domain.size() > kAddressSizeMax) return fail(Errc::too_long, field, kAddressSizeMax);
  return Address{std::string(local), std::move(domain), !is_ascii(local)};
}

Result<std::string> make_return_path(std::string_view token, std::string_view domain) {
  const bool is_token =
      !token.empty() && token.size() <= kTokenSizeMax &&
      std::all_of(token.begin(), token.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
  if (!is_token) return fail(Errc::malformed_token, "return_path", kTokenSizeMax);
  TERRENO_TRY(const std::string host, normalise_domain(domain, "return_path"));
  return std::string(kReturnPathPrefix) + std::string(token) + "@" + host;
}

std::optional<std::string> read_return_path(std::string_view address, std::string_view domain) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos || at < kReturnPathPrefix.size()) return std::nullopt;
  if (lower_ascii(address.substr(0, kReturnPathPrefix.size())) != kReturnPathPrefix) return std::nullopt;
  const std::string_view token = address.substr(kReturnPathPrefix.size(), at - kReturnPathPrefix.size());
  const auto expected = make_return_path(token, domain);
  if (!expected || lower_ascii(address.substr(at)) != expected->substr(expected->rfind('@'))) return std::nullopt;
  return std::string(token);
}

}  // namespace terreno::channels
