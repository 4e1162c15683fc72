#include "actors/telemetry/collect/system.hpp"

#include <gtest/gtest.h>

namespace holdfast::telemetry {
namespace {

constexpr MemberId kMember{3};

struct System : ::testing::Test {
  SystemReadings readings{100, 4'096};
  Readings out{kMember};
  SystemRaw raw;

  System() {
    raw.mono = MonoTime{} + Duration::seconds(100);
    raw.wall = WallTime{} + Duration::seconds(1'000'000);
  }
  void pass(Duration d) {
    raw.mono = raw.mono + d;
    raw.wall = raw.wall + d;
  }
  void read() {
    out.begin(raw.wall, raw.mono);
    readings.add(raw, out);
  }
  std::optional<int64_t> value(Metric metric, const char* instance = "") const {
    for (const auto& s : out.samples())
      if (s.metric == metric && s.instance.view() == instance) return s.value;
    return std::nullopt;
  }
};

TEST_F(System, NothingReadMakesNothingButTheClockStep) {
  read();
  EXPECT_TRUE(out.samples().empty());
  pass(Duration::milliseconds(100));
  read();
  ASSERT_EQ(out.samples().size(), 1u);
  EXPECT_EQ(value(Metric::kClockStep), 0);
}

TEST_F(System, CpuSharesAreOfTheTimeSinceLast) {
  raw.stat.emplace();
  raw.stat->all = {100, 100, 0, 0};
  raw.stat->core_count = 2;
  raw.stat->context_switches = 1'000;
  raw.stat->runnable = 4;
  read();
  EXPECT_EQ(value(Metric::kCpuRunQueue), 3);
  EXPECT_EQ(value(Metric::kCpuUtilization), std::nullopt);
  pass(Duration::milliseconds(100));
  raw.stat->all = {110, 105, 3, 2};
  raw.stat->cores[0] = {9, 1, 0, 0};
  raw.stat->cores[1] = {1, 4, 3, 2};
  raw.stat->context_switches = 1'250;
  read();
  EXPECT_EQ(value(Metric::kCpuUtilization), 600'000);
  EXPECT_EQ(value(Metric::kCpuSteal), 100'000);
  EXPECT_EQ(value(Metric::kCpuIowait), 150'000);
  EXPECT_EQ(value(Metric::kCpuCoreUtilization), 900'000);
  EXPECT_EQ(value(Metric::kCpuContextSwitches), 2'500);
  EXPECT_EQ(out.samples()[0].member, kMember);
  EXPECT_EQ(out.samples()[0].at, raw.wall);
}

TEST_F(System, CounterThatWentBackMakesNoReading) {
  raw.stat.emplace();
  raw.stat->all = {100, 100, 0, 0};
  raw.stat->context_switches = 1'000;
  raw.tcp = proc::Tcp{50, 20};
  read();
  pass(Duration::milliseconds(100));
  raw.stat->all = {50, 150, 0, 0};
  raw.stat->context_switches = 10;
  raw.tcp = proc::Tcp{50, 1};
  read();
  EXPECT_EQ(value(Metric::kCpuUtilization), std::nullopt);
  EXPECT_EQ(value(Metric::kCpuContextSwitches), std::nullopt);
  EXPECT_EQ(value(Metric::kTcpRetransmits), std::nullopt);
}

TEST_F(System, TimeThatStandsStillDividesNothing) {
  raw.stat.emplace();
  raw.io_pressure = proc::Pressure{5, 5};
  read();
  raw.io_pressure->some_us = 500;
  read();
  EXPECT_TRUE(out.samples().empty());
}

// The kernel adds up every two seconds: between, its total says nothing new.
TEST_F(System, PressureIsTheShareOfTheTimeSinceItsTotalMoved) {
  raw.cpu_pressure = raw.io_pressure = raw.memory_pressure = proc::Pressure{1'000, 0};
  read();
  for (int i = 0; i < 19; ++i) {
    pass(Duration::milliseconds(100));
    read();
    EXPECT_EQ(value(Metric::kCpuPressure), std::nullopt);
  }
  pass(Duration::milliseconds(100));
  raw.cpu_pressure->some_us += 500'000;
  raw.io_pressure->some_us += 4'000'000;  // more than has passed: the two clocks differ
  read();
  EXPECT_EQ(value(Metric::kCpuPressure), 250'000);
  EXPECT_EQ(value(Metric::kIoPressure), 1'000'000);
  EXPECT_EQ(value(Metric::kMemoryPressure), std::nullopt);
  pass(Duration::milliseconds(500));
  read();
  EXPECT_EQ(value(Metric::kMemoryPressure), 0);  // it would have moved by now
  pass(Duration::milliseconds(100));
  raw.memory_pressure->some_us = 5;  // went back
  read();
  EXPECT_EQ(value(Metric::kMemoryPressure), std::nullopt);
}

TEST_F(System, ProcessTimeIsOfOneCoreAndMayBeMore) {
  raw.self = proc::SelfStat{100, 7, 9, 10};
  read();
  EXPECT_EQ(value(Metric::kProcessMemory), 40'960);
  pass(Duration::seconds(1));
  raw.self->cpu_ticks += 150;  // 1.5 s at 100 ticks a second
  raw.self->major_faults += 4;
  read();
  EXPECT_EQ(value(Metric::kProcessCpu), 1'500'000);
  EXPECT_EQ(value(Metric::kMemoryMajorFaults, "self"), 4);
}

TEST_F(System, ThrottlingIsOfThePeriodsThatPassed) {
  raw.cgroup = proc::CgroupCpu{100, 0};
  read();
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kCpuThrottled), 0);
  pass(Duration::milliseconds(400));
  raw.cgroup = proc::CgroupCpu{104, 3};
  read();
  EXPECT_EQ(value(Metric::kCpuThrottled), 750'000);
}

TEST_F(System, MemoryIsWhatIsTighterHostOrCgroup) {
  raw.memory = proc::MemInfo{1'000'000, 750'000};
  read();
  EXPECT_EQ(value(Metric::kMemoryUsed), 250'000);
  raw.memory_limit = MemoryLimit{90 << 20, 100 << 20};
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kMemoryUsed), 900'000);
  raw.memory_limit = MemoryLimit{90 << 20, UINT64_MAX};
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kMemoryUsed), 250'000);
}

TEST_F(System, DiskLatencyIsTheMeanOfWhatWasDone) {
  raw.disk = proc::Disk{1'000, 5'000, 0, 2, 300};
  raw.disk_name = Instance("vda");
  raw.room = FileSystemRoom{1'000, 100, 0, 0};
  read();
  EXPECT_EQ(value(Metric::kDiskQueue, "vda"), 2);
  EXPECT_EQ(value(Metric::kDiskFree), 100'000);
  EXPECT_EQ(value(Metric::kDiskFreeInodes), std::nullopt);  // the file system has no such limit
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kDiskLatency, "vda"), std::nullopt);  // nothing was done
  pass(Duration::milliseconds(100));
  raw.disk = proc::Disk{1'010, 5'025, 2'000, 0, 350};
  read();
  EXPECT_EQ(value(Metric::kDiskLatency, "vda"), 2'500);
  EXPECT_EQ(value(Metric::kDiskThroughput, "vda"), 10'240'000);
  EXPECT_EQ(value(Metric::kDiskUtilization, "vda"), 500'000);
}

TEST_F(System, ClockThatIsNotSynchronisedHasNoBound) {
  raw.clock = KernelClock{false, 12};
  read();
  EXPECT_EQ(value(Metric::kClockBound), -1);
  raw.clock = KernelClock{true, 1'500};
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kClockBound), 1'500);
}

TEST_F(System, StepOfTheWallClockIsSignedAndSeenOnce) {
  read();
  pass(Duration::milliseconds(100));
  raw.wall = raw.wall + Duration::seconds(-3);
  read();
  EXPECT_EQ(value(Metric::kClockStep), -3'000'000);
  pass(Duration::milliseconds(100));
  read();
  EXPECT_EQ(value(Metric::kClockStep), 0);
}

TEST(Readings, RatesAndRatiosThatCannotBeAreLeftOut) {
  Readings out(kMember);
  out.begin(WallTime{1}, MonoTime{1});
  uint64_t before = 10;
  out.add_rate(Metric::kOrderRate, 5, before, Duration::seconds(1));
  EXPECT_EQ(before, 5u);
  out.add_rate(Metric::kOrderRate, 8, before, Duration{});
  out.add_ratio(Metric::kFillRatio, 0, 0);
  EXPECT_TRUE(out.samples().empty());
  out.add_rate(Metric::kOrderRate, UINT64_MAX, before, Duration::nanoseconds(1));
  EXPECT_EQ(out.samples().back().value, INT64_MAX);
  out.add_ratio(Metric::kFillRatio, 3, 4);
  EXPECT_EQ(out.samples().back().value, 750'000);
  EXPECT_EQ(out.samples().back().trials, 4u);
  out.add_ratio(Metric::kFillRatio, UINT64_MAX, UINT64_MAX);
  EXPECT_EQ(out.samples().back().value, 1'000'000);
  EXPECT_EQ(out.samples().back().trials, UINT32_MAX);
}

TEST(Readings, NamesBecomeInstances) {
  EXPECT_EQ(instance_of("vda\n1").view(), "vda?1");
  EXPECT_EQ(instance_of(std::string(100, 'x')).size(), Instance::kCapacity);
}

}  // namespace
}  // namespace holdfast::telemetry
