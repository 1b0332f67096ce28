#include <algorithm>

#include "consent/consent.h"

namespace terreno::consent {

namespace {
constexpr uint8_t kObjectionsVersion = 1;
}

void ObjectionSet::note(const ConsentAct& act) {
  if (act.action == Action::lift) {
    std::erase_if(acts_, [&](const ConsentAct& noted) {
      return noted.action == Action::pause && act.scope.covers(noted.scope) &&
             (noted.actor.kind != ActorKind::person || act.actor.kind == ActorKind::person);
    });
    return;
  }
  if ((act.action != Action::object && act.action != Action::pause) || act.origin.is_zero()) return;
  const auto place = std::ranges::lower_bound(acts_, act.origin, {}, &ConsentAct::origin);
  if (place != acts_.end() && place->origin == act.origin) return;
  ConsentAct noted = act;
  noted.address = {};
  if (acts_.size() < kObjectionsMax) {
    acts_.insert(place, std::move(noted));
    return;
  }
  // At the bound one objection to everything stands for all of them: it may only grow stricter.
  noted.action = Action::object;
  noted.scope = {};
  noted.expires_at.reset();
  acts_.assign(1, std::move(noted));
}

void ObjectionSet::merge(const ObjectionSet& other) {
  for (const ConsentAct& act : other.acts_) note(act);
}

std::vector<ConsentAct> ObjectionSet::carry_to(const Address& address, Timestamp now) const {
  std::vector<ConsentAct> carried;
  for (const ConsentAct& act : acts_) {
    if (act.action == Action::pause && act.expires_at && *act.expires_at <= now) continue;
    carried.push_back(carried_to(act, address));
  }
  return carried;
}

size_t ObjectionSet::footprint() const { return sizeof(ObjectionSet) + acts_.capacity() * sizeof(ConsentAct); }

void ObjectionSet::encode(Writer& out) const {
  out.u8(kObjectionsVersion);
  out.varint(acts_.size());
  for (const ConsentAct& act : acts_) act.encode(out);
}

ObjectionSet ObjectionSet::decode(Reader& in) {
  ObjectionSet set;
  if (in.u8() != kObjectionsVersion) in.fail();
  const size_t count = in.count();
  if (count > kObjectionsMax) in.fail();
  for (size_t n = count; n > 0 && in.ok(); --n) set.acts_.push_back(ConsentAct::decode(in));
  return set;
}

}  // namespace terreno::consent
