#include "nodes/drill/process_linux.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace holdfast::drill {

namespace {

int64_t clock_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

/// The line "NAME:   123 kB" of a file in /proc, in bytes.
uint64_t kilobytes_in(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":"))
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  return 0;
}

struct Status {
  char state = 0;
  pid_t parent = 0;
};
/// From /proc/PID/stat: what follows the name, which may itself hold anything.
Status status_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return {};
  const auto end = line.rfind(')');
  if (end == std::string::npos) return {};
  Status status;
  std::istringstream rest(line.substr(end + 1));
  rest >> status.state >> status.parent;
  return status;
}

}  // namespace

Now now() {
  const WallTime wall{clock_ns(CLOCK_REALTIME)};
  return {wall, {clock_ns(CLOCK_MONOTONIC)}};
}

Process::~Process() {
  if (pid_ <= 0 || exit_code_ >= 0) return;
  ::kill(pid_, SIGCONT);
  ::kill(pid_, SIGKILL);
  wait(Duration::seconds(5));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(std::exchange(other.exit_code_, -1)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(exit_code_, other.exit_code_);
  return *this;
}

Result<Process> Process::start(const Command& command) {
  // Everything that allocates comes before the fork.
  std::vector<char*> words;
  for (const auto& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::vector<std::string> kept;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!command.environment.contains(text.substr(0, text.find('=')))) kept.push_back(text);
  }
  for (const auto& [name, value] : command.environment) kept.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (auto& entry : kept) environment.push_back(entry.data());
  environment.push_back(nullptr);
  const int output =
      ::open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0)
    return Error{ErrorCode::kIo, "can't write " + command.output + ": " + std::strerror(errno)};
  const pid_t us = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != us) ::_exit(126);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::execve(words[0], words.data(), environment.data());
    ::_exit(127);
  }
  ::close(output);
  if (pid < 0)
    return Error{ErrorCode::kIo,
                 "can't start " + command.words.front() + ": " + std::strerror(errno)};
  Process process;
  process.pid_ = pid;
  return process;
}

bool Process::running() {
  if (pid_ <= 0 || exit_code_ >= 0) return false;
  int status = 0;
  const pid_t waited = ::waitpid(pid_, &status, WNOHANG);
  if (waited < 0 && errno == ECHILD)
    status = SIGKILL;  // reaped by end_all_below()
  else if (waited != pid_)
    return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

bool Process::signal(int number) { return running() && ::kill(pid_, number) == 0; }

bool Process::wait(Duration limit) {
  const MonoTime until = now().mono + limit;
  while (running()) {
    if (now().mono >= until) return false;
    sleep_for(Duration::milliseconds(2));
  }
  return true;
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  DIR* folder = ::opendir("/proc");
  if (!folder) return children;
  while (const dirent* entry = ::readdir(folder)) {
    const pid_t pid = static_cast<pid_t>(std::atoi(entry->d_name));
    if (pid > 0 && status_of(pid).parent == parent) children.push_back(pid);
  }
  ::closedir(folder);
  return children;
}

bool is_alive(pid_t pid) {
  const char state = status_of(pid).state;
  return state != 0 && state != 'Z' && state != 'X';
}

void end_all_below() {
  // What is killed may leave children of its own to us: until there are none.
  for (int round = 0; round < 500; ++round) {
    const auto children = children_of(::getpid());
    if (children.empty()) return;
    for (const pid_t child : children) {
      ::kill(child, SIGCONT);
      ::kill(child, SIGKILL);
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    sleep_for(Duration::milliseconds(5));
  }
}

Result<Now> signal_exactly(ProcessId process, int number) {
  const auto fd = open_process(process);
  if (!fd) return fd.error();
  const Now at = now();
  const auto sent = signal_process(fd.value(), number);
  ::close(fd.value());
  if (!sent) return sent.error();
  return at;
}

uint64_t small_anonymous_memory(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const uint64_t anonymous = kilobytes_in(folder + "/status", "RssAnon");
  const uint64_t huge = kilobytes_in(folder + "/smaps_rollup", "AnonHugePages");
  return anonymous > huge ? anonymous - huge : 0;
}

void sleep_for(Duration span) {
  timespec left{static_cast<time_t>(span.ns / 1'000'000'000),
                static_cast<long>(span.ns % 1'000'000'000)};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

}  // namespace holdfast::drill
