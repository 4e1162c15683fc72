#include "supervision/orchestrator/policy/policy.hpp"

#include <algorithm>

#include "supervision/orchestrator/policy/conditions.hpp"

namespace holdfast::policy {
namespace {

// A member of the catalogue; a code from a journal or a model may be none.
bool known(ActionKind kind) { return static_cast<uint8_t>(kind) <= kActionKinds; }

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// Conditions are met in order; the first rule that surely matches ends it. A rule before it that
// may match, for all that is known, and grants less, counts instead: deny by default also means
// that not knowing never grants more. Without a sure match the end of the table, "default", is
// what denies.
class Evaluation {
 public:
  Evaluation(const Policy& policy, const Proposal& proposal, const PolicyContext& context,
             std::vector<Step>* steps)
      : policy_(policy), proposal_(proposal), context_(context), steps_(steps) {}

  PolicyDecision decide() {
    const auto kind = proposal_.action.kind;
    if (!known(kind)) return plain(Verdict::kDeny, kRuleInvalid, "no action of the catalogue");
    if (kind == ActionKind::kPage)
      return plain(Verdict::kAllow, kRulePage, "telling a human is always allowed");
    if (kind == ActionKind::kNone)
      return plain(Verdict::kObserve, kRuleWatch, "nothing is to be done");
    auto decision = forbidden() ? plain(Verdict::kDeny, rule_->name, reason_) : by_rules();
    if (context_.kill_switch && decision.verdict > Verdict::kObserve)
      return plain(Verdict::kObserve, kRuleKillSwitch,
                   "the kill switch is on; without it: " + std::string(to_text(decision.verdict)) +
                       " by " + quoted(decision.rule));
    return decision;
  }

 private:
  static PolicyDecision plain(Verdict verdict, std::string_view rule, std::string reason) {
    PolicyDecision decision;
    decision.verdict = verdict;
    decision.rule = rule;
    decision.reason = std::move(reason);
    return decision;
  }

  Held look_at(const Rule& rule, bool never) {
    auto held = holds(rule.when, proposal_, context_);
    if (steps_) steps_->push_back({rule.name, never, held.match, held.why});
    return held;
  }

  bool forbidden() {
    for (const auto& rule : policy_.never) {
      const auto held = look_at(rule, true);
      if (held.match == Match::kNo) continue;
      rule_ = &rule;
      reason_ = "never" + (rule.reason.empty() ? "" : ": " + rule.reason);
      if (held.match == Match::kUnknown) reason_ += "; can't be ruled out: " + held.why;
      return true;
    }
    return false;
  }

  // Grants less, or the same to more persons.
  static bool stricter(const PolicyDecision& a, const PolicyDecision& b) {
    return a.verdict != b.verdict ? a.verdict < b.verdict : a.approvals_needed > b.approvals_needed;
  }

  PolicyDecision by_rules() {
    std::optional<PolicyDecision> strictest;
    for (const auto& rule : policy_.rules) {
      const auto held = look_at(rule, false);
      if (held.match == Match::kNo) continue;
      auto decision = by_rule(rule, held.why);
      const bool sure = held.match == Match::kYes;
      // Where both say the same, the rule that surely matches is named.
      if (!strictest || stricter(decision, *strictest) || (sure && !stricter(*strictest, decision)))
        strictest = std::move(decision);
      if (sure) return *strictest;
    }
    // The end of the table denies, which nothing that only may match can undo.
    return plain(Verdict::kDeny, kRuleDefault,
                 !strictest ? "no rule matches"
                            : "no rule surely matches; " + quoted(strictest->rule) + ": " +
                                  strictest->reason);
  }

  PolicyDecision by_rule(const Rule& rule, const std::string& doubt) {
    const auto kind = proposal_.action.kind;
    const auto level = policy_.autonomy.level(kind, context_.fault);
    auto decision = plain(std::min(rule.then, most_of(level)), rule.name, rule.reason);
    const auto say = [&](const std::string& words) {
      decision.reason += (decision.reason.empty() ? "" : "; ") + words;
    };
    if (!doubt.empty()) say("can't be ruled out: " + doubt);
    if (decision.verdict < rule.then) {
      const auto fault = context_.fault;
      say("the level of " + std::string(to_text(kind)) + " for " +
          (fault == FaultClass::kNone ? "an unknown domain"
                                      : std::string(to_text(domain_of(fault)))) +
          " is " + std::string(to_text(level)));
    }
    if (decision.verdict != Verdict::kNeedsApproval) return decision;
    const auto& two = policy_.two_persons;
    const bool always_two = std::find(two.begin(), two.end(), kind) != two.end();
    decision.approvals_needed = std::max<uint8_t>(rule.persons, always_two ? 2 : 1);
    decision.approval_expires =
        rule.approval_expires.ns > 0 ? rule.approval_expires : policy_.approval_expires;
    return decision;
  }

