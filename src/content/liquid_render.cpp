#include "content/liquid_render.h"

#include <algorithm>
#include <charconv>

#include "base/html.h"

namespace terreno::content::liquid {

std::expected<Rendered, RenderError> render(const Template& liquid, const Value& scope, const RenderOptions& options,
                                            std::string& out) {
  return Renderer(liquid.program(), scope, options, out).run();
}

std::expected<Rendered, RenderError> Renderer::run() {
  // A guess that spares the growth steps of a fresh text; nothing on a reused one.
  out_.reserve(start_ +
               std::min(program_->literal_bytes + program_->literal_bytes / 4 + 256, options_.limits.output_bytes));
  render_block(program_->root);
  if (error_) {
    out_.resize(start_);
    return std::unexpected(std::move(*error_));
  }
  if (abort_reason_) {
    out_.resize(start_);
    return Rendered{std::move(abort_reason_)};
  }
  return Rendered{};
}

Value Renderer::fail(Errc code, std::string_view subject, std::string_view suggestion) {
  if (!stopped_) {
    stopped_ = true;
    const LineAndColumn place = line_and_column(program_->source, place_);
    error_ = RenderError{.code = code,
                         .line = place.line,
                         .column = place.column,
                         .subject = std::string(subject),
                         .suggestion = std::string(suggestion),
                         .partial = std::string(partial_)};
  }
  return {};
}

bool Renderer::spend(uint64_t steps) {
  steps_ += steps;
  if (steps_ <= options_.limits.steps) return true;
  fail(Errc::too_many_steps, {}, std::to_string(options_.limits.steps));
  return false;
}

bool Renderer::equals(const Value& left, const Value& right) {
  Work work{options_.limits.steps - std::min(steps_, options_.limits.steps)};
  const uint64_t before = work.left;
  const bool result = equal(left, right, work);
  return spend(work.left == 0 ? before + 1 : before - work.left) && result;
}

std::optional<int> Renderer::order_of(const Value& left, const Value& right) {
  Work work{options_.limits.steps - std::min(steps_, options_.limits.steps)};
  const uint64_t before = work.left;
  const auto result = compare(left, right, work);
  if (!spend(work.left == 0 ? before + 1 : before - work.left)) return std::nullopt;
  return result;
}

bool Renderer::enter() {
  if (depth_ >= options_.limits.depth) {
    fail(Errc::depth_exceeded, {}, std::to_string(options_.limits.depth));
    return false;
  }
  ++depth_;
  return true;
}

void Renderer::render_block(const Block& block) {
  if (!enter()) return;
  for (const Node& node : block.nodes) {
    if (++steps_ > options_.limits.steps) [[unlikely]] {
      place_ = node.place;
      fail(Errc::too_many_steps, {}, std::to_string(options_.limits.steps));
      break;
    }
    if (const Text* text = std::get_if<Text>(&node.content)) {
      out_.append(text->text);
    } else if (const Output* output = std::get_if<Output>(&node.content)) {
      render_output(*output->chain);
    } else {
      render_node(node);
    }
    if (out_.size() - start_ > options_.limits.output_bytes) [[unlikely]] {
      place_ = node.place;
      fail(Errc::output_too_long, {}, std::to_string(options_.limits.output_bytes));
    }
    if (stopped_ || interrupt_ != Interrupt::none) break;
  }
  leave();
}

void Renderer::render_node(const Node& node) {
  place_ = node.place;
  std::visit(
      [this](const auto& content) {
        using Content = std::decay_t<decltype(content)>;
        if constexpr (std::is_pointer_v<Content>)
          render_tag(*content);
        else if constexpr (std::is_same_v<Content, LinkTag>)
          render_link(content);
        else if constexpr (std::is_same_v<Content, InterruptTag>)
          interrupt_ = content.is_break ? Interrupt::leave : Interrupt::next;
      },
      node.content);
}

void Renderer::render_output(const Chain& chain) {
  if (chain.subject == nullptr) return;
  const Value value = evaluate_chain(chain);
  if (!stopped_) print(value);
}

void Renderer::print(const Value& value) {
  if (value.is_text()) {
    if (!escapes() || value.is_html())
      out_.append(value.as_text());
    else
      append_html_escaped(out_, value.as_text());
    return;
  }
  switch (value.kind()) {
    case Value::Kind::array:
      for (const Value& item : value.as_array()) {
        if (out_.size() - start_ > options_.limits.output_bytes) return;  // the block reports it
        print(item);
      }
      break;
    case Value::Kind::object:
      if (escapes()) {
        std::string plain;
        append_printed(plain, value, options_.limits.output_bytes);
        append_html_escaped(out_, plain);
        break;
      }
      [[fallthrough]];
    default:
      append_printed(out_, value, start_ + options_.limits.output_bytes);
  }
}

Value Renderer::keep(std::string_view text, bool is_html) {
  if (text.size() > memory_left())
    return fail(Errc::memory_exhausted, {}, std::to_string(options_.limits.memory_bytes));
  return Value::text(arena_.keep(text), is_html);
}

Value Renderer::keep_array(std::span<const Value> items) {
  if (items.size_bytes() > memory_left())
    return fail(Errc::memory_exhausted, {}, std::to_string(options_.limits.memory_bytes));
  return arena_.array(items);
}

Value Renderer::keep_range(RangeData range) {
  if (sizeof range > memory_left())
    return fail(Errc::memory_exhausted, {}, std::to_string(options_.limits.memory_bytes));
  return arena_.range(range);
}

std::string_view Renderer::text_of(const Value& value) {
  if (value.is_text()) return value.as_text();
  if (value.is_nil()) return {};
  std::string text;
  append_text(text, value, memory_left());
  const Value kept = keep(text);
  return kept.is_text() ? kept.as_text() : std::string_view{};
}

namespace {

std::string_view stripped(std::string_view text) {
  const size_t first = text.find_first_not_of(kStripped);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kStripped) - first + 1);
}

