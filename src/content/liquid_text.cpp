#include "content/liquid_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "content/liquid_number.h"

namespace terreno::content::liquid {
namespace {

void append_integer(std::string& out, int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// As Ruby's inspect, which is what an object inside a text looks like.
void append_inspected(std::string& out, const Value& value, size_t bytes_max) {
  switch (value.kind()) {
    case Value::Kind::nil:
      out += "nil";
      break;
    case Value::Kind::text:
      out += '"';
      for (const char c : value.as_text()) {
        switch (c) {
          case '"':
            out += "\\\"";
            break;
          case '\\':
            out += "\\\\";
            break;
          case '\n':
            out += "\\n";
            break;
          case '\t':
            out += "\\t";
            break;
          case '\r':
            out += "\\r";
            break;
          default:
            out += c;
        }
      }
      out += '"';
      break;
    case Value::Kind::array: {
      out += '[';
      bool first = true;
      for (const Value& item : value.as_array()) {
        if (out.size() > bytes_max) return;
        if (!std::exchange(first, false)) out += ", ";
        append_inspected(out, item, bytes_max);
      }
      out += ']';
      break;
    }
    case Value::Kind::object: {
      out += '{';
      bool first = true;
      for (const Member& member : value.as_object()) {
        if (out.size() > bytes_max) return;
        if (!std::exchange(first, false)) out += ", ";
        append_inspected(out, Value::text(member.key), bytes_max);
        out += "=>";
        append_inspected(out, member.value, bytes_max);
      }
      out += '}';
      break;
    }
    default:
      append_printed(out, value, bytes_max);
  }
}

bool is_number(const Value& value) {
  return value.kind() == Value::Kind::integer || value.kind() == Value::Kind::decimal;
}

int compare_numbers(const Value& left, const Value& right) {
  const auto number = [](const Value& value) {
    return value.kind() == Value::Kind::integer ? Number::of(value.as_integer())
                                                : Number::of(decimal_of(value.as_decimal()));
  };
  return compare(number(left), number(right));
}

}  // namespace

void append_printed(std::string& out, const Value& value, size_t bytes_max) {
  switch (value.kind()) {
    case Value::Kind::nil:
    case Value::Kind::loop:
      break;
    case Value::Kind::boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case Value::Kind::integer:
      append_integer(out, value.as_integer());
      break;
    case Value::Kind::decimal:
      append_decimal(out, value.as_decimal());
      break;
    case Value::Kind::text:
      out += value.as_text();
      break;
    case Value::Kind::array:
      for (const Value& item : value.as_array()) {
        if (out.size() > bytes_max) return;
        append_printed(out, item, bytes_max);
      }
      break;
    case Value::Kind::object:
      append_inspected(out, value, bytes_max);
      break;
    case Value::Kind::range:
      append_integer(out, value.as_range().first);
      out += "..";
      append_integer(out, value.as_range().last);
      break;
  }
}

void append_text(std::string& out, const Value& value, size_t bytes_max) {
  if (value.is_array())
    append_inspected(out, value, bytes_max);
  else
    append_printed(out, value, bytes_max);
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json(std::string& out, const Value& value, size_t bytes_max) {
  switch (value.kind()) {
    case Value::Kind::nil:
    case Value::Kind::loop:
      out += "null";
      break;
    case Value::Kind::text:
      append_json_text(out, value.as_text());
      break;
    case Value::Kind::array: {
      out += '[';
      bool first = true;
      for (const Value& item : value.as_array()) {
        if (out.size() > bytes_max) return;
        if (!std::exchange(first, false)) out += ',';
        append_json(out, item, bytes_max);
      }
      out += ']';
      break;
    }
    case Value::Kind::object: {
      out += '{';
      bool first = true;
      for (const Member& member : value.as_object()) {
        if (out.size() > bytes_max) return;
        if (!std::exchange(first, false)) out += ',';
        append_json_text(out, member.key);
        out += ':';
        append_json(out, member.value, bytes_max);
      }
      out += '}';
      break;
    }
    case Value::Kind::range:
      out += '"';
      append_printed(out, value, bytes_max);
      out += '"';
      break;
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::decimal:
      append_printed(out, value, bytes_max);
      break;
  }
}

bool equal(const Value& left, const Value& right, Work& work) {
  if (!work.spend(1)) return false;
  if (is_number(left) && is_number(right)) return compare_numbers(left, right) == 0;
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Value::Kind::nil:
      return true;
    case Value::Kind::boolean:
      return left.as_boolean() == right.as_boolean();
    case Value::Kind::text:
      return left.as_text().size() == right.as_text().size() && work.spend(left.as_text().size() / 64) &&
             left.as_text() == right.as_text();
    case Value::Kind::array:
      return std::ranges::equal(left.as_array(), right.as_array(),
                                [&](const Value& a, const Value& b) { return equal(a, b, work); });
    case Value::Kind::object:
      return left.as_object().size() == right.as_object().size() &&
             std::ranges::all_of(left.as_object(), [&](const Member& member) {
               const Value* other = right.find(member.key);
               return other != nullptr && equal(member.value, *other, work);
             });
    case Value::Kind::range:
      return left.as_range().first == right.as_range().first && left.as_range().last == right.as_range().last;
    case Value::Kind::loop:
      return &left.as_loop() == &right.as_loop();
    case Value::Kind::integer:
    case Value::Kind::decimal:
      break;
  }
  return false;
}

std::optional<int> compare(const Value& left, const Value& right, Work& work) {
  if (!work.spend(1)) return std::nullopt;
  if (is_number(left) && is_number(right)) return compare_numbers(left, right);
  if (left.is_text() && right.is_text()) {
    if (!work.spend(std::min(left.as_text().size(), right.as_text().size()) / 64)) return std::nullopt;
    const int order = left.as_text().compare(right.as_text());
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  if (left.is_array() && right.is_array()) {
    const auto a = left.as_array();
    const auto b = right.as_array();
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      const auto order = compare(a[i], b[i], work);
      if (!order || *order != 0) return order;
    }
    return a.size() < b.size() ? -1 : (a.size() > b.size() ? 1 : 0);
  }
  if (equal(left, right, work)) return 0;
  return std::nullopt;
}

size_t character_count(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

size_t byte_of_character(std::string_view text, size_t index) {
  size_t seen = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (seen++ == index) return at;
  }
  return text.size();
}

size_t first_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      ++at;
      continue;
    }
    size_t length = 0;
    if (byte >= 0xc2 && byte < 0xe0) length = 2;
    if (byte >= 0xe0 && byte < 0xf0) length = 3;
    if (byte >= 0xf0 && byte <= 0xf4) length = 4;
    if (length == 0 || at + length > text.size()) return at;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const bool is_overlong = (byte == 0xe0 && second < 0xa0) || (byte == 0xf0 && second < 0x90);
    const bool is_surrogate = byte == 0xed && second > 0x9f;
    const bool is_beyond = byte == 0xf4 && second > 0x8f;
    if (is_overlong || is_surrogate || is_beyond) return at;
    for (size_t i = 1; i < length; ++i)
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return at;
    at += length;
  }
  return std::string_view::npos;
}

bool is_utf8(std::string_view text) { return first_invalid_utf8(text) == std::string_view::npos; }

bool is_blank(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::nil:
      return true;
    case Value::Kind::boolean:
      return !value.as_boolean();
    case Value::Kind::text:
      return value.as_text().find_first_not_of(kStripped) == std::string_view::npos;
    default:
      return is_empty(value);
  }
}

bool is_empty(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::text:
      return value.as_text().empty();
    case Value::Kind::array:
      return value.as_array().empty();
    case Value::Kind::object:
      return value.as_object().empty();
    default:
      return false;
  }
}

}  // namespace terreno::content::liquid
