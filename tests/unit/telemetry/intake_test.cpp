#include "actors/telemetry/publish/intake.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace holdfast::telemetry {
namespace {

struct IntakeRules : ::testing::Test {
  SeriesTable series{16};
  Intake intake{series, [](MemberId member) { return member.value <= 3; }};
  WallTime wall = WallTime{} + Duration::seconds(1'000'000);
  MonoTime mono = MonoTime{} + Duration::seconds(50);

  Sample sample(Metric metric = Metric::kFeedGaps, int64_t value = 1, const char* instance = "") {
    Sample s;
    s.metric = metric;
    s.member = MemberId{1};
    s.instance = Instance(instance);
    s.at = wall;
    s.value = value;
    return s;
  }
  std::optional<Refusal> admit(const Sample& s, const char* source = "feed") {
    return intake.admit(source, s, wall, mono);
  }
  void pass(Duration d) {
    wall = wall + d;
    mono = mono + d;
  }
  uint64_t refused(Refusal r) const { return intake.stats().refused[static_cast<std::size_t>(r)]; }
};

TEST_F(IntakeRules, GoodSampleIsAdmittedAndKept) {
  EXPECT_EQ(admit(sample(Metric::kFeedGaps, 7)), std::nullopt);
  ASSERT_EQ(series.list(Domain::kNetwork, std::nullopt).size(), 1u);
  EXPECT_EQ(series.list(Domain::kNetwork, std::nullopt)[0]->last().value, 7);
  EXPECT_EQ(intake.stats().admitted, 1u);
  EXPECT_EQ(intake.stats().refused_total(), 0u);
}

TEST_F(IntakeRules, UnknownMetricAndMemberAreRefused) {
  auto metric = sample();
  metric.metric = static_cast<Metric>(9'999);
  EXPECT_EQ(admit(metric), Refusal::kUnknownMetric);
  auto member = sample();
  member.member = MemberId{77};
  EXPECT_EQ(admit(member), Refusal::kUnknownMember);
  EXPECT_EQ(series.size(), 0u);
  EXPECT_EQ(refused(Refusal::kUnknownMetric), 1u);
  EXPECT_EQ(refused(Refusal::kUnknownMember), 1u);
}

TEST_F(IntakeRules, ValueThatTheMetricCannotHaveIsRefused) {
  EXPECT_EQ(admit(sample(Metric::kFillRatio, 1'000'001)), Refusal::kOutOfRange);
  EXPECT_EQ(admit(sample(Metric::kFillRatio, -1)), Refusal::kOutOfRange);
  EXPECT_EQ(admit(sample(Metric::kFeedGaps, -1)), Refusal::kOutOfRange);
  EXPECT_EQ(admit(sample(Metric::kVenueRtt, INT64_MIN)), Refusal::kOutOfRange);
  EXPECT_EQ(admit(sample(Metric::kSlippage, INT64_MAX)), Refusal::kOutOfRange);
  EXPECT_EQ(admit(sample(Metric::kSlippage, -500)), std::nullopt);
}

TEST_F(IntakeRules, NumbersOfTextsAreFiniteAndBounded) {
  int64_t value = 0;
  EXPECT_EQ(to_value(std::nan(""), value), Refusal::kNotFinite);
  EXPECT_EQ(to_value(std::numeric_limits<double>::infinity(), value), Refusal::kNotFinite);
  EXPECT_EQ(to_value(-std::numeric_limits<double>::infinity(), value), Refusal::kNotFinite);
  EXPECT_EQ(to_value(1e300, value), Refusal::kOutOfRange);
  EXPECT_EQ(to_value(-1e300, value), Refusal::kOutOfRange);
  EXPECT_EQ(to_value(2.6, value), std::nullopt);
  EXPECT_EQ(value, 3);
}

TEST_F(IntakeRules, StaleAndFutureAreByThisNodesClock) {
  auto old = sample();
  old.at = wall + Duration{-limits::kTelemetryStale.ns - 1};
  EXPECT_EQ(admit(old), Refusal::kStale);
  auto future = sample();
  future.at = wall + Duration{limits::kTelemetryFuture.ns + 1};
  EXPECT_EQ(admit(future), Refusal::kFromFuture);
  future.at = wall + limits::kTelemetryFuture;
  EXPECT_EQ(admit(future), std::nullopt);
}

TEST_F(IntakeRules, RepeatedAndDisorderedAreToldApart) {
  EXPECT_EQ(admit(sample()), std::nullopt);
  EXPECT_EQ(admit(sample()), Refusal::kDuplicate);
  auto earlier = sample();
  earlier.at = wall + Duration::milliseconds(-1);
  EXPECT_EQ(admit(earlier), Refusal::kDisordered);
  pass(Duration::milliseconds(1));
  EXPECT_EQ(admit(sample()), std::nullopt);
}

TEST_F(IntakeRules, SeriesOfThisProcessCannotBeForged) {
  series.put(sample(Metric::kOrderLatency, 100), kThisProcess, mono);
  EXPECT_EQ(admit(sample(Metric::kOrderLatency, 999'999)), Refusal::kForeign);
  EXPECT_EQ(series.find(sample(Metric::kOrderLatency))->last().value, 100);
}

TEST_F(IntakeRules, SeriesBelongsToItsSourceUntilThatIsSilent) {
  EXPECT_EQ(admit(sample(), "a"), std::nullopt);
  pass(Duration::seconds(1));
  EXPECT_EQ(admit(sample(), "b"), Refusal::kForeign);
  pass(limits::kTelemetryStale);
  EXPECT_EQ(admit(sample(), "b"), std::nullopt);
  pass(Duration::seconds(1));
  EXPECT_EQ(admit(sample(), "a"), Refusal::kForeign);
}

TEST_F(IntakeRules, FloodingSourceIsHeldToItsRateAndOthersAreNot) {
  uint64_t admitted = 0;
  for (uint32_t i = 0; i < 3 * limits::kTelemetryBurst; ++i) {
    auto s = sample();
    s.at = wall + Duration{static_cast<int64_t>(i)};
    if (!admit(s, "flood")) ++admitted;
  }
  EXPECT_EQ(admitted, limits::kTelemetryBurst);
  EXPECT_EQ(refused(Refusal::kFlooding), 2 * limits::kTelemetryBurst);
  EXPECT_EQ(admit(sample(Metric::kFeedAge), "honest"), std::nullopt);
  pass(Duration::seconds(1));
  admitted = 0;
  for (uint32_t i = 0; i < 2 * limits::kTelemetrySamplesPerSecond; ++i) {
    auto s = sample();
    s.at = wall + Duration{static_cast<int64_t>(i)};
    if (!admit(s, "flood")) ++admitted;
  }
  EXPECT_EQ(admitted, limits::kTelemetrySamplesPerSecond);
}

TEST_F(IntakeRules, WhatCannotBeReadCountsAgainstTheRate) {
  intake.refuse("junk", Refusal::kMalformed, limits::kTelemetryBurst * 10, mono);
  EXPECT_EQ(refused(Refusal::kMalformed), limits::kTelemetryBurst * 10);
  EXPECT_EQ(admit(sample(), "junk"), Refusal::kFlooding);
}

TEST_F(IntakeRules, SourceThatInventsInstancesIsBounded) {
  for (std::size_t i = 0; i < limits::kTelemetrySeriesPerSource; ++i)
    ASSERT_EQ(admit(sample(Metric::kHttpLatency, 1, std::to_string(i).c_str())), std::nullopt);
  EXPECT_EQ(admit(sample(Metric::kHttpLatency, 1, "more")), Refusal::kTooManySeries);
  EXPECT_EQ(admit(sample(Metric::kHttpLatency, 1, "more"), "other"), std::nullopt);
}

TEST_F(IntakeRules, SourcesAreBounded) {
  for (std::size_t i = 0; i < limits::kTelemetrySourcesMax; ++i)
    ASSERT_EQ(admit(sample(Metric::kHttpLatency, 1, std::to_string(i).c_str()),
                    ("s" + std::to_string(i)).c_str()),
              std::nullopt);
  EXPECT_EQ(admit(sample(), "one more"), Refusal::kTooManySources);
  EXPECT_EQ(intake.sources(), limits::kTelemetrySourcesMax);
}

TEST(SeriesTable, KeepsTheLastPointsInOrder) {
  SeriesTable table(3);
  Sample s;
  s.metric = Metric::kDiskQueue;
  const auto kept = [&] {
    std::vector<int64_t> values;
    for (const auto& p : table.find(s)->points(100)) values.push_back(p.value);
    return values;
  };
  for (int i = 1; i <= 3; ++i) {
    s.value = i;
    table.put(s, kThisProcess, MonoTime{i});
  }
  EXPECT_EQ(kept(), (std::vector<int64_t>{1, 2, 3}));
  for (int i = 4; i <= 8; ++i) {
    s.value = i;
    table.put(s, kThisProcess, MonoTime{i});
    EXPECT_EQ(kept(), (std::vector<int64_t>{i - 2, i - 1, i}));
  }
  EXPECT_EQ(table.find(s)->points(2).front().value, 7);
  EXPECT_EQ(table.find(s)->count(), 8u);
}

TEST(SeriesTable, SilentSeriesMakeRoomOthersDoNot) {
  SeriesTable table(1);
  MonoTime now = MonoTime{} + Duration::seconds(10);
  Sample s;
  s.metric = Metric::kDiskQueue;
  for (std::size_t i = 0; i < limits::kTelemetrySeriesMax; ++i) {
    s.instance = Instance(std::to_string(i));
    ASSERT_NE(table.put(s, 1, now), nullptr);
  }
  s.instance = Instance("new");
  EXPECT_EQ(table.put(s, 1, now), nullptr);
  EXPECT_EQ(table.no_room(), 1u);
  now = now + SeriesTable::kSeriesSilent;
  EXPECT_NE(table.put(s, 2, now), nullptr);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.owned_by(1), 0u);
  EXPECT_EQ(table.owned_by(2), 1u);
}

TEST(SeriesTable, ListsByDomainAndMetricInOrder) {
  SeriesTable table(1);
  Sample s;
  for (const auto metric : {Metric::kDiskQueue, Metric::kCpuSteal, Metric::kDiskFree}) {
    s.metric = metric;
    table.put(s, kThisProcess, MonoTime{1});
  }
  const auto io = table.list(Domain::kIo, std::nullopt);
  ASSERT_EQ(io.size(), 2u);
  EXPECT_EQ(io[0]->name().metric, Metric::kDiskQueue);
  EXPECT_EQ(table.list(std::nullopt, Metric::kCpuSteal).size(), 1u);
  EXPECT_EQ(table.list(Domain::kIo, Metric::kCpuSteal).size(), 0u);
  EXPECT_EQ(table.list(std::nullopt, std::nullopt).size(), 3u);
}

}  // namespace
}  // namespace holdfast::telemetry
