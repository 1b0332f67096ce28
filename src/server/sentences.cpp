#include "server/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace terreno::server {

namespace {

bool is_told_as_json = false;  ///< set by `main`, before there are threads

using governance::Errc;
using governance::Error;

/// A rule that a field breaks; `{}` is the field, or for the key its file.
struct Rule {
  std::string_view name;
  std::string_view what;
  std::string_view remedy;
};

constexpr std::array kRules{
    Rule{"required", "{} is empty", "give a value"},
    Rule{"too_long", "{} is too long", "shorten it"},
    Rule{"email_address", "{} is no e-mail address", "write it as ana@example.org"},
    Rule{"control_character", "{} holds a control character or a line break", "remove it"},
    Rule{"printable_ascii", "{} holds more than printable ASCII", "use letters and digits"},
    Rule{"domain", "{} is no domain name", "write it as mail.example.org"},
    Rule{"http_or_https", "{} begins with neither http:// nor https://", "write it as https://crm.example.org"},
    Rule{"host_and_port_only", "{} holds more than a host and a port", "write it as https://crm.example.org"},
    Rule{"address_or_cidr", "{} is neither an address nor a block of addresses", "write it as 10.0.0.7 or 10.0.0.0/8"},
    Rule{"in_the_future", "{} has passed", "choose a later time"},
};

constexpr std::array kKeyRules{
    Rule{"absent", "the installation key {} is not there",
         "copy it back from where you keep it, or say with --key-file where it is"},
    Rule{"wrong_key", "the installation key {} belongs to another installation",
         "put the key there that `terreno init` made with this folder, or name it with --key-file"},
    Rule{"readable_by_others", "the installation key {} can be read by others", "run `chmod 600` on it"},
    Rule{"foreign_owner", "the installation key {} belongs to another user",
         "run Terreno as its owner, or `chown` it to the user who runs Terreno"},
    Rule{"inside_data_folder", "the installation key {} would lie inside the data folder",
         "name a place outside of it with --key-file, so that a copy of the data opens nothing"},
    Rule{"not_a_file", "the installation key {} is no file", "name a file with --key-file"},
    Rule{"format", "{} is no installation key", "copy yours back from where you keep it"},
    Rule{"checksum", "the installation key {} is damaged", "copy it back from where you keep it"},
    Rule{"kept", "there is an installation key {} already", "move it away, or name another place with --key-file"},
};

constexpr std::array kCodes{
    Rule{"not_found", "there is no such {}", "list what there is, or look for a mistyped name"},
    Rule{"already_exists", "this {} exists already", "choose another"},
    Rule{"limit_reached", "there are as many {} as are allowed", "remove some first"},
    Rule{"forbidden", "this may not be done here", "ask somebody who administers"},
    Rule{"last_administrator", "nobody would be left who can administer", "make somebody else an administrator first"},
    Rule{"token_invalid", "the link is unknown, used or over", "ask for a new one"},
    Rule{"already_set_up", "the first run is over", "sign in, or make a link with `terreno users reset-link EMAIL`"},
    Rule{"not_ready_for_live", "something is missing for Live", "see Settings in the console"},
    Rule{"version_conflict", "somebody changed it meanwhile", "read it again and repeat"},
    Rule{"storage_failed", "the disk refused", "look at the folder's owner, rights and free space"},
    Rule{"corrupt", "{} is not what was written", "restore the folder from a backup"},
    Rule{"newer_format", "{} was written by a newer Terreno", "use that version, or a newer one"},
    Rule{"unauthenticated", "the key is missing or unknown",
         "make one with `terreno keys create` and give it with --key or TERRENO_TOKEN"},
    Rule{"missing_scope", "the key may not do this", "make one with the scope that this needs"},
    Rule{"method_not_allowed", "the server does not know this request", "is it a Terreno of this version?"},
    Rule{"too_many_requests", "the server has too much to do", "try again in some seconds"},
    Rule{"unavailable", "the server is starting or stopping", "try again in some seconds"},
};

template <size_t kSize>
const Rule* find(const std::array<Rule, kSize>& rules, std::string_view name) {
  const auto* const found = std::ranges::find(rules, name, &Rule::name);
  return found == rules.end() ? nullptr : &*found;
}

Sentence sentence(const Rule& rule, std::string_view subject, std::string_view code) {
  return {fmt::format(fmt::runtime(rule.what), subject), std::string(rule.remedy), std::string(code)};
}

/// `rule` of storage_failed is the system's error number, where one is known.
std::string system_word(const Error& error) {
  int number = 0;
  const auto read = std::from_chars(error.rule.data(), error.rule.data() + error.rule.size(), number);
  return read.ec == std::errc{} && number > 0 ? std::strerror(number) : "";
}

std::string words_of(std::string_view field) {
  std::string words(field);
  std::ranges::replace(words, '_', ' ');
  return words;
}

}  // namespace

