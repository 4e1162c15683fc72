// The processes of a drill: started in a group of their own, with their output in a file, and ended
// when the drill ends, however it ends. Also what the kernel says about any process below us.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "messages/time.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast::drill {

/// Both clocks, read together.
struct Now {
  WallTime wall;
  MonoTime mono;
};
Now now();

struct Command {
  std::vector<std::string> words;                  // the program's path, then its arguments
  std::map<std::string, std::string> environment;  // beside our own
  std::string output;                              // file that stdout and stderr are appended to
};

/// A child. Ends with SIGKILL when it is still there at destruction.
class Process {
 public:
  Process() = default;
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  /// Starts it; it gets SIGTERM should we die. kIo with the reason.
  static Result<Process> start(const Command& command);

  pid_t pid() const { return pid_; }
  bool running();
  /// False when there is none.
  bool signal(int number);
  /// True once it has ended.
  bool wait(Duration limit);
  /// Its exit code, 128 + signal when it was killed, -1 while it runs.
  int exit_code() const { return exit_code_; }

 private:
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

/// From now on orphans below this process become its children, so that end_all_below finds them.
void adopt_orphans();
/// SIGKILL of everything below this process, until nothing is left. Also SIGCONT first.
void end_all_below();
/// The children of a process, by /proc.
std::vector<pid_t> children_of(pid_t parent);
/// Whether the process is there and no zombie.
bool is_alive(pid_t pid);

/// Signals this process by a descriptor of its own, so that no other that got its number is hit.
/// When that was. kNotFound: it is gone.
Result<Now> signal_exactly(ProcessId process, int number);

/// RssAnon less AnonHugePages, bytes: what must be unmapped page by page when it is killed. 0 when
/// the kernel does not say.
uint64_t small_anonymous_memory(pid_t pid);

/// Sleeps, through interruptions too.
void sleep_for(Duration span);

}  // namespace holdfast::drill
