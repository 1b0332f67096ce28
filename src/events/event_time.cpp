#include "events/event_time.h"

#include <charconv>
#include <cmath>

#include "events/json_text.h"

namespace terreno::events {

std::optional<Timestamp> read_time(std::string_view raw) {
  if (is_string(raw)) {
    const auto text = scalar_text(raw);
    const auto parsed = parse_iso8601(*text);
    if (!parsed) return std::nullopt;
    return parsed->time;
  }
  if (!is_number(raw)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  // Year 9999 in milliseconds: what is beyond is no time.
  constexpr double kLatestMs = 253'402'300'799'999.0;
  constexpr double kFirstThatIsMilliseconds = 1e11;
  if (error != std::errc{} || value < 0 || value > kLatestMs) return std::nullopt;
  return Timestamp{std::llround(value > kFirstThatIsMilliseconds ? value : value * 1000)};
}

Timestamp resolve_time(const ClientTimes& times, Timestamp received_at, Duration skew_tolerated) {
  const std::optional<Timestamp> original = times.timestamp ? times.timestamp : times.original;
  if (!original || times.unreadable) return received_at;
  Timestamp result = *original;
  if (!(times.timestamp && times.original) && times.sent_at) {
    const Duration skew = received_at - *times.sent_at;
    const bool clock_is_fast = skew.ms < -skew_tolerated.ms;
    const bool clock_is_slow = skew > skew_tolerated && times.sent_at_is_fresh;
    if (clock_is_fast || clock_is_slow) result = result + skew;
  }
  // Nothing happens in the future.
  return result > received_at + seconds(60) ? received_at : result;
}

}  // namespace terreno::events
