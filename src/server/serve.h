#pragma once

#include <string>

namespace terreno::server {

struct ServeOptions {
  std::string data_folder;
  std::string listen = "127.0.0.1:8080";
  unsigned threads = 1;  ///< of the HTTP server
};

/// Takes events in and makes them durable, without applying them (`serve --role intake`), until SIGINT or SIGTERM.
/// Blocks. Returns the exit code; what went wrong is on standard error.
int serve_intake(const ServeOptions& options);

/// Creates the data folder and its first source, and prints the write key on standard output. A folder that has one
/// already is left as it is and is an error.
int init(const std::string& data_folder, const std::string& source_name, const std::string& source_kind, bool as_json);

}  // namespace terreno::server
