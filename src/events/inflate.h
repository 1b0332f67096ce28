#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace terreno::events {

enum class Inflated : uint8_t { complete, malformed, too_large };

/// Decompresses gzip (several members too) or zlib into `out`, replacing it, and stops as soon as `bytes_max` is
/// passed: a few kilobytes can stand for gigabytes.
[[nodiscard]] Inflated inflate_bounded(std::string_view compressed, size_t bytes_max, std::string& out);

}  // namespace terreno::events
