// Tells ThreadSanitizer what the actor library does inside a package that is not instrumented: a
// message handed over, or the last reference to an actor given up, orders what came before it in
// one thread before what comes after in another. Nothing in any other build.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

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
