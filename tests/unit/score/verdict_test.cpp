// The rules of scoring, each on a series small enough to count by hand. A point a minute
// throughout.
#include <gtest/gtest.h>

#include "nodes/score/verdict.hpp"

namespace holdfast::score {
namespace {

constexpr int64_t kMinuteNs = 60'000'000'000;
WallTime at(int64_t minute) { return {minute * kMinuteNs}; }

std::vector<WallTime> minutes(int64_t n) {
  std::vector<WallTime> out;
  for (int64_t i = 0; i < n; ++i) out.push_back(at(i));
  return out;
}

TEST(Windows, AreRunsOfLabels) {
  const std::vector<uint8_t> labels = {1, 0, 0, 1, 1, 1, 0, 1};
  const std::vector<Window> expected = {{at(0), at(0)}, {at(3), at(5)}, {at(7), at(7)}};
  EXPECT_EQ(windows_of(minutes(8), labels), expected);
  EXPECT_TRUE(windows_of({}, {}).empty());
}

// A hundred points, so 15 of warm-up; windows of ten.
const std::vector<Window> kTwo = {{at(20), at(29)}, {at(60), at(69)}};

TEST(Verdict, HitIsAStartInsideAWindow) {
  const std::vector<AlarmSpan> alarms = {{at(22), at(23)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_EQ(v.windows, 2U);
  EXPECT_EQ(v.hits, 1U);
  EXPECT_EQ(v.false_alarms, 0U);
  EXPECT_DOUBLE_EQ(*v.precision(), 1);
  EXPECT_DOUBLE_EQ(*v.recall(), 0.5);
  EXPECT_DOUBLE_EQ(*v.f1(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*v.delay_s_p50(), 120);
}

TEST(Verdict, BothEndsOfAWindowBelongToIt) {
  const std::vector<AlarmSpan> alarms = {{at(20), at(20)}, {at(69), at(69)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_EQ(v.hits, 2U);
  EXPECT_EQ(v.false_alarms, 0U);
  EXPECT_DOUBLE_EQ(*v.delay_s_p50(), (0 + 540) / 2.0);
}

TEST(Verdict, FurtherAlarmsInAWindowCountNothing) {
  const std::vector<AlarmSpan> alarms = {{at(21), at(21)}, {at(25), at(25)}, {at(28), at(28)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_EQ(v.alarms, 3U);
  EXPECT_EQ(v.hits, 1U);
  EXPECT_EQ(v.false_alarms, 0U);
  EXPECT_DOUBLE_EQ(*v.delay_s_p50(), 60);  // of the first
}

TEST(Verdict, AnAlarmThatTouchesNoWindowIsFalse) {
  const std::vector<AlarmSpan> alarms = {{at(30), at(59)}, {at(90), at(95)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_EQ(v.hits, 0U);
  EXPECT_EQ(v.false_alarms, 2U);
  EXPECT_DOUBLE_EQ(*v.precision(), 0);
  EXPECT_DOUBLE_EQ(*v.f1(), 0);
}

TEST(Verdict, AnAlarmThatLastsIntoAWindowIsNeitherHitNorFalse) {
  const std::vector<AlarmSpan> alarms = {{at(18), at(20)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_EQ(v.hits, 0U);
  EXPECT_EQ(v.false_alarms, 0U);
  EXPECT_FALSE(v.precision());
  EXPECT_FALSE(v.delay_s_p50());
}

TEST(Verdict, TheFirst15PercentAreNotScored) {
  EXPECT_EQ(warm_up_points(100), 15U);
  EXPECT_EQ(warm_up_points(19), 2U);
  EXPECT_EQ(warm_up_points(0), 0U);
  const std::vector<Window> windows = {{at(3), at(5)}, {at(14), at(20)}, {at(15), at(16)}};
  // False in the warm-up; in the window that begins there; at the first scored point.
  const std::vector<AlarmSpan> alarms = {{at(9), at(9)}, {at(15), at(15)}};
  const auto v = judge(minutes(100), {&windows[0], 2}, alarms);
  EXPECT_EQ(v.windows, 0U);
  EXPECT_EQ(v.alarms, 1U);
  EXPECT_EQ(v.false_alarms, 0U);
  const auto first = judge(minutes(100), {&windows[2], 1}, alarms);
  EXPECT_EQ(first.hits, 1U);
}

TEST(Verdict, FalseAlarmsAreToldADayOfUnlabelledTime) {
  // 100 scored minutes less 20 in windows; 85 - 20 = 65 minutes unlabelled.
  const std::vector<AlarmSpan> alarms = {{at(40), at(40)}, {at(80), at(80)}};
  const auto v = judge(minutes(100), kTwo, alarms);
  EXPECT_NEAR(v.unlabelled_days, 65.0 / 1'440, 1e-12);
  EXPECT_NEAR(*v.false_alarms_per_day(), 2 / (65.0 / 1'440), 1e-9);
}

TEST(Verdict, AGapIsNoUnlabelledTime) {
  auto times = minutes(100);
  times.push_back(at(10'000));
  EXPECT_NEAR(judge(times, {}, {}).unlabelled_days, 86.0 / 1'440, 1e-12);
}

TEST(Verdict, IsNullWhereNothingCanBeDivided) {
  const auto quiet = judge(minutes(100), {}, {});
  EXPECT_FALSE(quiet.precision());
  EXPECT_FALSE(quiet.recall());
  EXPECT_FALSE(quiet.f1());
  EXPECT_FALSE(quiet.delay_s_p50());
  EXPECT_FALSE(quiet.ns_per_point());
  EXPECT_DOUBLE_EQ(*quiet.false_alarms_per_day(), 0);
  EXPECT_FALSE(judge({}, {}, {}).false_alarms_per_day());
  EXPECT_DOUBLE_EQ(*judge(minutes(100), kTwo, {}).f1(), 0);  // two missed: that is an F1
}

TEST(Verdict, OverallSumsAndDoesNotAverage) {
  Verdict a = judge(minutes(100), kTwo, std::vector<AlarmSpan>{{at(22), at(22)}});
  const Verdict b = judge(minutes(100), {&kTwo[0], 1},
                          std::vector<AlarmSpan>{{at(26), at(26)}, {at(50), at(50)}});
  a.points = 100;
  a.cost_ns = 1'000;
  a += b;
  EXPECT_EQ(a.windows, 3U);
  EXPECT_EQ(a.hits, 2U);
  EXPECT_EQ(a.false_alarms, 1U);
  EXPECT_DOUBLE_EQ(*a.precision(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*a.recall(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*a.delay_s_p50(), (120 + 360) / 2.0);
  EXPECT_DOUBLE_EQ(*a.ns_per_point(), 10);
  EXPECT_NEAR(a.unlabelled_days, (65.0 + 75.0) / 1'440, 1e-12);
}

}  // namespace
}  // namespace holdfast::score
