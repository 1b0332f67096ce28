#pragma once

// The commands that run the program.

#include <string>

#include "server/settings.h"

namespace terreno::server {

/// Serves until SIGINT or SIGTERM. Blocks; prints where it listens and, on an installation that nobody has signed in
/// to, the first-run link. Returns the exit code.
int serve(const Settings& settings, bool as_json);

/// Takes events in and makes them durable, without applying them (`serve --role intake`), until SIGINT or SIGTERM.
int serve_intake(const Settings& settings, bool as_json);

/// SIGINT and SIGTERM are blocked for all threads that start later, and waited for by `wait_for_end`.
class EndSignals {
 public:
  EndSignals();
  /// Returns at a signal, or after `raise`.
  void wait();
  /// From any thread.
  void raise();

 private:
  unsigned long main_thread_;
};

}  // namespace terreno::server
