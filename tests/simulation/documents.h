#pragma once

// What the organisation of the simulation has set up, in two editions.

#include <vector>

#include "../scenarios/documents.h"

namespace terreno::simulation {

/// How long the journey `later` waits before it writes.
inline constexpr Duration kLater = hours(2);

inline flow::Document journey(const std::string& name, const std::string& rest) {
  return {"journeys/" + name + ".yaml",
          "kind: journey\nname: " + name + "\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n" + rest};
}

/// Journeys `order` and `later` are entered once for each order, so that each acknowledged order has its decisions.
inline std::vector<flow::Document> documents(int edition) {
  std::vector<flow::Document> all{
      scenarios::topic("tips"),
      scenarios::topic("news"),
      scenarios::message("hello"),
      scenarios::message("bye"),
      journey("welcome",
              "  trigger: {event: Signed Up}\n  reentry: always\n  steps:\n    - send: {template: hello, "
              "topic: tips, later_within: 12h}\n"),
      journey("order",
              "  trigger: {event: Order Completed}\n  entry_key: event.order\n  reentry: always\n  steps:\n    - "
              "send: {template: hello, class: transactional, basis: contract, priority: 9}\n"),
      journey("later",
              "  trigger: {event: Order Completed}\n  entry_key: event.order\n  steps:\n    - wait: 2h\n    - send: "
              "{template: bye, topic: news, later_within: 6h}\n"),
      journey("basket",
              "  trigger: {event: Basket Filled}\n  entry_key: event.basket\n  steps:\n    - wait_until: {event: "
              "Order Completed, within: 1h, then: [{exit: {}}], otherwise: [{send: {template: bye, topic: "
              "news, later_within: 6h}}]}\n")};
  all.push_back(scenarios::policy(edition == 0
                                      ? "  time_zone: Europe/Madrid\n  caps: [{per: day, max: 3}]\n  quiet_hours: "
                                        "{from: '22:00', to: '07:00'}\n"
                                      : "  time_zone: UTC\n  caps: [{topic: tips, per: week, max: 4}]\n"));
  return all;
}

}  // namespace terreno::simulation
