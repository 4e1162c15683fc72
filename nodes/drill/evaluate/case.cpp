#include "nodes/drill/evaluate/case.hpp"

namespace holdfast::drill::evaluate {

std::string_view to_text(Means means) {
  switch (means) {
    case Means::kNothing:
      return "nothing";
    case Means::kHog:
      return "hog";
    case Means::kMajorFaults:
      return "major_faults";
    case Means::kDiskTraffic:
      return "disk_traffic";
    case Means::kStopBursts:
      return "stop_bursts";
    case Means::kKillActor:
      return "kill_actor";
    case Means::kKillNode:
      return "kill_node";
    case Means::kHandOver:
      return "hand_over";
    case Means::kClockStep:
      return "clock_step";
    case Means::kSlowWrites:
      return "slow_writes";
    case Means::kSlowSyncs:
      return "slow_syncs";
    case Means::kFullDisk:
      return "full_disk";
    case Means::kDiskFills:
      return "disk_fills";
    case Means::kPeerDelay:
      return "peer_delay";
    case Means::kPeerCut:
      return "peer_cut";
    case Means::kPeerStalls:
      return "peer_stalls";
    case Means::kVenueDelay:
      return "venue_delay";
    case Means::kVenueStalls:
      return "venue_stalls";
    case Means::kVenueSlow:
      return "venue_slow";
    case Means::kVenueRejects:
      return "venue_rejects";
    case Means::kFlow:
      return "flow";
    case Means::kFeedGaps:
      return "feed_gaps";
    case Means::kFeedSilence:
      return "feed_silence";
    case Means::kLockHeld:
      return "lock_held";
    case Means::kQueueFilled:
      return "queue_filled";
    case Means::kEndpoint429:
      return "endpoint_429";
    case Means::kEndpoint5xx:
      return "endpoint_5xx";
    case Means::kEndpointSlow:
      return "endpoint_slow";
  }
  return "invalid";
}

std::string_view to_text(Target target) {
  switch (target) {
    case Target::kHost:
      return "host";
    case Target::kLeader:
      return "leader";
    case Target::kFollower:
      return "follower";
  }
  return "invalid";
}

std::string_view to_text(FoundAt found_at) {
  switch (found_at) {
    case FoundAt::kTarget:
      return "target";
    case FoundAt::kEnds:
      return "ends";
    case FoundAt::kReporter:
      return "reporter";
    case FoundAt::kAnyone:
      return "anyone";
  }
  return "invalid";
}

FoundAt found_at(Means means) {
  switch (means) {
    case Means::kStopBursts:
    case Means::kKillActor:
    case Means::kKillNode:
    case Means::kClockStep:
    case Means::kSlowWrites:
    case Means::kSlowSyncs:
    case Means::kFullDisk:
    case Means::kDiskFills:
      return FoundAt::kTarget;
    case Means::kPeerDelay:
    case Means::kPeerCut:
    case Means::kPeerStalls:
      return FoundAt::kEnds;
    case Means::kFeedGaps:
    case Means::kFeedSilence:
    case Means::kLockHeld:
    case Means::kQueueFilled:
      return FoundAt::kReporter;
    default:
      return FoundAt::kAnyone;
  }
}

bool needs_fault_library(Means means) {
  return means == Means::kClockStep || means == Means::kSlowWrites || means == Means::kSlowSyncs ||
         means == Means::kFullDisk || means == Means::kDiskFills;
}

bool needs_ways(Means means) {
  return means == Means::kPeerDelay || means == Means::kPeerCut || means == Means::kPeerStalls ||
         means == Means::kVenueDelay || means == Means::kVenueStalls;
}

std::vector<Case> dealt(const std::vector<Case>& cases, std::size_t groups, std::size_t part) {
  std::vector<Case> mine;
  for (std::size_t i = part - 1; i < cases.size(); i += groups) mine.push_back(cases[i]);
  return mine;
}

}  // namespace holdfast::drill::evaluate
