#pragma once

// What people set up, as one immutable value: journeys, templates, topics and the contact policy, read from documents.
// Named by the hash of its documents' bytes; a partition knows which one is in force, and a running person finds the
// version they entered for as long as any configuration that held it is kept.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/document.h"
#include "base/hash.h"
#include "contact/contact.h"
#include "content/content.h"
#include "journeys/journeys.h"

namespace terreno::flow {

struct Topic {
  std::string name;
  std::map<std::string, std::string, std::less<>> titles;  ///< by language
};

/// One document, as in a folder kept in git.
struct Document {
  std::string path;
  std::string text;
  auto operator<=>(const Document&) const = default;
};

struct Configuration {
  Id128 hash;
  std::string default_language = "en";
  contact::Policy policy;
  std::map<std::string, Topic, std::less<>> topics;
  std::map<std::string, content::MessageTemplate, std::less<>> templates;
  std::vector<std::shared_ptr<const journeys::Definition>> journeys;  ///< by name
  std::vector<const journeys::Definition*> active;                    ///< the same
  std::vector<Document> documents;                                    ///< by path

  /// What people call a topic in a language; empty when nobody has said.
  [[nodiscard]] std::string topic_title(std::string_view topic, std::string_view language) const;
};

inline constexpr size_t kDocumentsMax = 2000;
inline constexpr size_t kBundleBytesMax = 8 << 20;

/// Reads documents; with findings the value is not to be used. Checks references too: a send names a template and a
/// topic that exist.
[[nodiscard]] std::shared_ptr<const Configuration> read_configuration(std::vector<Document> documents,
                                                                      std::vector<Finding>& findings);
/// Canonical bytes of a set of documents, and back. The hash of a configuration is that of these bytes.
[[nodiscard]] std::string encode_bundle(std::vector<Document> documents);
[[nodiscard]] std::vector<Document> decode_bundle(std::string_view bytes);

/// All configurations that a record or state may name. Filled by the server before a record names one, from durable
/// files; read by apply threads. Never forgets.
class ConfigurationLibrary {
 public:
  void add(std::shared_ptr<const Configuration> configuration);
  /// Null: not kept.
  [[nodiscard]] std::shared_ptr<const Configuration> find(Id128 hash) const;
  [[nodiscard]] std::shared_ptr<const journeys::Definition> find_journey(Id128 version) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<Id128, std::shared_ptr<const Configuration>> configurations_;
  std::map<Id128, std::shared_ptr<const journeys::Definition>> journeys_;
};

}  // namespace terreno::flow
