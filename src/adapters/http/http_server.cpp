// One Worker per thread: an event loop, its connections, and a queue of answers from other threads. A Connection lives
// on its worker's thread; only `answer`, `start_stream`, `push` and `close_stream` may be called from elsewhere, and
// they only queue.
//
// 1. `waiting_` holds the serial of the request that may be answered, and 0 otherwise: taking it is what makes the
// first
//    answer win.
// 2. `proceed` is the only loop: it moves a connection on until it has to wait for the client or for an answer, so that
//    a pipeline of a million requests needs no stack.
// 3. Buffers are kept from request to request, bodies of unusual size are given back (a fresh allocation per body costs
//    more than parsing it).

#include "adapters/http/http_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/check.h"
#include "base/thread.h"

namespace terreno::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kHeadBytesFirst = 8 * 1024;
constexpr size_t kBodyBytesFirst = 64 * 1024;
constexpr size_t kBodyBytesKept = 256 * 1024;
// A body above this is written beside its head instead of being copied behind it.
constexpr size_t kBodyBytesCopied = 16 * 1024;
// Requests served in a row for one connection before others get their turn.
constexpr int kTurnsMax = 16;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Bytes of known capacity, without the zeroing of std::string.
class Buffer {
 public:
  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t room() const { return capacity_ - size_; }
  [[nodiscard]] char* end() { return bytes_.get() + size_; }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }
  void grow_to(size_t capacity) {
    if (capacity <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }
  void added(size_t count) { size_ += count; }
  void append(std::string_view text) {
    if (!text.empty()) std::memcpy(end(), text.data(), text.size());
    size_ += text.size();
  }
  void remove_front(size_t count) {
    size_ -= count;
    if (size_ > 0) std::memmove(bytes_.get(), bytes_.get() + count, size_);
  }
  void clear() { size_ = 0; }
  void release() {
    bytes_.reset();
    capacity_ = size_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

// Collects a request's head into one string; the views are made when it is complete, since the string moves until then.
class HeadParser : public beast::http::basic_parser<true> {
 public:
  struct Span {
    size_t offset = 0;
    size_t size = 0;
  };
  HeadParser(std::string& head, std::vector<std::pair<Span, Span>>& fields, Buffer& body)
      : head_(&head), fields_(&fields), body_(&body) {
    head.clear();
    fields.clear();
  }

  Span method, target;
  int version = 11;
  /// How much `body` may hold now; more than that makes the parser stop, and `body_full` says so.
  size_t chunked_bytes_max = 0;
  bool body_full = false;

 private:
  Span keep(beast::string_view text) {
    const Span span{head_->size(), text.size()};
    head_->append(text.data(), text.size());
    return span;
  }
  void on_request_impl(beast::http::verb /*verb*/, beast::string_view method_text, beast::string_view target_text,
                       int http_version, error_code& /*error*/) override {
    method = keep(method_text);
    target = keep(target_text);
    version = http_version;
  }
  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_field_impl(beast::http::field /*field*/, beast::string_view name, beast::string_view value,
                     error_code& /*error*/) override {
    const Span name_span = keep(name);
    fields_->emplace_back(name_span, keep(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, beast::string_view text, error_code& error) override {
    if (body_->size() + text.size() > chunked_bytes_max) {
      body_full = true;
      error = beast::http::error::body_limit;
      return 0;
    }
    if (body_->room() < text.size())
      body_->grow_to(std::max({kBodyBytesFirst, body_->capacity() * 2, body_->size() + text.size()}));
    body_->append({text.data(), text.size()});
    return text.size();
  }
  void on_finish_impl(error_code&) override {}

  std::string* head_;
  std::vector<std::pair<Span, Span>>* fields_;
  Buffer* body_;
};

Response default_refusal(const Request& /*request*/, Refusal refusal) {
  Response response;
  response.status = status_of(refusal);
  response.content_type = "application/json";
  if (refusal == Refusal::busy || refusal == Refusal::stopping) response.add_header("Retry-After", "1");
  response.body = fmt::format(R"({{"code":"{}","message":"{}"}})", code_of(refusal), reason_phrase(response.status));
  return response;
}

class Connection;

// What all workers share.
struct Shared {
  HttpServerOptions options;
  Handler handler;
  RefusalHandler refuse;
  std::atomic<bool> draining = false;
  std::atomic<uint64_t> connections = 0, accepted = 0, requests = 0, refused = 0, malformed = 0;
  std::atomic<size_t> body_bytes = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> on_room;  ///< accepts again after the bound on connections was met
};

// Something that another thread wants a connection to do.
struct Order {
  enum class Kind : uint8_t { answer, stream, flush };
  std::shared_ptr<Connection> connection;
  Kind kind = Kind::answer;
  uint64_t serial = 0;
  Response response;
};

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(std::shared_ptr<Shared> shared) : shared_(std::move(shared)), io_(1), tick_(io_) {}

  void start() {
    const auto& options = shared_->options;
    const int64_t shortest =
        std::min({options.idle_timeout.ms, options.head_timeout.ms, options.body_timeout.ms, options.handler_timeout.ms,
                  options.write_timeout.ms, options.linger_timeout.ms});
    tick_ms_ = std::clamp<int64_t>(shortest / 4, 5, 500);
    schedule_tick();
    thread_ = std::thread([this] {
      name_this_thread("http");
      thread_id_.store(std::this_thread::get_id());
      io_.run();
    });
  }
  [[nodiscard]] bool is_current() const { return thread_id_.load() == std::this_thread::get_id(); }
  [[nodiscard]] asio::io_context& io() { return io_; }
  [[nodiscard]] Shared& shared() { return *shared_; }
  [[nodiscard]] std::unordered_set<std::shared_ptr<Connection>>& connections() { return connections_; }

  // One wake-up for all orders that arrive before the loop gets to them.
  void order(Order order) {
    bool wakes = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return;
      wakes = orders_.empty();
      orders_.push_back(std::move(order));
    }
    if (wakes) asio::post(io_, [self = shared_from_this()] { self->carry_out(); });
  }

  [[nodiscard]] std::string_view date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_second_) {
      date_second_ = now;
      std::tm parts{};
      gmtime_r(&now, &parts);
      std::array<char, 64> text{};
      const size_t size = std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
      date_.assign(text.data(), size);
    }
    return date_;
  }

  void stop();

 private:
  void carry_out();
  void schedule_tick();
  void check_deadlines();

  std::shared_ptr<Shared> shared_;
  asio::io_context io_;
  asio::steady_timer tick_;
  int64_t tick_ms_ = 500;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::time_t date_second_ = 0;
  std::string date_;
  std::mutex mutex_;
  std::vector<Order> orders_;
  std::vector<Order> taken_;
  bool stopped_ = false;
};

