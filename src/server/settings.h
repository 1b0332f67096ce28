#pragma once

// How the program is told to run: flags, then environment (`TERRENO_…`), then the file of `--config`, then defaults.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/smtp/smtp.h"
#include "base/document.h"
#include "base/time.h"

namespace terreno::server {

struct Settings {
  std::string data_folder = "terreno-data";
  std::string listen = "127.0.0.1:8080";
  std::string key_file;  ///< empty: beside the data folder
  unsigned threads = 2;  ///< of the HTTP server
  uint64_t memory_mib = 2048;
  /// How often state is written to the store, and a copy of the store is kept: what a restart has to replay.
  Duration commit_every = seconds(10);
  Duration checkpoint_every = minutes(5);
  /// Where mail goes when Live; unset: the mail server of this machine, port 25.
  smtp::SmtpSettings mail;
  bool is_clock_manual = false;
  Timestamp clock_start;
  bool is_demo = false;
};

/// Reads a configuration file into `settings`; only what it names is changed. Findings have lines.
void read_settings_file(const std::string& path, const std::string& text, Settings& settings,
                        std::vector<Finding>& findings);
/// TERRENO_DATA, TERRENO_LISTEN, TERRENO_KEY_FILE.
void read_environment(Settings& settings);

/// `address:port`, `[::1]:port`. False: neither.
[[nodiscard]] bool split_listen(const std::string& listen, std::string& address, uint16_t& port);

}  // namespace terreno::server
