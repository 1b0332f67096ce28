// Case, numbers and money by language, with ICU's data.

#include <unicode/brkiter.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/numberformatter.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "content/liquid_filters.h"
#include "content/liquid_render.h"

namespace terreno::content::liquid {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

icu::UnicodeString wide(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

Value keep_wide(Renderer& r, const icu::UnicodeString& text) {
  std::string narrow;
  text.toUTF8String(narrow);
  return r.keep(narrow);
}

template <typename Change>
Value ascii_changed(Renderer& r, std::string_view text, Change change) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), change);
  return r.keep(result);
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// As in Ruby the language plays no part: the same text is the same for everyone.
Value downcase(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  if (is_ascii(text)) return ascii_changed(r, text, lower);
  return keep_wide(r, wide(text).toLower(icu::Locale::getRoot()));
}
Value upcase(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  if (is_ascii(text)) return ascii_changed(r, text, upper);
  return keep_wide(r, wide(text).toUpper(icu::Locale::getRoot()));
}
Value capitalize(Renderer& r, const FilterInput& in) {
  const std::string_view text = r.text_of(in.value);
  if (is_ascii(text)) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    if (!result.empty()) result[0] = upper(result[0]);
    return r.keep(result);
  }
  // The first character whatever it is, as in Ruby: no search for words, which would cost microseconds.
  icu::UnicodeString result = wide(text);
  result.toTitle(nullptr, icu::Locale::getRoot(), U_TITLECASE_WHOLE_STRING | U_TITLECASE_NO_BREAK_ADJUSTMENT);
  return keep_wide(r, result);
}

// BCP 47 or nothing: ICU would take any text for a locale.
std::optional<icu::Locale> locale_named(Renderer& r, std::string_view name) {
  UErrorCode status = U_ZERO_ERROR;
  if (name.size() < 64) {
    const icu::Locale locale =
        icu::Locale::forLanguageTag(icu::StringPiece(name.data(), static_cast<int32_t>(name.size())), status);
    if (U_SUCCESS(status) && !locale.isBogus() && locale.getLanguage()[0] != '\0') return locale;
  }
  r.fail(Errc::unknown_locale, name.substr(0, byte_of_character(name, 64)), "en, es, fr");
  return std::nullopt;
}
std::optional<icu::Locale> locale_of(Renderer& r, const FilterInput& in) {
  const Value named = in.named_argument("locale");
  return locale_named(r, named.is_nil() ? r.options().locale : r.text_of(named));
}

Value titlecase(Renderer& r, const FilterInput& in) {
  const auto locale = locale_of(r, in);
  if (!locale) return {};
  return keep_wide(r, wide(r.text_of(in.value)).toTitle(nullptr, *locale));
}

// Letters that do not come apart into a base letter and a mark.
std::string_view latin_base(UChar32 c) {
  switch (c) {
    case 0xdf:
      return "ss";
    case 0xe6:
      return "ae";
    case 0x153:
      return "oe";
    case 0xf8:
      return "o";
    case 0x142:
      return "l";
    case 0x111:
    case 0xf0:
      return "d";
    case 0xfe:
      return "th";
    case 0x131:
      return "i";
    default:
      return {};
  }
}

Value slugify(Renderer& r, const FilterInput& in) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) return r.fail(Errc::unknown_locale);
  icu::UnicodeString text = wide(r.text_of(in.value));
  text = normalizer->normalize(text.toLower(icu::Locale::getRoot()), status);
  std::string slug;
  bool separates = false;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (u_getCombiningClass(c) != 0 || u_charType(c) == U_NON_SPACING_MARK) continue;
    std::string letters(latin_base(c));
    if (letters.empty() && u_isalnum(c)) icu::UnicodeString(c).toUTF8String(letters);
    if (letters.empty()) {
      separates = c != '\'' && c != 0x2019 ? true : separates;  // an apostrophe joins: d'Or is dor
      continue;
    }
    if (separates && !slug.empty()) slug += '-';
    separates = false;
    slug += letters;
  }
  return r.keep(slug);
}

// The number as decimal text, which ICU formats without rounding through binary.
std::optional<std::string> decimal_text(const Value& value) {
  const Number number = Renderer::number_of(value);
  if (number.is_integer) return std::to_string(number.integer);
  const auto binary = double_of(number.decimal);
  if (!binary) return std::nullopt;
  std::string text;
  append_decimal(text, *binary);
  return text;
}

Value formatted(Renderer& r, const FilterInput& in, icu::number::LocalizedNumberFormatter formatter) {
  const auto text = decimal_text(in.value);
  if (!text) return r.fail(Errc::number_overflow);
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString result = formatter.formatDecimal(*text, status).toString(status);
  if (U_FAILURE(status)) return r.fail(Errc::number_overflow);
  return keep_wide(r, result);
}

std::optional<icu::number::Precision> precision_of(Renderer& r, const Value& decimals,
                                                   icu::number::Precision otherwise) {
  if (decimals.is_nil()) return otherwise;
  const auto count = r.integer_of(decimals);
  if (!count) return std::nullopt;
  return icu::number::Precision::fixedFraction(static_cast<int32_t>(std::clamp<int64_t>(*count, 0, 20)));
}

Value number(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const auto locale = locale_of(r, in);
  const Value decimals = in.arguments.empty() ? in.named_argument("decimals") : in.argument(0);
  const auto precision = precision_of(r, decimals, icu::number::Precision::maxFraction(6));
  if (!locale || !precision) return {};
  return formatted(
      r, in, icu::number::NumberFormatter::withLocale(*locale).precision(*precision).roundingMode(UNUM_ROUND_HALFUP));
}

Value currency(Renderer& r, const FilterInput& in) {
  if (in.value.is_nil()) return {};
  const std::string_view code = r.text_of(in.argument(0));
  const bool is_code =
      code.size() == 3 && std::ranges::all_of(code, [](char c) { return upper(c) >= 'A' && upper(c) <= 'Z'; });
  UErrorCode status = U_ZERO_ERROR;
  const icu::CurrencyUnit unit(icu::StringPiece(is_code ? std::string(code) : std::string("XXX")), status);
  if (!is_code || U_FAILURE(status))
    return r.fail(Errc::unknown_currency, code.substr(0, byte_of_character(code, 20)), "EUR");
  const auto locale = locale_of(r, in);
  const auto precision =
      precision_of(r, in.named_argument("decimals"), icu::number::Precision::currency(UCURR_USAGE_STANDARD));
  if (!locale || !precision) return {};
  return formatted(r, in,
                   icu::number::NumberFormatter::withLocale(*locale)
                       .unit(unit)
                       .precision(*precision)
                       .roundingMode(UNUM_ROUND_HALFUP));
}

constexpr FilterSpec kFilters[] = {
    {"capitalize", 0, 0, "", capitalize}, {"currency", 1, 1, "locale decimals", currency},
    {"downcase", 0, 0, "", downcase},     {"number", 0, 1, "locale decimals", number},
    {"slugify", 0, 0, "", slugify},       {"titlecase", 0, 0, "locale", titlecase},
    {"upcase", 0, 0, "", upcase},
};

}  // namespace

std::span<const FilterSpec> locale_filters() { return kFilters; }

}  // namespace terreno::content::liquid
