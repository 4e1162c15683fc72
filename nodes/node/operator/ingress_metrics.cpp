#include "nodes/node/operator/ingress_metrics.hpp"

namespace holdfast::node {

void add_ingress(operator_api::MetricsText& text, const ingress::IngressStats& stats) {
  const auto& c = stats.connections;
  const auto& s = stats.sessions;
  const auto now = [&](const char* name, const char* help, uint64_t value) {
    text.gauge(name, help, static_cast<int64_t>(value));
  };
  now("holdfast_ingress_connections_count", "Order entry connections.", c.connections);
  now("holdfast_ingress_sessions_count", "Client sessions.", s.sessions);
  now("holdfast_ingress_in_flight_count", "Requests that shards decide.", s.in_flight);
  text.counter("holdfast_ingress_accepted_total", "Connections accepted.", c.accepted);
  text.counter("holdfast_ingress_evicted_total",
               "Connections without a session closed to make room.", c.evicted);
  text.counter("holdfast_ingress_denied_total", "Opens with a wrong id or credential.", c.denied);
  text.counter("holdfast_ingress_wrong_schema_total", "Opens of a schema not served.",
               c.wrong_schema);
  text.counter("holdfast_ingress_led_elsewhere_total", "Opens answered with the node that leads.",
               c.led_elsewhere);
  text.counter("holdfast_ingress_sessions_led_away_total",
               "Sessions ended because another node leads.", s.sessions_led_away);
  text.counter("holdfast_ingress_malformed_total", "Requests that could not be decoded.",
               c.malformed);
  for (std::size_t cause = 0; cause < c.closed.size(); ++cause)
    text.counter("holdfast_ingress_closed_total", "Connections closed, by cause.", c.closed[cause],
                 {{"cause", std::string(name_of(static_cast<client::CloseCause>(cause)))}});
  text.counter("holdfast_ingress_requests_total", "Requests admitted.", s.requests);
  text.counter("holdfast_ingress_refused_credits_total", "Requests beyond the credits.",
               s.refused_credits);
  text.counter("holdfast_ingress_refused_permission_total", "Requests for foreign accounts.",
               s.refused_permission);
  text.counter("holdfast_ingress_refused_not_serving_total", "Requests refused while not serving.",
               s.refused_not_serving);
  text.counter("holdfast_ingress_subscribers_cut_off_total", "Subscribers that were too slow.",
               s.subscribers_cut_off);
}

}  // namespace holdfast::node
