#include "actors/agents/fleet/registry.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "actors/agents/fleet/known_cases.hpp"

namespace holdfast::agents {
namespace {

using telemetry::Domain;

constexpr AgentId kIo{Domain::kIo, 1};
MonoTime at(int64_t ms) { return MonoTime{ms * 1'000'000}; }
constexpr WallTime kWall{1'700'000'000'000'000'000};

Finding finding(AgentId agent, uint64_t number, bool over = false) {
  Finding one;
  one.agent = agent;
  one.number = number;
  one.fault = FaultClass::kSlowDisk;
  one.over = over;
  return one;
}

class RegistryTest : public ::testing::Test {
 protected:
  std::shared_ptr<AgentSettings> settings = std::make_shared<AgentSettings>(default_settings());
  Registry registry{settings, 1'000};
  std::vector<Finding> out;
};

TEST_F(RegistryTest, TheSecondOfANameTakesThePlaceAndTheOpenFindings) {
  const Welcome first = registry.enter(kIo, {}, 0, at(0));
  EXPECT_EQ(first.generation, 1u);
  EXPECT_EQ(first.after, 1'000u);
  EXPECT_TRUE(first.open.empty());
  registry.take(kIo, 1, std::vector{finding(kIo, 1'001), finding(kIo, 1'002)}, out);
  registry.take(kIo, 1, std::vector{finding(kIo, 1'001, true)}, out);
  EXPECT_EQ(out.size(), 3u);
  const Welcome second = registry.enter(kIo, {}, 0, at(10));
  EXPECT_EQ(second.generation, 2u);
  EXPECT_EQ(second.after, 1'002u);
  ASSERT_EQ(second.open.size(), 1u);
  EXPECT_EQ(second.open[0].number, 1'002u);
  // The first is nobody any more.
  EXPECT_FALSE(registry.heard(kIo, 1, {}, 0, 0, at(20)));
  registry.take(kIo, 1, std::vector{finding(kIo, 1'003)}, out);
  EXPECT_EQ(out.size(), 3u);
  EXPECT_EQ(registry.refused(), 1u);
  registry.left(kIo, 1, at(30));
  EXPECT_EQ(registry.alive(), 1u);
}

TEST_F(RegistryTest, WhoIsSilentTooLongIsNamedOnce) {
  registry.enter(kIo, {}, 0, at(0));
  EXPECT_TRUE(registry.heard(kIo, 1, {}, 7, 0, at(1'500)));
  EXPECT_TRUE(registry.overdue(at(3'400)).empty());
  ASSERT_EQ(registry.overdue(at(3'500)).size(), 1u);
  EXPECT_TRUE(registry.overdue(at(9'000)).empty());
  EXPECT_EQ(registry.alive(), 0u);
  EXPECT_FALSE(registry.heard(kIo, 1, {}, 0, 0, at(9'100))) << "it has to register again";
}

TEST_F(RegistryTest, FindingsOfWhoNeverComesBackAreOver) {
  registry.enter(kIo, {}, 0, at(0));
  registry.take(kIo, 1, std::vector{finding(kIo, 1'001)}, out);
  registry.left(kIo, 1, at(1'000));
  out.clear();
  registry.tick(at(14'900), kWall, out);
  EXPECT_TRUE(out.empty());
  registry.tick(at(15'000), kWall, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].over);
  EXPECT_EQ(out[0].found, kWall);
  registry.tick(at(16'000), kWall, out);
  EXPECT_EQ(out.size(), 1u);
}

TEST_F(RegistryTest, OneThatWasAtWorkBringsItsOwn) {
  const Welcome welcome =
      registry.enter(kIo, std::vector{finding(kIo, 5'000), finding(kIo, 5'001)}, 5'007, at(0));
  EXPECT_TRUE(welcome.open.empty());
  EXPECT_EQ(welcome.after, 5'007u);
  EXPECT_EQ(registry.agents().at(0).open.size(), 2u);
}

// Agents come, go, fall silent, and findings begin and end in any order; whatever the order, the
// registry passes on what is open exactly as its present agents told it.
TEST_F(RegistryTest, HoldsInAnyOrderOfEvents) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    Registry under_test(settings, seed);
    struct Model {
      uint64_t generation = 0;
      bool alive = false;
      uint64_t last = 0;
      MonoTime heard;
      std::set<uint64_t> open;
    };
    std::map<AgentId, Model> model;
    int64_t ms = 0;
    std::vector<Finding> passed;
    for (int step = 0; step < 300; ++step) {
      ms += static_cast<int64_t>(random() % 400);
      const AgentId id{static_cast<Domain>(1 + random() % 5),
                       1 + static_cast<uint32_t>(random() % 2)};
      Model& one = model[id];
      passed.clear();
      switch (random() % 6) {
        case 0: {
          const Welcome welcome = under_test.enter(id, {}, 0, at(ms));
          ASSERT_EQ(welcome.generation, one.generation + 1);
          ASSERT_EQ(welcome.open.size(), one.open.size());
          ASSERT_GE(welcome.after, one.last);
          one.generation += 1;
          one.alive = true;
          one.heard = at(ms);
          one.last = welcome.after;
          break;
        }
        case 1:
          if (under_test.heard(id, one.generation, {}, 0, 0, at(ms))) {
            ASSERT_TRUE(one.alive);
            one.heard = at(ms);
          } else {
            ASSERT_FALSE(one.alive);
          }
          break;
        case 2: {
          const uint64_t number = one.last + 1;
          under_test.take(id, one.generation, std::vector{finding(id, number)}, passed);
          ASSERT_EQ(passed.size(), one.alive ? 1u : 0u);
          if (one.alive) {
            one.last = number;
            one.open.insert(number);
          }
          break;
        }
        case 3:
          if (one.open.empty()) break;
          under_test.take(id, one.generation, std::vector{finding(id, *one.open.begin(), true)},
                          passed);
          ASSERT_EQ(passed.size(), one.alive ? 1u : 0u);
          if (one.alive) one.open.erase(one.open.begin());
          break;
        case 4:
          under_test.left(id, one.generation - random() % 2, at(ms));
          for (const auto& agent : under_test.agents())
            if (agent.id == id) one.alive = agent.alive;
          break;
        case 5:
          for (const auto& late : under_test.overdue(at(ms))) {
            Model& silent = model[late.id];
            ASSERT_TRUE(silent.alive);
            ASSERT_GE((at(ms) - silent.heard).ns, settings->dead_after.ns);
            silent.alive = false;
          }
          break;
      }
    }
    for (const auto& agent : under_test.agents()) {
      ASSERT_EQ(agent.open.size(), model[agent.id].open.size());
      ASSERT_EQ(agent.alive, model[agent.id].alive);
    }
  }
}

TEST(KnownCases, WithoutAStoreNothingIsAsked) { EXPECT_FALSE(look_up(nullptr)); }

}  // namespace
}  // namespace holdfast::agents
