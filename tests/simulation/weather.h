#pragma once

// How often things go wrong in one run, drawn from its seed. A third of all rates are nothing, so that each fault is
// also met without the others.

#include <random>

namespace terreno::simulation {

class Dice {
 public:
  explicit Dice(uint64_t seed) : draw_(seed) {}
  /// From 0 to n - 1.
  size_t below(size_t n) { return draw_() % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  bool happens(unsigned of_1000) { return below(1000) < of_1000; }

 private:
  std::mt19937_64 draw_;
};

/// Rates in thousandths.
struct Weather {
  unsigned crash = 0;  ///< per act
  unsigned written_unanswered = 0;
  unsigned commits_lost = 0;
  unsigned repeated = 0;
  bool reorders = false;
  unsigned slow_server = 0;
  unsigned busy_server = 0;
  unsigned refusing_server = 0;
  unsigned hanging_server = 0;  ///< takes or does not take a message, and does not say
  unsigned slow_courier = 0;
  unsigned clock_jump = 0;
  unsigned outage = 0;
  unsigned checkpoint = 0;
  unsigned evict = 0;
  unsigned configure = 0;
  unsigned gives_up = 0;  ///< a client that was not answered

  static Weather draw(Dice& dice) {
    const auto rate = [&](unsigned most) { return dice.one_in(3) ? 0U : 1U + static_cast<unsigned>(dice.below(most)); };
    Weather weather;
    weather.crash = 5 + static_cast<unsigned>(dice.below(25));
    weather.written_unanswered = rate(900);
    weather.commits_lost = rate(1000);
    weather.repeated = rate(200);
    weather.reorders = !dice.one_in(3);
    weather.slow_server = rate(500);
    weather.busy_server = rate(300);
    weather.refusing_server = rate(100);
    weather.hanging_server = rate(100);
    weather.slow_courier = rate(300);
    weather.clock_jump = rate(10);
    weather.outage = rate(6);
    weather.checkpoint = rate(8);
    weather.evict = rate(200);
    weather.configure = rate(10);
    weather.gives_up = rate(200);
    return weather;
  }
};

}  // namespace terreno::simulation
