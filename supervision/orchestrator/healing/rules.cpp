// The deterministic part of the loop: which actions a cause calls for when nobody advises, where an
// action is aimed, and which failures of a tree are findings.
#include <algorithm>

#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::orchestrator::healing {

namespace {
using K = ActionKind;
using F = FaultClass;
constexpr Duration kRepeated = Duration::seconds(60);
constexpr int64_t kThrottleTo = 500'000;

std::vector<K> kinds_for(F cause) {
  switch (cause) {
    case F::kCrashLoop:
    case F::kGrayFailure:
      return {K::kMigrate, K::kPromote, K::kRestartClean, K::kRestartActor};
    case F::kLockContention:
      return {K::kMigrate, K::kRestartActor};
    case F::kCpuSaturation:
      return {K::kDrain, K::kThrottle};
    case F::kNoisyNeighbour:
    case F::kSlowDisk:
      return {K::kDrain};
    case F::kMemoryPressure:
      return {K::kShrinkCache, K::kDrain};
    case F::kStorageStall:
      return {K::kFlushStorage, K::kDrain};
    case F::kFullDisk:
      return {K::kCompactStorage, K::kDrain};
    case F::kPacketDelay:
    case F::kPacketLoss:
      return {K::kDrain};
    case F::kQueueSaturation:
      return {K::kThrottle};
    case F::kVenueSlow:
      return {K::kRerouteOrders};
    case F::kFeedGap:
    case F::kHttpThrottled:
    case F::kHttpErrors:
    case F::kHttpSlow:
      return {K::kSwitchEndpoint};
    // Partitions and lag are the replication layer's own; a clock, a spike of rejects, a drift or
    // an unknown order wants a person.
    default:
      return {};
  }
}
}  // namespace

Action aim(Action action, const Incident& incident, const World& world) {
  const remediation::ActionInfo* info = remediation::find_action(action.kind);
  if (!info) return action;
  Place& target = action.target;
  const Place& place = incident.place;
  if (!target.member && !target.group && info->target != remediation::TargetKind::kCluster) {
    target.member = place.member;
    if (info->target == remediation::TargetKind::kGroup ||
        info->target == remediation::TargetKind::kActor)
      target.group = place.group;
  }
  if (target.instance.empty() && (info->target == remediation::TargetKind::kActor ||
                                  (info->needs & remediation::kNeedsInstance)))
    target.instance = place.instance;
  if (info->target == remediation::TargetKind::kGroup && !target.group && target.member)
    for (const GroupPlace& group : world.topology.groups)
      if (group.leader == target.member) {
        target.group = group.group;
        break;
      }
  return action;
}

std::vector<Action> by_rules(const Incident& incident, const World& world) {
  std::vector<Action> actions;
  for (const K kind : kinds_for(incident.cause)) {
    Action action;
    action.kind = kind;
    if (kind == K::kThrottle) action.amount = kThrottleTo;
    actions.push_back(aim(action, incident, world));
  }
  return actions;
}

std::optional<Finding> finding_of(const Decision& decision, const std::deque<Decision>& history) {
  const Failure& failure = decision.failure;
  const auto before = std::count_if(history.begin(), history.end(), [&](const Decision& past) {
    return past.number < decision.number && past.failure.member == failure.member &&
           past.failure.path == failure.path && failure.at - past.failure.at <= kRepeated;
  });
  Finding finding;
  finding.fault = F::kCrashLoop;
  switch (failure.kind) {
    case FailureKind::kGaveUp:
    case FailureKind::kRootGaveUp:
      if (before == 0) return std::nullopt;  // once is no loop
      break;
    case FailureKind::kProcessDied:
    case FailureKind::kProcessFenced:
      return std::nullopt;  // its guard started it again, and tells when that is too often
    case FailureKind::kHung:
    case FailureKind::kProcessHung:
      finding.fault = F::kGrayFailure;
      break;
    case FailureKind::kQuarantined:
    case FailureKind::kProcessUnstable:
      break;
  }
  finding.agent = {domain_of(finding.fault), 0};
  finding.number = decision.number;
  finding.place.member = failure.member;
  finding.place.group = failure.group;
  const std::string path = failure.path.substr(0, telemetry::Instance::kCapacity);
  if (auto instance = telemetry::Instance::parse(path)) finding.place.instance = instance.value();
  finding.severity = Severity::kCritical;
  finding.confidence_ppm = 950'000;
  finding.began = finding.found = decision.at;
  Evidence evidence;
  evidence.metric = telemetry::Metric::kProcessRestarts;
  evidence.place = finding.place;
  evidence.detector = DetectorKind::kEvent;
  evidence.value = before + 1;
  evidence.score_milli = 1'000;
  evidence.began = evidence.seen = decision.at;
  finding.evidence.push_back(evidence);
  return finding;
}

}  // namespace holdfast::orchestrator::healing
