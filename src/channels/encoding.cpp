#include "channels/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace terreno::channels {

namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr std::string_view kWordStartQ = "=?utf-8?q?";
constexpr std::string_view kWordStartB = "=?utf-8?b?";
constexpr std::string_view kWordEnd = "?=";
constexpr size_t kWordOverhead = kWordStartQ.size() + kWordEnd.size();
// Longest part between blanks that is left unencoded: a longer one could not be folded.
constexpr size_t kPlainWordSizeMax = 60;

void append_escaped(std::string& out, unsigned char byte) {
  out += '=';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// What may stand unencoded in a Q word of a phrase (RFC 2047, 5 (3)), the narrowest of the contexts.
bool is_q_safe(char c) { return is_alphanumeric(c) || std::strchr("!*+-/", c) != nullptr; }

size_t q_size(std::string_view character) {
  if (character.size() > 1) return character.size() * 3;
  return is_q_safe(character[0]) || character[0] == ' ' ? 1 : 3;
}

void append_q(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == ' ') {
      out += '_';
    } else if (c != '\0' && is_q_safe(c)) {
      out += c;
    } else {
      append_escaped(out, static_cast<unsigned char>(c));
    }
  }
}

size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }

size_t fold(std::string& out) {
  out += "\r\n ";
  return 1;
}

size_t append_encoded_words(std::string& out, size_t column, std::string_view text) {
  size_t q_total = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_size(text.substr(at));
    q_total += q_size(text.substr(at, size));
    at += size;
  }
  const bool as_q = q_total <= base64_size(text.size());
  bool first = true;
  while (!text.empty()) {
    // A word holds whole characters only (RFC 2047, 5). Start a new line when even one character would not fit.
    if (!first || column + kWordOverhead + 16 > kFoldColumn) column = fold(out);
    first = false;
    const size_t room = kFoldColumn - 1 - column - kWordOverhead;
    size_t taken = 0;
    size_t size = 0;
    while (taken < text.size()) {
      const size_t next = character_size(text.substr(taken));
      const size_t next_size = as_q ? size + q_size(text.substr(taken, next)) : base64_size(taken + next);
      if (next_size > room) break;
      size = next_size;
      taken += next;
    }
    out += as_q ? kWordStartQ : kWordStartB;
    if (as_q) {
      append_q(out, text.substr(0, taken));
    } else {
      out += base64_text(text.substr(0, taken));
    }
    out += kWordEnd;
    column += kWordOverhead + size;
    text.remove_prefix(taken);
  }
  return column;
}

// Whether every reader gives the text back as it is: single blanks between printable words, nothing that looks encoded.
bool is_plain(std::string_view text) {
  size_t word = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c < 0x20 || c > 0x7e) return false;
    if (c == ' ') {
      if (word == 0) return false;
      word = 0;
    } else if (++word > kPlainWordSizeMax) {
      return false;
    }
    if (c == '=' && i + 1 < text.size() && text[i + 1] == '?') return false;
  }
  return text.empty() || word > 0;
}

size_t append_plain_folded(std::string& out, size_t column, std::string_view text) {
  bool first = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (!first) {
      if (column + 1 + end > kFoldColumn) {
        column = fold(out);
      } else {
        out += ' ';
        ++column;
      }
    } else if (column > 1 && column + end > kFoldColumn) {
      // The blank after the header's colon is already there and would be alone at the end of a line.
      column = fold(out);
    }
    first = false;
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return column;
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(size, text.size());
}

bool is_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    // Most mail is mostly ASCII: eight bytes a step.
    uint64_t word = 0;
    while (i + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080808080808080U) != 0) break;
      i += sizeof word;
    }
    if (i >= text.size()) break;
    const unsigned char lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
    if (size == 0 || i + size > text.size()) return false;
    for (size_t k = 1; k < size; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    }
    // Overlong forms, surrogates and what lies beyond U+10FFFF.
    const unsigned char second = byte(i + 1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += size;
  }
  return true;
}

std::string base64_text(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(base64_size(bytes.size()));
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    text += kAlphabet[group >> 18 & 63];
    text += kAlphabet[group >> 12 & 63];
    text += count > 1 ? kAlphabet[group >> 6 & 63] : '=';
    text += count > 2 ? kAlphabet[group & 63] : '=';
  }
  return text;
}

Result<void> check_header_text(std::string_view text, std::string_view field, size_t limit) {
  if (text.size() > limit) return std::unexpected(Error{Errc::too_long, std::string(field), limit});
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
      return std::unexpected(Error{Errc::control_character, std::string(field)});
    }
  }
  if (!is_utf8(text)) return std::unexpected(Error{Errc::not_utf8, std::string(field)});
  return {};
}

size_t append_unstructured(std::string& out, size_t column, std::string_view text) {
  return is_plain(text) ? append_plain_folded(out, column, text) : append_encoded_words(out, column, text);
}

size_t append_phrase(std::string& out, size_t column, std::string_view text) {
  // Also encoded when long, since a quoted string cannot be folded without changing what some readers show.
  if (!is_plain(text) || text.size() > kPlainWordSizeMax) return append_encoded_words(out, column, text);
  // RFC 5322, 3.2.3: atoms and blanks go as they are.
  const bool is_atoms = std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::strchr(" !#$%&'*+-/=?^_`{|}~", c) != nullptr;
  });
  if (column + text.size() + 2 > kFoldColumn) column = fold(out);
  if (is_atoms) {
    out += text;
    return column + text.size();
  }
  const size_t before = out.size();
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return column + out.size() - before;
}

void append_quoted_printable(std::string& out, std::string_view text) {
  static constexpr auto kSafe = [] {
    std::array<bool, 256> safe{};
    for (int c = 0x20; c < 0x7f; ++c) safe[static_cast<size_t>(c)] = c != '=';
    safe['\t'] = true;
    return safe;
  }();
  // One column is kept for the `=` of a soft line break.
  constexpr size_t kColumnMax = 75;
  const size_t size = text.size();
  size_t column = 0;
  size_t at = 0;
  const auto is_line_end = [&](size_t i) { return i >= size || text[i] == '\r' || text[i] == '\n'; };
  const auto is_blank = [&](size_t i) { return text[i] == ' ' || text[i] == '\t'; };
  while (at < size) {
    if (is_line_end(at)) {
      at += text[at] == '\r' && at + 1 < size && text[at + 1] == '\n' ? 2 : 1;
      out += "\r\n";
      column = 0;
      continue;
    }
    if (column == 0 && (text[at] == '.' || text.substr(at, 5) == "From ")) {
      append_escaped(out, static_cast<unsigned char>(text[at++]));
      column = 3;
      continue;
    }
    size_t end = at;
    const size_t limit = std::min(size, at + kColumnMax - column);
    while (end < limit && kSafe[static_cast<unsigned char>(text[end])]) ++end;
    // A blank before a line end would be lost on the way; before a soft break it is safe.
    if (end > at && is_line_end(end) && is_blank(end - 1)) --end;
    if (end > at) {
      out.append(text, at, end - at);
      column += end - at;
      at = end;
      continue;
    }
    // The line is full, or what comes next has to be escaped.
    const bool is_escaped = !kSafe[static_cast<unsigned char>(text[at])] || (is_blank(at) && is_line_end(at + 1));
    if (column + (is_escaped ? 3 : 1) > kColumnMax) {
      out += "=\r\n";
      column = 0;
      continue;
    }
    append_escaped(out, static_cast<unsigned char>(text[at++]));
    column += 3;
  }
}

}  // namespace terreno::channels
