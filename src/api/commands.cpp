// What staff and programs say about a person: a correction, an objection, a consent.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "api/customer_api.h"
#include "api/gather.h"
#include "base/document.h"
#include "flow/messages.h"

namespace terreno::api {

namespace json = boost::json;
using events::RecordType;

namespace {

constexpr size_t kNoteMax = 2000;
constexpr size_t kCommandsRemembered = 10'000;

/// One command has one id: from its caller and key when it may be repeated, otherwise from chance.
Id128 command_id(const Call& call, std::string_view kind, std::string_view random) {
  if (call.idempotency_key.empty()) return hash128(fmt::format("command {} {}", kind, random));
  return hash128(fmt::format("command {} {} {} {}", kind, static_cast<int>(call.caller.principal.kind),
                             call.caller.principal.id, call.idempotency_key));
}

consent::Actor actor_of(const governance::Principal& principal) {
  const bool is_key = principal.kind == governance::ActorKind::api_key;
  return {is_key ? consent::ActorKind::api_key : consent::ActorKind::operator_, principal.id};
}

governance::AuditNote about_person(std::string action, const Call& call, std::map<std::string, std::string> details) {
  return {std::move(action), "person", call.id, "", std::move(details)};
}

std::expected<std::string, std::string> normalise_address(consent::Channel channel, std::string_view text) {
  using events::IdentifierKind;
  IdentifierKind kind = IdentifierKind::device;
  if (channel == consent::Channel::email) kind = IdentifierKind::email;
  if (channel == consent::Channel::sms || channel == consent::Channel::whatsapp || channel == consent::Channel::call) {
    kind = IdentifierKind::phone;
  }
  auto identifier = events::normalise_identifier(kind, text);
  if (!identifier) return std::unexpected(std::string(events::name_of(identifier.error())));
  return identifier->value;
}

/// Refuses a statement that widens about a topic nobody set up: a typing error that nothing would ever be sent for.
/// What narrows always counts, whatever it names. Here, at the edge, and not where acts are applied: what people have
/// set up can vanish later, and then what was said stays in the ledger, permits what it names, and counts again when
/// the topic comes back.
std::optional<Refused> refuse_unknown_topic(const consent::ConsentAct& act, const flow::Configuration* in_force) {
  using enum consent::Action;
  const bool widens = act.action == grant || act.action == request || act.action == confirm;
  if (!widens || (in_force != nullptr && in_force->topics.contains(act.scope.topic))) return std::nullopt;
  std::vector<std::string> known;
  if (in_force != nullptr) {
    for (const auto& [name, topic] : in_force->topics) known.push_back(name);
  }
  const auto close = nearest(act.scope.topic, known);
  std::string remedy = close ? fmt::format("did you mean `{}`?", *close)
                             : "name one of the topics in force (GET /api/v1/configuration), or add a document of kind "
                               "`topic` with `terreno apply`";
  Refused refused{422,
                  "unknown_topic",
                  fmt::format("topic: `{}` is no topic of the configuration in force; {}", act.scope.topic, remedy),
                  {{"field", "topic"}, {"topic", act.scope.topic}},
                  "/topic",
                  {}};
  if (close) refused.params.emplace_back("nearest", *close);
  return refused;
}

Refused key_reused() {
  return {422,
          "idempotency_key_reused",
          "Idempotency-Key: was sent with another command; draw a new one",
          {{"field", "Idempotency-Key"}},
          {},
          {}};
}

}  // namespace

void CustomerApi::correct_person(const Call& call, const http::Responder& responder) {
  const PersonId id = PersonId::from_hex(call.id);
  if (id.is_zero()) return refuse_not_found(responder);
  BodyFields fields(call.body);
  profiles::Correction correction;
  correction.attribute = fields.required_text("attribute", profiles::kAttributeNameBytesMax);
  correction.candidate.json = fields.required_json("value", profiles::kAttributeValueBytesMax);
  const std::string rank = fields.required_text("rank", 16);
  if (rank == profiles::name_of(profiles::Rank::stated)) {
    correction.candidate.rank = profiles::Rank::stated;
  } else if (rank == profiles::name_of(profiles::Rank::corrected)) {
    correction.candidate.rank = profiles::Rank::corrected;
  } else {
    fields.refuse("rank", "not_one_of", "is neither `stated` nor `corrected`; say whose word it is");
  }
  const auto heard_by = fields.text("heard_by", 200);
  correction.candidate.note = fields.required_text("note", kNoteMax);
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  correction.candidate.source = heard_by && !heard_by->empty() ? *heard_by : call.caller.principal.name;
  correction.candidate.at = now();
  const RecordId record{command_id(call, "correction " + call.id, random_bits())};
  correction.candidate.record = record;
  const governance::AuditNote noted =
      about_person("person_corrected", call, {{"attribute", correction.attribute}, {"rank", rank}});

  const std::string memo = record.hex();
  const std::string fingerprint = hash128(call.body).hex();
  {
    std::optional<Repeatable> done;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = commands_.find(memo); found != commands_.end()) done = found->second;
    }
    if (done && done->fingerprint != fingerprint) return refuse(responder, key_reused());
    if (done) {
      return answer_person({.id = id, .hint = done->partition, .not_before = done->position, .decision = {}}, call,
                           responder, std::nullopt);
    }
  }
  // The person's home is where the word goes; a person who moves meanwhile is followed by the record itself.
  reading_.person(
      {.id = id, .hint = {}, .not_before = {}, .with_decisions = false, .decision = {}},
      [this, call, responder, correction, record, noted, memo, fingerprint](const File& file) mutable {
        if (!file) return refuse_not_found(responder);
        correction.person = file->person.id;
        // The record would be kept and change nothing. Names and values are bounded above; here it is how many there
        // are.
        profiles::Person tried = file->person;
        if (!tried.learn(correction.attribute, correction.candidate)) {
          return refuse(responder,
                        Refused{422,
                                "limit_reached",
                                fmt::format("attribute: this person has {} attributes, as many as there can "
                                            "be; correct one of them, or put the word into its note",
                                            profiles::kAttributesMax),
                                {{"field", "attribute"}, {"maximum", std::to_string(profiles::kAttributesMax)}},
                                "/attribute",
                                {}});
        }
        engine::Batch batch;
        batch.add(file->home, static_cast<uint16_t>(RecordType::correction), record, flow::payload_of(correction));
        parts_.engine->append(std::move(batch), [this, call, responder, id = file->person.id, noted, memo, fingerprint](
                                                    const engine::Result<std::vector<engine::Placed>>& placed) {
          if (!placed) return refuse_engine(responder, placed.error());
          const engine::Placed at = placed->front();
          {
            const std::lock_guard lock(mutex_);
            if (commands_.size() >= kCommandsRemembered) commands_.clear();
            commands_[memo] = {fingerprint, at.partition, at.position};
          }
          answer_person({.id = id, .hint = at.partition, .not_before = at.position, .decision = {}}, call, responder,
                        noted);
        });
      });
}

