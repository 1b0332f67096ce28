#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <boost/json.hpp>

#include "events/event_time.h"
#include "events/events.h"
#include "events/inflate.h"
#include "events/json_text.h"

namespace terreno::events {
namespace {

constexpr Timestamp kReceived{1'795'000'000'000};

class CountingRandom : public engine::Random {
 public:
  Id128 next() override { return {0x1234'5678'9abc'def0, ++count_}; }

 private:
  uint64_t count_ = 0;
};

struct Outcome {
  std::vector<Event> events;
  std::vector<Quarantined> quarantined;
  std::optional<TrackingError> error;
};

SourceDefaults server_source() {
  SourceDefaults source;
  source.id = "shop";
  source.phone_region = "ES";
  return source;
}
SourceDefaults browser_source() {
  SourceDefaults source = server_source();
  source.kind = SourceKind::browser;
  source.visibility = Visibility::public_source;
  return source;
}

Outcome parse(TrackingPath path, std::string_view body, const SourceDefaults& source = browser_source(),
              std::string_view encoding = {}) {
  CountingRandom random;
  Outcome outcome;
  auto result = parse_tracking(path, body, encoding, source, kReceived, random, outcome.events, outcome.quarantined);
  if (!result) outcome.error = result.error();
  return outcome;
}

// The one event of a body that must be accepted.
Event event_of(TrackingPath path, std::string_view body, const SourceDefaults& source = browser_source()) {
  Outcome outcome = parse(path, body, source);
  EXPECT_FALSE(outcome.error) << body;
  EXPECT_TRUE(outcome.quarantined.empty()) << body << outcome.quarantined.front().reason;
  return outcome.events.size() == 1 ? outcome.events.front() : Event{};
}

std::string_view reason_of(TrackingPath path, std::string_view body) {
  const Outcome outcome = parse(path, body);
  EXPECT_FALSE(outcome.error) << body;
  EXPECT_TRUE(outcome.events.empty()) << body;
  return outcome.quarantined.size() == 1 ? outcome.quarantined.front().reason : std::string_view("not quarantined");
}

std::string_view code_of(TrackingPath path, std::string_view body) {
  const Outcome outcome = parse(path, body);
  return outcome.error ? outcome.error->code : std::string_view("accepted");
}

std::string gzip(std::string_view text, int window = 15 + 16) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

const Identifier kUser{IdentifierKind::user_id, "u1"};

// ---------------------------------------------------------------------------------------------------------------------
// The body

TEST(Body, ThatIsNoJsonObjectIsRefusedWhole) {
  for (const char* body : {"", " ", "[]", "1", "{", "{\"a\":}", "{} x", "{\"batch\":[}", "null", "{\"a\":\"\n\"}",
                           "{\"properties\":{\"a\":tru}}", "{\"a\":\"\\q\"}", "{\"a\":01}"}) {
    EXPECT_EQ(code_of(TrackingPath::track, body), "invalid_json") << body;
  }
}

TEST(Body, OfABatchNeedsAnArray) {
  EXPECT_EQ(code_of(TrackingPath::batch, "{}"), "invalid_batch");
  EXPECT_EQ(code_of(TrackingPath::batch, R"({"batch":{}})"), "invalid_batch");
  EXPECT_EQ(code_of(TrackingPath::batch, R"({"batch":null})"), "invalid_batch");
  EXPECT_EQ(code_of(TrackingPath::batch, R"({"batch":[]})"), "accepted");
}

TEST(Body, MayBeginWithAByteOrderMarkAndWhiteSpace) {
  EXPECT_EQ(event_of(TrackingPath::track, "\xef\xbb\xbf \r\n {\"event\":\"E\",\"userId\":\"u1\"} \n").name, "E");
}

TEST(Body, IsDecompressedByItsMagicBytesWhateverTheHeaderSays) {
  const std::string json = R"({"event":"E","userId":"u1"})";
  for (const char* encoding : {"", "gzip", "identity", "br"}) {
    EXPECT_EQ(parse(TrackingPath::track, gzip(json), browser_source(), encoding).events.size(), 1U) << encoding;
  }
  EXPECT_EQ(parse(TrackingPath::track, json, browser_source(), "gzip").events.size(), 1U);
  EXPECT_EQ(parse(TrackingPath::track, gzip(json, 15), browser_source(), "deflate").events.size(), 1U);
  EXPECT_EQ(parse(TrackingPath::track, gzip(json.substr(0, 9)) + gzip(json.substr(9)), browser_source()).events.size(),
            1U);
  const Outcome other = parse(TrackingPath::track, json, browser_source(), "br");
  ASSERT_TRUE(other.error);
  EXPECT_EQ(other.error->status, 415);
}

TEST(Body, ThatExpandsBeyondTheBoundIsStoppedWhileItExpands) {
  const std::string bomb = gzip(std::string(64 * 1024 * 1024, ' '));
  const Outcome outcome = parse(TrackingPath::track, bomb);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->status, 413);
  std::string out;
  EXPECT_EQ(inflate_bounded(bomb, 1000, out), Inflated::too_large);
  EXPECT_LE(out.size(), 1001U);
  EXPECT_EQ(inflate_bounded(gzip(std::string(1000, 'a')), 1000, out), Inflated::complete);
}

TEST(Body, ThatIsCutShortInCompressionIsRefused) {
  const std::string whole = gzip(R"({"event":"E","userId":"u1"})");
  for (size_t size = 2; size < whole.size(); ++size) {
    EXPECT_EQ(code_of(TrackingPath::track, whole.substr(0, size)), "invalid_encoding") << size;
  }
}

TEST(Body, NestsAtMostSixtyFourLevels) {
  const auto nested = [](int levels) {
    return R"({"event":"E","userId":"u1","properties":{"a":)" + std::string(levels, '[') + std::string(levels, ']') +
           "}}";
  };
  EXPECT_EQ(code_of(TrackingPath::track, nested(60)), "accepted");
  EXPECT_EQ(code_of(TrackingPath::track, nested(64)), "invalid_json");
  EXPECT_EQ(code_of(TrackingPath::track, nested(100'000)), "invalid_json");
}

TEST(Body, KeepsTheLastOfDuplicateKeys) {
  const Event event = event_of(TrackingPath::track, R"({"event":"A","userId":"x","event":"B","userId":"u1"})");
  EXPECT_EQ(event.name, "B");
  EXPECT_EQ(event.identifiers, std::vector{kUser});
  EXPECT_EQ(parse(TrackingPath::batch, R"({"batch":[1,2],"batch":[]})").quarantined.size(), 0U);
}

TEST(Body, MayEscapeItsKeys) {
  EXPECT_EQ(event_of(TrackingPath::track, R"({"ev\u0065nt":"A\u00e9","user\u0049d":"u1"})").name, "A\u00e9");
}

TEST(Body, MayHoldIntegersBeyondSixtyFourBits) {
  const Event event = event_of(TrackingPath::track, R"({"event":"A","userId":123456789012345678901234567890})");
  EXPECT_EQ(event.identifiers.front().value, "123456789012345678901234567890");
}

TEST(Batch, MergesItsContextUnderEachItemsOwn) {
  const Outcome outcome = parse(TrackingPath::batch, R"({"batch":[
      {"type":"track","event":"A","userId":"u1","context":{"locale":"es-ES","app":{"name":"x"}}},
      {"type":"track","event":"B","userId":"u1"}],
      "context":{"locale":"fr-FR","timezone":"Europe/Paris"},"integrations":{"All":true},
      "timestamp":"2020-01-01T00:00:00Z","messageId":"of-the-batch"})");
  ASSERT_EQ(outcome.events.size(), 2U);
  EXPECT_EQ(outcome.events[0].locale, "es-ES");
  EXPECT_EQ(outcome.events[1].locale, "fr-FR");
  EXPECT_EQ(outcome.events[0].time_zone, "Europe/Paris");
  EXPECT_NE(outcome.events[0].message_id, "of-the-batch");
  EXPECT_NE(outcome.events[0].message_id, outcome.events[1].message_id);
  EXPECT_EQ(outcome.events[0].timestamp, kReceived);
  EXPECT_EQ(
      boost::json::parse(outcome.events[0].body),
      boost::json::parse(
          R"({"type":"track","event":"A","userId":"u1","context":{"locale":"es-ES","app":{"name":"x"},"timezone":"Europe/Paris"},
          "integrations":{"All":true}})"));
}

TEST(Batch, QuarantinesWhatCannotBeUsedAndKeepsTheRest) {
  const Outcome outcome = parse(TrackingPath::batch, R"({"batch":[7,{"type":"track","event":"A","userId":"u1"},null,
      {"event":"no type","userId":"u1"},{"type":"charge","userId":"u1"},{"type":"track","userId":"u1"},
      {"type":"track","event":"B","userId":"u\u00001"}]})");
  EXPECT_FALSE(outcome.error);
  ASSERT_EQ(outcome.events.size(), 1U);
  std::vector<std::pair<size_t, std::string_view>> reasons;
  for (const Quarantined& item : outcome.quarantined) reasons.emplace_back(item.index, item.reason);
  EXPECT_EQ(reasons, (std::vector<std::pair<size_t, std::string_view>>{{0, "not_an_object"},
                                                                       {2, "not_an_object"},
                                                                       {3, "missing_type"},
                                                                       {4, "unknown_type"},
                                                                       {5, "missing_event_name"},
                                                                       {6, "invalid_utf8_or_nul"}}));
  EXPECT_EQ(outcome.quarantined[0].raw, "7");
}

TEST(Batch, QuarantinesOnlyTheItemsThatHoldInvalidUtf8OrNul) {
  const std::string bad = "{\"type\":\"track\",\"event\":\"\xff\xc3\",\"userId\":\"u1\"}";
  const std::string good = R"({"type":"track","event":"Café","userId":"u1"})";
  const std::string nul = std::string(R"({"type":"track","event":"a)") + '\0' + R"(","userId":"u1"})";
  const Outcome outcome = parse(TrackingPath::batch, "{\"batch\":[" + bad + "," + good + "," + nul + "," + good + "]}");
  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.events.size(), 2U);
  ASSERT_EQ(outcome.quarantined.size(), 2U);
  EXPECT_EQ(outcome.quarantined[0].raw, bad);
  EXPECT_EQ(outcome.quarantined[1].raw, nul);
  EXPECT_EQ(outcome.quarantined[1].index, 2U);
}

TEST(Batch, AcceptsAnEscapedBackslashBeforeU0000) {
  EXPECT_EQ(event_of(TrackingPath::track, R"({"event":"a\\u0000","userId":"u1"})").name, "a\\u0000");
}

// ---------------------------------------------------------------------------------------------------------------------
// The fields

TEST(Fields, ThatAreNullAreAbsent) {
  const Event event = event_of(TrackingPath::page, R"({"type":null,"messageId":null,"userId":"u1","anonymousId":null,
      "properties":null,"traits":null,"name":null,"context":null,"timestamp":null,"sentAt":null,"originalTimestamp":null})");
  EXPECT_EQ(event.type, EventType::page);
  EXPECT_EQ(event.timestamp, kReceived);
  EXPECT_EQ(event.identifiers, std::vector{kUser});
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A","userId":null})"), "no_user_anon_id");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":null,"userId":"u1"})"), "missing_event_name");
}

