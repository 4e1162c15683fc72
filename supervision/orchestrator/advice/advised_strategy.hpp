// The strategy for failures that reached a node's root, with standing advice in it: an entry of the
// table that still holds, that the topology as it is now can bear, and that the policy allows now,
// takes the place of the deterministic answer. Everything else (no entry, a bad one, a loop that
// would be kept going, poison) is decided as if there were no advice.
#pragma once

#include "supervision/orchestrator/advice/standing.hpp"
#include "supervision/orchestrator/remediation/remedies.hpp"

namespace holdfast::orchestrator::advice {

struct Counts {
  uint64_t used = 0, missed = 0, unfit = 0, denied = 0;
};

/// What the strategy looks at in the moment of a failure.
struct View {
  const Table* table = nullptr;  // null: no advice
  const World* world = nullptr;
  const remediation::State* remedies = nullptr;  // what runs and ran, for the policy
  bool killed = false;                           // the kill switch is on: no advice
  WallTime now;
};

/// The advice of one entry for one failure, or nothing where it does not fit: a promotion to who is
/// not in sync or of what the failed member does not lead, poison let loose, a hung actor left in
/// its process, a fourth failure within a minute restarted.
std::optional<Advice> fit(const Entry& entry, const Failure& failure, const Topology& topology,
                          const std::deque<Decision>& history);

/// `OrchestratorSetup::strategy`. `view` is called for each failure, on the orchestrator's loop;
/// `counts` may be null and outlives the strategy.
Strategy advised_strategy(std::function<View()> view, Counts* counts = nullptr,
                          Strategy otherwise = by_restart_policy);

}  // namespace holdfast::orchestrator::advice
