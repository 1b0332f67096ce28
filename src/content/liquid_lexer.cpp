#include "content/liquid_lexer.h"

namespace terreno::content::liquid {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c) || c == '-'; }

size_t comparison_length(std::string_view rest) {
  if (rest.starts_with("==") || rest.starts_with("!=") || rest.starts_with("<>") || rest.starts_with("<=") ||
      rest.starts_with(">="))
    return 2;
  if (rest[0] == '<' || rest[0] == '>') return 1;
  return 0;
}

// The whole first character, so that an error never shows half of one.
std::string_view first_character(std::string_view rest) {
  size_t length = 1;
  while (length < rest.size() && (static_cast<unsigned char>(rest[length]) & 0xc0) == 0x80) ++length;
  return rest.substr(0, length);
}

TokenKind kind_of(char c) {
  switch (c) {
    case '|':
      return TokenKind::pipe;
    case '.':
      return TokenKind::dot;
    case ':':
      return TokenKind::colon;
    case ',':
      return TokenKind::comma;
    case '[':
      return TokenKind::open_square;
    case ']':
      return TokenKind::close_square;
    case '(':
      return TokenKind::open_round;
    case ')':
      return TokenKind::close_round;
    case '=':
      return TokenKind::equals;
    default:
      return TokenKind::end;
  }
}

}  // namespace

std::expected<std::vector<Token>, PlacedError> tokenize(std::string_view markup, Place place) {
  std::vector<Token> tokens;
  size_t at = 0;
  const auto push = [&](TokenKind kind, size_t length) {
    tokens.push_back({kind, markup.substr(at, length), static_cast<Place>(place + at)});
    at += length;
  };
  while (true) {
    while (at < markup.size() && is_space(markup[at])) ++at;
    if (at == markup.size()) break;
    const std::string_view rest = markup.substr(at);
    const char c = rest[0];
    if (rest.starts_with("||"))
      return std::unexpected(PlacedError{Errc::unknown_operator, static_cast<Place>(place + at), "||", "or"});
    if (c == '"' || c == '\'') {
      const size_t end = rest.find(c, 1);
      if (end == std::string_view::npos)
        return std::unexpected(
            PlacedError{Errc::unclosed_string, static_cast<Place>(place + at), std::string(1, c), {}});
      tokens.push_back({TokenKind::text, rest.substr(1, end - 1), static_cast<Place>(place + at)});
      at += end + 1;
    } else if (const size_t comparison = comparison_length(rest); comparison != 0) {
      push(TokenKind::comparison, comparison);
    } else if (is_digit(c) || (c == '-' && rest.size() > 1 && is_digit(rest[1]))) {
      size_t length = 1;
      while (length < rest.size() && is_digit(rest[length])) ++length;
      if (length + 1 < rest.size() && rest[length] == '.' && is_digit(rest[length + 1])) {
        ++length;
        while (length < rest.size() && is_digit(rest[length])) ++length;
      }
      push(TokenKind::number, length);
    } else if (is_word_start(c)) {
      size_t length = 1;
      while (length < rest.size() && is_word(rest[length])) ++length;
      if (length < rest.size() && rest[length] == '?') ++length;
      push(rest.substr(0, length) == "contains" ? TokenKind::comparison : TokenKind::word, length);
    } else if (rest.starts_with("..")) {
      push(TokenKind::dotdot, 2);
    } else if (const TokenKind kind = kind_of(c); kind != TokenKind::end) {
      push(kind, 1);
    } else {
      // Operators of other languages deserve the name of ours.
      if (rest.starts_with("&&"))
        return std::unexpected(PlacedError{Errc::unknown_operator, static_cast<Place>(place + at), "&&", "and"});
      if (c == '!')
        return std::unexpected(PlacedError{Errc::unknown_operator, static_cast<Place>(place + at), "!", "!="});
      return std::unexpected(PlacedError{
          Errc::unexpected_character, static_cast<Place>(place + at), std::string(first_character(rest)), {}});
    }
  }
  tokens.push_back({TokenKind::end, {}, static_cast<Place>(place + markup.size())});
  return tokens;
}

}  // namespace terreno::content::liquid