TEST(Fields, OfTheWrongKindQuarantineTheEvent) {
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A","userId":"u1","properties":[]})"), "invalid_properties");
  EXPECT_EQ(reason_of(TrackingPath::identify, R"({"userId":"u1","traits":"x"})"), "invalid_traits");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A","userId":"u1","context":1})"), "invalid_context");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":7,"userId":"u1"})"), "missing_event_name");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"  ","userId":"u1"})"), "missing_event_name");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":")" + std::string(513, 'a') + R"(","userId":"u1"})"),
            "name_too_long");
  EXPECT_EQ(reason_of(TrackingPath::group, R"({"userId":"u1"})"), "missing_group_id");
  EXPECT_EQ(reason_of(TrackingPath::group, R"({"userId":"u1","groupId":""})"), "missing_group_id");
  EXPECT_EQ(reason_of(TrackingPath::alias, R"({"userId":"u1"})"), "missing_previous_id");
}

TEST(Type, ComesFromThePathAndTheBodyIsKeptAsItCame) {
  const std::string body = R"({"type":"identify", "event":"A","userId":"u1"})";
  const Event event = event_of(TrackingPath::track, body);
  EXPECT_EQ(event.type, EventType::track);
  EXPECT_EQ(event.body, body);
}

TEST(Ids, ThatAreNumbersBecomeTheirShortestDecimal) {
  const auto id = [](std::string number) {
    return event_of(TrackingPath::track, R"({"event":"A","userId":)" + number + "}").identifiers.front().value;
  };
  EXPECT_EQ(id("42"), "42");
  EXPECT_EQ(id("42.0"), "42");
  EXPECT_EQ(id("4.2e1"), "42");
  EXPECT_EQ(id("1e21"), "1000000000000000000000");
  EXPECT_EQ(id("1.5"), "1.5");
  EXPECT_EQ(id("-7"), "-7");
}

