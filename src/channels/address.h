#pragma once

#include <string>
#include <string_view>

#include "channels/channels.h"

namespace terreno::channels {

/// A host name as A-labels in lower case (UTS #46, non-transitional). Error: malformed_domain.
[[nodiscard]] Result<std::string> normalise_domain(std::string_view text, std::string_view field);

}  // namespace terreno::channels
