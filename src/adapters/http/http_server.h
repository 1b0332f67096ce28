#pragma once

// An HTTP/1.1 server.
//
// 1. Requests of one connection are handled one after the other; pipelined ones wait and are answered in order.
// 2. Every wait for a client has a limit, and so has everything a client makes the server hold.
// 3. A request whose head could be read gets an answer that its sender can understand (`refuse`), also when the body is
//    too large or too slow: the connection is then drained, within limits, so that the answer is not lost in a reset.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/http.h"
#include "base/time.h"

namespace terreno::http {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< an IP address: `0.0.0.0`, `::1`
  uint16_t port = 8080;               ///< 0: any free port, see `port()`
  /// A listening socket handed over by a supervisor; the server owns it then. -1: none, bind `address` and `port`.
  int inherited_socket = -1;
  int threads = 1;
  size_t body_bytes_max = 10 * 1024 * 1024;
  size_t head_bytes_max = 32 * 1024;  ///< request line and headers
  size_t connections_max = 10'000;    ///< what comes beyond waits in the kernel's queue
  /// Memory for bodies of all connections together; beyond it requests are answered 429.
  size_t body_bytes_total_max = 512UL * 1024 * 1024;
  size_t stream_bytes_max = 1024 * 1024;  ///< waiting for one slow reader of a stream
  Duration idle_timeout = seconds(75);    ///< between requests
  Duration head_timeout = seconds(15);    ///< from a request's first byte to the end of its headers
  Duration body_timeout = seconds(60);    ///< from there to the end of the body
  Duration handler_timeout = seconds(60);
  Duration write_timeout = seconds(30);  ///< without any progress
  Duration linger_timeout = seconds(5);  ///< reading on after an answer that came before the end of the body
};

enum class ServerErrc : uint8_t { address_malformed, address_in_use, permission_denied, listen_failed };
struct ServerError {
  ServerErrc code;
  std::string context;  ///< address, port and the system's word
};

struct HttpServerStats {
  uint64_t connections = 0;  ///< open now
  uint64_t accepted = 0;     ///< since start
  uint64_t requests = 0;     ///< handed to the handler
  uint64_t refused = 0;      ///< answered by the server itself
  uint64_t malformed = 0;    ///< connections closed because what they sent is no HTTP
};

/// Runs its own threads. All members may be called from any thread.
class HttpServer {
 public:
  /// Binds and starts to serve. `refuse` may be empty: then errors are `{"code":…,"message":…}`.
  [[nodiscard]] static std::expected<std::unique_ptr<HttpServer>, ServerError> start(HttpServerOptions options,
                                                                                     Handler handler,
                                                                                     RefusalHandler refuse = {});
  /// Stops at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] HttpServerStats stats() const;

  /// Accepts no more connections, closes idle ones and streams, answers what is under way with `Connection: close`, and
  /// returns when all are gone or after `patience`, then closes the rest. Idempotent.
  void drain(Duration patience);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace terreno::http
