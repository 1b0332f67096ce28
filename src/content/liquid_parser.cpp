#include "content/liquid_parser.h"

#include <algorithm>

#include "base/result.h"
#include "content/liquid_text.h"

namespace terreno::content::liquid {
namespace {

bool is_blank_text(std::string_view text) { return text.find_first_not_of(kStripped) == std::string_view::npos; }

std::string_view without_leading_space(std::string_view text) {
  const size_t first = text.find_first_not_of(kStripped);
  return first == std::string_view::npos ? text.substr(text.size()) : text.substr(first);
}
std::string_view without_trailing_space(std::string_view text) {
  const size_t last = text.find_last_not_of(kStripped);
  return last == std::string_view::npos ? text.substr(0, 0) : text.substr(0, last + 1);
}

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

size_t name_length(std::string_view text) {
  if (text.starts_with('#')) return 1;
  size_t length = 0;
  while (length < text.size() && is_name(text[length])) ++length;
  return length;
}

}  // namespace

LineAndColumn line_and_column(std::string_view source, Place place) {
  LineAndColumn result;
  const size_t end = std::min<size_t>(place, source.size());
  for (size_t i = 0; i < end; ++i) {
    const auto byte = static_cast<unsigned char>(source[i]);
    if (byte == '\n') {
      ++result.line;
      result.column = 1;
    } else if ((byte & 0xc0) != 0x80) {
      ++result.column;
    }
  }
  return result;
}

std::expected<Template, SyntaxError> parse(std::string_view source, const ParseOptions& options) {
  if (source.size() > kSourceBytesMax)
    return std::unexpected(SyntaxError{.code = Errc::source_too_long,
                                       .subject = std::to_string(source.size()),
                                       .suggestion = std::to_string(kSourceBytesMax)});
  if (const size_t bad = first_invalid_utf8(source); bad != std::string_view::npos) {
    const LineAndColumn place = line_and_column(source, static_cast<Place>(bad));
    return std::unexpected(SyntaxError{.code = Errc::source_not_utf8, .line = place.line, .column = place.column});
  }
  auto program = std::make_shared<Program>();
  program->source = source;
  Parser parser(*program, options);
  if (auto parsed = parser.parse_document(); !parsed) {
    PlacedError& error = parsed.error();
    const LineAndColumn place = line_and_column(program->source, error.place);
    return std::unexpected(SyntaxError{.code = error.code,
                                       .line = place.line,
                                       .column = place.column,
                                       .subject = std::move(error.subject),
                                       .suggestion = std::move(error.suggestion)});
  }
  return Template(std::move(program));
}

Parsed<void> Parser::parse_document() {
  reader_ = {program_.source, 0, 0, false};
  TERRENO_TRY(auto end, parse_block(program_.root, {}, nullptr));
  static_cast<void>(end);  // at the top no tag ends the block
  return {};
}

Parsed<std::optional<Parser::Piece>> Parser::next_piece() {
  if (reader_.by_line) return next_line();
  const std::string_view rest = reader_.text.substr(reader_.at);
  if (rest.empty()) return std::nullopt;
  Piece piece;
  piece.place = static_cast<Place>(reader_.start + reader_.at);
  const bool is_output = rest.starts_with("{{");
  if (is_output || rest.starts_with("{%")) {
    const size_t end = rest.find(is_output ? "}}" : "%}", 2);
    if (end == std::string_view::npos)
      return std::unexpected(PlacedError{is_output ? Errc::unclosed_output : Errc::unclosed_tag, piece.place,
                                         std::string(rest.substr(0, 2)), is_output ? "}}" : "%}"});
    reader_.at += end + 2;
    std::string_view inside = rest.substr(2, end - 2);
    Place inside_place = piece.place + 2;
    if (inside.starts_with('-')) {
      piece.trims_before = true;
      inside.remove_prefix(1);
      ++inside_place;
    }
    if (inside.ends_with('-')) {
      piece.trims_after = true;
      inside.remove_suffix(1);
    } else if (inside.empty() && piece.trims_before) {
      piece.trims_after = true;  // `{{-}}` is both
    }
    if (!is_output) {
      TERRENO_TRY(auto tag, tag_piece(inside, inside_place, piece));
      return tag;
    }
    piece.kind = Piece::Kind::output;
    piece.markup = inside;
    piece.markup_place = inside_place;
    return piece;
  }
  size_t end = 0;
  do {
    end = rest.find('{', end);
    if (end == std::string_view::npos) end = rest.size();
    if (end + 1 < rest.size() && (rest[end + 1] == '{' || rest[end + 1] == '%')) break;
    if (end < rest.size()) ++end;
  } while (end < rest.size());
  piece.markup = rest.substr(0, end);
  reader_.at += end;
  return piece;
}

Parsed<Parser::Piece> Parser::tag_piece(std::string_view inside, Place inside_place, Piece piece) {
  const std::string_view text = without_leading_space(inside);
  piece.kind = Piece::Kind::tag;
  const size_t length = name_length(text);
  const auto name_place = static_cast<Place>(inside_place + (text.data() - inside.data()));
  piece.name = text.substr(0, length);
  if (length == 0)
    return std::unexpected(
        PlacedError{Errc::unknown_tag, text.empty() ? piece.place : name_place, std::string(text.substr(0, 1)), {}});
  piece.markup = text.substr(length);
  piece.markup_place = static_cast<Place>(name_place + length);
  return piece;
}

Parsed<std::optional<Parser::Piece>> Parser::next_line() {
  while (reader_.at < reader_.text.size()) {
    const size_t from = reader_.at;
    size_t end = reader_.text.find('\n', from);
    if (end == std::string_view::npos) end = reader_.text.size();
    reader_.at = std::min(end + 1, reader_.text.size());
    const std::string_view line = reader_.text.substr(from, end - from);
    if (is_blank_text(line)) continue;
    Piece piece;
    piece.place = static_cast<Place>(reader_.start + from + (without_leading_space(line).data() - line.data()));
    TERRENO_TRY(auto tag, tag_piece(line, static_cast<Place>(reader_.start + from), piece));
    return tag;
  }
  return std::nullopt;
}

Parsed<std::optional<Parser::Piece>> Parser::parse_block(Block& block, std::span<const std::string_view> ends,
                                                         const Piece* opening) {
  last_was_text_ = false;
  while (true) {
    TERRENO_TRY(auto piece, next_piece());
    if (!piece) break;
    const bool is_tag = piece->kind == Piece::Kind::tag;
    if (is_tag || piece->kind == Piece::Kind::output) {
      if (piece->trims_before && last_was_text_) {
        auto& text = std::get<Text>(block.nodes.back().content);
        text.text = without_trailing_space(text.text);
      }
      if (!reader_.by_line) trim_next_text_ = piece->trims_after;
      last_was_text_ = false;
    }
    if (is_tag && std::ranges::find(ends, piece->name) != ends.end()) return piece;
    if (is_tag && std::ranges::find(tags(), piece->name, &TagEntry::name) == tags().end())
      return std::unexpected(unexpected_tag(*piece, ends));
    TERRENO_TRY_VOID(add_piece(*piece, block));
  }
  if (opening != nullptr)
    return std::unexpected(PlacedError{Errc::unclosed_block, opening->place, std::string(opening->name),
                                       "end" + std::string(opening->name)});
  return std::nullopt;
}

Parsed<Parser::Piece> Parser::parse_body(Block& block, std::span<const std::string_view> ends, const Piece& opening) {
  if (depth_ >= kNestingMax)
    return std::unexpected(PlacedError{Errc::nesting_too_deep, opening.place, std::string(opening.name), {}});
  ++depth_;
  TERRENO_TRY(auto end, parse_block(block, ends, &opening));
  --depth_;
  return *end;
}

Parsed<void> Parser::add_piece(const Piece& piece, Block& block) {
  switch (piece.kind) {
    case Piece::Kind::text:
      add_text(piece.markup, piece.place, false, block);
      return {};
    case Piece::Kind::output: {
      TERRENO_TRY(auto inside, MarkupParser::over(piece.markup, piece.markup_place, program_, options_));
      TERRENO_TRY(const Chain* chain, inside.chain());
      block.is_blank = false;
      block.nodes.push_back({Output{chain}, piece.place});
      return {};
    }
    case Piece::Kind::tag:
      return add_tag(piece, block);
  }
  return {};
}

Parsed<void> Parser::add_tag(const Piece& tag, Block& block) {
  const auto entry = std::ranges::find(tags(), tag.name, &TagEntry::name);
  TERRENO_TRY(const bool is_blank, (this->*entry->parse)(tag, block));
  block.is_blank = block.is_blank && is_blank;
  last_was_text_ = false;
  return {};
}

void Parser::add_text(std::string_view text, Place place, bool is_raw, Block& block) {
  if (!is_raw) {
    if (trim_next_text_) text = without_leading_space(text);
    trim_next_text_ = false;
  }
  if (text.empty()) return;
  block.is_blank = block.is_blank && !is_raw && is_blank_text(text);
  program_.literal_bytes += text.size();
  block.nodes.push_back({Text{text, is_raw}, place});
  last_was_text_ = !is_raw;
}

PlacedError Parser::unexpected_tag(const Piece& tag, std::span<const std::string_view> ends) const {
  const bool ends_something =
      tag.name.starts_with("end") || tag.name == "else" || tag.name == "elsif" || tag.name == "when";
  if (ends_something)
    return {Errc::unexpected_tag, tag.place, std::string(tag.name), ends.empty() ? "" : std::string(ends.back())};
  return {Errc::unknown_tag, tag.place, std::string(tag.name), std::string(nearest_word(tag.name, tag_names()))};
}

Parsed<void> Parser::no_markup(const Piece& tag) {
  const std::string_view rest = without_leading_space(tag.markup);
  if (rest.empty()) return {};
  return std::unexpected(PlacedError{Errc::unexpected_word,
                                     static_cast<Place>(tag.markup_place + (rest.data() - tag.markup.data())),
                                     std::string(without_trailing_space(rest.substr(0, 40))),
                                     {}});
}

Parsed<std::string_view> Parser::skip_to(std::string_view name, const Piece& opening, bool is_nesting) {
  const std::string_view rest = reader_.text.substr(reader_.at);
  size_t depth = 1;
  if (reader_.by_line) {
    while (true) {
      const size_t before = reader_.at;
      const auto line = next_line();
      if (line && !*line) break;
      if (!line) continue;  // inside a comment a line may be anything
      if (is_nesting && (*line)->name == opening.name) ++depth;
      if ((*line)->name == name && --depth == 0) return rest.substr(0, before - (reader_.text.size() - rest.size()));
    }
  }
  bool in_raw = false;
  for (size_t at = rest.find("{%"); at != std::string_view::npos && !reader_.by_line; at = rest.find("{%", at + 2)) {
    std::string_view inside = rest.substr(at + 2);
    if (inside.starts_with('-')) inside.remove_prefix(1);
    inside = without_leading_space(inside);
    const std::string_view found = inside.substr(0, name_length(inside));
    const size_t close = rest.find("%}", at + 2);
    if (close == std::string_view::npos) break;
    if (is_nesting && (found == "raw" || found == "endraw")) {
      in_raw = found == "raw";  // what looks like a tag inside raw is text
    } else if (in_raw) {
      continue;
    } else if (is_nesting && found == opening.name) {
      ++depth;
    } else if (found == name && --depth == 0) {
      trim_next_text_ = rest[close - 1] == '-';
      reader_.at += close + 2;
      return rest.substr(0, at);
    }
  }
  return std::unexpected(
      PlacedError{Errc::unclosed_block, opening.place, std::string(opening.name), std::string(name)});
}

}  // namespace terreno::content::liquid
