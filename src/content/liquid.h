#pragma once

// Liquid: the language of personal texts. Shopify's Liquid 5 with its semantics, and the additions of Terreno (links,
// abort_message, locale, time zones, hashes, escaping by default).
//
// 1. A template is checked when it is parsed: an unknown tag, filter, operator or partial and a wrong number of
// arguments
//    are errors with line and column, never surprises while sending.
// 2. A parsed template is immutable. Any number of threads may render it at once.
// 3. Rendering reads no clock, no file and no process locale: time, zone, locale, links and partials are parameters.
// 4. Nothing is half rendered: after an error or an abort the output is what it was before.
// 5. Templates and data are hostile: source, nesting, steps, output and memory have limits, enforced while rendering.
//
// Semantics follow liquid-ruby 5; what differs on purpose is listed in README.md.

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "content/liquid_value.h"

namespace terreno::content::liquid {

/// What can be wrong with a template, its data or one rendering. Texts for people: `describe`.
enum class Errc : uint8_t {
  // Found while parsing.
  source_too_long,
  source_not_utf8,
  nesting_too_deep,
  unclosed_output,
  unclosed_tag,
  unclosed_block,
  unclosed_string,
  unexpected_tag,
  unknown_tag,
  unknown_filter,
  unknown_operator,
  unknown_argument,
  unknown_partial,
  wrong_argument_count,
  unexpected_character,
  unexpected_word,
  expected_expression,
  number_too_large,
  unescaped_forbidden,
  // Found while rendering.
  variable_missing,
  number_overflow,
  division_by_zero,
  not_comparable,
  not_an_integer,
  not_an_array,
  no_such_property,
  not_decodable,
  unknown_time_zone,
  unknown_currency,
  unknown_locale,
  link_missing,
  partial_missing,
  include_forbidden,
  too_many_steps,
  output_too_long,
  memory_exhausted,
  depth_exceeded,
  // Found in data.
  data_not_json,
  data_not_object,
};

/// The word used on the wire, equal to the enumerator: `unknown_filter`.
[[nodiscard]] std::string_view name_of(Errc code);

/// An error with its place. `subject` is the word concerned (a filter's name, a variable's path, what was found);
/// `suggestion` is what was probably meant or expected, or empty. Both are data and quote the template, not the
/// person's values. Lines and columns count from 1; columns count characters.
struct Error {
  Errc code = Errc::unexpected_word;
  uint32_t line = 1;
  uint32_t column = 1;
  std::string subject = {};
  std::string suggestion = {};
  std::string partial = {};  ///< the partial in which it happened, or empty: the template itself
};
using SyntaxError = Error;
using RenderError = Error;

enum class Language : uint8_t { en, es, fr };

/// What is wrong and what to do, in one or two sentences, with the place in front: `line 3, column 7: …`.
[[nodiscard]] std::string describe(const Error& error, Language language);

/// A template may be at most this long and its blocks nest at most this deep.
inline constexpr size_t kSourceBytesMax = 1 << 20;
inline constexpr size_t kNestingMax = 100;

struct ParseOptions {
  /// Names that `render` and `include` may use; absent: names are checked only while rendering.
  const std::set<std::string, std::less<>>* partial_names = nullptr;
  /// Whether the filter `unescaped` may be used: only the locked parts of a template may, since it opens the page to
  /// the person's own HTML.
  bool allow_unescaped = false;
};

struct Program;

/// A compiled template. A cheap handle: copies share the program.
class Template {
 public:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  [[nodiscard]] const Program& program() const { return *program_; }

