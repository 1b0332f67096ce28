#pragma once

// The pages behind links in messages: `/u/TOKEN`.
//
// 1. GET shows and changes nothing, since mail filters follow links. POST acts.
// 2. A POST says that it is done only after the act is durable; repeating it is harmless.
// 3. A withdrawal is an urgent record: it is refused neither for load nor for being repeated. Saying no again within
//    minutes makes no new entry; saying yes again and again is answered 429.
// 4. What is not a token of this installation, whole, is answered 404 with a page that says what to do instead.
//    Other errors are pages too, but for one-click, where a program reads them.
//
// 5. On the page of preferences only what the reader changed counts, against what they were shown: an old form opened
//    again takes nothing back. What they tick is granted for the purposes that topic is sent for by the link's brand;
//    what they untick is withdrawn for every purpose.
//
// Pages speak the language of the message, where its token says it; else the browser's, else the installation's. A
// `view` link is answered like an unknown one: a page that shows data would have to ask for a code mailed to the
// address (consent/link.h, rule 3).

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/router.h"
#include "consent/consent.h"
#include "engine/engine.h"
#include "flow/configuration.h"
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
  /// Topics and their titles, as of now; any thread. Null: none in force.
  std::function<std::shared_ptr<const flow::Configuration>()> configuration;
};

/// A form of preferences has at most 150 bytes a topic, one of a mail provider some 300.
inline constexpr size_t kLinkBodyBytesMax = 64 << 10;
/// Acts that wait for the disk at the same time; past it a POST is answered 503 with Retry-After.
inline constexpr size_t kLinkActsMax = 4096;

/// `GET` and `POST /u/{token}`; one-click withdrawal of RFC 8058 included.
void add_link_routes(Router& router, LinkDependencies dependencies);

}  // namespace terreno::api