TEST(Ids, AreNeededAndOneSuffices) {
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A"})"), "no_user_anon_id");
  EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A","userId":"","anonymousId":""})"), "no_user_anon_id");
  EXPECT_EQ(event_of(TrackingPath::track, R"({"event":"A","userId":"","anonymousId":"a1"})").identifiers,
            (std::vector<Identifier>{{IdentifierKind::anonymous_id, "a1"}}));
}

TEST(Ids, ThatNameNobodyMakeNoIdentifier) {
  for (const char* id : {"null", "NULL", "undefined", "none", "anonymous", "invalid", "unknown", "-1", "0", "000-000",
                         "-", "00000000-0000-0000-0000-000000000000", " ", "[object Object]"}) {
    const std::string quoted = boost::json::serialize(boost::json::string(id));
    const Event event = event_of(TrackingPath::track, R"({"event":"A","userId":)" + quoted + R"(,"anonymousId":"a1"})");
    EXPECT_EQ(event.identifiers, (std::vector<Identifier>{{IdentifierKind::anonymous_id, "a1"}})) << id;
    EXPECT_EQ(event.blocked_identifiers, std::string_view(id) == " " ? 0 : 1) << id;
    EXPECT_EQ(reason_of(TrackingPath::track, R"({"event":"A","userId":)" + quoted + "}"), "blocked_identifiers") << id;
  }
}

