#include "flow/state.h"

#include <algorithm>

namespace terreno::flow {

namespace {

void encode_change(Writer& out, const identity::PersonChange& change) {
  out.id(change.person);
  out.u16(change.home.number);
  change.strongest.encode(out);
  out.varint(change.absorbed.size());
  for (const identity::Absorbed& one : change.absorbed) {
    out.id(one.person);
    out.u16(one.home.number);
  }
  out.varint(change.attach.size());
  for (const identity::Attach& one : change.attach) {
    one.identifier.encode(out);
    out.u16(one.home.number);
    out.id(one.former);
    out.u16(one.former_home.number);
  }
}

identity::PersonChange decode_change(Reader& in) {
  identity::PersonChange change;
  change.person = in.person_id();
  change.home = {in.u16()};
  change.strongest = events::Identifier::decode(in);
  for (size_t n = in.count(); n > 0; --n) {
    const PersonId person = in.person_id();
    change.absorbed.push_back({person, {in.u16()}});
  }
  for (size_t n = in.count(); n > 0; --n) {
    identity::Attach one;
    one.identifier = events::Identifier::decode(in);
    one.home = {in.u16()};
    one.former = in.person_id();
    one.former_home = {in.u16()};
    change.attach.push_back(std::move(one));
  }
  return change;
}

}  // namespace

void Binding::encode(Writer& out) const {
  out.u8(1);
  identifier.encode(out);
  out.id(person);
  out.u16(home.number);
}

std::unique_ptr<Binding> Binding::decode(std::string_view bytes) {
  Reader in(bytes);
  auto binding = std::make_unique<Binding>();
  if (in.u8() != 1) in.fail();
  binding->identifier = events::Identifier::decode(in);
  binding->person = in.person_id();
  binding->home = {in.u16()};
  return in.done() ? std::move(binding) : nullptr;
}

void ActiveConfiguration::encode(Writer& out) const {
  out.u8(1);
  out.id(hash);
  out.varint(version);
  out.time(since);
}

std::unique_ptr<ActiveConfiguration> ActiveConfiguration::decode(std::string_view bytes) {
  Reader in(bytes);
  auto active = std::make_unique<ActiveConfiguration>();
  if (in.u8() != 1) in.fail();
  active->hash = in.id();
  active->version = in.varint();
  active->since = in.time();
  return in.done() ? std::move(active) : nullptr;
}

void Totals::encode(Writer& out) const {
  out.u8(1);
  out.varint(people);
  out.varint(ignored);
  out.varint(moved);
}

std::unique_ptr<Totals> Totals::decode(std::string_view bytes) {
  Reader in(bytes);
  auto totals = std::make_unique<Totals>();
  if (in.u8() != 1) in.fail();
  totals->people = in.varint();
  totals->ignored = in.varint();
  totals->moved = in.varint();
  return in.done() ? std::move(totals) : nullptr;
}

void Exchanges::encode(Writer& out) const {
  out.u8(1);
  out.varint(queue.size());
  for (const Exchange& exchange : queue) {
    out.id(exchange.id);
    encode_change(out, exchange.change);
    out.boolean(exchange.is_running);
    out.varint(exchange.missing);
  }
  out.varint(verdicts.size());
  for (const PendingVerdict& verdict : verdicts) {
    out.varint(verdict.exchanges.size());
    for (const Id128 id : verdict.exchanges) out.id(id);
    out.u16(verdict.proposer.number);
    out.id(verdict.person);
    out.id(verdict.other);
    out.enumeration(verdict.state);
    out.enumeration(verdict.reason);
  }
}

std::unique_ptr<Exchanges> Exchanges::decode(std::string_view bytes) {
  Reader in(bytes);
  auto exchanges = std::make_unique<Exchanges>();
  if (in.u8() != 1) in.fail();
  for (size_t n = in.count(); n > 0; --n) {
    Exchange exchange;
    exchange.id = in.id();
    exchange.change = decode_change(in);
    exchange.is_running = in.boolean();
    exchange.missing = static_cast<uint32_t>(in.varint());
    exchanges->queue.push_back(std::move(exchange));
  }
  for (size_t n = in.count(); n > 0; --n) {
    PendingVerdict verdict;
    for (size_t m = in.count(); m > 0; --m) verdict.exchanges.push_back(in.id());
    verdict.proposer = {in.u16()};
    verdict.person = in.person_id();
    verdict.other = in.id();
    verdict.state = in.enumeration(identity::kVerdictStateLast);
    verdict.reason = in.enumeration(identity::kReasonLast);
    exchanges->verdicts.push_back(std::move(verdict));
  }
  return in.done() ? std::move(exchanges) : nullptr;
}

size_t Exchanges::footprint() const {
  size_t bytes = sizeof(Exchanges) + verdicts.size() * (sizeof(PendingVerdict) + sizeof(Id128));
  for (const Exchange& exchange : queue)
    bytes += sizeof exchange + exchange.change.attach.size() * 120 + exchange.change.absorbed.size() * 24;
  return bytes;
}

void ConfigurationLane::encode(Writer& out) const {
  out.u8(1);
  out.id(active);
  out.varint(version);
  out.id(proposed);
  out.varint(missing);
  out.varint(waiting.size());
  for (const auto& [base, hash] : waiting) {
    out.id(base);
    out.id(hash);
  }
}

std::unique_ptr<ConfigurationLane> ConfigurationLane::decode(std::string_view bytes) {
  Reader in(bytes);
  auto lane = std::make_unique<ConfigurationLane>();
  if (in.u8() != 1) in.fail();
  lane->active = in.id();
  lane->version = in.varint();
  lane->proposed = in.id();
  lane->missing = static_cast<uint32_t>(in.varint());
  for (size_t n = in.count(); n > 0; --n) {
    const Id128 base = in.id();
    lane->waiting.emplace_back(base, in.id());
  }
  return in.done() ? std::move(lane) : nullptr;
}

}  // namespace terreno::flow
