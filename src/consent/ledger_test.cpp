// The ledger as evidence: chain, tree, fold and erasure; and random sequences against the law written a second time.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "consent/consent_testing.h"

namespace terreno::consent {
namespace {

constexpr Timestamp kMorning{1'764'000'000'000};
const Address kAna{Channel::email, "ana@example.org"};

struct Dice {
  uint64_t state;
  uint64_t next(uint64_t sides) {
    state = derive_id({state, 1}, 0).low;
    return state % sides;
  }
};

ConsentAct random_act(Dice& dice, Timestamp at, std::string_view country) {
  constexpr std::array kActions{Action::grant,  Action::grant,    Action::request, Action::confirm,
                                Action::refuse, Action::withdraw, Action::object,  Action::expire};
  ConsentAct act;
  act.address = kAna;
  act.action = kActions[dice.next(kActions.size())];
  act.scope = {dice.next(2) != 0 ? "offers" : "news", "marketing", dice.next(2) != 0 ? "raices" : ""};
  if (act.action == Action::withdraw || act.action == Action::refuse || act.action == Action::object) {
    if (dice.next(3) == 0) act.scope.topic.clear();
    if (dice.next(2) == 0) act.scope.purpose.clear();
  }
  act.legal_basis = LegalBasis::consent;
  act.method = Method::tick;
  act.is_explicit = dice.next(4) != 0;
  act.text_version = "1";
  act.received_at = at;
  act.occurred_at = at - minutes(static_cast<int64_t>(dice.next(4)));
  act.jurisdiction.claimed = country;
  act.actor = {dice.next(3) != 0 ? ActorKind::person : ActorKind::operator_, "x"};
  if (act.action == Action::grant && dice.next(4) == 0)
    act.expires_at = at + minutes(static_cast<int64_t>(dice.next(6)));
  act.visibility = dice.next(4) != 0 ? events::Visibility::secret_source : events::Visibility::public_source;
  act.random_bits = std::string(32, 'r');
  return act;
}

// The law for one scope, as a person would tell it. Nothing here is shared with the code under test.
struct Model {
  Scope scope;
  bool needs_confirmation = false;
  bool granted = false;
  bool confirmed = false;
  std::optional<Timestamp> granted_until = {};
  bool asked = false;
  Timestamp asked_until = {};
  std::optional<Timestamp> opted_out_at = {};  ///< the latest time of any opt-out so far

