#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "governance/governance.h"

namespace terreno::governance {
namespace {

constexpr Timestamp kNow{1'800'000'000'000};

Principal principal(UserId id, Role role) {
  Principal actor;
  actor.kind = ActorKind::user;
  actor.id = id.hex();
  actor.name = "somebody";
  actor.scopes = scopes_of(role);
  return actor;
}

User user(uint64_t id, Role role, std::string hash = "$argon2id$x") {
  User user;
  user.id = {{0, id}};
  user.email = "user" + std::to_string(id) + "@example.org";
  user.name = "User " + std::to_string(id);
  user.role = role;
  user.password_hash = std::move(hash);
  return user;
}

Snapshot with_users(std::vector<User> users) {
  Snapshot snapshot;
  snapshot.users = std::move(users);
  return snapshot;
}
Snapshot one_administrator() { return with_users({user(1, Role::administrator)}); }

Digest digest_of(uint64_t n) { return sha256(std::to_string(n)); }

// Any command about a handful of things, so that they meet.
Command any_command() {
  const auto number = [] { return *rc::gen::inRange<uint64_t>(1, 6); };
  const auto text = [] { return *rc::gen::element<std::string>("", "web", "shop", "app", std::string(300, 'x')); };
  const auto role = [] { return static_cast<Role>(*rc::gen::inRange(0, kRoleCount)); };
  const auto maybe = [](auto value) { return *rc::gen::arbitrary<bool>() ? std::optional(value) : std::nullopt; };
  const auto flag = [] { return *rc::gen::arbitrary<bool>(); };
  Session session;
  session.hash = digest_of(number());
  session.user_id = {{0, number()}};
  switch (*rc::gen::inRange(0, 20)) {
    case 0: {
      Source source;
      source.id = {{1, number()}};
      source.name = text();
      source.write_key = text();
      return CreateSource{source};
    }
    case 1: {
      UpdateSource update;
      update.id = {{1, number()}};
      update.name = maybe(text());
      update.enabled = maybe(flag());
      update.write_key = maybe(text());
      return update;
    }
    case 2:
      return RemoveSource{{{1, number()}}};
    case 3: {
      ApiKey key;
      key.id = {{2, number()}};
      key.name = text();
      key.hash = digest_of(number());
      key.scopes = {static_cast<Scope>(*rc::gen::inRange(0, kScopeCount))};
      return CreateApiKey{key};
    }
    case 4:
      return RevokeApiKey{{{2, number()}}};
    case 5:
      return InviteUser{user(number(), role()), digest_of(number())};
    case 6:
      return IssueUserLink{{{0, number()}}, digest_of(number())};
    case 7: {
      UpdateUser update;
      update.id = {{0, number()}};
      update.role = maybe(role());
      update.enabled = maybe(flag());
      update.name = maybe(text());
      return update;
    }
    case 8:
      return RemoveUser{{{0, number()}}};
    case 9:
      return ChangePassword{{{0, number()}}, text(), digest_of(number())};
    case 10:
      return IssueFirstRunToken{digest_of(number()), flag()};
    case 11:
      return CreateFirstAdministrator{digest_of(number()), user(number(), Role::viewer), text(), session};
    case 12:
      return SignInToDemo{digest_of(number()), user(number(), Role::viewer), session};
    case 13:
      return AcceptLink{digest_of(number()), text(), maybe(text()), std::nullopt, session};
    case 14:
      return SignIn{session, "$argon2id$x", ""};
    case 15:
      return SignOut{digest_of(number())};
    case 16:
      return EndSessions{{{0, number()}}, digest_of(number())};
    case 17:
      return RotateSession{digest_of(number()), digest_of(number())};
    case 18: {
      ChangeSender change;
      change.sender.brand = text();
      change.public_base_url = flag() ? "https://example.org" : "";
      change.mode = maybe(flag() ? Mode::live : Mode::sandbox);
      return change;
    }
    default:
      return RecordActivity{{{{{2, number()}}, kNow}}, {{digest_of(number()), kNow}}};
  }
}

TEST(Commands, WhateverComesTheInvariantsHoldAndTheSnapshotReadsBack) {
  EXPECT_TRUE(rc::check("commands keep the invariants", [] {
    Snapshot snapshot = *rc::gen::arbitrary<bool>() ? one_administrator() : Snapshot();
    Timestamp now = kNow;
    const size_t count = *rc::gen::inRange<size_t>(1, 60);
    for (size_t i = 0; i < count; ++i) {
      const Command command = any_command();
      const Principal actor = *rc::gen::arbitrary<bool>()
                                  ? Principal::program()
                                  : principal({{0, *rc::gen::inRange<uint64_t>(1, 6)}},
                                              static_cast<Role>(*rc::gen::inRange(0, kRoleCount)));
      now = now + hours(*rc::gen::inRange(0, 30));
      const auto change = execute(snapshot, command, actor, now);
      if (!change) continue;
      RC_ASSERT(check_invariants(change->snapshot).has_value());
      RC_ASSERT(change->snapshot.version == snapshot.version + 1);
      RC_ASSERT(change->snapshot.users.empty() <= snapshot.users.empty());
      const auto read = decode_snapshot(encode(change->snapshot));
      RC_ASSERT(read.has_value());
      RC_ASSERT(*read == change->snapshot);
      RC_ASSERT(encode(*read) == encode(change->snapshot));
      snapshot = change->snapshot;
    }
  }));
}

TEST(Encoding, NoCutAndNoFlippedByteIsReadAsAnotherValueThatWritesDifferently) {
  Snapshot snapshot = one_administrator();
  snapshot.installation.trusted_proxies = {"10.0.0.0/8"};
  snapshot.sources.push_back({{{0, 7}}, "web", SourceKind::browser, "c123", true, "ES", kNow});
  const std::string whole = encode(snapshot);
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(decode_snapshot(whole.substr(0, i))) << i;
    for (const int bit : {1, 16, 128}) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ bit);
      const auto read = decode_snapshot(flipped);
      EXPECT_TRUE(!read || *read != snapshot) << i;
    }
  }
}

