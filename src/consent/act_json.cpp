#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/result.h"
#include "consent/act.h"

namespace terreno::consent {

namespace {

namespace json = boost::json;

// A person's clock may be a little ahead of ours.
constexpr Duration kClockAheadMax = minutes(5);

std::unexpected<FieldError> fault(std::string_view field, std::string_view rule, std::string_view remedy) {
  return std::unexpected(FieldError{std::string(field), std::string(rule), std::string(remedy)});
}

/// Every word of an enumeration that has names, for the remedy.
template <typename Enum>
std::string words_of(Enum last) {
  std::string words;
  for (size_t i = 0; i <= static_cast<size_t>(last); ++i) {
    if (i > 0) words += ", ";
    words += name_of(static_cast<Enum>(i));
  }
  return words;
}

template <typename Enum>
std::expected<Enum, FieldError> word(std::string_view field, std::string_view text, Enum last) {
  for (size_t i = 0; i <= static_cast<size_t>(last); ++i) {
    if (name_of(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  }
  return fault(field, text.empty() ? "is missing" : "is not a known word", "use one of " + words_of(last));
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f; });
}

/// Reads the members of one object and remembers which, so that a misspelt one is found.
class Members {
 public:
  Members(const json::object& object, std::string prefix) : object_(object), prefix_(std::move(prefix)) {}

  std::expected<std::string, FieldError> text(std::string_view name, size_t bytes_max) {
    const json::value* const value = take(name);
    if (value == nullptr) return std::string();
    if (!value->is_string()) return fault(path(name), "is not a text", "give it in quotation marks");
    std::string text(value->as_string());
    if (text.size() > bytes_max)
      return fault(path(name), fmt::format("has more than {} bytes", bytes_max), "shorten it");
    if (!is_plain(text)) return fault(path(name), "holds control characters", "remove line breaks and tabs");
    return text;
  }

  std::expected<bool, FieldError> flag(std::string_view name) {
    const json::value* const value = take(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) return fault(path(name), "is neither true nor false", "give true or false");
    return value->as_bool();
  }

  std::expected<std::optional<Timestamp>, FieldError> time(std::string_view name) {
    TERRENO_TRY(const std::string written, text(name, 64));
    if (written.empty()) return std::nullopt;
    const auto parsed = parse_iso8601(written);
    if (!parsed) return fault(path(name), "is not a time", "write it as 2026-11-24T14:03:07Z");
    return parsed->time;
  }

  std::expected<uint64_t, FieldError> number(std::string_view name) {
    const json::value* const value = take(name);
    if (value == nullptr) return 0;
    if (!value->is_int64() || value->as_int64() < 1)
      return fault(path(name), "is not an entry's number", "give a whole number from 1");
    return static_cast<uint64_t>(value->as_int64());
  }