TEST(Ids, ThatAreJsonTextOrObjectsAreKeptAndNameNobody) {
  for (const char* id : {R"("{\"a\":1}")", R"({"a":1})", "[1]", "true", R"("a\u0001b")"}) {
    const Event event =
        event_of(TrackingPath::track, std::string(R"({"event":"A","anonymousId":"a1","userId":)") + id + "}");
    EXPECT_EQ(event.identifiers.size(), 1U) << id;
    EXPECT_EQ(event.blocked_identifiers, 1) << id;
    EXPECT_NE(event.body.find(id), std::string::npos);
  }
}

TEST(Identify, TakesTheUnionOfBothTraitsAndTheTopLevelWins) {
  const Event event = event_of(TrackingPath::identify,
                               R"({"userId":"u1","context":{"traits":{"name":"old","age":7,"a\"b":[1, 2]}},
                                   "traits":{"name":"Ana","email":" Ana.Roca@EXAMPLE.org ","name":"Ana R."}})");
  EXPECT_EQ(event.traits,
            (std::vector<TraitUpdate>{
                {"a\"b", "[1, 2]"}, {"age", "7"}, {"email", "\" Ana.Roca@EXAMPLE.org \""}, {"name", "\"Ana R.\""}}));
  EXPECT_EQ(event.identifiers, (std::vector<Identifier>{kUser, {IdentifierKind::email, "Ana.Roca@example.org"}}));
}

TEST(Identify, AloneUpdatesTraits) {
  const Event event = event_of(TrackingPath::track,
                               R"({"event":"A","userId":"u1","context":{"traits":{"email":"a@b.org","name":"x"}}})");
  EXPECT_TRUE(event.traits.empty());
  EXPECT_EQ(event.identifiers.size(), 2U);
  const Event group = event_of(TrackingPath::group, R"({"groupId":"g","userId":"u1","traits":{"email":"info@b.org"}})");
  EXPECT_TRUE(group.traits.empty());
  EXPECT_EQ(group.identifiers, std::vector{kUser});
}

TEST(Identifiers, AreStrongestFirstWithoutRepeats) {
  const Event event = event_of(TrackingPath::identify, R"({"userId":"u1","anonymousId":"a1",
      "traits":{"email":"a@b.org","phone":"600 123 456"},
      "context":{"device":{"id":"d1","token":"t"},"traits":{"email":"a@B.ORG"},
        "externalIds":[{"id":"c-9","type":"customer_number","collection":"users","encoding":"none"},
                       {"id":"h","type":"email","encoding":"sha256"},{"id":"x","type":"shoe_size"},7]}})");
  EXPECT_EQ(event.identifiers, (std::vector<Identifier>{{IdentifierKind::customer_number, "c-9"},
                                                        {IdentifierKind::user_id, "u1"},
                                                        {IdentifierKind::email, "a@b.org"},
                                                        {IdentifierKind::phone, "+34600123456"},
                                                        {IdentifierKind::device, "d1"},
                                                        {IdentifierKind::anonymous_id, "a1"}}));
}

