#pragma once

// What somebody said about being contacted, as it arrives: the payload of a record of type `consent_act`. An act is not
// yet an entry: `apply_act` (consent.h) decides what it may change and enters it.
//
// 1. An act concerns one address. What a person says about all of theirs travels as one act per address (`carried_to`).
// 2. An empty topic, purpose or brand of an act that narrows (withdraw, refuse, object, pause, suppress, lift) means
// *any*.
//    An act that widens (grant, request, confirm) covers exactly what it names and nothing else.
// 3. Personal fields are listed in one place, `encode_personal`; everything else may stay after an erasure.

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/engine.h"
#include "events/record.h"

namespace terreno::consent {

/// The numbers of all enumerations in this file are on disk.
enum class Channel : uint8_t { email = 0, sms = 1, whatsapp = 2, push = 3, letter = 4, call = 5 };
inline constexpr Channel kChannelLast = Channel::call;
[[nodiscard]] std::string_view name_of(Channel channel);
[[nodiscard]] std::optional<Channel> channel_from(std::string_view name);

/// An address on a channel, normalised at intake; a phone number has an address, and a permission, per channel.
struct Address {
  Channel channel = Channel::email;
  std::string value;
  auto operator<=>(const Address&) const = default;

  void encode(Writer& out) const;
  static Address decode(Reader& in);
};
/// Key of the address's ledger. Such a hash can be made to collide, so the ledger keeps the address and is compared.
[[nodiscard]] Id128 key_of(const Address& address);
/// Where its ledger lies and its claims are made; equal to the home of the e-mail, phone or device identifier.
[[nodiscard]] engine::Partition home_of(const Address& address);

/// What a permission or a message is about.
struct Scope {
  std::string topic;
  std::string purpose;
  std::string brand;
  auto operator<=>(const Scope&) const = default;
  /// Empty fields of `this` match anything.
  [[nodiscard]] bool covers(const Scope& message) const;

  void encode(Writer& out) const;
  static Scope decode(Reader& in);
};

enum class Action : uint8_t {
  request = 0,  ///< asked for; open only once confirmed
  grant = 1,
  confirm = 2,   ///< the person answered the confirmation mail
  refuse = 3,    ///< said no when asked
  withdraw = 4,  ///< this address, these topics
  object = 5,    ///< the person, everywhere; entered at each address
  pause = 6,     ///< no commercial message until `expires_at`, or until lifted
  suppress = 7,  ///< hard bounce, complaint, or by hand
  lift = 8,      ///< ends pauses, and, by the person's own confirmed act, suppressions
  expire = 9,    ///< the grant `refers_to` has ended
  correct = 10,  ///< the entry `refers_to` should never have been made; can only narrow
};
inline constexpr Action kActionLast = Action::correct;
[[nodiscard]] std::string_view name_of(Action action);
/// Opt-outs: what closes a gate. They are never refused for lack of proof or room.
[[nodiscard]] bool narrows(Action action);

enum class LegalBasis : uint8_t {
  none = 0,
  consent = 1,
  soft_opt_in = 2,
  contract = 3,
  legal_obligation = 4,
  legitimate_interest = 5,
  solicited_reply = 6
};
inline constexpr LegalBasis kLegalBasisLast = LegalBasis::solicited_reply;
[[nodiscard]] std::string_view name_of(LegalBasis basis);

enum class Method : uint8_t {
  unknown = 0,
  tick = 1,
  button = 2,
  spoken = 3,
  paper = 4,
  import = 5,
  gpc_signal = 6,  ///< `Sec-GPC: 1`
  link = 7,        ///< a page of ours, reached from a message
  one_click = 8,   ///< RFC 8058
  reply = 9,       ///< "stop", "baja", "désabonner"
  hard_bounce = 10,
  complaint = 11,
  staff = 12,
  api = 13,
  ledger_full = 14,  ///< entered by the ledger itself at its bound
};
inline constexpr Method kMethodLast = Method::ledger_full;
[[nodiscard]] std::string_view name_of(Method method);

enum class ActorKind : uint8_t { person = 0, operator_ = 1, api_key = 2, import_job = 3, system = 4 };
inline constexpr ActorKind kActorKindLast = ActorKind::system;
struct Actor {
  ActorKind kind = ActorKind::system;
  std::string id;  ///< of a person: a personal field
  auto operator<=>(const Actor&) const = default;
};

/// A pointer to what proves an act. Each condition of the soft opt-in has a kind of its own (2002/58/EC Art. 13(2)).
enum class EvidenceKind : uint8_t {
  note = 0,
  order = 1,
  enquiry = 2,
  thread = 3,
  message = 4,            ///< the message whose link or reply it was
  sale = 5,               ///< the address was obtained in the context of this sale
  legal_entity = 6,       ///< the same controller sold and writes
  similar_products = 7,   ///< what is advertised resembles what was bought
  objection_offered = 8,  ///< free and easy, at collection and in each message
  diagnostic = 9,         ///< the receiving server's words
};
inline constexpr EvidenceKind kEvidenceKindLast = EvidenceKind::diagnostic;
struct Evidence {
  EvidenceKind kind = EvidenceKind::note;
  std::string value;  ///< a personal field
  auto operator<=>(const Evidence&) const = default;
};

/// Double opt-in.
struct Confirmation {
  std::string token_hash;  ///< SHA-256 of the token mailed; empty: none was
  Timestamp sent_at;
  Timestamp confirmed_at;
  std::string client_truncated;  ///< network of the confirming client; a personal field
  auto operator<=>(const Confirmation&) const = default;
};

/// Two letters, ISO 3166; empty: unknown.
struct Jurisdiction {
  std::string claimed;
  std::string inferred;
  std::string inferred_from;  ///< `billing`, `phone_prefix`, `network`, `domain`
  auto operator<=>(const Jurisdiction&) const = default;
};

enum class SuppressionScope : uint8_t { everything = 0, commercial = 1 };

struct ConsentAct {
  Action action = Action::withdraw;
  Address address;  ///< its value: a personal field
  Scope scope;
  LegalBasis legal_basis = LegalBasis::none;
  Method method = Method::unknown;
  bool is_explicit = false;  ///< an act, not a default
  std::string text_version;  ///< hash of the exact wording shown
  std::string text_language;
  std::string collection_point;    ///< form or page; a personal field, since addresses of pages carry names
  std::vector<Evidence> evidence;  ///< kinds are open, values personal
  std::string ip_truncated;        ///< /24 or /48; a personal field
  std::string user_agent_hash;     ///< keyed; a personal field
  Timestamp occurred_at;           ///< zero: not known, which makes an imported grant unproven
  Timestamp received_at;
  Jurisdiction jurisdiction;
  Actor actor;
  std::optional<Timestamp> expires_at;
  Confirmation confirmation;
  events::Visibility visibility = events::Visibility::public_source;
  SuppressionScope suppression = SuppressionScope::everything;  ///< of `suppress` only
  uint64_t refers_to = 0;   ///< entry id that `expire` and `correct` are about; 0: the grant of the scope
  Id128 origin;             ///< the person-level act this one carries; a ledger enters an origin once
  std::string random_bits;  ///< 32 bytes drawn at intake: the entry's blinding secret is derived from them
  bool operator==(const ConsentAct&) const = default;

