#include "nodes/node/healing/clock_linux.hpp"

#include <sys/timex.h>

#include <algorithm>

namespace holdfast::node {

orchestrator::WallClock read_wall_clock() {
  timex state{};
  const int code = ::adjtimex(&state);
  if (code < 0) return {};
  if (code == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    return {orchestrator::ClockSource::kUnsynchronised, {}};
  const long bound = std::clamp<long>(state.maxerror, 0, 1'000'000'000);
  return {orchestrator::ClockSource::kNtp, static_cast<uint32_t>(bound)};
}

}  // namespace holdfast::node
