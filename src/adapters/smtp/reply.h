#pragma once

// What an SMTP server says: reading its replies and knowing what they mean for the message.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace terreno::smtp {

/// Where in a connection or message something was said.
enum class Stage : uint8_t {
  connect,
  greeting,
  hello,
  starttls,
  authentication,
  mail,
  recipient,
  data,
  body,
  end,
  idle
};

/// RFC 3463, such as 5.1.1; all zero when the server gave none.
struct EnhancedCode {
  uint8_t kind = 0;
  uint16_t subject = 0;
  uint16_t detail = 0;
  [[nodiscard]] bool is_given() const { return kind != 0; }
  auto operator<=>(const EnhancedCode&) const = default;
};

struct Reply {
  int code = 0;  ///< 200 to 599
  EnhancedCode enhanced;
  /// The lines without their codes, joined by LF; at most kReplyTextMax bytes, the rest is dropped; printable, with `?`
  /// for control characters. May hold personal data.
  std::string text;

  [[nodiscard]] bool is_success() const { return code >= 200 && code < 300; }
  [[nodiscard]] bool is_temporary() const { return code >= 400 && code < 500; }
  [[nodiscard]] bool is_permanent() const { return code >= 500; }
};

inline constexpr size_t kReplyTextMax = 1024;
inline constexpr size_t kReplyLineMax = 4096;  ///< RFC 5321 has 512; some servers write novels
inline constexpr size_t kReplyLinesMax = 128;

/// Cuts a stream into replies. Feed bytes as they come; the input is hostile.
/// Rule: RFC 5321, 4.2; enhanced codes RFC 2034.
class ReplyParser {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  /// The next whole reply; nullopt when more bytes are needed or the stream is no SMTP (see `failed`).
  [[nodiscard]] std::optional<Reply> next();
  /// Something that is no reply came, or one beyond the bounds. Nothing more will.
  [[nodiscard]] bool failed() const { return failed_; }
  /// Bytes that belong to no whole reply yet. After the answer to STARTTLS there must be none.
  [[nodiscard]] bool has_rest() const { return at_ < buffer_.size() || lines_ > 0; }

 private:
  bool take_line(std::string_view line);

  std::string buffer_;
  size_t at_ = 0;       // read so far
  size_t scanned_ = 0;  // no line end before this
  Reply reply_;
  size_t lines_ = 0;
  bool failed_ = false;
};

/// Whether a permanent refusal at this stage says that the address takes no mail. A policy (5.7.x), the sender (5.1.7,
/// 5.1.8), a full mailbox (5.2.2) or the content do not.
/// Rule: RFC 3463, 3.2 and 3.3; RFC 7505 (5.1.10); without an enhanced code, RFC 5321, 4.2.3 at RCPT alone.
[[nodiscard]] bool reply_names_recipient(const Reply& reply, Stage stage);

}  // namespace terreno::smtp
