#include "nodes/node/api/server_counters.hpp"

namespace holdfast::operator_api {

void ServerCounters::write(MetricsText& text) const {
  const auto counter = [&](const char* name, const char* help, const std::atomic<uint64_t>& value) {
    text.counter("holdfast_operator_api_" + std::string(name), help,
                 value.load(std::memory_order_relaxed));
  };
  text.gauge("holdfast_operator_api_connections_open", "connections now",
             open.load(std::memory_order_relaxed));
  counter("connections_total", "connections accepted", connections);
  counter("connections_evicted_total", "closed to make room for others", evicted);
  counter("timeouts_total", "connections closed because the client was too slow", timeouts);
  counter("requests_total", "requests whose header arrived", requests);
  counter("malformed_total", "requests that were not HTTP or too large", malformed);
  counter("unauthenticated_total", "requests without a known token", unauthenticated);
  counter("forbidden_total", "requests beyond the caller's role", forbidden);
  counter("commands_total", "requests that change something", commands);
  counter("unanswered_total", "requests that the node did not answer in time", unanswered);
  counter("audit_failures_total", "audit lines that could not be written", audit_failures);
  counter("bugs_total", "requests that met a bug of ours", bugs);
  counter("answers_total", "answers given", answers);
  counter("server_errors_total", "answers with status 500 or above", server_errors);
  counter("throttled_total", "answers with status 429", throttled);
  counter("errors_total", "answers with status 400 or above", errors);
}

}  // namespace holdfast::operator_api
