// The operator's questions and commands about the self-healing loop, put to this node's
// orchestrator. Questions are answered from this node's copy; a command goes to whoever leads, and
// the orchestrator's actor sees to that.
#pragma once

#include "nodes/node/api/operator_backend.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// What members and groups are called, as the settings have it.
operator_api::PlaceNames place_names(const settings::Settings& settings);

/// This node's orchestrator, asked for the loop's view. It shares a thread with the order path and
/// copies what it tells, so it is asked only so often, however many want to know. Lives in the
/// actor that asks.
class HealingViews {
 public:
  static constexpr Duration kFresh = Duration::milliseconds(100);
  using Done = std::function<void(Result<orchestrator::HealingViewAnswer>)>;

  /// `registry` outlives it.
  explicit HealingViews(const RefRegistry& registry) : registry_(registry) {}

  /// The view, at most kFresh old at `now`; `done` once, in the actor that asks. kUnavailable: why
  /// not.
  void ask(PoolActor& self, Duration within, WallTime now, const Done& done);
  /// An operator's command, and what was said to it; the error's code is the orchestrator's. What
  /// is asked for afterwards is fresh. A proposal about an incident that this node does not know is
  /// kNotFound, and goes nowhere.
  void command(PoolActor& self, Duration within, WallTime now,
               const orchestrator::healing::Command& command,
               const operator_api::Answer<orchestrator::HealingTaken>& done);

 private:
  void tell(PoolActor& self, Duration within, const orchestrator::healing::Command& command,
            const operator_api::Answer<orchestrator::HealingTaken>& done);

  const RefRegistry& registry_;
  orchestrator::HealingViewAnswer view_;
  WallTime taken_;
};

/// The view with what people need to read it: names, and of `groups` who leads.
operator_api::HealingBoard board_of(orchestrator::HealingViewAnswer view,
                                    const settings::Settings& settings,
                                    const operator_api::ReplicaGroupsView& groups, WallTime now);

}  // namespace holdfast::node
