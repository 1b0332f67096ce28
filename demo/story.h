#pragma once

// What happens in a demonstration, as a list: who does what, when. Months of it are history; the same scenes then go on
// one by one. Nothing here knows a server: run.h acts it out through the public interface.
//
// 1. The same organisation and times give the same story, byte by byte.
// 2. Actions are in order of time. An event may tell of an earlier time than that of its action: it is late.
// 3. A repeated event keeps its messageId.

#include <string>
#include <vector>

#include "base/time.h"
#include "demo/people.h"

namespace terreno::demo {

enum class ActionKind : uint8_t {
  browser_event,  ///< what a page of theirs sends, with an anonymous id
  server_event,   ///< what their own systems send
  consent,        ///< POST /api/v1/consents
  correction,     ///< somebody on the telephone sets the record straight
  unsubscribe,    ///< the person uses the link of the newest letter that came to them
};

struct Action {
  Timestamp at;
  ActionKind kind = ActionKind::browser_event;
  std::string address;  ///< of the person, for `correction` and `unsubscribe`
  std::string body;     ///< JSON as it is sent; empty for `unsubscribe`
};

class Story {
 public:
  /// History runs from `start` to `end`, at least 30 days.
  Story(Organisation organisation, Timestamp start, Timestamp end);

  [[nodiscard]] const std::vector<Action>& history() const { return history_; }
  /// One scene more, at `now`: one action or the few that belong together.
  [[nodiscard]] std::vector<Action> next_scene(Timestamp now);

 private:
  void live(const Person& person, Timestamp joins);
  void live_raices(const Person& person, Timestamp joined);
  void live_lisiere(const Person& person, Timestamp joined);
  void tell_ana(const Person& ana);
  void share_a_tablet();

  void visit(const Person& person, const std::string& device, Timestamp at);
  void sign_up(const Person& person, const std::string& device, Timestamp at);
  void agree(const Person& person, std::string_view topic, Timestamp at);
  void correct(const Person& person, std::string_view attribute, std::string_view json_value, std::string_view note,
               Timestamp at);
  /// `told` is when it happened, `at` when it is sent. `properties` is a JSON object.
  void track(const Person& person, std::string_view event, std::string properties, Timestamp told, Timestamp at);
  void add(Timestamp at, ActionKind kind, std::string address, std::string body);

  [[nodiscard]] Timestamp within(Timestamp from, Timestamp until);
  [[nodiscard]] std::string device_of(const Person& person, int number) const;
  [[nodiscard]] std::string next_message_id();

  Organisation organisation_;
  Timestamp start_;
  Timestamp end_;
  std::vector<Person> people_;
  std::vector<Action> history_;
  std::vector<Action>* actions_;  ///< where `add` writes: history, or the scene that is being made
  Chance chance_;
  uint64_t messages_ = 0;
  size_t joined_ = 0;  ///< people before this one have signed up; the rest may still come
};

}  // namespace terreno::demo
