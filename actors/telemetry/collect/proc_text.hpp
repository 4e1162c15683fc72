// What the kernel's text files say, as numbers. Each parser takes the whole text of one file, is
// total (any bytes at all), allocates nothing, and answers false where what it is for is not there:
// then the collector reports nothing for it, rather than zero. Files are opened and read elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::telemetry::proc {

inline constexpr std::size_t kCoresMax = 256;  // of which each is looked at; the total has all

/// Times since boot in ticks of the kernel.
struct CpuTimes {
  uint64_t busy = 0;  // user, nice, system, irq, softirq
  uint64_t idle = 0, iowait = 0, steal = 0;
  uint64_t total() const { return busy + idle + iowait + steal; }
};
/// /proc/stat.
struct Stat {
  CpuTimes all;
  std::array<CpuTimes, kCoresMax> cores;
  std::size_t core_count = 0;
  uint64_t context_switches = 0;
  uint64_t runnable = 0, blocked = 0;
};
bool parse_stat(std::string_view text, Stat& out);

/// /proc/pressure/*: microseconds since boot in which some, or all, tasks waited.
struct Pressure {
  uint64_t some_us = 0, full_us = 0;
};
bool parse_pressure(std::string_view text, Pressure& out);

/// /proc/self/stat: of one process, in ticks and pages.
struct SelfStat {
  uint64_t cpu_ticks = 0;  // user and system, all threads
  uint64_t major_faults = 0, threads = 0, resident_pages = 0;
};
bool parse_self_stat(std::string_view text, SelfStat& out);

/// /proc/self/status: switches of the main thread, memory in kB.
struct SelfStatus {
  uint64_t resident_kb = 0, voluntary_switches = 0, involuntary_switches = 0;
};
bool parse_self_status(std::string_view text, SelfStatus& out);

/// /proc/self/io: bytes that went to or came from a device.
struct SelfIo {
  uint64_t read_bytes = 0, write_bytes = 0;
};
bool parse_self_io(std::string_view text, SelfIo& out);

/// /proc/self/schedstat: of the main thread, ns. False too where the kernel keeps no such account.
struct SchedStat {
  uint64_t ran_ns = 0, waited_ns = 0;
};
bool parse_schedstat(std::string_view text, SchedStat& out);

/// /proc/meminfo.
struct MemInfo {
  uint64_t total_kb = 0, available_kb = 0;
};
bool parse_meminfo(std::string_view text, MemInfo& out);

/// The number after `key` at the start of a line ("pgmajfault 123", "usage_usec 5"): /proc/vmstat,
/// cpu.stat of a cgroup.
bool parse_keyed(std::string_view text, std::string_view key, uint64_t& out);
/// The one number of a file, "max" being the largest there is.
bool parse_number(std::string_view text, uint64_t& out);

/// cpu.stat of a cgroup, of version 1 or 2.
struct CgroupCpu {
  uint64_t periods = 0, throttled = 0;
};
bool parse_cgroup_cpu(std::string_view text, CgroupCpu& out);
/// The path of a version 2 cgroup in /proc/self/cgroup, or of the version 1 hierarchy of
/// `controller`; empty where there is none. A view into `text`.
std::string_view cgroup_path(std::string_view text, std::string_view controller);

/// The Tcp lines of /proc/net/snmp, by the names of their columns.
struct Tcp {
  uint64_t segments_out = 0, retransmitted = 0;
};
bool parse_snmp_tcp(std::string_view text, Tcp& out);

/// One row of /proc/diskstats.
struct Disk {
  uint64_t requests = 0;    // reads and writes, completed
  uint64_t request_ms = 0;  // that they took, together
  uint64_t sectors = 0;     // of 512 bytes
  uint64_t in_flight = 0;
  uint64_t busy_ms = 0;
};
/// The row of a device by its numbers; `name` becomes a view into `text`.
bool parse_diskstats(std::string_view text, unsigned major, unsigned minor, Disk& out,
                     std::string_view& name);

}  // namespace holdfast::telemetry::proc