class Connection : public Exchange, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Worker> worker, tcp::socket socket)
      : worker_(std::move(worker)), shared_(&worker_->shared()), socket_(std::move(socket)) {}
  ~Connection() override { release_body(); }

  void start() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    auto address = socket_.remote_endpoint(ignored).address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    client_address_ = ignored ? std::string{} : address.to_string();
    input_.grow_to(kHeadBytesFirst);
    worker_->connections().insert(shared_from_this());
    begin_request();
    proceed();
  }

  // ------------------------------------------------------------------------------------------------- from any thread

  void answer(uint64_t serial, Response response) override {
    uint64_t expected = serial;
    if (!waiting_.compare_exchange_strong(expected, 0)) return;
    if (is_in_handler_now()) {
      answered_ = std::move(response);
      return;
    }
    worker_->order({shared_from_this(), Order::Kind::answer, serial, std::move(response)});
  }

  void start_stream(uint64_t serial, Response head) override {
    uint64_t expected = serial;
    if (!waiting_.compare_exchange_strong(expected, 0)) return;
    {
      const std::lock_guard lock(stream_mutex_);
      stream_serial_ = serial;
      stream_ends_ = false;
      stream_queue_.clear();
    }
    worker_->order({shared_from_this(), Order::Kind::stream, serial, std::move(head)});
  }

  Pushed push(uint64_t serial, std::string bytes) override {
    bool wakes = false;
    {
      const std::lock_guard lock(stream_mutex_);
      if (stream_serial_ != serial || stream_ends_) return Pushed::closed;
      if (stream_queue_.size() + stream_in_flight_ + bytes.size() > shared_->options.stream_bytes_max)
        return Pushed::full;
      wakes = stream_queue_.empty();
      stream_queue_.append(bytes);
    }
    if (wakes) worker_->order({shared_from_this(), Order::Kind::flush, serial, {}});
    return Pushed::queued;
  }

  void close_stream(uint64_t serial) override {
    {
      const std::lock_guard lock(stream_mutex_);
      if (stream_serial_ != serial) return;
      stream_ends_ = true;
    }
    worker_->order({shared_from_this(), Order::Kind::flush, serial, {}});
  }

  // ------------------------------------------------------------------------------------------ on the worker's thread

  void carry_out(Order& order) {
    if (stage_ == Stage::closed || order.serial != serial_) return;
    switch (order.kind) {
      case Order::Kind::answer:
        if (stage_ != Stage::handling) return;
        send(std::move(order.response));
        proceed();
        return;
      case Order::Kind::stream:
        if (stage_ != Stage::handling) return;
        send_stream_head(std::move(order.response));
        return;
      case Order::Kind::flush:
        flush_stream();
        return;
    }
  }

  void check_deadline(int64_t now) {
    if (now < deadline_ms_) return;
    switch (stage_) {
      case Stage::body:
      case Stage::chunked:
        refuse(Refusal::body_timeout);
        return proceed();
      case Stage::handling: {
        uint64_t expected = serial_;
        // An answer that is on its way wins.
        if (!waiting_.compare_exchange_strong(expected, 0)) return;
        refuse(Refusal::unanswered);
        return proceed();
      }
      case Stage::head:
      case Stage::writing:
      case Stage::lingering:
      case Stage::streaming:
      case Stage::closed:
        return close();
    }
  }

  void drain() {
    if (stage_ == Stage::head && input_.size() == 0 && head_.empty()) return close();
    if (stage_ == Stage::streaming) return close();
    closes_after_ = true;
  }
  void expire() {
    uint64_t expected = serial_;
    if (stage_ == Stage::handling && waiting_.compare_exchange_strong(expected, 0)) refuse(Refusal::stopping);
    close();
  }

  void close() {
    if (stage_ == Stage::closed) return;
    stage_ = Stage::closed;
    waiting_.store(0);
    {
      const std::lock_guard lock(stream_mutex_);
      stream_serial_ = 0;
      stream_queue_.clear();
    }
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    const auto self = shared_from_this();
    worker_->connections().erase(self);
    const uint64_t before = shared_->connections.fetch_sub(1);
    if (before >= shared_->options.connections_max && shared_->on_room) shared_->on_room();
    if (shared_->draining) {
      const std::lock_guard lock(shared_->mutex);
      shared_->changed.notify_all();
    }
  }

 private:
  enum class Stage : uint8_t { head, body, chunked, handling, writing, streaming, lingering, closed };

  [[nodiscard]] bool is_in_handler_now() const { return worker_->is_current() && in_handler_; }

  void set_deadline(Duration after) { deadline_ms_ = now_ms() + after.ms; }

  void begin_request() {
    parser_.emplace(head_, fields_, body_);
    parser_->header_limit(static_cast<uint32_t>(shared_->options.head_bytes_max));
    parser_->body_limit(boost::none);
    if (body_.capacity() > kBodyBytesKept) release_body();
    body_.clear();
    stage_ = Stage::head;
    set_deadline(input_.size() == 0 ? shared_->options.idle_timeout : shared_->options.head_timeout);
  }

  void release_body() {
    shared_->body_bytes.fetch_sub(body_bytes_counted_);
    body_bytes_counted_ = 0;
    body_.release();
  }

  // Room for at least one more byte of a body; false: the memory for all bodies is used up.
  bool make_room(size_t capacity) {
    if (capacity <= body_.capacity()) return true;
    body_.grow_to(capacity);
    return count_body();
  }
  bool count_body() {
    const size_t added = body_.capacity() - body_bytes_counted_;
    body_bytes_counted_ += added;
    return shared_->body_bytes.fetch_add(added) + added <= shared_->options.body_bytes_total_max;
  }

  // Invariant 2: returns when the connection waits or is closed.
  void proceed() {
    for (int turns = 0; stage_ != Stage::closed;) {
      switch (stage_) {
        case Stage::head:
          if (input_.size() == 0 || !parse_head()) {
            if (stage_ == Stage::head) return read_more();
            break;
          }
          if (++turns > kTurnsMax) {
            asio::post(worker_->io(), [self = shared_from_this()] { self->resume_head(); });
            return;
          }
          begin_body();
          break;
        case Stage::body: {
          const size_t taken = std::min(input_.size(), body_remaining_);
          if (taken > 0) {
            if (!make_room(std::min(body_size_, std::max(kBodyBytesFirst, taken)))) {
              refuse(Refusal::busy);
              break;
            }
            body_.append(input_.view().substr(0, taken));
            input_.remove_front(taken);
            body_remaining_ -= taken;
          }
          if (body_remaining_ > 0) return read_body();
          handle();
          break;
        }
        case Stage::chunked:
          if (!parse_chunks()) {
            if (stage_ == Stage::chunked) return read_more();
            break;
          }
          handle();
          break;
        case Stage::handling:
        case Stage::writing:
        case Stage::streaming:
        case Stage::lingering:
        case Stage::closed:
          return;
      }
    }
  }

  void resume_head() {
    if (stage_ != Stage::head) return;
    begin_body();
    proceed();
  }

  // True: the head is complete. False with the stage unchanged: more is needed.
  bool parse_head() {
    error_code error;
    size_t used = 0;
    while (!parser_->is_header_done() && used < input_.size()) {
      const size_t count = parser_->put(asio::buffer(input_.data() + used, input_.size() - used), error);
      used += count;
      if (error) break;
    }
    input_.remove_front(used);
    if (error && error != beast::http::error::need_more) {
      reject(error == beast::http::error::header_limit ? 431 : 400,
             error == beast::http::error::header_limit ? "headers_too_large" : "malformed_request");
      return false;
    }
    if (!parser_->is_header_done()) {
      // Fields are consumed as they complete, so the parser's own limit does not see their sum.
      if (head_.size() + input_.size() > shared_->options.head_bytes_max) reject(431, "headers_too_large");
      return false;
    }
    return make_request();
  }

  bool make_request() {
    const std::string_view head = head_;
    const auto view = [&](HeadParser::Span span) { return head.substr(span.offset, span.size); };
    request_.method_text = view(parser_->method);
    request_.method = method_from(request_.method_text);
    request_.body = {};
    request_.client_address = client_address_;
    request_.headers.clear();
    for (const auto& [name, value] : fields_) request_.headers.push_back({view(name), view(value)});
    keeps_alive_ = parser_->keep_alive();
    if (!set_target(request_, view(parser_->target)) || parser_->version > 11) {
      reject(400, "malformed_request");
      return false;
    }
    return true;
  }

  void begin_body() {
    const HttpServerOptions& options = shared_->options;
    const auto coding = request_.header("transfer-encoding");
    if (coding && !equals_ignoring_case(*coding, "chunked")) return reject(501, "unsupported_transfer_coding");
    const uint64_t length = parser_->chunked() ? 0 : parser_->content_length().value_or(0);
    has_unread_body_ = parser_->chunked() || length > 0;
    if (length > options.body_bytes_max) return refuse(Refusal::body_too_large);
    if (!has_unread_body_) return handle();
    set_deadline(options.body_timeout);
    const auto expectation = request_.header("expect");
    if (expectation && equals_ignoring_case(*expectation, "100-continue") && input_.size() == 0 &&
        parser_->version == 11) {
      error_code ignored;
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      // A few bytes into an idle socket: they fit, or the client is gone and the next read says so.
      socket_.write_some(asio::buffer(kContinue.data(), kContinue.size()), ignored);
    }
    if (parser_->chunked()) {
      parser_->chunked_bytes_max = options.body_bytes_max;
      stage_ = Stage::chunked;
    } else {
      body_size_ = body_remaining_ = length;
      stage_ = Stage::body;
    }
  }

  bool parse_chunks() {
    error_code error;
    size_t used = 0;
    while (!parser_->is_done() && used < input_.size()) {
      const size_t count = parser_->put(asio::buffer(input_.data() + used, input_.size() - used), error);
      used += count;
      if (error) break;
      if (count == 0) break;
    }
    input_.remove_front(used);
    if (parser_->body_full) {
      refuse(Refusal::body_too_large);
      return false;
    }
    if (error && error != beast::http::error::need_more) {
      reject(400, "malformed_request");
      return false;
    }
    if (!count_body()) {
      refuse(Refusal::busy);
      return false;
    }
    // Trailers and chunk extensions must not grow either.
    if (!parser_->is_done() && head_.size() > 2 * shared_->options.head_bytes_max) reject(431, "headers_too_large");
    return parser_->is_done();
  }

  void handle() {
    has_unread_body_ = false;
    request_.body = body_.view();
    stage_ = Stage::handling;
    set_deadline(shared_->options.handler_timeout);
    ++serial_;
    answered_.reset();
    waiting_.store(serial_);
    shared_->requests.fetch_add(1, std::memory_order_relaxed);
    in_handler_ = true;
    shared_->handler(request_, Responder(shared_from_this(), serial_));
    in_handler_ = false;
    if (answered_ && stage_ == Stage::handling) {
      Response response = std::move(*answered_);
      answered_.reset();
      send(std::move(response));
    }
  }

  void refuse(Refusal refusal) {
    shared_->refused.fetch_add(1);
    request_.body = {};
    closes_after_ = true;
    send(shared_->refuse ? shared_->refuse(request_, refusal) : default_refusal(request_, refusal));
  }

  // What was sent is no HTTP: a short answer without the handler, and the end.
  void reject(uint16_t status, std::string_view code) {
    shared_->malformed.fetch_add(1);
    request_.method = Method::get;
    closes_after_ = true;
    has_unread_body_ = true;
    Response response;
    response.status = status;
    response.content_type = "application/json";
    response.body = fmt::format(R"({{"code":"{}","message":"{}"}})", code, reason_phrase(status));
    send(std::move(response));
  }

  // ---------------------------------------------------------------------------------------------------------- reading

  void read_more() {
    if (input_.room() == 0) {
      if (input_.capacity() >= shared_->options.head_bytes_max) return reject_and_proceed();
      input_.grow_to(std::min(input_.capacity() * 2, shared_->options.head_bytes_max));
    }
    socket_.async_read_some(
        asio::buffer(input_.end(), input_.room()),
        [self = shared_from_this()](error_code error, size_t count) { self->on_read(error, count); });
  }
  void reject_and_proceed() {
    reject(431, "headers_too_large");
    proceed();
  }

  void on_read(error_code error, size_t count) {
    if (stage_ == Stage::closed) return;
    if (error) return close();
    // From the first byte of a request on, the time for its head runs.
    if (stage_ == Stage::head && input_.size() == 0 && head_.empty()) set_deadline(shared_->options.head_timeout);
    input_.added(count);
    proceed();
  }

  void read_body() {
    // Memory follows what has arrived, not what was announced.
    if (body_.room() == 0 || body_.capacity() == 0) {
      if (!make_room(std::min(body_size_, std::max(kBodyBytesFirst, body_.capacity() * 2)))) {
        refuse(Refusal::busy);
        return proceed();
      }
    }
    socket_.async_read_some(asio::buffer(body_.end(), std::min(body_.room(), body_remaining_)),
                            [self = shared_from_this()](error_code error, size_t count) {
                              if (self->stage_ != Stage::body) return;
                              if (error) return self->close();
                              self->body_.added(count);
                              self->body_remaining_ -= count;
                              self->proceed();
                            });
  }

  // ---------------------------------------------------------------------------------------------------------- writing

  void append_head(const Response& response, bool is_stream) {
    const bool has_no_body = response.status == 204 || response.status == 304 || response.status < 200;
    closes_after_ = closes_after_ || !keeps_alive_ || shared_->draining.load(std::memory_order_relaxed);
    if (is_stream && parser_->version < 11) closes_after_ = true;
    output_.clear();
    if (response.status == 200) {
      output_.append("HTTP/1.1 200 OK\r\n");
    } else {
      fmt::format_to(std::back_inserter(output_), "HTTP/1.1 {} {}\r\n", response.status,
                     reason_phrase(response.status));
    }
    output_.append(worker_->date());
    if (!response.content_type.empty()) output_.append("Content-Type: ").append(response.content_type).append("\r\n");
    output_.append(response.header_lines);
    if (is_stream) {
      if (parser_->version == 11) output_.append("Transfer-Encoding: chunked\r\n");
    } else if (!has_no_body) {
      const fmt::format_int length(response.body_view().size());
      output_.append("Content-Length: ").append(length.data(), length.size()).append("\r\n");
    }
    if (closes_after_) {
      output_.append("Connection: close\r\n");
    } else if (parser_->version < 11) {
      output_.append("Connection: keep-alive\r\n");
    }
    output_.append("\r\n");
  }

  void send(Response response) {
    append_head(response, false);
    response_ = std::move(response);
    std::string_view body = response_.body_view();
    if (request_.method == Method::head || response_.status == 204 || response_.status == 304) body = {};
    if (body.size() <= kBodyBytesCopied) {
      output_.append(body);
      body = {};
    }
    pending_ = {output_, body};
    stage_ = Stage::writing;
    set_deadline(shared_->options.write_timeout);
    write();
  }

  // Writes at once what the socket takes; the rest when it can.
  void write() {
    while (!pending_[0].empty() || !pending_[1].empty()) {
      const std::array<asio::const_buffer, 2> buffers{asio::buffer(pending_[0].data(), pending_[0].size()),
                                                      asio::buffer(pending_[1].data(), pending_[1].size())};
      error_code error;
      const size_t count = socket_.write_some(buffers, error);
      if (error == asio::error::would_block || error == asio::error::try_again) {
        socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code failed) {
          if (self->stage_ == Stage::closed) return;
          if (failed) return self->close();
          self->write();
          self->proceed();
        });
        return;
      }
      if (error) return close();
      const size_t first = std::min(count, pending_[0].size());
      pending_[0].remove_prefix(first);
      pending_[1].remove_prefix(count - first);
      set_deadline(shared_->options.write_timeout);
    }
    if (stage_ == Stage::streaming) return on_stream_written();
    on_written();
  }

  void on_written() {
    response_ = {};
    if (!closes_after_) return begin_request();
    if (!has_unread_body_) return close();
    // Closing with unread bytes would reset the connection and may take the answer with it.
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    stage_ = Stage::lingering;
    set_deadline(shared_->options.linger_timeout);
    input_.clear();
    linger();
  }

  void linger() {
    socket_.async_read_some(asio::buffer(input_.data(), input_.capacity()),
                            [self = shared_from_this()](error_code error, size_t /*count*/) {
                              if (self->stage_ != Stage::lingering) return;
                              if (error) return self->close();
                              self->linger();
                            });
  }

  // ---------------------------------------------------------------------------------------------------------- streams

  void send_stream_head(Response head) {
    append_head(head, true);
    stage_ = Stage::streaming;
    if (request_.method != Method::head) append_chunk(head.body_view());
    pending_ = {output_, {}};
    stream_is_writing_ = true;
    watch_for_close();
    write();
  }

  void append_chunk(std::string_view bytes) {
    if (bytes.empty()) return;
    if (parser_->version == 11) {
      fmt::format_to(std::back_inserter(output_), "{:x}\r\n", bytes.size());
      output_.append(bytes).append("\r\n");
    } else {
      output_.append(bytes);
    }
  }

  void flush_stream() {
    if (stage_ != Stage::streaming || stream_is_writing_) return;
    output_.clear();
    bool ends = false;
    {
      const std::lock_guard lock(stream_mutex_);
      append_chunk(stream_queue_);
      stream_in_flight_ = stream_queue_.size();
      stream_queue_.clear();
      ends = stream_ends_;
    }
    if (ends) {
      if (parser_->version == 11) output_.append("0\r\n\r\n");
      // A read is under way to notice the client's going: the connection is not used again.
      stream_has_ended_ = true;
    }
    if (output_.empty()) return;
    pending_ = {output_, {}};
    stream_is_writing_ = true;
    set_deadline(shared_->options.write_timeout);
    write();
  }

  void on_stream_written() {
    stream_is_writing_ = false;
    if (stream_has_ended_) return close();
    // Between pushes nothing is owed, so no limit runs.
    deadline_ms_ = INT64_MAX;
    bool has_more = false;
    {
      const std::lock_guard lock(stream_mutex_);
      stream_in_flight_ = 0;
      has_more = !stream_queue_.empty() || stream_ends_;
    }
    if (has_more) asio::post(worker_->io(), [self = shared_from_this()] { self->flush_stream(); });
  }

  void watch_for_close() {
    input_.clear();
    socket_.async_read_some(asio::buffer(input_.data(), input_.capacity()),
                            [self = shared_from_this()](error_code error, size_t /*count*/) {
                              if (self->stage_ != Stage::streaming) return;
                              if (error) return self->close();
                              self->watch_for_close();
                            });
  }

  std::shared_ptr<Worker> worker_;  // before the socket, which needs its event loop
  Shared* shared_;
  tcp::socket socket_;
  std::string client_address_;
  Stage stage_ = Stage::head;
  int64_t deadline_ms_ = 0;

  Buffer input_;
  std::optional<HeadParser> parser_;
  std::string head_;
  std::vector<std::pair<HeadParser::Span, HeadParser::Span>> fields_;
  Buffer body_;
  size_t body_size_ = 0;
  size_t body_remaining_ = 0;
  size_t body_bytes_counted_ = 0;
  Request request_;
  bool keeps_alive_ = true;
  bool closes_after_ = false;
  bool has_unread_body_ = false;

  uint64_t serial_ = 0;
  std::atomic<uint64_t> waiting_ = 0;
  bool in_handler_ = false;
  std::optional<Response> answered_;

  Response response_;
  std::string output_;
  std::array<std::string_view, 2> pending_;

  bool stream_is_writing_ = false;
  bool stream_has_ended_ = false;
  std::mutex stream_mutex_;
  uint64_t stream_serial_ = 0;  // guarded by stream_mutex_, like the three below
  bool stream_ends_ = false;
  std::string stream_queue_;
  size_t stream_in_flight_ = 0;
};

