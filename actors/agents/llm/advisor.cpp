#include "actors/agents/llm/advisor.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::llm {
namespace {

using enum ActionKind;

constexpr std::size_t kRuleActions = 4;

struct FaultRule {
  FaultClass fault;
  std::array<ActionKind, kRuleActions> actions;  // best first; kNone ends the list
};

// In the order of the catalogue. What relieves without moving anything comes first where the fault
// is load; what moves the work away comes first where the place itself is bad.
constexpr FaultRule kFaultRules[] = {
    {FaultClass::kCpuSaturation, {kThrottle, kScaleOut, kMigrate, kNone}},
    {FaultClass::kNoisyNeighbour, {kMigrate, kDrain, kScaleOut, kNone}},
    {FaultClass::kMemoryPressure, {kShrinkCache, kMigrate, kRestartClean, kDrain}},
    {FaultClass::kLockContention, {kRestartActor, kMigrate, kThrottle, kNone}},
    {FaultClass::kClockStep, {kMigrate, kDrain, kNone, kNone}},
    {FaultClass::kCrashLoop, {kMigrate, kRestartClean, kRestartNode, kNone}},
    {FaultClass::kGrayFailure, {kPromote, kMigrate, kRestartActor, kRestartNode}},
    {FaultClass::kPacketDelay, {kMigrate, kSwitchEndpoint, kDrain, kNone}},
    {FaultClass::kPacketLoss, {kMigrate, kSwitchEndpoint, kDrain, kNone}},
    {FaultClass::kPartition, {kPromote, kDrain, kNone, kNone}},
    {FaultClass::kFeedGap, {kSwitchEndpoint, kRestartActor, kNone, kNone}},
    {FaultClass::kReplicationLag, {kThrottle, kFlushStorage, kMigrate, kNone}},
    {FaultClass::kSlowDisk, {kMigrate, kFlushStorage, kDrain, kNone}},
    {FaultClass::kFullDisk, {kCompactStorage, kMigrate, kDrain, kNone}},
    {FaultClass::kStorageStall, {kFlushStorage, kCompactStorage, kShrinkCache, kMigrate}},
    {FaultClass::kLatencyDrift, {kMigrate, kThrottle, kRestartActor, kNone}},
    {FaultClass::kQueueSaturation, {kThrottle, kScaleOut, kRestartActor, kNone}},
    {FaultClass::kRejectSpike, {kRerouteOrders, kHaltVenue, kNone, kNone}},
    {FaultClass::kFillDrift, {kRerouteOrders, kNone, kNone, kNone}},
    {FaultClass::kVenueSlow, {kRerouteOrders, kHaltVenue, kThrottle, kNone}},
    {FaultClass::kUnknownOrders, {kHaltVenue, kRerouteOrders, kNone, kNone}},
    {FaultClass::kHttpThrottled, {kSwitchEndpoint, kThrottle, kScaleOut, kNone}},
    {FaultClass::kHttpErrors, {kSwitchEndpoint, kRestartActor, kNone, kNone}},
    {FaultClass::kHttpSlow, {kSwitchEndpoint, kScaleOut, kRestartActor, kNone}},
};

struct FailureRule {
  FailureClass failure;
  bool replicated;  // the actor's state is on other members too
  std::array<ActionKind, kRuleActions> actions;
};
// Poison is in no rule: the same input kills the actor anywhere, so a human looks at it.
constexpr FailureRule kFailureRules[] = {
    {FailureClass::kCrashed, true, {kRestartActor, kRestartClean, kPromote, kNone}},
    {FailureClass::kCrashed, false, {kRestartActor, kRestartClean, kNone, kNone}},
    {FailureClass::kGaveUp, true, {kPromote, kMigrate, kRestartClean, kNone}},
    {FailureClass::kGaveUp, false, {kMigrate, kRestartClean, kRestartNode, kNone}},
    {FailureClass::kHung, true, {kPromote, kDrain, kRestartNode, kNone}},
    {FailureClass::kHung, false, {kDrain, kRestartNode, kNone, kNone}},
    {FailureClass::kGray, true, {kPromote, kMigrate, kRestartActor, kNone}},
    {FailureClass::kGray, false, {kRestartActor, kMigrate, kRestartNode, kNone}},
    {FailureClass::kRootGaveUp, true, {kPromote, kDrain, kRestartNode, kNone}},
    {FailureClass::kRootGaveUp, false, {kDrain, kRestartNode, kNone, kNone}},
    {FailureClass::kProcessDied, true, {kPromote, kRestartNode, kNone, kNone}},
    {FailureClass::kProcessDied, false, {kRestartNode, kScaleOut, kNone, kNone}},
    {FailureClass::kProcessFenced, true, {kPromote, kRestartNode, kNone, kNone}},
    {FailureClass::kProcessFenced, false, {kRestartNode, kScaleOut, kNone, kNone}},
    {FailureClass::kProcessHung, true, {kPromote, kDrain, kRestartNode, kNone}},
    {FailureClass::kProcessHung, false, {kDrain, kRestartNode, kNone, kNone}},
    // One more restart is what it has had too many of.
    {FailureClass::kProcessUnstable, true, {kPromote, kDrain, kScaleOut, kNone}},
    {FailureClass::kProcessUnstable, false, {kDrain, kScaleOut, kNone, kNone}},
    {FailureClass::kNodeLost, true, {kPromote, kRestartNode, kScaleOut, kNone}},
    {FailureClass::kNodeLost, false, {kRestartNode, kScaleOut, kNone, kNone}},
};

bool replicated(ActorClass actor) {
  return actor == ActorClass::kOrderShard || actor == ActorClass::kVenueGateway ||
         actor == ActorClass::kOrchestrator;
}

std::span<const ActionKind> until_none(const std::array<ActionKind, kRuleActions>& actions) {
  const auto end = std::find(actions.begin(), actions.end(), kNone);
  return {actions.data(), static_cast<std::size_t>(end - actions.begin())};
}

FaultClass fault_of(const AdviceRequest& request) {
  return request.kind == AdviceKind::kIncident ? request.incident.cause : request.fault;
}

// ---- scores, in parts per million
constexpr int64_t kFirstRule = 700'000;
constexpr int64_t kRuleStep = 120'000;
constexpr int64_t kPrecedentOnly = 250'000;  // no rule names it, a precedent does
constexpr int64_t kPrecedentWeight = 300'000;
constexpr int64_t kFloor = 300'000;  // below: rather nothing
constexpr int64_t kSureMax = 990'000;
constexpr int64_t kUsualConfidence = 800'000;  // of a standing question

// -1,000,000 to 1,000,000: how well `action` did in what resembles this, each precedent by its
// similarity, with one success and one failure assumed beforehand.
int64_t record_of(const AdviceRequest& request, ActionKind action, bool* known) {
  int64_t sum = 0, weights = 0;
  for (const auto& precedent : request.precedents) {
    if (precedent.action != action) continue;
    const int64_t bad = int64_t{precedent.rolled_back} + 2 * int64_t{precedent.failed};
    const int64_t good = precedent.succeeded;
    if (good + bad == 0) continue;
    const int64_t similarity = std::min<int64_t>(precedent.ref.similarity_ppm, 1'000'000);
    sum += similarity * (good - bad) / (good + bad + 2);
    weights += similarity;
    *known = true;
  }
  return weights == 0
             ? 0
             : sum * 1'000'000 / weights * std::min<int64_t>(weights, 1'000'000) / 1'000'000;
}

// How well the option's target is the place that is concerned: 0 (elsewhere) to 3 (exactly it).
int fit(const Place& target, const Place& place) {
  if (target.member && place.member && target.member != place.member) return 0;
  if (target.group && place.group && target.group != place.group) return 0;
  if (!target.instance.empty() && !place.instance.empty() && target.instance != place.instance)
    return 0;
  return 1 + (target.group == place.group ? 1 : 0) + (target.instance == place.instance ? 1 : 0);
}

struct Choice {
  const ActionOption* option = nullptr;
  int64_t score = 0;
  std::size_t rule = kRuleActions;  // its position in the rule; kRuleActions: not in it
  int fits = 0;
  bool by_precedent = false;
};

bool better(const Choice& a, const Choice& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.rule != b.rule) return a.rule < b.rule;
  return a.fits > b.fits;
}

