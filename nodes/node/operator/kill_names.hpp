// Whether a kill names something that the risk limits know: a mistyped account would otherwise be
// confirmed by everybody, and stop nothing.
#pragma once

#include "messages/result.hpp"
#include "messages/risk_limits.hpp"
#include "messages/venue_exchange.hpp"

namespace holdfast::node {

/// kNotFound, with what was probably meant. Algos name themselves with their orders: any may be
/// one.
Result<> known_name(const RiskLimits& limits, const KillSwitch& kill);

}  // namespace holdfast::node