// Bytes on disk outlive the program: a change of them is a new version, with a case for this one.
TEST(Encoding, VersionOneStaysAsItIs) {
  Snapshot snapshot = one_administrator();
  snapshot.version = 3;
  snapshot.sources.push_back({{{0, 7}}, "web", SourceKind::browser, "c123", true, "ES", kNow});
  snapshot.tokens.push_back({digest_of(1), TokenPurpose::reset, {{0, 1}}, kNow});
  EXPECT_EQ(sha256(encode(snapshot)).hex(), "eec2fd13a92287a8997cf0b16fc8f2d119ca5a832ba248eacd8b0b43627af61e");
}

TEST(Commands, TheLastAdministratorStays) {
  const Snapshot snapshot = with_users({user(1, Role::administrator), user(2, Role::viewer)});
  const Principal admin = principal({{0, 1}}, Role::administrator);
  UpdateUser demote;
  demote.id = {{0, 1}};
  demote.role = Role::viewer;
  UpdateUser disable;
  disable.id = {{0, 1}};
  disable.enabled = false;
  for (const Command& command : std::vector<Command>{demote, disable, RemoveUser{{{0, 1}}}}) {
    EXPECT_EQ(execute(snapshot, command, admin, kNow).error().code, Errc::last_administrator);
  }
  // Somebody invited who never came cannot administer.
  const auto invited = execute(snapshot, InviteUser{user(3, Role::administrator), digest_of(1)}, admin, kNow);
  EXPECT_EQ(execute(invited->snapshot, RemoveUser{{{0, 1}}}, admin, kNow).error().code, Errc::last_administrator);
  const auto accepted =
      execute(invited->snapshot, AcceptLink{digest_of(1), "$argon2id$y", {}, {}, {digest_of(2), {}, {}, {}, "", ""}},
              Principal{}, kNow);
  ASSERT_TRUE(accepted);
  EXPECT_TRUE(execute(accepted->snapshot, RemoveUser{{{0, 1}}}, admin, kNow));
}

TEST(Commands, NobodyHandsOutOrTakesAwayWhatTheyDoNotHold) {
  const Snapshot snapshot = with_users({user(1, Role::administrator), user(2, Role::viewer)});
  ApiKey key;
  key.id = {{2, 1}};
  key.name = "k";
  key.scopes = {Scope::people_read};
  EXPECT_EQ(execute(snapshot, CreateApiKey{key}, principal({{0, 2}}, Role::engineer), kNow).error(),
            (Error{Errc::forbidden, "scope", "people:read"}));
  Principal machine;
  machine.kind = ActorKind::api_key;
  machine.scopes = {Scope::users_write};
  EXPECT_EQ(execute(snapshot, InviteUser{user(3, Role::administrator), digest_of(1)}, machine, kNow).error().code,
            Errc::forbidden);
  EXPECT_EQ(execute(snapshot, IssueUserLink{{{0, 1}}, digest_of(1)}, machine, kNow).error().code, Errc::forbidden);
  EXPECT_EQ(execute(snapshot, RemoveUser{{{0, 1}}}, machine, kNow).error().code, Errc::forbidden);
  UpdateUser promote;
  promote.id = {{0, 2}};
  promote.role = Role::administrator;
  EXPECT_EQ(execute(snapshot, promote, machine, kNow).error().code, Errc::forbidden);
  EXPECT_EQ(execute(snapshot, promote, principal({{0, 2}}, Role::viewer), kNow).error().code, Errc::forbidden);
  Snapshot with_key = snapshot;
  with_key.api_keys = {key};
  Principal key_keeper = machine;
  key_keeper.scopes = {Scope::keys_write};
  EXPECT_EQ(execute(with_key, RevokeApiKey{key.id}, key_keeper, kNow).error(),
            (Error{Errc::forbidden, "scope", "people:read"}));
  key_keeper.scopes.add(Scope::people_read);
  EXPECT_TRUE(execute(with_key, RevokeApiKey{key.id}, key_keeper, kNow));
  UpdateUser rename;
  rename.id = {{0, 2}};
  rename.name = "Own name";
  EXPECT_TRUE(execute(snapshot, rename, principal({{0, 2}}, Role::viewer), kNow));
  EXPECT_EQ(execute(snapshot, rename, principal({{0, 3}}, Role::viewer), kNow).error().code, Errc::forbidden);
}

