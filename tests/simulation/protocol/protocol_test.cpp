// The replication protocol under every fault of the world, seed by seed. A seed that fails is
// printed with the command that shows it.
//
// HOLDFAST_SEEDS: so many, from HOLDFAST_FIRST_SEED on.
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/simulation/protocol/world.hpp"

using namespace holdfast;
using namespace holdfast::simulation;

namespace {

uint64_t number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}
uint64_t seeds() { return number("HOLDFAST_SEEDS", 300); }
uint64_t first_seed() { return number("HOLDFAST_FIRST_SEED", 1); }

/// One line of JSON, for whoever adds up many runs.
void print_totals(uint64_t leaders, uint64_t entries,
                  const std::map<std::string, uint64_t>& sometimes) {
  std::ostringstream line;
  line << "{\"simulation\": \"protocol\", \"first_seed\": " << first_seed()
       << ", \"seeds\": " << seeds() << ", \"leaders\": " << leaders
       << ", \"entries_released\": " << entries << ", \"sometimes\": {";
  const char* comma = "";
  for (const auto& [what, count] : sometimes) {
    line << comma << '"' << what << "\": " << count;
    comma = ", ";
  }
  line << "}}\n";
  std::fputs(line.str().c_str(), stdout);
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
  for (uint64_t seed = first_seed(); seed < first_seed() + seeds(); ++seed) {
    World world(settings_of(seed));
    const std::string failure = world.run();
    ASSERT_EQ(failure, "") << "HOLDFAST_SEED=" << seed
                           << " simulation_protocol --gtest_filter=Protocol.ShowsOneSeed";
    leaders += world.leaders();
    entries += world.entries_released();
    for (const auto& [what, count] : world.sometimes()) sometimes[what] += count;
  }
  print_totals(leaders, entries, sometimes);
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
