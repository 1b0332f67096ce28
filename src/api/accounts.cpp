// Sessions, the first run, links, and the people who sign in.

#include <fmt/format.h>

#include "api/governance_api.h"

namespace terreno::api {

namespace json = boost::json;
using governance::Errc;
using governance::Error;
using governance::Language;
using governance::NewSession;
using governance::Role;
using governance::User;
using governance::UserId;

namespace {

constexpr size_t kPasswordInputMax = 1'000;
constexpr size_t kEmailInputMax = 320;

json::object user_json(const User& user) {
  return {{"id", user.id.hex()},
          {"email", user.email},
          {"name", user.name},
          {"role", name_of(user.role)},
          {"enabled", user.enabled},
          {"scopes", scopes_json(scopes_of(user.role))},
          {"language", name_of(user.language)},
          {"last_seen", time_or_null(user.last_signed_in_at)}};
}

Refused not_found() { return refused_by(Error{Errc::not_found, "user", ""}); }
Refused pool_is_full() {
  return {429, "too_many_attempts", "too many sign-ins at a time; try again in 1 s", {{"wait_seconds", "1"}}, {}, 1};
}

std::optional<Language> read_language(BodyFields& fields) {
  const auto text = fields.text("language", 2);
  if (!text) return std::nullopt;
  const auto language = governance::language_from(*text);
  if (!language) fields.refuse("language", "not_one_of", "is none of es, fr, en");
  return language;
}
std::optional<Role> read_role(BodyFields& fields) {
  const auto text = fields.text("role", 20);
  if (!text) return std::nullopt;
  const auto role = governance::role_from(*text);
  if (!role)
    fields.refuse("role", "not_one_of", "is none of administrator, marketer, frontline, privacy, engineer, viewer");
  return role;
}

json::object link_json(const governance::NewLink& link) {
  return {{"purpose", name_of(link.purpose)},
          {"token", link.token.reveal()},
          {"user_id", link.user_id.hex()},
          {"expires_at", format_iso8601(link.expires_at)}};
}

}  // namespace

std::optional<Refused> GovernanceApi::limited(std::string_view email, const Call& call) {
  const std::scoped_lock lock(limiter_mutex_);
  const Timestamp now = parts_.clock();
  const Duration wait = limiter_.wait(email, call.client.address, now);
  if (wait.ms > 0) return refused_by(Error{Errc::too_many_attempts, "email", std::to_string((wait.ms + 999) / 1000)});
  limiter_.attempted(email, call.client.address, now);
  return std::nullopt;
}

void GovernanceApi::note_attempt(std::string_view email, const Call& call, bool succeeded) {
  const std::scoped_lock lock(limiter_mutex_);
  if (succeeded) {
    limiter_.succeeded(email, call.client.address);
  } else {
    limiter_.failed(call.client.address, parts_.clock());
  }
}

std::optional<Refused> GovernanceApi::limited_by_token(std::string_view token, const Call& call) {
  const std::string key = "token " + governance::sha256(token).hex();
  if (auto refused = limited(key, call)) return refused;
  // Whoever has a token may try passwords with it: only guessing at tokens counts.
  note_attempt(key, call, parts_.registry->look_at_token(token, parts_.clock()).has_value());
  return std::nullopt;
}

void GovernanceApi::answer_session(const http::Responder& responder, const NewSession& session) const {
  answer(responder, 200,
         {{"user", user_json(session.signed_in.user)}, {"csrf", parts_.authentication->csrf_token(session.id)}},
         parts_.authentication->session_cookie(session.id));
}

void GovernanceApi::get_session(const Call& call, const http::Responder& responder) {
  answer(responder, 200,
         {{"user", user_json(call.caller.signed_in->user)},
          {"csrf", parts_.authentication->csrf_token(call.caller.session_id)}});
}

void GovernanceApi::create_session(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  const std::string given = fields.required_text("email", kEmailInputMax);
  Secret password(fields.required_text("password", kPasswordInputMax));
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  const auto normalised = governance::normalise_email("email", given);
  const std::string email = normalised ? *normalised : given;
  if (const auto refused = limited(email, call)) return refuse(responder, *refused);

  // An address that nobody has, or who was never let in, is checked like any other and takes as long.
  const auto snapshot = parts_.registry->snapshot();
  const User* const found = snapshot->user_by_email(email);
  const User user = found != nullptr && found->enabled ? *found : User{};
  // What was typed as an address may be a password: it is written down only when it is somebody's address.
  governance::AuditNote refusal{"sign_in_refused", "user", "", "", {}};
  if (found != nullptr) {
    refusal.object_id = found->id.hex();
    refusal.object_name = refusal.details["name"] = found->email;
  }
  const bool taken =
      parts_.passwords.check(std::move(password), user.password_hash,
                             [this, call, responder, email, user, refusal](bool matches, std::string better) {
                               note_attempt(email, call, matches);
                               const Timestamp now = parts_.clock();
                               if (!matches) {
                                 if (auto noted = parts_.registry->note(call.caller.principal, refusal, now); !noted) {
                                   return refuse(responder, noted.error());
                                 }
                                 return refuse(responder, Error{Errc::wrong_credentials, "password", ""});
                               }
                               auto session = parts_.registry->sign_in(user, std::move(better), call.client, now);
                               if (!session) return refuse(responder, session.error());
                               answer_session(responder, *session);
                             });
  if (!taken) refuse(responder, pool_is_full());
}

void GovernanceApi::delete_session(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    const auto after = parts_.registry->change(governance::SignOut{call.caller.signed_in->session.hash},
                                               call.caller.principal, parts_.clock());
    // Signed out meanwhile, elsewhere: that is what was asked for.
    if (!after && after.error().code != Errc::not_found) return refuse(responder, after.error());
    answer_nothing(responder, parts_.authentication->ended_cookie());
  });
}

