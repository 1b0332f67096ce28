#include "consent/rule_pack.h"

#include <algorithm>
#include <array>

namespace terreno::consent {

namespace {

constexpr BasisSet kConsentOnly = basis_bit(LegalBasis::consent);
constexpr BasisSet kConsentOrCustomer = kConsentOnly | basis_bit(LegalBasis::soft_opt_in);
// Where the law is opt-out, an interest that was entered on the record is enough.
constexpr BasisSet kOptOutRegime =
    kConsentOrCustomer | basis_bit(LegalBasis::legitimate_interest) | basis_bit(LegalBasis::contract);

// A letter is not an electronic communication (2002/58/EC Art. 13 does not reach it): GDPR Art. 6(1)(f) and recital 47
// allow an interest, and Art. 21(2)-(3) gives the absolute right to object.
constexpr ChannelRule kLetterByInterest{.bases = kOptOutRegime,
                                        .double_opt_in = DoubleOptIn::off,
                                        .proof_required = false,
                                        .soft_opt_in_age_max = {},
                                        .consent_age_max = {}};

constexpr ChannelRule electronic(BasisSet bases, DoubleOptIn double_opt_in) {
  return {.bases = bases,
          .double_opt_in = double_opt_in,
          .proof_required = true,  // GDPR Art. 7(1): the controller shows that consent was given
          .soft_opt_in_age_max = {},
          .consent_age_max = {}};
}

// The first is for every country without a pack of its own, and for unknown ones.
constexpr std::array<RulePack, 6> kPacks{{
    {.region = "strictest",
     .email = electronic(kConsentOnly, DoubleOptIn::required),
     .direct = electronic(kConsentOnly, DoubleOptIn::required),
     .letter = electronic(kConsentOnly, DoubleOptIn::off)},
    // Germany: UWG §7(2)-(3), §7a. Double opt-in is what courts accept as proof for e-mail (BGH I ZR 164/09); existing
    // customers, similar goods, notice at collection and each use: §7(3).
    {.region = "DE",
     .email = electronic(kConsentOrCustomer, DoubleOptIn::required),
     .direct = electronic(kConsentOnly, DoubleOptIn::required),
     .letter = kLetterByInterest},
    // Spain: LSSI 34/2002 Arts 20-22, LOPDGDD Art. 23; prior contract and similar products: Art. 21.2.
    {.region = "ES",
     .email = electronic(kConsentOrCustomer, DoubleOptIn::preferred),
     .direct = electronic(kConsentOrCustomer, DoubleOptIn::off),
     .letter = kLetterByInterest},
    // France: CPCE L34-5, which covers e-mail and SMS alike; similar products to customers.
    {.region = "FR",
     .email = electronic(kConsentOrCustomer, DoubleOptIn::preferred),
     .direct = electronic(kConsentOrCustomer, DoubleOptIn::off),
     .letter = kLetterByInterest},
    // United Kingdom: PECR regs 22-23; reg. 22(3) is the soft opt-in, for e-mail and texts.
    {.region = "GB",
     .email = electronic(kConsentOrCustomer, DoubleOptIn::off),
     .direct = electronic(kConsentOrCustomer, DoubleOptIn::off),
     .letter = kLetterByInterest},
    // United States: e-mail is opt-out (CAN-SPAM, 15 USC 7704; 16 CFR 316); texts and calls need prior express written
    // consent (TCPA, 47 CFR 64.1200).
    {.region = "US",
     .email = {.bases = kOptOutRegime,
               .double_opt_in = DoubleOptIn::off,
               .proof_required = false,
               .soft_opt_in_age_max = {},
               .consent_age_max = {}},
     .direct = electronic(kConsentOnly, DoubleOptIn::off),
     .letter = kLetterByInterest},
}};

std::optional<Duration> shorter(std::optional<Duration> a, std::optional<Duration> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

const ChannelRule& RulePack::rule_for(Channel channel) const {
  switch (channel) {
    case Channel::email:
      return email;
    case Channel::letter:
      return letter;
    case Channel::sms:
    case Channel::whatsapp:
    case Channel::push:
    case Channel::call:
      break;
  }
  return direct;
}

std::span<const RulePack> rule_packs() { return kPacks; }

const RulePack& rule_pack_for(std::string_view region) {
  const auto* const found = std::ranges::find(kPacks, region, &RulePack::region);
  return found == kPacks.end() ? kPacks.front() : *found;
}

ChannelRule strictest_of(const ChannelRule& a, const ChannelRule& b) {
  return {.bases = static_cast<BasisSet>(a.bases & b.bases),
          .double_opt_in = std::max(a.double_opt_in, b.double_opt_in),
          .proof_required = a.proof_required || b.proof_required,
          .soft_opt_in_age_max = shorter(a.soft_opt_in_age_max, b.soft_opt_in_age_max),
          .consent_age_max = shorter(a.consent_age_max, b.consent_age_max)};
}

ChannelRule rule_for(Channel channel, const Jurisdiction& jurisdiction, std::string_view region) {
  std::optional<ChannelRule> rule;
  for (const std::string_view known :
       {std::string_view(jurisdiction.claimed), std::string_view(jurisdiction.inferred), region}) {
    if (known.empty()) continue;
    const ChannelRule& found = rule_pack_for(known).rule_for(channel);
    rule = rule ? strictest_of(*rule, found) : found;
  }
  return rule ? *rule : kPacks.front().rule_for(channel);
}

}  // namespace terreno::consent
