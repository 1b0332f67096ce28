// In the identity lane: evidence is decided, exchanges are carried out one at a time for each person, verdicts go back;
// and the configuration in force is agreed on.

#include <algorithm>

#include "base/check.h"
#include "flow/steps.h"

namespace terreno::flow {

using events::RecordType;

namespace {

bool is_absorbed(const identity::PersonChange& change, PersonId person) {
  return std::ranges::find(change.absorbed, person, &identity::Absorbed::person) != change.absorbed.end();
}

// Who arrives with their person, or belongs there already, needs no part of its own: the alias leads on.
bool needs_part(const identity::PersonChange& change, const identity::Attach& attach) {
  return attach.former.is_zero() || (attach.former != change.person && !is_absorbed(change, attach.former));
}

uint32_t count_parts(const identity::PersonChange& change) {
  auto parts = static_cast<uint32_t>(change.absorbed.size());
  for (const identity::Attach& one : change.attach) {
    if (needs_part(change, one)) parts += parts_of_attach(one.former);
  }
  return parts;
}

void start(Scene& scene, Exchange& exchange) {
  exchange.is_running = true;
  exchange.missing = count_parts(exchange.change);
  const identity::PersonChange& change = exchange.change;
  for (const identity::Absorbed& one : change.absorbed) {
    scene.send(one.home, RecordType::identity_absorb,
               AbsorbPerson{exchange.id, exchange.missing, one.person, change.person, change.home});
  }
  for (const identity::Attach& one : change.attach) {
    if (!needs_part(change, one)) continue;
    scene.send(one.home, RecordType::identity_attach,
               AttachIdentifier{exchange.id, exchange.missing, one.identifier, one.former, change.person, change.home});
  }
}

// Starts whatever waits for nobody. In the order of the decisions: an exchange never overtakes an earlier one about the
// same person.
void start_ready(Scene& scene, Exchanges& exchanges) {
  for (Exchange* const exchange : exchanges.take_ready()) start(scene, *exchange);
}

void answer(Scene& scene, const PendingVerdict& verdict) {
  scene.send(verdict.proposer, RecordType::identity_verdict,
             PairVerdict{verdict.person, verdict.other, verdict.state, verdict.reason});
}

std::vector<Id128> enqueue(Scene& scene, Exchanges& exchanges, std::vector<identity::PersonChange> changes) {
  std::vector<Id128> ids;
  for (identity::PersonChange& change : changes) {
    if (count_parts(change) == 0) continue;
    Exchange exchange;
    exchange.id = scene.context.new_id();
    exchange.change = std::move(change);
    ids.push_back(exchange.id);
    exchanges.add(std::move(exchange));
  }
  return ids;
}

std::optional<events::Identifier> read_identifier(std::string_view payload) {
  Reader in(payload);
  events::Identifier identifier = events::Identifier::decode(in);
  if (!in.done()) return std::nullopt;
  return identifier;
}

}  // namespace

void touches_proposed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto pair = read_payload<ProposedPair>(payload);
  if (!pair) return;
  identity::touches_propose(state, pair->proposal, keys);
  keys.push_back({Exchanges::kTable, Exchanges::kId});
}

void apply_proposed(Scene& scene, std::string_view payload) {
  const auto pair = read_payload<ProposedPair>(payload);
  if (!pair || !scene.context.record().sender) return scene.ignore();
  identity::Verdict decided = identity::propose(scene.context, pair->proposal);
  PendingVerdict verdict;
  verdict.proposer = *scene.context.record().sender;
  verdict.person = pair->person;
  verdict.other = events::key_of(pair->proposal.b);
  verdict.state = decided.state;
  verdict.reason = decided.reason;
  const bool changes_something =
      std::ranges::any_of(decided.changes, [](const auto& change) { return count_parts(change) > 0; });
  if (!changes_something) return answer(scene, verdict);
  auto& exchanges = scene.context.mutate_or_create<Exchanges>(Exchanges::kId);
  verdict.exchanges = enqueue(scene, exchanges, std::move(decided.changes));
  exchanges.add(std::move(verdict));
  start_ready(scene, exchanges);
}

void touches_confirmed(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  if (const auto identifier = read_identifier(payload)) identity::touches_confirm(state, *identifier, keys);
  keys.push_back({Exchanges::kTable, Exchanges::kId});
}

