#pragma once

// A compiled template: a tree of nodes whose literals are ready-made Values and views of the source it keeps. Private.
//
// Immutable once parsed. Places are byte offsets in the source; line and column are counted only for an error.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "content/liquid.h"

namespace terreno::content::liquid {

class Renderer;
struct Expression;
struct Block;

using Place = uint32_t;

/// Words that also ask for something of a value when it has no such key: `items.size`.
enum class Command : uint8_t { none, size, first, last };

/// `.name`, or `[expression]`.
struct Segment {
  std::string_view name;
  const Expression* dynamic = nullptr;  ///< when set, `name` is empty
  Command command = Command::none;
};

struct Expression {
  enum class Kind : uint8_t { literal, path, range, blank, empty };
  Kind kind = Kind::literal;
  Place place = 0;
  Value literal;
  std::string_view source;            ///< as written, for errors, lists of variables and groups of cycle
  std::string_view root;              ///< of a path, when static
  const Expression* first = nullptr;  ///< the dynamic root of a path, or the start of a range
  const Expression* last = nullptr;   ///< the end of a range
  std::vector<Segment> segments;
};

/// Of one filter, in order and by name each.
inline constexpr size_t kFilterArgumentsMax = 4;

struct NamedValue {
  std::string_view name;
  Value value;
};

/// What a filter is called with. Arguments are evaluated; their number has been checked while parsing.
struct FilterInput {
  Value value;
  std::span<const Value> arguments;
  std::span<const NamedValue> named;

  [[nodiscard]] Value argument(size_t index) const { return index < arguments.size() ? arguments[index] : Value{}; }
  [[nodiscard]] Value named_argument(std::string_view name) const {
    for (const NamedValue& n : named)
      if (n.name == name) return n.value;
    return {};
  }
};

struct FilterSpec {
  std::string_view name;
  uint8_t arguments_min = 0;
  uint8_t arguments_max = 0;
  std::string_view named;  ///< names allowed, separated by spaces
  Value (*apply)(Renderer&, const FilterInput&) = nullptr;
};

/// The filter of that name, or nullptr.
[[nodiscard]] const FilterSpec* find_filter(std::string_view name);
/// The known word nearest to `word`, or empty when nothing is near.
[[nodiscard]] std::string_view nearest_filter(std::string_view word);
[[nodiscard]] std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

struct NamedExpression {
  std::string_view name;
  const Expression* value = nullptr;
};

struct FilterCall {
  const FilterSpec* spec = nullptr;
  Place place = 0;
  std::vector<const Expression*> arguments;
  std::vector<NamedExpression> named;
};

/// `subject | filter: argument | …`
struct Chain {
  const Expression* subject = nullptr;  ///< nullptr: nothing, as in `{{ }}`
  std::vector<FilterCall> filters;
  bool has_default = false;
  Place place = 0;
};

enum class Comparison : uint8_t { truth, equal, unequal, less, less_equal, greater, greater_equal, contains };
enum class Joint : uint8_t { end, conjunction, disjunction };

/// One comparison and how the next one joins it; the joints bind from right to left.
struct Condition {
  const Expression* left = nullptr;
  Comparison comparison = Comparison::truth;
  const Expression* right = nullptr;
  Joint joint = Joint::end;
  Place place = 0;
};

struct Text {
  std::string_view text;
  bool is_raw = false;  ///< from `{% raw %}`: no tag beside it trims it
};
struct Output {
  const Chain* chain = nullptr;
};
struct IfTag;
struct CaseTag;
struct ForTag;
struct TableRowTag;
struct AssignTag;
struct CaptureTag;
struct CycleTag;
struct CounterTag;
struct PartialTag;
struct IfChangedTag;
struct AbortTag;
struct LinkTag {
  enum class Which : uint8_t { unsubscribe, view_in_browser, preferences } which = Which::unsubscribe;
};
struct InterruptTag {
  bool is_break = true;
};

using NodeContent = std::variant<Text, Output, const IfTag*, const CaseTag*, const ForTag*, const TableRowTag*,
                                 const AssignTag*, const CaptureTag*, const CycleTag*, const CounterTag*,
                                 const PartialTag*, const IfChangedTag*, const AbortTag*, LinkTag, InterruptTag>;

struct Node {
  NodeContent content;
  Place place = 0;
};

struct Block {
  std::vector<Node> nodes;
  /// Nothing but white space and tags that print nothing: such white space is dropped inside a block tag.
  bool is_blank = true;
};

struct Branch {
  std::vector<Condition> conditions;  ///< empty: else
  Block body;
};
struct IfTag {
  bool is_unless = false;
  std::vector<Branch> branches;
};
struct WhenBranch {
  std::vector<const Expression*> values;
  bool is_else = false;
  Block body;
};
struct CaseTag {
  const Expression* subject = nullptr;
  std::vector<WhenBranch> branches;
};
struct ForTag {
  std::string_view variable;
  std::string name;  ///< `variable-collection`: what `offset: continue` remembers, and forloop.name
  const Expression* collection = nullptr;
  const Expression* limit = nullptr;
  const Expression* offset = nullptr;
  bool offset_continue = false;
  bool is_reversed = false;
  Block body;
  Block otherwise;
};
struct TableRowTag {
  std::string_view variable;
  const Expression* collection = nullptr;
  const Expression* limit = nullptr;
  const Expression* offset = nullptr;
  const Expression* columns = nullptr;
  Block body;
};
struct AssignTag {
  std::string_view name;
  const Chain* value = nullptr;
};
struct CaptureTag {
  std::string_view name;
  Block body;
};
struct CycleTag {
  const Expression* group = nullptr;  ///< nullptr: the group is named by its values
  std::string values_name;
  std::vector<const Expression*> values;
};
struct CounterTag {
  std::string_view name;
  bool is_increment = true;
};
struct PartialTag {
  bool is_isolated = true;  ///< render, otherwise include
  const Expression* name = nullptr;
  const Expression* with = nullptr;
  bool is_for = false;
  std::string_view alias;
  std::vector<NamedExpression> arguments;
};
struct IfChangedTag {
  Block body;
};
struct AbortTag {
  const Expression* reason = nullptr;
};

/// Owns everything that nodes point to; deques, so that addresses stay.
struct Program {
  std::string source;
  Block root;
  size_t literal_bytes = 0;  ///< of all texts: a first guess of the output's length

  std::deque<Expression> expressions;
  std::deque<Chain> chains;
  std::deque<RangeData> ranges;
  std::deque<IfTag> ifs;
  std::deque<CaseTag> cases;
  std::deque<ForTag> fors;
  std::deque<TableRowTag> table_rows;
  std::deque<AssignTag> assigns;
  std::deque<CaptureTag> captures;
  std::deque<CycleTag> cycles;
  std::deque<CounterTag> counters;
  std::deque<PartialTag> partials;
  std::deque<IfChangedTag> if_changed;
  std::deque<AbortTag> aborts;
};

struct LineAndColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};
[[nodiscard]] LineAndColumn line_and_column(std::string_view source, Place place);

}  // namespace terreno::content::liquid
