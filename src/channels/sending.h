#pragma once

// A message on its way: opened at the home of its address, claimed once per attempt, its receipt taken in, its outcome
// returned once.
//
// 1. Attempt n + 1 needs a receipt that attempt n was certainly not sent. Anything else is *unknown* and ends the send.
// 2. Only the first claim of a decision and attempt sends, within kClaimValidFor.
// 3. A claim carries a ConsentProof, made by consent/ at the claim's position: there is no other way to a send.
//
// Pure; lives on the apply thread of the address's home. `flow/` feeds it records.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/time.h"
#include "consent/consent.h"
#include "contact/contact.h"
#include "engine/engine.h"

namespace terreno::channels {

inline constexpr Duration kClaimValidFor = seconds(60);
/// A claim without a receipt by then was made by a process that is gone: unknown.
inline constexpr Duration kReceiptExpectedWithin = minutes(20);
/// An open send that nobody claimed is offered again.
inline constexpr Duration kClaimOfferedAgainAfter = seconds(5);
inline constexpr Duration kClaimOfferedAgainAtMost = minutes(5);
inline constexpr uint32_t kAttemptsMax = 12;
/// 30 s, doubling to an hour.
[[nodiscard]] Duration retry_delay(uint32_t attempt);

/// What the person's home tells the address's home: the payload of `send_opened`.
struct SendOrder {
  DecisionId decision;
  PersonId person;
  engine::Partition person_home;
  consent::SendRequest request;
  std::string message;  ///< template
  std::string journey;  ///< name
  Id128 configuration;
  std::string language;
  std::string time_zone;
  std::string reply_to;
  std::string data;  ///< JSON object: what the template sees
  Timestamp expires_at;
  void encode(Writer& out) const;
  static SendOrder decode(Reader& in);
};

enum class SendState : uint8_t { waiting = 0, claimed = 1 };

class OpenSend final : public engine::Entity {
 public:
  static constexpr uint8_t kTable = 60;
  SendOrder order;
  SendState state = SendState::waiting;
  uint32_t attempt = 1;
  Timestamp opened_at;
  Timestamp wakes_at;
  Timestamp claimed_at;
  std::optional<consent::ProofRecord> proof;
  void encode(Writer& out) const override;
  [[nodiscard]] size_t footprint() const override;
  [[nodiscard]] static std::unique_ptr<OpenSend> decode(std::string_view bytes);
};

/// Payload of `send_claimed`.
struct Claim {
  DecisionId decision;
  uint32_t attempt = 1;
  uint64_t owner = 0;  ///< the process that claims; another one's claim it lets lie
  consent::Address address;
  consent::MessageClass message_class = consent::MessageClass::commercial;
  void encode(Writer& out) const;
  static Claim decode(Reader& in);
};

/// How an attempt ended. The numbers are on disk.
enum class Ending : uint8_t {
  sent = 0,            ///< the server took it
  not_sent_retry = 1,  ///< certainly not; a later attempt may
  not_sent_final = 2,  ///< certainly not, for good: a 5xx
  not_rendered = 3,
  unknown = 4,
};
/// Payload of `send_receipt`.
struct Receipt {
  DecisionId decision;
  uint32_t attempt = 1;
  consent::Address address;
  Ending ending = Ending::unknown;
  bool names_recipient = false;  ///< a 5xx about the recipient: the address is suppressed
  std::string detail;            ///< reply code, or the place in the template; no personal data
  std::string message_id;
  void encode(Writer& out) const;
  static Receipt decode(Reader& in);
};

/// Payload of `send_closed`, back at the person's home.
struct Closing {
  DecisionId decision;
  PersonId person;
  contact::DecisionState outcome = contact::DecisionState::unknown;
  contact::Gate gate;
  uint32_t attempts = 0;
  std::string refusal;
  std::optional<consent::ProofRecord> proof;
  void encode(Writer& out) const;
  static Closing decode(Reader& in);
};

/// A claim that may send: what the effects runner gets. Its proof was restored from bytes that left apply in this
/// process.
class ClaimedSend {
 public:
  [[nodiscard]] static std::optional<ClaimedSend> decode(std::string_view bytes);
  static std::string encode(const SendOrder& order, uint32_t attempt, const consent::ConsentProof& proof);
  /// Only whose it is; zero: malformed.
  [[nodiscard]] static DecisionId decision_of(std::string_view bytes);
  [[nodiscard]] const SendOrder& order() const { return order_; }
  [[nodiscard]] uint32_t attempt() const { return attempt_; }
  [[nodiscard]] const consent::ConsentProof& proof() const { return proof_; }

 private:
  ClaimedSend(SendOrder order, uint32_t attempt, consent::ConsentProof proof)
      : order_(std::move(order)), attempt_(attempt), proof_(std::move(proof)) {}
  SendOrder order_;
  uint32_t attempt_;
  consent::ConsentProof proof_;
};

/// Key of an address's counter and of nothing else: the ledger's key.
[[nodiscard]] inline Id128 counter_key(const consent::Address& address) { return consent::key_of(address); }

}  // namespace terreno::channels
