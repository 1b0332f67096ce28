#pragma once

// Text for HTML.

#include <string>
#include <string_view>

namespace terreno {

/// Appends `text` so that it is shown as it is, in an element or in a quoted attribute: `& < > " '` become entities.
/// Copies runs, so text without any of them costs one append.
void append_html_escaped(std::string& out, std::string_view text);
[[nodiscard]] std::string html_escaped(std::string_view text);

}  // namespace terreno
