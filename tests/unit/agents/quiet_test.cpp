// What is no fault: noise, bursts, single spikes, load that rises without harm, readings that stop.
// And what nobody may bring down: hostile readings, too many series.
#include <gtest/gtest.h>

#include "tests/unit/agents/stream.hpp"

namespace holdfast::agents {
namespace {

using telemetry::Domain;
using telemetry::Sample;
using M = telemetry::Metric;

constexpr Domain kAll[] = {Domain::kCpu, Domain::kNetwork, Domain::kIo, Domain::kExecution,
                           Domain::kHttp};

TEST(Quiet, AMillionReadingsWithoutAFinding) {
  uint64_t taken = 0;
  for (const Domain domain : kAll) {
    Stream stream(domain);
    quiet(stream);
    while (stream.agent.counts().taken < 250'000) stream.step();
    EXPECT_TRUE(stream.told.empty())
        << to_text(domain) << " "
        << to_text(stream.told.empty() ? FaultClass::kNone : stream.told[0].fault);
    taken += stream.agent.counts().taken;
  }
  EXPECT_GE(taken, 1'000'000u);
}

TEST(Quiet, HeavyTailsAreNoFault) {
  // Latencies as they are: log-normal, one in a thousand ten times the median.
  Stream stream(Domain::kIo);
  quiet(stream);
  stream.line(M::kFsyncLatency,
              [](double n) { return static_cast<int64_t>(900 * std::exp(0.8 * n)); });
  stream.line(M::kJournalWriteLatency,
              [](double n) { return static_cast<int64_t>(60 * std::exp(1.1 * n)); });
  stream.line(
      M::kDiskLatency, [](double n) { return static_cast<int64_t>(400 * std::exp(0.9 * n)); },
      "vda");
  stream.run(Duration::seconds(2'000));
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, LoadThatRisesWithoutHarm) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.level(M::kCpuUtilization, 930'000, 20'000);
  stream.level(M::kProcessCpu, 1'500'000, 90'000);
  stream.level(M::kCpuContextSwitches, 90'000, 9'000);
  stream.level(M::kCpuRunQueue, 3, 1);
  stream.level(M::kCpuPressure, 90'000, 30'000);
  stream.run(Duration::seconds(60));
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, OrderFlowThatStartsAndStops) {
  Stream stream(Domain::kExecution);
  quiet(stream);
  for (int i = 0; i < 6; ++i) {
    const bool flows = i % 2 == 1;
    stream.level(M::kOrderRate, flows ? 30'000 : 0, flows ? 2'000 : 0);
    stream.level(M::kOrderLatency, flows ? 6'000 : 0, flows ? 1'500 : 0);
    stream.level(M::kOrderStageLatency, flows ? 2'000 : 0, flows ? 600 : 0, "risk");
    stream.level(M::kMailboxDepth, flows ? 400 : 0, flows ? 100 : 0, "node/orders/shard-0");
    stream.level(M::kQueueSaturation, flows ? 300'000 : 0, flows ? 50'000 : 0, "credits");
    stream.run(Duration::seconds(20));
  }
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, CompactionsOfTheJournal) {
  Stream stream(Domain::kIo);
  quiet(stream);
  for (int i = 0; i < 10; ++i) {
    stream.run(Duration::seconds(20));
    const auto before = stream.lines;
    stream.level(M::kDiskThroughput, 180'000'000, 20'000'000, "vda");
    stream.level(M::kDiskUtilization, 800'000, 100'000, "vda");
    stream.level(M::kFsyncLatency, 12'000, 4'000);
    stream.level(M::kJournalWriteLatency, 2'000, 900);
    stream.run(Duration::seconds(3));
    stream.lines = before;
  }
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, SingleSpikesOfEverything) {
  const AgentSettings settings = default_settings();
  for (const Domain domain : kAll) {
    Stream stream(domain);
    quiet(stream);
    stream.run(Duration::seconds(20));
    for (std::size_t i = 0; i < stream.lines.size(); ++i) {
      const Watch* watch = find_watch(settings, stream.lines[i].metric);
      // What one reading proves by itself is no decoy.
      if (watch == nullptr || watch->persistence.need == 1) continue;
      const auto before = stream.lines[i].value;
      stream.lines[i].value = [&](double) {
        return watch->bad == Bad::kLow ? 0
                                       : std::max<int64_t>(watch->floor, 1'000) * 900 % 1'000'000;
      };
      stream.step();
      stream.lines[i].value = before;
      stream.run(Duration::seconds(3));
    }
    EXPECT_TRUE(stream.told.empty()) << to_text(domain);
  }
}

TEST(Decoy, AStallOfTheWholeMachineNowAndThen) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  for (int i = 0; i < 20; ++i) {
    stream.run(Duration::seconds(15));
    stream.line(M::kHotLoopLate, [](double) { return 95'000; });
    stream.step();
    stream.level(M::kHotLoopLate, 300, 200);
  }
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, OneCrashThatTakesItsSiblingsAlong) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  for (int i = 0; i < 5; ++i) {
    stream.run(Duration::seconds(10));
    stream.line(M::kProcessRestarts, [](double) { return 180; });
    stream.step();
    stream.level(M::kProcessRestarts, 0, 0);
  }
  EXPECT_TRUE(stream.told.empty());
}

TEST(Decoy, ALoopThatIsLateBecauseTheHostIsBusyIsNoGrayFailure) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.line(M::kHotLoopLate, [](double) { return 120'000; });
  stream.step();
  stream.step();  // the pressure is seen a little later
  stream.level(M::kCpuPressure, 700'000, 50'000);
  stream.level(M::kCpuRunQueue, 14, 2);
  stream.run(Duration::seconds(10));
  EXPECT_EQ(stream.classes(), std::vector{FaultClass::kNoisyNeighbour});
}

TEST(Decoy, ACollectorThatFallsSilentAndComesBack) {
  for (const Domain domain : kAll) {
    Stream stream(domain);
    quiet(stream);
    stream.run(Duration::seconds(20));
    for (auto& line : stream.lines) {
      line.silent = true;
      stream.run(Duration::seconds(15));
      line.silent = false;
      stream.run(Duration::seconds(2));
    }
    EXPECT_TRUE(stream.told.empty()) << to_text(domain);
  }
}

TEST(Decoy, ConstantSeriesThatMoveByOne) {
  for (const Domain domain : kAll) {
    Stream stream(domain);
    for (const auto& info : telemetry::metrics())
      if (info.domain == domain && info.metric != M::kDiskFree &&
          info.metric != M::kDiskFreeInodes && info.metric != M::kFillRatio &&
          info.metric != M::kHttpSuccess)
        stream.level(info.metric, 0, 0);
    stream.run(Duration::seconds(20));
    for (auto& line : stream.lines)
      if (line.metric != M::kFeedGaps && line.metric != M::kUnknownOrders)
        line.value = [](double) { return 1; };
    stream.run(Duration::seconds(20));
    EXPECT_TRUE(stream.told.empty()) << to_text(domain);
  }
}

TEST(Stale, WhatASilentSeriesSaidIsOver) {
  Stream stream(Domain::kIo);
  quiet(stream);
  stream.level(M::kDiskFree, 8'000, 0);
  ASSERT_TRUE(stream.until(FaultClass::kFullDisk));
  for (auto& line : stream.lines) line.silent = true;
  stream.run(Duration::seconds(5));
  EXPECT_NE(stream.open(FaultClass::kFullDisk), nullptr);
  stream.run(Duration::seconds(15));
  EXPECT_EQ(stream.open(FaultClass::kFullDisk), nullptr);
}

TEST(Accepted, WhatNobodyMendsForLongIsTheNewUsual) {
  Stream stream(Domain::kExecution);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.level(M::kOrderLatency, 60'000, 4'000);
  ASSERT_TRUE(stream.until(FaultClass::kLatencyDrift));
  stream.run(Duration::seconds(650));
  EXPECT_EQ(stream.open(FaultClass::kLatencyDrift), nullptr);
  stream.level(M::kOrderLatency, 180'000, 4'000);
  EXPECT_TRUE(stream.until(FaultClass::kLatencyDrift));
}

TEST(Repeated, AnOpenFindingIsToldAgainWithItsNumber) {
  Stream stream(Domain::kIo);
  quiet(stream);
  stream.level(M::kDiskFree, 30'000, 0);
  ASSERT_TRUE(stream.until(FaultClass::kFullDisk));
  stream.run(Duration::seconds(21));
  EXPECT_EQ(stream.told.size(), 5u);  // at 0, 5, 10, 15, 20 s
  for (const Finding& finding : stream.told) EXPECT_EQ(finding.number, stream.told[0].number);
}

// ---- ratios of few trials

Stream::Value one_in(int period, int64_t hit, int64_t miss) {
  return
      [=, count = std::make_shared<int>(0)](double) { return ++*count % period == 0 ? hit : miss; };
}

TEST(Ratio, OneFailureOfOneNowAndThenIsNoFault) {
  Stream stream(Domain::kHttp);
  quiet(stream);
  stream.line(M::kHttpSuccess, one_in(40, 0, 1'000'000), "operator").trials = 1;
  stream.line(M::kHttpThrottled, one_in(40, 1'000'000, 0), "operator").trials = 1;
  stream.run(Duration::seconds(600));
  EXPECT_TRUE(stream.told.empty());
  stream.line(
      M::kHttpSuccess, [](double) { return 0; }, "operator");
  ASSERT_TRUE(stream.until(FaultClass::kHttpErrors, Duration::seconds(2)));
  EXPECT_EQ(stream.open(FaultClass::kHttpErrors)->evidence.at(0).detector, DetectorKind::kRatio);
}

TEST(Ratio, RejectsThatAreUsualAreNoSpike) {
  Stream stream(Domain::kExecution);
  quiet(stream);
  stream.line(M::kRejectRatio, [](double n) { return static_cast<int64_t>(80'000 + 9'000 * n); })
      .trials = 200;
  stream.run(Duration::seconds(300));
  EXPECT_TRUE(stream.told.empty());
  stream.level(M::kRejectRatio, 115'000, 5'000);
  stream.run(Duration::seconds(2));
  stream.level(M::kRejectRatio, 400'000, 20'000);
  ASSERT_TRUE(stream.until(FaultClass::kRejectSpike, Duration::seconds(1)));
  EXPECT_NEAR(stream.open(FaultClass::kRejectSpike)->evidence.at(0).expected, 80'000, 8'000);
}

TEST(Ratio, AnIntervalWithoutTrialsSaysNothing) {
  Stream stream(Domain::kHttp);
  quiet(stream);
  stream
      .line(
          M::kHttpSuccess, [](double) { return 1'000'000; }, "operator")
      .trials = 5;
  stream.run(Duration::seconds(20));
  stream
      .line(
          M::kHttpSuccess, [](double) { return 0; }, "operator")
      .trials = 0;
  stream.run(Duration::seconds(20));
  EXPECT_TRUE(stream.told.empty());
}

// ---- hostile readings

TEST(Hostile, EveryReadingThatCannotBeIsCountedAndChangesNothing) {
  Stream stream(Domain::kHttp);
  quiet(stream);
  stream.run(Duration::seconds(20));
  const auto taken = stream.agent.counts().taken;
  const WallTime wall = stream.wall + Duration::milliseconds(50);
  const auto sample = [&](M metric, int64_t value, WallTime at) {
    return Sample{metric, {1}, {}, "operator", at, value, 0};
  };
  const std::vector<Sample> hostile = {
      sample(static_cast<M>(0), 1, wall),
      sample(static_cast<M>(65'535), 1, wall),
      sample(M::kCpuSteal, 900'000, wall),
      sample(M::kHttpSuccess, -1, wall),
      sample(M::kHttpSuccess, 1'000'001, wall),
      sample(M::kHttpLatency, INT64_MIN, wall),
      sample(M::kHttpLatency, 100, {0}),
      sample(M::kHttpLatency, 100, {INT64_MIN}),
      sample(M::kHttpLatency, 100, {INT64_MAX}),
      sample(M::kHttpLatency, 100, wall + Duration::seconds(-31)),
      sample(M::kHttpLatency, 100, wall + Duration::seconds(31)),
  };
  stream.agent.observe(hostile, stream.now, wall, stream.told);
  const AgentCounts& counts = stream.agent.counts();
  EXPECT_EQ(counts.taken, taken);
  EXPECT_EQ(counts.foreign, 3u);
  EXPECT_EQ(counts.impossible, 3u);
  EXPECT_EQ(counts.untimely, 5u);
  EXPECT_TRUE(stream.told.empty());
  stream.run(Duration::seconds(5));
  EXPECT_TRUE(stream.told.empty());
}

TEST(Hostile, TheLargestNumbersLeaveNoTraceInWhatIsUsual) {
  Stream stream(Domain::kExecution);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.line(M::kSlippage, [](double n) { return n > 0 ? INT64_MAX : INT64_MIN; });
  stream.line(M::kOrderLatency, [](double) { return INT64_MAX; });
  ASSERT_TRUE(stream.until(FaultClass::kLatencyDrift));
  stream.run(Duration::seconds(20));
  for (const Finding& finding : stream.told)
    for (const Evidence& one : finding.evidence) EXPECT_LE(one.score_milli, 1'000'000u);
  stream.lines.clear();
  quiet(stream);
  stream.run(Duration::seconds(15));
  EXPECT_TRUE(stream.agent.open().empty());
}

TEST(Hostile, AReadingTwiceAndAFloodAreCounted) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  stream.run(Duration::seconds(1));
  stream.agent.observe(stream.batch, stream.now, stream.wall, stream.told);
  EXPECT_EQ(stream.agent.counts().untimely, 14u) << "all watched lines again";
  std::vector<Sample> flood;
  for (int i = 1; i <= 1'000; ++i)
    flood.push_back(
        {M::kHotLoopLate, {1}, {}, {}, stream.wall + Duration::microseconds(i), 900'000, 0});
  stream.agent.observe(flood, stream.now, stream.wall, stream.told);
  EXPECT_EQ(stream.agent.counts().flooded, 1'000u);
  EXPECT_TRUE(stream.told.empty());
}

TEST(Bounded, SeriesGiveWayToTheLatestAndAreCounted) {
  AgentSettings settings = default_settings();
  settings.series_max = 100;
  Stream stream(Domain::kHttp, settings);
  std::vector<Sample> samples;
  for (int i = 0; i < 1'000; ++i)
    samples.push_back({M::kHttpLatency,
                       {1},
                       {},
                       telemetry::Instance("e" + std::to_string(i)),
                       stream.wall,
                       100,
                       0});
  stream.agent.observe(samples, stream.now, stream.wall, stream.told);
  EXPECT_EQ(stream.agent.series(), 100u);
  EXPECT_EQ(stream.agent.counts().forgotten, 900u);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.level(M::kHttpLatency, 2'000'000, 90'000, "operator");
  EXPECT_TRUE(stream.until(FaultClass::kHttpSlow)) << "who is read stays known";
}

TEST(Bounded, OpenFindingsAreToo) {
  AgentSettings settings = default_settings();
  settings.findings_max = 5;
  Stream stream(Domain::kHttp, settings);
  for (int i = 0; i < 20; ++i)
    stream.level(M::kHttpThrottled, 600'000, 0, telemetry::Instance("e" + std::to_string(i)));
  stream.run(Duration::seconds(2));
  EXPECT_EQ(stream.agent.open().size(), 5u);
  EXPECT_GT(stream.agent.counts().suppressed, 0u);
}

// ---- precedents and successors

TEST(Precedents, AreAskedBeforeAFindingIsToldAndMakeItSurer) {
  std::vector<Finding> asked;
  const auto settings = std::make_shared<AgentSettings>(default_settings());
  const auto confidence = [&](FaultClass fault) {
    Stream stream(Domain::kIo);
    stream.agent = DomainAgent({Domain::kIo, 1}, settings, 0, [&](const Finding& finding) {
      asked.push_back(finding);
      return std::vector<Resemblance>(20, {{77, 900'000}, fault});
    });
    quiet(stream);
    stream.level(M::kDiskFree, 49'000, 0);
    EXPECT_TRUE(stream.until(FaultClass::kFullDisk));
    EXPECT_EQ(stream.told[0].precedents.size(), 8u);
    EXPECT_EQ(stream.told[0].precedents[0].incident, 77u);
    return stream.told[0].confidence_ppm;
  };
  const uint32_t same = confidence(FaultClass::kFullDisk);
  const uint32_t other = confidence(FaultClass::kSlowDisk);
  EXPECT_GT(same, other);
  ASSERT_EQ(asked.size(), 2u) << "once for each finding";
  EXPECT_EQ(asked[0].fault, FaultClass::kFullDisk);
  EXPECT_FALSE(asked[0].evidence.empty());
}

TEST(Successor, KeepsOpenWhatItFindsAgainAndEndsTheRest) {
  const auto settings = std::make_shared<AgentSettings>(default_settings());
  Stream stream(Domain::kIo);
  quiet(stream);
  stream.run(Duration::seconds(20));
  stream.level(M::kDiskFree, 8'000, 0);
  stream.level(M::kFsyncLatency, 90'000, 8'000);
  stream.run(Duration::seconds(2));
  const auto left = stream.agent.open();
  ASSERT_EQ(left.size(), 2u);

  stream.agent = DomainAgent({Domain::kIo, 1}, settings, 100);
  stream.agent.inherit(left, stream.now);
  stream.told.clear();
  stream.level(M::kFsyncLatency, 900, 500);
  stream.run(Duration::seconds(30));
  ASSERT_EQ(stream.agent.open().size(), 1u);
  EXPECT_EQ(stream.agent.open()[0], [&] {
    Finding same = *stream.open(FaultClass::kFullDisk);
    return same;
  }());
  EXPECT_EQ(stream.agent.open()[0].number, left[0].number);
  EXPECT_EQ(stream.open(FaultClass::kSlowDisk), nullptr);
  EXPECT_TRUE(std::any_of(stream.told.begin(), stream.told.end(), [](const Finding& finding) {
    return finding.fault == FaultClass::kSlowDisk && finding.over;
  }));
  stream.level(M::kFsyncLatency, 90'000, 8'000);
  ASSERT_TRUE(stream.until(FaultClass::kSlowDisk));
  EXPECT_GT(stream.open(FaultClass::kSlowDisk)->number, 100u);
}

// ---- the tables

TEST(Tables, EveryRuleAsksForMetricsOfItsDomainThatAreWatched) {
  const AgentSettings settings = default_settings();
  for (const Domain domain : kAll)
    for (const Rule& rule : rules_of(domain)) {
      ASSERT_FALSE(rule.of.empty());
      for (const auto* list : {&rule.of, &rule.must, &rule.unless, &rule.severe, &rule.not_severe})
        for (const M metric : *list) {
          EXPECT_EQ(telemetry::domain_of(metric), domain) << to_text(rule.fault);
          EXPECT_NE(find_watch(settings, metric), nullptr)
              << to_text(rule.fault) << " " << telemetry::info_of(metric).name;
        }
      for (const auto* list : {&rule.severe, &rule.not_severe})
        for (const M metric : *list) EXPECT_TRUE(find_watch(settings, metric)->severe.has_value());
    }
}

TEST(Tables, EveryWatchIsUsable) {
  std::vector<M> seen;
  const auto settings = default_settings();
  for (const Watch& watch : settings.watches) {
    const auto name = telemetry::info_of(watch.metric).name;
    EXPECT_EQ(std::count(seen.begin(), seen.end(), watch.metric), 0) << name;
    seen.push_back(watch.metric);
    EXPECT_TRUE(watch.learns || watch.limit) << name;
    EXPECT_GE(watch.persistence.need, 1) << name;
    EXPECT_LE(watch.persistence.need, watch.persistence.of) << name;
    EXPECT_LE(watch.persistence.of, 64) << name;
    if (watch.limit && watch.severe) {
      EXPECT_EQ(watch.bad == Bad::kLow, *watch.severe < *watch.limit) << name;
    }
  }
}

}  // namespace
}  // namespace holdfast::agents
