// Which fault explains which other: a table of causes, each with how far it reaches over the
// topology and how sure the link is. Domain knowledge as data, read by the correlation and by
// nothing else.
#pragma once

#include <span>

#include "supervision/orchestrator/world.hpp"

namespace holdfast::orchestrator::incidents {

/// Where an effect can be, seen from the place of its cause.
enum class Reach : uint8_t {
  kMember = 1,  // on the same member
  kHost,        // or on one that shares its host
  kPeers,       // or on one that shares a replica group with it
  kLink,        // on the two ends of the link that the cause's instance names, or all peers
  kAnywhere,
};

struct Explanation {
  FaultClass cause = FaultClass::kNone, effect = FaultClass::kNone;
  Reach reach = Reach::kMember;
  uint32_t weight_ppm = 0;  // how much of the effect's presence the cause accounts for
};

std::span<const Explanation> explanations();

/// How much `cause` at its place accounts for `effect` at its own, in ppm; 0: not at all. A fault
/// fully explains itself at the same place.
uint32_t explains(const Finding& cause, const Finding& effect, const World& world);

/// Whether two places are the same as far as both are known.
bool same_place(const Place& a, const Place& b);

}  // namespace holdfast::orchestrator::incidents
