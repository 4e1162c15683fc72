// The healing loop under every fault of its world, seed by seed, and the bugs that the checkers
// have to find. A seed that fails is printed with the command that shows it.
//
// HOLDFAST_SEEDS: so many, from HOLDFAST_FIRST_SEED on.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "tests/simulation/healing/world.hpp"

using namespace holdfast;
using namespace holdfast::healing_simulation;

namespace {

constexpr uint64_t kSeedsByDefault = 240;
constexpr uint64_t kDoubleRunEvery = 40;
constexpr std::size_t kFailuresShown = 5;

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What every campaign of some length has to have come by.
constexpr const char* kRarePaths[] = {"a finding was lost",
                                      "a human was told",
                                      "a remedy was undone",
                                      "a step came too late",
                                      "a step came twice",
                                      "a step failed",
                                      "a step was lost on the way",
                                      "a step was undone",
                                      "a step's result was lost",
                                      "a tail was lost",
                                      "advice came late",
                                      "advice stands",
                                      "begun by escalation",
                                      "begun by fresh",
                                      "begun by operator",
                                      "begun by rules",
                                      "begun by standing",
                                      "done after an approval",
                                      "ended: denied",
                                      "ended: failed",
                                      "ended: not_needed",
                                      "ended: rolled_back",
                                      "ended: succeeded",
                                      "held back: active",
                                      "held back: blast_radius",
                                      "held back: cooldown",
                                      "held back: elsewhere",
                                      "held back: tried",
                                      "held back: unfit",
                                      "incidents were merged",
                                      "no advice in time",
                                      "standing advice expired",
                                      "the kill switch",
                                      "the orchestrator died",
                                      "the orchestrator died during a step"};

struct Totals {
  uint64_t seeds = 0, remedies = 0, steps = 0, double_runs = 0;
  std::vector<uint64_t> failed;
  std::map<std::string, uint64_t> sometimes;
  double cpu_s = 0;

  void add(const World& world) {
    seeds += 1;
    remedies += world.remedies();
    steps += world.steps();
    for (const auto& [what, count] : world.sometimes()) sometimes[what] += count;
  }
  void print(uint64_t first) const {
    std::printf(
        "{\"simulation\": \"healing\", \"first_seed\": %llu, \"seeds\": %llu, \"failed\": %zu, ",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(seeds),
        failed.size());
    std::printf("\"failed_seeds\": [");
    for (std::size_t i = 0; i < failed.size(); ++i)
      std::printf("%s%llu", i ? ", " : "", static_cast<unsigned long long>(failed[i]));
    std::printf("], \"remedies\": %llu, \"steps\": %llu, \"double_runs\": %llu, \"cpu_s\": %.2f, ",
                static_cast<unsigned long long>(remedies), static_cast<unsigned long long>(steps),
                static_cast<unsigned long long>(double_runs), cpu_s);
    std::printf("\"sometimes\": {");
    const char* between = "";
    for (const auto& [what, count] : sometimes) {
      std::printf("%s\"%s\": %llu", between, what.c_str(), static_cast<unsigned long long>(count));
      between = ", ";
    }
    std::printf("}}\n");
    std::fflush(stdout);
  }
};

TEST(Healing, DoesNothingThatItMayNotAndEndsWhatItBegins) {
  const uint64_t first = number_from("HOLDFAST_FIRST_SEED", 1);
  const uint64_t count = number_from("HOLDFAST_SEEDS", kSeedsByDefault);
  Totals totals;
  for (const char* what : kRarePaths) totals.sometimes[what] = 0;
  const std::clock_t begun = std::clock();
  for (uint64_t seed = first; seed < first + count; ++seed) {
    World world(settings_of(seed));
    const std::string failure = world.run();
    totals.add(world);
    if (!failure.empty()) {
      totals.failed.push_back(seed);
      ADD_FAILURE() << failure << "\n  HOLDFAST_SEED=" << seed
                    << " simulation_healing --gtest_filter=Healing.ShowsOneSeed";
      if (totals.failed.size() >= kFailuresShown) break;
    } else if (seed % kDoubleRunEvery == 0) {
      World twice(settings_of(seed));
      EXPECT_EQ(twice.run(), "");
      EXPECT_EQ(twice.trace_hash(), world.trace_hash()) << "seed " << seed << " ran in two ways";
      totals.double_runs += 1;
    }
  }
  totals.cpu_s = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  totals.print(first);
  if (count < kSeedsByDefault) return;
  for (const char* what : kRarePaths)
    EXPECT_GT(totals.sometimes[what], 0u) << what << " never happened";
}

Bug bug_named(std::string_view name) {
  for (std::size_t bug = 0; bug < static_cast<std::size_t>(Bug::kCount_); ++bug)
    if (name_of(static_cast<Bug>(bug)) == name) return static_cast<Bug>(bug);
  return Bug::kNone;
}

TEST(Healing, ShowsOneSeed) {
  const uint64_t seed = number_from("HOLDFAST_SEED", 0);
  if (seed == 0) GTEST_SKIP() << "HOLDFAST_SEED=N shows what happens in that seed";
  Settings settings = settings_of(seed);
  settings.trace = true;
  if (const char* bug = std::getenv("HOLDFAST_BUG"); bug && *bug) {
    settings.bug = bug_named(bug);
    ASSERT_NE(settings.bug, Bug::kNone) << "no planted bug is called " << bug;
  }
  World world(settings);
  EXPECT_EQ(world.run(), "");
}

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsFound) {
  constexpr uint64_t kSeedsAtMost = 60;
  for (uint64_t seed = 1; seed <= kSeedsAtMost; ++seed) {
    Settings settings = settings_of(seed);
    settings.bug = GetParam();
    World world(settings);
    const std::string failure = world.run();
    if (failure.empty()) continue;
    std::printf("%s: seed %llu: %s\n", std::string(name_of(GetParam())).c_str(),
                static_cast<unsigned long long>(seed), failure.c_str());
    return;
  }
  FAIL() << kSeedsAtMost << " seeds did not show it";
}

std::vector<Bug> all_bugs() {
  std::vector<Bug> bugs;
  for (auto bug = static_cast<std::size_t>(Bug::kNone) + 1;
       bug < static_cast<std::size_t>(Bug::kCount_); ++bug)
    bugs.push_back(static_cast<Bug>(bug));
  return bugs;
}
INSTANTIATE_TEST_SUITE_P(Healing, PlantedBug, testing::ValuesIn(all_bugs()),
                         [](const auto& param) { return std::string(name_of(param.param)); });

}  // namespace
