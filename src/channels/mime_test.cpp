#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>

#include "channels/channels.h"
#include "channels/encoding.h"
#include "channels/mime_testing.h"

namespace terreno::channels {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string built(const EmailMessage& message) {
  const auto result = build_mime(message);
  EXPECT_TRUE(result) << (result ? "" : result.error().field);
  return result ? result->data : "";
}

Error refused(const EmailMessage& message) {
  const auto result = build_mime(message);
  EXPECT_FALSE(result);
  return result ? Error{Errc{255}, "", 0} : result.error();
}

TEST(Mime, AMessageLooksLikeThis) {
  EmailMessage message = sample_message();
  message.list_unsubscribe_url = "https://terreno.example.org/u/token";
  message.list_unsubscribe_mailto = "leave+token@news.example.org";
  message.feedback_id = "welcome:care:campaign:norte";
  message.headers = {{"X-Topic", "consejos"}};
  message.text = "Hola, Ana:\n¡bienvenida!";
  message.html = "<p class=\"x\">Hola</p>";
  EXPECT_EQ(built(message),
            "From: =?utf-8?q?Asociaci=C3=B3n_Norte?= <hola@news.example.org>\r\n"
            "To: Ana <ana@example.org>\r\n"
            "Subject: Bienvenida\r\n"
            "Date: Mon, 23 Nov 2026 14:03:07 +0000\r\n"
            "Message-ID: <0123.4567@news.example.org>\r\n"
            "MIME-Version: 1.0\r\n"
            "List-Unsubscribe: <https://terreno.example.org/u/token>,\r\n"
            " <mailto:leave+token@news.example.org>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            "Feedback-ID: welcome:care:campaign:norte\r\n"
            "X-Topic: consejos\r\n"
            "Content-Type: multipart/alternative;\r\n"
            " boundary=\"=_terreno_" +
                hash128(message.message_id).hex() +
                "\"\r\n"
                "\r\n"
                "--=_terreno_" +
                hash128(message.message_id).hex() +
                "\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n"
                "\r\n"
                "Hola, Ana:\r\n"
                "=C2=A1bienvenida!\r\n"
                "--=_terreno_" +
                hash128(message.message_id).hex() +
                "\r\n"
                "Content-Type: text/html; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n"
                "\r\n"
                "<p class=3D\"x\">Hola</p>\r\n"
                "--=_terreno_" +
                hash128(message.message_id).hex() + "--\r\n");
}

TEST(Mime, NoFieldCanAddALine) {
  const std::vector<std::pair<std::string, std::function<std::string&(EmailMessage&)>>> fields = {
      {"from.name", [](EmailMessage& m) -> std::string& { return m.from.name; }},
      {"from.address", [](EmailMessage& m) -> std::string& { return m.from.address; }},
      {"reply_to.name", [](EmailMessage& m) -> std::string& { return m.reply_to->name; }},
      {"reply_to.address", [](EmailMessage& m) -> std::string& { return m.reply_to->address; }},
      {"to.name", [](EmailMessage& m) -> std::string& { return m.to.name; }},
      {"to.address", [](EmailMessage& m) -> std::string& { return m.to.address; }},
      {"subject", [](EmailMessage& m) -> std::string& { return m.subject; }},
      {"headers[0].name", [](EmailMessage& m) -> std::string& { return m.headers[0].name; }},
      {"headers[0].value", [](EmailMessage& m) -> std::string& { return m.headers[0].value; }},
      {"list_unsubscribe_url", [](EmailMessage& m) -> std::string& { return m.list_unsubscribe_url; }},
      {"list_unsubscribe_mailto", [](EmailMessage& m) -> std::string& { return m.list_unsubscribe_mailto; }},
      {"message_id", [](EmailMessage& m) -> std::string& { return m.message_id; }},
      {"feedback_id", [](EmailMessage& m) -> std::string& { return m.feedback_id; }},
      {"return_path", [](EmailMessage& m) -> std::string& { return m.return_path; }},
  };
  for (const auto& [name, field] : fields) {
    for (const std::string_view bad :
         {std::string_view("\r\nBcc: x@y.example"), std::string_view("\n"), std::string_view("\r"),
          std::string_view("\0", 1), std::string_view("\x1b"), std::string_view("\x7f")}) {
      EmailMessage message = sample_message();
      message.reply_to = Mailbox{"Reply", "reply@example.org"};
      message.headers = {{"X-A", "b"}};
      message.list_unsubscribe_url = "https://example.org/u/1";
      message.list_unsubscribe_mailto = "leave@example.org";
      message.feedback_id = "a:b";
      std::string& text = field(message);
      text.insert(text.size() / 2, bad);
      EXPECT_EQ(refused(message).field, name) << "byte " << static_cast<int>(bad[0]);
    }
  }
}

TEST(Mime, HeadersThatTerrenoWritesCannotBeGivenTwice) {
  for (const std::string_view name :
       {"From", "BCC", "dkim-signature", "Content-Type", "Received", "List-Unsubscribe"}) {
    EmailMessage message = sample_message();
    message.headers = {{"X-Ok", "1"}, {std::string(name), "x"}};
    const Error error = refused(message);
    EXPECT_EQ(error.code, Errc::reserved_header);
    EXPECT_EQ(error.field, "headers[1].name");
  }
}

TEST(Mime, EachLimitNamesItsField) {
  EmailMessage message = sample_message();
  message.subject = std::string(1025, 'a');
  EXPECT_EQ(refused(message).code, Errc::too_long);
  EXPECT_EQ(refused(message).limit, 1024U);
  message = sample_message();
  message.headers.assign(kHeadersMax + 1, {"X-A", "b"});
  EXPECT_EQ(refused(message).code, Errc::too_many);
  message = sample_message();
  message.html = std::string(kBodySizeMax + 1, 'a');
  EXPECT_EQ(refused(message).field, "html");
  message = sample_message();
  message.text.clear();
  message.html.clear();
  EXPECT_EQ(refused(message).code, Errc::missing);
  message = sample_message();
  message.html = "\xff";
  EXPECT_EQ(refused(message).code, Errc::not_utf8);
  message = sample_message();
  message.list_unsubscribe_url = "http://example.org/u/1";
  EXPECT_EQ(refused(message).code, Errc::malformed_url);
  message.list_unsubscribe_url = "https://example.org/u/1>,<https://evil.example";
  EXPECT_EQ(refused(message).code, Errc::malformed_url);
  message = sample_message();
  message.message_id = "no-domain";
  EXPECT_EQ(refused(message).code, Errc::malformed_message_id);
}

TEST(Mime, OneClickIsPromisedOnlyBesideAUrl) {
  EmailMessage message = sample_message();
  message.list_unsubscribe_mailto = "leave@example.org";
  EXPECT_THAT(built(message), HasSubstr("List-Unsubscribe: <mailto:leave@example.org>\r\n"));
  EXPECT_THAT(built(message), Not(HasSubstr("One-Click")));
}

TEST(Mime, SystemMailSaysSo) {
  EmailMessage message = sample_message();
  EXPECT_THAT(built(message), Not(HasSubstr("Auto-Submitted")));
  message.is_auto_submitted = true;
  EXPECT_THAT(built(message), HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"));
}

TEST(Mime, TheSameMessageGivesTheSameBytesAndAnotherIdAnotherBoundary) {
  EmailMessage message = sample_message();
  const std::string first = built(message);
  EXPECT_EQ(first, built(message));
  message.message_id = "other@news.example.org";
  EXPECT_THAT(built(message), Not(HasSubstr(first.substr(first.find("=_terreno_"), 42))));
}

TEST(Mime, OnlyALocalPartBeyondAsciiPutsRawUtf8OnTheWire) {
  EmailMessage message = sample_message();
  message.from.address = "hola@peñíscola.example";
  auto result = build_mime(message);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->needs_smtputf8);
  EXPECT_TRUE(is_ascii(result->data));
  message.to.address = "jürgen@example.org";
  result = build_mime(message);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->needs_smtputf8);
  EXPECT_THAT(result->data, HasSubstr("<jürgen@example.org>"));
}

