// What a remedy does next: one function a phase, each looking at what is journaled and nothing
// else.
#include <algorithm>

#include "supervision/orchestrator/incidents/incidents.hpp"
#include "supervision/orchestrator/remediation/effects.hpp"

namespace holdfast::orchestrator::remediation {

namespace {
using Move = std::optional<Event>;

Event ended(const Remedy& remedy, RemedyOutcome outcome, std::string text) {
  return Ended{remedy.number, outcome, std::move(text)};
}
Event moved(const Remedy& remedy, Phase to, std::string text = {}) {
  return Moved{remedy.number, to, std::move(text)};
}

/// An operator's word stands for a fault that needs no finding.
bool needed(const Remedy& remedy, const Surroundings& around) {
  if (remedy.incident == 0) return true;
  return around.incident && around.incident->closed == WallTime{} &&
         incidents::burning(*around.incident);
}

Over over(const Remedy& remedy, const Surroundings& around) {
  if (remedy.incident == 0 || !around.incident) return {true, true};
  Over over{!incidents::burning(*around.incident, remedy.cause, remedy.place), true};
  for (const Finding& finding : around.incident->findings)
    if (!finding.over && is_effect(remedy, finding, around.world)) over.effects = false;
  return over;
}

bool has_metrics(const Remedy& remedy) { return needs_metrics(remedy.wanted()); }

Move await_approval(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (around.killed) return ended(remedy, RemedyOutcome::kDenied, "the kill switch is on");
  const auto approval = approval_of(remedy, now);
  if (approval == policy::ApprovalState::kRefused)
    return ended(remedy, RemedyOutcome::kDenied, "refused");
  if (!needed(remedy, around))
    return ended(remedy, RemedyOutcome::kNotNeeded, "the fault ended before anybody approved");
  if (approval == policy::ApprovalState::kExpired)
    return ended(remedy, RemedyOutcome::kDenied, "nobody approved in time");
  if (approval == policy::ApprovalState::kApproved) return moved(remedy, Phase::kCapturing);
  return std::nullopt;
}

/// Before anything was done.
Move give_up(const Remedy& remedy, const Surroundings& around) {
  if (around.killed) return ended(remedy, RemedyOutcome::kFailed, "the kill switch is on");
  if (!needed(remedy, around))
    return ended(remedy, RemedyOutcome::kNotNeeded, "the fault ended before it began");
  return std::nullopt;
}

Move capture(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (auto move = give_up(remedy, around)) return move;
  if (!has_metrics(remedy)) return moved(remedy, Phase::kWarmingUp);
  if (remedy.round == 0) return MeasureAsked{remedy.number, 1};
  if (remedy.measured == remedy.round) return moved(remedy, Phase::kWarmingUp);
  if (now - remedy.asked >= kMeasureWithin)
    return ended(remedy, RemedyOutcome::kFailed, "what was before could not be measured");
  return std::nullopt;
}

/// The policy's word at the last moment before something is done.
Move ask_policy(const Remedy& remedy, const Surroundings& around, WallTime now) {
  const PolicyDecision& judged = around.judged;
  if (judged.verdict == Verdict::kAllow) return std::nullopt;
  if (judged.verdict == Verdict::kNeedsApproval &&
      remedy.decision.approvals_needed >= judged.approvals_needed &&
      remedy.decision.verdict == Verdict::kNeedsApproval &&
      approval_of(remedy, now) == policy::ApprovalState::kApproved)
    return std::nullopt;
  return ended(remedy, RemedyOutcome::kDenied, "the policy no longer allows it: " + judged.rule);
}

Move warm_up(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (auto move = give_up(remedy, around)) return move;
  if (now < remedy.phase_since + remedy.plan.warm_up) return std::nullopt;
  const auto& plan = remedy.plan;
  if (!meets(plan.before, remedy.before, remedy.before, over(remedy, around)))
    return ended(remedy, RemedyOutcome::kFailed, "what has to hold before does not");
  if (auto move = ask_policy(remedy, around, now)) return move;
  return moved(remedy, Phase::kStepping);
}

Event intend(const Remedy& remedy, uint8_t step, uint8_t attempt, const World& world,
             WallTime now) {
  PlannedStep planned = remedy.plan.steps[step];
  if (const Unfit unfit = complete(planned.action, world); unfit != Unfit::kNo) {
    const std::string why = "step " + std::to_string(step) + ": " + std::string(to_text(unfit));
    return remedy.steps.empty() ? ended(remedy, RemedyOutcome::kFailed, why)
                                : moved(remedy, Phase::kUndoing, why);
  }
  return StepIntended{{remedy.incident, remedy.number, step, attempt, false},
                      planned.action,
                      now + planned.timeout};
}

Move lost(const StepRecord& record, WallTime now) {
  if (now < record.not_after + kAnswerWithin) return std::nullopt;
  return StepEnded{record.id, StepOutcome::kLost, {}, "nobody answered in time"};
}

Move take_steps(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (around.killed) return ended(remedy, RemedyOutcome::kFailed, "the kill switch is on");
  if (const StepRecord* record = remedy.under_way()) return lost(*record, now);
  if (remedy.steps.empty()) return intend(remedy, 0, 1, around.world, now);
  const StepRecord& last = remedy.steps.back();
  const auto step = last.id.step;
  const bool late = now >= remedy.started + remedy.plan.timeout;
  if (last.outcome == StepOutcome::kDone) {
    if (step + 1u == remedy.plan.steps.size()) return moved(remedy, Phase::kSettling);
    if (late) return moved(remedy, Phase::kUndoing, "it took too long");
    return intend(remedy, static_cast<uint8_t>(step + 1), 1, around.world, now);
  }
  // What was lost may have been done: never again, it is undone.
  const bool again = last.outcome != StepOutcome::kLost && !late &&
                     last.id.attempt < remedy.plan.steps[step].attempts;
  if (again)
    return intend(remedy, step, static_cast<uint8_t>(last.id.attempt + 1), around.world, now);
  return moved(remedy, Phase::kUndoing,
               "step " + std::to_string(step) + " " + std::string(to_text(*last.outcome)) + ": " +
                   last.text);
}

Move settle(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (around.killed) return ended(remedy, RemedyOutcome::kFailed, "the kill switch is on");
  if (now < remedy.phase_since + remedy.plan.settle) return std::nullopt;
  return moved(remedy, Phase::kVerifying);
}

Move verify(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (around.killed) return ended(remedy, RemedyOutcome::kFailed, "the kill switch is on");
  const auto& plan = remedy.plan;
  const bool metrics = has_metrics(remedy);
  // A round that was asked for since the phase began, and is answered.
  const bool fresh = !metrics || (remedy.measured == remedy.round &&
                                  remedy.asked >= remedy.phase_since && !remedy.values.empty());
  const auto before =
      std::span(remedy.before).subspan(std::min(remedy.before.size(), plan.before.size()));
  if (fresh && meets(plan.after, remedy.values, before, over(remedy, around)))
    return ended(remedy, RemedyOutcome::kSucceeded, "its objectives are met");
  if (now >= remedy.phase_since + plan.verify_within)
    return moved(remedy, Phase::kUndoing, "its objectives are missed");
  if (!metrics) return std::nullopt;
  const Duration waited = now - remedy.asked;
  const bool asked_now = remedy.asked >= remedy.phase_since;
  const bool answered = remedy.measured == remedy.round;
  if (!asked_now || waited >= (answered ? kMeasureEvery : kMeasureWithin))
    return MeasureAsked{remedy.number, remedy.round + 1};
  return std::nullopt;
}

/// Undoes the steps from the last to the first; what nothing undoes is left, and told.
Move undo(const Remedy& remedy, const Surroundings& around, WallTime now) {
  if (around.killed) return ended(remedy, RemedyOutcome::kFailed, "the kill switch is on");
  if (const StepRecord* record = remedy.under_way()) return lost(*record, now);
  const std::string why = remedy.text.empty() ? "" : " (" + remedy.text + ")";
  bool stays = false, undone = false;
  for (std::size_t i = remedy.plan.steps.size(); i-- > 0;) {
    const auto step = static_cast<uint8_t>(i);
    const StepRecord* record = remedy.last_try(step, false);
    if (!record || record->outcome == StepOutcome::kFailed || record->outcome == StepOutcome::kVoid)
      continue;
    const StepRecord* back = remedy.last_try(step, true);
    if (back && (back->outcome == StepOutcome::kDone || back->outcome == StepOutcome::kVoid)) {
      undone = true;
      continue;
    }
    if (back && (back->outcome == StepOutcome::kLost || back->id.attempt >= kUndoAttempts))
      return ended(remedy, RemedyOutcome::kFailed, "it could not be undone: " + back->text + why);
    auto inverse = remedy.plan.rollback ? inverse_of(record->action, record->previous)
                                        : std::optional<Action>();
    if (!inverse) {
      stays = true;
      continue;
    }
    if (const Unfit unfit = complete(*inverse, around.world);
        unfit != Unfit::kNo && record->outcome == StepOutcome::kDone)
      return ended(remedy, RemedyOutcome::kFailed,
                   "it can't be undone: " + std::string(to_text(unfit)) + why);
    const auto attempt = static_cast<uint8_t>(back ? back->id.attempt + 1 : 1);
    return StepIntended{{remedy.incident, remedy.number, step, attempt, true},
                        *inverse,
                        now + remedy.plan.steps[step].timeout};
  }
  if (undone && !stays) return ended(remedy, RemedyOutcome::kRolledBack, "undone" + why);
  return ended(remedy, RemedyOutcome::kFailed,
               (stays ? "nothing undoes it" : "it could not be done") + why);
}
}  // namespace

bool is_effect(const Remedy& remedy, const Finding& finding, const World& world) {
  Finding cause;
  cause.fault = remedy.cause;
  cause.place = remedy.place;
  return finding.fault != remedy.cause || incidents::explains(cause, finding, world) == 0;
}

bool leaves_only_the_cause(const Remedy& remedy, const Incident& incident, const World& world) {
  if (remedy.outcome != RemedyOutcome::kSucceeded) return false;
  for (const Objective& objective : remedy.plan.after)
    if (objective.kind == ObjectiveKind::kFaultOver) return false;
  return std::none_of(
      incident.findings.begin(), incident.findings.end(),
      [&](const Finding& finding) { return !finding.over && is_effect(remedy, finding, world); });
}

std::optional<Event> next_move(const Remedy& remedy, const Surroundings& around, WallTime now) {
  switch (remedy.phase) {
    case Phase::kAwaitingApproval:
      return await_approval(remedy, around, now);
    case Phase::kCapturing:
      return capture(remedy, around, now);
    case Phase::kWarmingUp:
      return warm_up(remedy, around, now);
    case Phase::kStepping:
      return take_steps(remedy, around, now);
    case Phase::kSettling:
      return settle(remedy, around, now);
    case Phase::kVerifying:
      return verify(remedy, around, now);
    case Phase::kUndoing:
      return undo(remedy, around, now);
    case Phase::kEnded:
      break;
  }
  return std::nullopt;
}

std::optional<WallTime> deadline_of(const Remedy& remedy) {
  switch (remedy.phase) {
    case Phase::kAwaitingApproval:
      return remedy.opened + remedy.decision.approval_expires;
    case Phase::kCapturing:
      return remedy.round == 0 || remedy.measured == remedy.round ? remedy.phase_since
                                                                  : remedy.asked + kMeasureWithin;
    case Phase::kWarmingUp:
      return remedy.phase_since + remedy.plan.warm_up;
    case Phase::kStepping:
    case Phase::kUndoing:
      if (const StepRecord* record = remedy.under_way()) return record->not_after + kAnswerWithin;
      return remedy.phase_since;  // at once
    case Phase::kSettling:
      return remedy.phase_since + remedy.plan.settle;
    case Phase::kVerifying: {
      const WallTime last = remedy.phase_since + remedy.plan.verify_within;
      if (!has_metrics(remedy)) return last;
      if (remedy.asked < remedy.phase_since) return remedy.phase_since;
      return std::min(
          last, remedy.asked + (remedy.measured == remedy.round ? kMeasureEvery : kMeasureWithin));
    }
    case Phase::kEnded:
      break;
  }
  return std::nullopt;
}

}  // namespace holdfast::orchestrator::remediation
