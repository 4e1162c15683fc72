#include "nodes/drill/foreign_linux.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "nodes/drill/cluster_linux.hpp"

namespace holdfast::drill {
namespace {

using drills::Fault;
using ::testing::HasSubstr;

class ForeignNode : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "foreign-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void record(const std::string& text) { std::ofstream(folder_ + "/node.json") << text; }
  std::string folder_;
};

TEST_F(ForeignNode, IsTheProcessThatItsGuardRecorded) {
  const auto self = this_process();
  record("{\"pid\":" + std::to_string(self.pid) +
         ",\"start_ticks\":" + std::to_string(self.start_ticks) + "}\n");
  const auto found = guarded_process(folder_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value(), self);
}

TEST_F(ForeignNode, IsNobodyWhoHasItsNumberNow) {
  const auto self = this_process();
  record("{\"pid\":" + std::to_string(self.pid) +
         ",\"start_ticks\":" + std::to_string(self.start_ticks + 1) + "}\n");
  EXPECT_FALSE(guarded_process(folder_).ok());
}

TEST_F(ForeignNode, IsNobodyByARecordThatIsNone) {
  EXPECT_FALSE(guarded_process(folder_).ok());
  for (const char* text :
       {"", "{", "[1]", "{\"pid\":1,\"start_ticks\":0}", "{\"pid\":-1,\"start_ticks\":0}",
        "{\"pid\":\"7\",\"start_ticks\":7}", "{\"pid\":99999999999,\"start_ticks\":7}",
        "{\"pid\":7,\"start_ticks\":-1}"}) {
    record(text);
    EXPECT_FALSE(guarded_process(folder_).ok()) << text;
  }
}

TEST(ForeignScenario, OnlyFaultsOfOneNodeThatItsGuardRepairsArePermitted) {
  std::vector<std::string> permitted;
  for (std::size_t i = 0; i < drills::kFaults; ++i) {
    drills::Scenario scenario;
    scenario.faults = {static_cast<Fault>(i)};
    if (why_not_foreign(scenario).empty())
      permitted.emplace_back(drills::name_of(static_cast<Fault>(i)));
  }
  EXPECT_THAT(permitted, ::testing::ElementsAre("kill-active", "kill-standby", "stop-active",
                                                "hand-over", "crash-loop"));
}

TEST(ForeignScenario, OneFaultThatIsNotPermittedRefusesAll) {
  drills::Scenario scenario;
  scenario.faults = {Fault::kKillActive, Fault::kLoseDisk};
  EXPECT_THAT(why_not_foreign(scenario), HasSubstr("lose-disk"));
}

TEST(ForeignCluster, PlaceWithoutConfigurationIsRefused) {
  ClusterOptions options;
  options.foreign = "/nowhere";
  const auto attached = Cluster::attach(options);
  ASSERT_FALSE(attached.ok());
  EXPECT_THAT(attached.error().text, HasSubstr("no cluster.toml in /nowhere"));
}

}  // namespace
}  // namespace holdfast::drill
