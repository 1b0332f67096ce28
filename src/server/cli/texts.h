#pragma once

#include <string_view>

namespace terreno::server::cli {

/// The console's `why.json` of a language (es, fr; anything else: en), so that both say the same. Made by
/// cli/CMakeLists.txt from console/texts/.
[[nodiscard]] std::string_view why_texts(std::string_view language);

}  // namespace terreno::server::cli
