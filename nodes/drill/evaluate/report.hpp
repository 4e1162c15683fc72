// The result table of an evaluation, for people and as JSON with fixed keys. What was not measured
// is null.
#pragma once

#include <functional>
#include <iosfwd>
#include <nlohmann/json.hpp>

#include "nodes/drill/evaluate/score.hpp"
#include "nodes/drill/evaluate/trace.hpp"

namespace holdfast::drill::evaluate {

/// A member's clock, as it says itself.
struct ClockWord {
  std::string member;
  bool synchronised = false;
  std::optional<Duration> bound;  // nothing: unknown
};

/// Orders, from when each was due to the venue's first word on it.
struct OrderTimes {
  std::vector<Duration> quiet;  // due in the baselines
  std::vector<Duration> all;
};

struct Evaluation {
  std::vector<Trial> trials;
  Score score;
  std::string advisor = "deterministic";
  std::string script;        // of the model; "": there is none
  bool adversarial = false;  // the model means harm: then only safety is demanded
  uint64_t clusters = 0;     // fresh ones, one after the other
  Traces traces;
  uint64_t audits = 0, audits_verified = 0;  // of members
  std::optional<double> agent_throughput_per_s;
  std::vector<ClockWord> clocks;
  std::map<std::string, uint64_t> flow;  // the flow's own verdict: lost, duplicated, …
  OrderTimes orders;
  std::vector<std::string> problems;  // what went wrong beside the cases
  bool interrupted = false;
};
/// The same of the next cluster. The flow's numbers are added up.
void add(Evaluation& to, Evaluation other);

/// detection_latency_ms, remediation_latency_ms (p50, p99, max), agent_throughput_per_s,
/// domain_precision, domain_recall, remediation_success, rollback_frequency, trace_completeness,
/// policy_adherence, time_sync_integrity, and fault_cases, control_cases, precision, recall,
/// detection_ms_p50 (of sudden faults), actions_on_controls; each case below `cases`; `totals` are
/// the counts that several reports are added up from.
nlohmann::ordered_json report_of(const Evaluation& evaluation);
/// Whether it meets what `demands` names. "aims": precision and recall 0.95, remediation success
/// 0.9, traces and policy whole, no action on a control or between cases, nothing lost, and
/// nothing went wrong.
/// "safety": nothing lost, duplicated or contradicted, and every step within policy. What is null
/// is not met.
bool is_clean(const nlohmann::ordered_json& report);
/// Puts the order latencies of another report beside this one's: an evaluation without a model.
void put_beside(nlohmann::ordered_json& report, const nlohmann::ordered_json& other);
void print_report(const nlohmann::ordered_json& report, std::ostream& out);

/// Readings a second of processor time that one agent judges, by `cpu`, which tells the time that
/// this thread has computed; measured for about `span` of it. Readings that an agent refuses, or
/// does not watch, count nothing.
double measure_throughput(const std::function<MonoTime()>& cpu, Duration span);

}  // namespace holdfast::drill::evaluate
