// What outsiders meet: links, pages, and the API's body.

#include <gtest/gtest.h>

#include "consent/consent_testing.h"

namespace terreno::consent {
namespace {

constexpr Timestamp kMorning{1'764'000'000'000};

LinkKeys keys(uint8_t id = 1, std::string secret = "the installation's key, first") {
  return LinkKeys({{id, Secret(std::move(secret))}});
}
LinkClaims claims() {
  return {LinkAction::unsubscribe,
          {Channel::email, "ana@example.org"},
          {"offers", "marketing", "raices"},
          DecisionId{{0x0123456789abcdef, 7}}};
}

LinkClick press(int64_t minutes_later, Method method = Method::link, bool everything = false) {
  LinkClick click;
  click.method = method;
  click.everything = everything;
  click.received_at = kMorning + minutes(minutes_later);
  return click;
}

TEST(Link, ReadsBackWhatItWasMadeFor) {
  const std::string token = make_token(keys(), claims());
  EXPECT_EQ(read_token(keys(), token).value(), claims());
  EXPECT_LT(token.size(), 180U);
}

TEST(Link, TheLanguageTravelsInVersionTwoAndVersionOneStaysReadable) {
  LinkClaims spoken = claims();
  spoken.language = "fr";
  const std::string token = make_token(keys(), spoken);
  EXPECT_TRUE(token.starts_with("Ag"));
  EXPECT_EQ(read_token(keys(), token).value(), spoken);
  EXPECT_TRUE(make_token(keys(), claims()).starts_with("AQ"));
}

TEST(Link, NoCharacterCanBeChangedAddedOrTakenAway) {
  const std::string token = make_token(keys(), claims());
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ ";
  for (size_t i = 0; i < token.size(); ++i) {
    EXPECT_FALSE(read_token(keys(), token.substr(0, i)));
    for (const char c : kAlphabet) {
      std::string changed = token;
      if (changed[i] == c) continue;
      changed[i] = c;
      EXPECT_FALSE(read_token(keys(), changed)) << i << c;
    }
  }
  EXPECT_FALSE(read_token(keys(), token + "A"));
  EXPECT_FALSE(read_token(keys(), token + "="));
  EXPECT_EQ(read_token(keys(), std::string(100'000, 'A')).error(), LinkErrc::malformed);
}

TEST(Link, AnotherInstallationsKeyForgesNothing) {
  const std::string token = make_token(keys(1, "somebody else's key, as long"), claims());
  EXPECT_EQ(read_token(keys(), token).error(), LinkErrc::forged);
}

TEST(Link, OldLinksWorkAfterARotation) {
  const std::string old_token = make_token(keys(), claims());
  const LinkKeys rotated({{2, Secret("the installation's key, second")}, {1, Secret("the installation's key, first")}});
  EXPECT_TRUE(read_token(rotated, old_token));
  EXPECT_NE(make_token(rotated, claims()), old_token);
  EXPECT_EQ(read_token(keys(), make_token(rotated, claims())).error(), LinkErrc::unknown_key);
}

TEST(Link, OnePressWithdrawsTheTopicOfThatMessageWithEvidence) {
  MapContext context;
  ConsentAct grant;
  grant.action = Action::grant;
  grant.address = claims().address;
  grant.scope = claims().scope;
  grant.legal_basis = LegalBasis::consent;
  grant.is_explicit = true;
  grant.actor = {ActorKind::person, {}};
  grant.visibility = events::Visibility::secret_source;
  grant.jurisdiction.claimed = "GB";
  grant.received_at = grant.occurred_at = kMorning;
  context.apply(grant);
  grant.scope.topic = "news";
  context.apply(grant);
  const auto state = [&](std::string_view topic) {
    SendRequest request;
    request.address = claims().address;
    request.scope = {std::string(topic), "marketing", "raices"};
    return context.ask(request).has_value();
  };
  const ConsentAct act = withdraw_act(claims(), press(1, Method::one_click));
  EXPECT_EQ(act.evidence.front().value, claims().decision.hex());
  EXPECT_FALSE(context.apply(act).refused);
  EXPECT_FALSE(state("offers"));
  EXPECT_TRUE(state("news"));
  context.apply(withdraw_act(claims(), press(2, Method::link, true)));
  EXPECT_FALSE(state("news"));
  EXPECT_EQ(withdraw_act(claims(), press(2, Method::link, true)).scope, (Scope{"", "", "raices"}));
}

TEST(Link, AConfirmationOpensTheRequestWhoseTokenItCarries) {
  MapContext context;
  LinkClaims confirm = claims();
  confirm.action = LinkAction::confirm;
  const std::string token = make_token(keys(), confirm);
  ConsentAct request;
  request.action = Action::request;
  request.address = confirm.address;
  request.scope = confirm.scope;
  request.legal_basis = LegalBasis::consent;
  request.received_at = request.occurred_at = kMorning;
  request.confirmation.token_hash = token_hash_of(token);
  context.apply(request);
  EXPECT_FALSE(context.apply(confirm_act(confirm, token, press(1))).refused);
  SendRequest send;
  send.address = confirm.address;
  send.scope = confirm.scope;
  EXPECT_TRUE(context.ask(send));
}

TEST(Link, AChoiceConfirmsItselfEvenBesideARequestThatWaits) {
  MapContext context;
  ConsentAct request;
  request.action = Action::request;
  request.address = claims().address;
  request.scope = claims().scope;
  request.legal_basis = LegalBasis::consent;
  request.received_at = request.occurred_at = kMorning;
  request.confirmation.token_hash = token_hash_of("another mail's");
  context.apply(request);
  SendRequest send;
  send.address = claims().address;
  send.scope = claims().scope;
  EXPECT_FALSE(context.ask(send));
  EXPECT_FALSE(context.apply(choose_act(claims(), press(1), claims().scope)).refused);
  EXPECT_TRUE(context.ask(send));
}

TEST(Link, AMaskedAddressIsRecognisedByItsOwnerOnly) {
  EXPECT_EQ(mask_address({Channel::email, "ana@example.org"}), "a…@example.org");
  EXPECT_EQ(mask_address({Channel::email, "ñandu@example.org"}), "ñ…@example.org");
  EXPECT_EQ(mask_address({Channel::sms, "+34600123442"}), "+34 … 42");
  EXPECT_EQ(mask_address({Channel::push, "device-token"}), "…");
}

LinkPage page(PageLanguage language) {
  return {.language = language,
          .brand_name = "Asociación <Raíces>",
          .legal_line = "C/ Mayor 1 & 2, Zaragoza",
          .topic_name = "\"Encuentros\"><script>alert(1)</script>",
          .masked_address = "a…@example.org",
          .post_path = "/u/" + std::string(1000, 'A'),
          .preferences_path = "/p/TOKEN",
          .font_path = "/assets/instrument-sans.woff2"};
}

TEST(Page, EveryPageIsSmallEscapedAndWithoutScript) {
  for (const PageLanguage language : {PageLanguage::es, PageLanguage::fr, PageLanguage::en}) {
    const LinkPage content = page(language);
    for (const std::string& html :
         {unsubscribe_page(content), unsubscribed_page(content, false), unsubscribed_page(content, true),
          confirm_page(content), confirmed_page(content), unreadable_link_page(content)}) {
      EXPECT_LE(html.size(), kPageBytesMax);
      EXPECT_EQ(html.find("<script"), std::string::npos);
      EXPECT_EQ(html.find("<Raíces>"), std::string::npos);
      EXPECT_EQ(html.find("ana@"), std::string::npos);
      EXPECT_NE(html.find("Mayor 1 &amp; 2"), std::string::npos);
    }
    const std::string html = unsubscribe_page(content);
    EXPECT_NE(html.find("method=\"post\" action=\"/u/AAA"), std::string::npos);
    EXPECT_NE(html.find("a…@example.org"), std::string::npos);
  }
}

TEST(Page, APathThatCouldLeaveThePageIsNotWritten) {
  LinkPage hostile = page(PageLanguage::en);
  hostile.post_path = "//evil.example/\"><b>";
  hostile.preferences_path = "javascript:alert(1)";
  const std::string html = unsubscribe_page(hostile);
  EXPECT_EQ(html.find("evil"), std::string::npos);
  EXPECT_EQ(html.find("javascript"), std::string::npos);
}

TEST(Page, SpeaksTheFirstOfItsLanguagesThatIsAskedFor) {
  EXPECT_EQ(page_language_named("fr-CH, en;q=0.9"), PageLanguage::fr);
  EXPECT_EQ(page_language_named("ca, ES;q=0.8, en"), PageLanguage::es);
  EXPECT_EQ(page_language_named("de"), std::nullopt);
  EXPECT_EQ(language_of("fr_BE"), "fr");
  EXPECT_EQ(language_of(""), "");
}

std::expected<ConsentAct, FieldError> parse(std::string_view body, ActorKind signer = ActorKind::api_key) {
  ActOrigin origin;
  origin.visibility = events::Visibility::secret_source;
  origin.actor = {signer, "key-1"};
  origin.received_at = kMorning;
  return parse_act(body, origin, [](Channel, std::string_view text) -> std::expected<std::string, std::string> {
    if (text.find('@') == std::string_view::npos) return std::unexpected("has no @");
    return std::string(text);
  });
}

TEST(ParseAct, ReadsAWholeGrant) {
  const auto act = parse(R"({"action":"grant","channel":"email","address":"ana@example.org","topic":"offers",
    "purpose":"marketing","brand":"raices","method":"tick","explicit":true,"text_version":"v1","text_language":"es",
    "collection_point":"form 7","evidence":[{"kind":"order","value":"A-17"}],"occurred_at":"2025-11-24T15:00:00Z",
    "country":"ES","actor":"person"})");
  ASSERT_TRUE(act) << act.error().field << act.error().rule;
  EXPECT_EQ(act->action, Action::grant);
  EXPECT_EQ(act->scope, (Scope{"offers", "marketing", "raices"}));
  EXPECT_EQ(act->jurisdiction.claimed, "ES");
  EXPECT_TRUE(act->is_own_explicit());
  EXPECT_EQ(act->legal_basis, LegalBasis::consent);
}

TEST(ParseAct, NamesTheFieldTheRuleAndTheRemedy) {
  const std::string_view start = R"({"action":"grant","channel":"email","address":"ana@example.org","topic":"a",)";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"not json", "body"},
      {"[1]", "body"},
      {std::string(20'000, ' '), "body"},
      {R"({"channel":"email"})", "action"},
      {R"({"action":"subscribe"})", "action"},
      {R"({"action":"grant","channel":"fax"})", "channel"},
      {R"({"action":"grant","channel":"email","address":7})", "address"},
      {R"({"action":"grant","channel":"email","address":"ana"})", "address"},
      {R"({"action":"grant","channel":"email","address":"a@b"})", "topic"},
      {std::string(start) + R"("brand":"a\nb"})", "brand"},
      {std::string(start) + R"("explicit":"yes"})", "explicit"},
      {std::string(start) + R"("legal_basis":"because"})", "legal_basis"},
      {std::string(start) + R"("method":"ledger_full"})", "method"},
      {std::string(start) + R"("country":"Spain"})", "country"},
      {std::string(start) + R"("occurred_at":"yesterday"})", "occurred_at"},
      {std::string(start) + R"("occurred_at":"2999-01-01T00:00:00Z"})", "occurred_at"},
      {std::string(start) + R"("evidence":[{"kind":"rumour","value":"x"}]})", "evidence[0].kind"},
      {std::string(start) + R"("actor":"ana"})", "actor"},
      {std::string(start) + R"("tpoic":"offers"})", "tpoic"},
  };
  for (const auto& [body, field] : cases) {
    const auto act = parse(body);
    ASSERT_FALSE(act) << body;
    EXPECT_EQ(act.error().field, field);
    EXPECT_FALSE(act.error().rule.empty());
    EXPECT_FALSE(act.error().remedy.empty());
  }
  EXPECT_EQ(parse(std::string(start) + R"("actor":"person"})", ActorKind::import_job).error().field, "actor");
}

}  // namespace
}  // namespace terreno::consent
