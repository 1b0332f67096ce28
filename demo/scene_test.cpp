// The history of a demonstration, lived by the real machine on one thread: what visitors will find is really there.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>
#include <set>

#include "consent/consent.h"
#include "demo/documents.h"
#include "demo/run.h"
#include "demo/story.h"
#include "world.h"

namespace terreno::demo {
namespace {

namespace json = boost::json;
using scenarios::Mail;
using scenarios::World;

constexpr Timestamp kEnd{1'795'545'000'000};

class Lived {
 public:
  explicit Lived(Organisation organisation)
      : story_(organisation, kEnd - kHistory, kEnd),
        world_({documents(organisation), format_iso8601(kEnd - kHistory)}) {
    const std::vector<Action>& history = story_.history();
    for (size_t first = 0; first < history.size();) {
      size_t after = first + 1;
      while (after < history.size() && history[after].at - history[first].at < kStretch) ++after;
      world_.pass(history[after - 1].at - world_.now());
      for (size_t i = first; i < after; ++i) act(history[i]);
      world_.settle();
      first = after;
    }
    world_.pass(kEnd - world_.now());
  }

  World& world() { return world_; }
  std::map<std::string, int> letters_by_message() {
    std::map<std::string, int> count;
    for (const Mail& mail : world_.mails) ++count[mail.message];
    return count;
  }

 private:
  static std::vector<flow::Document> documents(Organisation organisation) {
    std::vector<flow::Document> documents;
    for (DocumentFile& file : documents_of(organisation)) documents.push_back({file.path, std::move(file.text)});
    return documents;
  }

  void act(const Action& action) {
    switch (action.kind) {
      case ActionKind::browser_event:
        world_.browser(action.body);
        break;
      case ActionKind::server_event:
        world_.server(action.body);
        break;
      case ActionKind::consent:
        consent(action.body);
        break;
      case ActionKind::correction: {
        world_.settle();
        const auto person = world_.person(events::IdentifierKind::email, action.address);
        if (!person) break;
        const json::object body = json::parse(action.body).as_object();
        world_.correct(person->id, std::string(body.at("attribute").as_string()), json::serialize(body.at("value")),
                       profiles::Rank::stated);
        break;
      }
      case ActionKind::unsubscribe:
        consent(json::serialize(json::object{{"action", "withdraw"},
                                             {"channel", "email"},
                                             {"address", action.address},
                                             {"actor", "person"},
                                             {"method", "one_click"}}));
        break;
    }
  }

  void consent(const std::string& body) {
    consent::ActOrigin origin;
    origin.visibility = events::Visibility::secret_source;
    origin.actor = {consent::ActorKind::api_key, "switchboard"};
    origin.received_at = world_.now();
    origin.random_bits = std::string(32, 'r');
    const auto act = consent::parse_act(
        body, origin, [](consent::Channel, std::string_view text) -> std::expected<std::string, std::string> {
          return events::normalise_identifier(events::IdentifierKind::email, text).value().value;
        });
    ASSERT_TRUE(act) << act.error().field << ' ' << act.error().rule;
    engine::Batch batch;
    batch.add(consent::home_of(act->address), static_cast<uint16_t>(events::RecordType::consent_act),
              RecordId{hash128("act " + std::to_string(++acts_))}, flow::payload_of(*act));
    world_.engine().append(std::move(batch), nullptr, true);
  }

  Story story_;
  World world_;
  uint64_t acts_ = 0;
};

TEST(Raices, AnaIsWrittenToAsACarerAfterSheSaidSo) {
  Lived lived(Organisation::raices);
  std::vector<std::string> letters;
  for (const Mail& mail : lived.world().mails)
    if (mail.to == "ana.ferrer@correo.example") letters.push_back(mail.message);
  EXPECT_EQ(letters, (std::vector<std::string>{"Bienvenida", "Los primeros meses", "Para quien cuida", "Te esperamos",
                                               "Campaña de invierno", "Cuidar también cansa"}));
  const auto ana = lived.world().user("socia-00412");
  ASSERT_TRUE(ana);
  EXPECT_EQ(ana->text("role"), "carer");
  EXPECT_EQ(ana->find(events::IdentifierKind::email)->value, "ana.ferrer@correo.example");

  // Every letter is written at some time, and hundreds of people are known, each once.
  const auto count = lived.letters_by_message();
  EXPECT_EQ(count.size(), 10u);
  for (const auto& [message, letters_sent] : count) EXPECT_GE(letters_sent, 5) << message;
  EXPECT_GE(lived.world().people(), 280u);
  EXPECT_LE(lived.world().people(), 300u);
  EXPECT_GT(lived.world().repeats, 0u);

  // Two people who share a tablet stay two.
  const std::vector<Person> people = people_of(Organisation::raices);
  const auto one = lived.world().user(people[5].user_id);
  const auto other = lived.world().user(people[6].user_id);
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->id, other->id);

  // There is something to explain: letters that were held, refused or dropped.
  std::set<contact::DecisionState> states;
  for (const Person& person : people) {
    const auto known = lived.world().user(person.user_id);
    if (!known) continue;
    for (const contact::Decision& decision : lived.world().decisions(*known)) states.insert(decision.state);
  }
  EXPECT_GE(states.size(), 2u);
}

TEST(Lisiere, WritesEveryLetterToSomebody) {
  Lived lived(Organisation::lisiere);
  const auto count = lived.letters_by_message();
  EXPECT_EQ(count.size(), 5u);
  for (const auto& [message, letters_sent] : count) EXPECT_GE(letters_sent, 5) << message;
}

}  // namespace
}  // namespace terreno::demo
