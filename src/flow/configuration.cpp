#include "flow/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace terreno::flow {

namespace {

constexpr size_t kNameBytesMax = 100;
constexpr std::array<std::string_view, 5> kKinds{"journey", "template", "topic", "policy", "organisation"};

void check_references(const Configuration& configuration, std::vector<Finding>& findings) {
  for (const auto& journey : configuration.journeys) {
    for (const journeys::Step& step : journey->steps) {
      if (step.kind != journeys::StepKind::send) continue;
      const std::string place = fmt::format("journey {}, step {}", journey->name, step.id);
      if (!configuration.templates.contains(step.send.message)) {
        std::vector<std::string> known;
        for (const auto& [name, unused] : configuration.templates) known.push_back(name);
        const auto close = nearest(step.send.message, known);
        findings.push_back({place, 0, 0, "unknown_template", step.id,
                            fmt::format("sends the template `{}`, which does not exist{}", step.send.message,
                                        close ? fmt::format("; did you mean `{}`?", *close) : "")});
      }
      if (!step.send.scope.topic.empty() && !configuration.topics.contains(step.send.scope.topic)) {
        findings.push_back({place, 0, 0, "unknown_topic", step.id,
                            fmt::format("names the topic `{}`, which does not exist; add a document of kind `topic`",
                                        step.send.scope.topic)});
      }
    }
  }
}

}  // namespace

std::string Configuration::topic_title(std::string_view topic, std::string_view language) const {
  const auto found = topics.find(topic);
  if (found == topics.end()) return {};
  const auto title = found->second.titles.find(language);
  return title != found->second.titles.end() ? title->second : std::string();
}

std::string encode_bundle(std::vector<Document> documents) {
  std::ranges::sort(documents);
  std::string bytes;
  Writer out(bytes);
  out.u8(1);
  out.varint(documents.size());
  for (const Document& document : documents) {
    out.bytes(document.path);
    out.bytes(document.text);
  }
  return bytes;
}

std::vector<Document> decode_bundle(std::string_view bytes) {
  Reader in(bytes);
  std::vector<Document> documents;
  if (in.u8() != 1) in.fail();
  for (size_t n = in.count(); n > 0; --n) {
    Document document;
    document.path = in.text();
    document.text = in.text();
    documents.push_back(std::move(document));
  }
  if (!in.done()) documents.clear();
  return documents;
}

std::shared_ptr<const Configuration> read_configuration(std::vector<Document> documents,
                                                        std::vector<Finding>& findings) {
  auto configuration = std::make_shared<Configuration>();
  std::ranges::sort(documents);
  const std::string bundle = encode_bundle(documents);
  if (documents.size() > kDocumentsMax || bundle.size() > kBundleBytesMax) {
    findings.push_back(
        {"", 0, 0, "too_large", "", "is more than 2,000 documents or 8 MiB; leave out what is not configuration"});
    return configuration;
  }
  configuration->hash = hash128(bundle);
  for (const Document& document : documents) {
    const DocumentNode node = DocumentNode::parse(document.path, document.text, findings);
    if (!node.exists()) continue;
    const size_t before = findings.size();
    const DocumentNode kind = node.require("kind");
    const size_t choice = kind.choice(kKinds, kKinds.size());
    const std::string name = node.require("name").text();
    // A topic's name stands in ledger entries and in the links of messages.
    const size_t name_bytes_max = choice == 2 ? consent::kNameBytesMax : kNameBytesMax;
    if (name.size() > name_bytes_max)
      node.get("name").fail("too_long", fmt::format("is longer than {} bytes", name_bytes_max));
    if (choice == 0) {
      auto journey = std::make_shared<journeys::Definition>(journeys::parse_definition(node, document.text));
      const auto same = [&](const auto& one) { return one->name == journey->name; };
      if (std::ranges::any_of(configuration->journeys, same))
        node.fail("duplicate", fmt::format("is a second journey named `{}`", name));
      if (findings.size() == before) configuration->journeys.push_back(std::move(journey));
    } else if (choice == 1) {
      content::MessageTemplate message = content::parse_message(node);
      if (findings.size() == before && !configuration->templates.emplace(name, std::move(message)).second)
        node.fail("duplicate", fmt::format("is a second template named `{}`", name));
    } else if (choice == 2) {
      Topic topic{name, {}};
      const DocumentNode spec = node.require("spec");
      const DocumentNode titles = spec.require("titles");
      for (const std::string& language : titles.keys()) topic.titles[language] = titles.get(language).text();
      titles.finish();
      spec.finish();
      configuration->topics.emplace(name, std::move(topic));
    } else if (choice == 3) {
      configuration->policy = contact::parse_policy(node.require("spec"));
    } else if (choice == 4) {
      const DocumentNode spec = node.require("spec");
      configuration->default_language = spec.get("language").text("en");
      spec.finish();
    }
    static_cast<void>(node.get("spec"));
    node.finish();
  }
  std::ranges::sort(configuration->journeys, {}, [](const auto& journey) { return journey->name; });
  for (const auto& journey : configuration->journeys) configuration->active.push_back(journey.get());
  configuration->documents = std::move(documents);
  check_references(*configuration, findings);
  return configuration;
}

void ConfigurationLibrary::add(std::shared_ptr<const Configuration> configuration) {
  const std::unique_lock lock(mutex_);
  for (const auto& journey : configuration->journeys) journeys_.try_emplace(journey->version, journey);
  configurations_.try_emplace(configuration->hash, std::move(configuration));
}

std::shared_ptr<const Configuration> ConfigurationLibrary::find(Id128 hash) const {
  const std::shared_lock lock(mutex_);
  const auto found = configurations_.find(hash);
  return found == configurations_.end() ? nullptr : found->second;
}

std::shared_ptr<const journeys::Definition> ConfigurationLibrary::find_journey(Id128 version) const {
  const std::shared_lock lock(mutex_);
  const auto found = journeys_.find(version);
  return found == journeys_.end() ? nullptr : found->second;
}

}  // namespace terreno::flow