void Worker::carry_out() {
  {
    const std::lock_guard lock(mutex_);
    taken_.swap(orders_);
  }
  for (Order& order : taken_) order.connection->carry_out(order);
  taken_.clear();
}

void Worker::schedule_tick() {
  tick_.expires_after(std::chrono::milliseconds(tick_ms_));
  tick_.async_wait([this](error_code error) {
    if (error) return;
    check_deadlines();
    schedule_tick();
  });
}

void Worker::check_deadlines() {
  const int64_t now = now_ms();
  // A copy: checking may close a connection, which leaves the set.
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->check_deadline(now);
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    orders_.clear();
  }
  io_.stop();
  if (thread_.joinable()) thread_.join();
  tick_.cancel();
  // Twice: the first round may start a connection that was handed over meanwhile. Polling runs the handlers of
  // cancelled operations, which hold the connections alive.
  for (int round = 0; round < 2; ++round) {
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) connection->close();
    io_.restart();
    io_.poll();
  }
}

}  // namespace

struct HttpServer::State {
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::vector<std::shared_ptr<Worker>> workers;
  std::optional<tcp::acceptor> acceptor;  // on the first worker's thread
  std::optional<asio::steady_timer> retry;
  size_t next = 0;
  bool waits_for_room = false;
  uint16_t port = 0;

