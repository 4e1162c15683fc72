// Workflows: how an action of the catalogue is carried out, as data that configuration declares.
// Captured state before, warm-up, steps, objectives that are measured before and after, and how
// often and how wide it may be used. `nodes/settings` reads config/workflows.toml into a Book; what
// runs is a Plan, a workflow with its places filled in, journaled whole, so that a successor goes
// on with the same one whatever its own configuration says.
#pragma once

#include <string>

#include "supervision/orchestrator/remediation/catalogue.hpp"

namespace holdfast::orchestrator::remediation {

inline constexpr std::size_t kWorkflowsMax = 64;
inline constexpr std::size_t kStepsMax = 8;
inline constexpr std::size_t kObjectivesMax = 8;
inline constexpr std::size_t kNameBytes = 48;
inline constexpr uint8_t kAttemptsMax = 5;
inline constexpr Duration kTimeoutMax = Duration::seconds(3600);

enum class ObjectiveKind : uint8_t {
  kFaultOver = 1,    // the incident's findings are over
  kAtMost,           // the metric is at most `bound`
  kAtLeast,          // at least
  kAtMostOfBefore,   // at most `bound` ppm of what it was before the first step
  kAtLeastOfBefore,  // at least
  kEffectsOver,      // of the incident's findings only its cause may still be true
};
/// Of whom a metric is read; the worst value counts.
enum class Scope : uint8_t { kTarget = 1, kSuccessor, kCluster };

/// A metric that nobody can read is an objective missed.
struct Objective {
  ObjectiveKind kind = ObjectiveKind::kFaultOver;
  telemetry::Metric metric = telemetry::Metric::kCpuUtilization;
  Scope scope = Scope::kTarget;
  int64_t bound = 0;
  friend bool operator==(const Objective&, const Objective&) = default;
};
/// "order.latency of target at most 5000", for people.
std::string to_text(const Objective& objective);

struct StepTemplate {
  ActionKind action = ActionKind::kNone;
  int64_t amount = 0;  // 0: the proposal's
  Duration timeout = Duration::seconds(5);
  uint8_t attempts = 1;
};

struct Workflow {
  std::string name;
  ActionKind action = ActionKind::kNone;   // which proposals it carries out
  std::vector<FaultClass> faults;          // for which causes; empty: any
  Duration warm_up;                        // before the first step; the fault has to outlive it
  Duration settle = Duration::seconds(1);  // after the last step, before it is measured
  Duration verify_within = Duration::seconds(15);  // until all objectives are met, or it is undone
  Duration timeout = Duration::seconds(60);        // of all of it up to there
  std::vector<StepTemplate> steps;
  std::vector<Objective> before;  // must hold before the first step
  std::vector<Objective> after;   // must hold for success
  bool rollback = true;
  uint32_t blast_radius_max = 1;
  uint32_t rate_max = 3;  // begun within rate_window
  Duration rate_window = Duration::seconds(600);
  Duration cooldown = Duration::seconds(30);        // after it ended on the same target
  Duration recurs_within = Duration::seconds(300);  // the same fault again: it did not help
  ActionKind escalate_to = ActionKind::kPage;       // then, and when it failed
};

/// Over all workflows.
struct Limits {
  uint32_t active_max = 1;
  uint32_t blast_radius_max = 2;
  uint32_t rate_max = 10;
  Duration rate_window = Duration::seconds(600);
  uint32_t reverts_max =
      2;  // undone or repeated on one target within the window: the breaker opens
  Duration reverts_window = Duration::seconds(900);
  Duration breaker_open = Duration::seconds(900);
  Duration advice_within = Duration::seconds(3);  // for fresh advice, then the table is asked
  Duration standing_life = Duration::seconds(3600);
  uint32_t confidence_min_ppm = 400'000;  // of an incident's cause; below, nothing is done
  uint32_t remedies_max = 3;              // for one incident, then a human is told
};

struct Book {
  Limits limits;
  std::vector<Workflow> workflows;
  /// The first that carries this action out for this cause; null when there is none.
  const Workflow* find(ActionKind action, FaultClass cause) const;
};
/// What a file can get wrong beyond its syntax: an unknown action, no steps, a step without inverse
/// before one that can fail, sums that don't fit. The text names the workflow.
Result<> validate(const Workflow& workflow);
Result<> validate(const Book& book);

struct PlannedStep {
  Action action;
  Duration timeout;
  uint8_t attempts = 1;
  friend bool operator==(const PlannedStep&, const PlannedStep&) = default;
};
struct Plan {
  std::string workflow;
  std::vector<PlannedStep> steps;
  std::vector<Objective> before, after;
  Duration warm_up, settle, verify_within, timeout, recurs_within;
  ActionKind escalate_to = ActionKind::kPage;
  bool rollback = true;
  uint32_t blast_radius = 1;
  friend bool operator==(const Plan&, const Plan&) = default;
};
/// The workflow with its places filled in for a completed action.
Plan plan(const Workflow& workflow, const Action& action, uint32_t blast_radius);

/// What is over of an incident.
struct Over {
  bool fault = false, effects = false;
};
/// Whether any of them needs a metric.
bool needs_metrics(std::span<const Objective> objectives);

/// Whether the values meet the objectives, one value each in their order; a missing value, or a
/// comparison with a missing one from before, is no. `over` answers kFaultOver and kEffectsOver.
bool meets(std::span<const Objective> objectives, std::span<const std::optional<int64_t>> values,
           std::span<const std::optional<int64_t>> before, const Over& over);

}  // namespace holdfast::orchestrator::remediation
