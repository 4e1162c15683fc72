// The identity of a process: its number and its start time. A number alone may by now be another
// process; whoever kills or adopts one compares both.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "messages/result.hpp"

namespace holdfast {

/// A process for certain.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat: clock ticks since boot
  friend bool operator==(ProcessId, ProcessId) = default;
  explicit operator bool() const { return pid > 0; }
};

/// Who has the number `pid` now. kNotFound if nobody, or a zombie.
Result<ProcessId> process_of(pid_t pid);
/// This process.
ProcessId this_process();
/// A descriptor of exactly this process, close-on-exec, for the caller to close: it becomes
/// readable when the process ends. kNotFound if it has ended.
Result<int> open_process(ProcessId process);
/// Sends `signal` to the process of `pidfd`. kNotFound if it has ended.
Result<> signal_process(int pidfd, int signal);

}  // namespace holdfast
