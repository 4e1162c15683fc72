// Many metrics of one machine under the shipped configuration.
#include <limits>
#include <vector>

#include "messages/check.hpp"
#include "tests/unit/detect/series.hpp"

namespace holdfast::detect {
namespace {

constexpr std::size_t kMetrics = 20;

std::vector<double> machine(Noise& noise, std::size_t odd) {
  std::vector<double> row;
  const double load = 1 + 0.05 * noise.normal();
  for (std::size_t i = 0; i < kMetrics; ++i)
    row.push_back((i < odd ? 8 : 1) * load * static_cast<double>(i + 1) + 0.02 * noise.normal());
  return row;
}

TEST(MultivariateDetector, FindsAnIncidentInManyMetricsAndNamesOne) {
  MultivariateDetector detector(shipped().multivariate, kMetrics);
  Noise noise(1);
  int64_t at = 0;
  for (; at < 4'000; ++at) ASSERT_FALSE(detector.push(minute(at), machine(noise, 0))) << at;
  const auto alarm = detector.push(minute(at), machine(noise, 10));
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->rule, Rule::kMetrics);
  EXPECT_EQ(alarm->direction, Direction::kUp);
  EXPECT_EQ(alarm->raised, minute(at));
  EXPECT_LT(alarm->metric, 10U);
  EXPECT_GT(alarm->score, alarm->limit);
  const auto scores = detector.scores();
  EXPECT_GT(scores[alarm->metric], 0);
  EXPECT_EQ(scores[15], 0);
  EXPECT_FALSE(detector.push(minute(at + 1), machine(noise, 10)));  // the same alarm
  EXPECT_EQ(detector.active()->last, minute(at + 1));
}

TEST(MultivariateDetector, IsQuietWhenOneMetricOrNoneIsOdd) {
  MultivariateDetector detector(shipped().multivariate, kMetrics);
  Noise noise(2);
  for (int64_t at = 0; at < 20'000; ++at)
    ASSERT_FALSE(detector.push(minute(at), machine(noise, at % 500 == 499 ? 1 : 0))) << at;
}

TEST(MultivariateDetector, RefusesRowsWithNonsense) {
  MultivariateDetector detector(shipped().multivariate, 2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(detector.push(minute(1), std::vector<double>{1, nan}));
  EXPECT_FALSE(detector.push(minute(1), std::vector<double>{1, 2}));
  EXPECT_FALSE(detector.push(minute(1), std::vector<double>{1, 2}));
  EXPECT_EQ(detector.counts(), (IntakeCounts{1, 1, 1}));
  const std::vector<double> too_long = {1, 2, 3};
  EXPECT_THROW(detector.push(minute(2), too_long), CheckFailed);
}

TEST(MultivariateDetector, FindsABrokenRelationWhereTheSubspaceMayAlone) {
  auto settings = shipped().multivariate;
  settings.subspace_alone = true;
  settings.subspace_min = 4;
  settings.subspace.directions = 1;
  MultivariateDetector detector(settings, 6);
  Noise noise(3);
  const auto row = [&](double turned) {
    const double load = noise.normal();
    std::vector<double> out;
    for (int i = 0; i < 6; ++i)
      out.push_back(50 + 5 * load * (i < 2 ? turned : 1) + 0.1 * noise.normal());
    return out;
  };
  int64_t at = 0;
  for (; at < 5'000; ++at) ASSERT_FALSE(detector.push(minute(at), row(1))) << at;
  std::optional<Alarm> alarm;
  for (; at < 5'200 && !alarm; ++at) alarm = detector.push(minute(at), row(-4));
  ASSERT_TRUE(alarm);
  EXPECT_EQ(alarm->rule, Rule::kSubspace);
  EXPECT_LT(alarm->metric, 6U);
}

}  // namespace
}  // namespace holdfast::detect
