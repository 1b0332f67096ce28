#pragma once

// Text of values: printing, escaping, UTF-8. Private.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "content/liquid.h"

namespace terreno::content::liquid {

/// Ruby's white space for strip.
inline constexpr std::string_view kStripped{" \t\n\v\f\r\0", 7};

/// As `{{ value }}` prints, without escaping: arrays are joined, nil is nothing.
/// Stops soon after `out` is longer than `bytes_max`: a list may hold one long object a million times.
void append_printed(std::string& out, const Value& value, size_t bytes_max = SIZE_MAX);
/// Ruby's to_s, which filters see: like printing, but arrays are written as `["a", 1]`.
void append_text(std::string& out, const Value& value, size_t bytes_max = SIZE_MAX);
void append_json(std::string& out, const Value& value, size_t bytes_max = SIZE_MAX);
void append_json_text(std::string& out, std::string_view text);

/// How much comparing is still allowed, about one for each value or 64 bytes looked at.
struct Work {
  uint64_t left = UINT64_MAX;
  /// False when it is used up; the comparison then ends with any result.
  bool spend(uint64_t amount) {
    if (amount > left) {
      left = 0;
      return false;
    }
    left -= amount;
    return true;
  }
};
/// Ruby's ==: numbers by value, arrays and objects deep.
[[nodiscard]] bool equal(const Value& left, const Value& right, Work& work);
/// Like Ruby's <=>; nothing when the two do not compare.
[[nodiscard]] std::optional<int> compare(const Value& left, const Value& right, Work& work);

/// Characters, i.e. code points; malformed bytes count as one each.
[[nodiscard]] size_t character_count(std::string_view text);
/// The byte offset of the character with this index, at most the text's size.
[[nodiscard]] size_t byte_of_character(std::string_view text, size_t index);
[[nodiscard]] bool is_utf8(std::string_view text);
/// Offset of the first byte that is not well-formed UTF-8 (no overlong forms, no surrogates), or npos.
[[nodiscard]] size_t first_invalid_utf8(std::string_view text);

[[nodiscard]] bool is_blank(const Value& value);
[[nodiscard]] bool is_empty(const Value& value);

}  // namespace terreno::content::liquid
