#include <filesystem>
#include <set>

#include "nodes/settings/table_toml.hpp"
#include "nodes/settings/workflows_settings.hpp"
#include "supervision/orchestrator/remediation/remedies.hpp"

namespace holdfast::settings {
namespace {

using namespace orchestrator::remediation;

const Duration kDay = Duration::seconds(86'400);

std::vector<std::string> action_names(bool with_page) {
  std::vector<std::string> names;
  for (const ActionInfo& info : catalogue()) names.emplace_back(to_text(info.kind));
  if (with_page) names.emplace_back(to_text(ActionKind::kPage));
  return names;
}

ActionKind read_action(TableReader& table, std::string_view key,
                       std::optional<ActionKind> otherwise) {
  static const auto kNames = action_names(true);
  std::optional<std::size_t> fallback;
  for (std::size_t i = 0; i < kNames.size() && otherwise; ++i)
    if (kNames[i] == to_text(*otherwise)) fallback = i;
  ActionKind kind = ActionKind::kNone;
  parse_action_kind(kNames[table.choice(key, fallback, kNames)], kind);
  return kind;
}

void read_faults(TableReader& table, std::vector<FaultClass>& faults) {
  std::vector<std::string> known;
  for (const FaultClass fault : fault_classes()) known.emplace_back(to_text(fault));
  for (const auto& name : table.names<48>("faults", known.size())) {
    const FaultClass fault = fault_class_of(name.view());
    if (fault != FaultClass::kNone) {
      faults.push_back(fault);
      continue;
    }
    const auto close = nearest(name.view(), known);
    table.complain("faults", "faults: there is no fault " + in_quotes(name.view()) +
                                 (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
  }
}

void read_steps(TableReader& table, Workflow& workflow) {
  for (auto& each : table.tables("steps", true, kStepsMax)) {
    each.set_what("a step of " + table.what());
    StepTemplate step;
    step.action = read_action(each, "action", std::nullopt);
    if (step.action == ActionKind::kPage)
      each.complain("action", "action: a page is no step; a human is told by itself");
    step.amount = each.integer("amount", 0, 0, 1'000'000);
    step.timeout = each.duration("timeout", step.timeout, Duration::milliseconds(100), kTimeoutMax);
    step.attempts = static_cast<uint8_t>(each.integer("attempts", 1, 1, kAttemptsMax));
    each.finish();
    workflow.steps.push_back(step);
  }
}

/// { objective = "fault_over" }, or a metric with one comparison.
Objective read_objective(TableReader& table) {
  static const std::vector<std::string> kWords = {"fault_over", "effects_over"};
  static const std::vector<std::string> kScopes = {"target", "successor", "cluster"};
  struct Comparison {
    const char* key;
    ObjectiveKind kind;
  };
  static constexpr Comparison kComparisons[] = {
      {"at_most", ObjectiveKind::kAtMost},
      {"at_least", ObjectiveKind::kAtLeast},
      {"at_most_ppm_of_before", ObjectiveKind::kAtMostOfBefore},
      {"at_least_ppm_of_before", ObjectiveKind::kAtLeastOfBefore}};
  Objective objective;
  if (table.has("objective")) {
    if (table.choice("objective", std::nullopt, kWords) == 1)
      objective.kind = ObjectiveKind::kEffectsOver;
    table.finish();
    return objective;
  }
  const auto name = table.text("metric", std::nullopt, 64);
  if (const auto* info = telemetry::find_metric(std::string_view(name))) {
    objective.metric = info->metric;
  } else if (!name.empty()) {
    std::vector<std::string> known;
    for (const auto& one : telemetry::metrics()) known.emplace_back(one.name);
    const auto close = nearest(name, known);
    table.complain("metric", "metric: there is no metric " + in_quotes(name) +
                                 (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
  }
  objective.scope = static_cast<Scope>(1 + table.choice("of", 0, kScopes));
  std::size_t given = 0;
  for (const auto& comparison : kComparisons) {
    if (!table.has(comparison.key)) {
      table.know(comparison.key);
      continue;
    }
    given += 1;
    objective.kind = comparison.kind;
    objective.bound = table.integer(comparison.key, std::nullopt, INT64_MIN, INT64_MAX);
  }
  if (given != 1)
    table.complain("metric",
                   "one of at_most, at_least, at_most_ppm_of_before and at_least_ppm_of_before "
                   "says what it shall be; found " +
                       std::to_string(given));
  table.finish();
  return objective;
}

void read_objectives(TableReader& table, std::string_view key, bool needed,
                     std::vector<Objective>& out) {
  for (auto& each : table.tables(key, needed, kObjectivesMax)) {
    each.set_what("an objective of " + table.what());
    out.push_back(read_objective(each));
  }
}

Workflow read_workflow(TableReader& table, std::set<std::string>& names) {
  Workflow workflow;
  const Workflow usual;
  const auto name = table.name<kNameBytes>("name");
  workflow.name = name.str();
  if (!name.empty()) table.set_what("[[workflow]] " + workflow.name);
  if (!name.empty() && !names.insert(workflow.name).second)
    table.complain("name", "name: the workflow " + in_quotes(name.view()) + " is there twice");
  workflow.action = read_action(table, "action", std::nullopt);
  read_faults(table, workflow.faults);
  workflow.warm_up = table.duration("warm_up", usual.warm_up, {}, kTimeoutMax);
  workflow.settle = table.duration("settle", usual.settle, {}, kTimeoutMax);
  workflow.verify_within = table.duration("verify_within", usual.verify_within, {}, kTimeoutMax);
  workflow.timeout = table.duration("timeout", usual.timeout, Duration::seconds(1), kTimeoutMax);
  read_steps(table, workflow);
  read_objectives(table, "before", false, workflow.before);
  read_objectives(table, "after", true, workflow.after);
  workflow.rollback = table.flag("rollback", usual.rollback);
  workflow.blast_radius_max =
      static_cast<uint32_t>(table.integer("blast_radius_max", usual.blast_radius_max, 1, 512));
  workflow.rate_max = static_cast<uint32_t>(table.integer("rate_max", usual.rate_max, 1, 1'000));
  workflow.rate_window =
      table.duration("rate_window", usual.rate_window, Duration::seconds(1), kDay);
  workflow.cooldown = table.duration("cooldown", usual.cooldown, {}, kTimeoutMax);
  workflow.recurs_within = table.duration("recurs_within", usual.recurs_within, {}, kDay);
  workflow.escalate_to = read_action(table, "escalate_to", usual.escalate_to);
  table.finish();
  return workflow;
}

void read_limits(TableReader& table, Limits& limits) {
  const Limits usual;
  const auto count = [&](std::string_view key, uint32_t otherwise, int64_t most) {
    return static_cast<uint32_t>(table.integer(key, otherwise, 1, most));
  };
  const auto window = [&](std::string_view key, Duration otherwise) {
    return table.duration(key, otherwise, Duration::seconds(1), kDay);
  };
  limits.active_max = count("active_max", usual.active_max, kActiveMax);
  limits.blast_radius_max = count("blast_radius_max", usual.blast_radius_max, 512);
  limits.rate_max = count("rate_max", usual.rate_max, 1'000);
  limits.rate_window = window("rate_window", usual.rate_window);
  limits.reverts_max = count("reverts_max", usual.reverts_max, 100);
  limits.reverts_window = window("reverts_window", usual.reverts_window);
  limits.breaker_open = window("breaker_open", usual.breaker_open);
  limits.advice_within = table.duration("advice_within", usual.advice_within, {}, kTimeoutMax);
  limits.standing_life = window("standing_life", usual.standing_life);
  limits.confidence_min_ppm = static_cast<uint32_t>(
      table.integer("confidence_min_ppm", usual.confidence_min_ppm, 0, 1'000'000));
  limits.remedies_max = count("remedies_max", usual.remedies_max, 100);
  table.finish();
}

}  // namespace

Book load_workflows(const std::string& directory, Problems& problems) {
  Book book;
  const auto file =
      (std::filesystem::path(directory) / "workflows.toml").lexically_normal().string();
  std::error_code error;
  if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found)
    return book;
  Problems own;
  const auto document = open_document(file, own);
  if (document) {
    TableReader root(*document, document->root, "workflows.toml", own);
    if (auto table = root.table("limits")) read_limits(*table, book.limits);
    std::set<std::string> names;
    for (auto& table : root.tables("workflow", false, kWorkflowsMax)) {
      Workflow workflow = read_workflow(table, names);
      // What no single key shows; only where the keys themselves are right.
      if (own.none())
        if (auto valid = validate(workflow); !valid) table.complain("name", valid.error().text);
      if (workflow.blast_radius_max > book.limits.blast_radius_max)
        table.complain("blast_radius_max", "blast_radius_max: wider than [limits] allows, " +
                                               std::to_string(book.limits.blast_radius_max));
      book.workflows.push_back(std::move(workflow));
    }
    root.finish();
  }
  for (auto& problem : own.sorted()) problems.add(std::move(problem));
  return book;
}

}  // namespace holdfast::settings
