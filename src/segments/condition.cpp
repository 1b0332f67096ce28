#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <vector>

#include "segments/segments.h"

namespace terreno::segments {

namespace {
enum class Operator : uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  contains,
  unknown,
  known,
  truthy
};
}  // namespace

struct Condition::Node {
  enum class Kind : uint8_t { all, any, not_, compare, allows } kind = Kind::all;
  std::vector<std::shared_ptr<const Node>> children;
  std::string path;  // compare: the path; allows: the channel
  Operator op = Operator::truthy;
  boost::json::value literal;  // allows: the topic
};

namespace {

using Node = Condition::Node;
using NodePointer = std::shared_ptr<const Node>;

struct Token {
  enum class Kind : uint8_t { word, text, number, symbol, end } kind = Kind::end;
  std::string text;
  int column = 1;
};

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) { advance(); }

  NodePointer parse_whole() {
    NodePointer node = parse_any(0);
    if (node && token_.kind != Token::Kind::end) fail("is not expected here; join conditions with `and` or `or`");
    return error_ ? nullptr : node;
  }
  std::optional<ConditionError> error_;

 private:
  NodePointer fail(std::string detail) {
    if (!error_) error_ = ConditionError{token_.column, fmt::format("`{}` {}", token_.text, detail)};
    return nullptr;
  }

  void advance() {
    while (at_ < source_.size() && (source_[at_] == ' ' || source_[at_] == '\n' || source_[at_] == '\t')) ++at_;
    token_ = {Token::Kind::end, "end of the condition", static_cast<int>(at_) + 1};
    if (at_ >= source_.size()) return;
    const char c = source_[at_];
    const size_t begin = at_;
    const auto is_word = [](char x) {
      return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') || (x >= '0' && x <= '9') || x == '_' || x == '.' ||
             x == '-' || static_cast<unsigned char>(x) >= 0x80;
    };
    if (c == '"') {
      std::string text;
      for (++at_; at_ < source_.size() && source_[at_] != '"'; ++at_) {
        if (source_[at_] == '\\' && at_ + 1 < source_.size()) ++at_;
        text.push_back(source_[at_]);
      }
      if (at_ >= source_.size()) {
        fail("begins a text that has no closing quote");
        return;
      }
      ++at_;
      token_ = {Token::Kind::text, text, static_cast<int>(begin) + 1};
    } else if ((c >= '0' && c <= '9') ||
               (c == '-' && at_ + 1 < source_.size() && source_[at_ + 1] >= '0' && source_[at_ + 1] <= '9')) {
      ++at_;
      while (at_ < source_.size() && ((source_[at_] >= '0' && source_[at_] <= '9') || source_[at_] == '.')) ++at_;
      token_ = {Token::Kind::number, std::string(source_.substr(begin, at_ - begin)), static_cast<int>(begin) + 1};
    } else if (is_word(c)) {
      while (at_ < source_.size() && is_word(source_[at_])) ++at_;
      token_ = {Token::Kind::word, std::string(source_.substr(begin, at_ - begin)), static_cast<int>(begin) + 1};
    } else {
      size_t size = 1;
      if ((c == '!' || c == '<' || c == '>') && at_ + 1 < source_.size() && source_[at_ + 1] == '=') size = 2;
      at_ += size;
      token_ = {Token::Kind::symbol, std::string(source_.substr(begin, size)), static_cast<int>(begin) + 1};
    }
  }
  bool take(std::string_view text) {
    if (token_.kind == Token::Kind::text || token_.text != text) return false;
    advance();
    return true;
  }

  NodePointer parse_any(int depth) {
    if (depth > kNestingMax) return fail("is nested too deeply");
    NodePointer first = parse_unary(depth);
    if (!first) return nullptr;
    const bool is_and = token_.kind == Token::Kind::word && token_.text == "and";
    const bool is_or = token_.kind == Token::Kind::word && token_.text == "or";
    if (!is_and && !is_or) return first;
    Node joined;
    joined.kind = is_and ? Node::Kind::all : Node::Kind::any;
    joined.children.push_back(std::move(first));
    while (token_.kind == Token::Kind::word && (token_.text == "and" || token_.text == "or")) {
      if ((token_.text == "and") != is_and) return fail("mixes `and` with `or`; put parentheses around one of them");
      advance();
      NodePointer next = parse_unary(depth);
      if (!next) return nullptr;
      joined.children.push_back(std::move(next));
    }
    return std::make_shared<const Node>(std::move(joined));
  }

  NodePointer parse_unary(int depth) {
    if (depth > kNestingMax) return fail("is nested too deeply");
    if (token_.kind == Token::Kind::word && take("not")) {
      Node negated;
      negated.kind = Node::Kind::not_;
      NodePointer inner = parse_unary(depth + 1);
      if (!inner) return nullptr;
      negated.children.push_back(std::move(inner));
      return std::make_shared<const Node>(std::move(negated));
    }
    if (token_.kind == Token::Kind::symbol && take("(")) {
      NodePointer inner = parse_any(depth + 1);
      if (!inner) return nullptr;
      if (!take(")")) return fail("stands where a closing parenthesis is missing");
      return inner;
    }
    return parse_clause();
  }

  NodePointer parse_clause() {
    if (token_.kind != Token::Kind::word)
      return fail("is not the start of a condition; write a path such as person.city");
    Node clause;
    if (token_.text == "allows") {
      advance();
      clause.kind = Node::Kind::allows;
      if (!take("(") || token_.kind != Token::Kind::word)
        return fail("is not a channel; write allows(email, \"offers\")");
      clause.path = token_.text;
      advance();
      if (!take(",") || token_.kind != Token::Kind::text)
        return fail("is not a topic; write allows(email, \"offers\")");
      clause.literal = boost::json::string(token_.text);
      advance();
      if (!take(")")) return fail("stands where a closing parenthesis is missing");
      return std::make_shared<const Node>(std::move(clause));
    }
    if (!token_.text.starts_with("person.") && !token_.text.starts_with("event."))
      return fail("is not a path; paths begin with `person.` or `event.`");
    clause.kind = Node::Kind::compare;
    clause.path = token_.text;
    advance();
    if (token_.kind == Token::Kind::word && token_.text == "is") {
      advance();
      if (take("unknown")) {
        clause.op = Operator::unknown;
      } else if (take("known")) {
        clause.op = Operator::known;
      } else {
        return fail("is not expected after `is`; write `is known` or `is unknown`");
      }
      return std::make_shared<const Node>(std::move(clause));
    }
    if (token_.kind == Token::Kind::word && token_.text == "contains") {
      clause.op = Operator::contains;
    } else if (token_.kind == Token::Kind::symbol && token_.text != "(" && token_.text != ")" && token_.text != ",") {
      if (token_.text == "=")
        clause.op = Operator::equal;
      else if (token_.text == "!=")
        clause.op = Operator::not_equal;
      else if (token_.text == "<")
        clause.op = Operator::less;
      else if (token_.text == "<=")
        clause.op = Operator::less_equal;
      else if (token_.text == ">")
        clause.op = Operator::greater;
      else if (token_.text == ">=")
        clause.op = Operator::greater_equal;
      else
        return fail("is not an operator; use =, !=, <, <=, >, >=, contains, is known, is unknown");
    } else {
      return std::make_shared<const Node>(std::move(clause));  // a bare path: true when the value is true
    }
    advance();
    switch (token_.kind) {
      case Token::Kind::text:
        clause.literal = boost::json::string(token_.text);
        break;
      case Token::Kind::number: {
        double number = 0;
        const auto [end, error] = std::from_chars(token_.text.data(), token_.text.data() + token_.text.size(), number);
        if (error != std::errc{} || end != token_.text.data() + token_.text.size()) return fail("is not a number");
        clause.literal = number;
        break;
      }
      case Token::Kind::word:
        if (token_.text == "true")
          clause.literal = true;
        else if (token_.text == "false")
          clause.literal = false;
        else
          return fail("is not a value; put text between double quotes");
        break;
      default:
        return fail("is not a value; write a number, true, false or a text between double quotes");
    }
    advance();
    return std::make_shared<const Node>(std::move(clause));
  }

  std::string_view source_;
  size_t at_ = 0;
  Token token_;
};

