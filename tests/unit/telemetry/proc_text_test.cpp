#include "actors/telemetry/collect/proc_text.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace holdfast::telemetry::proc {
namespace {

constexpr std::string_view kStat =
    "cpu  100 20 30 400 50 6 7 8 90 1\n"
    "cpu0 60 10 20 200 25 3 4 8 90 1\n"
    "cpu1 40 10 10 200 25 3 3 0 0 0\n"
    "intr 63648281 0 0 0\n"
    "ctxt 123456789\n"
    "btime 1700000000\n"
    "processes 4242\n"
    "procs_running 5\n"
    "procs_blocked 2\n";

TEST(ProcStat, ReadsTimesOfAllAndOfEachCore) {
  Stat stat;
  ASSERT_TRUE(parse_stat(kStat, stat));
  EXPECT_EQ(stat.all.busy, 100u + 20 + 30 + 6 + 7);
  EXPECT_EQ(stat.all.idle, 400u);
  EXPECT_EQ(stat.all.iowait, 50u);
  EXPECT_EQ(stat.all.steal, 8u);
  ASSERT_EQ(stat.core_count, 2u);
  EXPECT_EQ(stat.cores[0].steal, 8u);
  EXPECT_EQ(stat.cores[1].busy, 40u + 10 + 10 + 3 + 3);
  EXPECT_EQ(stat.context_switches, 123456789u);
  EXPECT_EQ(stat.runnable, 5u);
  EXPECT_EQ(stat.blocked, 2u);
}

TEST(ProcStat, RefusesWhatLacksTheTotalOrTheSwitches) {
  Stat stat;
  EXPECT_FALSE(parse_stat("", stat));
  EXPECT_FALSE(parse_stat("cpu 1 2 3\nctxt 5\n", stat));
  EXPECT_FALSE(parse_stat("cpu 1 2 3 4 5 6 7 8\n", stat));
  EXPECT_FALSE(parse_stat("cpu 1 2 x 4\nctxt 5\n", stat));
  EXPECT_FALSE(parse_stat("cpu 1 2 99999999999999999999999 4\nctxt 5\n", stat));
  EXPECT_TRUE(parse_stat("cpu 1 2 3 4\nctxt 5", stat));  // four fields, no newline at the end
}

TEST(ProcStat, ManyCoresAreCutNotOverrun) {
  std::string text = "cpu 1 1 1 1 1 1 1 1\n";
  for (int i = 0; i < 400; ++i) text += "cpu" + std::to_string(i) + " 1 1 1 1 1 1 1 1\n";
  text += "ctxt 9\n";
  Stat stat;
  ASSERT_TRUE(parse_stat(text, stat));
  EXPECT_EQ(stat.core_count, kCoresMax);
}

TEST(ProcPressure, ReadsTotals) {
  Pressure pressure;
  ASSERT_TRUE(
      parse_pressure("some avg10=77.56 avg60=77.61 avg300=70.69 total=19526178933\n"
                     "full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n",
                     pressure));
  EXPECT_EQ(pressure.some_us, 19526178933u);
  EXPECT_EQ(pressure.full_us, 12u);
  EXPECT_FALSE(parse_pressure("full avg10=0 total=3\n", pressure));
  EXPECT_FALSE(parse_pressure("some avg10=0 total=-3\n", pressure));
  EXPECT_FALSE(parse_pressure("some total=\n", pressure));
}

TEST(ProcSelfStat, ProgramNameMayHoldAnything) {
  // The hostile part: brackets, spaces and numbers in the name.
  const std::string text =
      "4711 (a) b) 9 9 (x) S 1 2 3 4 5 6 70 8 90 10 1100 220 0 0 20 0 17 0 99999 123456 789 1844\n";
  SelfStat self;
  ASSERT_TRUE(parse_self_stat(text, self));
  EXPECT_EQ(self.major_faults, 90u);
  EXPECT_EQ(self.cpu_ticks, 1100u + 220u);
  EXPECT_EQ(self.threads, 17u);
  EXPECT_EQ(self.resident_pages, 789u);
  EXPECT_FALSE(parse_self_stat("4711 (node S 1 2 3", self));
  EXPECT_FALSE(parse_self_stat("4711 (node) S 1 2 3", self));
  EXPECT_FALSE(parse_self_stat("", self));
}

TEST(ProcSelfStatus, VoluntaryIsNotTakenForNonvoluntary) {
  SelfStatus status;
  ASSERT_TRUE(
      parse_self_status("Name:\tnode\nVmRSS:\t  43512 kB\nnonvoluntary_ctxt_switches:\t7\n"
                        "voluntary_ctxt_switches:\t150\n",
                        status));
  EXPECT_EQ(status.resident_kb, 43512u);
  EXPECT_EQ(status.voluntary_switches, 150u);
  EXPECT_EQ(status.involuntary_switches, 7u);
  EXPECT_FALSE(parse_self_status("VmRSS:\t5 kB\n", status));
}

TEST(ProcSelfIo, ReadsDeviceBytesOnly) {
  SelfIo io;
  ASSERT_TRUE(
      parse_self_io("rchar: 6976\nwchar: 1\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\n"
                    "write_bytes: 8192\ncancelled_write_bytes: 7\n",
                    io));
  EXPECT_EQ(io.read_bytes, 4096u);
  EXPECT_EQ(io.write_bytes, 8192u);
  EXPECT_FALSE(parse_self_io("read_bytes: x\nwrite_bytes: 8192\n", io));
}

TEST(ProcSchedstat, KernelThatKeepsNoAccountTellsNothing) {
  SchedStat stat;
  ASSERT_TRUE(parse_schedstat("123456 7890 42\n", stat));
  EXPECT_EQ(stat.waited_ns, 7890u);
  EXPECT_FALSE(parse_schedstat("0 0 1\n", stat));
  EXPECT_FALSE(parse_schedstat("5\n", stat));
}

TEST(ProcMeminfo, NeedsTotalAndAvailable) {
  MemInfo info;
  ASSERT_TRUE(parse_meminfo("MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable: 2000 kB\n", info));
  EXPECT_EQ(info.total_kb, 8000u);
  EXPECT_EQ(info.available_kb, 2000u);
  EXPECT_FALSE(parse_meminfo("MemTotal:  8000 kB\nMemFree: 10 kB\n", info));
  EXPECT_FALSE(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n", info));
}

TEST(Cgroup, ReadsQuotaCountsOfBothVersions) {
  CgroupCpu cpu;
  ASSERT_TRUE(
      parse_cgroup_cpu("usage_usec 5\nnr_periods 100\nnr_throttled 7\nthrottled_usec 9\n", cpu));
  EXPECT_EQ(cpu.periods, 100u);
  EXPECT_EQ(cpu.throttled, 7u);
  EXPECT_FALSE(parse_cgroup_cpu("usage_usec 5\nuser_usec 3\n", cpu));  // no quota is set
}

TEST(Cgroup, FindsItsPath) {
  constexpr std::string_view text =
      "9:name=systemd:/\n3:cpu,cpuacct:/a/b\n4:memory:/m:x\n0::/own\n";
  EXPECT_EQ(cgroup_path(text, ""), "/own");
  EXPECT_EQ(cgroup_path(text, "cpu"), "/a/b");
  EXPECT_EQ(cgroup_path(text, "cpuacct"), "/a/b");
  EXPECT_EQ(cgroup_path(text, "memory"), "/m:x");
  EXPECT_EQ(cgroup_path(text, "pids"), "");
  EXPECT_EQ(cgroup_path("garbage\n::\n", "pids"), "");
}

TEST(Cgroup, LimitMayBeMax) {
  uint64_t limit = 0;
  ASSERT_TRUE(parse_number("max\n", limit));
  EXPECT_EQ(limit, UINT64_MAX);
  ASSERT_TRUE(parse_number("1048576\n", limit));
  EXPECT_EQ(limit, 1048576u);
  EXPECT_FALSE(parse_number("", limit));
  EXPECT_FALSE(parse_number("12x\n", limit));
}

TEST(ProcSnmp, FindsColumnsByName) {
  Tcp tcp;
  ASSERT_TRUE(
      parse_snmp_tcp("Ip: Forwarding\nIp: 2\nTcp: MaxConn OutSegs RetransSegs InErrs\n"
                     "Tcp: -1 500 30 0\nUdp: A\nUdp: 1\n",
                     tcp));
  EXPECT_EQ(tcp.segments_out, 500u);
  EXPECT_EQ(tcp.retransmitted, 30u);
  EXPECT_FALSE(parse_snmp_tcp("Tcp: OutSegs RetransSegs\n", tcp));
  EXPECT_FALSE(parse_snmp_tcp("Tcp: OutSegs RetransSegs\nTcp: 5\n", tcp));
  EXPECT_FALSE(parse_snmp_tcp("Udp: 1\n", tcp));
}

TEST(ProcDiskstats, FindsTheRowByItsNumbers) {
  constexpr std::string_view text =
      "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
      " 254       1 vda1 10 1 80 5 20 2 160 15 3 44 20 0 0 0 0\n"
      " 254       0 vda 1 2 3 4 5 6 7 8 9 10\n";
  Disk disk;
  std::string_view name;
  ASSERT_TRUE(parse_diskstats(text, 254, 1, disk, name));
  EXPECT_EQ(name, "vda1");
  EXPECT_EQ(disk.requests, 30u);
  EXPECT_EQ(disk.request_ms, 20u);
  EXPECT_EQ(disk.sectors, 240u);
  EXPECT_EQ(disk.in_flight, 3u);
  EXPECT_EQ(disk.busy_ms, 44u);
  ASSERT_TRUE(parse_diskstats(text, 254, 0, disk, name));
  EXPECT_FALSE(parse_diskstats(text, 0, 40, disk, name));
  EXPECT_FALSE(parse_diskstats(" 254 0 vda 1 2 3\n", 254, 0, disk, name));
}

// Whatever is cut off or put in the middle of them, no parser reads beyond or throws.
TEST(ProcTexts, AreTotal) {
  const std::function<void(std::string_view)> parsers[] = {
      [](auto t) {
        Stat o;
        (void)parse_stat(t, o);
      },
      [](auto t) {
        Pressure o;
        (void)parse_pressure(t, o);
      },
      [](auto t) {
        SelfStat o;
        (void)parse_self_stat(t, o);
      },
      [](auto t) {
        SelfStatus o;
        (void)parse_self_status(t, o);
      },
      [](auto t) {
        Tcp o;
        (void)parse_snmp_tcp(t, o);
      },
      [](auto t) {
        Disk o;
        std::string_view n;
        (void)parse_diskstats(t, 254, 0, o, n);
      },
      [](auto t) {
        CgroupCpu o;
        (void)parse_cgroup_cpu(t, o);
      },
      [](auto t) { (void)cgroup_path(t, "cpu"); }};
  std::string text(kStat);
  text +=
      "some total=5\n1 (x) S 1 2 3\nTcp: OutSegs RetransSegs\nTcp: 1 2\n 254 0 vda 1 2 3 4\n0::/\n";
  for (const auto& parse : parsers) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) parse(std::string_view(text).substr(cut));
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      std::string broken = text;
      if (cut < broken.size()) broken[cut] = static_cast<char>(cut * 37);
      parse(broken);
    }
  }
}

}  // namespace
}  // namespace holdfast::telemetry::proc
