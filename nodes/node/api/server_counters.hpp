// What the operator API's server counts about itself. Written on the server's thread, read by any:
// each number stands alone, so relaxed atomics suffice.
#pragma once

#include <atomic>

#include "messages/telemetry/latency.hpp"
#include "nodes/node/api/metrics.hpp"

namespace holdfast::operator_api {

struct ServerCounters {
  std::atomic<uint64_t> connections{0}, evicted{0}, timeouts{0};
  std::atomic<uint64_t> requests{0}, malformed{0}, unauthenticated{0}, forbidden{0};
  std::atomic<uint64_t> commands{0}, unanswered{0}, audit_failures{0}, errors{0}, bugs{0};
  std::atomic<uint64_t> answers{0}, server_errors{0}, throttled{0};  // 5xx; 429
  std::atomic<int64_t> open{0};
  telemetry::LatencyRecorder latency;  // from a request's body to its answer

  /// As holdfast_operator_api_*. Any thread.
  void write(MetricsText& text) const;
};

}  // namespace holdfast::operator_api
