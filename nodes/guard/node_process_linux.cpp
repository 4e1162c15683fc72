#include "nodes/guard/node_process_linux.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "messages/check.hpp"

extern char** environ;

namespace holdfast {

namespace {

constexpr std::size_t kSmallFile = 64u << 10;

Error io(const std::string& what) { return {ErrorCode::kIo, what + ": " + std::strerror(errno)}; }

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    close_read();
    close_write();
  }
  bool open() { return ::pipe2(&read, O_CLOEXEC) == 0; }
  void close_read() {
    if (read >= 0) ::close(std::exchange(read, -1));
  }
  void close_write() {
    if (write >= 0) ::close(std::exchange(write, -1));
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// In the child, between fork and exec: only what is safe there, and no way back.
[[noreturn]] void become_node(int output, Pipe& gate, Pipe& failure, char** arguments,
                              char** environment) {
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, 0);
  if (output >= 0) {
    ::dup2(output, 1);
    ::dup2(output, 2);
  }
  // Its writing end must be open in the guard alone, or its death would not be seen here.
  ::close(gate.write);
  char go = 0;
  if (::read(gate.read, &go, 1) != 1) ::_exit(127);
  ::execve(arguments[0], arguments, environment);
  const int error = errno;
  [[maybe_unused]] const auto n = ::write(failure.write, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Result<> replace_file(const std::string& path, const std::string& content) {
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io("can't write " + fresh);
  const bool written =
      ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  ::close(fd);
  if (!written) return io("can't write " + fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io("can't replace " + path);
  return success();
}

Result<std::string> read_small_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return Error{ErrorCode::kNotFound, "there is no " + path};
    return io("can't read " + path);
  }
  std::string content(kSmallFile + 1, '\0');
  const ssize_t n = ::read(fd, content.data(), content.size());
  ::close(fd);
  if (n < 0) return io("can't read " + path);
  if (n > static_cast<ssize_t>(kSmallFile)) return Error{ErrorCode::kFull, path + " is too long"};
  content.resize(static_cast<std::size_t>(n));
  return content;
}

NodeProcess::~NodeProcess() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

Result<> NodeProcess::spawn(const NodeCommand& command) {
  CHECK(pidfd_ < 0);
  CHECK(!command.arguments.empty());
  Pipe gate;
  Pipe failure;
  if (!gate.open() || !failure.open()) return io("pipe");
  auto arguments = command.arguments;
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  environment.insert(environment.end(), command.environment.begin(), command.environment.end());
  auto argument_pointers = pointers(arguments);
  auto environment_pointers = pointers(environment);

  const pid_t child = ::fork();
  if (child < 0) return io("fork");
  if (child == 0)
    become_node(command.output, gate, failure, argument_pointers.data(),
                environment_pointers.data());
  ::setpgid(child, child);
  gate.close_read();
  failure.close_write();
  auto give_up = [&](Error error) -> Result<> {
    gate.close_write();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::unlink(command.record.c_str());
    return error;
  };
  const auto id = process_of(child);
  if (!id.ok()) return give_up(id.error());
  const auto pidfd = open_process(id.value());
  if (!pidfd.ok()) return give_up(pidfd.error());
  const nlohmann::json record = {{"pid", id.value().pid}, {"start_ticks", id.value().start_ticks}};
  // On record first, running second: should this guard die in between, the child sees the gate
  // close.
  auto recorded = replace_file(command.record, record.dump() + "\n");
  int error = 0;
  if (recorded.ok() && ::write(gate.write, "g", 1) == 1) {
    if (::read(failure.read, &error, sizeof error) <= 0) {
      id_ = id.value();
      pidfd_ = pidfd.value();
      adopted_ = false;
      return success();
    }
    recorded =
        Error{ErrorCode::kIo, "can't run " + command.arguments[0] + ": " + std::strerror(error)};
  } else if (recorded.ok()) {
    recorded = io("the new process is gone");
  }
  ::close(pidfd.value());
  return give_up(recorded.error());
}

bool NodeProcess::adopt(const std::string& record) {
  CHECK(pidfd_ < 0);
  const auto text = read_small_file(record);
  if (!text.ok()) return false;
  const auto json = nlohmann::json::parse(text.value(), nullptr, false);
  if (!json.is_object() || !json.contains("pid") || !json["pid"].is_number_integer() ||
      !json.contains("start_ticks") || !json["start_ticks"].is_number_integer())
    return false;
  const ProcessId id{json["pid"].get<pid_t>(), json["start_ticks"].get<uint64_t>()};
  if (id.pid <= 1) return false;
  const auto pidfd = open_process(id);
  if (!pidfd.ok()) return false;
  id_ = id;
  pidfd_ = pidfd.value();
  adopted_ = true;
  return true;
}

void NodeProcess::kill() {
  if (pidfd_ < 0) return;
  const auto sent = signal_process(pidfd_, SIGKILL);
  // Its group too, as long as the number is certainly its own.
  if (sent.ok()) ::kill(-id_.pid, SIGKILL);
}

void NodeProcess::terminate() {
  if (pidfd_ >= 0) (void)signal_process(pidfd_, SIGTERM).ok();
}

std::optional<NodeExit> NodeProcess::reap() {
  if (pidfd_ < 0) return std::nullopt;
  siginfo_t info{};
  const auto wait = [&](int options) {
    return ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_), &info, options);
  };
  if (!adopted_ && wait(WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (info.si_pid == 0) return std::nullopt;
    // Not reaped yet, so the number is still taken: what is left of the group goes with it.
    ::kill(-id_.pid, SIGKILL);
    (void)wait(WEXITED | WNOHANG);
    forget();
    if (info.si_code == CLD_EXITED) return NodeExit{NodeExit::Kind::kCode, info.si_status};
    return NodeExit{NodeExit::Kind::kSignal, info.si_status};
  }
  if (const auto now = process_of(id_.pid); now.ok() && now.value() == id_) return std::nullopt;
  forget();
  return NodeExit{};
}

void NodeProcess::forget() {
  ::close(std::exchange(pidfd_, -1));
  id_ = {};
}

}  // namespace holdfast
