#include <gtest/gtest.h>

#include "messages/telemetry/samples_capnp.hpp"

namespace holdfast::telemetry {
namespace {

SampleBatch batch() {
  SampleBatch b;
  b.domain = Domain::kIo;
  b.number = 7;
  b.lost = 3;
  for (int i = 0; i < 5; ++i) {
    Sample s;
    s.metric = i % 2 ? Metric::kDiskQueue : Metric::kFsyncLatency;
    s.member = MemberId{2};
    s.group = GroupId{static_cast<uint32_t>(i)};
    if (i > 1) s.instance = Instance("disk " + std::to_string(i));
    s.at = WallTime{1'700'000'000'000'000'000 + i};
    s.value = -i;
    s.trials = static_cast<uint32_t>(i);
    b.samples.push_back(s);
  }
  return b;
}

TEST(TelemetryCodec, BatchIsReadAsItWasWritten) {
  const auto read = decode_batch(encode_batch(batch()));
  ASSERT_TRUE(read.ok()) << read.error().text;
  EXPECT_EQ(read.value(), batch());
  EXPECT_EQ(decode_batch(encode_batch(SampleBatch{})).value(), SampleBatch{});
}

TEST(TelemetryCodec, BatchOfAnotherDomainOrMetricIsRefusedWhole) {
  auto wrong = batch();
  wrong.domain = Domain::kCpu;
  EXPECT_EQ(decode_batch(encode_batch(wrong)).error().code, ErrorCode::kInvalid);
  wrong = batch();
  wrong.samples[2].metric = static_cast<Metric>(9'999);
  EXPECT_EQ(decode_batch(encode_batch(wrong)).error().code, ErrorCode::kInvalid);
  wrong = batch();
  wrong.domain = static_cast<Domain>(9);
  EXPECT_EQ(decode_batch(encode_batch(wrong)).error().code, ErrorCode::kInvalid);
}

TEST(TelemetryCodec, OutsideSamplesAreTakenOneByOne) {
  auto mixed = batch();
  mixed.samples[0].metric = static_cast<Metric>(9'999);
  mixed.samples[1].at = WallTime{};
  OutsideSamples out;
  ASSERT_TRUE(decode_outside(encode_batch(mixed), out).ok());
  EXPECT_EQ(out.samples.size(), 3u);
  EXPECT_EQ(out.refused[static_cast<std::size_t>(Refusal::kUnknownMetric)], 1u);
  EXPECT_EQ(out.refused[static_cast<std::size_t>(Refusal::kMalformed)], 1u);
}

TEST(TelemetryCodec, AnyBytesGiveAValueOrAnError) {
  const std::string good = encode_batch(batch());
  OutsideSamples out;
  for (std::size_t size = 0; size < good.size(); ++size) {
    (void)decode_batch(good.substr(0, size));
    (void)decode_outside(good.substr(0, size), out);
  }
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int flip : {1, 0x80, 0xff}) {
      auto broken = good;
      broken[i] = static_cast<char>(broken[i] ^ flip);
      const auto read = decode_batch(broken);
      if (!read) {
        EXPECT_FALSE(read.error().text.empty());
      }
    }
  EXPECT_FALSE(decode_batch("").ok());
  EXPECT_FALSE(decode_batch("1234567").ok());
  // A list that says it is larger than the message.
  EXPECT_FALSE(decode_batch(std::string(8, '\xff')).ok());
}

}  // namespace
}  // namespace holdfast::telemetry
