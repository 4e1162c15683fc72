// A made-up host: readings of one agent's domain at 10 Hz on a clock in the test's hands, quiet
// with noise until the test changes a metric.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "actors/agents/domains/domain_agent.hpp"

namespace holdfast::agents {

class Stream {
 public:
  using Value = std::function<int64_t(double noise)>;  // noise: normal, 0 ± 1
  struct Line {
    telemetry::Metric metric;
    MemberId member;
    GroupId group;
    telemetry::Instance instance;
    Value value;
    uint32_t trials = 0;
    bool silent = false;
  };

  explicit Stream(telemetry::Domain domain, AgentSettings settings = default_settings())
      : agent({domain, 1}, std::make_shared<AgentSettings>(std::move(settings))) {}

  Line& line(telemetry::Metric metric, Value value, telemetry::Instance instance = {},
             MemberId member = {1}) {
    for (Line& one : lines)
      if (one.metric == metric && one.instance == instance && one.member == member) {
        one.value = std::move(value);
        return one;
      }
    lines.push_back({metric, member, {}, instance, std::move(value)});
    return lines.back();
  }
  /// Level and noise of a metric, never below zero.
  Line& level(telemetry::Metric metric, double level, double noise,
              telemetry::Instance instance = {}) {
    return line(
        metric,
        [level, noise](double n) { return static_cast<int64_t>(std::max(0.0, level + noise * n)); },
        instance);
  }

  /// One reading of every line.
  void step(Duration interval = Duration::milliseconds(100)) {
    now = now + interval;
    wall = wall + interval;
    batch.clear();
    for (const Line& one : lines)
      if (!one.silent)
        batch.push_back({one.metric, one.member, one.group, one.instance, wall,
                         one.value(normal(random)), one.trials});
    agent.observe(batch, now, wall, told);
    agent.tick(now, wall, told);
  }
  void run(Duration span) {
    for (int64_t left = span.ms(); left > 0; left -= 100) step();
  }
  /// How long until a finding of this class is told; nothing within `within`.
  std::optional<Duration> until(FaultClass fault, Duration within = Duration::seconds(5)) {
    const MonoTime from = now;
    while (now - from < within) {
      step();
      if (open(fault)) return now - from;
    }
    return std::nullopt;
  }
  /// The finding of this class that was told last, if it is not over.
  const Finding* open(FaultClass fault) const {
    const Finding* last = nullptr;
    for (const Finding& finding : told)
      if (finding.fault == fault) last = &finding;
    return last && !last->over ? last : nullptr;
  }
  std::vector<FaultClass> classes() const {
    std::vector<FaultClass> found;
    for (const Finding& finding : told)
      if (std::find(found.begin(), found.end(), finding.fault) == found.end())
        found.push_back(finding.fault);
    return found;
  }

  DomainAgent agent;
  std::vector<Line> lines;
  std::vector<Finding> told;
  std::vector<telemetry::Sample> batch;
  MonoTime now{1'000'000'000};
  WallTime wall{1'700'000'000'000'000'000};
  std::mt19937_64 random{7};
  std::normal_distribution<double> normal;
};

/// A host as it is when all is well.
inline void quiet_cpu(Stream& s) {
  using M = telemetry::Metric;
  s.level(M::kCpuUtilization, 350'000, 60'000);
  s.level(M::kCpuSteal, 2'000, 2'000);
  s.level(M::kCpuIowait, 5'000, 5'000);
  s.level(M::kCpuRunQueue, 2, 1);
  s.level(M::kCpuPressure, 20'000, 15'000);
  s.level(M::kCpuContextSwitches, 20'000, 3'000);
  s.level(M::kProcessCpu, 200'000, 40'000);
  s.level(M::kMemoryUsed, 550'000, 1'000);
  s.level(M::kMemoryPressure, 0, 0);
  s.level(M::kMemoryMajorFaults, 1, 2);
  s.level(M::kClockOffset, 20, 10);
  s.level(M::kClockStep, 0, 0);
  s.level(M::kProcessRestarts, 0, 0);
  s.level(M::kHotLoopLate, 300, 200);
  s.level(M::kHotLoopWait, 4'000, 2'500);
}
inline void quiet_network(Stream& s) {
  using M = telemetry::Metric;
  for (const char* peer : {"node-2", "node-3"}) {
    s.level(M::kPeerRtt, 80, 25, peer);
    s.level(M::kPeerJitter, 200, 120, peer);
    s.level(M::kPeerLoss, 0, 0, peer);
    s.level(M::kPeerReconnects, 0, 0, peer);
  }
  s.level(M::kTcpRetransmits, 0, 1);
  s.level(M::kTcpSocketQueue, 2'000, 2'000);
  s.level(M::kFeedGaps, 0, 0, "feed");
  s.level(M::kFeedAge, 20'000, 5'000, "feed");
  s.level(M::kVenueRtt, 900, 250, "XSIM");
  s.level(M::kReplicationLag, 4, 4);
}
inline void quiet_io(Stream& s) {
  using M = telemetry::Metric;
  s.level(M::kDiskLatency, 400, 200, "vda");
  s.level(M::kDiskQueue, 0, 1, "vda");
  s.level(M::kDiskThroughput, 3'000'000, 1'500'000, "vda");
  s.level(M::kDiskUtilization, 40'000, 30'000, "vda");
  s.level(M::kFsyncLatency, 900, 500);
  s.level(M::kJournalWriteLatency, 60, 40);
  s.level(M::kIoPressure, 5'000, 5'000);
  s.level(M::kDiskFree, 400'000, 10);
  s.level(M::kDiskFreeInodes, 800'000, 10);
}
inline void quiet_execution(Stream& s) {
  using M = telemetry::Metric;
  s.level(M::kOrderLatency, 1'500, 400);
  s.level(M::kOrderStageLatency, 300, 100, "risk");
  s.level(M::kOrderRate, 2'000, 200);
  s.level(M::kFillRatio, 950'000, 8'000);
  s.level(M::kRejectRatio, 1'000, 800);
  s.level(M::kSlippage, 0, 40);
  s.level(M::kQueueSaturation, 20'000, 10'000, "credits");
  s.level(M::kMailboxDepth, 3, 3, "node/orders/shard-0");
  s.level(M::kMailboxAge, 100, 60, "node/orders/shard-0");
  s.level(M::kActorProcessing, 800, 300, "node/orders/shard-0");
  s.level(M::kLockWait, 40, 30, "journal");
  s.level(M::kCreditsWait, 0, 0);
  s.level(M::kUnknownOrders, 0, 0);
}
inline void quiet_http(Stream& s) {
  using M = telemetry::Metric;
  s.line(
      M::kHttpSuccess, [](double) { return 1'000'000; }, "operator");
  s.level(M::kHttpLatency, 4'000, 1'500, "operator");
  s.level(M::kHttpThrottled, 0, 0, "operator");
  s.level(M::kHttpRetries, 0, 0, "operator");
  s.level(M::kHttpRequests, 5, 2, "operator");
  s.level(M::kHttpTimeouts, 0, 0, "operator");
}
inline void quiet(Stream& s) {
  switch (s.agent.id().domain) {
    case telemetry::Domain::kCpu:
      return quiet_cpu(s);
    case telemetry::Domain::kNetwork:
      return quiet_network(s);
    case telemetry::Domain::kIo:
      return quiet_io(s);
    case telemetry::Domain::kExecution:
      return quiet_execution(s);
    case telemetry::Domain::kHttp:
      return quiet_http(s);
  }
}

}  // namespace holdfast::agents
