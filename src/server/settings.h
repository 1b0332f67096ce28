#pragma once

// How the program is told to run: flags, then environment (`TERRENO_…`), then the file of `--config`, then what the
// folder keeps, then defaults.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/smtp/smtp.h"
#include "base/document.h"
#include "base/time.h"
#include "server/sentences.h"

namespace terreno::server {

inline constexpr unsigned kThreadsMax = 64;
inline constexpr uint64_t kMemoryMibMin = 1;
inline constexpr uint64_t kMemoryMibMax = 1 << 20;

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
  /// Where the world reaches this program, `https://crm.example.org`. Unset: what the folder keeps.
  std::optional<std::string> public_base_url;
  /// Addresses and blocks of the proxies whose X-Forwarded-For is believed. Unset: what the folder keeps.
  std::optional<std::vector<std::string>> trusted_proxies;
  bool is_clock_manual = false;
  Timestamp clock_start;
  bool is_demo = false;
};

/// Reads a configuration file into `settings`; only what it names is changed. Findings have lines.
void read_settings_file(const std::string& path, const std::string& text, Settings& settings,
                        std::vector<Finding>& findings);
/// TERRENO_DATA, TERRENO_LISTEN, TERRENO_KEY_FILE, TERRENO_PUBLIC_BASE_URL, TERRENO_TRUSTED_PROXIES, TERRENO_THREADS,
/// TERRENO_MEMORY_MIB. Error: the one that cannot be used, and why.
[[nodiscard]] std::expected<void, Sentence> read_environment(Settings& settings);
/// `10.0.0.7, 10.1.0.0/16`
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);
/// What can be said of the whole before anything is opened: the address, the URL, the proxies.
[[nodiscard]] std::expected<void, Sentence> check_settings(const Settings& settings);

/// `address:port`, `[::1]:port`. False: neither.
[[nodiscard]] bool split_listen(const std::string& listen, std::string& address, uint16_t& port);

}  // namespace terreno::server
