#pragma once

// The whole program, running: engine, delivery, API, console, on one data folder.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "server/settings.h"

namespace terreno::server {

/// Why it does not start: what, and what to do about it.
struct StartError {
  std::string what;
  std::string remedy;
  std::string code{};  ///< for programs; empty: none
};

class Server {
 public:
  /// Opens the folder, or makes it, and serves. `on_stopped` is called once, from any thread, when the program must end
  /// because a disk refused; it must not call the server. `on_caught_up` is called once, from a thread of the
  /// server's, when what the journal held at the start is applied, with the number of records; it may be empty.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, StartError> start(
      Settings settings, std::function<void()> on_stopped, std::function<void(uint64_t replayed)> on_caught_up = {});
  /// stop() when it was not called.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] uint16_t port() const;
  /// `http://127.0.0.1:8080`
  [[nodiscard]] std::string url() const;
  /// The link of an installation that nobody has signed in to, or of a demonstration; otherwise empty.
  [[nodiscard]] std::string first_run_link() const;
  /// Another one, after which earlier ones stop working: a demonstration signs in by itself before anybody else does.
  /// Empty: somebody has signed in, and this is no demonstration.
  [[nodiscard]] std::string issue_first_run_link();
  /// What whoever started it should know, a line each: address, data folder, and where letters go.
  [[nodiscard]] std::vector<std::string> introduction() const;
  /// The folder was not in use for more than a day, or the clock went back: nothing fires until somebody accepts it.
  [[nodiscard]] bool is_time_held() const;
  /// Answers what is under way, sends what is claimed, writes a checkpoint. False: it did not stop cleanly, and the
  /// next start replays the journal. Idempotent.
  bool stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace terreno::server
