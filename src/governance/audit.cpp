#include "governance/audit.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/result.h"

namespace terreno::governance {

namespace json = boost::json;

namespace {

constexpr std::string_view kHashField = R"(,"hash":")";
constexpr size_t kHashTailSize = kHashField.size() + 64 + 2;  // the field, 64 digits, `"}`
constexpr size_t kAuditTextBytesMax = 200;

// At most `size_max` bytes, without cutting a UTF-8 sequence in two; what is no UTF-8 or would be hidden becomes `?`.
std::string cut(std::string_view text, size_t size_max = kAuditTextBytesMax) {
  size_t size = std::min(text.size(), size_max);
  if (size < text.size()) {
    while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  }
  std::string out;
  for (size_t i = 0; i < size;) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xc2 && lead < 0xe0 ? 2
                          : lead >= 0xe0 && lead < 0xf0 ? 3
                          : lead >= 0xf0 && lead < 0xf5 ? 4
                                                        : 0;
    bool good = length > 0 && i + length <= size && (lead >= 0x20 && lead != 0x7f);
    for (size_t k = 1; good && k < length; ++k) good = (static_cast<uint8_t>(text[i + k]) & 0xc0) == 0x80;
    // Surrogates, overlong forms and what lies beyond Unicode: a strict reader would refuse the whole line.
    if (good && length >= 3) {
      const auto second = static_cast<uint8_t>(text[i + 1]);
      good = !((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
               (lead == 0xf4 && second > 0x8f));
    }
    out.append(good ? text.substr(i, length) : "?");
    i += good ? length : 1;
  }
  return out;
}

// Everything but the hash, without the closing brace: these bytes are what the hash covers.
std::string encode_body(const AuditEntry& entry) {
  json::object details;
  for (const auto& [field, value] : entry.note.details) details[field] = value;
  const json::object object{
      {"number", entry.number},
      {"time", format_iso8601(entry.time)},
      {"actor",
       {{"kind", name_of(entry.actor_kind)},
        {"id", entry.actor_id},
        {"name", entry.actor_name},
        {"address", entry.address}}},
      {"action", entry.note.action},
      {"object", {{"kind", entry.note.object_kind}, {"id", entry.note.object_id}, {"name", entry.note.object_name}}},
      {"details", std::move(details)},
      {"registry_version", entry.registry_version},
      {"previous", entry.previous.hex()}};
  std::string body = json::serialize(object);
  body.pop_back();
  return body;
}

std::unexpected<Error> corrupt(std::string_view field) {
  return std::unexpected(Error{Errc::corrupt, std::string("audit.").append(field), "format"});
}

std::expected<std::string, Error> text_at(const json::object& object, std::string_view field) {
  const json::value* const value = object.if_contains(field);
  if (value == nullptr || !value->is_string()) return corrupt(field);
  return std::string(value->get_string());
}

std::expected<uint64_t, Error> number_at(const json::object& object, std::string_view field) {
  const json::value* const value = object.if_contains(field);
  if (value == nullptr) return corrupt(field);
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<uint64_t>(value->get_int64());
  return corrupt(field);
}

}  // namespace

AuditEntry make_entry(const AuditAnchor& after, const Principal& actor, Timestamp now, AuditNote note,
                      uint64_t registry_version) {
  AuditEntry entry;
  entry.number = after.number + 1;
  entry.time = now;
  entry.actor_kind = actor.kind;
  entry.actor_id = cut(actor.id);
  entry.actor_name = cut(actor.name);
  entry.address = cut(actor.address);
  entry.note.action = cut(note.action);
  entry.note.object_kind = cut(note.object_kind);
  entry.note.object_id = cut(note.object_id);
  entry.note.object_name = cut(note.object_name);
  for (const auto& [field, value] : note.details) {
    if (entry.note.details.size() == kAuditDetailsMax) break;
    entry.note.details[cut(field, 64)] = cut(value);
  }
  entry.registry_version = registry_version;
  entry.previous = after.hash;
  entry.hash = sha256(encode_body(entry));
  return entry;
}

std::string encode_line(const AuditEntry& entry) {
  std::string line = encode_body(entry);
  return line.append(kHashField).append(entry.hash.hex()).append("\"}");
}

std::expected<AuditEntry, Error> decode_line(std::string_view line) {
  if (line.size() > kAuditLineBytesMax || line.size() <= kHashTailSize || !line.ends_with("\"}"))
    return corrupt("line");
  const std::string_view body = line.substr(0, line.size() - kHashTailSize);
  const std::string_view tail = line.substr(body.size());
  if (!tail.starts_with(kHashField)) return corrupt("hash");
  boost::system::error_code failed;
  json::value parsed = json::parse(line, failed);
  if (failed || !parsed.is_object()) return corrupt("line");
  const json::object& object = parsed.get_object();
  AuditEntry entry;
  entry.hash = Digest::from_hex(tail.substr(kHashField.size(), 64));
  TERRENO_TRY(entry.number, number_at(object, "number"));
  TERRENO_TRY(const std::string time, text_at(object, "time"));
  const auto parsed_time = parse_iso8601(time);
  if (!parsed_time) return corrupt("time");
  entry.time = parsed_time->time;
  const json::value* const actor = object.if_contains("actor");
  if (actor == nullptr || !actor->is_object()) return corrupt("actor");
  TERRENO_TRY(const std::string kind, text_at(actor->get_object(), "kind"));
  const auto actor_kind = actor_kind_from(kind);
  if (!actor_kind) return corrupt("actor.kind");
  entry.actor_kind = *actor_kind;
  TERRENO_TRY(entry.actor_id, text_at(actor->get_object(), "id"));
  TERRENO_TRY(entry.actor_name, text_at(actor->get_object(), "name"));
  TERRENO_TRY(entry.address, text_at(actor->get_object(), "address"));
  TERRENO_TRY(entry.note.action, text_at(object, "action"));
  const json::value* const about = object.if_contains("object");
  if (about == nullptr || !about->is_object()) return corrupt("object");
  TERRENO_TRY(entry.note.object_kind, text_at(about->get_object(), "kind"));
  TERRENO_TRY(entry.note.object_id, text_at(about->get_object(), "id"));
  TERRENO_TRY(entry.note.object_name, text_at(about->get_object(), "name"));
  const json::value* const details = object.if_contains("details");
  if (details == nullptr || !details->is_object() || details->get_object().size() > kAuditDetailsMax) {
    return corrupt("details");
  }
  for (const auto& [field, value] : details->get_object()) {
    if (!value.is_string()) return corrupt("details");
    entry.note.details[std::string(field)] = value.get_string();
  }
  TERRENO_TRY(entry.registry_version, number_at(object, "registry_version"));
  TERRENO_TRY(const std::string previous, text_at(object, "previous"));
  entry.previous = Digest::from_hex(previous);
  if (entry.hash.is_zero() || entry.hash != sha256(body)) return corrupt("hash");
  return entry;
}

bool follows(const AuditEntry& entry, const AuditAnchor& after) {
  return entry.number == after.number + 1 && entry.previous == after.hash;
}

}  // namespace terreno::governance
