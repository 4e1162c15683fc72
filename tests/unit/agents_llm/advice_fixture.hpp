// A question as the orchestrator asks it: a slow disk at the member that leads a group, with what
// may be done about it.
#pragma once

#include <string>

#include "messages/advice/advice.hpp"

namespace holdfast::llm {

inline constexpr MemberId kHere{987'654'321}, kThere{987'654'322}, kElsewhere{987'654'323};
inline constexpr GroupId kGroup{876'543'210};
inline constexpr WallTime kAt{1'700'000'000'000'000'000};

inline Place place_of(const std::string& instance = "") {
  return {kHere, kGroup, telemetry::Instance(instance)};
}

inline Finding slow_disk(const std::string& instance = "") {
  Finding finding;
  finding.agent = {telemetry::Domain::kIo, 1};
  finding.number = 7;
  finding.fault = FaultClass::kSlowDisk;
  finding.place = place_of(instance);
  finding.severity = Severity::kCritical;
  finding.confidence_ppm = 930'000;
  finding.began = kAt + Duration::seconds(-4);
  finding.found = kAt;
  finding.evidence.push_back({telemetry::Metric::kFsyncLatency, place_of(instance),
                              DetectorKind::kCusum, 91'000, 400, 5'200, kAt + Duration::seconds(-4),
                              kAt});
  finding.evidence.push_back({telemetry::Metric::kDiskQueue, place_of(instance),
                              DetectorKind::kResidual, 40, 2, 1'800, kAt + Duration::seconds(-3),
                              kAt});
  return finding;
}

inline AdviceRequest question(const std::string& instance = "") {
  AdviceRequest request;
  request.at = kAt;
  request.incident.number = 12;
  request.incident.cause = FaultClass::kSlowDisk;
  request.incident.place = place_of(instance);
  request.incident.confidence_ppm = 900'000;
  request.incident.severity = Severity::kCritical;
  request.incident.began = kAt + Duration::seconds(-4);
  request.incident.opened = kAt + Duration::seconds(-3);
  request.incident.findings.push_back(slow_disk(instance));
  request.facts = {{AdviceFact::kMembersInSync, 3}, {AdviceFact::kOpenOrders, 1'500}};
  request.precedents = {{{41, 870'000}, FaultClass::kSlowDisk, ActionKind::kMigrate, 3, 0, 0},
                        {{17, 610'000}, FaultClass::kSlowDisk, ActionKind::kFlushStorage, 0, 2, 1}};
  request.options = {
      {ActionKind::kFlushStorage, place_of(instance), {}, 0, 0, 0},
      {ActionKind::kMigrate, place_of(instance), {kThere, kElsewhere}, 0, 0, 0},
      {ActionKind::kThrottle, Place{}, {}, 100'000, 900'000, 500'000},
      {ActionKind::kDrain, Place{kHere, {}, {}}, {}, 0, 0, 0},
      {ActionKind::kPage, Place{}, {}, 0, 0, 0},
  };
  return request;
}

inline AdviceRequest standing_question() {
  AdviceRequest request = question();
  request.kind = AdviceKind::kStanding;
  request.incident = {};
  request.actor = ActorClass::kOrderShard;
  request.failure = FailureClass::kGaveUp;
  request.options = {{ActionKind::kPromote, Place{}, {}, 0, 0, 0},
                     {ActionKind::kRestartClean, Place{}, {}, 0, 0, 0}};
  return request;
}

/// A right answer to `question`. place-1 is the group at its member, place-2 everything, place-3
/// the member; member-2 is the first destination.
inline std::string right_answer() {
  return R"({"abstain":false,"proposals":[{"action":"migrate","target":"place-1","to":"member-1",)"
         R"("amount":0,"confidence_percent":80,"because":["evidence-1","precedent-1"],)"
         R"("note":"the disk is slow, the other member is in sync"}]})";
}

}  // namespace holdfast::llm
