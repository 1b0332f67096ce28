#include "crash_node.h"

#include <fmt/format.h>

#include <cstdlib>
#include <future>

#include "../scenarios/documents.h"
#include "base/check.h"
#include "channels/sending.h"
#include "engine/journal.h"

namespace terreno::guarantees {

namespace {

template <typename T>
T need(engine::Result<T> result, std::string_view what) {
  if (!result) {
    fmt::print(stderr, "crash: {}: {}\n", what, result.error().context);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

channels::Ending ending_of(const smtp::Outcome& outcome) {
  switch (outcome.kind) {
    case smtp::OutcomeKind::sent:
      return channels::Ending::sent;
    case smtp::OutcomeKind::unknown:
      return channels::Ending::unknown;
    case smtp::OutcomeKind::not_sent:
      break;
  }
  return outcome.reason == smtp::Reason::permanent ? channels::Ending::not_sent_final
                                                   : channels::Ending::not_sent_retry;
}

/// A start may append ticks of its own, which move a partition's position and time on and nothing else: of the meta
/// row, what stands behind these two.
std::string_view without_ticks(std::string_view key, std::string_view value) {
  if (static_cast<uint8_t>(key[1]) != engine::store_keys::kTableMeta) return value;
  size_t at = sizeof(uint8_t) + sizeof(uint64_t);
  while (at < value.size() && (static_cast<uint8_t>(value[at]) & 0x80) != 0) ++at;
  return value.substr(at + 1);
}

}  // namespace

std::shared_ptr<const flow::Configuration> configuration() {
  std::vector<Finding> findings;
  auto read = flow::read_configuration(scenarios::welcome_documents(), findings);
  TERRENO_CHECK(findings.empty(), "the configuration is right");
  return read;
}

Node::Node(Options options)
    : options_(std::move(options)),
      clock_(options_.time),
      machine_(flow::make_machine(library_)),
      files_(adapters::posix_files()),
      owner_(random_.next().low) {
  library_.add(configuration());
  if (options_.smtp_port != 0) {
    smtp::SmtpSettings settings;
    settings.host = "127.0.0.1";
    settings.port = options_.smtp_port;
    auto pool = smtp::SmtpPool::create(settings, random_);
    TERRENO_CHECK(pool.has_value(), "the pool's settings are right");
    pool_ = std::move(*pool);
  }
  engine::EngineOptions engine;
  engine.folder = options_.folder;
  engine.memory_bytes_max = options_.memory_bytes_max;
  engine.commit_interval = options_.commit_interval;
  engine.commit_records = options_.commit_records;
  engine.checkpoint_interval = milliseconds(100);
  engine.check_free_space = false;
  engine.segment_bytes_first = 1 << 20;
  engine.on_stopped = [](const engine::Error& error) {
    fmt::print(stderr, "crash: the engine stopped: {}\n", error.context);
    std::_Exit(1);
  };
  auto store = need(adapters::open_rocksdb_store(options_.folder + "/store"), "the store cannot be opened");
  engine_ = need(engine::make_engine(engine, *files_, std::move(store), clock_, random_, *machine_, *this),
                 "the engine cannot start");
  courier_ = std::thread([this] { run_courier(); });
}

Node::~Node() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  heard_something_.notify_all();
  courier_.join();
  if (pool_) pool_->stop(seconds(10));
  engine_.reset();
}

bool Node::is_idle() const {
  if (under_way_ > 0) return false;
  const engine::Health health = engine_->health();
  return health.ready && health.unapplied == 0 && under_way_ == 0;
}

void Node::wait_until_idle() const {
  while (!is_idle()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

void Node::append(engine::Batch batch) {
  std::promise<bool> durable;
  engine_->append(
      std::move(batch),
      [&](const engine::Result<std::vector<engine::Placed>>& placed) { durable.set_value(placed.has_value()); }, true);
  TERRENO_CHECK(durable.get_future().get(), "what is appended becomes durable");
}

void Node::stop() { need(engine_->stop(), "the engine does not stop cleanly"); }

void Node::on_outputs(engine::Partition partition, engine::Position /*position*/,
                      std::vector<engine::Output>& outputs) {
  if (!pool_) return;
  {
    const std::lock_guard lock(mutex_);
    for (engine::Output& output : outputs) {
      const auto kind = static_cast<flow::OutputKind>(output.kind);
      if (kind != flow::OutputKind::claim_wanted && kind != flow::OutputKind::perform) continue;
      ++under_way_;
      heard_.push_back({partition, std::move(output)});
    }
  }
  heard_something_.notify_one();
}

void Node::run_courier() {
  std::unique_lock lock(mutex_);
  while (true) {
    heard_something_.wait(lock, [this] { return is_stopping_ || !heard_.empty(); });
    if (is_stopping_) return;
    const Heard heard = std::move(heard_.front());
    heard_.pop_front();
    lock.unlock();
    if (static_cast<flow::OutputKind>(heard.output.kind) == flow::OutputKind::perform) {
      perform(heard);
    } else {
      claim(heard);
    }
    --under_way_;
    lock.lock();
  }
}

void Node::claim(const Heard& heard) {
  auto claim = flow::read_payload<channels::Claim>(heard.output.payload).value();
  claim.owner = owner_;
  append_later(heard.partition, events::RecordType::send_claimed, flow::payload_of(claim));
}

void Node::perform(const Heard& heard) {
  const auto claimed = channels::ClaimedSend::decode(heard.output.payload);
  TERRENO_CHECK(claimed.has_value(), "an output is well formed");
  const channels::SendOrder& order = claimed->order();
  smtp::Envelope envelope;
  envelope.attempt = order.decision.value;
  envelope.attempt_number = claimed->attempt();
  envelope.from = "hola@example.org";
  envelope.to = order.request.address.value;
  envelope.data = std::make_shared<const std::string>(
      fmt::format("From: hola@example.org\r\nTo: {}\r\nSubject: {}\r\nTerreno-Decision: {}\r\n\r\nHello\r\n",
                  envelope.to, order.message, order.decision.value.hex()));
  channels::Receipt receipt;
  receipt.decision = order.decision;
  receipt.attempt = claimed->attempt();
  receipt.address = order.request.address;
  ++under_way_;
  const auto submitted = pool_->submit(
      std::move(envelope), [this, receipt, partition = heard.partition](const smtp::Outcome& outcome) mutable {
        receipt.ending = ending_of(outcome);
        receipt.names_recipient = outcome.names_recipient;
        append_later(partition, events::RecordType::send_receipt, flow::payload_of(receipt));
        --under_way_;
      });
  if (submitted) return;
  receipt.ending = channels::Ending::not_sent_retry;
  append_later(heard.partition, events::RecordType::send_receipt, flow::payload_of(receipt));
  --under_way_;
}

void Node::append_later(engine::Partition partition, events::RecordType type, const std::string& payload) {
  engine::Batch batch;
  batch.add(partition, static_cast<uint16_t>(type), RecordId{random_.next()}, payload);
  ++under_way_;
  engine_->append(std::move(batch), [this](const engine::Result<std::vector<engine::Placed>>&) { --under_way_; }, true);
}

FolderContents read_folder(const std::string& folder) {
  FolderContents contents;
  const auto files = adapters::posix_files();
  engine::JournalOptions options;
  options.folder = folder + "/journal";
  const auto journal = need(engine::Journal::open(*files, options, {}), "the journal cannot be opened");
  std::map<std::pair<uint16_t, uint64_t>, std::string> messages;
  engine::Journal::Cursor cursor = journal->cursor_from_start();
  engine::Group group;
  while (need(cursor.next(group), "the journal cannot be read")) {
    for (const engine::JournalRecord& record : group.records()) {
      if (record.type != static_cast<uint16_t>(events::RecordType::event)) continue;
      const auto event = flow::read_payload<events::Event>(record.payload);
      TERRENO_CHECK(event.has_value(), "a record is well formed");
      ++contents.journalled[event->message_id];
      messages[{record.partition.number, record.position.value}] = event->message_id;
    }
  }
  const auto store = need(adapters::open_rocksdb_store(folder + "/store"), "the store cannot be opened");
  need(store->scan("", engine::Store::Order::ascending,
                   [&](std::string_view key, std::string_view value) {
                     add_joined(contents.state, key, without_ticks(key, value));
                     if (static_cast<uint8_t>(key[1]) == contact::Decision::kTable) {
                       const auto decision = contact::Decision::decode(value);
                       TERRENO_CHECK(decision != nullptr, "a decision is well formed");
                       contents.decisions[decision->id] = decision->state;
                     } else if (static_cast<uint8_t>(key[1]) == channels::OpenSend::kTable) {
                       ++contents.open_sends;
                     }
                     return true;
                   }),
       "the store cannot be read");
  for (const auto& [key, value] : contents.state) {
    if (static_cast<uint8_t>(key[1]) != engine::store_keys::kTableRows) continue;
    if (static_cast<uint8_t>(key[2]) != profiles::kTimelineRows) continue;
    Reader in(value);
    const auto line = profiles::TimelineLine::decode(in);
    const auto message = messages.find({static_cast<uint8_t>(key[0]), line.position.value});
    TERRENO_CHECK(message != messages.end(), "a line of a timeline has its event");
    ++contents.applied[message->second];
  }
  return contents;
}

}  // namespace terreno::guarantees
