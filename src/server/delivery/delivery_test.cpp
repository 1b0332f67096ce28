// From an event to a mail at a real server, through the threaded engine, the journal on disk and real sockets.

#include "server/delivery/delivery.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "adapters/crypto/crypto.h"
#include "adapters/smtp/sink.h"
#include "adapters/store/store.h"
#include "adapters/store/temporary_folder_testing.h"
#include "engine/runtime.h"

namespace terreno::server {
namespace {

constexpr std::string_view kWithLink = R"(<p>Hello</p><a href="{% unsubscribe_url %}">no more</a>)";

std::vector<flow::Document> documents(std::string_view html) {
  return {{"topic.yaml", "kind: topic\nname: tips\nspec: {titles: {en: Tips}}\n"},
          {"hello.yaml",
           fmt::format("kind: template\nname: hello\nspec:\n  author: a\n  aim: b\n  languages:\n    en: {{subject: "
                       "'Hello {{{{ person.first_name }}}}', html: '{0}', text: '{0}'}}\n",
                       html)},
          {"welcome.yaml",
           "kind: journey\nname: welcome\nspec:\n  owner: a\n  reply_to: marta@example.org\n  trigger: {event: Signed "
           "Up}\n  steps:\n    - send: {template: hello, topic: tips}\n"}};
}

class Installation final : public engine::OutputSink {
 public:
  explicit Installation(std::vector<smtp::SinkRule> rules = {}, std::string_view html = kWithLink) {
    smtp::SinkSettings sink_settings;
    sink_settings.rules = std::move(rules);
    sink_settings.on_message = [this](const smtp::SinkMessage& message) {
      const std::lock_guard lock(mutex_);
      mails_.emplace_back(message.data);
      changed_.notify_all();
    };
    sink_ = std::move(*smtp::Sink::start(std::move(sink_settings)));
    smtp::SmtpSettings settings;
    settings.host = "127.0.0.1";
    settings.port = sink_->port();
    pool_ = std::move(*smtp::SmtpPool::create(std::move(settings), random_));
    outbox_ = std::move(*Outbox::open(folder_.path() + "/outbox"));
    auto snapshot = std::make_shared<governance::Snapshot>();
    snapshot->installation.sender.from_address = "hola@news.example.org";
    snapshot->installation.sender.from_name = "Asociación Norte";
    snapshot->installation.sender.footer = "Calle Mayor 1, Madrid";
    snapshot->installation.public_base_url = "https://mail.example.org";

    DeliveryParts parts;
    parts.clock = clock_.get();
    parts.random = &random_;
    parts.library = &library_;
    parts.links = &links_;
    parts.snapshot = [snapshot] { return snapshot; };
    const auto key = crypto::SigningKey::generate(crypto::KeyAlgorithm::rsa_2048);
    parts.signer = {channels::SignatureAlgorithm::rsa_sha256, crypto::sha256,
                    [key](std::string_view bytes) { return key.sign(bytes); }};
    parts.outbox = outbox_.get();
    parts.sandbox = pool_.get();
    delivery_ = std::make_unique<Delivery>();

    std::vector<Finding> findings;
    const auto configuration = flow::read_configuration(documents(html), findings);
    EXPECT_TRUE(findings.empty());
    library_.add(configuration);
    machine_ = flow::make_machine(library_);
    engine::EngineOptions options;
    options.folder = folder_.path();
    options.check_free_space = false;
    auto store = adapters::open_rocksdb_store(folder_.path() + "/store");
    engine_ = std::move(*engine::make_engine(options, *files_, std::move(*store), *clock_, random_, *machine_, *this));
    delivery_->start(*engine_, std::move(parts));
    append(engine::kLane, events::RecordType::configuration_proposed,
           flow::payload_of(flow::ConfigurationProposal{{}, configuration->hash}));
    wait_for<flow::ActiveConfiguration>({5}, flow::ActiveConfiguration::kId, [](const auto*) { return true; });
  }
  ~Installation() override {
    delivery_->stop();
    pool_->stop(seconds(5));
    static_cast<void>(engine_->stop());
  }

  void on_outputs(engine::Partition partition, engine::Position, std::vector<engine::Output>& outputs) override {
    for (const engine::Output& output : outputs) delivery_->on_output(partition, output);
  }

