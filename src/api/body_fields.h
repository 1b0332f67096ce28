#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/authentication.h"

namespace terreno::api {

/// A JSON object as the body of a command, read field by field: a wrong type, an excessive length or a field that
/// nobody asked for is a refusal with its JSON pointer. Reading goes on after the first, so that code stays straight;
/// ask `refused()` once, after the last field.
class BodyFields {
 public:
  explicit BodyFields(std::string_view body);

  [[nodiscard]] std::optional<std::string> text(const std::string& name, size_t bytes_max);
  [[nodiscard]] std::string required_text(const std::string& name, size_t bytes_max);
  [[nodiscard]] std::optional<int64_t> integer(const std::string& name);
  [[nodiscard]] std::optional<bool> boolean(const std::string& name);
  /// Any value, as JSON text; also `null`. It must be there.
  [[nodiscard]] std::string required_json(const std::string& name, size_t bytes_max);
  [[nodiscard]] std::vector<std::string> texts(const std::string& name, size_t count_max, size_t bytes_max);
  void refuse(std::string_view name, std::string_view rule, std::string_view remedy);
  /// The first thing that is wrong, if any. Call it after every field was read: what is left over is unknown.
  [[nodiscard]] std::optional<Refused> refused();

 private:
  [[nodiscard]] const boost::json::value* find(const std::string& name);

  boost::json::object object_;
  std::set<std::string, std::less<>> read_;
  std::optional<Refused> refused_;
};

}  // namespace terreno::api
