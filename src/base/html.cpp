#include "base/html.h"

#include <array>
#include <cstdint>

namespace terreno {

namespace {

// 0: as it is; otherwise the index of the entity.
constexpr std::array<uint8_t, 256> make_escapes() {
  std::array<uint8_t, 256> table{};
  table['&'] = 1;
  table['<'] = 2;
  table['>'] = 3;
  table['"'] = 4;
  table['\''] = 5;
  return table;
}
constexpr auto kEscapes = make_escapes();
constexpr std::array<std::string_view, 6> kEntities = {"", "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

}  // namespace

void append_html_escaped(std::string& out, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  for (const char* at = from; at != end; ++at) {
    const uint8_t entity = kEscapes[static_cast<unsigned char>(*at)];
    if (entity == 0) continue;
    out.append(from, static_cast<size_t>(at - from));
    out.append(kEntities[entity]);
    from = at + 1;
  }
  out.append(from, static_cast<size_t>(end - from));
}

std::string html_escaped(std::string_view text) {
  std::string out;
  append_html_escaped(out, text);
  return out;
}

}  // namespace terreno
