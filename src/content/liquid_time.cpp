#include "content/liquid_time.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace terreno::content::liquid {
namespace {

using Names7 = std::array<std::string_view, 7>;
using Names12 = std::array<std::string_view, 12>;

struct CalendarNames {
  Names12 months;
  Names12 months_short;
  Names7 days;
  Names7 days_short;
};

constexpr CalendarNames kEnglish = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"},
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
    {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
    {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}};
constexpr CalendarNames kSpanish = {
    {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
     "diciembre"},
    {"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"},
    {"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
    {"dom", "lun", "mar", "mié", "jue", "vie", "sáb"}};
constexpr CalendarNames kFrench = {
    {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
     "décembre"},
    {"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."},
    {"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
    {"dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."}};

const CalendarNames& names_of(std::string_view locale) {
  if (locale.starts_with("es")) return kSpanish;
  if (locale.starts_with("fr")) return kFrench;
  return kEnglish;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool starts_with_no_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, [](char a, char b) { return lower(a) == lower(b); });
}

/// Reads a date word by word; numbers find their meaning by their neighbours, as Ruby's Date._parse.
class TimeReader {
 public:
  TimeReader(std::string_view text, const cctz::time_zone& zone, Timestamp now) : text_(text), zone_(zone), now_(now) {}

  std::optional<LocalTime> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_digit(c)) {
        if (!read_number()) return std::nullopt;
      } else if (is_letter(c)) {
        if (!read_word()) return std::nullopt;
      } else if ((c == '+' || c == '-') && hour_ && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
        if (!read_offset()) return std::nullopt;
      } else {
        ++at_;
      }
    }
    return finish();
  }

 private:
  // Digits from here; at most 9 are taken as a value, more make it no date.
  std::optional<int> digits(size_t& count) {
    count = 0;
    while (at_ + count < text_.size() && is_digit(text_[at_ + count])) ++count;
    if (count == 0 || count > 9) return std::nullopt;
    int value = 0;
    std::from_chars(text_.data() + at_, text_.data() + at_ + count, value);
    at_ += count;
    return value;
  }
  [[nodiscard]] char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool read_number() {
    // Without separators: 20261124 or 20261124T140307.
    size_t run = 0;
    while (at_ + run < text_.size() && is_digit(text_[at_ + run])) ++run;
    if ((run == 8 || run == 14) && !year_) return read_compact(run);
    if (run == 6 && year_ && !hour_) {  // the time of 20261124T140307
      size_t ignored = 0;
      const auto value = digits(ignored);
      hour_ = *value / 10000;
      minute_ = *value / 100 % 100;
      second_ = *value % 100;
      return read_fraction();
    }
    size_t count = 0;
    const auto value = digits(count);
    if (!value) return false;
    if (peek() == ':' && is_digit(peek(1)) && !hour_) return read_clock(*value);
    if ((peek() == '-' || peek() == '/' || peek() == '.') && is_digit(peek(1)) && !month_ && !year_)
      return read_numeric_date(*value, count);
    if (is_meridiem()) {
      hour_ = *value;
      return true;
    }
    if (count >= 3) {
      if (year_) return false;
      year_ = *value;
    } else if (!day_) {
      day_ = *value;
    } else if (!year_) {
      year_ = *value + (*value < 69 ? 2000 : 1900);
    }
    // 1st, 2nd, 3rd, 14th
    for (const std::string_view suffix : {"st", "nd", "rd", "th"})
      if (starts_with_no_case(text_.substr(at_), suffix) && !is_letter(peek(2))) at_ += 2;
    return true;
  }

  bool read_compact(size_t run) {
    const auto part = [this](size_t offset, size_t size) {
      int value = 0;
      std::from_chars(text_.data() + at_ + offset, text_.data() + at_ + offset + size, value);
      return value;
    };
    year_ = part(0, 4);
    month_ = part(4, 2);
    day_ = part(6, 2);
    if (run == 14) {
      hour_ = part(8, 2);
      minute_ = part(10, 2);
      second_ = part(12, 2);
    }
    at_ += run;
    return run == 14 ? read_fraction() : true;
  }

  [[nodiscard]] bool is_meridiem() const {
    size_t at = at_;
    while (at < text_.size() && text_[at] == ' ') ++at;
    const std::string_view rest = text_.substr(at);
    return (starts_with_no_case(rest, "am") || starts_with_no_case(rest, "pm")) &&
           (rest.size() == 2 || !is_letter(rest[2]));
  }

  bool read_clock(int hour) {
    hour_ = hour;
    ++at_;
    size_t count = 0;
    const auto minute = digits(count);
    if (!minute) return false;
    minute_ = *minute;
    if (peek() == ':' && is_digit(peek(1))) {
      ++at_;
      const auto second = digits(count);
      if (!second) return false;
      second_ = *second;
      return read_fraction();
    }
    return true;
  }

  bool read_fraction() {
    if ((peek() != '.' && peek() != ',') || !is_digit(peek(1))) return true;
    ++at_;
    int scale = 100'000'000;
    while (is_digit(peek())) {
      nanoseconds_ += (peek() - '0') * scale;
      scale /= 10;
      ++at_;
    }
    return true;
  }

  // 2026-11-24, 2026/11, 24/11/2026, 24.11.2026; of two short numbers in front the day comes first, as in Ruby.
  bool read_numeric_date(int first, size_t first_digits) {
    const char separator = peek();
    ++at_;
    size_t count = 0;
    const auto second = digits(count);
    if (!second) return false;
    std::optional<int> third;
    size_t third_digits = 0;
    if (peek() == separator && is_digit(peek(1))) {
      ++at_;
      third = digits(third_digits);
      if (!third) return false;
    }
    if (first_digits >= 3) {
      year_ = first;
      month_ = *second;
      day_ = third;
    } else if (third && third_digits >= 3) {
      day_ = first;
      month_ = *second;
      year_ = *third;
    } else if (third) {
      year_ = first + (first < 69 ? 2000 : 1900);
      month_ = *second;
      day_ = *third;
    } else {
      month_ = first;
      day_ = *second;
    }
    return true;
  }

  bool read_word() {
    size_t length = 0;
    while (at_ + length < text_.size() && is_letter(text_[at_ + length])) ++length;
    const std::string_view word = text_.substr(at_, length);
    at_ += length;
    if (starts_with_no_case(word, "am") && length == 2 && hour_) {
      if (*hour_ == 12) hour_ = 0;
      return true;
    }
    if (starts_with_no_case(word, "pm") && length == 2 && hour_) {
      if (*hour_ < 12) *hour_ += 12;
      return true;
    }
    if (length >= 3) {
      for (size_t i = 0; i < 12; ++i) {
        if (starts_with_no_case(kEnglish.months[i], word) && !month_) {
          month_ = static_cast<int>(i) + 1;
          return true;
        }
      }
      for (const std::string_view day : kEnglish.days)
        if (starts_with_no_case(day, word)) return true;
    }
    if (word == "T" || word == "t") return true;
    if (word == "Z" || word == "z" || starts_with_no_case(word, "UTC") || starts_with_no_case(word, "GMT")) {
      offset_ = 0;
      is_utc_ = true;
      return true;
    }
    // Names of zones that mail uses (RFC 2822, section 4.3).
    static constexpr std::array<std::pair<std::string_view, int>, 10> kZones = {{{"EST", -5},
                                                                                 {"EDT", -4},
                                                                                 {"CST", -6},
                                                                                 {"CDT", -5},
                                                                                 {"MST", -7},
                                                                                 {"MDT", -6},
                                                                                 {"PST", -8},
                                                                                 {"PDT", -7},
                                                                                 {"CET", 1},
                                                                                 {"CEST", 2}}};
    for (const auto& [name, hours] : kZones) {
      if (starts_with_no_case(word, name) && word.size() == name.size()) {
        offset_ = hours * 3600;
        return true;
      }
    }
    return word == "of" || word == "at" || word == "the" || word == "on" || word == "de" || hour_.has_value();
  }

  bool read_offset() {
    const int sign = text_[at_] == '-' ? -1 : 1;
    ++at_;
    size_t count = 0;
    const auto value = digits(count);
    if (!value || count > 4) return false;
    int hours = *value;
    int minutes = 0;
    if (count > 2) {
      hours = *value / 100;
      minutes = *value % 100;
    } else if (peek() == ':' && is_digit(peek(1))) {
      ++at_;
      const auto given = digits(count);
      if (!given) return false;
      minutes = *given;
    }
    if (hours > 23 || minutes > 59) return false;
    offset_ = sign * (hours * 3600 + minutes * 60);
    return true;
  }

  std::optional<LocalTime> finish() {
    if (!year_ && !month_ && !day_ && !hour_) return std::nullopt;
    const LocalTime today = local_time(now_.ms / 1000, 0, zone_);
    const bool only_clock = !year_ && !month_ && !day_;
    const int64_t year = year_.value_or(static_cast<int>(today.civil.year()));
    const int month = month_.value_or(only_clock || (day_ && !year_) ? today.civil.month() : 1);
    const int day = day_.value_or(only_clock ? today.civil.day() : 1);
    const int hour = hour_.value_or(0);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute_ > 59 || second_ > 60)
      return std::nullopt;
    // A 30 February is the 1 or 2 March, as in Ruby.
    const cctz::civil_second civil(year, month, day, hour, minute_, second_);
    LocalTime result;
    if (offset_) {
      const auto seconds = civil - cctz::civil_second(1970, 1, 1);
      result = local_time(seconds - *offset_, nanoseconds_, cctz::fixed_time_zone(cctz::seconds(*offset_)));
      result.zone = is_utc_ ? "UTC" : "";
    } else {
      // A time that the change to summer skips is the one an hour later; of two it is the first.
      const auto looked_up = zone_.lookup(civil);
      result = local_time(looked_up.pre.time_since_epoch().count(), nanoseconds_, zone_);
    }
    result.is_date_only = !hour_;
    return result;
  }

  std::string_view text_;
  const cctz::time_zone& zone_;
  Timestamp now_;
  size_t at_ = 0;
  std::optional<int> year_;
  std::optional<int> month_;
  std::optional<int> day_;
  std::optional<int> hour_;
  int minute_ = 0;
  int second_ = 0;
  int nanoseconds_ = 0;
  std::optional<int> offset_;
  bool is_utc_ = false;
};

}  // namespace

