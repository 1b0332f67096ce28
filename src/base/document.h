#pragma once

// Reading configuration documents (YAML) strictly: unknown keys, wrong types and values out of bounds are findings with
// line, column and a suggestion, and reading goes on so that a writer sees all of them at once.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace terreno {

/// Something wrong in a document. `code` is stable and has texts in three languages; `params` fill them.
struct Finding {
  std::string file;
  int line = 0;  ///< from 1; 0 when it concerns the whole document
  int column = 0;
  std::string code;    ///< such as `unknown_key`, `missing_key`, `wrong_type`, `out_of_bounds`
  std::string path;    ///< `spec.steps[2].wait`
  std::string detail;  ///< English, for the command line: the rule and the remedy
};

/// One node of a document, with where it stands. Copies are cheap and share the tree. Reading a node of the wrong type
/// adds a finding and gives the default. Thread: one.
class DocumentNode {
 public:
  DocumentNode();
  ~DocumentNode();
  DocumentNode(const DocumentNode&);
  DocumentNode& operator=(const DocumentNode&);

  /// Parses one document of at most 1 MiB. A syntax error is a finding and gives an absent node.
  static DocumentNode parse(const std::string& file, const std::string& text, std::vector<Finding>& findings);

  [[nodiscard]] bool exists() const;
  [[nodiscard]] bool is_map() const;
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] int line() const;
  [[nodiscard]] int column() const;
  [[nodiscard]] const std::string& path() const;

  /// The value under `key`; absent when there is none. Remembers that the key is known.
  [[nodiscard]] DocumentNode get(std::string_view key) const;
  /// The same, and a finding when it is missing.
  [[nodiscard]] DocumentNode require(std::string_view key) const;
  /// Adds a finding for each key that no `get` asked for, with the nearest known key as suggestion.
  void finish() const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::vector<DocumentNode> items() const;

  [[nodiscard]] std::string text(std::string fallback = {}) const;
  [[nodiscard]] int64_t integer(int64_t fallback, int64_t min, int64_t max) const;
  [[nodiscard]] bool boolean(bool fallback) const;
  [[nodiscard]] Duration duration(Duration fallback) const;
  /// One of `choices`, else a finding that lists them.
  [[nodiscard]] size_t choice(std::span<const std::string_view> choices, size_t fallback) const;

  void fail(std::string code, std::string detail) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  explicit DocumentNode(std::shared_ptr<State> state);
};

/// The nearest of `known` within two edits, for "did you mean".
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace terreno
