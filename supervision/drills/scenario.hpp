// What a drill does to a cluster, as data: a scenario names a fault, at whom it aims and how often;
// the planner makes the same steps of the same seed. It neither knows processes nor time: who leads
// at the moment of a step is looked up by whoever carries it out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"

namespace holdfast::drills {

enum class Fault : uint8_t {
  kKillActive,           // SIGKILL of the node that leads
  kKillStandby,          // SIGKILL of one that follows
  kKillEverything,       // SIGKILL of all nodes at once
  kStopActive,           // SIGSTOP of the node that leads, SIGCONT after the take-over
  kKillGuard,            // SIGKILL of the leader's guard; another one adopts the node
  kHandOver,             // leadership handed to another member by an operator
  kLoseDisk,             // SIGKILL of one that follows, its state directory emptied
  kRestartNode,          // stopped in order and started again
  kKillTakeOver,         // SIGKILL of the leader, then of its successor while it takes over
  kPartition,            // the leader's ways to other members cut, slowed or reset for a while
  kCutVenue,             // the same of its way to the venue
  kKillArbiter,          // SIGKILL of one of etcd's members, started again later
  kKillArbiterMajority,  // of two of the three
  kFillDisk,             // the leader's writes fail for a while
  kSlowDisk,             // writes and syncs of one that follows are slow for a while
  kStepClock,            // a member's wall clock is wrong for a while
  kKillRebuild,          // lose-disk, then SIGKILL of it or its leader while it is rebuilt
  kKillBoth,   // SIGKILL of one that follows, later of all others; the older one returns first
  kCrashLoop,  // the leader's actor killed again and again, until the orchestrator has it led away
};
inline constexpr std::size_t kFaults = 19;
/// As scenario files spell it: "kill-active".
std::string_view name_of(Fault fault);
std::optional<Fault> fault_named(std::string_view name);

/// Whose leader is hit.
enum class Aim : uint8_t { kOrders, kVenue, kBoth };
std::string_view name_of(Aim aim);
std::optional<Aim> aim_named(std::string_view name);

/// One file of config/drills.
struct Scenario {
  std::string name, about;
  std::vector<Fault> faults;          // one, or those that are drawn from
  Aim aim = Aim::kBoth;               // kBoth: in turn
  uint32_t count = 20;                // steps, unless a duration is given
  uint32_t rate = 1'000;              // requests a second, open loop
  Duration pause_least, pause_most;   // between the whole set and the next step
  Duration stop_least, stop_most;     // how long what lasts for a while does
  std::vector<Duration> stop_around;  // instead: each of these, give or take a fifth
  uint32_t heartbeat_s = 0;           // HeartBtInt at the venue; zero: as configured
  bool etcd = false;                  // the arbiter, unless told otherwise
};

/// One disturbance.
struct Step {
  Fault fault = Fault::kKillActive;
  Aim aim = Aim::kOrders;  // never kBoth
  uint32_t shard = 0;      // kOrders: which
  Duration pause;          // before it, once the set is whole
  Duration stop;           // of what lasts for a while
  Duration second;         // kKillTakeOver: from the first kill to the second
  uint64_t pick = 0;       // chooses among followers
};

/// Makes the steps of a scenario, one after the other.
class Planner {
 public:
  /// `shards` is at least 1.
  Planner(const Scenario& scenario, uint32_t shards, uint64_t seed)
      : scenario_(scenario), shards_(shards), state_(seed) {}
  Step next();

 private:
  uint64_t random();
  Duration between(Duration least, Duration most);

  Scenario scenario_;
  uint32_t shards_;
  uint64_t state_;
  uint64_t made_ = 0;
  std::vector<Duration> stops_;  // of the list, not drawn yet
};

}  // namespace holdfast::drills
