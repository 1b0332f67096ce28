#pragma once

// For tests of handlers: a responder without a server.

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/http.h"

namespace terreno::http {

/// Keeps the answer to one request. Thread-safe.
class RecordedExchange : public Exchange {
 public:
  /// A new exchange and the responder to hand to the handler.
  static std::pair<std::shared_ptr<RecordedExchange>, Responder> make() {
    auto exchange = std::make_shared<RecordedExchange>();
    return {exchange, Responder(exchange, 1)};
  }

  void answer(uint64_t /*serial*/, Response response) override {
    const std::lock_guard lock(mutex_);
    ++answers_;
    if (!response_) response_ = std::move(response);
    changed_.notify_all();
  }
  void start_stream(uint64_t /*serial*/, Response head) override {
    const std::lock_guard lock(mutex_);
    if (!response_) response_ = std::move(head);
    open_ = true;
    changed_.notify_all();
  }
  Pushed push(uint64_t /*serial*/, std::string bytes) override {
    const std::lock_guard lock(mutex_);
    if (!open_) return Pushed::closed;
    pushed_.push_back(std::move(bytes));
    changed_.notify_all();
    return Pushed::queued;
  }
  void close_stream(uint64_t /*serial*/) override {
    const std::lock_guard lock(mutex_);
    open_ = false;
    changed_.notify_all();
  }

  /// The answer, or nothing yet.
  [[nodiscard]] std::optional<Response> response() const {
    const std::lock_guard lock(mutex_);
    return response_;
  }
  /// Blocks until there is an answer.
  [[nodiscard]] Response wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return response_.has_value(); });
    return *response_;
  }
  [[nodiscard]] int answers() const {
    const std::lock_guard lock(mutex_);
    return answers_;
  }
  [[nodiscard]] std::vector<std::string> pushed() const {
    const std::lock_guard lock(mutex_);
    return pushed_;
  }
  [[nodiscard]] bool is_open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<Response> response_;
  std::vector<std::string> pushed_;
  int answers_ = 0;
  bool open_ = false;
};

/// A request that owns what its views point to.
struct OwnedRequest {
  Request request;
  std::string target;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  OwnedRequest(Method method, std::string target_text, std::string body_text = {},
               std::vector<std::pair<std::string, std::string>> header_pairs = {})
      : target(std::move(target_text)), body(std::move(body_text)), headers(std::move(header_pairs)) {
    request.method = method;
    request.method_text = name_of(method);
    valid = set_target(request, target);
    request.body = body;
    for (const auto& [name, value] : headers) request.headers.push_back({name, value});
    request.client_address = "192.0.2.7";
  }
  OwnedRequest(const OwnedRequest&) = delete;
  OwnedRequest& operator=(const OwnedRequest&) = delete;

  bool valid = false;
};

/// Calls the handler and waits for its answer.
[[nodiscard]] inline Response ask(const Handler& handler, const OwnedRequest& owned) {
  auto [exchange, responder] = RecordedExchange::make();
  handler(owned.request, responder);
  return exchange->wait();
}

}  // namespace terreno::http
