#pragma once

// The audit log: who did what, when, from where. One line of JSON for each entry, chained by hash.
//
// 1. Entries are numbered 1, 2, 3 …; each names the hash of the one before, and its own hash covers all its bytes.
// 2. Changing, removing, inserting or reordering an entry breaks the chain at that place. Cutting the end is noticed by
//    the anchor in the registry.
// 3. An entry is durable before what it tells of is acknowledged.
// Format: docs/formats/audit.md.

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "governance/access.h"
#include "governance/digest.h"
#include "governance/error.h"

namespace terreno::governance {

inline constexpr size_t kAuditLineBytesMax = 16'384;
inline constexpr size_t kAuditPageMax = 200;
inline constexpr size_t kAuditDetailsMax = 32;

/// What is to be written; the log adds number, hashes and time.
struct AuditNote {
  std::string action;  ///< `source.created`, `session.refused`, `person.viewed`: object kind, dot, past participle
  std::string object_kind;
  std::string object_id;
  std::string object_name;
  std::map<std::string, std::string> details;  ///< what changed, as field → new value; never a secret
  bool operator==(const AuditNote&) const = default;
};

struct AuditEntry {
  uint64_t number = 0;
  Timestamp time;
  ActorKind actor_kind = ActorKind::system;
  std::string actor_id;
  std::string actor_name;
  std::string address;
  AuditNote note;
  uint64_t registry_version = 0;  ///< the registry's version after the change, when it is one; else 0
  Digest previous;                ///< zero for the first
  Digest hash;
  bool operator==(const AuditEntry&) const = default;
};

/// Where the audit log stood, so that a log cut short is noticed.
struct AuditAnchor {
  uint64_t number = 0;  ///< of an entry; 0: none yet
  Digest hash;
  bool operator==(const AuditAnchor&) const = default;
};

/// Fills in number, previous and hash, cutting texts that are too long. Pure.
[[nodiscard]] AuditEntry make_entry(const AuditAnchor& after, const Principal& actor, Timestamp now, AuditNote note,
                                    uint64_t registry_version);
/// One line without the line feed. Reading it back gives the same entry.
[[nodiscard]] std::string encode_line(const AuditEntry& entry);
/// Checks the entry's own hash, too.
[[nodiscard]] std::expected<AuditEntry, Error> decode_line(std::string_view line);
/// Whether `entry` is the one that follows.
[[nodiscard]] bool follows(const AuditEntry& entry, const AuditAnchor& after);

struct AuditQuery {
  uint64_t before = 0;    ///< entries with a lower number; 0: from the newest
  size_t limit = 50;      ///< at most kAuditPageMax
  std::string actor_id;   ///< empty: anyone
  std::string action;     ///< empty: all; `source.` matches every action that starts so
  std::string object_id;  ///< empty: all
  Timestamp from;         ///< zero: from the beginning
  Timestamp until;        ///< zero: to the end; exclusive
};
struct AuditPage {
  std::vector<AuditEntry> entries;      ///< newest first
  std::optional<uint64_t> next_before;  ///< where the next page starts; nothing: the log ends here
};

/// Port: where entries lie. Implemented by server/files. Thread-safe.
class AuditLog {
 public:
  virtual ~AuditLog() = default;
  /// Blocks until the entry is on disk.
  /// Error: storage_failed; from then on every append fails, and the program must stop.
  [[nodiscard]] virtual std::expected<AuditEntry, Error> append(const Principal& actor, Timestamp now, AuditNote note,
                                                                uint64_t registry_version) = 0;
  /// Blocks on reading. A page may hold fewer than `limit` entries and still have a next one: the work of a page is
  /// bounded, too.
  [[nodiscard]] virtual std::expected<AuditPage, Error> read(const AuditQuery& query) const = 0;
  [[nodiscard]] virtual AuditAnchor head() const = 0;
  /// The entry with this number, for checking the anchor. not_found when it is beyond the end or rotated away.
  [[nodiscard]] virtual std::expected<AuditEntry, Error> entry(uint64_t number) const = 0;
};

}  // namespace terreno::governance