  const Policy& policy_;
  const Proposal& proposal_;
  const PolicyContext& context_;
  std::vector<Step>* steps_;
  const Rule* rule_ = nullptr;  // the strictest that matches or may
  std::string reason_;
};

}  // namespace

std::string_view to_text(ClockQuality value) {
  switch (value) {
    case ClockQuality::kUnknown:
      return "unknown";
    case ClockQuality::kUnsynchronised:
      return "unsynchronised";
    case ClockQuality::kSynchronised:
      return "synchronised";
  }
  return "invalid";
}

std::string_view to_text(SessionPhase value) {
  switch (value) {
    case SessionPhase::kUnknown:
      return "unknown";
    case SessionPhase::kClosed:
      return "closed";
    case SessionPhase::kOpening:
      return "opening";
    case SessionPhase::kOpen:
      return "open";
    case SessionPhase::kClosing:
      return "closing";
  }
  return "invalid";
}

std::string_view to_text(TargetKind value) {
  switch (value) {
    case TargetKind::kCluster:
      return "cluster";
    case TargetKind::kNode:
      return "node";
    case TargetKind::kPart:
      return "part";
    case TargetKind::kOrders:
      return "orders";
    case TargetKind::kVenue:
      return "venue";
    case TargetKind::kOrchestrator:
      return "orchestrator";
    case TargetKind::kGroup:
      return "group";
  }
  return "invalid";
}

std::string_view to_text(Measure value) {
  switch (value) {
    case Measure::kOpenOrders:
      return "open_orders";
    case Measure::kPosition:
      return "position";
    case Measure::kGroupsTouched:
      return "groups_touched";
    case Measure::kNodesTouched:
      return "nodes_touched";
    case Measure::kInFlight:
      return "in_flight";
    case Measure::kInSyncLeft:
      return "in_sync_left";
    case Measure::kAmount:
      return "amount";
    case Measure::kConfidence:
      return "confidence";
  }
  return "invalid";
}

std::string_view to_text(CountOf value) {
  switch (value) {
    case CountOf::kAll:
      return "all";
    case CountOf::kAction:
      return "action";
    case CountOf::kTarget:
      return "target";
    case CountOf::kActionAndTarget:
      return "action_and_target";
  }
  return "invalid";
}

TargetKind kind_of(const Place& target) {
  // Groups are numbered alike in every cluster: shard s is 1 + s, venue v is 1001 + v.
  constexpr uint32_t kVenueFirst = 1'001, kOrchestrator = 2'001;
  const uint32_t group = target.group.value;
  if (group == kOrchestrator) return TargetKind::kOrchestrator;
  if (group >= kVenueFirst && group < kVenueFirst + limits::kVenuesMax) return TargetKind::kVenue;
  if (group >= 1 && group <= limits::kShardsMax) return TargetKind::kOrders;
  if (group != 0) return TargetKind::kGroup;
  if (!target.instance.empty()) return TargetKind::kPart;
  return target.member ? TargetKind::kNode : TargetKind::kCluster;
}

void AutonomyTable::set_all(Autonomy level) {
  for (auto& domains : levels_) domains.fill(level);
}

void AutonomyTable::set(ActionKind action, Autonomy level) {
  CHECK(known(action));
  levels_[static_cast<uint8_t>(action)].fill(level);
}

void AutonomyTable::set(ActionKind action, telemetry::Domain domain, Autonomy level) {
  CHECK(known(action));
  levels_[static_cast<uint8_t>(action)].at(static_cast<uint8_t>(domain) - 1u) = level;
}

Autonomy AutonomyTable::level(ActionKind action, FaultClass fault) const {
  CHECK(known(action));
  const auto& domains = levels_[static_cast<uint8_t>(action)];
  if (fault == FaultClass::kNone) return *std::min_element(domains.begin(), domains.end());
  return domains.at(static_cast<uint8_t>(domain_of(fault)) - 1u);
}

Verdict most_of(Autonomy level) {
  switch (level) {
    case Autonomy::kObserve:
      return Verdict::kObserve;
    case Autonomy::kRecommend:
      return Verdict::kRecommend;
    case Autonomy::kApprove:
      return Verdict::kNeedsApproval;
    case Autonomy::kAutonomous:
      return Verdict::kAllow;
  }
  return Verdict::kDeny;
}

PolicyDecision evaluate(const Policy& policy, const Proposal& proposal,
                        const PolicyContext& context) {
  return Evaluation(policy, proposal, context, nullptr).decide();
}

Explanation explain(const Policy& policy, const Proposal& proposal, const PolicyContext& context) {
  Explanation explanation;
  explanation.decision = Evaluation(policy, proposal, context, &explanation.steps).decide();
  if (known(proposal.action.kind))
    explanation.level = policy.autonomy.level(proposal.action.kind, context.fault);
  return explanation;
}

}  // namespace holdfast::policy
