#include "supervision/orchestrator/remediation/workflow.hpp"

#include <algorithm>
#include <set>

namespace holdfast::orchestrator::remediation {

namespace {
std::string_view to_text(Scope scope) {
  switch (scope) {
    case Scope::kTarget:
      return "target";
    case Scope::kSuccessor:
      return "successor";
    case Scope::kCluster:
      return "cluster";
  }
  return "?";
}

bool within(Duration value, Duration least) { return value >= least && value <= kTimeoutMax; }

/// `value` is at most `ppm` of `of`, in 128 bits.
bool at_most_of(int64_t value, int64_t ppm, int64_t of) {
  return static_cast<__int128>(value) * 1'000'000 <= static_cast<__int128>(of) * ppm;
}

bool meets(const Objective& objective, std::optional<int64_t> value, std::optional<int64_t> before,
           const Over& over) {
  if (objective.kind == ObjectiveKind::kFaultOver) return over.fault;
  if (objective.kind == ObjectiveKind::kEffectsOver) return over.effects;
  if (!value) return false;
  switch (objective.kind) {
    case ObjectiveKind::kAtMost:
      return *value <= objective.bound;
    case ObjectiveKind::kAtLeast:
      return *value >= objective.bound;
    case ObjectiveKind::kAtMostOfBefore:
      return before && at_most_of(*value, objective.bound, *before);
    case ObjectiveKind::kAtLeastOfBefore:
      return before && (static_cast<__int128>(*value) * 1'000'000 >=
                        static_cast<__int128>(*before) * objective.bound);
    default:
      break;
  }
  return false;
}

Error wrong(const Workflow& workflow, const std::string& what) {
  return {ErrorCode::kInvalid, "workflow \"" + workflow.name + "\": " + what};
}

Result<> validate(const Workflow& workflow, const std::vector<Objective>& objectives) {
  if (objectives.size() > kObjectivesMax)
    return wrong(workflow, "at most " + std::to_string(kObjectivesMax) + " objectives");
  for (const Objective& objective : objectives)
    if ((objective.kind == ObjectiveKind::kAtMostOfBefore ||
         objective.kind == ObjectiveKind::kAtLeastOfBefore) &&
        (objective.bound < 0 || objective.bound > 1'000'000'000))
      return wrong(workflow, "a share of what was before is 0 to 1,000,000,000 ppm");
  return success();
}
}  // namespace

std::string to_text(const Objective& objective) {
  if (objective.kind == ObjectiveKind::kFaultOver) return "the fault is over";
  if (objective.kind == ObjectiveKind::kEffectsOver) return "what the fault did is over";
  std::string text(telemetry::info_of(objective.metric).name);
  text += " of ";
  text += to_text(objective.scope);
  switch (objective.kind) {
    case ObjectiveKind::kAtMost:
      return text + " at most " + std::to_string(objective.bound);
    case ObjectiveKind::kAtLeast:
      return text + " at least " + std::to_string(objective.bound);
    case ObjectiveKind::kAtMostOfBefore:
      return text + " at most " + std::to_string(objective.bound) + " ppm of before";
    default:
      return text + " at least " + std::to_string(objective.bound) + " ppm of before";
  }
}

const Workflow* Book::find(ActionKind action, FaultClass cause) const {
  for (const Workflow& workflow : workflows)
    if (workflow.action == action &&
        (workflow.faults.empty() ||
         std::find(workflow.faults.begin(), workflow.faults.end(), cause) != workflow.faults.end()))
      return &workflow;
  return nullptr;
}

Result<> validate(const Workflow& workflow) {
  if (workflow.name.empty() || workflow.name.size() > kNameBytes)
    return wrong(workflow, "a name of 1 to " + std::to_string(kNameBytes) + " bytes");
  if (!find_action(workflow.action)) return wrong(workflow, "no action of the catalogue");
  if (workflow.steps.empty() || workflow.steps.size() > kStepsMax)
    return wrong(workflow, "1 to " + std::to_string(kStepsMax) + " steps");
  Duration steps;
  for (const StepTemplate& step : workflow.steps) {
    if (!find_action(step.action)) return wrong(workflow, "a step without action of the catalogue");
    if (step.attempts < 1 || step.attempts > kAttemptsMax)
      return wrong(workflow, "1 to " + std::to_string(kAttemptsMax) + " attempts at a step");
    if (!within(step.timeout, Duration::milliseconds(100)))
      return wrong(workflow, "a step's timeout is 100ms to 1h");
    steps = steps + step.timeout * step.attempts;
  }
  if (std::none_of(workflow.steps.begin(), workflow.steps.end(),
                   [&](const StepTemplate& step) { return step.action == workflow.action; }))
    return wrong(workflow, "none of its steps is its action");
  if (!within(workflow.warm_up, {}) || !within(workflow.settle, {}) ||
      !within(workflow.verify_within, {}) || !within(workflow.cooldown, {}))
    return wrong(workflow, "a time is out of range");
  if (!within(workflow.timeout, Duration::seconds(1)) ||
      workflow.timeout < workflow.warm_up + steps + workflow.settle)
    return wrong(workflow, "its timeout is shorter than its warm-up, steps and settling");
  if (workflow.after.empty())
    return wrong(workflow, "nothing says when it has helped: at least one objective after");
  if (workflow.blast_radius_max < 1) return wrong(workflow, "blast_radius_max is at least 1");
  if (workflow.rate_max < 1) return wrong(workflow, "rate_max is at least 1");
  if (workflow.rate_window < Duration::seconds(1) ||
      workflow.rate_window > Duration::seconds(86'400) ||
      workflow.recurs_within > Duration::seconds(86'400) || workflow.recurs_within.ns < 0)
    return wrong(workflow, "rate_window and recurs_within are at most 24h");
  if (workflow.escalate_to != ActionKind::kPage && !find_action(workflow.escalate_to))
    return wrong(workflow, "escalate_to is no action");
  if (workflow.escalate_to == workflow.action) return wrong(workflow, "it escalates to itself");
  if (auto valid = validate(workflow, workflow.before); !valid) return valid;
  return validate(workflow, workflow.after);
}

Result<> validate(const Book& book) {
  if (book.workflows.size() > kWorkflowsMax)
    return Error{ErrorCode::kFull, "at most " + std::to_string(kWorkflowsMax) + " workflows"};
  std::set<std::string> names;
  for (const Workflow& workflow : book.workflows) {
    if (auto valid = validate(workflow); !valid) return valid;
    if (!names.insert(workflow.name).second) return wrong(workflow, "it is there twice");
    if (workflow.blast_radius_max > book.limits.blast_radius_max)
      return wrong(workflow, "its blast radius is wider than [limits] allows");
  }
  const Limits& limits = book.limits;
  if (limits.active_max < 1 || limits.blast_radius_max < 1 || limits.rate_max < 1 ||
      limits.remedies_max < 1 || limits.reverts_max < 1 || limits.confidence_min_ppm > 1'000'000)
    return Error{ErrorCode::kInvalid, "[limits]: a limit is out of range"};
  return success();
}

Plan plan(const Workflow& workflow, const Action& action, uint32_t blast_radius) {
  Plan plan;
  plan.workflow = workflow.name;
  for (const StepTemplate& step : workflow.steps) {
    PlannedStep planned{action, step.timeout, step.attempts};
    planned.action.kind = step.action;
    if (step.amount != 0) planned.action.amount = step.amount;
    plan.steps.push_back(planned);
  }
  plan.before = workflow.before;
  plan.after = workflow.after;
  plan.warm_up = workflow.warm_up;
  plan.settle = workflow.settle;
  plan.verify_within = workflow.verify_within;
  plan.timeout = workflow.timeout;
  plan.recurs_within = workflow.recurs_within;
  plan.escalate_to = workflow.escalate_to;
  plan.rollback = workflow.rollback;
  plan.blast_radius = blast_radius;
  return plan;
}

bool needs_metrics(std::span<const Objective> objectives) {
  return std::any_of(objectives.begin(), objectives.end(), [](const Objective& objective) {
    return objective.kind != ObjectiveKind::kFaultOver &&
           objective.kind != ObjectiveKind::kEffectsOver;
  });
}

bool meets(std::span<const Objective> objectives, std::span<const std::optional<int64_t>> values,
           std::span<const std::optional<int64_t>> before, const Over& over) {
  for (std::size_t i = 0; i < objectives.size(); ++i)
    if (!meets(objectives[i], i < values.size() ? values[i] : std::nullopt,
               i < before.size() ? before[i] : std::nullopt, over))
      return false;
  return true;
}

}  // namespace holdfast::orchestrator::remediation
