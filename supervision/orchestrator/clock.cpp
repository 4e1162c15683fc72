#include "supervision/orchestrator/clock.hpp"

#include <algorithm>

namespace holdfast::orchestrator {

std::string_view to_text(ClockSource value) {
  switch (value) {
    case ClockSource::kUnknown:
      return "unknown";
    case ClockSource::kUnsynchronised:
      return "unsynchronised";
    case ClockSource::kNtp:
      return "ntp";
    case ClockSource::kPtp:
      return "ptp";
  }
  return "invalid";
}

bool differs(const WallClock& told, const WallClock& read) {
  if (told.source != read.source || told.bound_us.has_value() != read.bound_us.has_value())
    return true;
  if (!told.bound_us) return false;
  const uint64_t narrow = std::min(*told.bound_us, *read.bound_us);
  return std::max(*told.bound_us, *read.bound_us) > 2 * std::max<uint64_t>(narrow, 1);
}

}  // namespace holdfast::orchestrator
