#pragma once

// The pages behind links in messages: `/u/TOKEN`.
//
// 1. GET shows and changes nothing, since mail filters follow links. POST acts.
// 2. A POST says that it is done only after the act is durable; repeating it is harmless.
// 3. A withdrawal is an urgent record: it is not refused for load.
// 4. What is not a token of this installation, whole, is answered 404 with a page that says what to do instead.
//
// A `preferences` link shows the same choice as `unsubscribe`. A `view` link is answered like an unknown one: a page
// that shows data would have to ask for a code mailed to the address (consent/link.h, rule 3).

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/router.h"
#include "consent/consent.h"
#include "engine/engine.h"
#include "governance/governance.h"

namespace terreno::api {

/// What the routes use; all of it outlives the router.
struct LinkDependencies {
  engine::Engine* engine = nullptr;
  const engine::Clock* clock = nullptr;
  engine::Random* random = nullptr;  ///< thread-safe
  const consent::LinkKeys* keys = nullptr;
  /// Who writes, as of now; any thread.
  std::function<std::shared_ptr<const governance::Snapshot>()> snapshot;
  /// What people call a topic, in `es`, `fr` or `en`; any thread. Empty: the topic's own name is shown.
  std::function<std::string(std::string_view topic, std::string_view language)> topic_title;
};

/// A form of these pages has some 30 bytes, one of a mail provider some 300.
inline constexpr size_t kLinkBodyBytesMax = 4096;
/// Acts that wait for the disk at the same time; past it a POST is answered 503 with Retry-After.
inline constexpr size_t kLinkActsMax = 4096;

/// `GET` and `POST /u/{token}`; one-click withdrawal of RFC 8058 included.
void add_link_routes(Router& router, LinkDependencies dependencies);

}  // namespace terreno::api
