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

/// The law asks for the sender's name and postal address in each message; the editor may have written them already.
void append_footer(content::RenderedMessage& message, const governance::Sender& sender) {
  if (sender.footer.empty()) return;
  if (message.text.find(sender.footer) == std::string::npos) message.text += "\n\n-- \n" + sender.footer + "\n";
  const std::string footer = escape_lines(sender.footer);
  if (message.html.find(footer) != std::string::npos) return;
  if (message.html.find(with_plain_apostrophes(footer)) != std::string::npos) return;
  const std::string block =
      "<p style=\"margin:32px 0 0;font-size:13px;line-height:20px;color:#5c6670\">" + footer + "</p>";
  const size_t end = message.html.rfind("</body>");
  message.html.insert(end == std::string::npos ? message.html.size() : end, block);
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
  if (order.request.message_class == consent::MessageClass::commercial && unsubscribe.starts_with("https://"))
    message.list_unsubscribe_url = unsubscribe;
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
