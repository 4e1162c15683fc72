#include "actors/routing/stage.hpp"

namespace holdfast::routing {

void RoutingStage::rebuild(const RoutingRebuild& message) {
  CHECK(message.state != nullptr);
  state_ = *message.state;
  ready_ = true;
  counters_.rebuilds += 1;
}

void RoutingStage::status(const VenueHeard& message) {
  if (!ready_) return;
  (state_.set_status(message.status, message.at) ? counters_.statuses : counters_.unknown_venues) +=
      1;
}

std::variant<Routes, RoutingNotReady> RoutingStage::route(const RouteBatch& message) {
  CHECK(message.requests != nullptr);
  if (!ready_) {
    counters_.not_ready += 1;
    return RoutingNotReady{message.batch};
  }
  auto decisions = std::make_shared<std::vector<RouteDecision>>();
  decisions->reserve(message.requests->size());
  for (const RouteRequest& request : *message.requests) {
    const RouteDecision& decision = decisions->emplace_back(choose(state_, request, message.at));
    if (decision.reason == Reason::kNone) state_.routed(decision.group);
    (decision.reason == Reason::kNone ? counters_.routed : counters_.refused) += 1;
    counters_.waits += decision.waits;
  }
  counters_.batches += 1;
  return Routes{message.batch, std::move(decisions)};
}

}  // namespace holdfast::routing
