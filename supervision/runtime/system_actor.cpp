#include "supervision/runtime/system_actor.hpp"

#if defined(__SANITIZE_THREAD__)
// The library's package is not instrumented: races are reported between its own halves. Handlers
// and messages stay under watch; see tsan_edges.hpp.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race_top:caf::\n"
         "race_top:libcaf_core\n"
         "race:caf::mixin::subscriber\n"
         "race:~scheduled_actor\n"
         "race:caf::monitorable_actor::cleanup\n"
         "race:caf::scheduled_actor::cleanup\n"
         "race:caf::actor_registry\n"
         "race:_Hashtable<caf::group\n"
         "race:drr_cached_queue<caf::policy::urgent_messages>::new_round\n"
         "race:caf::scheduler::\n"
         "race:caf::actor_system::\n";
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
