#pragma once

// The command line as a client of a running server.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <expected>
#include <string>
#include <string_view>

namespace terreno::server::cli {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::string cookie;  ///< of the first Set-Cookie, `name=value`; empty: none
  [[nodiscard]] bool is_fine() const { return status >= 200 && status < 300; }
  /// Null when the body is no JSON.
  [[nodiscard]] boost::json::value json() const;
};

struct HttpQuestion {
  std::string method = "GET";
  std::string target;  ///< path and query
  std::string body;
  /// A body is JSON unless a Content-Type here says otherwise.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A connection to one server, kept open between questions; connects again when it was closed. Not thread-safe.
class HttpClient {
 public:
  /// `http://host:port`; https is for a proxy in front of it, not for here.
  explicit HttpClient(std::string url);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// Blocks. Error: what went wrong, for a person.
  [[nodiscard]] std::expected<HttpAnswer, std::string> ask(const HttpQuestion& question);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `--server` and `--key`, from TERRENO_SERVER and TERRENO_TOKEN when they are not given.
struct ServerOption {
  std::string url = "http://localhost:8080";
  std::string key;
  void add_to(CLI::App& command);
  /// Asks with the key. What is no 2xx is told on standard error, and the exit code is given instead.
  [[nodiscard]] std::expected<boost::json::value, int> ask(std::string_view method, std::string_view target,
                                                           const boost::json::value& body = nullptr) const;
};

[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace terreno::server::cli