  const json::value* take(std::string_view name) {
    taken_.push_back(name);
    const json::value* const value = object_.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::expected<void, FieldError> nothing_else() const {
    for (const json::key_value_pair& member : object_) {
      if (std::ranges::find(taken_, std::string_view(member.key())) == taken_.end())
        return fault(path(std::string_view(member.key()).substr(0, kNameBytesMax)), "is not a field of an act",
                     fmt::format("known are {}", fmt::join(taken_, ", ")));
    }
    return {};
  }

  [[nodiscard]] std::string path(std::string_view name) const { return prefix_ + std::string(name); }

 private:
  const json::object& object_;
  std::string prefix_;
  std::vector<std::string_view> taken_;
};

constexpr std::array<std::string_view, 10> kEvidenceNames{"note",
                                                          "order",
                                                          "enquiry",
                                                          "thread",
                                                          "message",
                                                          "sale",
                                                          "legal_entity",
                                                          "similar_products",
                                                          "objection_offered",
                                                          "diagnostic"};
std::string_view name_of(EvidenceKind kind) { return kEvidenceNames[static_cast<size_t>(kind)]; }

std::expected<std::vector<Evidence>, FieldError> read_evidence(const json::value* value) {
  std::vector<Evidence> evidence;
  if (value == nullptr) return evidence;
  if (!value->is_array()) return fault("evidence", "is not a list", R"(give [{"kind":"order","value":"A-17"}])");
  if (value->as_array().size() > kEvidenceMax)
    return fault("evidence", fmt::format("has more than {} pointers", kEvidenceMax), "keep those that prove the act");
  for (const json::value& item : value->as_array()) {
    const std::string prefix = fmt::format("evidence[{}].", evidence.size());
    if (!item.is_object()) return fault(prefix.substr(0, prefix.size() - 1), "is not an object", "give kind and value");
    Members members(item.as_object(), prefix);
    TERRENO_TRY(const std::string kind, members.text("kind", kNameBytesMax));
    Evidence pointer;
    for (size_t i = 0; i < kEvidenceNames.size(); ++i) {
      if (kEvidenceNames[i] == kind) pointer.kind = static_cast<EvidenceKind>(i);
    }
    if (name_of(pointer.kind) != kind)
      return fault(prefix + "kind", "is not a known word",
                   fmt::format("use one of {}", fmt::join(kEvidenceNames, ", ")));
    TERRENO_TRY(pointer.value, members.text("value", kTextBytesMax));
    if (pointer.value.empty())
      return fault(prefix + "value", "is empty", "give what proves the act, such as an order's number");
    TERRENO_TRY_VOID(members.nothing_else());
    evidence.push_back(std::move(pointer));
  }
  return evidence;
}

std::expected<std::string, FieldError> read_country(Members& members) {
  TERRENO_TRY(std::string country, members.text("country", 8));
  const bool two_capitals =
      country.size() == 2 && std::ranges::all_of(country, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!country.empty() && !two_capitals)
    return fault("country", "is not a country's code", "give two capital letters, such as ES");
  return country;
}

std::expected<void, FieldError> read_times(Members& members, const ActOrigin& origin, ConsentAct& act) {
  TERRENO_TRY(const std::optional<Timestamp> occurred_at, members.time("occurred_at"));
  if (occurred_at && *occurred_at > origin.received_at + kClockAheadMax)
    return fault("occurred_at", "lies in the future", "give the time when the person acted");
  // An import that does not know when stays without proof; whatever happens live happens now.
  act.occurred_at = occurred_at.value_or(origin.actor.kind == ActorKind::import_job ? Timestamp{} : origin.received_at);
  act.received_at = origin.received_at;
  TERRENO_TRY(act.expires_at, members.time("expires_at"));
  if (act.expires_at && *act.expires_at <= origin.received_at && act.action == Action::pause)
    return fault("expires_at", "has passed", "give a time to come, or leave it out to pause until it is lifted");
  return {};
}

std::expected<void, FieldError> read_scope(Members& members, ConsentAct& act) {
  TERRENO_TRY(act.scope.topic, members.text("topic", kNameBytesMax));
  TERRENO_TRY(act.scope.purpose, members.text("purpose", kNameBytesMax));
  TERRENO_TRY(act.scope.brand, members.text("brand", kNameBytesMax));
  const bool widens = act.action == Action::grant || act.action == Action::request || act.action == Action::confirm;
  if (widens && act.scope.topic.empty())
    return fault("topic", "is empty; a grant names what it is for", "give the topic's id, such as offers");
  return {};
}

std::expected<void, FieldError> read_actor(Members& members, const ActOrigin& origin, ConsentAct& act) {
  act.actor = origin.actor;
  TERRENO_TRY(const std::string actor, members.text("actor", kNameBytesMax));
  if (actor.empty()) return {};
  if (actor != "person") return fault("actor", "is not `person`", "leave it out; who signs is known from the key");
  // What a list says that people did is the list's word, not theirs.
  if (origin.actor.kind == ActorKind::import_job)
    return fault("actor", "cannot be the person in an import",
                 "leave it out; give method, occurred_at and text_version as proof");
  act.actor = {ActorKind::person, {}};
  return {};
}

}  // namespace

std::expected<ConsentAct, FieldError> parse_act(std::string_view text, const ActOrigin& origin,
                                                const AddressNormaliser& normalise) {
  if (text.size() > kActBodyBytesMax)
    return fault("body", fmt::format("has more than {} bytes", kActBodyBytesMax), "send one act a request");
  json::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  const json::value document = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return fault("body", "is not JSON", "check it with a JSON validator");
  if (!document.is_object()) return fault("body", "is not an object", R"(give {"action":"grant", …})");

  Members members(document.as_object(), {});
  ConsentAct act;
  TERRENO_TRY(const std::string action, members.text("action", kNameBytesMax));
  TERRENO_TRY(act.action, word("action", action, kActionLast));
  TERRENO_TRY(const std::string channel, members.text("channel", kNameBytesMax));
  TERRENO_TRY(act.address.channel, word("channel", channel, kChannelLast));
  TERRENO_TRY(const std::string address, members.text("address", kAddressBytesMax));
  if (address.empty()) return fault("address", "is empty", "give the address that the act is about");
  auto normalised = normalise(act.address.channel, address);
  if (!normalised || normalised->empty() || normalised->size() > kAddressBytesMax)
    return fault("address", normalised ? "has no normal form" : normalised.error(), "correct the address");
  act.address.value = std::move(*normalised);
  TERRENO_TRY_VOID(read_scope(members, act));
  TERRENO_TRY(const std::string basis, members.text("legal_basis", kNameBytesMax));
  if (!basis.empty()) {
    TERRENO_TRY(act.legal_basis, word("legal_basis", basis, kLegalBasisLast));
  } else if (act.action == Action::grant || act.action == Action::request || act.action == Action::confirm) {
    act.legal_basis = LegalBasis::consent;
  }
  TERRENO_TRY(const std::string method, members.text("method", kNameBytesMax));
  if (!method.empty()) {
    TERRENO_TRY(act.method, word("method", method, kMethodLast));
  }
  if (act.method == Method::ledger_full) return fault("method", "is the ledger's own", "say how the person acted");
  TERRENO_TRY(act.is_explicit, members.flag("explicit"));
  TERRENO_TRY(act.text_version, members.text("text_version", kTextBytesMax));
  TERRENO_TRY(act.text_language, members.text("text_language", kNameBytesMax));
  TERRENO_TRY(act.collection_point, members.text("collection_point", kTextBytesMax));
  TERRENO_TRY(act.evidence, read_evidence(members.take("evidence")));
  TERRENO_TRY(act.jurisdiction.claimed, read_country(members));
  TERRENO_TRY(act.refers_to, members.number("refers_to"));
  TERRENO_TRY_VOID(read_actor(members, origin, act));
  TERRENO_TRY_VOID(read_times(members, origin, act));
  TERRENO_TRY_VOID(members.nothing_else());
  act.ip_truncated = origin.ip_truncated;
  act.user_agent_hash = origin.user_agent_hash;
  act.visibility = origin.visibility;
  act.random_bits = origin.random_bits;
  return act;
}

}  // namespace terreno::consent