std::string_view symbol_of(Operator op) {
  switch (op) {
    case Operator::equal:
      return " = ";
    case Operator::not_equal:
      return " != ";
    case Operator::less:
      return " < ";
    case Operator::less_equal:
      return " <= ";
    case Operator::greater:
      return " > ";
    case Operator::greater_equal:
      return " >= ";
    case Operator::contains:
      return " contains ";
    case Operator::unknown:
      return " is unknown";
    case Operator::known:
      return " is known";
    case Operator::truthy:
      return "";
  }
  return "";
}

std::string print_literal(const boost::json::value& literal) {
  if (literal.is_string()) {
    std::string out = "\"";
    for (const char c : literal.get_string()) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    return out + "\"";
  }
  if (literal.is_bool()) return literal.get_bool() ? "true" : "false";
  return fmt::format("{}", literal.to_number<double>());
}

std::string print_node(const Node& node, bool inside) {
  switch (node.kind) {
    case Node::Kind::compare: {
      std::string out = node.path + std::string(symbol_of(node.op));
      if (node.op <= Operator::contains) out += print_literal(node.literal);
      return out;
    }
    case Node::Kind::allows:
      return fmt::format("allows({}, {})", node.path, print_literal(node.literal));
    case Node::Kind::not_:
      return "not " + print_node(*node.children.front(), true);
    case Node::Kind::all:
    case Node::Kind::any: {
      std::string out;
      for (const auto& child : node.children) {
        if (!out.empty()) out += node.kind == Node::Kind::all ? " and " : " or ";
        out += print_node(*child, true);
      }
      return inside ? "(" + out + ")" : out;
    }
  }
  return {};
}

