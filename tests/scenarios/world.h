#pragma once

// A whole Terreno on one thread: tracked events go in as an SDK sends them, mails come out at a courier.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "channels/sending.h"
#include "engine/stepped.h"
#include "events/events.h"
#include "flow/flow.h"
#include "reading.h"

namespace terreno::scenarios {

/// A mail that the courier handed over.
struct Mail {
  DecisionId decision;
  std::string to;
  std::string message;
  std::string language;
  std::string data;
  consent::ProofRecord proof;
  uint32_t attempt = 1;
  Timestamp at;
};

/// How the receiving server answers an attempt; unset: it takes everything.
using Receiver = std::function<channels::Ending(const Mail&)>;

class World final : public engine::OutputSink {
 public:
  struct Options {
    Options(std::vector<flow::Document> set_up, std::string start_time = "2026-03-02T09:00:00Z")
        : documents(std::move(set_up)), start(std::move(start_time)) {}
    std::vector<flow::Document> documents;
    std::string start;
    std::optional<uint64_t> shuffle_seed;
  };
  explicit World(Options options);

  // What happens. Each returns when nothing is left to do.
  void settle() { engine_->run_until_idle(); }
  void pass(Duration span) { engine_->advance(span); }
  /// A crash and a restart, with `commits_kept` of the commits that were not synced.
  void crash(size_t commits_kept = SIZE_MAX) { engine_->restart(commits_kept); }
  void apply(std::vector<flow::Document> documents);

  /// A body of the tracking API, of a server (secret) or of a browser (public). Does not settle.
  void track(events::TrackingPath path, const std::string& body, bool is_public = false);
  void server(const std::string& batch) { track(events::TrackingPath::batch, R"({"batch":[)" + batch + "]}"); }
  void browser(const std::string& batch) { track(events::TrackingPath::batch, R"({"batch":[)" + batch + "]}", true); }

  void consent(consent::Action action, const std::string& email, const std::string& topic = "tips",
               bool by_person = true);
  void object(PersonId person, std::vector<std::string> known_emails);
  void correct(PersonId person, const std::string& attribute, const std::string& json, profiles::Rank rank);

  // What is so.
  [[nodiscard]] std::unique_ptr<profiles::Person> person(events::IdentifierKind kind, const std::string& value);
  [[nodiscard]] std::unique_ptr<profiles::Person> user(const std::string& id) {
    return person(events::IdentifierKind::user_id, id);
  }
  [[nodiscard]] std::vector<contact::Decision> decisions(const profiles::Person& person);
  [[nodiscard]] std::unique_ptr<journeys::JourneyStates> journeys(const profiles::Person& person);
  [[nodiscard]] std::vector<profiles::TimelineLine> timeline(const profiles::Person& person);
  [[nodiscard]] Reading reading() { return Reading(*engine_); }
  [[nodiscard]] uint64_t people() { return reading().people(); }
  [[nodiscard]] Timestamp now() const { return engine_->clock().now(); }
  [[nodiscard]] engine::SteppedEngine& engine() { return *engine_; }

  std::vector<Mail> mails;
  Receiver receiver;
  /// Called before a claim is appended: what happens between decision and send.
  std::function<void(const channels::Claim&)> before_claim;
  /// The courier stands still: nothing is claimed.
  bool holds_claims = false;
  uint64_t repeats = 0;

  void on_outputs(engine::Partition partition, engine::Position position,
                  std::vector<engine::Output>& outputs) override;

 private:
  void append(engine::Partition partition, events::RecordType type, std::string payload);
  class Draw final : public engine::Random {
   public:
    Id128 next() override { return {draw_(), draw_()}; }

   private:
    std::mt19937_64 draw_{7};
  };

  Options options_;
  flow::ConfigurationLibrary library_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<engine::SteppedEngine> engine_;
  events::TrackingParser parser_;
  Draw random_;
  uint64_t records_ = 0;
  Id128 active_;
};

/// Runs a story in the journal's order, and shuffled with several seeds.
void tell(World::Options options, const std::function<void(World&)>& story);

}  // namespace terreno::scenarios
