#pragma once

// What people do in these tests, drawn from a seed: sign-ups with shared devices and second accounts, grants and
// opt-outs, events that start a welcome.

#include <random>
#include <string>
#include <vector>

#include "../scenarios/documents.h"
#include "../scenarios/world.h"

namespace terreno::guarantees {

class Load {
 public:
  explicit Load(uint64_t seed) : draw_(seed) {}

  size_t below(size_t n) { return draw_() % n; }

  /// One thing that somebody does. Does not settle.
  void act(scenarios::World& world) {
    switch (below(8)) {
      case 0:
        return world.consent(consent::Action::grant, address());
      case 1:
        return world.consent(below(2) == 0 ? consent::Action::withdraw : consent::Action::refuse, address());
      case 2:
        if (below(3) == 0) return object(world);
        [[fallthrough]];
      default:
        return below(4) == 0 ? world.browser(body()) : world.server(body());
    }
  }

  [[nodiscard]] std::string address() { return "p" + std::to_string(below(6)) + "@example.org"; }

 private:
  std::string body() {
    std::string fields;
    const bool has_user = below(4) > 0;
    if (has_user) fields += R"("userId":"u-)" + std::to_string(below(6)) + "\",";
    if (!has_user || below(3) == 0) fields += R"("anonymousId":"a-)" + std::to_string(below(8)) + "\",";
    // Some are repeats of earlier ones.
    const uint64_t number = count_ > 0 && below(10) == 0 ? below(count_) : count_++;
    fields += R"("messageId":"m)" + std::to_string(number) + "\"";
    if (below(2) == 0) return R"({"type":"track","event":"Signed Up",)" + fields + "}";
    std::string traits = R"("country":"ES")";
    if (below(3) > 0) traits += R"(,"email":")" + address() + "\"";
    return R"({"type":"identify",)" + fields + R"(,"traits":{)" + traits + "}}";
  }

  void object(scenarios::World& world) {
    const auto person = world.user("u-" + std::to_string(below(6)));
    if (!person) return;
    std::vector<std::string> emails;
    for (const auto& known : person->identifiers) {
      if (known.identifier.kind == events::IdentifierKind::email) emails.push_back(known.identifier.value);
    }
    world.object(person->id, emails);
  }

  std::mt19937_64 draw_;
  uint64_t count_ = 0;
};

}  // namespace terreno::guarantees
