#include "channels/sending.h"

#include <gtest/gtest.h>

namespace terreno::channels {
namespace {

const consent::Address kAna{consent::Channel::email, "ana@example.org"};

SendOrder order() {
  SendOrder made;
  made.decision = {hash128("d")};
  made.person = {hash128("p")};
  made.person_home = {7};
  made.request.address = kAna;
  made.request.scope = {"tips", "marketing", "raices"};
  made.request.decision = made.decision;
  made.message = "welcome";
  made.data = R"({"person":{"name":"Ana"}})";
  made.expires_at = {5000};
  return made;
}

// Encodes, decodes and encodes again; false when the bytes differ or one byte less is read without complaint.
template <typename T>
bool reads_back(const T& value) {
  std::string bytes, again;
  Writer writer(bytes);
  value.encode(writer);
  Reader reader(bytes);
  Writer second(again);
  T::decode(reader).encode(second);
  Reader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
  static_cast<void>(T::decode(cut));
  return reader.done() && again == bytes && !cut.ok();
}

TEST(Sending, PayloadsReadBackAndCutOnesFail) {
  EXPECT_TRUE(reads_back(order()));
  EXPECT_TRUE(reads_back(Claim{{hash128("d")}, 2, 9, kAna}));
  EXPECT_TRUE(reads_back(Receipt{{hash128("d")}, 2, kAna, Ending::not_sent_final, true, "550 5.1.1", "m@example.org"}));
  Closing closing;
  closing.outcome = contact::DecisionState::bounced;
  closing.gate = {contact::GateCode::delivery, contact::GateState::stopped, "550", "", {5}};
  closing.proof = consent::ProofRecord{};
  EXPECT_TRUE(reads_back(closing));
}

TEST(Sending, AnOpenSendReadsBack) {
  OpenSend send;
  send.order = order();
  send.state = SendState::claimed;
  send.attempt = 3;
  send.proof = consent::ProofRecord{};
  std::string bytes, again;
  Writer writer(bytes);
  send.encode(writer);
  const auto back = OpenSend::decode(bytes);
  ASSERT_TRUE(back);
  Writer second(again);
  back->encode(second);
  EXPECT_EQ(again, bytes);
  EXPECT_FALSE(OpenSend::decode(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST(Sending, RetriesWaitLongerEachTimeUpToAnHour) {
  EXPECT_EQ(retry_delay(1), seconds(30));
  EXPECT_EQ(retry_delay(2), seconds(60));
  EXPECT_EQ(retry_delay(kAttemptsMax), hours(1));
  for (uint32_t attempt = 1; attempt < kAttemptsMax; ++attempt)
    EXPECT_LE(retry_delay(attempt), retry_delay(attempt + 1));
}

TEST(Sending, MalformedBytesMakeNoClaimedSend) { EXPECT_FALSE(ClaimedSend::decode("not a claim")); }

}  // namespace
}  // namespace terreno::channels