  void encode(Writer& out) const;
  static ConsentAct decode(Reader& in);

  /// The canonical bytes that enter the chain and the tree, and those that enter the commitment
  /// (docs/formats/consent.md).
  void encode_open(Writer& out) const;
  void encode_personal(Writer& out) const;
  /// Takes the personal fields out for good, `random_bits` included.
  void destroy_personal();

  /// The person's own, deliberate word through a source that the public cannot use: the only kind of act that opens a
  /// gate again after an opt-out.
  [[nodiscard]] bool is_own_explicit() const {
    return actor.kind == ActorKind::person && is_explicit && visibility == events::Visibility::secret_source;
  }
  /// When the person acted; never after we heard of it, whatever their clock said.
  [[nodiscard]] Timestamp effective_at() const;
};

inline constexpr size_t kAddressBytesMax = 254;  ///< RFC 5321: 256 with the angle brackets
inline constexpr size_t kNameBytesMax = 64;      ///< topic, purpose, brand
inline constexpr size_t kTextBytesMax = 512;     ///< other texts of an act
inline constexpr size_t kEvidenceMax = 16;
inline constexpr size_t kActBodyBytesMax = 16'384;

/// The same act at another address of the person. Its `origin` stays.
[[nodiscard]] ConsentAct carried_to(const ConsentAct& act, Address address);

enum class BounceKind : uint8_t { hard, complaint };
/// What a hard bounce (nothing may be sent) or a complaint (nothing commercial) enters at the address.
[[nodiscard]] ConsentAct suppress_for_bounce(Address address, BounceKind kind, std::string diagnostic,
                                             Timestamp occurred_at, Timestamp received_at);

// ---------------------------------------------------------------------------------------------------------------------
// From the API's body

/// Why a body was refused, for a person to read: `topic: is empty; a grant names what it is for; give the topic's id`.
struct FieldError {
  std::string field;
  std::string rule;
  std::string remedy;
};

/// What intake knows and the body may not say.
struct ActOrigin {
  events::Visibility visibility = events::Visibility::public_source;
  /// Who signed. A body may name the person as actor (`"actor":"person"`) for what they did themselves.
  Actor actor;
  Timestamp received_at;
  std::string ip_truncated;
  std::string user_agent_hash;
  std::string random_bits;  ///< 32 bytes of chance
};
/// Turns an address as typed into its normal form (events/), or says what is wrong with it.
using AddressNormaliser = std::function<std::expected<std::string, std::string>(Channel, std::string_view)>;

/// Reads `{"action":"grant","channel":"email","address":…,"topic":…}`, whole: unknown members and unknown words are
/// errors. Fields are those of docs/formats/consent.md.
[[nodiscard]] std::expected<ConsentAct, FieldError> parse_act(std::string_view json, const ActOrigin& origin,
                                                              const AddressNormaliser& normalise);

}  // namespace terreno::consent
