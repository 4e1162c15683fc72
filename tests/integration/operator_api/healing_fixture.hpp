// A self-healing loop in the middle of a bad night, as the operator API shows it: one incident that
// waits for an approval, one that policy only recommends something for, one that advisors are asked
// about, and one that is over.
#pragma once

#include "nodes/node/api/healing/healing_board.hpp"

namespace holdfast::operator_api {

inline WallTime night(int64_t seconds) { return {(1'800'000'000 + seconds) * 1'000'000'000}; }

inline Finding finding_at(FaultClass fault, MemberId member, const char* instance,
                          telemetry::Metric metric, int64_t value, int64_t expected) {
  Finding finding;
  finding.agent = {domain_of(fault), 1};
  finding.number = 3;
  finding.fault = fault;
  finding.place = {member, {}, instance};
  finding.severity = Severity::kCritical;
  finding.confidence_ppm = 930'000;
  finding.began = night(0);
  finding.found = night(1);
  Evidence evidence;
  evidence.metric = metric;
  evidence.place = finding.place;
  evidence.detector = DetectorKind::kCusum;
  evidence.value = value;
  evidence.expected = expected;
  evidence.score_milli = 4'000;
  evidence.began = evidence.seen = night(0);
  finding.evidence = {evidence, evidence};
  finding.precedents = {{41, 800'000}};
  return finding;
}

inline Incident incident_of(uint64_t number, Finding finding) {
  Incident incident;
  incident.number = number;
  incident.began = incident.opened = finding.began;
  incident.cause = finding.fault;
  incident.place = finding.place;
  incident.confidence_ppm = 930'000;
  incident.severity = finding.severity;
  incident.findings = {std::move(finding)};
  return incident;
}

inline Action action_of(ActionKind kind, GroupId group, MemberId member, MemberId to = {}) {
  Action action;
  action.kind = kind;
  action.target.group = group;
  action.target.member = member;
  action.to = to;
  return action;
}

inline orchestrator::remediation::Remedy remedy_of(uint64_t number, const Incident& incident,
                                                   const Action& action) {
  using namespace orchestrator::remediation;
  Remedy remedy;
  remedy.number = number;
  remedy.incident = incident.number;
  remedy.cause = incident.cause;
  remedy.place = incident.place;
  remedy.proposal.incident = incident.number;
  remedy.proposal.action = action;
  remedy.proposal.advisor = AdvisorKind::kModel;
  remedy.proposal.confidence_ppm = 800'000;
  remedy.proposal.reason = "another member has a good link";
  remedy.decision = {Verdict::kAllow, "migrate-by-day", "in sync elsewhere", 0, {}};
  remedy.plan.workflow = "migrate-group";
  remedy.plan.steps = {{action, Duration::seconds(5), 1}};
  Objective latency;
  latency.kind = ObjectiveKind::kAtMost;
  latency.metric = telemetry::Metric::kOrderLatency;
  latency.bound = 5'000;
  remedy.plan.after = {Objective{}, latency};
  remedy.opened = remedy.phase_since = night(3);
  return remedy;
}

inline HealingBoard healing_board() {
  using namespace orchestrator::remediation;
  auto view = std::make_shared<orchestrator::HealingView>();
  HealingBoard board;
  board.names.members = {{1, "node-1"}, {2, "node-2"}, {3, "node-3"}};
  board.names.groups = {{1, "orders/0"}, {1'001, "venue/XSIM"}, {2'001, "orchestrator"}};
  board.member = "node-1";
  board.leader = "node-2";
  board.now = night(125);
  view->self = {1};
  view->as_of = 4'711;

  // 7 waits for a second person.
  const Incident delay = incident_of(7, finding_at(FaultClass::kPacketDelay, {2}, "node-3",
                                                   telemetry::Metric::kPeerRtt, 4'100, 300));
  Remedy waits = remedy_of(12, delay, action_of(ActionKind::kMigrate, {1}, {2}, {3}));
  waits.decision = {Verdict::kNeedsApproval, "migrate-by-night", "two persons at night", 2,
                    Duration::seconds(300)};
  waits.phase = Phase::kAwaitingApproval;
  waits.words = {{"bob", night(60), true}};
  view->cases[7] = {};
  view->cases[7].decided = true;
  view->cases[7].remedy = 12;
  view->cases[7].remedies = 1;
  view->cases[7].rounds = 1;
  view->cases[7].fresh = {waits.proposal};
  // 8: policy only recommends.
  Incident disk = incident_of(8, finding_at(FaultClass::kSlowDisk, {1}, "vda",
                                            telemetry::Metric::kDiskLatency, 90'000, 400));
  disk.severity = disk.findings[0].severity = Severity::kWarning;
  disk.findings[0].number = 4;
  view->cases[8].decided = true;
  orchestrator::healing::Considered drain;
  drain.incident = 8;
  drain.source = orchestrator::healing::Source::kRules;
  drain.proposal.incident = 8;
  drain.proposal.action = action_of(ActionKind::kDrain, {}, {1});
  drain.proposal.reason = "the deterministic strategy";
  drain.decision = {Verdict::kRecommend, "drain-is-for-people", "", 0, {}};
  orchestrator::healing::Considered vain = drain;
  vain.incident = 0;
  vain.source = orchestrator::healing::Source::kOperator;
  vain.proposal.advisor = AdvisorKind::kOperator;
  vain.held = Held::kCooldown;
  view->recommended = {vain, drain};
  // 9: advisors are asked.
  Incident gap = incident_of(
      9, finding_at(FaultClass::kFeedGap, {3}, "feed", telemetry::Metric::kFeedGaps, 7, 0));
  gap.findings[0].number = 5;
  view->cases[9].ask = 31;
  view->cases[9].rounds = 2;
  view->asks = {{31, 9, {}, night(120), night(123), {ActionKind::kSwitchEndpoint}},
                {32,
                 0,
                 {orchestrator::advice::ActorClass::kStorage,
                  orchestrator::advice::failure_code(FaultClass::kFullDisk), 99},
                 night(121),
                 night(241),
                 {}}};
  // 5 is over, by remedy 11.
  Incident over = incident_of(5, finding_at(FaultClass::kCrashLoop, {1}, "node/orders",
                                            telemetry::Metric::kProcessRestarts, 9, 0));
  over.place.group = {1};
  over.findings[0].over = true;
  over.findings[0].evidence.clear();
  over.findings[0].number = 2;
  over.closed = night(40);
  Remedy done = remedy_of(11, over, action_of(ActionKind::kMigrate, {1}, {1}, {2}));
  done.phase = Phase::kEnded;
  done.started = night(4);
  done.ended = night(9);
  done.outcome = RemedyOutcome::kSucceeded;
  done.before = {std::nullopt, 9'000};
  done.values = {std::nullopt, 800};
  done.steps = {{{5, 11, 0, 1, false},
                 done.proposal.action,
                 night(4),
                 night(9),
                 StepOutcome::kDone,
                 std::nullopt,
                 "orders/0 is led by node-2"}};
  view->incidents = {delay, disk, gap, over};
  view->remedies = {waits, done};

  orchestrator::advice::Entry entry;
  entry.key = {orchestrator::advice::ActorClass::kOrderShard,
               orchestrator::advice::failure_code(FaultClass::kCrashLoop), 0xabc};
  entry.proposal.action.kind = ActionKind::kMigrate;
  entry.proposal.reason = "state is journaled, a fresh process helps";
  entry.rule = "migrate-by-day";
  entry.open_orders_max = 1'000;
  entry.phase = policy::SessionPhase::kOpen;
  entry.made = night(0);
  entry.expires = night(3'725);
  view->standing = {entry};
  view->counters = {20, 9, 1, 14, 2, 12, 0};
  view->last_note = 77;
  view->notes_waiting = 4;
  board.view = std::move(view);
  return board;
}

}  // namespace holdfast::operator_api
