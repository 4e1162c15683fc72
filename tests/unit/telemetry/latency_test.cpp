#include "messages/telemetry/latency.hpp"

#include <gtest/gtest.h>

namespace holdfast::telemetry {
namespace {

TEST(LatencyRecorder, BucketsRiseAndHoldWhatTheySay) {
  std::size_t before = 0;
  for (int64_t ns = 0; ns < 3'000'000'000; ns = ns < 100 ? ns + 1 : ns + ns / 9) {
    const std::size_t bucket = LatencyRecorder::bucket_of({ns});
    EXPECT_GE(bucket, before);
    before = bucket;
    const int64_t upper = LatencyRecorder::upper_end(bucket).ns;
    EXPECT_GE(upper, ns);
    EXPECT_LE(upper, std::max<int64_t>(3, ns + ns / 4 + 1)) << ns;
    if (bucket > 0) {
      EXPECT_LT(LatencyRecorder::upper_end(bucket - 1).ns, ns);
    }
  }
  EXPECT_EQ(LatencyRecorder::bucket_of({-5}), 0u);
  EXPECT_EQ(LatencyRecorder::bucket_of({INT64_MAX}), LatencyRecorder::kBuckets - 1);
}

TEST(LatencyRecorder, QuantilesAreOfTheIntervalAlone) {
  LatencyRecorder recorder;
  LatencyRecorder::Seen seen;
  EXPECT_EQ(recorder.read(seen).count, 0u);
  for (int i = 0; i < 98; ++i) recorder.add(Duration::microseconds(10));
  recorder.add(Duration::milliseconds(1));
  recorder.add(Duration::milliseconds(50));
  auto interval = recorder.read(seen);
  EXPECT_EQ(interval.count, 100u);
  EXPECT_NEAR(static_cast<double>(interval.p50.us()), 11.0, 2.0);
  EXPECT_GE(interval.p99.us(), 1'000);
  EXPECT_LE(interval.p99.us(), 1'250);
  EXPECT_GE(interval.longest.us(), 50'000);
  EXPECT_LE(interval.longest.us(), 62'500);
  recorder.add(Duration::microseconds(100));
  interval = recorder.read(seen);
  EXPECT_EQ(interval.count, 1u);
  EXPECT_EQ(interval.p50, interval.longest);
  EXPECT_EQ(interval.p99, interval.longest);
}

TEST(LatencyRecorder, TwoReadersDoNotDisturbEachOther) {
  LatencyRecorder recorder;
  LatencyRecorder::Seen a, b;
  recorder.add(Duration::microseconds(1));
  EXPECT_EQ(recorder.read(a).count, 1u);
  recorder.add(Duration::microseconds(1));
  EXPECT_EQ(recorder.read(a).count, 1u);
  EXPECT_EQ(recorder.read(b).count, 2u);
}

}  // namespace
}  // namespace holdfast::telemetry
