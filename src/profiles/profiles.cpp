#include "profiles/profiles.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace terreno::profiles {

namespace {
constexpr std::array<std::string_view, 4> kRankNames{"stated", "corrected", "observed", "inferred"};

// Whether `a` wins over `b`. Total, so that the order of arrival does not matter.
bool wins(const Candidate& a, const Candidate& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.at != b.at) return a.at > b.at;
  if (a.record != b.record) return a.record > b.record;
  return a.json > b.json;
}

template <typename T, typename Encode>
void encode_list(Writer& out, const std::vector<T>& list, Encode encode) {
  out.varint(list.size());
  for (const T& item : list) encode(item);
}
}  // namespace

std::string_view name_of(Rank rank) { return kRankNames[static_cast<size_t>(rank)]; }
std::optional<Rank> rank_from(std::string_view name) {
  const auto* const found = std::ranges::find(kRankNames, name);
  if (found == kRankNames.end()) return std::nullopt;
  return static_cast<Rank>(found - kRankNames.begin());
}

namespace {
void encode_candidate(Writer& out, const Candidate& candidate) {
  out.bytes(candidate.json);
  out.enumeration(candidate.rank);
  out.bytes(candidate.source);
  out.bytes(candidate.note);
  out.time(candidate.at);
  out.id(candidate.record);
  out.id(candidate.contributor);
}
Candidate decode_candidate(Reader& in) {
  Candidate candidate;
  candidate.json = in.text();
  candidate.rank = in.enumeration(kRankLast);
  candidate.source = in.text();
  candidate.note = in.text();
  candidate.at = in.time();
  candidate.record = in.record_id();
  candidate.contributor = in.id();
  return candidate;
}
}  // namespace

void Correction::encode(Writer& out) const {
  out.u8(1);
  out.id(person);
  out.bytes(attribute);
  encode_candidate(out, candidate);
}
Correction Correction::decode(Reader& in) {
  if (in.u8() != 1) in.fail();
  Correction correction;
  correction.person = in.person_id();
  correction.attribute = in.text();
  correction.candidate = decode_candidate(in);
  return correction;
}

bool Person::learn(const std::string& name, Candidate candidate) {
  if (name.empty() || name.size() > kAttributeNameBytesMax || candidate.json.size() > kAttributeValueBytesMax)
    return false;
  const bool is_system = candidate.rank > Rank::corrected;
  const size_t bytes_max = kAttributeBytesMax - (is_system ? kAttributeBytesForPeople : 0);
  auto place = std::ranges::lower_bound(attributes_, name, {}, &Attribute::name);
  if (place == attributes_.end() || place->name != name) {
    if (attributes_.size() >= kAttributesMax - (is_system ? kAttributesForPeople : 0) ||
        attribute_bytes_ + name.size() + candidate.json.size() > bytes_max)
      return false;
    place = attributes_.insert(place, {name, {}});
    attribute_bytes_ += name.size();
  }
  auto& candidates = place->candidates;
  if (std::ranges::find(candidates, candidate) != candidates.end()) return true;
  if (attribute_bytes_ + candidate.json.size() > bytes_max) return false;
  // The same value from the same source at a later time replaces: a system that repeats itself adds nothing.
  std::erase_if(candidates, [&](const Candidate& old) {
    const bool is_repeated = old.rank == candidate.rank && old.source == candidate.source &&
                             old.json == candidate.json && old.contributor == candidate.contributor &&
                             wins(candidate, old);
    if (is_repeated) attribute_bytes_ -= old.json.size();
    return is_repeated;
  });
  attribute_bytes_ += candidate.json.size();
  candidates.insert(std::ranges::upper_bound(candidates, candidate, wins), std::move(candidate));
  if (candidates.size() > kCandidatesMax) {
    attribute_bytes_ -= candidates.back().json.size();
    candidates.pop_back();
  }
  return true;
}

