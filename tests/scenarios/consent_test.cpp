// What people have said no to is obeyed, whenever they say it.

#include "documents.h"
#include "world.h"

namespace terreno::scenarios {
namespace {

using contact::DecisionState;

constexpr const char* kAna =
    R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}})";
constexpr const char* kSignedUp = R"({"type":"track","userId":"u-1","messageId":"m2","event":"Signed Up"})";

TEST(Consent, WithoutAGrantNothingLeaves) {
  tell(welcome_documents(), [](World& world) {
    world.server(std::string(kAna) + "," + kSignedUp);
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    const auto decisions = world.decisions(*world.user("u-1"));
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].state, DecisionState::refused_consent);
    EXPECT_EQ(decisions[0].refusal, "no_grant");
  });
}

TEST(Consent, AWithdrawalBetweenDecisionAndSendIsObeyed) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(kAna);
    world.settle();
    world.before_claim = [&](const channels::Claim&) {
      world.before_claim = nullptr;
      world.consent(consent::Action::withdraw, "ana@example.org");
    };
    world.server(kSignedUp);
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    const auto decisions = world.decisions(*world.user("u-1"));
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].state, DecisionState::refused_consent);
    EXPECT_EQ(decisions[0].refusal, "topic_withdrawn");
  });
}

TEST(Consent, AnObjectionReachesAnAddressThatIsBoundLater) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.consent(consent::Action::grant, "ana@work.example");
    world.server(kAna);
    world.settle();
    world.object(world.user("u-1")->id, {"ana@example.org"});
    world.settle();
    world.server(R"({"type":"identify","userId":"u-1","messageId":"m5","traits":{"email":"ana@work.example"}},)" +
                 std::string(kSignedUp));
    world.settle();
    EXPECT_TRUE(world.mails.empty());
    const auto ana = world.user("u-1");
    for (const consent::PermissionCopy& copy : ana->permissions) {
      EXPECT_EQ(copy.state_of({"tips", "marketing", ""}, world.now()), consent::PermissionState::unsubscribed)
          << copy.address.value;
    }
    EXPECT_EQ(ana->permissions.size(), 2u);
  });
}

TEST(Consent, APermanentRefusalOfTheRecipientSuppressesTheAddress) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.receiver = [](const Mail&) { return channels::Ending::not_sent_final; };
    world.server(std::string(kAna) + "," + kSignedUp);
    world.settle();
    const auto ana = world.user("u-1");
    ASSERT_EQ(world.decisions(*ana).size(), 1u);
    EXPECT_EQ(world.decisions(*ana)[0].state, DecisionState::bounced);
    ASSERT_EQ(ana->permissions.size(), 1u);
    EXPECT_EQ(ana->permissions[0].state_of({"tips", "marketing", ""}, world.now()),
              consent::PermissionState::suppressed);
  });
}

// An address that anybody could have written into a page does not get her letters, though it comes first by its
// letters.
TEST(Consent, AnAddressClaimedWithAPublicKeyGetsNoneOfHerLetters) {
  std::vector<flow::Document> documents = welcome_documents();
  documents.push_back({"journeys/receipt.yaml",
                       "kind: journey\nname: receipt\nspec:\n  owner: Marta\n  reply_to: hola@example.org\n  trigger: "
                       "{event: Order Completed}\n  entry_key: event.order_id\n  steps:\n    - send: {template: hello, "
                       "class: transactional, basis: contract}\n"});
  tell(documents, [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(
        R"({"type":"identify","userId":"u-1","messageId":"m1","traits":{"email":"ana@example.org","country":"ES"}})");
    world.settle();
    world.browser(R"({"type":"identify","userId":"u-1","messageId":"m2","traits":{"email":"aaa@evil.example"}})");
    world.settle();
    world.server(
        R"({"type":"track","userId":"u-1","messageId":"m3","event":"Signed Up"},
           {"type":"track","userId":"u-1","messageId":"m4","event":"Order Completed","properties":{"order_id":"R-1"}})");
    world.settle();
    ASSERT_EQ(world.mails.size(), 2u);
    for (const Mail& mail : world.mails) EXPECT_EQ(mail.to, "ana@example.org");
    const Mail& receipt = world.mails[0].proof.rule == consent::Rule::transactional ? world.mails[0] : world.mails[1];
    EXPECT_EQ(receipt.proof.basis, consent::LegalBasis::contract);
    EXPECT_EQ(receipt.proof.basis_evidence, "R-1");
    // Without what proves it, a transactional message needs consent that nobody gave.
    world.server(R"({"type":"track","userId":"u-1","messageId":"m5","event":"Order Completed"})");
    world.settle();
    EXPECT_EQ(world.mails.size(), 2u);
    bool was_refused = false;
    for (const contact::Decision& decision : world.decisions(*world.user("u-1")))
      was_refused = was_refused || decision.refusal == "transactional_without_basis";
    EXPECT_TRUE(was_refused);
  });
}

TEST(Consent, AKeyFromAPublicSourceDoesNotTakeOverAPerson) {
  tell(welcome_documents(), [](World& world) {
    world.consent(consent::Action::grant, "ana@example.org");
    world.server(kAna);
    world.server(R"({"type":"identify","userId":"eve","messageId":"e0","traits":{"email":"eve@example.org"}})");
    world.settle();
    // Eve's browser says that her account is Ana, and that Ana's address is hers.
    world.browser(R"({"type":"identify","userId":"eve","messageId":"e1","traits":{"email":"ana@example.org"}},
                     {"type":"alias","userId":"u-1","previousId":"eve","messageId":"e2"})");
    world.settle();
    const auto ana = world.user("u-1");
    const auto eve = world.user("eve");
    ASSERT_TRUE(ana && eve);
    EXPECT_NE(ana->id, eve->id);
    EXPECT_EQ(world.person(events::IdentifierKind::email, "ana@example.org")->id, ana->id);
    EXPECT_FALSE(eve->has({events::IdentifierKind::email, "ana@example.org"}));
    EXPECT_FALSE(eve->is_identity_open());
    EXPECT_EQ(world.people(), 2u);
  });
}

}  // namespace
}  // namespace terreno::scenarios
