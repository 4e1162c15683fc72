// Routing as a stage of the order path: the messages between an order manager and its routing
// actor, and the stage's logic without the actor. The stage journals nothing; after a restart the
// order manager sends the routing state that it keeps itself.
#pragma once

#include <memory>
#include <variant>

#include "actors/routing/routing.hpp"
#include "supervision/runtime/local_message.hpp"

namespace holdfast::routing {

/// Choose for these, in order; each choice counts as in flight for the next.
struct RouteBatch {
  BatchId batch;
  std::shared_ptr<const std::vector<RouteRequest>> requests;
  WallTime at{};  // the order manager's time
};
/// The answer: decisions in the order of the batch.
struct Routes {
  BatchId batch;
  std::shared_ptr<const std::vector<RouteDecision>> decisions;
};
/// The answer while there is no routing state: send RoutingRebuild, then ask again.
struct RoutingNotReady {
  BatchId batch;
};
/// Venues, symbols and statuses as they are now: at start, after RoutingNotReady, and when
/// reference data changed. Statuses go to the stage as they come.
struct RoutingRebuild {
  std::shared_ptr<const RoutingState> state;
};

/// A venue's status, as the order manager has it.
struct VenueHeard {
  VenueStatus status;
  WallTime at{};
};

/// What the stage did, for telemetry.
struct RoutingStageCounters {
  uint64_t batches = 0, routed = 0, waits = 0, refused = 0, not_ready = 0, statuses = 0,
           unknown_venues = 0, rebuilds = 0;
};

/// The stage's logic: one message in, at most one answer out. Lives on one thread.
class RoutingStage {
 public:
  bool ready() const { return ready_; }
  const RoutingState& state() const { return state_; }
  const RoutingStageCounters& counters() const { return counters_; }

  void rebuild(const RoutingRebuild& message);
  /// A status that comes before the first rebuild is dropped: the rebuild carries it.
  void status(const VenueHeard& message);
  std::variant<Routes, RoutingNotReady> route(const RouteBatch& message);

 private:
  bool ready_ = false;
  RoutingState state_;
  RoutingStageCounters counters_;
};

}  // namespace holdfast::routing

HOLDFAST_LOCAL_MESSAGE(holdfast::routing::RouteBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::routing::Routes)
HOLDFAST_LOCAL_MESSAGE(holdfast::routing::RoutingNotReady)
HOLDFAST_LOCAL_MESSAGE(holdfast::routing::RoutingRebuild)
HOLDFAST_LOCAL_MESSAGE(holdfast::routing::VenueHeard)
