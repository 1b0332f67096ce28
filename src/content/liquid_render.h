#pragma once

// One rendering. Private.
//
// 1. The first failure or abort stops everything: `stopped()` is checked after whatever may fail, and evaluation yields
// nil.
// 2. What filters and tags make lives in the arena until the rendering ends; the arena's size is limited.
// 3. Every node, iteration and filter spends steps; a filter spends more for long inputs.
//
// Lives on the stack of one call of `render`; nothing here locks.

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "content/liquid_number.h"
#include "content/liquid_program.h"
#include "content/liquid_text.h"

namespace terreno::content::liquid {

/// What `forloop` and `tablerowloop` answer from.
struct LoopState {
  std::string_view name = {};
  int64_t length = 0;
  int64_t index = 0;
  const LoopState* parent = nullptr;
  bool is_table = false;
  int64_t columns = 0;
  int64_t column = 1;
  int64_t row = 1;
};

/// The variables of a template and of what it includes; `render` starts a fresh one.
struct Context {
  Value data;
  std::vector<NamedValue> frames;  ///< of loops and included partials, innermost last
  boost::unordered_flat_map<std::string_view, Value> assigned;
  boost::unordered_flat_map<std::string_view, int64_t> counters;
  boost::unordered_flat_map<std::string, int64_t> continue_at;
  boost::unordered_flat_map<std::string, size_t> cycles;
  std::optional<std::string> last_changed;
  const LoopState* loop = nullptr;
  bool is_isolated = false;
};

class Renderer {
 public:
  Renderer(const Program& program, const Value& scope, const RenderOptions& options, std::string& out)
      : program_(&program), options_(options), out_(out), start_(out.size()), arena_(first_block_) {
    root_.data = scope;
    context_ = &root_;
  }

  std::expected<Rendered, RenderError> run();

  // What filters need.
  [[nodiscard]] const RenderOptions& options() const { return options_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] bool escapes() const { return options_.escape == Escape::html; }
  /// Records the first error, with the place of what is being evaluated. Always nil.
  Value fail(Errc code, std::string_view subject = {}, std::string_view suggestion = {});
  /// False, and an error, when the rendering has used up its steps.
  bool spend(uint64_t steps);
  /// Looking for `part` in `text` may take their product; usual ones cost a few steps.
  bool spend_search(std::string_view text, std::string_view part) {
    return spend((1 + text.size() / 64) * (1 + part.size() / 64));
  }
  /// Comparisons that spend steps; after an error their result means nothing.
  bool equals(const Value& left, const Value& right);
  std::optional<int> order_of(const Value& left, const Value& right);
  /// Memory that may still be used.
  [[nodiscard]] size_t memory_left() const {
    return arena_.used_bytes() < options_.limits.memory_bytes ? options_.limits.memory_bytes - arena_.used_bytes() : 0;
  }
  /// Copies into the arena; nil and an error when the memory is used up.
  Value keep(std::string_view text, bool is_html = false);
  Value keep_array(std::span<const Value> items);
  Value keep_range(RangeData range);
  /// Ruby's to_s: a view of the value's own text or of the arena.
  std::string_view text_of(const Value& value);
  /// Ruby's Utils.to_number: texts that look like numbers, otherwise 0.
  [[nodiscard]] static Number number_of(const Value& value);
  Value value_of(const std::optional<Number>& number);
  /// Ruby's Integer(): an error when the value is none.
  std::optional<int64_t> integer_of(const Value& value);
  Value look_up(const Value& base, std::string_view name, Command command);
  Value look_up(const Value& base, const Value& key);
  /// What size, first and last say of a value; nil when it knows no such question.
  Value look_up_command(const Value& base, Command command);

 private:
  void render_block(const Block& block);
  void render_node(const Node& node);
  void render_tag(const IfTag& tag);
  void render_tag(const CaseTag& tag);
  void render_tag(const ForTag& tag);
  void render_tag(const TableRowTag& tag);
  void render_tag(const AssignTag& tag);
  void render_tag(const CaptureTag& tag);
  void render_tag(const CycleTag& tag);
  void render_tag(const CounterTag& tag);
  void render_tag(const PartialTag& tag);
  void render_tag(const IfChangedTag& tag);
  void render_tag(const AbortTag& tag);
  void render_link(LinkTag link);
  void render_output(const Chain& chain);
  void print(const Value& value);

  Value evaluate(const Expression& expression);
  Value evaluate_path(const Expression& path);
  Value evaluate_range(const Expression& expression);
  /// Like evaluate, but a variable that does not resolve is an error when the caller asked for that.
  Value evaluate_present(const Expression& expression, bool may_be_missing);
  Value evaluate_chain(const Chain& chain);
  Value apply(const FilterCall& call, const Value& value, bool may_be_missing);
  Value find_variable(std::string_view name) const;
  Value look_up_loop(const LoopState& loop, std::string_view name) const;

  bool holds(const std::vector<Condition>& conditions);
  bool holds(const Condition& condition);
  bool is_equal(const Expression& left, const Expression& right);

  /// Elements of what a loop runs over, taken one at a time: a range is never written out.
  struct Collection {
    Value value;
    int64_t size = 0;
  };
  Collection collection_of(const Value& value) const;
  Value element(const Collection& collection, int64_t index);
  /// The slice [from, from + length) after offset and limit; nothing after an error.
  struct Slice {
    int64_t from = 0;
    int64_t length = 0;
  };
  std::optional<Slice> slice_of(const Collection& collection, int64_t from, const Expression* limit);
  std::optional<int64_t> offset_of(const Expression& offset);
  LoopState* new_loop(const LoopState& loop);
  void render_partial(const PartialTag& tag, std::string_view name, const Template& partial, const Value* element,
                      const LoopState* loop);
  bool enter();
  void leave() { --depth_; }

  const Program* program_;
  const RenderOptions& options_;
  std::string& out_;
  size_t start_;
  alignas(16) std::array<std::byte, 2048> first_block_;
  Arena arena_;
  Context root_;
  Context* context_;
  std::string_view partial_;
  Place place_ = 0;
  uint64_t steps_ = 0;
  size_t depth_ = 0;
  bool stopped_ = false;
  enum class Interrupt : uint8_t { none, next, leave } interrupt_ = Interrupt::none;
  std::optional<RenderError> error_;
  std::optional<std::string> abort_reason_;
};

/// Collects a text made by a filter and refuses to grow beyond what the rendering may still use.
class TextBuilder {
 public:
  explicit TextBuilder(Renderer& renderer) : renderer_(renderer), bytes_max_(renderer.memory_left()) {}

  void append(std::string_view text) {
    if (text.size() > bytes_max_ - text_.size()) {
      overflow();
      return;
    }
    text_.append(text);
  }
  void append(char c) { append(std::string_view(&c, 1)); }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] size_t size() const { return text_.size(); }
  [[nodiscard]] Value finish(bool is_html = false) {
    if (overflowed_) return renderer_.fail(Errc::memory_exhausted);
    return renderer_.keep(text_, is_html);
  }

 private:
  void overflow() { overflowed_ = true; }

  Renderer& renderer_;
  size_t bytes_max_;
  std::string text_;
  bool overflowed_ = false;
};

}  // namespace terreno::content::liquid
