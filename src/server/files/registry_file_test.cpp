#include "server/files/registry_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "server/files/audit_folder.h"
#include "server/files/installation_key.h"

namespace terreno::server {
namespace {

using namespace governance;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "terreno-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

constexpr Timestamp kNow{1'800'000'000'000};

TEST(RegistryFile, APowerCutAtAnyStepLeavesTheOldBytesOrTheNewOnesWhole) {
  for (const SaveStep at : {SaveStep::write, SaveStep::sync, SaveStep::rename, SaveStep::sync_folder}) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "registry";
    ASSERT_TRUE(RegistryFile(path).save("old"));
    std::vector<SaveStep> seen;
    RegistryFile cut(path, [&](SaveStep step) {
      seen.push_back(step);
      return step != at;
    });
    EXPECT_FALSE(cut.save("new and longer"));
    const auto loaded = RegistryFile(path).load();
    ASSERT_TRUE(loaded && *loaded);
    // The rename is what counts, and it comes after the sync of what it names.
    EXPECT_EQ(**loaded, at == SaveStep::sync_folder ? "new and longer" : "old");
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    // What was left behind does not disturb the next.
    EXPECT_TRUE(RegistryFile(path).save("next"));
    EXPECT_EQ(**RegistryFile(path).load(), "next");
  }
}

TEST(RegistryFile, EveryFlippedBitAndEveryCutIsNoticed) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "registry";
  ASSERT_TRUE(RegistryFile(path).save("some bytes of a snapshot"));
  const std::string whole = *read_whole(path, 1000);
  const auto damaged = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return !RegistryFile(path).load().has_value();
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    EXPECT_TRUE(damaged(flipped)) << "byte " << i;
    EXPECT_TRUE(damaged(whole.substr(0, i))) << "cut at " << i;
  }
  EXPECT_TRUE(damaged(whole + "x"));
  std::string newer = whole;
  newer[8] = 9;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << newer;
  EXPECT_EQ(RegistryFile(path).load().error().code, Errc::newer_format);
}

struct Installed {
  TemporaryFolder folder;
  std::unique_ptr<RegistryFile> file;
  std::unique_ptr<AuditFolder> audit;
  std::unique_ptr<Registry> registry;
  explicit Installed(SaveGate gate = {}) { reopen(std::move(gate)); }
  void reopen(SaveGate gate = {}) {
    registry.reset();
    file = std::make_unique<RegistryFile>(folder.path() / "registry", std::move(gate));
    audit = AuditFolder::open(folder.path() / "audit").value();
    registry = Registry::load(*file, *audit, system_entropy(), kNow).value();
  }
  NewSession first_administrator() {
    const NewLink link = registry->issue_first_run_token(false, kNow).value();
    return registry
        ->create_first_administrator(link.token.reveal(), {"ana@example.org", "Ana", Language::spanish, Role::viewer},
                                     "Raíces", "$argon2id$hash", {"192.0.2.1", "browser"}, kNow)
        .value();
  }
};

TEST(Registry, WhatWasAcknowledgedIsThereAfterARestartAndNoSecretIsInTheFile) {
  Installed installed;
  const NewSession session = installed.first_administrator();
  const Principal admin = session.signed_in.principal;
  const Source source = installed.registry->create_source({"web", SourceKind::browser, "ES", ""}, admin, kNow).value();
  EXPECT_EQ(source.write_key.size(), 25U);
  EXPECT_EQ(source.write_key[0], 'c');
  const NewApiKey key =
      installed.registry->create_api_key("deploy", {Scope::configuration_read}, {}, admin, kNow).value();
  EXPECT_TRUE(key.secret.reveal().starts_with("tk_"));
  const std::string bytes = *read_whole(installed.folder.path() / "registry", 1 << 20);
  EXPECT_EQ(bytes.find(key.secret.reveal()), std::string::npos);
  EXPECT_EQ(bytes.find(session.id.reveal()), std::string::npos);

  const Snapshot before = *installed.registry->snapshot();
  installed.reopen();
  EXPECT_EQ(*installed.registry->snapshot(), before);
  EXPECT_EQ(installed.registry->source_by_write_key(source.write_key)->id, source.id);
  EXPECT_FALSE(installed.registry->source_by_write_key("c000000000000000000000000"));
  const auto machine = installed.registry->authenticate_api_key(key.secret.reveal(), "192.0.2.9", kNow);
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->scopes, ScopeSet{Scope::configuration_read});
  ASSERT_TRUE(installed.registry->authenticate_session(session.id.reveal(), "192.0.2.1", kNow));
  EXPECT_TRUE(installed.registry->change(RevokeApiKey{key.key.id}, admin, kNow));
  EXPECT_FALSE(installed.registry->authenticate_api_key(key.secret.reveal(), "192.0.2.9", kNow));
}