void tell_errors_as_json() { is_told_as_json = true; }

void tell_error(const Sentence& told) {
  if (!is_told_as_json) {
    fmt::print(stderr, "terreno: {}; {}\n", told.what, told.remedy);
    return;
  }
  const boost::json::object error{
      {"code", told.code.empty() ? "failed" : told.code}, {"what", told.what}, {"remedy", told.remedy}};
  fmt::print(stderr, "{}\n", boost::json::serialize(boost::json::object{{"error", error}}));
}

void tell_findings(const std::vector<Finding>& findings) {
  boost::json::array items;
  for (const Finding& finding : findings) {
    if (!is_told_as_json)
      fmt::print(stderr, "{}:{}:{}: {}{}{}\n", finding.file, finding.line, finding.column, finding.path,
                 finding.path.empty() ? "" : " ", finding.detail);
    items.push_back({{"file", finding.file},
                     {"line", finding.line},
                     {"column", finding.column},
                     {"code", finding.code},
                     {"path", finding.path},
                     {"detail", finding.detail}});
  }
  if (is_told_as_json)
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{{"ok", findings.empty()}, {"findings", std::move(items)}}));
}

Sentence sentence_of(const Error& error) {
  const std::string_view code = name_of(error.code);
  if (error.code == Errc::last_administrator && error.field == "users")
    return {"nobody has set this installation up yet",
            "start it with `terreno serve` and open the link it prints; then invite others", std::string(code)};
  if (error.code == Errc::storage_failed && error.rule == "locked")
    return {"another terreno is running on this folder", "stop it first", "locked"};
  const Rule* rule = error.code == Errc::invalid_field ? find(kRules, error.rule) : nullptr;
  const bool is_rule = rule != nullptr;
  if (!is_rule) rule = find(kCodes, code);
  const std::string subject = error.field == "key" ? "API key" : words_of(error.field);
  if (rule == nullptr)
    return {fmt::format("{} is not allowed: {}", subject, words_of(error.rule)), "mend it and try again",
            std::string(code)};
  Sentence told = sentence(*rule, subject, is_rule ? error.rule : code);
  if (const std::string word = system_word(error); error.code == Errc::storage_failed && !word.empty())
    told.what += " (" + word + ")";
  return told;
}

Sentence sentence_of_file(const Error& error, std::string_view name) {
  Sentence told = sentence_of(error);
  if (told.code != "locked") told.what = fmt::format("{} cannot be used: {}", name, told.what);
  return told;
}

Sentence sentence_of_key(const Error& error, const std::filesystem::path& path) {
  if (const Rule* const rule = find(kKeyRules, error.rule)) return sentence(*rule, path.string(), error.rule);
  if (error.code != Errc::storage_failed) return sentence_of(error);
  const std::string word = system_word(error);
  return {fmt::format("the installation key {} cannot be read or written{}", path.string(),
                      word.empty() ? "" : " (" + word + ")"),
          "check the folder it lies in, or name another place with --key-file", "key_unreadable"};
}

Sentence sentence_of_answer(unsigned status, std::string_view code, std::string_view detail) {
  // Most details are sentences with their remedy.
  if (const size_t end = detail.rfind("; "); end != std::string_view::npos)
    return {std::string(detail.substr(0, end)), std::string(detail.substr(end + 2)), std::string(code)};
  const std::string_view group = status == 401 ? "unauthenticated" : status == 403 ? "missing_scope" : code;
  if (const Rule* const rule = find(kCodes, group)) return sentence(*rule, "thing", code);
  return {detail.empty() ? fmt::format("the server answered {}", status) : std::string(detail),
          status >= 500 ? "look at the server's own words" : "mend what is named and try again", std::string(code)};
}

}  // namespace terreno::server
