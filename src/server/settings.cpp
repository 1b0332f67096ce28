#include "server/settings.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <type_traits>

#include "base/result.h"
#include "governance/governance.h"

namespace terreno::server {

namespace {

void read_mail(const DocumentNode& mail, smtp::SmtpSettings& settings) {
  settings.host = mail.require("host").text();
  settings.port = static_cast<uint16_t>(mail.get("port").integer(25, 1, 65'535));
  constexpr std::array<std::string_view, 3> kSecurity{"none", "starttls", "tls"};
  settings.security = static_cast<smtp::Security>(mail.get("security").choice(kSecurity, 0));
  settings.verify_certificate = mail.get("verify_certificate").boolean(true);
  settings.authorities_file = mail.get("authorities_file").text();
  settings.helo_name = mail.get("helo_name").text("localhost");
  settings.connections_max = static_cast<uint32_t>(mail.get("connections").integer(10, 2, 1000));
  constexpr std::array<std::string_view, 3> kAuthentication{"none", "plain", "login"};
  settings.authentication = static_cast<smtp::Authentication>(mail.get("authentication").choice(kAuthentication, 0));
  settings.user = mail.get("user").text();
  const DocumentNode password_file = mail.get("password_file");
  if (password_file.exists()) {
    std::ifstream file(password_file.text(), std::ios::binary);
    std::string password((std::istreambuf_iterator<char>(file)), {});
    while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
    if (!file || password.empty())
      password_file.fail("unreadable", "cannot be read or is empty; name a file that holds the password alone");
    settings.password = Secret(std::move(password));
  }
  mail.finish();
}

}  // namespace

void read_settings_file(const std::string& path, const std::string& text, Settings& settings,
                        std::vector<Finding>& findings) {
  const DocumentNode document = DocumentNode::parse(path, text, findings);
  if (!document.exists()) return;
  settings.data_folder = document.get("data").text(settings.data_folder);
  settings.listen = document.get("listen").text(settings.listen);
  settings.key_file = document.get("key_file").text(settings.key_file);
  settings.threads = static_cast<unsigned>(document.get("threads").integer(settings.threads, 1, kThreadsMax));
  settings.memory_mib = static_cast<uint64_t>(
      document.get("memory_mib").integer(static_cast<int64_t>(settings.memory_mib), kMemoryMibMin, kMemoryMibMax));
  const DocumentNode base_url = document.get("public_base_url");
  if (base_url.exists()) settings.public_base_url = base_url.text();
  const DocumentNode proxies = document.get("trusted_proxies");
  if (proxies.exists()) {
    settings.trusted_proxies.emplace();
    for (const DocumentNode& each : proxies.items()) settings.trusted_proxies->push_back(each.text());
  }
  const auto read_ms = [&document](std::string_view name, Duration& into, int64_t least) {
    into = {document.get(name).integer(into.ms, least, hours(1).ms)};
  };
  read_ms("commit_every_ms", settings.commit_every, 20);
  read_ms("checkpoint_every_ms", settings.checkpoint_every, 100);
  const DocumentNode mail = document.get("mail");
  if (mail.exists()) read_mail(mail, settings.mail);
  document.finish();
}

std::expected<void, Sentence> read_environment(Settings& settings) {
  const auto value_of = [](const char* name) -> std::optional<std::string> {
    const char* const value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
  if (const auto value = value_of("TERRENO_DATA")) settings.data_folder = *value;
  if (const auto value = value_of("TERRENO_LISTEN")) settings.listen = *value;
  if (const auto value = value_of("TERRENO_KEY_FILE")) settings.key_file = *value;
  if (const auto value = value_of("TERRENO_PUBLIC_BASE_URL")) settings.public_base_url = *value;
  if (const auto value = value_of("TERRENO_TRUSTED_PROXIES")) settings.trusted_proxies = split_list(*value);
  const auto read_number = [&](const char* name, uint64_t min, uint64_t max,
                               auto& into) -> std::expected<void, Sentence> {
    const auto value = value_of(name);
    if (!value) return {};
    uint64_t number = 0;
    const char* const end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || number < min || number > max)
      return std::unexpected(
          Sentence{fmt::format("{} is `{}`, which is no number from {} to {}", name, *value, min, max),
                   "set another or none", "out_of_range"});
    into = static_cast<std::remove_reference_t<decltype(into)>>(number);
    return {};
  };
  TERRENO_TRY_VOID(read_number("TERRENO_THREADS", 1, kThreadsMax, settings.threads));
  TERRENO_TRY_VOID(read_number("TERRENO_MEMORY_MIB", kMemoryMibMin, kMemoryMibMax, settings.memory_mib));
  return {};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t end = text.find_first_of(", ");
    if (end != 0) items.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return items;
}

std::expected<void, Sentence> check_settings(const Settings& settings) {
  std::string address;
  uint16_t port = 0;
  if (!split_listen(settings.listen, address, port))
    return std::unexpected(Sentence{fmt::format("`{}` is not an address and port to listen on", settings.listen),
                                    "write it as 127.0.0.1:8080, or [::1]:8080", "listen"});
  if (settings.public_base_url) {
    if (const auto checked = governance::check_base_url(*settings.public_base_url); !checked) {
      Sentence told = sentence_of(checked.error());
      told.what += fmt::format(" (`{}`)", *settings.public_base_url);
      return std::unexpected(std::move(told));
    }
  }
  if (!settings.trusted_proxies) return {};
  for (const std::string& network : *settings.trusted_proxies) {
    if (const auto checked = governance::check_network("trusted_proxies", network); !checked) {
      Sentence told = sentence_of(checked.error());
      told.what = fmt::format("`{}` among the trusted proxies is neither an address nor a block of addresses", network);
      return std::unexpected(std::move(told));
    }
  }
  return {};
}

bool split_listen(const std::string& listen, std::string& address, uint16_t& port) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return false;
  address = listen.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const char* begin = listen.data() + colon + 1;
  const char* end = listen.data() + listen.size();
  const auto read = std::from_chars(begin, end, port);
  return read.ec == std::errc{} && read.ptr == end && !address.empty();
}

}  // namespace terreno::server
