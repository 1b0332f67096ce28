#pragma once

// Acts a story out on a running Terreno, through its public interface only: signs in with the first-run link, makes
// sources and a key, applies the documents, lives history by setting the clock, then goes on in real time.
//
// 1. The clock is moved only when everything that was sent is applied and no letter is under way, so that what follows
//    from an action happens at its time.
// 2. Actions that belong to one stretch of time are sent together, each with its own time of happening.

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "demo/people.h"
#include "demo/story.h"
#include "server/cli/client.h"

namespace terreno::demo {

/// Where history begins and ends: at most this long before now.
inline constexpr Duration kHistory = days(120);
/// Events that come later than an hour after they happened start no journey, so a stretch is shorter.
inline constexpr Duration kStretch = minutes(50);

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct RunFailure {
  std::string doing;   ///< what was being done
  std::string detail;  ///< status and code, never a body: it may be about a person
};

class Run {
 public:
  /// `origin` such as `http://127.0.0.1:8080`.
  Run(std::string origin, Organisation organisation) : http_(origin), organisation_(organisation) {}

  /// Redeems the token of a first-run link, and sets up what an organisation sets up. False: an earlier demonstration
  /// has lived here, and its documents stay as they are.
  [[nodiscard]] std::expected<bool, RunFailure> prepare(const std::string& token);
  /// Lives the story's history. `should_stop` is asked between stretches.
  [[nodiscard]] std::expected<void, RunFailure> live(const Story& story, const std::function<bool()>& should_stop);
  /// Sets the clock to `now` and lets it run from there.
  [[nodiscard]] std::expected<void, RunFailure> let_time_run(Timestamp now);
  [[nodiscard]] std::expected<void, RunFailure> act(const std::vector<Action>& actions);

 private:
  [[nodiscard]] std::expected<std::string, RunFailure> send(std::string_view doing, std::string_view method,
                                                            std::string_view target, const HttpHeaders& headers,
                                                            const std::string& body);
  [[nodiscard]] std::expected<std::string, RunFailure> ask(std::string_view doing, std::string_view method,
                                                           std::string_view target, const std::string& body = {});
  [[nodiscard]] std::expected<void, RunFailure> send_events(std::string_view write_key,
                                                            const std::vector<const Action*>& actions);
  [[nodiscard]] std::expected<void, RunFailure> settle();
  [[nodiscard]] std::expected<void, RunFailure> correct(const Action& action);
  [[nodiscard]] std::expected<void, RunFailure> unsubscribe(const Action& action);
  [[nodiscard]] std::expected<void, RunFailure> set_sender(const HttpHeaders& session);

  server::cli::HttpClient http_;
  Organisation organisation_;
  std::string key_;          ///< of a program that may do what the story's people and systems do
  std::string browser_key_;  ///< write key of the site
  std::string server_key_;   ///< write key of their own systems
};

}  // namespace terreno::demo
