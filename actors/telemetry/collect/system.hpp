// From what the kernel says now and said last time to readings: levels, rates and ratios of CPU,
// memory, disks, TCP and clock. Pure: texts are parsed by proc_text.hpp and read by
// system_linux.hpp. What the kernel does not tell makes no reading; a counter that went back makes
// none either.
#pragma once

#include <optional>

#include "actors/telemetry/collect/proc_text.hpp"
#include "actors/telemetry/readings.hpp"

namespace holdfast::telemetry {

struct FileSystemRoom {
  uint64_t blocks = 0, blocks_free = 0;  // free: for those who are not root
  uint64_t inodes = 0, inodes_free = 0;  // both 0 where there is no such limit
};
struct KernelClock {
  bool synchronised = false;
  int64_t bound_us = 0;  // only where it is
};
struct MemoryLimit {
  uint64_t used_bytes = 0, limit_bytes = 0;  // of the cgroup, without what can be given back
};

/// Everything that was read at one time; nothing where there was nothing to be read.
struct SystemRaw {
  MonoTime mono;
  WallTime wall;  // read at `mono`
  std::optional<proc::Stat> stat;
  std::optional<proc::Pressure> cpu_pressure, memory_pressure, io_pressure;
  std::optional<proc::SelfStat> self;
  std::optional<proc::SelfStatus> status;
  std::optional<proc::SelfIo> io;
  std::optional<proc::SchedStat> hot_thread;
  std::optional<proc::MemInfo> memory;
  std::optional<MemoryLimit> memory_limit;
  std::optional<uint64_t> major_faults;  // of the host
  std::optional<proc::CgroupCpu> cgroup;
  std::optional<proc::Tcp> tcp;
  std::optional<uint64_t> socket_queue;  // bytes, the fullest of this process
  std::optional<proc::Disk> disk;        // under the journal
  Instance disk_name;
  std::optional<FileSystemRoom> room;  // of the journal's file system
  std::optional<KernelClock> clock;
};

class SystemReadings {
 public:
  /// `ticks_per_second` and `page_bytes` as the system has them.
  SystemReadings(uint64_t ticks_per_second, uint64_t page_bytes)
      : ticks_per_second_(ticks_per_second), page_bytes_(page_bytes) {}

  /// Adds what `now` and the call before say. The first call adds levels only.
  void add(const SystemRaw& now, Readings& out);

 private:
  void add_cpu(const SystemRaw& now, Duration since, Readings& out);
  void add_memory(const SystemRaw& now, Duration since, Readings& out);
  void add_network(const SystemRaw& now, Duration since, Readings& out);
  void add_io(const SystemRaw& now, Duration since, Readings& out);
  void add_clock(const SystemRaw& now, Readings& out);

  /// The kernel adds up its pressure totals every two seconds only: a share is of the time since
  /// the total moved.
  struct PressureSeen {
    uint64_t some_us = 0;
    MonoTime at;
    bool known = false;
  };
  static void add_pressure(Metric metric, const std::optional<proc::Pressure>& now, MonoTime at,
                           PressureSeen& seen, Readings& out);

  const uint64_t ticks_per_second_, page_bytes_;
  std::optional<SystemRaw> before_;
  PressureSeen cpu_seen_, memory_seen_, io_seen_;
};

}  // namespace holdfast::telemetry
