#include "demo/play.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "demo/run.h"
#include "demo/story.h"

namespace terreno::demo {

namespace {

int say_failed(const RunFailure& failure) {
  fmt::print(stderr, "terreno demo: {} failed: {}\n", failure.doing, failure.detail);
  return 1;
}

Timestamp real_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

std::string token_of(const std::string& link) {
  const size_t at = link.find("token=");
  return at == std::string::npos ? std::string() : link.substr(at + 6);
}

}  // namespace

int play(const Stage& stage, Organisation organisation) {
  const auto own_link = stage.new_link();
  if (!own_link) return say_failed({"making a link", own_link.error()});
  Run run(stage.origin, organisation);
  const auto is_new = run.prepare(token_of(*own_link));
  if (!is_new) return say_failed(is_new.error());
  Story story(organisation, stage.now - kHistory, stage.now);
  if (*is_new) {
    if (const auto lived = run.live(story, stage.should_stop); !lived) return say_failed(lived.error());
  }
  // History took a while to live; what happens from here on happens now.
  if (const auto running = run.let_time_run(real_now()); !running) return say_failed(running.error());
  // Made now: history would have outlived it, and the first one is used.
  const auto link = stage.new_link();
  if (!link) return say_failed({"making a link", link.error()});
  fmt::print("{}\n", *link);
  std::fflush(stdout);

  Chance pace(static_cast<uint64_t>(stage.now.ms));
  Timestamp next = real_now() + seconds(1);
  bool has_failed = false;
  while (!stage.should_stop()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (real_now() < next) continue;
    const auto done = run.act(story.next_scene(real_now()));
    // A visitor may revoke the key or stop a source: that is theirs to do, and is said once.
    if (!done && !has_failed) say_failed(done.error());
    has_failed = has_failed || !done;
    next = real_now() + milliseconds(1000 + static_cast<int64_t>(pace.below(3000)));
  }
  return 0;
}

}  // namespace terreno::demo