  void append(engine::Partition partition, events::RecordType type, const std::string& payload) {
    engine::Batch batch;
    batch.add(partition, static_cast<uint16_t>(type), RecordId{random_.next()}, payload);
    engine_->append(std::move(batch), nullptr);
  }

  void grant(const std::string& address) {
    consent::ConsentAct act;
    act.action = consent::Action::grant;
    act.address = {consent::Channel::email, address};
    act.scope = {"tips", "marketing", ""};
    act.legal_basis = consent::LegalBasis::consent;
    act.method = consent::Method::tick;
    act.is_explicit = true;
    act.text_version = "v1";
    act.occurred_at = act.received_at = clock_->now();
    act.jurisdiction.claimed = "ES";
    act.actor.kind = consent::ActorKind::person;
    act.visibility = events::Visibility::secret_source;
    act.confirmation.confirmed_at = clock_->now();
    act.random_bits = std::string(32, 'r');
    append(consent::home_of(act.address), events::RecordType::consent_act, flow::payload_of(act));
  }

  /// A person whose only identifier is their address signs up.
  void sign_up(const std::string& address) {
    events::Event event;
    event.type = events::EventType::identify;
    event.source = "shop";
    event.message_id = "identify " + address;
    event.timestamp = event.received_at = clock_->now();
    event.identifiers = {{events::IdentifierKind::email, address}};
    event.traits = {{"first_name", "\"Ana\""}, {"country", "\"ES\""}};
    event.body = "{}";
    append(event.route(), events::RecordType::event, flow::payload_of(event));
    event.type = events::EventType::track;
    event.name = "Signed Up";
    event.message_id = "track " + address;
    event.traits.clear();
    append(event.route(), events::RecordType::event, flow::payload_of(event));
  }

  /// Asks again and again until `is_so` holds of the entity; a test that waits for what never comes is stopped by
  /// ctest.
  template <typename T>
  void wait_for(engine::Partition partition, Id128 id, const std::function<bool(const T*)>& is_so) {
    bool holds = false;
    while (!holds) {
      std::mutex mutex;
      std::condition_variable answered;
      bool has_answer = false;
      engine_->read(partition, {[&](const engine::Lookup&, engine::KeyList& keys) { keys.push_back({T::kTable, id}); },
                                [&](const engine::Lookup& state) {
                                  const std::lock_guard lock(mutex);
                                  const T* const found = state.find<T>(id);
                                  holds = found != nullptr && is_so(found);
                                  has_answer = true;
                                  answered.notify_one();
                                },
                                {}});
      std::unique_lock lock(mutex);
      answered.wait(lock, [&] { return has_answer; });
    }
  }

  contact::Decision final_decision(const std::string& address) {
    const events::Identifier identifier{events::IdentifierKind::email, address};
    const engine::Partition home = events::home_of(identifier);
    PersonId person;
    wait_for<flow::Binding>(home, events::key_of(identifier), [&](const flow::Binding* binding) {
      person = binding->person;
      return true;
    });
    DecisionId id;
    wait_for<contact::ContactState>(home, person.value, [&](const contact::ContactState* contact) {
      id = contact->recent.at(0);
      return true;
    });
    contact::Decision decision;
    wait_for<contact::Decision>(home, id.value, [&](const contact::Decision* one) {
      decision = *one;
      return contact::is_final(one->state);
    });
    return decision;
  }

  std::string first_mail() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !mails_.empty(); });
    return mails_.front();
  }
  size_t mail_count() {
    const std::lock_guard lock(mutex_);
    return mails_.size();
  }
  [[nodiscard]] const Outbox& outbox() const { return *outbox_; }
  [[nodiscard]] const consent::LinkKeys& links() const { return links_; }

 private:
  const adapters::TemporaryFolder folder_;
  std::unique_ptr<engine::Files> files_ = adapters::posix_files();
  std::unique_ptr<engine::Clock> clock_ = adapters::system_clock();
  crypto::SystemRandom random_;
  flow::ConfigurationLibrary library_;
  consent::LinkKeys links_{{{1, Secret(std::string(32, 'k'))}}};
  std::unique_ptr<smtp::Sink> sink_;
  std::unique_ptr<smtp::SmtpPool> pool_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<engine::Machine> machine_;
  std::unique_ptr<engine::Engine> engine_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> mails_;
};

