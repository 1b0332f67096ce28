#include <cctz/time_zone.h>
#include <fmt/format.h>

#include <array>
#include <chrono>

#include "contact/contact.h"

namespace terreno::contact {

namespace {

constexpr std::array<std::string_view, 3> kPeriods{"day", "week", "month"};
constexpr std::array<std::string_view, 1> kChannels{"email"};

int read_clock(const DocumentNode& node) {
  const std::string text = node.text("00:00");
  int hour = -1, minute = -1;
  if (text.size() == 5 && text[2] == ':' && std::isdigit(text[0]) && std::isdigit(text[1]) && std::isdigit(text[3]) &&
      std::isdigit(text[4])) {
    hour = (text[0] - '0') * 10 + (text[1] - '0');
    minute = (text[3] - '0') * 10 + (text[4] - '0');
  }
  if (hour < 0 || hour > 23 || minute > 59) {
    node.fail("wrong_type", "is not a time of day; write it between quotes, such as \"21:00\"");
    return 0;
  }
  return hour * 60 + minute;
}

cctz::time_zone load_zone(std::string_view name) {
  cctz::time_zone zone;
  if (name.empty() || !cctz::load_time_zone(std::string(name), &zone)) return cctz::utc_time_zone();
  return zone;
}

std::chrono::system_clock::time_point point_of(Timestamp time) {
  return std::chrono::system_clock::time_point{std::chrono::milliseconds{time.ms}};
}

}  // namespace

std::string_view name_of(Period period) { return kPeriods[static_cast<size_t>(period)]; }

Policy parse_policy(const DocumentNode& spec) {
  Policy policy;
  for (const DocumentNode& item : spec.get("caps").items()) {
    Cap cap;
    cap.channel = static_cast<consent::Channel>(item.get("channel").choice(kChannels, 0));
    cap.topic = item.get("topic").text();
    cap.period = static_cast<Period>(item.require("per").choice(kPeriods, 0));
    cap.max = static_cast<uint32_t>(item.require("max").integer(1, 0, 1000));
    item.finish();
    policy.caps.push_back(std::move(cap));
  }
  const DocumentNode quiet = spec.get("quiet_hours");
  if (quiet.exists()) {
    policy.quiet_hours = {read_clock(quiet.require("from")), read_clock(quiet.require("to"))};
    quiet.finish();
  }
  policy.per_address_and_hour = static_cast<uint32_t>(spec.get("per_address_and_hour").integer(20, 1, 1000));
  const DocumentNode zone = spec.get("time_zone");
  policy.default_time_zone = zone.text("UTC");
  if (!is_time_zone(policy.default_time_zone))
    zone.fail("unknown_value", "is not a time zone; write one such as Europe/Madrid");
  spec.finish();
  return policy;
}

bool is_time_zone(std::string_view name) {
  cctz::time_zone zone;
  // An absolute path or `..` would read a file elsewhere.
  if (name.empty() || name.size() > 64 || name.front() == '/' || name.find("..") != std::string_view::npos)
    return false;
  return cctz::load_time_zone(std::string(name), &zone);
}

std::string local_clock(std::string_view time_zone, Timestamp time) {
  const auto local = cctz::convert(point_of(time), load_zone(time_zone));
  return fmt::format("{:02}:{:02}", local.hour(), local.minute());
}

Timestamp quiet_until(const QuietHours& quiet, std::string_view time_zone, Timestamp now) {
  if (quiet.start_minute == quiet.end_minute) return now;
  const cctz::time_zone zone = load_zone(time_zone);
  const cctz::civil_second local = cctz::convert(point_of(now), zone);
  const int minute = local.hour() * 60 + local.minute();
  const bool crosses = quiet.start_minute > quiet.end_minute;
  const bool inside = crosses ? minute >= quiet.start_minute || minute < quiet.end_minute
                              : minute >= quiet.start_minute && minute < quiet.end_minute;
  if (!inside) return now;
  cctz::civil_day day(local);
  if (crosses && minute >= quiet.start_minute) ++day;
  const cctz::civil_second end = cctz::civil_second(day) + quiet.end_minute * 60;
  const auto lookup = zone.lookup(end);
  // Skipped by a change to summer time: the moment of the change, when the clock has moved past it.
  const auto moment = lookup.kind == cctz::time_zone::civil_lookup::SKIPPED ? lookup.trans : lookup.pre;
  const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(moment.time_since_epoch()).count();
  return {std::max(ms, now.ms)};
}

}  // namespace terreno::contact
