#include "supervision/drills/scenario.hpp"

#include <gtest/gtest.h>

#include <set>

namespace holdfast::drills {
namespace {

Scenario scenario(std::vector<Fault> faults, Aim aim) {
  Scenario scenario;
  scenario.name = "test";
  scenario.faults = std::move(faults);
  scenario.aim = aim;
  scenario.pause_least = Duration::milliseconds(200);
  scenario.pause_most = Duration::milliseconds(600);
  scenario.stop_least = Duration::milliseconds(100);
  scenario.stop_most = Duration::milliseconds(100);
  return scenario;
}

TEST(DrillNames, GoThereAndBack) {
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    EXPECT_EQ(fault_named(name_of(fault)), fault);
  }
  for (const Aim aim : {Aim::kOrders, Aim::kVenue, Aim::kBoth})
    EXPECT_EQ(aim_named(name_of(aim)), aim);
  EXPECT_FALSE(fault_named("kill"));
  EXPECT_FALSE(aim_named(""));
}

TEST(DrillPlanner, BothAlternatesAndReachesEveryShard) {
  Planner planner(scenario({Fault::kKillActive}, Aim::kBoth), 2, 1);
  std::vector<std::pair<Aim, uint32_t>> orders;
  for (int i = 0; i < 8; ++i) {
    const Step step = planner.next();
    EXPECT_EQ(step.aim, i % 2 ? Aim::kVenue : Aim::kOrders);
    if (step.aim == Aim::kOrders) orders.emplace_back(step.aim, step.shard);
  }
  ASSERT_EQ(orders.size(), 4u);
  EXPECT_EQ(orders[0].second, 0u);
  EXPECT_EQ(orders[1].second, 1u);
  EXPECT_EQ(orders[2].second, 0u);
  EXPECT_EQ(orders[3].second, 1u);
}

TEST(DrillPlanner, OneTargetIsAlwaysHit) {
  Planner planner(scenario({Fault::kKillActive}, Aim::kOrders), 2, 1);
  for (uint32_t i = 0; i < 6; ++i) {
    const Step step = planner.next();
    EXPECT_EQ(step.aim, Aim::kOrders);
    EXPECT_EQ(step.shard, i % 2);
  }
}

TEST(DrillPlanner, SameSeedSameSteps) {
  const auto all = scenario({Fault::kKillActive, Fault::kStopActive, Fault::kLoseDisk}, Aim::kBoth);
  Planner a(all, 2, 7), b(all, 2, 7), other(all, 2, 8);
  bool differs = false;
  std::set<Fault> drawn;
  for (int i = 0; i < 100; ++i) {
    const Step x = a.next(), y = b.next(), z = other.next();
    EXPECT_EQ(x.fault, y.fault);
    EXPECT_EQ(x.pause, y.pause);
    EXPECT_EQ(x.pick, y.pick);
    EXPECT_EQ(x.second, y.second);
    differs |= x.pick != z.pick;
    drawn.insert(x.fault);
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(drawn.size(), 3u);
}

TEST(DrillPlanner, StopsAreDrawnAroundEveryTimeOfTheList) {
  auto around = scenario({Fault::kStopActive}, Aim::kVenue);
  around.stop_around = {Duration::milliseconds(100), Duration::seconds(1)};
  Planner planner(around, 1, 3);
  bool below = false, above = false, second = false;
  for (int i = 0; i < 200; ++i) {
    const Duration stop = planner.next().stop;
    EXPECT_GE(stop, Duration::milliseconds(80));
    EXPECT_LT(stop, Duration::milliseconds(1'200));
    EXPECT_FALSE(stop >= Duration::milliseconds(120) && stop < Duration::milliseconds(800));
    below |= stop < Duration::milliseconds(100);
    above |= stop > Duration::milliseconds(100) && stop < Duration::milliseconds(120);
    second |= stop > Duration::milliseconds(800);
  }
  EXPECT_TRUE(below && above && second);
  Planner few(around, 1, 4);  // also a short run has all
  for (int i = 0; i < 10; ++i)
    EXPECT_NE(few.next().stop < Duration::milliseconds(200),
              few.next().stop < Duration::milliseconds(200));
}

TEST(DrillPlanner, TimesStayWithinTheScenario) {
  Planner planner(scenario({Fault::kStopActive}, Aim::kVenue), 1, 3);
  for (int i = 0; i < 200; ++i) {
    const Step step = planner.next();
    EXPECT_GE(step.pause, Duration::milliseconds(200));
    EXPECT_LT(step.pause, Duration::milliseconds(600));
    EXPECT_EQ(step.stop, Duration::milliseconds(100));  // least and most are the same
  }
}

}  // namespace
}  // namespace holdfast::drills