std::optional<std::string_view> Person::value(std::string_view name) const {
  const auto place = std::ranges::lower_bound(attributes_, name, {}, &Attribute::name);
  if (place == attributes_.end() || place->name != name || place->winner().json == "null") return std::nullopt;
  return place->winner().json;
}

std::optional<std::string> Person::text(std::string_view name) const {
  const auto json = value(name);
  if (!json) return std::nullopt;
  boost::system::error_code error;
  const auto parsed = boost::json::parse(*json, error);
  if (error || !parsed.is_string()) return std::nullopt;
  return std::string(parsed.get_string());
}

bool Person::add_identifier(KnownIdentifier identifier) {
  if (has(identifier.identifier)) return false;
  identifiers.insert(std::ranges::lower_bound(identifiers, identifier.identifier, {}, &KnownIdentifier::identifier),
                     std::move(identifier));
  return true;
}

const events::Identifier* Person::find(events::IdentifierKind kind) const {
  for (const KnownIdentifier& known : identifiers) {
    if (known.identifier.kind == kind) return &known.identifier;
  }
  return nullptr;
}

const events::Identifier* Person::address_for(events::IdentifierKind kind, consent::Channel channel,
                                              consent::MessageClass message_class, const consent::Scope& scope,
                                              Timestamp now) const {
  const bool is_commercial = message_class == consent::MessageClass::commercial;
  const auto is_secret = [](const KnownIdentifier& known) {
    return known.visibility == events::Visibility::secret_source;
  };
  const bool is_known_to_a_secret_source = std::ranges::any_of(identifiers, is_secret);
  const KnownIdentifier* best = nullptr;
  bool best_agreed = false;
  for (const KnownIdentifier& known : identifiers) {
    if (known.identifier.kind != kind) continue;
    if (!is_commercial && is_known_to_a_secret_source && !is_secret(known)) continue;
    const consent::PermissionCopy* const copy =
        is_commercial ? permission_of({channel, known.identifier.value}) : nullptr;
    const bool agreed = copy != nullptr && copy->state_of(scope, now) == consent::PermissionState::subscribed;
    bool is_better = best == nullptr;
    if (best != nullptr && agreed != best_agreed) {
      is_better = agreed;
    } else if (best != nullptr && is_secret(known) != is_secret(*best)) {
      is_better = is_secret(known);
    } else if (best != nullptr) {
      is_better = is_secret(known) ? known.since > best->since : known.since < best->since;
    }
    if (!is_better) continue;
    best = &known;
    best_agreed = agreed;
  }
  return best != nullptr ? &best->identifier : nullptr;
}

void Person::vouch(const events::Identifier& other, const std::string& source) {
  const auto known = std::ranges::find(identifiers, other, &KnownIdentifier::identifier);
  if (known == identifiers.end() || known->visibility == events::Visibility::secret_source) return;
  known->visibility = events::Visibility::secret_source;
  known->source = source;
}

bool Person::has(const events::Identifier& identifier) const {
  return std::ranges::find(identifiers, identifier, &KnownIdentifier::identifier) != identifiers.end();
}

bool Person::is_identity_open() const { return !arriving.empty() || std::ranges::any_of(pairs, &KnownPair::is_open); }

const consent::PermissionCopy* Person::permission_of(const consent::Address& address) const {
  const auto found = std::ranges::find(permissions, address, &consent::PermissionCopy::address);
  return found == permissions.end() ? nullptr : &*found;
}

void Person::take_permission(consent::PermissionCopy copy) {
  const auto found = std::ranges::find(permissions, copy.address, &consent::PermissionCopy::address);
  if (found == permissions.end()) {
    permissions.push_back(std::move(copy));
    std::ranges::sort(permissions, {}, &consent::PermissionCopy::address);
  } else if (copy.version >= found->version) {
    *found = std::move(copy);
  }
}

