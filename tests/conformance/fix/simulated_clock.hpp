// The clock of a conformance test: it moves when the test says so. QuickFIX reads it too, because
// this binary defines FIX::DateTime::nowUtc() itself; so SendingTimes, heartbeats and timeouts of
// both sides are the test's.
#pragma once

#include "messages/time.hpp"

namespace holdfast::venues::testing {

/// 2026-03-02 14:30:00 UTC, a Monday.
inline constexpr WallTime kStart{1'772'461'800'000'000'000};

WallTime simulated_now();
void set_simulated_now(WallTime now);
/// How far the clock moves by itself each time that QuickFIX looks at it; zero at first.
void set_clock_step(Duration step);
inline void advance(Duration by) { set_simulated_now(simulated_now() + by); }

}  // namespace holdfast::venues::testing
