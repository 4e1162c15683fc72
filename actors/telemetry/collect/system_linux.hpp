// Reads what system.hpp makes readings of: files of /proc and of the cgroup, opened once and read
// with pread into one buffer, the queues of this process's sockets, statvfs, the kernel's clock. It
// allocates nothing after the first reads. What is not there when it is made is reported once and
// left out from then on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/telemetry/collect/system.hpp"
#include "messages/result.hpp"

namespace holdfast::telemetry {

/// Where to look. Tests give folders of their own.
struct SystemPaths {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
  std::string journal;  // any path on the file system that matters; "": none does
};

class SystemCollector {
 public:
  /// Opens everything. `absent()` says what could not be.
  explicit SystemCollector(SystemPaths paths);
  ~SystemCollector();
  SystemCollector(const SystemCollector&) = delete;
  SystemCollector& operator=(const SystemCollector&) = delete;

  /// Reads all of it into `raw`, whose memory is reused. On one thread at a time.
  void read(SystemRaw& raw);
  /// What this host does not tell, one line each with what is missing because of it.
  const std::vector<std::string>& absent() const;
  /// Files that were there and could not be read or made no sense since; each makes no reading.
  uint64_t unreadable() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The collector and its readings as a source; says what is absent once, by `say`.
TelemetrySource system_source(SystemPaths paths, std::function<void(const std::string&)> say);

}  // namespace holdfast::telemetry
