// The orchestrator on this node: which events of the tree are failures for it, what it knows of the
// cluster, and how its decisions about this node are carried out.
#pragma once

#include "nodes/node/cluster_actor.hpp"
#include "nodes/node/remedies/hand_over_actor.hpp"
#include "supervision/orchestrator/orchestrator_actor.hpp"
#include "supervision/orchestrator/orchestrator_capnp.hpp"
#include "supervision/runtime/guard_events_linux.hpp"
#include "supervision/runtime/mesh.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

inline constexpr const char* kOrchestratorPath = "node/orchestrator";

/// What an event of the tree is to the orchestrator; nothing: the tree mends it by itself.
std::optional<orchestrator::Failure> failure_of(const settings::Settings& settings,
                                                const SupervisorEvent& event);
/// What the guard saw of this node's former lives, as failures.
std::vector<orchestrator::Failure> failures_of(const std::vector<GuardEvent>& events);
/// For the root of the tree: logs its events, and hands failures to this node's orchestrator.
/// `settings` outlives it.
std::function<void(const SupervisorEvent&)> tree_events(const settings::Settings& settings,
                                                        std::shared_ptr<RefRegistry> registry);

/// Who leads what, and who is in sync; nothing for a node by itself.
orchestrator::Topology topology_of(const settings::Settings& settings, const ClusterPart* part);
HandOverMeans hand_over_means(const settings::Settings& settings, ClusterPart& part);

/// Everything must outlive the actor.
struct OrchestratorParts {
  const settings::Settings& settings;
  EventLoop& loop;
  ClusterPart* cluster = nullptr;  // null: a node by itself
  Mesh* mesh = nullptr;            // null: there is none
  std::shared_ptr<const orchestrator::OrchestratorCodec> codec;
  std::function<std::unique_ptr<replication::Log>()> make_log;
  std::function<ActorHandle()> root;  // of the tree
  std::optional<orchestrator::HealingMeans> healing = {};
};

/// The actor as a child of the tree's root, "orchestrator".
ChildDefinition orchestrator_child(OrchestratorParts parts);

/// The journal of decisions for operators, in names. Called in the actor that asks.
void ask_orchestrator(PoolActor& self, const settings::Settings& settings,
                      const RefRegistry& registry, Duration within,
                      const std::function<void(Result<operator_api::OrchestratorView>)>& answer);

}  // namespace holdfast::node
