#include "events/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace terreno::events {

namespace {

// What ends a run of characters that a skip may pass over.
constexpr std::array<bool, 256> kStops = [] {
  std::array<bool, 256> stops{};
  for (const char c : {'"', '{', '}', '[', ']'}) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}();

}  // namespace

std::string_view JsonWalk::string() {
  const char* const start = at_++;
  while (at_ < end_) {
    const void* const quote = std::memchr(at_, '"', static_cast<size_t>(end_ - at_));
    if (quote == nullptr) {
      at_ = end_;
      break;
    }
    at_ = static_cast<const char*>(quote) + 1;
    size_t backslashes = 0;
    while (at_[-2 - static_cast<ptrdiff_t>(backslashes)] == '\\') ++backslashes;
    if (backslashes % 2 == 0) break;
  }
  return {start, static_cast<size_t>(at_ - start)};
}

std::string_view JsonWalk::value() {
  const char first = peek();
  if (first == '"') return string();
  const char* const start = at_;
  if (first != '{' && first != '[') {
    while (at_ < end_ && *at_ != ',' && *at_ != '}' && *at_ != ']' && static_cast<unsigned char>(*at_) > ' ') ++at_;
    return {start, static_cast<size_t>(at_ - start)};
  }
  int depth = 0;
  while (at_ < end_) {
    while (at_ < end_ && !kStops[static_cast<unsigned char>(*at_)]) ++at_;
    if (at_ == end_) break;
    if (*at_ == '"') {
      string();
      continue;
    }
    const char c = *at_++;
    depth += c == '{' || c == '[' ? 1 : -1;
    if (depth == 0) break;
  }
  return {start, static_cast<size_t>(at_ - start)};
}

namespace {

unsigned hex4(std::string_view digits) {
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + std::min<size_t>(4, digits.size()), value, 16);
  return value;
}

void append_utf8(unsigned code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.append({static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))});
  } else if (code < 0x10000) {
    out.append({static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
                static_cast<char>(0x80 | (code & 0x3f))});
  } else {
    out.append({static_cast<char>(0xf0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 0x3f)),
                static_cast<char>(0x80 | ((code >> 6) & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))});
  }
}

// Reads `\uXXXX` at `i`, a surrogate pair as one character; moves `i` to the last byte read.
unsigned take_unicode_escape(std::string_view inside, size_t& i) {
  constexpr unsigned kReplacement = 0xfffd;
  const unsigned code = hex4(inside.substr(i + 2));
  i += 5;
  if (code < 0xd800 || code > 0xdfff) return code;
  const std::string_view next = inside.substr(i + 1);
  if (code > 0xdbff || next.size() < 6 || next[0] != '\\' || next[1] != 'u') return kReplacement;
  const unsigned low = hex4(next.substr(2));
  if (low < 0xdc00 || low > 0xdfff) return kReplacement;
  i += 6;
  return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

}  // namespace

std::string unescape(std::string_view inside) {
  std::string out;
  out.reserve(inside.size());
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\' || i + 1 >= inside.size()) {
      out.push_back(inside[i]);
      continue;
    }
    const char escape = inside[i + 1];
    if (escape == 'u' && i + 5 < inside.size()) {
      append_utf8(take_unicode_escape(inside, i), out);
      continue;
    }
    switch (escape) {
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      default:
        out.push_back(escape);
    }
    ++i;
  }
  return out;
}

std::optional<std::string> scalar_text(std::string_view raw) {
  if (is_string(raw)) {
    const std::string_view inside = raw.substr(1, raw.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return std::string(inside);
    return unescape(inside);
  }
  if (!is_number(raw)) return std::nullopt;
  // An integer is its own shortest form, however long; only fractions and exponents need rewriting.
  if (raw.find_first_of(".eE") == std::string_view::npos) return std::string(raw == "-0" ? "0" : raw);
  double value = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (value == 0) return "0";
  std::array<char, 400> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{}) return std::string(raw);
  return std::string(text.data(), end);
}

bool has_escaped_nul(std::string_view raw) {
  constexpr std::string_view kEscape = "u0000";
  for (size_t at = raw.find(kEscape); at != std::string_view::npos; at = raw.find(kEscape, at + 1)) {
    size_t backslashes = 0;
    while (backslashes < at && raw[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 1) return true;
  }
  return false;
}

}  // namespace terreno::events
