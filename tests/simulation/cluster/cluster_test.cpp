// The whole cluster under every fault, seed by seed, and the bugs that the checkers have to find. A
// seed that fails is printed with the command that shows it. Ranges of seeds, the totals and the
// trace of one seed come by environment variables: see tests/simulation/README.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "tests/simulation/cluster/cluster.hpp"

using namespace holdfast;
using namespace holdfast::cluster_simulation;

namespace {

constexpr uint64_t kSeedsByDefault = 150;
constexpr uint64_t kDoubleRunEvery = 100;
constexpr std::size_t kFailuresShown = 5;

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What every campaign of some length has to have come by.
constexpr const char* kRarePaths[] = {"a client asked again",
                                      "a clock stepped",
                                      "a delivery came from who is not known to lead",
                                      "a disk was lost",
                                      "a gateway asked for a resend",
                                      "a gateway gave up a silent connection",
                                      "a hand-over began",
                                      "a leader died",
                                      "a member came back into sync",
                                      "a member was ejected",
                                      "a message came twice and late",
                                      "a message was late",
                                      "a partition",
                                      "a process was stopped",
                                      "a reply was that of a duplicate",
                                      "a request waited for a hand-over",
                                      "a snapshot was installed",
                                      "a snapshot was made",
                                      "a superseded leader stepped down",
                                      "a tail was truncated",
                                      "a torn record ended a log",
                                      "a young order was sent again",
                                      "all power was lost",
                                      "alone and unprotected",
                                      "an acknowledgement was too old",
                                      "an advisor asked for a hand-over",
                                      "an advisor asked for an actor's restart",
                                      "an advisor asked a node to leave",
                                      "an order became unknown",
                                      "an order was proven not sent",
                                      "an own late wake-up was discounted",
                                      "an unanswered question took effect",
                                      "an unconfirmed leader stepped down",
                                      "entries were lost with the power",
                                      "held for a fresh round trip",
                                      "killed: as leader",
                                      "killed: by its guard",
                                      "killed: with all",
                                      "protected again",
                                      "said under an old epoch",
                                      "the arbiter killed who was taken over",
                                      "a message was lost",
                                      "the shard delivered again",
                                      "the shard saw a gap of reports",
                                      "the venue asked for a resend",
                                      "the venue did not know an order",
                                      "the venue gave up a silent connection",
                                      "the venue refused a second logon",
                                      "the venue was asked about an unknown order"};

/// What a range of seeds came to.
struct Totals {
  uint64_t seeds = 0, orders = 0, faults = 0, leader_changes = 0, double_runs = 0;
  double simulated_s = 0, cpu_s = 0;
  std::vector<uint64_t> failed;
  std::map<std::string, uint64_t> sometimes;

