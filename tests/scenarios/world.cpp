#include "world.h"

#include <algorithm>

namespace terreno::scenarios {

World::World(Options options) : options_(std::move(options)) {
  machine_ = flow::make_machine(library_);
  engine::SteppedEngine::Options engine_options;
  engine_options.start = parse_iso8601(options_.start).value().time;
  engine_options.shuffle_seed = options_.shuffle_seed;
  engine_options.commit_records = 40;
  engine_ = std::make_unique<engine::SteppedEngine>(*machine_, *this, engine_options);
  if (!options_.documents.empty()) apply(options_.documents);
}

void World::append(engine::Partition partition, events::RecordType type, std::string payload) {
  engine::Batch batch;
  batch.add(partition, static_cast<uint16_t>(type), RecordId{hash128("record " + std::to_string(++records_))}, payload);
  engine_->append(std::move(batch), nullptr, true);
}

void World::apply(std::vector<flow::Document> documents) {
  std::vector<Finding> findings;
  auto configuration = flow::read_configuration(std::move(documents), findings);
  for (const Finding& finding : findings) ADD_FAILURE() << finding.file << ":" << finding.line << " " << finding.detail;
  library_.add(configuration);
  append(engine::kLane, events::RecordType::configuration_proposed,
         flow::payload_of(flow::ConfigurationProposal{active_, configuration->hash}));
  active_ = configuration->hash;
  settle();
}

void World::track(events::TrackingPath path, const std::string& body, bool is_public) {
  const events::SourceDefaults source = source_of(is_public);
  std::vector<events::Event> events;
  std::vector<events::Quarantined> quarantined;
  const auto read = events::parse_tracking(path, body, {}, source, now(), random_, events, quarantined);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_TRUE(quarantined.empty()) << quarantined.front().reason;
  engine::Batch batch;
  for (const events::Event& event : events) {
    batch.add(event.route(), static_cast<uint16_t>(events::RecordType::event),
              RecordId{hash128("record " + std::to_string(++records_))}, flow::payload_of(event));
  }
  engine_->append(std::move(batch), nullptr);
}

void World::consent(consent::Action action, const std::string& email, const std::string& topic, bool by_person) {
  consent::ConsentAct act;
  act.action = action;
  act.address = {consent::Channel::email,
                 events::normalise_identifier(events::IdentifierKind::email, email).value().value};
  act.scope = {topic, "marketing", ""};
  act.legal_basis = consent::LegalBasis::consent;
  act.method = consent::Method::tick;
  act.is_explicit = true;
  act.text_version = "v1";
  act.occurred_at = act.received_at = now();
  act.jurisdiction.claimed = "ES";
  act.actor.kind = by_person ? consent::ActorKind::person : consent::ActorKind::operator_;
  act.visibility = events::Visibility::secret_source;
  act.random_bits = std::string(32, 'r');
  if (action == consent::Action::grant) act.confirmation.confirmed_at = now();
  append(consent::home_of(act.address), events::RecordType::consent_act, flow::payload_of(act));
}

void World::object(PersonId person, std::vector<std::string> known_emails) {
  consent::ConsentAct act;
  act.action = consent::Action::object;
  act.method = consent::Method::spoken;
  act.occurred_at = act.received_at = now();
  act.actor.kind = consent::ActorKind::person;
  act.visibility = events::Visibility::secret_source;
  act.origin = hash128("objection of " + person.hex());
  act.random_bits = std::string(32, 'r');
  engine::Batch batch;
  const auto add = [&](engine::Partition partition, events::RecordType type, const std::string& payload) {
    batch.add(partition, static_cast<uint16_t>(type), RecordId{hash128("record " + std::to_string(++records_))},
              payload);
  };
  // Where the person lives, only their partitions know: a test asks all of them.
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (reading().copy_of<profiles::Person>({number}, person.value))
      add({number}, events::RecordType::objection, flow::payload_of(flow::PersonObjection{person, act}));
  }
  for (const std::string& email : known_emails) {
    const auto carried = consent::carried_to(act, {consent::Channel::email, email});
    add(consent::home_of(carried.address), events::RecordType::consent_act, flow::payload_of(carried));
  }
  engine_->append(std::move(batch), nullptr, true);
}

