#include "actors/agents/domains/settings.hpp"

#include <algorithm>

namespace holdfast::agents {

using telemetry::Metric;

namespace {
constexpr int64_t kMs = 1'000;  // in microseconds
constexpr int64_t kPercent = 10'000;

// Limits alone: nothing is learned.
Watch fixed(Metric metric, Bad bad, int64_t limit, std::optional<int64_t> severe,
            Persistence persistence = {}) {
  Watch watch;
  watch.metric = metric;
  watch.bad = bad;
  watch.limit = limit;
  watch.severe = severe;
  watch.learns = false;
  watch.persistence = persistence;
  return watch;
}

// Above `floor`, and by `least_change` and half of it above the usual.
Watch high(Metric metric, int64_t floor, int64_t least_change,
           std::optional<int64_t> limit = std::nullopt,
           std::optional<int64_t> severe = std::nullopt, Persistence persistence = {}) {
  Watch watch;
  watch.metric = metric;
  watch.limit = limit;
  watch.severe = severe;
  watch.floor = floor;
  watch.least_change = least_change;
  watch.persistence = persistence;
  return watch;
}

Watch low(Metric metric, int64_t floor, int64_t least_change, std::optional<int64_t> limit,
          std::optional<int64_t> severe, Persistence persistence = {}) {
  Watch watch = high(metric, floor, least_change, limit, severe, persistence);
  watch.bad = Bad::kLow;
  watch.least_ratio_milli = 0;
  return watch;
}
}  // namespace

std::string_view to_text(Bad bad) {
  switch (bad) {
    case Bad::kHigh:
      return "high";
    case Bad::kLow:
      return "low";
    case Bad::kBoth:
      return "both";
  }
  return "invalid";
}

AgentSettings default_settings() {
  AgentSettings settings;
  Watch slippage = high(Metric::kSlippage, 500, 500, std::nullopt, std::nullopt, {10, 20});
  slippage.bad = Bad::kBoth;
  settings.watches = {
      // Busy processors are no fault; the rules ask for harm beside them.
      high(Metric::kCpuUtilization, 90 * kPercent, 10 * kPercent),
      high(Metric::kCpuSteal, 5 * kPercent, 5 * kPercent, 25 * kPercent, 50 * kPercent, {4, 6}),
      high(Metric::kCpuIowait, 30 * kPercent, 20 * kPercent),
      high(Metric::kCpuRunQueue, 4, 3),
      high(Metric::kCpuPressure, 20 * kPercent, 15 * kPercent),
      fixed(Metric::kCpuThrottled, Bad::kHigh, 20 * kPercent, 60 * kPercent),
      high(Metric::kProcessCpu, 40 * kPercent, 25 * kPercent),
      fixed(Metric::kMemoryUsed, Bad::kHigh, 95 * kPercent, 98 * kPercent),
      high(Metric::kMemoryPressure, 5 * kPercent, 5 * kPercent, 20 * kPercent, 50 * kPercent),
      high(Metric::kMemoryMajorFaults, 300, 300),
      fixed(Metric::kClockOffset, Bad::kBoth, 100 * kMs, 1'000 * kMs),
      fixed(Metric::kClockStep, Bad::kBoth, 50 * kMs, 1'000 * kMs, {1, 1}),
      // One crash is one reading, and may take its siblings with it.
      fixed(Metric::kProcessRestarts, Bad::kHigh, 60, 600, {2, 5}),
      fixed(Metric::kHotLoopLate, Bad::kHigh, 45 * kMs, 500 * kMs, {2, 10}),
      high(Metric::kHotLoopWait, 3 * kPercent, 3 * kPercent),

      high(Metric::kPeerRtt, 3 * kMs, 3 * kMs, 100 * kMs, 1'000 * kMs),
      high(Metric::kPeerJitter, 8 * kMs, 8 * kMs, 200 * kMs),
      fixed(Metric::kPeerLoss, Bad::kHigh, 5 * kPercent, 90 * kPercent, {3, 8}),
      high(Metric::kTcpRetransmits, 20, 20),
      high(Metric::kTcpSocketQueue, 1 << 20, 1 << 20),
      fixed(Metric::kFeedGaps, Bad::kHigh, 1, 1'000, {1, 1}),
      fixed(Metric::kFeedAge, Bad::kHigh, 2'000 * kMs, 10'000 * kMs, {2, 2}),
      high(Metric::kVenueRtt, 20 * kMs, 15 * kMs, 500 * kMs, 2'000 * kMs),
      high(Metric::kReplicationLag, 2'000, 2'000, 50'000, std::nullopt, {6, 10}),
      fixed(Metric::kPeerReconnects, Bad::kHigh, 6, std::nullopt, {1, 1}),

      high(Metric::kDiskLatency, 20 * kMs, 20 * kMs, 500 * kMs),
      high(Metric::kDiskQueue, 16, 16),
      high(Metric::kDiskThroughput, 20 << 20, 20 << 20),
      high(Metric::kDiskUtilization, 90 * kPercent, 30 * kPercent),
      high(Metric::kFsyncLatency, 30 * kMs, 30 * kMs, 500 * kMs, 5'000 * kMs),
      high(Metric::kJournalWriteLatency, 10 * kMs, 10 * kMs, 250 * kMs, 2'000 * kMs),
      high(Metric::kIoPressure, 20 * kPercent, 20 * kPercent),
      fixed(Metric::kDiskFree, Bad::kLow, 5 * kPercent, 1 * kPercent),
      fixed(Metric::kDiskFreeInodes, Bad::kLow, 5 * kPercent, 1 * kPercent),

      high(Metric::kOrderLatency, 20 * kMs, 15 * kMs, 1'000 * kMs, 5'000 * kMs, {4, 6}),
      high(Metric::kOrderStageLatency, 10 * kMs, 10 * kMs, std::nullopt, std::nullopt, {4, 6}),
      fixed(Metric::kRejectRatio, Bad::kHigh, 10 * kPercent, 90 * kPercent),
      low(Metric::kFillRatio, 90 * kPercent, 20 * kPercent, std::nullopt, std::nullopt, {10, 15}),
      slippage,
      fixed(Metric::kQueueSaturation, Bad::kHigh, 80 * kPercent, 98 * kPercent),
      fixed(Metric::kMailboxDepth, Bad::kHigh, 50'000, 500'000, {6, 10}),
      fixed(Metric::kMailboxAge, Bad::kHigh, 500 * kMs, 5'000 * kMs),
      high(Metric::kActorProcessing, 50 * kMs, 50 * kMs, 500 * kMs),
      high(Metric::kLockWait, 10 * kMs, 10 * kMs, 100 * kMs, 1'000 * kMs),
      fixed(Metric::kCreditsWait, Bad::kHigh, 1'000 * kMs, std::nullopt),
      fixed(Metric::kUnknownOrders, Bad::kHigh, 1, 1'000, {20, 20}),

      low(Metric::kHttpSuccess, 98 * kPercent, 2 * kPercent, 90 * kPercent, 10 * kPercent),
      high(Metric::kHttpLatency, 250 * kMs, 200 * kMs, 5'000 * kMs),
      fixed(Metric::kHttpThrottled, Bad::kHigh, 5 * kPercent, std::nullopt),
      high(Metric::kHttpRetries, 5, 5),
      // Each is seconds of waiting by itself.
      fixed(Metric::kHttpTimeouts, Bad::kHigh, 5 * kPercent, 50 * kPercent, {2, 5}),
  };
  return settings;
}

const Watch* find_watch(const AgentSettings& settings, Metric metric) {
  const auto at = std::find_if(settings.watches.begin(), settings.watches.end(),
                               [metric](const Watch& watch) { return watch.metric == metric; });
  return at == settings.watches.end() ? nullptr : &*at;
}

}  // namespace holdfast::agents