// Ruby's String#to_i: what leads, 0 when nothing does. Beyond 64 bits the nearest end, so that arithmetic on it
// overflows.
int64_t leading_integer(std::string_view text) {
  text = stripped(text);
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int64_t value = 0;
  bool after_digit = false;
  for (const char c : text) {
    if (c == '_' && after_digit) {
      after_digit = false;
      continue;
    }
    if (c < '0' || c > '9') break;
    after_digit = true;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, c - '0', &value)) {
      return negative ? INT64_MIN : INT64_MAX;
    }
  }
  if (negative) return value;
  return value == INT64_MIN ? INT64_MAX : -value;
}

}  // namespace

Number Renderer::number_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::integer:
      return Number::of(value.as_integer());
    case Value::Kind::decimal:
      return Number::of(decimal_of(value.as_decimal()));
    case Value::Kind::text: {
      const std::string_view text = stripped(value.as_text());
      if (const auto decimal = parse_decimal(text)) return Number::of(*decimal);
      return Number::of(leading_integer(text));
    }
    default:
      return Number::of(int64_t{0});
  }
}

Value Renderer::value_of(const std::optional<Number>& number) {
  if (!number) return fail(Errc::number_overflow);
  if (number->is_integer) return Value::integer(number->integer);
  const auto value = double_of(number->decimal);
  if (!value) return fail(Errc::number_overflow);
  return Value::decimal(*value);
}

std::optional<int64_t> Renderer::integer_of(const Value& value) {
  if (value.kind() == Value::Kind::integer) return value.as_integer();
  const std::string_view text = text_of(value);
  const auto integer = parse_integer(stripped(text));
  if (!integer) fail(Errc::not_an_integer, text.substr(0, byte_of_character(text, 40)));
  return integer;
}

