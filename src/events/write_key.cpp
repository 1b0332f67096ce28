#include <algorithm>

#include "events/events.h"

namespace terreno::events {

namespace {

// A key that a customer brings from another product may have any printable form.
constexpr size_t kWriteKeyBytesMax = 128;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-' || c == ' ') return 62;  // A query turns `+` into a space.
  if (c == '/' || c == '_') return 63;
  return -1;
}

void add_candidate(std::string key, WriteKeyOffer& offer) {
  if (key.size() <= kWriteKeyBytesMax && std::ranges::find(offer.candidates, key) == offer.candidates.end())
    offer.candidates.push_back(std::move(key));
}

bool starts_with_scheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return false;
  return std::equal(scheme.begin(), scheme.end(), header.begin(), [](char a, char b) { return a == (b | 0x20); });
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  if (count == 6) return std::nullopt;
  return out;
}

WriteKeyOffer offered_write_keys(std::optional<std::string_view> authorization,
                                 std::optional<std::string_view> x_write_key,
                                 std::optional<std::string_view> query_key) {
  WriteKeyOffer offer;
  if (authorization && starts_with_scheme(*authorization, "basic")) {
    std::string_view encoded = authorization->substr(6);
    while (encoded.starts_with(' ')) encoded.remove_prefix(1);
    while (encoded.ends_with(' ')) encoded.remove_suffix(1);
    auto key = decode_base64(encoded);
    // An undecodable header is a key that nobody has: it must not fall through to a weaker form.
    if (!key) key = std::string();
    if (key->ends_with(':')) key->pop_back();
    add_candidate(*key, offer);
    if (const size_t colon = key->find(':'); colon != std::string::npos) add_candidate(key->substr(0, colon), offer);
    if (offer.candidates.empty()) offer.candidates.emplace_back();
    return offer;
  }
  if (x_write_key && !x_write_key->empty()) {
    offer.candidates.emplace_back(*x_write_key);
    if (const size_t colon = x_write_key->find(':'); colon != std::string_view::npos)
      add_candidate(std::string(x_write_key->substr(0, colon)), offer);
    return offer;
  }
  if (query_key && !query_key->empty()) offer.candidates.emplace_back(*query_key);
  return offer;
}

}  // namespace terreno::events