void CustomerApi::object_for_person(const Call& call, const http::Responder& responder) {
  const PersonId id = PersonId::from_hex(call.id);
  if (id.is_zero()) return refuse_not_found(responder);
  BodyFields fields(call.body);
  const auto channel_text = fields.text("channel", 16);
  const std::string text = fields.required_text("note", kNoteMax);
  const auto channel = channel_text ? consent::channel_from(*channel_text) : std::nullopt;
  if (channel_text && !channel) fields.refuse("channel", "not_one_of", "is no channel; leave it out for all of them");
  if (const auto refused = fields.refused()) return refuse(responder, *refused);

  consent::ConsentAct act;
  act.action = consent::Action::object;
  act.method = consent::Method::staff;
  act.is_explicit = true;
  act.occurred_at = act.received_at = now();
  act.actor = actor_of(call.caller.principal);
  act.visibility = events::Visibility::secret_source;
  act.evidence.push_back({consent::EvidenceKind::note, cut(text, consent::kTextBytesMax)});
  act.random_bits = random_bits();
  // A ledger enters an origin once, so that a repeat of the command changes nothing.
  act.origin = command_id(call, "objection " + call.id, act.random_bits);
  const governance::AuditNote noted =
      about_person("person_objected", call, {{"channel", channel ? std::string(consent::name_of(*channel)) : "all"}});

  reading_.person(
      {.id = id, .hint = {}, .not_before = {}, .with_decisions = false, .decision = {}},
      [this, call, responder, act, channel, noted](const File& file) {
        if (!file) return refuse_not_found(responder);
        engine::Batch batch;
        const auto add = [&](engine::Partition partition, RecordType type, std::string_view payload) {
          const RecordId record{derive_id(act.origin, batch.items().size())};
          batch.add(partition, static_cast<uint16_t>(type), record, payload);
        };
        // At the person it is kept for addresses to come; an objection to one channel concerns those that are known.
        if (!channel) {
          add(file->home, RecordType::objection, flow::payload_of(flow::PersonObjection{file->person.id, act}));
        }
        for (const consent::Address& address : addresses_of(file->person)) {
          if (channel && address.channel != *channel) continue;
          add(consent::home_of(address), RecordType::consent_act, flow::payload_of(consent::carried_to(act, address)));
        }
        if (batch.empty()) {
          return refuse(responder, Refused{422,
                                           "no_address",
                                           "channel: the person has no address on it; leave it out for all channels",
                                           {{"field", "channel"}},
                                           "/channel",
                                           {}});
        }
        parts_.engine->append(
            std::move(batch),
            [this, call, responder, file, noted](const engine::Result<std::vector<engine::Placed>>& placed) {
              if (!placed) return refuse_engine(responder, placed.error());
              // In force at each address before the answer.
              const Gather<bool> gather(placed->size(), [this, call, responder, file, noted](const std::vector<bool>&) {
                answer_person({.id = file->person.id, .hint = file->home, .not_before = {}, .decision = {}}, call,
                              responder, noted);
              });
              for (size_t i = 0; i < placed->size(); ++i) {
                parts_.engine->read(
                    (*placed)[i].partition,
                    {[](const engine::Lookup&, engine::KeyList&) {},
                     [gather, i](const engine::Lookup&) { gather.put(i, true); }, (*placed)[i].position});
              }
            },
            true);
      });
}