LocalTime local_time(int64_t epoch_seconds, int nanoseconds, const cctz::time_zone& zone) {
  const cctz::time_point<cctz::seconds> moment{cctz::seconds(epoch_seconds)};
  const auto looked_up = zone.lookup(moment);
  return {looked_up.cs, epoch_seconds, nanoseconds, looked_up.offset, looked_up.abbr, false};
}

std::optional<LocalTime> parse_time(std::string_view text, const cctz::time_zone& zone, Timestamp now) {
  constexpr size_t kTimeBytesMax = 128;
  if (text.size() > kTimeBytesMax) return std::nullopt;
  return TimeReader(text, zone, now).read();
}

namespace {

struct Directive {
  char padding = '\0';  ///< '-', '0', '_' or none given
  bool upper = false;
  bool swap = false;
  int colons = 0;
  size_t width = 0;
};

class TimeFormatter {
 public:
  TimeFormatter(const LocalTime& time, std::string_view locale) : time_(time), names_(names_of(locale)) {}

  std::string format(std::string_view format) {
    for (size_t at = 0; at < format.size();) {
      if (format[at] != '%' || at + 1 == format.size()) {
        out_ += format[at++];
        continue;
      }
      const size_t start = at++;
      Directive directive;
      for (; at < format.size(); ++at) {
        const char c = format[at];
        if (c == '-' || c == '_' || (c == '0' && directive.width == 0)) {
          directive.padding = c;
        } else if (c == '^') {
          directive.upper = true;
        } else if (c == '#') {
          directive.swap = true;
        } else if (c == ':') {
          ++directive.colons;
        } else if (is_digit(c)) {
          directive.width = std::min<size_t>(directive.width * 10 + static_cast<size_t>(c - '0'), kWidthMax);
        } else {
          break;
        }
      }
      if (at == format.size()) {
        out_ += format.substr(start);
        break;
      }
      if (!write(format[at], directive)) out_ += format.substr(start, at - start + 1);
      ++at;
    }
    return std::move(out_);
  }

