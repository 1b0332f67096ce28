#include "base/hash.h"

#include <xxhash.h>

#include <array>

namespace terreno {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Id128::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[i] = kDigits[(high >> (60 - 4 * i)) & 15];
    text[16 + i] = kDigits[(low >> (60 - 4 * i)) & 15];
  }
  return text;
}

Id128 Id128::from_hex(std::string_view text) {
  if (text.size() != 32) return {};
  Id128 id;
  for (int i = 0; i < 32; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return {};
    uint64_t& half = i < 16 ? id.high : id.low;
    half = half << 4 | static_cast<uint64_t>(digit);
  }
  return id;
}

uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Id128 hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Id128 derive_id(Id128 record, uint64_t index) {
  std::array<char, 24> bytes{};
  const std::array<uint64_t, 3> words{record.high, record.low, index};
  for (size_t word = 0; word < words.size(); ++word) {
    for (size_t byte = 0; byte < 8; ++byte) bytes[word * 8 + byte] = static_cast<char>(words[word] >> (8 * byte));
  }
  return hash128({bytes.data(), bytes.size()});
}

}  // namespace terreno