TEST(Registry, ASessionEndsByIdlenessAndByAgeAndUseKeepsItAlive) {
  Installed installed;
  const NewSession session = installed.first_administrator();
  const auto lives = [&](Timestamp at) {
    return installed.registry->authenticate_session(session.id.reveal(), "", at).has_value();
  };
  EXPECT_TRUE(lives(kNow + kSessionIdle - milliseconds(1)));
  EXPECT_TRUE(lives(kNow + kSessionIdle + hours(11)));
  EXPECT_FALSE(lives(kNow + kSessionIdle + hours(11) + kSessionIdle));
  Timestamp at = kNow + hours(20);
  while (at < kNow + kSessionLifetime) {
    EXPECT_TRUE(lives(at));
    at = at + hours(11);
  }
  EXPECT_FALSE(lives(kNow + kSessionLifetime)) << "used all the time, and still over";
  EXPECT_TRUE(installed.registry->record_activity(kNow + kSessionLifetime));
  EXPECT_TRUE(installed.registry->snapshot()->sessions.empty());
}

TEST(Registry, ARotatedSessionKeepsItsAgeAndItsOldIdIsWorthless) {
  Installed installed;
  const NewSession session = installed.first_administrator();
  const auto next =
      installed.registry->rotate_session(session.id.reveal(), session.signed_in.principal, kNow + hours(1));
  ASSERT_TRUE(next);
  EXPECT_FALSE(installed.registry->authenticate_session(session.id.reveal(), "", kNow + hours(1)));
  const auto found = installed.registry->authenticate_session(next->id.reveal(), "", kNow + hours(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->session.created_at, kNow);
}

TEST(Registry, AOneTimeTokenWorksOnceHoweverManyTryItAtATime) {
  Installed installed;
  const NewLink link = installed.registry->issue_first_run_token(false, kNow).value();
  std::atomic<int> succeeded{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto made = installed.registry->create_first_administrator(
          link.token.reveal(), {"a" + std::to_string(i) + "@example.org", "A", Language::french, Role::viewer}, "",
          "$argon2id$hash", {}, kNow);
      ++(made ? succeeded : refused);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(installed.registry->snapshot()->users.size(), 1U);
}

TEST(Registry, AnInvitationSetsThePasswordOnceAndExpires) {
  Installed installed;
  const Principal admin = installed.first_administrator().signed_in.principal;
  const NewLink link =
      installed.registry->invite_user({"bo@example.org", "Bo", Language::french, Role::frontline}, admin, kNow).value();
  EXPECT_EQ(installed.registry->look_at_token(link.token.reveal(), kNow)->user->email, "bo@example.org");
  EXPECT_EQ(installed.registry->look_at_token(link.token.reveal(), kNow + kInvitationLifetime).error().code,
            Errc::token_invalid);
  const auto in = installed.registry->accept_link(link.token.reveal(), "$argon2id$bo", "Bob", std::nullopt, {}, kNow);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->signed_in.principal.scopes, scopes_of(Role::frontline));
  EXPECT_FALSE(
      installed.registry->accept_link(link.token.reveal(), "$argon2id$eve", std::nullopt, std::nullopt, {}, kNow));
  // A reset ends what the old password opened.
  const NewLink reset = installed.registry->issue_user_link(link.user_id, admin, kNow).value();
  EXPECT_EQ(reset.purpose, TokenPurpose::reset);
  EXPECT_TRUE(
      installed.registry->accept_link(reset.token.reveal(), "$argon2id$new", std::nullopt, std::nullopt, {}, kNow));
  EXPECT_FALSE(installed.registry->authenticate_session(in->id.reveal(), "", kNow));
}

TEST(Registry, ADemoLinkSignsInTheSameAdministratorAtEachStartAndADemoNeverGoesLive) {
  Installed installed;
  for (int start = 0; start < 2; ++start) {
    const NewLink link = installed.registry->issue_first_run_token(true, kNow).value();
    const auto in = installed.registry->sign_in_to_demo(link.token.reveal(), Language::french, {}, kNow);
    ASSERT_TRUE(in);
    EXPECT_TRUE(in->signed_in.principal.scopes.allows(Scope::users_write));
    EXPECT_FALSE(installed.registry->sign_in_to_demo(link.token.reveal(), Language::french, {}, kNow));
  }
  EXPECT_EQ(installed.registry->snapshot()->users.size(), 1U);
}

TEST(Registry, AFailedSaveIsNotAcknowledgedAndStopsEveryLaterChange) {
  bool is_full = false;
  Installed installed([&](SaveStep) { return !is_full; });
  const Principal admin = installed.first_administrator().signed_in.principal;
  const auto before = installed.registry->snapshot();
  is_full = true;
  EXPECT_EQ(installed.registry->create_source({"web", SourceKind::server, "", ""}, admin, kNow).error().code,
            Errc::storage_failed);
  EXPECT_TRUE(installed.registry->failed());
  is_full = false;
  EXPECT_EQ(installed.registry->create_source({"web", SourceKind::server, "", ""}, admin, kNow).error().code,
            Errc::storage_failed);
  EXPECT_EQ(installed.registry->snapshot(), before);
  // The audit log has an entry of the change that was lost; the next start says so, once.
  const uint64_t number = installed.audit->head().number;
  installed.reopen();
  EXPECT_EQ(installed.audit->entry(number + 1)->note.action, "change_lost");
  installed.reopen();
  EXPECT_EQ(installed.audit->head().number, number + 1);
  EXPECT_TRUE(installed.registry->create_source({"web", SourceKind::server, "", ""}, admin, kNow));
}

TEST(Registry, RefusesToOpenWhenTheAuditLogWasCutOrRewritten) {
  Installed installed;
  installed.first_administrator();
  const auto path = installed.folder.path() / "audit" / "000000000001.jsonl";
  const std::string whole = *read_whole(path, 1 << 20);
  const std::string cut = whole.substr(0, whole.find('\n') + 1);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << cut;
  const auto audit = AuditFolder::open(installed.folder.path() / "audit").value();
  EXPECT_EQ(Registry::load(*installed.file, *audit, system_entropy(), kNow).error(),
            (Error{Errc::corrupt, "audit", "cut_short"}));
  ASSERT_TRUE(audit->append(Principal::program(), kNow, {"forged", "", "", "", {}}, 0));
  EXPECT_EQ(Registry::load(*installed.file, *audit, system_entropy(), kNow).error(),
            (Error{Errc::corrupt, "audit", "changed"}));
}

TEST(Registry, RejectedKeysAreCountedMaskedAndBounded) {
  Installed installed;
  for (int i = 0; i < 3; ++i) installed.registry->count_rejected_key("cmistyped0123456789012345", kNow);
  for (int i = 0; i < 1000; ++i) installed.registry->count_rejected_key(std::to_string(100'000 + i), kNow);
  const auto rejected = installed.registry->rejected_keys();
  EXPECT_EQ(rejected.size(), kRejectedKeysMax);
  EXPECT_EQ(rejected.front().shown, "cmisty… (25)");
  EXPECT_EQ(rejected.front().count, 3U);
}

}  // namespace
}  // namespace terreno::server
