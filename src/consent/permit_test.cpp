// Precedence, one rule at a time, and what may and may not widen a permission.

#include <gtest/gtest.h>

#include "consent/consent_testing.h"

namespace terreno::consent {
namespace {

constexpr Timestamp kMorning{1'764'000'000'000};
const Address kAna{Channel::email, "ana@example.org"};
const Scope kOffers{"offers", "marketing", "raices"};

ConsentAct act_of(Action action, Timestamp at, Scope scope = kOffers) {
  ConsentAct act;
  act.action = action;
  act.address = kAna;
  act.scope = std::move(scope);
  act.legal_basis = LegalBasis::consent;
  act.method = Method::tick;
  act.is_explicit = true;
  act.text_version = "wording-1";
  act.occurred_at = at;
  act.received_at = at;
  act.jurisdiction.claimed = "GB";
  act.actor = {ActorKind::person, "ana"};
  act.visibility = events::Visibility::secret_source;
  act.random_bits = std::string(32, 'r');
  return act;
}
SendRequest message(Scope scope = kOffers, MessageClass message_class = MessageClass::commercial) {
  SendRequest request;
  request.address = kAna;
  request.scope = std::move(scope);
  request.message_class = message_class;
  request.decision = {{1, 2}};
  return request;
}
Timestamp after(int64_t minutes_later) { return kMorning + minutes(minutes_later); }
std::string_view answer(const MapContext& context, const SendRequest& request = message()) {
  const auto proof = context.ask(request);
  return name_of(proof ? proof->record().rule : proof.error().rule);
}

TEST(Permit, NothingSaidIsNo) { EXPECT_EQ(answer(MapContext()), "no_grant"); }

TEST(Permit, AGrantOpensExactlyItsScopeAndAddress) {
  MapContext context;
  const ActOutcome outcome = context.apply(act_of(Action::grant, kMorning));
  EXPECT_EQ(outcome.entry_id, 1U);
  EXPECT_EQ(answer(context), "granted");
  for (const Scope& other : {Scope{"news", "marketing", "raices"}, Scope{"offers", "research", "raices"},
                             Scope{"offers", "marketing", "meses"}, Scope{"offers", "marketing", ""}, Scope{}})
    EXPECT_EQ(answer(context, message(other)), "no_grant");
  SendRequest elsewhere = message();
  elsewhere.address.value = "ana+x@example.org";
  EXPECT_EQ(answer(context, elsewhere), "no_grant");
  elsewhere = message();
  elsewhere.address.channel = Channel::sms;
  EXPECT_EQ(answer(context, elsewhere), "no_grant");
}

TEST(Permit, TheProofNamesEntriesRootPackAndPosition) {
  MapContext context({7});
  context.apply(act_of(Action::grant, kMorning));
  const auto proof = context.ask(message());
  ASSERT_TRUE(proof);
  const ProofRecord& record = proof->record();
  EXPECT_EQ(record.entry_ids, std::vector<uint64_t>{1});
  EXPECT_EQ(record.ledger_size, 1U);
  EXPECT_EQ(record.ledger_root, context.ledgers().front()->entries().front().leaf_hash());
  EXPECT_EQ(record.region, "GB");
  EXPECT_EQ(record.partition.number, 7);
  EXPECT_EQ(record.position.value, 1U);
  std::string bytes;
  Writer out(bytes);
  record.encode(out);
  Reader in(bytes);
  EXPECT_EQ(ProofRecord::decode(in), record);
  EXPECT_TRUE(in.done());
}

// Each layer hides the ones before it: docs/concepts/consent.md, Precedence.
TEST(Permit, TheFirstRuleThatAppliesDecides) {
  MapContext context;
  ConsentAct grant = act_of(Action::grant, after(0));
  grant.jurisdiction.claimed = "DE";
  context.apply(grant);
  EXPECT_EQ(answer(context), "confirmation_missing");
  grant.expires_at = after(2);
  grant.occurred_at = grant.received_at = after(1);
  context.apply(grant);
  context.next_record(after(3));
  EXPECT_EQ(answer(context), "expired");
  context.apply(act_of(Action::withdraw, after(4)));
  EXPECT_EQ(answer(context), "topic_withdrawn");
  context.apply(act_of(Action::withdraw, after(5), {}));
  EXPECT_EQ(answer(context), "channel_withdrawn");
  ConsentAct objection = act_of(Action::object, after(6), {});
  objection.origin = {9, 9};
  context.apply(objection);
  EXPECT_EQ(answer(context), "objected");
  context.apply(act_of(Action::pause, after(7), {}));
  EXPECT_EQ(answer(context), "paused");
  context.apply(suppress_for_bounce(kAna, BounceKind::complaint, "spam", after(8), after(8)));
  EXPECT_EQ(answer(context), "suppressed");
  SendRequest receipt = message(kOffers, MessageClass::transactional);
  receipt.basis_evidence = "R-1";
  EXPECT_EQ(answer(context, receipt), "transactional");
  context.apply(suppress_for_bounce(kAna, BounceKind::hard, "550 5.1.1", after(9), after(9)));
  EXPECT_EQ(answer(context, receipt), "suppressed");
  EXPECT_TRUE(context.verify().holds());
}

TEST(Permit, ARefusalNamesTheEntriesItRead) {
  MapContext context;
  context.apply(act_of(Action::grant, after(0)));
  context.apply(act_of(Action::withdraw, after(1)));
  const auto refused = context.ask(message());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().entry_ids, std::vector<uint64_t>{2});
  std::string bytes;
  Writer out(bytes);
  refused.error().encode(out);
  Reader in(bytes);
  EXPECT_EQ(Refusal::decode(in), refused.error());
}

TEST(Permit, EntriesAfterThePositionDoNotCount) {
  MapContext context;
  context.apply(act_of(Action::grant, after(0)));
  context.apply(act_of(Action::withdraw, after(1)));
  EXPECT_TRUE(permit(context, message(), {1}));
  EXPECT_FALSE(permit(context, message(), {2}));
}

TEST(Permit, ATransactionalMessageNeedsABasisOfItsOwn) {
  SendRequest request = message(kOffers, MessageClass::transactional);
  EXPECT_EQ(answer(MapContext(), request), "transactional_without_basis") << "nothing proves it";
  request.basis_evidence = "R-1";
  EXPECT_EQ(answer(MapContext(), request), "transactional");
  request.transactional_basis = LegalBasis::legitimate_interest;
  EXPECT_EQ(answer(MapContext(), request), "transactional_without_basis");
}

TEST(Permit, APauseEndsByItselfOrWhenThePersonLiftsIt) {
  MapContext context;
  context.apply(act_of(Action::grant, after(0)));
  ConsentAct pause = act_of(Action::pause, after(1), {});
  pause.expires_at = after(10);
  context.apply(pause);
  EXPECT_EQ(answer(context), "paused");
  ConsentAct lift = act_of(Action::lift, after(2), {});
  lift.actor = {ActorKind::operator_, "luis"};
  EXPECT_EQ(context.apply(lift).refused, ActRefusal::only_the_person_may_lift);
  context.next_record(after(10));
  EXPECT_EQ(answer(context), "granted");
  pause.expires_at.reset();
  context.apply(pause);
  EXPECT_EQ(answer(context), "paused");
  context.apply(act_of(Action::lift, after(12), {}));
  EXPECT_EQ(answer(context), "granted");
}

TEST(Permit, OnlyTheirOwnConfirmedActLiftsASuppression) {
  MapContext context;
  context.apply(act_of(Action::grant, after(0)));
  context.apply(suppress_for_bounce(kAna, BounceKind::hard, "550", after(1), after(1)));
  ConsentAct lift = act_of(Action::lift, after(2), {});
  EXPECT_EQ(context.apply(lift).refused, ActRefusal::only_the_person_may_lift);
  lift.confirmation.confirmed_at = after(2);
  EXPECT_EQ(context.apply(lift).refused, std::nullopt);
  EXPECT_EQ(answer(context), "granted");
}

TEST(Permit, ASoftOptInNeedsAPointerForEachCondition) {
  const auto kinds = {EvidenceKind::sale, EvidenceKind::legal_entity, EvidenceKind::similar_products,
                      EvidenceKind::objection_offered};
  for (const EvidenceKind missing : kinds) {
    MapContext context;
    ConsentAct grant = act_of(Action::grant, kMorning);
    grant.legal_basis = LegalBasis::soft_opt_in;
    for (const EvidenceKind kind : kinds) grant.evidence.push_back({kind, kind == missing ? "" : "A-17"});
    context.apply(grant);
    EXPECT_EQ(answer(context), "exception_incomplete");
    for (Evidence& pointer : grant.evidence) pointer.value = "A-17";
    context.apply(grant);
    EXPECT_EQ(answer(context), "soft_opt_in");
  }
}

TEST(Permit, AnUnknownCountryGetsTheStrictestRules) {
  MapContext context;
  ConsentAct grant = act_of(Action::grant, kMorning);
  grant.jurisdiction = {};
  context.apply(grant);
  EXPECT_EQ(answer(context), "confirmation_missing");
  ConsentAct confirm = act_of(Action::confirm, after(1));
  context.apply(confirm);
  EXPECT_EQ(answer(context), "granted");
  EXPECT_EQ(context.ask(message())->record().region, "strictest");
}

TEST(Permit, ABasisThatOneCountryAllowsIsNotAllowedInAnother) {
  MapContext context;
  ConsentAct grant = act_of(Action::grant, kMorning);
  grant.legal_basis = LegalBasis::legitimate_interest;
  grant.jurisdiction.claimed = "US";
  context.apply(grant);
  EXPECT_EQ(answer(context), "granted");
  SendRequest to_france = message();
  to_france.region = "FR";
  EXPECT_EQ(answer(context, to_france), "basis_not_allowed");
}

TEST(Permit, AnImportWithoutProofStaysClosedWhereProofIsAskedFor) {
  MapContext context;
  ConsentAct import = act_of(Action::grant, kMorning);
  import.actor = {ActorKind::import_job, "list-1"};
  import.text_version.clear();
  context.apply(import);
  EXPECT_EQ(answer(context), "unproven");
  context.apply(act_of(Action::grant, after(1)));
  EXPECT_EQ(answer(context), "granted");
  import.received_at = after(2);
  context.apply(import);
  EXPECT_EQ(answer(context), "granted") << "the list, imported once more, undoes nothing";
}

TEST(Act, APublicSourceOnlyAsks) {
  MapContext context;
  ConsentAct grant = act_of(Action::grant, after(0));
  grant.visibility = events::Visibility::public_source;
  const ActOutcome outcome = context.apply(grant);
  EXPECT_TRUE(outcome.entered_as_request);
  EXPECT_EQ(answer(context), "confirmation_missing");
  EXPECT_EQ(context.apply(grant).repeats_entry_id, 1U) << "asking again says nothing new";
  ConsentAct confirm = act_of(Action::confirm, after(1));
  confirm.visibility = events::Visibility::public_source;
  EXPECT_EQ(context.apply(confirm).refused, ActRefusal::not_for_public_source);
  confirm.visibility = events::Visibility::secret_source;
  EXPECT_NE(context.apply(confirm).entry_id, 0U);
  EXPECT_EQ(answer(context), "granted");
  EXPECT_NE(context.apply(confirm).repeats_entry_id, 0U) << "a confirmation is taken once";
}

TEST(Act, ARequestCanBeConfirmedForSevenDaysAndWithItsOwnToken) {
  MapContext context;
  ConsentAct request = act_of(Action::request, after(0));
  request.confirmation.token_hash = "aa";
  context.apply(request);
  ConsentAct confirm = act_of(Action::confirm, after(1));
  confirm.confirmation.token_hash = "bb";
  EXPECT_EQ(context.apply(confirm).refused, ActRefusal::token_does_not_match);
  confirm.confirmation.token_hash = "aa";
  confirm.occurred_at = confirm.received_at = kMorning + days(7);
  EXPECT_EQ(context.apply(confirm).refused, ActRefusal::nothing_to_confirm);
  EXPECT_EQ(answer(context), "expired");
}

TEST(Act, AfterAnOptOutOnlyTheirOwnExplicitActGrants) {
  MapContext context;
  context.apply(act_of(Action::withdraw, after(0), {"offers", "", ""}));
  ConsentAct grant = act_of(Action::grant, after(1));
  grant.actor = {ActorKind::operator_, "luis"};
  EXPECT_EQ(context.apply(grant).refused, ActRefusal::opted_out_needs_own_act);
  grant.actor = {ActorKind::person, "ana"};
  grant.is_explicit = false;
  EXPECT_EQ(context.apply(grant).refused, ActRefusal::opted_out_needs_own_act);
  grant.is_explicit = true;
  grant.occurred_at = kMorning - minutes(1);
  EXPECT_EQ(context.apply(grant).refused, ActRefusal::older_than_opt_out) << "a queue delivered it late";
  grant.occurred_at = after(1);
  EXPECT_EQ(context.apply(grant).refused, std::nullopt);
  EXPECT_EQ(answer(context), "granted");
}

TEST(Act, ACorrectionNarrowsAndNeverWidens) {
  MapContext context;
  context.apply(act_of(Action::grant, after(0)));
  ConsentAct correct = act_of(Action::correct, after(1));
  correct.refers_to = 1;
  EXPECT_EQ(context.apply(correct).refused, std::nullopt);
  EXPECT_EQ(answer(context), "no_grant");
  context.apply(act_of(Action::withdraw, after(2)));
  correct.refers_to = 3;
  EXPECT_EQ(context.apply(correct).refused, ActRefusal::cannot_widen);
  correct.refers_to = 77;
  EXPECT_EQ(context.apply(correct).refused, ActRefusal::no_such_entry);
}

TEST(Act, AnObjectionIsCarriedToEachAddressOnce) {
  ObjectionSet objections;
  ConsentAct objection = act_of(Action::object, after(0), {});
  objection.origin = {5, 6};
  objections.note(objection);
  objections.note(objection);
  MapContext context;
  for (const ConsentAct& act : objections.carry_to(kAna, after(1))) context.apply(act);
  EXPECT_EQ(answer(context), "objected");
  context.apply(act_of(Action::grant, after(2)));
  for (const ConsentAct& act : objections.carry_to(kAna, after(3))) EXPECT_NE(context.apply(act).repeats_entry_id, 0U);
  EXPECT_EQ(answer(context), "granted") << "what they granted since is later than the objection";
  std::string bytes;
  Writer out(bytes);
  objections.encode(out);
  Reader in(bytes);
  EXPECT_EQ(ObjectionSet::decode(in), objections);
}

TEST(Act, AMadeUpAddressWithTheSameKeyIsRefused) {
  AddressLedger ledger(Address{Channel::email, "other@example.org"});
  EXPECT_EQ(permit(&ledger, nullptr, message(), {}, {1}, kMorning).error().rule, Rule::address_mismatch);
  MapContext context;
  context.create<AddressLedger>(key_of(kAna), ledger);
  EXPECT_EQ(context.apply(act_of(Action::grant, after(0))).refused, ActRefusal::address_collision);
}

TEST(Act, AtItsBoundTheLedgerClosesAndStillTakesOptOuts) {
  MapContext context;
  uint64_t refused_grants = 0;
  for (size_t i = 0; i < kEntriesPerAddressMax + 10; ++i) {
    const bool grants = i % 2 == 0;
    const ActOutcome outcome =
        context.apply(act_of(grants ? Action::grant : Action::withdraw, kMorning + seconds(static_cast<int64_t>(i))));
    if (grants && outcome.refused == ActRefusal::ledger_full) ++refused_grants;
    ASSERT_TRUE(grants || !outcome.refused);
  }
  EXPECT_GT(refused_grants, 0U);
  EXPECT_LE(context.ledgers().front()->entries().size(), kEntriesPerAddressMax);
  EXPECT_NE(answer(context), "granted");
}

}  // namespace
}  // namespace terreno::consent
