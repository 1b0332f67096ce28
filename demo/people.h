#pragma once

// The made-up people of a demonstration: the same ones each time, so that pictures, tests and visitors meet the same
// Ana. Every address is under `.example`, which no name server will ever know.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace terreno::demo {

enum class Organisation : uint8_t {
  raices,   ///< Asociación Raíces, a patients' association in Zaragoza
  lisiere,  ///< Maison Lisière, a shop in Nantes
};

/// Even numbers from a seed: the same on every machine, which the standard library's distributions do not promise.
class Chance {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}
  [[nodiscard]] uint64_t next();
  /// From 0 to `limit` - 1; `limit` is at least 1.
  [[nodiscard]] size_t below(size_t limit) { return static_cast<size_t>(next() % limit); }
  [[nodiscard]] bool percent(size_t share) { return below(100) < share; }

 private:
  uint64_t state_;
};

struct Person {
  std::string user_id;
  std::string first_name;
  std::string last_name;
  std::string email;
  std::string city;
  std::string country;    ///< two letters, ISO 3166
  std::string language;   ///< `es`, `fr`, `en`
  std::string time_zone;  ///< IANA
  std::string role;       ///< `patient`, `carer`, `donor`; of a shop: `customer`
  int age = 0;
  bool member = false;
};

inline constexpr size_t kPeople = 320;

/// The first is who the story is about: Ana Ferrer of Raíces, Camille Renaud of Lisière. No two share an address or id.
[[nodiscard]] std::vector<Person> people_of(Organisation organisation);

}  // namespace terreno::demo
