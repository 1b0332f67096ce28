#include <algorithm>
#include <array>
#include <charconv>

#include "content/liquid_calendar.h"
#include "content/liquid_time.h"

namespace terreno::content::liquid {
namespace {

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

}  // namespace terreno::content::liquid
