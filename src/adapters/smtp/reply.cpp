#include "adapters/smtp/reply.h"

#include <algorithm>

namespace terreno::smtp {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads `5.1.1` at the start of a line; a blank or the end must follow.
EnhancedCode read_enhanced(std::string_view text, int code) {
  if (text.size() < 5 || text[0] != static_cast<char>('0' + code / 100) || text[1] != '.') return {};
  EnhancedCode enhanced{static_cast<uint8_t>(code / 100), 0, 0};
  size_t at = 2;
  const auto number = [&](uint16_t& value) {
    const size_t start = at;
    for (; at < text.size() && at - start < 3 && is_digit(text[at]); ++at) {
      value = static_cast<uint16_t>(value * 10 + (text[at] - '0'));
    }
    return at > start;
  };
  if (!number(enhanced.subject) || at >= text.size() || text[at++] != '.' || !number(enhanced.detail)) return {};
  if (at < text.size() && text[at] != ' ') return {};
  return enhanced;
}

}  // namespace

bool ReplyParser::take_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) {
    failed_ = true;
    return false;
  }
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  const bool more = line.size() > 3 && line[3] == '-';
  // A code alone is a whole reply; anything but a blank or a hyphen behind it is not SMTP.
  const bool is_line = line.size() == 3 || line[3] == ' ' || more;
  if (!is_line || ++lines_ > kReplyLinesMax || (lines_ > 1 && code != reply_.code)) {
    failed_ = true;
    return false;
  }
  reply_.code = code;
  const std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view();
  if (lines_ == 1) reply_.enhanced = read_enhanced(text, code);
  if (lines_ > 1 && reply_.text.size() < kReplyTextMax) reply_.text += '\n';
  for (const char c : text.substr(0, std::min(text.size(), kReplyTextMax - reply_.text.size()))) {
    reply_.text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return !more;
}

std::optional<Reply> ReplyParser::next() {
  while (!failed_) {
    const size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      if (buffer_.size() - at_ > kReplyLineMax) failed_ = true;
      if (at_ > 0) {
        buffer_.erase(0, at_);
        scanned_ -= at_;
        at_ = 0;
      }
      return std::nullopt;
    }
    if (end - at_ > kReplyLineMax) {
      failed_ = true;
      return std::nullopt;
    }
    const std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
    at_ = scanned_ = end + 1;
    if (!take_line(line)) continue;
    Reply reply = std::move(reply_);
    reply_ = {};
    lines_ = 0;
    return reply;
  }
  return std::nullopt;
}

bool reply_names_recipient(const Reply& reply, Stage stage) {
  if (!reply.is_permanent()) return false;
  if (stage != Stage::recipient && stage != Stage::data && stage != Stage::end) return false;
  const EnhancedCode& code = reply.enhanced;
  if (code.is_given()) {
    if (code.subject == 1) {
      return code.detail == 1 || code.detail == 2 || code.detail == 3 || code.detail == 6 || code.detail == 10;
    }
    return code.subject == 2 && code.detail == 1;
  }
  return stage == Stage::recipient &&
         (reply.code == 550 || reply.code == 551 || reply.code == 553 || reply.code == 556);
}

}  // namespace terreno::smtp
