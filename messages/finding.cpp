#include "messages/finding.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast {

namespace {
constexpr std::array kFaults = {
    FaultClass::kCpuSaturation,  FaultClass::kNoisyNeighbour,  FaultClass::kMemoryPressure,
    FaultClass::kLockContention, FaultClass::kClockStep,       FaultClass::kCrashLoop,
    FaultClass::kGrayFailure,    FaultClass::kPacketDelay,     FaultClass::kPacketLoss,
    FaultClass::kPartition,      FaultClass::kFeedGap,         FaultClass::kReplicationLag,
    FaultClass::kSlowDisk,       FaultClass::kFullDisk,        FaultClass::kStorageStall,
    FaultClass::kLatencyDrift,   FaultClass::kQueueSaturation, FaultClass::kRejectSpike,
    FaultClass::kFillDrift,      FaultClass::kVenueSlow,       FaultClass::kUnknownOrders,
    FaultClass::kHttpThrottled,  FaultClass::kHttpErrors,      FaultClass::kHttpSlow,
};
}  // namespace

std::string_view to_text(FaultClass value) {
  switch (value) {
    case FaultClass::kNone:
      return "none";
    case FaultClass::kCpuSaturation:
      return "cpu_saturation";
    case FaultClass::kNoisyNeighbour:
      return "noisy_neighbour";
    case FaultClass::kMemoryPressure:
      return "memory_pressure";
    case FaultClass::kLockContention:
      return "lock_contention";
    case FaultClass::kClockStep:
      return "clock_step";
    case FaultClass::kCrashLoop:
      return "crash_loop";
    case FaultClass::kGrayFailure:
      return "gray_failure";
    case FaultClass::kPacketDelay:
      return "packet_delay";
    case FaultClass::kPacketLoss:
      return "packet_loss";
    case FaultClass::kPartition:
      return "partition";
    case FaultClass::kFeedGap:
      return "feed_gap";
    case FaultClass::kReplicationLag:
      return "replication_lag";
    case FaultClass::kSlowDisk:
      return "slow_disk";
    case FaultClass::kFullDisk:
      return "full_disk";
    case FaultClass::kStorageStall:
      return "storage_stall";
    case FaultClass::kLatencyDrift:
      return "latency_drift";
    case FaultClass::kQueueSaturation:
      return "queue_saturation";
    case FaultClass::kRejectSpike:
      return "reject_spike";
    case FaultClass::kFillDrift:
      return "fill_drift";
    case FaultClass::kVenueSlow:
      return "venue_slow";
    case FaultClass::kUnknownOrders:
      return "unknown_orders";
    case FaultClass::kHttpThrottled:
      return "http_throttled";
    case FaultClass::kHttpErrors:
      return "http_errors";
    case FaultClass::kHttpSlow:
      return "http_slow";
  }
  return "invalid";
}

std::string_view to_text(DetectorKind value) {
  switch (value) {
    case DetectorKind::kThreshold:
      return "threshold";
    case DetectorKind::kResidual:
      return "residual";
    case DetectorKind::kCusum:
      return "cusum";
    case DetectorKind::kHistogram:
      return "histogram";
    case DetectorKind::kPca:
      return "pca";
    case DetectorKind::kRatio:
      return "ratio";
    case DetectorKind::kEvent:
      return "event";
  }
  return "invalid";
}

std::string_view to_text(Severity value) {
  switch (value) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kCritical:
      return "critical";
  }
  return "invalid";
}

FaultClass fault_class_of(std::string_view text) {
  const auto at = std::find_if(kFaults.begin(), kFaults.end(),
                               [text](FaultClass fault) { return to_text(fault) == text; });
  return at == kFaults.end() ? FaultClass::kNone : *at;
}

std::span<const FaultClass> fault_classes() { return kFaults; }

telemetry::Domain domain_of(FaultClass fault) {
  const auto hundred = static_cast<uint16_t>(fault) / 100;
  CHECK(hundred >= 1 && hundred <= telemetry::kDomains);
  return static_cast<telemetry::Domain>(hundred);
}

}  // namespace holdfast
