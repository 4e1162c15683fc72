// The agents of a node as actors: the registry's actor, an actor for each agent, and the subtree
// that holds them. They run on the shared workers, never on the order path's loop: when all of them
// are dead, trading goes on and nothing is healed. Findings leave by one function.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "actors/agents/fleet/fleet_messages.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/telemetry_messages.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::agents {

/// Takes findings to the orchestrator: new ones, open ones again, those that are over. Called by
/// the registry's actor, on a shared worker; must not block.
using FindingsSink = std::function<void(std::vector<Finding>)>;

struct FleetSetup {
  std::shared_ptr<const AgentSettings> settings;
  FindingsSink sink;
  /// The telemetry actor as it is now; null: there is none at the moment.
  std::function<ActorHandle()> telemetry;
  FindPrecedents precedents;  // may be empty
  std::function<MonoTime()> mono;
  std::function<WallTime()> wall;
};

/// The registry's actor. Answers RegisterAgent and FleetQuery; kills agents that fell silent.
class FleetActor final : public PoolActor {
 public:
  FleetActor(ActorConfig& config, std::shared_ptr<const FleetSetup> setup);
  ~FleetActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "agent registry"; }
  std::string detail() const override;

 private:
  Welcome enter(const RegisterAgent& agent);
  void heard(const AgentHeartbeat& beat);
  void tick();
  void pass_on(std::vector<Finding> findings);
  /// Lets go of the agents, who hold this actor too.
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

  struct Held {
    ActorHandle actor;
    uint64_t generation = 0;
  };
  std::shared_ptr<const FleetSetup> setup_;
  Registry registry_;
  std::map<AgentId, Held> actors_;
  uint64_t findings_ = 0;
};

/// One agent: registers, subscribes to its domain, judges what comes, and says that it lives.
class AgentActor final : public PoolActor {
 public:
  /// `fleet` finds the registry's actor as it is now.
  AgentActor(ActorConfig& config, AgentId id, std::shared_ptr<const FleetSetup> setup,
             std::function<ActorHandle()> fleet);
  ~AgentActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "agent"; }
  std::string detail() const override;

 private:
  void tick();
  void enter(const ActorHandle& fleet);
  void entered(const Welcome& welcome);
  void subscribe();
  void take(const telemetry::SampleBatch& batch);
  void report(std::vector<Finding> findings);
  void beat();
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

  AgentId id_;
  std::shared_ptr<const FleetSetup> setup_;
  std::function<ActorHandle()> find_fleet_;
  std::unique_ptr<DomainAgent> agent_;  // null until it was registered once
  ActorHandle fleet_, telemetry_;       // where it is registered and subscribed; null: nowhere
  std::vector<Finding> unsent_;         // while there is no registry
  bool entering_ = false;
  uint64_t generation_ = 0, lost_samples_ = 0;
  MonoTime beaten_;
};

/// The subtree: the registry as `id`/registry, and `settings->instances` agents of each domain as
/// `id`/cpu-1 and so on, restarted one for one. Needs a RefRegistry in the supervisors above.
ChildDefinition agents_child(std::string id, FleetSetup setup);

}  // namespace holdfast::agents
