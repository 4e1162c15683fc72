// What the wall clock that stamps the journal is worth: what disciplines it, and how far off it may
// be. Whoever leads reads it; the healing loop journals it when it changes, so that every member's
// audit says the same of the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::orchestrator {

/// What the time of a record is worth. Codes are journaled.
enum class ClockSource : uint8_t {
  kUnknown = 0,
  kUnsynchronised,  // the kernel says that nothing disciplines it
  kNtp,
  kPtp,
};
inline constexpr uint8_t kClockSources = 4;
std::string_view to_text(ClockSource source);

struct WallClock {
  ClockSource source = ClockSource::kUnknown;
  std::optional<uint32_t> bound_us = {};  // none: not known
  friend bool operator==(const WallClock&, const WallClock&) = default;
};

/// Whether a reading says something else than what was told: another source, a bound where there
/// was none, or one that is more than twice as wide or half as narrow.
bool differs(const WallClock& told, const WallClock& read);

}  // namespace holdfast::orchestrator