TEST(Mime, NoBodyLineStartsWithADot) {
  EmailMessage message = sample_message();
  message.html.clear();
  message.text = ".\n..\nFrom here\n" + std::string(75, 'a') + ".b\n";
  const std::string data = built(message);
  EXPECT_THAT(data, Not(HasSubstr("\r\n.")));
  EXPECT_THAT(data, HasSubstr("\r\n=2E\r\n=2E.\r\n=46rom here\r\n"));
}

// Names and subjects with what breaks encoders: long words, blanks at the ends, things that look encoded, every script.
rc::Gen<std::string> gen_line(size_t characters_max) {
  const auto piece =
      rc::gen::oneOf(rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~')),
                     rc::gen::elementOf(std::vector<std::string>{
                         "=?utf-8?q?x?=", "=?", "?=", "  ", " ", "\"", "\\", "<a@b.c>", ",", "ñ", "Ünïcödé wörds",
                         "日本語テキスト", "😀👩‍👩‍👧", "العربية", "e\xcc\x81",
                         "averyveryveryveryveryveryveryveryveryveryveryveryveryverylongword", "=", "."}));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [characters_max](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const std::string& one : pieces) {
                          if (text.size() + one.size() <= characters_max) text += one;
                        }
                        return text;
                      });
}

rc::Gen<std::string> gen_body() {
  const auto line_end =
      rc::gen::elementOf(std::vector<std::string>{"\n", "\r\n", "\n\n", "\r", " \n", "\t\n", "\n.\n", "\nFrom x\n"});
  return rc::gen::map(
      rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(gen_line(300), line_end)),
      [](const std::vector<std::pair<std::string, std::string>>& lines) {
        std::string text;
        for (const auto& [line, end] : lines) text += line + end;
        return text;
      });
}

