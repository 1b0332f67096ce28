#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/html.h"
#include "base/time.h"

namespace terreno {
namespace {

TEST(Bytes, ReadingWhatWasWrittenGivesTheSame) {
  EXPECT_TRUE(rc::check([](uint64_t a, int64_t b, const std::string& c, uint8_t d) {
    std::string out;
    Writer writer(out);
    writer.varint(a);
    writer.signed_varint(b);
    writer.bytes(c);
    writer.u8(d);
    Reader reader(out);
    RC_ASSERT(reader.varint() == a);
    RC_ASSERT(reader.signed_varint() == b);
    RC_ASSERT(reader.bytes() == c);
    RC_ASSERT(reader.u8() == d);
    RC_ASSERT(reader.done());
  }));
}

TEST(Bytes, CutBytesFailAndStayFailed) {
  std::string out;
  Writer(out).bytes("twelve bytes");
  Reader reader(std::string_view(out).substr(0, 5));
  EXPECT_EQ(reader.bytes(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u64(), 0u);
}

TEST(Bytes, AHostileCountIsMalformed) {
  std::string out;
  Writer(out).varint(1ULL << 40);
  Reader reader(out);
  EXPECT_EQ(reader.count(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Time, ReadsTheFormsThatSdksSend) {
  const auto read = [](std::string_view text) { return parse_iso8601(text).value().time.ms; };
  EXPECT_EQ(read("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(read("1970-01-01T00:00:01.123456789Z"), 1123);
  EXPECT_EQ(read("1970-01-01T05:30:00+05:30"), 0);
  EXPECT_EQ(read("1970-01-01 00:00:00.5"), 500);
  EXPECT_EQ(read("1970-01-02"), 86'400'000);
  EXPECT_FALSE(parse_iso8601("1970-01-01T00:00:00").value().has_offset);
  EXPECT_FALSE(parse_iso8601("1970-02-30T00:00:00Z"));
  EXPECT_FALSE(parse_iso8601("yesterday"));
}

TEST(Time, FormatThenParseIsTheSame) {
  EXPECT_TRUE(rc::check([] {
    const Timestamp time{*rc::gen::inRange<int64_t>(-62'000'000'000'000, 250'000'000'000'000)};
    RC_ASSERT(parse_iso8601(format_iso8601(time)).value().time == time);
  }));
}

TEST(Time, DurationsReadBack) {
  EXPECT_EQ(parse_duration("2h").value(), hours(2));
  EXPECT_EQ(format_duration(minutes(90)), "90m");
  EXPECT_FALSE(parse_duration("2"));
  EXPECT_FALSE(parse_duration("99999999999999w"));
}

TEST(Hash, HexReadsBack) {
  const Id128 id = hash128("terreno");
  EXPECT_EQ(Id128::from_hex(id.hex()), id);
  EXPECT_TRUE(Id128::from_hex("short").is_zero());
}

TEST(Html, TextStaysTextInAnElementAndInAQuotedAttribute) {
  EXPECT_EQ(html_escaped("<a href=\"x\">L'été & co</a>"), "&lt;a href=&quot;x&quot;&gt;L&#39;été &amp; co&lt;/a&gt;");
  EXPECT_EQ(html_escaped(""), "");
  std::string out = "before ";
  append_html_escaped(out, "plain");
  EXPECT_EQ(out, "before plain");
}

}  // namespace
}  // namespace terreno