TEST(Identifiers, AreBounded) {
  std::string ids;
  for (int i = 0; i < 1000; ++i)
    ids += (i ? "," : "") + std::string(R"({"type":"user_id","id":"x)") + std::to_string(i) + "\"}";
  const Event event =
      event_of(TrackingPath::track, R"({"event":"A","userId":"u1","context":{"externalIds":[)" + ids + "]}}");
  EXPECT_EQ(event.identifiers.size(), kIdentifiersMax);
}

TEST(Identifiers, OfAServersRandomVisitorsAreLeftOutBesideAUserId) {
  const char* body = R"({"event":"A","userId":"u1","anonymousId":"fresh","groupId":"g","previousId":"u0"})";
  EXPECT_EQ(event_of(TrackingPath::track, body, server_source()).identifiers.size(), 1U);
  EXPECT_EQ(event_of(TrackingPath::track, body, browser_source()).identifiers.size(), 2U);
  EXPECT_EQ(event_of(TrackingPath::identify, body, server_source()).identifiers.size(), 2U);
  EXPECT_EQ(event_of(TrackingPath::alias, body, server_source()).identifiers.size(), 3U);
}

TEST(Alias, OfAnIdToItselfTiesNothing) {
  EXPECT_EQ(event_of(TrackingPath::alias, R"({"userId":"u1","previousId":"u1"})").identifiers, std::vector{kUser});
}

TEST(Alias, TellsAVisitorFromAnEarlierUserByTheBodyAlone) {
  const auto kind = [](std::string previous, std::string more = "") {
    const Event event =
        event_of(TrackingPath::alias, R"({"userId":"u1","previousId":")" + previous + "\"" + more + "}");
    for (const Identifier& identifier : event.identifiers) {
      if (identifier.value == previous) return identifier.kind;
    }
    return IdentifierKind::device;
  };
  EXPECT_EQ(kind("u0"), IdentifierKind::user_id);
  EXPECT_EQ(kind("7f2e0a6c-1d1c-4b7e-9a51-0c9b8a7d6e5f"), IdentifierKind::anonymous_id);
  EXPECT_EQ(kind("k3j9x0q2w8e7r6t5y4u1"), IdentifierKind::anonymous_id);
  EXPECT_EQ(kind("a1", R"(,"anonymousId":"a1")"), IdentifierKind::anonymous_id);
}

TEST(Context, GivesZoneAndLocaleOnlyWhenTheyAreSuch) {
  const auto zone = [](std::string text) {
    return event_of(TrackingPath::track, R"({"event":"A","userId":"u1","context":{"timezone":")" + text + "\"}}")
        .time_zone;
  };
  EXPECT_EQ(zone("Europe/Madrid"), "Europe/Madrid");
  EXPECT_EQ(zone("UTC"), "UTC");
  EXPECT_EQ(zone("GMT+0200"), "");
  EXPECT_EQ(zone("../../etc/passwd"), "");
  const auto locale = [](std::string text) {
    return event_of(TrackingPath::track, R"({"event":"A","userId":"u1","context":{"locale":")" + text + "\"}}").locale;
  };
  EXPECT_EQ(locale("en_US"), "en-US");
  EXPECT_EQ(locale("<b>"), "");
}

TEST(WriteKeys, AreCutOutOfWhatIsStored) {
  const Event event = event_of(TrackingPath::track,
                               R"({"writeKey":"secret","event":"A","userId":"u1","properties":{"writeKey":"mine"}})");
  EXPECT_EQ(event.body, R"({"event":"A","userId":"u1","properties":{"writeKey":"mine"}})");
  const Outcome outcome = parse(TrackingPath::track, R"({"writeKey":"secret","event":"A"})");
  ASSERT_EQ(outcome.quarantined.size(), 1U);
  EXPECT_EQ(outcome.quarantined[0].raw, R"({"event":"A"})");
}

// ---------------------------------------------------------------------------------------------------------------------
// Time: docs/concepts/tracking.md, Times

