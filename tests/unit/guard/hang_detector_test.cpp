#include "nodes/guard/hang_detector.hpp"

#include <gtest/gtest.h>

#include "messages/check.hpp"

namespace holdfast {
namespace {

MonoTime ms(int64_t n) { return MonoTime{} + Duration::milliseconds(n); }

HangDetector detector() {
  return HangDetector(Duration::milliseconds(1'000), Duration::milliseconds(100));
}

TEST(HangDetector, NamesTheLoopThatStoodStillForTheTimeout) {
  auto hangs = detector();
  for (int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(hangs.sample(ms(100 * i), {uint64_t(i), 7}), std::nullopt) << i;
  EXPECT_EQ(hangs.sample(ms(1'000), {10, 7}), 1u);
}

TEST(HangDetector, StartsOverWhenTheLoopMoves) {
  auto hangs = detector();
  for (int64_t i = 0; i < 100; ++i)
    EXPECT_EQ(hangs.sample(ms(100 * i), {uint64_t(i / 9)}), std::nullopt);
}

TEST(HangDetector, TakesAnyChangeForProgress) {
  auto hangs = detector();
  for (int64_t i = 0; i < 30; ++i)
    EXPECT_EQ(hangs.sample(ms(500 * i), {uint64_t(i % 2)}), std::nullopt);
}

TEST(HangDetector, DiscountsItsOwnLateWakeUps) {
  auto hangs = detector();
  EXPECT_EQ(hangs.sample(ms(0), {7}), std::nullopt);
  // The machine stood still for a minute: that says nothing about the node.
  EXPECT_EQ(hangs.sample(ms(60'000), {7}), std::nullopt);
  EXPECT_EQ(hangs.stalled()[0].ms(), 200);
}

TEST(HangDetector, StillFindsAHangWhenEachSampleIsLate) {
  auto hangs = detector();
  std::optional<std::size_t> hung;
  int samples = 0;
  while (!hung && samples < 100) hung = hangs.sample(ms(10'000 * samples++), {7});
  EXPECT_EQ(samples, 6);
}

TEST(HangDetector, GivesANewLoopNoDebt) {
  auto hangs = detector();
  for (int64_t i = 0; i < 9; ++i) (void)hangs.sample(ms(100 * i), {7});
  EXPECT_EQ(hangs.sample(ms(900), {8, 7}), std::nullopt);
  EXPECT_EQ(hangs.stalled()[1].ms(), 0);
}

TEST(HangDetector, ForgetsTheLastProcess) {
  auto hangs = detector();
  for (int64_t i = 0; i < 9; ++i) (void)hangs.sample(ms(100 * i), {7});
  hangs.reset();
  EXPECT_EQ(hangs.sample(ms(5'000), {7}), std::nullopt);
  EXPECT_EQ(hangs.stalled()[0].ms(), 0);
}

TEST(HangDetector, RefusesNumbersThatMakeNoSense) {
  EXPECT_THROW(HangDetector(Duration::seconds(1), {}), CheckFailed);
  EXPECT_THROW(HangDetector(Duration::seconds(1), Duration::seconds(1)), CheckFailed);
}

}  // namespace
}  // namespace holdfast
