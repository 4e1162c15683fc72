// The replication protocol under every fault of the world, seed by seed. A seed that fails is
// printed with the command that shows it.
#include <cstdlib>

#include "tests/simulation/protocol/world.hpp"

using namespace holdfast;
using namespace holdfast::simulation;

namespace {

uint64_t seeds() {
  const char* text = std::getenv("HOLDFAST_SEEDS");
  return text ? std::strtoull(text, nullptr, 10) : 300;
}

WorldSettings settings_of(uint64_t seed) {
  WorldSettings settings;
  settings.seed = seed;
  settings.sync_members = seed % 5 == 0 ? 2 : 3;
  settings.learners = seed % 3 == 0 ? 1 : 0;
  settings.unprotected = seed % 7 == 0 ? Unprotected::kHalt : Unprotected::kContinue;
  settings.fence = seed % 2 == 0;
  return settings;
}

TEST(Protocol, LosesNothingWhateverHappens) {
  std::map<std::string, uint64_t> sometimes;
  uint64_t leaders = 0, entries = 0;
  for (uint64_t seed = 1; seed <= seeds(); ++seed) {
    World world(settings_of(seed));
    const std::string failure = world.run();
    ASSERT_EQ(failure, "") << "HOLDFAST_SEED=" << seed
                           << " simulation_protocol --gtest_filter=Protocol.ShowsOneSeed";
    leaders += world.leaders();
    entries += world.entries_released();
    for (const auto& [what, count] : world.sometimes()) sometimes[what] += count;
  }
  EXPECT_GT(leaders, seeds());
  EXPECT_GT(entries, 100 * seeds());
  for (const char* what : {"killed the leader",
                           "killed: fenced",
                           "killed: with all",
                           "killed: with its disk",
                           "stopped",
                           "truncated",
                           "snapshot installed",
                           "unprotected",
                           "protected again",
                           "hand-over begun",
                           "replica rebuilt under its leader",
                           "an unanswered question took effect",
                           "a message came twice",
                           "stepped down: superseded",
                           "stepped down: unconfirmed",
                           "held for a fresh round trip",
                           "an acknowledgement was too old",
                           "a gap was seen",
                           "said under an old epoch",
                           "own late wake-up discounted"})
    EXPECT_GT(sometimes[what], 0u) << what << " never happened";
}

TEST(Protocol, SameSeedSameTrace) {
  for (const uint64_t seed : {3, 4, 5}) {
    World once(settings_of(seed)), twice(settings_of(seed));
    EXPECT_EQ(once.run(), twice.run());
    EXPECT_EQ(once.trace_hash(), twice.trace_hash());
  }
}

TEST(Protocol, ShowsOneSeed) {
  const char* seed = std::getenv("HOLDFAST_SEED");
  if (!seed) GTEST_SKIP() << "HOLDFAST_SEED=N shows what happens in that seed";
  auto settings = settings_of(std::strtoull(seed, nullptr, 10));
  settings.trace = true;
  World world(settings);
  EXPECT_EQ(world.run(), "");
}

class PlantedBug : public testing::TestWithParam<WorldSettings::Bug> {};

TEST_P(PlantedBug, IsFound) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    auto settings = settings_of(seed);
    settings.bug = GetParam();
    World world(settings);
    if (!world.run().empty()) return;
  }
  FAIL() << "400 seeds did not show it";
}

using Bug = WorldSettings::Bug;
INSTANTIATE_TEST_SUITE_P(Protocol, PlantedBug,
                         testing::Values(Bug::kAckBeforePersist, Bug::kSameDirectory,
                                         Bug::kNoTruncate, Bug::kReleaseEarly, Bug::kBlindArbiter,
                                         Bug::kSkipEntry, Bug::kStaleRestart, Bug::kInflatedAck));

}  // namespace
