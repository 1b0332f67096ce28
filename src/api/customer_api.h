#pragma once

// The routes about customers and what is said to them (openapi.yaml): people, why, messages, outbox, consents,
// configuration, live events, stream, meta, health, clock.
//
// 1. Every route is in one table with its guard; nothing is reached without passing it.
// 2. A handler never blocks a server or apply thread: answers are put together on `background`.
// 3. A command is answered when what it changed is in force, and its audit entry is durable by then.
// 4. Who reads a person, a message or a list of either is noted in the audit log before the answer, once in ten minutes
//    for each: the log says who could see what, and a console that asks again and again does not flood it.

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/authentication.h"
#include "api/governance_api.h"
#include "api/news.h"
#include "api/reading.h"
#include "api/router.h"
#include "flow/configuration.h"
#include "oversight/oversight.h"

namespace terreno::api {

/// Port: what was rendered and, in the sandbox, caught. Implemented by server/delivery. Thread-safe; may read files, so
/// it is asked on `background`.
class OutboxReader {
 public:
  virtual ~OutboxReader() = default;
  struct Letter {
    std::string id;  ///< 32 hexadecimal digits
    Timestamp at;
    DecisionId decision;      ///< zero: of no decision, such as a confirmation
    bool is_sandbox = false;  ///< caught; false: it left, or tried to
    PersonId person;
    std::string journey;
    std::string message;
    std::string language;
    std::string from;
    std::string to;
    std::string subject;
    std::string html;
    std::string text;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string raw;  ///< at most 256 KiB of it
    uint64_t size_bytes = 0;
  };
  struct Page {
    std::vector<Letter> letters;  ///< caught ones, newest first; without html, text, headers and raw
    std::string next;             ///< cursor; empty: no more
    uint64_t total = 0;
  };
  /// Nullopt: no cursor of this list.
  [[nodiscard]] virtual std::optional<Page> list(const std::string& cursor, size_t limit) = 0;
  [[nodiscard]] virtual std::optional<Letter> find(const std::string& id) = 0;
  /// The last one rendered for a decision, caught or sent.
  [[nodiscard]] virtual std::optional<Letter> find_by_decision(DecisionId decision) = 0;
};

/// Port: configurations on disk. Called on `background`.
class ConfigurationFiles {
 public:
  virtual ~ConfigurationFiles() = default;
  /// Durable when it returns true.
  [[nodiscard]] virtual bool save(Id128 hash, std::string_view bundle) = 0;
};

class CustomerApi {
 public:
  struct Parts {
    engine::Engine* engine = nullptr;  ///< stopped before this is destroyed
    const engine::Clock* clock = nullptr;
    governance::Registry* registry = nullptr;
    const Authentication* authentication = nullptr;
    flow::ConfigurationLibrary* library = nullptr;
    News* news = nullptr;
    OutboxReader* outbox = nullptr;               ///< null: an empty one
    ConfigurationFiles* configuration = nullptr;  ///< null: configurations cannot be applied
    /// Null, or giving null: none. Any thread.
    std::function<std::shared_ptr<const flow::Configuration>()> configuration_in_force;
    governance::Entropy entropy;
    /// Runs work that may block, soon, elsewhere. False: too much waits already.
    std::function<bool(std::function<void()>)> background;
    /// Sets a clock that stands until it is told; empty: the clock is the machine's, and cannot be set.
    std::function<void(Timestamp, std::function<void(bool)>)> set_clock;
    /// Lets it run like the machine's from where it stands.
    std::function<void()> run_clock;
    /// The disk refused: the program must stop.
    std::function<void()> stop;
    std::string build;
    std::string version;
    /// True once the program is on its way out.
    std::function<bool()> is_draining;
  };
  struct Route {
    http::Method method;
    std::string_view path;
    std::string_view operation;  ///< of openapi.yaml
    Guard guard;
    size_t body_bytes_max;
    void (CustomerApi::*handle)(const Call&, const http::Responder&);
  };

  explicit CustomerApi(Parts parts) : parts_(std::move(parts)), reading_(*parts_.engine) {}
  [[nodiscard]] static const std::vector<Route>& routes();
  /// The largest body that a route takes: less than this at the server, and the route's own limit is a lie.
  [[nodiscard]] static size_t body_bytes_max();
  /// Registers every route; this outlives the router.
  void add_routes(Router& router);

  // One for each route.
  void get_meta(const Call& call, const http::Responder& responder);
  void get_health(const Call& call, const http::Responder& responder);
  void stream_changes(const Call& call, const http::Responder& responder);
  void set_clock(const Call& call, const http::Responder& responder);
  /// After a pause of more than a day time stands still until somebody says that the machine's clock is right.
  void accept_time(const http::Responder& responder);
  void list_live_events(const Call& call, const http::Responder& responder);
  void list_people(const Call& call, const http::Responder& responder);
  void get_person(const Call& call, const http::Responder& responder);
  void list_timeline(const Call& call, const http::Responder& responder);
  void correct_person(const Call& call, const http::Responder& responder);
  void object_for_person(const Call& call, const http::Responder& responder);
  void explain(const Call& call, const http::Responder& responder);
  void get_message(const Call& call, const http::Responder& responder);
  void list_outbox(const Call& call, const http::Responder& responder);
  void get_outbox_message(const Call& call, const http::Responder& responder);
  void record_consent(const Call& call, const http::Responder& responder);
  void get_configuration(const Call& call, const http::Responder& responder);
  void apply_configuration(const Call& call, const http::Responder& responder);

