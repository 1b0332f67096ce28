// Which step belongs to which record.

#include <array>

#include "channels/sending.h"
#include "flow/steps.h"

namespace terreno::flow {

namespace {

using events::RecordType;

struct Steps {
  void (*touches)(const engine::Lookup&, std::string_view payload, engine::KeyList&) = nullptr;
  void (*apply)(Scene&, std::string_view payload) = nullptr;
};

constexpr auto kSteps = [] {
  std::array<Steps, 64> table{};
  const auto set = [&table](RecordType type, Steps steps) { table[static_cast<size_t>(type)] = steps; };
  set(RecordType::event, {touches_event, apply_event});
  set(RecordType::consent_act, {touches_consent_act, apply_consent_act});
  set(RecordType::correction, {touches_correction, apply_correction});
  set(RecordType::send_claimed, {touches_claimed, apply_claimed});
  set(RecordType::send_receipt, {touches_receipt, apply_receipt});
  set(RecordType::configuration_proposed, {touches_configuration, apply_configuration_proposed});
  set(RecordType::objection, {touches_objection, apply_objection});
  set(RecordType::event_forwarded, {touches_forwarded_event, apply_forwarded_event});
  set(RecordType::identity_proposed, {touches_proposed, apply_proposed});
  set(RecordType::identity_attach, {touches_attach, apply_attach});
  set(RecordType::identity_moved, {touches_moved, apply_moved});
  set(RecordType::identity_attached, {touches_part_arrived, apply_part_arrived});
  set(RecordType::identity_verdict, {touches_verdict, apply_verdict});
  set(RecordType::send_opened, {touches_opened, apply_opened});
  set(RecordType::send_closed, {touches_closed, apply_closed});
  set(RecordType::permission_folded, {touches_permission, apply_permission});
  set(RecordType::configuration_prepared, {touches_configuration, apply_configuration_prepared});
  set(RecordType::configuration_ready, {touches_configuration, apply_configuration_ready});
  set(RecordType::configuration_active, {touches_configuration, apply_configuration_active});
  set(RecordType::objection_carried, {touches_consent_act, apply_consent_act});
  set(RecordType::identity_absorb, {touches_absorb, apply_absorb});
  set(RecordType::identity_released, {touches_released, apply_released});
  set(RecordType::identity_confirmed, {touches_confirmed, apply_confirmed});
  return table;
}();

/// Null for what changes no state (quarantined items are kept in the journal alone) and for unknown types.
const Steps* steps_of(uint16_t type) {
  if (type >= kSteps.size() || kSteps[type].apply == nullptr) return nullptr;
  return &kSteps[type];
}

class FlowMachine final : public engine::Machine {
 public:
  explicit FlowMachine(const ConfigurationLibrary& library) : library_(&library) {}

  void touches(const engine::Lookup& state, const engine::RecordView& record, engine::KeyList& keys) const override {
    const Steps* const steps = steps_of(record.type);
    if (steps == nullptr) return;
    touches_partition(keys);
    steps->touches(state, record.payload, keys);
  }

  void apply(engine::Context& context, const engine::RecordView& record) const override {
    const Steps* const steps = steps_of(record.type);
    if (steps == nullptr) return;
    with_scene(context, [&](Scene& scene) { steps->apply(scene, record.payload); });
  }

  void touches_wake(const engine::Lookup& state, engine::EntityKey key, engine::KeyList& keys) const override {
    touches_partition(keys);
    if (key.table == profiles::Person::kTable) touches_wake_person(state, {key.id}, keys);
    if (key.table == channels::OpenSend::kTable) touches_wake_send(state, {key.id}, keys);
  }

  void wake(engine::Context& context, engine::EntityKey key) const override {
    with_scene(context, [&](Scene& scene) {
      if (key.table == profiles::Person::kTable) wake_person(scene, {key.id});
      if (key.table == channels::OpenSend::kTable) wake_send(scene, {key.id});
    });
  }

  [[nodiscard]] std::unique_ptr<engine::Entity> decode(engine::EntityKey key, std::string_view bytes) const override {
    switch (key.table) {
      case Binding::kTable:
        return Binding::decode(bytes);
      case ActiveConfiguration::kTable:
        return ActiveConfiguration::decode(bytes);
      case Totals::kTable:
        return Totals::decode(bytes);
      case Exchanges::kTable:
        return Exchanges::decode(bytes);
      case ConfigurationLane::kTable:
        return ConfigurationLane::decode(bytes);
      case profiles::Person::kTable:
        return profiles::Person::decode(bytes);
      case profiles::PersonAlias::kTable:
        return profiles::PersonAlias::decode(bytes);
      case journeys::JourneyStates::kTable:
        return journeys::JourneyStates::decode(bytes);
      case contact::ContactState::kTable:
        return contact::ContactState::decode(bytes);
      case contact::Decision::kTable:
        return contact::Decision::decode(bytes);
      case contact::AddressCounter::kTable:
        return contact::AddressCounter::decode(bytes);
      case channels::OpenSend::kTable:
        return channels::OpenSend::decode(bytes);
      default:
        if (identity::owns_table(key.table)) return identity::decode_entity(key, bytes);
        return consent::decode_entity(key.table, bytes);
    }
  }

 private:
  template <typename Step>
  void with_scene(engine::Context& context, const Step& step) const {
    const auto* const active = context.find<ActiveConfiguration>(ActiveConfiguration::kId);
    const auto configuration = active != nullptr ? library_->find(active->hash) : nullptr;
    Scene scene{context, *library_, configuration.get()};
    step(scene);
  }

  const ConfigurationLibrary* library_;
};

}  // namespace

std::unique_ptr<engine::Machine> make_machine(const ConfigurationLibrary& library) {
  return std::make_unique<FlowMachine>(library);
}

void touches_partition(engine::KeyList& keys) {
  keys.push_back({ActiveConfiguration::kTable, ActiveConfiguration::kId});
  keys.push_back({Totals::kTable, Totals::kId});
}

void Scene::person_changed(PersonId person) const {
  std::string bytes;
  Writer(bytes).id(person);
  emit(OutputKind::person_changed, std::move(bytes));
}

void SeenEvent::encode(Writer& out) const {
  out.boolean(is_repeat);
  out.id(person);
}
SeenEvent SeenEvent::decode(Reader& in) {
  SeenEvent seen;
  seen.is_repeat = in.boolean();
  seen.person = in.person_id();
  return seen;
}

void ConfigurationInForce::encode(Writer& out) const {
  out.id(hash);
  out.varint(version);
  out.boolean(is_refused);
}
ConfigurationInForce ConfigurationInForce::decode(Reader& in) {
  ConfigurationInForce in_force;
  in_force.hash = in.id();
  in_force.version = in.varint();
  in_force.is_refused = in.boolean();
  return in_force;
}

}  // namespace terreno::flow
