#include "tests/conformance/fix/simulated_clock.hpp"

#include "actors/venues/quickfix.hpp"

namespace {
holdfast::WallTime now = holdfast::venues::testing::kStart;
holdfast::Duration step;
}  // namespace

namespace FIX {
// In place of the library's own: its calls go through the dynamic linker, which finds this first.
DateTime DateTime::nowUtc() {
  now = now + step;
  return fromUtcTimeT(static_cast<time_t>(now.ns / 1'000'000'000),
                      static_cast<int>(now.ns / 1000 % 1'000'000), 6);
}
}  // namespace FIX

namespace holdfast::venues::testing {
WallTime simulated_now() { return ::now; }
void set_simulated_now(WallTime value) { ::now = value; }
void set_clock_step(Duration value) { ::step = value; }
}  // namespace holdfast::venues::testing
