#include "nodes/drill/evaluate/case_toml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/source_path.hpp"

namespace holdfast::drill::evaluate {
namespace {

TEST(Cases, OfTheRepositoryAreEnoughInEveryDomain) {
  settings::Problems problems;
  const auto cases = load_cases(tests::source_path("config/evaluate"), problems);
  EXPECT_EQ(problems.str(), "");
  const auto count = [&](auto&& is) { return std::count_if(cases.begin(), cases.end(), is); };
  EXPECT_GE(count([](const Case& one) { return !one.is_control(); }), 30);
  EXPECT_GE(count([](const Case& one) { return one.is_control(); }), 10);
  for (uint8_t d = 1; d <= telemetry::kDomains; ++d)
    EXPECT_GE(count([d](const Case& one) {
                return !one.is_control() && one.domain == static_cast<telemetry::Domain>(d);
              }),
              3);
  EXPECT_GE(count([](const Case& one) { return !one.sudden; }), 5);
  for (const Case& one : cases)
    if (!one.is_control()) {
      EXPECT_TRUE(std::any_of(one.expect.begin(), one.expect.end(), [&](FaultClass fault) {
        // Contention of a lock is the processors' class and the execution agent's to see.
        return domain_of(fault) == one.domain || fault == FaultClass::kLockContention;
      })) << one.name;
    }
}

TEST(Cases, EveryMeansHasAName) {
  std::set<std::string_view> names;
  for (uint8_t i = 1; i <= kMeans; ++i) names.insert(to_text(static_cast<Means>(i)));
  EXPECT_EQ(names.size(), kMeans);
  EXPECT_FALSE(names.contains("invalid"));
  EXPECT_EQ(to_text(static_cast<Means>(kMeans + 1)), "invalid");
}

TEST(Cases, AreDealtSoThatEachIsInOneGroupAndNeighboursAreApart) {
  settings::Problems problems;
  const auto cases = load_cases(tests::source_path("config/evaluate"), problems);
  std::multiset<std::string> names;
  for (std::size_t part = 1; part <= 8; ++part) {
    std::set<telemetry::Domain> domains;
    for (const Case& one : dealt(cases, 8, part)) {
      names.insert(one.name);
      if (!one.is_control()) domains.insert(one.domain);
    }
    EXPECT_GE(domains.size(), 4u) << part;
  }
  EXPECT_EQ(names.size(), cases.size());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), cases.size());
  EXPECT_EQ(dealt(cases, 1, 1).size(), cases.size());
}

TEST(Cases, WhoIsRightFollowsFromTheMeansUnlessTheFileSaysOtherwise) {
  EXPECT_EQ(found_at(Means::kSlowWrites), FoundAt::kTarget);
  EXPECT_EQ(found_at(Means::kPeerDelay), FoundAt::kEnds);
  EXPECT_EQ(found_at(Means::kFeedGaps), FoundAt::kReporter);
  EXPECT_EQ(found_at(Means::kHog), FoundAt::kAnyone);
  std::set<std::string_view> names;
  for (uint8_t i = 1; i <= 4; ++i) names.insert(to_text(static_cast<FoundAt>(i)));
  EXPECT_EQ(names.size(), 4u);
  EXPECT_FALSE(names.contains("invalid"));
}

TEST(Cases, EveryMistakeIsToldWithItsLine) {
  char name[] = "/tmp/holdfast-cases-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::string folder = name;
  std::ofstream(folder + "/a.toml") << R"([[case]]
name = "one"
about = "x"
domain = "disk"
means = "slow_write"
expect = ["slow_dsk"]
[[case]]
name = "one"
about = "x"
kind = "control"
domain = "io"
means = "peer_stalls"
expect = ["slow_disk"]
actions = ["promot"]
[[case]]
name = "two"
about = "x"
domain = "cpu"
means = "kill_actor"
amuont = 3
)";
  settings::Problems problems;
  load_cases(folder, problems);
  const std::string all = problems.str();
  for (const char* told :
       {"a.toml:4:10: ", "a.toml:5:9: ", "there is no \"slow_dsk\"; did you mean \"slow_disk\"?",
        "a.toml:8:8: name: \"one\" is there twice", "a control expects nothing",
        "needs `delay` and a longer `every`", "there is no \"promot\"; did you mean \"promote\"?",
        "expects at least one class", "kill_actor needs a path", "did you mean \"amount\""})
    EXPECT_THAT(all, testing::HasSubstr(told));
  problems = {};
  load_cases(folder + "/none", problems);
  EXPECT_THAT(problems.str(), testing::HasSubstr("holds no cases"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace holdfast::drill::evaluate