 private:
  static constexpr size_t kWidthMax = 128;

  void number(int64_t value, size_t width, char padding, const Directive& d) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value < 0 ? -value : value).ptr;
    std::string digits(text, end);
    if (d.padding == '-') padding = '\0';
    if (d.padding == '0') padding = '0';
    if (d.padding == '_') padding = ' ';
    if (d.width != 0) width = d.width;
    if (value < 0 && padding != '0') digits.insert(digits.begin(), '-');
    const size_t size = digits.size() + (value < 0 && padding == '0' ? 1 : 0);
    if (value < 0 && padding == '0') out_ += '-';
    if (padding != '\0' && size < width) out_.append(width - size, padding);
    out_ += digits;
  }

  void text(std::string_view value, const Directive& d, bool swap_to_lower = false) {
    std::string result(value);
    if (d.upper || (d.swap && !swap_to_lower)) std::ranges::transform(result, result.begin(), upper);
    if (d.swap && swap_to_lower) std::ranges::transform(result, result.begin(), lower);
    if (d.width > result.size() && d.padding != '-') out_.append(d.width - result.size(), d.padding == '0' ? '0' : ' ');
    out_ += result;
  }

  void composed(std::string_view format, const Directive& d) {
    TimeFormatter inner(*this);
    inner.out_.clear();
    text(inner.format(format), d);
  }

  void offset(const Directive& d) {
    const int seconds = time_.offset_seconds < 0 ? -time_.offset_seconds : time_.offset_seconds;
    const auto two = [](int value) {
      return std::string(1, static_cast<char>('0' + value / 10)) + static_cast<char>('0' + value % 10);
    };
    std::string rest;
    const std::string_view colon = d.colons > 0 ? ":" : "";
    rest += colon;
    rest += two(seconds / 60 % 60);
    if (d.colons >= 2) rest += ":" + two(seconds % 60);
    const char sign = time_.offset_seconds < 0 ? '-' : '+';
    std::string hours = two(seconds / 3600);
    if (d.padding == '-' && hours[0] == '0') hours.erase(0, 1);
    const size_t size = 1 + hours.size() + rest.size();
    const size_t fill = d.width > size ? d.width - size : 0;
    if (d.padding == '_') {
      if (hours[0] == '0') {
        hours.erase(0, 1);
        out_.append(fill + 1, ' ');
      } else {
        out_.append(fill, ' ');
      }
      out_ += sign;
    } else {
      out_ += sign;
      out_.append(fill, '0');
    }
    out_ += hours + rest;
  }

  [[nodiscard]] int week_day() const {
    // cctz counts from Monday.
    return (static_cast<int>(cctz::get_weekday(cctz::civil_day(time_.civil))) + 1) % 7;
  }
  [[nodiscard]] int year_day() const { return cctz::get_yearday(cctz::civil_day(time_.civil)); }

  // Year and week of ISO 8601: the week belongs to the year of its Thursday.
  [[nodiscard]] std::pair<int64_t, int> iso_week() const {
    const cctz::civil_day day(time_.civil);
    const int from_monday = static_cast<int>(cctz::get_weekday(day));
    const cctz::civil_day thursday = day + (3 - from_monday);
    return {thursday.year(), (cctz::get_yearday(thursday) - 1) / 7 + 1};
  }

  bool write(char directive, const Directive& d) {
    const auto& civil = time_.civil;
    if (d.colons > 0 && directive != 'z') return false;
    const int hour12 = civil.hour() % 12 == 0 ? 12 : civil.hour() % 12;
    const auto month = static_cast<size_t>(civil.month() - 1);
    switch (directive) {
      case 'Y':
        number(civil.year(), civil.year() < 0 ? 5 : 4, '0', d);
        break;
      case 'C':
        number((civil.year() >= 0 ? civil.year() : civil.year() - 99) / 100, 2, '0', d);
        break;
      case 'y':
        number((civil.year() % 100 + 100) % 100, 2, '0', d);
        break;
      case 'm':
        number(civil.month(), 2, '0', d);
        break;
      case 'B':
        text(names_.months[month], d);
        break;
      case 'b':
      case 'h':
        text(names_.months_short[month], d);
        break;
      case 'd':
        number(civil.day(), 2, '0', d);
        break;
      case 'e':
        number(civil.day(), 2, ' ', d);
        break;
      case 'j':
        number(year_day(), 3, '0', d);
        break;
      case 'H':
        number(civil.hour(), 2, '0', d);
        break;
      case 'k':
        number(civil.hour(), 2, ' ', d);
        break;
      case 'I':
        number(hour12, 2, '0', d);
        break;
      case 'l':
        number(hour12, 2, ' ', d);
        break;
      case 'P':
        text(civil.hour() < 12 ? "am" : "pm", d);
        break;
      case 'p':
        text(civil.hour() < 12 ? "AM" : "PM", d, true);
        break;
      case 'M':
        number(civil.minute(), 2, '0', d);
        break;
      case 'S':
        number(civil.second(), 2, '0', d);
        break;
      case 'L':
        fraction(d.width == 0 ? 3 : d.width);
        break;
      case 'N':
        fraction(d.width == 0 ? 9 : d.width);
        break;
      case 'z':
        offset(d);
        break;
      case 'Z':
        text(time_.zone, d, true);
        break;
      case 'A':
        text(names_.days[static_cast<size_t>(week_day())], d);
        break;
      case 'a':
        text(names_.days_short[static_cast<size_t>(week_day())], d);
        break;
      case 'u':
        number(week_day() == 0 ? 7 : week_day(), 1, '0', d);
        break;
      case 'w':
        number(week_day(), 1, '0', d);
        break;
      case 'G':
        number(iso_week().first, 4, '0', d);
        break;
      case 'g':
        number(iso_week().first % 100, 2, '0', d);
        break;
      case 'V':
        number(iso_week().second, 2, '0', d);
        break;
      case 'U':
        number((year_day() + 6 - week_day()) / 7, 2, '0', d);
        break;
      case 'W':
        number((year_day() + 6 - (week_day() + 6) % 7) / 7, 2, '0', d);
        break;
      case 's':
        number(time_.epoch_seconds, 1, '0', d);
        break;
      case 'n':
        text("\n", d);
        break;
      case 't':
        text("\t", d);
        break;
      case '%':
        text("%", d);
        break;
      case 'c':
        composed("%a %b %e %H:%M:%S %Y", d);
        break;
      case 'D':
      case 'x':
        composed("%m/%d/%y", d);
        break;
      case 'F':
        composed("%Y-%m-%d", d);
        break;
      case 'v':
        composed("%e-%^b-%Y", d);
        break;
      case 'X':
      case 'T':
        composed("%H:%M:%S", d);
        break;
      case 'r':
        composed("%I:%M:%S %p", d);
        break;
      case 'R':
        composed("%H:%M", d);
        break;
      case '+':
        composed("%a %b %e %H:%M:%S %Z %Y", d);
        break;
      default:
        return false;
    }
    return true;
  }

  void fraction(size_t digits) {
    char text[16];
    int rest = time_.nanoseconds;
    for (int i = 8; i >= 0; --i) {
      text[i] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    }
    out_.append(text, std::min<size_t>(digits, 9));
    if (digits > 9) out_.append(digits - 9, '0');
  }

  const LocalTime& time_;
  const CalendarNames& names_;
  std::string out_;
};

}  // namespace

std::string format_time(const LocalTime& time, std::string_view format, std::string_view locale) {
  return TimeFormatter(time, locale).format(format);
}

}  // namespace terreno::content::liquid
