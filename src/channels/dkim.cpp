#include <algorithm>
#include <array>
#include <charconv>

#include "channels/address.h"
#include "channels/encoding.h"

namespace terreno::channels {

namespace {

// What a receiver shows or acts on. Those that a message has are signed; From once more than it occurs.
constexpr std::array<std::string_view, 13> kSignedHeaders = {"from",
                                                             "to",
                                                             "reply-to",
                                                             "subject",
                                                             "date",
                                                             "message-id",
                                                             "mime-version",
                                                             "content-type",
                                                             "content-transfer-encoding",
                                                             "list-unsubscribe",
                                                             "list-unsubscribe-post",
                                                             "feedback-id",
                                                             "auto-submitted"};

struct HeaderField {
  std::string_view name;
  std::string_view value;  ///< with its folds
};

struct Split {
  std::vector<HeaderField> headers;
  std::string_view body;
};

// Splits a message that ends its lines with CRLF; nullopt when the header block is not one.
std::optional<Split> split_message(std::string_view data) {
  Split split;
  while (!data.starts_with("\r\n")) {
    const size_t colon = data.find(':');
    size_t end = data.find("\r\n");
    if (colon == std::string_view::npos || end == std::string_view::npos || colon > end) return std::nullopt;
    while (end + 2 < data.size() && (data[end + 2] == ' ' || data[end + 2] == '\t')) {
      end = data.find("\r\n", end + 2);
      if (end == std::string_view::npos) return std::nullopt;
    }
    split.headers.push_back({data.substr(0, colon), data.substr(colon + 1, end - colon - 1)});
    data.remove_prefix(end + 2);
  }
  split.body = data.substr(2);
  return split;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// RFC 6376, 3.4.2, without the CRLF at the end.
void append_relaxed_header(std::string& out, std::string_view name, std::string_view value) {
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  out += lower_ascii(name);
  out += ':';
  bool pending_blank = false;
  bool started = false;
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (is_blank(c)) {
      pending_blank = started;
      continue;
    }
    if (pending_blank) out += ' ';
    pending_blank = false;
    started = true;
    out += c;
  }
}

// RFC 6376, 3.4.4.
std::string relaxed_body(std::string_view body) {
  std::string out;
  out.reserve(body.size() + 2);
  size_t content_end = 0;  // after the last line that is not empty, its CRLF included
  while (!body.empty()) {
    const size_t end = std::min(body.find("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    const size_t before = out.size();
    bool pending_blank = false;
    for (size_t i = 0; i < line.size();) {
      if (is_blank(line[i])) {
        pending_blank = true;
        ++i;
        continue;
      }
      if (pending_blank) out += ' ';
      pending_blank = false;
      size_t word_end = i + 1;
      while (word_end < line.size() && !is_blank(line[word_end])) ++word_end;
      out.append(line, i, word_end - i);
      i = word_end;
    }
    const bool is_empty = out.size() == before;
    out += "\r\n";
    if (!is_empty) content_end = out.size();
    body.remove_prefix(std::min(end + 2, body.size()));
  }
  out.resize(content_end);
  return out;
}

std::string bytes_of(const std::array<uint8_t, 32>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// A list that can be folded after any separator: keeps each line within the column.
void append_folded_list(std::string& out, std::string_view text, char separator, size_t column) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size() - 1) + 1;
    if (column + end > kFoldColumn) {
      out += "\r\n\t";
      column = 8;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(end);
  }
}

struct SignedPart {
  std::string names;      ///< the value of `h=`
  std::string canonical;  ///< the headers it names, each with CRLF
};

SignedPart collect_signed_headers(const std::vector<HeaderField>& headers) {
  SignedPart part;
  for (const std::string_view wanted : kSignedHeaders) {
    // From the bottom up: which of several is meant is fixed so by RFC 6376, 5.4.2.
    for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
      if (lower_ascii(header->name) != wanted) continue;
      part.names += part.names.empty() ? "" : ":";
      part.names += wanted;
      append_relaxed_header(part.canonical, header->name, header->value);
      part.canonical += "\r\n";
    }
  }
  part.names += ":from";
  return part;
}

std::string signature_header(const DkimKey& key, std::string_view domain, std::string_view selector,
                             const SignedPart& part, std::string_view body_hash, Timestamp signed_at) {
  const bool is_rsa = key.signer.algorithm == SignatureAlgorithm::rsa_sha256;
  std::string value = is_rsa ? " v=1; a=rsa-sha256; c=relaxed/relaxed;" : " v=1; a=ed25519-sha256; c=relaxed/relaxed;";
  value += "\r\n\td=";
  value += domain;
  value += ";\r\n\ts=";
  value += selector;
  std::array<char, 24> seconds;
  const auto end = std::to_chars(seconds.data(), seconds.data() + seconds.size(), signed_at.ms / 1000).ptr;
  value += "; t=";
  value.append(seconds.data(), end);
  value += ";\r\n\th=";
  append_folded_list(value, part.names, ':', 10);
  value += ";\r\n\tbh=";
  value += body_hash;
  value += ";\r\n\tb=";

  // Signed with an empty `b=`: whatever blanks the folding of `b=` adds are not part of its value.
  std::string input = part.canonical;
  append_relaxed_header(input, "dkim-signature", value);
  const std::string signature =
      base64_text(is_rsa ? key.signer.sign(input) : key.signer.sign(bytes_of(key.signer.sha256(input))));
  for (size_t at = 0; at < signature.size(); at += 64) {
    if (at > 0) value += "\r\n\t";
    value.append(signature, at, 64);
  }
  return "DKIM-Signature:" + value + "\r\n";
}

}  // namespace

Result<void> sign_dkim(std::string& data, std::span<const DkimKey> keys, Timestamp signed_at) {
  if (keys.empty()) return {};
  const auto split = split_message(data);
  const bool has_from =
      split && std::any_of(split->headers.begin(), split->headers.end(),
                           [](const HeaderField& header) { return lower_ascii(header.name) == "from"; });
  if (!has_from) return std::unexpected(Error{Errc::malformed_message, "data"});
  const std::string body = relaxed_body(split->body);
  const SignedPart part = collect_signed_headers(split->headers);
  const std::string body_hash = base64_text(bytes_of(keys.front().signer.sha256(body)));
  std::string signatures;
  for (const DkimKey& key : keys) {
    TERRENO_TRY(const std::string domain, normalise_domain(key.domain, "dkim.domain"));
    TERRENO_TRY(const std::string selector, normalise_domain(key.selector, "dkim.selector"));
    signatures += signature_header(key, domain, selector, part, body_hash, signed_at);
  }
  data.insert(0, signatures);
  return {};
}

std::string dkim_record(SignatureAlgorithm algorithm, std::string_view public_key) {
  std::string record = algorithm == SignatureAlgorithm::rsa_sha256 ? "v=DKIM1; k=rsa; p=" : "v=DKIM1; k=ed25519; p=";
  record += public_key;
  return record;
}

}  // namespace terreno::channels
