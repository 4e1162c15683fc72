// TestScheduler: runs the pool actors of a deterministic ActorSystem one after the other, in order
// of arrival, and moves their virtual clock. For tests; LoopActors need a loop and are not its
// business.
#pragma once

#include "supervision/runtime/system_actor.hpp"

namespace holdfast {

/// Drives a system built with `deterministic = true`. One thread.
class TestScheduler {
 public:
  /// CHECKs that `system` is deterministic.
  explicit TestScheduler(caf::actor_system& system);

  /// Runs until nobody has anything to do at the present time.
  void settle();
  /// Moves the clock on by `span`, stopping at every timeout on the way and settling there.
  void advance(Duration span);
  /// The virtual clock.
  MonoTime now() const;

 private:
  caf::actor_system& system_;
};

}  // namespace holdfast
