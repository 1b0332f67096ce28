#include "profiles/profiles.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace terreno::profiles {
namespace {

Candidate candidate(std::string json, Rank rank, int64_t at, std::string source = "crm") {
  Candidate made;
  made.json = std::move(json);
  made.rank = rank;
  made.at = {at};
  made.source = std::move(source);
  made.record = {hash128(made.json + made.source + std::to_string(at))};
  return made;
}

TEST(Profile, TheCustomersWordOutranksWhatSystemsSayLater) {
  Person person;
  person.learn("relation", candidate("\"patient\"", Rank::observed, 100));
  person.learn("relation", candidate("\"carer\"", Rank::stated, 50, "marta"));
  person.learn("relation", candidate("\"patient\"", Rank::observed, 900, "import"));
  EXPECT_EQ(person.text("relation"), "carer");
  EXPECT_EQ(person.attributes().front().candidates.size(), 3u);
}

TEST(Profile, WithinARankTheLatestWins) {
  Person person;
  person.learn("city", candidate("\"Lyon\"", Rank::observed, 200));
  person.learn("city", candidate("\"Nantes\"", Rank::observed, 100));
  EXPECT_EQ(person.text("city"), "Lyon");
}

TEST(Profile, TheWinnerDoesNotDependOnTheOrderOfArrival) {
  EXPECT_TRUE(rc::check([] {
    std::vector<Candidate> candidates;
    for (int i = 0; i < 5; ++i) {
      candidates.push_back(candidate(std::to_string(*rc::gen::inRange(0, 4)),
                                     static_cast<Rank>(*rc::gen::inRange(0, 4)), *rc::gen::inRange(0, 5)));
    }
    Person forwards, backwards;
    for (const Candidate& one : candidates) forwards.learn("x", one);
    std::ranges::reverse(candidates);
    for (const Candidate& one : candidates) backwards.learn("x", one);
    RC_ASSERT(forwards.value("x") == backwards.value("x"));
  }));
}

TEST(Profile, NullMeansThatThereIsNoValue) {
  Person person;
  person.learn("city", candidate("\"Lyon\"", Rank::observed, 100));
  person.learn("city", candidate("null", Rank::stated, 50));
  EXPECT_FALSE(person.value("city"));
}

TEST(Profile, BoundsAreKept) {
  Person person;
  EXPECT_FALSE(person.learn(std::string(200, 'n'), candidate("1", Rank::observed, 1)));
  EXPECT_FALSE(person.learn("n", candidate(std::string(5000, '1'), Rank::observed, 1)));
  for (int i = 0; i < 100; ++i) person.learn("n", candidate(std::to_string(i), Rank::observed, i));
  EXPECT_EQ(person.attributes().front().candidates.size(), kCandidatesMax);
  EXPECT_EQ(person.value("n"), "99");
}

TEST(Profile, SystemsLeaveRoomForWhatPeopleSay) {
  Person person;
  for (size_t i = 0; i < kAttributesMax; ++i)
    person.learn("junk" + std::to_string(i), candidate("1", Rank::observed, 1));
  EXPECT_EQ(person.attributes().size(), kAttributesMax - kAttributesForPeople);
  EXPECT_TRUE(person.learn("relation", candidate("\"carer\"", Rank::stated, 2)));

  Person heavy;
  const std::string value = '"' + std::string(4000, 'x') + '"';
  int taken = 0;
  for (int i = 0; i < 2000; ++i)
    taken += heavy.learn("a" + std::to_string(i % 400), candidate(value, Rank::observed, i, std::to_string(i))) ? 1 : 0;
  EXPECT_LT(taken, 300);
  EXPECT_LT(heavy.footprint(), 2 * kAttributeBytesMax);
  EXPECT_TRUE(heavy.learn("relation", candidate("\"carer\"", Rank::stated, 2)));
}

KnownIdentifier address(std::string value, int64_t since, events::Visibility visibility) {
  return {{events::IdentifierKind::email, std::move(value)}, {since}, "s", visibility};
}

std::string letter_to(const Person& person, consent::MessageClass message_class) {
  const auto* const found = person.address_for(events::IdentifierKind::email, consent::Channel::email, message_class,
                                               {"tips", "marketing", ""}, {1000});
  return found != nullptr ? found->value : "nowhere";
}

TEST(Address, AgreedBeforeSecretBeforePublicThenTheLatest) {
  using consent::MessageClass;
  using events::Visibility;
  Person person;
  person.add_identifier(address("aaa@evil.example", 50, Visibility::public_source));
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "aaa@evil.example") << "nobody knows more of this visitor";
  person.add_identifier(address("bbb@evil.example", 60, Visibility::public_source));
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "aaa@evil.example") << "of two claims the earlier";
  person.add_identifier({{events::IdentifierKind::user_id, "u-1"}, {1}, "s", Visibility::secret_source});
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "nowhere");
  person.add_identifier(address("old@example.org", 10, Visibility::secret_source));
  person.add_identifier(address("new@example.org", 20, Visibility::secret_source));
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "new@example.org");
  EXPECT_EQ(letter_to(person, MessageClass::commercial), "new@example.org");
  consent::PermissionCopy copy;
  copy.address = {consent::Channel::email, "old@example.org"};
  copy.version = 1;
  copy.lines = {{{"tips", "marketing", ""}, consent::PermissionState::subscribed, {}}};
  person.take_permission(copy);
  EXPECT_EQ(letter_to(person, MessageClass::commercial), "old@example.org");
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "new@example.org");
  person.vouch({events::IdentifierKind::email, "bbb@evil.example"}, "crm");
  EXPECT_EQ(letter_to(person, MessageClass::transactional), "bbb@evil.example");
}

TEST(Profile, ReadsBackAsItWasWritten) {
  Person person;
  person.id = {hash128("p")};
  person.learn("city", candidate("\"Lyon\"", Rank::observed, 100));
  person.add_identifier(
      {{events::IdentifierKind::email, "ana@example.org"}, {5}, "web", events::Visibility::public_source});
  std::string bytes, again;
  Writer writer(bytes);
  person.encode(writer);
  const auto back = Person::decode(bytes);
  ASSERT_TRUE(back);
  Writer second(again);
  back->encode(second);
  EXPECT_EQ(again, bytes);
  EXPECT_FALSE(Person::decode(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST(Timeline, OrderKeysSortByTimeThenPosition) {
  const auto key = [](int64_t at, uint64_t position) {
    TimelineLine line;
    line.at = {at};
    line.position = {position};
    return line.order_key();
  };
  EXPECT_LT(key(-5, 9), key(3, 1));
  EXPECT_LT(key(3, 1), key(3, 2));
  EXPECT_LT(key(3, 300), key(4, 1));
}

}  // namespace
}  // namespace terreno::profiles