TEST(Times, OfEventsFollowTheTable) {
  struct Row {
    const char* what;
    std::optional<int64_t> timestamp, original, sent_at;  // seconds relative to receipt
    bool fresh;
    int64_t expected;
  };
  const Row rows[] = {
      {"nothing given", {}, {}, {}, false, 0},
      {"both given: the sender's word", -500, -600, -300, true, -500},
      {"no sentAt", -500, {}, {}, true, -500},
      {"only an original", {}, -500, -10, true, -500},
      {"fast clock", 3600, {}, 3610, false, -10},
      {"slow clock that the library proves", -3610, {}, -3600, true, -10},
      {"an old sentAt of a library that repeats itself", -3610, {}, -3600, false, -3610},
      {"a small skew is left alone", -50, {}, -40, true, -50},
      {"in the future", 61, 61, {}, false, 0},
      {"hardly in the future", 59, 59, {}, false, 59},
  };
  const auto at = [](std::optional<int64_t> offset) {
    return offset ? std::optional(kReceived + seconds(*offset)) : std::nullopt;
  };
  for (const Row& row : rows) {
    const ClientTimes times{at(row.timestamp), at(row.original), at(row.sent_at), false, row.fresh};
    EXPECT_EQ(resolve_time(times, kReceived, seconds(60)), kReceived + seconds(row.expected)) << row.what;
  }
}

TEST(Times, AreReadInEveryFormThatSdksSend) {
  EXPECT_EQ(read_time(R"("2026-11-24T14:03:07.123456789+05:30")"), Timestamp{1'795'509'187'123});
  EXPECT_EQ(read_time("1700000000"), Timestamp{1'700'000'000'000});
  EXPECT_EQ(read_time("1700000000123"), Timestamp{1'700'000'000'123});
  for (const char* raw : {"", "null", "true", "{}", "\"yesterday\"", "-5", "1e300", "\"\""})
    EXPECT_EQ(read_time(raw), std::nullopt) << raw;
}

TEST(Times, ThatAreUnreadableBecomeTheTimeOfReceipt) {
  EXPECT_EQ(event_of(TrackingPath::track,
                     R"({"event":"A","userId":"u1","timestamp":"soon","originalTimestamp":"2020-01-01T00:00:00Z"})")
                .timestamp,
            kReceived);
}

TEST(Times, OfTheBatchCountOnlyThroughItsSentAt) {
  const std::string sent_at = format_iso8601(kReceived + hours(1));
  const std::string timestamp = format_iso8601(kReceived + hours(1) - seconds(5));
  const Outcome outcome =
      parse(TrackingPath::batch, R"({"sentAt":")" + sent_at +
                                     R"(","batch":[{"type":"track","event":"A","userId":"u1","timestamp":")" +
                                     timestamp + R"("}]})");
  EXPECT_EQ(outcome.events.at(0).timestamp, kReceived - seconds(5));
}

TEST(Times, OverAnHourAgoMakeAnEventLate) {
  const auto late = [](Duration ago) {
    return event_of(TrackingPath::track,
                    R"({"event":"A","userId":"u1","timestamp":")" + format_iso8601(kReceived - ago) + "\"}")
        .late;
  };
  EXPECT_FALSE(late(hours(1)));
  EXPECT_TRUE(late(milliseconds(3'600'001)));
}

// ---------------------------------------------------------------------------------------------------------------------
// Message ids and bounds

TEST(MessageIds, AreKeptAsSentOrHashedOrMade) {
  const auto id = [](std::string json) {
    return event_of(TrackingPath::track, R"({"event":"A","userId":"u1","messageId":)" + json + "}").message_id;
  };
  EXPECT_EQ(id("\"ajs-next-1-X\""), "ajs-next-1-X");
  EXPECT_EQ(id("17"), "17");
  const std::string longest(100, 'm');
  EXPECT_EQ(id("\"" + longest + "\""), longest);
  EXPECT_EQ(id("\"" + longest + "m\"").size(), 32U);
  EXPECT_NE(id("\"" + longest + "m\""), id("\"" + longest + "n\""));
  const std::string made = id("\"\"");
  EXPECT_EQ(made.size(), 36U);
  EXPECT_EQ(made[14], '7');
  EXPECT_EQ(made.substr(0, 13), "01a1ee56-5e00");
}

