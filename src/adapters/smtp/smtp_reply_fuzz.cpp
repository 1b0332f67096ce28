// Hostile servers: their bytes in any cut, through the parser and through a whole session with a message in it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/smtp/session.h"
#include "base/check.h"

using namespace terreno;
using namespace terreno::smtp;

namespace {

void parse(std::string_view bytes, size_t cut) {
  ReplyParser whole;
  ReplyParser pieces;
  whole.feed(bytes);
  std::string first;
  std::string second;
  const auto drain = [](ReplyParser& parser, std::string& log) {
    while (const auto reply = parser.next()) {
      TERRENO_CHECK(reply->code >= 200 && reply->code < 600, "a code out of range");
      TERRENO_CHECK(reply->text.size() <= kReplyTextMax + 1, "a text beyond its bound");
      log += std::to_string(reply->code) + reply->text + "\n";
    }
  };
  drain(whole, first);
  for (size_t at = 0; at < bytes.size(); at += cut) {
    pieces.feed(bytes.substr(at, cut));
    drain(pieces, second);
  }
  TERRENO_CHECK(first == second && whole.failed() == pieces.failed(), "the cut changes what is read");
}

void converse(std::string_view bytes, size_t cut, bool pipelining) {
  SessionSettings settings;
  settings.helo_name = "fuzz.example";
  settings.pipelining = pipelining;
  Session session(settings);
  int begun = 0;
  int outcomes = 0;
  bool end_left = false;
  const auto message = [&] {
    ++begun;
    Submission submission;
    submission.envelope.from = "a@example.org";
    submission.envelope.to = "b@example.org";
    submission.envelope.data = std::make_shared<const std::string>("Subject: x\r\n\r\n.dot\r\n");
    return submission;
  };
  session.is_valid = [](const Submission&) { return true; };
  session.on_next = [&]() -> std::optional<Submission> {
    if (begun >= 3) return std::nullopt;
    return message();
  };
  session.on_outcome = [&](Submission&, const Outcome& outcome) {
    ++outcomes;
    TERRENO_CHECK(outcome.kind != OutcomeKind::sent || end_left, "sent without its end");
    TERRENO_CHECK(outcome.kind != OutcomeKind::unknown || end_left, "unknown although its end never left");
  };
  for (size_t at = 0; at < bytes.size(); at += cut) {
    if (session.on_bytes(bytes.substr(at, cut)) != Session::Step::proceed) break;
    if (session.is_ready() && begun < 3) session.begin(message());
    std::string_view view;
    while (session.pending(&view, 1) > 0) {
      if (view == "\r\n.\r\n") end_left = true;
      session.on_written(view.size());
    }
  }
  const size_t moved = session.on_lost(Reason::connection_lost, "end", 1).size();
  TERRENO_CHECK(static_cast<size_t>(begun) == static_cast<size_t>(outcomes) + moved, "a message without an outcome");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = static_cast<size_t>(data[0] >> 1) + 1;
  parse(bytes, cut);
  converse(bytes, cut, (data[0] & 1) != 0);
  return 0;
}
