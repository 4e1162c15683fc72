#include "actors/telemetry/otlp/otlp_http.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::telemetry {
namespace {

MemberId colo_a(std::string_view name) { return name == "colo-a" ? MemberId{1} : MemberId{}; }

/// One metric with these data points.
std::string body(const std::string& name, const std::string& points,
                 const std::string& kind = "gauge") {
  return R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{"name":")" + name +
         R"(","unit":"x",")" + kind + R"(":{"dataPoints":[)" + points + "]}}]}]}]}";
}
std::string point(const std::string& value, const std::string& attributes = "") {
  return R"({"timeUnixNano":"1700000000000000000",)" + value + R"(,"attributes":[)" + attributes +
         "]}";
}

struct Otlp : ::testing::Test {
  OutsideSamples out;
  Result<> decode(const std::string& text) { return decode_otlp(text, colo_a, out); }
  uint64_t refused(Refusal why) const { return out.refused[static_cast<std::size_t>(why)]; }
};

TEST_F(Otlp, PointBecomesASample) {
  ASSERT_TRUE(decode(body("feed.gaps",
                          point(R"("asInt":"5")",
                                R"({"key":"holdfast.member","value":{"stringValue":"colo-a"}},)"
                                R"({"key":"holdfast.group","value":{"intValue":"7"}},)"
                                R"({"key":"holdfast.instance","value":{"stringValue":"A feed"}},)"
                                R"({"key":"holdfast.trials","value":{"intValue":40}},)"
                                R"({"key":"host.arch","value":{"arrayValue":{}}})")))
                  .ok());
  ASSERT_EQ(out.samples.size(), 1u);
  const Sample& s = out.samples[0];
  EXPECT_EQ(s.metric, Metric::kFeedGaps);
  EXPECT_EQ(s.member, MemberId{1});
  EXPECT_EQ(s.group, GroupId{7});
  EXPECT_EQ(s.instance.view(), "A feed");
  EXPECT_EQ(s.at.ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(s.value, 5);
  EXPECT_EQ(s.trials, 40u);
}

TEST_F(Otlp, SumsAndNumbersOfEveryFormAreTaken) {
  ASSERT_TRUE(decode(body("feed.gaps",
                          point(R"("asInt":6)") + "," + point(R"("asDouble":2.5)") + "," +
                              R"({"timeUnixNano":1700000000000000001,"asDouble":7})",
                          "sum"))
                  .ok());
  ASSERT_EQ(out.samples.size(), 3u);
  EXPECT_EQ(out.samples[0].value, 6);
  EXPECT_EQ(out.samples[1].value, 3);
  EXPECT_EQ(out.samples[2].value, 7);
  EXPECT_EQ(out.samples[2].at.ns, 1'700'000'000'000'000'001);
}

TEST_F(Otlp, WhatIsNoNumberIsCountedAsSuch) {
  ASSERT_TRUE(
      decode(body("feed.gaps",
                  point(R"("asDouble":"NaN")") + "," + point(R"("asDouble":"Infinity")") + "," +
                      point(R"("asDouble":"-Infinity")") + "," + point(R"("asDouble":1e300)")))
          .ok());
  EXPECT_TRUE(out.samples.empty());
  EXPECT_EQ(refused(Refusal::kNotFinite), 3u);
  EXPECT_EQ(refused(Refusal::kOutOfRange), 1u);
}

TEST_F(Otlp, UnknownMetricsAndMembersAreCounted) {
  ASSERT_TRUE(decode(body("made.up", point(R"("asInt":1)") + "," + point(R"("asInt":2)"))).ok());
  EXPECT_EQ(refused(Refusal::kUnknownMetric), 2u);
  ASSERT_TRUE(decode(body("made.up", "{}", "histogram")).ok());
  EXPECT_EQ(refused(Refusal::kUnknownMetric), 3u);
  ASSERT_TRUE(decode(body("feed.gaps", point(R"("asInt":1)", R"({"key":"holdfast.member",)"
                                                             R"("value":{"stringValue":"x"}})")))
                  .ok());
  EXPECT_EQ(refused(Refusal::kUnknownMember), 1u);
  EXPECT_TRUE(out.samples.empty());
}

TEST_F(Otlp, MalformedPointsAreCountedAndOthersTaken) {
  const std::string points[] = {
      "5",
      "{}",
      R"({"asInt":"1"})",
      R"({"timeUnixNano":"x","asInt":"1"})",
      R"({"timeUnixNano":"0","asInt":"1"})",
      R"({"timeUnixNano":"-4","asInt":"1"})",
      point(R"("asInt":"1e3")"),
      point(R"("asInt":"99999999999999999999")"),
      point(R"("asInt":18446744073709551615)"),
      point(R"("asDouble":"1.5")"),
      point(R"("asDouble":{})"),
      point(R"("asInt":1)", "7"),
      point(R"("asInt":1)", R"({"key":5,"value":{}})"),
      point(R"("asInt":1)", R"({"key":"holdfast.group","value":{"intValue":"-1"}})"),
      point(R"("asInt":1)", R"({"key":"holdfast.group","value":{"stringValue":"7"}})"),
      point(R"("asInt":1)", R"({"key":"holdfast.instance","value":{"stringValue":"a\u0001"}})"),
      point(R"("asInt":1)", R"({"key":"holdfast.instance","value":{"stringValue":")" +
                                std::string(49, 'x') + R"("}})"),
  };
  std::string all = point(R"("asInt":"1")");
  for (const auto& one : points) all += "," + one;
  ASSERT_TRUE(decode(body("feed.gaps", all)).ok());
  EXPECT_EQ(out.samples.size(), 1u);
  EXPECT_EQ(refused(Refusal::kMalformed), std::size(points));
}

