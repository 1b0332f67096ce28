// URL, base64, JSON and digests.

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "content/liquid_filters.h"
#include "content/liquid_render.h"

namespace terreno::content::liquid {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

Value url_encode(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  constexpr std::string_view kUpperHex = "0123456789ABCDEF";
  TextBuilder out(r);
  for (const char c : r.text_of(in.value)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out.append(c);
    } else if (c == ' ') {
      out.append('+');
    } else {
      const char escaped[] = {'%', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
      out.append({escaped, sizeof escaped});
    }
  }
  return out.finish();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Value url_decode(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const std::string_view text = r.text_of(in.value);
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!is_utf8(decoded)) return r.fail(Errc::not_decodable, "url_decode");
  return r.keep(decoded);
}

std::string base64(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

// Strict, as Ruby's strict_decode64: only the alphabet, padded to whole groups, no bits left over.
std::optional<std::string> decoded_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string{};
  const size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
  for (const char c : text.substr(0, text.size() - padding)) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (!fits) return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<size_t>(size) - padding);
  if (base64(out) != text) return std::nullopt;
  return out;
}

Value base64_encode(Renderer& r, const FilterInput& in) { return r.keep(base64(r.text_of(in.value))); }

Value base64_url_safe_encode(Renderer& r, const FilterInput& in) {
  std::string text = base64(r.text_of(in.value));
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return r.keep(text);
}

Value decoded(Renderer& r, std::string_view text, std::string_view filter) {
  const auto bytes = decoded_base64(text);
  // What is not text would break every filter after this one.
  if (!bytes || !is_utf8(*bytes)) return r.fail(Errc::not_decodable, filter);
  return r.keep(*bytes);
}

Value base64_decode(Renderer& r, const FilterInput& in) { return decoded(r, r.text_of(in.value), "base64_decode"); }

Value base64_url_safe_decode(Renderer& r, const FilterInput& in) {
  std::string text(r.text_of(in.value));
  for (char& c : text) {
    if (c == '-')
      c = '+';
    else if (c == '_')
      c = '/';
    else if (c == '+' || c == '/')
      return r.fail(Errc::not_decodable, "base64_url_safe_decode");
  }
  while (text.size() % 4 != 0) text += '=';
  return decoded(r, text, "base64_url_safe_decode");
}

Value json(Renderer& r, const FilterInput& in) {
  std::string text;
  append_json(text, in.value, r.memory_left());
  return r.keep(text);
}

Value hex_of(Renderer& r, std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return r.keep(text);
}

Value digest(Renderer& r, const FilterInput& in, const EVP_MD* algorithm) {
  const std::string_view text = r.text_of(in.value);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, algorithm, nullptr) != 1)
    return r.fail(Errc::not_decodable);  // an installation of OpenSSL may forbid MD5
  return hex_of(r, std::span(bytes).first(size));
}
Value md5(Renderer& r, const FilterInput& in) { return digest(r, in, EVP_md5()); }
Value sha1(Renderer& r, const FilterInput& in) { return digest(r, in, EVP_sha1()); }
Value sha256(Renderer& r, const FilterInput& in) { return digest(r, in, EVP_sha256()); }

Value keyed_digest(Renderer& r, const FilterInput& in, const EVP_MD* algorithm) {
  const std::string_view text = r.text_of(in.value);
  const std::string_view key = r.text_of(in.argument(0));
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned int size = 0;
  HMAC(algorithm, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), bytes.data(), &size);
  return hex_of(r, std::span(bytes).first(size));
}
Value hmac_sha1(Renderer& r, const FilterInput& in) { return keyed_digest(r, in, EVP_sha1()); }
Value hmac_sha256(Renderer& r, const FilterInput& in) { return keyed_digest(r, in, EVP_sha256()); }

constexpr FilterSpec kFilters[] = {
    {"base64_decode", 0, 0, "", base64_decode},
    {"base64_encode", 0, 0, "", base64_encode},
    {"base64_url_safe_decode", 0, 0, "", base64_url_safe_decode},
    {"base64_url_safe_encode", 0, 0, "", base64_url_safe_encode},
    {"hmac_sha1", 1, 1, "", hmac_sha1},
    {"hmac_sha256", 1, 1, "", hmac_sha256},
    {"json", 0, 0, "", json},
    {"md5", 0, 0, "", md5},
    {"sha1", 0, 0, "", sha1},
    {"sha256", 0, 0, "", sha256},
    {"url_decode", 0, 0, "", url_decode},
    {"url_encode", 0, 0, "", url_encode},
};

}  // namespace

std::span<const FilterSpec> encoding_filters() { return kFilters; }

}  // namespace terreno::content::liquid
