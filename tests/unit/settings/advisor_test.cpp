#include "nodes/settings/advisor_settings.hpp"

#include <array>
#include <map>

#include "actors/agents/precedents/index.hpp"
#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using testing::HasSubstr;

class AdvisorFile : public SettingsFiles {
 protected:
  llm::GatewaySettings advisor(const std::string& text) {
    write("advisor.toml", text);
    problems_ = {};
    return load_advisor(folder_, problems_);
  }
  std::vector<precedents::Seed> seeds(const std::string& text) {
    write("precedents.toml", text);
    problems_ = {};
    return load_precedents(folder_, problems_);
  }
  Problems problems_;
};

constexpr const char* kEndpoint = R"(
[[endpoint]]
name = "local"
dialect = "llama_cpp"
url = "http://127.0.0.1:8000/v1"
model = "m"
)";

TEST_F(AdvisorFile, WithoutOneTheDeterministicAdvisorAnswers) {
  EXPECT_FALSE(load_advisor(folder_, problems_).enabled());
  EXPECT_TRUE(load_precedents(folder_, problems_).empty());
  EXPECT_TRUE(problems_.none()) << problems_.str();
}

TEST_F(AdvisorFile, TheDefaultsOfTheFileAreThoseOfTheCode) {
  const auto settings = load_advisor(tests::source_path("config"), problems_);
  EXPECT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(settings, llm::GatewaySettings{});
}

TEST_F(AdvisorFile, IsReadWhole) {
  const auto settings = advisor(R"(
[advisor]
deadline = "3s"
regions = ["eu", "on-premises"]
recording = "record"
recording_file = "advice.rec"
[budget]
day_tokens = 500
day_cost = 2.5
[domain_regions]
execution = ["on-premises"]
)" + std::string(kEndpoint) + R"(
api_key_file = "key"
input_price = 0.15
send_temperature = false
)");
  ASSERT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(settings.deadline, Duration::seconds(3));
  EXPECT_THAT(settings.regions, testing::ElementsAre("eu", "on-premises"));
  EXPECT_EQ(settings.recording, llm::Recording::kRecord);
  EXPECT_EQ(settings.day_budget, (llm::Budget{500, 2'500'000}));
  EXPECT_THAT(settings.domain_regions[3], testing::ElementsAre("on-premises"));
  ASSERT_EQ(settings.endpoints.size(), 1u);
  const auto& endpoint = settings.endpoints.front();
  EXPECT_EQ(endpoint.dialect, llm::Dialect::kLlamaCpp);
  EXPECT_EQ(endpoint.api_key_file, folder_ + "/key");
  EXPECT_EQ(endpoint.input_price_micros, 150'000);
  EXPECT_FALSE(endpoint.temperature_milli);
}

TEST_F(AdvisorFile, MistakesAreToldWithTheirLine) {
  const std::map<std::string, std::string> mistakes = {
      {"[advisor]\ndeadlin = \"3s\"\n", "did you mean \"deadline\""},
      {"[advisor]\nattempts_max = 99\n", "advisor.toml:2"},
      {"[domain_regions]\nmoon = [\"eu\"]\n", "moon"},
      {"[[endpoint]]\nname = \"x\"\n", "url"},
      {"[[endpoint]]\nname = \"x y\"\ndialect = \"vllm\"\nurl = \"http://h/v1\"\nmodel = \"m\"\n",
       "spaces"},
      {"[[endpoint]]\nname = \"x\"\ndialect = \"gpt\"\nurl = \"http://h/v1\"\nmodel = \"m\"\n",
       "vllm"},
      {std::string(kEndpoint) + kEndpoint, "twice"},
      {"[[endpoint]]\nname = \"x\"\ndialect = \"vllm\"\nurl = \"http://far/v1\"\nmodel = \"m\"\n"
       "api_key_env = \"K\"\n",
       "unencrypted"},
      {"[advisor]\nrecording = \"replay\"\n", "file"},
  };
  for (const auto& [text, word] : mistakes) {
    advisor(text);
    EXPECT_THAT(problems_.str(), HasSubstr(word)) << text;
  }
}

TEST_F(AdvisorFile, EveryDomainHasFiveDocumentedCasesThatAreFoundAgain) {
  const auto seeds = load_precedents(tests::source_path("config"), problems_);
  ASSERT_TRUE(problems_.none()) << problems_.str();
  std::map<telemetry::Domain, int> count;
  std::map<FaultClass, int> faults;
  precedents::Index index;
  for (const auto& seed : seeds) {
    ++count[domain_of(seed.fault)];
    ++faults[seed.fault];
    EXPECT_FALSE(seed.symptoms.empty()) << seed.number;
    EXPECT_FALSE(seed.note.empty()) << seed.number;
    index.put(precedent_of(seed));
  }
  for (const auto& seed : seeds) {
    const auto found = index.find(signature_of(seed.fault, seed.symptoms), 1);
    ASSERT_EQ(found.size(), 1u) << seed.number;
    EXPECT_EQ(found.front().fault, seed.fault) << seed.number;
  }
  EXPECT_EQ(count.size(), telemetry::kDomains);
  for (const auto& [domain, n] : count) EXPECT_GE(n, 5) << to_text(domain);
  for (const auto fault : fault_classes()) EXPECT_GE(faults[fault], 1) << to_text(fault);
}

TEST_F(AdvisorFile, MistakesInACaseAreTold) {
  const std::string good =
      "[[precedent]]\nnumber = 1\nfault = \"slow_disk\"\nsymptoms = [\"system.disk.queue+\"]\n"
      "action = \"migrate\"\nnote = \"n\"\n";
  EXPECT_EQ(seeds(good).size(), 1u);
  EXPECT_TRUE(problems_.none()) << problems_.str();
  const std::vector<std::array<std::string, 3>> mistakes = {
      {"slow_disk", "slow_disc", "did you mean \"slow_disk\""},
      {"system.disk.queue+", "system.disk.queue", "with +"},
      {"system.disk.queue+", "system.disc.queue-", "did you mean \"system.disk.queue+\""},
      {"migrate", "sell", "no action"},
      {"number = 1\n", "number = 0\n", "number"},
      {"note", "nota", "note"},
  };
  for (const auto& [from, to, word] : mistakes) {
    auto text = good;
    text.replace(text.find(from), from.size(), to);
    seeds(text);
    EXPECT_THAT(problems_.str(), HasSubstr(word)) << text;
  }
  seeds(good + good);
  EXPECT_THAT(problems_.str(), HasSubstr("twice"));
}

}  // namespace
}  // namespace holdfast::settings
