// What the agents of a node, their registry, and who asks it tell each other.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/agents/fleet/registry.hpp"
#include "supervision/runtime/local_message.hpp"

namespace holdfast::agents {

/// Agent to registry; the answer is a Welcome. See Registry::enter.
struct RegisterAgent {
  AgentId id;
  std::vector<Finding> open;
  uint64_t after = 0;
};
/// Agent to registry.
struct AgentHeartbeat {
  AgentId id;
  uint64_t generation = 0;
  AgentCounts counts;
  uint64_t series = 0, lost_samples = 0;
};
/// Registry to an agent that it does not know: it has begun anew.
struct RegisterAgain {};
/// Agent to registry.
struct FindingsReport {
  AgentId id;
  uint64_t generation = 0;
  std::vector<Finding> findings;
};
/// To the registry; the answer is a shared FleetView.
struct FleetQuery {};
struct FleetView {
  std::vector<RegisteredAgent> agents;  // by domain and number
  uint64_t findings = 0;                // passed on
  uint64_t replaced = 0, refused = 0;
};
using FleetViewAnswer = std::shared_ptr<const FleetView>;

}  // namespace holdfast::agents

HOLDFAST_LOCAL_MESSAGE(holdfast::agents::Welcome)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::RegisterAgent)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::AgentHeartbeat)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::RegisterAgain)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::FindingsReport)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::FleetQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::FleetViewAnswer)