  void add(const Cluster& cluster) {
    seeds += 1;
    orders += cluster.orders();
    faults += cluster.faults();
    leader_changes += cluster.leader_changes();
    simulated_s += static_cast<double>(cluster.simulated().ms()) / 1e3;
    for (const auto& [what, count] : cluster.sometimes()) sometimes[what] += count;
  }
  /// One line of JSON.
  void print(uint64_t first) const {
    std::printf("{\"first_seed\": %llu, \"seeds\": %llu, \"failed\": %zu, ",
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(seeds),
                failed.size());
    std::printf("\"failed_seeds\": [");
    for (std::size_t i = 0; i < failed.size(); ++i)
      std::printf("%s%llu", i ? ", " : "", static_cast<unsigned long long>(failed[i]));
    std::printf("], \"orders\": %llu, \"faults\": %llu, \"leader_changes\": %llu, ",
                static_cast<unsigned long long>(orders), static_cast<unsigned long long>(faults),
                static_cast<unsigned long long>(leader_changes));
    std::printf("\"double_runs\": %llu, \"simulated_s\": %.0f, \"cpu_s\": %.2f, \"sometimes\": {",
                static_cast<unsigned long long>(double_runs), simulated_s, cpu_s);
    const char* between = "";
    for (const auto& [what, count] : sometimes) {
      std::printf("%s\"%s\": %llu", between, what.c_str(), static_cast<unsigned long long>(count));
      between = ", ";
    }
    std::printf("}}\n");
    std::fflush(stdout);
  }
};

/// Runs one seed; what is expected of every one.
void run_seed(uint64_t seed, Totals& totals) {
  Cluster cluster(settings_of(seed));
  const std::string failure = cluster.run();
  totals.add(cluster);
  if (!failure.empty()) {
    totals.failed.push_back(seed);
    ADD_FAILURE() << failure << "\n  HOLDFAST_SEED=" << seed
                  << " simulation_cluster --gtest_filter=Cluster.ShowsOneSeed";
    return;
  }
  EXPECT_GE(cluster.orders(), 300u) << "seed " << seed;
  EXPECT_GE(cluster.faults(), 5u) << "seed " << seed;
  EXPECT_GE(cluster.leader_changes(), 1u) << "seed " << seed;
  EXPECT_GE(cluster.simulated(), Duration::seconds(30)) << "seed " << seed;
  if (seed % kDoubleRunEvery != 0) return;
  Cluster twice(settings_of(seed));
  EXPECT_EQ(twice.run(), "");
  EXPECT_EQ(twice.trace_hash(), cluster.trace_hash()) << "seed " << seed << " ran in two ways";
  totals.double_runs += 1;
}

TEST(Cluster, LosesNothingAndDoublesNothing) {
  const uint64_t first = number_from("HOLDFAST_FIRST_SEED", 1);
  const uint64_t count = number_from("HOLDFAST_SEEDS", kSeedsByDefault);
  Totals totals;
  for (const char* what : kRarePaths) totals.sometimes[what] = 0;
  const std::clock_t begun = std::clock();
  for (uint64_t seed = first; seed < first + count; ++seed) {
    run_seed(seed, totals);
    if (totals.failed.size() >= kFailuresShown) break;
  }
  totals.cpu_s = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  totals.print(first);
  if (count < kSeedsByDefault) return;
  for (const char* what : kRarePaths)
    EXPECT_GT(totals.sometimes[what], 0u) << what << " never happened";
}

TEST(Cluster, SameSeedSameTrace) {
  for (const uint64_t seed : {3, 4, 5, 13}) {
    Cluster once(settings_of(seed)), twice(settings_of(seed));
    EXPECT_EQ(once.run(), twice.run());
    EXPECT_EQ(once.trace_hash(), twice.trace_hash());
  }
}

Bug bug_named(std::string_view name) {
  for (std::size_t bug = 0; bug < static_cast<std::size_t>(Bug::kCount_); ++bug)
    if (name_of(static_cast<Bug>(bug)) == name) return static_cast<Bug>(bug);
  return Bug::kNone;
}

TEST(Cluster, ShowsOneSeed) {
  const uint64_t seed = number_from("HOLDFAST_SEED", 0);
  if (seed == 0) GTEST_SKIP() << "HOLDFAST_SEED=N shows what happens in that seed";
  Settings settings = settings_of(seed);
  settings.trace = true;
  if (const char* bug = std::getenv("HOLDFAST_BUG"); bug && *bug) {
    settings.bug = bug_named(bug);
    ASSERT_NE(settings.bug, Bug::kNone) << "no planted bug is called " << bug;
  }
  Cluster cluster(settings);
  EXPECT_EQ(cluster.run(), "");
}

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsFound) {
  constexpr uint64_t kSeedsAtMost = 60;
  for (uint64_t seed = 1; seed <= kSeedsAtMost; ++seed) {
    Settings settings = settings_of(seed);
    settings.bug = GetParam();
    Cluster cluster(settings);
    const std::string failure = cluster.run();
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
INSTANTIATE_TEST_SUITE_P(Cluster, PlantedBug, testing::ValuesIn(all_bugs()),
                         [](const auto& param) { return std::string(name_of(param.param)); });

}  // namespace
