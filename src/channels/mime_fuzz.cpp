// Hostile fields into build_mime and sign_dkim: what is built keeps the promises of channels.h.

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "channels/channels.h"

using namespace terreno;
using namespace terreno::channels;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader in({reinterpret_cast<const char*>(data), size});
  EmailMessage message;
  message.message_id = "1@example.org";
  message.return_path = "bounce+1@example.org";
  message.from.address = "a@example.org";
  message.to.address = "b@example.org";
  message.text = "x";
  // Each byte picks the field that the following text replaces, so that most inputs get past the first check.
  while (in.ok() && !in.rest().empty()) {
    const uint8_t field = in.u8();
    std::string text = in.text();
    switch (field % 14) {
      case 0:
        message.from.name = text;
        break;
      case 1:
        message.from.address = text;
        break;
      case 2:
        message.to.name = text;
        break;
      case 3:
        message.to.address = text;
        break;
      case 4:
        message.subject = text;
        break;
      case 5:
        message.text = text;
        break;
      case 6:
        message.html = text;
        break;
      case 7:
        message.headers.push_back({text, in.text()});
        break;
      case 8:
        message.list_unsubscribe_url = text;
        break;
      case 9:
        message.list_unsubscribe_mailto = text;
        break;
      case 10:
        message.message_id = text;
        break;
      case 11:
        message.feedback_id = text;
        break;
      case 12:
        message.return_path = text;
        break;
      case 13:
        message.date = Timestamp{static_cast<int64_t>(hash64(text) % 200'000'000'000'000)};
        break;
    }
  }
  auto built = build_mime(message);
  if (!built) return 0;
  const std::string& mail = built->data;
  TERRENO_CHECK(mail.ends_with("\r\n"), "the last line ends");
  size_t headers = 0;
  bool in_header = true;
  for (size_t at = 0; at < mail.size();) {
    const size_t end = mail.find("\r\n", at);
    TERRENO_CHECK(end != std::string::npos && end - at <= 998, "a line is too long");
    const std::string_view line = std::string_view(mail).substr(at, end - at);
    TERRENO_CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
                  "a bare line end or NUL");
    TERRENO_CHECK(!line.starts_with("."), "a line starts with a dot");
    if (line.empty()) in_header = false;
    if (in_header && line[0] != ' ') ++headers;
    at = end + 2;
  }
  const size_t expected = 7 + message.headers.size() + (message.text.empty() || message.html.empty() ? 1 : 0) +
                          (message.feedback_id.empty() ? 0 : 1) + (message.list_unsubscribe_url.empty() ? 0 : 1) +
                          (message.list_unsubscribe_url.empty() && message.list_unsubscribe_mailto.empty() ? 0 : 1);
  TERRENO_CHECK(headers == expected, "a field added a header");
  const DkimKey key{"example.org",
                    "s",
                    {SignatureAlgorithm::ed25519_sha256, [](std::string_view) { return std::array<uint8_t, 32>{}; },
                     [](std::string_view bytes) { return std::string(bytes.substr(0, 32)); }}};
  TERRENO_CHECK(sign_dkim(built->data, {&key, 1}, message.date), "what was built can be signed");
  return 0;
}
