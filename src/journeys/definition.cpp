#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "journeys/journeys.h"

namespace terreno::journeys {

namespace {

constexpr std::array<std::string_view, 5> kKindNames{"wait", "wait_until", "branch", "send", "exit"};
constexpr std::array<std::string_view, 1> kChannels{"email"};
constexpr std::array<std::string_view, 2> kClasses{"commercial", "transactional"};
constexpr std::string_view kBasisNames[] = {"contract", "legal_obligation", "solicited_reply"};
constexpr consent::LegalBasis kBases[] = {consent::LegalBasis::contract, consent::LegalBasis::legal_obligation,
                                          consent::LegalBasis::solicited_reply};
constexpr size_t kNone = SIZE_MAX;

std::optional<segments::Condition> read_condition(const DocumentNode& node) {
  if (!node.exists()) return std::nullopt;
  auto condition = segments::Condition::parse(node.text());
  if (condition) return *condition;
  node.fail("condition",
            fmt::format("column {} of the condition: {}", condition.error().column, condition.error().detail));
  return std::nullopt;
}

// Turns nested lists of steps into a flat program. Each list is compiled towards the step that follows it.
class Compiler {
 public:
  explicit Compiler(Definition& definition) : definition_(&definition) {}

  // The index of the list's first step; `after` when it is empty.
  size_t compile(const std::vector<DocumentNode>& items, size_t after, int depth) {
    if (depth > 10) {
      if (!items.empty()) items.front().fail("too_deep", "is nested more than ten branches deep; split the journey");
      return after;
    }
    size_t next = after;
    for (auto item = items.rbegin(); item != items.rend(); ++item) next = compile_step(*item, next, depth);
    return next;
  }

  size_t add(Step step) {
    definition_->steps.push_back(std::move(step));
    return definition_->steps.size() - 1;
  }

 private:
  size_t compile_step(const DocumentNode& node, size_t next, int depth) {
    if (definition_->steps.size() >= kStepsMax) {
      node.fail("too_many", "is beyond 200 steps; split the journey");
      return next;
    }
    Step step;
    step.next = next;
    step.id = node.get("id").text();
    const auto forms =
        std::array{node.get("wait"), node.get("wait_until"), node.get("branch"), node.get("send"), node.get("exit")};
    const auto count = std::ranges::count_if(forms, [&](const DocumentNode& form) { return form.exists(); });
    if (count != 1) {
      node.fail("step", "must be exactly one of: wait, wait_until, branch, send, exit");
      return next;
    }
    const auto kind = static_cast<size_t>(std::ranges::find_if(forms, &DocumentNode::exists) - forms.begin());
    step.kind = static_cast<StepKind>(kind);
    const DocumentNode form = forms[kind];
    switch (step.kind) {
      case StepKind::wait:
        step.wait = form.duration({});
        check_wait(form, step.wait);
        break;
      case StepKind::wait_until:
        step.event = form.require("event").text();
        step.condition = read_condition(form.get("if"));
        step.wait = form.require("within").duration(days(1));
        check_wait(form, step.wait);
        step.next = compile(form.get("then").items(), next, depth + 1);
        step.otherwise = compile(form.get("otherwise").items(), next, depth + 1);
        form.finish();
        break;
      case StepKind::branch:
        step.condition = read_condition(form.require("if"));
        step.next = compile(form.get("then").items(), next, depth + 1);
        step.otherwise = compile(form.get("else").items(), next, depth + 1);
        form.finish();
        break;
      case StepKind::send:
        read_send(form, step.send);
        if (step.id.empty()) step.id = step.send.message;
        break;
      case StepKind::exit:
        break;
    }
    if (step.id.empty()) step.id = fmt::format("{}-{}", kKindNames[kind], node.line());
    if (!ids_.insert(step.id).second)
      node.fail("duplicate", fmt::format("has the id `{}` of another step; give it its own `id`", step.id));
    node.finish();
    return add(std::move(step));
  }

  static void check_wait(const DocumentNode& node, Duration wait) {
    if (wait.ms <= 0 || wait > kWaitMax)
      node.fail("out_of_bounds", "must wait more than nothing and at most two years");
  }