void GovernanceApi::save_user(const Call& call, const governance::UpdateUser& update,
                              const http::Responder& responder) const {
  later(responder, [this, call, responder, update] {
    const auto after = parts_.registry->change(update, call.caller.principal, parts_.clock());
    if (!after) return refuse(responder, after.error());
    const User* const user = (*after)->user(update.id);
    if (user == nullptr) return refuse(responder, not_found());
    answer(responder, 200, user_json(*user));
  });
}

// One's own name and language need no scope.
void GovernanceApi::update_own_user(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  governance::UpdateUser update;
  update.id = call.caller.signed_in->user.id;
  update.name = fields.text("name", governance::kNameBytesMax);
  update.language = read_language(fields);
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  save_user(call, update, responder);
}

// The old password is asked for, so that a screen left open is not enough; the other sessions end.
void GovernanceApi::change_password(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  Secret old_password(fields.required_text("password", kPasswordInputMax));
  Secret new_password(fields.required_text("new_password", kPasswordInputMax));
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  const User& user = call.caller.signed_in->user;
  if (auto good = governance::check_password(new_password, user.email); !good) {
    good.error().field = "new_password";
    return refuse(responder, good.error());
  }
  if (const auto refused = limited(user.email, call)) return refuse(responder, *refused);
  const bool taken = parts_.passwords.check(
      std::move(old_password), user.password_hash,
      [this, call, responder, new_password](bool matches, const std::string&) {
        note_attempt(call.caller.signed_in->user.email, call, matches);
        if (!matches) {
          return refuse(responder, Refused{422, "wrong_credentials", "password: is wrong", {}, "/password", {}});
        }
        const bool hashed = parts_.passwords.hash(new_password, [this, call, responder](std::string hash) {
          const governance::ChangePassword change{call.caller.signed_in->user.id, std::move(hash),
                                                  call.caller.signed_in->session.hash};
          const auto after = parts_.registry->change(change, call.caller.principal, parts_.clock());
          if (!after) return refuse(responder, after.error());
          answer_nothing(responder);
        });
        if (!hashed) refuse(responder, pool_is_full());
      });
  if (!taken) refuse(responder, pool_is_full());
}

