// Ratios and rates against exact tails; distributions against a reference; the subspace of metrics.
#include <limits>
#include <vector>

#include "tests/unit/detect/series.hpp"

namespace holdfast::detect {
namespace {

TEST(BinomialTail, IsExact) {
  // P(X >= 3 | 5, 1/2) = 16/32; but it is no more than the mean away: the mean is 2.5.
  EXPECT_NEAR(log10_binomial_tail(3, 5, 0.5), std::log10(0.5), 1e-9);
  EXPECT_NEAR(log10_binomial_tail(10, 10, 0.1), -10, 1e-9);
  // Sum of three terms: 10 C 8.. at 0.2.
  EXPECT_NEAR(log10_binomial_tail(8, 10, 0.2), std::log10(7.79264e-5), 1e-6);
  EXPECT_EQ(log10_binomial_tail(0, 10, 0.2), 0);
  EXPECT_EQ(log10_binomial_tail(1, 10, 0.2), 0);  // below the mean: common
  EXPECT_EQ(log10_binomial_tail(5, 10, 1), 0);
  EXPECT_EQ(log10_binomial_tail(1, 10, 0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(log10_binomial_tail(11, 10, 0.5), -std::numeric_limits<double>::infinity());
  // Far out, where the probability itself is no double.
  EXPECT_NEAR(log10_binomial_tail(1'000, 1'000, 1e-3), -3'000, 1e-6);
}

TEST(PoissonTail, IsExact) {
  // 1 - P(X <= 4 | 1) = 0.00365985.
  EXPECT_NEAR(log10_poisson_tail(5, 1), std::log10(0.00365984682), 1e-7);
  EXPECT_EQ(log10_poisson_tail(0, 3), 0);
  EXPECT_EQ(log10_poisson_tail(2, 3), 0);
  EXPECT_EQ(log10_poisson_tail(1, 0), -std::numeric_limits<double>::infinity());
  EXPECT_LT(log10_poisson_tail(10'000, 10), -10'000);
}

TEST(WilsonUpper, IsAboveTheRatioAndNarrowsWithExperience) {
  EXPECT_EQ(wilson_upper(0, 0, 2), 1);
  EXPECT_GT(wilson_upper(0, 10, 2), 0.2);
  EXPECT_NEAR(wilson_upper(1'000, 100'000, 2), 0.0106, 1e-4);
}

TEST(RatioTest, FindsASurgeOfFailuresAndIsQuietOnChance) {
  RatioTest test(shipped().ratio);
  Noise noise(1);
  int64_t at = 0;
  for (; at < 20'000; ++at) {
    uint64_t failed = 0;
    for (int i = 0; i < 50; ++i) failed += noise.uniform() < 0.01 ? 1 : 0;
    ASSERT_FALSE(test.push(minute(at), failed, 50)) << at;
  }
  EXPECT_NEAR(test.usual(), 0.01, 0.002);
  EXPECT_FALSE(test.push(minute(at++), 4, 50));  // happens
  const auto alarm = test.push(minute(at), 20, 50);
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->rule, Rule::kRatio);
  EXPECT_EQ(alarm->raised, minute(at));
  EXPECT_DOUBLE_EQ(alarm->value, 0.4);
  EXPECT_NEAR(alarm->expected, 0.01, 0.002);
  EXPECT_GT(alarm->score, alarm->limit);
}

TEST(RatioTest, KnowsSinceWhenAndTakesANewRatioAsUsualInTheEnd) {
  auto settings = shipped().ratio;
  settings.exposure_min = 1'000;
  RatioTest test(settings);
  for (int64_t at = 0; at < 100; ++at) ASSERT_FALSE(test.push(minute(at), 0, 100));
  int64_t alarms = 0;
  for (int64_t at = 100; at < 140; ++at)
    if (const auto alarm = test.push(minute(at), 50, 100)) {
      EXPECT_EQ(alarm->began, minute(100));
      ++alarms;
    }
  EXPECT_EQ(alarms, 10);  // a thousand trials
  EXPECT_NEAR(test.usual(), 0.5, 0.01);
}

TEST(RatioTest, SaysNothingWithoutExperienceAndRefusesNonsense) {
  RatioTest test(shipped().ratio);
  EXPECT_FALSE(test.push(minute(1), 10, 10));  // all fail, but nothing is usual yet
  EXPECT_FALSE(test.push(minute(2), 11, 10));  // more failures than tries
  EXPECT_FALSE(test.push(minute(1), 0, 10));   // late
  EXPECT_FALSE(test.push(minute(3), 0, 0));    // nothing happened
  EXPECT_EQ(test.counts(), (IntakeCounts{2, 1, 1}));
}

TEST(RateTest, FindsABurstInTime) {
  RateTest test(shipped().rate);
  Noise noise(2);
  int64_t at = 0;
  for (; at < 2'000; ++at)  // two a minute
    ASSERT_FALSE(test.push(minute(at), noise.uniform() < 0.5 ? 1 : 3)) << at;
  EXPECT_NEAR(test.usual(), 2.0 / 60, 0.01);
  const auto alarm = test.push(minute(at), 40);
  ASSERT_TRUE(alarm);
  EXPECT_NEAR(alarm->value, 40.0 / 60, 1e-9);
  EXPECT_FALSE(test.push(minute(at), 40));  // the same time again
  EXPECT_EQ(test.counts().disordered, 1U);
}

TEST(DistributionDistance, FindsAWiderSpreadOfTheSameMean) {
  DistributionDistance distance(shipped().distribution);
  Noise noise(3);
  for (int i = 0; i < 20'000; ++i) ASSERT_FALSE(distance.push(10 + noise.normal())) << i;
  std::optional<double> found;
  int points = 0;
  for (; points < 400 && !found; ++points) found = distance.push(10 + 4 * noise.normal());
  ASSERT_TRUE(found);
  EXPECT_LE(points, 200);
  EXPECT_GT(*found, shipped().distribution.limit);
  EXPECT_FALSE(distance.ready());  // learns the new one, tells it once
}

TEST(DistributionDistance, FindsASecondModeAndLeavesAConstantAlone) {
  DistributionDistance distance(shipped().distribution);
  for (int i = 0; i < 2'000; ++i) ASSERT_FALSE(distance.push(1));
  EXPECT_LT(distance.distance(), 0.05);
  Noise noise(4);
  std::optional<double> found;
  for (int i = 0; i < 400 && !found; ++i) found = distance.push(noise.uniform() < 0.6 ? 50 : 1);
  EXPECT_TRUE(found);
}

// Three metrics that move with one load, and one that goes its own way.
std::vector<double> moving(Noise& noise) {
  const double load = noise.normal();
  return {100 + 10 * load + 0.5 * noise.normal(), 5 + load + 0.05 * noise.normal(),
          -3 * load + 0.15 * noise.normal(), noise.normal()};
}

TEST(Subspace, SeesABrokenRelationThatNoMetricShowsAlone) {
  auto settings = shipped().multivariate.subspace;
  settings.directions = 2;
  Subspace subspace(settings, 4);
  Noise noise(5);
  double most = 0;
  for (int i = 0; i < 5'000; ++i) {
    const double residual = subspace.push(moving(noise));
    EXPECT_EQ(residual > 0, static_cast<uint32_t>(i) >= settings.rows_min);
    if (i > 1'000) most = std::max(most, residual);
  }
  // One and a half deviations up where the others say as much down: each is usual by itself.
  const double residual = subspace.push(std::vector<double>{115, 3.5, 4.5, 0});
  EXPECT_GT(residual, 3 * most);
  const auto parts = subspace.contributions();
  EXPECT_NEAR(parts[0] + parts[1] + parts[2] + parts[3], 1, 1e-9);
  EXPECT_GT(parts[0], parts[3]);
}

TEST(Subspace, LeavesConstantMetricsAlone) {
  Subspace subspace(shipped().multivariate.subspace, 3);
  Noise noise(6);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_TRUE(std::isfinite(subspace.push(std::vector<double>{0, 7, noise.normal()})));
  EXPECT_TRUE(std::isfinite(subspace.push(std::vector<double>{1, 7, 0})));
}

}  // namespace
}  // namespace holdfast::detect
