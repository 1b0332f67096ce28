#pragma once

// Reads the inside of one tag or output: expressions, filters, conditions. Private.

#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "content/liquid_lexer.h"
#include "content/liquid_program.h"

namespace terreno::content::liquid {

template <typename T>
using Parsed = std::expected<T, PlacedError>;

class MarkupParser {
 public:
  static Parsed<MarkupParser> over(std::string_view markup, Place place, Program& program, const ParseOptions& options);

  [[nodiscard]] bool at(TokenKind kind, size_t ahead = 0) const;
  [[nodiscard]] bool at_word(std::string_view word) const;
  [[nodiscard]] bool at_end() const { return at(TokenKind::end); }
  [[nodiscard]] Place place() const { return tokens_[next_].place; }
  bool accept(TokenKind kind);
  bool accept_word(std::string_view word);
  /// `expected` is shown to the author when something else stands there.
  Parsed<Token> expect(TokenKind kind, std::string_view expected);
  Parsed<void> expect_end();
  /// The error for what stands here.
  [[nodiscard]] PlacedError unexpected(std::string_view expected) const;

  /// A value: literal, variable with its look-ups, range.
  Parsed<const Expression*> expression();
  /// An expression and its filters; nothing at all is allowed and prints nothing.
  Parsed<const Chain*> chain();
  Parsed<std::vector<Condition>> conditions();
  /// `name: value, name: value`, commas optional, to the end.
  Parsed<std::vector<NamedExpression>> named_values();

 private:
  MarkupParser(std::vector<Token> tokens, std::string_view markup, Place place, Program& program,
               const ParseOptions& options)
      : tokens_(std::move(tokens)), markup_(markup), start_(place), program_(&program), options_(&options) {}

  [[nodiscard]] const Token& token() const { return tokens_[next_]; }
  Parsed<void> lookups(Expression& path);
  Parsed<const Expression*> range_or_error(Place place);
  Parsed<void> number(Expression& literal);
  Parsed<Condition> condition();
  Parsed<FilterCall> filter();
  Parsed<void> check_arguments(const FilterCall& call) const;
  void set_source(Expression& expression, Place from);

  std::vector<Token> tokens_;
  std::string_view markup_;
  Place start_ = 0;
  Program* program_;
  const ParseOptions* options_;
  size_t next_ = 0;
  size_t depth_ = 0;
};

}  // namespace terreno::content::liquid
