#include "server/delivery/compose.h"

#include <fmt/format.h>

#include "base/html.h"

namespace terreno::server {

namespace {

/// Where nobody has said yet who writes: a name that cannot be delivered to, for the Sandbox alone.
constexpr std::string_view kSandboxAddress = "sandbox@terreno.invalid";

/// Each line of the text on a line of its own.
std::string escape_lines(std::string_view text) {
  std::string out;
  while (true) {
    const size_t end = text.find('\n');
    append_html_escaped(out, text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += "<br>";
    text.remove_prefix(end + 1);
  }
}

/// As an editor types it: nobody escapes an apostrophe by hand.
std::string with_plain_apostrophes(std::string html) {
  constexpr std::string_view kEntity = "&#39;";
  for (size_t at = html.find(kEntity); at != std::string::npos; at = html.find(kEntity, at + 1))
    html.replace(at, kEntity.size(), "'");
  return html;
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void append_block(std::string& html, std::string_view content) {
  const std::string block =
      fmt::format("<p style=\"margin:32px 0 0;font-size:13px;line-height:20px;color:#5c6670\">{}</p>", content);
  const size_t end = html.rfind("</body>");
  html.insert(end == std::string::npos ? html.size() : end, block);
}

/// The law asks for the sender's name and postal address in each message; the editor may have written them already.
void append_footer(content::RenderedMessage& message, const governance::Sender& sender) {
  if (sender.footer.empty()) return;
  if (!holds(message.text, sender.footer)) message.text += "\n\n-- \n" + sender.footer + "\n";
  const std::string footer = escape_lines(sender.footer);
  if (holds(message.html, footer) || holds(message.html, with_plain_apostrophes(footer))) return;
  append_block(message.html, footer);
}

struct LinkTexts {
  std::string_view unsubscribe;
  std::string_view preferences;
};
LinkTexts link_texts(std::string_view language) {
  if (language == "es") return {"No quiero recibir más", "Elegir lo que recibo"};
  if (language == "fr") return {"Ne plus recevoir ces messages", "Choisir ce que je reçois"};
  return {"Stop these messages", "Choose what I get"};
}

/// A commercial message that leads nowhere out of it gets both ways, in its own language.
void append_ways_out(content::RenderedMessage& message, std::string_view unsubscribe, std::string_view preferences) {
  const LinkTexts texts = link_texts(message.language);
  if (!holds(message.text, unsubscribe) && !holds(message.text, preferences))
    message.text += fmt::format("\n\n{}: {}\n{}: {}\n", texts.unsubscribe, unsubscribe, texts.preferences, preferences);
  if (holds(message.html, unsubscribe) || holds(message.html, preferences)) return;
  append_block(message.html, fmt::format(R"(<a href="{}">{}</a> · <a href="{}">{}</a>)", unsubscribe, texts.unsubscribe,
                                         preferences, texts.preferences));
}

/// By what the reports of large mailbox providers group complaints: journey, topic, class, sender. A colon parts them,
/// so that a name has none; and only ASCII may be seen in a header.
std::string feedback_id(const channels::SendOrder& order, std::string_view domain) {
  constexpr size_t kPartBytesMax = 45;
  std::string id;
  for (const std::string_view part :
       {std::string_view(order.journey), std::string_view(order.request.scope.topic),
        order.request.message_class == consent::MessageClass::commercial ? std::string_view("commercial")
                                                                         : std::string_view("transactional"),
        domain}) {
    if (!id.empty()) id += ':';
    for (const char c : part.substr(0, kPartBytesMax)) id += c > ' ' && c < 127 && c != ':' ? c : '-';
    if (part.empty()) id += '-';
  }
  return id;
}

std::string link_to(const ComposeParts& parts, const channels::SendOrder& order, consent::LinkAction action) {
  consent::LinkClaims claims;
  claims.action = action;
  claims.address = order.request.address;
  claims.scope = order.request.scope;
  claims.decision = order.decision;
  // What cannot be said in the reader's language was said in the organisation's.
  claims.language = consent::language_of(order.language);
  if (claims.language.empty()) claims.language = consent::language_of(parts.configuration->default_language);
  const std::string& base = parts.installation->public_base_url;
  return fmt::format("{}/u/{}", base.empty() ? parts.own_base_url : std::string_view(base),
                     consent::make_token(*parts.links, claims));
}

std::string refused(const channels::Error& error) {
  return fmt::format("{}: rule {}", error.field, static_cast<int>(error.code));
}

}  // namespace

std::expected<ComposedEmail, ComposeFailure> compose_email(const channels::ClaimedSend& claimed,
                                                           const ComposeParts& parts) {
  const channels::SendOrder& order = claimed.order();
  const governance::Sender& sender = parts.installation->sender;
  if (parts.configuration == nullptr) return std::unexpected(ComposeFailure{"configuration: not kept"});
  const auto found = parts.configuration->templates.find(order.message);
  if (found == parts.configuration->templates.end())
    return std::unexpected(ComposeFailure{"template: not in this configuration"});

  const std::string unsubscribe = link_to(parts, order, consent::LinkAction::unsubscribe);
  const std::string preferences = link_to(parts, order, consent::LinkAction::preferences);
  content::RenderContext context;
  context.language = order.language;
  context.default_language = parts.configuration->default_language;
  context.data = order.data;
  context.time_zone = order.time_zone;
  context.now = parts.now;
  // There is no page that shows a message in a browser yet, and no link is better than one that is answered 404.
  context.links = {.unsubscribe = unsubscribe, .view_in_browser = {}, .preferences = preferences};
  auto rendered = content::render_message(found->second, context);
  if (!rendered)
    return std::unexpected(ComposeFailure{
        fmt::format("{}: {} {}", rendered.error().part, rendered.error().reason, rendered.error().detail)});
  const bool is_commercial = order.request.message_class == consent::MessageClass::commercial;
  if (is_commercial) append_ways_out(*rendered, unsubscribe, preferences);
  append_footer(*rendered, sender);

  ComposedEmail composed;
  channels::EmailMessage message;
  const std::string from = sender.from_address.empty() ? std::string(kSandboxAddress) : sender.from_address;
  const std::string domain = from.substr(from.rfind('@') + 1);
  message.from = {sender.from_name, from};
  if (!order.reply_to.empty()) message.reply_to = channels::Mailbox{"", order.reply_to};
  message.to = {"", order.request.address.value};
  message.subject = rendered->subject;
  message.text = rendered->text;
  message.html = rendered->html;
  message.headers.push_back({"Terreno-Decision", order.decision.hex()});
  // RFC 8058 asks for https.
  if (is_commercial && unsubscribe.starts_with("https://")) message.list_unsubscribe_url = unsubscribe;
  message.feedback_id = feedback_id(order, domain);
  message.message_id = fmt::format("{}.{}@{}", order.decision.hex(), claimed.attempt(), domain);
  message.date = parts.now;
  const auto return_path = channels::make_return_path(order.decision.hex(),
                                                      sender.envelope_domain.empty() ? domain : sender.envelope_domain);
  if (!return_path) return std::unexpected(ComposeFailure{refused(return_path.error())});
  message.return_path = *return_path;
  auto built = channels::build_mime(message);
  if (!built) return std::unexpected(ComposeFailure{refused(built.error())});
  composed.built = std::move(*built);
  if (parts.signer != nullptr) {
    const channels::DkimKey key{domain, sender.dkim_selector.empty() ? "terreno" : sender.dkim_selector, *parts.signer};
    const auto is_signed = channels::sign_dkim(composed.built.data, std::span(&key, 1), parts.now);
    if (!is_signed) return std::unexpected(ComposeFailure{refused(is_signed.error())});
  }
  composed.rendered = std::move(*rendered);
  composed.from = from;
  return composed;
}

}  // namespace terreno::server
