// What each tag does. How tags are read is in liquid_tags.cpp.

#include <algorithm>
#include <utility>

#include "content/liquid_render.h"

namespace terreno::content::liquid {

void Renderer::render_tag(const IfTag& tag) {
  for (size_t i = 0; i < tag.branches.size(); ++i) {
    const bool holds_here = holds(tag.branches[i].conditions);
    if (stopped_) return;
    const bool negated = tag.is_unless && i == 0;
    if (holds_here != negated) {
      render_block(tag.branches[i].body);
      return;
    }
  }
}

void Renderer::render_tag(const CaseTag& tag) {
  bool matched = false;
  for (const WhenBranch& branch : tag.branches) {
    if (branch.is_else) {
      if (!matched) render_block(branch.body);
    }
    // As in Ruby, every value that matches renders its body, also a second time.
    for (const Expression* value : branch.values) {
      place_ = value->place;
      const bool is_match = is_equal(*tag.subject, *value);
      if (stopped_) return;
      if (!is_match) continue;
      matched = true;
      render_block(branch.body);
      if (stopped_ || interrupt_ != Interrupt::none) return;
    }
    if (stopped_ || interrupt_ != Interrupt::none) return;
  }
}

Renderer::Collection Renderer::collection_of(const Value& value) const {
  switch (value.kind()) {
    case Value::Kind::array:
      return {value, static_cast<int64_t>(value.as_array().size())};
    case Value::Kind::object:
      return {value, static_cast<int64_t>(value.as_object().size())};
    case Value::Kind::text:
      return {value, value.as_text().empty() ? 0 : 1};
    case Value::Kind::range: {
      const RangeData& range = value.as_range();
      if (range.last < range.first) return {value, 0};
      int64_t size = 0;
      if (__builtin_sub_overflow(range.last, range.first, &size) || __builtin_add_overflow(size, 1, &size))
        size = INT64_MAX;  // no rendering has that many steps
      return {value, size};
    }
    default:
      return {};
  }
}

Value Renderer::element(const Collection& collection, int64_t index) {
  switch (collection.value.kind()) {
    case Value::Kind::array:
      return collection.value.as_array()[static_cast<size_t>(index)];
    case Value::Kind::object: {
      const Member& member = collection.value.as_object()[static_cast<size_t>(index)];
      const std::array<Value, 2> pair = {Value::text(member.key), member.value};
      return keep_array(pair);
    }
    case Value::Kind::range:
      return Value::integer(collection.value.as_range().first + index);
    default:
      return collection.value;
  }
}

std::optional<Renderer::Slice> Renderer::slice_of(const Collection& collection, int64_t from, const Expression* limit) {
  int64_t to = INT64_MAX;
  if (limit != nullptr) {
    const Value value = evaluate(*limit);
    if (stopped_) return std::nullopt;
    if (!value.is_nil()) {
      place_ = limit->place;
      const auto count = integer_of(value);
      if (!count) return std::nullopt;
      if (__builtin_add_overflow(from, *count, &to)) to = *count > 0 ? INT64_MAX : INT64_MIN;
    }
  }
  // A text is one element whatever the offset, as in Ruby.
  if (collection.value.is_text()) return Slice{0, collection.size};
  const int64_t start = std::clamp<int64_t>(from, 0, collection.size);
  const int64_t end = std::clamp<int64_t>(to, start, collection.size);
  return Slice{start, end - start};
}

std::optional<int64_t> Renderer::offset_of(const Expression& offset) {
  const Value value = evaluate(offset);
  if (stopped_) return std::nullopt;
  if (value.is_nil()) return 0;
  place_ = offset.place;
  return integer_of(value);
}

LoopState* Renderer::new_loop(const LoopState& loop) {
  if (sizeof loop > memory_left()) {
    fail(Errc::memory_exhausted, {}, std::to_string(options_.limits.memory_bytes));
    return nullptr;
  }
  // In the arena, since a template may assign `forloop` and read it after the loop.
  return new (arena_.allocate(sizeof loop)) LoopState(loop);
}

void Renderer::render_tag(const ForTag& tag) {
  int64_t from = 0;
  if (tag.offset_continue) {
    if (const auto found = context_->continue_at.find(tag.name); found != context_->continue_at.end())
      from = found->second;
  } else if (tag.offset != nullptr) {
    const auto offset = offset_of(*tag.offset);
    if (!offset) return;
    from = *offset;
  }
  const Collection collection = collection_of(evaluate(*tag.collection));
  if (stopped_) return;
  const auto slice = slice_of(collection, from, tag.limit);
  if (!slice) return;
  int64_t next = 0;
  context_->continue_at[tag.name] = __builtin_add_overflow(from, slice->length, &next) ? INT64_MAX : next;
  if (slice->length == 0) {
    render_block(tag.otherwise);
    return;
  }
  LoopState* loop = new_loop({.name = tag.name, .length = slice->length, .parent = context_->loop});
  if (loop == nullptr) return;
  context_->loop = loop;
  context_->frames.push_back({"forloop", Value::loop(loop)});
  context_->frames.push_back({tag.variable, {}});
  const size_t variable = context_->frames.size() - 1;
  for (; loop->index < slice->length; ++loop->index) {
    const int64_t index = tag.is_reversed ? slice->length - 1 - loop->index : loop->index;
    if (!spend(1)) break;
    context_->frames[variable].value = element(collection, slice->from + index);
    if (stopped_) break;
    render_block(tag.body);
    if (stopped_) break;
    const Interrupt interrupt = std::exchange(interrupt_, Interrupt::none);
    if (interrupt == Interrupt::leave) break;
  }
  context_->frames.resize(variable - 1);
  context_->loop = loop->parent;
}

void Renderer::render_tag(const TableRowTag& tag) {
  const Value value = evaluate(*tag.collection);
  if (stopped_ || !value.is_true()) return;
  int64_t from = 0;
  if (tag.offset != nullptr) {
    const auto offset = offset_of(*tag.offset);
    if (!offset) return;
    from = *offset;
  }
  const Collection collection = collection_of(value);
  const auto slice = slice_of(collection, from, tag.limit);
  if (!slice) return;
  int64_t columns = slice->length;
  if (tag.columns != nullptr) {
    const auto count = offset_of(*tag.columns);
    if (!count) return;
    columns = *count;
  }
  LoopState* loop = new_loop({.length = slice->length, .is_table = true, .columns = columns});
  if (loop == nullptr) return;
  context_->frames.push_back({"tablerowloop", Value::loop(loop)});
  context_->frames.push_back({tag.variable, {}});
  const size_t variable = context_->frames.size() - 1;
  out_ += "<tr class=\"row1\">\n";
  for (; loop->index < slice->length; ++loop->index) {
    if (!spend(1)) break;
    context_->frames[variable].value = element(collection, slice->from + loop->index);
    if (stopped_) break;
    out_ += "<td class=\"col";
    out_ += std::to_string(loop->column);
    out_ += "\">";
    render_block(tag.body);
    out_ += "</td>";
    if (stopped_) break;
    const Interrupt interrupt = std::exchange(interrupt_, Interrupt::none);
    if (interrupt == Interrupt::leave) break;
    const bool is_row_full = loop->column == columns;
    if (is_row_full && loop->index + 1 != slice->length) {
      out_ += "</tr>\n<tr class=\"row";
      out_ += std::to_string(loop->row + 1);
      out_ += "\">";
    }
    loop->column = is_row_full ? 1 : loop->column + 1;
    if (is_row_full) ++loop->row;
  }
  out_ += "</tr>\n";
  context_->frames.resize(variable - 1);
}

void Renderer::render_tag(const AssignTag& tag) {
  const Value value = evaluate_chain(*tag.value);
  if (!stopped_) context_->assigned[tag.name] = value;
}

void Renderer::render_tag(const CaptureTag& tag) {
  // Rendered behind the output and cut off again: no second buffer.
  const size_t before = out_.size();
  render_block(tag.body);
  if (stopped_) return;
  const Value captured = keep(std::string_view(out_).substr(before), escapes());
  out_.resize(before);
  if (!stopped_) context_->assigned[tag.name] = captured;
}

void Renderer::render_tag(const CycleTag& tag) {
  std::string group = "=" + tag.values_name;
  if (tag.group != nullptr) {
    const Value name = evaluate(*tag.group);
    if (stopped_) return;
    group = ":";
    append_json(group, name);
  }
  size_t& turn = context_->cycles[group];
  if (turn < tag.values.size()) {
    const Value value = evaluate_present(*tag.values[turn], false);
    if (stopped_) return;
    print(value);
  }
  ++turn;
  if (turn >= tag.values.size()) turn = 0;
}

void Renderer::render_tag(const CounterTag& tag) {
  auto found = context_->counters.find(tag.name);
  if (found == context_->counters.end()) {
    // A counter starts from the data's variable of that name, as in Ruby.
    const Value* start = context_->data.find(tag.name);
    const bool is_integer = start != nullptr && start->kind() == Value::Kind::integer;
    found = context_->counters.emplace(tag.name, is_integer ? start->as_integer() : 0).first;
  }
  int64_t& counter = found->second;
  int64_t next = 0;
  if (tag.is_increment ? __builtin_add_overflow(counter, 1, &next) : __builtin_sub_overflow(counter, 1, &next)) {
    fail(Errc::number_overflow, tag.name);
    return;
  }
  print(Value::integer(tag.is_increment ? counter : next));
  counter = next;
}

void Renderer::render_tag(const IfChangedTag& tag) {
  const size_t before = out_.size();
  render_block(tag.body);
  if (stopped_) return;
  const std::string_view rendered = std::string_view(out_).substr(before);
  if (context_->last_changed == rendered)
    out_.resize(before);
  else
    context_->last_changed = std::string(rendered);
}

void Renderer::render_tag(const AbortTag& tag) {
  std::string reason;
  if (tag.reason != nullptr) {
    const Value value = evaluate(*tag.reason);
    if (stopped_) return;
    append_printed(reason, value);
    constexpr size_t kReasonBytesMax = 1000;
    if (reason.size() > kReasonBytesMax) reason.resize(byte_of_character(reason, kReasonBytesMax / 4));
  }
  abort_reason_ = std::move(reason);
  stopped_ = true;
}

void Renderer::render_link(LinkTag link) {
  std::string_view url;
  std::string_view name;
  switch (link.which) {
    case LinkTag::Which::unsubscribe:
      url = options_.links.unsubscribe;
      name = "unsubscribe_url";
      break;
    case LinkTag::Which::view_in_browser:
      url = options_.links.view_in_browser;
      name = "view_in_browser_url";
      break;
    case LinkTag::Which::preferences:
      url = options_.links.preferences;
      name = "preferences_url";
      break;
  }
  if (url.empty() && options_.missing == Missing::fail) {
    fail(Errc::link_missing, name);
    return;
  }
  print(Value::text(url));
}

void Renderer::render_tag(const PartialTag& tag) {
  const Place place = place_;
  if (!tag.is_isolated && context_->is_isolated) {
    fail(Errc::include_forbidden, "include", "render");
    return;
  }
  const Value name_value = evaluate(*tag.name);
  if (stopped_) return;
  const std::string_view name = text_of(name_value);
  place_ = place;
  const Template* partial = nullptr;
  if (options_.partials != nullptr)
    if (const auto found = options_.partials->find(name); found != options_.partials->end()) partial = &found->second;
  if (partial == nullptr) {
    fail(Errc::partial_missing, name.substr(0, byte_of_character(name, 100)));
    return;
  }
  Value with;
  if (tag.with != nullptr) {
    with = evaluate(*tag.with);
  } else if (!tag.is_isolated) {
    with = find_variable(name);
  }
  if (stopped_) return;
  // include runs over an array whether it says `for` or not; render only when it does, and then over a range too.
  const bool repeats =
      tag.is_isolated ? tag.is_for && (with.is_array() || with.kind() == Value::Kind::range) : with.is_array();
  if (!repeats) {
    render_partial(tag, name, *partial, with.is_nil() && tag.is_isolated ? nullptr : &with, nullptr);
    return;
  }
  const Collection collection = collection_of(with);
  LoopState* loop = new_loop({.name = name, .length = collection.size});
  if (loop == nullptr) return;
  for (; loop->index < collection.size; ++loop->index) {
    if (!spend(1)) return;
    const Value item = element(collection, loop->index);
    if (stopped_) return;
    render_partial(tag, name, *partial, &item, tag.is_isolated ? loop : nullptr);
    if (stopped_ || interrupt_ != Interrupt::none) return;
    place_ = place;
  }
}

void Renderer::render_partial(const PartialTag& tag, std::string_view name, const Template& partial,
                              const Value* element_value, const LoopState* loop) {
  std::vector<NamedValue> frame;
  if (loop != nullptr) frame.push_back({"forloop", Value::loop(loop)});
  for (const NamedExpression& argument : tag.arguments) {
    const Value value = evaluate(*argument.value);
    if (stopped_) return;
    frame.push_back({argument.name, value});
  }
  std::string_view variable = tag.alias;
  // include names the element after the last part of `folder/name`.
  if (variable.empty()) variable = tag.is_isolated ? name : name.substr(name.rfind('/') + 1);
  if (element_value != nullptr) frame.push_back({variable, *element_value});

  const Program* const outer_program = std::exchange(program_, &partial.program());
  const std::string_view outer_partial = std::exchange(partial_, name);
  if (tag.is_isolated) {
    Context isolated;
    isolated.is_isolated = true;
    isolated.frames = std::move(frame);
    Context* const outer = std::exchange(context_, &isolated);
    render_block(program_->root);
    context_ = outer;
    interrupt_ = Interrupt::none;  // a break does not leave a rendered partial
  } else {
    const size_t before = context_->frames.size();
    context_->frames.insert(context_->frames.end(), frame.begin(), frame.end());
    render_block(program_->root);
    context_->frames.resize(before);
  }
  program_ = outer_program;
  partial_ = outer_partial;
}

}  // namespace terreno::content::liquid
