#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace terreno {

/// A span in milliseconds; may be negative.
struct Duration {
  int64_t ms = 0;
  auto operator<=>(const Duration&) const = default;
};
constexpr Duration milliseconds(int64_t n) { return {n}; }
constexpr Duration seconds(int64_t n) { return {n * 1000}; }
constexpr Duration minutes(int64_t n) { return {n * 60'000}; }
constexpr Duration hours(int64_t n) { return {n * 3'600'000}; }
constexpr Duration days(int64_t n) { return {n * 86'400'000}; }

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
struct Timestamp {
  int64_t ms = 0;
  auto operator<=>(const Timestamp&) const = default;
  [[nodiscard]] bool is_zero() const { return ms == 0; }
  friend Timestamp operator+(Timestamp t, Duration d) { return {t.ms + d.ms}; }
  friend Timestamp operator-(Timestamp t, Duration d) { return {t.ms - d.ms}; }
  friend Duration operator-(Timestamp a, Timestamp b) { return {a.ms - b.ms}; }
};

/// `2026-11-24T14:03:07.250Z`. Proleptic Gregorian, UTC, always three digits of fraction.
[[nodiscard]] std::string format_iso8601(Timestamp time);

/// What parse_iso8601 says of a text that it read.
struct ParsedTime {
  Timestamp time;
  bool has_offset = false;  ///< false: no `Z` and no offset was given, UTC was assumed
};

/// Reads ISO 8601 date and time with any fraction (cut to milliseconds) and offset (`Z`, `+05:30`, `+0530`, none), `T`
/// or a space between date and time, and a date alone. Years 1 to 9999. Anything else: std::nullopt-like error.
[[nodiscard]] std::expected<ParsedTime, std::string_view> parse_iso8601(std::string_view text);

/// `90s`, `15m`, `2h`, `3d`, `1w`, `250ms`: one number and one unit.
[[nodiscard]] std::expected<Duration, std::string_view> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back.
[[nodiscard]] std::string format_duration(Duration duration);

}  // namespace terreno
