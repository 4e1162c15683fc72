// SupervisorCore: what a supervisor decides. Events in (a child started, ended, a timer, an
// operator's command), decisions out (start, stop, kill, report, finished): the whole of OTP's
// rules, without an actor, a clock or a random source in sight. It holds no business state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervision/runtime/exit_kind.hpp"
#include "supervision/tree/restart_policy.hpp"

namespace holdfast {

/// Where a child stands.
enum class ChildState {
  kPending,   // to be started: waits for its turn or its backoff
  kStarting,  // start decided, not yet confirmed
  kRunning,
  kStopping,     // asked to stop
  kKilling,      // its timeout passed, it was killed
  kDown,         // ended and not to be restarted, or stopped by an operator
  kQuarantined,  // poison: stays down until an operator releases it
};

/// One thing for the shell to do, in the order given.
struct Decision {
  enum class Kind {
    kStart,     // make the child; answer with `started` or `start_failed`, at once or later
    kStop,      // ask the child to stop; answer with `exited`
    kKill,      // kill the child; answer with `exited`
    kReport,    // tell the log: `event` and `text`
    kEscalate,  // tell the parent that this supervisor gives up; stops follow, then kFinished
    kFinished,  // no child is left: end with `exit`
  };
  Kind kind = Kind::kReport;
  std::string child = {};  // empty: about the supervisor. kEscalate: whose failure was too much
  std::string event = {};  // kReport: a stable name, e.g. "child_restarting"
  std::string text = {};   // kReport, kEscalate: for people
  bool alarm = false;      // kReport: a human must look
  ExitInfo exit = {};      // kFinished
};
using Decisions = std::vector<Decision>;

/// A child as inspection shows it.
struct ChildView {
  const ChildSpec* spec;
  ChildState state;
  uint64_t restarts;
  std::string last_exit;  // kind and words of its last end, empty before
  MonoTime since;         // when it entered its state
  MonoTime not_before;    // kPending: no start before
};

/// The decisions of one supervisor. Not thread-safe; `now` never goes back.
class SupervisorCore {
 public:
  /// CHECKs that `spec` and `children` are valid and within limits; ids are unique.
  SupervisorCore(SupervisorSpec spec, std::vector<ChildSpec> children);

  /// Starts the children in order. Once.
  Decisions start(MonoTime now);
  /// Answers to kStart.
  Decisions started(std::string_view child, MonoTime now);
  Decisions start_failed(std::string_view child, const std::string& why, MonoTime now,
                         uint64_t random);
  /// A child has ended, by itself or as asked.
  Decisions exited(std::string_view child, const ExitInfo& exit, MonoTime now, uint64_t random);
  /// Time has come; see `next_deadline`.
  Decisions tick(MonoTime now);
  /// Stops all children in reverse order, then finishes with kShutdown.
  Decisions stop(MonoTime now);

  // Operator's commands and children at run time. kNotFound for an unknown child, kConflict where
  // the state forbids it, with words for the operator. All refuse with kConflict once the
  // supervisor stops.
  /// Adds a child at the end and starts it. kFull at limits::kChildrenMax, kConflict for an id in
  /// use.
  Result<Decisions> add_child(ChildSpec spec, MonoTime now);
  /// Stops the child and forgets it.
  Result<Decisions> remove_child(std::string_view child, MonoTime now);
  /// Stops the child if it runs and starts it again, without counting it as a failure.
  Result<Decisions> restart_child(std::string_view child, MonoTime now);
  /// Stops the child; it stays down until `restart_child`.
  Result<Decisions> stop_child(std::string_view child, MonoTime now);
  /// Stops the child and marks it poison.
  Result<Decisions> quarantine_child(std::string_view child, const std::string& why, MonoTime now);
  /// Kills the child as if it had crashed: its end counts as a failure. kConflict unless it runs.
  Result<Decisions> kill_child(std::string_view child, MonoTime now);
  /// Ends a quarantine and starts the child.
  Result<Decisions> release_child(std::string_view child, MonoTime now);

  /// When to call `tick` next, if at all.
  std::optional<MonoTime> next_deadline() const;
  /// True from the first decision to end, by `stop`, escalation or auto shutdown.
  bool stopping() const { return ending_.has_value(); }
  bool finished() const { return finished_; }
  /// Children in start order.
  std::vector<ChildView> children() const;
  std::optional<ChildView> child(std::string_view id) const;
  const SupervisorSpec& spec() const { return spec_; }
  uint64_t restarts() const { return restarts_; }

 private:
  // What becomes of a child once it is down.
  enum class Then { kRestart, kStayDown, kForget, kQuarantine };

  struct Child {
    ChildSpec spec;
    ChildState state = ChildState::kPending;
    RestartBackoff backoff;
    bool stop_wanted = false;  // running or starting, to be stopped when its turn comes
    bool was_running = false;  // has been up once: later siblings no longer wait for it
    bool held = false;         // kDown by an operator: a group restart leaves it down
    bool hung = false;         // killed and past its grace: nobody waits for it any more
    bool killed = false;       // while it ran, by an operator: its end is a failure of its own
    Then then = Then::kRestart;
    uint64_t restarts = 0;
    std::string last_exit = {};
    MonoTime since = {};
    MonoTime not_before = {};
    MonoTime deadline = {};  // kStopping: kill then; kKilling, or killed while it ran: report then
    bool deadline_set = false;
  };

  bool ordered() const { return spec_.strategy != Strategy::kSimpleOneForOne; }
  bool grouped() const {
    return spec_.strategy == Strategy::kOneForAll || spec_.strategy == Strategy::kRestForOne;
  }
  Child* find(std::string_view id);
  Result<Child*> command_target(std::string_view id);
  void enter(Child& child, ChildState state, MonoTime now);
  void report(const Child* child, const char* event, std::string text, bool alarm = false);
  void want_stop(Child& child, Then then, MonoTime now);
  void settle(Child& child, MonoTime now);
  void failed(Child& child, Duration ran, MonoTime now, uint64_t random);
  void ended_by_itself(Child& child, const ExitInfo& exit, Duration ran, MonoTime now,
                       uint64_t random);
  void restart_group(const Child& first, MonoTime now);
  void check_auto_shutdown(bool was_significant, MonoTime now);
  void end(ExitInfo exit, MonoTime now);
  void forget_gone();
  bool may_start(std::size_t index, MonoTime now) const;
  void advance(MonoTime now);
  bool start_next(MonoTime now);
  bool stop_next(MonoTime now);
  void begin_stop(Child& child, MonoTime now);
  void check_deadlines(MonoTime now);
  Decisions take();

  SupervisorSpec spec_;
  RestartIntensity intensity_;
  std::vector<Child> children_;
  std::vector<std::string> gone_;
  std::optional<ExitInfo> ending_;
  bool begun_ = false;
  bool finished_ = false;
  uint64_t restarts_ = 0;
  MonoTime now_ = {INT64_MIN};  // of the last event
  Decisions decisions_;
};

/// Stable names for logs and JSON.
const char* to_string(ChildState state);

}  // namespace holdfast
