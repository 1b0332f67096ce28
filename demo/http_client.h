#pragma once

// A small blocking HTTP client for one server that the demonstration itself started: one connection, kept open.

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace terreno::demo {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::string cookie;  ///< `name=value` of the first Set-Cookie; empty: none
  [[nodiscard]] bool is_fine() const { return status >= 200 && status < 300; }
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Thread: one. An answer is at most 16 MiB.
class HttpClient {
 public:
  /// `origin` such as `http://127.0.0.1:8080`: an address, or localhost.
  explicit HttpClient(std::string_view origin);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Connects when it must; a connection that the server had closed meanwhile is opened again, once. Requests here
  /// carry a messageId or an idempotency key, or may be repeated anyway. Error: what went wrong, in words.
  [[nodiscard]] std::expected<HttpAnswer, std::string> request(std::string_view method, std::string_view target,
                                                               const HttpHeaders& headers = {},
                                                               std::string_view body = {});

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace terreno::demo
