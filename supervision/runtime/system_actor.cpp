#include "supervision/runtime/system_actor.hpp"

namespace holdfast {

namespace {
caf::actor_system_config& configure(caf::actor_system_config& config,
                                    const ActorSystemSettings& settings) {
  CHECK(settings.workers >= 1);
  // Sharing, not stealing: with few workers a message behind a long handler waits 0.1 ms, not 13.
  config.set("scheduler.policy",
             settings.deterministic ? caf::atom("testing") : caf::atom("sharing"));
  config.set("scheduler.max-threads", settings.workers);
  if (settings.register_types) settings.register_types(config);
  return config;
}
}  // namespace

ActorSystem::ActorSystem(const ActorSystemSettings& settings)
    : system_(configure(config_, settings)) {}

}  // namespace holdfast
