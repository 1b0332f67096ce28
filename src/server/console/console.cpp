#include "server/console/console.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <zlib.h>

#include "base/check.h"

#ifdef TERRENO_CONSOLE_EMBEDDED
#define BUILD(id)
#define ASSET(number, path, mime, hash, immutable)                                                    \
  extern "C" const char terreno_console_##number##_plain[], terreno_console_##number##_plain_end[];   \
  extern "C" const char terreno_console_##number##_brotli[], terreno_console_##number##_brotli_end[]; \
  extern "C" const char terreno_console_##number##_gzip[], terreno_console_##number##_gzip_end[];
#include "console_assets.inc"
#undef BUILD
#undef ASSET
#endif

namespace terreno::server::console {
namespace {

constexpr std::string_view kPrefix = "/app";
constexpr std::string_view kForever = "public, max-age=31536000, immutable";
constexpr std::string_view kAskAgain = "no-cache";

#ifdef TERRENO_CONSOLE_EMBEDDED

constexpr std::string_view kNonceMark = "__TERRENO_NONCE__";
constexpr std::string_view kBuildMark = "__TERRENO_BUILD__";

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

#define BUILD(id) constexpr std::string_view kBuild = id;
#define ASSET(number, path, mime, hash, immutable)
#include "console_assets.inc"
#undef BUILD
#undef ASSET

// Sorted by path, as the script writes them.
const auto& assets() {
  static const auto table = std::to_array<Asset>({
#define BUILD(id)
#define ASSET(number, path, mime, hash, immutable)                                    \
  {path,                                                                              \
   mime,                                                                              \
   hash,                                                                              \
   immutable,                                                                         \
   between(terreno_console_##number##_plain, terreno_console_##number##_plain_end),   \
   between(terreno_console_##number##_brotli, terreno_console_##number##_brotli_end), \
   between(terreno_console_##number##_gzip, terreno_console_##number##_gzip_end)},
#include "console_assets.inc"
#undef BUILD
#undef ASSET
  });
  return table;
}

#else

constexpr std::string_view kBuild = "none";

// The page of a program without its console. In three languages at once: there is no console to ask for one.
constexpr std::string_view kAbsent = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Terreno</title></head><body><main><h1>Terreno</h1>
<p>This program was built without its console (TERRENO_CONSOLE=none). Its API answers; build it with TERRENO_CONSOLE=build to see this page.</p>
<p lang="es">Este programa se construyó sin su consola (TERRENO_CONSOLE=none). Su API responde; constrúyelo con TERRENO_CONSOLE=build para ver esta página.</p>
<p lang="fr">Ce programme a été construit sans sa console (TERRENO_CONSOLE=none). Son API répond ; construisez-le avec TERRENO_CONSOLE=build pour voir cette page.</p>
</main></body></html>
)";

#endif

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `see` with each element of a list separated by commas, until it returns true; says whether it did.
template <typename See>
bool any_in_list(std::string_view list, See see) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (see(trimmed(list.substr(0, comma)))) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

/// Whether an Accept-Encoding names this coding and does not refuse it by `q=0`. A star is not taken as consent: who
/// sends it is a tool, and plain bytes suit everyone.
bool accepts(std::string_view accept_encoding, std::string_view coding) {
  return any_in_list(accept_encoding, [coding](std::string_view element) {
    const auto semicolon = element.find(';');
    if (trimmed(element.substr(0, semicolon)) != coding) return false;
    if (semicolon == std::string_view::npos) return true;
    auto weight = trimmed(element.substr(semicolon + 1));
    if (!weight.starts_with("q=") && !weight.starts_with("Q=")) return true;
    weight.remove_prefix(2);
    return weight.find_first_not_of("0.") != std::string_view::npos;
  });
}

/// If-None-Match against a strong tag; a weak one of the same text matches too (RFC 9110, section 13.1.2).
bool matches(std::string_view if_none_match, std::string_view etag) {
  return any_in_list(if_none_match, [etag](std::string_view tag) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    return tag == etag || tag == "*";
  });
}

std::string unpacked(std::string_view gzip) {
  z_stream stream{};
  // 16 + 15: a gzip header, the largest window.
  TERRENO_CHECK(inflateInit2(&stream, 16 + 15) == Z_OK, "zlib must be able to begin");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));  // zlib reads it and does not say so
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string plain;
  int state = Z_OK;
  while (state == Z_OK) {
    const auto before = plain.size();
    plain.resize(before + 64 * 1024);
    stream.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
    stream.avail_out = 64 * 1024;
    state = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  TERRENO_CHECK(state == Z_STREAM_END, "the program's own bytes unpack");
  return plain;
}

[[maybe_unused]] void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

bool is_nonce(std::string_view nonce) {
  return nonce.size() >= 16 && std::ranges::all_of(nonce, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

Answer page(std::string_view nonce) {
  TERRENO_CHECK(is_nonce(nonce), "a nonce is put into HTML as it is");
  Answer answer;
  answer.status = 200;
  answer.mime = "text/html; charset=utf-8";
  answer.cache_control = kAskAgain;
  answer.content_security_policy = content_security_policy(nonce);
#ifdef TERRENO_CONSOLE_EMBEDDED
  const auto index = find_asset("index.html");
  TERRENO_CHECK(index.has_value(), "the script refuses a console without a page");
  answer.owned = index->plain;
  replace_all(answer.owned, kNonceMark, nonce);
  replace_all(answer.owned, kBuildMark, kBuild);
#else
  answer.embedded = kAbsent;
#endif
  return answer;
}

Answer file(const Asset& asset, std::string_view accept_encoding, std::string_view if_none_match) {
  Answer answer;
  answer.status = 200;
  answer.mime = asset.mime;
  answer.cache_control = asset.immutable ? kForever : kAskAgain;
  if (asset.gzip.empty()) {
    answer.embedded = asset.plain;
    answer.etag = fmt::format("\"{}\"", asset.hash);
  } else {
    answer.vary_accept_encoding = true;
    if (accepts(accept_encoding, "br")) {
      answer.content_encoding = "br";
      answer.embedded = asset.brotli;
    } else if (accepts(accept_encoding, "gzip")) {
      answer.content_encoding = "gzip";
      answer.embedded = asset.gzip;
    }
    answer.etag =
        fmt::format("\"{}{}{}\"", asset.hash, answer.content_encoding.empty() ? "" : "-", answer.content_encoding);
  }
  if (matches(if_none_match, answer.etag)) {
    answer.status = 304;
    answer.embedded = {};
    return answer;
  }
  if (answer.embedded.empty() && !asset.gzip.empty()) answer.owned = unpacked(asset.gzip);
  return answer;
}

}  // namespace

std::optional<Asset> find_asset([[maybe_unused]] std::string_view path) {
#ifdef TERRENO_CONSOLE_EMBEDDED
  const auto& table = assets();
  const auto found = std::ranges::lower_bound(table, path, {}, &Asset::path);
  if (found != table.end() && found->path == path) return *found;
#endif
  return std::nullopt;
}

bool is_embedded() {
#ifdef TERRENO_CONSOLE_EMBEDDED
  return true;
#else
  return false;
#endif
}

std::string_view build_id() { return kBuild; }

Answer serve(std::string_view path, std::string_view accept_encoding, std::string_view if_none_match,
             std::string_view nonce) {
  path = path.substr(0, path.find_first_of("?#"));
  if (!path.starts_with(kPrefix)) return {};
  path.remove_prefix(kPrefix.size());
  if (path.empty()) return page(nonce);
  if (path.front() != '/') return {};
  path.remove_prefix(1);
  if (path != "index.html") {
    if (const auto asset = find_asset(path)) return file(*asset, accept_encoding, if_none_match);
    // An address of the console has no dot in its last part: /app/people/6f1c…
    const auto last = path.substr(path.find_last_of('/') + 1);
    if (last.find('.') != std::string_view::npos || path.starts_with("assets/")) return {};
  }
  return page(nonce);
}

std::string content_security_policy(std::string_view nonce) {
  return fmt::format(
      "default-src 'self'; style-src 'self' 'nonce-{}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
      "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
      nonce);
}

}  // namespace terreno::server::console
