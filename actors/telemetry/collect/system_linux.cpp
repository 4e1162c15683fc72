#include "actors/telemetry/collect/system_linux.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace holdfast::telemetry {
namespace {

constexpr std::size_t kBufferBytes = 128u << 10;
constexpr std::size_t kSocketsMax = 1'024;
constexpr uint32_t kSocketListEvery = 10;  // reads; sockets come and go slowly
constexpr Duration kClockReadMax = Duration::microseconds(20);
constexpr int kClockReads = 4;

int64_t clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

/// A file that is opened once and read from its beginning again and again.
class TextFile {
 public:
  TextFile() = default;
  ~TextFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  bool open(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    return fd_ >= 0;
  }
  bool is_open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Empty on an error, as for an empty file.
  std::string_view read(std::vector<char>& buffer) const {
    std::size_t size = 0;
    while (size < buffer.size()) {
      const auto n =
          ::pread(fd_, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
      if (n <= 0) break;
      size += static_cast<std::size_t>(n);
      // The kernel's files come whole, or as much as one page holds at a time.
      if (static_cast<std::size_t>(n) < 1024) break;
    }
    return {buffer.data(), size};
  }

 private:
  int fd_ = -1;
};

}  // namespace

struct SystemCollector::Impl {
  SystemPaths paths;
  std::vector<char> buffer = std::vector<char>(kBufferBytes);
  std::vector<std::string> absent;
  uint64_t unreadable = 0;
  TextFile stat, cpu_pressure, memory_pressure, io_pressure, self, status, io, schedstat, memory,
      vmstat, cgroup_cpu, cgroup_used, cgroup_limit, cgroup_memory, snmp, disks;
  bool version_two = true;
  unsigned major = 0, minor = 0;
  std::array<int, kSocketsMax> sockets{};
  std::size_t socket_count = 0;
  uint32_t reads = 0;
  DIR* fds = nullptr;

  ~Impl() {
    if (fds) ::closedir(fds);
  }

  void open(TextFile& file, const std::string& path, const char* without) {
    if (!file.open(path)) absent.push_back(path + " is not there: no " + without);
  }
  /// A file whose present content must make sense too, or it is left alone.
  template <typename T, typename Parse>
  void open_sound(TextFile& file, const std::string& path, const char* without, Parse parse) {
    open(file, path, without);
    T ignored;
    if (file.is_open() && !parse(file.read(buffer), ignored)) {
      file.close();
      absent.push_back(path + " tells nothing: no " + without);
    }
  }

  void open_all() {
    const auto& proc = paths.proc;
    open(stat, proc + "/stat", "CPU times and run queue");
    open_sound<proc::Pressure>(cpu_pressure, proc + "/pressure/cpu", "CPU pressure",
                               proc::parse_pressure);
    open_sound<proc::Pressure>(memory_pressure, proc + "/pressure/memory", "memory pressure",
                               proc::parse_pressure);
    open_sound<proc::Pressure>(io_pressure, proc + "/pressure/io", "I/O pressure",
                               proc::parse_pressure);
    open(self, proc + "/self/stat", "CPU time and memory of this process");
    open(status, proc + "/self/status", "context switches of this process");
    open(io, proc + "/self/io", "disk throughput of this process");
    // The main thread is the hot loop.
    open_sound<proc::SchedStat>(schedstat, proc + "/self/schedstat",
                                "time that the hot loop waited for a CPU", proc::parse_schedstat);
    open(memory, proc + "/meminfo", "memory in use");
    open(vmstat, proc + "/vmstat", "major faults of the host");
    open(snmp, proc + "/net/snmp", "TCP retransmits");
    open(disks, proc + "/diskstats", "disk statistics");
    open_cgroup();
    open_disk();
    fds = ::opendir((proc + "/self/fd").c_str());
    if (!fds) absent.push_back(proc + "/self/fd is not there: no socket queues");
  }

