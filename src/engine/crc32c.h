#pragma once

#include <cstdint>
#include <string_view>

namespace terreno::engine {

/// CRC-32C (Castagnoli), continued from `crc`; 0 to begin.
[[nodiscard]] uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace terreno::engine