Value Renderer::evaluate(const Expression& expression) {
  switch (expression.kind) {
    case Expression::Kind::path:
      return evaluate_path(expression);
    case Expression::Kind::range:
      return evaluate_range(expression);
    case Expression::Kind::literal:
    case Expression::Kind::blank:
    case Expression::Kind::empty:
      break;
  }
  return expression.literal;
}

Value Renderer::evaluate_path(const Expression& path) {
  Value value;
  if (path.first == nullptr) {
    value = find_variable(path.root);
  } else {
    const Value name = evaluate(*path.first);
    if (stopped_) return {};
    value = find_variable(text_of(name));
  }
  for (const Segment& segment : path.segments) {
    if (segment.dynamic == nullptr) {
      // The common case without a call: a name in an object.
      const Value* found = value.find(segment.name);
      value = found != nullptr ? *found : look_up(value, segment.name, segment.command);
    } else {
      const Value key = evaluate(*segment.dynamic);
      if (stopped_) return {};
      value = look_up(value, key);
    }
    if (value.is_nil()) return {};
  }
  return value;
}

Value Renderer::find_variable(std::string_view name) const {
  const Context& context = *context_;
  for (size_t i = context.frames.size(); i-- > 0;)
    if (context.frames[i].name == name) return context.frames[i].value;
  if (!context.assigned.empty())
    if (const auto found = context.assigned.find(name); found != context.assigned.end()) return found->second;
  if (!context.counters.empty())
    if (const auto found = context.counters.find(name); found != context.counters.end())
      return Value::integer(found->second);
  if (const Value* found = context.data.find(name); found != nullptr && !found->is_nil()) return *found;
  if (const Value* found = options_.globals.find(name)) return *found;
  return {};
}

Value globals_of(const Value& scope, Arena& arena) {
  if (!scope.is_object()) return {};
  std::vector<Member> members(scope.as_object().begin(), scope.as_object().end());
  constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
      {"customer", "person"}, {"user", "person"}, {"campaign", "journey"}};
  for (const auto& [other, name] : kOtherNames) {
    const Value* const found = scope.find(name);
    if (found != nullptr && scope.find(other) == nullptr) members.push_back({other, *found});
  }
  return arena.object(members);
}

Value Renderer::look_up(const Value& base, std::string_view name, Command command) {
  if (const Value* found = base.find(name)) return *found;
  if (base.kind() == Value::Kind::loop) return look_up_loop(base.as_loop(), name);
  return command == Command::none ? Value{} : look_up_command(base, command);
}

Value Renderer::look_up_command(const Value& base, Command command) {
  switch (base.kind()) {
    case Value::Kind::text:
      return command == Command::size ? Value::integer(static_cast<int64_t>(character_count(base.as_text()))) : Value{};
    case Value::Kind::integer:
      return command == Command::size ? Value::integer(8) : Value{};  // Ruby: bytes of an Integer
    case Value::Kind::array: {
      const auto items = base.as_array();
      if (command == Command::size) return Value::integer(static_cast<int64_t>(items.size()));
      if (items.empty()) return {};
      return command == Command::first ? items.front() : items.back();
    }
    case Value::Kind::object: {
      const auto members = base.as_object();
      if (command == Command::size) return Value::integer(static_cast<int64_t>(members.size()));
      if (command == Command::last || members.empty()) return {};
      const std::array<Value, 2> pair = {Value::text(members.front().key), members.front().value};
      return keep_array(pair);
    }
    case Value::Kind::range: {
      const RangeData& range = base.as_range();
      if (command == Command::first) return Value::integer(range.first);
      if (command == Command::last) return Value::integer(range.last);
      return Value::integer(collection_of(base).size);
    }
    case Value::Kind::nil:
    case Value::Kind::boolean:
    case Value::Kind::decimal:
    case Value::Kind::loop:
      break;
  }
  return {};
}

