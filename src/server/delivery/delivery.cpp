#include "server/delivery/delivery.h"
#include "base/thread.h"

#include <fmt/format.h>

#include <algorithm>

namespace terreno::server {

using channels::Claim;
using channels::ClaimedSend;
using channels::Ending;
using channels::Receipt;
using events::RecordType;

namespace {

Ending ending_of(const smtp::Outcome& outcome) {
  switch (outcome.kind) {
    case smtp::OutcomeKind::sent:
      return Ending::sent;
    case smtp::OutcomeKind::unknown:
      return Ending::unknown;
    case smtp::OutcomeKind::not_sent:
      break;
  }
  const bool for_good = outcome.reason == smtp::Reason::permanent || outcome.reason == smtp::Reason::unsupported;
  return for_good ? Ending::not_sent_final : Ending::not_sent_retry;
}

/// Codes only: a server's words may name people.
std::string detail_of(const smtp::Outcome& outcome) {
  if (outcome.reply.code == 0) return outcome.detail;
  if (!outcome.reply.enhanced.is_given()) return fmt::format("{}", outcome.reply.code);
  return fmt::format("{} {}.{}.{}", outcome.reply.code, outcome.reply.enhanced.kind, outcome.reply.enhanced.subject,
                     outcome.reply.enhanced.detail);
}

}  // namespace

Delivery::~Delivery() { stop(); }

void Delivery::start(engine::Engine& engine, DeliveryParts parts) {
  std::unique_lock lock(mutex_);
  parts_ = std::move(parts);
  owner_ = parts_.random->next().low;
  engine_ = &engine;
  for (unsigned i = 0; i < parts_.threads; ++i)
    threads_.emplace_back([this] {
      name_this_thread("delivery");
      run();
    });
  claim_next(lock);
}

void Delivery::on_output(engine::Partition partition, const engine::Output& output) {
  switch (static_cast<flow::OutputKind>(output.kind)) {
    case flow::OutputKind::claim_wanted: {
      auto claim = flow::read_payload<Claim>(output.payload);
      std::unique_lock lock(mutex_);
      // One that still waits here is offered again from time to time.
      if (!claim || is_stopping_ || !offered_.insert(claim->decision.value).second) return;
      const bool is_urgent = claim->message_class == consent::MessageClass::transactional;
      (is_urgent ? urgent_offers_ : offers_).push_back({partition, std::move(*claim)});
      return claim_next(lock);
    }
    case flow::OutputKind::claim_refused:
      // Also of another process that had the folder before: nothing of ours is open then.
      if (const auto claim = flow::read_payload<Claim>(output.payload); claim && claim->owner == owner_) {
        {
          const std::lock_guard lock(mutex_);
          claims_.erase(claim->decision.value);
        }
        finish();
      }
      return;
    case flow::OutputKind::perform: {
      const std::lock_guard lock(mutex_);
      const auto open = claims_.find(ClaimedSend::decision_of(output.payload).value);
      // Only what this process claimed is performed; anything else is another's.
      if (open == claims_.end()) return;
      (open->second.is_urgent ? urgent_work_ : work_).push_back({partition, open->second.since, output.payload});
      claims_.erase(open);
      return changed_.notify_one();
    }
    default:
      return;
  }
}

void Delivery::claim_next(std::unique_lock<std::mutex>& lock) {
  if (engine_ == nullptr) return;
  while (!is_stopping_ && !urgent_offers_.empty()) claim(lock, urgent_offers_);
  while (!is_stopping_ && !offers_.empty() && in_flight_ < in_flight_max_) claim(lock, offers_);
}

bool Delivery::may_claim() const {
  return engine_ != nullptr && !is_stopping_ &&
         (!urgent_offers_.empty() || (!offers_.empty() && in_flight_ < in_flight_max_));
}

void Delivery::claim(std::unique_lock<std::mutex>& lock, std::deque<Offer>& offers) {
  Offer offer = std::move(offers.front());
  offers.pop_front();
  offered_.erase(offer.claim.decision.value);
  claims_[offer.claim.decision.value] = {&offers == &urgent_offers_, parts_.clock->boot()};
  ++in_flight_;
  lock.unlock();
  offer.claim.owner = owner_;
  append(offer.partition, RecordType::send_claimed, flow::payload_of(offer.claim),
         [this](const engine::Result<std::vector<engine::Placed>>& placed) {
           if (!placed) finish();
         });
  lock.lock();
}

void Delivery::append(engine::Partition partition, RecordType type, const std::string& payload,
                      engine::DurableCallback done) {
  engine::Batch batch;
  batch.add(partition, static_cast<uint16_t>(type), RecordId{parts_.random->next()}, payload);
  engine_.load()->append(std::move(batch), std::move(done), true);
}

// On any thread, also inside a refused append: claiming goes on on a thread of ours.
void Delivery::finish() {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  if (in_flight_ == 0) {
    changed_.notify_all();
  } else if (may_claim()) {
    changed_.notify_one();
  }
}

void Delivery::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return has_ended_ || !urgent_work_.empty() || !work_.empty() || may_claim(); });
    if (has_ended_ && (is_abandoned_ || (urgent_work_.empty() && work_.empty()))) return;
    if (urgent_work_.empty() && work_.empty()) {
      claim_next(lock);
      continue;
    }
    std::deque<Work>& from = urgent_work_.empty() ? work_ : urgent_work_;
    const Work work = std::move(from.front());
    from.pop_front();
    lock.unlock();
    perform(work);
    lock.lock();
  }
}

