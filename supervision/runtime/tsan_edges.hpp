// Tells ThreadSanitizer what the actor library does inside a package that is not instrumented: a
// message handed over, or the last reference to an actor given up, orders what came before it in
// one thread before what comes after in another. Nothing in any other build.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

/// What ThreadSanitizer shall pass over: races that it sees between halves of the library itself.
/// Handlers and the content of messages stay under watch.
#define HOLDFAST_TSAN_LIBRARY_RACES                                  \
  "race_top:caf::\n"                                                 \
  "race_top:libcaf_core\n"                                           \
  "race:caf::mixin::subscriber\n"                                    \
  "race:~scheduled_actor\n"                                          \
  "race:caf::monitorable_actor::cleanup\n"                           \
  "race:caf::scheduled_actor::cleanup\n"                             \
  "race:caf::actor_registry\n"                                       \
  "race:_Hashtable<caf::group\n"                                     \
  "race:drr_cached_queue<caf::policy::urgent_messages>::new_round\n" \
  "race:caf::scheduler::\n"                                          \
  "race:caf::actor_system::\n"

namespace holdfast {

/// What this thread did is visible to whoever calls `tsan_acquire` on the same address afterwards.
inline void tsan_release([[maybe_unused]] void* address) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(address);
#endif
}

inline void tsan_acquire([[maybe_unused]] void* address) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(address);
#endif
}

}  // namespace holdfast