  void open_cgroup() {
    TextFile own;
    std::string text;
    if (own.open(paths.proc + "/self/cgroup")) text = std::string(own.read(buffer));
    const auto folder = [&](std::string_view controller, const std::string& root) {
      auto path = std::string(proc::cgroup_path(text, controller));
      // Inside a container the path may be the host's: then the root is its own.
      if (path.empty() || path == "/" || ::access((root + path).c_str(), R_OK) != 0) path.clear();
      return root + path;
    };
    const auto check = [this](TextFile& file, const std::string& path) {
      proc::CgroupCpu ignored;
      if (!file.open(path)) return false;
      if (proc::parse_cgroup_cpu(file.read(buffer), ignored)) return true;
      file.close();  // no limit is set here, so nothing is counted
      return false;
    };
    const auto& root = paths.cgroup;
    if (!check(cgroup_cpu, folder("", root) + "/cpu.stat") &&
        !check(cgroup_cpu, folder("cpu", root + "/cpu") + "/cpu.stat"))
      absent.push_back("the cgroup has no CPU quota: no CPU throttling");
    auto memory_folder = folder("", root);
    if (cgroup_limit.open(memory_folder + "/memory.max") &&
        cgroup_used.open(memory_folder + "/memory.current")) {
      cgroup_memory.open(memory_folder + "/memory.stat");
      return;
    }
    memory_folder = folder("memory", root + "/memory");
    version_two = false;
    if (cgroup_limit.open(memory_folder + "/memory.limit_in_bytes") &&
        cgroup_used.open(memory_folder + "/memory.usage_in_bytes"))
      cgroup_memory.open(memory_folder + "/memory.stat");
  }

  void open_disk() {
    if (paths.journal.empty()) return;
    struct ::stat at {};
    if (::stat(paths.journal.c_str(), &at) != 0) {
      absent.push_back(paths.journal + " can't be looked at: no statistics of its disk");
      return;
    }
    major = ::major(at.st_dev);
    minor = ::minor(at.st_dev);
    proc::Disk ignored;
    std::string_view name;
    if (disks.is_open() &&
        !proc::parse_diskstats(disks.read(buffer), major, minor, ignored, name)) {
      disks.close();
      absent.push_back(paths.journal + " is on no disk that the kernel counts: no disk statistics");
    }
  }

  template <typename T, typename Parse>
  void take(const TextFile& file, std::optional<T>& out, Parse parse) {
    out.reset();
    if (!file.is_open()) return;
    T value;
    if (parse(file.read(buffer), value))
      out = value;
    else
      ++unreadable;
  }

  void read_memory_limit(std::optional<MemoryLimit>& out) {
    out.reset();
    MemoryLimit limit;
    if (!cgroup_used.is_open() ||
        !proc::parse_number(cgroup_limit.read(buffer), limit.limit_bytes) ||
        !proc::parse_number(cgroup_used.read(buffer), limit.used_bytes))
      return;
    uint64_t cache = 0;  // what the kernel gives back before it kills
    if (cgroup_memory.is_open())
      proc::parse_keyed(cgroup_memory.read(buffer),
                        version_two ? "inactive_file" : "total_inactive_file", cache);
    limit.used_bytes -= std::min(limit.used_bytes, cache);
    out = limit;
  }

  void list_sockets() {
    socket_count = 0;
    ::rewinddir(fds);
    while (const dirent* entry = ::readdir(fds)) {
      int fd = -1;
      const char* end = entry->d_name + std::strlen(entry->d_name);
      if (std::from_chars(entry->d_name, end, fd).ptr != end || fd < 0) continue;
      struct ::stat at {};
      if (::fstat(fd, &at) == 0 && S_ISSOCK(at.st_mode) && socket_count < kSocketsMax)
        sockets[socket_count++] = fd;
    }
  }

  /// The fullest queue. A descriptor that was closed meanwhile, or is another file's by now,
  /// answers nothing, or what that file has waiting: only numbers are read.
  void read_sockets(std::optional<uint64_t>& out) {
    out.reset();
    if (!fds) return;
    if (reads % kSocketListEvery == 0) list_sockets();
    uint64_t fullest = 0;
    for (std::size_t i = 0; i < socket_count; ++i) {
      int bytes = 0;
      if (::ioctl(sockets[i], SIOCINQ, &bytes) == 0 && bytes > 0)
        fullest = std::max(fullest, static_cast<uint64_t>(bytes));
      bytes = 0;
      if (::ioctl(sockets[i], SIOCOUTQ, &bytes) == 0 && bytes > 0)
        fullest = std::max(fullest, static_cast<uint64_t>(bytes));
    }
    out = fullest;
  }

