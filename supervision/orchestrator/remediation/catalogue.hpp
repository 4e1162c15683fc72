// The closed catalogue of remedial actions: for each kind what it is done to, what must hold
// before, what it brings about, what undoes it and how much it touches. A proposal is completed and
// checked against it before the policy sees it, and again right before a step is carried out.
#pragma once

#include "supervision/orchestrator/world.hpp"

namespace holdfast::orchestrator::remediation {

/// What an action is done to.
enum class TargetKind : uint8_t {
  kNothing = 0,
  kActor,     // a place: member, and a group or a path
  kGroup,     // a replica group, at the member that leads it
  kMember,    // a node
  kVenue,     // the instance names it
  kEndpoint,  // the instance names it
  kCluster,   // all of it
};

/// What must hold before. Bits.
enum Needs : uint32_t {
  kNeedsMember = 1,          // the target names a member that there is
  kNeedsGroup = 2,           // the target names a group that there is
  kNeedsLeader = 4,          // the target's member leads the target's group
  kNeedsSuccessor = 8,       // another reachable in-sync member can lead it
  kNeedsAllSuccessors = 16,  // of every group that the member leads
  kNeedsInstance = 32,       // the target names an instance
  kNeedsAmount = 64,         // within the kind's range
  kNeedsReachable = 128,     // the member answers
};

struct ActionInfo {
  ActionKind kind = ActionKind::kNone;
  TargetKind target = TargetKind::kNothing;
  uint32_t needs = 0;
  ActionKind inverse = ActionKind::kNone;  // kNone: can't be undone, or needs no undoing
  int64_t amount_min = 0, amount_max = 0;
  bool disturbs = false;    // work of the target stops for a moment
  std::string_view effect;  // in words, for operators
};

/// Every kind of action but kNone and kPage, rising by code. kPage is a note, never a step.
std::span<const ActionInfo> catalogue();
/// Null for kNone, kPage and what is no kind.
const ActionInfo* find_action(ActionKind kind);

/// Why an action can't be done here and now.
enum class Unfit : uint8_t {
  kNo = 0,
  kUnknownAction,
  kUnknownMember,
  kUnknownGroup,
  kNotLeader,
  kNoSuccessor,
  kBadSuccessor,  // named, but not in sync, not reachable or the same
  kNoInstance,
  kBadAmount,
  kUnreachable,
  kNoMeans,  // no executor can do it
};
inline constexpr uint8_t kUnfitCodes = 10;
std::string_view to_text(Unfit unfit);

/// Fills in what the action leaves open (the group's leader as the target's member, the successor
/// that the topology prefers) and checks its preconditions. `action` is completed in place.
Unfit complete(Action& action, const World& world);

/// Groups whose work the action touches, at least 1; of a completed action.
uint32_t blast_radius(const Action& action, const World& world);

/// What undoes a completed action that was done when `previous` was the amount in force; nothing
/// where nothing does.
std::optional<Action> inverse_of(const Action& action, std::optional<int64_t> previous);

}  // namespace holdfast::orchestrator::remediation