  void accept() {
    if (shared->draining) return;
    if (shared->connections.load() >= shared->options.connections_max) {
      waits_for_room = true;
      return;
    }
    const std::shared_ptr<Worker> worker = workers[next++ % workers.size()];
    acceptor->async_accept(worker->io(), [this, worker](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || shared->draining) return;
      if (error) return accept_later();
      shared->connections.fetch_add(1);
      shared->accepted.fetch_add(1);
      auto connection = std::make_shared<Connection>(worker, std::move(socket));
      asio::post(worker->io(), [connection] { connection->start(); });
      accept();
    });
  }

  // Out of descriptors: trying at once would spin.
  void accept_later() {
    retry->expires_after(std::chrono::milliseconds(50));
    retry->async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  void on_room() {
    asio::post(workers[0]->io(), [this] {
      if (!waits_for_room) return;
      waits_for_room = false;
      accept();
    });
  }

  [[nodiscard]] std::expected<void, ServerError> listen() {
    const HttpServerOptions& options = shared->options;
    const auto failed = [&](ServerErrc code, const error_code& error) {
      return std::unexpected(
          ServerError{code, fmt::format("{}:{}: {}", options.address, options.port, error.message())});
    };
    acceptor.emplace(workers[0]->io());
    retry.emplace(workers[0]->io());
    error_code error;
    if (options.inherited_socket >= 0) {
      acceptor->assign(tcp::v6(), options.inherited_socket, error);
      if (error) return failed(ServerErrc::listen_failed, error);
    } else {
      const auto address = asio::ip::make_address(options.address, error);
      if (error) return failed(ServerErrc::address_malformed, error);
      const tcp::endpoint endpoint(address, options.port);
      acceptor->open(endpoint.protocol(), error);
      if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
      if (!error) acceptor->bind(endpoint, error);
      if (error == asio::error::address_in_use) return failed(ServerErrc::address_in_use, error);
      if (error == asio::error::access_denied) return failed(ServerErrc::permission_denied, error);
      if (!error) acceptor->listen(4096, error);
      if (error) return failed(ServerErrc::listen_failed, error);
    }
    port = acceptor->local_endpoint(error).port();
    return {};
  }

  void stop_accepting() {
    std::mutex mutex;
    std::condition_variable done;
    bool closed = false;
    asio::post(workers[0]->io(), [&] {
      error_code ignored;
      acceptor->close(ignored);
      retry->cancel();
      const std::lock_guard lock(mutex);
      closed = true;
      done.notify_all();
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return closed; });
  }

  void for_each_connection(void (Connection::*act)()) {
    for (const auto& worker : workers) {
      asio::post(worker->io(), [worker, act] {
        const std::vector<std::shared_ptr<Connection>> all(worker->connections().begin(), worker->connections().end());
        for (const auto& connection : all) ((*connection).*act)();
      });
    }
  }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

std::expected<std::unique_ptr<HttpServer>, ServerError> HttpServer::start(HttpServerOptions options, Handler handler,
                                                                          RefusalHandler refuse) {
  TERRENO_CHECK(options.threads >= 1 && handler, "an HTTP server needs a thread and a handler");
  auto state = std::make_unique<State>();
  state->shared->options = std::move(options);
  state->shared->handler = std::move(handler);
  state->shared->refuse = std::move(refuse);
  for (int i = 0; i < state->shared->options.threads; ++i)
    state->workers.push_back(std::make_shared<Worker>(state->shared));
  if (auto listening = state->listen(); !listening) return std::unexpected(listening.error());
  state->shared->on_room = [raw = state.get()] { raw->on_room(); };
  state->accept();
  for (const auto& worker : state->workers) worker->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
  if (!state_->shared->draining.exchange(true)) state_->stop_accepting();
  // The acceptor's thread first, so that no connection is handed to a worker that has stopped.
  for (const auto& worker : state_->workers) worker->stop();
  state_->shared->on_room = {};
}

uint16_t HttpServer::port() const { return state_->port; }

HttpServerStats HttpServer::stats() const {
  const Shared& shared = *state_->shared;
  return {shared.connections, shared.accepted, shared.requests, shared.refused, shared.malformed};
}

void HttpServer::drain(Duration patience) {
  Shared& shared = *state_->shared;
  if (!shared.draining.exchange(true)) state_->stop_accepting();
  state_->for_each_connection(&Connection::drain);
  std::unique_lock lock(shared.mutex);
  const auto all_gone = [&] { return shared.connections.load() == 0; };
  if (shared.changed.wait_for(lock, std::chrono::milliseconds(patience.ms), all_gone)) return;
  state_->for_each_connection(&Connection::expire);
  shared.changed.wait_for(lock, std::chrono::seconds(1), all_gone);
}

}  // namespace terreno::http