// ---------------------------------------------------------------------------------------------------------------------

void CustomerApi::record_consent(const Call& call, const http::Responder& responder) {
  // The API's names for two of the act's fields.
  std::string body = call.body;
  {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 4;
    json::value parsed = json::parse(body, error, {}, options);
    if (!error && parsed.is_object()) {
      json::object& object = parsed.get_object();
      if (const auto* const language = object.if_contains("language")) {
        object["text_language"] = *language;
        object.erase("language");
      }
      if (const auto* const text = object.if_contains("note"); text != nullptr && !object.contains("evidence")) {
        json::value kept = *text;
        if (kept.is_string()) kept = cut(kept.get_string(), consent::kTextBytesMax);
        object["evidence"] = json::array{json::object{{"kind", "note"}, {"value", std::move(kept)}}};
        object.erase("note");
      }
      body = json::serialize(parsed);
    }
  }
  consent::ActOrigin origin;
  origin.visibility = events::Visibility::secret_source;
  origin.actor = actor_of(call.caller.principal);
  origin.received_at = now();
  origin.random_bits = random_bits();
  auto act = consent::parse_act(body, origin, normalise_address);
  if (!act) {
    const consent::FieldError& error = act.error();
    return refuse(responder, Refused{422,
                                     "invalid_field",
                                     fmt::format("{}: {}; {}", error.field, error.rule, error.remedy),
                                     {{"field", error.field}, {"rule", error.rule}},
                                     "/" + error.field,
                                     {}});
  }
  const auto in_force = parts_.configuration_in_force ? parts_.configuration_in_force() : nullptr;
  if (const auto refused = refuse_unknown_topic(*act, in_force.get())) return refuse(responder, *refused);
  if (!call.idempotency_key.empty()) act->origin = command_id(call, "consent " + call.body, {});
  engine::Batch batch;
  const engine::Partition home = consent::home_of(act->address);
  batch.add(home, static_cast<uint16_t>(RecordType::consent_act),
            RecordId{command_id(call, "consent record " + call.body, act->random_bits)}, flow::payload_of(*act));
  const bool narrows = consent::narrows(act->action);
  parts_.engine->append(
      std::move(batch),
      [this, call, responder, act = *act, home](const engine::Result<std::vector<engine::Placed>>& placed) {
        if (!placed) return refuse_engine(responder, placed.error());
        const Id128 key = consent::key_of(act.address);
        engine::ReadTask task;
        task.not_before = placed->front().position;
        task.wants = [key](const engine::Lookup&, engine::KeyList& keys) {
          keys.push_back({consent::AddressLedger::kTable, key});
        };
        task.run = [this, call, responder, act, home, key, at = placed->front().position](const engine::Lookup& state) {
          const auto* const ledger = state.find<consent::AddressLedger>(key);
          uint64_t entry = 0;
          std::string_view folded = consent::name_of(consent::PermissionState::none);
          if (ledger != nullptr && ledger->address() == act.address) {
            folded = consent::name_of(ledger->copy().state_of(act.scope, state.now()));
            // Saying no again, or confirming again, adds nothing to an entry that says so already. A grant that made
            // none was refused, whatever was granted before.
            const bool may_repeat = consent::narrows(act.action) || act.action == consent::Action::confirm;
            for (const consent::ConsentEntry& one : ledger->entries()) {
              const bool is_repeat = !act.origin.is_zero() && one.act.origin == act.origin;
              const bool says_the_same = may_repeat && one.act.action == act.action && one.act.scope == act.scope;
              if (one.position == at || is_repeat || says_the_same) entry = one.entry_id;
            }
          }
          later(responder, [this, call, responder, act, home, entry, folded] {
            if (entry == 0) {
              return refuse(responder, Refused{422,
                                               "act_refused",
                                               "action: the rules of this address do not take it; see `state`",
                                               {{"field", "action"}, {"state", std::string(folded)}},
                                               "/action",
                                               {}});
            }
            const std::string id = entry_id_text(home, entry);
            if (!note(call,
                      {"consent_recorded",
                       "consent",
                       id,
                       "",
                       {{"action", std::string(consent::name_of(act.action))}, {"topic", act.scope.topic}}},
                      responder)) {
              return;
            }
            answer(responder, 201, {{"entry_id", id}, {"state", folded}});
          });
        };
        parts_.engine->read(home, std::move(task));
      },
      narrows);
}

}  // namespace terreno::api