void Delivery::perform(const Work& work) {
  const auto claimed = ClaimedSend::decode(work.bytes);
  if (!claimed) return finish();
  const channels::SendOrder& order = claimed->order();
  const auto fail = [&](Ending ending, std::string detail) {
    Receipt receipt;
    receipt.decision = order.decision;
    receipt.attempt = claimed->attempt();
    receipt.address = order.request.address;
    receipt.ending = ending;
    receipt.detail = std::move(detail);
    write_receipt(work.partition, receipt);
  };
  const Timestamp now = parts_.clock->now();
  const Duration used{parts_.clock->boot().ms - work.since.ms};
  if (used >= channels::kClaimValidFor) {
    note_pace(work.since);
    return fail(Ending::not_sent_retry, "claim ran out");
  }

  const auto snapshot = parts_.snapshot();
  const auto configuration = parts_.library->find(order.configuration);
  ComposeParts compose;
  compose.configuration = configuration.get();
  compose.installation = &snapshot->installation;
  compose.links = parts_.links;
  compose.own_base_url = parts_.own_base_url;
  compose.signer = parts_.signer.sign ? &parts_.signer : nullptr;
  compose.now = now;
  auto email = compose_email(*claimed, compose);
  if (!email) return fail(Ending::not_rendered, std::move(email.error().detail));
  const bool is_sandbox = snapshot->installation.mode == governance::Mode::sandbox || parts_.live == nullptr;
  hand_over(work.partition, *claimed, std::move(*email), is_sandbox, work.since);
}

