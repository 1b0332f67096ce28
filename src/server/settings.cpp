#include "server/settings.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>

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
  settings.threads = static_cast<unsigned>(document.get("threads").integer(settings.threads, 1, 64));
  settings.memory_mib =
      static_cast<uint64_t>(document.get("memory_mib").integer(static_cast<int64_t>(settings.memory_mib), 16, 1 << 20));
  const auto read_ms = [&document](std::string_view name, Duration& into, int64_t least) {
    into = {document.get(name).integer(into.ms, least, hours(1).ms)};
  };
  read_ms("commit_every_ms", settings.commit_every, 20);
  read_ms("checkpoint_every_ms", settings.checkpoint_every, 100);
  const DocumentNode mail = document.get("mail");
  if (mail.exists()) read_mail(mail, settings.mail);
  document.finish();
}

void read_environment(Settings& settings) {
  const auto read = [](const char* name, std::string& into) {
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0') into = value;
  };
  read("TERRENO_DATA", settings.data_folder);
  read("TERRENO_LISTEN", settings.listen);
  read("TERRENO_KEY_FILE", settings.key_file);
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
