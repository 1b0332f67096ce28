#include <algorithm>

#include "base/html.h"
#include "content/liquid_filters.h"
#include "content/liquid_render.h"

namespace terreno::content::liquid {
namespace {

// White space between words, as Ruby's split(" ") and \s see it.
constexpr std::string_view kSpaces = " \t\n\v\f\r";

std::string_view without_leading(std::string_view text) {
  const size_t first = text.find_first_not_of(kStripped);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}
std::string_view without_trailing(std::string_view text) {
  const size_t last = text.find_last_not_of(kStripped);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

// Two texts in a row. When one is HTML already, the other one is escaped, so that the whole is HTML and safe.
Value joined(Renderer& r, const Value& first, const Value& second) {
  const bool is_html = r.escapes() && (first.is_html() || second.is_html());
  std::string escaped;
  TextBuilder out(r);
  for (const Value* part : {&first, &second}) {
    const std::string_view text = r.text_of(*part);
    if (is_html && !part->is_html()) {
      escaped.clear();
      append_html_escaped(escaped, text);
      out.append(escaped);
    } else {
      out.append(text);
    }
  }
  return out.finish(is_html);
}
Value append(Renderer& r, const FilterInput& in) { return joined(r, in.value, in.argument(0)); }
Value prepend(Renderer& r, const FilterInput& in) { return joined(r, in.argument(0), in.value); }

Value strip(Renderer& r, const FilterInput& in) {
  return Value::text(without_leading(without_trailing(r.text_of(in.value))), in.value.is_html());
}
Value lstrip(Renderer& r, const FilterInput& in) {
  return Value::text(without_leading(r.text_of(in.value)), in.value.is_html());
}
Value rstrip(Renderer& r, const FilterInput& in) {
  return Value::text(without_trailing(r.text_of(in.value)), in.value.is_html());
}

Value squish(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const std::string_view text = without_leading(without_trailing(r.text_of(in.value)));
  TextBuilder out(r);
  for (size_t at = 0; at < text.size();) {
    const size_t space = std::min(text.find_first_of(kSpaces, at), text.size());
    out.append(text.substr(at, space - at));
    at = std::min(text.find_first_not_of(kSpaces, space), text.size());
    if (at < text.size()) out.append(' ');
  }
  return out.finish(in.value.is_html());
}

Value strip_newlines(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  TextBuilder out(r);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) continue;
    out.append(text[i]);
  }
  return out.finish(in.value.is_html());
}

Value newline_to_br(Renderer& r, const FilterInput& in) {
  std::string_view text = r.text_of(in.value);
  // Its result is HTML, so on an escaped page the text around the breaks is escaped here.
  std::string escaped;
  if (r.escapes() && !in.value.is_html()) {
    append_html_escaped(escaped, text);
    text = escaped;
  }
  TextBuilder out(r);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n')
      out.append("<br />\n");
    else
      out.append(text[i]);
  }
  return out.finish(true);
}

// The end of the element that starts at `at`, such as <script…</script>, or npos. `closing` not found once is never
// looked for again: a hostile text of a million openings stays linear.
class Elements {
 public:
  size_t end_of(std::string_view text, size_t at) {
    const std::string_view rest = text.substr(at);
    for (Element& element : elements_) {
      if (!rest.starts_with(element.opening) || element.never_closes) continue;
      const size_t close = text.find(element.closing, at + element.opening.size());
      if (close == std::string_view::npos)
        element.never_closes = true;
      else
        return close + element.closing.size();
    }
    return std::string_view::npos;
  }

 private:
  struct Element {
    std::string_view opening;
    std::string_view closing;
    bool never_closes = false;
  };
  std::array<Element, 3> elements_ = {{{"<script", "</script>"}, {"<!--", "-->"}, {"<style", "</style>"}}};
};

Value strip_html(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  std::string without_elements;
  Elements elements;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('<', at), text.size());
    without_elements.append(text.substr(at, open - at));
    at = open;
    if (at == text.size()) break;
    const size_t end = elements.end_of(text, at);
    if (end != std::string_view::npos) {
      at = end;
    } else {
      without_elements += '<';
      ++at;
    }
  }
  const std::string_view rest = without_elements;
  TextBuilder out(r);
  for (size_t at = 0; at < rest.size();) {
    const size_t open = std::min(rest.find('<', at), rest.size());
    out.append(rest.substr(at, open - at));
    if (open == rest.size()) break;
    const size_t close = rest.find('>', open);
    if (close == std::string_view::npos) {
      out.append(rest.substr(open));
      break;
    }
    at = close + 1;
  }
  return out.finish(in.value.is_html());
}

