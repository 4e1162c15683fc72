// What the parts of a node count already, as telemetry sources: the hot loop, the journal, the
// operator API. Each reads counters and says what they grew by; none asks anybody.
#pragma once

#include "actors/telemetry/readings.hpp"
#include "messages/telemetry/flow_meter.hpp"
#include "nodes/node/api/server_counters.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"

namespace holdfast::node {

/// The longest turn of the loop in the interval. To be called on that loop, which outlives it.
telemetry::TelemetrySource loop_source(HotLoop& loop);
/// Longest write and fsync of the interval. Any thread; the journal outlives it.
telemetry::TelemetrySource journal_source(const replication::JournalRocksdb& journal);
/// Orders of one venue: latencies, ratios, rate. Any thread.
telemetry::TelemetrySource flow_source(std::shared_ptr<const telemetry::FlowMeter> meter,
                                       std::string venue, GroupId group);
/// Requests, their latency and how they ended. Any thread.
telemetry::TelemetrySource http_source(
    std::shared_ptr<const operator_api::ServerCounters> counters);

}  // namespace holdfast::node
