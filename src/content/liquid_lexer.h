#pragma once

// Words of the inside of a tag or output. Private.

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "content/liquid_program.h"

namespace terreno::content::liquid {

enum class TokenKind : uint8_t {
  word,
  number,
  text,
  comparison,
  pipe,
  dot,
  dotdot,
  colon,
  comma,
  equals,
  open_square,
  close_square,
  open_round,
  close_round,
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  ///< as written; of a text without its quotes
  Place place = 0;
};

/// Errors carry a place as offset until the template's end of parsing, when line and column are counted.
struct PlacedError {
  Errc code = Errc::unexpected_word;
  Place place = 0;
  std::string subject;
  std::string suggestion;
};

/// Always ends with a token of kind `end`, placed behind the markup.
[[nodiscard]] std::expected<std::vector<Token>, PlacedError> tokenize(std::string_view markup, Place place);

}  // namespace terreno::content::liquid
