#include "supervision/runtime/process_linux.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <string>

#include "messages/check.hpp"

namespace holdfast {

namespace {
Error gone(pid_t pid) { return {ErrorCode::kNotFound, "no process " + std::to_string(pid)}; }
}  // namespace

Result<ProcessId> process_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return gone(pid);
  char buffer[1024];
  const ssize_t n = ::read(fd, buffer, sizeof buffer - 1);
  ::close(fd);
  if (n <= 0) return gone(pid);
  const std::string stat(buffer, static_cast<std::size_t>(n));
  // The name, in parentheses, may hold anything; what follows its last parenthesis is plain.
  const auto after_name = stat.rfind(')');
  if (after_name == std::string::npos) return gone(pid);
  std::istringstream fields(stat.substr(after_name + 1));
  std::string state;
  fields >> state;
  std::string skipped;
  for (int field = 4; field <= 21; ++field) fields >> skipped;
  ProcessId process{pid, 0};
  fields >> process.start_ticks;
  if (!fields || state == "Z" || state == "X") return gone(pid);
  return process;
}

ProcessId this_process() {
  const auto process = process_of(::getpid());
  CHECK(process.ok());
  return process.value();
}

Result<int> open_process(ProcessId process) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return gone(process.pid);
  // Only now is the number pinned: whoever has it is whom the descriptor means.
  const auto now = process_of(process.pid);
  if (!now.ok() || !(now.value() == process)) {
    ::close(fd);
    return gone(process.pid);
  }
  return fd;
}

Result<> signal_process(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return success();
  if (errno == ESRCH) return Error{ErrorCode::kNotFound, "the process has ended"};
  return Error{ErrorCode::kIo, std::string("pidfd_send_signal: ") + std::strerror(errno)};
}

}  // namespace holdfast
