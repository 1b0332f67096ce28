#include "demo/people.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <span>

namespace terreno::demo {

namespace {

using Words = std::span<const std::string_view>;

// A name as it is written, and as it stands in an address.
struct Name {
  std::string_view written;
  std::string_view plain;
};

constexpr std::array<Name, 36> kSpanishFirst{{
    {"Begoña", "begona"}, {"Óscar", "oscar"},     {"Pilar", "pilar"},   {"Joaquín", "joaquin"}, {"Nuria", "nuria"},
    {"Marc", "marc"},     {"Rosa", "rosa"},       {"Javier", "javier"}, {"Elena", "elena"},     {"Andrés", "andres"},
    {"Teresa", "teresa"}, {"Miguel", "miguel"},   {"Carmen", "carmen"}, {"Íñigo", "inigo"},     {"Ainhoa", "ainhoa"},
    {"Jordi", "jordi"},   {"Sara", "sara"},       {"Tomás", "tomas"},   {"Inés", "ines"},       {"Ramón", "ramon"},
    {"Laia", "laia"},     {"Sergio", "sergio"},   {"Aurora", "aurora"}, {"Félix", "felix"},     {"Amparo", "amparo"},
    {"Hugo", "hugo"},     {"Mercedes", "merche"}, {"Rubén", "ruben"},   {"Lola", "lola"},       {"Gonzalo", "gonza"},
    {"Irene", "irene"},   {"Vicente", "vicente"}, {"Paula", "paula"},   {"Emilio", "emilio"},   {"Blanca", "blanca"},
    {"Jesús", "jesus"},
}};
constexpr std::array<Name, 32> kSpanishLast{{
    {"Fuentes", "fuentes"}, {"Fuster", "fuster"},     {"Lacasa", "lacasa"},   {"Gracia", "gracia"},
    {"Blasco", "blasco"},   {"Marín", "marin"},       {"Soriano", "soriano"}, {"Ibáñez", "ibanez"},
    {"Lahoz", "lahoz"},     {"Peña", "pena"},         {"Royo", "royo"},       {"Casas", "casas"},
    {"Vidal", "vidal"},     {"Aznar", "aznar"},       {"Bernal", "bernal"},   {"Cortés", "cortes"},
    {"Domingo", "domingo"}, {"Escribano", "escriba"}, {"Fraile", "fraile"},   {"Gil", "gil"},
    {"Herrero", "herrero"}, {"Izquierdo", "izq"},     {"Júlvez", "julvez"},   {"Latorre", "latorre"},
    {"Mendoza", "mendoza"}, {"Navarro", "navarro"},   {"Ortín", "ortin"},     {"Palacios", "palacios"},
    {"Quílez", "quilez"},   {"Roca", "roca"},         {"Sancho", "sancho"},   {"Tena", "tena"},
}};
constexpr std::array<Name, 28> kFrenchFirst{{
    {"Jeanne", "jeanne"}, {"Odile", "odile"},       {"Maëlle", "maelle"},   {"Yann", "yann"},
    {"Hélène", "helene"}, {"Théo", "theo"},         {"Claire", "claire"},   {"Loïc", "loic"},
    {"Manon", "manon"},   {"Gaël", "gael"},         {"Solène", "solene"},   {"Bruno", "bruno"},
    {"Lucie", "lucie"},   {"Étienne", "etienne"},   {"Nolwenn", "nolwenn"}, {"Pierre", "pierre"},
    {"Agnès", "agnes"},   {"Rémi", "remi"},         {"Sabine", "sabine"},   {"Jules", "jules"},
    {"Margot", "margot"}, {"Alain", "alain"},       {"Louise", "louise"},   {"Ronan", "ronan"},
    {"Sylvie", "sylvie"}, {"Baptiste", "baptiste"}, {"Inès", "ines"},       {"Marius", "marius"},
}};
constexpr std::array<Name, 26> kFrenchLast{{
    {"Tessier", "tessier"}, {"Fournier", "fournier"}, {"Guérin", "guerin"},   {"Le Gall", "legall"},
    {"Moreau", "moreau"},   {"Perrin", "perrin"},     {"Rolland", "rolland"}, {"Berthelot", "berthelot"},
    {"Cadiou", "cadiou"},   {"Dubois", "dubois"},     {"Évrard", "evrard"},   {"Faure", "faure"},
    {"Giraud", "giraud"},   {"Hamon", "hamon"},       {"Jacquet", "jacquet"}, {"Kervella", "kervella"},
    {"Lemoine", "lemoine"}, {"Mercier", "mercier"},   {"Noël", "noel"},       {"Olivier", "olivier"},
    {"Picard", "picard"},   {"Quéré", "quere"},       {"Robin", "robin"},     {"Salaün", "salaun"},
    {"Thomas", "thomas"},   {"Vasseur", "vasseur"},
}};
constexpr std::array<Name, 14> kEnglishFirst{{
    {"Alice", "alice"},
    {"Tom", "tom"},
    {"Grace", "grace"},
    {"Owen", "owen"},
    {"Ruth", "ruth"},
    {"Simon", "simon"},
    {"Hazel", "hazel"},
    {"Peter", "peter"},
    {"Fiona", "fiona"},
    {"Martin", "martin"},
    {"Joan", "joan"},
    {"Neil", "neil"},
    {"Emma", "emma"},
    {"Colin", "colin"},
}};
constexpr std::array<Name, 14> kEnglishLast{{
    {"Barker", "barker"},
    {"Clarke", "clarke"},
    {"Dale", "dale"},
    {"Ellis", "ellis"},
    {"Ford", "ford"},
    {"Grant", "grant"},
    {"Hughes", "hughes"},
    {"Irving", "irving"},
    {"Kerr", "kerr"},
    {"Lowe", "lowe"},
    {"Moss", "moss"},
    {"Nash", "nash"},
    {"Parry", "parry"},
    {"Rowley", "rowley"},
}};

constexpr std::array<std::string_view, 10> kSpanishCities{"Zaragoza", "Zaragoza", "Zaragoza", "Huesca", "Teruel",
                                                          "Palma",    "Valencia", "Madrid",   "Lleida", "Logroño"};
constexpr std::array<std::string_view, 9> kFrenchCities{"Nantes", "Nantes", "Nantes", "Vannes", "Rennes",
                                                        "Angers", "Lyon",   "Paris",  "Pau"};
constexpr std::array<std::string_view, 4> kEnglishCities{"Leeds", "Bristol", "York", "Norwich"};
constexpr std::array<std::string_view, 3> kMailHosts{"correo.example", "mail.example", "boite.example"};

struct Country {
  std::string_view code, language, time_zone;
  std::span<const Name> first, last;
  Words cities;
};
const std::array<Country, 3> kCountries{{
    {"ES", "es", "Europe/Madrid", kSpanishFirst, kSpanishLast, kSpanishCities},
    {"FR", "fr", "Europe/Paris", kFrenchFirst, kFrenchLast, kFrenchCities},
    {"GB", "en", "Europe/London", kEnglishFirst, kEnglishLast, kEnglishCities},
}};

std::string_view role_of(Organisation organisation, Chance& chance) {
  if (organisation == Organisation::lisiere) return "customer";
  const size_t draw = chance.below(100);
  return draw < 40 ? "patient" : draw < 75 ? "carer" : "donor";
}

}  // namespace

uint64_t Chance::next() {
  // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
  state_ += 0x9e3779b97f4a7c15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::vector<Person> people_of(Organisation organisation) {
  const bool association = organisation == Organisation::raices;
  Chance chance(association ? 11 : 12);
  std::vector<Person> people;
  std::set<std::string> addresses;
  if (association) {
    people.push_back({"socia-00412", "Ana", "Ferrer", "ana.ferrer@correo.example", "Zaragoza", "ES", "es",
                      "Europe/Madrid", "patient", 46, true});
  } else {
    people.push_back({"carte-00412", "Camille", "Renaud", "camille.renaud@boite.example", "Nantes", "FR", "fr",
                      "Europe/Paris", "customer", 52, true});
  }
  addresses.insert(people.front().email);
  while (people.size() < kPeople) {
    // Four of five speak the organisation's language.
    const size_t draw = chance.below(100);
    const size_t home = association ? 0 : 1;
    const Country& country = kCountries[draw < 80 ? home : draw < 93 ? 1 - home : 2];
    const Name& first = country.first[chance.below(country.first.size())];
    const Name& last = country.last[chance.below(country.last.size())];
    const std::string_view host = kMailHosts[chance.below(kMailHosts.size())];
    std::string address = fmt::format("{}.{}@{}", first.plain, last.plain, host);
    for (int n = 2; !addresses.insert(address).second; ++n)
      address = fmt::format("{}.{}{}@{}", first.plain, last.plain, n, host);
    Person person;
    person.user_id = fmt::format("{}-{:05}", association ? "socia" : "carte", 1000 + people.size() * 7);
    person.first_name = first.written;
    person.last_name = last.written;
    person.email = std::move(address);
    person.city = country.cities[chance.below(country.cities.size())];
    person.country = country.code;
    person.language = country.language;
    person.time_zone = country.time_zone;
    person.role = role_of(organisation, chance);
    person.age = 24 + static_cast<int>(chance.below(58));
    person.member = chance.percent(45);
    people.push_back(std::move(person));
  }
  return people;
}

}  // namespace terreno::demo
