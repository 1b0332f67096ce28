#pragma once

// Marketing-message law as data: what a grant must have been, by country and channel. Not legal advice; sources stand
// beside each pack. A country without a pack gets the strictest one.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "consent/act.h"

namespace terreno::consent {

/// `preferred`: asked for and kept as stronger proof; an unconfirmed grant is valid.
enum class DoubleOptIn : uint8_t { off = 0, preferred = 1, required = 2 };

/// One bit per LegalBasis.
using BasisSet = uint8_t;
[[nodiscard]] constexpr BasisSet basis_bit(LegalBasis basis) {
  return static_cast<BasisSet>(1U << static_cast<unsigned>(basis));
}

struct ChannelRule {
  BasisSet bases = basis_bit(LegalBasis::consent);
  DoubleOptIn double_opt_in = DoubleOptIn::required;
  /// Of an imported grant: when, how and on which wording it was given.
  bool proof_required = true;
  /// How long after it was given a grant on this basis holds; nothing: no limit.
  std::optional<Duration> soft_opt_in_age_max;
  std::optional<Duration> consent_age_max;
};

struct RulePack {
  std::string_view region;  ///< ISO 3166, or `strictest`
  ChannelRule email;
  ChannelRule direct;  ///< SMS, WhatsApp, push, calls
  ChannelRule letter;

  [[nodiscard]] const ChannelRule& rule_for(Channel channel) const;
};

/// Of all packs together; each proof and refusal carries it.
inline constexpr uint32_t kRulePackVersion = 1;

[[nodiscard]] std::span<const RulePack> rule_packs();
/// The pack of a country, or the strictest one.
[[nodiscard]] const RulePack& rule_pack_for(std::string_view region);
/// What satisfies both: where claimed and inferred country disagree, neither is taken at its word.
[[nodiscard]] ChannelRule strictest_of(const ChannelRule& a, const ChannelRule& b);
/// The rule for a message, from every country that is known of it; unknown: the strictest.
[[nodiscard]] ChannelRule rule_for(Channel channel, const Jurisdiction& jurisdiction, std::string_view region);

}  // namespace terreno::consent
