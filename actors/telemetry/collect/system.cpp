#include "actors/telemetry/collect/system.hpp"

#include <algorithm>

namespace holdfast::telemetry {
namespace {

constexpr int64_t kAll = 1'000'000;  // parts per million
// Longer than the kernel leaves its pressure totals as they are.
constexpr Duration kPressureStands = Duration::milliseconds(2'500);
const Instance kSelf = "self";  // this process, beside the host

/// `part` of `whole` in parts per million, at most all of it.
int64_t ppm(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  const auto parts = static_cast<unsigned __int128>(part) * kAll / whole;
  return static_cast<int64_t>(std::min<unsigned __int128>(parts, kAll));
}

/// What both have grown by; nothing where either is missing or it went back.
template <typename T, typename F>
std::optional<uint64_t> grown(const std::optional<T>& now, const std::optional<T>& before,
                              F field) {
  if (!now || !before || field(*now) < field(*before)) return std::nullopt;
  return field(*now) - field(*before);
}

void add_per_second(Metric metric, std::optional<uint64_t> grown, Duration since, Readings& out,
                    const Instance& instance = {}) {
  uint64_t zero = 0;
  if (grown) out.add_rate(metric, *grown, zero, since, instance);
}

/// A core, or all of them, since last time; false: nothing has passed, or it went back.
bool since_last(const proc::CpuTimes& now, const proc::CpuTimes& before, proc::CpuTimes& out) {
  if (now.busy < before.busy || now.steal < before.steal) return false;
  // Idle and iowait may go back a little when a core goes off line; then they count nothing.
  out.busy = now.busy - before.busy;
  out.steal = now.steal - before.steal;
  out.idle = now.idle > before.idle ? now.idle - before.idle : 0;
  out.iowait = now.iowait > before.iowait ? now.iowait - before.iowait : 0;
  return out.total() > 0;
}

}  // namespace

void SystemReadings::add(const SystemRaw& now, Readings& out) {
  const Duration since = before_ ? now.mono - before_->mono : Duration{};
  if (!before_ || since.ns > 0) {
    add_cpu(now, since, out);
    add_memory(now, since, out);
    add_network(now, since, out);
    add_io(now, since, out);
    add_clock(now, out);
  }
  before_ = now;
}

void SystemReadings::add_pressure(Metric metric, const std::optional<proc::Pressure>& now,
                                  MonoTime at, PressureSeen& seen, Readings& out) {
  if (!now || (seen.known && now->some_us < seen.some_us)) {
    seen.known = false;
    return;
  }
  const Duration since = at - seen.at;
  const bool moved = now->some_us > seen.some_us;
  if (seen.known && !moved && since < kPressureStands) return;
  if (seen.known && since.us() > 0)
    out.add(metric, ppm(now->some_us - seen.some_us, static_cast<uint64_t>(since.us())));
  seen = {now->some_us, at, true};
}

void SystemReadings::add_cpu(const SystemRaw& now, Duration since, Readings& out) {
  // This reader is one of the runnable tasks itself.
  if (now.stat)
    out.add(Metric::kCpuRunQueue,
            static_cast<int64_t>(now.stat->runnable > 0 ? now.stat->runnable - 1 : 0));
  add_pressure(Metric::kCpuPressure, now.cpu_pressure, now.mono, cpu_seen_, out);
  if (!before_) return;
  proc::CpuTimes passed;
  if (now.stat && before_->stat && since_last(now.stat->all, before_->stat->all, passed)) {
    out.add(Metric::kCpuUtilization, ppm(passed.busy + passed.steal, passed.total()));
    out.add(Metric::kCpuSteal, ppm(passed.steal, passed.total()));
    out.add(Metric::kCpuIowait, ppm(passed.iowait, passed.total()));
    int64_t busiest = -1;
    const std::size_t cores = std::min(now.stat->core_count, before_->stat->core_count);
    for (std::size_t i = 0; i < cores; ++i)
      if (since_last(now.stat->cores[i], before_->stat->cores[i], passed))
        busiest = std::max(busiest, ppm(passed.busy + passed.steal, passed.total()));
    if (busiest >= 0) out.add(Metric::kCpuCoreUtilization, busiest);
  }
  add_per_second(Metric::kCpuContextSwitches,
                 grown(now.stat, before_->stat, [](const auto& s) { return s.context_switches; }),
                 since, out);
  add_per_second(Metric::kCpuContextSwitches,
                 grown(now.status, before_->status,
                       [](const auto& s) { return s.voluntary_switches + s.involuntary_switches; }),
                 since, out, kSelf);
  const auto periods = grown(now.cgroup, before_->cgroup, [](const auto& c) { return c.periods; });
  const auto throttled =
      grown(now.cgroup, before_->cgroup, [](const auto& c) { return c.throttled; });
  if (periods && throttled) out.add(Metric::kCpuThrottled, ppm(*throttled, *periods));
  if (const auto ticks = grown(now.self, before_->self, [](const auto& s) { return s.cpu_ticks; });
      ticks && since.us() > 0)
    // Of one core, so more than all of it where several threads run.
    out.add(Metric::kProcessCpu,
            static_cast<int64_t>(static_cast<unsigned __int128>(*ticks) * 1'000'000 /
                                 ticks_per_second_ * kAll / static_cast<uint64_t>(since.us())));
  if (const auto waited =
          grown(now.hot_thread, before_->hot_thread, [](const auto& s) { return s.waited_ns; }))
    out.add(Metric::kHotLoopWait, ppm(*waited, static_cast<uint64_t>(since.ns)));
}

void SystemReadings::add_memory(const SystemRaw& now, Duration since, Readings& out) {
  if (now.memory) {
    const uint64_t total = now.memory->total_kb;
    int64_t used = ppm(total - std::min(total, now.memory->available_kb), total);
    // The tighter of the two is the one that ends the process.
    if (now.memory_limit && now.memory_limit->limit_bytes / 1024 < total)
      used = std::max(used, ppm(now.memory_limit->used_bytes, now.memory_limit->limit_bytes));
    out.add(Metric::kMemoryUsed, used);
  }
  if (now.self)
    out.add(Metric::kProcessMemory, static_cast<int64_t>(now.self->resident_pages * page_bytes_));
  add_pressure(Metric::kMemoryPressure, now.memory_pressure, now.mono, memory_seen_, out);
  if (!before_) return;
  add_per_second(Metric::kMemoryMajorFaults,
                 grown(now.major_faults, before_->major_faults, [](uint64_t n) { return n; }),
                 since, out);
  add_per_second(Metric::kMemoryMajorFaults,
                 grown(now.self, before_->self, [](const auto& s) { return s.major_faults; }),
                 since, out, kSelf);
}

void SystemReadings::add_network(const SystemRaw& now, Duration since, Readings& out) {
  if (now.socket_queue) out.add(Metric::kTcpSocketQueue, static_cast<int64_t>(*now.socket_queue));
  if (!before_) return;
  add_per_second(Metric::kTcpRetransmits,
                 grown(now.tcp, before_->tcp, [](const auto& t) { return t.retransmitted; }), since,
                 out);
}

void SystemReadings::add_io(const SystemRaw& now, Duration since, Readings& out) {
  if (now.room) {
    out.add(Metric::kDiskFree, ppm(now.room->blocks_free, now.room->blocks));
    if (now.room->inodes > 0)
      out.add(Metric::kDiskFreeInodes, ppm(now.room->inodes_free, now.room->inodes));
  }
  if (now.disk)
    out.add(Metric::kDiskQueue, static_cast<int64_t>(now.disk->in_flight), now.disk_name);
  add_pressure(Metric::kIoPressure, now.io_pressure, now.mono, io_seen_, out);
  if (!before_) return;
  add_per_second(
      Metric::kDiskThroughput,
      grown(now.io, before_->io, [](const auto& io) { return io.read_bytes + io.write_bytes; }),
      since, out, kSelf);
  if (!(now.disk_name == before_->disk_name)) return;
  add_per_second(Metric::kDiskThroughput,
                 grown(now.disk, before_->disk, [](const auto& d) { return d.sectors * 512; }),
                 since, out, now.disk_name);
  if (const auto busy = grown(now.disk, before_->disk, [](const auto& d) { return d.busy_ms; }))
    out.add(Metric::kDiskUtilization, ppm(*busy * 1'000'000, static_cast<uint64_t>(since.ns)),
            now.disk_name);
  const auto requests = grown(now.disk, before_->disk, [](const auto& d) { return d.requests; });
  const auto took = grown(now.disk, before_->disk, [](const auto& d) { return d.request_ms; });
  if (requests && took && *requests > 0)
    out.add(Metric::kDiskLatency, static_cast<int64_t>(*took * 1'000 / *requests), now.disk_name);
}

void SystemReadings::add_clock(const SystemRaw& now, Readings& out) {
  // Unsynchronised is said as such: no bound is known, whatever number the kernel still holds.
  if (now.clock) out.add(Metric::kClockBound, now.clock->synchronised ? now.clock->bound_us : -1);
  if (!before_) return;
  const Duration wall = now.wall - before_->wall, mono = now.mono - before_->mono;
  out.add(Metric::kClockStep, (wall - mono).us());
}

}  // namespace holdfast::telemetry
