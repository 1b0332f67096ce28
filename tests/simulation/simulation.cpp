#include "simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "../guarantees/joined_rows.h"
#include "../scenarios/reading.h"
#include "channels/sending.h"
#include "documents.h"
#include "engine/store_keys.h"
#include "flow/auditor.h"
#include "weather.h"

namespace terreno::simulation {
namespace {

using channels::Ending;
using contact::DecisionState;
using engine::Partition;
using engine::SteppedEngine;
using events::Identifier;
using events::IdentifierKind;
using events::RecordType;

constexpr size_t kUsers = 7;
constexpr size_t kDevices = 9;
constexpr size_t kAddresses = 7;
constexpr int kActsMax = 20'000;

std::string address(size_t n) { return fmt::format("p{}@example.org", n); }

/// Something that a client asks of the server, again and again until it is answered.
struct Request {
  std::string what;
  std::function<engine::Batch()> make;
  std::vector<std::string> message_ids;
  std::vector<uint64_t> orders;
  std::optional<consent::ConsentAct> opts_out;
  Duration first_sent;  ///< boot time
  enum class State { pending, acknowledged, given_up } state = State::pending;
  engine::Placed placed;  ///< of the first record, once acknowledged
};

class Run final : public engine::OutputSink {
 public:
  Run(uint64_t seed, bool tells);
  void be_unsafe();
  void calm_down();
  void examine();
  [[nodiscard]] Outcome outcome() { return std::move(outcome_); }

  void on_outputs(Partition partition, engine::Position position, std::vector<engine::Output>& outputs) override;

 private:
  // The run itself.
  template <typename... T>
  void tell(fmt::format_string<T...> text, T&&... values) {
    if (!tells_) return;
    const int64_t ms = boot().ms;
    outcome_.story +=
        fmt::format("{:>3}d {:02}:{:02}:{:02}.{:03}  {}\n", ms / 86'400'000, ms / 3'600'000 % 24, ms / 60'000 % 60,
                    ms / 1000 % 60, ms % 1000, fmt::format(text, std::forward<T>(values)...));
  }
  void broke(std::string rule) {
    tell("BROKEN: {}", rule);
    if (outcome_.broken.size() < 20) outcome_.broken.push_back(std::move(rule));
  }
  [[nodiscard]] Duration boot() const { return engine_->clock().boot(); }
  /// Repeats are known for a week.
  [[nodiscard]] bool is_remembered(const Request& request) const {
    return boot().ms - request.first_sent.ms < days(6).ms;
  }
  void later(Duration delay, std::function<void()> then) { agenda_.emplace(boot().ms + delay.ms, std::move(then)); }
  /// The same, unless the program has died by then.
  void later_if_alive(Duration delay, std::function<void()> then) {
    later(delay, [this, life = life_, then = std::move(then)] {
      if (life == life_) then();
    });
  }
  Duration up_to(Duration most) { return {static_cast<int64_t>(dice_.below(static_cast<size_t>(most.ms) + 1))}; }
  void pass(Duration span);
  void step(size_t times);
  [[nodiscard]] scenarios::Reading reading() { return scenarios::Reading(*engine_); }

  // What people and clients do.
  void act();
  void post(Request request);
  void send(size_t number);
  void track(std::vector<std::string> items, bool is_public, Request request);
  [[nodiscard]] std::string identity(std::string& what);
  void somebody_does_something();
  void consent(consent::Action action, const std::string& email, const std::string& topic);
  void object();
  void correct();
  void configure();

  // What goes wrong.
  void crash(Duration off = {});
  void jump();
  void set_clock_right();

  // The effects runner and the mail server.
  void claim(Partition partition, channels::Claim claim);
  void perform(Partition partition, const std::string& bytes, Duration since);
  void hand_over(Partition partition, const channels::ClaimedSend& claimed);
  void write_receipt(Partition partition, const channels::Receipt& receipt);
  void append(Partition partition, RecordType type, const std::string& payload, engine::DurableCallback done = nullptr);

  // What must be so at the end.
  void examine_events();
  void examine_decisions(const std::map<std::string, std::string>& contents);
  void examine_replay(const guarantees::Rows& expected);