// Replaces every `from`; an empty one stands between all characters, as in Ruby.
Value replaced(Renderer& r, std::string_view text, std::string_view from, std::string_view to) {
  if (!r.spend_search(text, from)) return {};
  TextBuilder out(r);
  if (from.empty()) {
    for (size_t at = 0; at < text.size() && !out.overflowed();) {
      out.append(to);
      const size_t next = at + byte_of_character(text.substr(at, 5), 1);
      out.append(text.substr(at, next - at));
      at = next;
    }
    out.append(to);
    return out.finish();
  }
  size_t at = 0;
  while (!out.overflowed()) {
    const size_t found = text.find(from, at);
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at));
    out.append(to);
    at = found + from.size();
  }
  out.append(text.substr(at));
  return out.finish();
}

Value replaced_at(Renderer& r, std::string_view text, size_t found, size_t length, std::string_view to) {
  if (found == std::string_view::npos) return Value::text(text);
  TextBuilder out(r);
  out.append(text.substr(0, found));
  out.append(to);
  out.append(text.substr(found + length));
  return out.finish();
}

Value replace(Renderer& r, const FilterInput& in) {
  return replaced(r, r.text_of(in.value), r.text_of(in.argument(0)), r.text_of(in.argument(1)));
}
Value replace_first(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  const std::string_view from = r.text_of(in.argument(0));
  if (!r.spend_search(text, from)) return {};
  return replaced_at(r, text, text.find(from), from.size(), r.text_of(in.argument(1)));
}
Value replace_last(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  const std::string_view from = r.text_of(in.argument(0));
  if (!r.spend_search(text, from)) return {};
  return replaced_at(r, text, text.rfind(from), from.size(), r.text_of(in.argument(1)));
}
Value remove(Renderer& r, const FilterInput& in) {
  return replaced(r, r.text_of(in.value), r.text_of(in.argument(0)), {});
}
// Without a second argument the replacement is empty: these are the same functions.
constexpr auto remove_first = replace_first;
constexpr auto remove_last = replace_last;

Value slice(Renderer& r, const FilterInput& in) {
  const auto offset = r.integer_of(in.argument(0));
  if (!offset) return {};
  int64_t length = 1;
  if (in.argument(1).is_true()) {
    const auto given = r.integer_of(in.argument(1));
    if (!given) return {};
    length = *given;
  }
  const bool is_array = in.value.is_array();
  const Value nothing = is_array ? Value::array({}) : Value::text("");
  const std::string_view text = is_array ? std::string_view{} : r.text_of(in.value);
  const auto size = static_cast<int64_t>(is_array ? in.value.as_array().size() : character_count(text));
  int64_t from = *offset;
  if (from < 0) from += size;
  if (from < 0 || from > size || length < 0) return nothing;
  const int64_t count = std::min(length, size - from);
  if (is_array) return Value::array(in.value.as_array().subspan(static_cast<size_t>(from), static_cast<size_t>(count)));
  const size_t start = byte_of_character(text, static_cast<size_t>(from));
  const std::string_view rest = text.substr(start);
  return Value::text(rest.substr(0, byte_of_character(rest, static_cast<size_t>(count))));
}

Value truncate(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const std::string_view text = r.text_of(in.value);
  int64_t length = 50;
  if (!in.arguments.empty()) {
    const auto given = r.integer_of(in.argument(0));
    if (!given) return {};
    length = *given;
  }
  const std::string_view ending = in.arguments.size() > 1 ? r.text_of(in.argument(1)) : "...";
  if (static_cast<int64_t>(character_count(text)) <= length) return Value::text(text, in.value.is_html());
  const int64_t kept = std::max<int64_t>(0, length - static_cast<int64_t>(character_count(ending)));
  TextBuilder out(r);
  out.append(text.substr(0, byte_of_character(text, static_cast<size_t>(kept))));
  out.append(ending);
  return out.finish();
}

Value truncatewords(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const std::string_view text = r.text_of(in.value);
  int64_t words = 15;
  if (!in.arguments.empty()) {
    const auto given = r.integer_of(in.argument(0));
    if (!given) return {};
    words = std::max<int64_t>(1, *given);
  }
  const std::string_view ending = in.arguments.size() > 1 ? r.text_of(in.argument(1)) : "...";
  TextBuilder out(r);
  size_t at = 0;
  for (int64_t word = 0;; ++word) {
    // As in Ruby, white space after the last word counts as one word more.
    if (word == words && at < text.size()) break;
    const size_t start = text.find_first_not_of(kSpaces, at);
    if (start == std::string_view::npos) return Value::text(text, in.value.is_html());
    const size_t end = std::min(text.find_first_of(kSpaces, start), text.size());
    if (word > 0) out.append(' ');
    out.append(text.substr(start, end - start));
    at = end;
  }
  out.append(ending);
  return out.finish();
}

