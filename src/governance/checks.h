#pragma once

// What the fields of commands must look like. Each check names the field and the rule it breaks.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "governance/error.h"
#include "governance/model.h"

namespace terreno::governance {

enum class Emptiness : uint8_t { allowed, refused };

/// At most `bytes_max` bytes and no control characters.
[[nodiscard]] std::expected<void, Error> check_line(std::string_view field, std::string_view text, size_t bytes_max,
                                                    Emptiness emptiness);
/// The same, with line feeds allowed.
[[nodiscard]] std::expected<void, Error> check_text(std::string_view field, std::string_view text, size_t bytes_max);
/// 1 to 128 printable ASCII characters without spaces at the ends.
[[nodiscard]] std::expected<void, Error> check_write_key(std::string_view key);
/// Two capital ASCII letters, or empty.
[[nodiscard]] std::expected<void, Error> check_region(std::string_view region);
/// A host name of letters, digits and hyphens, or empty.
[[nodiscard]] std::expected<void, Error> check_domain(std::string_view field, std::string_view domain);
/// Every field of the sender; those that are empty are not there yet.
[[nodiscard]] std::expected<void, Error> check_sender(const Sender& sender);

[[nodiscard]] std::unexpected<Error> refuse(Errc code, std::string_view field, std::string_view rule = {});

}  // namespace terreno::governance
