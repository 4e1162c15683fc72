#include "actors/risk/stage.hpp"

namespace holdfast::risk {

const RiskState& RiskStage::state() const {
  CHECK(ready());
  return *state_;
}

bool RiskStage::current(Generation generation) {
  if (ready() && generation == generation_) return true;
  counters_.stale += 1;
  return false;
}

void RiskStage::rebuild(const RiskRebuild& message) {
  CHECK(message.state != nullptr);
  if (message.generation < generation_) {
    counters_.stale += 1;
    return;
  }
  state_ = std::make_unique<RiskState>(*message.state);
  generation_ = message.generation;
  counters_.rebuilds += 1;
}

std::variant<RiskVerdicts, RiskNotReady> RiskStage::check(const RiskCheckBatch& message) {
  CHECK(message.orders != nullptr);
  if (!ready() || message.generation != generation_) {
    counters_.not_ready += 1;
    return RiskNotReady{message.batch, generation_};
  }
  auto decisions = std::make_shared<std::vector<RiskDecision>>();
  decisions->reserve(message.orders->size());
  for (const RiskOrder& order : *message.orders) {
    const RiskDecision& decision =
        decisions->emplace_back(risk::check(*state_, order, message.now));
    risk::apply(*state_, consequence(order, decision));
    if (order.kind == RiskOrderKind::kMessage)
      counters_.counted += 1;
    else
      (decision.approved ? counters_.approved : counters_.refused) += 1;
  }
  counters_.batches += 1;
  return RiskVerdicts{message.batch, generation_, std::move(decisions)};
}

void RiskStage::commit(const RiskCommitted& message) {
  CHECK(message.deltas != nullptr);
  if (!current(message.generation)) return;
  for (const RiskDelta& delta : *message.deltas) risk::apply(*state_, delta);
}

void RiskStage::release(const RiskRelease& message) {
  CHECK(message.releases != nullptr);
  if (!current(message.generation)) return;
  for (const RiskDelta& delta : *message.releases) {
    CHECK(std::holds_alternative<Released>(delta) ||
          std::holds_alternative<ReplaceReleased>(delta));
    risk::apply(*state_, delta);
  }
}

}  // namespace holdfast::risk
