#include "content/liquid_markup.h"

#include <fmt/format.h>

#include <charconv>

#include "base/result.h"
#include "content/liquid_number.h"

namespace terreno::content::liquid {
namespace {

Command command_of(std::string_view name) {
  if (name == "size") return Command::size;
  if (name == "first") return Command::first;
  if (name == "last") return Command::last;
  return Command::none;
}

Comparison comparison_of(std::string_view text) {
  if (text == "==") return Comparison::equal;
  if (text == "!=" || text == "<>") return Comparison::unequal;
  if (text == "<") return Comparison::less;
  if (text == "<=") return Comparison::less_equal;
  if (text == ">") return Comparison::greater;
  if (text == ">=") return Comparison::greater_equal;
  return Comparison::contains;
}

bool names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t space = list.find(' ');
    if (list.substr(0, space) == name) return true;
    if (space == std::string_view::npos) break;
    list.remove_prefix(space + 1);
  }
  return false;
}

}  // namespace

Parsed<MarkupParser> MarkupParser::over(std::string_view markup, Place place, Program& program,
                                        const ParseOptions& options) {
  TERRENO_TRY(auto tokens, tokenize(markup, place));
  return MarkupParser(std::move(tokens), markup, place, program, options);
}

bool MarkupParser::at(TokenKind kind, size_t ahead) const {
  return next_ + ahead < tokens_.size() && tokens_[next_ + ahead].kind == kind;
}

bool MarkupParser::at_word(std::string_view word) const { return at(TokenKind::word) && token().text == word; }

bool MarkupParser::accept(TokenKind kind) {
  if (!at(kind)) return false;
  ++next_;
  return true;
}

bool MarkupParser::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  ++next_;
  return true;
}

PlacedError MarkupParser::unexpected(std::string_view expected) const {
  const bool is_equals = token().kind == TokenKind::equals && expected != "=";
  if (is_equals && next_ > 0) return {Errc::unknown_operator, token().place, "=", "=="};
  return {Errc::unexpected_word, token().place, std::string(token().text), std::string(expected)};
}

Parsed<Token> MarkupParser::expect(TokenKind kind, std::string_view expected) {
  if (!at(kind)) return std::unexpected(unexpected(expected));
  return tokens_[next_++];
}

Parsed<void> MarkupParser::expect_end() {
  if (!at_end()) return std::unexpected(unexpected(""));
  return {};
}

void MarkupParser::set_source(Expression& expression, Place from) {
  const Token& last = tokens_[next_ - 1];
  // The token of a quoted text has no quotes; its end is found from the view.
  size_t end = static_cast<size_t>(last.text.data() + last.text.size() - markup_.data());
  if (last.kind == TokenKind::text) ++end;
  expression.source = markup_.substr(from - start_, end - (from - start_));
}

Parsed<const Expression*> MarkupParser::expression() {
  // Brackets within brackets come back here; a hostile template may hold thousands.
  if (depth_ >= kNestingMax) return std::unexpected(PlacedError{Errc::nesting_too_deep, place(), {}, {}});
  ++depth_;
  const Place from = place();
  Expression parsed;
  parsed.place = from;
  const Token current = token();
  switch (current.kind) {
    case TokenKind::text:
      ++next_;
      parsed.literal = Value::text(current.text);
      break;
    case TokenKind::number: {
      TERRENO_TRY_VOID(number(parsed));
      break;
    }
    case TokenKind::open_round: {
      ++next_;
      TERRENO_TRY(parsed.first, expression());
      if (!accept(TokenKind::dotdot)) return std::unexpected(unexpected(".."));
      TERRENO_TRY(parsed.last, expression());
      if (!accept(TokenKind::close_round)) return std::unexpected(unexpected(")"));
      parsed.kind = Expression::Kind::range;
      break;
    }
    case TokenKind::open_square: {
      ++next_;
      parsed.kind = Expression::Kind::path;
      TERRENO_TRY(const Expression* root, expression());
      if (!accept(TokenKind::close_square)) return std::unexpected(unexpected("]"));
      if (root->kind == Expression::Kind::literal && root->literal.is_text())
        parsed.root = root->literal.as_text();
      else
        parsed.first = root;
      TERRENO_TRY_VOID(lookups(parsed));
      break;
    }
    case TokenKind::word: {
      ++next_;
      const bool has_lookups = at(TokenKind::dot) || at(TokenKind::open_square);
      if (!has_lookups && (current.text == "nil" || current.text == "null")) break;
      if (!has_lookups && (current.text == "true" || current.text == "false")) {
        parsed.literal = Value::boolean(current.text == "true");
        break;
      }
      if (!has_lookups && (current.text == "blank" || current.text == "empty")) {
        parsed.kind = current.text == "blank" ? Expression::Kind::blank : Expression::Kind::empty;
        parsed.literal = Value::text("");
        break;
      }
      parsed.kind = Expression::Kind::path;
      parsed.root = current.text;
      TERRENO_TRY_VOID(lookups(parsed));
      break;
    }
    default:
      return std::unexpected(PlacedError{Errc::expected_expression, current.place, std::string(current.text), {}});
  }
  set_source(parsed, from);
  --depth_;
  program_->expressions.push_back(std::move(parsed));
  return &program_->expressions.back();
}

