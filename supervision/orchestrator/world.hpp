// What whoever leads the orchestrator's group knows of the world at the moment in which it decides:
// who leads what, which members there are, the policy, and the workflows. It comes in with a
// command and is never journaled: what was concluded from it is in the events. The policy comes in
// as a function, so that this room's cores ask it without knowing how its rules are written.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "messages/remediation.hpp"
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

/// What the policy is asked, with what only the orchestrator's state knows. Pointers hold for the
/// call.
struct Question {
  const Proposal* proposal = nullptr;
  const Incident* incident = nullptr;  // null: about advice that is to stand, or an operator's word
  uint32_t blast_radius = 0;  // groups whose work it touches, those of running remedies too
  uint32_t active = 0;        // remedies that run
  uint32_t recent = 0;        // remedies begun within the limits' `rate_window`
  std::optional<Duration> since_same;  // since the same action last ended on the same target
  WallTime now;
};

/// Total and deterministic. A world without one denies everything.
using Judge = std::function<PolicyDecision(const Question&)>;

struct World {
  Topology topology;
  std::vector<MemberView> members;
  int64_t open_orders = 0;  // of all groups; -1: not known
  uint8_t phase = 0;        // of the session, as the policy numbers it; 0: not known
  Judge judge;
  std::shared_ptr<const remediation::Book> book;  // null: there are no workflows

  const GroupPlace* find(GroupId group) const;
  const MemberView* find(MemberId member) const;
  /// By its name, as instances of metrics spell it; null when no member is called so.
  const MemberView* find(std::string_view name) const;
};

/// What advice in advance depends on: the members, and who is in sync in each group. Who leads is
/// left out: it is looked at when the advice is used. Never 0.
uint64_t topology_digest(const World& world);

}  // namespace holdfast::orchestrator