void Delivery::hand_over(engine::Partition partition, const ClaimedSend& claimed, ComposedEmail email, bool is_sandbox,
                         Duration since) {
  const channels::SendOrder& order = claimed.order();
  const auto data = std::make_shared<const std::string>(std::move(email.built.data));
  smtp::Envelope envelope;
  envelope.attempt = order.decision.value;
  envelope.attempt_number = claimed.attempt();
  envelope.lane = order.request.message_class == consent::MessageClass::transactional ? smtp::Lane::transactional
                                                                                      : smtp::Lane::bulk;
  envelope.from = email.built.envelope_from;
  envelope.to = email.built.envelope_to;
  envelope.data = data;
  envelope.needs_smtputf8 = email.built.needs_smtputf8;
  envelope.valid_for = {channels::kClaimValidFor.ms - (parts_.clock->boot().ms - since.ms)};

  auto kept = std::make_shared<KeptMessage>();
  kept->decision = order.decision;
  kept->person = order.person;
  kept->attempt = claimed.attempt();
  kept->at = parts_.clock->now();
  kept->is_sandbox = is_sandbox;
  kept->journey = order.journey;
  kept->message = order.message;
  kept->language = email.rendered.language;
  kept->from = email.from;
  kept->to = order.request.address.value;
  kept->subject = std::move(email.rendered.subject);
  kept->html = std::move(email.rendered.html);
  kept->text = std::move(email.rendered.text);
  kept->raw = data->substr(0, kRawBytesMax);
  kept->size_bytes = data->size();

  Receipt receipt;
  receipt.decision = order.decision;
  receipt.attempt = claimed.attempt();
  receipt.address = order.request.address;
  smtp::SmtpPool& pool = is_sandbox ? *parts_.sandbox : *parts_.live;
  const auto submitted =
      pool.submit(std::move(envelope), [this, partition, receipt, kept, since](const smtp::Outcome& outcome) mutable {
        receipt.ending = ending_of(outcome);
        note_pace(since);
        receipt.names_recipient = outcome.names_recipient;
        receipt.detail = detail_of(outcome);
        // Whoever asks why must not read that somebody's mail server took it.
        if (kept->is_sandbox && receipt.ending == Ending::sent) receipt.detail = contact::kCaughtBySandbox;
        receipt.message_id = kept->decision.hex();
        if (receipt.ending == Ending::sent || receipt.ending == Ending::unknown) parts_.outbox->keep(*kept);
        write_receipt(partition, receipt);
      });
  if (submitted) return;
  receipt.ending =
      submitted.error().code == smtp::Errc::invalid_envelope || submitted.error().code == smtp::Errc::too_large
          ? Ending::not_sent_final
          : Ending::not_sent_retry;
  receipt.detail = submitted.error().field.empty() ? "not taken" : submitted.error().field;
  write_receipt(partition, receipt);
}

void Delivery::note_pace(Duration since) {
  const bool in_time = parts_.clock->boot().ms - since.ms <= kPace.ms;
  const std::lock_guard lock(mutex_);
  if (!in_time) {
    in_flight_max_ = std::max<size_t>(size_t{2} * parts_.connections, in_flight_max_ / 2);
    taken_since_ = 0;
  } else if (++taken_since_ >= in_flight_max_) {
    in_flight_max_ = std::min(kInFlightMax, in_flight_max_ + in_flight_max_ / 4);
    taken_since_ = 0;
  }
}

void Delivery::write_receipt(engine::Partition partition, const Receipt& receipt) {
  switch (receipt.ending) {
    case Ending::sent:
      ++sent_;
      break;
    case Ending::unknown:
      ++unknown_;
      break;
    default:
      ++not_sent_;
  }
  append(partition, RecordType::send_receipt, flow::payload_of(receipt),
         [this](const engine::Result<std::vector<engine::Placed>>&) { finish(); });
}

void Delivery::stop_claiming() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
}

void Delivery::stop() {
  {
    std::unique_lock lock(mutex_);
    if (has_ended_) return;
    is_stopping_ = true;
    changed_.wait(lock, [this] { return in_flight_ == 0 || is_abandoned_; });
    has_ended_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Delivery::abandon() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
  is_abandoned_ = true;
  urgent_offers_.clear();
  offers_.clear();
  changed_.notify_all();
}

DeliveryStatus Delivery::status() const {
  DeliveryStatus status;
  {
    const std::lock_guard lock(mutex_);
    status.in_flight = in_flight_;
    status.waiting = offers_.size() + urgent_offers_.size();
  }
  status.sent = sent_;
  status.not_sent = not_sent_;
  status.unknown = unknown_;
  return status;
}

}  // namespace terreno::server
