#pragma once

// The pages behind links, whole: server-rendered, at most 15 KB (but for a long list of topics), no script, no cookie,
// in Spanish, French and English. Pure functions; every text that comes from outside is escaped. GET shows, POST
// changes (docs/concepts/consent.md, Links and pages): a GET page has buttons that post to `post_path` and does nothing
// by itself.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consent/act.h"

namespace terreno::consent {

enum class PageLanguage : uint8_t { es, fr, en };
/// From BCP 47 or an Accept-Language header; nullopt when it names none of the three.
[[nodiscard]] std::optional<PageLanguage> page_language_named(std::string_view accepted);
/// `es`, `fr` or `en`.
[[nodiscard]] std::string_view code_of(PageLanguage language);
/// The code of the first of the three that is named; empty for none.
[[nodiscard]] std::string language_of(std::string_view accepted);

struct LinkPage {
  PageLanguage language = PageLanguage::en;
  std::string brand_name;        ///< who writes
  std::string legal_line;        ///< entity and postal address, for the footer; may be empty
  std::string topic_name;        ///< in that language; empty: the message's channel as a whole
  std::string masked_address;    ///< `mask_address`
  std::string post_path;         ///< `/u/TOKEN`
  std::string preferences_path;  ///< may be empty
  std::string font_path;         ///< woff2 of Instrument Sans on our own host; empty: the system's font
};

/// GET /u/TOKEN. One button that withdraws the topic; a quieter one that withdraws everything (`all=1`).
[[nodiscard]] std::string unsubscribe_page(const LinkPage& page);
/// Answer to the POST, and to any later one.
[[nodiscard]] std::string unsubscribed_page(const LinkPage& page, bool everything);
/// GET of a double opt-in link: one button that confirms.
[[nodiscard]] std::string confirm_page(const LinkPage& page);
[[nodiscard]] std::string confirmed_page(const LinkPage& page);
/// Answer to the POST of a double opt-in link that there is nothing to confirm with any more.
[[nodiscard]] std::string link_over_page(const LinkPage& page);
/// What was pressed could not be written down, or not so often: nothing has changed, and what to do.
[[nodiscard]] std::string not_written_page(const LinkPage& page);
/// A token that is not ours, with status 404: says what to do instead.
[[nodiscard]] std::string unreadable_link_page(const LinkPage& page);

/// A topic with what the address has said about it.
struct PreferenceTopic {
  std::string name;
  std::string title;
  bool is_on = false;
};
struct PreferencesPage {
  LinkPage page;
  std::vector<PreferenceTopic> topics;
  bool is_saved = false;       ///< the answer to a POST
  bool is_suppressed = false;  ///< mail came back, or was called spam: nothing leaves, whatever is ticked
};
/// GET of a `preferences` link, and the answer to its POST. The form posts `form=preferences`, per topic shown as on
/// `on.NAME=1`, per ticked one `t.NAME=1`; the other button `none=1`. From `on` and `t` follows what the reader
/// changed, however old the form is. Grows with the topics, by some 200 bytes each.
[[nodiscard]] std::string preferences_page(const PreferencesPage& preferences);
/// The wording next to a tick, for the ledger's `text_version`.
[[nodiscard]] std::string preference_wording(const LinkPage& page, std::string_view title);

inline constexpr size_t kPageBytesMax = 15 * 1024;

}  // namespace terreno::consent
