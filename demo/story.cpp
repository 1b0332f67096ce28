#include "demo/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>

namespace terreno::demo {

namespace {

namespace json = boost::json;

// So many never appear in history: they sign up while somebody watches.
constexpr size_t kStillToCome = 40;

struct Page {
  std::string_view path, title;
};
constexpr std::array<Page, 7> kAssociationPages{{{"/", "Raíces"},
                                                 {"/guias/empezar", "Lo que sirve al empezar"},
                                                 {"/guias/cuidar", "La guía de quien cuida"},
                                                 {"/circulo", "Círculo de cuidadores"},
                                                 {"/encuentros", "Encuentros"},
                                                 {"/invierno", "Campaña de invierno"},
                                                 {"/hazte-socia", "Hazte socia"}}};
constexpr std::array<Page, 6> kShopPages{{{"/", "Maison Lisière"},
                                          {"/hiver", "Le lin d’hiver"},
                                          {"/nappes", "Nappes"},
                                          {"/plaids", "Plaids"},
                                          {"/atelier", "L’atelier"},
                                          {"/carte", "La carte Lisière"}}};
struct Product {
  std::string_view name;
  double price;
};
constexpr std::array<Product, 6> kProducts{{{"Nappe Aubrac", 89.0},
                                            {"Plaid Vercors", 120.0},
                                            {"Torchon Brume", 14.0},
                                            {"Nappe Brume", 96.0},
                                            {"Serviettes Erdre", 42.0},
                                            {"Coussin Lande", 38.0}}};
constexpr std::array<std::string_view, 3> kMeetings{"Círculo de cuidadores", "Encuentro anual", "Tarde de preguntas"};
constexpr std::array<int, 5> kGifts{12, 20, 30, 60, 100};

std::string text(json::object object) { return json::serialize(object); }

json::object context_of(const Person& person) {
  return {{"locale", person.language + "-" + person.country}, {"timezone", person.time_zone}};
}

// Nobody is awake at every hour: moves a time into 7:00 to 21:59 UTC, which has evenings after the quiet hours begin.
Timestamp by_day(Timestamp at) {
  const int64_t day = at.ms / days(1).ms * days(1).ms;
  const int64_t minute = (at.ms - day) / minutes(1).ms;
  return {day + (7 * 60 + minute * 15 / 24) * minutes(1).ms + at.ms % minutes(1).ms};
}

}  // namespace

Story::Story(Organisation organisation, Timestamp start, Timestamp end)
    : organisation_(organisation),
      start_(start),
      end_(end),
      people_(people_of(organisation)),
      actions_(&history_),
      chance_(organisation == Organisation::raices ? 21 : 22) {
  joined_ = people_.size() - kStillToCome;
  for (size_t i = 1; i < joined_; ++i) live(people_[i], by_day(within(start_ + days(7), end_ - days(2))));
  if (organisation_ == Organisation::raices) {
    tell_ana(people_.front());
  } else {
    live(people_.front(), by_day(start_ + days(8)));
  }
  share_a_tablet();
  std::erase_if(history_, [&](const Action& action) { return action.at > end_; });
  std::ranges::stable_sort(history_, {}, &Action::at);
}

Timestamp Story::within(Timestamp from, Timestamp until) {
  if (until <= from) return from;
  return {from.ms + static_cast<int64_t>(chance_.below(static_cast<size_t>(until.ms - from.ms)))};
}

std::string Story::device_of(const Person& person, int number) const {
  return fmt::format("anon-{}-{}", person.user_id, number);
}

std::string Story::next_message_id() { return fmt::format("demo-{}-{:06}", start_.ms, ++messages_); }

void Story::add(Timestamp at, ActionKind kind, std::string address, std::string body) {
  actions_->push_back({at, kind, std::move(address), std::move(body)});
}

void Story::visit(const Person& person, const std::string& device, Timestamp at) {
  const bool association = organisation_ == Organisation::raices;
  const Page page = association ? kAssociationPages[chance_.below(kAssociationPages.size())]
                                : kShopPages[chance_.below(kShopPages.size())];
  const std::string_view site = association ? "https://raices.example" : "https://lisiere.example";
  json::object context = context_of(person);
  std::string body =
      text({{"type", "page"},
            {"anonymousId", device},
            {"messageId", next_message_id()},
            {"timestamp", format_iso8601(at)},
            {"name", page.title},
            {"properties", {{"url", fmt::format("{}{}", site, page.path)}, {"path", page.path}, {"title", page.title}}},
            {"context", std::move(context)}});
  add(at, ActionKind::browser_event, person.email, body);
  // A page that lost its connection sends again what had arrived.
  if (chance_.percent(3)) add(at + seconds(20), ActionKind::browser_event, person.email, std::move(body));
}

void Story::track(const Person& person, std::string_view event, std::string properties, Timestamp told, Timestamp at) {
  json::value values = json::parse(properties);
  add(at, ActionKind::server_event, person.email,
      text({{"type", "track"},
            {"userId", person.user_id},
            {"event", event},
            {"messageId", next_message_id()},
            {"timestamp", format_iso8601(told)},
            {"properties", std::move(values)},
            {"context", context_of(person)}}));
}

void Story::sign_up(const Person& person, const std::string& device, Timestamp at) {
  // Their page says who this visitor is, their server says what is known of them.
  add(at, ActionKind::browser_event, person.email,
      text({{"type", "identify"},
            {"anonymousId", device},
            {"userId", person.user_id},
            {"messageId", next_message_id()},
            {"timestamp", format_iso8601(at)},
            {"context", context_of(person)}}));
  json::object traits{{"email", person.email},
                      {"name", person.first_name + " " + person.last_name},
                      {"first_name", person.first_name},
                      {"last_name", person.last_name},
                      {"city", person.city},
                      {"country", person.country},
                      {"language", person.language},
                      {"age", person.age}};
  if (organisation_ == Organisation::raices) {
    traits["role"] = person.role;
    traits["member"] = person.member;
  } else {
    traits["loyalty_card"] = person.member;
  }
  add(at + seconds(2), ActionKind::server_event, person.email,
      text({{"type", "identify"},
            {"userId", person.user_id},
            {"messageId", next_message_id()},
            {"timestamp", format_iso8601(at + seconds(2))},
            {"traits", std::move(traits)},
            {"context", context_of(person)}}));
}

void Story::agree(const Person& person, std::string_view topic, Timestamp at) {
  const std::string_view brand = organisation_ == Organisation::raices ? "raices" : "lisiere";
  add(at, ActionKind::consent, person.email,
      text({{"action", "grant"},
            {"channel", "email"},
            {"address", person.email},
            {"topic", topic},
            {"purpose", "information"},
            {"brand", brand},
            {"actor", "person"},
            {"explicit", true},
            {"method", "tick"},
            {"country", person.country},
            {"occurred_at", format_iso8601(at)},
            {"text_version", fmt::format("{}-{}-7", brand, topic)},
            {"text_language", person.language}}));
}

void Story::correct(const Person& person, std::string_view attribute, std::string_view json_value,
                    std::string_view note, Timestamp at) {
  const bool association = organisation_ == Organisation::raices;
  add(at, ActionKind::correction, person.email,
      text({{"attribute", attribute},
            {"value", json::parse(json_value)},
            {"rank", "stated"},
            {"heard_by", association ? "Lucía Ortega" : "Colette Morin"},
            {"note", note}}));
}

void Story::live(const Person& person, Timestamp joins) {
  const std::string device = device_of(person, 1);
  for (size_t visits = 1 + chance_.below(3); visits > 0; --visits)
    visit(person, device, by_day(within(joins - days(6), joins - minutes(10))));
  sign_up(person, device, joins);
  organisation_ == Organisation::raices ? live_raices(person, joins) : live_lisiere(person, joins);
  for (size_t visits = chance_.below(5); visits > 0; --visits) visit(person, device, by_day(within(joins, end_)));
  if (chance_.percent(25)) {
    // A second device, which becomes theirs when they sign in on it.
    const std::string second = device_of(person, 2);
    const Timestamp at = by_day(within(joins + days(1), end_));
    visit(person, second, at);
    add(at + minutes(2), ActionKind::browser_event, person.email,
        text({{"type", "identify"},
              {"anonymousId", second},
              {"userId", person.user_id},
              {"messageId", next_message_id()},
              {"timestamp", format_iso8601(at + minutes(2))},
              {"context", context_of(person)}}));
  }
  if (chance_.percent(7)) {
    add(by_day(within(joins + days(2), joins + days(40))), ActionKind::unsubscribe, person.email, {});
  }
}

void Story::live_raices(const Person& person, Timestamp joined) {
  if (chance_.percent(88)) agree(person, "care", joined + seconds(3));
  if (chance_.percent(50)) agree(person, "meetings", joined + seconds(4));
  if (chance_.percent(45)) agree(person, "campaigns", joined + seconds(5));
  track(person, "Signed Up", R"({"form":"hazte-socia"})", joined + seconds(6), joined + seconds(6));
  if (person.role != "donor" && chance_.percent(60)) {
    const Timestamp at = by_day(within(joined + hours(2), joined + days(25)));
    track(person, "Diagnosis Shared", R"({"by":"form"})", at, at);
    if (chance_.percent(35)) {
      const Timestamp called = by_day(within(at + days(2), at + days(8)));
      track(person, "Helpline Called", fmt::format(R"({{"minutes":{}}})", 5 + chance_.below(40)), called, called);
      if (chance_.percent(30))
        correct(person, "preferred_hour", R"("19:00")", "Por la tarde, cuando ya ha cenado la familia", called);
    }
  }
  if (chance_.percent(30)) {
    const Timestamp at = by_day(within(joined + days(1), end_));
    track(person, "Meeting Booked",
          fmt::format(R"({{"booking_id":"R-{}","meeting":"{}","when":"jueves, 18:00"}})", 4000 + messages_,
                      kMeetings[chance_.below(kMeetings.size())]),
          at, at);
  }
  if (chance_.percent(person.role == "donor" ? 90 : 20)) {
    const Timestamp at = by_day(within(joined + days(1), end_));
    // The bank's file comes in the night, some days after the gift.
    const bool late = chance_.percent(10);
    track(person, "Donation Made",
          fmt::format(R"({{"donation_id":"D-{}","amount":{},"currency":"EUR"}})", 7000 + messages_,
                      kGifts[chance_.below(kGifts.size())]),
          at, late ? at + days(4) : at);
  }
  if (person.member && chance_.percent(50)) {
    const Timestamp at = by_day(within(joined + days(1), end_));
    track(person, "Membership Due",
          fmt::format(R"({{"year":"2026","amount":40,"account_hint":"{:04}"}})", chance_.below(10'000)), at, at);
  }
  const Timestamp campaign = by_day(end_ - days(12));
  if (joined < campaign - days(1) && chance_.percent(70)) {
    const Timestamp at = campaign + minutes(static_cast<int64_t>(chance_.below(180)));
    track(person, "Campaign Opened", R"({"campaign":"invierno"})", at, at);
  }
}

void Story::live_lisiere(const Person& person, Timestamp joined) {
  if (chance_.percent(80)) agree(person, "news", joined + seconds(3));
  if (chance_.percent(40)) agree(person, "workshop", joined + seconds(4));
  track(person, "Signed Up", R"({"form":"carte"})", joined + seconds(6), joined + seconds(6));
  for (size_t baskets = chance_.below(4); baskets > 0; --baskets) {
    const Timestamp at = by_day(within(joined + hours(1), end_));
    const Product product = kProducts[chance_.below(kProducts.size())];
    const std::string item =
        fmt::format(R"("product":"{}","price":{:.2f},"currency":"EUR")", product.name, product.price);
    track(person, "Product Added", fmt::format("{{{}}}", item), at, at);
    if (!chance_.percent(60)) continue;
    const Timestamp bought = at + minutes(static_cast<int64_t>(5 + chance_.below(90)));
    // A till that was off line tells of its sales a few days later.
    const bool late = chance_.percent(8);
    track(person, "Order Completed",
          fmt::format(R"({{"order_id":"N-{}","total":{:.2f},{}}})", 88'000 + messages_, product.price, item), bought,
          late ? bought + days(3) : bought);
    if (chance_.percent(12)) {
      const Timestamp called = by_day(bought + days(4));
      track(person, "Order Returned", fmt::format("{{{}}}", item), called, called);
      correct(person, "table_length_cm", "200", "Au téléphone : sa table fait deux mètres", called + minutes(5));
    }
  }
  const Timestamp season = by_day(end_ - days(15));
  if (joined < season && chance_.percent(60)) {
    const Timestamp at = by_day(within(season, season + days(6)));
    track(person, "Collection Viewed", R"({"collection":"hiver"})", at, at);
  }
}

// The map says that Ana is a patient. On the telephone she turns out to look after her mother; it is set straight, and
// what comes next is written for somebody who cares.
void Story::tell_ana(const Person& ana) {
  const auto on = [&](int64_t days_before, int64_t hour, int64_t minute) {
    const int64_t midnight = end_.ms / days(1).ms * days(1).ms;
    return Timestamp{midnight} - days(days_before) + hours(hour) + minutes(minute);
  };
  const std::string browser = device_of(ana, 1);
  const std::string phone = device_of(ana, 2);
  visit(ana, browser, on(13, 19, 2));
  visit(ana, browser, on(13, 19, 9));
  sign_up(ana, browser, on(11, 9, 5));
  agree(ana, "care", on(11, 9, 5) + seconds(3));
  agree(ana, "campaigns", on(11, 9, 5) + seconds(4));
  track(ana, "Signed Up", R"({"form":"hazte-socia"})", on(11, 9, 5) + seconds(6), on(11, 9, 5) + seconds(6));
  track(ana, "Diagnosis Shared", R"({"by":"form"})", on(10, 17, 0), on(10, 17, 0));
  correct(ana, "role", R"("carer")", "Por teléfono: quien tiene el diagnóstico es su madre; ella la cuida",
          on(9, 10, 0));
  correct(ana, "cares_for", R"("su madre")", "Por teléfono, el mismo día", on(9, 10, 1));
  visit(ana, phone, on(7, 18, 30));
  add(on(7, 18, 31), ActionKind::browser_event, ana.email,
      text({{"type", "identify"},
            {"anonymousId", phone},
            {"userId", ana.user_id},
            {"messageId", next_message_id()},
            {"timestamp", format_iso8601(on(7, 18, 31))},
            {"context", context_of(ana)}}));
  track(ana, "Meeting Booked", R"({"booking_id":"R-00412","meeting":"Círculo de cuidadores","when":"jueves, 18:00"})",
        on(4, 18, 20), on(4, 18, 20));
  track(ana, "Campaign Opened", R"({"campaign":"invierno"})", on(3, 20, 40), on(3, 20, 40));
}

// Two people sign in on the tablet at the desk: one device, two user ids, which must never become one person.
void Story::share_a_tablet() {
  const std::string tablet = "anon-tablet-at-the-desk";
  const Timestamp at = by_day(end_ - days(20));
  for (const size_t who : {size_t{5}, size_t{6}}) {
    const Timestamp turn = at + minutes(static_cast<int64_t>(who) * 10);
    visit(people_[who], tablet, turn);
    add(turn + minutes(1), ActionKind::browser_event, people_[who].email,
        text({{"type", "identify"},
              {"anonymousId", tablet},
              {"userId", people_[who].user_id},
              {"messageId", next_message_id()},
              {"timestamp", format_iso8601(turn + minutes(1))},
              {"context", context_of(people_[who])}}));
  }
}

std::vector<Action> Story::next_scene(Timestamp now) {
  std::vector<Action> scene;
  actions_ = &scene;
  const size_t draw = chance_.below(100);
  const Person& person = people_[chance_.below(joined_)];
  if (draw < 8 && joined_ < people_.size()) {
    const Person& newcomer = people_[joined_++];
    const bool association = organisation_ == Organisation::raices;
    visit(newcomer, device_of(newcomer, 1), now);
    sign_up(newcomer, device_of(newcomer, 1), now);
    agree(newcomer, association ? "care" : "news", now);
    track(newcomer, "Signed Up", R"({"form":"web"})", now, now);
  } else if (draw < 70) {
    visit(person, device_of(person, 1), now);
  } else if (organisation_ == Organisation::lisiere) {
    const Product product = kProducts[chance_.below(kProducts.size())];
    const std::string item =
        fmt::format(R"("product":"{}","price":{:.2f},"currency":"EUR")", product.name, product.price);
    if (draw < 88) {
      track(person, "Product Added", fmt::format("{{{}}}", item), now, now);
    } else {
      track(person, "Order Completed",
            fmt::format(R"({{"order_id":"N-{}","total":{:.2f},{}}})", 88'000 + messages_, product.price, item), now,
            now);
    }
  } else if (draw < 80) {
    track(person, "Donation Made",
          fmt::format(R"({{"donation_id":"D-{}","amount":{},"currency":"EUR"}})", 7000 + messages_,
                      kGifts[chance_.below(kGifts.size())]),
          now, now);
  } else if (draw < 90) {
    track(person, "Meeting Booked",
          fmt::format(R"({{"booking_id":"R-{}","meeting":"{}","when":"jueves, 18:00"}})", 4000 + messages_,
                      kMeetings[chance_.below(kMeetings.size())]),
          now, now);
  } else {
    track(person, "Helpline Called", fmt::format(R"({{"minutes":{}}})", 5 + chance_.below(40)), now, now);
    if (draw >= 97) correct(person, "preferred_hour", R"("19:00")", "Por la tarde, cuando puede hablar", now);
  }
  // Some parts of a scene come seconds later in the story; now they are simply next.
  for (Action& action : scene) action.at = now;
  actions_ = &history_;
  return scene;
}

}  // namespace terreno::demo