Value Renderer::look_up(const Value& base, const Value& key) {
  if (key.is_text()) return look_up(base, key.as_text(), Command::none);
  if (key.kind() != Value::Kind::integer || !base.is_array()) return {};
  const auto items = base.as_array();
  const int64_t size = static_cast<int64_t>(items.size());
  int64_t index = key.as_integer();
  if (index < 0) index += size;  // from the end, as in Ruby; a very negative one stays negative
  return index >= 0 && index < size ? items[static_cast<size_t>(index)] : Value{};
}

Value Renderer::look_up_loop(const LoopState& loop, std::string_view name) const {
  if (name == "index") return Value::integer(loop.index + 1);
  if (name == "index0") return Value::integer(loop.index);
  if (name == "length") return Value::integer(loop.length);
  if (name == "rindex") return Value::integer(loop.length - loop.index);
  if (name == "rindex0") return Value::integer(loop.length - loop.index - 1);
  if (name == "first") return Value::boolean(loop.index == 0);
  if (name == "last") return Value::boolean(loop.index == loop.length - 1);
  if (loop.is_table) {
    if (name == "col") return Value::integer(loop.column);
    if (name == "col0") return Value::integer(loop.column - 1);
    if (name == "row") return Value::integer(loop.row);
    if (name == "col_first") return Value::boolean(loop.column == 1);
    if (name == "col_last") return Value::boolean(loop.column == loop.columns);
    return {};
  }
  if (name == "name") return Value::text(loop.name);
  if (name == "parentloop" && loop.parent != nullptr) return Value::loop(loop.parent);
  return {};
}

Value Renderer::evaluate_range(const Expression& expression) {
  const auto end_of = [this](const Expression& end) -> std::optional<int64_t> {
    const Value value = evaluate(end);
    if (stopped_) return std::nullopt;
    if (value.is_nil()) return 0;
    if (value.is_text()) return leading_integer(value.as_text());
    if (value.kind() == Value::Kind::decimal && end.kind == Expression::Kind::literal)
      return terreno::content::liquid::integer_of(decimal_of(value.as_decimal()));
    place_ = end.place;
    return integer_of(value);
  };
  const auto first = end_of(*expression.first);
  const auto last = end_of(*expression.last);
  if (!first || !last) return {};
  return keep_range({*first, *last});
}

Value Renderer::evaluate_present(const Expression& expression, bool may_be_missing) {
  const Value value = evaluate(expression);
  if (value.is_nil() && !may_be_missing && options_.missing == Missing::fail &&
      expression.kind == Expression::Kind::path) {
    place_ = expression.place;
    return fail(Errc::variable_missing, expression.source);
  }
  return value;
}

Value Renderer::evaluate_chain(const Chain& chain) {
  if (chain.subject == nullptr) return {};
  Value value = evaluate_present(*chain.subject, chain.has_default);
  for (const FilterCall& call : chain.filters) {
    if (stopped_) return {};
    value = apply(call, value, chain.has_default);
  }
  return value;
}

namespace {

// What a filter has to look at, as a multiple of a step.
uint64_t steps_for(const Value& value) {
  if (value.is_text()) return 1 + value.as_text().size() / 64;
  if (value.is_array()) return 1 + value.as_array().size() / 4;
  return 1;
}

}  // namespace

Value Renderer::apply(const FilterCall& call, const Value& value, bool may_be_missing) {
  std::array<Value, kFilterArgumentsMax> arguments;
  std::array<NamedValue, kFilterArgumentsMax> named;
  uint64_t steps = steps_for(value);
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    arguments[i] = evaluate_present(*call.arguments[i], may_be_missing);
    steps += steps_for(arguments[i]);
  }
  for (size_t i = 0; i < call.named.size(); ++i)
    named[i] = {call.named[i].name, evaluate_present(*call.named[i].value, may_be_missing)};
  if (stopped_) return {};
  place_ = call.place;
  if (!spend(steps)) return {};
  return call.spec->apply(*this, {value, {arguments.data(), call.arguments.size()}, {named.data(), call.named.size()}});
}