 private:
  using File = std::shared_ptr<const PersonFile>;
  /// A person with what lies elsewhere: the ledgers of their addresses and the evidence of who they are.
  struct Whole {
    File file;
    std::vector<consent::Address> addresses;
    Reading::Ledgers ledgers;  ///< one per address
    std::vector<identity::EdgeView> edges;
  };
  using WholeCallback = std::function<void(std::shared_ptr<const Whole>)>;

  void run(const Route& route, const http::Request& request, std::string id, const http::Responder& responder);
  void answer(const http::Responder& responder, uint16_t status, const boost::json::value& body) const;
  void refuse(const http::Responder& responder, const Refused& refused) const;
  void refuse(const http::Responder& responder, const governance::Error& error) const;
  void refuse_not_found(const http::Responder& responder) const;
  void refuse_engine(const http::Responder& responder, const engine::Error& error) const;
  void later(const http::Responder& responder, std::function<void()> work) const;
  [[nodiscard]] Timestamp now() const { return parts_.clock->now(); }

  /// Notes a command, durably. False: it was refused, and answered.
  bool note(const Call& call, governance::AuditNote note, const http::Responder& responder) const;
  /// Notes that somebody looked, unless they did so just now. False as above. A list has neither kind nor id. What was
  /// searched for is not noted: it names people, and an erasure must leave none in the log.
  bool note_view(const Call& call, std::string_view action, std::string_view kind, const std::string& id,
                 const http::Responder& responder);

  bool note_clock_set(const Call& call, Timestamp at, const http::Responder& responder);

  void load_whole(const PersonQuery& query, WholeCallback done) const;
  void answer_person(const PersonQuery& query, const Call& call, const http::Responder& responder,
                     std::optional<governance::AuditNote> command);
  [[nodiscard]] boost::json::object summary_json(const PersonFile& file) const;
  [[nodiscard]] boost::json::object person_json(const Whole& whole) const;
  [[nodiscard]] oversight::Why why_of(const PersonFile& file, const contact::Decision* decision,
                                      std::string_view journey) const;
  /// The name of a source, or what was written where there is none of that id.
  [[nodiscard]] std::string source_name(std::string_view id) const;
  [[nodiscard]] std::optional<events::Event> event_at(engine::Partition partition, engine::Position position) const;
  [[nodiscard]] std::string random_bits() const;
  void answer_people(const std::vector<PersonQuery>& queries, std::optional<std::string> next, bool with_total,
                     const Call& call, const http::Responder& responder);
  /// By a part of their name, among the newest.
  void search_names(const std::string& search, size_t limit, const Call& call, const http::Responder& responder);
  void answer_letters(OutboxReader::Page page, const Call& call, const http::Responder& responder);
  void propose(const Call& call, std::shared_ptr<const flow::Configuration> configuration, Id128 base,
               boost::json::array changes, const http::Responder& responder);

  Parts parts_;
  Reading reading_;

  std::mutex mutex_;
  std::map<std::string, Timestamp> viewed_;  ///< who looked at what, and when that was noted
  std::string clock_mover_;                  ///< of the last move that was noted
  Duration clock_moved_;                     ///< when, since boot
  struct Repeatable {
    std::string fingerprint;
    engine::Partition partition;
    engine::Position position;
  };
  /// Commands by caller and Idempotency-Key. Of this process: records themselves carry ids that a repeat would share.
  std::map<std::string, Repeatable> commands_;
};

/// The same for the routes of governance, so that one router has them all.
void add_governance_routes(Router& router, GovernanceApi& api);

/// `?limit=`, 1 to 200; 50 when it is absent; nullopt: neither.
[[nodiscard]] std::optional<size_t> page_limit(const Call& call);
[[nodiscard]] Refused bad_limit();
[[nodiscard]] Refused bad_cursor();
[[nodiscard]] boost::json::value to_json(const oversight::Value& value);
[[nodiscard]] boost::json::object to_json(const oversight::Why& why);
[[nodiscard]] boost::json::object to_json(const events::Identifier& identifier);
/// The words of `MessageState` for the states of a decision.
[[nodiscard]] std::string_view message_state(const contact::Decision& decision, contact::DecisionState state);
/// Entry ids are dense in a partition; with its number they are ids like any other.
[[nodiscard]] std::string entry_id_text(engine::Partition partition, uint64_t entry_id);
/// JSON text as a value; null when it is malformed.
[[nodiscard]] boost::json::value parsed_or_null(std::string_view text);
/// At most so many bytes, cut between characters.
[[nodiscard]] std::string cut(std::string_view text, size_t bytes_max);

}  // namespace terreno::api
