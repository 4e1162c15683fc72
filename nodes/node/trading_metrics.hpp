// What order shards and venue sessions count, as Prometheus text. The names are what dashboards and
// alerts are made of. Asks nobody: it is handed the views.
#pragma once

#include "messages/console_queries.hpp"
#include "messages/venue_view.hpp"
#include "nodes/node/api/metrics.hpp"
#include "nodes/node/gather.hpp"

namespace holdfast::node {

/// Adds the counters and gauges of the shards that answered to `text`.
void add_shards(operator_api::MetricsText& text,
                const std::vector<Gathered<ShardViewAnswer>>& shards);
/// Adds the counters and gauges of the sessions that answered to `text`.
void add_venues(operator_api::MetricsText& text,
                const std::vector<Gathered<VenueSessionView>>& venues);

}  // namespace holdfast::node
