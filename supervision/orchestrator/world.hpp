// What whoever leads the orchestrator's group knows of the world at the moment in which it decides:
// who leads what, which members there are, the policy, and the workflows. It comes in with a
// command and is never journaled: what was concluded from it is in the events.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "messages/remediation.hpp"
#include "supervision/orchestrator/clock.hpp"
#include "supervision/orchestrator/policy/policy.hpp"
#include "supervision/orchestrator/strategy.hpp"

namespace holdfast::orchestrator {

namespace remediation {
struct Book;
}

struct MemberView {
  MemberId id;
  telemetry::Instance name;
  uint32_t host = 0;  // members with the same number, not 0, share processors and disks
  bool reachable = true;
};

struct World {
  Topology topology;
  std::vector<MemberView> members;
  std::map<GroupId, int64_t> open_orders;  // by order shard and gateway; missing: not known
  std::optional<Notional> position;        // gross, of all accounts
  policy::SessionPhase phase = policy::SessionPhase::kUnknown;
  policy::ClockQuality clock = policy::ClockQuality::kUnknown;
  WallClock wall_clock;                           // the leader's own, for the audit
  std::shared_ptr<const policy::Policy> policy;   // null: everything is denied
  std::shared_ptr<const remediation::Book> book;  // null: there are no workflows
  /// Names of the venues, by their gateways' groups; empty: not known, and any name is taken.
  std::map<GroupId, telemetry::Instance> venues;
  /// Actions that no executor has means for: not to be offered, and never begun.
  std::vector<ActionKind> without_means;

  const GroupPlace* find(GroupId group) const;
  const MemberView* find(MemberId member) const;
  /// By its name, as instances of metrics spell it; null when no member is called so.
  const MemberView* find(std::string_view name) const;
};

/// What advice in advance depends on: the members, and who is in sync in each group. Who leads is
/// left out: it is looked at when the advice is used. Never 0.
uint64_t topology_digest(const World& world);

}  // namespace holdfast::orchestrator
