#include "adapters/smtp/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "adapters/crypto/crypto.h"
#include "base/check.h"

namespace terreno::smtp {

namespace {

constexpr std::string_view kEnd = "\r\n.\r\n";

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

std::string describe(std::string_view what, const Reply& reply) {
  return fmt::format("{}: {} {}", what, reply.code, reply.text);
}

}  // namespace

Stage Session::stage() const {
  if (awaited_.empty()) return Stage::idle;
  switch (awaited_.front()) {
    case Awaited::greeting:
      return Stage::greeting;
    case Awaited::hello:
      return Stage::hello;
    case Awaited::starttls:
      return Stage::starttls;
    case Awaited::authentication:
      return Stage::authentication;
    case Awaited::reset:
    case Awaited::mail:
      return Stage::mail;
    case Awaited::recipient:
      return Stage::recipient;
    case Awaited::data:
    case Awaited::empty_data:
      return Stage::data;
    case Awaited::end:
      return end_exposed_ ? Stage::end : Stage::body;
    case Awaited::quit:
      return Stage::idle;
  }
  return Stage::idle;
}

Session::Step Session::on_bytes(std::string_view bytes) {
  parser_.feed(bytes);
  while (auto reply = parser_.next()) {
    const Step step = take(*reply);
    if (step != Step::proceed) return step;
  }
  if (parser_.failed()) {
    failure_ = "the server's answer is not SMTP";
    return Step::close;
  }
  return Step::proceed;
}

Session::Step Session::on_tls() {
  tls_done_ = true;
  hello();
  return Step::proceed;
}

Session::Step Session::fail_session(const Reply& reply, std::string_view what) {
  failure_ = describe(what, reply);
  phase_ = Phase::closed;
  return Step::close;
}

Session::Step Session::take(const Reply& reply) {
  if (awaited_.empty()) return fail_session(reply, "unasked");
  const Awaited what = awaited_.front();
  // A reply to the end that comes before the end has gone keeps its place until it has been understood.
  if (what != Awaited::end) awaited_.pop_front();
  switch (what) {
    case Awaited::greeting:
      if (!reply.is_success()) return fail_session(reply, "greeting");
      hello();
      return Step::proceed;
    case Awaited::hello:
      return take_hello(reply);
    case Awaited::starttls:
      if (!reply.is_success()) return fail_session(reply, "STARTTLS");
      if (parser_.has_rest()) {
        // Text that was slipped in before the encryption would be taken for the server's own (CVE-2011-0411).
        failure_ = "STARTTLS: the server sent text before the handshake";
        return Step::close;
      }
      return Step::start_tls;
    case Awaited::authentication:
      return take_authentication(reply);
    case Awaited::quit:
      return Step::close;
    case Awaited::reset:
    case Awaited::mail:
    case Awaited::recipient:
    case Awaited::data:
    case Awaited::empty_data:
    case Awaited::end:
      return take_message_reply(what, reply);
  }
  return Step::close;
}

void Session::hello() {
  phase_ = Phase::hello;
  command(fmt::format("EHLO {}\r\n", settings_.helo_name), Awaited::hello);
}

Session::Step Session::take_hello(const Reply& reply) {
  can_pipeline_ = can_smtputf8_ = can_eight_bit_ = can_starttls_ = can_size_ = false;
  mechanisms_.clear();
  const bool needs_extensions =
      settings_.security == Security::starttls || settings_.authentication != Authentication::none;
  if (reply.is_permanent() && phase_ == Phase::hello && !needs_extensions) {
    // A server from before RFC 1869. `starttls` stands for "already fell back": it cannot occur without extensions.
    phase_ = Phase::starttls;
    command(fmt::format("HELO {}\r\n", settings_.helo_name), Awaited::hello);
    return Step::proceed;
  }
  if (!reply.is_success()) return fail_session(reply, "EHLO");
  std::string_view rest = reply.text;
  bool first = true;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line = upper(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (std::exchange(first, false)) continue;
    if (line == "PIPELINING") can_pipeline_ = settings_.pipelining;
    if (line == "SMTPUTF8") can_smtputf8_ = true;
    if (line == "8BITMIME") can_eight_bit_ = true;
    if (line == "STARTTLS") can_starttls_ = true;
    if (line == "SIZE" || line.starts_with("SIZE ")) {
      can_size_ = true;
      size_max_ = 0;
      if (line.size() > 5) std::from_chars(line.data() + 5, line.data() + line.size(), size_max_);
    }
    // `AUTH=` is how servers spelt it before the standard.
    if (line.starts_with("AUTH ") || line.starts_with("AUTH=")) mechanisms_ += " " + line.substr(5) + " ";
  }
  if (settings_.security == Security::starttls && !tls_done_) {
    if (!can_starttls_) {
      failure_ = "the server does not offer STARTTLS";
      return Step::close;
    }
    phase_ = Phase::starttls;
    command("STARTTLS\r\n", Awaited::starttls);
    return Step::proceed;
  }
  if (settings_.authentication != Authentication::none) {
    const bool plain = settings_.authentication == Authentication::plain;
    if (mechanisms_.find(plain ? " PLAIN " : " LOGIN ") == std::string::npos) {
      failure_ = fmt::format("the server does not offer AUTH {}", plain ? "PLAIN" : "LOGIN");
      return Step::close;
    }
    authenticate();
    return Step::proceed;
  }
  phase_ = Phase::ready;
  return Step::proceed;
}

void Session::authenticate() {
  phase_ = Phase::authentication;
  if (settings_.authentication == Authentication::plain) {
    // RFC 4616: no authorisation identity.
    std::string text(1, '\0');
    text += settings_.user;
    text += '\0';
    text += settings_.password.reveal();
    command(fmt::format("AUTH PLAIN {}\r\n", crypto::base64(text)), Awaited::authentication);
  } else {
    command("AUTH LOGIN\r\n", Awaited::authentication);
  }
}

Session::Step Session::take_authentication(const Reply& reply) {
  if (reply.is_success()) {
    phase_ = Phase::ready;
    return Step::proceed;
  }
  if (reply.code == 334 && settings_.authentication == Authentication::login && authentication_step_ < 2) {
    const std::string& answer = authentication_step_++ == 0 ? settings_.user : settings_.password.reveal();
    command(crypto::base64(answer) + "\r\n", Awaited::authentication);
    return Step::proceed;
  }
  return fail_session(reply, "AUTH");
}

void Session::append_chunk(Source source, size_t offset, size_t size) {
  if (size == 0) return;
  // Commands that follow one another leave in one view, but never behind the end of a message within its own.
  if (!chunks_.empty() && source == Source::command && chunks_.back().source == source &&
      chunks_.back().offset + chunks_.back().size == offset) {
    chunks_.back().size += size;
    return;
  }
  chunks_.push_back({source, offset, size});
}

void Session::command(std::string_view text, Awaited awaited) {
  append_chunk(Source::command, commands_.size(), text.size());
  commands_ += text;
  awaited_.push_back(awaited);
}

void Session::quit() {
  if (phase_ != Phase::ready || current_) return;
  phase_ = Phase::quitting;
  command("QUIT\r\n", Awaited::quit);
}

bool Session::is_supported(Submission& submission) {
  const Envelope& envelope = submission.envelope;
  const bool too_large = can_size_ && size_max_ > 0 && envelope.data->size() > size_max_;
  if (!too_large && (!envelope.needs_smtputf8 || can_smtputf8_)) return true;
  Outcome outcome;
  outcome.attempt = envelope.attempt;
  outcome.attempt_number = envelope.attempt_number;
  outcome.reason = Reason::unsupported;
  outcome.stage = Stage::mail;
  outcome.detail = too_large ? fmt::format("the server takes at most {} bytes", size_max_)
                             : "the address needs SMTPUTF8, which the server does not offer";
  on_outcome(submission, std::move(outcome));
  return false;
}

void Session::begin(Submission submission) {
  TERRENO_CHECK(is_ready(), "a message was handed to a session that is not ready");
  if (!is_supported(submission)) return;
  current_ = std::move(submission);
  body_begun_ = end_exposed_ = false;
  refused_.reset();
  send_envelope(*current_);
}

void Session::send_envelope(const Submission& submission) {
  const Envelope& envelope = submission.envelope;
  if (std::exchange(needs_reset_, false)) command("RSET\r\n", Awaited::reset);
  std::string mail = "MAIL FROM:<" + envelope.from + ">";
  if (can_size_) mail += fmt::format(" SIZE={}", envelope.data->size());
  if (envelope.needs_smtputf8) mail += can_eight_bit_ ? " BODY=8BITMIME SMTPUTF8" : " SMTPUTF8";
  command(mail += "\r\n", Awaited::mail);
  if (!can_pipeline_) return;
  command("RCPT TO:<" + envelope.to + ">\r\n", Awaited::recipient);
  command("DATA\r\n", Awaited::data);
}

void Session::send_body() {
  body_begun_ = true;
  const std::string& data = *current_->envelope.data;
  const size_t size = data.ends_with("\r\n") ? data.size() - 2 : data.size();
  const std::string_view body(data.data(), size);
  // Dot-stuffing without copying: a line that starts with a dot is sent from that dot on, twice.
  size_t start = 0;
  if (body.starts_with('.')) append_chunk(Source::body, 0, 1);
  for (size_t at = body.find("\r\n."); at != std::string_view::npos; at = body.find("\r\n.", at + 2)) {
    append_chunk(Source::body, start, at + 3 - start);
    start = at + 2;
  }
  append_chunk(Source::body, start, size - start);
  append_chunk(Source::end, 0, kEnd.size());
  awaited_.push_back(Awaited::end);
  if (!can_pipeline_) return;
  do {
    next_ = on_next();
  } while (next_ && !is_supported(*next_));
  if (next_) send_envelope(*next_);
}

Session::Step Session::take_message_reply(Awaited what, const Reply& reply) {
  const auto refuse = [&](Stage stage) {
    if (refused_) return;
    Outcome outcome;
    outcome.stage = stage;
    outcome.reason = reply.is_permanent() ? Reason::permanent : Reason::temporary;
    outcome.reply = reply;
    refused_ = std::move(outcome);
  };
  if (what == Awaited::end) {
    const bool end_pending =
        std::any_of(chunks_.begin(), chunks_.end(), [](const Chunk& chunk) { return chunk.source == Source::end; });
    const bool is_refusal = reply.is_temporary() || reply.is_permanent();
    if (!is_refusal && (end_pending || !reply.is_success()))
      return fail_session(reply, "before the end of the message");
    awaited_.pop_front();
    if (is_refusal) {
      const Stage stage = end_exposed_ ? Stage::end : Stage::body;
      conclude(OutcomeKind::not_sent, reply.is_permanent() ? Reason::permanent : Reason::temporary, stage, reply);
      // The server stopped reading in the middle; what it would make of the rest is anybody's guess.
      if (end_pending) return fail_session(reply, "during the message");
    } else {
      conclude(OutcomeKind::sent, Reason::accepted, Stage::end, reply);
    }
    return reply.code == 421 ? fail_session(reply, "closing") : Step::proceed;
  }
  if (what == Awaited::reset) return reply.is_success() ? Step::proceed : fail_session(reply, "RSET");
  if (what == Awaited::mail && reply.code == 421 && answered_ > 0) {
    // The server ends a connection that it has served before: nothing is wrong with this message.
    return fail_session(reply, "closing");
  }
  if (reply.code < 400 && (what == Awaited::mail || what == Awaited::recipient)) {
    if (!reply.is_success()) return fail_session(reply, "envelope");
    if (!can_pipeline_) {
      const bool is_mail = what == Awaited::mail;
      command(is_mail ? "RCPT TO:<" + current_->envelope.to + ">\r\n" : "DATA\r\n",
              is_mail ? Awaited::recipient : Awaited::data);
    }
    return Step::proceed;
  }
  if (what == Awaited::mail || what == Awaited::recipient) {
    refuse(what == Awaited::mail ? Stage::mail : Stage::recipient);
    // RCPT was refused inside an open transaction, which a second MAIL would collide with.
    needs_reset_ = what == Awaited::recipient || needs_reset_;
    if (can_pipeline_ && reply.code != 421) return Step::proceed;
    return after_message();
  }
  if (what == Awaited::data && reply.code == 354) {
    if (refused_) {
      // RFC 2920, 3.1: a server that wants data although nobody is to get it is given an empty message.
      command(".\r\n", Awaited::empty_data);
      return Step::proceed;
    }
    if (!is_valid(*current_)) {
      conclude(OutcomeKind::not_sent, Reason::expired, Stage::data, {});
      failure_ = "the claim ran out before the body";
      return Step::close;
    }
    send_body();
    return Step::proceed;
  }
  if (what == Awaited::data && reply.code < 400) return fail_session(reply, "DATA");
  if (what == Awaited::data) {
    refuse(Stage::data);
    needs_reset_ = true;
  } else {
    needs_reset_ = false;
  }
  return after_message();
}

Session::Step Session::after_message() {
  const int code = refused_ ? refused_->reply.code : 0;
  if (refused_) conclude(OutcomeKind::not_sent, refused_->reason, refused_->stage, refused_->reply);
  return code == 421 ? Step::close : Step::proceed;
}

void Session::conclude(OutcomeKind kind, Reason reason, Stage stage, const Reply& reply, std::string_view detail) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.reason = reason;
  outcome.stage = stage;
  outcome.reply = reply;
  outcome.detail = detail;
  outcome.names_recipient = kind == OutcomeKind::not_sent && reply_names_recipient(reply, stage);
  Submission done = std::move(*current_);
  current_ = std::move(next_);
  next_.reset();
  body_begun_ = end_exposed_ = false;
  refused_.reset();
  ++answered_;
  outcome.attempt = done.envelope.attempt;
  outcome.attempt_number = done.envelope.attempt_number;
  on_outcome(done, std::move(outcome));
}

