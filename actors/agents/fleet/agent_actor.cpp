#include <utility>

#include "actors/agents/fleet/fleet_actor.hpp"

namespace holdfast::agents {

namespace {
struct AgentTick {};
constexpr std::size_t kUnsentMax = 256;
constexpr Duration kAgentTick = Duration::milliseconds(200);
constexpr Deadline kRegistration = {"registration of an agent", Duration::seconds(2)};
constexpr Deadline kSubscription = {"subscription to telemetry", Duration::seconds(2)};
}  // namespace
}  // namespace holdfast::agents
HOLDFAST_LOCAL_MESSAGE(holdfast::agents::AgentTick)
namespace holdfast::agents {

AgentActor::AgentActor(ActorConfig& config, AgentId id, std::shared_ptr<const FleetSetup> setup,
                       std::function<ActorHandle()> fleet)
    : PoolActor(config), id_(id), setup_(std::move(setup)), find_fleet_(std::move(fleet)) {}
AgentActor::~AgentActor() = default;

Behavior AgentActor::make_behavior() {
  send(this, AgentTick{});
  return {
      [this](AgentTick) {
        delayed_send(this, to_chrono(kAgentTick), AgentTick{});
        tick();
      },
      [this](const telemetry::SharedBatch& batch) { take(*batch); },
      [this](RegisterAgain) { fleet_ = nullptr; },
  };
}

std::string AgentActor::detail() const {
  if (!agent_) return "not registered";
  return std::to_string(agent_->series()) + " series, " + std::to_string(agent_->open().size()) +
         " open findings" + (telemetry_ ? "" : ", no telemetry");
}

void AgentActor::tick() {
  const ActorHandle fleet = find_fleet_();
  if (fleet && fleet != fleet_ && !entering_) enter(fleet);
  if (!agent_) return;
  subscribe();
  std::vector<Finding> found;
  agent_->tick(setup_->mono(), setup_->wall(), found);
  report(std::move(found));
  beat();
}

void AgentActor::enter(const ActorHandle& fleet) {
  entering_ = true;
  RegisterAgent request{id_, {}, 0};
  if (agent_) {
    request.open = agent_->open();
    request.after = agent_->last_number();
  }
  request_within(this, fleet, kRegistration, std::move(request))
      .then(
          [this, fleet](const Welcome& welcome) {
            entering_ = false;
            fleet_ = fleet;
            entered(welcome);
          },
          // Tried again at the next tick.
          [this](const ActorError&) { entering_ = false; });
}

void AgentActor::entered(const Welcome& welcome) {
  generation_ = welcome.generation;
  if (!agent_) {
    agent_ =
        std::make_unique<DomainAgent>(id_, setup_->settings, welcome.after, setup_->precedents);
    agent_->inherit(welcome.open, setup_->mono());
  }
  report({});
  beat();
  subscribe();
}

void AgentActor::subscribe() {
  const ActorHandle telemetry = setup_->telemetry();
  if (!telemetry || telemetry == telemetry_) return;
  telemetry_ = telemetry;
  telemetry::SubscribeSamples wish;
  wish.subscription.domain = id_.domain;
  if (setup_->settings->instances > 1) wish.subscription.agent = id_.instance;
  request_within(this, telemetry, kSubscription, std::move(wish))
      .then([](const telemetry::SubscribedSamples&) {},
            [this](const ActorError&) { telemetry_ = nullptr; });
}

void AgentActor::take(const telemetry::SampleBatch& batch) {
  if (!agent_) return;
  lost_samples_ += batch.lost;
  std::vector<Finding> found;
  agent_->observe(batch.samples, setup_->mono(), setup_->wall(), found);
  report(std::move(found));
}

void AgentActor::report(std::vector<Finding> findings) {
  for (Finding& finding : findings) unsent_.push_back(std::move(finding));
  if (unsent_.empty()) return;
  if (!fleet_) {  // they wait; open ones are told again anyway
    if (unsent_.size() > kUnsentMax)
      unsent_.erase(unsent_.begin(), unsent_.end() - static_cast<std::ptrdiff_t>(kUnsentMax));
    return;
  }
  send(fleet_, FindingsReport{id_, generation_, std::exchange(unsent_, {})});
}

void AgentActor::beat() {
  const MonoTime now = setup_->mono();
  if (!fleet_ || now - beaten_ < setup_->settings->heartbeat_every) return;
  beaten_ = now;
  send(fleet_, AgentHeartbeat{id_, generation_, agent_->counts(), agent_->series(), lost_samples_});
}

bool AgentActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  fleet_ = telemetry_ = nullptr;
  find_fleet_ = nullptr;
  return PoolActor::cleanup(std::move(reason), host);
}

}  // namespace holdfast::agents