 private:
  std::shared_ptr<const Program> program_;
};

/// Compiles `source`; the template keeps its own copy. Cost: linear in the source.
[[nodiscard]] std::expected<Template, SyntaxError> parse(std::string_view source, const ParseOptions& options = {});

/// A variable as the template names it, such as `person.first_name`, and the first place where it is used so.
struct VariableUse {
  std::string path;
  uint32_t line = 1;
  uint32_t column = 1;
};

/// The variables a template reads from its data, each path once, in order of first use. What the template itself
/// assigns, captures or loops over is not listed. Partials are not followed.
[[nodiscard]] std::vector<VariableUse> variables_read(const Template& liquid);

/// Every place where a variable becomes text without the filter `default`, in order. What the template itself assigned
/// or captured is not listed; elements of loops are, since their parts come from data.
[[nodiscard]] std::vector<VariableUse> variables_without_default(const Template& liquid);

/// Every `{% view_in_browser_url %}`, in order.
[[nodiscard]] std::vector<VariableUse> links_to_view(const Template& liquid);

enum class Escape : uint8_t {
  none,  ///< plain text
  html,  ///< `& < > " '` are escaped wherever a value becomes text, unless a filter made it HTML (`escape`,
         ///< `newline_to_br`, …)
};

enum class Missing : uint8_t {
  blank,  ///< a variable that does not resolve is empty text
  fail,   ///< it is an error, unless the filter `default` follows; conditions and loops may ask for what is not there
};

struct Limits {
  uint64_t steps = 1'000'000;      ///< nodes, iterations and filters; long inputs of filters count more
  size_t output_bytes = 2 << 20;   ///< of one rendering, captured text included
  size_t memory_bytes = 16 << 20;  ///< made by filters, tags and captures of one rendering
  size_t depth = 100;              ///< blocks and partials inside each other
};

/// Ready-made URLs of this delivery. An empty one is a missing one.
struct Links {
  std::string_view unsubscribe;
  std::string_view view_in_browser;
  std::string_view preferences;
};

using Partials = std::map<std::string, Template, std::less<>>;

struct RenderOptions {
  Escape escape = Escape::none;
  Missing missing = Missing::blank;
  Limits limits = {};
  Timestamp now = {};                  ///< what `"now" | date` says
  std::string_view time_zone = "UTC";  ///< IANA name, for times that carry no offset of their own
  std::string_view locale = "en";      ///< BCP 47, for `number`, `currency`, `titlecase` and names of months and days
  Links links = {};
  /// Variables visible in every partial. `{% render %}` hides the scope of its caller, but not these. Nil or an object.
  Value globals = {};
  const Partials* partials = nullptr;
};

/// How a rendering ended that was no error.
struct Rendered {
  /// The template said `abort_message`: nothing was rendered, nothing must be sent, this is the reason to record.
  std::optional<std::string> abort_reason;
};

/// Appends the rendered text to `out`. `scope` is an object (or nil); it and `options` are only borrowed for the call.
/// Thread: any. Cost: bounded by `options.limits`.
[[nodiscard]] std::expected<Rendered, RenderError> render(const Template& liquid, const Value& scope,
                                                          const RenderOptions& options, std::string& out);

/// What is visible everywhere in a message (RenderOptions.globals): the members of `scope`, and `person` by its other
/// names `customer` and `user`, `journey` by `campaign`, which templates of other tools use. Nil when `scope` is none.
[[nodiscard]] Value globals_of(const Value& scope, Arena& arena);

/// What one line of `terreno render --jsonl` needs besides the line.
struct JsonLineOptions {
  Escape escape = Escape::none;
  Missing missing = Missing::blank;
  Timestamp now = {};
  std::string_view time_zone = "UTC";
  std::string_view locale = "en";
  Language language = Language::en;
};

/// One line `{"template": "…", "data": {…}, "templates": {"name": "…"}}` to one line `{"output": "…"}`, `{"abort":
/// "reason"}` or `{"error": {"code", "line", "column", "subject", "message"}}`, without the line break. `data` and
/// `templates` may be absent. Partials see the data only as `render` and `include` give it to them. `unescaped` is
/// allowed.
[[nodiscard]] std::string render_json_line(std::string_view line, const JsonLineOptions& options);

}  // namespace terreno::content::liquid
