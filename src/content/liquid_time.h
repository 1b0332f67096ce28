#pragma once

// Dates of Liquid: reading what people write, and Ruby's strftime. Private.

#include <cctz/time_zone.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace terreno::content::liquid {

/// A moment as somebody sees it: local fields and the offset and name of the zone.
struct LocalTime {
  cctz::civil_second civil;
  int64_t epoch_seconds = 0;
  int nanoseconds = 0;
  int offset_seconds = 0;
  std::string zone;           ///< `CET`, `UTC`, or empty when only an offset is known, as in Ruby
  bool is_date_only = false;  ///< the text named no time of day
};

[[nodiscard]] LocalTime local_time(int64_t epoch_seconds, int nanoseconds, const cctz::time_zone& zone);

/// Reads ISO 8601, RFC 2822 and what people write (`March 14, 2016`, `14 Mar 2016 10:30 pm`, `2016/03/14`, `10:30`);
/// what is not named is the start of the day, or today. A text without an offset is in `zone`. Nothing when it is no
/// date.
[[nodiscard]] std::optional<LocalTime> parse_time(std::string_view text, const cctz::time_zone& zone, Timestamp now);

/// Ruby's Time#strftime with its flags (`-`, `0`, `^`, `#`, `_`, `:`) and widths. Names of months and days are Spanish
/// or French when `locale` begins so, otherwise English.
[[nodiscard]] std::string format_time(const LocalTime& time, std::string_view format, std::string_view locale);

}  // namespace terreno::content::liquid
