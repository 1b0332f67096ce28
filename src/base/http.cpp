#include "base/http.h"

#include <algorithm>
#include <array>

namespace terreno::http {

namespace {

constexpr std::array<std::string_view, 7> kMethodNames{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Appends to `out`; false at a malformed escape.
bool decode_into(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `found(name, value)`, both escaped, until it returns false.
template <typename Found>
void for_each_parameter(std::string_view query, Found found) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    if (!found(pair.substr(0, equals), value)) return;
  }
}

}  // namespace

std::string_view name_of(Method method) {
  return method == Method::other ? std::string_view{} : kMethodNames[static_cast<size_t>(method)];
}

Method method_from(std::string_view name) {
  const auto* const found = std::ranges::find(kMethodNames, name);
  return static_cast<Method>(found - kMethodNames.begin());
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  if (!decode_into(text, false, out) || std::ranges::any_of(out, is_control)) return std::nullopt;
  return out;
}

std::optional<std::string> query_decode(std::string_view text) {
  std::string out;
  if (!decode_into(text, true, out)) return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::optional<std::string> Request::query_parameter(std::string_view name) const {
  std::optional<std::string> result;
  for_each_parameter(query, [&](std::string_view raw_name, std::string_view raw_value) {
    if (query_decode(raw_name) != name) return true;
    result = query_decode(raw_value);
    return false;
  });
  return result;
}

std::vector<std::pair<std::string, std::string>> Request::query_parameters() const {
  std::vector<std::pair<std::string, std::string>> parameters;
  for_each_parameter(query, [&](std::string_view raw_name, std::string_view raw_value) {
    auto name = query_decode(raw_name);
    auto value = query_decode(raw_value);
    if (name && value) parameters.emplace_back(std::move(*name), std::move(*value));
    return true;
  });
  return parameters;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const {
  for (const Header& header : headers) {
    if (!equals_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
  }
  return std::nullopt;
}

bool set_target(Request& request, std::string_view target) {
  request.target = target;
  // The absolute form, which a proxy may send: `http://host/path`.
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const size_t slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  request.raw_path = target.substr(0, question);
  request.query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  return decode_into(request.raw_path, false, request.path) && std::ranges::none_of(request.path, is_control);
}

bool Response::add_header(std::string_view name, std::string_view value) {
  if (name.empty() || !std::ranges::all_of(name, is_token_char)) return false;
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
  header_lines.append(name).append(": ").append(value).append("\r\n");
  return true;
}

std::string_view Response::body_view() const {
  if (const auto* constant = std::get_if<std::string_view>(&body)) return *constant;
  if (const auto* own = std::get_if<std::string>(&body)) return *own;
  const auto& shared = std::get<std::shared_ptr<const std::string>>(body);
  return shared ? std::string_view(*shared) : std::string_view{};
}

std::optional<std::string_view> Response::header(std::string_view name) const {
  std::string_view rest = header_lines;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name))
      return line.substr(colon + 2);
  }
  return std::nullopt;
}

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

uint16_t status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::body_too_large:
      return 413;
    case Refusal::body_timeout:
      return 408;
    case Refusal::busy:
      return 429;
    case Refusal::stopping:
      return 503;
    case Refusal::unanswered:
      return 500;
  }
  return 500;
}

std::string_view code_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::body_too_large:
      return "payload_too_large";
    case Refusal::body_timeout:
      return "request_timeout";
    case Refusal::busy:
      return "too_many_requests";
    case Refusal::stopping:
      return "stopping";
    case Refusal::unanswered:
      return "internal_error";
  }
  return "internal_error";
}

}  // namespace terreno::http
