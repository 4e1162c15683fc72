#include "supervision/orchestrator/advice/advised_strategy.hpp"

#include <algorithm>

namespace holdfast::orchestrator::advice {

namespace {
constexpr Duration kRepeated = Duration::seconds(60);
constexpr int64_t kRestartsMax = 2;  // by advice, of one place within kRepeated
constexpr int64_t kRepeatsMax = 3;   // beyond, it is left alone

std::optional<Remedy> remedy_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::kRestartActor:
      return Remedy::kRestartHere;
    case ActionKind::kRestartClean:
      return Remedy::kRestartClean;
    case ActionKind::kMigrate:
    case ActionKind::kPromote:
      return Remedy::kPromote;
    case ActionKind::kDrain:
      return Remedy::kDrain;
    default:  // "page" too: nobody but the deterministic strategy leaves an actor down
      return std::nullopt;
  }
}

ActionKind action_of(Remedy remedy) {
  switch (remedy) {
    case Remedy::kRestartHere:
      return ActionKind::kRestartActor;
    case Remedy::kRestartClean:
      return ActionKind::kRestartClean;
    case Remedy::kPromote:
      return ActionKind::kPromote;
    case Remedy::kDrain:
      return ActionKind::kDrain;
    case Remedy::kHalt:
      break;
  }
  return ActionKind::kPage;
}

bool in_sync(const GroupPlace& place, MemberId member) {
  return std::find(place.in_sync.begin(), place.in_sync.end(), member) != place.in_sync.end();
}

/// Whether another member can take what the failed one leads.
bool has_successor(const GroupPlace& place, MemberId failed) {
  return std::any_of(place.in_sync.begin(), place.in_sync.end(),
                     [&](MemberId member) { return member != failed; });
}

std::optional<MemberId> successor(const Entry& entry, const Failure& failure,
                                  const Topology& topology) {
  for (const GroupPlace& place : topology.groups) {
    if (place.group != failure.group) continue;
    if (!failure.group || place.leader != failure.member) return std::nullopt;
    if (const MemberId to = entry.proposal.action.to)
      return to != failure.member && in_sync(place, to) ? std::optional(to) : std::nullopt;
    for (const MemberId member : place.in_sync)
      if (member != failure.member) return member;
  }
  return std::nullopt;
}

bool can_drain(const Failure& failure, const Topology& topology) {
  bool leads = false;
  for (const GroupPlace& place : topology.groups) {
    if (place.leader != failure.member) continue;
    leads = true;
    if (!has_successor(place, failure.member)) return false;
  }
  return leads;
}
}  // namespace

std::optional<Advice> fit(const Entry& entry, const Failure& failure, const Topology& topology,
                          const std::deque<Decision>& history) {
  const auto remedy = remedy_of(entry.proposal.action.kind);
  if (!remedy) return std::nullopt;
  // Poison stays down, and what a guard sees is not asked about in advance.
  if (failure.kind != FailureKind::kGaveUp && failure.kind != FailureKind::kHung)
    return std::nullopt;
  if (failure.kind == FailureKind::kHung && *remedy != Remedy::kDrain) return std::nullopt;
  Advice advice{*remedy, {}, "standing advice: " + entry.proposal.reason};
  const auto before = std::count_if(history.begin(), history.end(), [&](const Decision& past) {
    return past.failure.member == failure.member && past.failure.path == failure.path &&
           failure.at - past.failure.at <= kRepeated;
  });
  if (before > kRepeatsMax) return std::nullopt;
  switch (*remedy) {
    case Remedy::kRestartHere:
    case Remedy::kRestartClean:
      if (before >= kRestartsMax) return std::nullopt;
      break;
    case Remedy::kPromote: {
      const auto to = successor(entry, failure, topology);
      if (!to) return std::nullopt;
      advice.target = *to;
      break;
    }
    case Remedy::kDrain:
      if (!can_drain(failure, topology)) return std::nullopt;
      break;
    case Remedy::kHalt:
      break;
  }
  return advice;
}

Strategy advised_strategy(std::function<View()> view, Counts* counts, Strategy otherwise) {
  return [view = std::move(view), counts, otherwise = std::move(otherwise)](
             const Failure& failure, const Topology& topology,
             const std::deque<Decision>& history) -> Advice {
    Counts none;
    Counts& count = counts ? *counts : none;
    const View now = view ? view() : View{};
    if (!now.table || !now.world || now.killed) return otherwise(failure, topology, history);
    const Key key{actor_class_of(failure), failure_code(failure.kind), topology_digest(*now.world)};
    const Found found = now.table->look_up(key, failure.group, *now.world, now.now);
    if (!found.entry) {
      count.missed += 1;
      return otherwise(failure, topology, history);
    }
    auto advice = fit(*found.entry, failure, topology, history);
    if (!advice) {
      count.unfit += 1;
      return otherwise(failure, topology, history);
    }
    Proposal proposal = found.entry->proposal;
    proposal.advisor = AdvisorKind::kStanding;
    proposal.action.kind = action_of(advice->remedy);
    proposal.action.target.member = failure.member;
    proposal.action.target.group = failure.group;
    proposal.action.to = advice->target;
    static const remediation::State kNoRemedies;
    const auto context =
        remediation::policy_context(now.remedies ? *now.remedies : kNoRemedies, *now.world,
                                    proposal.action, FaultClass::kNone, false, 0, now.now);
    const PolicyDecision decision = remediation::judge(*now.world, proposal, context);
    if (decision.verdict != Verdict::kAllow) {
      count.denied += 1;
      return otherwise(failure, topology, history);
    }
    advice->reason += " (policy: " + decision.rule + ")";
    count.used += 1;
    return *advice;
  };
}

}  // namespace holdfast::orchestrator::advice
