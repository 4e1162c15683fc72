// What telemetry knows and what it counts about itself, as Prometheus text: one gauge a metric of
// the catalogue, holdfast_telemetry_value{metric=...}, since its names are OpenTelemetry's.
#pragma once

#include "messages/telemetry/view.hpp"
#include "nodes/node/api/metrics.hpp"

namespace holdfast::node {

void add_telemetry(operator_api::MetricsText& text, const telemetry::TelemetryView& view);

}  // namespace holdfast::node