bool Renderer::holds(const std::vector<Condition>& conditions) {
  bool result = true;  // without conditions: else
  for (const Condition& condition : conditions) {
    result = holds(condition);
    if (stopped_) return false;
    // The rest is one operand, since the joints bind from right to left: it is looked at only when it decides.
    if (condition.joint == Joint::conjunction && !result) return false;
    if (condition.joint == Joint::disjunction && result) return true;
  }
  return result;
}

bool Renderer::holds(const Condition& condition) {
  place_ = condition.left->place;
  if (condition.comparison == Comparison::truth) return evaluate(*condition.left).is_true();
  if (condition.comparison == Comparison::equal) return is_equal(*condition.left, *condition.right);
  if (condition.comparison == Comparison::unequal) return !is_equal(*condition.left, *condition.right);
  const auto is_question = [](const Expression& side) {
    return side.kind == Expression::Kind::blank || side.kind == Expression::Kind::empty;
  };
  // Neither has an order; `contains empty` asks for the empty text, which every text contains.
  if (is_question(*condition.left)) return false;
  if (is_question(*condition.right) && condition.comparison != Comparison::contains) return false;
  const Value left = evaluate(*condition.left);
  const Value right = evaluate(*condition.right);
  if (stopped_) return false;
  place_ = condition.place;
  if (condition.comparison == Comparison::contains) {
    if (!left.is_true() || !right.is_true()) return false;
    if (!spend(steps_for(left))) return false;
    if (left.is_text()) {
      const std::string_view part = text_of(right);
      return spend_search(left.as_text(), part) && left.as_text().find(part) != std::string_view::npos;
    }
    if (left.is_array())
      return std::ranges::any_of(left.as_array(), [&](const Value& item) { return equals(item, right); });
    if (left.is_object()) return right.is_text() && left.find(right.as_text()) != nullptr;
    if (left.kind() == Value::Kind::range) {
      const auto after_first = order_of(Value::integer(left.as_range().first), right);
      const auto before_last = order_of(right, Value::integer(left.as_range().last));
      return after_first && before_last && *after_first <= 0 && *before_last <= 0;
    }
    return false;
  }
  const auto orders = [](const Value& value) {
    return value.kind() == Value::Kind::integer || value.kind() == Value::Kind::decimal || value.is_text();
  };
  if (!orders(left) || !orders(right)) return false;  // Ruby: neither knows the operator
  const auto order = order_of(left, right);
  if (!order) {
    fail(Errc::not_comparable,
         program_->source.substr(condition.left->place,
                                 condition.right->place - condition.left->place + condition.right->source.size()));
    return false;
  }
  switch (condition.comparison) {
    case Comparison::less:
      return *order < 0;
    case Comparison::less_equal:
      return *order <= 0;
    case Comparison::greater:
      return *order > 0;
    case Comparison::greater_equal:
      return *order >= 0;
    default:
      return false;
  }
}

bool Renderer::is_equal(const Expression& left, const Expression& right) {
  // `blank` and `empty` ask the other side; they are no values.
  using Kind = Expression::Kind;
  const auto is_question = [](const Expression& side) { return side.kind == Kind::blank || side.kind == Kind::empty; };
  if (is_question(left) && is_question(right)) return false;  // as in Ruby
  if (is_question(left)) {
    const Value value = evaluate(right);
    return left.kind == Kind::blank ? is_blank(value) : is_empty(value);
  }
  if (is_question(right)) {
    const Value value = evaluate(left);
    return right.kind == Kind::blank ? is_blank(value) : is_empty(value);
  }
  const Value a = evaluate(left);
  const Value b = evaluate(right);
  return equals(a, b);
}

}  // namespace terreno::content::liquid