  /// Both clocks at one moment, as well as can be had: being held up between them would look like a
  /// step.
  static void read_clocks(SystemRaw& raw) {
    Duration best{INT64_MAX};
    for (int i = 0; i < kClockReads; ++i) {
      const int64_t before = clock_ns(CLOCK_MONOTONIC);
      const int64_t wall = clock_ns(CLOCK_REALTIME);
      const int64_t after = clock_ns(CLOCK_MONOTONIC);
      if (const Duration took{after - before}; took < best) {
        best = took;
        raw.mono = {before + took.ns / 2};
        raw.wall = {wall};
      }
      if (best < kClockReadMax) return;
    }
  }

  void read_clock_state(std::optional<KernelClock>& out) {
    timex state{};
    const int code = ::adjtimex(&state);
    out.reset();
    if (code < 0) return;
    out = KernelClock{code != TIME_ERROR && (state.status & STA_UNSYNC) == 0,
                      static_cast<int64_t>(state.maxerror)};
  }

  void read_room(std::optional<FileSystemRoom>& out) const {
    out.reset();
    struct statvfs at {};
    if (paths.journal.empty() || ::statvfs(paths.journal.c_str(), &at) != 0) return;
    out = FileSystemRoom{at.f_blocks, at.f_bavail, at.f_files, at.f_favail};
  }
};

SystemCollector::SystemCollector(SystemPaths paths) : impl_(std::make_unique<Impl>()) {
  impl_->paths = std::move(paths);
  impl_->open_all();
}
SystemCollector::~SystemCollector() = default;

const std::vector<std::string>& SystemCollector::absent() const { return impl_->absent; }
uint64_t SystemCollector::unreadable() const { return impl_->unreadable; }

void SystemCollector::read(SystemRaw& raw) {
  Impl& i = *impl_;
  Impl::read_clocks(raw);
  i.take(i.stat, raw.stat, proc::parse_stat);
  i.take(i.cpu_pressure, raw.cpu_pressure, proc::parse_pressure);
  i.take(i.memory_pressure, raw.memory_pressure, proc::parse_pressure);
  i.take(i.io_pressure, raw.io_pressure, proc::parse_pressure);
  i.take(i.self, raw.self, proc::parse_self_stat);
  i.take(i.status, raw.status, proc::parse_self_status);
  i.take(i.io, raw.io, proc::parse_self_io);
  i.take(i.schedstat, raw.hot_thread, proc::parse_schedstat);
  i.take(i.memory, raw.memory, proc::parse_meminfo);
  i.take(i.vmstat, raw.major_faults, [](std::string_view text, uint64_t& out) {
    return proc::parse_keyed(text, "pgmajfault", out);
  });
  i.take(i.cgroup_cpu, raw.cgroup, proc::parse_cgroup_cpu);
  i.take(i.snmp, raw.tcp, proc::parse_snmp_tcp);
  i.read_memory_limit(raw.memory_limit);
  i.read_sockets(raw.socket_queue);
  if (!i.paths.journal.empty())
    i.take(i.disks, raw.disk, [&](std::string_view text, proc::Disk& out) {
      std::string_view name;
      if (!proc::parse_diskstats(text, i.major, i.minor, out, name)) return false;
      raw.disk_name = instance_of(name);
      return true;
    });
  i.read_room(raw.room);
  i.read_clock_state(raw.clock);
  ++i.reads;
}

TelemetrySource system_source(SystemPaths paths, std::function<void(const std::string&)> say) {
  struct State {
    State(SystemPaths where, uint64_t ticks, uint64_t page)
        : collector(std::move(where)), readings(ticks, page) {}
    SystemCollector collector;
    SystemReadings readings;
    SystemRaw raw;
  };
  const auto number = [](long value, long otherwise) {
    return static_cast<uint64_t>(value > 0 ? value : otherwise);
  };
  auto state = std::make_shared<State>(std::move(paths), number(::sysconf(_SC_CLK_TCK), 100),
                                       number(::sysconf(_SC_PAGESIZE), 4'096));
  for (const auto& line : state->collector.absent())
    if (say) say("telemetry: " + line);
  return [state](Readings& out) {
    state->collector.read(state->raw);
    state->readings.add(state->raw, out);
  };
}

}  // namespace holdfast::telemetry
