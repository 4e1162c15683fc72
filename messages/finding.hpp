// What an analysis agent reports to the orchestrator: which class of fault it sees, where, how sure
// it is, and the evidence, in numbers and enumerated values only. A finding proposes nothing; the
// orchestrator correlates findings of several domains into one incident.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "messages/telemetry.hpp"

namespace holdfast {

/// What is wrong. Codes are journaled: only ever added, a range of a hundred to a domain.
enum class FaultClass : uint16_t {
  kNone = 0,
  kCpuSaturation = 100,  // the host's or cgroup's processors are busy or throttled
  kNoisyNeighbour,       // somebody else takes them: steal, run queue without our own load
  kMemoryPressure,
  kLockContention,
  kClockStep,
  kCrashLoop,    // a child restarts again and again
  kGrayFailure,  // lives and beats, does little work
  kPacketDelay = 200,
  kPacketLoss,
  kPartition,
  kFeedGap,
  kReplicationLag,
  kSlowDisk = 300,
  kFullDisk,
  kStorageStall,        // flushes or compactions hold writes up
  kLatencyDrift = 400,  // orders take longer, no host-level cause seen by this agent
  kQueueSaturation,
  kRejectSpike,
  kFillDrift,  // fill rate or slippage moved
  kVenueSlow,
  kUnknownOrders,
  kHttpThrottled = 500,
  kHttpErrors,
  kHttpSlow,
};
/// "cpu_saturation", ...; "invalid" for a code without a name.
std::string_view to_text(FaultClass fault);
/// kNone when no class has that name.
FaultClass fault_class_of(std::string_view text);
/// All of them but kNone, rising by code.
std::span<const FaultClass> fault_classes();
/// Whose agent reports it.
telemetry::Domain domain_of(FaultClass fault);

/// Where it is: as much as is known; zero or empty means "not narrowed down to".
struct Place {
  MemberId member;
  GroupId group;
  telemetry::Instance instance;  // actor path, disk, peer, endpoint, venue
  friend bool operator==(const Place&, const Place&) = default;
};

/// Which detector speaks. Codes are journaled.
enum class DetectorKind : uint8_t {
  kThreshold = 1,  // a limit that configuration sets
  kResidual,       // seasonal residual, robust z-score and extreme-value limit
  kCusum,
  kHistogram,
  kPca,
  kRatio,
  kEvent,  // not a measurement: a supervisor gave up, a guard restarted its child
};
std::string_view to_text(DetectorKind kind);

/// One measured reason.
struct Evidence {
  telemetry::Metric metric = telemetry::Metric::kCpuUtilization;
  Place place;
  DetectorKind detector = DetectorKind::kThreshold;
  int64_t value = 0;         // in the metric's unit
  int64_t expected = 0;      // what the detector held to be usual
  uint32_t score_milli = 0;  // how far out, in thousandths of the alarm's limit: 1000 is on it
  WallTime began, seen;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

enum class Severity : uint8_t { kInfo = 1, kWarning, kCritical };
std::string_view to_text(Severity severity);

/// Which agent instance: the domain, and a number that the registry gave it.
struct AgentId {
  telemetry::Domain domain = telemetry::Domain::kCpu;
  uint32_t instance = 0;
  friend auto operator<=>(const AgentId&, const AgentId&) = default;
};

/// A precedent that the agent found before it reasoned.
struct PrecedentRef {
  uint64_t incident = 0;  // its number in the precedent store; seeds count down from the top
  uint32_t similarity_ppm = 0;
  friend bool operator==(const PrecedentRef&, const PrecedentRef&) = default;
};

struct Finding {
  AgentId agent;
  uint64_t number = 0;  // rising in each agent
  FaultClass fault = FaultClass::kNone;
  Place place;
  Severity severity = Severity::kWarning;
  uint32_t confidence_ppm = 0;
  WallTime began, found;
  bool over = false;                     // the same finding, no longer true
  std::vector<Evidence> evidence;        // strongest first, 16 at most
  std::vector<PrecedentRef> precedents;  // best first, 8 at most
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Several findings with one cause.
struct Incident {
  uint64_t number = 0;                   // from 1, in the orchestrator's journal
  WallTime began, opened, closed;        // closed zero: open
  FaultClass cause = FaultClass::kNone;  // the highest ranked; kNone: the orchestrator abstains
  Place place;
  uint32_t confidence_ppm = 0;
  Severity severity = Severity::kWarning;
  std::vector<Finding> findings;  // one a (agent, fault, place), 32 at most
  friend bool operator==(const Incident&, const Incident&) = default;
};

}  // namespace holdfast