Parsed<void> MarkupParser::number(Expression& literal) {
  const Token current = tokens_[next_++];
  if (current.text.find('.') == std::string_view::npos) {
    const auto integer = parse_integer(current.text);
    if (!integer)
      return std::unexpected(PlacedError{Errc::number_too_large, current.place, std::string(current.text), {}});
    literal.literal = Value::integer(*integer);
    return {};
  }
  double value = 0;
  const auto parsed = std::from_chars(current.text.data(), current.text.data() + current.text.size(), value);
  if (parsed.ec != std::errc{}) {
    // Too small for a double is zero; too large is an error.
    if (current.text.find_first_of("123456789") < current.text.find('.'))
      return std::unexpected(PlacedError{Errc::number_too_large, current.place, std::string(current.text), {}});
    value = 0;
  }
  literal.literal = Value::decimal(value);
  return {};
}

Parsed<void> MarkupParser::lookups(Expression& path) {
  while (true) {
    if (accept(TokenKind::dot)) {
      // `contains` is an operator elsewhere, but a name here.
      if (!at(TokenKind::word) && !(at(TokenKind::comparison) && token().text == "contains"))
        return std::unexpected(unexpected("a name"));
      const std::string_view name = tokens_[next_++].text;
      path.segments.push_back({name, nullptr, command_of(name)});
    } else if (accept(TokenKind::open_square)) {
      TERRENO_TRY(const Expression* key, expression());
      if (!accept(TokenKind::close_square)) return std::unexpected(unexpected("]"));
      if (key->kind == Expression::Kind::literal && key->literal.is_text())
        path.segments.push_back({key->literal.as_text(), nullptr, Command::none});
      else
        path.segments.push_back({{}, key, Command::none});
    } else {
      return {};
    }
  }
}

Parsed<const Chain*> MarkupParser::chain() {
  Chain parsed;
  parsed.place = place();
  if (!at_end()) {
    TERRENO_TRY(parsed.subject, expression());
    while (accept(TokenKind::pipe)) {
      TERRENO_TRY(auto call, filter());
      parsed.has_default = parsed.has_default || call.spec->name == "default";
      parsed.filters.push_back(std::move(call));
    }
  }
  TERRENO_TRY_VOID(expect_end());
  program_->chains.push_back(std::move(parsed));
  return &program_->chains.back();
}

Parsed<FilterCall> MarkupParser::filter() {
  TERRENO_TRY(const Token name, expect(TokenKind::word, "the name of a filter"));
  FilterCall call;
  call.place = name.place;
  call.spec = find_filter(name.text);
  if (call.spec == nullptr)
    return std::unexpected(
        PlacedError{Errc::unknown_filter, name.place, std::string(name.text), std::string(nearest_filter(name.text))});
  if (name.text == "unescaped" && !options_->allow_unescaped)
    return std::unexpected(PlacedError{Errc::unescaped_forbidden, name.place, std::string(name.text), {}});
  if (accept(TokenKind::colon)) {
    do {
      if (at(TokenKind::word) && at(TokenKind::colon, 1)) {
        const Token key = tokens_[next_];
        next_ += 2;
        if (!names(call.spec->named, key.text))
          return std::unexpected(
              PlacedError{Errc::unknown_argument, key.place, std::string(key.text), std::string(call.spec->named)});
        TERRENO_TRY(const Expression* value, expression());
        call.named.push_back({key.text, value});
      } else {
        TERRENO_TRY(const Expression* value, expression());
        call.arguments.push_back(value);
      }
    } while (accept(TokenKind::comma));
  }
  TERRENO_TRY_VOID(check_arguments(call));
  return call;
}

Parsed<void> MarkupParser::check_arguments(const FilterCall& call) const {
  const FilterSpec& spec = *call.spec;
  const size_t count = call.arguments.size();
  if (count >= spec.arguments_min && count <= spec.arguments_max && call.named.size() <= kFilterArgumentsMax) return {};
  const std::string allowed = spec.arguments_min == spec.arguments_max
                                  ? fmt::format("{}", spec.arguments_min)
                                  : fmt::format("{}–{}", spec.arguments_min, spec.arguments_max);
  return std::unexpected(PlacedError{Errc::wrong_argument_count, call.place, std::string(spec.name), allowed});
}

Parsed<std::vector<Condition>> MarkupParser::conditions() {
  std::vector<Condition> parsed;
  while (true) {
    TERRENO_TRY(auto next, condition());
    parsed.push_back(next);
    if (accept_word("and")) {
      parsed.back().joint = Joint::conjunction;
    } else if (accept_word("or")) {
      parsed.back().joint = Joint::disjunction;
    } else {
      break;
    }
  }
  if (at(TokenKind::word))
    return std::unexpected(
        PlacedError{Errc::unknown_operator, place(), std::string(token().text), "== != < > <= >= contains and or"});
  TERRENO_TRY_VOID(expect_end());
  return parsed;
}

Parsed<Condition> MarkupParser::condition() {
  Condition parsed;
  TERRENO_TRY(parsed.left, expression());
  parsed.place = place();
  if (at(TokenKind::comparison)) {
    parsed.comparison = comparison_of(tokens_[next_++].text);
    TERRENO_TRY(parsed.right, expression());
  }
  return parsed;
}

Parsed<std::vector<NamedExpression>> MarkupParser::named_values() {
  std::vector<NamedExpression> parsed;
  accept(TokenKind::comma);
  while (!at_end()) {
    TERRENO_TRY(const Token name, expect(TokenKind::word, "name: value"));
    if (!accept(TokenKind::colon)) return std::unexpected(unexpected(":"));
    TERRENO_TRY(const Expression* value, expression());
    parsed.push_back({name.text, value});
    accept(TokenKind::comma);
  }
  return parsed;
}

}  // namespace terreno::content::liquid