  struct Draw final : engine::Random {
    explicit Draw(uint64_t seed) : draw(seed) {}
    Id128 next() override { return {draw(), draw()}; }
    std::mt19937_64 draw;
  };

  Dice dice_;
  Weather weather_;
  bool tells_;
  Outcome outcome_;
  flow::ConfigurationLibrary library_;
  std::array<Id128, 2> editions_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<SteppedEngine> engine_;
  Draw random_;

  std::multimap<int64_t, std::function<void()>> agenda_;  ///< by boot time
  uint64_t life_ = 1;                                     ///< of the program; a crash begins another
  bool is_off_ = false;                                   ///< the machine
  Duration skew_;                                         ///< how far the wall clock is ahead of the truth
  Duration jumped_;                                       ///< all jumps of the wall clock, forwards or back

  std::deque<Request> requests_;
  std::set<Identifier> identifiers_;
  uint64_t messages_ = 0;
  uint64_t orders_ = 0;
  std::map<uint64_t, Duration> ordered_at_;  ///< boot time of the first post

  // The effects runner of this life.
  std::set<DecisionId> offered_;
  std::map<DecisionId, Duration> claims_;  ///< since when

  std::map<std::pair<DecisionId, uint32_t>, int> performed_;
  std::map<DecisionId, int> taken_;
  std::vector<std::string> kept_;  ///< checkpoints, newest last
};

Run::Run(uint64_t seed, bool tells) : dice_(seed), weather_(Weather::draw(dice_)), tells_(tells), random_(seed ^ 77) {
  outcome_.seed = seed;
  machine_ = flow::make_machine(library_);
  SteppedEngine::Options options;
  options.start = parse_iso8601("2026-03-27T09:00:00Z")->time;  // two days before the clocks change in Madrid
  options.shuffle_seed = seed;
  options.commit_records = 5 + dice_.below(200);
  engine_ = std::make_unique<SteppedEngine>(*machine_, *this, options);
  engine_->on_mishap = [this](SteppedEngine::Mishap mishap, uint16_t type) { outcome_.coverage.note(mishap, type); };
  for (int edition = 0; edition < 2; ++edition) {
    std::vector<Finding> findings;
    const auto configuration = flow::read_configuration(documents(edition), findings);
    for (const Finding& finding : findings)
      broke(fmt::format("a document is wrong: {} {}", finding.path, finding.detail));
    library_.add(configuration);
    editions_[static_cast<size_t>(edition)] = configuration->hash;
  }
  append(engine::kLane, RecordType::configuration_proposed,
         flow::payload_of(flow::ConfigurationProposal{{}, editions_[0]}));
  engine_->run_until_idle();
  engine_->disturb({weather_.repeated, weather_.reorders});
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void Run::step(size_t times) {
  if (is_off_) return;
  for (; times > 0; --times) {
    if (!engine_->step()) return;
  }
}

void Run::pass(Duration span) {
  const int64_t until = boot().ms + span.ms;
  while (!agenda_.empty() && agenda_.begin()->first <= until) {
    const auto due = agenda_.begin();
    if (due->first > boot().ms) engine_->clock().advance({due->first - boot().ms});
    const auto then = std::move(due->second);
    agenda_.erase(due);
    then();
    step(dice_.below(20));
  }
  engine_->clock().advance({until - boot().ms});
}

// ---------------------------------------------------------------------------------------------------------------------
// Clients

void Run::append(Partition partition, RecordType type, const std::string& payload, engine::DurableCallback done) {
  engine::Batch batch;
  batch.add(partition, static_cast<uint16_t>(type), RecordId{random_.next()}, payload);
  engine_->append(std::move(batch), std::move(done), true);
}

void Run::post(Request request) {
  request.first_sent = boot();
  requests_.push_back(std::move(request));
  send(requests_.size() - 1);
}

void Run::send(size_t number) {
  tell("client: {}", requests_[number].what);
  for (const uint64_t order : requests_[number].orders) ordered_at_.emplace(order, boot());
  engine_->append(requests_[number].make(),
                  [this, number, life = life_](const engine::Result<std::vector<engine::Placed>>& placed) {
                    if (life != life_ || !placed) return;
                    Request& request = requests_[number];
                    if (request.state != Request::State::acknowledged) {
                      request.state = Request::State::acknowledged;
                      request.placed = placed->front();
                    }
                  });
}

void Run::track(std::vector<std::string> items, bool is_public, Request request) {
  request.make = [this, items = std::move(items), is_public] {
    std::string body = R"({"batch":[)";
    for (const std::string& item : items) body += (body.back() == '[' ? "" : ",") + item;
    body += "]}";
    const events::SourceDefaults source = scenarios::source_of(is_public);
    std::vector<events::Event> events;
    std::vector<events::Quarantined> quarantined;
    const auto read = events::parse_tracking(events::TrackingPath::batch, body, {}, source, engine_->clock().now(),
                                             random_, events, quarantined);
    if (!read || !quarantined.empty()) broke("a body was refused: " + body);
    engine::Batch batch;
    for (const events::Event& event : events) {
      batch.add(event.route(), static_cast<uint16_t>(RecordType::event), RecordId{random_.next()},
                flow::payload_of(event));
    }
    return batch;
  };
  post(std::move(request));
}

std::string Run::identity(std::string& what) {
  std::string fields;
  const bool has_user = dice_.below(4) > 0;
  if (has_user) {
    const std::string user = fmt::format("u-{}", dice_.below(kUsers));
    identifiers_.insert({IdentifierKind::user_id, user});
    fields += fmt::format(R"("userId":"{}",)", user);
    what += " " + user;
  }
  if (!has_user || dice_.one_in(3)) {
    const std::string device = fmt::format("a-{}", dice_.below(kDevices));
    identifiers_.insert({IdentifierKind::anonymous_id, device});
    fields += fmt::format(R"("anonymousId":"{}",)", device);
    what += " " + device;
  }
  return fields;
}

void Run::somebody_does_something() {
  const bool is_public = dice_.one_in(4);
  Request request;
  request.what = is_public ? "browser" : "server";
  std::vector<std::string> items;
  for (size_t n = 1 + dice_.below(3); n > 0; --n) {
    const std::string id = fmt::format("m{}", ++messages_);
    request.message_ids.push_back(id);
    request.what += fmt::format(" [{}", id);
    const std::string fields = identity(request.what) + fmt::format(R"("messageId":"{}")", id);
    switch (dice_.below(5)) {
      case 0:
      case 1: {
        std::string traits = R"("country":"ES")";
        if (!dice_.one_in(3)) {
          const std::string email = address(dice_.below(kAddresses));
          identifiers_.insert({IdentifierKind::email, email});
          traits += fmt::format(R"(,"email":"{}")", email);
          request.what += " " + email;
        }
        items.push_back(fmt::format(R"({{"type":"identify",{},"traits":{{{}}}}})", fields, traits));
        request.what += " identify]";
        break;
      }
      case 2:
        items.push_back(fmt::format(R"({{"type":"track","event":"Signed Up",{}}})", fields));
        request.what += " Signed Up]";
        break;
      case 3:
        request.orders.push_back(++orders_);
        items.push_back(fmt::format(R"({{"type":"track","event":"Order Completed",{},"properties":{{"order":{}}}}})",
                                    fields, orders_));
        request.what += fmt::format(" Order Completed {}]", orders_);
        break;
      default:
        items.push_back(fmt::format(R"({{"type":"track","event":"Basket Filled",{},"properties":{{"basket":{}}}}})",
                                    fields, messages_));
        request.what += " Basket Filled]";
    }
  }
  track(std::move(items), is_public, std::move(request));
}

void Run::consent(consent::Action action, const std::string& email, const std::string& topic) {
  consent::ConsentAct act;
  act.action = action;
  act.address = {consent::Channel::email, email};
  act.scope = {topic, "marketing", ""};
  act.legal_basis = consent::LegalBasis::consent;
  act.method = consent::Method::tick;
  act.is_explicit = true;
  act.text_version = "v1";
  act.jurisdiction.claimed = "ES";
  act.actor.kind = consent::ActorKind::person;
  act.visibility = events::Visibility::secret_source;
  act.random_bits = std::string(32, 'r');
  Request request;
  request.what = fmt::format("{} {}: {}", consent::name_of(action), email, topic);
  if (consent::narrows(action)) request.opts_out = act;
  request.make = [this, act]() mutable {
    act.occurred_at = act.received_at = engine_->clock().now();
    if (act.action != consent::Action::request) act.confirmation.confirmed_at = act.received_at;
    engine::Batch batch;
    batch.add(consent::home_of(act.address), static_cast<uint16_t>(RecordType::consent_act), RecordId{random_.next()},
              flow::payload_of(act));
    return batch;
  };
  post(std::move(request));
}

void Run::object() {
  const auto person = reading().person({IdentifierKind::user_id, fmt::format("u-{}", dice_.below(kUsers))});
  if (!person) return;
  consent::ConsentAct act;
  act.action = consent::Action::object;
  act.method = consent::Method::spoken;
  act.occurred_at = act.received_at = engine_->clock().now();
  act.actor.kind = consent::ActorKind::person;
  act.visibility = events::Visibility::secret_source;
  act.origin = random_.next();
  act.random_bits = std::string(32, 'r');
  Partition home;
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (reading().copy_of<profiles::Person>({number}, person->id.value)) home = {number};
  }
  Request request;
  request.what = "objection of " + person->identifiers.front().identifier.value;
  request.make = [this, act, home, person = std::make_shared<profiles::Person>(*person)] {
    engine::Batch batch;
    batch.add(home, static_cast<uint16_t>(RecordType::objection), RecordId{random_.next()},
              flow::payload_of(flow::PersonObjection{person->id, act}));
    for (const auto& known : person->identifiers) {
      if (known.identifier.kind != IdentifierKind::email) continue;
      const auto carried = consent::carried_to(act, {consent::Channel::email, known.identifier.value});
      batch.add(consent::home_of(carried.address), static_cast<uint16_t>(RecordType::consent_act),
                RecordId{random_.next()}, flow::payload_of(carried));
    }
    return batch;
  };
  post(std::move(request));
}

void Run::correct() {
  const auto person = reading().person({IdentifierKind::user_id, fmt::format("u-{}", dice_.below(kUsers))});
  if (!person) return;
  profiles::Correction correction;
  correction.person = person->id;
  correction.attribute = "relation";
  correction.candidate.json = dice_.one_in(2) ? R"("carer")" : R"("patient")";
  correction.candidate.rank = profiles::Rank::stated;
  correction.candidate.source = "marta";
  correction.candidate.at = engine_->clock().now();
  Partition home;
  for (uint16_t number = 0; number < engine::kPartitionCount; ++number) {
    if (reading().copy_of<profiles::Person>({number}, person->id.value)) home = {number};
  }
  Request request;
  request.what = "correction of " + person->identifiers.front().identifier.value;
  request.make = [this, correction, home] {
    engine::Batch batch;
    batch.add(home, static_cast<uint16_t>(RecordType::correction), RecordId{random_.next()},
              flow::payload_of(correction));
    return batch;
  };
  post(std::move(request));
}

void Run::configure() {
  const auto lane = reading().copy_of<flow::ConfigurationLane>(engine::kLane, flow::ConfigurationLane::kId);
  const Id128 active = lane ? lane->active : Id128{};
  // Now and then somebody who has not seen the latest.
  const Id128 base = dice_.one_in(5) ? editions_[dice_.below(2)] : active;
  const Id128 next = active == editions_[0] ? editions_[1] : editions_[0];
  Request request;
  request.what = "configuration proposed";
  request.make = [this, base, next] {
    engine::Batch batch;
    batch.add(engine::kLane, static_cast<uint16_t>(RecordType::configuration_proposed), RecordId{random_.next()},
              flow::payload_of(flow::ConfigurationProposal{base, next}));
    return batch;
  };
  post(std::move(request));
  ++outcome_.configurations;
}

void Run::act() {
  const std::string email = address(dice_.below(kAddresses));
  const std::string topic = dice_.one_in(3) ? "news" : "tips";
  switch (dice_.below(12)) {
    case 0:
      return consent(consent::Action::grant, email, topic);
    case 1:
      // An address that answers for itself is worth more to the lane.
      return consent(dice_.one_in(3) ? consent::Action::request : consent::Action::confirm, email, topic);
    case 2:
      return consent(dice_.one_in(2) ? consent::Action::withdraw : consent::Action::refuse, email, topic);
    case 3:
      return dice_.one_in(4) ? object() : correct();
    case 4:
      // A client that does not know that it was answered.
      if (!requests_.empty() && dice_.one_in(2)) {
        const size_t number = dice_.below(requests_.size());
        if (is_remembered(requests_[number])) return send(number);
      }
      [[fallthrough]];
    default:
      return somebody_does_something();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Faults

void Run::crash(Duration off) {
  const size_t commits_kept = dice_.happens(weather_.commits_lost) ? dice_.below(4) : SIZE_MAX;
  const size_t written = dice_.happens(weather_.written_unanswered) ? dice_.below(8) : 0;
  tell("CRASH: {} groups are written and unanswered; {}; off for {} s", written,
       commits_kept == SIZE_MAX ? "all commits kept" : fmt::format("{} commits kept", commits_kept), off.ms / 1000);
  ++outcome_.crashes;
  ++life_;
  offered_.clear();
  claims_.clear();
  engine_->restart(commits_kept, written);
  if (off.ms > 0) {
    is_off_ = true;
    pass(off);
    is_off_ = false;
    engine_->restart();
  }
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].state != Request::State::pending) continue;
    if (dice_.happens(weather_.gives_up)) {
      requests_[i].state = Request::State::given_up;
      continue;
    }
    later(up_to(seconds(60)), [this, i] {
      if (requests_[i].state == Request::State::pending && is_remembered(requests_[i])) send(i);
    });
  }
}

void Run::jump() {
  // Never so far that a restart would have to ask somebody.
  const Duration most = hours(10);
  const Duration by = dice_.one_in(2) ? up_to(most) : Duration{-up_to(most).ms};
  if (skew_.ms + by.ms > most.ms || skew_.ms + by.ms < -most.ms) return;
  tell("the wall clock jumps by {} s", by.ms / 1000);
  engine_->clock().jump(by);
  skew_.ms += by.ms;
  jumped_.ms += std::abs(by.ms);
  ++outcome_.clock_jumps;
}

// Somebody sets the clock, and says that it is right.
void Run::set_clock_right() {
  engine_->clock().jump({-skew_.ms});
  skew_ = {};
  if (!engine_->health().time_held) return;
  tell("an operator says what time it is");
  bool is_said = false;
  const auto done = [&is_said](const engine::Result<std::vector<engine::Placed>>&) { is_said = true; };
  engine_->clock_reset(engine_->clock().now(), done);
  while (!is_said && engine_->step()) continue;
}

// ---------------------------------------------------------------------------------------------------------------------
// Effects: the rules of server/delivery/delivery.h

void Run::on_outputs(Partition partition, engine::Position /*position*/, std::vector<engine::Output>& outputs) {
  for (const engine::Output& output : outputs) {
    switch (static_cast<flow::OutputKind>(output.kind)) {
      case flow::OutputKind::claim_wanted: {
        const auto wanted = flow::read_payload<channels::Claim>(output.payload);
        if (!wanted || !offered_.insert(wanted->decision).second) break;
        if (dice_.happens(weather_.slow_courier)) {
          later_if_alive(up_to(seconds(400)), [this, partition, wanted] { claim(partition, *wanted); });
        } else {
          claim(partition, *wanted);
        }
        break;
      }
      case flow::OutputKind::claim_refused: {
        const auto refused = flow::read_payload<channels::Claim>(output.payload);
        if (refused && refused->owner == life_) claims_.erase(refused->decision);
        break;
      }
      case flow::OutputKind::perform: {
        const DecisionId decision = channels::ClaimedSend::decision_of(output.payload);
        const auto open = claims_.find(decision);
        if (open == claims_.end()) break;  // what a process claimed that has died
        const Duration since = open->second;
        claims_.erase(open);
        if (dice_.happens(weather_.slow_courier)) {
          later_if_alive(up_to(seconds(100)),
                         [this, partition, since, bytes = output.payload] { perform(partition, bytes, since); });
        } else {
          perform(partition, output.payload, since);
        }
        break;
      }
      default:
        break;
    }
  }
}

void Run::claim(Partition partition, channels::Claim claim) {
  offered_.erase(claim.decision);
  claims_[claim.decision] = boot();
  claim.owner = life_;
  tell("courier {} claims {} attempt {}", life_, claim.decision.hex().substr(0, 8), claim.attempt);
  append(partition, RecordType::send_claimed, flow::payload_of(claim));
}

void Run::write_receipt(Partition partition, const channels::Receipt& receipt) {
  append(partition, RecordType::send_receipt, flow::payload_of(receipt));
}

void Run::perform(Partition partition, const std::string& bytes, Duration since) {
  const auto claimed = channels::ClaimedSend::decode(bytes);
  if (!claimed) return broke("what is to be sent cannot be read");
  const channels::SendOrder& order = claimed->order();
  if (++performed_[{order.decision, claimed->attempt()}] > 1)
    broke(fmt::format("at most one send: attempt {} of {} was begun twice", claimed->attempt(), order.decision.hex()));
  if (boot().ms - since.ms >= channels::kClaimValidFor.ms) {
    channels::Receipt receipt;
    receipt.decision = order.decision;
    receipt.attempt = claimed->attempt();
    receipt.address = order.request.address;
    receipt.ending = Ending::not_sent_retry;
    return write_receipt(partition, receipt);
  }
  if (order.journey == "later") {
    const auto data = boost::json::parse(order.data);
    const auto ordered = ordered_at_.find(static_cast<uint64_t>(data.at("event").at("order").as_int64()));
    const Duration waited{boot().ms - ordered->second.ms};
    // A partition's time lags by the age of its tick, and a restart believes a wall clock that is less than a day off.
    if (waited.ms + engine::Sequencer::kTickAge.ms + jumped_.ms < kLater.ms)
      broke(fmt::format("a timer fires not before its time: {} s after order {}", waited.ms / 1000, ordered->first));
  }
  hand_over(partition, *claimed);
}

void Run::hand_over(Partition partition, const channels::ClaimedSend& claimed) {
  channels::Receipt receipt;
  receipt.decision = claimed.order().decision;
  receipt.attempt = claimed.attempt();
  receipt.address = claimed.order().request.address;
  bool is_taken = true;
  receipt.ending = Ending::sent;
  if (dice_.happens(weather_.busy_server)) {
    receipt.ending = Ending::not_sent_retry;
    is_taken = false;
  } else if (dice_.happens(weather_.refusing_server)) {
    receipt.ending = Ending::not_sent_final;
    receipt.names_recipient = dice_.one_in(2);
    is_taken = false;
  } else if (dice_.happens(weather_.hanging_server)) {
    receipt.ending = Ending::unknown;
    is_taken = dice_.one_in(2);
  }
  const auto answer = [this, partition, receipt, is_taken, life = life_] {
    // The server has the message, whatever became of the program meanwhile.
    if (is_taken && ++taken_[receipt.decision] > 1)
      broke(fmt::format("at most one send: {} was taken twice", receipt.decision.hex()));
    outcome_.taken += is_taken ? 1 : 0;
    tell("mail server: {} {}{}", is_taken ? "takes" : "does not take", receipt.decision.hex().substr(0, 8),
         life == life_ ? "" : ", whose courier has died");
    if (life == life_) write_receipt(partition, receipt);
  };
  if (dice_.happens(weather_.slow_server)) {
    later(up_to(seconds(50)), answer);
  } else {
    answer();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The two modes

void Run::be_unsafe() {
  for (int n = 0; n < kActsMax && outcome_.broken.empty(); ++n) {
    act();
    step(dice_.below(40));
    // Most of the time nothing takes long; now and then a night goes by.
    if (dice_.one_in(4)) pass(up_to(milliseconds(300)));
    if (dice_.one_in(20)) pass(up_to(minutes(3)));
    if (dice_.one_in(80)) pass(up_to(hours(9)));
    if (dice_.happens(weather_.evict))
      engine_->core({static_cast<uint16_t>(dice_.below(engine::kSequenceCount))}).evict(1 << 16);
    if (dice_.happens(weather_.clock_jump)) jump();
    if (dice_.happens(weather_.configure)) configure();
    if (dice_.happens(weather_.checkpoint)) {
      kept_.push_back(fmt::format("at act {}", n));
      if (!engine_->store().commit(engine::StoreBatch(), true) || !engine_->store().checkpoint(kept_.back()))
        broke("a checkpoint cannot be kept");
      if (kept_.size() > 2) kept_.erase(kept_.begin());
    }
    if (dice_.happens(weather_.crash)) crash();
    if (dice_.happens(weather_.outage)) {
      const Duration off = hours(20 + static_cast<int64_t>(dice_.below(70)));
      outcome_.days_off += off > hours(24) ? 1 : 0;
      crash(off);
    }
    if (engine_->health().time_held && dice_.one_in(20)) set_clock_right();
    if (const std::string stopped = engine_->health().stopped; !stopped.empty())
      broke("the engine stopped: " + stopped);
    outcome_.records = 0;
    for (uint16_t number = 0; number < engine::kSequenceCount; ++number)
      outcome_.records += engine_->end({number}).value;
    if (outcome_.records >= kRecordsMin && outcome_.crashes > 0) return;
  }
  if (outcome_.broken.empty()) broke("too few records came about");
}

void Run::calm_down() {
  tell("the weather clears up");
  weather_ = {};
  engine_->disturb({});
  set_clock_right();
  const auto settle = [this] {
    do {
      engine_->run_until_idle();
      if (!agenda_.empty()) pass({std::max<int64_t>(0, agenda_.begin()->first - boot().ms)});
    } while (!agenda_.empty());
    engine_->run_until_idle();
  };
  settle();
  // What nobody answered is asked again.
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].state == Request::State::pending && is_remembered(requests_[i])) send(i);
  }
  settle();
  for (int hour = 0; hour < 50; ++hour) {
    engine_->advance(hours(1));
    settle();
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// What must be so

void Run::examine() {
  if (!outcome_.broken.empty()) return;
  if (const std::string stopped = engine_->health().stopped; !stopped.empty())
    return broke("the engine stopped: " + stopped);
  if (!engine_->checkpoint()) return broke("there is no checkpoint at the end");
  if (engine_->health().unapplied != 0) broke("everything comes to its end: records are left");
  for (std::string& finding : reading().disagreements(identifiers_)) broke("who is who: " + std::move(finding));
  outcome_.people = reading().people();
  examine_events();
  const auto contents = engine_->store().contents();
  flow::Auditor auditor(*machine_);
  for (const auto& [key, value] : contents) {
    if (const auto entity = engine::store_keys::read_entity(key)) auditor.add(entity->first, entity->second, value);
  }
  for (const std::string& finding : auditor.conclude().findings) broke("auditor: " + finding);
  examine_decisions(contents);
  guarantees::Rows joined;
  for (const auto& [key, value] : contents) guarantees::add_joined(joined, key, value);
  examine_replay(joined);
}

// No acknowledged event is lost, none counts twice: each stands in one timeline, once.
void Run::examine_events() {
  std::map<std::string, int> seen;
  std::map<std::string, std::unique_ptr<consent::AddressLedger>> ledgers;  ///< by address
  for (const auto& [key, value] : engine_->store().contents()) {
    if (const auto entity = engine::store_keys::read_entity(key);
        entity && entity->second.table == consent::AddressLedger::kTable) {
      auto ledger = consent::AddressLedger::decode(value);
      std::string of = ledger->address().value;
      ledgers.emplace(std::move(of), std::move(ledger));
    }
    if (static_cast<uint8_t>(key[1]) != engine::store_keys::kTableRows ||
        static_cast<uint8_t>(key[2]) != profiles::kTimelineRows)
      continue;
    const Partition partition{static_cast<uint8_t>(key[0])};
    Reader in(value);
    while (!in.done()) {
      static_cast<void>(in.text());
      const std::string value_of_row = in.text();
      Reader row(value_of_row);
      const auto line = profiles::TimelineLine::decode(row);
      engine_->record_at(partition, line.position,
                         [&](const engine::Result<std::optional<engine::StoredRecord>>& found) {
                           if (!found || !*found) return broke("a timeline names a record that is not there");
                           if (const auto event = flow::read_payload<events::Event>((*found)->payload))
                             ++seen[event->message_id];
                         });
    }
  }
  for (const Request& request : requests_) {
    const bool is_acknowledged = request.state == Request::State::acknowledged;
    for (const std::string& id : request.message_ids) {
      const int times = seen[id];
      outcome_.acknowledged += is_acknowledged ? 1 : 0;
      if (times > 1) broke(fmt::format("an event counts once: {} counts {} times", id, times));
      if (times == 0 && is_acknowledged) broke("no acknowledged event is lost: " + id);
    }
    if (!request.opts_out || !is_acknowledged) continue;
    const auto ledger = ledgers.find(request.opts_out->address.value);
    if (ledger == ledgers.end() || flow::said_yes(*ledger->second, request.opts_out->scope, request.placed.position))
      broke("no acknowledged opt-out is lost: " + request.what);
  }
}

void Run::examine_decisions(const std::map<std::string, std::string>& contents) {
  std::map<std::pair<std::string, std::string>, int> of_entry;  ///< by journey and entry key
  for (const auto& [key, value] : contents) {
    const auto entity = engine::store_keys::read_entity(key);
    if (!entity) continue;
    if (entity->second.table == channels::OpenSend::kTable) broke("everything comes to its end: a send is still open");
    if (entity->second.table == flow::Exchanges::kTable) {
      if (auto exchanges = flow::Exchanges::decode(value); exchanges->footprint() > sizeof(flow::Exchanges))
        broke("everything comes to its end: an exchange of identity is still open");
    }
    if (entity->second.table != contact::Decision::kTable) continue;
    const auto decision = contact::Decision::decode(value);
    const auto taken = taken_.find(decision->id);
    const int times = taken == taken_.end() ? 0 : taken->second;
    const std::string name = fmt::format("decision {} ({})", decision->id.hex(), contact::name_of(decision->state));
    if (!contact::is_final(decision->state)) broke("everything comes to its end: " + name);
    if (decision->state == DecisionState::sent && times != 1) broke(name + " was taken by nobody");
    if (contact::gives_back(decision->state) && times != 0) broke(name + " was taken all the same");
    outcome_.unknown += decision->state == DecisionState::unknown ? 1 : 0;
    outcome_.refused += decision->state == DecisionState::refused_consent ? 1 : 0;
    if (decision->state != DecisionState::superseded) ++of_entry[{decision->journey, decision->entry_key}];
  }
  for (const Request& request : requests_) {
    for (const uint64_t order : request.orders) {
      for (const char* journey : {"order", "later"}) {
        const int times = of_entry[{journey, std::to_string(order)}];
        if (times > 1)
          broke(fmt::format("a journey is entered once: order {} has {} decisions of {}", order, times, journey));
        if (times == 0 && request.state == Request::State::acknowledged)
          broke(fmt::format("what was begun goes on: order {} has no decision of {}", order, journey));
      }
    }
  }
}

void Run::examine_replay(const guarantees::Rows& expected) {
  if (!outcome_.broken.empty()) return;
  std::vector<uint64_t> ends;
  const auto read_ends = [this] {
    std::vector<uint64_t> found;
    for (uint16_t number = 0; number < engine::kSequenceCount; ++number) found.push_back(engine_->end({number}).value);
    return found;
  };
  const auto before = read_ends();
  const uint64_t taken = outcome_.taken;
  for (const std::string& name : kept_) {
    engine_->store().open_checkpoint(name);
    ++life_;
    engine_->restart();
    if (!engine_->checkpoint()) return broke("a replay stops");
    guarantees::Rows joined;
    for (const auto& [key, value] : engine_->store().contents()) guarantees::add_joined(joined, key, value);
    if (joined != expected) broke("a replay is identity: other state from the checkpoint " + name);
    if (read_ends() != before) broke("a replay appends nothing");
    if (outcome_.taken != taken) broke("a replay sends nothing");
  }
}

}  // namespace

void Coverage::add(const Coverage& other) {
  for (size_t type = 0; type < kTypesMax; ++type) {
    for (size_t mishap = 0; mishap < SteppedEngine::kMishapCount; ++mishap)
      counts_[type][mishap] += other.counts_[type][mishap];
  }
}

Outcome run(uint64_t seed, bool tells) {
  Run one(seed, tells);
  one.be_unsafe();
  one.calm_down();
  one.examine();
  return one.outcome();
}

}  // namespace terreno::simulation
