#include <algorithm>

#include "content/liquid_filters.h"
#include "content/liquid_render.h"
#include "content/liquid_time.h"

namespace terreno::content::liquid {
namespace {

// Seconds that cctz can represent in any zone without overflow of the year; far beyond any date of a message.
constexpr int64_t kSecondsMax = 253'402'300'800;  // the year 10000

std::optional<cctz::time_zone> zone_named(Renderer& r, std::string_view name) {
  cctz::time_zone zone;
  // A name is a path below the zone database; one with dots could leave it.
  const bool is_plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '+';
  });
  if (!name.empty() && name.size() < 64 && is_plain && name.front() != '/' &&
      cctz::load_time_zone(std::string(name), &zone))
    return zone;
  r.fail(Errc::unknown_time_zone, name.substr(0, byte_of_character(name, 64)), "Europe/Madrid");
  return std::nullopt;
}

int64_t floor_seconds(int64_t ms) { return ms >= 0 ? ms / 1000 : (ms - 999) / 1000; }

// Ruby's Utils.to_date: seconds since 1970 as a number or digits, `now`, `today`, or a date as text; otherwise nothing.
std::optional<LocalTime> time_of(Renderer& r, const Value& value) {
  const auto zone = zone_named(r, r.options().time_zone);
  if (!zone) return std::nullopt;
  std::optional<int64_t> seconds;
  if (value.kind() == Value::Kind::integer) {
    seconds = value.as_integer();
  } else if (value.is_text()) {
    std::string text(value.as_text().substr(0, 200));
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (text == "now" || text == "today") {
      const int64_t now = r.options().now.ms;
      const int64_t whole = floor_seconds(now);
      return local_time(whole, static_cast<int>((now - whole * 1000) * 1'000'000), *zone);
    }
    const bool is_digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_digits) return parse_time(value.as_text(), *zone, r.options().now);
    seconds = parse_integer(text);
  }
  if (!seconds || *seconds > kSecondsMax || *seconds < -kSecondsMax) return std::nullopt;
  return local_time(*seconds, 0, *zone);
}

Value date(Renderer& r, const FilterInput& in) {
  const std::string_view format = r.text_of(in.argument(0));
  if (format.empty()) return in.value;
  const auto time = time_of(r, in.value);
  if (!time) return in.value;
  constexpr size_t kFormatBytesMax = 4096;
  const std::string text = format_time(*time, format.substr(0, kFormatBytesMax), r.options().locale);
  return r.keep(text);
}

constexpr std::string_view kIso8601 = "%Y-%m-%dT%H:%M:%S%:z";

// A date stays a date; a time is written with its offset, so that `date` shows it as it is.
Value printed(Renderer& r, const LocalTime& time) {
  return r.keep(format_time(time, time.is_date_only ? "%Y-%m-%d" : kIso8601, "en"));
}

Value add_day(Renderer& r, const FilterInput& in) {
  const auto days = r.integer_of(in.argument(0));
  if (!days) return {};
  const auto time = time_of(r, in.value);
  if (!time || *days > 1'000'000 || *days < -1'000'000) return in.value;
  // Calendar days: the same time of day, whatever summer time does in between.
  LocalTime moved = *time;
  const cctz::civil_day day = cctz::civil_day(time->civil) + *days;
  moved.civil = cctz::civil_second(day.year(), day.month(), day.day(), time->civil.hour(), time->civil.minute(),
                                   time->civil.second());
  if (!time->zone.empty() && time->zone != "UTC") {
    const auto zone = zone_named(r, r.options().time_zone);
    if (!zone) return {};
    moved = local_time(zone->lookup(moved.civil).pre.time_since_epoch().count(), time->nanoseconds, *zone);
    moved.is_date_only = time->is_date_only;
  }
  return printed(r, moved);
}

Value time_zone(Renderer& r, const FilterInput& in) {
  const auto zone = zone_named(r, r.text_of(in.argument(0)));
  if (!zone) return {};
  const auto time = time_of(r, in.value);
  if (!time) return in.value;
  return printed(r, local_time(time->epoch_seconds, time->nanoseconds, *zone));
}

constexpr FilterSpec kFilters[] = {
    {"add_day", 1, 1, "", add_day},
    {"date", 1, 1, "", date},
    {"time_zone", 1, 1, "", time_zone},
};

}  // namespace

std::span<const FilterSpec> time_filters() { return kFilters; }

}  // namespace terreno::content::liquid
