// What a venue gateway counts of the flow it carries, for telemetry: written on its own loop by
// loads and stores alone, read from any thread. Nothing here is journaled: after a restart it
// counts from zero, and readers see that.
#pragma once

#include <atomic>
#include <cstdint>

#include "messages/telemetry/latency.hpp"

namespace holdfast::telemetry {

struct FlowMeter {
  LatencyRecorder venue_rtt;  // an order's message to the venue's first answer, one order of four
  LatencyRecorder order_latency;                   // its intake to that answer
  std::atomic<uint64_t> accepted{0}, rejected{0};  // by the venue
  std::atomic<uint64_t> filled{0};                 // orders that had their first fill

  /// By the gateway's loop alone.
  static void count(std::atomic<uint64_t>& number) {
    // Pairs with readers' relaxed loads: a number alone, so no order is needed.
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

}  // namespace holdfast::telemetry
