// What order entry counts, as Prometheus text: who connected, who was turned away and why. The
// names are what dashboards and alerts are made of. Asks nobody: it is handed the counts.
#pragma once

#include "actors/ingress/ingress_stats.hpp"
#include "nodes/node/api/metrics.hpp"

namespace holdfast::node {

/// Adds the counters and gauges of one order entry to `text`.
void add_ingress(operator_api::MetricsText& text, const ingress::IngressStats& stats);

}  // namespace holdfast::node