  void hear(const ConsentAct& act) {
    const bool own = act.actor.kind == ActorKind::person && act.is_explicit;
    const bool secret = act.visibility == events::Visibility::secret_source;
    const bool mine = act.scope == scope;
    const auto matches = [](const std::string& pattern, const std::string& text) {
      return pattern.empty() || pattern == text;
    };
    const bool reaches_me = matches(act.scope.topic, scope.topic) && matches(act.scope.purpose, scope.purpose) &&
                            matches(act.scope.brand, scope.brand);
    if (act.action == Action::withdraw || act.action == Action::refuse || act.action == Action::object) {
      if (!reaches_me) return;
      granted = confirmed = asked = false;
      if (!opted_out_at || *opted_out_at < act.occurred_at) opted_out_at = act.occurred_at;
    } else if (!mine) {
      return;
    } else if (act.action == Action::request || (act.action == Action::grant && !secret)) {
      if (!secret && (granted || (asked && asked_until > act.received_at))) return;
      asked = true;
      asked_until = act.expires_at.value_or(act.received_at + days(7));
    } else if (act.action == Action::grant) {
      if (!granted && opted_out_at && (!own || act.occurred_at < *opted_out_at)) return;
      if (granted && granted_until && *granted_until <= act.received_at) confirmed = false;
      confirmed = granted && confirmed;
      granted = true;
      granted_until = act.expires_at;
    } else if (act.action == Action::confirm && own && secret) {
      if (asked && asked_until > act.received_at) {
        granted = confirmed = true;
        asked = false;
        granted_until.reset();
      } else if (granted && !asked) {
        confirmed = true;
      }
    } else if (act.action == Action::expire && secret) {
      granted = confirmed = asked = false;
    }
  }
  [[nodiscard]] bool may_send(Timestamp now) const {
    return granted && (!granted_until || *granted_until > now) && (confirmed || !needs_confirmation);
  }
};

TEST(Ledger, TenThousandRandomLivesAgreeWithTheLawToldPlainly) {
  const std::array<Scope, 4> scopes{{{"offers", "marketing", "raices"},
                                     {"offers", "marketing", ""},
                                     {"news", "marketing", "raices"},
                                     {"news", "marketing", ""}}};
  uint64_t permitted = 0;
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    Dice dice{seed};
    const bool german = dice.next(2) != 0;
    MapContext context;
    std::vector<Model> models;
    for (const Scope& scope : scopes) models.push_back({.scope = scope, .needs_confirmation = german});
    for (int step = 1; step <= 8; ++step) {
      const Timestamp at = kMorning + minutes(step);
      const ConsentAct act = random_act(dice, at, german ? "DE" : "GB");
      const ActOutcome outcome = context.apply(act);
      ASSERT_FALSE(outcome.refused && narrows(act.action) && act.action != Action::expire) << "seed " << seed;
      for (Model& model : models) {
        model.hear(act);
        SendRequest request;
        request.address = kAna;
        request.scope = model.scope;
        const bool may = context.ask(request).has_value();
        ASSERT_EQ(may, model.may_send(at)) << "seed " << seed << " step " << step << " " << name_of(act.action);
        permitted += may ? 1 : 0;
        if (outcome.permission) {
          const bool copied = outcome.permission->state_of(model.scope, at) == PermissionState::subscribed;
          ASSERT_EQ(copied, may) << "the copy at the person's home, seed " << seed << " step " << step;
        }
      }
    }
    if (seed % 100 == 0) {
      context.reload();
      const LedgerVerdict verdict = context.verify();
      ASSERT_TRUE(verdict.holds()) << verdict.findings.front();
    }
  }
  EXPECT_GT(permitted, 10'000U) << "lives in which nothing is ever allowed prove nothing";
}

TEST(Ledger, AWithdrawalBeatsEverythingBefore) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Dice dice{seed};
    MapContext context;
    for (int step = 1; step <= 8; ++step) context.apply(random_act(dice, kMorning + minutes(step), "GB"));
    ConsentAct withdrawal = random_act(dice, kMorning + minutes(20), "GB");
    withdrawal.action = Action::withdraw;
    withdrawal.scope = {};
    withdrawal.visibility = events::Visibility::public_source;
    ASSERT_FALSE(context.apply(withdrawal).refused);
    for (const std::string_view topic : {"offers", "news"}) {
      SendRequest request;
      request.address = kAna;
      request.scope = {std::string(topic), "marketing", "raices"};
      EXPECT_FALSE(context.ask(request)) << "seed " << seed;
    }
  }
}

MapContext three_people() {
  MapContext context;
  Dice dice{3};
  for (int i = 0; i < 9; ++i) {
    ConsentAct act = random_act(dice, kMorning + minutes(i), "GB");
    act.action = i % 3 == 2 ? Action::withdraw : Action::request;
    act.visibility = events::Visibility::secret_source;
    act.scope.topic = "offers" + std::to_string(i % 3);
    act.address.value = "person" + std::to_string(i % 2) + "@example.org";
    context.apply(act);
  }
  return context;
}

TEST(Ledger, DestroyingPersonalFieldsKeepsChainAndTreeValid) {
  MapContext context = three_people();
  const Id128 key = key_of({Channel::email, "person1@example.org"});
  const Hash root = context.find<LedgerShard>(LedgerShard::kId)->root();
  auto* const ledger = context.mutate<AddressLedger>(key);
  const size_t count = ledger->entries().size();
  ledger->destroy_personal();
  std::string bytes;
  Writer out(bytes);
  ledger->encode(out);
  EXPECT_EQ(bytes.find("person1"), std::string::npos);
  context.reload();
  const LedgerVerdict verdict = context.verify();
  EXPECT_TRUE(verdict.holds());
  EXPECT_EQ(verdict.commitments_closed, count);
  EXPECT_EQ(verdict.commitments_opened, verdict.entries - count);
  EXPECT_EQ(context.find<LedgerShard>(LedgerShard::kId)->root(), root);
}