std::string_view Session::bytes_of(const Chunk& chunk) const {
  switch (chunk.source) {
    case Source::command:
      return std::string_view(commands_).substr(chunk.offset, chunk.size);
    case Source::body:
      return std::string_view(*current_->envelope.data).substr(chunk.offset, chunk.size);
    case Source::end:
      return kEnd.substr(chunk.offset, chunk.size);
  }
  return {};
}

size_t Session::pending(std::string_view* views, size_t count) const {
  count = std::min(count, chunks_.size());
  for (size_t i = 0; i < count; ++i) views[i] = bytes_of(chunks_[i]);
  return count;
}

void Session::may_leave(size_t size) {
  size_t at = 0;
  for (const Chunk& chunk : chunks_) {
    if (at >= size) break;
    if (chunk.source == Source::end) end_exposed_ = true;
    at += chunk.size;
  }
}

void Session::on_written(size_t size) {
  may_leave(size);
  while (size > 0) {
    Chunk& chunk = chunks_.front();
    const size_t taken = std::min(size, chunk.size);
    chunk.offset += taken;
    chunk.size -= taken;
    size -= taken;
    if (chunk.size == 0) chunks_.pop_front();
  }
  if (chunks_.empty()) commands_.clear();
}

std::vector<Submission> Session::on_lost(Reason reason, std::string_view detail, uint32_t moves_max) {
  std::vector<Submission> moved;
  phase_ = Phase::closed;
  chunks_.clear();
  const Stage where = stage();
  bool is_first = true;
  while (current_) {
    // Only the first of the two can have begun its body; the second waits for the first one's answer.
    const bool began = is_first && body_begun_;
    // A server that is too slow for one message would be too slow for it again.
    const bool may_move = !began && current_->moves < moves_max && (!is_first || reason == Reason::connection_lost);
    if (is_first && end_exposed_) {
      conclude(OutcomeKind::unknown, reason, Stage::end, {}, detail);
    } else if (refused_) {
      conclude(OutcomeKind::not_sent, refused_->reason, refused_->stage, refused_->reply);
    } else if (may_move) {
      ++current_->moves;
      moved.push_back(std::move(*current_));
      current_ = std::move(next_);
      next_.reset();
    } else {
      conclude(OutcomeKind::not_sent, reason, is_first ? where : Stage::mail, {}, detail);
    }
    is_first = false;
  }
  awaited_.clear();
  return moved;
}

}  // namespace terreno::smtp