bool compare(const boost::json::value& found, Operator op, const boost::json::value& literal) {
  if (op == Operator::truthy) return found.is_bool() && found.get_bool();
  if (op == Operator::contains) {
    if (found.is_array()) {
      for (const auto& item : found.get_array()) {
        if (compare(item, Operator::equal, literal)) return true;
      }
      return false;
    }
    return found.is_string() && literal.is_string() &&
           std::string_view(found.get_string()).find(std::string_view(literal.get_string())) != std::string_view::npos;
  }
  if (found.is_number() && literal.is_number()) {
    const double a = found.to_number<double>();
    const double b = literal.to_number<double>();
    switch (op) {
      case Operator::equal:
        return a == b;
      case Operator::not_equal:
        return a != b;
      case Operator::less:
        return a < b;
      case Operator::less_equal:
        return a <= b;
      case Operator::greater:
        return a > b;
      default:
        return a >= b;
    }
  }
  if (found.is_string() && literal.is_string()) {
    const int order = std::string_view(found.get_string()).compare(std::string_view(literal.get_string()));
    switch (op) {
      case Operator::equal:
        return order == 0;
      case Operator::not_equal:
        return order != 0;
      case Operator::less:
        return order < 0;
      case Operator::less_equal:
        return order <= 0;
      case Operator::greater:
        return order > 0;
      default:
        return order >= 0;
    }
  }
  if (found.is_bool() && literal.is_bool() && op == Operator::equal) return found.get_bool() == literal.get_bool();
  // Values of different types: not equal, and in no order.
  return op == Operator::not_equal;
}

ConditionResult evaluate_node(const Node& node, const ConditionInput& input) {
  switch (node.kind) {
    case Node::Kind::compare: {
      const auto json = input.value(node.path);
      boost::json::value found;
      if (json) {
        boost::system::error_code error;
        found = boost::json::parse(*json, error);
        if (error) found = nullptr;
      }
      bool holds = false;
      if (node.op == Operator::unknown)
        holds = found.is_null();
      else if (node.op == Operator::known)
        holds = !found.is_null();
      else
        holds = !found.is_null() && compare(found, node.op, node.literal);
      if (holds) return {true, {}, {}};
      return {false, print_node(node, false), found.is_null() ? "unknown" : boost::json::serialize(found)};
    }
    case Node::Kind::allows:
      if (input.allows(node.path, node.literal.get_string())) return {true, {}, {}};
      return {false, print_node(node, false), "false"};
    case Node::Kind::not_:
      if (evaluate_node(*node.children.front(), input).holds) return {false, print_node(node, false), "true"};
      return {true, {}, {}};
    case Node::Kind::all:
      for (const auto& child : node.children) {
        if (ConditionResult result = evaluate_node(*child, input); !result.holds) return result;
      }
      return {true, {}, {}};
    case Node::Kind::any: {
      ConditionResult first;
      for (const auto& child : node.children) {
        ConditionResult result = evaluate_node(*child, input);
        if (result.holds) return result;
        if (first.failing_value.empty()) first = std::move(result);
      }
      return {false, print_node(node, false), first.failing_value};
    }
  }
  return {};
}

}  // namespace

std::expected<Condition, ConditionError> Condition::parse(std::string_view text) {
  if (text.size() > kConditionBytesMax)
    return std::unexpected(ConditionError{1, "is longer than 4096 bytes; split it"});
  Parser parser(text);
  NodePointer root = parser.parse_whole();
  if (!root || parser.error_) return std::unexpected(*parser.error_);
  return Condition(std::move(root));
}

ConditionResult Condition::evaluate(const ConditionInput& input) const { return evaluate_node(*root_, input); }
std::string Condition::print() const { return print_node(*root_, false); }

}  // namespace terreno::segments