void World::correct(PersonId person, const std::string& attribute, const std::string& json, profiles::Rank rank) {
  profiles::Correction correction;
  correction.person = person;
  correction.attribute = attribute;
  correction.candidate.json = json;
  correction.candidate.rank = rank;
  correction.candidate.source = "staff";
  correction.candidate.at = now();
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (reading().copy_of<profiles::Person>({number}, person.value))
      append({number}, events::RecordType::correction, flow::payload_of(correction));
  }
}

std::unique_ptr<profiles::Person> World::person(events::IdentifierKind kind, const std::string& value) {
  const auto identifier = events::normalise_identifier(kind, value);
  return identifier ? reading().person(*identifier) : nullptr;
}

std::vector<contact::Decision> World::decisions(const profiles::Person& person) {
  std::vector<contact::Decision> found;
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    const auto contact = reading().copy_of<contact::ContactState>({number}, person.id.value);
    if (!contact) continue;
    for (const DecisionId id : contact->recent) {
      if (const auto decision = reading().copy_of<contact::Decision>({number}, id.value)) found.push_back(*decision);
    }
  }
  return found;
}

std::unique_ptr<journeys::JourneyStates> World::journeys(const profiles::Person& person) {
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (auto states = reading().copy_of<journeys::JourneyStates>({number}, person.id.value)) return states;
  }
  return nullptr;
}

std::vector<profiles::TimelineLine> World::timeline(const profiles::Person& person) {
  std::vector<profiles::TimelineLine> lines;
  for (const profiles::KnownIdentifier& known : person.identifiers) {
    engine::RowScan scan;
    scan.table = profiles::kTimelineRows;
    scan.key = events::key_of(known.identifier);
    scan.limit = 1000;
    engine_->scan_rows(events::home_of(known.identifier), scan, [&](engine::Result<std::vector<engine::Row>> rows) {
      ASSERT_TRUE(rows.has_value());
      for (const engine::Row& row : *rows) {
        Reader in(row.value);
        lines.push_back(profiles::TimelineLine::decode(in));
      }
    });
  }
  std::ranges::sort(lines, {}, &profiles::TimelineLine::at);
  return lines;
}

void World::on_outputs(engine::Partition partition, engine::Position /*position*/,
                       std::vector<engine::Output>& outputs) {
  for (const engine::Output& output : outputs) {
    switch (static_cast<flow::OutputKind>(output.kind)) {
      case flow::OutputKind::claim_wanted: {
        if (holds_claims) break;
        auto claim = flow::read_payload<channels::Claim>(output.payload).value();
        if (before_claim) before_claim(claim);
        claim.owner = 1;
        append(partition, events::RecordType::send_claimed, flow::payload_of(claim));
        break;
      }
      case flow::OutputKind::perform: {
        const auto claimed = channels::ClaimedSend::decode(output.payload);
        ASSERT_TRUE(claimed.has_value());
        const channels::SendOrder& order = claimed->order();
        Mail mail{order.decision, order.request.address.value, order.message,      order.language,
                  order.data,     claimed->proof().record(),   claimed->attempt(), now()};
        channels::Receipt receipt;
        receipt.decision = order.decision;
        receipt.attempt = claimed->attempt();
        receipt.address = order.request.address;
        receipt.ending = receiver ? receiver(mail) : channels::Ending::sent;
        receipt.names_recipient = receipt.ending == channels::Ending::not_sent_final;
        if (receipt.ending == channels::Ending::sent) mails.push_back(std::move(mail));
        append(partition, events::RecordType::send_receipt, flow::payload_of(receipt));
        break;
      }
      case flow::OutputKind::event_seen: {
        Reader in(output.payload);
        repeats += flow::SeenEvent::decode(in).is_repeat ? 1 : 0;
        break;
      }
      default:
        break;
    }
  }
}

void tell(World::Options options, const std::function<void(World&)>& story) {
  for (const std::optional<uint64_t> seed : {std::optional<uint64_t>{}, std::optional<uint64_t>{1}, {2}, {3}}) {
    SCOPED_TRACE(seed ? "shuffled with seed " + std::to_string(*seed) : "in the journal's order");
    options.shuffle_seed = seed;
    World world(options);
    story(world);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace terreno::scenarios
