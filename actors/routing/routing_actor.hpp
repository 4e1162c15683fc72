// The routing actor of one order shard: RoutingStage behind a mailbox, on the shard's loop. What it
// holds is a copy and volatile, so its supervisor may restart it at any time and the order manager
// rebuilds it.
#pragma once

#include "actors/routing/stage.hpp"
#include "supervision/runtime/actor.hpp"

namespace holdfast::routing {

/// Takes RouteBatch (answers Routes or RoutingNotReady to the sender), VenueHeard, RoutingRebuild.
/// A message that breaks its contract (a null pointer) ends the actor.
class RoutingActor final : public LoopActor {
 public:
  explicit RoutingActor(ActorConfig& config) : LoopActor(config) {}
  Behavior make_behavior() override;
  const char* name() const override { return "routing"; }
  /// "2 of 3 venues open, 5000 routed, 12 refused"
  std::string detail() const override;

 private:
  RoutingStage stage_;
};

}  // namespace holdfast::routing
