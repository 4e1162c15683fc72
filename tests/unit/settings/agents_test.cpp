// agents.toml: the file of the repository says what the agents have by default, and every mistake
// is told with its line.
#include "nodes/settings/agents_settings.hpp"

#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using agents::AgentSettings;
using telemetry::Metric;

std::string limit_text(const std::optional<int64_t>& limit) {
  return limit ? std::to_string(*limit) : "\"none\"";
}

// What the file has to say so that nothing of the defaults is left unsaid.
std::string text_of(const AgentSettings& settings) {
  std::string text;
  for (const agents::Watch& watch : settings.watches) {
    text += "[[watch]]\nmetric = \"" + std::string(telemetry::info_of(watch.metric).name) + "\"\n";
    text += "bad = \"" + std::string(to_text(watch.bad)) + "\"\n";
    text += "learns = " + std::string(watch.learns ? "true" : "false") + "\n";
    text += "limit = " + limit_text(watch.limit) + "\nsevere = " + limit_text(watch.severe) + "\n";
    text += "floor = " + std::to_string(watch.floor) + "\n";
    text += "least_change = " + std::to_string(watch.least_change) + "\n";
    text += "least_ratio_milli = " + std::to_string(watch.least_ratio_milli) + "\n";
    text += "spreads_milli = " + std::to_string(watch.spreads_milli) + "\n";
    text += "persistence = \"" + std::to_string(watch.persistence.need) + " of " +
            std::to_string(watch.persistence.of) + "\"\n";
  }
  return text;
}

class AgentsFile : public SettingsFiles {
 protected:
  AgentSettings load(const std::string& text) {
    write("agents.toml", text);
    problems_ = {};
    return load_agents(folder_, problems_);
  }
  Problems problems_;
};

TEST_F(AgentsFile, OfTheRepositorySaysTheDefaults) {
  Problems problems;
  const AgentSettings settings = load_agents(tests::source_path("config"), problems);
  EXPECT_EQ(problems.str(), "");
  EXPECT_EQ(settings, agents::default_settings());
  EXPECT_EQ(load(text_of(agents::default_settings())), settings);
  EXPECT_EQ(problems_.str(), "");
  if (HasFailure()) std::puts(text_of(agents::default_settings()).c_str());
}

TEST_F(AgentsFile, MayBeMissingOrSaySomeThingsOnly) {
  fs::remove(folder_ + "/agents.toml");
  EXPECT_EQ(load_agents(folder_, problems_), agents::default_settings());
  const auto settings = load(R"([agents]
instances = 3
over_after = "10s"
[[watch]]
metric = "system.cpu.steal"
limit = "none"
persistence = "2 of 3"
[[watch]]
metric = "order.rate"
bad = "low"
floor = 10
[[watch]]
metric = "feed.age"
watched = false
)");
  EXPECT_EQ(problems_.str(), "");
  EXPECT_EQ(settings.instances, 3u);
  EXPECT_EQ(settings.over_after, Duration::seconds(10));
  const auto* steal = find_watch(settings, Metric::kCpuSteal);
  EXPECT_FALSE(steal->limit);
  EXPECT_EQ(steal->floor, find_watch(agents::default_settings(), Metric::kCpuSteal)->floor);
  EXPECT_EQ(steal->persistence, (agents::Persistence{2, 3}));
  EXPECT_EQ(find_watch(settings, Metric::kOrderRate)->bad, agents::Bad::kLow);
  EXPECT_EQ(find_watch(settings, Metric::kFeedAge), nullptr);
}

TEST_F(AgentsFile, EveryMistakeIsToldWithItsLine) {
  load(R"([agents]
instances = 0
heartbeat_every = "2s"
dead_after = "3s"
[[watch]]
metric = "system.cpu.stael"
[[watch]]
metric = "peer.loss"
persistence = "6 of 5"
limit = "much"
flor = 3
[[watch]]
metric = "peer.loss"
limit = "none"
[agent]
)");
  const auto file = folder_ + "/agents.toml";
  const auto all = problems_.str();
  for (const char* told :
       {":2:", ":4:14: dead_after: expected at least twice heartbeat_every",
        ":6:10: metric: there is no \"system.cpu.stael\"; did you mean \"system.cpu.steal\"?",
        ":9:15: persistence: expected \"K of N\"", ":10:9: ", ":11:", "did you mean \"floor\"",
        ":13:10: metric: \"peer.loss\" is there twice", "does not learn needs a limit", ":15:"})
    EXPECT_THAT(all, testing::HasSubstr(told));
  EXPECT_THAT(all, testing::HasSubstr(file + ":2:"));
}

}  // namespace
}  // namespace holdfast::settings
