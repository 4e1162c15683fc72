#include "actors/routing/routing_actor.hpp"

#include "supervision/runtime/room_messages.hpp"

namespace holdfast::routing {

Behavior RoutingActor::make_behavior() {
  // What a handler returns goes to the sender, as an ordinary message where none was requested.
  return {
      [this](const RouteBatch& message) {
        return std::visit([](auto answer) { return make_message(std::move(answer)); },
                          stage_.route(message));
      },
      [this](const VenueHeard& message) { stage_.status(message); },
      [this](const RoutingRebuild& message) { stage_.rebuild(message); },
  };
}

std::string RoutingActor::detail() const {
  if (!stage_.ready()) return "waiting for the order manager's state";
  std::size_t open = 0;
  for (const VenueRecord& venue : stage_.state().venues())
    open += venue.state == VenueSessionState::kOpen;
  const RoutingStageCounters& counters = stage_.counters();
  return std::to_string(open) + " of " + std::to_string(stage_.state().venues().size()) +
         " venues open, " + std::to_string(counters.routed) + " routed, " +
         std::to_string(counters.waits) + " of them to a venue that was coming back, " +
         std::to_string(counters.refused) + " refused";
}

}  // namespace holdfast::routing