ChangeSender complete_sender() {
  ChangeSender change;
  change.sender = {"Raíces",
                   "Asociación Raíces",
                   "Calle Mayor 1\nMadrid",
                   "Raíces",
                   "hola@raices.example",
                   "hola@raices.example",
                   "bounces.raices.example",
                   "t1",
                   ""};
  change.public_base_url = "https://mail.raices.example";
  change.has_dkim_key = true;
  change.mode = Mode::live;
  return change;
}

TEST(Commands, GoingLiveNamesEverythingThatIsMissing) {
  const Principal admin = principal({{0, 1}}, Role::administrator);
  ChangeSender empty;
  empty.mode = Mode::live;
  EXPECT_EQ(execute(one_administrator(), empty, admin, kNow).error(),
            (Error{Errc::not_ready_for_live, "mode",
                   "brand,legal_entity,postal_address,from_name,from_address,reply_to,envelope_domain,dkim_selector,"
                   "dkim_key,public_base_url"}));
  const auto live = execute(one_administrator(), complete_sender(), admin, kNow);
  ASSERT_TRUE(live);
  EXPECT_EQ(live->snapshot.installation.mode, Mode::live);
  EXPECT_EQ(live->note.action, "went_live");
  // While live nothing that it needs may go.
  ChangeSender poorer = complete_sender();
  poorer.mode.reset();
  poorer.sender.postal_address.clear();
  EXPECT_EQ(execute(live->snapshot, poorer, admin, kNow).error().rule, "postal_address");
  poorer.mode = Mode::sandbox;
  EXPECT_TRUE(execute(live->snapshot, poorer, admin, kNow));
  ChangeSender stale = complete_sender();
  stale.base_version = 0;
  EXPECT_EQ(execute(live->snapshot, stale, admin, kNow).error(), (Error{Errc::version_conflict, "version", "1"}));
  Snapshot demo = one_administrator();
  demo.installation.demo = true;
  EXPECT_EQ(execute(demo, complete_sender(), admin, kNow).error().rule, "real_data");
  EXPECT_EQ(execute(one_administrator(), complete_sender(), principal({{0, 1}}, Role::marketer), kNow).error().code,
            Errc::forbidden);
}

TEST(Commands, HostileSenderFieldsAreRefusedByName) {
  const Principal admin = principal({{0, 1}}, Role::administrator);
  const auto rule_of = [&](auto change_field) {
    ChangeSender change = complete_sender();
    change.mode.reset();
    change_field(change);
    const auto outcome = execute(one_administrator(), change, admin, kNow);
    return outcome ? std::string("accepted") : outcome.error().field + " " + outcome.error().rule;
  };
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.sender.from_name = "A\r\nBcc: all@example.org"; }),
            "from_name control_character");
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.sender.reply_to = "no-reply@raices.example"; }),
            "reply_to read_by_a_person");
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.sender.from_address = "a@b@c"; }), "from_address email_address");
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.sender.envelope_domain = "-x.example"; }), "envelope_domain domain");
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.public_base_url = "https://a.example/path"; }),
            "public_base_url host_and_port_only");
  EXPECT_EQ(rule_of([](ChangeSender& c) { c.public_base_url = "javascript://a.example"; }),
            "public_base_url http_or_https");
  SetInstallation everyone;
  everyone.trusted_proxies = {{"0.0.0.0/0"}};
  EXPECT_EQ(execute(one_administrator(), everyone, admin, kNow).error().field, "trusted_proxies[0]");
}

TEST(Commands, APasswordChangedWhileItWasCheckedDoesNotSignIn) {
  Session session;
  session.hash = digest_of(1);
  session.user_id = {{0, 1}};
  EXPECT_EQ(execute(one_administrator(), SignIn{session, "$argon2id$old", ""}, Principal{}, kNow).error().code,
            Errc::wrong_credentials);
  EXPECT_TRUE(execute(one_administrator(), SignIn{session, "$argon2id$x", ""}, Principal{}, kNow));
}

TEST(Commands, AWriteKeyOfAnyPrintableFormIsImportedOnce) {
  const Principal admin = principal({{0, 1}}, Role::administrator);
  Source source;
  source.id = {{1, 1}};
  source.name = "old site";
  source.write_key = "id:secret with space/+=";
  const auto created = execute(one_administrator(), CreateSource{source}, admin, kNow);
  ASSERT_TRUE(created);
  source.id = {{1, 2}};
  source.name = "other";
  EXPECT_EQ(execute(created->snapshot, CreateSource{source}, admin, kNow).error(),
            (Error{Errc::already_exists, "write_key", ""}));
  for (const std::string& bad :
       {std::string(129, 'x'), std::string(" x"), std::string("ñ"), std::string("a\nb"), std::string()}) {
    source.write_key = bad;
    EXPECT_EQ(execute(created->snapshot, CreateSource{source}, admin, kNow).error().field, "write_key");
  }
}

}  // namespace
}  // namespace terreno::governance
