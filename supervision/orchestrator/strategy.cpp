#include "supervision/orchestrator/strategy.hpp"

#include <algorithm>

namespace holdfast::orchestrator {

namespace {
constexpr Duration kRepeated = Duration::seconds(60);
constexpr std::size_t kRepeatsMax = 3;
constexpr std::size_t kRootsMax = 2;

/// How often the same failed shortly before.
std::size_t repeats(const Failure& failure, const std::deque<Decision>& history) {
  return static_cast<std::size_t>(
      std::count_if(history.begin(), history.end(), [&](const Decision& decision) {
        return decision.failure.member == failure.member && decision.failure.path == failure.path &&
               decision.failure.kind == failure.kind &&
               failure.at - decision.failure.at <= kRepeated;
      }));
}

/// Who may lead in the failed member's place; zero: nobody.
MemberId successor(const Failure& failure, const Topology& topology) {
  for (const GroupPlace& place : topology.groups) {
    if (place.group != failure.group || place.leader != failure.member) continue;
    for (const MemberId member : place.in_sync)
      if (member != failure.member) return member;
  }
  return {};
}
}  // namespace

std::string_view to_text(FailureKind kind) {
  switch (kind) {
    case FailureKind::kGaveUp:
      return "gave_up";
    case FailureKind::kQuarantined:
      return "quarantined";
    case FailureKind::kHung:
      return "hung";
    case FailureKind::kRootGaveUp:
      return "root_gave_up";
    case FailureKind::kProcessDied:
      return "process_died";
    case FailureKind::kProcessFenced:
      return "process_fenced";
    case FailureKind::kProcessHung:
      return "process_hung";
    case FailureKind::kProcessUnstable:
      return "process_unstable";
  }
  return "?";
}

std::string_view to_text(Remedy remedy) {
  switch (remedy) {
    case Remedy::kRestartHere:
      return "restart_here";
    case Remedy::kRestartClean:
      return "restart_clean";
    case Remedy::kPromote:
      return "promote";
    case Remedy::kDrain:
      return "drain";
    case Remedy::kHalt:
      return "halt";
  }
  return "?";
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOpen:
      return "open";
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
  }
  return "?";
}

Advice by_restart_policy(const Failure& failure, const Topology& topology,
                         const std::deque<Decision>& history) {
  const std::size_t before = repeats(failure, history);
  const std::string again = std::to_string(before + 1) + " failures within a minute";
  switch (failure.kind) {
    case FailureKind::kQuarantined:
      return {Remedy::kHalt, {}, "its input kills it again: it stays down until it is released"};
    case FailureKind::kHung:
      return {Remedy::kDrain, {}, "an actor that survives its kill goes only with its process"};
    case FailureKind::kRootGaveUp:
      if (before >= kRootsMax) return {Remedy::kDrain, {}, again};
      [[fallthrough]];
    case FailureKind::kProcessDied:
    case FailureKind::kProcessFenced:
    case FailureKind::kProcessHung:
      return {Remedy::kRestartHere, {}, "its guard has started it again"};
    case FailureKind::kProcessUnstable:
      return {Remedy::kDrain, {}, "others lead until it stays up"};
    case FailureKind::kGaveUp:
      break;
  }
  if (before == 0) return {Remedy::kRestartHere, {}, "the first failure: the tree restarts it"};
  if (before > kRepeatsMax) return {Remedy::kHalt, {}, again};
  if (const MemberId member = successor(failure, topology))
    return {Remedy::kPromote, member, again};
  return {Remedy::kRestartClean, {}, again};
}

}  // namespace holdfast::orchestrator
