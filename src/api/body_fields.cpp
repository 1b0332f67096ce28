#include "api/body_fields.h"

#include <fmt/format.h>

namespace terreno::api {

namespace json = boost::json;

BodyFields::BodyFields(std::string_view body) {
  json::parse_options options;
  options.max_depth = 4;
  boost::system::error_code failed;
  const json::value parsed = json::parse(body, failed, {}, options);
  if (failed || !parsed.is_object()) {
    refused_ = Refused{400, "malformed_json", "the body is no JSON object; send one, in UTF-8", {}, {}, {}};
    return;
  }
  object_ = parsed.get_object();
}

const json::value* BodyFields::find(const std::string& name) {
  read_.insert(name);
  const json::value* const value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void BodyFields::refuse(std::string_view name, std::string_view rule, std::string_view remedy) {
  if (refused_) return;
  refused_ = Refused{422,
                     std::string(rule),
                     fmt::format("{}: {}", name, remedy),
                     {{"field", std::string(name)}},
                     fmt::format("/{}", name),
                     {}};
}

std::optional<std::string> BodyFields::text(const std::string& name, size_t bytes_max) {
  const json::value* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    refuse(name, "not_text", "is no text; send a JSON string");
    return std::nullopt;
  }
  if (value->get_string().size() > bytes_max) {
    refuse(name, "too_long", fmt::format("is longer than {} bytes; shorten it", bytes_max));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::string BodyFields::required_text(const std::string& name, size_t bytes_max) {
  auto value = text(name, bytes_max);
  if (!value || value->empty()) refuse(name, "required", "is absent or empty; give a value");
  return value.value_or("");
}

std::string BodyFields::required_json(const std::string& name, size_t bytes_max) {
  read_.insert(name);
  const json::value* const value = object_.if_contains(name);
  if (value == nullptr) {
    refuse(name, "required", "is absent; give a value, or null for none");
    return "null";
  }
  std::string text = json::serialize(*value);
  if (text.size() > bytes_max) {
    refuse(name, "too_long", fmt::format("is longer than {} bytes as JSON; shorten it", bytes_max));
    return "null";
  }
  return text;
}

std::optional<int64_t> BodyFields::integer(const std::string& name) {
  const json::value* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_int64()) {
    refuse(name, "not_integer", "is no whole number; send one without quotes");
    return std::nullopt;
  }
  return value->get_int64();
}

std::optional<bool> BodyFields::boolean(const std::string& name) {
  const json::value* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) {
    refuse(name, "not_boolean", "is neither true nor false");
    return std::nullopt;
  }
  return value->get_bool();
}

std::vector<std::string> BodyFields::texts(const std::string& name, size_t count_max, size_t bytes_max) {
  const json::value* const value = find(name);
  std::vector<std::string> list;
  if (value == nullptr) return list;
  if (!value->is_array() || value->get_array().size() > count_max) {
    refuse(name, "not_list", fmt::format("is no list of at most {} texts", count_max));
    return list;
  }
  for (const json::value& item : value->get_array()) {
    if (!item.is_string() || item.get_string().size() > bytes_max) {
      refuse(name, "not_text", "holds what is no short text; send JSON strings");
      return list;
    }
    list.emplace_back(item.get_string());
  }
  return list;
}

std::optional<Refused> BodyFields::refused() {
  for (const auto& member : object_) {
    if (!read_.contains(member.key()))
      refuse(std::string_view(member.key()), "unknown_field", "is no field of this request; remove it");
  }
  return refused_;
}

}  // namespace terreno::api
