// How each tag is read. Rendering is in liquid_render_tags.cpp.

#include <algorithm>
#include <array>

#include "base/result.h"
#include "content/liquid_parser.h"

namespace terreno::content::liquid {
namespace {

using Names = std::array<std::string_view, 1>;

void drop_blank_text(Block& block) {
  std::erase_if(block.nodes, [](const Node& node) {
    const Text* text = std::get_if<Text>(&node.content);
    return text != nullptr && !text->is_raw;
  });
}

}  // namespace

const std::vector<Parser::TagEntry>& Parser::tags() {
  static const std::vector<TagEntry> entries = {
      {"if", &Parser::parse_if},
      {"unless", &Parser::parse_if},
      {"case", &Parser::parse_case},
      {"for", &Parser::parse_for},
      {"tablerow", &Parser::parse_table_row},
      {"assign", &Parser::parse_assign},
      {"capture", &Parser::parse_capture},
      {"cycle", &Parser::parse_cycle},
      {"increment", &Parser::parse_counter},
      {"decrement", &Parser::parse_counter},
      {"render", &Parser::parse_partial},
      {"include", &Parser::parse_partial},
      {"ifchanged", &Parser::parse_if_changed},
      {"echo", &Parser::parse_echo},
      {"break", &Parser::parse_interrupt},
      {"continue", &Parser::parse_interrupt},
      {"comment", &Parser::parse_comment},
      {"doc", &Parser::parse_comment},
      {"#", &Parser::parse_inline_comment},
      {"raw", &Parser::parse_raw},
      {"liquid", &Parser::parse_liquid},
      {"abort_message", &Parser::parse_abort},
      {"unsubscribe_url", &Parser::parse_link},
      {"view_in_browser_url", &Parser::parse_link},
      {"preferences_url", &Parser::parse_link},
  };
  return entries;
}

std::span<const std::string_view> Parser::tag_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const TagEntry& entry : tags()) all.push_back(entry.name);
    return all;
  }();
  return names;
}

Parser::TagResult Parser::parse_if(const Piece& tag, Block& into) {
  static constexpr std::array<std::string_view, 3> kIfEnds = {"elsif", "else", "endif"};
  static constexpr std::array<std::string_view, 3> kUnlessEnds = {"elsif", "else", "endunless"};
  IfTag& parsed = program_.ifs.emplace_back();
  parsed.is_unless = tag.name == "unless";
  Piece branch_tag = tag;
  bool is_blank = true;
  while (true) {
    Branch branch;
    if (branch_tag.name == "else") {
      TERRENO_TRY_VOID(no_markup(branch_tag));
    } else {
      TERRENO_TRY(auto inside, markup(branch_tag));
      TERRENO_TRY(branch.conditions, inside.conditions());
    }
    TERRENO_TRY(Piece end, parse_body(branch.body, parsed.is_unless ? kUnlessEnds : kIfEnds, tag));
    is_blank = is_blank && branch.body.is_blank;
    parsed.branches.push_back(std::move(branch));
    branch_tag = end;
    if (end.name.starts_with("end")) break;
  }
  if (is_blank)
    for (Branch& branch : parsed.branches) drop_blank_text(branch.body);
  into.nodes.push_back({&parsed, tag.place});
  return is_blank;
}

Parser::TagResult Parser::parse_case(const Piece& tag, Block& into) {
  static constexpr std::array<std::string_view, 3> kEnds = {"when", "else", "endcase"};
  CaseTag& parsed = program_.cases.emplace_back();
  {
    TERRENO_TRY(auto inside, markup(tag));
    TERRENO_TRY(parsed.subject, inside.expression());
    TERRENO_TRY_VOID(inside.expect_end());
  }
  Block before;  // what stands before the first `when` is never rendered
  TERRENO_TRY(Piece branch_tag, parse_body(before, kEnds, tag));
  bool is_blank = before.is_blank;
  while (branch_tag.name != "endcase") {
    WhenBranch branch;
    if (branch_tag.name == "else") {
      TERRENO_TRY_VOID(no_markup(branch_tag));
      branch.is_else = true;
    } else {
      TERRENO_TRY(auto inside, markup(branch_tag));
      do {
        TERRENO_TRY(const Expression* value, inside.expression());
        branch.values.push_back(value);
      } while (inside.accept(TokenKind::comma) || inside.accept_word("or"));
      TERRENO_TRY_VOID(inside.expect_end());
    }
    TERRENO_TRY(branch_tag, parse_body(branch.body, kEnds, tag));
    is_blank = is_blank && branch.body.is_blank;
    parsed.branches.push_back(std::move(branch));
  }
  if (is_blank)
    for (WhenBranch& branch : parsed.branches) drop_blank_text(branch.body);
  into.nodes.push_back({&parsed, tag.place});
  return is_blank;
}