std::string reason_of(const AdviceRequest& request, const Choice& choice) {
  std::string text = "deterministic: ";
  const auto fault = fault_of(request);
  const auto about = fault != FaultClass::kNone ? std::string(to_text(fault))
                                                : std::string(to_text(request.actor)) + " " +
                                                      std::string(to_text(request.failure));
  if (choice.rule < kRuleActions)
    text += "rule " + std::to_string(choice.rule + 1) + " for " + about;
  else
    text += "no rule for " + about + " names it";
  if (!choice.by_precedent) return text + "; no precedent";
  uint32_t good = 0, bad = 0;
  for (const auto& precedent : request.precedents)
    if (precedent.action == choice.option->kind) {
      good += precedent.succeeded;
      bad += precedent.rolled_back + precedent.failed;
    }
  return text + "; in like cases it succeeded " + std::to_string(good) + " of " +
         std::to_string(good + bad) + " times";
}

Proposal propose(const AdviceRequest& request, const Choice& choice) {
  Proposal proposal;
  const auto& option = *choice.option;
  proposal.action.kind = option.kind;
  proposal.action.target = option.target;
  proposal.action.to = option.to.empty() ? MemberId{} : option.to.front();
  proposal.action.amount =
      std::clamp(option.amount_usual, std::min(option.amount_min, option.amount_max),
                 std::max(option.amount_min, option.amount_max));
  proposal.incident = request.kind == AdviceKind::kIncident ? request.incident.number : 0;
  proposal.advisor = AdvisorKind::kDeterministic;
  proposal.confidence_ppm = static_cast<uint32_t>(choice.score);
  for (const auto& precedent : request.precedents)
    if (precedent.action == option.kind &&
        proposal.precedents.size() < limits::kAdvicePrecedentsMax)
      proposal.precedents.push_back(precedent.ref);
  proposal.reason = reason_of(request, choice);
  return proposal;
}

}  // namespace

