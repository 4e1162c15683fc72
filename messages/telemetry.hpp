// What is measured: the closed catalogue of metrics with their domains and units, and one reading
// of one of them. A metric that is not in the catalogue can't be named here, so nothing that an
// outsider invents travels further than the intake that counts and refuses it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::telemetry {

/// The five domains; each has its own agent, which gets its own domain's readings only.
enum class Domain : uint8_t { kCpu = 1, kNetwork, kIo, kExecution, kHttp };
inline constexpr uint8_t kDomains = 5;
/// "cpu", "network", "io", "execution", "http".
std::string_view to_text(Domain domain);

enum class MetricKind : uint8_t {
  kGauge = 1,  // a level at the time of the reading
  kRate,       // what a counter grew by since the reading before, per second
  kRatio,      // parts per million, 0 to 1,000,000, of `Sample::trials` trials where they are known
  kLatency,    // microseconds, a quantile or the longest over the interval, as the name says
};

/// Codes are on the wire: only ever added, a range of a hundred to a domain.
enum class Metric : uint16_t {
  // CPU and memory
  kCpuUtilization = 100,  // ppm of all cores, busy
  kCpuCoreUtilization,    // ppm, of the busiest core
  kCpuSteal,              // ppm of all cores
  kCpuIowait,             // ppm of all cores
  kCpuRunQueue,           // runnable tasks
  kCpuPressure,           // ppm of time some task waited (PSI some)
  kCpuContextSwitches,    // a second
  kCpuThrottled,          // ppm of the cgroup's periods
  kProcessCpu,            // ppm of one core, this process
  kMemoryUsed,            // ppm of what the host or cgroup has
  kMemoryPressure,        // ppm (PSI some)
  kMemoryMajorFaults,     // a second
  kProcessMemory,         // bytes, resident
  kClockOffset,           // us, this host's clock against its peers', signed
  kClockStep,             // us by which wall time jumped against monotonic time, signed
  kClockBound,            // us, the bound the kernel states; -1: unsynchronised
  kProcessRestarts,       // restarts of actors or of the process, a minute
  kHotLoopLate,           // us, the latest wake-up of the hot loop in the interval
  kHotLoopWait,           // ppm of time that the hot loop's thread waited for a CPU
  // Network
  kPeerRtt = 200,   // us, p50 of the stream's round trips to one peer
  kPeerJitter,      // us, p99 - p50 of them
  kPeerLoss,        // ppm of heartbeats missed
  kTcpRetransmits,  // a second, host
  kTcpSocketQueue,  // bytes, the fullest send or receive queue of this process
  kFeedGaps,        // sequence numbers missed, a second
  kFeedAge,         // us since the feed's last message
  kVenueRtt,        // us, TestRequest or order to acknowledgement
  kReplicationLag,  // entries the farthest in-sync member is behind
  kPeerReconnects,  // a minute
  // I/O
  kDiskLatency = 300,    // us a request, mean over the interval
  kDiskQueue,            // requests in flight
  kDiskThroughput,       // bytes a second
  kDiskUtilization,      // ppm of time busy
  kFsyncLatency,         // us, the longest in the interval
  kJournalWriteLatency,  // us, the longest in the interval
  kIoPressure,           // ppm (PSI some)
  kDiskFree,             // ppm of the journal's file system
  kDiskFreeInodes,       // ppm
  // Algorithmic execution
  kOrderLatency = 400,  // us, p99 from intake to the venue's acknowledgement
  kOrderStageLatency,   // us, p99 of one stage; the stage is the instance
  kOrderRate,           // orders a second
  kFillRatio,           // ppm of orders
  kRejectRatio,         // ppm of orders
  kSlippage,            // basis points x 100 against the price at intake, signed
  kQueueSaturation,     // ppm of the fullest bounded queue; the queue is the instance
  kMailboxDepth,        // messages; the actor is the instance
  kMailboxAge,          // us, the oldest waiting message
  kActorProcessing,     // us a message, the longest in the interval
  kLockWait,            // us, the longest in the interval
  kCreditsWait,         // us a client waited for credits, the longest
  kUnknownOrders,       // orders whose outcome is unknown
  // HTTP
  kHttpSuccess = 500,  // ppm of requests answered without 5xx; the endpoint is the instance
  kHttpLatency,        // us, p99
  kHttpThrottled,      // ppm of requests answered 429 or 503 with Retry-After
  kHttpRetries,        // a second
  kHttpRequests,       // a second
  kHttpTimeouts,       // ppm of requests
};

struct MetricInfo {
  Metric metric = Metric::kCpuUtilization;
  std::string_view name;  // dotted, as OpenTelemetry names things: "system.cpu.utilization"
  std::string_view unit;  // "ppm", "us", "By", "1", "1/s", "1/min", "ubp"
  Domain domain = Domain::kCpu;
  MetricKind kind = MetricKind::kGauge;
};

/// The whole catalogue, rising by code.
std::span<const MetricInfo> metrics();
/// Null for a code that is not in the catalogue.
const MetricInfo* find_metric(uint16_t code);
/// By its dotted name; null when there is none.
const MetricInfo* find_metric(std::string_view name);
/// What the catalogue says of it.
const MetricInfo& info_of(Metric metric);
inline Domain domain_of(Metric metric) { return info_of(metric).domain; }

/// Which core, peer, disk, actor, queue or endpoint: printable ASCII, never shown to a model.
using Instance = Text<48>;

/// One reading, 80 bytes, no allocation.
struct Sample {
  Metric metric = Metric::kCpuUtilization;
  MemberId member;    // on whose host it was read
  GroupId group;      // whose actor, order shard or gateway; zero: the whole node's
  Instance instance;  // empty: the only one
  WallTime at;
  int64_t value = 0;    // in the catalogue's unit
  uint32_t trials = 0;  // kRatio: of how many; 0: not known
  friend bool operator==(const Sample&, const Sample&) = default;
};

}  // namespace holdfast::telemetry