Parser::TagResult Parser::parse_for(const Piece& tag, Block& into) {
  static constexpr std::array<std::string_view, 2> kEnds = {"else", "endfor"};
  ForTag& parsed = program_.fors.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Token variable, inside.expect(TokenKind::word, "the name of an element, as in: for item in items"));
  parsed.variable = variable.text;
  if (!inside.accept_word("in")) return std::unexpected(inside.unexpected("in"));
  TERRENO_TRY(parsed.collection, inside.expression());
  parsed.name = std::string(parsed.variable) + "-" + std::string(parsed.collection->source);
  while (!inside.at_end()) {
    inside.accept(TokenKind::comma);
    if (inside.accept_word("reversed")) {
      parsed.is_reversed = true;
      continue;
    }
    TERRENO_TRY(const Token key, inside.expect(TokenKind::word, "limit, offset or reversed"));
    if (key.text != "limit" && key.text != "offset")
      return std::unexpected(
          PlacedError{Errc::unknown_argument, key.place, std::string(key.text), "limit offset reversed"});
    TERRENO_TRY(const Token colon, inside.expect(TokenKind::colon, ":"));
    static_cast<void>(colon);
    if (key.text == "offset" && inside.accept_word("continue")) {
      parsed.offset_continue = true;
    } else {
      TERRENO_TRY((key.text == "limit" ? parsed.limit : parsed.offset), inside.expression());
    }
  }
  TERRENO_TRY(const Piece end, parse_body(parsed.body, kEnds, tag));
  bool is_blank = parsed.body.is_blank;
  if (end.name == "else") {
    static constexpr Names kEndFor = {"endfor"};
    TERRENO_TRY_VOID(no_markup(end));
    TERRENO_TRY_VOID(parse_body(parsed.otherwise, kEndFor, tag));
    is_blank = is_blank && parsed.otherwise.is_blank;
  }
  if (is_blank) {
    drop_blank_text(parsed.body);
    drop_blank_text(parsed.otherwise);
  }
  into.nodes.push_back({&parsed, tag.place});
  return is_blank;
}

Parser::TagResult Parser::parse_table_row(const Piece& tag, Block& into) {
  static constexpr Names kEnds = {"endtablerow"};
  TableRowTag& parsed = program_.table_rows.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Token variable,
              inside.expect(TokenKind::word, "the name of an element, as in: tablerow item in items"));
  parsed.variable = variable.text;
  if (!inside.accept_word("in")) return std::unexpected(inside.unexpected("in"));
  TERRENO_TRY(parsed.collection, inside.expression());
  TERRENO_TRY(const auto attributes, inside.named_values());
  for (const NamedExpression& attribute : attributes) {
    if (attribute.name == "cols")
      parsed.columns = attribute.value;
    else if (attribute.name == "limit")
      parsed.limit = attribute.value;
    else if (attribute.name == "offset")
      parsed.offset = attribute.value;
    else
      return std::unexpected(PlacedError{Errc::unknown_argument, attribute.value->place, std::string(attribute.name),
                                         "cols limit offset"});
  }
  TERRENO_TRY_VOID(parse_body(parsed.body, kEnds, tag));
  into.nodes.push_back({&parsed, tag.place});
  return parsed.body.is_blank;
}

