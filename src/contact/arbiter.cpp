#include <cctz/time_zone.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "contact/contact.h"

namespace terreno::contact {

namespace {

constexpr std::array<std::string_view, 11> kGateNames{"trigger",    "audience",    "identity",    "consent",
                                                      "cap_person", "cap_address", "quiet_hours", "priority",
                                                      "render",     "claim",       "delivery"};
constexpr std::array<std::string_view, 4> kGateStates{"passed", "stopped", "waiting", "not_reached"};
constexpr std::array<std::string_view, 15> kStates{
    "held_identity",   "held_quiet_hours", "held_cap",        "open",         "sent",
    "refused_consent", "refused_cap",      "refused_address", "not_rendered", "bounced",
    "expired",         "unknown",          "held_address",    "superseded",   "held_clock"};
constexpr Duration kReservationKept = days(31);

// Start of the window that a cap looks at.
Timestamp window_start(Period period, std::string_view time_zone, Timestamp now) {
  switch (period) {
    case Period::day: {
      cctz::time_zone zone;
      if (!cctz::load_time_zone(std::string(time_zone), &zone)) zone = cctz::utc_time_zone();
      const auto point = std::chrono::system_clock::time_point{std::chrono::milliseconds{now.ms}};
      const cctz::civil_day day(cctz::convert(point, zone));
      const auto begin = zone.lookup(cctz::civil_second(day)).pre;
      return {std::chrono::duration_cast<std::chrono::milliseconds>(begin.time_since_epoch()).count()};
    }
    case Period::week:
      return now - days(7);
    case Period::month:
      return now - days(30);
  }
  return now;
}

// When the oldest message that counts leaves the window.
Timestamp window_frees(Period period, std::string_view time_zone, Timestamp start, Timestamp oldest) {
  switch (period) {
    // No day is longer than 25 hours, and none begins within the first two of another.
    case Period::day:
      return window_start(Period::day, time_zone, start + hours(26));
    case Period::week:
      return oldest + days(7) + milliseconds(1);
    case Period::month:
      return oldest + days(30) + milliseconds(1);
  }
  return start;
}

struct Full {
  const Cap* cap = nullptr;
  size_t count = 0;
  Timestamp frees_at;
  DecisionId winner;
};

std::optional<Full> find_full_cap(const ContactState& contact, const Decision& decision, const Policy& policy,
                                  std::string_view time_zone, Timestamp now, size_t& highest) {
  std::optional<Full> full;
  for (const Cap& cap : policy.caps) {
    if (cap.channel != decision.address.channel || (!cap.topic.empty() && cap.topic != decision.scope.topic)) continue;
    const Timestamp start = window_start(cap.period, time_zone, now);
    std::vector<const Reservation*> counted;
    for (const Reservation& one : contact.reservations) {
      if (one.channel == cap.channel && (cap.topic.empty() || cap.topic == one.topic) && one.at >= start)
        counted.push_back(&one);
    }
    highest = std::max(highest, counted.size());
    if (counted.size() < cap.max) continue;
    // A cap of nothing never frees a place.
    Full one{&cap, counted.size(), {INT64_MAX}, {}};
    if (!counted.empty()) one.winner = counted.back()->decision;
    if (cap.max > 0) {
      // It goes when so many have left the window that one place is free.
      const size_t leaving = counted.size() - cap.max;
      one.frees_at = window_frees(cap.period, time_zone, start, counted[leaving]->at);
    }
    if (!full || one.frees_at > full->frees_at) full = one;
  }
  return full;
}

void set_held(ContactState& contact, const Decision& decision) {
  const auto found = std::ranges::find(contact.held, decision.id, &Held::decision);
  if (found != contact.held.end()) {
    found->wakes_at = decision.wakes_at;
  } else {
    contact.held.push_back({decision.id, decision.wakes_at});
  }
}

void drop_held(ContactState& contact, DecisionId id) {
  std::erase_if(contact.held, [&](const Held& one) { return one.decision == id; });
}

void note(Decision& decision, std::string_view state, std::string detail, Timestamp at) {
  if (!decision.history.empty() && decision.history.back().state == state && decision.history.back().detail == detail)
    return;
  decision.history.push_back({std::string(state), std::move(detail), at});
}

}  // namespace

bool was_caught(const Decision& decision) {
  return decision.state == DecisionState::sent && std::ranges::any_of(decision.gates, [](const Gate& gate) {
           return gate.code == GateCode::delivery && gate.value == kCaughtBySandbox;
         });
}
std::string_view name_of(GateCode code) { return kGateNames[static_cast<size_t>(code)]; }
std::string_view name_of(GateState state) { return kGateStates[static_cast<size_t>(state)]; }
std::string_view name_of(DecisionState state) { return kStates[static_cast<size_t>(state)]; }
bool is_final(DecisionState state) {
  return state > DecisionState::open && state != DecisionState::held_address && state != DecisionState::held_clock;
}
bool gives_back(DecisionState state) {
  return is_final(state) && state != DecisionState::sent && state != DecisionState::unknown;
}

void decide(ContactState& contact, Decision& decision, const Policy& policy, const Circumstances& circumstances) {
  const Timestamp now = circumstances.now;
  const std::string zone = circumstances.time_zone.empty() ? policy.default_time_zone : circumstances.time_zone;
  decision.gates.clear();
  decision.wakes_at.reset();
  decision.winner = {};
  const auto gate = [&](GateCode code, GateState state, std::string value, std::string limit) {
    decision.gates.push_back({code, state, std::move(value), std::move(limit), now});
  };
  const auto finish = [&](DecisionState state) {
    decision.state = state;
    if (is_final(state) || state == DecisionState::open) {
      drop_held(contact, decision.id);
      if (is_final(state)) decision.event_properties.clear();
    } else {
      set_held(contact, decision);
    }
    note(decision, name_of(state), decision.gates.empty() ? "" : std::string(name_of(decision.gates.back().code)), now);
  };
  const bool has_room = contact.held.size() < ContactState::kHeldMax ||
                        std::ranges::find(contact.held, decision.id, &Held::decision) != contact.held.end();
  // Holds until `at`, or ends where the intent may not wait that long.
  const auto hold = [&](DecisionState held, DecisionState otherwise, Timestamp at) {
    if (at > decision.later_until || !has_room) return finish(otherwise);
    decision.wakes_at = at;
    finish(held);
  };

  gate(GateCode::trigger, GateState::passed, decision.journey, "");
  if (circumstances.identity_open) {
    gate(GateCode::identity, has_room ? GateState::waiting : GateState::stopped, "open", "");
    return finish(has_room ? DecisionState::held_identity : DecisionState::expired);
  }
  gate(GateCode::identity, GateState::passed, "", "");
  if (!circumstances.address) {
    const Timestamp until = decision.wanted_at + kAddressPatience;
    const bool may_come = now < until && has_room;
    gate(GateCode::audience, may_come ? GateState::waiting : GateState::stopped, "no_address",
         std::string(consent::name_of(decision.address.channel)));
    if (may_come) decision.wakes_at = until;
    return finish(may_come ? DecisionState::held_address : DecisionState::refused_address);
  }
  decision.address = *circumstances.address;
  if (now > decision.later_until) {
    gate(GateCode::delivery, GateState::stopped, "expired", format_iso8601(decision.later_until));
    return finish(DecisionState::expired);
  }
  if (decision.message_class == consent::MessageClass::commercial) {
    if (circumstances.time_held) {
      gate(GateCode::quiet_hours, has_room ? GateState::waiting : GateState::stopped, local_clock(zone, now), "");
      // Due as soon as there are ticks again.
      if (has_room) decision.wakes_at = now;
      return finish(has_room ? DecisionState::held_clock : DecisionState::expired);
    }
    std::erase_if(contact.reservations, [&](const Reservation& one) { return one.at < now - kReservationKept; });
    size_t highest = 0;
    const auto full = find_full_cap(contact, decision, policy, zone, now, highest);
    if (full) {
      decision.winner = full->winner;
      const bool may_wait = full->frees_at <= decision.later_until;
      gate(GateCode::cap_person, may_wait ? GateState::waiting : GateState::stopped, fmt::format("{}", full->count),
           fmt::format("{} per {}", full->cap->max, name_of(full->cap->period)));
      return hold(DecisionState::held_cap, DecisionState::refused_cap, full->frees_at);
    }
    gate(GateCode::cap_person, GateState::passed, fmt::format("{}", highest), "");
    const Timestamp allowed = quiet_until(policy.quiet_hours, zone, now);
    if (allowed > now) {
      gate(GateCode::quiet_hours, GateState::waiting, local_clock(zone, now), local_clock(zone, allowed));
      return hold(DecisionState::held_quiet_hours, DecisionState::expired, allowed);
    }
    gate(GateCode::quiet_hours, GateState::passed, local_clock(zone, now), "");
    contact.reservations.push_back({decision.id, decision.address.channel, decision.scope.topic, now});
  }
  finish(DecisionState::open);
}

bool close(ContactState& contact, Decision& decision, DecisionState outcome, Gate gate, Timestamp now) {
  if (is_final(decision.state)) return false;
  decision.state = outcome;
  drop_held(contact, decision.id);
  note(decision, name_of(outcome), gate.value, now);
  decision.gates.push_back(std::move(gate));
  decision.event_properties.clear();
  if (!gives_back(outcome)) return false;
  return std::erase_if(contact.reservations, [&](const Reservation& one) { return one.decision == decision.id; }) > 0;
}

bool is_superseded(const Decision& one, const Decision& other) {
  if (is_final(one.state) || one.state == DecisionState::open || one.id == other.id) return false;
  if (one.journey != other.journey || one.entry_key != other.entry_key || one.step != other.step) return false;
  if (is_final(other.state)) return !gives_back(other.state);
  if (other.state == DecisionState::open) return true;
  return other.wanted_at < one.wanted_at || (other.wanted_at == one.wanted_at && other.id < one.id);
}

std::vector<DecisionId> release_order(std::vector<const Decision*> decisions) {
  std::ranges::sort(decisions, [](const Decision* a, const Decision* b) {
    if (a->priority != b->priority) return a->priority > b->priority;
    if (a->wanted_at != b->wanted_at) return a->wanted_at < b->wanted_at;
    return a->id < b->id;
  });
  std::vector<DecisionId> order;
  for (const Decision* decision : decisions) order.push_back(decision->id);
  return order;
}

bool AddressCounter::take(Timestamp now, uint32_t max) {
  std::erase_if(claims, [&](Timestamp at) { return at <= now - hours(1); });
  if (claims.size() >= max) return false;
  claims.push_back(now);
  return true;
}

void AddressCounter::give_back() {
  if (!claims.empty()) claims.pop_back();
}

}  // namespace terreno::contact