// One Python process reads all of them: starting one for each would take minutes.
TEST(Mime, WhateverTheTextPythonReadsTheSame) {
  const TemporaryFolder folder;
  std::string cases;
  const auto add = [&](EmailMessage message, const std::string& custom) {
    message.headers = {{"X-Custom", custom}};
    if (message.text.empty() && message.html.empty()) message.text = "x";
    const auto result = build_mime(message);
    if (!result) return false;
    const std::array<std::string_view, 6> fields = {result->data,    message.from.name, message.to.name,
                                                    message.subject, message.text,      message.html};
    for (const std::string_view field : fields) cases += base64_text(field) + "\t";
    cases += base64_text(custom) + "\n";
    return true;
  };
  EXPECT_TRUE(add(sample_message(), "plain"));
  const bool all_built = rc::check("valid text always builds", [&] {
    EmailMessage message = sample_message();
    message.from.name = *gen_line(200);
    message.to.name = *gen_line(200);
    message.subject = *gen_line(400);
    message.text = *gen_body();
    message.html = *gen_body();
    RC_ASSERT(add(message, *gen_line(400)));
  });
  EXPECT_TRUE(all_built);
  const std::string path = folder.write("cases", cases);
  EXPECT_EQ(run("python3 " TERRENO_VERIFY_MAIL " parse " + path), 0);
}

TEST(Mime, LinesStayWithinTheirLimits) {
  EXPECT_TRUE(rc::check("header lines fold at 78, body lines at 76", [] {
    EmailMessage message = sample_message();
    message.subject = *gen_line(400);
    message.from.name = *gen_line(200);
    message.text = *gen_body();
    message.html = message.text.empty() ? "x" : message.text;
    const std::string data = built(message);
    for (size_t at = 0; at < data.size();) {
      const size_t end = data.find("\r\n", at);
      RC_ASSERT(end != std::string::npos);
      RC_ASSERT(end - at <= 78);
      at = end + 2;
    }
  }));
}

}  // namespace
}  // namespace terreno::channels
