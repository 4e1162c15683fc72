// How a node's gateways are stopped: each is asked to log out, and the rest goes on when all have,
// or when their time is up.
#pragma once

#include <functional>

#include "nodes/settings/settings.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/ref_registry_actor.hpp"

namespace holdfast::node {

/// On `loop`, which runs `done` once. Hold what it returns until then. Everything outlives it.
ActorHandle stop_gateways(const settings::Settings& settings, const RefRegistry& registry,
                          caf::actor_system& system, EventLoop& loop, std::function<void()> done);

}  // namespace holdfast::node
