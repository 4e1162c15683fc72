#include "actors/risk/risk_actor.hpp"

namespace holdfast::risk {

Behavior RiskActor::make_behavior() {
  // What a handler returns goes to the sender, as an ordinary message where none was requested.
  return {
      [this](const RiskCheckBatch& message) {
        return std::visit([](auto answer) { return make_message(std::move(answer)); },
                          stage_.check(message));
      },
      [this](const RiskCommitted& message) { stage_.commit(message); },
      [this](const RiskRelease& message) { stage_.release(message); },
      [this](const RiskRebuild& message) { stage_.rebuild(message); },
  };
}

std::string RiskActor::detail() const {
  if (!stage_.ready()) return "waiting for the order manager's state";
  const RiskStageCounters& counters = stage_.counters();
  return "generation " + std::to_string(stage_.generation().value) + ", " +
         std::to_string(stage_.state().open_orders()) + " orders in flight, " +
         std::to_string(counters.approved) + " approved, " + std::to_string(counters.refused) +
         " refused";
}

}  // namespace holdfast::risk
