#include "supervision/replication/arbiter/fence_linux.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>

namespace holdfast::replication {

namespace {
using Clock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Status {
  char state = '?';
  uint64_t start_ticks = 0;
};

/// Like process_of(), but of a zombie too: while its first thread is one, another may be in the
/// middle of a system call.
std::optional<Status> status_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const Descriptor file(fd);
  char buffer[1024];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n <= 0) return std::nullopt;
  const std::string stat(buffer, static_cast<std::size_t>(n));
  const auto after_name = stat.rfind(')');  // the name may hold anything
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(after_name + 1));
  Status status;
  fields >> status.state;
  std::string skipped;
  for (int field = 4; field <= 21; ++field) fields >> skipped;
  fields >> status.start_ticks;
  if (!fields) return std::nullopt;
  return status;
}

/// Whether the process of `pidfd` has ended before `until`.
bool ends_before(int pidfd, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ended{pidfd, POLLIN, 0};
    const int n = ::poll(&ended, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (n > 0) return true;
    if (n == 0 && left <= 0) return false;
    if (n < 0 && errno != EINTR) return false;
  }
}
}  // namespace

std::string to_text(ProcessId process) {
  return std::to_string(process.pid) + " (started at tick " + std::to_string(process.start_ticks) +
         ")";
}

Result<> fence(const Victim& victim, Duration deadline) {
  const auto until = Clock::now() + std::chrono::nanoseconds(deadline.ns);
  const ProcessId process{victim.pid, victim.start_ticks};
  if (!process) return Error{ErrorCode::kInvalid, "there is no process 0 to kill"};
  if (process.pid == ::getpid())
    return Error{ErrorCode::kInvalid, "process " + to_text(process) + " would kill itself"};
  const int opened = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (opened < 0) {
    if (errno == ESRCH) return success();
    return Error{ErrorCode::kDenied,
                 "process " + to_text(process) + " can't be opened: " + std::strerror(errno)};
  }
  const Descriptor pidfd(opened);
  // Only now is the number pinned: whoever has it is whom the descriptor means.
  const auto status = status_of(process.pid);
  if (!status || status->start_ticks != process.start_ticks) return success();
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return Error{ErrorCode::kDenied,
                 "process " + to_text(process) + " can't be killed: " + std::strerror(errno)};
  if (!ends_before(pidfd.get(), until))
    return Error{ErrorCode::kUnavailable, "process " + to_text(process) +
                                              " was killed and has not ended within " +
                                              std::to_string(deadline.ms()) + " ms"};
  return success();
}

bool is_stopped(ProcessId process) {
  const auto status = status_of(process.pid);
  return status && status->start_ticks == process.start_ticks &&
         (status->state == 'T' || status->state == 't');
}

}  // namespace holdfast::replication
