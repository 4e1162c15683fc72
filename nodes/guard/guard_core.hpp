// GuardCore: what the guard decides about its one node: start, restart with backoff, kill, keep
// down, or end. Events and time come in, decisions go out; no process is touched here. It never
// gives up: a node that dies too often is tried again at the longest delay, under an alarm, because
// a host without a guard helps nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "supervision/tree/restart_policy.hpp"

namespace holdfast {

/// Where the node stands.
enum class GuardState {
  kIdle,  // before `start`
  kRunning,
  kWaiting,   // down, to be started at a time
  kKilling,   // killed, its end not seen yet
  kHeld,      // down by command, until `resume`
  kStopping,  // asked to end, with this guard
  kDone,
};

/// How the node's process ended.
struct NodeExit {
  enum class Kind {
    kCode,
    kSignal,
    kUnknown
  };  // unknown: an adopted process, which was not our child
  Kind kind = Kind::kUnknown;
  int value = 0;
};

/// The guard's numbers.
struct GuardPolicy {
  /// Beyond this many restarts in the period: an alarm, and only the longest delay from then on.
  Intensity intensity = {30, Duration::seconds(60)};
  Backoff backoff = {.first = Duration::milliseconds(20),
                     .longest = Duration::seconds(5),
                     .jitter_permille = 500,
                     .stable_after = Duration::milliseconds(500)};
  /// At least so long before every restart. One of several nodes leaves the processors to those who
  /// take its groups over meanwhile: it is not missed while it starts, and they are.
  Duration restart_after = {};
  /// From SIGTERM to SIGKILL when the guard stops.
  Duration stop_timeout = Duration::seconds(30);
};

/// One thing for the shell to do, in the order given.
struct GuardDecision {
  enum class Kind {
    kSpawn,      // start the node; answer with `node_started` or `spawn_failed`
    kKill,       // SIGKILL; answer with `node_exited`
    kTerminate,  // SIGTERM; answer with `node_exited`
    kReport,     // to the log
    kExit,       // end the guard with `code`
  };
  Kind kind = Kind::kReport;
  std::string event = {};  // kReport: a stable name
  std::string text = {};
  bool alarm = false;
  int code = 0;
};
using GuardDecisions = std::vector<GuardDecision>;

/// The guard's decisions. Not thread-safe; `now` never goes back.
class GuardCore {
 public:
  explicit GuardCore(GuardPolicy policy);

  /// Begins: with a node that runs already, or by starting one.
  GuardDecisions start(bool adopted, MonoTime now);
  GuardDecisions node_started(MonoTime now);
  GuardDecisions spawn_failed(const std::string& why, MonoTime now, uint64_t random);
  GuardDecisions node_exited(NodeExit exit, MonoTime now, uint64_t random);
  /// The node's loop `which` makes no progress: kill and restart.
  GuardDecisions hung(const std::string& which, MonoTime now);
  /// Kill the node. With `hold` it stays down until `resume`, otherwise it is started again. Held
  /// or waiting already: only the aim changes. kConflict while the guard stops.
  Result<GuardDecisions> fence(bool hold, const std::string& why, MonoTime now);
  /// Starts a node that is held or waits, at once. kConflict in any other state.
  Result<GuardDecisions> resume(MonoTime now);
  /// End the node, then the guard with 0.
  GuardDecisions stop(MonoTime now);
  GuardDecisions tick(MonoTime now);

  std::optional<MonoTime> next_deadline() const;
  GuardState state() const { return state_; }
  uint64_t restarts() const { return restarts_; }
  uint64_t hangs() const { return hangs_; }
  uint64_t fences() const { return fences_; }
  const std::string& last_exit() const { return last_exit_; }

 private:
  GuardDecisions restart(Duration ran, MonoTime now, uint64_t random);
  void enter(GuardState state, MonoTime now);

  GuardPolicy policy_;
  RestartIntensity intensity_;
  RestartBackoff backoff_;
  GuardState state_ = GuardState::kIdle;
  MonoTime since_ = {};
  MonoTime deadline_ = {};  // kWaiting: start then; kStopping: kill then
  bool kill_sent_ = false;  // kStopping
  bool hold_ = false;       // kKilling: stay down afterwards
  uint64_t restarts_ = 0;
  uint64_t hangs_ = 0;
  uint64_t fences_ = 0;
  std::string last_exit_;
};

/// "code 1", "signal 9 (Killed)", "ended (status unknown: it was adopted)".
std::string to_string(const NodeExit& exit);
/// Stable names for status: "running", "waiting", ...
const char* to_string(GuardState state);

}  // namespace holdfast
