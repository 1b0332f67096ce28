#pragma once

#include <optional>
#include <string>
#include <string_view>

// The web console's files inside the program, and how each is answered over HTTP.
//
// 1. Nothing is read from disk and nothing is compressed when a request comes: the bytes are part of the program.
// 2. A path that looks like a file and is none is a 404, never the page: a stale script must fail loudly.
// 3. The page carries a nonce for each request, so it has no ETag and is always asked for again.
//
// All functions are pure but for the bytes they look at; any thread.

namespace terreno::server::console {

/// One file as it is kept. The views point into the program and live as long as it.
struct Asset {
  /// Below `/app/`, such as `assets/index-DzEggM8u.js`.
  std::string_view path;
  /// With its charset.
  std::string_view mime;
  /// 16 hexadecimal digits of the content's SHA-256.
  std::string_view hash;
  /// Its name changes with its content, so it may be kept for ever.
  bool immutable = false;
  /// Empty for a file that is kept compressed only.
  std::string_view plain;
  /// Both empty for a file that compressing does not shrink.
  std::string_view brotli, gzip;
};

/// The file of that path below `/app/`. Nothing when the program was built without a console.
[[nodiscard]] std::optional<Asset> find_asset(std::string_view path);

/// Whether the program was built with a console.
[[nodiscard]] bool is_embedded();

/// 16 hexadecimal digits that change with any file of the console; `GET /api/v1/meta` gives it as `build`, and an open
/// console offers to reload when it no longer is its own.
[[nodiscard]] std::string_view build_id();

/// An answer for one path. `body` may point into the program or into `owned`, so an Answer is moved, not taken apart.
struct Answer {
  /// 200, 304 or 404.
  unsigned status = 404;
  std::string_view mime = "text/plain; charset=utf-8";
  /// `br`, `gzip` or empty.
  std::string_view content_encoding;
  std::string_view cache_control = "no-store";
  /// With its quotes, different for each encoding; empty for the page.
  std::string etag;
  /// Of the page; empty otherwise.
  std::string content_security_policy;
  /// Every answer for a file depends on it, so caches must be told.
  bool vary_accept_encoding = false;
  std::string owned;
  std::string_view embedded;

  [[nodiscard]] std::string_view body() const { return owned.empty() ? embedded : std::string_view(owned); }
};

/// Answers GET or HEAD for a path that begins with `/app`. `accept_encoding` and `if_none_match` are the request's
/// headers as they came, empty when absent; both are taken as hints and never refused.
/// Precondition: `nonce` is at least 16 letters, digits, `-` or `_`, fresh for each request, from a secure source.
[[nodiscard]] Answer serve(std::string_view path, std::string_view accept_encoding, std::string_view if_none_match,
                           std::string_view nonce);

/// The policy that the page comes with. Style attributes are allowed because a letter is shown as it was sent, in a
/// frame without scripts that inherits this policy; style elements need the nonce.
[[nodiscard]] std::string content_security_policy(std::string_view nonce);

}  // namespace terreno::server::console
