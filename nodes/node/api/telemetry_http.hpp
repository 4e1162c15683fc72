// The operator API's side of telemetry: what the node measures as JSON (GET /v1/telemetry), and
// samples from outside, as OTLP/HTTP JSON (POST /v1/metrics) or as one Cap'n Proto message (POST
// /v1/telemetry, messages/schema/telemetry.capnp). Samples are decoded on the server's thread,
// bounded, and judged by the node.
#pragma once

#include "nodes/node/api/json_http.hpp"
#include "nodes/node/api/router.hpp"

namespace holdfast::operator_api {

/// Adds the three routes. `backend` outlives the router.
void add_telemetry(Router& router, OperatorBackend& backend);

Json to_json(const telemetry::TelemetryView& view);
/// OTLP's answer: 200 with what was rejected, by cause in words; 429 when all of it was too much.
Response response_to(const telemetry::OutsideTaken& taken);

}  // namespace holdfast::operator_api
