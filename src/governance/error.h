#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace terreno::governance {

/// Why a command or a sign-in was refused. Each has one HTTP status and one problem code in api/.
enum class Errc : uint8_t {
  invalid_field,       ///< `field` breaks `rule`
  not_found,           ///< `field` says what kind of thing
  already_exists,      ///< `field` must be unique
  limit_reached,       ///< `field` has as many as are allowed; `rule` is the number
  forbidden,           ///< the actor lacks the scope named in `rule`
  last_administrator,  ///< the change would leave nobody who can administer
  token_invalid,       ///< unknown, used or expired: deliberately not told apart
  already_set_up,      ///< the first run is over
  wrong_credentials,   ///< e-mail or password: deliberately not told apart
  too_many_attempts,   ///< `retry_after` in `rule`, seconds
  not_ready_for_live,  ///< `rule` lists what is missing, comma separated
  version_conflict,    ///< somebody changed it since; `rule` is the version it has now
  storage_failed,      ///< the disk refused: nothing was acknowledged, the program must stop
  corrupt,             ///< what was read is not what was written; `field` says what
  newer_format,        ///< written by a newer version; `rule` is that version
};
inline constexpr Errc kErrcLast = Errc::newer_format;

[[nodiscard]] std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::invalid_field;
  std::string field;  ///< the path of what was refused, such as `sender.reply_to`
  std::string rule;   ///< the rule it breaks, as a word or number a message is looked up with
  bool operator==(const Error&) const = default;
};

}  // namespace terreno::governance
