#pragma once

// Messages as documents: a template of kind `template` holds a message's parts by language, parsed once when the
// configuration is read and rendered many times. The server is the only renderer: a preview is the message.
//
// 1. Unknown tags, filters and operators are findings with line and column when the document is read, never at send.
// 2. A commercial message carries its links and headers whatever the editor produced: the server adds what is missing.
// 3. Rendering has limits on steps, output and depth; what fails is not sent half rendered.

#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "base/document.h"
#include "base/time.h"
#include "content/liquid.h"

namespace terreno::content {

struct Parts {
  liquid::Template subject;
  liquid::Template html;
  liquid::Template text;
};

struct MessageTemplate {
  std::string name;
  std::string author;
  std::string aim;
  liquid::Missing on_missing = liquid::Missing::fail;
  std::map<std::string, Parts, std::less<>> languages;  ///< by language: `es`, `fr`, `en`
};

/// Reads a document of kind `template`. Only to be used when no finding was added.
[[nodiscard]] MessageTemplate parse_message(const DocumentNode& document);

/// What keeps one document from being published although it can be read: a link to a page that does not exist
/// (`no_such_page`). What was published before this was asked for stays readable, since decisions name it.
void check_publishable(const std::string& file, const std::string& text, std::vector<Finding>& findings);

struct RenderContext {
  std::string_view language;          ///< BCP 47 of the person; empty: unknown
  std::string_view default_language;  ///< the organisation's
  std::string_view data;              ///< JSON object
  std::string_view time_zone;
  Timestamp now;
  liquid::Links links;
};
struct RenderedMessage {
  std::string language;
  std::string subject;
  std::string html;
  std::string text;
};
struct RenderFailure {
  std::string part;    ///< `subject`, `html` or `text`
  std::string reason;  ///< an error's code, or `aborted`
  std::string detail;  ///< place and subject of the error, or the reason given to abort_message
};
/// Any thread.
[[nodiscard]] std::expected<RenderedMessage, RenderFailure> render_message(const MessageTemplate& message,
                                                                           const RenderContext& context);

}  // namespace terreno::content
