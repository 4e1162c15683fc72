// What the self-healing loop counts, as Prometheus text. The counts are journaled: every member
// tells the same as far as its copy goes, and they outlive processes, so alerts take the maximum
// over members.
#pragma once

#include "nodes/node/api/metrics.hpp"
#include "supervision/orchestrator/healing_messages.hpp"

namespace holdfast::node {

void add_healing(operator_api::MetricsText& text, const orchestrator::HealingView& view);

}  // namespace holdfast::node
