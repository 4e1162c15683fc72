// The single steps of a drill: what each fault means to processes, ways, disks and clocks, from the
// moment it begins until it is over. What follows from it is for others to see.
#pragma once

#include <functional>

#include "nodes/drill/cluster_linux.hpp"
#include "supervision/drills/scenario.hpp"

namespace holdfast::drill {

/// A step as it went.
struct Run {
  drills::Step step;
  drills::Disturbance disturbance;
  drills::Spans spans;
  std::string what;                // in words: whom it hit
  std::optional<Duration> whole;   // until the set was whole again
  bool resumed_alive = false;      // kStopActive: it was there and woke up
  bool resumed_succeeded = false;  // … after another had taken over
};

std::string in_ms(const std::optional<Duration>& span);

class Steps {
 public:
  /// What the drill does meanwhile.
  struct Hooks {
    std::function<void(Duration)> wait;  // and looks
    std::function<void()> look;
    std::function<bool()> interrupted;
    std::function<void(Run&)> measure;
    /// Orders first submitted after `from` of which the venue's answer has come.
    std::function<std::size_t(MonoTime from)> acknowledged_since;
    std::string reason;  // that is given to operators' commands
  };
  Steps(Cluster& cluster, Hooks hooks) : cluster_(cluster), hooks_(std::move(hooks)) {}

  /// False: it could not be carried out, or something went as it must not; `run.what` says what.
  bool carry_out(Run& run, uint32_t leader);

 private:
  // -- processes (steps_linux.cpp)
  uint32_t follower(uint32_t leader, uint64_t pick);
  bool kill_member(Run& run, uint32_t member, bool first);
  bool kill_with_guard(Run& run, uint32_t member, bool first);
  bool start_guard(Run& run, uint32_t member);
  bool stop_and_resume(Run& run, uint32_t leader);
  bool kill_guard(Run& run, uint32_t leader);
  bool hand_over(Run& run, uint32_t leader, uint32_t to);
  bool lose_disk(Run& run, uint32_t member);
  bool restart(Run& run);
  bool kill_take_over(Run& run, uint32_t leader);
  bool kill_rebuild(Run& run, uint32_t leader);
  bool kill_both(Run& run, uint32_t leader);
  bool crash_loop(Run& run, uint32_t leader);  // crash_loop_linux.cpp
  void begins(Run& run);
  // -- what lies between and below them (faults_linux.cpp)
  bool partition(Run& run, uint32_t leader);
  bool cut_venue(Run& run, uint32_t leader);
  bool kill_arbiter(Run& run, std::size_t members);
  bool fill_disk(Run& run, uint32_t leader);
  bool slow_disk(Run& run, uint32_t member);
  bool step_clock(Run& run, uint32_t member);

  Cluster& cluster_;
  Hooks hooks_;
  std::size_t restarted_ = 0;
};

/// What a fault needs of the cluster that it is done to.
bool needs_ways(drills::Fault fault);
bool needs_fault_library(drills::Fault fault);
bool needs_etcd(drills::Fault fault);
bool needs_mesh(drills::Fault fault);

}  // namespace holdfast::drill
