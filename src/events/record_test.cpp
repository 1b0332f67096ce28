#include "events/record.h"

#include <gtest/gtest.h>

namespace terreno::events {
namespace {

TEST(Placement, AllSpellingsOfAnAddressMeetInOnePartition) {
  const auto home = [](std::string value) { return home_of({IdentifierKind::email, std::move(value)}); };
  EXPECT_EQ(home("ana.roca@gmail.com"), home("AnaRoca+tips@googlemail.com"));
  EXPECT_EQ(home("ana@example.org"), home("ANA@EXAMPLE.ORG"));
}

// The function is frozen: a different answer would leave every person where nobody looks.
TEST(Placement, IsFrozenAtVersionOne) {
  EXPECT_EQ(home_of({IdentifierKind::email, "ana@example.org"}).number, 25);
  EXPECT_EQ(home_of({IdentifierKind::user_id, "u-1"}).number, 23);
  EXPECT_EQ(home_of({IdentifierKind::anonymous_id, "a-1"}).number, 25);
}

TEST(Event, ReadsBackAsItWasWritten) {
  Event event;
  event.type = EventType::identify;
  event.source = "web";
  event.message_id = "m-1";
  event.timestamp = {1'700'000'000'000};
  event.received_at = {1'700'000'000'500};
  event.identifiers = {{IdentifierKind::user_id, "u-1"}, {IdentifierKind::email, "ana@example.org"}};
  event.traits = {{"name", "\"Ana\""}};
  event.time_zone = "Europe/Madrid";
  event.body = R"({"type":"identify"})";
  std::string bytes;
  Writer writer(bytes);
  event.encode(writer);
  Reader reader(bytes);
  const Event back = Event::decode(reader);
  ASSERT_TRUE(reader.done());
  std::string again;
  Writer second(again);
  back.encode(second);
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(back.identifiers, event.identifiers);
  EXPECT_EQ(back.traits, event.traits);
}

TEST(Event, WithoutAnIdentifierIsMalformed) {
  std::string bytes;
  Writer writer(bytes);
  Event{}.encode(writer);
  Reader reader(bytes);
  static_cast<void>(Event::decode(reader));
  EXPECT_FALSE(reader.ok());
}

TEST(QuarantinedItem, ReadsBackAsItWasWritten) {
  const QuarantinedItem item{"web", {5}, 7, "no_user_anon_id", R"({"event":"E"})"};
  std::string bytes;
  Writer writer(bytes);
  item.encode(writer);
  Reader reader(bytes);
  const QuarantinedItem back = QuarantinedItem::decode(reader);
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(back.source, "web");
  EXPECT_EQ(back.index, 7U);
  EXPECT_EQ(back.reason, "no_user_anon_id");
  EXPECT_EQ(back.raw, item.raw);
}

}  // namespace
}  // namespace terreno::events
