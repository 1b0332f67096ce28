#pragma once

// Compiles a source into a Program. Private; lives for one call of `parse`.
//
// Works like liquid-ruby's block parser: pieces of source (text, output, tag) in a row, block tags asking for pieces
// until their end. Inside `{% liquid %}` each line is a piece.

#include <optional>
#include <string_view>

#include "content/liquid_markup.h"
#include "content/liquid_program.h"

namespace terreno::content::liquid {

class Parser {
 public:
  Parser(Program& program, const ParseOptions& options) : program_(program), options_(options) {}

  Parsed<void> parse_document();

  [[nodiscard]] static std::span<const std::string_view> tag_names();

 private:
  struct Piece {
    enum class Kind : uint8_t { text, output, tag } kind = Kind::text;
    Place place = 0;
    std::string_view markup;  ///< of a text: itself
    Place markup_place = 0;
    std::string_view name;  ///< of a tag
    bool trims_before = false;
    bool trims_after = false;
  };
  struct Reader {
    std::string_view text;
    Place start = 0;  ///< of `text` in the source
    size_t at = 0;
    bool by_line = false;
  };
  /// Whether the tag prints nothing, so that white space around it inside a block is dropped.
  using TagResult = Parsed<bool>;
  using TagParser = TagResult (Parser::*)(const Piece& tag, Block& into);
  struct TagEntry {
    std::string_view name;
    TagParser parse;
  };
  static const std::vector<TagEntry>& tags();

  Parsed<std::optional<Piece>> next_piece();
  Parsed<std::optional<Piece>> next_line();
  Parsed<Piece> tag_piece(std::string_view inside, Place inside_place, Piece piece);
  /// Fills `block` up to a tag in `ends` and returns that tag; at the end of the source nothing, which is an error when
  /// `opening` is given.
  Parsed<std::optional<Piece>> parse_block(Block& block, std::span<const std::string_view> ends, const Piece* opening);
  /// The same for tags that must end.
  Parsed<Piece> parse_body(Block& block, std::span<const std::string_view> ends, const Piece& opening);
  Parsed<void> add_piece(const Piece& piece, Block& block);
  Parsed<void> add_tag(const Piece& tag, Block& block);
  void add_text(std::string_view text, Place place, bool is_raw, Block& block);
  /// The source up to `{% name %}`, unread; nested blocks of the same name are skipped when `is_nesting`.
  Parsed<std::string_view> skip_to(std::string_view name, const Piece& opening, bool is_nesting);
  Parsed<MarkupParser> markup(const Piece& tag) {
    return MarkupParser::over(tag.markup, tag.markup_place, program_, options_);
  }
  Parsed<void> no_markup(const Piece& tag);
  PlacedError unexpected_tag(const Piece& tag, std::span<const std::string_view> ends) const;

  TagResult parse_if(const Piece& tag, Block& into);
  TagResult parse_case(const Piece& tag, Block& into);
  TagResult parse_for(const Piece& tag, Block& into);
  TagResult parse_table_row(const Piece& tag, Block& into);
  TagResult parse_assign(const Piece& tag, Block& into);
  TagResult parse_capture(const Piece& tag, Block& into);
  TagResult parse_cycle(const Piece& tag, Block& into);
  TagResult parse_counter(const Piece& tag, Block& into);
  TagResult parse_partial(const Piece& tag, Block& into);
  TagResult parse_if_changed(const Piece& tag, Block& into);
  TagResult parse_echo(const Piece& tag, Block& into);
  TagResult parse_interrupt(const Piece& tag, Block& into);
  TagResult parse_comment(const Piece& tag, Block& into);
  TagResult parse_inline_comment(const Piece& tag, Block& into);
  TagResult parse_raw(const Piece& tag, Block& into);
  TagResult parse_liquid(const Piece& tag, Block& into);
  TagResult parse_abort(const Piece& tag, Block& into);
  TagResult parse_link(const Piece& tag, Block& into);

  Program& program_;
  const ParseOptions& options_;
  Reader reader_;
  size_t depth_ = 0;
  bool trim_next_text_ = false;
  /// The piece before this one was text of the same block, so that `{%-` may trim it.
  bool last_was_text_ = false;
};

}  // namespace terreno::content::liquid