TEST(Bounds, OfOneEventRefuseItAloneAndQuarantineItInABatch) {
  const std::string big =
      R"({"type":"track","event":"A","userId":"u1","properties":{"x":")" + std::string(kEventBytesMax, 'x') + "\"}}";
  EXPECT_EQ(code_of(TrackingPath::track, big), "event_too_large");
  const Outcome outcome =
      parse(TrackingPath::batch, "{\"batch\":[" + big + R"(,{"type":"track","event":"A","userId":"u1"}]})");
  EXPECT_EQ(outcome.events.size(), 1U);
  ASSERT_EQ(outcome.quarantined.size(), 1U);
  EXPECT_EQ(outcome.quarantined[0].reason, "event_too_large");
  EXPECT_LE(outcome.quarantined[0].raw.size(), kEventBytesMax);
}

TEST(Bounds, OfABatchAreTenThousandItemsAndTenMebibytes) {
  const auto batch = [](size_t items) {
    std::string body = "{\"batch\":[1";
    for (size_t i = 1; i < items; ++i) body += ",1";
    return body + "]}";
  };
  EXPECT_EQ(parse(TrackingPath::batch, batch(kBatchItemsMax)).quarantined.size(), kBatchItemsMax);
  EXPECT_EQ(code_of(TrackingPath::batch, batch(kBatchItemsMax + 1)), "payload_too_large");
  EXPECT_EQ(code_of(TrackingPath::batch, "{\"batch\":[]," + std::string(kBodyBytesMax, ' ') + "\"a\":1}"),
            "payload_too_large");
}

TEST(Bounds, HoldForAContextThatEachItemOfABatchRepeats) {
  std::string body = R"({"context":{"x":")" + std::string(100'000, 'x') + R"("},"batch":[1)";
  for (int i = 0; i < 1000; ++i) body += ",1";
  EXPECT_EQ(code_of(TrackingPath::batch, body + "]}"), "payload_too_large");
}

TEST(Parser, ForgetsTheRequestBefore) {
  CountingRandom random;
  TrackingParser parser;
  std::vector<Event> events;
  std::vector<Quarantined> quarantined;
  ASSERT_TRUE(
      parser.begin(TrackingPath::batch, R"({"writeKey":"k","context":{"locale":"fr"},"sentAt":"2020-01-01T00:00:00Z",
      "batch":[{"type":"track","event":"A","userId":"u1","x":"\u0000"}]})"));
  EXPECT_EQ(parser.write_key(), "k");
  ASSERT_FALSE(parser.begin(TrackingPath::batch, "{\"batch\":[\"\xff\"]"));
  ASSERT_TRUE(parser.begin(TrackingPath::batch, R"({"batch":[{"type":"track","event":"B","userId":"u1"}]})"));
  EXPECT_EQ(parser.write_key(), "");
  ASSERT_TRUE(parser.read(browser_source(), kReceived, random, events, quarantined));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].locale, "");
  EXPECT_EQ(events[0].body, R"({"type":"track","event":"B","userId":"u1"})");
}

// ---------------------------------------------------------------------------------------------------------------------
// Identifiers by themselves

TEST(Email, HasOneNormalForm) {
  const auto email = [](std::string_view text) {
    const auto result = normalise_identifier(IdentifierKind::email, text);
    return result ? result->value : std::string(name_of(result.error()));
  };
  EXPECT_EQ(email(" Ana@EXAMPLE.org\n"), "Ana@example.org");
  EXPECT_EQ(email("ana@Bücher.example"), "ana@xn--bcher-kva.example");
  EXPECT_EQ(email("ana@example.org."), "ana@example.org");
  EXPECT_EQ(email("josé@example.org"), "josé@example.org");
  EXPECT_EQ(email("TEST@Test.com"), "blocked");
  EXPECT_EQ(email(""), "empty");
  for (const char* text : {"ana", "@example.org", "ana@", "ana@localhost", "a@b@c.org", "ana@-x.org", "ana@x..org",
                           "a b@c.org", "a@b.org,c@d.org", "a@b c.org", ".a@b.org", "a.@b.org", "<a@b.org>"}) {
    EXPECT_EQ(email(text), "malformed_email") << text;
  }
}

TEST(Phone, HasOneNormalForm) {
  const auto phone = [](std::string_view text, std::string_view region) {
    const auto result = normalise_identifier(IdentifierKind::phone, text, region);
    return result ? result->value : std::string(name_of(result.error()));
  };
  EXPECT_EQ(phone("600 12 34 56", "ES"), "+34600123456");
  EXPECT_EQ(phone("+33 6 12 34 56 78", ""), "+33612345678");
  EXPECT_EQ(phone("0033612345678", "ES"), "+33612345678");
  EXPECT_EQ(phone("600123456", ""), "malformed_phone");
  EXPECT_EQ(phone("111111111", "ES"), "blocked");
  EXPECT_EQ(phone("call me", "ES"), "malformed_phone");
}

