#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/hash.h"
#include "channels/address.h"
#include "channels/encoding.h"

namespace terreno::channels {

namespace {

constexpr size_t kNameSizeMax = 256;
constexpr size_t kSubjectSizeMax = 1024;
constexpr size_t kHeaderNameSizeMax = 64;
constexpr size_t kMessageIdSizeMax = 250;
constexpr size_t kFeedbackIdSizeMax = 200;

// Written from fields of their own, or only by servers on the way; Bcc would reveal what it is meant to hide.
constexpr std::array<std::string_view, 30> kReservedHeaders = {"from",
                                                               "sender",
                                                               "reply-to",
                                                               "to",
                                                               "cc",
                                                               "bcc",
                                                               "subject",
                                                               "date",
                                                               "message-id",
                                                               "mime-version",
                                                               "content-type",
                                                               "content-transfer-encoding",
                                                               "content-disposition",
                                                               "content-id",
                                                               "content-description",
                                                               "list-unsubscribe",
                                                               "list-unsubscribe-post",
                                                               "feedback-id",
                                                               "auto-submitted",
                                                               "dkim-signature",
                                                               "return-path",
                                                               "received",
                                                               "authentication-results",
                                                               "received-spf",
                                                               "arc-seal",
                                                               "arc-message-signature",
                                                               "arc-authentication-results",
                                                               "delivered-to",
                                                               "resent-from",
                                                               "resent-to"};

std::unexpected<Error> fail(Errc code, std::string_view field, uint64_t limit = 0) {
  return std::unexpected(Error{code, std::string(field), limit});
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// RFC 5322, 3.3; by the civil calendar, without a locale.
void append_date(std::string& out, Timestamp time) {
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> instant{std::chrono::milliseconds(time.ms)};
  const auto day = floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{floor<std::chrono::seconds>(instant - day)};
  fmt::format_to(std::back_inserter(out), "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000",
                 kDays[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                 kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count());
}

void append_mailbox(std::string& out, std::string_view header, std::string_view name, const Address& address) {
  out += header;
  out += ": ";
  size_t column = header.size() + 2;
  const std::string text = "<" + address.text() + ">";
  if (name.empty()) {
    out += address.text();
  } else {
    column = append_phrase(out, column, name);
    out += column + 1 + text.size() > kFoldColumn ? "\r\n " : " ";
    out += text;
  }
  out += "\r\n";
}

void append_text_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ':';
  if (!value.empty()) {
    out += ' ';
    append_unstructured(out, name.size() + 2, value);
  }
  out += "\r\n";
}

void append_part_headers(std::string& out, std::string_view type) {
  out += "Content-Type: text/";
  out += type;
  out += "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
}

struct Mailboxes {
  Address from;
  std::optional<Address> reply_to;
  Address to;
  Address return_path;
  std::optional<Address> unsubscribe;
};

Result<Mailboxes> check_mailboxes(const EmailMessage& message) {
  Mailboxes boxes;
  TERRENO_TRY(boxes.from, parse_address(message.from.address, "from.address"));
  TERRENO_TRY_VOID(check_header_text(message.from.name, "from.name", kNameSizeMax));
  if (message.reply_to) {
    TERRENO_TRY(boxes.reply_to, parse_address(message.reply_to->address, "reply_to.address"));
    TERRENO_TRY_VOID(check_header_text(message.reply_to->name, "reply_to.name", kNameSizeMax));
  }
  TERRENO_TRY(boxes.to, parse_address(message.to.address, "to.address"));
  TERRENO_TRY_VOID(check_header_text(message.to.name, "to.name", kNameSizeMax));
  return boxes;
}

Result<void> check_body(std::string_view body, std::string_view field) {
  if (body.size() > kBodySizeMax) return fail(Errc::too_long, field, kBodySizeMax);
  if (body.find('\0') != std::string_view::npos) return fail(Errc::control_character, field);
  if (!is_utf8(body)) return fail(Errc::not_utf8, field);
  return {};
}

Result<void> check_custom_headers(const std::vector<Header>& headers) {
  if (headers.size() > kHeadersMax) return fail(Errc::too_many, "headers", kHeadersMax);
  for (size_t i = 0; i < headers.size(); ++i) {
    const Header& header = headers[i];
    const std::string field = fmt::format("headers[{}].name", i);
    if (header.name.empty()) return fail(Errc::missing, field);
    if (header.name.size() > kHeaderNameSizeMax) return fail(Errc::too_long, field, kHeaderNameSizeMax);
    if (!is_visible_ascii(header.name) || header.name.find(':') != std::string::npos) {
      return fail(Errc::malformed_header_name, field);
    }
    const std::string lower = lower_ascii(header.name);
    if (std::find(kReservedHeaders.begin(), kReservedHeaders.end(), lower) != kReservedHeaders.end()) {
      return fail(Errc::reserved_header, field);
    }
    TERRENO_TRY_VOID(check_header_text(header.value, fmt::format("headers[{}].value", i), kHeaderValueSizeMax));
  }
  return {};
}

Result<void> check_unsubscribe_url(std::string_view url) {
  if (url.empty()) return {};
  if (url.size() > kUrlSizeMax) return fail(Errc::too_long, "list_unsubscribe_url", kUrlSizeMax);
  // Angle brackets and commas would end the URL inside the header (RFC 2369, 2); a URL holds them percent-encoded.
  if (!url.starts_with("https://") || url.size() == 8 || !is_visible_ascii(url) ||
      url.find_first_of("<>\",\\") != std::string_view::npos) {
    return fail(Errc::malformed_url, "list_unsubscribe_url");
  }
  return {};
}

Result<void> check_message_id(std::string_view id) {
  if (id.empty()) return fail(Errc::missing, "message_id");
  if (id.size() > kMessageIdSizeMax) return fail(Errc::too_long, "message_id", kMessageIdSizeMax);
  const auto address = parse_address(id, "message_id");
  if (!address || address->needs_smtputf8 || address->local.starts_with('"') || !is_ascii(id)) {
    return fail(Errc::malformed_message_id, "message_id");
  }
  return {};
}

void append_headers(std::string& out, const EmailMessage& message, const Mailboxes& boxes) {
  append_mailbox(out, "From", message.from.name, boxes.from);
  append_mailbox(out, "To", message.to.name, boxes.to);
  if (boxes.reply_to) append_mailbox(out, "Reply-To", message.reply_to->name, *boxes.reply_to);
  append_text_header(out, "Subject", message.subject);
  out += "Date: ";
  append_date(out, message.date);
  out += "\r\nMessage-ID: <";
  out += message.message_id;
  out += ">\r\nMIME-Version: 1.0\r\n";
  if (!message.list_unsubscribe_url.empty() || boxes.unsubscribe) {
    out += "List-Unsubscribe: ";
    if (!message.list_unsubscribe_url.empty()) out += "<" + message.list_unsubscribe_url + ">";
    if (!message.list_unsubscribe_url.empty() && boxes.unsubscribe) out += ",\r\n ";
    if (boxes.unsubscribe) out += "<mailto:" + boxes.unsubscribe->text() + ">";
    out += "\r\n";
  }
  // RFC 8058, 3.1: only beside an https URL, for which a mail program posts this text.
  if (!message.list_unsubscribe_url.empty()) out += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  if (!message.feedback_id.empty()) out += "Feedback-ID: " + message.feedback_id + "\r\n";
  if (message.is_auto_submitted) out += "Auto-Submitted: auto-generated\r\n";
  for (const Header& header : message.headers) append_text_header(out, header.name, header.value);
}

void append_body(std::string& out, const EmailMessage& message) {
  if (message.text.empty() || message.html.empty()) {
    const bool is_text = message.html.empty();
    append_part_headers(out, is_text ? "plain" : "html");
    append_quoted_printable(out, is_text ? message.text : message.html);
    if (!out.ends_with("\r\n")) out += "\r\n";
    return;
  }
  // `=_` cannot occur in quoted-printable (RFC 2045, 6.7), so no body can hold the boundary.
  const std::string boundary = "=_terreno_" + hash128(message.message_id).hex();
  out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  out += "--" + boundary + "\r\n";
  append_part_headers(out, "plain");
  append_quoted_printable(out, message.text);
  out += "\r\n--" + boundary + "\r\n";
  append_part_headers(out, "html");
  append_quoted_printable(out, message.html);
  out += "\r\n--" + boundary + "--\r\n";
}

}  // namespace

Result<BuiltEmail> build_mime(const EmailMessage& message) {
  TERRENO_TRY(Mailboxes boxes, check_mailboxes(message));
  TERRENO_TRY_VOID(check_header_text(message.subject, "subject", kSubjectSizeMax));
  TERRENO_TRY_VOID(check_body(message.text, "text"));
  TERRENO_TRY_VOID(check_body(message.html, "html"));
  if (message.text.empty() && message.html.empty()) return fail(Errc::missing, "text");
  TERRENO_TRY_VOID(check_custom_headers(message.headers));
  TERRENO_TRY_VOID(check_unsubscribe_url(message.list_unsubscribe_url));
  if (!message.list_unsubscribe_mailto.empty()) {
    TERRENO_TRY(boxes.unsubscribe, parse_address(message.list_unsubscribe_mailto, "list_unsubscribe_mailto"));
    // The header holds a URL, in which only these need no escape (RFC 6068, 2).
    const std::string& local = boxes.unsubscribe->local;
    if (!std::all_of(local.begin(), local.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || c == '+'; })) {
      return fail(Errc::malformed_address, "list_unsubscribe_mailto");
    }
  }
  TERRENO_TRY_VOID(check_message_id(message.message_id));
  if (message.feedback_id.size() > kFeedbackIdSizeMax) return fail(Errc::too_long, "feedback_id", kFeedbackIdSizeMax);
  if (!is_visible_ascii(message.feedback_id)) return fail(Errc::control_character, "feedback_id");
  TERRENO_TRY(boxes.return_path, parse_address(message.return_path, "return_path"));

  BuiltEmail built;
  built.data.reserve(2048 + (message.text.size() + message.html.size()) * 9 / 8);
  append_headers(built.data, message, boxes);
  append_body(built.data, message);
  built.envelope_from = boxes.return_path.text();
  built.envelope_to = boxes.to.text();
  built.recipient_domain = boxes.to.domain;
  built.needs_smtputf8 = boxes.from.needs_smtputf8 || boxes.to.needs_smtputf8 || boxes.return_path.needs_smtputf8 ||
                         (boxes.reply_to && boxes.reply_to->needs_smtputf8);
  return built;
}

}  // namespace terreno::channels
