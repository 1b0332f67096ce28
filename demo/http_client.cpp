#include "demo/http_client.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

namespace terreno::demo {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr uint64_t kAnswerBytesMax = 16 << 20;

}  // namespace

struct HttpClient::Connection {
  std::string host;
  std::string port;
  asio::io_context io;
  tcp::socket socket{io};
  beast::flat_buffer buffer;

  bool open(beast::error_code& error) {
    socket = tcp::socket(io);
    buffer.clear();
    uint16_t number = 80;
    std::from_chars(port.data(), port.data() + port.size(), number);
    const auto address = asio::ip::make_address(host, error);
    if (error) return false;
    socket.connect({address, number}, error);
    if (error) return false;
    socket.set_option(tcp::no_delay(true), error);
    return !error;
  }
};

HttpClient::HttpClient(std::string_view origin) : connection_(std::make_unique<Connection>()) {
  if (const size_t scheme = origin.find("://"); scheme != std::string_view::npos) origin.remove_prefix(scheme + 3);
  origin = origin.substr(0, origin.find('/'));
  const size_t colon = origin.rfind(':');
  std::string_view host = origin.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  connection_->host = host == "localhost" ? "127.0.0.1" : host;
  connection_->port = colon == std::string_view::npos ? "80" : std::string(origin.substr(colon + 1));
}

HttpClient::~HttpClient() = default;

std::expected<HttpAnswer, std::string> HttpClient::request(std::string_view method, std::string_view target,
                                                           const HttpHeaders& headers, std::string_view body) {
  beast::http::request<beast::http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(beast::http::field::host, "localhost:" + connection_->port);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();
  beast::error_code error;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!connection_->socket.is_open() && !connection_->open(error)) break;
    beast::http::write(connection_->socket, request, error);
    if (!error) {
      beast::http::response_parser<beast::http::string_body> parser;
      parser.body_limit(kAnswerBytesMax);
      beast::http::read(connection_->socket, connection_->buffer, parser, error);
      if (!error) {
        HttpAnswer answer{parser.get().result_int(), parser.get().body(), {}};
        const std::string cookie(parser.get()[beast::http::field::set_cookie]);
        answer.cookie = cookie.substr(0, cookie.find(';'));
        if (!parser.keep_alive()) connection_->socket.close(error);
        return answer;
      }
    }
    beast::error_code ignored;
    connection_->socket.close(ignored);
  }
  return std::unexpected(fmt::format("{} {}: {}", method, target.substr(0, target.find('?')), error.message()));
}

}  // namespace terreno::demo
