// What a template reads, found by walking the compiled tree.

#include <algorithm>
#include <set>

#include "content/liquid_program.h"

namespace terreno::content::liquid {
namespace {

class Walker {
 public:
  explicit Walker(const Program& program) : program_(program) {
    for (const AssignTag& tag : program.assigns) made_.insert(tag.name);
    for (const CaptureTag& tag : program.captures) made_.insert(tag.name);
  }

  void walk() { block(program_.root); }

  std::vector<VariableUse> read;
  std::vector<VariableUse> without_default;
  std::vector<VariableUse> views;

 private:
  [[nodiscard]] bool is_loop_variable(std::string_view name) const {
    return std::ranges::find(loops_, name) != loops_.end();
  }

  VariableUse use_of(const Expression& path) const {
    std::string text(path.root);
    for (const Segment& segment : path.segments) {
      if (segment.dynamic == nullptr) {
        text += '.';
        text += segment.name;
      } else {
        text += '[';
        text += segment.dynamic->source;
        text += ']';
      }
    }
    if (path.first != nullptr) text = path.source;
    const LineAndColumn place = line_and_column(program_.source, path.place);
    return {std::move(text), place.line, place.column};
  }

  void expression(const Expression* expression) {
    if (expression == nullptr) return;
    if (expression->kind == Expression::Kind::range) {
      this->expression(expression->first);
      this->expression(expression->last);
    }
    if (expression->kind != Expression::Kind::path) return;
    this->expression(expression->first);
    for (const Segment& segment : expression->segments) this->expression(segment.dynamic);
    const bool is_local = made_.contains(expression->root) || is_loop_variable(expression->root);
    if (expression->first == nullptr && is_local) return;
    VariableUse use = use_of(*expression);
    if (seen_.insert(use.path).second) read.push_back(std::move(use));
  }

  void becomes_text(const Expression* path, bool has_default) {
    if (path == nullptr) return;
    expression(path);
    if (has_default || path->kind != Expression::Kind::path) return;
    if (made_.contains(path->root) || path->root == "forloop" || path->root == "tablerowloop") return;
    without_default.push_back(use_of(*path));
  }

  void chain(const Chain& chain) {
    becomes_text(chain.subject, chain.has_default);
    for (const FilterCall& filter : chain.filters) {
      for (const Expression* argument : filter.arguments) becomes_text(argument, chain.has_default);
      for (const NamedExpression& argument : filter.named) becomes_text(argument.value, chain.has_default);
    }
  }

  void conditions(const std::vector<Condition>& conditions) {
    for (const Condition& condition : conditions) {
      expression(condition.left);
      expression(condition.right);
    }
  }

  void block(const Block& block) {
    for (const Node& node : block.nodes)
      std::visit(
          [this, &node](const auto& content) {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_pointer_v<Content>)
              tag(*content);
            else if constexpr (std::is_same_v<Content, LinkTag>)
              link(content, node.place);
            else
              tag(content);
          },
          node.content);
  }

  void link(const LinkTag& tag, Place at) {
    if (tag.which != LinkTag::Which::view_in_browser) return;
    const LineAndColumn place = line_and_column(program_.source, at);
    views.push_back({"view_in_browser_url", place.line, place.column});
  }

  void tag(const Text&) {}
  void tag(const InterruptTag&) {}
  void tag(const CounterTag&) {}
  void tag(const Output& output) { chain(*output.chain); }
  void tag(const IfTag& tag) {
    for (const Branch& branch : tag.branches) {
      conditions(branch.conditions);
      block(branch.body);
    }
  }
  void tag(const CaseTag& tag) {
    expression(tag.subject);
    for (const WhenBranch& branch : tag.branches) {
      for (const Expression* value : branch.values) expression(value);
      block(branch.body);
    }
  }
  void loop(std::string_view variable, std::string_view state, const Block& body) {
    loops_.push_back(variable);
    loops_.push_back(state);
    block(body);
    loops_.resize(loops_.size() - 2);
  }
  void tag(const ForTag& tag) {
    expression(tag.collection);
    expression(tag.limit);
    expression(tag.offset);
    loop(tag.variable, "forloop", tag.body);
    block(tag.otherwise);
  }
  void tag(const TableRowTag& tag) {
    expression(tag.collection);
    expression(tag.limit);
    expression(tag.offset);
    expression(tag.columns);
    loop(tag.variable, "tablerowloop", tag.body);
  }
  void tag(const AssignTag& tag) { chain(*tag.value); }
  void tag(const CaptureTag& tag) { block(tag.body); }
  void tag(const CycleTag& tag) {
    expression(tag.group);
    for (const Expression* value : tag.values) becomes_text(value, false);
  }
  void tag(const PartialTag& tag) {
    expression(tag.name);
    expression(tag.with);
    for (const NamedExpression& argument : tag.arguments) expression(argument.value);
  }
  void tag(const IfChangedTag& tag) { block(tag.body); }
  void tag(const AbortTag& tag) { expression(tag.reason); }

  const Program& program_;
  std::set<std::string_view> made_;
  std::vector<std::string_view> loops_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<VariableUse> variables_read(const Template& liquid) {
  Walker walker(liquid.program());
  walker.walk();
  return std::move(walker.read);
}

std::vector<VariableUse> links_to_view(const Template& liquid) {
  Walker walker(liquid.program());
  walker.walk();
  return std::move(walker.views);
}

std::vector<VariableUse> variables_without_default(const Template& liquid) {
  Walker walker(liquid.program());
  walker.walk();
  return std::move(walker.without_default);
}

}  // namespace terreno::content::liquid
