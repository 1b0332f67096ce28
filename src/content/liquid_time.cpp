#include "content/liquid_time.h"

#include <algorithm>
#include <charconv>

#include "content/liquid_calendar.h"

namespace terreno::content::liquid {
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
  TimeFormatter(const LocalTime& time, std::string_view locale) : time_(time), names_(calendar_names(locale)) {}

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
