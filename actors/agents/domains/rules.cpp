#include "actors/agents/domains/rules.hpp"

#include <algorithm>
#include <array>

#include "messages/check.hpp"

namespace holdfast::agents {

using telemetry::Domain;
using telemetry::Metric;

namespace {
constexpr Duration kSoon = Duration::milliseconds(200);
constexpr Duration kLater = Duration::milliseconds(600);

// Metrics that speak of the whole host or process, whatever their instance (a core, a disk).
bool is_wide(const Evidence& evidence) {
  return evidence.place.instance.empty() && !evidence.place.group;
}

// Whether an alarm says something about `place`.
bool concerns(const Evidence& evidence, const Place& place, Scope scope) {
  if (scope == Scope::kMember || is_wide(evidence)) return true;
  return evidence.place.instance == place.instance && evidence.place.group == place.group;
}

bool holds(const std::vector<Metric>& list, Metric metric) {
  return std::find(list.begin(), list.end(), metric) != list.end();
}

struct Match {
  std::vector<Evidence> evidence;
  std::vector<Metric> of, must;
  bool forbidden = false, severe_asked = false, severe = false;
};

void take_once(std::vector<Metric>& into, Metric metric) {
  if (!holds(into, metric)) into.push_back(metric);
}

Match match(const Rule& rule, std::span<const Alarm> alarms, const Place& place) {
  Match match;
  for (const Alarm& alarm : alarms) {
    const Metric metric = alarm.evidence.metric;
    if (!concerns(alarm.evidence, place, rule.scope)) continue;
    if (holds(rule.unless, metric)) match.forbidden = true;
    if (alarm.severe && holds(rule.not_severe, metric)) match.forbidden = true;
    if (alarm.severe && holds(rule.severe, metric)) match.severe_asked = true;
    const bool of = holds(rule.of, metric), must = holds(rule.must, metric);
    if (of) take_once(match.of, metric);
    if (must) take_once(match.must, metric);
    if (!of && !must && !holds(rule.adds, metric)) continue;
    match.evidence.push_back(alarm.evidence);
    match.severe = match.severe || alarm.severe;
  }
  return match;
}

bool speaks(const Rule& rule, const Match& match) {
  return !match.forbidden && match.of.size() >= rule.least &&
         match.must.size() == rule.must.size() && (rule.severe.empty() || match.severe_asked);
}

// The places a rule could speak of: where one of its own metrics is alarmed.
std::vector<Place> places_of(const Rule& rule, std::span<const Alarm> alarms) {
  std::vector<Place> places;
  for (const Alarm& alarm : alarms) {
    if (!holds(rule.of, alarm.evidence.metric)) continue;
    Place place = alarm.evidence.place;
    if (rule.scope == Scope::kMember) place = Place{place.member, {}, {}};
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  }
  return places;
}

std::vector<Rule> cpu_rules() {
  using M = Metric;
  return {
      // Steal by itself says whose fault it is.
      {.fault = FaultClass::kNoisyNeighbour,
       .of = {M::kCpuSteal},
       .adds = {M::kCpuRunQueue, M::kCpuPressure, M::kHotLoopLate, M::kHotLoopWait}},
      // Others take the processors: we wait, and do no more than usual ourselves.
      {.fault = FaultClass::kNoisyNeighbour,
       .of = {M::kCpuRunQueue, M::kCpuPressure, M::kHotLoopLate, M::kHotLoopWait},
       .least = 2,
       .unless = {M::kCpuSteal, M::kProcessCpu, M::kCpuThrottled, M::kMemoryPressure},
       .adds = {M::kCpuUtilization, M::kCpuCoreUtilization},
       .settle = kSoon},
      // We take them ourselves, and it hurts.
      {.fault = FaultClass::kCpuSaturation,
       .of = {M::kCpuRunQueue, M::kCpuPressure, M::kHotLoopLate, M::kHotLoopWait},
       .must = {M::kProcessCpu},
       .unless = {M::kCpuSteal, M::kMemoryPressure},
       .adds = {M::kCpuUtilization, M::kCpuCoreUtilization, M::kCpuThrottled},
       .settle = kSoon},
      {.fault = FaultClass::kCpuSaturation,
       .of = {M::kCpuThrottled},
       .adds = {M::kCpuUtilization, M::kHotLoopLate}},
      {.fault = FaultClass::kMemoryPressure,
       .of = {M::kMemoryPressure, M::kMemoryUsed, M::kMemoryMajorFaults},
       .adds = {M::kHotLoopLate, M::kCpuIowait}},
      {.fault = FaultClass::kClockStep, .of = {M::kClockStep, M::kClockOffset}},
      {.fault = FaultClass::kCrashLoop, .scope = Scope::kInstance, .of = {M::kProcessRestarts}},
      // It is late again and again, and nothing on the host explains it.
      {.fault = FaultClass::kGrayFailure,
       .of = {M::kHotLoopLate},
       .unless = {M::kCpuSteal, M::kCpuRunQueue, M::kCpuPressure, M::kHotLoopWait, M::kProcessCpu,
                  M::kCpuThrottled, M::kMemoryPressure, M::kMemoryMajorFaults, M::kCpuIowait},
       .settle = kLater},
  };
}

std::vector<Rule> network_rules() {
  using M = Metric;
  return {
      {.fault = FaultClass::kPartition,
       .scope = Scope::kInstance,
       .of = {M::kPeerLoss, M::kPeerReconnects},
       .severe = {M::kPeerLoss}},
      {.fault = FaultClass::kPacketLoss,
       .scope = Scope::kInstance,
       .of = {M::kPeerLoss},
       .unless = {M::kPeerRtt},
       .adds = {M::kTcpRetransmits, M::kPeerJitter, M::kPeerReconnects},
       .not_severe = {M::kPeerLoss},
       .settle = kSoon},
      {.fault = FaultClass::kPacketLoss,
       .of = {M::kTcpRetransmits},
       .unless = {M::kPeerLoss, M::kPeerRtt},
       .adds = {M::kPeerJitter, M::kTcpSocketQueue}},
      {.fault = FaultClass::kPacketDelay,
       .scope = Scope::kInstance,
       .of = {M::kPeerRtt, M::kVenueRtt},
       .adds = {M::kPeerJitter, M::kPeerLoss, M::kTcpSocketQueue},
       .not_severe = {M::kPeerLoss}},
      {.fault = FaultClass::kPacketDelay,
       .scope = Scope::kInstance,
       .of = {M::kPeerJitter},
       .unless = {M::kPeerRtt, M::kPeerLoss},
       .settle = kLater},
      {.fault = FaultClass::kFeedGap, .scope = Scope::kInstance, .of = {M::kFeedGaps, M::kFeedAge}},
      {.fault = FaultClass::kReplicationLag,
       .scope = Scope::kInstance,
       .of = {M::kReplicationLag},
       .unless = {M::kPeerLoss, M::kPeerRtt},
       .settle = kLater},
  };
}

std::vector<Rule> io_rules() {
  using M = Metric;
  return {
      {.fault = FaultClass::kFullDisk, .of = {M::kDiskFree, M::kDiskFreeInodes}},
      {.fault = FaultClass::kSlowDisk,
       .of = {M::kDiskLatency, M::kFsyncLatency},
       .adds = {M::kJournalWriteLatency, M::kDiskQueue, M::kDiskUtilization, M::kIoPressure}},
      // Writes wait, the disk moves no more than usual, and syncs tell nothing.
      {.fault = FaultClass::kSlowDisk,
       .of = {M::kJournalWriteLatency},
       .unless = {M::kDiskLatency, M::kFsyncLatency, M::kDiskThroughput},
       .adds = {M::kIoPressure, M::kDiskQueue}},
      // Writes wait while the disk is busy moving: flushes and compactions.
      {.fault = FaultClass::kStorageStall,
       .of = {M::kJournalWriteLatency},
       .must = {M::kDiskThroughput},
       .unless = {M::kDiskLatency, M::kFsyncLatency},
       .adds = {M::kDiskUtilization, M::kIoPressure},
       .settle = kLater},
  };
}

std::vector<Rule> execution_rules() {
  using M = Metric;
  return {
      {.fault = FaultClass::kLockContention,
       .scope = Scope::kInstance,
       .of = {M::kLockWait},
       .adds = {M::kActorProcessing, M::kMailboxAge}},
      {.fault = FaultClass::kQueueSaturation,
       .scope = Scope::kInstance,
       .of = {M::kQueueSaturation, M::kMailboxDepth, M::kMailboxAge},
       .unless = {M::kLockWait},
       .adds = {M::kActorProcessing, M::kCreditsWait}},
      {.fault = FaultClass::kRejectSpike, .scope = Scope::kInstance, .of = {M::kRejectRatio}},
      {.fault = FaultClass::kFillDrift,
       .scope = Scope::kInstance,
       .of = {M::kFillRatio, M::kSlippage},
       .unless = {M::kRejectRatio}},
      {.fault = FaultClass::kLatencyDrift,
       .scope = Scope::kInstance,
       .of = {M::kOrderLatency, M::kOrderStageLatency},
       .unless = {M::kLockWait},
       .adds = {M::kActorProcessing, M::kMailboxAge, M::kCreditsWait},
       .settle = kSoon},
      {.fault = FaultClass::kUnknownOrders, .scope = Scope::kInstance, .of = {M::kUnknownOrders}},
  };
}

std::vector<Rule> http_rules() {
  using M = Metric;
  return {
      {.fault = FaultClass::kHttpThrottled,
       .scope = Scope::kInstance,
       .of = {M::kHttpThrottled},
       .adds = {M::kHttpRetries, M::kHttpSuccess}},
      {.fault = FaultClass::kHttpErrors,
       .scope = Scope::kInstance,
       .of = {M::kHttpSuccess},
       .unless = {M::kHttpThrottled, M::kHttpTimeouts},
       .adds = {M::kHttpRetries},
       .settle = kSoon},
      {.fault = FaultClass::kHttpSlow,
       .scope = Scope::kInstance,
       .of = {M::kHttpLatency, M::kHttpTimeouts},
       .unless = {M::kHttpThrottled},
       .adds = {M::kHttpRetries, M::kHttpSuccess}},
  };
}
}  // namespace

std::span<const Rule> rules_of(Domain domain) {
  static const std::array<std::vector<Rule>, telemetry::kDomains> all = {
      cpu_rules(), network_rules(), io_rules(), execution_rules(), http_rules()};
  const auto at = static_cast<std::size_t>(domain) - 1;
  CHECK(at < all.size());
  return all[at];
}

uint32_t confidence_of(std::span<const Evidence> evidence) {
  // In parts per million of doubt that is left. Several series of one metric count once: they tell
  // the same thing.
  uint64_t doubt = 1'000'000;
  std::vector<Metric> counted;
  for (const Evidence& one : evidence) {
    if (holds(counted, one.metric)) continue;
    counted.push_back(one.metric);
    const uint64_t beyond =
        std::min<uint64_t>(one.score_milli, 3'000) - std::min<uint64_t>(one.score_milli, 1'000);
    const uint64_t weight = 600 + beyond * 300 / 2'000;  // 600 to 900 thousandths
    doubt = doubt * (1'000 - weight) / 1'000;
  }
  return static_cast<uint32_t>(1'000'000 - std::max<uint64_t>(doubt, 10'000));
}

std::vector<Hypothesis> reason(std::span<const Rule> rules, std::span<const Alarm> alarms) {
  std::vector<Hypothesis> found;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (const Place& place : places_of(rules[i], alarms)) {
      Match matched = match(rules[i], alarms, place);
      if (!speaks(rules[i], matched)) continue;
      // Two rules of one class at one place are one finding: the first tells it.
      const bool told = std::any_of(found.begin(), found.end(), [&](const Hypothesis& other) {
        return rules[other.rule].fault == rules[i].fault && other.place == place;
      });
      if (told) continue;
      auto& evidence = matched.evidence;
      std::stable_sort(evidence.begin(), evidence.end(), [](const Evidence& a, const Evidence& b) {
        return a.score_milli > b.score_milli;
      });
      if (evidence.size() > kEvidenceMax) evidence.resize(kEvidenceMax);
      Hypothesis one;
      one.rule = i;
      one.place = place;
      one.confidence_ppm = confidence_of(evidence);
      one.severity = matched.severe ? Severity::kCritical : Severity::kWarning;
      one.evidence = std::move(evidence);
      found.push_back(std::move(one));
    }
  }
  return found;
}

}  // namespace holdfast::agents
