#include "supervision/orchestrator/incidents/causes.hpp"

#include <algorithm>
#include <array>

namespace holdfast::orchestrator::incidents {

namespace {
using F = FaultClass;
using R = Reach;

// Rising by cause. What is not here is no explanation; weights are judgement, not measurement.
constexpr std::array kExplanations = {
    Explanation{F::kCpuSaturation, F::kLatencyDrift, R::kPeers, 700'000},
    Explanation{F::kCpuSaturation, F::kLatencyDrift, R::kHost, 850'000},
    Explanation{F::kCpuSaturation, F::kQueueSaturation, R::kHost, 700'000},
    Explanation{F::kCpuSaturation, F::kLockContention, R::kHost, 500'000},
    Explanation{F::kCpuSaturation, F::kGrayFailure, R::kHost, 600'000},
    Explanation{F::kCpuSaturation, F::kReplicationLag, R::kPeers, 600'000},
    Explanation{F::kCpuSaturation, F::kHttpSlow, R::kHost, 600'000},
    Explanation{F::kCpuSaturation, F::kPacketDelay, R::kPeers, 400'000},
    Explanation{F::kCpuSaturation, F::kStorageStall, R::kHost, 400'000},
    Explanation{F::kCpuSaturation, F::kSlowDisk, R::kHost, 200'000},
    Explanation{F::kCpuSaturation, F::kVenueSlow, R::kHost, 400'000},
    Explanation{F::kNoisyNeighbour, F::kCpuSaturation, R::kHost, 700'000},
    Explanation{F::kNoisyNeighbour, F::kLatencyDrift, R::kPeers, 750'000},
    Explanation{F::kNoisyNeighbour, F::kQueueSaturation, R::kHost, 600'000},
    Explanation{F::kNoisyNeighbour, F::kReplicationLag, R::kPeers, 500'000},
    Explanation{F::kNoisyNeighbour, F::kPacketDelay, R::kPeers, 400'000},
    Explanation{F::kNoisyNeighbour, F::kHttpSlow, R::kHost, 500'000},
    Explanation{F::kNoisyNeighbour, F::kVenueSlow, R::kHost, 300'000},
    Explanation{F::kMemoryPressure, F::kSlowDisk, R::kHost, 500'000},
    Explanation{F::kMemoryPressure, F::kStorageStall, R::kHost, 500'000},
    Explanation{F::kMemoryPressure, F::kLatencyDrift, R::kPeers, 700'000},
    Explanation{F::kMemoryPressure, F::kCpuSaturation, R::kHost, 400'000},
    Explanation{F::kMemoryPressure, F::kCrashLoop, R::kMember, 600'000},
    Explanation{F::kMemoryPressure, F::kGrayFailure, R::kMember, 600'000},
    Explanation{F::kMemoryPressure, F::kReplicationLag, R::kPeers, 500'000},
    Explanation{F::kLockContention, F::kLatencyDrift, R::kMember, 800'000},
    Explanation{F::kLockContention, F::kQueueSaturation, R::kMember, 700'000},
    Explanation{F::kLockContention, F::kGrayFailure, R::kMember, 500'000},
    Explanation{F::kLockContention, F::kReplicationLag, R::kPeers, 500'000},
    Explanation{F::kClockStep, F::kLatencyDrift, R::kMember, 400'000},
    Explanation{F::kClockStep, F::kFeedGap, R::kMember, 300'000},
    Explanation{F::kClockStep, F::kPacketDelay, R::kLink, 300'000},
    Explanation{F::kCrashLoop, F::kGrayFailure, R::kMember, 500'000},
    Explanation{F::kCrashLoop, F::kReplicationLag, R::kPeers, 600'000},
    Explanation{F::kCrashLoop, F::kLatencyDrift, R::kPeers, 600'000},
    Explanation{F::kCrashLoop, F::kQueueSaturation, R::kMember, 500'000},
    Explanation{F::kCrashLoop, F::kUnknownOrders, R::kAnywhere, 400'000},
    Explanation{F::kCrashLoop, F::kHttpErrors, R::kMember, 400'000},
    Explanation{F::kGrayFailure, F::kLatencyDrift, R::kPeers, 700'000},
    Explanation{F::kGrayFailure, F::kQueueSaturation, R::kMember, 700'000},
    Explanation{F::kGrayFailure, F::kReplicationLag, R::kPeers, 600'000},
    Explanation{F::kGrayFailure, F::kHttpSlow, R::kMember, 400'000},
    Explanation{F::kPacketDelay, F::kReplicationLag, R::kLink, 800'000},
    Explanation{F::kPacketDelay, F::kLatencyDrift, R::kLink, 750'000},
    Explanation{F::kPacketDelay, F::kQueueSaturation, R::kLink, 400'000},
    Explanation{F::kPacketDelay, F::kHttpSlow, R::kLink, 300'000},
    Explanation{F::kPacketDelay, F::kVenueSlow, R::kMember, 400'000},
    Explanation{F::kPacketLoss, F::kPacketDelay, R::kLink, 700'000},
    Explanation{F::kPacketLoss, F::kReplicationLag, R::kLink, 800'000},
    Explanation{F::kPacketLoss, F::kLatencyDrift, R::kLink, 700'000},
    Explanation{F::kPacketLoss, F::kFeedGap, R::kLink, 700'000},
    Explanation{F::kPacketLoss, F::kHttpErrors, R::kLink, 300'000},
    Explanation{F::kPartition, F::kPacketLoss, R::kLink, 900'000},
    Explanation{F::kPartition, F::kPacketDelay, R::kLink, 800'000},
    Explanation{F::kPartition, F::kReplicationLag, R::kLink, 900'000},
    Explanation{F::kPartition, F::kLatencyDrift, R::kLink, 700'000},
    Explanation{F::kPartition, F::kQueueSaturation, R::kLink, 400'000},
    Explanation{F::kFeedGap, F::kFillDrift, R::kAnywhere, 500'000},
    Explanation{F::kFeedGap, F::kRejectSpike, R::kAnywhere, 300'000},
    Explanation{F::kReplicationLag, F::kLatencyDrift, R::kPeers, 500'000},
    Explanation{F::kReplicationLag, F::kQueueSaturation, R::kPeers, 400'000},
    Explanation{F::kSlowDisk, F::kStorageStall, R::kHost, 850'000},
    Explanation{F::kSlowDisk, F::kReplicationLag, R::kPeers, 800'000},
    Explanation{F::kSlowDisk, F::kLatencyDrift, R::kPeers, 800'000},
    Explanation{F::kSlowDisk, F::kQueueSaturation, R::kPeers, 600'000},
    Explanation{F::kSlowDisk, F::kGrayFailure, R::kMember, 500'000},
    Explanation{F::kSlowDisk, F::kLockContention, R::kMember, 300'000},
    Explanation{F::kFullDisk, F::kSlowDisk, R::kHost, 400'000},
    Explanation{F::kFullDisk, F::kStorageStall, R::kHost, 800'000},
    Explanation{F::kFullDisk, F::kReplicationLag, R::kPeers, 700'000},
    Explanation{F::kFullDisk, F::kLatencyDrift, R::kPeers, 600'000},
    Explanation{F::kFullDisk, F::kCrashLoop, R::kMember, 600'000},
    Explanation{F::kStorageStall, F::kReplicationLag, R::kPeers, 700'000},
    Explanation{F::kStorageStall, F::kLatencyDrift, R::kPeers, 750'000},
    Explanation{F::kStorageStall, F::kQueueSaturation, R::kPeers, 600'000},
    Explanation{F::kLatencyDrift, F::kFillDrift, R::kAnywhere, 300'000},
    Explanation{F::kQueueSaturation, F::kLatencyDrift, R::kMember, 600'000},
    Explanation{F::kQueueSaturation, F::kRejectSpike, R::kAnywhere, 300'000},
    Explanation{F::kRejectSpike, F::kFillDrift, R::kAnywhere, 400'000},
    Explanation{F::kVenueSlow, F::kLatencyDrift, R::kAnywhere, 800'000},
    Explanation{F::kVenueSlow, F::kUnknownOrders, R::kAnywhere, 600'000},
    Explanation{F::kVenueSlow, F::kFillDrift, R::kAnywhere, 500'000},
    Explanation{F::kVenueSlow, F::kQueueSaturation, R::kAnywhere, 300'000},
    Explanation{F::kHttpThrottled, F::kHttpErrors, R::kMember, 600'000},
    Explanation{F::kHttpThrottled, F::kHttpSlow, R::kMember, 600'000},
    Explanation{F::kHttpErrors, F::kHttpSlow, R::kMember, 400'000},
};

/// The same fault, seen by several members of one host.
constexpr uint32_t kSameHostPpm = 900'000;
bool of_host(FaultClass fault) {
  const auto domain = domain_of(fault);
  return fault != F::kCrashLoop && fault != F::kGrayFailure && fault != F::kLockContention &&
         (domain == telemetry::Domain::kCpu || domain == telemetry::Domain::kIo);
}

bool same_host(MemberId a, MemberId b, const World& world) {
  if (!a || !b || a == b) return true;
  const MemberView* one = world.find(a);
  const MemberView* other = world.find(b);
  return one && other && one->host != 0 && one->host == other->host;
}

bool in_group(const GroupPlace& place, MemberId member) {
  return place.leader == member ||
         std::find(place.in_sync.begin(), place.in_sync.end(), member) != place.in_sync.end();
}

bool peers(MemberId a, MemberId b, const World& world) {
  if (same_host(a, b, world)) return true;
  return std::any_of(
      world.topology.groups.begin(), world.topology.groups.end(),
      [&](const GroupPlace& place) { return in_group(place, a) && in_group(place, b); });
}

bool reaches(Reach reach, const Place& cause, const Place& effect, const World& world) {
  switch (reach) {
    case Reach::kMember:
      return !cause.member || !effect.member || cause.member == effect.member;
    case Reach::kHost:
      return same_host(cause.member, effect.member, world);
    case Reach::kPeers:
      return peers(cause.member, effect.member, world);
    case Reach::kLink: {
      const MemberView* other = world.find(cause.instance.view());
      if (!other) return peers(cause.member, effect.member, world);
      return !cause.member || !effect.member || effect.member == cause.member ||
             effect.member == other->id;
    }
    case Reach::kAnywhere:
      return true;
  }
  return false;
}
}  // namespace

std::span<const Explanation> explanations() { return kExplanations; }

bool same_place(const Place& a, const Place& b) {
  return (!a.member || !b.member || a.member == b.member) &&
         (!a.group || !b.group || a.group == b.group) &&
         (a.instance.empty() || b.instance.empty() || a.instance == b.instance);
}

uint32_t explains(const Finding& cause, const Finding& effect, const World& world) {
  if (cause.fault == effect.fault) {
    if (same_place(cause.place, effect.place)) return 1'000'000;
    return of_host(cause.fault) && same_host(cause.place.member, effect.place.member, world)
               ? kSameHostPpm
               : 0;
  }
  uint32_t weight = 0;
  for (const Explanation& row : kExplanations)
    if (row.cause == cause.fault && row.effect == effect.fault && row.weight_ppm > weight &&
        reaches(row.reach, cause.place, effect.place, world))
      weight = row.weight_ppm;
  return weight;
}

}  // namespace holdfast::orchestrator::incidents