Parser::TagResult Parser::parse_assign(const Piece& tag, Block& into) {
  AssignTag& parsed = program_.assigns.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Token name, inside.expect(TokenKind::word, "a name, as in: assign name = value"));
  parsed.name = name.text;
  TERRENO_TRY(const Token equals, inside.expect(TokenKind::equals, "="));
  static_cast<void>(equals);
  TERRENO_TRY(parsed.value, inside.chain());
  into.nodes.push_back({&parsed, tag.place});
  return true;
}

Parser::TagResult Parser::parse_capture(const Piece& tag, Block& into) {
  static constexpr Names kEnds = {"endcapture"};
  CaptureTag& parsed = program_.captures.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  const bool is_quoted = inside.at(TokenKind::text);
  TERRENO_TRY(const Token name, inside.expect(is_quoted ? TokenKind::text : TokenKind::word, "a name"));
  parsed.name = name.text;
  TERRENO_TRY_VOID(inside.expect_end());
  TERRENO_TRY_VOID(parse_body(parsed.body, kEnds, tag));
  into.nodes.push_back({&parsed, tag.place});
  return true;
}

Parser::TagResult Parser::parse_cycle(const Piece& tag, Block& into) {
  CycleTag& parsed = program_.cycles.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Expression* first, inside.expression());
  if (inside.accept(TokenKind::colon)) {
    parsed.group = first;
    TERRENO_TRY(first, inside.expression());
  }
  parsed.values.push_back(first);
  while (inside.accept(TokenKind::comma)) {
    if (inside.at_end()) break;
    TERRENO_TRY(const Expression* value, inside.expression());
    parsed.values.push_back(value);
  }
  TERRENO_TRY_VOID(inside.expect_end());
  for (const Expression* value : parsed.values) {
    parsed.values_name += value->source;
    parsed.values_name += ',';
  }
  into.nodes.push_back({&parsed, tag.place});
  return false;
}

Parser::TagResult Parser::parse_counter(const Piece& tag, Block& into) {
  CounterTag& parsed = program_.counters.emplace_back();
  parsed.is_increment = tag.name == "increment";
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Token name, inside.expect(TokenKind::word, "a name"));
  parsed.name = name.text;
  TERRENO_TRY_VOID(inside.expect_end());
  into.nodes.push_back({&parsed, tag.place});
  return false;
}

Parser::TagResult Parser::parse_partial(const Piece& tag, Block& into) {
  PartialTag& parsed = program_.partials.emplace_back();
  parsed.is_isolated = tag.name == "render";
  TERRENO_TRY(auto inside, markup(tag));
  // render names its partial literally, so that what a template needs is known before it is sent.
  if (parsed.is_isolated && !inside.at(TokenKind::text)) {
    TERRENO_TRY_VOID(inside.expect(TokenKind::text, "the name of a partial in quotes"));
  }
  TERRENO_TRY(parsed.name, inside.expression());
  const Value& name = parsed.name->literal;
  if (options_.partial_names != nullptr && name.is_text() && !options_.partial_names->contains(name.as_text())) {
    std::vector<std::string_view> known(options_.partial_names->begin(), options_.partial_names->end());
    return std::unexpected(PlacedError{Errc::unknown_partial, parsed.name->place, std::string(name.as_text()),
                                       std::string(nearest_word(name.as_text(), known))});
  }
  if (inside.at_word("with") || inside.at_word("for")) {
    // `with: 1` is an argument of that name.
    if (!inside.at(TokenKind::colon, 1)) {
      parsed.is_for = inside.at_word("for");
      inside.accept(TokenKind::word);
      TERRENO_TRY(parsed.with, inside.expression());
    }
  }
  if (inside.at_word("as") && !inside.at(TokenKind::colon, 1)) {
    inside.accept(TokenKind::word);
    TERRENO_TRY(const Token alias, inside.expect(TokenKind::word, "a name"));
    parsed.alias = alias.text;
  }
  TERRENO_TRY(parsed.arguments, inside.named_values());
  into.nodes.push_back({&parsed, tag.place});
  return false;
}

