// Where a class of actors lives now: the place that advice in advance is tried on before it is
// kept, and that its question tells of. The advice itself names no place.
#pragma once

#include "supervision/orchestrator/advice/standing.hpp"

namespace holdfast::orchestrator::healing {

/// The first of the class, in the topology's order; where it has none, empty but for a member.
Place example_of(advice::ActorClass actor, const World& world);

}  // namespace holdfast::orchestrator::healing