void Person::absorb(const Person& other) {
  for (const Attribute& attribute : other.attributes_) {
    for (const Candidate& candidate : attribute.candidates) learn(attribute.name, candidate);
  }
  for (const KnownIdentifier& known : other.identifiers) add_identifier(known);
  for (const consent::PermissionCopy& copy : other.permissions) take_permission(copy);
  for (const KnownPair& pair : other.pairs) {
    if (pairs.size() < kPairsMax && std::ranges::find(pairs, pair.other, &KnownPair::other) == pairs.end())
      pairs.push_back(pair);
  }
  objections.merge(other.objections);
  for (const Arriving& part : other.arriving) arriving.push_back(part);
  if (!other.id.is_zero() && other.id != id) absorbed.push_back(other.id);
  absorbed.insert(absorbed.end(), other.absorbed.begin(), other.absorbed.end());
  created = std::min(created, other.created);
  if (other.last_seen > last_seen) {
    last_seen = other.last_seen;
    if (!other.time_zone.empty()) time_zone = other.time_zone;
    if (!other.locale.empty()) locale = other.locale;
  }
  if (time_zone.empty()) time_zone = other.time_zone;
  if (locale.empty()) locale = other.locale;
}

Person Person::take_out(const events::Identifier& identifier) {
  Person out;
  out.created = created;
  out.last_seen = last_seen;
  out.time_zone = time_zone;
  out.locale = locale;
  const auto known = std::ranges::find(identifiers, identifier, &KnownIdentifier::identifier);
  if (known != identifiers.end()) {
    out.created = known->since;
    out.identifiers.push_back(std::move(*known));
    identifiers.erase(known);
  }
  const Id128 contributor = events::key_of(identifier);
  for (Attribute& attribute : attributes_) {
    for (const Candidate& candidate : attribute.candidates) {
      if (candidate.contributor == contributor) out.learn(attribute.name, candidate);
    }
    std::erase_if(attribute.candidates, [&](const Candidate& one) {
      if (one.contributor != contributor) return false;
      attribute_bytes_ -= one.json.size();
      return true;
    });
    if (attribute.candidates.empty()) attribute_bytes_ -= attribute.name.size();
  }
  std::erase_if(attributes_, [](const Attribute& attribute) { return attribute.candidates.empty(); });
  const auto is_theirs = [&](const consent::PermissionCopy& copy) { return copy.address.value == identifier.value; };
  std::ranges::copy_if(permissions, std::back_inserter(out.permissions), is_theirs);
  std::erase_if(permissions, is_theirs);
  // A split never opens what either side had closed.
  out.objections = objections;
  return out;
}

void Person::encode(Writer& out) const {
  out.u8(1);
  out.id(id);
  out.time(created);
  out.time(last_seen);
  out.bytes(time_zone);
  out.bytes(locale);
  encode_list(out, identifiers, [&](const KnownIdentifier& known) {
    known.identifier.encode(out);
    out.time(known.since);
    out.bytes(known.source);
    out.enumeration(known.visibility);
  });
  encode_list(out, pairs, [&](const KnownPair& pair) {
    out.id(pair.other);
    out.boolean(pair.is_open);
    out.bytes(pair.verdict);
    out.bytes(pair.reason);
    out.time(pair.since);
    out.bytes(pair.source);
    out.enumeration(pair.visibility);
  });
  encode_list(out, permissions, [&](const consent::PermissionCopy& copy) { copy.encode(out); });
  objections.encode(out);
  encode_list(out, absorbed, [&](PersonId person) { out.id(person); });
  encode_list(out, arriving, [&](const Arriving& part) {
    out.id(part.exchange);
    out.varint(part.missing);
  });
  encode_list(out, attributes_, [&](const Attribute& attribute) {
    out.bytes(attribute.name);
    encode_list(out, attribute.candidates, [&](const Candidate& candidate) { encode_candidate(out, candidate); });
  });
}