  // What is sent without being asked for has a reason of its own in law, and something that proves it.
  void read_basis(const DocumentNode& node, SendStep& send) const {
    const DocumentNode basis = node.get("basis");
    const DocumentNode evidence = node.get("evidence");
    if (send.message_class == consent::MessageClass::commercial) {
      for (const DocumentNode& one : {basis, evidence}) {
        if (one.exists())
          one.fail("unknown_key", "belongs to `class: transactional`; a commercial message rests on consent");
      }
      return;
    }
    if (!basis.exists())
      return node.fail("missing_key",
                       "is transactional, so it needs `basis: contract`, `legal_obligation` or "
                       "`solicited_reply`; without one it is commercial");
    send.basis = kBases[basis.choice(kBasisNames, 0)];
    send.evidence = evidence.text(definition_->entry_key);
    if (!send.evidence.starts_with("event."))
      node.fail("missing_key",
                "is transactional, so it needs `evidence`, the property of the event that names the order "
                "or enquiry, such as `event.order_id`; or give the journey an `entry_key`");
  }

  void read_send(const DocumentNode& node, SendStep& send) const {
    send.message = node.require("template").text();
    send.channel = static_cast<consent::Channel>(node.get("channel").choice(kChannels, 0));
    send.scope.topic = node.get("topic").text();
    send.scope.purpose = node.get("purpose").text("marketing");
    send.scope.brand = node.get("brand").text();
    send.message_class = static_cast<consent::MessageClass>(node.get("class").choice(kClasses, 0));
    for (const auto& [key, name] :
         {std::pair{"topic", &send.scope.topic}, {"purpose", &send.scope.purpose}, {"brand", &send.scope.brand}}) {
      if (name->size() > consent::kNameBytesMax)
        node.get(key).fail("too_long", fmt::format("is longer than {} bytes", consent::kNameBytesMax));
    }
    if (send.message_class == consent::MessageClass::commercial && send.scope.topic.empty())
      node.fail("missing_key", "is commercial, so it needs the `topic` that people subscribed to");
    read_basis(node, send);
    send.priority = static_cast<int>(node.get("priority").integer(5, 1, 9));
    send.later_within = node.get("later_within").duration(days(2));
    node.finish();
  }

  Definition* definition_;
  std::set<std::string> ids_;
};

// The program is compiled from its end, so the entry stands last; turn it round so that people enter at step 0 and the
// numbers grow along the way.
void turn_round(Definition& definition, size_t entry) {
  std::vector<Step>& steps = definition.steps;
  std::vector<size_t> order;
  std::vector<size_t> place(steps.size(), kNone);
  std::vector<size_t> open{entry};
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    if (place[at] != kNone) continue;
    place[at] = order.size();
    order.push_back(at);
    if (steps[at].kind == StepKind::branch || steps[at].kind == StepKind::wait_until)
      open.push_back(steps[at].otherwise);
    if (steps[at].kind != StepKind::exit) open.push_back(steps[at].next);
  }
  std::vector<Step> sorted;
  for (const size_t at : order) {
    Step step = steps[at];
    step.next = step.kind == StepKind::exit ? 0 : place[step.next];
    step.otherwise = step.kind == StepKind::branch || step.kind == StepKind::wait_until ? place[step.otherwise] : 0;
    sorted.push_back(std::move(step));
  }
  steps = std::move(sorted);
}

}  // namespace

std::string_view name_of(StepKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

const SendStep* Definition::find_send(std::string_view step_id) const {
  for (const Step& step : steps) {
    if (step.kind == StepKind::send && step.id == step_id) return &step.send;
  }
  return nullptr;
}

Definition parse_definition(const DocumentNode& document, std::string_view text) {
  Definition definition;
  definition.version = hash128(text);
  definition.name = document.require("name").text();
  const DocumentNode spec = document.require("spec");
  definition.owner = spec.require("owner").text();
  definition.reply_to = spec.require("reply_to").text();
  if (!definition.reply_to.empty() && definition.reply_to.find('@') == std::string::npos)
    spec.get("reply_to").fail("malformed", "is not an address; name one that a person reads");
  const DocumentNode trigger = spec.require("trigger");
  definition.trigger_event = trigger.require("event").text();
  definition.trigger_condition = read_condition(trigger.get("if"));
  trigger.finish();
  definition.entry_key = spec.get("entry_key").text();
  if (!definition.entry_key.empty() && !definition.entry_key.starts_with("event."))
    spec.get("entry_key").fail("malformed", "is not a property of the event; write a path such as event.order_id");
  const DocumentNode reentry = spec.get("reentry");
  const std::string reentry_text = reentry.text("never");
  if (reentry_text == "always") {
    definition.reentry = Reentry::always;
  } else if (reentry_text != "never") {
    definition.reentry = Reentry::after;
    definition.reentry_after = reentry.duration(days(1));
  }
  Step end;
  end.id = "end";
  Compiler compiler(definition);
  const size_t last = compiler.add(std::move(end));
  const size_t entry = compiler.compile(spec.require("steps").items(), last, 0);
  spec.finish();
  turn_round(definition, entry);
  return definition;
}

}  // namespace terreno::journeys
