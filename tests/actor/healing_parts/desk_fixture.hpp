// A cluster of three and what is asked about it, for the tests of the advice desk.
#pragma once

#include <memory>
#include <string>

#include "supervision/orchestrator/advice/request.hpp"

namespace holdfast::node {

inline constexpr MemberId kA{1}, kB{2}, kC{3};
inline constexpr GroupId kOrders{1};
inline constexpr WallTime kStart{1'700'000'000'000'000'000};

/// a leads the orders, all three are in sync; what may be done about anything: migrate, promote,
/// drain.
inline std::shared_ptr<const orchestrator::World> three_members() {
  using namespace orchestrator;
  auto world = std::make_shared<World>();
  world->topology.groups = {{kOrders, kA, {kA, kB, kC}}};
  world->members = {{kA, "a", 0, true}, {kB, "b", 0, true}, {kC, "c", 0, true}};
  world->open_orders[kOrders] = 5;
  auto book = std::make_shared<remediation::Book>();
  for (const ActionKind kind : {ActionKind::kMigrate, ActionKind::kPromote, ActionKind::kDrain}) {
    remediation::Workflow workflow;
    workflow.name = std::string(to_text(kind));
    workflow.action = kind;
    workflow.steps = {{kind, 0, Duration::seconds(5), 1}};
    book->workflows.push_back(std::move(workflow));
  }
  world->book = std::move(book);
  return world;
}

/// About a slow disk where the orders are led.
inline orchestrator::healing::AskAdvice slow_disk_ask(uint64_t number, WallTime now,
                                                      Duration within = Duration::seconds(3)) {
  orchestrator::healing::AskAdvice out;
  out.ask.number = number;
  out.ask.incident = out.incident.number = 100 + number;
  out.ask.made = now;
  out.ask.expires = now + within;
  out.incident.cause = FaultClass::kSlowDisk;
  out.incident.place = {kA, kOrders, {}};
  out.incident.confidence_ppm = 900'000;
  out.incident.severity = Severity::kCritical;
  out.incident.began = out.incident.opened = now;
  Finding finding;
  finding.agent = {telemetry::Domain::kIo, 1};
  finding.number = 1;
  finding.fault = FaultClass::kSlowDisk;
  finding.place = out.incident.place;
  finding.confidence_ppm = 900'000;
  finding.began = finding.found = now;
  finding.evidence.push_back({telemetry::Metric::kFsyncLatency, finding.place, DetectorKind::kCusum,
                              91'000, 400, 5'200, now, now});
  out.incident.findings.push_back(std::move(finding));
  return out;
}

/// In advance: an order shard's supervisor gives up.
inline orchestrator::healing::AskAdvice standing_ask(uint64_t number, WallTime now,
                                                     const orchestrator::World& world) {
  using namespace orchestrator;
  healing::AskAdvice out;
  out.ask.number = number;
  out.ask.made = now;
  out.ask.expires = now + healing::kStandingAskWithin;
  out.ask.key = {advice::ActorClass::kOrderShard, advice::failure_code(FailureKind::kGaveUp),
                 topology_digest(world)};
  return out;
}

}  // namespace holdfast::node
