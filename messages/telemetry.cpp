#include "messages/telemetry.hpp"

#include <algorithm>
#include <iterator>

#include "messages/check.hpp"

namespace holdfast::telemetry {

namespace {
constexpr MetricInfo kCatalogue[] = {
    {Metric::kCpuUtilization, "system.cpu.utilization", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kCpuCoreUtilization, "system.cpu.core.utilization", "ppm", Domain::kCpu,
     MetricKind::kGauge},
    {Metric::kCpuSteal, "system.cpu.steal", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kCpuIowait, "system.cpu.iowait", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kCpuRunQueue, "system.cpu.run_queue", "1", Domain::kCpu, MetricKind::kGauge},
    {Metric::kCpuPressure, "system.cpu.pressure", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kCpuContextSwitches, "system.cpu.context_switches", "1/s", Domain::kCpu,
     MetricKind::kRate},
    {Metric::kCpuThrottled, "container.cpu.throttled", "ppm", Domain::kCpu, MetricKind::kRatio},
    {Metric::kProcessCpu, "process.cpu.utilization", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kMemoryUsed, "system.memory.utilization", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kMemoryPressure, "system.memory.pressure", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kMemoryMajorFaults, "system.memory.major_faults", "1/s", Domain::kCpu,
     MetricKind::kRate},
    {Metric::kProcessMemory, "process.memory.usage", "By", Domain::kCpu, MetricKind::kGauge},
    {Metric::kClockOffset, "clock.offset", "us", Domain::kCpu, MetricKind::kGauge},
    {Metric::kClockStep, "clock.step", "us", Domain::kCpu, MetricKind::kGauge},
    {Metric::kClockBound, "clock.bound", "us", Domain::kCpu, MetricKind::kGauge},
    {Metric::kProcessRestarts, "process.restarts", "1/min", Domain::kCpu, MetricKind::kRate},
    {Metric::kHotLoopLate, "loop.late", "us", Domain::kCpu, MetricKind::kLatency},
    {Metric::kHotLoopWait, "loop.cpu_wait", "ppm", Domain::kCpu, MetricKind::kGauge},
    {Metric::kPeerRtt, "peer.rtt", "us", Domain::kNetwork, MetricKind::kLatency},
    {Metric::kPeerJitter, "peer.jitter", "us", Domain::kNetwork, MetricKind::kLatency},
    {Metric::kPeerLoss, "peer.loss", "ppm", Domain::kNetwork, MetricKind::kRatio},
    {Metric::kTcpRetransmits, "system.network.tcp.retransmits", "1/s", Domain::kNetwork,
     MetricKind::kRate},
    {Metric::kTcpSocketQueue, "process.network.socket_queue", "By", Domain::kNetwork,
     MetricKind::kGauge},
    {Metric::kFeedGaps, "feed.gaps", "1/s", Domain::kNetwork, MetricKind::kRate},
    {Metric::kFeedAge, "feed.age", "us", Domain::kNetwork, MetricKind::kGauge},
    {Metric::kVenueRtt, "venue.rtt", "us", Domain::kNetwork, MetricKind::kLatency},
    {Metric::kReplicationLag, "replication.lag", "1", Domain::kNetwork, MetricKind::kGauge},
    {Metric::kPeerReconnects, "peer.reconnects", "1/min", Domain::kNetwork, MetricKind::kRate},
    {Metric::kDiskLatency, "system.disk.latency", "us", Domain::kIo, MetricKind::kLatency},
    {Metric::kDiskQueue, "system.disk.queue", "1", Domain::kIo, MetricKind::kGauge},
    {Metric::kDiskThroughput, "system.disk.io", "By/s", Domain::kIo, MetricKind::kRate},
    {Metric::kDiskUtilization, "system.disk.utilization", "ppm", Domain::kIo, MetricKind::kGauge},
    {Metric::kFsyncLatency, "journal.fsync.duration", "us", Domain::kIo, MetricKind::kLatency},
    {Metric::kJournalWriteLatency, "journal.write.duration", "us", Domain::kIo,
     MetricKind::kLatency},
    {Metric::kIoPressure, "system.io.pressure", "ppm", Domain::kIo, MetricKind::kGauge},
    {Metric::kDiskFree, "system.filesystem.free", "ppm", Domain::kIo, MetricKind::kGauge},
    {Metric::kDiskFreeInodes, "system.filesystem.free_inodes", "ppm", Domain::kIo,
     MetricKind::kGauge},
    {Metric::kOrderLatency, "order.latency", "us", Domain::kExecution, MetricKind::kLatency},
    {Metric::kOrderStageLatency, "order.stage.latency", "us", Domain::kExecution,
     MetricKind::kLatency},
    {Metric::kOrderRate, "order.rate", "1/s", Domain::kExecution, MetricKind::kRate},
    {Metric::kFillRatio, "order.fill_ratio", "ppm", Domain::kExecution, MetricKind::kRatio},
    {Metric::kRejectRatio, "order.reject_ratio", "ppm", Domain::kExecution, MetricKind::kRatio},
    {Metric::kSlippage, "order.slippage", "ubp", Domain::kExecution, MetricKind::kGauge},
    {Metric::kQueueSaturation, "queue.saturation", "ppm", Domain::kExecution, MetricKind::kGauge},
    {Metric::kMailboxDepth, "actor.mailbox.depth", "1", Domain::kExecution, MetricKind::kGauge},
    {Metric::kMailboxAge, "actor.mailbox.age", "us", Domain::kExecution, MetricKind::kLatency},
    {Metric::kActorProcessing, "actor.processing.duration", "us", Domain::kExecution,
     MetricKind::kLatency},
    {Metric::kLockWait, "process.lock.wait", "us", Domain::kExecution, MetricKind::kLatency},
    {Metric::kCreditsWait, "client.credits.wait", "us", Domain::kExecution, MetricKind::kLatency},
    {Metric::kUnknownOrders, "order.unknown", "1", Domain::kExecution, MetricKind::kGauge},
    {Metric::kHttpSuccess, "http.success_ratio", "ppm", Domain::kHttp, MetricKind::kRatio},
    {Metric::kHttpLatency, "http.request.duration", "us", Domain::kHttp, MetricKind::kLatency},
    {Metric::kHttpThrottled, "http.throttled_ratio", "ppm", Domain::kHttp, MetricKind::kRatio},
    {Metric::kHttpRetries, "http.retries", "1/s", Domain::kHttp, MetricKind::kRate},
    {Metric::kHttpRequests, "http.requests", "1/s", Domain::kHttp, MetricKind::kRate},
    {Metric::kHttpTimeouts, "http.timeout_ratio", "ppm", Domain::kHttp, MetricKind::kRatio},
};
}  // namespace

std::string_view to_text(Domain domain) {
  switch (domain) {
    case Domain::kCpu:
      return "cpu";
    case Domain::kNetwork:
      return "network";
    case Domain::kIo:
      return "io";
    case Domain::kExecution:
      return "execution";
    case Domain::kHttp:
      return "http";
  }
  return "invalid";
}

std::span<const MetricInfo> metrics() { return kCatalogue; }

const MetricInfo* find_metric(uint16_t code) {
  const auto at = std::lower_bound(
      std::begin(kCatalogue), std::end(kCatalogue), code,
      [](const MetricInfo& info, uint16_t c) { return static_cast<uint16_t>(info.metric) < c; });
  return at != std::end(kCatalogue) && static_cast<uint16_t>(at->metric) == code ? &*at : nullptr;
}

const MetricInfo* find_metric(std::string_view name) {
  const auto at = std::find_if(std::begin(kCatalogue), std::end(kCatalogue),
                               [name](const MetricInfo& info) { return info.name == name; });
  return at != std::end(kCatalogue) ? &*at : nullptr;
}

const MetricInfo& info_of(Metric metric) {
  const auto* info = find_metric(static_cast<uint16_t>(metric));
  CHECK(info != nullptr);
  return *info;
}

}  // namespace holdfast::telemetry
