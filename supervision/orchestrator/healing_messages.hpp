// What the self-healing loop's parts on a node and the orchestrator's actor tell each other. The
// actor takes commands from its node whether it leads or not: where it does not, they go to whoever
// does. Worlds are the leader's own and never travel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/runtime/local_message.hpp"

namespace holdfast::orchestrator {

/// A command of this node's parts: findings, answers of advisors, results of steps. None of time's.
struct HealingCommand {
  healing::Command command;
};
/// The same from another node, as healing::encode_command() made it.
struct ForwardedHealing {
  std::string bytes;
};
/// An operator's command (Propose, Approve, Reject, KillSwitch); the answer is HealingTaken.
struct OperatorHealing {
  healing::Command command;
};
struct HealingTaken {
  bool ok = false;
  std::string text;                       // why not, or where it went: for people
  uint64_t as_of = 0;                     // index of the journal that the decision was made on
  ErrorCode code = ErrorCode::kConflict;  // not ok: what `may` said, or kUnavailable
};
/// Asks how the loop stands, in this node's copy of the state; the answer is a shared HealingView.
struct HealingQuery {};
struct HealingView {
  MemberId self;
  bool leads = false;
  uint64_t as_of = 0;
  std::vector<Incident> incidents;          // open ones by number, then closed, the last first
  std::map<uint64_t, healing::Case> cases;  // of open incidents
  std::vector<remediation::Remedy>
      remedies;  // those that run by number, then ended, the last first
  std::vector<advice::Entry> standing;
  std::vector<healing::Considered> recommended;  // the last first
  std::vector<healing::Ask> asks;
  bool killed = false;
  Label killed_by;
  WallTime killed_at;
  healing::Counters counters;
  uint64_t last_note = 0, notes_waiting = 0;
};
using HealingViewAnswer = std::shared_ptr<const HealingView>;
HealingView view_of(const healing::State& state);

}  // namespace holdfast::orchestrator

HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::HealingCommand)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::ForwardedHealing)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::OperatorHealing)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::HealingTaken)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::HealingQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::HealingViewAnswer)