void GovernanceApi::complete_first_run(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  const std::string token = fields.required_text("token", 128);
  const auto language = read_language(fields);
  if (!language) fields.refuse("language", "required", "is absent; give es, fr or en");
  governance::NewUser user;
  user.email = fields.text("email", kEmailInputMax).value_or("");
  user.name = fields.text("name", governance::kNameBytesMax).value_or("");
  user.language = language.value_or(Language::english);
  Secret password(fields.text("password", kPasswordInputMax).value_or(""));
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  if (const auto refused = limited_by_token(token, call)) return refuse(responder, *refused);
  const auto info = parts_.registry->look_at_token(token, parts_.clock());
  if (!info) return refuse(responder, info.error());
  if (info->purpose == governance::TokenPurpose::demo) {
    return later(responder, [this, call, responder, token, user] {
      const auto session = parts_.registry->sign_in_to_demo(token, user.language, call.client, parts_.clock());
      if (!session) return refuse(responder, session.error());
      answer_session(responder, *session);
    });
  }
  if (info->purpose != governance::TokenPurpose::first_run) {
    return refuse(responder, Error{Errc::token_invalid, "token", ""});
  }
  const auto email = governance::normalise_email("email", user.email);
  if (!email) return refuse(responder, email.error());
  if (user.name.empty()) return refuse(responder, Error{Errc::invalid_field, "name", "required"});
  if (const auto good = governance::check_password(password, *email); !good) return refuse(responder, good.error());
  const bool taken = parts_.passwords.hash(std::move(password), [this, call, responder, token, user](std::string hash) {
    const auto session =
        parts_.registry->create_first_administrator(token, user, "", std::move(hash), call.client, parts_.clock());
    if (!session) return refuse(responder, session.error());
    answer_session(responder, *session);
  });
  if (!taken) refuse(responder, pool_is_full());
}

void GovernanceApi::accept_link(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  const std::string token = fields.required_text("token", 128);
  Secret password(fields.required_text("password", kPasswordInputMax));
  const auto name = fields.text("name", governance::kNameBytesMax);
  const auto language = read_language(fields);
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  if (const auto refused = limited_by_token(token, call)) return refuse(responder, *refused);
  const auto info = parts_.registry->look_at_token(token, parts_.clock());
  if (!info) return refuse(responder, info.error());
  if (!info->user) return refuse(responder, Error{Errc::token_invalid, "token", ""});
  if (const auto good = governance::check_password(password, info->user->email); !good) {
    return refuse(responder, good.error());
  }
  const bool taken =
      parts_.passwords.hash(std::move(password), [this, call, responder, token, name, language](std::string hash) {
        const auto session =
            parts_.registry->accept_link(token, std::move(hash), name, language, call.client, parts_.clock());
        if (!session) return refuse(responder, session.error());
        answer_session(responder, *session);
      });
  if (!taken) refuse(responder, pool_is_full());
}

void GovernanceApi::list_users(const Call& /*call*/, const http::Responder& responder) {
  json::array items;
  for (const User& user : parts_.registry->snapshot()->users) items.push_back(user_json(user));
  answer(responder, 200, {{"items", std::move(items)}, {"next", nullptr}});
}

void GovernanceApi::invite_user(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  governance::NewUser user;
  user.email = fields.required_text("email", kEmailInputMax);
  user.name = fields.required_text("name", governance::kNameBytesMax);
  const auto role = read_role(fields);
  if (!role) fields.refuse("role", "required", "is absent; say what this person does");
  user.role = role.value_or(Role::viewer);
  user.language = read_language(fields).value_or(parts_.registry->snapshot()->installation.language);
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  later(responder, [this, call, responder, user] {
    const auto link = parts_.registry->invite_user(user, call.caller.principal, parts_.clock());
    if (!link) return refuse(responder, link.error());
    json::object body = link_json(*link);
    if (const User* const made = parts_.registry->snapshot()->user(link->user_id)) body["user"] = user_json(*made);
    answer(responder, 201, body);
  });
}

void GovernanceApi::update_user(const Call& call, const http::Responder& responder) {
  BodyFields fields(call.body);
  governance::UpdateUser update;
  update.id = UserId::from_hex(call.id);
  update.name = fields.text("name", governance::kNameBytesMax);
  update.language = read_language(fields);
  update.role = read_role(fields);
  update.enabled = fields.boolean("enabled");
  if (const auto refused = fields.refused()) return refuse(responder, *refused);
  save_user(call, update, responder);
}

void GovernanceApi::delete_user(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    const auto after = parts_.registry->change(governance::RemoveUser{UserId::from_hex(call.id)}, call.caller.principal,
                                               parts_.clock());
    if (!after) return refuse(responder, after.error());
    answer_nothing(responder);
  });
}

void GovernanceApi::create_user_link(const Call& call, const http::Responder& responder) {
  later(responder, [this, call, responder] {
    const auto link =
        parts_.registry->issue_user_link(UserId::from_hex(call.id), call.caller.principal, parts_.clock());
    if (!link) return refuse(responder, link.error());
    answer(responder, 201, link_json(*link));
  });
}

}  // namespace terreno::api