void apply_confirmed(Scene& scene, std::string_view payload) {
  const auto identifier = read_identifier(payload);
  if (!identifier) return scene.ignore();
  identity::Verdict decided = identity::confirm(scene.context, *identifier);
  if (decided.changes.empty()) return;
  auto& exchanges = scene.context.mutate_or_create<Exchanges>(Exchanges::kId);
  static_cast<void>(enqueue(scene, exchanges, std::move(decided.changes)));
  start_ready(scene, exchanges);
}

void touches_part_arrived(const engine::Lookup& state, std::string_view payload, engine::KeyList& keys) {
  const auto part = read_payload<PartArrived>(payload);
  if (!part) return;
  keys.push_back({Exchanges::kTable, Exchanges::kId});
  if (part->identifier) identity::touches_note_person(state, *part->identifier, part->unknown_person, keys);
}

void apply_part_arrived(Scene& scene, std::string_view payload) {
  const auto part = read_payload<PartArrived>(payload);
  if (!part) return scene.ignore();
  if (part->identifier) identity::note_person(scene.context, *part->identifier, part->unknown_person);
  if (part->exchange.is_zero()) return;
  auto* const exchanges = scene.context.mutate<Exchanges>(Exchanges::kId);
  if (exchanges == nullptr) return scene.ignore();
  Exchange* const exchange = exchanges->find(part->exchange);
  if (exchange == nullptr) return scene.ignore();
  if (--exchange->missing > 0) return;
  if (const auto verdict = exchanges->finish(part->exchange)) answer(scene, *verdict);
  start_ready(scene, *exchanges);
}

// ---------------------------------------------------------------------------------------------------------------------
// Configuration

namespace {

void propose_configuration(Scene& scene, ConfigurationLane& lane, Id128 base, Id128 hash) {
  if (base != lane.active)
    return scene.emit(OutputKind::configuration, payload_of(ConfigurationInForce{lane.active, lane.version, true}));
  lane.proposed = hash;
  lane.missing = engine::kPartitionCount;
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number)
    scene.send({number}, RecordType::configuration_prepared, ConfigurationStep{hash, lane.version + 1});
}

}  // namespace

void touches_configuration(const engine::Lookup& /*state*/, std::string_view /*payload*/, engine::KeyList& keys) {
  keys.push_back({ConfigurationLane::kTable, ConfigurationLane::kId});
}

void apply_configuration_proposed(Scene& scene, std::string_view payload) {
  const auto proposal = read_payload<ConfigurationProposal>(payload);
  if (!proposal || scene.here() != engine::kLane) return scene.ignore();
  auto& lane = scene.context.mutate_or_create<ConfigurationLane>(ConfigurationLane::kId);
  if (!lane.proposed.is_zero()) {
    lane.waiting.emplace_back(proposal->base, proposal->hash);
  } else {
    propose_configuration(scene, lane, proposal->base, proposal->hash);
  }
}

void apply_configuration_prepared(Scene& scene, std::string_view payload) {
  const auto step = read_payload<ConfigurationStep>(payload);
  if (!step) return scene.ignore();
  scene.send(engine::kLane, RecordType::configuration_ready, *step);
}

void apply_configuration_ready(Scene& scene, std::string_view payload) {
  const auto step = read_payload<ConfigurationStep>(payload);
  auto* const lane = scene.context.mutate<ConfigurationLane>(ConfigurationLane::kId);
  if (!step || lane == nullptr || lane->proposed != step->hash) return scene.ignore();
  if (--lane->missing > 0) return;
  lane->active = step->hash;
  lane->version = step->version;
  lane->proposed = {};
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number)
    scene.send({number}, RecordType::configuration_active, *step);
  while (!lane->waiting.empty() && lane->proposed.is_zero()) {
    const auto [base, hash] = lane->waiting.front();
    lane->waiting.pop_front();
    propose_configuration(scene, *lane, base, hash);
  }
}

void apply_configuration_active(Scene& scene, std::string_view payload) {
  const auto step = read_payload<ConfigurationStep>(payload);
  if (!step) return scene.ignore();
  TERRENO_CHECK(scene.library.find(step->hash) != nullptr, "a configuration that the journal names is not kept");
  auto& active = scene.context.mutate_or_create<ActiveConfiguration>(ActiveConfiguration::kId);
  active.hash = step->hash;
  active.version = step->version;
  active.since = scene.now();
  scene.emit(OutputKind::configuration, payload_of(ConfigurationInForce{step->hash, step->version, false}));
}

}  // namespace terreno::flow
