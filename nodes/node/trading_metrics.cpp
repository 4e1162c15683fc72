#include "nodes/node/trading_metrics.hpp"

namespace holdfast::node {

void add_shards(operator_api::MetricsText& text,
                const std::vector<Gathered<ShardViewAnswer>>& shards) {
  const auto each_shard = [&](const char* name, const char* help, bool counter, auto value) {
    for (const auto& shard : shards) {
      if (!shard.answer) continue;
      const operator_api::MetricLabels labels{{"shard", shard.name}};
      if (counter)
        text.counter(name, help, value(*shard.answer.value()), labels);
      else
        text.gauge(name, help, static_cast<int64_t>(value(*shard.answer.value())), labels);
    }
  };
  using S = const ShardView&;
  each_shard("holdfast_orders_known_count", "Orders in the book of record.", false,
             [](S s) { return s.orders; });
  each_shard("holdfast_orders_open_count", "Orders that are not done.", false,
             [](S s) { return s.open; });
  each_shard("holdfast_orders_unknown_count", "Orders whose outcome is not known.", false,
             [](S s) { return s.unknown; });
  each_shard("holdfast_orders_waiting_count", "Requests between intake and decision.", false,
             [](S s) { return s.waiting; });
  each_shard("holdfast_orders_anomalies_total", "Reports that contradict what is known.", true,
             [](S s) { return s.anomalies; });
  each_shard("holdfast_orders_late_fills_total", "Fills after the end or beyond the rest, booked.",
             true, [](S s) { return s.late_fills; });
  each_shard("holdfast_orders_duplicate_reports_total", "Reports dropped as seen before.", true,
             [](S s) { return s.duplicate_reports; });
  each_shard("holdfast_orders_serving", "1 while the shard decides requests.", false,
             [](S s) { return static_cast<uint64_t>(s.serving); });
}

void add_venues(operator_api::MetricsText& text,
                const std::vector<Gathered<VenueSessionView>>& venues) {
  const auto each_venue = [&](const char* name, const char* help, bool counter, auto value) {
    for (const auto& venue : venues) {
      if (!venue.answer) continue;
      const operator_api::MetricLabels labels{{"venue", venue.name}};
      if (counter)
        text.counter(name, help, value(venue.answer.value()), labels);
      else
        text.gauge(name, help, static_cast<int64_t>(value(venue.answer.value())), labels);
    }
  };
  using V = const VenueSessionView&;
  each_venue("holdfast_venue_session_open", "1 while the FIX session takes orders.", false,
             [](V v) { return static_cast<uint64_t>(v.state == VenueSessionState::kOpen); });
  each_venue("holdfast_venue_requests_in_flight_count", "Requests the venue has not answered.",
             false, [](V v) { return uint64_t{v.in_flight}; });
  each_venue("holdfast_venue_requests_waiting_count", "Requests that wait for the session.", false,
             [](V v) { return v.waiting; });
  each_venue("holdfast_venue_orders_unknown_count", "Orders whose outcome is not known.", false,
             [](V v) { return v.unknown_orders; });
  each_venue("holdfast_venue_requests_sent_total", "Requests sent.", true,
             [](V v) { return v.requests_sent; });
  each_venue("holdfast_venue_messages_received_total", "FIX messages received.", true,
             [](V v) { return v.messages_received; });
  each_venue("holdfast_venue_garbage_total", "Messages that were not FIX.", true,
             [](V v) { return v.garbage; });
  each_venue("holdfast_venue_connects_total", "Connections made.", true,
             [](V v) { return v.connects; });
  each_venue("holdfast_venue_logon_refusals_total",
             "Connections that ended before the Logon was answered.", true,
             [](V v) { return v.logon_refusals_total; });
}

}  // namespace holdfast::node