Parser::TagResult Parser::parse_if_changed(const Piece& tag, Block& into) {
  static constexpr Names kEnds = {"endifchanged"};
  IfChangedTag& parsed = program_.if_changed.emplace_back();
  TERRENO_TRY_VOID(no_markup(tag));
  TERRENO_TRY_VOID(parse_body(parsed.body, kEnds, tag));
  into.nodes.push_back({&parsed, tag.place});
  return parsed.body.is_blank;
}

Parser::TagResult Parser::parse_echo(const Piece& tag, Block& into) {
  TERRENO_TRY(auto inside, markup(tag));
  TERRENO_TRY(const Chain* chain, inside.chain());
  into.nodes.push_back({Output{chain}, tag.place});
  return false;
}

Parser::TagResult Parser::parse_interrupt(const Piece& tag, Block& into) {
  TERRENO_TRY_VOID(no_markup(tag));
  into.nodes.push_back({InterruptTag{tag.name == "break"}, tag.place});
  return false;
}

Parser::TagResult Parser::parse_comment(const Piece& tag, Block&) {
  const bool is_nesting = tag.name == "comment";
  TERRENO_TRY_VOID(skip_to(is_nesting ? "endcomment" : "enddoc", tag, is_nesting));
  return true;
}

Parser::TagResult Parser::parse_inline_comment(const Piece& tag, Block&) {
  // Each further line starts with # too, so that nobody comments out half a tag by accident.
  size_t at = tag.markup.find('\n');
  while (at != std::string_view::npos) {
    const size_t first = tag.markup.find_first_not_of(" \t\r\n\v\f", at);
    if (first == std::string_view::npos) break;
    if (tag.markup[first] != '#')
      return std::unexpected(PlacedError{Errc::unexpected_word, static_cast<Place>(tag.markup_place + first),
                                         std::string(1, tag.markup[first]), "#"});
    at = tag.markup.find('\n', first);
  }
  return true;
}

Parser::TagResult Parser::parse_raw(const Piece& tag, Block& into) {
  TERRENO_TRY_VOID(no_markup(tag));
  TERRENO_TRY(const std::string_view text, skip_to("endraw", tag, false));
  add_text(text, tag.markup_place, true, into);
  return text.empty();
}

Parser::TagResult Parser::parse_liquid(const Piece& tag, Block& into) {
  if (depth_ >= kNestingMax) return std::unexpected(PlacedError{Errc::nesting_too_deep, tag.place, "liquid", {}});
  ++depth_;
  const Reader outer = reader_;
  reader_ = {tag.markup, tag.markup_place, 0, true};
  // A block opened inside must close inside: the reader ends with the tag.
  const bool was_blank = into.is_blank;
  into.is_blank = true;
  TERRENO_TRY(auto end, parse_block(into, {}, nullptr));
  static_cast<void>(end);
  const bool is_blank = into.is_blank;
  into.is_blank = was_blank;
  reader_ = outer;
  --depth_;
  return is_blank;
}

Parser::TagResult Parser::parse_abort(const Piece& tag, Block& into) {
  AbortTag& parsed = program_.aborts.emplace_back();
  TERRENO_TRY(auto inside, markup(tag));
  const bool has_brackets = inside.accept(TokenKind::open_round);
  if (!inside.at_end() && !inside.at(TokenKind::close_round)) {
    TERRENO_TRY(parsed.reason, inside.expression());
  }
  if (has_brackets) {
    TERRENO_TRY_VOID(inside.expect(TokenKind::close_round, ")"));
  }
  TERRENO_TRY_VOID(inside.expect_end());
  into.nodes.push_back({&parsed, tag.place});
  return false;
}

Parser::TagResult Parser::parse_link(const Piece& tag, Block& into) {
  TERRENO_TRY_VOID(no_markup(tag));
  LinkTag parsed;
  if (tag.name == "view_in_browser_url") parsed.which = LinkTag::Which::view_in_browser;
  if (tag.name == "preferences_url") parsed.which = LinkTag::Which::preferences;
  into.nodes.push_back({parsed, tag.place});
  return false;
}

}  // namespace terreno::content::liquid
