#include "supervision/runtime/system_actor.hpp"

#include "supervision/runtime/tsan_edges.hpp"

#if defined(__SANITIZE_THREAD__)
// Weak: a test binary passes over more (tests/sanitizers.cpp).
extern "C" const char* __tsan_default_suppressions();
extern "C" __attribute__((weak)) const char* __tsan_default_suppressions() {
  return HOLDFAST_TSAN_LIBRARY_RACES;
}
#endif

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
