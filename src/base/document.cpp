#include "base/document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>

namespace terreno {

namespace {
constexpr size_t kDocumentBytesMax = 1 << 20;
}

struct DocumentNode::State {
  YAML::Node node;
  std::string file;
  std::string path;
  int line = 0;
  int column = 0;
  std::vector<Finding>* findings = nullptr;
  std::vector<std::string> asked;

  [[nodiscard]] bool present() const { return node.IsDefined() && !node.IsNull(); }
};

DocumentNode::DocumentNode() : state_(std::make_shared<State>()) {
  state_->node = YAML::Node(YAML::NodeType::Undefined);
}
DocumentNode::DocumentNode(std::shared_ptr<State> state) : state_(std::move(state)) {}
DocumentNode::~DocumentNode() = default;
DocumentNode::DocumentNode(const DocumentNode&) = default;
DocumentNode& DocumentNode::operator=(const DocumentNode&) = default;

DocumentNode DocumentNode::parse(const std::string& file, const std::string& text, std::vector<Finding>& findings) {
  auto state = std::make_shared<State>();
  state->file = file;
  state->findings = &findings;
  if (text.size() > kDocumentBytesMax) {
    findings.push_back({file, 0, 0, "too_large", "", "is larger than 1 MiB; split the document"});
    return DocumentNode(state);
  }
  try {
    state->node = YAML::Load(text);
    state->line = 1;
    state->column = 1;
  } catch (const YAML::Exception& error) {
    findings.push_back({file, error.mark.line + 1, error.mark.column + 1, "syntax", "", error.msg});
    state->node = YAML::Node(YAML::NodeType::Undefined);
  }
  return DocumentNode(state);
}

bool DocumentNode::exists() const { return state_->present(); }
bool DocumentNode::is_map() const { return state_->present() && state_->node.IsMap(); }
bool DocumentNode::is_list() const { return state_->present() && state_->node.IsSequence(); }
bool DocumentNode::is_scalar() const { return state_->present() && state_->node.IsScalar(); }
int DocumentNode::line() const { return state_->line; }
int DocumentNode::column() const { return state_->column; }
const std::string& DocumentNode::path() const { return state_->path; }

DocumentNode DocumentNode::get(std::string_view key) const {
  auto child = std::make_shared<State>();
  child->file = state_->file;
  child->findings = state_->findings;
  child->line = state_->line;
  child->column = state_->column;
  child->path = state_->path.empty() ? std::string(key) : fmt::format("{}.{}", state_->path, key);
  child->node = YAML::Node(YAML::NodeType::Undefined);
  state_->asked.emplace_back(key);
  if (!is_map()) return DocumentNode(child);
  for (const auto& pair : state_->node) {
    if (!pair.first.IsScalar() || pair.first.Scalar() != key) continue;
    child->node.reset(pair.second);
    child->line = pair.second.Mark().line + 1;
    child->column = pair.second.Mark().column + 1;
  }
  return DocumentNode(child);
}

DocumentNode DocumentNode::require(std::string_view key) const {
  DocumentNode child = get(key);
  if (!child.exists()) child.fail("missing_key", fmt::format("is missing; `{}` needs a value", key));
  return child;
}

void DocumentNode::finish() const {
  if (!is_map()) return;
  for (const auto& pair : state_->node) {
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "?";
    if (std::ranges::find(state_->asked, key) != state_->asked.end()) continue;
    const auto suggestion = nearest(key, state_->asked);
    const std::string remedy = suggestion ? fmt::format("did you mean `{}`?", *suggestion)
                                          : fmt::format("known here: {}", fmt::join(state_->asked, ", "));
    state_->findings->push_back({state_->file, pair.first.Mark().line + 1, pair.first.Mark().column + 1, "unknown_key",
                                 state_->path.empty() ? key : state_->path + "." + key,
                                 fmt::format("is not a known key; {}", remedy)});
  }
}

std::vector<std::string> DocumentNode::keys() const {
  std::vector<std::string> keys;
  if (!is_map()) return keys;
  for (const auto& pair : state_->node) keys.push_back(pair.first.IsScalar() ? pair.first.Scalar() : "");
  return keys;
}

std::vector<DocumentNode> DocumentNode::items() const {
  std::vector<DocumentNode> items;
  if (!exists()) return items;
  if (!is_list()) {
    fail("wrong_type", "is not a list; write each item on a line of its own, after `- `");
    return items;
  }
  for (size_t i = 0; i < state_->node.size(); ++i) {
    auto child = std::make_shared<State>();
    child->node.reset(state_->node[i]);
    child->file = state_->file;
    child->findings = state_->findings;
    child->path = fmt::format("{}[{}]", state_->path, i);
    child->line = child->node.Mark().line + 1;
    child->column = child->node.Mark().column + 1;
    items.push_back(DocumentNode(child));
  }
  return items;
}

std::string DocumentNode::text(std::string fallback) const {
  if (!exists()) return fallback;
  if (!is_scalar()) {
    fail("wrong_type", "is not a text");
    return fallback;
  }
  return state_->node.Scalar();
}

int64_t DocumentNode::integer(int64_t fallback, int64_t min, int64_t max) const {
  if (!exists()) return fallback;
  int64_t value = 0;
  if (!is_scalar() || !YAML::convert<int64_t>::decode(state_->node, value)) {
    fail("wrong_type", "is not a whole number");
    return fallback;
  }
  if (value < min || value > max) {
    fail("out_of_bounds", fmt::format("is {}; it must lie between {} and {}", value, min, max));
    return fallback;
  }
  return value;
}

bool DocumentNode::boolean(bool fallback) const {
  if (!exists()) return fallback;
  const std::string value = text();
  if (value == "true" || value == "yes") return true;
  if (value == "false" || value == "no") return false;
  fail("wrong_type", "is neither `true` nor `false`");
  return fallback;
}

Duration DocumentNode::duration(Duration fallback) const {
  if (!exists()) return fallback;
  const auto parsed = parse_duration(text());
  if (parsed) return *parsed;
  fail("wrong_type", std::string(parsed.error()));
  return fallback;
}

size_t DocumentNode::choice(std::span<const std::string_view> choices, size_t fallback) const {
  if (!exists()) return fallback;
  const std::string value = text();
  const auto found = std::ranges::find(choices, value);
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  fail("unknown_value", fmt::format("is `{}`; choose one of: {}", value, fmt::join(choices, ", ")));
  return fallback;
}

void DocumentNode::fail(std::string code, std::string detail) const {
  if (state_->findings == nullptr) return;
  state_->findings->push_back(
      {state_->file, state_->line, state_->column, std::move(code), state_->path, std::move(detail)});
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  size_t best_distance = 3;
  for (const std::string& candidate : known) {
    // Levenshtein, one row at a time.
    std::vector<size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i + 1;
      for (size_t j = 0; j < candidate.size(); ++j) {
        const size_t replaced = diagonal + (word[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace terreno
