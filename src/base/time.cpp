#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>

namespace terreno {

namespace chrono = std::chrono;

std::string format_iso8601(Timestamp time) {
  const chrono::sys_time<chrono::milliseconds> point{chrono::milliseconds{time.ms}};
  const auto day = chrono::floor<chrono::days>(point);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{point - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

namespace {

// Reads exactly `digits` digits from the front of `text` into `value`.
bool take_number(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

constexpr std::string_view kUnreadableTime = "is not an ISO 8601 time such as 2026-11-24T14:03:07Z";

}  // namespace

std::expected<ParsedTime, std::string_view> parse_iso8601(std::string_view text) {
  const auto bad = std::unexpected(kUnreadableTime);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0, offset_minutes = 0;
  if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) || !take(text, '-') ||
      !take_number(text, 2, day))
    return bad;
  const chrono::year_month_day date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                    chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year < 1) return bad;
  bool has_offset = false;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return bad;
    if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute)) return bad;
    if (take(text, ':')) {
      if (!take_number(text, 2, second)) return bad;
      if (take(text, '.') || take(text, ',')) {
        int scale = 100;
        size_t digits = 0;
        for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits, scale /= 10)
          millisecond += (text[digits] - '0') * scale;
        if (digits == 0) return bad;
        text.remove_prefix(digits);
      }
    }
    if (hour > 23 || minute > 59 || second > 60) return bad;
    if (take(text, 'Z') || take(text, 'z')) {
      has_offset = true;
    } else if (!text.empty()) {
      const int sign = text.front() == '-' ? -1 : 1;
      if (!take(text, '+') && !take(text, '-')) return bad;
      int offset_hour = 0, offset_minute = 0;
      if (!take_number(text, 2, offset_hour)) return bad;
      if (!text.empty()) {
        take(text, ':');
        if (!take_number(text, 2, offset_minute)) return bad;
      }
      if (offset_hour > 23 || offset_minute > 59) return bad;
      offset_minutes = sign * (offset_hour * 60 + offset_minute);
      has_offset = true;
    }
    if (!text.empty()) return bad;
  }
  const int64_t day_ms = chrono::duration_cast<chrono::milliseconds>(chrono::sys_days{date}.time_since_epoch()).count();
  const int64_t clock_ms = ((hour * 60LL + minute) * 60 + second) * 1000 + millisecond;
  return ParsedTime{{day_ms + clock_ms - offset_minutes * 60'000LL}, has_offset};
}

namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};
constexpr std::array kUnits{Unit{"w", 604'800'000}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000},
                            Unit{"m", 60'000},      Unit{"s", 1000},       Unit{"ms", 1}};
constexpr std::string_view kUnreadableDuration = "is not a duration such as 90s, 15m, 2h, 3d or 1w";
// A hundred years: enough for any wait, far from overflow.
constexpr int64_t kDurationMsMax = 100LL * 366 * 86'400'000;

}  // namespace

std::expected<Duration, std::string_view> parse_duration(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::unexpected(kUnreadableDuration);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    if (number > kDurationMsMax / known.ms) return std::unexpected(kUnreadableDuration);
    return Duration{number * known.ms};
  }
  return std::unexpected(kUnreadableDuration);
}

std::string format_duration(Duration duration) {
  if (duration.ms == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (duration.ms % unit.ms == 0) return fmt::format("{}{}", duration.ms / unit.ms, unit.name);
  }
  return fmt::format("{}ms", duration.ms);
}

}  // namespace terreno
