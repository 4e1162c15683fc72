// A case of the evaluation: what is made wrong, where, for how long, what the loop should find, and
// what it may do about it. A control is a case in which nothing is wrong, though something happens.
// Plain values; how faults are made is the injector's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/remediation.hpp"

namespace holdfast::drill::evaluate {

/// How a fault, or what only looks like one, is made.
enum class Means : uint8_t {
  kNothing = 1,
  // the host
  kHog,          // amount: processes that compute; niceness
  kMajorFaults,  // amount: processes that read what was just dropped from the page cache
  kDiskTraffic,  // amount: MiB a second, to a file that is no node's
  // a node
  kStopBursts,  // stopped for `delay` in each `every`
  kKillActor,   // amount: so many times, each `every`; target: the actor's path
  kKillNode,    // once, as a crash: the guard makes another
  kHandOver,    // a planned one of the first shard
  kClockStep,   // by `delay`, forwards or (amount < 0) back
  kSlowWrites,  // each takes `delay` longer
  kSlowSyncs,
  kFullDisk,   // writes fail
  kDiskFills,  // nothing fails yet; amount: percent that are left
  // ways
  kPeerDelay,   // `delay` each way, between the place and another member
  kPeerCut,     // nothing passes, nothing closes
  kPeerStalls,  // cut for `delay` in each `every`
  kVenueDelay,
  kVenueStalls,
  // the venue
  kVenueSlow,     // what it sends waits `delay`
  kVenueRejects,  // amount: every so manyth order
  // the flow
  kFlow,  // amount: requests a second more, of a second client
  // outside the nodes: what a feed handler measures, and an endpoint that nodes talk to
  kFeedGaps,      // amount: of a hundred messages are lost
  kFeedSilence,   // no more messages
  kLockHeld,      // a lock of the handler is held for `delay` in each `every`
  kQueueFilled,   // its queue is drained slower than it fills
  kEndpoint429,   // amount: of a hundred requests
  kEndpoint5xx,   // amount: of a hundred requests
  kEndpointSlow,  // answers after `delay`
};
inline constexpr uint8_t kMeans = 28;
/// "hog", "major_faults", ...
std::string_view to_text(Means means);

/// Where.
enum class Target : uint8_t { kHost = 1, kLeader, kFollower };
std::string_view to_text(Target target);

enum class Kind : uint8_t { kFault = 1, kControl };

/// Whose finding of it is right.
enum class FoundAt : uint8_t {
  kTarget = 1,  // the member it is done to
  kEnds,        // it, or the member at the other end of the way
  kReporter,    // the member that the feed handler reports to
  kAnyone,      // all share what is made wrong: the host, the venue, an endpoint
};
std::string_view to_text(FoundAt found_at);
/// Unless the case's file says another.
FoundAt found_at(Means means);

struct Case {
  std::string name, about;
  Kind kind = Kind::kFault;
  telemetry::Domain domain = telemetry::Domain::kCpu;
  bool sudden = true;  // false: it grows, linearly over `lasts`
  Means means = Means::kNothing;
  Target at = Target::kHost;
  int64_t amount = 0;
  int32_t niceness = 0;
  Duration delay, every;
  Duration lasts = Duration::seconds(6);
  std::string path;  // kKillActor
  FoundAt found_at = FoundAt::kAnyone;
  std::vector<FaultClass> expect;   // one of them is to be found; none in a control
  std::vector<FaultClass> also;     // may be found too: its consequences
  std::vector<ActionKind> actions;  // may be taken
  bool is_control() const { return kind == Kind::kControl; }
};

/// What must be there for it.
bool needs_fault_library(Means means);
bool needs_ways(Means means);

/// The cases of group `part` (from 1) of `groups`: dealt one by one, so that cases of one kind,
/// which ask for the same action, are far from each other and each group has of every domain.
std::vector<Case> dealt(const std::vector<Case>& cases, std::size_t groups, std::size_t part);

}  // namespace holdfast::drill::evaluate
