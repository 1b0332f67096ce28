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

namespace {

std::vector<PersonId> persons_of(const identity::PersonChange& change) {
  std::vector<PersonId> persons{change.person};
  for (const identity::Absorbed& one : change.absorbed) persons.push_back(one.person);
  for (const identity::Attach& one : change.attach) {
    if (!one.former.is_zero()) persons.push_back(one.former);
  }
  std::ranges::sort(persons);
  persons.erase(std::ranges::unique(persons).begin(), persons.end());
  return persons;
}

/// With its place in the indexes.
size_t size_of(const Exchange& exchange) {
  return 400 + exchange.change.attach.size() * 160 + exchange.change.absorbed.size() * 80;
}
size_t size_of(const PendingVerdict& verdict) { return 200 + verdict.exchanges.size() * 100; }

}  // namespace

void Exchanges::add(Exchange exchange) {
  const uint64_t number = next_++;
  bytes_ += size_of(exchange);
  numbers_.emplace(exchange.id, number);
  for (const PersonId person : persons_of(exchange.change)) lines_[person].push_back(number);
  if (!exchange.is_running) candidates_.push_back(number);
  queue_.emplace(number, std::move(exchange));
}

void Exchanges::add(PendingVerdict verdict) {
  const uint64_t number = next_++;
  bytes_ += size_of(verdict);
  for (const Id128 id : verdict.exchanges) verdict_of_.emplace(id, number);
  verdicts_.emplace(number, std::move(verdict));
}

Exchange* Exchanges::find(Id128 id) {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? nullptr : &queue_.at(found->second);
}

std::optional<PendingVerdict> Exchanges::finish(Id128 id) {
  const auto found = numbers_.find(id);
  if (found == numbers_.end()) return std::nullopt;
  const auto place = queue_.find(found->second);
  for (const PersonId person : persons_of(place->second.change)) {
    const auto line = lines_.find(person);
    std::erase(line->second, place->first);
    if (line->second.empty()) {
      lines_.erase(line);
    } else {
      candidates_.push_back(line->second.front());
    }
  }
  bytes_ -= size_of(place->second);
  queue_.erase(place);
  numbers_.erase(found);

  const auto waiting = verdict_of_.find(id);
  if (waiting == verdict_of_.end()) return std::nullopt;
  const auto verdict = verdicts_.find(waiting->second);
  verdict_of_.erase(waiting);
  bytes_ -= size_of(verdict->second);
  std::erase(verdict->second.exchanges, id);
  if (!verdict->second.exchanges.empty()) {
    bytes_ += size_of(verdict->second);
    return std::nullopt;
  }
  PendingVerdict answered = std::move(verdict->second);
  verdicts_.erase(verdict);
  return answered;
}

bool Exchanges::is_first_everywhere(uint64_t number) const {
  const std::vector<PersonId> persons = persons_of(queue_.at(number).change);
  return std::ranges::all_of(persons, [&](PersonId one) { return lines_.at(one).front() == number; });
}

std::vector<Exchange*> Exchanges::take_ready() {
  std::ranges::sort(candidates_);
  candidates_.erase(std::ranges::unique(candidates_).begin(), candidates_.end());
  std::vector<Exchange*> ready;
  for (const uint64_t number : candidates_) {
    Exchange& exchange = queue_.at(number);
    if (!exchange.is_running && is_first_everywhere(number)) ready.push_back(&exchange);
  }
  candidates_.clear();
  return ready;
}

void Exchanges::encode(Writer& out) const {
  out.u8(1);
  out.varint(queue_.size());
  for (const auto& [number, exchange] : queue_) {
    out.id(exchange.id);
    encode_change(out, exchange.change);
    out.boolean(exchange.is_running);
    out.varint(exchange.missing);
  }
  out.varint(verdicts_.size());
  for (const auto& [number, verdict] : verdicts_) {
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
    exchanges->add(std::move(exchange));
  }
  for (size_t n = in.count(); n > 0; --n) {
    PendingVerdict verdict;
    for (size_t m = in.count(); m > 0; --m) verdict.exchanges.push_back(in.id());
    verdict.proposer = {in.u16()};
    verdict.person = in.person_id();
    verdict.other = in.id();
    verdict.state = in.enumeration(identity::kVerdictStateLast);
    verdict.reason = in.enumeration(identity::kReasonLast);
    exchanges->add(std::move(verdict));
  }
  return in.done() ? std::move(exchanges) : nullptr;
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
