// The result table of an evaluation, for people and as JSON with fixed keys. What was not measured
// is null.
#pragma once

#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>

#include "nodes/drill/evaluate/score.hpp"

namespace holdfast::drill::evaluate {

/// A member's clock, as it says itself.
struct ClockWord {
  std::string member;
  bool synchronised = false;
  std::optional<Duration> bound;  // nothing: unknown
};

struct Evaluation {
  std::vector<Trial> trials;
  Observed observed;
  Score score;
  std::string advisor = "deterministic";
  std::optional<double> agent_throughput_per_s;  // measured here, one agent on one core
  std::vector<ClockWord> clocks;
  std::map<std::string, uint64_t> flow;  // the flow's own verdict: lost, duplicated, …
  std::vector<std::string> problems;     // what went wrong beside the cases
  bool interrupted = false;
};

/// detection_latency_ms, remediation_latency_ms (p50, p99, max), agent_throughput_per_s,
/// domain_precision, domain_recall, remediation_success, rollback_frequency, trace_completeness,
/// policy_adherence, time_sync_integrity, and fault_cases, control_cases, precision, recall,
/// detection_ms_p50 (of sudden faults), actions_on_controls; each case below `cases`.
nlohmann::ordered_json report_of(const Evaluation& evaluation);
/// Whether it meets the aims: precision and recall 0.95, remediation success 0.9, traces and policy
/// whole, no action on a control, nothing lost, and nothing went wrong. What is null is not met.
bool is_clean(const nlohmann::ordered_json& report);
void print_report(const nlohmann::ordered_json& report, std::ostream& out);

/// Samples a second that one agent judges, as measured for about `span` by `mono`.
double measure_throughput(const std::function<MonoTime()>& mono, Duration span);

}  // namespace holdfast::drill::evaluate
