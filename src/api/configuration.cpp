// The documents in force, and applying others.

#include <fmt/format.h>

#include <algorithm>

#include "api/customer_api.h"
#include "flow/messages.h"

namespace terreno::api {

namespace json = boost::json;
using flow::Document;

namespace {

constexpr size_t kPathBytesMax = 300;
constexpr size_t kTextBytesMax = 1 << 20;
constexpr size_t kRequestDocumentsMax = 1000;
constexpr size_t kFindingsShown = 200;

struct Request {
  int64_t base_version = 0;
  std::vector<Document> documents;
  bool prune = false;
  bool dry_run = false;
};

Refused invalid(std::string pointer, std::string code, std::string detail) {
  return {422, std::move(code), std::move(detail), {{"field", pointer.substr(1)}}, std::move(pointer), {}};
}

std::expected<Request, Refused> read_request(const std::string& body) {
  json::parse_options options;
  options.max_depth = 8;
  json::error_code error;
  json::value parsed = json::parse(body, error, {}, options);
  if (error || !parsed.is_object()) {
    return std::unexpected(
        Refused{400, "malformed_json", "the body is no JSON object; send one, in UTF-8", {}, {}, {}});
  }
  Request request;
  bool has_version = false;
  for (auto& [name, value] : parsed.get_object()) {
    if (name == "base_version" && value.is_int64() && value.get_int64() >= 0) {
      request.base_version = value.get_int64();
      has_version = true;
    } else if (name == "prune" && value.is_bool()) {
      request.prune = value.get_bool();
    } else if (name == "dry_run" && value.is_bool()) {
      request.dry_run = value.get_bool();
    } else if (name == "documents" && value.is_array()) {
      const json::array& documents = value.get_array();
      if (documents.empty() || documents.size() > kRequestDocumentsMax) {
        return std::unexpected(invalid("/documents", "out_of_range", "documents: are not 1 to 1,000; send fewer"));
      }
      for (size_t i = 0; i < documents.size(); ++i) {
        const std::string pointer = fmt::format("/documents/{}", i);
        const auto* const object = documents[i].if_object();
        const auto* const path = object != nullptr ? object->if_contains("path") : nullptr;
        const auto* const text = object != nullptr ? object->if_contains("text") : nullptr;
        if (path == nullptr || text == nullptr || !path->is_string() || !text->is_string() || object->size() != 2) {
          return std::unexpected(invalid(pointer, "not_a_document", "a document: give `path` and `text`, both texts"));
        }
        Document document{std::string(path->get_string()), std::string(text->get_string())};
        if (document.path.empty() || document.path.size() > kPathBytesMax) {
          return std::unexpected(invalid(pointer + "/path", "too_long", "path: is not 1 to 300 bytes; shorten it"));
        }
        if (document.text.size() > kTextBytesMax) {
          return std::unexpected(invalid(pointer + "/text", "too_long", "text: is larger than 1 MiB; split it"));
        }
        const auto same = [&](const Document& one) { return one.path == document.path; };
        if (std::ranges::any_of(request.documents, same)) {
          return std::unexpected(invalid(pointer + "/path", "duplicate", "path: is in the request twice"));
        }
        request.documents.push_back(std::move(document));
      }
    } else {
      return std::unexpected(invalid(fmt::format("/{}", std::string_view(name)), "unknown_or_wrong",
                                     "is unknown or of the wrong type; see the API's description"));
    }
  }
  if (!has_version)
    return std::unexpected(invalid("/base_version", "required", "base_version: is absent; read it first"));
  if (request.documents.empty()) return std::unexpected(invalid("/documents", "required", "documents: are absent"));
  return request;
}

/// All findings at once; the first one is the problem's own.
http::Response findings_problem(const std::vector<Finding>& findings, const std::vector<Document>& sent) {
  const auto params_of = [](const Finding& finding) {
    return json::object{{"file", finding.file},
                        {"line", finding.line},
                        {"column", finding.column},
                        {"path", finding.path},
                        {"detail", finding.detail}};
  };
  const auto pointer_of = [&](const Finding& finding) {
    const auto found = std::ranges::find(sent, finding.file, &Document::path);
    return found == sent.end() ? std::string("/documents") : fmt::format("/documents/{}/text", found - sent.begin());
  };
  json::array list;
  for (const Finding& finding : findings) {
    if (list.size() == kFindingsShown) break;
    list.push_back(
        json::object{{"code", finding.code}, {"pointer", pointer_of(finding)}, {"params", params_of(finding)}});
  }
  const Finding& first = findings.front();
  return problem({.status = 422,
                  .code = first.code,
                  .detail = fmt::format("{}:{}:{}: {}", first.file, first.line, first.column, first.detail),
                  .params = {},
                  .pointer = pointer_of(first),
                  .retry_after_seconds = {}},
                 {{"params", params_of(first)}, {"findings", std::move(list)}});
}

json::array changes_between(const std::vector<Document>& before, const std::vector<Document>& after) {
  json::array changes;
  const auto add = [&](const std::string& path, std::string_view change) {
    changes.push_back(json::object{{"path", path}, {"change", change}});
  };
  for (const Document& document : after) {
    const auto old = std::ranges::find(before, document.path, &Document::path);
    if (old == before.end()) {
      add(document.path, "added");
    } else if (old->text != document.text) {
      add(document.path, "changed");
    }
  }
  for (const Document& document : before) {
    if (std::ranges::find(after, document.path, &Document::path) == after.end()) add(document.path, "removed");
  }
  return changes;
}

Refused version_conflict(uint64_t version) {
  return {409,
          "version_conflict",
          "base_version: is not the version in force; read the configuration again",
          {{"version", std::to_string(version)}},
          "/base_version",
          {}};
}

/// What the lane has in force.
struct InForce {
  Id128 hash;
  uint64_t version = 0;
};
void read_lane(engine::Engine& engine, std::function<void(InForce)> done) {
  engine.read(engine::kLane, {[](const engine::Lookup&, engine::KeyList& keys) {
                                keys.push_back({flow::ConfigurationLane::kTable, flow::ConfigurationLane::kId});
                              },
                              [done = std::move(done)](const engine::Lookup& state) {
                                const auto* const lane =
                                    state.find<flow::ConfigurationLane>(flow::ConfigurationLane::kId);
                                done(lane == nullptr ? InForce{} : InForce{lane->active, lane->version});
                              },
                              {}});
}

}  // namespace

void CustomerApi::get_configuration(const Call& /*call*/, const http::Responder& responder) {
  // A partition knows since when; the lane knows what.
  read_lane(*parts_.engine, [this, responder](InForce in_force) {
    engine::ReadTask task;
    task.wants = [](const engine::Lookup&, engine::KeyList& keys) {
      keys.push_back({flow::ActiveConfiguration::kTable, flow::ActiveConfiguration::kId});
    };
    task.run = [this, responder, in_force](const engine::Lookup& state) {
      const auto* const active = state.find<flow::ActiveConfiguration>(flow::ActiveConfiguration::kId);
      const Timestamp since = active == nullptr || active->hash != in_force.hash ? Timestamp{} : active->since;
      later(responder, [this, responder, in_force, since] {
        json::array documents;
        if (const auto configuration = parts_.library->find(in_force.hash)) {
          for (const Document& document : configuration->documents) {
            std::vector<Finding> unused;
            const DocumentNode node = DocumentNode::parse(document.path, document.text, unused);
            documents.push_back(json::object{{"path", document.path},
                                             {"kind", node.get("kind").text()},
                                             {"name", node.get("name").text()},
                                             {"text", document.text},
                                             {"hash", hash128(document.text).hex()}});
          }
        }
        answer(
            responder, 200,
            {{"version", in_force.version}, {"applied_at", time_or_null(since)}, {"documents", std::move(documents)}});
      });
    };
    parts_.engine->read({0}, std::move(task));
  });
}

void CustomerApi::apply_configuration(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    auto request = read_request(call.body);
    if (!request) return refuse(responder, request.error());
    if (parts_.configuration == nullptr) {
      return refuse(responder, Refused{503, "unavailable", "configurations cannot be applied here", {}, {}, {}});
    }
    read_lane(*parts_.engine, [this, call, responder, request = std::move(*request)](InForce in_force) {
      later(responder, [this, call, responder, request, in_force] {
        if (static_cast<uint64_t>(request.base_version) != in_force.version) {
          return refuse(responder, version_conflict(in_force.version));
        }
        const auto old = parts_.library->find(in_force.hash);
        const std::vector<Document> before = old ? old->documents : std::vector<Document>{};
        std::vector<Document> after = request.documents;
        if (!request.prune) {
          for (const Document& document : before) {
            if (std::ranges::find(after, document.path, &Document::path) == after.end()) after.push_back(document);
          }
        }
        std::vector<Finding> findings;
        auto configuration = flow::read_configuration(std::move(after), findings);
        for (const Document& document : configuration->documents)
          content::check_publishable(document.path, document.text, findings);
        if (!findings.empty()) return responder.answer(findings_problem(findings, request.documents));
        json::array changes = changes_between(before, configuration->documents);
        if (request.dry_run || configuration->hash == in_force.hash) {
          return answer(responder, 200, {{"version", in_force.version}, {"changes", std::move(changes)}});
        }
        propose(call, std::move(configuration), in_force.hash, std::move(changes), responder);
      });
    });
  });
}

