// Tokens come from anybody. What reads must be ours, and in its only spelling.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "consent/consent.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace terreno;
  static const consent::LinkKeys keys({{1, Secret("a key for this fuzz target only")}});
  const std::string_view token(reinterpret_cast<const char*>(data), size);
  if (const auto claims = consent::read_token(keys, token)) {
    if (consent::make_token(keys, *claims) != token) std::abort();
  }
  return 0;
}