std::unique_ptr<Person> Person::decode(std::string_view bytes) {
  Reader in(bytes);
  auto person = std::make_unique<Person>();
  if (in.u8() != 1) in.fail();
  person->id = in.person_id();
  person->created = in.time();
  person->last_seen = in.time();
  person->time_zone = in.text();
  person->locale = in.text();
  for (size_t n = in.count(); n > 0; --n) {
    KnownIdentifier known;
    known.identifier = events::Identifier::decode(in);
    known.since = in.time();
    known.source = in.text();
    known.visibility = in.enumeration(events::Visibility::secret_source);
    person->identifiers.push_back(std::move(known));
  }
  for (size_t n = in.count(); n > 0; --n) {
    KnownPair pair;
    pair.other = in.id();
    pair.is_open = in.boolean();
    pair.verdict = in.text();
    pair.reason = in.text();
    pair.since = in.time();
    pair.source = in.text();
    pair.visibility = in.enumeration(events::Visibility::secret_source);
    person->pairs.push_back(std::move(pair));
  }
  for (size_t n = in.count(); n > 0; --n) person->permissions.push_back(consent::PermissionCopy::decode(in));
  person->objections = consent::ObjectionSet::decode(in);
  for (size_t n = in.count(); n > 0; --n) person->absorbed.push_back(in.person_id());
  for (size_t n = in.count(); n > 0; --n) {
    const Id128 exchange = in.id();
    person->arriving.push_back({exchange, static_cast<uint32_t>(in.varint())});
  }
  for (size_t n = in.count(); n > 0; --n) {
    Attribute attribute;
    attribute.name = in.text();
    for (size_t m = in.count(); m > 0; --m) attribute.candidates.push_back(decode_candidate(in));
    if (attribute.candidates.empty()) in.fail();
    person->attribute_bytes_ += attribute.name.size();
    for (const Candidate& candidate : attribute.candidates) person->attribute_bytes_ += candidate.json.size();
    person->attributes_.push_back(std::move(attribute));
  }
  return in.done() ? std::move(person) : nullptr;
}

size_t Person::footprint() const {
  size_t bytes = sizeof(Person) + pairs.size() * sizeof(KnownPair) + permissions.size() * 300 + objections.footprint();
  for (const KnownIdentifier& known : identifiers)
    bytes += sizeof known + known.identifier.value.size() + known.source.size();
  for (const Attribute& attribute : attributes_) {
    bytes += sizeof attribute + attribute.name.size();
    for (const Candidate& candidate : attribute.candidates) bytes += sizeof candidate + candidate.json.size();
  }
  return bytes;
}

void PersonAlias::encode(Writer& out) const {
  out.u8(1);
  out.id(survivor);
  out.u16(home.number);
}
std::unique_ptr<PersonAlias> PersonAlias::decode(std::string_view bytes) {
  Reader in(bytes);
  auto alias = std::make_unique<PersonAlias>();
  if (in.u8() != 1) in.fail();
  alias->survivor = in.person_id();
  alias->home = {in.u16()};
  return in.done() ? std::move(alias) : nullptr;
}

void TimelineLine::encode(Writer& out) const {
  out.u8(1);
  out.time(at);
  out.enumeration(type);
  out.bytes(name);
  out.bytes(source);
  out.varint(position.value);
}
TimelineLine TimelineLine::decode(Reader& in) {
  TimelineLine line;
  if (in.u8() != 1) in.fail();
  line.at = in.time();
  line.type = in.enumeration(events::kEventTypeLast);
  line.name = in.text();
  line.source = in.text();
  line.position = {in.varint()};
  return line;
}
std::string TimelineLine::order_key() const {
  std::string key;
  // The sign bit is turned so that times before 1970 sort first.
  const uint64_t time = static_cast<uint64_t>(at.ms) ^ (1ULL << 63);
  for (const uint64_t word : {time, position.value}) {
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(word >> shift));
  }
  return key;
}

std::string attributes_json(const Person& person) {
  std::string out = "{";
  for (const Attribute& attribute : person.attributes()) {
    if (out.size() > 1) out.push_back(',');
    out += boost::json::serialize(boost::json::string(attribute.name));
    out.push_back(':');
    out += attribute.winner().json;
  }
  return out + "}";
}

}  // namespace terreno::profiles