TEST_F(Otlp, WhatIsNoRequestIsAnErrorAndAddsNothing) {
  for (const char* text : {"", "null", "[]", "{}", "{\"resourceMetrics\":5}",
                           "{\"resourceMetrics\":[", "\xff\xfe", "NaN"})
    EXPECT_EQ(decode(text).error().code, ErrorCode::kInvalid) << text;
  EXPECT_EQ(decode(std::string(200'000, '[')).error().code, ErrorCode::kInvalid);
  std::string deep = R"({"resourceMetrics":)" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(decode(deep).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decode(std::string(limits::kTelemetryBodyBytesMax + 1, ' ')).error().code,
            ErrorCode::kInvalid);
  EXPECT_TRUE(out.samples.empty());
  EXPECT_EQ(out.refused, RefusalCounts{});
}

TEST_F(Otlp, ListsOfTheWrongTypeHoldNothing) {
  EXPECT_TRUE(
      decode(R"({"resourceMetrics":[5,{"scopeMetrics":{}},{"scopeMetrics":[null]}]})").ok());
  EXPECT_TRUE(decode(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[7]}]}]})").ok());
  EXPECT_EQ(refused(Refusal::kMalformed), 1u);
}

TEST_F(Otlp, PointsBeyondWhatOneRequestMayHoldAreCounted) {
  std::string points = R"({"timeUnixNano":1,"asInt":1})";
  for (std::size_t i = 1; i < limits::kTelemetryPointsPerRequest + 5; ++i)
    points += R"(,{"timeUnixNano":1,"asInt":1})";
  ASSERT_TRUE(decode(body("feed.gaps", points)).ok());
  EXPECT_EQ(out.samples.size(), limits::kTelemetryPointsPerRequest);
  EXPECT_EQ(refused(Refusal::kFlooding), 5u);
}

TEST_F(Otlp, WhatIsWrittenIsReadAlike) {
  std::vector<Sample> samples;
  for (const MetricInfo& info : metrics()) {
    Sample s;
    s.metric = info.metric;
    s.member = MemberId{3};
    s.group = GroupId{1};
    s.instance = Instance("with \"quotes\" and \\");
    s.at = WallTime{1'700'000'000'000'000'123};
    s.value = info.kind == MetricKind::kGauge ? -42 : 42;
    s.trials = 9;
    samples.push_back(s);
  }
  Sample bare;
  bare.metric = Metric::kFeedGaps;
  bare.at = WallTime{1};
  samples.push_back(bare);
  ASSERT_TRUE(decode(encode_otlp({"node-1", "0.1.0"}, samples)).ok());
  EXPECT_EQ(out.refused, RefusalCounts{});
  ASSERT_EQ(out.samples.size(), samples.size());
  for (const Sample& s : samples)
    EXPECT_NE(std::find(out.samples.begin(), out.samples.end(), s), out.samples.end());
}

}  // namespace
}  // namespace holdfast::telemetry