Value split(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  const std::string_view by = r.text_of(in.argument(0));
  if (!r.spend_search(text, by)) return {};
  std::vector<Value> parts;
  const size_t parts_max = r.memory_left() / sizeof(Value);
  const auto add = [&](std::string_view part) {
    if (parts.size() >= parts_max) {
      r.fail(Errc::memory_exhausted);
      return false;
    }
    parts.push_back(Value::text(part));
    return true;
  };
  if (by == " ") {
    for (size_t at = text.find_first_not_of(kStripped); at < text.size(); at = text.find_first_not_of(kStripped, at)) {
      const size_t end = std::min(text.find_first_of(kStripped, at), text.size());
      if (!add(text.substr(at, end - at))) return {};
      at = end;
    }
  } else if (by.empty()) {
    for (size_t at = 0; at < text.size();) {
      const size_t next = at + byte_of_character(text.substr(at, 5), 1);
      if (!add(text.substr(at, next - at))) return {};
      at = next;
    }
  } else {
    size_t at = 0;
    for (size_t found = text.find(by); found != std::string_view::npos; found = text.find(by, at)) {
      if (!add(text.substr(at, found - at))) return {};
      at = found + by.size();
    }
    if (!add(text.substr(at))) return {};
    while (!parts.empty() && parts.back().as_text().empty()) parts.pop_back();  // as Ruby does
  }
  return r.keep_array(parts);
}

Value escape(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  std::string escaped;
  append_html_escaped(escaped, r.text_of(in.value));
  return r.keep(escaped, true);
}

// Whether the & at the start begins an entity: letters or #digits, then a semicolon.
bool starts_entity(std::string_view text) {
  size_t at = 1;
  const bool is_number = text.size() > 1 && text[1] == '#';
  if (is_number) ++at;
  const size_t first = at;
  const auto fits = [&](char c) {
    return is_number ? c >= '0' && c <= '9' : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  // The longest entity of HTML has 32 characters; a hostile run of letters is not scanned again and again.
  while (at < text.size() && at - first < 40 && fits(text[at])) ++at;
  return at > first && at < text.size() && text[at] == ';';
}

Value escape_once(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&' && starts_entity(text.substr(i)))
      escaped += '&';
    else
      append_html_escaped(escaped, text.substr(i, 1));
  }
  return r.keep(escaped, true);
}

Value unescaped(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  std::string text;
  append_printed(text, in.value, r.memory_left());
  return r.keep(text, true);
}

Value default_to(Renderer&, const FilterInput& in) {
  const bool allow_false = in.named_argument("allow_false").is_true();
  const bool is_missing = allow_false ? in.value.is_nil() : !in.value.is_true();
  if (!is_missing && !is_empty(in.value)) return in.value;
  return in.arguments.empty() ? Value::text("") : in.argument(0);
}

constexpr FilterSpec kFilters[] = {
    {"append", 1, 1, "", append},
    {"default", 0, 1, "allow_false", default_to},
    {"escape", 0, 0, "", escape},
    {"escape_once", 0, 0, "", escape_once},
    {"h", 0, 0, "", escape},
    {"lstrip", 0, 0, "", lstrip},
    {"newline_to_br", 0, 0, "", newline_to_br},
    {"prepend", 1, 1, "", prepend},
    {"remove", 1, 1, "", remove},
    {"remove_first", 1, 1, "", remove_first},
    {"remove_last", 1, 1, "", remove_last},
    {"replace", 1, 2, "", replace},
    {"replace_first", 1, 2, "", replace_first},
    {"replace_last", 2, 2, "", replace_last},
    {"rstrip", 0, 0, "", rstrip},
    {"slice", 1, 2, "", slice},
    {"split", 1, 1, "", split},
    {"squish", 0, 0, "", squish},
    {"strip", 0, 0, "", strip},
    {"strip_html", 0, 0, "", strip_html},
    {"strip_newlines", 0, 0, "", strip_newlines},
    {"truncate", 0, 2, "", truncate},
    {"truncatewords", 0, 2, "", truncatewords},
    {"unescaped", 0, 0, "", unescaped},
};

}  // namespace

std::span<const FilterSpec> text_filters() { return kFilters; }

}  // namespace terreno::content::liquid
