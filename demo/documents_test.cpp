#include "demo/documents.h"

#include <gtest/gtest.h>

#include "flow/configuration.h"

namespace terreno::demo {
namespace {

std::shared_ptr<const flow::Configuration> read(Organisation organisation) {
  std::vector<flow::Document> documents;
  for (DocumentFile& file : documents_of(organisation)) documents.push_back({file.path, std::move(file.text)});
  std::vector<Finding> findings;
  auto configuration = flow::read_configuration(std::move(documents), findings);
  for (const Finding& finding : findings)
    ADD_FAILURE() << finding.file << ':' << finding.line << ':' << finding.column << ' ' << finding.path << ' '
                  << finding.detail;
  return configuration;
}

class EachOrganisation : public testing::TestWithParam<Organisation> {};
INSTANTIATE_TEST_SUITE_P(Documents, EachOrganisation, testing::Values(Organisation::raices, Organisation::lisiere));

TEST_P(EachOrganisation, HasDocumentsWithoutFindings) {
  const auto configuration = read(GetParam());
  EXPECT_GE(configuration->journeys.size(), 4u);
  EXPECT_GE(configuration->templates.size(), 5u);
  EXPECT_GE(configuration->topics.size(), 2u);
  EXPECT_GE(configuration->policy.caps.size(), 2u);
}

TEST_P(EachOrganisation, RendersEveryLetterInThreeLanguagesWithAndWithoutAName) {
  const auto configuration = read(GetParam());
  for (const auto& [name, message] : configuration->templates) {
    bool commercial = false;
    for (const auto& journey : configuration->journeys) {
      for (const journeys::Step& step : journey->steps)
        if (step.kind == journeys::StepKind::send && step.send.message == name)
          commercial |= step.send.message_class == consent::MessageClass::commercial;
    }
    for (const std::string language : {"es", "fr", "en"}) {
      ASSERT_TRUE(message.languages.contains(language)) << name << ' ' << language;
      for (const std::string person : {R"({"first_name":"Íñigo & <b>"})", "{}"}) {
        const std::string data =
            R"({"person":)" + person +
            R"(,"event":{"meeting":"Círculo","when":"jueves","amount":40,"donation_id":"D-1","account_hint":"0412",)"
            R"("order_id":"N-1","product":"Nappe","total":89.0}})";
        content::RenderContext context{language, "es", data, "Europe/Madrid", {1'795'000'000'000}, {}};
        // Only a commercial letter may count on links.
        if (commercial) context.links = {"https://x.example/u", "https://x.example/v", "https://x.example/p"};
        const auto rendered = content::render_message(message, context);
        ASSERT_TRUE(rendered) << name << ' ' << language << ' ' << rendered.error().part << ' '
                              << rendered.error().reason << ' ' << rendered.error().detail;
        EXPECT_EQ(rendered->language, language);
        EXPECT_EQ(rendered->html.find("<b>,"), std::string::npos) << "a name is text, never markup";
        EXPECT_EQ(commercial, rendered->html.contains("https://x.example/u")) << name;
        EXPECT_EQ(commercial, rendered->text.contains("https://x.example/u")) << name;
        for (const std::string* part : {&rendered->subject, &rendered->html, &rendered->text}) {
          EXPECT_FALSE(part->contains("{{")) << name;
          EXPECT_FALSE(part->contains(" ,")) << name << ' ' << language << ": " << *part;
        }
      }
    }
  }
}

}  // namespace
}  // namespace terreno::demo