TEST(Delivery, AnEventBecomesASignedMailAndItsOutcomeComesHome) {
  Installation installation;
  installation.grant("ana@example.org");
  installation.sign_up("ana@example.org");
  const auto decision = installation.final_decision("ana@example.org");
  EXPECT_EQ(decision.state, contact::DecisionState::sent);
  ASSERT_TRUE(decision.proof.has_value());
  EXPECT_FALSE(decision.proof->entry_ids.empty());

  const std::string mail = installation.first_mail();
  for (const std::string_view part :
       {"DKIM-Signature: ", "Subject: Hello Ana", "List-Unsubscribe: <https://mail.example.org/u/",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "Reply-To: marta@example.org", "Calle Mayor 1",
        "Feedback-ID: welcome:tips:commercial:news.example.org"})
    EXPECT_NE(mail.find(part), std::string::npos) << part << "\n" << mail;
  EXPECT_NE(mail.find("Terreno-Decision: " + decision.id.hex()), std::string::npos);
  const auto kept = installation.outbox().find(decision.id);
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->subject, "Hello Ana");
  EXPECT_EQ(kept->journey, "welcome");
}

TEST(Delivery, AMessageWhoseEditorForgotTheWaysOutGetsThem) {
  Installation installation({}, "<body>Hello</body>");
  installation.grant("ana@example.org");
  installation.sign_up("ana@example.org");
  ASSERT_EQ(installation.final_decision("ana@example.org").state, contact::DecisionState::sent);
  const auto kept = installation.outbox().find(installation.final_decision("ana@example.org").id);
  ASSERT_TRUE(kept.has_value());
  EXPECT_NE(kept->html.find("\">Stop these messages</a> · <a href=\"https://mail.example.org/u/"), std::string::npos)
      << kept->html;
  EXPECT_TRUE(kept->html.ends_with("</body>"));
  EXPECT_NE(kept->text.find("\nChoose what I get: https://mail.example.org/u/"), std::string::npos) << kept->text;
}

TEST(Delivery, WithoutPermissionNothingLeaves) {
  Installation installation;
  installation.sign_up("ana@example.org");
  EXPECT_EQ(installation.final_decision("ana@example.org").state, contact::DecisionState::refused_consent);
  EXPECT_EQ(installation.mail_count(), 0u);
}

TEST(Delivery, AServerThatHangsUpAfterTheFinalDotLeavesItUnknown) {
  Installation installation({{smtp::Stage::end, "", smtp::SinkAction::close, ""}});
  installation.grant("ana@example.org");
  installation.sign_up("ana@example.org");
  EXPECT_EQ(installation.final_decision("ana@example.org").state, contact::DecisionState::unknown);
}

TEST(Delivery, ARefusedRecipientIsABounce) {
  Installation installation({{smtp::Stage::recipient, "", smtp::SinkAction::reply, "550 5.1.1 no such user"}});
  installation.grant("ana@example.org");
  installation.sign_up("ana@example.org");
  const auto decision = installation.final_decision("ana@example.org");
  EXPECT_EQ(decision.state, contact::DecisionState::bounced);
  EXPECT_EQ(decision.gates.back().value, "550 5.1.1");
}

// Published before that was a finding.
TEST(Delivery, ALinkToAPageThatDoesNotExistIsNotMade) {
  Installation installation({}, "{% view_in_browser_url %}");
  installation.grant("ana@example.org");
  installation.sign_up("ana@example.org");
  EXPECT_EQ(installation.final_decision("ana@example.org").state, contact::DecisionState::not_rendered);
  EXPECT_EQ(installation.mail_count(), 0U);
}

TEST(Delivery, ATemplateThatFailsIsNeverHalfSent) {
  Installation installation;
  installation.grant("ana@example.org");
  events::Event event;
  event.type = events::EventType::track;
  event.name = "Signed Up";
  event.source = "shop";
  event.message_id = "track";
  event.timestamp = event.received_at = adapters::system_clock()->now();
  event.identifiers = {{events::IdentifierKind::email, "ana@example.org"}};
  event.body = "{}";
  // Nobody knows her first name, and the template asks for it.
  installation.append(event.route(), events::RecordType::event, flow::payload_of(event));
  const auto decision = installation.final_decision("ana@example.org");
  EXPECT_EQ(decision.state, contact::DecisionState::not_rendered);
  EXPECT_EQ(installation.mail_count(), 0u);
}

}  // namespace
}  // namespace terreno::server
