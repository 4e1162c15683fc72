#include "nodes/node/telemetry/node_sources_linux.hpp"

namespace holdfast::node {

using telemetry::Instance;
using telemetry::LatencyRecorder;
using telemetry::Metric;
using telemetry::Readings;
using telemetry::TelemetrySource;

TelemetrySource loop_source(HotLoop& loop) {
  return [&loop](Readings& out) {
    static const Instance kName = "hot loop turn";
    out.add(Metric::kActorProcessing, loop.take_longest_turn().us(), kName);
  };
}

TelemetrySource journal_source(const replication::JournalRocksdb& journal) {
  return [&journal, writes = LatencyRecorder::Seen{},
          syncs = LatencyRecorder::Seen{}](Readings& out) mutable {
    if (const auto took = journal.write_latency().read(writes); took.count > 0)
      out.add(Metric::kJournalWriteLatency, took.longest.us());
    if (const auto took = journal.sync_latency().read(syncs); took.count > 0)
      out.add(Metric::kFsyncLatency, took.longest.us());
  };
}

TelemetrySource flow_source(std::shared_ptr<const telemetry::FlowMeter> meter, std::string venue,
                            GroupId group) {
  struct Before {
    uint64_t accepted = 0, rejected = 0, filled = 0;
    LatencyRecorder::Seen rtt, latency;
    MonoTime at;
  };
  return [meter, name = telemetry::instance_of(venue), stage = telemetry::instance_of("venue"),
          group, before = Before{}](Readings& out) mutable {
    const auto grown = [](const std::atomic<uint64_t>& number, uint64_t& was) {
      const uint64_t now = number.load(std::memory_order_relaxed);
      return now - std::exchange(was, now);
    };
    const Duration since = before.at.ns == 0 ? Duration{} : out.mono() - before.at;
    before.at = out.mono();
    const uint64_t accepted = grown(meter->accepted, before.accepted);
    const uint64_t rejected = grown(meter->rejected, before.rejected);
    const uint64_t filled = grown(meter->filled, before.filled);
    uint64_t none = 0;
    out.add_rate(Metric::kOrderRate, accepted + rejected, none, since, name, group);
    out.add_ratio(Metric::kRejectRatio, rejected, accepted + rejected, name, group);
    out.add_ratio(Metric::kFillRatio, filled, accepted, name, group);
    if (const auto took = meter->venue_rtt.read(before.rtt); took.count > 0) {
      out.add(Metric::kVenueRtt, took.p50.us(), name, group);
      out.add(Metric::kOrderStageLatency, took.p99.us(), stage, group);
    }
    if (const auto took = meter->order_latency.read(before.latency); took.count > 0)
      out.add(Metric::kOrderLatency, took.p99.us(), name, group);
  };
}

TelemetrySource http_source(std::shared_ptr<const operator_api::ServerCounters> counters) {
  struct Before {
    uint64_t requests = 0, answers = 0, server_errors = 0, throttled = 0, timeouts = 0;
    MonoTime at;
    LatencyRecorder::Seen seen;
  };
  return [counters, before = Before{}](Readings& out) mutable {
    static const Instance kName = "operator-api";
    const auto now = [](const std::atomic<uint64_t>& n) {
      return n.load(std::memory_order_relaxed);
    };
    const Duration since = before.at.ns == 0 ? Duration{} : out.mono() - before.at;
    before.at = out.mono();
    out.add_rate(Metric::kHttpRequests, now(counters->requests), before.requests, since, kName);
    const auto grown = [](uint64_t value, uint64_t& was) {
      return value - std::exchange(was, value);
    };
    const uint64_t answers = grown(now(counters->answers), before.answers);
    const uint64_t failed = grown(now(counters->server_errors), before.server_errors);
    const uint64_t throttled = grown(now(counters->throttled), before.throttled);
    const uint64_t late = grown(now(counters->unanswered), before.timeouts);
    out.add_ratio(Metric::kHttpSuccess, answers - std::min(failed, answers), answers, kName);
    out.add_ratio(Metric::kHttpThrottled, throttled, answers, kName);
    out.add_ratio(Metric::kHttpTimeouts, late, answers, kName);
    if (const auto took = counters->latency.read(before.seen); took.count > 0)
      out.add(Metric::kHttpLatency, took.p99.us(), kName);
  };
}

}  // namespace holdfast::node
