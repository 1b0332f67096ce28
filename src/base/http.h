#pragma once

// HTTP as the rest of the program sees it: a request, a response, and a responder that answers it. The server behind it
// is adapters/http; routes are api/. In base because adapters, api and server need the same words.
//
// 1. A Request and every view into it live until its handler returns. Who answers later copies what is needed.
// 2. A request is answered once: the first answer, from whichever thread, wins; what comes after it is ignored.
// 3. A header line is never split: names and values with CR, LF or NUL do not reach the wire.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace terreno::http {

enum class Method : uint8_t { get, head, post, put, patch, delete_, options, other };
/// `GET`, `DELETE` …; empty for `other`.
[[nodiscard]] std::string_view name_of(Method method);
[[nodiscard]] Method method_from(std::string_view name);

struct Header {
  std::string_view name;
  std::string_view value;
};

/// Decodes %XX; nullopt when an escape is malformed or when the result holds a control character.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
/// The same for a query: `+` is a space, and control characters stay, since JSON may hold line breaks.
[[nodiscard]] std::optional<std::string> query_decode(std::string_view text);
/// Encodes all but letters, digits and `-._~`.
[[nodiscard]] std::string percent_encode(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

struct Request {
  Method method = Method::get;
  std::string_view method_text;     ///< as sent, also for `other`
  std::string_view target;          ///< as sent: path and query, escaped
  std::string_view raw_path;        ///< the target before `?`, escaped: what a router splits at `/`
  std::string path;                 ///< raw_path decoded, for logs and look-ups; `%2F` has become a slash here
  std::string_view query;           ///< after `?`, escaped; may be empty
  std::vector<Header> headers;      ///< in the order sent
  std::string_view body;            ///< whole, without transfer coding; content coding (gzip) is the handler's
  std::string_view client_address;  ///< the connection's peer, without port: `192.0.2.1`, `2001:db8::1`

  /// The first header of that name, in any case; nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// The first parameter of that name, decoded; nullopt when there is none or its escapes are malformed.
  [[nodiscard]] std::optional<std::string> query_parameter(std::string_view name) const;
  /// All of them, decoded, in order; parameters with malformed escapes are left out.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> query_parameters() const;
  /// The value of a cookie, as sent.
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const;
};

/// Sets `target` and what is derived from it. False: the path has a malformed escape or a control character.
[[nodiscard]] bool set_target(Request& request, std::string_view target);

/// A body is made for this answer, shared with other answers, or a constant of the program.
using Body = std::variant<std::string_view, std::string, std::shared_ptr<const std::string>>;

struct Response {
  uint16_t status = 200;
  /// A constant of the program (`application/json`), or empty.
  std::string_view content_type;
  /// Further lines, each ended by CRLF; use `add_header`. The server adds Date, Content-Length and Connection.
  std::string header_lines;
  /// A string_view must point to what lives as long as the program.
  Body body;

  /// Ignored, and false, when the name is no token or the value holds CR, LF or NUL.
  bool add_header(std::string_view name, std::string_view value);
  [[nodiscard]] std::string_view body_view() const;
  /// The first header of that name among `header_lines`.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// `OK`, `Not Found` …; `Unknown` for what has no common phrase.
[[nodiscard]] std::string_view reason_phrase(uint16_t status);

enum class Pushed : uint8_t {
  queued,
  full,    ///< the client reads too slowly: nothing of this push was taken; leave it out or close the stream
  closed,  ///< the client went away, or the stream was closed
};

/// What a server gives to a responder: one request waiting for its answer. Implemented by adapters/http and, for tests,
/// by http_testing.h. `serial` tells the requests of one connection apart, so that a late answer to an earlier one is
/// ignored.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void answer(uint64_t serial, Response response) = 0;
  virtual void start_stream(uint64_t serial, Response head) = 0;
  virtual Pushed push(uint64_t serial, std::string bytes) = 0;
  virtual void close_stream(uint64_t serial) = 0;
};

/// A body without an end, such as server-sent events. Copyable, thread-safe; does not block.
class Stream {
 public:
  Stream(std::shared_ptr<Exchange> exchange, uint64_t serial) : exchange_(std::move(exchange)), serial_(serial) {}
  /// Queues bytes; what waits is bounded (`HttpServerOptions::stream_bytes_max`).
  Pushed push(std::string bytes) { return exchange_->push(serial_, std::move(bytes)); }
  /// Ends the body after what is queued.
  void close() { exchange_->close_stream(serial_); }

 private:
  std::shared_ptr<Exchange> exchange_;
  uint64_t serial_;
};

/// Answers one request. Copyable, thread-safe, does not block. A request that nobody answers is answered 500 by the
/// server after its handler timeout.
class Responder {
 public:
  Responder(std::shared_ptr<Exchange> exchange, uint64_t serial) : exchange_(std::move(exchange)), serial_(serial) {}
  void answer(Response response) const { exchange_->answer(serial_, std::move(response)); }
  /// Sends the head now and keeps the connection for pushes. The body of `head` is sent as the first bytes.
  [[nodiscard]] Stream start_stream(Response head) const {
    exchange_->start_stream(serial_, std::move(head));
    return {exchange_, serial_};
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  uint64_t serial_;
};

/// Called on a server thread; must not block. Several requests are handled at the same time.
using Handler = std::function<void(const Request&, Responder)>;

/// Why the server itself refuses a request whose head it could read.
enum class Refusal : uint8_t {
  body_too_large,  ///< 413
  body_timeout,    ///< 408: the body did not arrive in time
  busy,            ///< 429: the bodies being received fill their memory
  stopping,        ///< 503: the server drains
  unanswered,      ///< 500: the handler did not answer in time
};
[[nodiscard]] uint16_t status_of(Refusal refusal);
/// `payload_too_large`, `request_timeout`, `too_many_requests`, `stopping`, `internal_error`: the code in the error's
/// body.
[[nodiscard]] std::string_view code_of(Refusal refusal);
/// Gives such a refusal the form its reader expects (tracking: CORS, code and message). The request has no body.
using RefusalHandler = std::function<Response(const Request&, Refusal)>;

}  // namespace terreno::http
