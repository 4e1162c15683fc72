// Making sure that a process is dead before its successor acts. A process is named by its number
// and its start time, held by a pidfd from then on, killed by SIGKILL and waited for until the
// kernel says that all of it has ended. It does not judge who deserves it.
#pragma once

#include "messages/result.hpp"
#include "messages/time.hpp"
#include "supervision/replication/arbiter/arbiter.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast::replication {

/// Kills `victim` and waits until it has ended; success at once if it already has. Blocks for at
/// most `deadline`. kInvalid: it is this very process; kDenied: the system does not let us (another
/// user's, another PID namespace); kUnavailable: killed and still not gone (a system call that
/// can't be interrupted), so it must be taken as alive.
Result<> fence(const Victim& victim, Duration deadline);

/// Whether the process is stopped by a signal or a debugger, so that it will not go on by itself.
bool is_stopped(ProcessId process);

/// "1234 (started at tick 99)", for errors.
std::string to_text(ProcessId process);

}  // namespace holdfast::replication
