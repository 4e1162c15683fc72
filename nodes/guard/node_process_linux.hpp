// The node as a process: spawned in a process group of its own, watched by a descriptor, killed for
// certain, or adopted from a guard that is gone. It is on record in the state directory before its
// first instruction, so no guard can start a second one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nodes/guard/guard_core.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast {

/// What to start and where to record it.
struct NodeCommand {
  std::vector<std::string> arguments;    // the binary first
  std::vector<std::string> environment;  // NAME=value, added to the guard's own
  std::string record;                    // path of the file that names the running node
  int output = -1;                       // descriptor for stdout and stderr; -1: the guard's own
};

/// One process at a time. One thread.
class NodeProcess {
 public:
  NodeProcess() = default;
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  /// Starts the node. CHECKs that none is there. Errors: in words, nothing is left behind.
  Result<> spawn(const NodeCommand& command);
  /// Takes over the process that `record` names, if it still runs. True: it is ours now.
  bool adopt(const std::string& record);

  /// Readable when the process has ended; -1 when there is none.
  int fd() const { return pidfd_; }
  ProcessId id() const { return id_; }
  bool adopted() const { return adopted_; }
  /// The process and all of its group, at once. None there, or ended: nothing happens.
  void kill();
  void terminate();
  /// After `fd` became readable: takes its leave and says how it ended. Nothing if it has not
  /// ended.
  std::optional<NodeExit> reap();

 private:
  void forget();

  ProcessId id_;
  int pidfd_ = -1;
  bool adopted_ = false;
};

/// Replaces `path` by `content` as a whole, mode 0600: whoever reads sees the old or the new. Not
/// synced: it must outlive a process, not the machine, and a sync would cost a restart its speed.
Result<> replace_file(const std::string& path, const std::string& content);
/// All of a small file; kFull above 64 KiB.
Result<std::string> read_small_file(const std::string& path);

}  // namespace holdfast
