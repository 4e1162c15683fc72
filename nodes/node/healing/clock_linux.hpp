// What this node's wall clock is worth, as the kernel says: for the World of whoever leads. Beside
// the telemetry's own readings, so that an audit needs no collector.
#pragma once

#include "supervision/orchestrator/clock.hpp"

namespace holdfast::node {

/// The bound is the kernel's greatest error, none where nothing disciplines the clock. Whether a
/// PTP daemon does it the kernel can't tell: both are kNtp. A system call; any thread.
orchestrator::WallClock read_wall_clock();

}  // namespace holdfast::node
