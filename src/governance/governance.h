#pragma once

// governance/: who may do what, and who did.
//
//   access.h           scopes, roles, the Principal that authentication yields
//   model.h            sources, API keys, users, sessions, links, the sender; all of it is one Snapshot
//   commands.h         every change, as a pure function
//   registry.h         the running registry: look-ups, changes made durable; ports for the disk and for chance
//   audit.h            the audit log's entries and chain; port for its files
//   sign_in_limiter.h  how often somebody may try
//   error.h, digest.h  the vocabulary of errors; SHA-256
//
// Stands beside the way of an event, for api/: it knows sources and people who work here, not persons.

#include "governance/access.h"
#include "governance/audit.h"
#include "governance/commands.h"
#include "governance/digest.h"
#include "governance/error.h"
#include "governance/model.h"
#include "governance/registry.h"
#include "governance/sign_in_limiter.h"