TEST(Ledger, AnErasureTakesGrantsAndKeepsWhatWasRefused) {
  MapContext context;
  Dice dice{1};
  ConsentAct act = random_act(dice, kMorning, "GB");
  act.action = Action::grant;
  act.scope = {"news", "marketing", ""};
  act.visibility = events::Visibility::secret_source;
  context.apply(act);
  act.action = Action::withdraw;
  act.scope.topic = "offers";
  context.apply(act);
  context.mutate<AddressLedger>(key_of(kAna))->destroy_personal();
  SendRequest request;
  request.address = kAna;
  request.scope = {"news", "marketing", ""};
  EXPECT_EQ(context.ask(request).error().rule, Rule::no_grant);
  request.scope.topic = "offers";
  EXPECT_EQ(context.ask(request).error().rule, Rule::topic_withdrawn);
}

TEST(Ledger, AnyChangedByteIsFound) {
  const MapContext context = three_people();
  const LedgerShard& shard = *context.find<LedgerShard>(LedgerShard::kId);
  const AddressLedger& honest = *context.ledgers().front();
  const AddressLedger* const other = context.ledgers().back();
  const auto forge = [&](auto change) {
    AddressLedger forged(honest.address());
    for (ConsentEntry entry : honest.entries()) {
      if (entry.entry_id == honest.entries()[1].entry_id) change(entry);
      forged.append(entry);
    }
    const std::array<const AddressLedger*, 2> ledgers{&forged, other};
    return verify_ledger(ledgers, shard).holds();
  };
  EXPECT_TRUE(forge([](ConsentEntry&) {}));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.act.scope.topic = "x"; }));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.act.received_at.ms += 1; }));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.act.ip_truncated = "192.0.2.0"; }));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.commitment[0] ^= 1; }));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.blinding[0] ^= 1; }));
  EXPECT_FALSE(forge([](ConsentEntry& entry) { entry.prev_hash[0] ^= 1; }));
  const std::array<const AddressLedger*, 1> one_missing{&honest};
  EXPECT_FALSE(verify_ledger(one_missing, shard).holds());
}

// RFC 6962 §2.1, recursively, as it is written there.
Hash tree_hash(std::span<const Hash> leaves) {
  if (leaves.size() == 1) return leaves.front();
  size_t left = 1;
  while (left * 2 < leaves.size()) left *= 2;
  return sha256(std::string(1, '\1')
                    .append(view_of(tree_hash(leaves.first(left))))
                    .append(view_of(tree_hash(leaves.subspan(left)))));
}

TEST(Ledger, TheRootIsThatOfRfc6962AtEverySize) {
  LedgerShard shard;
  EXPECT_EQ(hex(shard.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  std::vector<Hash> leaves;
  for (uint64_t size = 1; size <= 70; ++size) {
    ConsentEntry entry;
    entry.entry_id = size;
    entry.prev_hash = shard.head();
    shard.append(entry);
    leaves.push_back(entry.leaf_hash());
    ASSERT_EQ(shard.root(), tree_hash(leaves)) << size;
  }
}

// The formula of docs/formats/consent.md, written out: an offline verifier relies on it.
TEST(Ledger, TheChainBindsEachEntryToTheOneBefore) {
  const MapContext context = three_people();
  for (const AddressLedger* ledger : context.ledgers()) {
    for (const ConsentEntry& entry : ledger->entries()) {
      std::string bytes;
      for (const uint8_t byte : entry.prev_hash) bytes.push_back(static_cast<char>(byte));
      bytes += entry.open_bytes();
      for (const uint8_t byte : entry.commitment) bytes.push_back(static_cast<char>(byte));
      EXPECT_EQ(entry.entry_hash(), sha256(bytes));
    }
  }
}

TEST(Crypto, AgreesWithPublishedVectors) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231, case 2
  // RFC 5869, case 3: no salt, no info; the first 32 bytes of its output.
  EXPECT_EQ(hex(hkdf_sha256(std::string(22, '\x0b'), "")),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(Act, ReadsBackAsItWasWritten) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Dice dice{seed};
    ConsentAct act = random_act(dice, kMorning, "ES");
    act.evidence = {{EvidenceKind::order, "A-17"}, {EvidenceKind::note, "por teléfono"}};
    act.confirmation = {"aa", kMorning, kMorning, "192.0.2.0"};
    act.origin = {seed, 1};
    std::string bytes;
    Writer out(bytes);
    act.encode(out);
    Reader in(bytes);
    ASSERT_EQ(ConsentAct::decode(in), act);
    ASSERT_TRUE(in.done());
    Reader cut(std::string_view(bytes).substr(0, dice.next(bytes.size())));
    (void)ConsentAct::decode(cut);
    ASSERT_FALSE(cut.done());
  }
}

}  // namespace
}  // namespace terreno::consent
