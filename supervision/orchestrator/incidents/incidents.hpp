// Findings become incidents here: what is close in time and joined by the table of causes and the
// topology is one incident, its possible causes are ranked, and it is closed when nothing of it is
// true any more. `take` and `watch` only look and propose events; `apply` alone changes. It never
// says what to do, and it names no cause where two explain the findings equally well.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <variant>

#include "supervision/orchestrator/incidents/causes.hpp"

namespace holdfast::orchestrator::incidents {

inline constexpr std::size_t kOpenMax = 64;
inline constexpr std::size_t kClosedKept = 128;
inline constexpr std::size_t kFindingsMax = 32;  // in one incident
inline constexpr std::size_t kEvidenceMax = 16, kPrecedentsMax = 8;
inline constexpr Duration kJoinWindow = Duration::seconds(30);  // begins of findings of one cause
inline constexpr Duration kQuiet = Duration::seconds(2);        // nothing true for so long: closed
/// An agent repeats a finding that is still true at least each 30 s; one that nobody repeats is
/// over, since its agent may have died.
inline constexpr Duration kForgotten = Duration::seconds(90);
/// What a supervisor tells (DetectorKind::kEvent) has no end of its own.
inline constexpr Duration kEventForgotten = Duration::seconds(15);
inline constexpr Duration kAheadMax = Duration::seconds(5), kLateMax = Duration::seconds(60);
inline constexpr Duration kRepeatEvery = Duration::seconds(10);  // an unchanged one is journaled
inline constexpr uint32_t kAbstainBelowPpm = 300'000;
inline constexpr uint32_t kAmbiguousPpm = 950'000;  // a second cause within this share of the first

/// Why a finding was not taken. Counted, never journaled.
enum class Refused : uint8_t {
  kNo = 0,
  kRepeated,    // nothing new in it
  kMalformed,   // no fault, a confidence above one, too much evidence, another domain's fault
  kStale,       // found too long ago
  kAhead,       // found in the future
  kOverOfNone,  // the end of what was never told
  kFull,
};
std::string_view to_text(Refused refused);

struct FindingTaken {
  uint64_t incident = 0;
  Finding finding;
  friend bool operator==(const FindingTaken&, const FindingTaken&) = default;
};
/// Which cause stands highest now; kNone: the orchestrator abstains.
struct Ranked {
  uint64_t incident = 0;
  FaultClass cause = FaultClass::kNone;
  Place place;
  uint32_t confidence_ppm = 0;
  Severity severity = Severity::kWarning;
  friend bool operator==(const Ranked&, const Ranked&) = default;
};
struct Merged {
  uint64_t into = 0, from = 0;
  friend bool operator==(const Merged&, const Merged&) = default;
};
struct Closed {
  uint64_t incident = 0;
  friend bool operator==(const Closed&, const Closed&) = default;
};
using Event = std::variant<FindingTaken, Ranked, Merged, Closed>;

struct State {
  uint64_t last = 0;
  std::map<uint64_t, Incident> open;
  std::deque<Incident> closed;  // without their evidence, ascending by when they were closed
  /// Open or closed; null when it is forgotten, or merged into another.
  const Incident* find(uint64_t number) const;
};

/// A ranked cause, for views and tests.
struct Cause {
  FaultClass fault = FaultClass::kNone;
  Place place;
  uint32_t confidence_ppm = 0;
};
/// All candidates, best first: how much of what is open each explains, less what explains itself.
std::vector<Cause> rank(const Incident& incident, const World& world);

/// Whether any finding of it is still true.
bool burning(const Incident& incident);
/// Whether a finding of this fault at this place is still true.
bool burning(const Incident& incident, FaultClass fault, const Place& place);

/// What a finding changes.
Refused take(const State& state, const Finding& finding, const World& world, WallTime now,
             std::vector<Event>& events);
/// What the time that passes changes: forgotten findings, closed incidents.
void watch(const State& state, WallTime now, std::vector<Event>& events);
/// When `watch` has something to do.
std::optional<WallTime> next_deadline(const State& state);
void apply(State& state, const Event& event, WallTime at);

}  // namespace holdfast::orchestrator::incidents
