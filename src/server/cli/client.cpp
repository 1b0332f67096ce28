#include "server/cli/client.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "server/cli/commands.h"

namespace terreno::server::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;

boost::json::value HttpAnswer::json() const {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  return error ? boost::json::value(nullptr) : value;
}

struct HttpClient::State {
  std::string host;
  std::string port;
  bool is_usable = true;
  asio::io_context context;
  std::optional<asio::ip::tcp::socket> socket;
  beast::flat_buffer buffer;

  bool connect(std::string& why) {
    boost::system::error_code error;
    asio::ip::tcp::resolver resolver(context);
    const auto found = resolver.resolve(host, port, error);
    socket.emplace(context);
    if (!error) asio::connect(*socket, found, error);
    if (error) {
      why = fmt::format("{}:{} cannot be reached ({})", host, port, error.message());
      socket.reset();
      return false;
    }
    socket->set_option(asio::ip::tcp::no_delay(true));
    buffer.clear();
    return true;
  }
};

HttpClient::HttpClient(std::string url) : state_(std::make_unique<State>()) {
  std::string_view rest = url;
  state_->is_usable = rest.starts_with("http://");
  if (!state_->is_usable) return;
  rest.remove_prefix(7);
  rest = rest.substr(0, rest.find('/'));
  const size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  state_->host = has_port ? rest.substr(0, colon) : rest;
  state_->port = has_port ? rest.substr(colon + 1) : std::string_view("80");
  if (state_->host.starts_with('[') && state_->host.ends_with(']'))
    state_->host = state_->host.substr(1, state_->host.size() - 2);
}

HttpClient::~HttpClient() = default;

std::expected<HttpAnswer, std::string> HttpClient::ask(const HttpQuestion& question) {
  if (!state_->is_usable) return std::unexpected("the server's address is not of the form http://host:port");
  beast::http::request<beast::http::string_body> request(beast::http::string_to_verb(question.method), question.target,
                                                         11);
  request.set(beast::http::field::host, state_->host + ":" + state_->port);
  if (!question.body.empty()) {
    request.set(beast::http::field::content_type, "application/json");
    request.body() = question.body;
  }
  for (const auto& [name, value] : question.headers) request.set(name, value);
  request.prepare_payload();
  // A kept connection may have been closed meanwhile: then once more, on a new one.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool was_open = state_->socket.has_value();
    std::string why;
    if (!was_open && !state_->connect(why)) return std::unexpected(why);
    boost::system::error_code error;
    beast::http::write(*state_->socket, request, error);
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(64 << 20);
    if (!error) beast::http::read(*state_->socket, state_->buffer, parser, error);
    if (error) {
      state_->socket.reset();
      if (was_open) continue;
      return std::unexpected(fmt::format("{}:{} did not answer ({})", state_->host, state_->port, error.message()));
    }
    HttpAnswer answer;
    answer.status = parser.get().result_int();
    answer.body = std::move(parser.get().body());
    const auto cookie = parser.get()[beast::http::field::set_cookie];
    answer.cookie = std::string(cookie.substr(0, cookie.find(';')));
    if (!parser.get().keep_alive()) state_->socket.reset();
    return answer;
  }
  return std::unexpected("the connection was closed");
}

namespace {

std::vector<Finding> findings_of(const boost::json::array& sent) {
  std::vector<Finding> findings;
  for (const boost::json::value& each : sent) {
    boost::system::error_code error;
    const auto text = [&](std::string_view pointer) {
      const auto* const found = each.find_pointer(pointer, error);
      return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
    };
    const auto number = [&](std::string_view pointer) {
      const auto* const found = each.find_pointer(pointer, error);
      return found != nullptr && found->is_int64() ? static_cast<int>(found->get_int64()) : 0;
    };
    findings.push_back({text("/params/file"), number("/params/line"), number("/params/column"), text("/code"),
                        text("/params/path"), text("/params/detail")});
  }
  return findings;
}

}  // namespace

void ServerOption::add_to(CLI::App& command) {
  command.add_option("--server", url, "Of the running Terreno")->envname("TERRENO_SERVER")->capture_default_str();
  command.add_option("--key", key, "An API key, tk_…")->envname("TERRENO_TOKEN");
}

std::expected<boost::json::value, int> ServerOption::ask(std::string_view method, std::string_view target,
                                                         const boost::json::value& body) const {
  HttpClient client(url);
  HttpQuestion question;
  question.method = method;
  question.target = target;
  if (!body.is_null()) question.body = boost::json::serialize(body);
  if (!key.empty()) question.headers.emplace_back("Authorization", "Bearer " + key);
  const auto answer = client.ask(question);
  if (!answer) return std::unexpected(fail(answer.error(), "name a running server with --server"));
  if (answer->is_fine()) return answer->json();
  const boost::json::value problem = answer->json();
  const auto text = [&](std::string_view name) {
    const auto* const found = problem.is_object() ? problem.get_object().if_contains(name) : nullptr;
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  const auto* const findings = problem.is_object() ? problem.get_object().if_contains("findings") : nullptr;
  if (findings != nullptr && findings->is_array()) tell_findings(findings_of(findings->get_array()));
  const int code = answer->status == 401 || answer->status == 403 ? kNotAllowed
                   : answer->status == 409                        ? kConflict
                   : answer->status == 422                        ? kFindings
                                                                  : kFailed;
  return std::unexpected(fail(sentence_of_answer(answer->status, text("code"), text("detail")), code));
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace terreno::server::cli
