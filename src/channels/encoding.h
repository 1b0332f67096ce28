#pragma once

// The two ways in which mail carries text that is not plain ASCII, and what text may be carried at all.

#include <string>
#include <string_view>

#include "base/result.h"
#include "channels/channels.h"

namespace terreno::channels {

inline constexpr size_t kFoldColumn = 76;

[[nodiscard]] bool is_ascii(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
/// Bytes of the UTF-8 character that starts at `text[0]`; `text` is valid UTF-8 and not empty.
[[nodiscard]] size_t character_size(std::string_view text);
/// A to Z, a to z, 0 to 9, in every locale.
[[nodiscard]] bool is_alphanumeric(char c);
[[nodiscard]] std::string lower_ascii(std::string_view text);
[[nodiscard]] std::string base64_text(std::string_view bytes);

/// Refuses what no header may hold: control characters (a tab passes), broken UTF-8, more than `limit` bytes.
[[nodiscard]] Result<void> check_header_text(std::string_view text, std::string_view field, size_t limit);

/// Appends a text to a header line that has reached `column`, as it is where mail programs would read it back
/// unchanged, else as encoded words (RFC 2047). Folds at kFoldColumn. Returns the column reached.
size_t append_unstructured(std::string& out, size_t column, std::string_view text);
/// The same for a name before an address (RFC 5322 phrase): plain, quoted or encoded.
size_t append_phrase(std::string& out, size_t column, std::string_view text);

/// Appends a body as quoted-printable (RFC 2045, 6.7). Line ends become CRLF; a last line without one gets none. Dots
/// and `From ` at the start of a line are encoded too, so that no relay changes them and the signature holds.
void append_quoted_printable(std::string& out, std::string_view text);

}  // namespace terreno::channels
