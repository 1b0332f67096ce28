// Who writes, from where, and whether letters leave.

#include "api/governance_api.h"

namespace terreno::api {

namespace json = boost::json;
using governance::Errc;
using governance::Error;
using governance::Mode;

SenderFacts GovernanceApi::sender_facts() const {
  return parts_.sender_facts ? parts_.sender_facts(parts_.registry->snapshot()->installation) : SenderFacts{};
}

json::object GovernanceApi::sender_json() const {
  const auto snapshot = parts_.registry->snapshot();
  const governance::Installation& installation = snapshot->installation;
  const governance::Sender& sender = installation.sender;
  const SenderFacts facts = sender_facts();
  json::array missing;
  for (const governance::Missing what : missing_for_live(installation, facts.has_dkim_key)) {
    missing.emplace_back(name_of(what));
  }
  json::array records;
  for (const DomainRecord& record : facts.records) {
    records.push_back(json::object{{"purpose", record.purpose},
                                   {"type", record.type},
                                   {"name", record.name},
                                   {"value", record.value},
                                   {"state", record.state}});
  }
  return {{"brand", sender.brand},
          {"legal_entity", sender.legal_entity},
          {"postal_address", sender.postal_address},
          {"from_name", sender.from_name},
          {"from_address", sender.from_address},
          {"reply_to", sender.reply_to},
          {"envelope_domain", sender.envelope_domain},
          {"dkim_selector", sender.dkim_selector},
          {"footer", sender.footer},
          {"public_base_url", installation.public_base_url},
          {"mode", name_of(installation.mode)},
          {"version", snapshot->sender_version},
          {"missing", std::move(missing)},
          {"outbox_count", facts.outbox_count},
          {"records", std::move(records)}};
}

void GovernanceApi::get_sender(const Call& /*call*/, const http::Responder& responder) {
  answer(responder, 200, sender_json());
}

void GovernanceApi::change_sender(const Call& call, const governance::ChangeSender& change,
                                  const http::Responder& responder) const {
  const auto after = parts_.registry->change(change, call.caller.principal, parts_.clock());
  if (!after) return refuse(responder, after.error());
  answer(responder, 200, sender_json());
}

void GovernanceApi::put_sender(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  const auto snapshot = parts_.registry->snapshot();
  governance::ChangeSender change;
  change.sender = snapshot->installation.sender;
  change.public_base_url = snapshot->installation.public_base_url;
  const auto version = fields.integer("version");
  if (!version) fields.refuse("version", "required", "is absent; send the version that was read");
  change.base_version = static_cast<uint64_t>(version.value_or(0));
  const auto take = [&](const char* name, std::string& into, size_t bytes_max) {
    if (auto text = fields.text(name, bytes_max)) into = std::move(*text);
  };
  take("brand", change.sender.brand, 200);
  take("legal_entity", change.sender.legal_entity, 200);
  take("postal_address", change.sender.postal_address, 500);
  take("from_name", change.sender.from_name, 200);
  take("from_address", change.sender.from_address, 320);
  take("reply_to", change.sender.reply_to, 320);
  take("envelope_domain", change.sender.envelope_domain, 253);
  take("dkim_selector", change.sender.dkim_selector, 63);
  take("footer", change.sender.footer, 2000);
  take("public_base_url", change.public_base_url, 500);
  if (const auto mode = fields.text("mode", 16)) {
    if (*mode == "live" || *mode == "sandbox") {
      change.mode = *mode == "live" ? Mode::live : Mode::sandbox;
    } else {
      fields.refuse("mode", "not_one_of", "is neither sandbox nor live");
    }
  }
  Secret password(fields.text("password", 1000).value_or(""));
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  governance::Installation wished = snapshot->installation;
  wished.sender = change.sender;
  change.has_dkim_key = parts_.sender_facts && parts_.sender_facts(wished).has_dkim_key;

  // A screen left open must not be enough to write to everybody. A program's key has no password to give.
  const bool goes_live = change.mode == Mode::live && snapshot->installation.mode != Mode::live;
  if (!goes_live || !call.caller.signed_in) {
    return later(responder, [this, call, change, responder] { change_sender(call, change, responder); });
  }
  if (password.empty()) return refuse(responder, Error{Errc::invalid_field, "password", "required"});
  const governance::User& user = call.caller.signed_in->user;
  if (const auto refused = limited(user.email, call)) return refuse(responder, *refused);
  const bool taken = parts_.passwords.check(
      std::move(password), user.password_hash, [this, call, change, responder](bool matches, const std::string&) {
        note_attempt(call.caller.signed_in->user.email, call, matches);
        // Not 401: the session is good, and a console would send the person to the sign-in page.
        if (!matches) {
          return refuse(responder, Refused{422, "wrong_credentials", "password: is wrong", {}, "/password", {}});
        }
        change_sender(call, change, responder);
      });
  if (!taken) {
    refuse(
        responder,
        Refused{
            429, "too_many_attempts", "too many sign-ins at a time; try again in 1 s", {{"wait_seconds", "1"}}, {}, 1});
  }
}

}  // namespace terreno::api
