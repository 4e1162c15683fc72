// The risk actor of one order shard: RiskStage behind a mailbox, on the shard's loop. It answers
// whoever asks and knows nothing of the shard but its messages; what it holds is a copy, so its
// supervisor may restart it at any time and the order manager rebuilds it.
#pragma once

#include "actors/risk/stage.hpp"
#include "supervision/runtime/actor.hpp"

namespace holdfast::risk {

/// Takes RiskCheckBatch (answers RiskVerdicts or RiskNotReady to the sender), RiskCommitted,
/// RiskRelease, RiskRebuild. A message that breaks its contract (a null pointer) ends the actor.
class RiskActor final : public LoopActor {
 public:
  explicit RiskActor(ActorConfig& config) : LoopActor(config) {}
  Behavior make_behavior() override;
  const char* name() const override { return "risk"; }
  /// "generation 3, 120 orders in flight, 5000 approved, 12 refused"
  std::string detail() const override;

 private:
  RiskStage stage_;
};

}  // namespace holdfast::risk
