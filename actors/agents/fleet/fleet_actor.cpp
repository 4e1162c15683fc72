#include "actors/agents/fleet/fleet_actor.hpp"

#include <utility>

namespace holdfast::agents {

namespace {
struct FleetTick {};
constexpr Duration kFleetTick = Duration::milliseconds(250);
constexpr const char* kRegistryId = "registry";
}  // namespace
}  // namespace holdfast::agents
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::FleetTick)
namespace holdfast::agents {

FleetActor::FleetActor(ActorConfig& config, std::shared_ptr<const FleetSetup> setup)
    : PoolActor(config),
      setup_(std::move(setup)),
      // Numbers go on rising over restarts of the process: milliseconds of its start lead them.
      registry_(setup_->settings, static_cast<uint64_t>(setup_->wall().ns / 1'000'000)) {}
FleetActor::~FleetActor() = default;

Behavior FleetActor::make_behavior() {
  set_down_handler([this](const DownMessage& down) {
    for (auto& [id, held] : actors_) {
      if (!held.actor || held.actor.address() != down.source) continue;
      registry_.left(id, held.generation, setup_->mono());
      held.actor = nullptr;
    }
  });
  delayed_send(this, to_chrono(kFleetTick), FleetTick{});
  return {
      [this](const RegisterAgent& agent) { return enter(agent); },
      [this](const AgentHeartbeat& beat) { heard(beat); },
      [this](const FindingsReport& report) {
        std::vector<Finding> out;
        registry_.take(report.id, report.generation, report.findings, out);
        pass_on(std::move(out));
      },
      [this](FleetTick) { tick(); },
      [this](FleetQuery) -> FleetViewAnswer {
        auto view = std::make_shared<FleetView>();
        view->agents = registry_.agents();
        view->findings = findings_;
        view->replaced = registry_.replaced();
        view->refused = registry_.refused();
        return view;
      },
  };
}

std::string FleetActor::detail() const {
  return std::to_string(registry_.alive()) + " agents, " + std::to_string(findings_) +
         " findings passed on";
}

Welcome FleetActor::enter(const RegisterAgent& agent) {
  const Welcome welcome = registry_.enter(agent.id, agent.open, agent.after, setup_->mono());
  Held& held = actors_[agent.id];
  held.actor = caf::actor_cast<ActorHandle>(current_sender());
  held.generation = welcome.generation;
  if (held.actor) monitor_exit(this, held.actor);
  return welcome;
}

void FleetActor::heard(const AgentHeartbeat& beat) {
  if (registry_.heard(beat.id, beat.generation, beat.counts, beat.series, beat.lost_samples,
                      setup_->mono()))
    return;
  if (const auto sender = caf::actor_cast<ActorHandle>(current_sender()))
    send(sender, RegisterAgain{});
}

void FleetActor::tick() {
  delayed_send(this, to_chrono(kFleetTick), FleetTick{});
  const MonoTime now = setup_->mono();
  for (const auto& late : registry_.overdue(now)) {
    const auto at = actors_.find(late.id);
    if (at == actors_.end() || at->second.generation != late.generation) continue;
    if (at->second.actor) send_kill(std::exchange(at->second.actor, nullptr));
  }
  std::vector<Finding> out;
  registry_.tick(now, setup_->wall(), out);
  pass_on(std::move(out));
}

void FleetActor::pass_on(std::vector<Finding> findings) {
  if (findings.empty()) return;
  findings_ += findings.size();
  setup_->sink(std::move(findings));
}

ChildDefinition agents_child(std::string id, FleetSetup setup) {
  CHECK(setup.settings && setup.sink && setup.telemetry && setup.mono && setup.wall);
  auto shared = std::make_shared<const FleetSetup>(std::move(setup));
  SupervisorSetup tree;
  tree.children.push_back({{.id = kRegistryId}, [shared](const ChildContext& context) {
                             return context.system.spawn<FleetActor>(shared);
                           }});
  for (uint8_t domain = 1; domain <= telemetry::kDomains; ++domain) {
    for (uint32_t instance = 1; instance <= shared->settings->instances; ++instance) {
      const AgentId agent{static_cast<telemetry::Domain>(domain), instance};
      const std::string name =
          std::string(telemetry::to_text(agent.domain)) + "-" + std::to_string(instance);
      tree.children.push_back(
          {{.id = name}, [shared, agent](const ChildContext& context) {
             CHECK(context.registry != nullptr);
             return context.system.spawn<AgentActor>(
                 agent, shared,
                 [registry = context.registry, path = context.parent_path + "/" + kRegistryId] {
                   return registry->find(path);
                 });
           }});
    }
  }
  return supervisor_child(std::move(id), std::move(tree));
}

bool FleetActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  actors_.clear();
  return PoolActor::cleanup(std::move(reason), host);
}

}  // namespace holdfast::agents