std::span<const ActionKind> rules_for(FaultClass fault) {
  for (const auto& rule : kFaultRules)
    if (rule.fault == fault) return until_none(rule.actions);
  return {};
}

std::span<const ActionKind> rules_for(ActorClass actor, FailureClass failure) {
  for (const auto& rule : kFailureRules)
    if (rule.failure == failure && rule.replicated == replicated(actor))
      return until_none(rule.actions);
  return {};
}

AdviceReply advise_deterministically(const AdviceRequest& request) {
  AdviceReply reply;
  const bool incident = request.kind == AdviceKind::kIncident;
  // Without a cause there is nothing to mend; with poison every automatic remedy repeats it.
  if (incident && request.incident.cause == FaultClass::kNone) return reply;
  if (!incident && request.failure == FailureClass::kQuarantined) return reply;
  const auto fault = fault_of(request);
  if (fault == FaultClass::kNone && request.failure == FailureClass::kNone) return reply;
  const auto rules =
      fault != FaultClass::kNone ? rules_for(fault) : rules_for(request.actor, request.failure);
  const auto& place = incident ? request.incident.place : request.place;
  const int64_t sure =
      incident ? std::min<int64_t>(request.incident.confidence_ppm, 1'000'000) : kUsualConfidence;
  std::vector<Choice> choices;
  for (const auto& option : request.options) {
    if (option.kind == kNone || option.kind == kPage) continue;
    Choice choice{&option, 0, kRuleActions, fit(option.target, place), false};
    if (choice.fits == 0) continue;
    const auto rule = std::find(rules.begin(), rules.end(), option.kind);
    if (rule != rules.end()) choice.rule = static_cast<std::size_t>(rule - rules.begin());
    const int64_t record = record_of(request, option.kind, &choice.by_precedent);
    if (choice.rule == kRuleActions && (!choice.by_precedent || record <= 0)) continue;
    const int64_t base = choice.rule == kRuleActions
                             ? kPrecedentOnly
                             : kFirstRule - kRuleStep * static_cast<int64_t>(choice.rule);
    choice.score = base + record * kPrecedentWeight / 1'000'000;
    if (choice.score < kFloor) continue;
    // What the finding itself is unsure of, the remedy is too.
    choice.score = std::min(kSureMax, choice.score * (500'000 + sure / 2) / 1'000'000);
    choices.push_back(choice);
  }
  std::stable_sort(choices.begin(), choices.end(), better);
  std::vector<ActionKind> taken;  // alternatives are other actions, not other targets
  for (const auto& choice : choices) {
    if (reply.proposals.size() == limits::kAdviceProposalsMax) break;
    if (std::find(taken.begin(), taken.end(), choice.option->kind) != taken.end()) continue;
    taken.push_back(choice.option->kind);
    reply.proposals.push_back(propose(request, choice));
  }
  if (!reply.proposals.empty()) reply.outcome = AdviceOutcome::kProposed;
  return reply;
}

AdviceReply or_deterministic(AdviceReply reply, const AdviceRequest& request) {
  if (reply.outcome == AdviceOutcome::kProposed && !reply.proposals.empty()) return reply;
  return advise_deterministically(request);
}

}  // namespace holdfast::llm
