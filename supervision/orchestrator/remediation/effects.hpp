// What of an incident is its cause and what is an effect of it, as a remedy sees it: a cause that
// only its own end can end (a slow disk whose node leads nothing any more) may outlive the remedy
// that moved the work away from it.
#pragma once

#include "supervision/orchestrator/remediation/remedies.hpp"

namespace holdfast::orchestrator::remediation {

/// Whether a finding is anything but the remedy's cause itself, seen from wherever. Whether members
/// share a host is looked up in `world`; without one, another member is another place.
bool is_effect(const Remedy& remedy, const Finding& finding, const World& world);

/// Whether a remedy that succeeded leaves nothing more to be done: its workflow lets the cause
/// stay, and nothing but the cause burns.
bool leaves_only_the_cause(const Remedy& remedy, const Incident& incident, const World& world);

}  // namespace holdfast::orchestrator::remediation
