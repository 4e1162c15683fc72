#include "supervision/runtime/test_scheduler_actor.hpp"

#include <algorithm>
#include <caf/scheduler/test_coordinator.hpp>

namespace holdfast {

namespace {
caf::scheduler::test_coordinator& coordinator(caf::actor_system& system) {
  auto* found = dynamic_cast<caf::scheduler::test_coordinator*>(&system.scheduler());
  CHECK(found != nullptr);
  return *found;
}
}  // namespace

TestScheduler::TestScheduler(caf::actor_system& system) : system_(system) {
  (void)coordinator(system_);
}

void TestScheduler::settle() {
  auto& jobs = coordinator(system_);
  while (jobs.try_run_once()) {
  }
}

void TestScheduler::advance(Duration span) {
  auto& clock = coordinator(system_).clock();
  const auto until = clock.now() + to_chrono(span);
  settle();
  while (clock.has_pending_timeout() && clock.schedule().begin()->first <= until) {
    clock.advance_time(std::max(clock.schedule().begin()->first - clock.now(),
                                caf::actor_clock::duration_type{0}));
    settle();
  }
  clock.advance_time(until - clock.now());
  settle();
}

MonoTime TestScheduler::now() const {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              coordinator(system_).clock().now().time_since_epoch())
              .count()};
}

}  // namespace holdfast
