#include "actors/risk/flat_map.hpp"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

#include "actors/risk/delta.hpp"

namespace holdfast::risk {
namespace {

/// Few distinct hashes, so that probes are long and deletions move entries about.
struct PoorHash {
  std::size_t operator()(uint64_t key) const noexcept { return key % 7; }
};

TEST(FlatMap, AgreesWithTheStandardMapUnderRandomUse) {
  FlatMap<uint64_t, int, PoorHash> map(64, 2);
  std::unordered_map<uint64_t, int> oracle;
  std::mt19937_64 random(3);
  for (int step = 0; step < 20'000; ++step) {
    const uint64_t key = random() % 100;
    if (random() % 2) {
      int* found = map.insert(key, step);
      if (!oracle.contains(key) && oracle.size() == 64) {
        ASSERT_EQ(found, nullptr);
      } else {
        ASSERT_NE(found, nullptr);
        ASSERT_EQ(*found, oracle.emplace(key, step).first->second);
      }
    } else {
      ASSERT_EQ(map.erase(key), oracle.erase(key) == 1);
    }
    ASSERT_EQ(map.size(), oracle.size());
    const int* found = map.find(key);
    ASSERT_EQ(found != nullptr, oracle.contains(key));
  }
  std::size_t seen = 0;
  map.for_each([&](uint64_t key, int value) {
    ++seen;
    ASSERT_EQ(oracle.at(key), value);
  });
  EXPECT_EQ(seen, oracle.size());
}

TEST(FlatMap, RefusesNewKeysWhenFullAndKeepsTheOld) {
  FlatMap<uint64_t, int> map(2);
  ASSERT_NE(map.insert(1, 10), nullptr);
  ASSERT_NE(map.insert(2, 20), nullptr);
  EXPECT_TRUE(map.full());
  EXPECT_EQ(map.insert(3, 30), nullptr);
  EXPECT_EQ(*map.insert(1, 99), 10);
  EXPECT_TRUE(map.erase(1));
  EXPECT_NE(map.insert(3, 30), nullptr);
}

}  // namespace
}  // namespace holdfast::risk