// A normal form that changed when normalised again would give one person two homes.
RC_GTEST_PROP(Normalising, TwiceIsTheSameAsOnce, (const std::string& text, uint8_t kind)) {
  const auto identifier_kind = static_cast<IdentifierKind>(kind % 6);
  const auto once = normalise_identifier(identifier_kind, text, "ES");
  if (!once) return;
  const auto twice = normalise_identifier(identifier_kind, once->value, "ES");
  RC_ASSERT(twice.has_value());
  RC_ASSERT(*twice == *once);
}

TEST(Offers, AreTriedInTheirOrder) {
  using Keys = std::vector<std::string>;
  EXPECT_EQ(offered_write_keys("Basic azE6", "k2", "k3").candidates, Keys{"k1"});
  EXPECT_EQ(offered_write_keys("basic azE", {}, {}).candidates, Keys{"k1"});
  EXPECT_EQ(offered_write_keys("Basic azE6czo=", {}, {}).candidates, (Keys{"k1:s", "k1"}));
  EXPECT_EQ(offered_write_keys({}, "id:secret", "k3").candidates, (Keys{"id:secret", "id"}));
  EXPECT_EQ(offered_write_keys("Bearer t", {}, "k3").candidates, Keys{"k3"});
  EXPECT_EQ(offered_write_keys("Bearer t", {}, {}).candidates, Keys{});
  EXPECT_EQ(offered_write_keys({}, "", "").candidates, Keys{});
  EXPECT_EQ(offered_write_keys("Basic !!", "k2", {}).candidates, Keys{""});
}

// ---------------------------------------------------------------------------------------------------------------------
// Properties of the whole

boost::json::value any_json(int depth) {
  const int kind = *rc::gen::inRange(0, depth > 0 ? 7 : 5);
  switch (kind) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<int64_t>();
    case 3:
      return *rc::gen::inRange(-1'000'000, 1'000'000) / 64.0;
    case 4: {
      const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
      return boost::json::string(text);
    }
    case 5: {
      boost::json::array array;
      for (int n = *rc::gen::inRange(0, 4); n > 0; --n) array.push_back(any_json(depth - 1));
      return array;
    }
    default: {
      boost::json::object object;
      for (int n = *rc::gen::inRange(0, 4); n > 0; --n) {
        const auto key = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
        object[key] = any_json(depth - 1);
      }
      return object;
    }
  }
}

RC_GTEST_PROP(Walk, SeesTheSameAsAParser, ()) {
  boost::json::object object;
  object["a"] = any_json(3);
  object["b\"\\{"] = any_json(3);
  const std::string text = boost::json::serialize(object);
  boost::json::object seen;
  JsonWalk(text).members(
      [&](std::string_view key, JsonWalk& at) { seen[unescape(key)] = boost::json::parse(std::string(at.value())); });
  RC_ASSERT(seen == object);
}

RC_GTEST_PROP(Properties, AreStoredAsTheyCame, ()) {
  const boost::json::value properties{{"x", any_json(3)}};
  const std::string body = R"({ "userId":"u1", "event":"E","properties":)" + boost::json::serialize(properties) + " }";
  const Outcome outcome = parse(TrackingPath::track, body);
  RC_ASSERT(outcome.events.size() == 1);
  RC_ASSERT(outcome.events[0].body == body);
}

RC_GTEST_PROP(Paths, GiveTheSameEventSinglyAndInABatch, ()) {
  const boost::json::value traits{{"email", "a@b.org"}, {"x", any_json(2)}};
  const std::string item =
      R"({"type":"identify","userId":"u1","messageId":"m","traits":)" + boost::json::serialize(traits) + "}";
  const Event single = event_of(TrackingPath::identify, item);
  const Outcome batch = parse(TrackingPath::batch, "{\"batch\":[" + item + "]}");
  RC_ASSERT(batch.events.size() == 1);
  std::string a, b;
  Writer first(a), second(b);
  single.encode(first);
  batch.events[0].encode(second);
  RC_ASSERT(a == b);
}

}  // namespace
}  // namespace terreno::events
