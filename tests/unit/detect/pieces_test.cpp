// The small parts: intake, windows, persistence, merging, cumulative sums, seasons, tails.
#include <algorithm>
#include <limits>
#include <set>

#include "actors/telemetry/detect/merge.hpp"
#include "actors/telemetry/detect/ordered_window.hpp"
#include "actors/telemetry/detect/persistence.hpp"
#include "messages/check.hpp"
#include "tests/enumerators.hpp"
#include "tests/unit/detect/series.hpp"

namespace holdfast::detect {
namespace {

Alarm finding(int64_t at) {
  Alarm alarm;
  alarm.began = alarm.raised = alarm.last = minute(at);
  return alarm;
}

TEST(Alarm, EveryRuleAndDirectionHasItsOwnName) {
  std::set<std::string> names;
  for (const auto& rule : tests::enumerators<Rule>()) names.emplace(to_string(rule.value));
  EXPECT_EQ(names.size(), kRules);
  for (const auto& way : tests::enumerators<Direction>()) names.emplace(to_string(way.value));
  EXPECT_EQ(names.size(), kRules + 3);
}

TEST(Alarm, ExplainsItselfWithNumbers) {
  Alarm alarm = finding(1);
  alarm.value = 97.25;
  alarm.expected = 12;
  alarm.score = 14.2;
  alarm.limit = 6.8;
  EXPECT_EQ(explain(alarm), "residual up: 97.25 where 12 was expected, score 14.2 over 6.8");
  alarm.metric = 3;
  EXPECT_TRUE(explain(alarm).ends_with(", most of it metric 3"));
}

TEST(Intake, RefusesAndCountsWhatIsNoNumberOrNotLater) {
  Intake intake;
  EXPECT_TRUE(intake.take(minute(5), 1));
  EXPECT_FALSE(intake.take(minute(5), 2));  // the same time again
  EXPECT_FALSE(intake.take(minute(4), 2));
  EXPECT_FALSE(intake.take(minute(6), std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(intake.take(minute(6), std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(intake.take(minute(6), -std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(intake.take(minute(6), 1e200));  // its square would be infinite
  EXPECT_TRUE(intake.take(minute(6), -1e150));
  EXPECT_EQ(intake.counts(), (IntakeCounts{2, 4, 2}));
  EXPECT_EQ(intake.latest(), minute(6));
}

TEST(Intake, LearnsTheDistanceOfPointsDespiteGaps) {
  Intake intake;
  int64_t at = 0;
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(intake.take(minute(at += i % 5 == 4 ? 100 : 5), 1));
  EXPECT_EQ(intake.interval().ns, 0);
  ASSERT_TRUE(intake.take(minute(at + 5), 1));
  EXPECT_EQ(intake.interval(), kMinute * 5);
}

TEST(OrderedWindow, IsWhatSortingGives) {
  Noise noise(1);
  OrderedWindow window(37);
  std::vector<double> all;
  for (int i = 0; i < 2'000; ++i) {
    // Few distinct values at times, so that equal ones come and go.
    const double value = i / 300 % 2 == 0 ? noise.normal() : std::floor(noise.uniform() * 4);
    window.push(value);
    all.push_back(value);
    std::vector<double> last(all.end() - std::min<std::ptrdiff_t>(37, i + 1), all.end());
    std::sort(last.begin(), last.end());
    ASSERT_EQ(window.size(), last.size());
    ASSERT_EQ(window.least(), last.front());
    ASSERT_EQ(window.greatest(), last.back());
    ASSERT_EQ(window.median(),
              last[static_cast<std::size_t>(0.5 * static_cast<double>(last.size() - 1) + 0.5)]);
  }
  window.clear();
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.median(), 0);
}

TEST(Persistence, NeedsKOfTheLastN) {
  Persistence two_of_three(2, 3);
  EXPECT_FALSE(two_of_three.push(true));
  EXPECT_FALSE(two_of_three.push(false));
  EXPECT_TRUE(two_of_three.push(true));
  EXPECT_FALSE(two_of_three.push(false));  // the first one left
  EXPECT_FALSE(two_of_three.push(false));
  EXPECT_FALSE(two_of_three.push(true));
  two_of_three.reset();
  EXPECT_FALSE(two_of_three.push(true));
  Persistence all(64, 64);
  for (int i = 0; i < 63; ++i) EXPECT_FALSE(all.push(true));
  EXPECT_TRUE(all.push(true));
  EXPECT_THROW(Persistence(4, 3), CheckFailed);
}

TEST(AlarmMerger, MakesOneOfWhatBelongsTogether) {
  AlarmMerger merger(kMinute * 10);
  EXPECT_TRUE(merger.push(finding(1)));
  EXPECT_FALSE(merger.push(finding(5)));
  merger.extend(minute(9));
  merger.tick(minute(19));  // quiet for exactly ten minutes
  ASSERT_TRUE(merger.active());
  EXPECT_EQ(merger.active()->raised, minute(1));
  EXPECT_EQ(merger.active()->last, minute(9));
  merger.tick(minute(20));
  EXPECT_FALSE(merger.active());
  merger.extend(minute(21));  // nothing stands: nothing to extend
  EXPECT_FALSE(merger.active());
  EXPECT_TRUE(merger.push(finding(22)));
}

TEST(AlarmMerger, DoesNotTakeAnAlarmAcrossAGapForTheSame) {
  AlarmMerger merger(kMinute * 10);
  EXPECT_TRUE(merger.push(finding(1)));
  EXPECT_TRUE(merger.push(finding(50)));  // no tick in between
}

TEST(Cusum, FindsASmallShiftAndWhenItBegan) {
  Cusum cusum({0.5, 12, 4});
  Noise noise(7);
  int64_t at = 0;
  for (; at < 500; ++at) ASSERT_FALSE(cusum.push(minute(at), noise.normal())) << at;
  std::optional<LevelChange> change;
  for (; at < 600 && !change; ++at) change = cusum.push(minute(at), noise.normal() + 1.5);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->direction, Direction::kUp);
  EXPECT_GE(change->began, minute(490));
  EXPECT_LE(change->began, minute(505));
  EXPECT_LE(at, 530);
  EXPECT_EQ(cusum.up(), 0);  // it starts anew
}

TEST(Cusum, FindsFallsAndIgnoresASpike) {
  Cusum cusum({0.5, 12, 4});
  EXPECT_FALSE(cusum.push(minute(0), 1e9));
  EXPECT_DOUBLE_EQ(cusum.up(), 3.5);  // clipped
  std::optional<LevelChange> change;
  int64_t at = 1;
  for (; at < 50 && !change; ++at) change = cusum.push(minute(at), -2);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->direction, Direction::kDown);
  EXPECT_EQ(change->began, minute(1));
  EXPECT_EQ(at - 1, 9);  // 1.5 a point: past 12 at the ninth
}

TEST(Season, TellsTheRangeOfTheLastDaysWithoutTheMostExtreme) {
  Season season({3, 0, 1, 24}, Duration::seconds(3'600));
  const auto hour = [](int day, int h) { return WallTime{(day * 24 + h) * 3'600'000'000'000}; };
  for (int day = 0; day < 4; ++day)
    for (int h = 0; h < 24; ++h) {
      EXPECT_EQ(season.range(hour(day, h)).has_value(), day >= 2);
      season.learn(hour(day, h), h == 5 ? 100 * (day + 1) : h);
    }
  // Days 1 to 3 had 200, 300, 400 at five o'clock: the ends are set aside.
  EXPECT_EQ(season.range(hour(4, 5)), (Range{300, 300}));
  EXPECT_EQ(season.range(hour(4, 7)), (Range{7, 7}));
}

TEST(Season, HasNoneWherePointsAreFarApart) {
  Season season({3, 0, 1, 288}, Duration::seconds(40'000));
  for (int i = 0; i < 100; ++i) season.learn(WallTime{i * 40'000'000'000'000}, i);
  EXPECT_FALSE(season.range(WallTime{0}));
}

TEST(TailLimit, ProlongsAnExponentialTail) {
  // For exponential scores the limit for a risk p is ln(1/p), whatever was seen of it.
  TailSettings settings;
  settings.points = 5'000;
  settings.shape_max = 0;
  settings.alarms_per_day = 0.144;  // of 1440 points: 1e-4
  TailLimit tail(settings, 1'440);
  Noise noise(3);
  EXPECT_FALSE(tail.limit());
  for (int i = 0; i < 5'000; ++i) tail.push(-std::log(noise.uniform()));
  ASSERT_TRUE(tail.limit());
  EXPECT_NEAR(*tail.limit(), std::log(1e4), 1);
}

TEST(TailLimit, SeesThatATailIsHeavyAndForgetsOldScores) {
  TailSettings settings;
  settings.points = 2'000;
  settings.shape_max = 0.6;
  TailLimit light(settings, 1'440), heavy(settings, 1'440);
  Noise noise(3);
  for (int i = 0; i < 2'000; ++i) {
    const double e = -std::log(noise.uniform());
    light.push(e);
    heavy.push(std::expm1(0.5 * e) / 0.5);  // generalised Pareto of shape 0.5
  }
  EXPECT_GT(*heavy.limit(), 3 * *light.limit());
  for (int i = 0; i < 2'000; ++i) heavy.push(-std::log(noise.uniform()));
  EXPECT_LT(*heavy.limit(), 2 * *light.limit());
}

TEST(TailLimit, IsNotMovedByIncidentsInTheWindow) {
  TailSettings settings;
  settings.shape_max = 0;
  TailLimit clean(settings, 1'440), dirty(settings, 1'440);
  Noise noise(4);
  for (int i = 0; i < 1'000; ++i) {
    const double e = -std::log(noise.uniform());
    clean.push(e);
    dirty.push(i % 100 == 0 ? 1e6 : e);  // one in a hundred
  }
  EXPECT_LT(*dirty.limit(), 2 * *clean.limit());
}

}  // namespace
}  // namespace holdfast::detect
