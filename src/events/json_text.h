#pragma once

// Walks JSON text that has been validated, handing out raw slices. Private to events/.
//
// 1. The text is well-formed JSON: simdjson's parser accepted it. Nothing here reports an error.
// 2. Slices point into the text; nothing is decoded until somebody asks for it.
//
// Why not on-demand parsing: it skips without validating, and what is stored must be valid for every later reader;
// after the validating pass a walk over slices is the cheaper second pass, and it yields the raw text of each item.

#include <optional>
#include <string>
#include <string_view>

namespace terreno::events {

/// A place in the text. Each `found` must consume exactly one value: by `value()`, `members()` or `elements()`.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// The first character of the value that comes next; 0 at the end.
  char peek() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    return at_ < end_ ? *at_ : '\0';
  }
  /// Where the next value starts.
  const char* start_of_value() {
    peek();
    return at_;
  }
  /// Where the value just consumed ended.
  [[nodiscard]] const char* end_of_value() const { return at_; }
  /// Consumes the next value and gives its raw text.
  std::string_view value();

  /// Consumes an object; calls `found(raw_key, walk)` per member, the key as written, without quotes.
  template <typename Found>
  void members(Found found) {
    take('{');
    while (peek() == '"') {
      const std::string_view key = string();
      take(':');
      found(key.substr(1, key.size() - 2), *this);
      take(',');
    }
    take('}');
  }

  /// Consumes an array; calls `found(walk)` per element.
  template <typename Found>
  void elements(Found found) {
    take('[');
    while (peek() != ']' && at_ < end_) {
      found(*this);
      take(',');
    }
    take(']');
  }

 private:
  void take(char c) {
    if (peek() == c) ++at_;
  }
  std::string_view string();

  const char* at_;
  const char* end_;
};

[[nodiscard]] inline bool is_object(std::string_view raw) { return raw.starts_with('{'); }
[[nodiscard]] inline bool is_array(std::string_view raw) { return raw.starts_with('['); }
[[nodiscard]] inline bool is_string(std::string_view raw) { return raw.starts_with('"'); }
[[nodiscard]] inline bool is_number(std::string_view raw) {
  return !raw.empty() && (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'));
}
/// Absent or `null`: the same for every field.
[[nodiscard]] inline bool is_absent(std::string_view raw) { return raw.empty() || raw == "null"; }

/// Decodes escapes of the inside of a string. A lone surrogate becomes U+FFFD.
[[nodiscard]] std::string unescape(std::string_view inside);
/// The text of a string, decoded; a number as its shortest decimal; nullopt for anything else.
[[nodiscard]] std::optional<std::string> scalar_text(std::string_view raw);
/// What a key as written means. Hardly any key has escapes, so most are handed out as they stand.
class Key {
 public:
  explicit Key(std::string_view raw) : text_(raw) {
    if (raw.find('\\') != std::string_view::npos) {
      decoded_ = unescape(raw);
      text_ = decoded_;
    }
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  bool operator==(std::string_view name) const { return text_ == name; }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string decoded_;
  std::string_view text_;
};
/// Whether the text has an escape for NUL, which no later reader of text columns survives.
[[nodiscard]] bool has_escaped_nul(std::string_view raw);

}  // namespace terreno::events