void CustomerApi::propose(const Call& call, std::shared_ptr<const flow::Configuration> configuration, Id128 base,
                          json::array changes, const http::Responder& responder) {
  const Id128 hash = configuration->hash;
  // Records name the hash, so the documents are durable and readable before the first of them.
  if (!parts_.configuration->save(hash, flow::encode_bundle(configuration->documents))) {
    return refuse(responder, governance::Error{governance::Errc::storage_failed, "configuration", ""});
  }
  parts_.library->add(std::move(configuration));
  const bool is_free = parts_.news->configurations.start(
      hash, [this, call, responder, hash, changes = std::move(changes)](ConfigurationWatch::Outcome outcome) {
        later(responder, [this, call, responder, hash, changes, outcome] {
          if (!outcome.is_in_force) return refuse(responder, version_conflict(outcome.version));
          if (!note(call,
                    {"configuration_applied",
                     "configuration",
                     hash.hex(),
                     "",
                     {{"version", std::to_string(outcome.version)}, {"changes", std::to_string(changes.size())}}},
                    responder)) {
            return;
          }
          parts_.news->changes.changed("configuration");
          answer(responder, 200, {{"version", outcome.version}, {"changes", changes}});
        });
      });
  if (!is_free) {
    return refuse(
        responder,
        Refused{409, "version_conflict", "another configuration is being applied; try again later", {}, {}, {}});
  }
  engine::Batch batch;
  batch.add(engine::kLane, static_cast<uint16_t>(events::RecordType::configuration_proposed),
            RecordId{hash128("configuration " + random_bits())},
            flow::payload_of(flow::ConfigurationProposal{base, hash}));
  parts_.engine->append(
      std::move(batch),
      [this, responder, hash](const engine::Result<std::vector<engine::Placed>>& placed) {
        if (placed) return;
        parts_.news->configurations.cancel(hash);
        refuse_engine(responder, placed.error());
      },
      true);
}

}  // namespace terreno::api
