// One series under the shipped configuration: planted faults are found in time, quiet series stay
// quiet, and bad input brings nothing down.
#include <limits>
#include <vector>

#include "tests/unit/detect/series.hpp"

namespace holdfast::detect {
namespace {

struct Run {
  std::vector<Alarm> alarms;
  uint64_t accepted = 0;
};

// Pushes value(i) at i * interval for i in [0, points).
template <typename Value>
Run run(int64_t points, Duration interval, Value value,
        const UnivariateSettings& settings = shipped().univariate) {
  UnivariateDetector detector(settings);
  Run out;
  for (int64_t i = 0; i < points; ++i)
    if (const auto alarm = detector.push(WallTime{i * interval.ns}, value(i)))
      out.alarms.push_back(*alarm);
  out.accepted = detector.counts().accepted;
  return out;
}

constexpr Duration kTenth = Duration::milliseconds(100);
constexpr Duration kHour = Duration::seconds(3'600);

TEST(UnivariateDetector, IsQuietOnAHundredThousandStationaryPoints) {
  for (const uint64_t seed : {1, 2}) {
    for (const Duration interval : {kTenth, kMinute}) {
      Noise noise(seed);
      const auto out = run(100'000, interval, [&](int64_t) { return 50 + 5 * noise.normal(); });
      EXPECT_TRUE(out.alarms.empty()) << seed << ": " << explain(out.alarms.front());
      EXPECT_EQ(out.accepted, 100'000U);
    }
  }
}

TEST(UnivariateDetector, IsQuietOnASeasonAndOnAConstant) {
  Noise noise(5);
  const auto season = run(20 * 1'440, kMinute, [&](int64_t i) {
    return 100 + 60 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / 1'440) +
           2 * noise.normal();
  });
  EXPECT_TRUE(season.alarms.empty()) << explain(season.alarms.front());
  EXPECT_TRUE(run(50'000, kMinute, [](int64_t) { return 0.0; }).alarms.empty());
  EXPECT_TRUE(run(50'000, kMinute, [](int64_t) { return -7.5e9; }).alarms.empty());
}

TEST(UnivariateDetector, TakesAJobOfEveryNightForGranted) {
  Noise noise(6);
  const auto value = [&](int64_t i) {
    const int64_t of_day = i % 1'440;
    return (of_day >= 120 && of_day < 150 ? 80 : 20) + noise.normal();
  };
  const auto out = run(14 * 1'440, kMinute, value);
  for (const auto& alarm : out.alarms)
    EXPECT_LT(alarm.raised, minute(4 * 1'440)) << "still a surprise on a later day";
}

TEST(UnivariateDetector, FindsASpikeAtOnceWhenItLasts) {
  Noise noise(8);
  const auto out = run(6'000, kTenth, [&](int64_t i) {
    return (i >= 5'000 && i < 5'050 ? 90 : 10) + noise.normal();
  });
  ASSERT_EQ(out.alarms.size(), 1U);
  const Alarm& alarm = out.alarms.front();
  EXPECT_EQ(alarm.rule, Rule::kResidual);
  EXPECT_EQ(alarm.direction, Direction::kUp);
  EXPECT_EQ(alarm.began, WallTime{5'000 * kTenth.ns});
  EXPECT_LE(alarm.raised, WallTime{5'005 * kTenth.ns});  // half a second
  EXPECT_NEAR(alarm.value, 90, 5);
  EXPECT_NEAR(alarm.expected, 10, 5);
  EXPECT_GT(alarm.score, alarm.limit);
}

TEST(UnivariateDetector, LetsOneOddSampleOfAFastSeriesPass) {
  Noise noise(8);
  const auto out =
      run(6'000, kTenth, [&](int64_t i) { return (i == 5'000 ? 90 : 10) + noise.normal(); });
  EXPECT_TRUE(out.alarms.empty());
}

TEST(UnivariateDetector, FindsAnOddPointOfASlowSeriesAtOnce) {
  Noise noise(9);
  const auto out =
      run(700, kHour, [&](int64_t i) { return (i == 600 ? 90 : 10) + noise.normal(); });
  ASSERT_EQ(out.alarms.size(), 1U);
  EXPECT_EQ(out.alarms[0].raised, WallTime{600 * kHour.ns});
}

TEST(UnivariateDetector, FindsALevelShiftAndWhenItBegan) {
  Noise noise(10);
  const auto out =
      run(20'000, kTenth, [&](int64_t i) { return (i >= 15'000 ? 60 : 20) + noise.normal(); });
  ASSERT_FALSE(out.alarms.empty());
  EXPECT_GE(out.alarms[0].began, WallTime{15'000 * kTenth.ns});
  EXPECT_LE(out.alarms[0].began, WallTime{15'003 * kTenth.ns});
  EXPECT_LE(out.alarms[0].raised, WallTime{15'010 * kTenth.ns});
}

TEST(UnivariateDetector, FindsADriftThatNoPointShows) {
  Noise noise(11);
  // A leak: over ten minutes from 20 to 120, a hundredth a point, a tenth of the noise.
  const auto out = run(26'000, kTenth, [&](int64_t i) {
    const double leaked = i < 20'000 ? 0 : static_cast<double>(i - 20'000) / 60;
    return 20 + leaked + 0.2 * noise.normal();
  });
  ASSERT_FALSE(out.alarms.empty());
  EXPECT_EQ(out.alarms[0].rule, Rule::kShift);
  EXPECT_EQ(out.alarms[0].direction, Direction::kUp);
  EXPECT_GT(out.alarms[0].began, WallTime{20'000 * kTenth.ns});
  EXPECT_LT(out.alarms[0].raised, WallTime{26'000 * kTenth.ns});
  EXPECT_LT(out.alarms[0].began, out.alarms[0].raised);
  EXPECT_EQ(out.alarms.size(), 1U);  // told once while it stands
}

TEST(UnivariateDetector, FindsThatALoadFellToNothing) {
  Noise noise(12);
  const auto out = run(6 * 1'440, kMinute, [&](int64_t i) {
    return i >= 5 * 1'440 && i < 5 * 1'440 + 60 ? 0 : 1'000 + 20 * noise.normal();
  });
  ASSERT_FALSE(out.alarms.empty());
  EXPECT_EQ(out.alarms[0].direction, Direction::kDown);
  EXPECT_GE(out.alarms[0].raised, minute(5 * 1'440));
  EXPECT_LE(out.alarms[0].raised, minute(5 * 1'440 + 10));
}

TEST(UnivariateDetector, EndsAnAlarmAfterQuietTimeAndRaisesTheNext) {
  Noise noise(13);
  UnivariateDetector detector(shipped().univariate);
  std::vector<Alarm> alarms;
  bool stood = false, ended = false;
  for (int64_t i = 0; i < 60'000; ++i) {
    const bool fault = (i >= 20'000 && i < 20'100) || (i >= 50'000 && i < 50'100);
    const auto alarm = detector.push(WallTime{i * kTenth.ns}, (fault ? 90 : 10) + noise.normal());
    if (alarm) alarms.push_back(*alarm);
    if (i == 20'100) stood = detector.active().has_value();
    if (i == 49'999) ended = !detector.active();
  }
  EXPECT_TRUE(stood);
  EXPECT_TRUE(ended);
  ASSERT_EQ(alarms.size(), 2U);
  EXPECT_GE(alarms[1].raised, WallTime{50'000 * kTenth.ns});
}

TEST(UnivariateDetector, RefusesNonsenseAndGoesOn) {
  Noise noise(14);
  UnivariateDetector detector(shipped().univariate);
  const double nonsense[] = {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(), 1e308, -1e308};
  std::vector<Alarm> alarms;
  for (int64_t i = 0; i < 6'000; ++i) {
    EXPECT_FALSE(detector.push(WallTime{i * kTenth.ns}, nonsense[i % 5]));
    EXPECT_FALSE(detector.push(WallTime{(i - 3) * kTenth.ns}, 1e9) && i > 0);
    const auto alarm = detector.push(WallTime{i * kTenth.ns},
                                     (i >= 5'000 && i < 5'050 ? 90 : 10) + noise.normal());
    if (alarm) alarms.push_back(*alarm);
  }
  EXPECT_EQ(detector.counts().non_finite, 6'000U);
  EXPECT_EQ(alarms.size(), 1U);
}

TEST(UnivariateDetector, DoesNotTakeTheFirstPointsAfterAGapForOdd) {
  Noise noise(15);
  // A night without points: what comes after is on another level, and that is no spike.
  UnivariateDetector detector(shipped().univariate);
  for (int64_t i = 0; i < 5'000; ++i) ASSERT_FALSE(detector.push(minute(i), 100 + noise.normal()));
  for (int64_t i = 0; i < 500; ++i)
    EXPECT_FALSE(detector.push(minute(5'600 + i), 108 + noise.normal())) << i;
}

TEST(UnivariateDetector, MayMoveAndStaysItself) {
  Noise noise(16);
  UnivariateDetector first(shipped().univariate);
  for (int64_t i = 0; i < 3'000; ++i) first.push(WallTime{i * kTenth.ns}, 10 + noise.normal());
  UnivariateDetector second(std::move(first));
  std::optional<Alarm> alarm;
  for (int64_t i = 3'000; i < 3'010 && !alarm; ++i)
    alarm = second.push(WallTime{i * kTenth.ns}, 90);
  EXPECT_TRUE(alarm);
}

TEST(UnivariateDetector, GivesTheSameTwice) {
  const auto once = [] {
    Noise noise(17);
    return run(20'000, kMinute,
               [&](int64_t i) {
                 return std::exp(2 * noise.normal()) + (i % 5'000 > 4'980 ? 500 : 0);
               })
        .alarms;
  };
  const auto alarms = once();
  EXPECT_FALSE(alarms.empty());
  EXPECT_EQ(alarms, once());
}

}  // namespace
}  // namespace holdfast::detect
