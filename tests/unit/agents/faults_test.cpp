// Every class of fault that an agent tells, made from quiet readings by the change that it makes to
// them: told, as what it is and nothing else, soon, and over when it is gone.
#include <gtest/gtest.h>

#include "tests/unit/agents/stream.hpp"

namespace holdfast::agents {
namespace {

using telemetry::Domain;
using M = telemetry::Metric;

struct Case {
  const char* name;
  Domain domain;
  FaultClass fault;
  std::function<void(Stream&)> happens;
  Duration within = Duration::seconds(1);  // for what comes suddenly
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::vector<Case> cases() {
  return {
      {"Steal", Domain::kCpu, FaultClass::kNoisyNeighbour,
       [](Stream& s) { s.level(M::kCpuSteal, 400'000, 30'000); }},
      {"HogsOfOthers", Domain::kCpu, FaultClass::kNoisyNeighbour,
       [](Stream& s) {
         s.level(M::kCpuUtilization, 1'000'000, 0);
         s.level(M::kCpuRunQueue, 12, 2);
         s.level(M::kCpuPressure, 600'000, 60'000);
       }},
      {"HogsThatTheHotLoopWaitsFor", Domain::kCpu, FaultClass::kNoisyNeighbour,
       [](Stream& s) {
         s.level(M::kCpuRunQueue, 10, 2);
         s.level(M::kHotLoopWait, 200'000, 30'000);
       }},
      {"OwnLoadThatHurts", Domain::kCpu, FaultClass::kCpuSaturation,
       [](Stream& s) {
         s.level(M::kProcessCpu, 1'700'000, 50'000);
         s.level(M::kCpuUtilization, 990'000, 5'000);
         s.level(M::kCpuPressure, 500'000, 60'000);
       }},
      {"Throttled", Domain::kCpu, FaultClass::kCpuSaturation,
       [](Stream& s) { s.level(M::kCpuThrottled, 700'000, 50'000); }},
      {"MemoryPressure", Domain::kCpu, FaultClass::kMemoryPressure,
       [](Stream& s) {
         s.level(M::kMemoryPressure, 300'000, 50'000);
         s.level(M::kMemoryMajorFaults, 4'000, 800);
         s.level(M::kCpuPressure, 400'000, 50'000);
         s.level(M::kCpuRunQueue, 9, 2);
       }},
      {"MemoryFull", Domain::kCpu, FaultClass::kMemoryPressure,
       [](Stream& s) { s.level(M::kMemoryUsed, 985'000, 500); }},
      {"CrashLoop", Domain::kCpu, FaultClass::kCrashLoop,
       [](Stream& s) { s.level(M::kProcessRestarts, 300, 0); }},
      {"GrayFailure", Domain::kCpu, FaultClass::kGrayFailure,
       [](Stream& s) {
         // Stopped for 120 ms in every half second.
         auto count = std::make_shared<int>(0);
         s.line(M::kHotLoopLate, [count](double) { return ++*count % 4 == 0 ? 120'000 : 300; });
       },
       Duration::milliseconds(1'500)},
      {"PacketDelay", Domain::kNetwork, FaultClass::kPacketDelay,
       [](Stream& s) {
         s.level(M::kPeerRtt, 20'000, 1'000, "node-2");
         s.level(M::kPeerJitter, 2'000, 500, "node-2");
       }},
      {"DelayToTheVenue", Domain::kNetwork, FaultClass::kPacketDelay,
       [](Stream& s) { s.level(M::kVenueRtt, 60'000, 3'000, "XSIM"); }},
      {"PacketLoss", Domain::kNetwork, FaultClass::kPacketLoss,
       [](Stream& s) {
         s.level(M::kPeerLoss, 150'000, 30'000, "node-3");
         s.level(M::kTcpRetransmits, 80, 10);
       }},
      {"RetransmitsAlone", Domain::kNetwork, FaultClass::kPacketLoss,
       [](Stream& s) { s.level(M::kTcpRetransmits, 200, 20); }},
      {"Partition", Domain::kNetwork, FaultClass::kPartition,
       [](Stream& s) { s.level(M::kPeerLoss, 1'000'000, 0, "node-2"); }},
      {"FeedGap", Domain::kNetwork, FaultClass::kFeedGap,
       [](Stream& s) { s.level(M::kFeedGaps, 40, 10, "feed"); }},
      {"ReplicationLag", Domain::kNetwork, FaultClass::kReplicationLag,
       [](Stream& s) { s.level(M::kReplicationLag, 20'000, 1'000); },
       Duration::milliseconds(1'500)},
      {"SlowSyncs", Domain::kIo, FaultClass::kSlowDisk,
       [](Stream& s) { s.level(M::kFsyncLatency, 90'000, 8'000); }},
      {"SlowDevice", Domain::kIo, FaultClass::kSlowDisk,
       [](Stream& s) { s.level(M::kDiskLatency, 80'000, 9'000, "vda"); }},
      {"SlowWrites", Domain::kIo, FaultClass::kSlowDisk,
       [](Stream& s) { s.level(M::kJournalWriteLatency, 30'000, 3'000); }},
      {"FullDisk", Domain::kIo, FaultClass::kFullDisk,
       [](Stream& s) { s.level(M::kDiskFree, 8'000, 0); }},
      {"NoInodes", Domain::kIo, FaultClass::kFullDisk,
       [](Stream& s) { s.level(M::kDiskFreeInodes, 0, 0); }},
      {"StorageStall", Domain::kIo, FaultClass::kStorageStall,
       [](Stream& s) {
         s.level(M::kDiskThroughput, 200'000'000, 9'000'000, "vda");
         s.level(M::kJournalWriteLatency, 60'000, 9'000);
       },
       Duration::milliseconds(1'500)},
      {"LatencyDrift", Domain::kExecution, FaultClass::kLatencyDrift,
       [](Stream& s) { s.level(M::kOrderLatency, 60'000, 4'000); }},
      {"OneSlowStage", Domain::kExecution, FaultClass::kLatencyDrift,
       [](Stream& s) { s.level(M::kOrderStageLatency, 30'000, 4'000, "risk"); }},
      {"QueueSaturation", Domain::kExecution, FaultClass::kQueueSaturation,
       [](Stream& s) { s.level(M::kQueueSaturation, 950'000, 10'000, "credits"); }},
      {"OldMail", Domain::kExecution, FaultClass::kQueueSaturation,
       [](Stream& s) { s.level(M::kMailboxAge, 900'000, 1'000, "node/orders/shard-0"); }},
      {"LockContention", Domain::kExecution, FaultClass::kLockContention,
       [](Stream& s) { s.level(M::kLockWait, 200'000, 20'000, "journal"); }},
      {"RejectSpike", Domain::kExecution, FaultClass::kRejectSpike,
       [](Stream& s) { s.level(M::kRejectRatio, 400'000, 30'000); }},
      {"FillDrift", Domain::kExecution, FaultClass::kFillDrift,
       [](Stream& s) { s.level(M::kFillRatio, 300'000, 30'000); }, Duration::milliseconds(1'500)},
      {"Slippage", Domain::kExecution, FaultClass::kFillDrift,
       [](Stream& s) {
         s.line(M::kSlippage, [](double n) { return static_cast<int64_t>(-2'000 + 60 * n); });
       },
       Duration::milliseconds(1'500)},
      {"UnknownOrders", Domain::kExecution, FaultClass::kUnknownOrders,
       [](Stream& s) { s.level(M::kUnknownOrders, 12, 0); }, Duration::seconds(3)},
      {"HttpThrottled", Domain::kHttp, FaultClass::kHttpThrottled,
       [](Stream& s) {
         s.level(M::kHttpThrottled, 600'000, 50'000, "operator");
         s.level(M::kHttpSuccess, 400'000, 50'000, "operator");
       }},
      {"HttpErrors", Domain::kHttp, FaultClass::kHttpErrors,
       [](Stream& s) { s.level(M::kHttpSuccess, 300'000, 50'000, "operator"); }},
      {"HttpSlow", Domain::kHttp, FaultClass::kHttpSlow,
       [](Stream& s) { s.level(M::kHttpLatency, 2'000'000, 90'000, "operator"); }},
      {"HttpTimeouts", Domain::kHttp, FaultClass::kHttpSlow,
       [](Stream& s) {
         s.level(M::kHttpTimeouts, 400'000, 50'000, "operator");
         s.level(M::kHttpSuccess, 600'000, 50'000, "operator");
       }},
  };
}

class Fault : public ::testing::TestWithParam<Case> {};

TEST_P(Fault, IsToldAsWhatItIsAndIsOverWhenItIsGone) {
  const Case& one = GetParam();
  Stream stream(one.domain);
  quiet(stream);
  stream.run(Duration::seconds(20));
  ASSERT_TRUE(stream.told.empty()) << to_text(stream.told[0].fault);
  const WallTime before = stream.wall;
  one.happens(stream);
  const auto delay = stream.until(one.fault);
  ASSERT_TRUE(delay.has_value());
  EXPECT_LE(delay->ms(), one.within.ms());
  const Finding* told = stream.open(one.fault);
  EXPECT_EQ(told->place.member, MemberId{1});
  EXPECT_EQ(told->agent, (AgentId{one.domain, 1}));
  EXPECT_GE(told->confidence_ppm, 500'000u);
  ASSERT_FALSE(told->evidence.empty());
  EXPECT_GE(told->evidence[0].score_milli, 1'000u);
  EXPECT_GT(told->began, before);
  EXPECT_LE(told->began, told->found);
  const uint64_t number = told->number;
  stream.run(Duration::seconds(20));
  EXPECT_EQ(stream.classes(), std::vector{one.fault});
  ASSERT_NE(stream.open(one.fault), nullptr) << "what lasts is not learned";
  for (auto& line : stream.lines) line.value = [](double) { return 0; };
  quiet(stream);
  stream.run(Duration::seconds(12));
  EXPECT_EQ(stream.open(one.fault), nullptr);
  EXPECT_TRUE(stream.agent.open().empty());
  EXPECT_EQ(stream.told.back().number, number) << "one finding from begin to end";
  stream.run(Duration::seconds(60));
  EXPECT_EQ(stream.agent.counts().findings, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, Fault, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ClockStep, OneReadingIsEnough) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  stream.run(Duration::seconds(10));
  stream.line(M::kClockStep, [](double) { return -2'000'000; });
  stream.step();
  ASSERT_NE(stream.open(FaultClass::kClockStep), nullptr);
  EXPECT_EQ(stream.open(FaultClass::kClockStep)->severity, Severity::kCritical);
  EXPECT_EQ(stream.open(FaultClass::kClockStep)->evidence.at(0).value, -2'000'000);
  stream.level(M::kClockStep, 0, 0);
  stream.run(Duration::seconds(5));
  EXPECT_EQ(stream.open(FaultClass::kClockStep), nullptr);
}

TEST(ClockStep, AClockThatWasSetBackIsStillListenedTo) {
  Stream stream(Domain::kCpu);
  quiet(stream);
  stream.run(Duration::seconds(10));
  stream.wall = stream.wall + Duration::seconds(-3'600);
  stream.line(M::kClockStep, [](double) { return -3'600'000'000; });
  stream.step();
  EXPECT_NE(stream.open(FaultClass::kClockStep), nullptr);
}

// ---- what grows

TEST(Growing, OrdersThatTakeLongerAndLongerAreToldBeforeTheyAreLate) {
  Stream stream(Domain::kExecution);
  quiet(stream);
  stream.run(Duration::seconds(60));
  auto level = std::make_shared<double>(1'500);
  stream.line(M::kOrderLatency, [level](double n) {
    *level *= 1.003;  // doubles in 23 s
    return static_cast<int64_t>(*level * (1 + 0.2 * n));
  });
  ASSERT_TRUE(stream.until(FaultClass::kLatencyDrift, Duration::seconds(120)));
  EXPECT_LT(*level, 60'000) << "long before the limit of a second";
}

TEST(Growing, AJitteryRttThatCreepsUpIsToldByWhatAddsUp) {
  AgentSettings settings = default_settings();
  Stream stream(Domain::kNetwork, settings);
  quiet(stream);
  // So restless that no single reading is far out.
  stream.level(M::kPeerRtt, 20'000, 6'000, "node-2");
  stream.run(Duration::seconds(60));
  ASSERT_TRUE(stream.told.empty());
  auto level = std::make_shared<double>(20'000);
  stream.line(
      M::kPeerRtt,
      [level](double n) {
        *level = std::min(*level + 500, 50'000.0);
        return static_cast<int64_t>(*level + 6'000 * n);
      },
      "node-2");
  ASSERT_TRUE(stream.until(FaultClass::kPacketDelay, Duration::seconds(30)));
  EXPECT_EQ(stream.open(FaultClass::kPacketDelay)->evidence.at(0).detector, DetectorKind::kCusum);
}

TEST(Growing, ADiskThatFillsUpIsToldAtItsLimitAndGetsCritical) {
  Stream stream(Domain::kIo);
  quiet(stream);
  auto free = std::make_shared<int64_t>(200'000);
  stream.line(M::kDiskFree,
              [free](double) { return *free = std::max<int64_t>(*free - 500, 2'000); });
  ASSERT_TRUE(stream.until(FaultClass::kFullDisk, Duration::seconds(60)));
  EXPECT_EQ(stream.open(FaultClass::kFullDisk)->severity, Severity::kWarning);
  EXPECT_GT(*free, 45'000);
  stream.run(Duration::seconds(20));
  EXPECT_EQ(stream.open(FaultClass::kFullDisk)->severity, Severity::kCritical);
  EXPECT_EQ(stream.agent.counts().findings, 1u);
}

}  // namespace
}  // namespace holdfast::agents
